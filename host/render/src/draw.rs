//! A view document becomes HTML. The app describes, the host draws: headings, tables,
//! charts and forms are ours, with our labels, our focus order and our addresses.
//!
//! Every form posts to [`Frame::event_url`] with `csrf`, `seq`, the id of the pressed
//! action as `action`, and the app's own values as `v.<name>`, so that no field of an app
//! can stand for one of ours.

mod cell;
mod field;
mod figure;
mod other;
mod table;

use glovebox_model::view::{Action, Form, Node, NodeId, Tone, ValidDocument};
use maud::{Markup, html};

use crate::parts::{Csrf, alert, tone_class};
use crate::text::shown;

use self::table::table;

/// What a document is drawn into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Where events of this document go.
    pub event_url: String,
    /// Sent back as `csrf`.
    pub csrf: Csrf,
    /// Sequence number of this document, sent back as `seq`.
    pub seq: u64,
    /// What the user had typed, when the submission was refused before the app saw it.
    pub entered: Option<Entered>,
}

/// A refused submission, so that nobody types anything twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entered {
    /// The action that was pressed.
    pub action: String,
    /// Field names (without prefix) and values as typed.
    pub values: Vec<(String, String)>,
    /// What was wrong, shown above the form.
    pub problem: String,
}

/// Prefix of the app's own field names in a form.
pub(crate) const VALUE_PREFIX: &str = "v.";

/// Draws a document below an `h1` with its title.
pub fn draw(document: &ValidDocument, frame: &Frame) -> Markup {
    let pen = Pen {
        document,
        frame,
        beside: false,
    };
    let content = document.document();
    html! {
        article class="doc" aria-labelledby="doc-title" {
            h1 id="doc-title" dir="auto" { (shown(&content.title)) }
            (pen.children(&content.root, 1))
        }
    }
}

/// What is needed while drawing.
pub(crate) struct Pen<'a> {
    document: &'a ValidDocument,
    frame: &'a Frame,
    /// Inside columns, where a chart of full width would shrink its own texts.
    beside: bool,
}

impl Pen<'_> {
    /// Recursion is bounded: a valid document is at most
    /// [`glovebox_model::view::DEPTH_MAX`] deep.
    fn children(&self, ids: &[NodeId], depth: u8) -> Markup {
        html! { @for id in ids { @if let Some(node) = self.document.node(*id) { (self.node(*id, node, depth)) } } }
    }

    fn node(&self, id: NodeId, node: &Node, depth: u8) -> Markup {
        match node {
            Node::Heading(text) => heading(depth, None, text),
            Node::Paragraph(text) => html! { p class="text" dir="auto" { (shown(text)) } },
            Node::Facts(facts) => self.facts(facts),
            Node::Table(content) => table(self, id, content),
            Node::Chart(chart) => figure::figure(id, chart, depth, self.beside),
            Node::Alert(tone, text) => alert(*tone, &html! { p dir="auto" { (shown(text)) } }),
            Node::Actions(actions) => self.event_form(
                "buttons",
                &html! {
                    @for action in actions { (button(action, "")) }
                },
            ),
            Node::Form(form) => self.form(id, form),
            Node::Section(title, children) => {
                let title_id = format!("s{id}");
                html! {
                    section class="doc-section" aria-labelledby=(title_id) {
                        (heading(depth, Some(&title_id), title))
                        (self.children(children, depth.saturating_add(1)))
                    }
                }
            }
            Node::Columns(children) => {
                let beside = Pen {
                    document: self.document,
                    frame: self.frame,
                    beside: children.len() > 1,
                };
                html! {
                    div class="columns" { @for child in children { div { (beside.children(&[*child], depth)) } } }
                }
            }
            Node::Details(summary, children) => html! {
                details class="fold" {
                    summary dir="auto" { (shown(summary)) }
                    div { (self.children(children, depth)) }
                }
            },
            Node::Divider => html! { hr; },
            Node::Other(json) => {
                html! { p class="text" dir="auto" { (shown(&other::fallback(json))) } }
            }
        }
    }

    fn facts(&self, facts: &[(String, glovebox_model::view::Cell)]) -> Markup {
        let list = html! {
            dl class="facts" {
                @for (label, value) in facts {
                    div { dt dir="auto" { (shown(label)) } dd { (cell::cell(value)) } }
                }
            }
        };
        if facts.iter().any(|(_, value)| cell::is_action(value)) {
            self.event_form("", &list)
        } else {
            list
        }
    }

    fn form(&self, id: NodeId, form: &Form) -> Markup {
        let entered = self
            .frame
            .entered
            .as_ref()
            .filter(|entered| entered.action == form.submit.id);
        // A filter of one or two controls stands in a line with its button.
        let slim =
            entered.is_none() && form.fields.len() <= 2 && form.fields.iter().all(field::is_slim);
        self.event_form(
            if slim { "doc-form slim" } else { "doc-form" },
            &html! {
                @if let Some(entered) = entered {
                    (alert(Tone::Danger, &html! { p { (shown(&entered.problem)) } }))
                }
                @for (index, item) in form.fields.iter().enumerate() {
                    (field::field(&format!("f{id}-{index}"), item, entered))
                }
                div class="buttons" { (button(&form.submit, "primary")) }
            },
        )
    }

    /// A form that sends an event. One form may hold many buttons: only the pressed one is
    /// sent, so a table with an action in every row needs one form and not a thousand.
    fn event_form(&self, class: &str, body: &Markup) -> Markup {
        html! {
            form method="post" action=(self.frame.event_url) class=[(!class.is_empty()).then_some(class)] {
                input type="hidden" name="csrf" value=(self.frame.csrf.0);
                input type="hidden" name="seq" value=(self.frame.seq);
                (body)
            }
        }
    }
}

/// A button that sends its action's id. `emphasis` is how it looks when its tone says
/// nothing.
fn button(action: &Action, emphasis: &str) -> Markup {
    let look = match (action.tone, emphasis) {
        (Tone::Neutral, "") => "button".to_owned(),
        (Tone::Neutral, emphasis) => format!("button {emphasis}"),
        (Tone::Good, "small") => "button small primary".to_owned(),
        (Tone::Good, _) => "button primary".to_owned(),
        (tone, "small") => format!("button small {}", tone_class(tone)),
        (tone, _) => format!("button {}", tone_class(tone)),
    };
    html! {
        button type="submit" name="action" value=(action.id) class=(look) { (shown(&action.label)) }
    }
}

/// The document has the `h1`; what is nested deeper gets a lower level, to `h6`.
fn heading(depth: u8, id: Option<&str>, text: &str) -> Markup {
    let text = shown(text);
    match depth {
        0 | 1 => html! { h2 id=[id] dir="auto" { (text) } },
        2 => html! { h3 id=[id] dir="auto" { (text) } },
        3 => html! { h4 id=[id] dir="auto" { (text) } },
        4 => html! { h5 id=[id] dir="auto" { (text) } },
        _ => html! { h6 id=[id] dir="auto" { (text) } },
    }
}

#[cfg(test)]
mod tests;
