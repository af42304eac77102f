//! The sample apps as components.

use std::path::PathBuf;
use std::sync::OnceLock;

use glovebox_package::cargo_build;

use crate::machine;

/// The folder that holds them. They are built once if any of them is missing; `cargo xtask
/// test` builds them afresh before it runs the tests.
pub fn dir() -> PathBuf {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        let out = machine::target_dir().join("guests");
        let dirs = cargo_build::app_dirs(&machine::repository().join("sample-apps")).unwrap();
        let is_built = |dir: &PathBuf| {
            let name = dir.file_name().unwrap().to_string_lossy().into_owned();
            out.join(format!("{name}.wasm")).is_file()
        };
        if !dirs.iter().all(is_built) {
            println!("building the sample apps into {}", out.display());
            cargo_build::build_apps(&dirs, &out, &mut |_| {})
                .unwrap_or_else(|problem| panic!("the sample apps cannot be built: {problem}"));
        }
        out
    })
    .clone()
}

/// The bytes of one of them.
pub fn component(app: &str) -> Vec<u8> {
    std::fs::read(dir().join(format!("{app}.wasm"))).unwrap()
}
