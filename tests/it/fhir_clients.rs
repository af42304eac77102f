//! Clients as published, against the running server.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use glovebox_tests::fhir::Bearer;
use glovebox_tests::{TestHost, machine};
use tokio::process::Command;

/// How long installing or running may take.
const RUN_MAX: Duration = Duration::from_secs(300);

/// The scripts, copied to where packages may be installed.
pub(crate) async fn workshop(name: &str, files: &[&str]) -> PathBuf {
    let dir = machine::target_dir().join("clients").join(name);
    std::fs::create_dir_all(&dir).unwrap();
    for file in files {
        let from = machine::repository().join("tests/clients").join(file);
        std::fs::copy(from, dir.join(file)).unwrap();
    }
    dir
}

pub(crate) async fn run(
    dir: &Path,
    program: &Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
) {
    let child = Command::new(program)
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(dir)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ended = tokio::time::timeout(RUN_MAX, child).await.unwrap().unwrap();
    assert!(
        ended.status.success(),
        "{} {arguments:?}:\n{}\n{}",
        program.display(),
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    );
}

/// A server of one's own, and a token of a backend service that may write.
async fn host() -> (TestHost, String) {
    let host = TestHost::fresh().await;
    let bearer = Bearer {
        scope: "system/*.cruds",
        ..Bearer::default()
    };
    let token = bearer.token(&host).await;
    (host, token)
}

#[tokio::test(flavor = "multi_thread")]
async fn fhir_kit_client_of_npm_works_as_published() {
    let name = "fhir_kit_client_of_npm_works_as_published";
    let (Some(npm), Some(node)) = (machine::program(&["npm"]), machine::program(&["node"])) else {
        return machine::skip(name, "npm and node are not installed");
    };
    let files = [
        "package.json",
        "package-lock.json",
        ".npmrc",
        "fhir-kit-client.mjs",
    ];
    let dir = workshop("npm", &files).await;
    let arguments = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"];
    run(&dir, &npm, &arguments, &[]).await;
    let (host, token) = host().await;
    let base = format!("{}/fhir/main", host.base_url);
    let variables = [("FHIR_BASE", base.as_str()), ("FHIR_TOKEN", token.as_str())];
    run(&dir, &node, &["fhir-kit-client.mjs"], &variables).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fhirpy_of_pypi_works_as_published() {
    let name = "fhirpy_of_pypi_works_as_published";
    let Some(python) = machine::program(&["python3"]) else {
        return machine::skip(name, "python3 is not installed");
    };
    let dir = workshop("pypi", &["requirements.txt", "fhirpy_client.py"]).await;
    let own = dir.join("venv/bin/python");
    if !own.is_file() {
        run(&dir, &python, &["-m", "venv", "venv"], &[]).await;
    }
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        "requirements.txt",
    ];
    run(&dir, &own, &install, &[]).await;
    let (host, token) = host().await;
    let base = format!("{}/fhir/main", host.base_url);
    let variables = [("FHIR_BASE", base.as_str()), ("FHIR_TOKEN", token.as_str())];
    run(&dir, &own, &["fhirpy_client.py"], &variables).await;
}
