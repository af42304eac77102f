//! Bad input at a terminal: one clear error with the next step, exit code 2, nothing half
//! written.

use std::net::TcpListener;
use std::path::Path;

use glovebox_tests::binary::{Ended, run};
use glovebox_tests::{TestHost, components};

/// One error, and a word that helps.
#[track_caller]
fn refused(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, Some(2), "{ended:?}");
    for word in words {
        assert!(
            ended.stderr.contains(word),
            "{word} is not in: {}",
            ended.stderr
        );
    }
    let errors = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with("error"))
        .count();
    assert_eq!(errors, 1, "{}", ended.stderr);
    assert!(
        !ended.stderr.contains("panicked") && !ended.stderr.contains("RUST_BACKTRACE"),
        "{}",
        ended.stderr
    );
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_bad_configuration_names_its_line_and_the_nearest_known_key() {
    let dir = tempfile::tempdir().unwrap();
    let (file, data) = (dir.path().join("glovebox.toml"), dir.path().join("data"));
    for (toml, words) in [
        ("[listen\naddress = 1", &["glovebox.toml", "line 1"][..]),
        (
            "[listen]\nadress = \"127.0.0.1:1\"\n",
            &["line 2", "the nearest known key is `address`"],
        ),
        (
            "[listen]\naddress = \"8080\"\n",
            &["glovebox.toml, line 2", "listen.address", "127.0.0.1:8080"],
        ),
        ("[apps.limits]\nno_such_limit = 1\n", &["no_such_limit"]),
        (
            "[database]\nengine = \"mysql\"\n",
            &["database.engine", "sled", "postgres"],
        ),
    ] {
        std::fs::write(&file, toml).unwrap();
        for command in ["serve", "check-config"] {
            let mut arguments = vec![command, "--config", text(&file)];
            if command == "serve" {
                arguments.extend(["--data", text(&data)]);
            }
            refused(&run(&arguments), words);
        }
        assert!(
            !data.exists(),
            "nothing is written for a configuration that is refused"
        );
    }
    refused(
        &run(&["serve", "--config", text(&dir.path().join("missing.toml"))]),
        &["missing.toml", "check the path"],
    );
}

#[test]
fn a_busy_port_and_a_directory_that_is_not_ours_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let data = dir.path().join("data");
    for command in ["serve", "demo"] {
        let ended = run(&[command, "--port", &port, "--data", text(&data)]);
        refused(&ended, &["in use", "--port"]);
        assert!(!data.exists(), "{command} wrote before it had its port");
    }
    let other = dir.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("format"), "glovebox data 7\n").unwrap();
    refused(
        &run(&["serve", "--port", "0", "--data", text(&other)]),
        &["another version", "glovebox data 7", "--data"],
    );
    let foreign = dir.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("letter.txt"), "dear").unwrap();
    refused(
        &run(&["serve", "--port", "0", "--data", text(&foreign)]),
        &["not a glovebox data directory"],
    );
    for (dir, files) in [(&other, 1), (&foreign, 1)] {
        assert_eq!(
            std::fs::read_dir(dir).unwrap().count(),
            files,
            "{} was changed",
            dir.display()
        );
    }
}

#[test]
fn a_bad_bundle_is_refused_before_anything_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let (file, data) = (dir.path().join("bundle.json"), dir.path().join("data"));
    std::fs::write(&file, "{\"resourceType\":\"Bundle\",\"type\":").unwrap();
    refused(
        &run(&["fhir", "import", "--data", text(&data), text(&file)]),
        &["no glovebox data directory", "--data"],
    );
    assert!(!data.exists());
    let missing = dir.path().join("missing.json");
    refused(
        &run(&["fhir", "import", "--data", text(&data), text(&missing)]),
        &["missing.json", "check the path"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_breaks_off_leaves_the_store_as_it_was() {
    let left = TestHost::fresh().await.leave().await;
    let data = text(&left.dir);
    let file = left.dir.join("bundle.json");
    let whole = r#"{"resourceType":"Bundle","type":"collection","entry":[
        {"resource":{"resourceType":"Patient","id":"half-written"}}]}"#;
    for length in [whole.len() - 3, 40, 0] {
        std::fs::write(&file, &whole[..length]).unwrap();
        let ended = run(&["fhir", "import", "--data", data, text(&file)]);
        refused(&ended, &["bundle.json"]);
    }
    std::fs::write(&file, whole).unwrap();
    let imported = run(&["fhir", "import", "--data", data, text(&file), "--json"]);
    let report: serde_json::Value = serde_json::from_str(&imported.stdout).unwrap();
    assert_eq!(
        report["created"], 1,
        "nothing of it was there before: {imported:?}"
    );
}

#[test]
fn a_core_module_is_told_from_a_component_with_the_next_step() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("app.wasm");
    for (bytes, words) in [
        (components::core_module(), &["core module", "component"][..]),
        (b"hello".to_vec(), &["app.wasm"]),
        (
            components::with_sockets("lab-viewer"),
            &["wasi:sockets/tcp"],
        ),
    ] {
        std::fs::write(&file, bytes).unwrap();
        let ended = run(&["app", "check", text(&file)]);
        refused(&ended, words);
    }
    let sound = run(&[
        "app",
        "check",
        text(&glovebox_tests::guests::dir().join("lab-viewer.wasm")),
    ]);
    assert_eq!(sound.code, Some(0), "{sound:?}");
}

#[test]
fn an_unknown_command_or_flag_is_a_usage_error() {
    for arguments in [
        &["serv"][..],
        &["serve", "--prot", "1"],
        &["demo", "--patients", "many"],
        &[],
    ] {
        let ended = run(arguments);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(
            ended.stderr.contains("Usage") || ended.stderr.contains("--help"),
            "{}",
            ended.stderr
        );
    }
}
