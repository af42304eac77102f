//! A whole runtime for tests, on temporary records, without patients.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use glovebox_database::fence::{Fence, Mark};
use glovebox_database::ledger::{Filter, Ledger, LedgerSettings};
use glovebox_database::relations::{Relations, Source};
use glovebox_database::test_support::{TemporarySled, temporary_sled};
use glovebox_fhir::Resource;
use glovebox_gateway::{Door, Gateway, GatewayParts, ImportOptions, Session};
use glovebox_model::launch::LaunchContext;
use glovebox_model::ledger::Subject;
use glovebox_model::limits::Limits;
use glovebox_model::scope::ScopeSet;
use glovebox_model::{ManualClock, TenantId, Timestamp, UserId};

use crate::state::{CallEnv, CallState};
use crate::stop::Stop;
use crate::{
    CodeCache, Preparer, RunError, Runtime, RuntimeParts, RuntimeSettings, ScreenLaunch, Screens,
    Shown,
};

/// Settings that leave room for many engines in one process.
pub(crate) fn small() -> RuntimeSettings {
    RuntimeSettings {
        concurrent_calls_max: 8,
        ..RuntimeSettings::default()
    }
}

pub(crate) struct House {
    pub(crate) runtime: Runtime,
    pub(crate) screens: Screens,
    pub(crate) ledger: Ledger,
    pub(crate) fence: Fence,
    pub(crate) clock: ManualClock,
    pub(crate) limits: Limits,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) relations: Relations,
    sled: TemporarySled,
    _ledger_dir: tempfile::TempDir,
}

impl House {
    pub(crate) async fn new() -> Self {
        let sled = temporary_sled();
        let ledger_dir = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(ledger_dir.path(), ambient_authority()).unwrap();
        let clock = ManualClock::at(Timestamp::parse("2026-11-23T20:00:00.5Z").unwrap());
        let now = Arc::new(clock.clone());
        let random = aws_lc_rs::rand::SystemRandom::new();
        let key = aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let ledger = Ledger::open(
            dir,
            sled.keyspace("ledger"),
            key.as_ref(),
            now.clone(),
            LedgerSettings::default(),
        );
        let ledger = ledger.await.unwrap();
        let fence = Fence::open(sled.keyspace("fence")).await.unwrap();
        let relations = Relations::new(sled.keyspace("relations"));
        let gateway = Arc::new(Gateway::new(GatewayParts {
            stores: HashMap::from([(tenant(), sled.keyspace("fhir/main"))]),
            ledger: ledger.clone(),
            fence: fence.clone(),
            relations: relations.clone(),
            clock: now.clone(),
            cursor_key: zeroize::Zeroizing::new(vec![7; 32]),
            drafts: sled.keyspace("drafts"),
            budgets: sled.keyspace("budgets"),
            tenant_budgets: HashMap::new(),
        }));
        let runtime = Runtime::new(RuntimeParts {
            preparer: Preparer::new(small(), None).unwrap(),
            gateway: Arc::clone(&gateway),
            fence: fence.clone(),
            ledger: ledger.clone(),
            storage: sled.keyspace("app-storage"),
            clock: now,
            settings: small(),
        });
        let runtime = runtime.unwrap();
        let screens = Screens::new(runtime.clone(), sled.keyspace("screens"));
        let limits = Limits {
            wall_ms_max: 1_000,
            ..Limits::default()
        };
        Self {
            runtime,
            screens,
            ledger,
            fence,
            clock,
            limits,
            gateway,
            relations,
            sled,
            _ledger_dir: ledger_dir,
        }
    }

    /// The sessions as another process would see them.
    pub(crate) fn screens_of_another_process(&self) -> Screens {
        Screens::new(self.runtime.clone(), self.sled.keyspace("screens"))
    }

    /// Stores patients and laboratory results, and lets the user open `anna-rossi`.
    pub(crate) async fn admit(&self, patients: &[&str], results: usize) {
        let mut resources = Vec::new();
        for patient in patients {
            resources.push(format!(r#"{{"resourceType":"Patient","id":"{patient}"}}"#));
            resources.extend((0..results).map(|n| observation(patient, n)));
        }
        let parse = |json: &String| {
            Resource::parse(json.as_bytes(), glovebox_fhir::Limits::RESOURCE).unwrap()
        };
        let resources = resources.iter().map(parse).collect();
        let options = ImportOptions { update: false };
        let report = self
            .gateway
            .import(&tenant(), &Subject::default(), resources, options)
            .await
            .unwrap();
        assert!(report.refused.is_empty(), "{:?}", report.refused);
        let own = "anna-rossi".parse().unwrap();
        self.relations
            .grant(&tenant(), &user(), &own, Source::Api, None)
            .await
            .unwrap();
    }

    pub(crate) async fn launch(&self, component: &[u8]) -> ScreenLaunch {
        ScreenLaunch {
            prepared: self.runtime.prepare(component).await.unwrap(),
            app_name: "Test App".to_owned(),
            session: Session {
                tenant: tenant(),
                subject: Subject {
                    tenant: Some(tenant()),
                    app: Some("test-app".parse().unwrap()),
                    version: Some("1.0.0".parse().unwrap()),
                    user: Some(user()),
                    ..Subject::default()
                },
                scopes: ScopeSet::parse("patient/Observation.rs").unwrap(),
                patient: Some("anna-rossi".parse().unwrap()),
                user: Some(user()),
                door: Door::Wit,
                terms: Arc::default(),
            },
            held: self.fence.generations(&[app_mark()]),
            context: LaunchContext {
                tenant: tenant(),
                patient: Some("anna-rossi".parse().unwrap()),
                encounter: None,
                fhir_user: None,
                intent: None,
                fhir_context: Vec::new(),
                locale: "en".to_owned(),
            },
            storage_granted: true,
            limits: self.limits.clone(),
        }
    }

    /// What a guest's host functions see in a call of the session `id`.
    pub(crate) fn state(&self, id: &str, scopes: &str) -> CallState {
        let services = Arc::clone(&self.runtime.parts().services);
        let held = self.fence.generations(&[app_mark()]);
        let stop = Stop {
            pass: self.fence.enter(&held).unwrap(),
            kill: Arc::default(),
            deadline: tokio::time::Instant::now() + PATIENCE,
            host_call: PATIENCE,
        };
        let session = Session {
            tenant: tenant(),
            subject: Subject {
                session: Some(id.parse().unwrap()),
                ..Subject::default()
            },
            scopes: ScopeSet::parse(scopes).unwrap(),
            patient: Some("anna-rossi".parse().unwrap()),
            user: Some(user()),
            door: Door::Wit,
            terms: Arc::default(),
        };
        let context = LaunchContext {
            tenant: tenant(),
            patient: session.patient.clone(),
            encounter: None,
            fhir_user: None,
            intent: None,
            fhir_context: Vec::new(),
            locale: "en".to_owned(),
        };
        CallState::new(Arc::new(CallEnv {
            services,
            session,
            context: Arc::new(context),
            storage_granted: true,
            limits: self.limits.clone(),
            stop,
        }))
    }

    pub(crate) async fn open(&self, component: &[u8]) -> Result<Shown, RunError> {
        self.screens.open(self.launch(component).await).await
    }

    /// Action and outcome of the entries of a kind, oldest first.
    pub(crate) fn entries(&self, kind: &str) -> Vec<String> {
        let filter = Filter {
            kind: Some(kind.to_owned()),
            ..Filter::default()
        };
        let mut entries = self.ledger.search(&filter).unwrap();
        entries.sort_by_key(|entry| entry.seq);
        entries
            .iter()
            .map(|entry| format!("{} {}", entry.action, entry.outcome))
            .collect()
    }
}

fn observation(patient: &str, n: usize) -> String {
    let (year, month) = (2010 + n / 12, 1 + n % 12);
    format!(
        r#"{{"resourceType":"Observation","id":"{patient}-{n}","status":"final",
        "category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}}]}}],
        "code":{{"coding":[{{"system":"http://loinc.org","code":"2160-0","display":"Creatinine"}}],"text":"Creatinine"}},
        "subject":{{"reference":"Patient/{patient}"}},"effectiveDateTime":"{year}-{month:02}-01",
        "valueQuantity":{{"value":1.{n:02},"unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"}}}}"#
    )
}

pub(crate) fn tenant() -> TenantId {
    "main".parse().unwrap()
}

pub(crate) fn user() -> UserId {
    "dr.rivera".parse().unwrap()
}

pub(crate) fn app_mark() -> Mark {
    Mark::App(tenant(), "test-app".parse().unwrap())
}

pub(crate) fn sealed_cache(dir: &std::path::Path) -> CodeCache {
    CodeCache::new(
        Dir::open_ambient_dir(dir, ambient_authority()).unwrap(),
        &[9; 32],
    )
}

/// Long enough that only a hang reaches it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
