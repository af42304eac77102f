//! `glovebox fhir import`.

use std::path::{Path, PathBuf};

use glovebox_gateway::ImportReport;
use serde_json::json;

use super::source::{Reading, Source};
use super::target::{Target, TargetArguments};
use crate::cli::failure::{Done, Failure};
use crate::cli::say;

/// Refused entries that a table shows; `--json` shows all.
const SHOWN_MAX: usize = 50;

/// Imports Bundles (transaction, batch, collection), single resources (.json) and NDJSON
/// (.ndjson), also gzipped (.gz). Each resource is put as given: its id is kept, urn:uuid
/// references are resolved, an equal one is no change, and one with the same id and other
/// content is refused unless --update. Exit code 1 if anything was refused.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  glovebox fhir import --data glovebox-data --tenant main bundle.json\n  \
    glovebox fhir import --server http://127.0.0.1:8080 --token-file admin.token Patient.ndjson.gz"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: TargetArguments,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Files to import, in this order
    #[arg(required = true, value_name = "FILES")]
    files: Vec<PathBuf>,
}

/// Something that was refused, and where it stood.
struct Refused {
    file: String,
    place: String,
    why: String,
}

#[derive(Default)]
struct Summary {
    done: ImportReport,
    refused: Vec<Refused>,
}

/// Imports every file. All are looked at before the first is imported.
pub(crate) async fn run(arguments: Arguments) -> Result<Done, Failure> {
    let sources = arguments
        .files
        .iter()
        .map(|file| Source::new(file))
        .collect::<Result<Vec<_>, _>>()?;
    let target = arguments.target.open().await?;
    let mut summary = Summary::default();
    let mut failure = None;
    for source in &sources {
        if let Err(problem) = import(source, &target, &mut summary).await {
            failure = Some(problem);
            break;
        }
    }
    target.close().await;
    match failure {
        Some(failure) => {
            let kept = summary.done.created + summary.done.updated;
            if kept > 0 {
                say::note(&format!(
                    "{kept} resources were imported before this and are kept; importing again is safe"
                ));
            }
            Err(failure)
        }
        None => Ok(report(&summary, arguments.json)),
    }
}

async fn import(source: &Source, target: &Target, summary: &mut Summary) -> Result<(), Failure> {
    let mut reading = tokio::task::block_in_place(|| source.open())?;
    let bar = reading.bar.clone();
    let imported = chunks(&mut reading, &source.path, target, summary).await;
    bar.finish_and_clear();
    imported
}

async fn chunks(
    reading: &mut Reading,
    path: &Path,
    target: &Target,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let file = path.display().to_string();
    while let Some(chunk) = tokio::task::block_in_place(|| reading.chunk())? {
        let refused = chunk.refused.into_iter();
        summary.refused.extend(refused.map(|entry| Refused {
            file: file.clone(),
            place: entry.place,
            why: entry.why,
        }));
        if chunk.resources.is_empty() {
            continue;
        }
        let mut part = target.put(chunk.resources).await?;
        let refused = std::mem::take(&mut part.refused).into_iter();
        summary.refused.extend(refused.map(|entry| Refused {
            file: file.clone(),
            place: entry.reference,
            why: entry.why,
        }));
        summary.done.add(part);
    }
    Ok(())
}

fn report(summary: &Summary, as_json: bool) -> Done {
    let Summary { done, refused } = summary;
    if as_json {
        let refused: Vec<_> = refused
            .iter()
            .map(|r| json!({ "file": r.file, "reference": r.place, "why": r.why }))
            .collect();
        say::json(&json!({
            "created": done.created,
            "updated": done.updated,
            "unchanged": done.unchanged,
            "refused": refused,
        }));
    } else {
        let counts = [done.created, done.updated, done.unchanged, refused.len()]
            .map(|count| count.to_string());
        say::table(["created", "updated", "unchanged", "refused"], [counts]);
        if !refused.is_empty() {
            say::answer("");
            let rows = refused.iter().take(SHOWN_MAX);
            say::table(
                ["file", "entry", "why"],
                rows.map(|r| [r.file.clone(), r.place.clone(), r.why.clone()]),
            );
        }
        if refused.len() > SHOWN_MAX {
            say::answer(&format!(
                "and {} more: --json shows all",
                refused.len() - SHOWN_MAX
            ));
        }
    }
    if refused.is_empty() {
        Done::Yes
    } else {
        Done::No
    }
}
