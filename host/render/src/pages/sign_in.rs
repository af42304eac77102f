//! Sign-in: fields `username`, `password`, `csrf`, `next`.

use glovebox_model::view::Tone;
use maud::{Markup, html};

use crate::parts::{Link, PostForm, alert};
use crate::shell::{Shell, Width, logo};
use crate::text::shown;

/// The sign-in page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignIn {
    /// Where it is posted; `csrf` and, as a hidden field, whatever else must survive.
    pub form: PostForm,
    /// Sent back as `next`: where to go afterwards.
    pub next: String,
    /// What the user typed before.
    pub username: String,
    /// Why the last attempt failed, in one sentence that does not say which half was wrong.
    pub problem: Option<String>,
    /// Where help is to be had, such as the landing page of the demo.
    pub help: Option<Link>,
}

impl SignIn {
    /// Draws the page.
    pub fn page(&self, shell: &Shell) -> Markup {
        let wrong = self.problem.is_some();
        let fields = html! {
            input type="hidden" name="next" value=(self.next);
            @if let Some(problem) = &self.problem {
                div id="sign-in-problem" { (alert(Tone::Danger, &html! { p { (shown(problem)) } })) }
            }
            div class="field" {
                label for="username" { "Username" }
                input type="text" id="username" name="username" value=(shown(&self.username))
                    autocomplete="username" autocapitalize="none" spellcheck="false" required
                    autofocus[self.username.is_empty()]
                    maxlength="200" aria-describedby=[wrong.then_some("sign-in-problem")];
            }
            div class="field" {
                label for="password" { "Password" }
                input type="password" id="password" name="password" autocomplete="current-password"
                    required maxlength="1024" autofocus[!self.username.is_empty()]
                    aria-describedby=[wrong.then_some("sign-in-problem")];
            }
            button type="submit" class="button primary wide" { "Sign in" }
        };
        shell.page("Sign in", Width::Narrow, &html! {
            div class="card sign-in" {
                div class="sign-in-head" {
                    (logo())
                    h1 { "Sign in" }
                    @if !shell.tenant.is_empty() { p class="muted" { "to " (shown(&shell.tenant)) } }
                }
                (self.form.around("stack", &fields))
                @if let Some(help) = &self.help {
                    p class="muted small center" { a href=(help.url) { (shown(&help.label)) } }
                }
            }
            p class="muted small center" { "Only this hospital asks for this password. No app ever does." }
        })
    }
}
