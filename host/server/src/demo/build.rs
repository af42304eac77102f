//! Building the world, step by step.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use glovebox_database::RecordsError;
use glovebox_model::TenantId;
use glovebox_registry::RegistryError;
use glovebox_synthesis::{Plan, RosterEntry, roster};
use serde_json::Value;
use time::Date;
use time::format_description::well_known::Iso8601;

use super::apps::SampleApp;
use super::keepsake::Keepsake;
use super::{SANDBOX_PATIENTS, SEED, apps, clients, day_of, description, patients, people, tokens};
use crate::services::Services;

/// What is wanted.
pub struct DemoPlan {
    /// Patients of tenant `main`.
    pub patients: usize,
    /// One password for everybody, in place of random ones.
    pub password: Option<String>,
    /// Components of the sample apps.
    apps: Vec<SampleApp>,
}

/// What is being done, for a progress display.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// Patients are imported.
    Patients {
        /// Into which tenant.
        tenant: &'a TenantId,
        /// Patients that are there.
        done: usize,
        /// Patients that will be there.
        total: usize,
    },
    /// People, tokens and clients are made.
    Identities,
    /// This app is checked and installed.
    App(&'a str),
}

/// A world that is there.
pub struct World {
    /// The content of `demo.json`.
    description: Value,
    /// What somebody may wonder about.
    pub notes: Vec<String>,
    /// Patients of tenant `main`.
    pub patients: usize,
    services: Arc<Services>,
    passwords: std::collections::BTreeMap<String, String>,
}

/// Why the world cannot be built. The next start takes it up again.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The password is of no use.
    #[error("--password must have 8 to 1024 bytes")]
    Password,
    /// A file cannot be used.
    #[error("{}: {problem}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        problem: std::io::Error,
    },
    /// A sample app is refused.
    #[error("the sample app {app} is refused: {why}")]
    App {
        /// Which.
        app: String,
        /// Why.
        why: String,
    },
    /// The store does not take the patients.
    #[error("the patients cannot be written: see the log above; start again to go on")]
    Import,
    /// A patient's resource is refused.
    #[error(
        "{reference} is refused ({why}): this data directory was changed since, start with a new --data"
    )]
    Refused {
        /// `Type/id`.
        reference: String,
        /// Why.
        why: String,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system: {0}")]
    Randomness(getrandom::Error),
    /// A value of the demo itself is not valid.
    #[error("the demo's own data is wrong: {0}")]
    Wrong(String),
    /// Identity.
    #[error(transparent)]
    Authorization(#[from] glovebox_authorization::Error),
    /// Apps.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Which accounts are which people of the record.
    #[error("what follows from care teams in the record could not be derived: {0}")]
    People(Box<dyn std::error::Error + Send + Sync>),
    /// Relations.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// Reads a value that stands in the demo's own source.
pub(super) fn known<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, DemoError> {
    text.parse()
        .map_err(|problem| DemoError::Wrong(format!("{problem}")))
}

/// Checks everything that can be wrong with the order, before anything is written.
pub fn precheck(
    patients: usize,
    password: Option<String>,
    apps: Option<&Path>,
) -> Result<DemoPlan, DemoError> {
    if password
        .as_ref()
        .is_some_and(|password| !(8..=1024).contains(&password.len()))
    {
        return Err(DemoError::Password);
    }
    let apps = apps.map(apps::read).transpose()?.unwrap_or_default();
    Ok(DemoPlan {
        patients,
        password,
        apps,
    })
}

/// Builds what is missing of the world.
pub async fn build(
    services: &Arc<Services>,
    plan: &DemoPlan,
    progress: &mut (dyn FnMut(Step<'_>) + Send),
) -> Result<World, DemoError> {
    let dir = services.settings.data_dir.clone();
    let failed = |problem: std::io::Error| DemoError::File {
        path: dir.join("demo-secrets.json"),
        problem,
    };
    let mut keepsake = Keepsake::load(&dir).map_err(failed)?;
    let today = keepsake
        .today
        .as_deref()
        .and_then(|text| Date::parse(text, &Iso8601::DATE).ok());
    let today = today.unwrap_or_else(|| day_of(services.clock.now()));
    keepsake.today = Some(today.to_string());
    keepsake.save(&dir).map_err(failed)?;

    let mut main_roster: Vec<RosterEntry> = Vec::new();
    for (tenant, wanted) in [
        ("main", plan.patients),
        ("sandbox", plan.patients.min(SANDBOX_PATIENTS)),
    ] {
        let there = keepsake.patients.get(tenant).copied().unwrap_or(0);
        // Fewer than there are: the others are not taken away.
        let plan = Plan {
            patients: wanted.max(there),
            seed: SEED,
            today,
        };
        let id: TenantId = known(tenant)?;
        let roster = roster(&plan);
        if plan.count() > there {
            patients::import(services, &id, &plan, there, progress).await?;
            people::relate(services, &id).await?;
            keepsake.patients.insert(tenant.to_owned(), plan.count());
            keepsake.save(&dir).map_err(failed)?;
        }
        if tenant == "main" {
            main_roster = roster;
        }
    }

    progress(Step::Identities);
    people::add(services, &mut keepsake, plan.password.as_deref()).await?;
    // Each step is remembered before the next begins: a secret that is lost is made again.
    keepsake.save(&dir).map_err(failed)?;
    tokens::add(services, &mut keepsake).await?;
    keepsake.save(&dir).map_err(failed)?;
    clients::add(services, &mut keepsake).await?;
    keepsake.save(&dir).map_err(failed)?;

    let notes = apps::install(services, &plan.apps, progress).await?;
    Ok(World {
        description: description::describe(services, &keepsake, &main_roster).await?,
        notes,
        patients: main_roster.len(),
        services: Arc::clone(services),
        passwords: keepsake.passwords,
    })
}

impl World {
    /// Tells scripts that the server is ready: writes `demo.json`.
    pub fn announce(&self) -> Result<(), DemoError> {
        let dir = &self.services.settings.data_dir;
        description::write(dir, &self.description).map_err(|problem| DemoError::File {
            path: dir.join("demo.json"),
            problem,
        })
    }

    /// The password of one of [`super::PEOPLE`].
    pub fn password(&self, username: &str) -> &str {
        self.passwords.get(username).map_or("", String::as_str)
    }

    /// Makes the apps ready, so that the first launch does not wait.
    pub async fn warm(&self) {
        apps::warm(&self.services).await;
    }
}
