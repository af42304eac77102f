//! `glovebox admin upload`.

use std::path::PathBuf;

use reqwest::{Method, header};
use serde_json::Value;

use crate::cli::app::read_component;
use crate::cli::failure::{Done, Failure};
use crate::cli::remote::{Remote, step};
use crate::cli::say;

/// Uploads a component. It is checked at once, and waits for an administrator.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  glovebox app build lab-viewer\n  glovebox admin upload lab-viewer.wasm \
    --token-file vendor.token"
)]
pub(crate) struct Arguments {
    /// The component, with its manifest inside
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print the version as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(
    remote: &Remote,
    tenant: &str,
    arguments: &Arguments,
) -> Result<Done, Failure> {
    let (bytes, package) = read_component(&arguments.file)?;
    let path = format!("/apps/{}/versions", step(package.manifest.id.as_str()));
    let request = remote
        .request(Method::POST, &path)
        .query(&[("tenant", tenant)])
        .header(header::CONTENT_TYPE, "application/wasm")
        .body(bytes);
    let version = remote.json(request).await?;
    if arguments.json {
        say::json(&version);
        return Ok(Done::Yes);
    }
    let state = say::plain(
        version
            .get("state")
            .and_then(Value::as_str)
            .unwrap_or("uploaded"),
    );
    let manifest = &package.manifest;
    say::answer(&format!(
        "{} {} is {state} ({})",
        manifest.id,
        manifest.version,
        package.digest.short()
    ));
    if ["checked", "in-review"].contains(&state.as_str()) {
        say::answer(&format!(
            "an administrator decides: glovebox admin approve {} {}",
            manifest.id, manifest.version
        ));
    }
    Ok(Done::Yes)
}
