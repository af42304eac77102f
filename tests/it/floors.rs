//! The floors of ARCHITECTURE.md, held against what `cargo metadata` says: a crate may use
//! lower floors only, and some things belong to one crate alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Crates by floor, the lowest first, without their `glovebox-`.
const FLOORS: [&[&str]; 8] = [
    &["model", "fhir"],
    &["policy", "package", "synthesis"],
    &["database", "outbound"],
    &["fhir-store"],
    &["gateway", "authorization"],
    &["runtime", "render"],
    &["registry"],
    &["server"],
];

/// The one edge within a floor.
const SIDEWAYS: (&str, &str) = ("fhir", "model");

/// What belongs to one crate of the host alone.
const ONLY: [(&str, &str); 7] = [
    ("glovebox-fhir-store", "gateway"),
    ("wasmtime", "runtime"),
    ("axum", "server"),
    ("axum-extra", "server"),
    ("governor", "server"),
    ("sled", "database"),
    ("sqlx", "database"),
];

/// They stand outside the floors: they drive and measure all of them.
const OUTSIDE: [&str; 2] = ["glovebox-tests", "glovebox-bench"];

/// A package of the workspace and the names of what it depends on directly, for any kind
/// of build.
struct Package {
    name: String,
    dir: PathBuf,
    uses: BTreeSet<String>,
}

fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap().canonicalize().unwrap()
}

fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(repository())
        .output()
        .unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problem}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = metadata["packages"].as_array().unwrap().iter();
    list.map(|package| Package {
        name: text(&package["name"]),
        dir: Path::new(package["manifest_path"].as_str().unwrap())
            .parent()
            .unwrap()
            .to_owned(),
        uses: package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|used| text(&used["name"]))
            .collect(),
    })
    .collect()
}

fn floor_of(short: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&short))
}

fn short(name: &str) -> &str {
    name.strip_prefix("glovebox-").unwrap_or(name)
}

/// The sample apps, and what tests and benchmarks run in the sandbox.
fn is_guest(package: &Package) -> bool {
    ["sample-apps", "tests"]
        .iter()
        .any(|folder| package.dir.starts_with(repository().join(folder)))
}

/// Why `user` may not depend on `used`, both of this workspace.
fn forbidden(user: &Package, used: &str) -> Option<String> {
    let because = |why: &str| Some(format!("{} uses {used}: {why}", user.name));
    if OUTSIDE.contains(&user.name.as_str()) {
        return None;
    }
    match (floor_of(short(&user.name)), floor_of(short(used))) {
        (Some(_), None) => because("a crate of the host uses crates of the host only"),
        (Some(own), Some(other)) if other > own => because("that is a higher floor"),
        (Some(own), Some(other))
            if other == own && (short(&user.name), short(used)) != SIDEWAYS =>
        {
            because("that is its own floor")
        }
        (Some(_), Some(_)) => None,
        (None, _) if user.name == "xtask" && used == "glovebox-package" => None,
        (None, _) if is_guest(user) && used == "glovebox-sdk" => None,
        (None, _) => because("the WIT is the contract: nothing of the host is linked"),
    }
}

#[test]
fn every_crate_uses_lower_floors_only() {
    let packages = packages();
    let own: BTreeSet<&str> = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let mut edges = 0;
    for package in &packages {
        for used in package
            .uses
            .iter()
            .filter(|used| own.contains(used.as_str()))
        {
            edges += 1;
            assert_eq!(forbidden(package, used), None);
        }
    }
    assert!(edges > 20, "only {edges} edges were seen");
}

#[test]
fn an_edge_that_the_picture_lacks_is_refused() {
    let host = |name: &str| Package {
        name: format!("glovebox-{name}"),
        dir: repository().join("host").join(name),
        uses: BTreeSet::new(),
    };
    let app = Package {
        name: "lab-viewer".to_owned(),
        dir: repository().join("sample-apps/lab-viewer"),
        uses: BTreeSet::new(),
    };
    for (user, used, allowed) in [
        (host("fhir"), "glovebox-model", true),
        (host("model"), "glovebox-fhir", false),
        (host("gateway"), "glovebox-fhir-store", true),
        (host("gateway"), "glovebox-authorization", false),
        (host("gateway"), "glovebox-runtime", false),
        (host("server"), "glovebox-sdk", false),
        (host("sdk"), "glovebox-model", false),
        (host("tests"), "glovebox-fhir-store", true),
        (app, "glovebox-model", false),
    ] {
        assert_eq!(
            forbidden(&user, used).is_none(),
            allowed,
            "{} uses {used}",
            user.name
        );
    }
}

#[test]
fn what_belongs_to_one_crate_is_used_by_that_crate_alone() {
    let packages = packages();
    for (thing, owner) in ONLY {
        let users: Vec<&str> = packages
            .iter()
            .filter(|package| {
                package.uses.contains(thing) && !OUTSIDE.contains(&package.name.as_str())
            })
            .map(|package| short(&package.name))
            .collect();
        assert_eq!(users, [owner], "users of {thing}");
    }
}

#[test]
fn only_outbound_calls_addresses_that_others_supplied() {
    // The server's own calls are its commands, which speak to a running server.
    let packages = packages();
    let users: BTreeSet<&str> = packages
        .iter()
        .filter(|package| {
            package.uses.contains("reqwest") && !OUTSIDE.contains(&package.name.as_str())
        })
        .map(|package| short(&package.name))
        .collect();
    assert_eq!(users, BTreeSet::from(["outbound", "server"]));
    let client = ["reqwest", "::"].concat();
    assert_eq!(
        files_with(&repository().join("host/server/src"), &client),
        BTreeSet::from(["cli".to_owned()])
    );
}

#[test]
fn folders_packages_and_the_table_name_the_same_crates() {
    let in_table: BTreeSet<String> = FLOORS
        .iter()
        .copied()
        .flatten()
        .map(|name| (*name).to_owned())
        .collect();
    let host = repository().join("host");
    let mut found = BTreeSet::new();
    for package in packages() {
        if let Ok(folder) = package.dir.strip_prefix(&host) {
            assert_eq!(folder.to_str().unwrap(), short(&package.name));
            found.insert(short(&package.name).to_owned());
        }
    }
    assert_eq!(found, in_table);
}

#[test]
fn the_picture_in_architecture_md_shows_each_crate_on_its_floor() {
    let page = fs::read_to_string(repository().join("ARCHITECTURE.md")).unwrap();
    let mut drawn: BTreeMap<String, usize> = BTreeMap::new();
    let mut floor = None;
    for line in page.lines() {
        // `4 │ gateway        the door …`, `  │ authorization  …`, `  │                …`
        let Some((number, inside)) = line.split_once('│') else {
            continue;
        };
        floor = number.trim().parse().ok().or(floor);
        let name = inside.strip_prefix(' ').unwrap_or(inside);
        let name = name.split(' ').next().unwrap_or_default();
        if let Some(floor) = floor.filter(|_| !name.is_empty()) {
            drawn.insert(name.to_owned(), floor);
        }
    }
    for (floor, crates) in FLOORS.iter().enumerate() {
        for name in *crates {
            assert_eq!(drawn.remove(*name), Some(floor), "{name}");
        }
    }
    assert!(drawn.is_empty(), "drawn, but no crate: {drawn:?}");
}

#[test]
fn only_the_gateway_permits_in_the_name_of_the_system() {
    let name = ["permit", "system"].join("_");
    let users = files_with(&repository().join("host"), &name);
    assert!(
        users.contains("gateway") && users.contains("policy"),
        "{users:?}"
    );
    assert_eq!(users.len(), 2, "{users:?}");
}

#[test]
fn only_the_runtime_generates_the_host_side_of_the_wit() {
    let users = files_with(&repository().join("host"), &["bindgen", "!"].concat());
    assert_eq!(users, BTreeSet::from(["runtime".to_owned()]));
}

/// What stands directly below `folder` and is, or holds, a Rust file, tests aside, that
/// contains `text`.
fn files_with(folder: &Path, text: &str) -> BTreeSet<String> {
    fn any(path: &Path, text: &str) -> bool {
        if path.file_stem().is_some_and(|stem| stem == "tests") {
            return false;
        }
        if path.is_dir() {
            let mut entries = fs::read_dir(path).unwrap();
            return entries.any(|entry| any(&entry.unwrap().path(), text));
        }
        path.extension().is_some_and(|ending| ending == "rs")
            && fs::read_to_string(path).unwrap().contains(text)
    }
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| any(path, text))
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect()
}
