//! `cargo xtask fuzz`: the fuzz targets under libFuzzer, where a nightly toolchain exists.

use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::say::{self, Step};
use crate::tool;

/// Run the fuzz targets under libFuzzer.
///
/// Needs a nightly toolchain and cargo-fuzz. The same bodies run bounded, over their corpora
/// and random input, on the stable toolchain with every `cargo xtask test`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask fuzz\n  cargo xtask fuzz scope date --seconds 600"
)]
pub(crate) struct Arguments {
    /// How long each target runs
    #[arg(long, default_value_t = 60, value_name = "N")]
    seconds: u32,
    /// Which targets [default: all]
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

/// Runs the targets one after the other; the first that fails ends it.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    ensure_tools()?;
    let known = targets()?;
    if let Some(unknown) = arguments.targets.iter().find(|name| !known.contains(name)) {
        bail!(
            "there is no fuzz target `{unknown}`; known are: {}",
            known.join(", ")
        );
    }
    let chosen = known
        .iter()
        .filter(|name| arguments.targets.is_empty() || arguments.targets.contains(name));
    for name in chosen {
        let step = Step::loud(&format!("fuzzing {name} for {} s", arguments.seconds));
        let mut fuzz = Command::new("cargo");
        fuzz.current_dir(tool::repository()?)
            .stdin(Stdio::null())
            .args(["+nightly", "fuzz", "run", name, "--"])
            .arg(format!("-max_total_time={}", arguments.seconds))
            .arg("-rss_limit_mb=4096");
        tool::run(
            &mut fuzz,
            "the input that broke it is named above; add it to the corpus in the crate's own tests",
        )?;
        step.done();
    }
    say::answer("no target broke");
    Ok(())
}

fn ensure_tools() -> anyhow::Result<()> {
    let toolchains = tool::output(Command::new("rustup").args(["toolchain", "list"]))?;
    if !toolchains.unwrap_or_default().contains("nightly") {
        bail!(
            "libFuzzer needs a nightly toolchain: `rustup toolchain install nightly`; without one, \
             `cargo xtask test` runs the same checks bounded"
        );
    }
    if tool::find(&["cargo-fuzz", "cargo-fuzz.exe"]).is_none() {
        bail!("cargo-fuzz is not on the path: `cargo install --locked cargo-fuzz`");
    }
    Ok(())
}

/// The names of the files in fuzz/fuzz_targets.
fn targets() -> anyhow::Result<Vec<String>> {
    let dir = tool::repository()?.join("fuzz").join("fuzz_targets");
    let entries = std::fs::read_dir(&dir).with_context(|| dir.display().to_string())?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".rs").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_fuzz_target_is_built_by_its_manifest() {
        let manifest = crate::tool::repository().unwrap().join("fuzz/Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).unwrap();
        for name in super::targets().unwrap() {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        }
    }
}
