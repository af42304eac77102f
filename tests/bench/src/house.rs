//! A whole host on a temporary directory: records on disk, ledger, fence, relations,
//! gateway, runtime, sessions; and one patient with exactly so many laboratory results.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use glovebox_database::fence::{Fence, Mark};
use glovebox_database::ledger::{Ledger, LedgerSettings};
use glovebox_database::relations::{Relations, Source};
use glovebox_database::{Keyspace, Records, SledRecords, SledSettings};
use glovebox_fhir::{Interaction, Resource};
use glovebox_gateway::{Answer, Door, Gateway, GatewayParts, ImportOptions, Session};
use glovebox_model::launch::LaunchContext;
use glovebox_model::ledger::Subject;
use glovebox_model::limits::Limits;
use glovebox_model::scope::ScopeSet;
use glovebox_model::{PatientId, TenantId, UserId};
use glovebox_runtime::{Preparer, Runtime, RuntimeParts, RuntimeSettings, ScreenLaunch, Screens};
use serde_json::Value;

use crate::clock::SystemClock;
use crate::guests::Guest;

/// Patients beside the one whose chart is opened: a store with one would flatter the search.
const PATIENTS: usize = 20;
/// The patient whose chart is opened.
pub(crate) const PATIENT: &str = "anna-rossi";

/// The host.
pub(crate) struct House {
    pub(crate) runtime: Runtime,
    pub(crate) screens: Screens,
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) ledger: Ledger,
    fence: Fence,
    relations: Relations,
    records: Arc<dyn Records>,
    // last: the directory outlives what is in it
    _dir: tempfile::TempDir,
}

impl House {
    /// With the defaults of a server.
    pub(crate) async fn new() -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let (records_dir, ledger_dir) = (dir.path().join("records"), dir.path().join("ledger"));
        std::fs::create_dir(&ledger_dir)?;
        let records: Arc<dyn Records> = SledRecords::open(&records_dir, &SledSettings::default())?;
        let space = |name: &str| Keyspace::new(Arc::clone(&records), name);
        let clock = Arc::new(SystemClock);
        let random = aws_lc_rs::rand::SystemRandom::new();
        let key = aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8(&random)?;
        let ledger = Ledger::open(
            Dir::open_ambient_dir(&ledger_dir, ambient_authority())?,
            space("ledger"),
            key.as_ref(),
            clock.clone(),
            LedgerSettings::default(),
        )
        .await?;
        let fence = Fence::open(space("fence")).await?;
        let relations = Relations::new(space("relations"));
        let tenant: TenantId = "main".parse()?;
        let gateway = Arc::new(Gateway::new(GatewayParts {
            stores: HashMap::from([(tenant.clone(), space(FHIR))]),
            ledger: ledger.clone(),
            fence: fence.clone(),
            relations: relations.clone(),
            clock: clock.clone(),
            cursor_key: zeroize::Zeroizing::new(vec![7; 32]),
            drafts: space("drafts"),
            budgets: space("budgets"),
            tenant_budgets: HashMap::new(),
        }));
        let settings = RuntimeSettings::default();
        let runtime = Runtime::new(RuntimeParts {
            preparer: Preparer::new(settings.clone(), None)?,
            gateway: Arc::clone(&gateway),
            fence: fence.clone(),
            ledger: ledger.clone(),
            storage: space("app-storage"),
            clock,
            settings,
        })?;
        ensure!(
            runtime.preparer().is_pooling(),
            "there is no address space for pooled memory: the figures would not be ours"
        );
        Ok(Self {
            screens: Screens::new(runtime.clone(), space("screens")),
            runtime,
            tenant,
            user: "dr.rivera".parse()?,
            gateway,
            ledger,
            fence,
            relations,
            records,
            _dir: dir,
        })
    }

    /// The records of the tenant's FHIR store, for a floor that asks it directly.
    pub(crate) fn fhir_records(&self) -> Keyspace {
        self.space(FHIR)
    }

    /// A namespace of the records.
    pub(crate) fn space(&self, name: &str) -> Keyspace {
        Keyspace::new(Arc::clone(&self.records), name)
    }

    /// Imports synthetic charts; [`PATIENT`] keeps the newest `results` laboratory results
    /// and everything else, and the user may open them.
    pub(crate) async fn admit(&self, results: usize) -> anyhow::Result<()> {
        let plan = glovebox_synthesis::Plan {
            patients: PATIENTS,
            seed: 1,
            today: time::macros::date!(2026 - 11 - 23),
        };
        let roster = glovebox_synthesis::roster(&plan);
        self.import(glovebox_synthesis::shared(&plan)).await?;
        for (index, entry) in roster.iter().enumerate() {
            let mut chart = glovebox_synthesis::patient(&plan, index);
            if entry.id == PATIENT {
                keep_newest_results(&mut chart, results)?;
            }
            self.import(chart).await?;
        }
        self.relate().await
    }

    /// Gives the user the right to open [`PATIENT`].
    pub(crate) async fn relate(&self) -> anyhow::Result<()> {
        let patient: PatientId = PATIENT.parse()?;
        self.relations
            .grant(&self.tenant, &self.user, &patient, Source::Api, None)
            .await?;
        Ok(())
    }

    pub(crate) async fn import(&self, resources: Vec<Value>) -> anyhow::Result<()> {
        let resources: Result<Vec<_>, _> = resources
            .iter()
            .map(|value| {
                Resource::parse(
                    value.to_string().as_bytes(),
                    glovebox_fhir::Limits::RESOURCE,
                )
            })
            .collect();
        let options = ImportOptions { update: false };
        let report = self
            .gateway
            .import(&self.tenant, &Subject::default(), resources?, options)
            .await
            .map_err(|refusal| anyhow::anyhow!("the import was refused: {refusal:?}"))?;
        ensure!(report.refused.is_empty(), "refused: {:?}", report.refused);
        Ok(())
    }

    fn subject(&self) -> anyhow::Result<Subject> {
        Ok(Subject {
            tenant: Some(self.tenant.clone()),
            user: Some(self.user.clone()),
            patient: Some(PATIENT.parse()?),
            ..Subject::default()
        })
    }

    /// The user with [`PATIENT`] in context and these scopes.
    pub(crate) fn session(&self, scopes: &str) -> anyhow::Result<Session> {
        Ok(Session {
            tenant: self.tenant.clone(),
            subject: self.subject()?,
            scopes: ScopeSet::parse(scopes)?,
            patient: Some(PATIENT.parse()?),
            user: Some(self.user.clone()),
            door: Door::Wit,
            terms: std::sync::Arc::default(),
        })
    }

    /// One interaction as a caller meets it: fence, decision, store, re-check, ledger, release.
    pub(crate) async fn execute(
        &self,
        session: &Session,
        interaction: Interaction,
    ) -> anyhow::Result<Answer> {
        let marks = [Mark::Tenant(self.tenant.clone())];
        let pass = self.fence.enter(&self.fence.generations(&marks))?;
        let answer = self.gateway.execute(session, &pass, interaction).await;
        let answer = answer.map_err(|refusal| anyhow::anyhow!("refused: {refusal:?}"))?;
        Ok(answer.release(&pass, |answer| answer)?)
    }

    /// A launch as the chart makes it: scopes from the manifest, and all the generations
    /// that a launch is held by.
    pub(crate) async fn launch(
        &self,
        guest: &Guest,
        limits: Limits,
        intent: Option<String>,
    ) -> anyhow::Result<ScreenLaunch> {
        let manifest = &guest.package.manifest;
        let scopes: Vec<String> = manifest
            .scopes
            .iter()
            .map(|justified| justified.scope.to_string())
            .collect();
        let patient: PatientId = PATIENT.parse()?;
        let (tenant, user, app) = (&self.tenant, &self.user, &manifest.id);
        let held = self.fence.generations(&[
            Mark::User(tenant.clone(), user.clone()),
            Mark::Relations(tenant.clone(), user.clone()),
            Mark::Tenant(tenant.clone()),
            Mark::App(tenant.clone(), app.clone()),
            Mark::Publisher(manifest.publisher.clone()),
            Mark::Version(tenant.clone(), app.clone(), manifest.version.clone()),
        ]);
        let prepared = self.runtime.prepare(&guest.bytes).await?;
        let session = Session {
            subject: Subject {
                app: Some(app.clone()),
                version: Some(manifest.version.clone()),
                digest: Some(prepared.digest()),
                ..self.subject()?
            },
            scopes: ScopeSet::parse(&scopes.join(" "))?,
            ..self.session("")?
        };
        Ok(ScreenLaunch {
            app_name: manifest.name.clone(),
            session,
            prepared,
            held,
            context: LaunchContext {
                tenant: tenant.clone(),
                patient: Some(patient),
                encounter: None,
                fhir_user: Some("Practitioner/rivera".parse()?),
                intent,
                fhir_context: Vec::new(),
                locale: "en".to_owned(),
            },
            storage_granted: false,
            limits,
        })
    }
}

const FHIR: &str = "fhir/main";

/// Drops all laboratory results but the newest.
fn keep_newest_results(chart: &mut Vec<Value>, results: usize) -> anyhow::Result<()> {
    let mut dates: Vec<(String, String)> = chart
        .iter()
        .filter(|resource| is_result(resource))
        .map(|resource| {
            (
                text(resource, "/effectiveDateTime").to_owned(),
                text(resource, "/id").to_owned(),
            )
        })
        .collect();
    dates.sort_unstable();
    let surplus = dates
        .len()
        .checked_sub(results)
        .context("the synthetic chart has too few laboratory results")?;
    dates.truncate(surplus);
    chart.retain(|resource| {
        !is_result(resource) || dates.iter().all(|(_, id)| id != text(resource, "/id"))
    });
    Ok(())
}

fn is_result(resource: &Value) -> bool {
    text(resource, "/resourceType") == "Observation"
        && text(resource, "/category/0/coding/0/code") == "laboratory"
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
