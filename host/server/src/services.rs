//! Everything that a running installation is made of, opened from its data directory.

mod calling;
mod data_dir;
mod error;
mod housekeeping;
mod launching;
mod rate_limits;
mod relating;
mod rotating;
mod standing;
mod strangers;
mod withdrawing;

use std::collections::HashMap;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use glovebox_authorization::{Authorization, AuthorizationParts, RefreshKey};
use glovebox_database::artifacts::Artifacts;
use glovebox_database::fence::Fence;
use glovebox_database::ledger::{Ledger, LedgerSettings};
use glovebox_database::relations::Relations;
use glovebox_database::vault::{KeyEncryptionKey, Vault};
use glovebox_database::{
    Keyspace, PostgresRecords, PostgresSettings, Records, SledRecords, SledSettings,
};
use glovebox_gateway::{Gateway, GatewayParts};
use glovebox_model::Clock;
use glovebox_outbound::Outbound;
use glovebox_registry::{Registry, RegistryParts};
use glovebox_runtime::{CodeCache, Preparer, Runtime, RuntimeParts, RuntimeSettings, Screens};
use zeroize::Zeroizing;

use crate::config::{Engine, Settings};

pub use data_dir::DataDir;
pub use error::StartError;
pub use launching::{LaunchProblem, OpenedApp, open_app};
pub use rate_limits::RateLimits;
pub use relating::follow_people;
pub use rotating::{RotateError, rotate_signing_key};
pub use standing::{end_unless_allowed, is_clinician};
pub use strangers::Strangers;
pub use withdrawing::{EndError, end_sessions};

/// The parts of a running installation.
pub struct Services {
    /// What it runs with.
    pub settings: Settings,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Users, sessions, tokens, launches, clients.
    pub authorization: Authorization,
    /// Who may open whom.
    pub relations: Relations,
    /// What withdraws.
    pub fence: Fence,
    /// What is recorded.
    pub ledger: Ledger,
    /// The door to patient data.
    pub gateway: Arc<Gateway>,
    /// Runs components.
    pub runtime: Runtime,
    /// App sessions.
    pub screens: Screens,
    /// The apps.
    pub registry: Registry,
    /// How many refusals of unknown callers are recorded.
    pub strangers: Strangers,
    /// How often clients may ask.
    pub rate_limits: RateLimits,
}

impl Services {
    /// Opens the data directory, creates what is missing, settles what a crash left open.
    pub async fn open(settings: Settings, clock: Arc<dyn Clock>) -> Result<Arc<Self>, StartError> {
        let dir = DataDir::open(&settings.data_dir)?;
        let records: Arc<dyn Records> = match &settings.engine {
            Engine::Sled { cache_bytes } => {
                let path = dir.path("records")?;
                let sled = SledSettings {
                    cache_bytes: *cache_bytes,
                };
                let opened = tokio::task::spawn_blocking(move || SledRecords::open(&path, &sled));
                opened.await.map_err(StartError::interrupted)??
            }
            Engine::Postgres { url } => {
                PostgresRecords::connect(url, &PostgresSettings::default()).await?
            }
        };
        let space = |name: &str| Keyspace::new(Arc::clone(&records), name);
        let kek = KeyEncryptionKey::load_or_create(&dir.path("keys")?.join("kek"))?;
        let vault = Arc::new(Vault::new(space("vault"), &kek)?);

        let signing_key = vault
            .get_or_create("ledger-signing-key", generate_ed25519)
            .await?;
        let ledger_settings = LedgerSettings {
            flush_every: settings.ledger_flush,
            ..LedgerSettings::default()
        };
        let ledger = Ledger::open(
            capability(&dir, "ledger")?,
            space("ledger"),
            &signing_key,
            Arc::clone(&clock),
            ledger_settings,
        )
        .await?;
        let fence = Fence::open(space("fence")).await?;
        let relations = Relations::new(space("relations"));
        let stores: HashMap<_, _> = settings
            .tenants
            .iter()
            .map(|(tenant, _)| (tenant.clone(), space(&format!("fhir/{tenant}"))))
            .collect();
        let gateway = Arc::new(Gateway::new(GatewayParts {
            stores,
            ledger: ledger.clone(),
            fence: fence.clone(),
            relations: relations.clone(),
            clock: Arc::clone(&clock),
            cursor_key: vault.get_or_create("cursor-key", random_key).await?,
            drafts: space("drafts"),
            budgets: space("budgets"),
            tenant_budgets: settings.tenant_budgets.clone(),
        }));
        let settled = gateway
            .settle_intents()
            .await
            .map_err(|_| StartError::Settle)?;
        if settled > 0 {
            tracing::warn!(settled, "writes that a crash had left open were settled");
        }
        let settled = gateway.settle_relations().await;
        if settled.map_err(|_| StartError::Settle)? > 0 {
            tracing::warn!("relations that a crash had left open were derived again");
        }
        let ordered = gateway
            .complete_orders()
            .await
            .map_err(|_| StartError::Order)?;
        if ordered > 0 {
            tracing::info!(ordered, "resources of an earlier version were put in order");
        }
        let compiled_key = vault.get_or_create("compiled-code-key", random_key).await?;
        let cache = CodeCache::new(capability(&dir, "compiled")?, &compiled_key);
        let runtime_settings = RuntimeSettings {
            concurrent_calls_max: settings.instances,
            ..RuntimeSettings::default()
        };
        let runtime = Runtime::new(RuntimeParts {
            preparer: Preparer::new(runtime_settings.clone(), Some(cache))?,
            gateway: Arc::clone(&gateway),
            fence: fence.clone(),
            ledger: ledger.clone(),
            storage: space("app-storage"),
            clock: Arc::clone(&clock),
            settings: runtime_settings,
        })?;
        let screens = Screens::new(runtime.clone(), space("screens"));
        let registry = Registry::new(RegistryParts {
            records: space("registry"),
            artifacts: Artifacts::open(capability(&dir, "artifacts")?)?,
            runtime: runtime.clone(),
            fence: fence.clone(),
            ledger: ledger.clone(),
            clock: Arc::clone(&clock),
            ceiling: settings.ceiling.clone(),
        });
        let refresh_key = vault.get_or_create("refresh-token-key", random_key).await?;
        let authorization = Authorization::new(AuthorizationParts {
            records: &records,
            fence: fence.clone(),
            relations: relations.clone(),
            vault: Arc::clone(&vault),
            refresh_key: RefreshKey::new(&refresh_key),
            outbound: Outbound::new(
                settings.oauth.addresses.clone(),
                Arc::new(calling::LedgerSink(ledger.clone())),
            ),
        });
        for (tenant, _) in &settings.tenants {
            let keys = &authorization.signing_keys;
            rotating::create_missing(keys, tenant, &ledger, clock.now()).await?;
        }
        follow_people(&authorization, &gateway)
            .await
            .map_err(StartError::people)?;
        let services = Arc::new(Self {
            rate_limits: RateLimits::new(&settings.oauth),
            settings,
            clock,
            authorization,
            relations,
            fence,
            ledger,
            gateway,
            runtime,
            screens,
            registry,
            strangers: Strangers::default(),
        });
        tokio::spawn(housekeeping::keep(Arc::downgrade(&services)));
        Ok(services)
    }

    /// Writes what is pending to disk. To be called once nothing is served any more.
    pub async fn close(&self) {
        if let Err(problem) = self.ledger.shutdown().await {
            tracing::error!(error = %problem, "the ledger could not be closed");
        }
    }
}

/// A folder of the data directory as a capability: the one place that uses ambient authority.
fn capability(dir: &DataDir, name: &str) -> Result<Dir, StartError> {
    let path = dir.path(name)?;
    Dir::open_ambient_dir(&path, ambient_authority())
        .map_err(|source| StartError::Io { path, source })
}

/// A new secret, or why there is none.
type Generated = Result<Zeroizing<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>>;

fn generate_ed25519() -> Generated {
    use aws_lc_rs::signature::Ed25519KeyPair;
    let document = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new())?;
    Ok(Zeroizing::new(document.as_ref().to_vec()))
}

fn random_key() -> Generated {
    let mut key = Zeroizing::new(vec![0_u8; 32]);
    getrandom::fill(&mut key)?;
    Ok(key)
}
