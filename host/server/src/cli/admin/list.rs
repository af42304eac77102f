//! Lists of apps and sessions.

use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::failure::{Done, Failure};
use crate::cli::remote::Remote;
use crate::cli::say;

/// Lists what there is.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  glovebox admin apps --json\n  glovebox admin sessions")]
pub(crate) struct ListArguments {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn apps(
    remote: &Remote,
    tenant: &str,
    arguments: &ListArguments,
) -> Result<Done, Failure> {
    let answer = remote
        .json(
            remote
                .request(Method::GET, "/apps")
                .query(&[("tenant", tenant)]),
        )
        .await?;
    if arguments.json {
        say::json(&answer);
        return Ok(Done::Yes);
    }
    let rows = items(&answer).iter().map(|version| {
        let text = |name: &str| text(version, name);
        let mut scopes: Vec<String> = version
            .get("scopes")
            .and_then(Value::as_array)
            .map(|scopes| scopes.iter().map(scope_in_words).collect())
            .unwrap_or_default();
        // Two scopes may come to the same sentence.
        scopes.dedup();
        [
            text("app"),
            text("version"),
            text("state"),
            text("publisher"),
            scopes.join(" "),
        ]
    });
    say::table(["app", "version", "state", "publisher", "asks for"], rows);
    Ok(Done::Yes)
}

pub(crate) async fn sessions(
    remote: &Remote,
    tenant: &str,
    arguments: &ListArguments,
) -> Result<Done, Failure> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut query = vec![("tenant", tenant.to_owned())];
        query.extend(after.take().map(|after| ("after", after)));
        let answer = remote
            .json(remote.request(Method::GET, "/sessions").query(&query))
            .await?;
        all.extend(items(&answer).iter().cloned());
        match answer.get("next").and_then(Value::as_str) {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    if arguments.json {
        say::json(&json!({ "items": all, "next": null }));
        return Ok(Done::Yes);
    }
    let rows = all.iter().map(|session| {
        let ended = session.pointer("/ended/reason").and_then(Value::as_str);
        let state = ended.map_or_else(|| "open".to_owned(), |reason| format!("ended: {reason}"));
        let [id, app, user, patient, opened] =
            ["session", "app", "user", "patient", "opened"].map(|name| text(session, name));
        [
            id,
            app,
            user,
            patient,
            opened.chars().take(19).collect(),
            state,
        ]
    });
    say::table(
        ["session", "app", "user", "patient", "opened (UTC)", "state"],
        rows,
    );
    Ok(Done::Yes)
}

pub(super) fn items(answer: &Value) -> &[Value] {
    answer
        .get("items")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

pub(super) fn text(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

/// The sentence of a scope, or the scope itself where there is none.
fn scope_in_words(scope: &Value) -> String {
    let words = scope.get("in_words").and_then(Value::as_str);
    words
        .or_else(|| scope.get("scope").and_then(Value::as_str))
        .unwrap_or_default()
        .to_owned()
}
