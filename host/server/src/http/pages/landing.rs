//! The start page.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::cookie::CookieJar;
use glovebox_render::Link;
use glovebox_render::pages::{Landing, Person};

use crate::demo::PEOPLE;
use crate::http::App;
use crate::http::identity::browser_session;
use crate::http::page::{PageResult, html, public_shell};

/// `GET /`.
pub async fn get(State(app): State<App>, jar: CookieJar) -> PageResult {
    let start = match browser_session(&app, &jar).await? {
        Some(_) => Link::new("Open the chart", "/chart"),
        None => Link::new("Sign in", "/sign-in"),
    };
    let is_demo = app.settings.data_dir.join("demo.json").exists();
    let people = PEOPLE.iter().filter(|_| is_demo).map(|person| Person {
        username: person.username.to_owned(),
        role: person.role_words.to_owned(),
        can: person.can.to_owned(),
    });
    let page = Landing {
        start,
        people: people.collect(),
        passwords_at: is_demo.then(|| {
            app.settings
                .data_dir
                .join("demo.json")
                .display()
                .to_string()
        }),
        links: Vec::new(),
    };
    let response: Response = html(page.page(&public_shell("Glovebox"))).into_response();
    Ok(response)
}
