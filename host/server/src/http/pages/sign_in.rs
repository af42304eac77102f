//! Signing in with name and password.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use glovebox_authorization::csrf;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_render::pages;
use glovebox_render::{Csrf, PostForm};
use serde::Deserialize;

use crate::http::App;
use crate::http::identity::{SESSION_COOKIE, VISITOR_COOKIE, cookie, cookie_name, visitor_key};
use crate::http::page::{PageError, PageResult, html, public_shell};

const PURPOSE: &str = "sign-in";

/// Where to go afterwards.
#[derive(Deserialize)]
pub struct After {
    next: Option<String>,
}

/// The form.
#[derive(Deserialize)]
pub struct SignInForm {
    username: String,
    password: String,
    csrf: String,
    #[serde(default)]
    next: String,
}

/// `GET /sign-in`.
pub async fn get(State(app): State<App>, jar: CookieJar, Query(after): Query<After>) -> PageResult {
    let next = own_address(after.next.as_deref().unwrap_or_default());
    page(&app, jar, next, "", None, StatusCode::OK)
}

/// `POST /sign-in`.
pub async fn post(
    State(app): State<App>,
    jar: CookieJar,
    Form(form): Form<SignInForm>,
) -> PageResult {
    let next = own_address(&form.next);
    if !visitor_key(&app, &jar).is_some_and(|key| key.accepts(PURPOSE, &form.csrf)) {
        let problem = "This page was open for too long. Please sign in again.";
        return page(
            &app,
            jar,
            next,
            &form.username,
            Some(problem),
            StatusCode::FORBIDDEN,
        );
    }
    let now = app.clock.now();
    let users = &app.authorization.users;
    let (outcome, problem) = match users
        .verify_password(None, &form.username, &form.password, now)
        .await?
    {
        glovebox_authorization::SignIn::Ok(user) => {
            record(&app, &form.username, Outcome::Ok).await?;
            let replaced = jar
                .get(&cookie_name(&app, SESSION_COOKIE))
                .map(|cookie| cookie.value().to_owned());
            let sessions = &app.authorization.browser_sessions;
            let session = sessions.create(&user.id, replaced.as_deref(), now).await?;
            let cookie = cookie(&app, SESSION_COOKIE, session.text.expose().to_owned());
            let home = if next.is_empty() {
                home(&user.roles)
            } else {
                next
            };
            return Ok((jar.add(cookie), see_other(&home)).into_response());
        }
        glovebox_authorization::SignIn::Refused => (
            Outcome::Denied("credentials".to_owned()),
            "The name or the password is not right.".to_owned(),
        ),
        glovebox_authorization::SignIn::LockedUntil(until) => (
            Outcome::Denied("locked".to_owned()),
            format!(
                "There were too many attempts with this name. Try again in {} seconds.",
                until.since(now).as_secs().max(1)
            ),
        ),
    };
    record(&app, &form.username, outcome).await?;
    page(
        &app,
        jar,
        next,
        &form.username,
        Some(&problem),
        StatusCode::UNAUTHORIZED,
    )
}

/// Sign-ins stand in the ledger, on disk, before they are answered. What was typed is kept
/// only if it is a name: people type passwords into the wrong field.
async fn record(app: &App, username: &str, outcome: Outcome) -> Result<(), PageError> {
    let known = match username.parse() {
        Ok(id) => app.authorization.users.get(&id).await?,
        Err(_) => None,
    };
    // No tenant is chosen yet: the entry is found where the person belongs first.
    let home = known.as_ref().and_then(|user| user.tenants.first());
    let subject = Subject {
        tenant: home.cloned(),
        user: known.map(|user| user.id),
        ..Subject::default()
    };
    let event = Event::new(Kind::SignIn, "password", subject, outcome);
    let recorded = app.ledger.append_durable(event).await;
    recorded
        .map(|_| ())
        .map_err(|problem| PageError::internal(&problem))
}

fn page(
    app: &App,
    jar: CookieJar,
    next: String,
    username: &str,
    problem: Option<&str>,
    status: StatusCode,
) -> PageResult {
    let (jar, key) = match visitor_key(app, &jar) {
        Some(key) => (jar, key),
        None => {
            let visitor = csrf::visitor_cookie()?;
            let text = visitor.text.expose().to_owned();
            let key = csrf::CsrfKey::of_cookie(&text);
            (jar.add(cookie(app, VISITOR_COOKIE, text)), key)
        }
    };
    let csrf = Csrf(key.token(PURPOSE).expose().to_owned());
    let page = pages::SignIn {
        form: PostForm::new("/sign-in", &csrf),
        next,
        username: username.chars().take(64).collect(),
        problem: problem.map(str::to_owned),
        help: None,
    };
    let response: Response =
        (status, jar, html(page.page(&public_shell("Glovebox")))).into_response();
    Ok(response)
}

/// Where each role starts.
fn home(roles: &[glovebox_model::Role]) -> String {
    use glovebox_model::Role;
    let first = [
        (Role::Clinician, "/chart"),
        (Role::Administrator, "/admin/apps"),
        (Role::PrivacyOfficer, "/admin/audit"),
        (Role::Patient, "/account/apps"),
        (Role::Proxy, "/account/apps"),
    ]
    .into_iter()
    .find(|(role, _)| roles.contains(role));
    first.map_or("/", |(_, address)| address).to_owned()
}

/// An address on this server, or nothing: `next` must not lead anywhere else.
fn own_address(next: &str) -> String {
    let fine = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= 2_000
        && !next.contains('\\')
        && !next.chars().any(char::is_control);
    if fine { next.to_owned() } else { String::new() }
}

/// 303: the browser goes on with GET.
pub(super) fn see_other(address: &str) -> Redirect {
    Redirect::to(address)
}

#[cfg(test)]
mod tests {
    use super::own_address;

    #[test]
    fn after_signing_in_nobody_is_led_elsewhere() {
        assert_eq!(own_address("/chart?tenant=main"), "/chart?tenant=main");
        for elsewhere in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/a\r\nb",
            "javascript:alert(1)",
        ] {
            assert_eq!(own_address(elsewhere), "", "{elsewhere}");
        }
    }
}
