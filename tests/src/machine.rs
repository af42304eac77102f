//! What the machine offers, and what was asked for in the environment.

use std::path::{Path, PathBuf};

/// Whether what takes minutes is left out.
pub fn is_quick() -> bool {
    is_set("GLOVEBOX_QUICK")
}

/// Says aloud that a test was skipped; where nothing may be skipped, that is a failure.
pub fn skip(test: &str, why: &str) {
    println!("SKIPPED {test}: {why}");
    assert!(
        !is_set("GLOVEBOX_NO_SKIPS"),
        "{test} may not be skipped here: {why}"
    );
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| value == "1")
}

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The folder in which this test was built, such as `target/debug`.
pub fn build_dir() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let dir = program.parent().unwrap();
    // Tests stand in `deps`, programs such as the benchmarks beside it.
    match dir.ends_with("deps") {
        true => dir.parent().unwrap().to_owned(),
        false => dir.to_owned(),
    }
}

/// cargo's target folder.
pub fn target_dir() -> PathBuf {
    build_dir().parent().unwrap().to_owned()
}

/// A program on the path.
pub fn program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found =
        std::env::split_paths(&path).flat_map(|dir| names.iter().map(move |name| dir.join(name)));
    found.into_iter().find(|candidate| candidate.is_file())
}
