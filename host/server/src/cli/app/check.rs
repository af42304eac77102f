//! `glovebox app check`.

use std::path::PathBuf;

use glovebox_model::manifest::Manifest;
use glovebox_policy::sentence;
use glovebox_runtime::{Preparer, RuntimeSettings};
use serde_json::{Value, json};

use crate::cli::app::read_component;
use crate::cli::failure::{Done, Failure};
use crate::cli::say;

/// Checks a component as an upload would, without a server: its manifest, what it imports,
/// what it asks to see. Exit code 2 if it would be refused.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  glovebox app check target/guests/lab-viewer.wasm")]
pub(crate) struct Arguments {
    /// The component
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Done, Failure> {
    let (bytes, package) = read_component(&arguments.file)?;
    // One instance is prepared and none is run: no pool is needed for that.
    let settings = RuntimeSettings {
        concurrent_calls_max: 1,
        pooling: false,
        ..RuntimeSettings::default()
    };
    let preparer =
        Preparer::new(settings, None).map_err(|problem| Failure::fault(problem.to_string()))?;
    let prepared = preparer.prepare(&bytes).await;
    let refused = |why: String| Failure::fault(format!("{}: {why}", arguments.file.display()));
    let prepared = prepared.map_err(|problem| refused(problem.to_string()))?;
    let names: Vec<String> = prepared
        .imports()
        .iter()
        .map(|import| import.name.clone())
        .collect();
    if let Some(finding) = glovebox_registry::check_imports(&package.manifest, &names).err() {
        return Err(refused(finding.to_string()));
    }
    let manifest = &package.manifest;
    if arguments.json {
        let imports: Vec<Value> = prepared
            .imports()
            .iter()
            .map(|import| json!({ "name": import.name, "in_words": import.words }))
            .collect();
        say::json(&json!({
            "accepted": true,
            "app": manifest.id.to_string(),
            "version": manifest.version.to_string(),
            "name": manifest.name,
            "publisher": manifest.publisher.to_string(),
            "digest": package.digest.to_string(),
            "bytes": bytes.len(),
            "imports": imports,
            "scopes": scopes(manifest).map(|[scope, words, why]| json!({ "scope": scope, "in_words": words, "why": why }))
                .collect::<Vec<_>>(),
        }));
        return Ok(Done::Yes);
    }
    say::answer(&format!(
        "{} ({} {}) by {}",
        manifest.name, manifest.id, manifest.version, manifest.publisher_name
    ));
    say::answer(&format!("{}\n", manifest.purpose));
    say::answer(&format!("  category  {}", manifest.category));
    say::answer(&format!("  security  {}", manifest.security_contact));
    say::answer(&format!("  size      {} bytes", bytes.len()));
    say::answer(&format!("  sha256    {}\n", package.digest));
    let imports = prepared.imports().iter().map(|import| {
        let words = if import.words.is_empty() {
            "types only"
        } else {
            import.words
        };
        [import.name.clone(), words.to_owned()]
    });
    say::table(["imports", "which lets it"], imports);
    say::answer("");
    say::table(["asks for", "which means", "because"], scopes(manifest));
    say::answer("\nAn upload of it is accepted.");
    Ok(Done::Yes)
}

fn scopes(manifest: &Manifest) -> impl Iterator<Item = [String; 3]> {
    manifest.scopes.iter().map(|justified| {
        [
            justified.scope.to_string(),
            sentence(&justified.scope).unwrap_or_default(),
            justified.why.clone(),
        ]
    })
}
