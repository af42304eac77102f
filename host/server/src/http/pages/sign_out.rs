//! Signing out.

use axum::Form;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum_extra::extract::cookie::CookieJar;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use serde::Deserialize;

use super::sign_in::see_other;
use crate::http::App;
use crate::http::identity::{SESSION_COOKIE, SignedIn, cookie, cookie_name};
use crate::http::page::{PageError, PageResult};

/// The form.
#[derive(Deserialize)]
pub struct SignOutForm {
    csrf: String,
}

/// `POST /sign-out`.
pub async fn post(
    State(app): State<App>,
    who: SignedIn,
    jar: CookieJar,
    Form(form): Form<SignOutForm>,
) -> PageResult {
    who.check_csrf(&form.csrf)?;
    if let Some(cookie) = jar.get(&cookie_name(&app, SESSION_COOKIE)) {
        app.authorization
            .browser_sessions
            .delete(cookie.value())
            .await?;
    }
    let subject = Subject {
        tenant: who.0.user.tenants.first().cloned(),
        user: Some(who.0.user.id.clone()),
        ..Subject::default()
    };
    let event = Event::new(Kind::SignOut, "sign-out", subject, Outcome::Ok);
    app.ledger
        .append_durable(event)
        .await
        .map_err(|problem| PageError::internal(&problem))?;
    let gone = cookie(&app, SESSION_COOKIE, String::new());
    Ok((jar.remove(gone), see_other("/sign-in")).into_response())
}
