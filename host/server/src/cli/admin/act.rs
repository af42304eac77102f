//! Decisions about apps, versions and sessions.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::cli::failure::{Done, Failure};
use crate::cli::remote::{Remote, step};
use crate::cli::say;

/// Lets a version be launched: all that its manifest asks for, or less.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  glovebox admin approve lab-viewer 1.0.0 --reason 'reviewed, ticket 4711' \
    --limit wall_ms_max=1000"
)]
pub(crate) struct ApproveArguments {
    /// App, such as lab-viewer
    app: String,
    /// Version, such as 1.0.0
    version: String,
    /// Why; it stands in the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Allow only these scopes, separated by spaces [default: all that the manifest asks for]
    #[arg(long, value_name = "SCOPES")]
    scopes: Option<String>,
    /// A lower limit; may be given several times
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    limits: Vec<(String, u64)>,
    /// Terms beyond scopes: a JSON file with `projection`, `labels`, `writes`, `budget`
    /// [default: all elements, nothing restricted, writes as drafts]
    #[arg(long, value_name = "FILE")]
    terms: Option<std::path::PathBuf>,
    /// Print the version as JSON
    #[arg(long)]
    json: bool,
}

/// Says no to a version.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  glovebox admin reject lab-viewer 1.1.0 --reason 'asks for more than it shows'"
)]
pub(crate) struct RejectArguments {
    /// App, such as lab-viewer
    app: String,
    /// Version, such as 1.0.0
    version: String,
    /// Why; its vendor reads it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print the version as JSON
    #[arg(long)]
    json: bool,
}

/// Acts on a whole app, or on one version of it.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  glovebox admin quarantine lab-viewer 1.0.0 --reason 'unexpected reads, ticket 4711'\n  \
    glovebox admin release lab-viewer --reason 'cleared'   (by two administrators, one after the other)"
)]
pub(crate) struct WithdrawArguments {
    /// App, such as lab-viewer
    app: String,
    /// Version, such as 1.0.0 [default: all]
    version: Option<String>,
    /// Why; it stands in the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

/// Ends an app session.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  glovebox admin sessions\n  glovebox admin kill SESSION")]
pub(crate) struct KillArguments {
    /// Session, as `glovebox admin sessions` shows it
    session: String,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

fn limit(text: &str) -> Result<(String, u64), String> {
    let parsed = text
        .split_once('=')
        .and_then(|(name, number)| Some((name.to_owned(), number.parse().ok()?)));
    parsed.ok_or_else(|| "write it as NAME=NUMBER, such as wall_ms_max=1000".to_owned())
}

fn address(app: &str, version: Option<&str>, act: &str) -> String {
    match version {
        Some(version) => format!("/apps/{}/versions/{}/{act}", step(app), step(version)),
        None => format!("/apps/{}/{act}", step(app)),
    }
}

/// The terms of an approval as a file says them. The server checks the rest.
fn terms(file: &std::path::Path) -> Result<Map<String, Value>, Failure> {
    const FIELDS: [&str; 4] = ["projection", "labels", "writes", "budget"];
    let text = std::fs::read_to_string(file).map_err(|problem| Failure::file(file, &problem))?;
    let terms: Map<String, Value> = serde_json::from_str(&text)
        .map_err(|problem| Failure::fault(format!("{}: {problem}", file.display())))?;
    match terms.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        None => Ok(terms),
        Some(name) => Err(Failure::fault(format!(
            "{}: `{name}` is none of {}",
            file.display(),
            FIELDS.join(", ")
        ))),
    }
}

pub(crate) async fn approve(
    remote: &Remote,
    tenant: &str,
    arguments: &ApproveArguments,
) -> Result<Done, Failure> {
    let limits: BTreeMap<_, _> = arguments.limits.iter().cloned().collect();
    let mut body = json!({
        "tenant": tenant,
        "reason": arguments.reason,
        "scopes": arguments.scopes,
        "limits": (!limits.is_empty()).then_some(limits),
    });
    if let (Some(file), Some(body)) = (&arguments.terms, body.as_object_mut()) {
        for (name, value) in terms(file)? {
            body.insert(name, value);
        }
    }
    let path = address(&arguments.app, Some(&arguments.version), "approve");
    let version = remote
        .json(remote.request(Method::POST, &path).json(&body))
        .await?;
    decided(&version, arguments.json);
    Ok(Done::Yes)
}

pub(crate) async fn reject(
    remote: &Remote,
    tenant: &str,
    arguments: &RejectArguments,
) -> Result<Done, Failure> {
    let body = json!({ "tenant": tenant, "reason": arguments.reason });
    let path = address(&arguments.app, Some(&arguments.version), "reject");
    let version = remote
        .json(remote.request(Method::POST, &path).json(&body))
        .await?;
    decided(&version, arguments.json);
    Ok(Done::Yes)
}

fn decided(version: &Value, as_json: bool) {
    if as_json {
        return say::json(version);
    }
    let text = |name: &str| say::plain(version.get(name).and_then(Value::as_str).unwrap_or(""));
    say::answer(&format!(
        "{} {} is {}",
        text("app"),
        text("version"),
        text("state")
    ));
}

pub(crate) async fn withdraw(
    remote: &Remote,
    tenant: &str,
    act: &str,
    arguments: &WithdrawArguments,
) -> Result<Done, Failure> {
    let body = json!({ "tenant": tenant, "reason": arguments.reason });
    let path = address(&arguments.app, arguments.version.as_deref(), act);
    let answer = remote
        .json(remote.request(Method::POST, &path).json(&body))
        .await?;
    if arguments.json {
        say::json(&answer);
        return Ok(Done::Yes);
    }
    let app = &arguments.app;
    let number = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or(0);
    let versions: Vec<&str> = answer
        .get("versions")
        .and_then(Value::as_array)
        .map(|versions| versions.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let versions = say::plain(&versions.join(", "));
    match answer.get("state").and_then(Value::as_str) {
        Some("pending") => {
            say::answer(&format!(
                "{app} waits for a second administrator, who gives the same command"
            ));
        }
        Some(state) => say::answer(&format!("{app} {versions} is {}", say::plain(state))),
        None => say::answer(&format!(
            "{act} of {app} {versions} is in force: {} sessions and {} running calls ended, {} ms",
            number("sessions_ended"),
            number("calls_ended"),
            number("took_ms"),
        )),
    }
    Ok(Done::Yes)
}

pub(crate) async fn kill(
    remote: &Remote,
    tenant: &str,
    arguments: &KillArguments,
) -> Result<Done, Failure> {
    let path = format!("/sessions/{}/kill", step(&arguments.session));
    let answer = remote
        .json(
            remote
                .request(Method::POST, &path)
                .query(&[("tenant", tenant)]),
        )
        .await?;
    if arguments.json {
        say::json(&answer);
    } else {
        say::answer(&format!("session {} has ended", arguments.session));
    }
    Ok(Done::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_has_the_address_of_the_version_or_of_the_app() {
        assert_eq!(
            address("a", Some("1.0.0"), "revoke"),
            "/apps/a/versions/1.0.0/revoke"
        );
        assert_eq!(address("a/b", None, "revoke"), "/apps/a%2Fb/revoke");
    }

    #[test]
    fn a_limit_is_a_name_and_a_number() {
        assert_eq!(limit("rows_max=5").unwrap(), ("rows_max".to_owned(), 5));
        assert!(limit("rows_max").is_err() && limit("rows_max=many").is_err());
    }
}
