//! A registry with everything below it, on temporary records.

mod acting;
mod stages;
mod uploading;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use glovebox_database::artifacts::Artifacts;
use glovebox_database::fence::Fence;
use glovebox_database::ledger::{Filter, Ledger, LedgerSettings};
use glovebox_database::relations::Relations;
use glovebox_database::test_support::{TemporarySled, temporary_sled};
use glovebox_gateway::{Gateway, GatewayParts};
use glovebox_model::limits::Limits;
use glovebox_model::manifest::{Manifest, SECTION, Written, WrittenScope};
use glovebox_model::{AppId, Digest, ManualClock, TenantId, Timestamp, Version};
use glovebox_runtime::{Preparer, Runtime, RuntimeParts, RuntimeSettings};
use zeroize::Zeroizing;

use crate::{Act, Actor, AppVersion, Registry, RegistryParts, Stage};

struct House {
    registry: Arc<Registry>,
    fence: Fence,
    ledger: Ledger,
    artifacts_dir: tempfile::TempDir,
    _ledger_dir: tempfile::TempDir,
    _sled: TemporarySled,
}

fn tenant() -> TenantId {
    "main".parse().unwrap()
}

fn app() -> AppId {
    "spin-forever".parse().unwrap()
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn actor(name: &str) -> Actor {
    Actor {
        user: name.parse().unwrap(),
    }
}

fn open(dir: &Path) -> Dir {
    Dir::open_ambient_dir(dir, ambient_authority()).unwrap()
}

impl House {
    async fn new() -> Self {
        let sled = temporary_sled();
        let (ledger_dir, artifacts_dir) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let clock = Arc::new(ManualClock::at(
            Timestamp::parse("2026-11-23T20:00:00Z").unwrap(),
        ));
        let random = aws_lc_rs::rand::SystemRandom::new();
        let key = aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let settings = LedgerSettings::default();
        let anchors = sled.keyspace("ledger");
        let ledger = Ledger::open(
            open(ledger_dir.path()),
            anchors,
            key.as_ref(),
            clock.clone(),
            settings,
        );
        let ledger = ledger.await.unwrap();
        let fence = Fence::open(sled.keyspace("fence")).await.unwrap();
        let gateway = Gateway::new(GatewayParts {
            stores: HashMap::new(),
            ledger: ledger.clone(),
            fence: fence.clone(),
            relations: Relations::new(sled.keyspace("relations")),
            clock: clock.clone(),
            cursor_key: Zeroizing::new(vec![7; 32]),
            drafts: sled.keyspace("drafts"),
            budgets: sled.keyspace("budgets"),
            tenant_budgets: HashMap::new(),
        });
        let settings = RuntimeSettings {
            concurrent_calls_max: 4,
            ..RuntimeSettings::default()
        };
        let runtime = Runtime::new(RuntimeParts {
            preparer: Preparer::new(settings.clone(), None).unwrap(),
            gateway: Arc::new(gateway),
            fence: fence.clone(),
            ledger: ledger.clone(),
            storage: sled.keyspace("app-storage"),
            clock: clock.clone(),
            settings,
        });
        let registry = Registry::new(RegistryParts {
            records: sled.keyspace("registry"),
            artifacts: Artifacts::open(open(artifacts_dir.path())).unwrap(),
            runtime: runtime.unwrap(),
            fence: fence.clone(),
            ledger: ledger.clone(),
            clock,
            ceiling: Limits::default(),
        });
        Self {
            registry: Arc::new(registry),
            fence,
            ledger,
            artifacts_dir,
            _ledger_dir: ledger_dir,
            _sled: sled,
        }
    }

    /// Puts a version on the shelf without a component behind it.
    async fn shelve(&self, app: &AppId, number: &str) {
        let written = Written {
            id: app.to_string(),
            version: number.to_owned(),
            ..manifest()
        };
        let shelved = AppVersion {
            tenant: tenant(),
            digest: Digest::from_bytes([1; 32]),
            manifest: Manifest::check(&written).unwrap(),
            imports: Vec::new(),
            bytes: 1,
            stage: Stage::Checked,
            history: vec![Act {
                what: "upload".to_owned(),
                by: "vendor".parse().unwrap(),
                at: Timestamp::from_micros(0),
                reason: String::new(),
            }],
        };
        assert!(self.registry.put_new(&shelved).await.unwrap());
    }

    async fn stage(&self, number: &str) -> Stage {
        let found = self
            .registry
            .version(&tenant(), &app(), &version(number))
            .await;
        found.unwrap().unwrap().stage
    }

    async fn approve(&self, number: &str) -> Result<AppVersion, crate::ActRefused> {
        let (who, number) = (actor("admin"), version(number));
        let approved = self
            .registry
            .approve(
                &tenant(),
                &app(),
                &number,
                &who,
                "reviewed",
                None,
                None,
                None,
            )
            .await;
        approved.unwrap()
    }

    /// Kind, action and outcome of all entries, oldest first.
    fn entries(&self) -> Vec<String> {
        let mut found = self.ledger.search(&Filter::default()).unwrap();
        found.retain(|entry| !entry.kind.starts_with("ledger."));
        let text = |entry: &glovebox_database::Entry| {
            format!("{} {} {}", entry.kind, entry.action, entry.outcome)
        };
        found.iter().rev().map(text).collect()
    }
}

fn manifest() -> Written {
    Written {
        id: "spin-forever".to_owned(),
        name: "Spin".to_owned(),
        purpose: "Turns round and round".to_owned(),
        publisher: "acme".to_owned(),
        publisher_name: "Acme".to_owned(),
        version: "1.0.0".to_owned(),
        category: "results".to_owned(),
        security_contact: "mailto:security@acme.example".to_owned(),
        scopes: vec![
            WrittenScope {
                scope: "patient/Observation.rs".to_owned(),
                why: "To list results".to_owned(),
            },
            WrittenScope {
                scope: "patient/Patient.r".to_owned(),
                why: "To name the patient".to_owned(),
            },
        ],
        storage: true,
        limits: Default::default(),
    }
}

/// A real component that carries this manifest: the sample app, with another one inside.
fn component(manifest: &Written) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let built = root.join("target/guests/spin-forever.wasm");
    if !built.exists() {
        let source = root.join("sample-apps/spin-forever");
        std::fs::create_dir_all(built.parent().unwrap()).unwrap();
        glovebox_package::cargo_build::build_app(&source, &built, &mut |_| ()).unwrap();
    }
    let bytes = std::fs::read(built).unwrap();
    let (header, mut rest) = bytes.split_at(8);
    let mut out = header.to_vec();
    while let Some((id, after)) = rest.split_first() {
        let (size, used) = leb(after);
        let (section, after) = after.split_at(used + size);
        if !(*id == 0 && section[used..].starts_with(&named(SECTION))) {
            out.push(*id);
            out.extend_from_slice(section);
        }
        rest = after;
    }
    let mut section = named(SECTION);
    section.extend(serde_json::to_vec(manifest).unwrap());
    out.push(0);
    let mut size = section.len();
    while size >= 0x80 {
        out.push((size & 0x7f) as u8 | 0x80);
        size >>= 7;
    }
    out.push(size as u8);
    out.extend(section);
    out
}

fn named(name: &str) -> Vec<u8> {
    [&[name.len() as u8], name.as_bytes()].concat()
}

/// A number in LEB128, and how many bytes it takes.
fn leb(bytes: &[u8]) -> (usize, usize) {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return (value, at + 1);
        }
    }
    panic!("a number without an end")
}
