use std::path::PathBuf;

use super::*;

fn sample_apps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-apps")
}

#[test]
fn the_sample_apps_become_components_that_import_nothing_but_glovebox() {
    let out = tempfile::tempdir().unwrap();
    let apps = app_dirs(&sample_apps()).unwrap();
    assert!(apps.len() >= 4);
    let mut packaged = Vec::new();
    let built = build_apps(&apps, out.path(), &mut |step| {
        if let Step::Packaged(built) = step {
            packaged.push(built.manifest.id.to_string());
        }
    })
    .unwrap_or_else(|problem| panic!("{problem}"));
    assert_eq!(packaged.len(), apps.len());
    for built in built {
        let bytes = fs::read(&built.path).unwrap();
        let package = crate::read(&bytes).unwrap();
        assert_eq!(package.digest, built.digest);
        assert_eq!(package.manifest, built.manifest);
        for import in &package.imports {
            assert!(import.starts_with("glovebox:"), "{import}");
            assert!(!import.starts_with("glovebox:fhir/write"), "{import}");
        }
        assert!(bytes.len() < 256 << 10, "{} bytes", bytes.len());
        wasmparser::Validator::new().validate_all(&bytes).unwrap();
        assert!(exports(&bytes).contains(&"glovebox:app/screen@0.1.0".to_owned()));
    }
}

fn exports(component: &[u8]) -> Vec<String> {
    let decoded = wit_component::decode(component).unwrap();
    let wit_component::DecodedWasm::Component(resolve, world) = decoded else {
        panic!("not a component")
    };
    resolve.worlds[world]
        .exports
        .keys()
        .map(|key| resolve.name_world_key(key))
        .collect()
}

#[test]
fn a_folder_that_is_no_app_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out.wasm");
    let build = || {
        build_app(dir.path(), &out, &mut |_| {})
            .unwrap_err()
            .to_string()
    };
    assert!(build().contains("has no glovebox-app.toml"));
    let manifest = fs::read_to_string(sample_apps().join("lab-viewer").join(MANIFEST_FILE));
    fs::write(dir.path().join(MANIFEST_FILE), manifest.unwrap()).unwrap();
    assert!(build().contains("has no Cargo.toml"));
    fs::write(dir.path().join("Cargo.toml"), "[package]\nname = 3\n").unwrap();
    assert!(build().contains("name"));
    assert!(!out.exists());
}

#[test]
fn a_crate_that_does_not_compile_shows_why_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = fs::read_to_string(sample_apps().join("lab-viewer").join(MANIFEST_FILE));
    fs::write(dir.path().join(MANIFEST_FILE), manifest.unwrap()).unwrap();
    let cargo = "[package]\nname = \"broken\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\
                 [lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n";
    fs::write(dir.path().join("Cargo.toml"), cargo).unwrap();
    fs::create_dir(dir.path().join("src")).unwrap();
    let out = dir.path().join("out.wasm");
    let build = |source: &str| {
        fs::write(dir.path().join("src/lib.rs"), source).unwrap();
        build_app(dir.path(), &out, &mut |_| {})
            .unwrap_err()
            .to_string()
    };
    assert!(build("nonsense").contains("error"));
    // it compiles, but it is no app: nothing is exported
    let problem = build("");
    assert!(problem.contains("glovebox_sdk::register!"), "{problem}");
    assert!(!out.exists());
}
