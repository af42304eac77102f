//! The door from outside: a hospital with three patients, and sessions that knock.

mod budgeting;
mod changing;
mod counting;
mod deriving;
mod drafting;
mod governing;
mod importing;
mod including;
mod looking_back;
mod model;
mod pages;
mod property;
mod reading;
mod revoking;
mod rules;
mod us_core;
mod work;
mod writing;

use std::collections::HashMap;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use glovebox_database::fence::{Fence, Mark, Pass};
use glovebox_database::ledger::{Entry, Filter, Ledger, LedgerError, LedgerSettings};
use glovebox_database::relations::{Relations, Right, Source};
use glovebox_database::test_support::{TemporarySled, temporary_sled};
use glovebox_database::{Keyspace, Records};
use glovebox_fhir::{Interaction, Limits, Resource, SearchQuery};
use glovebox_model::ledger::Subject;
use glovebox_model::scope::ScopeSet;
use glovebox_model::{ManualClock, PatientId, TenantId, Timestamp, UserId};
use glovebox_policy::{TenantBudgets, Terms};
use zeroize::Zeroizing;

use crate::session::Door as By;
use crate::{Answer, Gateway, GatewayParts, ImportOptions, ImportReport, Page, Refusal, Session};
use counting::Counting;

const LABS: &str = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory";

/// A gateway over temporary records, a session in the making, and what it needs.
struct Door {
    gateway: Gateway,
    fence: Fence,
    ledger: Ledger,
    relations: Relations,
    clock: ManualClock,
    records: Arc<Counting>,
    scopes: String,
    patient: Option<PatientId>,
    user: Option<UserId>,
    terms: Arc<Terms>,
    tenant_budgets: HashMap<TenantId, TenantBudgets>,
    _sled: TemporarySled,
    _dir: tempfile::TempDir,
}

fn main_tenant() -> TenantId {
    "main".parse().unwrap()
}

fn okafor() -> UserId {
    "nurse.okafor".parse().unwrap()
}

fn patient(id: &str) -> PatientId {
    id.parse().unwrap()
}

fn resource(json: &str) -> Resource {
    Resource::parse(json.as_bytes(), Limits::RESOURCE).unwrap()
}

fn observation(id: &str, of: &str, category: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final",
        "category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"{category}"}}]}}],
        "code":{{"coding":[{{"system":"http://loinc.org","code":"718-7"}}]}},
        "subject":{{"reference":"Patient/{of}"}},"effectiveDateTime":"2026-01-01","valueQuantity":{{"value":1.50}}}}"#
    )
}

fn query(text: &str) -> SearchQuery {
    let (resource_type, parameters) = text.split_once('?').unwrap();
    let pairs: Vec<(String, String)> = parameters
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    SearchQuery::parse(resource_type, &pairs).unwrap()
}

fn search(text: &str) -> Interaction {
    Interaction::search(query(text))
}

fn read(reference: &str) -> Interaction {
    let (resource_type, id) = reference.split_once('/').unwrap();
    Interaction::read(resource_type, id).unwrap()
}

fn update(json: &str, if_match: Option<&str>) -> Interaction {
    Interaction::update(resource(json), if_match).unwrap()
}

impl Door {
    /// Nurse Okafor with anna's chart open, and `anna`, `tom` and `james` in the store; she
    /// may open anna and tom.
    async fn new() -> Self {
        let door = Self::empty().await;
        let mut resources = vec![r#"{"resourceType":"Practitioner","id":"dr"}"#.to_owned()];
        for of in ["anna", "tom", "james"] {
            resources.push(format!(r#"{{"resourceType":"Patient","id":"{of}"}}"#));
            for n in 0..4 {
                let category = ["laboratory", "vital-signs"][n % 2];
                resources.push(observation(&format!("{of}-{n}"), of, category));
            }
        }
        let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
        assert!(door.import(&resources, false).await.refused.is_empty());
        door.may("anna").await;
        door.may("tom").await;
        door
    }

    /// The same without resources and without relations.
    async fn empty() -> Self {
        let sled = temporary_sled();
        let records = Counting::over(sled.records());
        let store: Arc<dyn Records> = records.clone();
        let keyspace = |name| Keyspace::new(Arc::clone(&store), name);
        let dir = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp::parse("2026-11-23T20:00:00Z").unwrap());
        let ledger = open_ledger(dir.path(), keyspace("ledger"), &clock).await;
        let fence = Fence::open(keyspace("fence")).await.unwrap();
        let relations = Relations::new(keyspace("relations"));
        let gateway = Gateway::new(GatewayParts {
            stores: HashMap::from([(main_tenant(), keyspace("fhir/main"))]),
            ledger: ledger.clone(),
            fence: fence.clone(),
            relations: relations.clone(),
            clock: Arc::new(clock.clone()),
            cursor_key: Zeroizing::new(vec![7; 32]),
            drafts: keyspace("drafts"),
            budgets: keyspace("budgets"),
            tenant_budgets: HashMap::new(),
        });
        Self {
            gateway,
            fence,
            ledger,
            relations,
            clock,
            records,
            scopes: "patient/Observation.rs patient/Patient.r".to_owned(),
            patient: Some(patient("anna")),
            user: Some(okafor()),
            terms: Arc::default(),
            tenant_budgets: HashMap::new(),
            _sled: sled,
            _dir: dir,
        }
    }

    /// Another gateway over the same records, as after a restart, with the budgets that are
    /// set now.
    fn restart_gateway(&mut self) {
        let store: Arc<dyn Records> = self.records.clone();
        let keyspace = |name| Keyspace::new(Arc::clone(&store), name);
        self.gateway = Gateway::new(GatewayParts {
            stores: HashMap::from([(main_tenant(), keyspace("fhir/main"))]),
            ledger: self.ledger.clone(),
            fence: self.fence.clone(),
            relations: self.relations.clone(),
            clock: Arc::new(self.clock.clone()),
            cursor_key: Zeroizing::new(vec![7; 32]),
            drafts: keyspace("drafts"),
            budgets: keyspace("budgets"),
            tenant_budgets: self.tenant_budgets.clone(),
        });
    }

    fn with(mut self, scopes: &str) -> Self {
        self.scopes = scopes.to_owned();
        self
    }

    fn under(mut self, terms: &serde_json::Value) -> Self {
        self.terms = Arc::new(Terms::from_json(terms).unwrap());
        self
    }

    fn without_patient(mut self) -> Self {
        self.patient = None;
        self
    }

    fn without_user(mut self) -> Self {
        self.user = None;
        self
    }

    async fn may(&self, id: &str) {
        let granted = self
            .relations
            .grant(&main_tenant(), &okafor(), &patient(id), Source::Api, None)
            .await;
        granted.unwrap();
    }

    async fn may_no_more(&self, id: &str) {
        let right = Right::Patient(patient(id));
        let revoked = self
            .relations
            .revoke(&main_tenant(), &okafor(), &right)
            .await;
        revoked.unwrap();
    }

    async fn import(&self, resources: &[&str], update: bool) -> ImportReport {
        let resources = resources.iter().map(|json| resource(json)).collect();
        let options = ImportOptions { update };
        let imported = self
            .gateway
            .import(&main_tenant(), &Subject::default(), resources, options)
            .await;
        imported.unwrap()
    }

    fn session(&self) -> Session {
        Session {
            tenant: main_tenant(),
            subject: Subject {
                tenant: Some(main_tenant()),
                app: Some("lab-viewer".parse().unwrap()),
                user: self.user.clone(),
                patient: self.patient.clone(),
                ..Subject::default()
            },
            scopes: ScopeSet::parse(&self.scopes).unwrap(),
            patient: self.patient.clone(),
            user: self.user.clone(),
            door: By::Wit,
            terms: Arc::clone(&self.terms),
        }
    }

    fn pass(&self) -> Pass {
        let marks = [
            Mark::App(main_tenant(), "lab-viewer".parse().unwrap()),
            Mark::Tenant(main_tenant()),
        ];
        self.fence.enter(&self.fence.generations(&marks)).unwrap()
    }

    async fn call(&self, interaction: Interaction) -> Result<Answer, Refusal> {
        let pass = self.pass();
        let answer = self
            .gateway
            .execute(&self.session(), &pass, interaction)
            .await?;
        Ok(answer.release(&pass, |answer| answer)?)
    }

    async fn page_of(&self, text: &str) -> Page {
        match self.call(search(text)).await.unwrap() {
            Answer::Page(page) => page,
            other => panic!("{other:?}"),
        }
    }

    /// Entries about patient data, oldest first, as kind, action and outcome.
    fn entries(&self) -> Vec<Entry> {
        let mut found = self.ledger.search(&Filter::default()).unwrap();
        found.retain(|entry| !entry.kind.starts_with("ledger."));
        found.reverse();
        found
    }

    /// What a call adds to the ledger.
    async fn recorded(&self, interaction: Interaction) -> (Result<Answer, Refusal>, Vec<String>) {
        let before = self.entries().len();
        let answer = self.call(interaction).await;
        let text = |entry: &Entry| format!("{} {} {}", entry.kind, entry.action, entry.outcome);
        (answer, self.entries()[before..].iter().map(text).collect())
    }
}

async fn open_ledger(dir: &std::path::Path, anchors: Keyspace, clock: &ManualClock) -> Ledger {
    let random = aws_lc_rs::rand::SystemRandom::new();
    let key = aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    // a ledger that was open before gives its directory free a moment after it is dropped
    for _ in 0..500 {
        let dir = Dir::open_ambient_dir(dir, ambient_authority()).unwrap();
        let (anchors, clock) = (anchors.clone(), Arc::new(clock.clone()));
        match Ledger::open(dir, anchors, key.as_ref(), clock, LedgerSettings::default()).await {
            Err(LedgerError::InUse) => {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            opened => return opened.unwrap(),
        }
    }
    panic!("the ledger is still in use")
}
