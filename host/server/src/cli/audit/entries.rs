//! `glovebox audit tail` and `glovebox audit search`.

use serde_json::{Value, json};

use super::source::{FilterArguments, SourceArguments};
use crate::cli::failure::{Done, Failure};
use crate::cli::say;

/// Prints the latest entries, the newest last.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  glovebox audit tail --server http://127.0.0.1:8080 --token-file admin.token"
)]
pub(crate) struct TailArguments {
    #[command(flatten)]
    source: SourceArguments,
    #[command(flatten)]
    filter: FilterArguments,
    /// How many entries
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

/// Prints the entries that match, the newest first. Exit code 1 if there are none.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  glovebox audit search --app lab-viewer --patient anna-rossi --from 2026-01-01 \
    --data glovebox-data"
)]
pub(crate) struct SearchArguments {
    #[command(flatten)]
    source: SourceArguments,
    #[command(flatten)]
    filter: FilterArguments,
    /// How many entries at most
    #[arg(long, value_name = "N", default_value_t = 200)]
    limit: usize,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn tail(arguments: TailArguments) -> Result<Done, Failure> {
    let mut lines = collect(&arguments.source, &arguments.filter, arguments.limit).await?;
    lines.reverse();
    print(&lines, arguments.json);
    Ok(Done::Yes)
}

pub(crate) async fn search(arguments: SearchArguments) -> Result<Done, Failure> {
    let lines = collect(&arguments.source, &arguments.filter, arguments.limit).await?;
    print(&lines, arguments.json);
    if lines.is_empty() {
        say::note("no entry matches");
        return Ok(Done::No);
    }
    if lines.len() == arguments.limit {
        say::note(&format!(
            "these are the newest {}: --limit shows more",
            arguments.limit
        ));
    }
    Ok(Done::Yes)
}

async fn collect(
    source: &SourceArguments,
    filter: &FilterArguments,
    limit: usize,
) -> Result<Vec<String>, Failure> {
    let mut pages = source.pages(filter, limit).await?;
    let mut lines = Vec::new();
    let read = loop {
        match pages.next().await {
            Ok(page) if page.is_empty() => break Ok(()),
            Ok(page) => lines.extend(page),
            Err(failure) => break Err(failure),
        }
    };
    pages
        .close(u64::try_from(lines.len()).unwrap_or(u64::MAX))
        .await?;
    read.map(|()| lines)
}

fn print(lines: &[String], as_json: bool) {
    let entries = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or(Value::Null));
    if as_json {
        let items: Vec<Value> = entries.collect();
        return say::json(&json!({ "items": items, "next": null }));
    }
    if lines.is_empty() {
        return;
    }
    let rows = entries.map(|entry| {
        let text = |name: &str| {
            entry
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or("")
                .to_owned()
        };
        let seq = entry
            .get("seq")
            .map(ToString::to_string)
            .unwrap_or_default();
        let at = text("at")
            .chars()
            .take(19)
            .collect::<String>()
            .replace('T', " ");
        let kind = format!("{} {}", text("kind"), text("action"));
        [
            seq,
            at,
            kind,
            text("outcome"),
            text("app"),
            text("user"),
            text("patient"),
        ]
    });
    say::table(
        [
            "seq",
            "time (UTC)",
            "what",
            "outcome",
            "app",
            "user",
            "patient",
        ],
        rows,
    );
}
