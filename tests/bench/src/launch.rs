//! `launch`: from the click on an app in the chart to the first byte of its first screen,
//! against the same three requests to handlers that do nothing.

use anyhow::{Context as _, ensure};
use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};
use glovebox_tests::html::Form;
use glovebox_tests::{Browser, TestHost};
use reqwest::Method;
use tokio::time::Instant;

use crate::measure::{Pair, Plan, Row, interleave, micros};

const PLAN: Plan = Plan {
    blocks: 100,
    block: 2,
    warm_up: 5,
};

struct Launch {
    browser: Browser,
    form: Form,
    floor: Browser,
    // the server lives as long as it is asked
    _host: TestHost,
}

impl Pair for Launch {
    async fn ours(&mut self) -> anyhow::Result<f64> {
        let start = Instant::now();
        let answer = self.browser.send_form(&self.form).await;
        // The handle is presented, and then the screen is shown.
        let handle = answer.location().context("no handle")?.to_owned();
        let answer = self.browser.send(Method::GET, &handle, &[], &[]).await;
        let to = answer.location().context("no session")?.to_owned();
        let page = self.browser.send(Method::GET, &to, &[], &[]).await;
        let taken = micros(start);
        ensure!(page.status.is_success(), "{}", page.status);
        ensure!(to.starts_with("/chart/sessions/"), "{to} is no session");
        // The record of what was seen is not to grow with the samples.
        self.browser.seen.clear();
        Ok(taken)
    }

    async fn floor(&mut self) -> anyhow::Result<f64> {
        let start = Instant::now();
        let answer = self.floor.send(Method::POST, "/", &[], &[]).await;
        let handle = answer.location().context("no way on")?.to_owned();
        let answer = self.floor.send(Method::GET, &handle, &[], &[]).await;
        let to = answer.location().context("no way on")?.to_owned();
        let page = self.floor.send(Method::GET, &to, &[], &[]).await;
        let taken = micros(start);
        ensure!(page.status.is_success(), "{}", page.status);
        self.floor.seen.clear();
        Ok(taken)
    }
}

pub(crate) async fn measure() -> anyhow::Result<Row> {
    let host = TestHost::fresh().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let floor = Browser::new(&format!("http://{}", listener.local_addr()?));
    let router = Router::new()
        .route("/", post(|| async { Redirect::to("/handle") }))
        .route("/handle", get(|| async { Redirect::to("/screen") }))
        .route("/screen", get(|| async { "" }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut browser = host.signed_in("dr.rivera").await;
    let page = browser.open_patient("main", "anna-rossi").await;
    let mut pair = Launch {
        form: page.launcher("lab-viewer"),
        browser,
        floor,
        _host: host,
    };
    interleave("launch", "us", PLAN, &mut pair).await
}
