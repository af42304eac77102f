//! SMART and OpenID Connect clients as published, against the running server. Each script
//! prints `OPEN <address>`, somebody signs in, chooses and allows in a browser, and the
//! script reads the address to which that led.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use glovebox_tests::oauth::{allow, ehr_launch, parameter, pick};
use glovebox_tests::{Page, TestHost, machine};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

use crate::fhir_clients::{run, workshop};

/// How long one script may take.
const RUN_MAX: Duration = Duration::from_secs(120);

/// What each script is told.
async fn variables(host: &TestHost) -> Vec<(&'static str, String)> {
    let launch = ehr_launch(host, "demo-confidential", &json!({})).await;
    let secret = host.client("demo-confidential")["client_secret"].as_str();
    vec![
        ("FHIR_BASE", format!("{}/fhir/main", host.base_url)),
        ("ISSUER", format!("{}/oauth/main", host.base_url)),
        ("REDIRECT_URI", "http://127.0.0.1:9999/callback".to_owned()),
        ("LAUNCH", parameter(&launch, "launch")),
        ("CLIENT_SECRET", secret.unwrap().to_owned()),
        (
            "CLIENT_JWKS",
            host.client("demo-asymmetric")["jwk"].to_string(),
        ),
        ("AUTHLIB_INSECURE_TRANSPORT", "1".to_owned()),
    ]
}

/// What a person does with an address: whatever page comes, until the app's own does.
async fn follow(host: &TestHost, url: &str) -> String {
    let mut browser = host.signed_in("dr.rivera").await;
    let path = url
        .strip_prefix(&host.base_url)
        .unwrap_or_else(|| panic!("{url}"));
    let mut page: Page = browser.open_until_away(path).await;
    for _ in 0..3 {
        if let Some(location) = page.location() {
            return location.to_owned();
        }
        page = if page.text().contains("Choose a patient") {
            pick(&mut browser, &page, "anna-rossi").await
        } else {
            allow(&mut browser, &page).await
        };
    }
    panic!("{url} led nowhere: {}", page.text())
}

async fn script(host: &TestHost, dir: &Path, program: &Path, file: &str) {
    let mut child = Command::new(program)
        .arg(file)
        .envs(variables(host).await)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut stderr = child.stderr.take().unwrap();
    let errors = tokio::spawn(async move {
        let mut text = String::new();
        stderr.read_to_string(&mut text).await.map(|_| text)
    });
    let driven = async {
        let mut lines = BufReader::new(stdout).lines();
        let mut said = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(url) = line.strip_prefix("OPEN ") {
                let back = follow(host, url).await;
                stdin
                    .write_all(format!("{back}\n").as_bytes())
                    .await
                    .unwrap();
            } else {
                said.push_str(&line);
            }
        }
        (child.wait().await.unwrap(), said)
    };
    let (status, said) = tokio::time::timeout(RUN_MAX, driven).await.unwrap();
    let errors = errors.await.unwrap().unwrap();
    assert!(status.success(), "{file}: {said}\n{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn smart_and_openid_clients_of_npm_work_as_published() {
    let name = "smart_and_openid_clients_of_npm_work_as_published";
    let (Some(npm), Some(node)) = (machine::program(&["npm"]), machine::program(&["node"])) else {
        return machine::skip(name, "npm and node are not installed");
    };
    let scripts = [
        "fhirclient.cjs",
        "openid-client.mjs",
        "openid-client-dpop.mjs",
        "oauth4webapi.mjs",
        "oauth4webapi-dpop.mjs",
    ];
    let files = ["package.json", "package-lock.json", ".npmrc", "person.mjs"];
    let files: Vec<&str> = files.into_iter().chain(scripts).collect();
    let dir = workshop("npm-smart", &files).await;
    let arguments = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"];
    run(&dir, &npm, &arguments, &[]).await;
    let host = TestHost::shared().await;
    for file in scripts {
        script(host, &dir, &node, file).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn smart_and_openid_clients_of_pypi_work_as_published() {
    let name = "smart_and_openid_clients_of_pypi_work_as_published";
    let Some(python) = machine::program(&["python3"]) else {
        return machine::skip(name, "python3 is not installed");
    };
    let scripts = ["smart_client.py", "authlib_client.py"];
    let files: Vec<&str> = ["requirements.txt"].into_iter().chain(scripts).collect();
    let dir: PathBuf = workshop("pypi-smart", &files).await;
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
    let host = TestHost::shared().await;
    for file in scripts {
        script(host, &dir, &own, file).await;
    }
}
