//! `glovebox app build`.

use std::path::PathBuf;

use glovebox_package::cargo_build::{Step, build_app};
use indicatif::ProgressBar;

use crate::cli::failure::{Done, Failure};
use crate::cli::say;

/// Builds the crate in DIR for WebAssembly, makes a component of it and embeds its
/// manifest, glovebox-app.toml.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  glovebox app build my-app --out my-app.wasm")]
pub(crate) struct Arguments {
    /// Folder of the app: Cargo.toml and glovebox-app.toml
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// File to write [default: the folder's name and .wasm, here]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Done, Failure> {
    let dir = arguments
        .dir
        .canonicalize()
        .map_err(|problem| Failure::file(&arguments.dir, &problem))?;
    let out = arguments.out.clone().unwrap_or_else(|| {
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        PathBuf::from(format!("{name}.wasm"))
    });
    let spinner = ProgressBar::new_spinner().with_message("building");
    let built = build_app(&dir, &out, &mut |step| {
        if let Step::Compiled(name) = step {
            spinner.set_message(format!("compiled {name}"));
            spinner.tick();
        }
    });
    spinner.finish_and_clear();
    let built = built?;
    say::answer(&format!(
        "{} {}: {} bytes, sha256 {}, {}",
        built.manifest.id,
        built.manifest.version,
        built.bytes,
        built.digest.short(),
        built.path.display()
    ));
    Ok(Done::Yes)
}
