//! Configuration: one TOML file as written ([`Config`]), resolved once into [`Settings`].

mod brand;
mod endpoints;
mod line;
mod oauth;
mod settings;
mod unknown_key;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use brand::{Brand, BrandSection, IDENTIFIER_SYSTEM};
pub use endpoints::Endpoint;
pub use line::line_of;
pub use oauth::{OAuthSection, OAuthSettings, OutboundSection};
pub use settings::{Engine, Settings, SettingsError};

/// The file as written. Unknown keys are refused with the nearest known one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where everything is kept. Default: `glovebox-data` in the working directory.
    pub data_dir: Option<PathBuf>,
    /// Where the server listens.
    pub listen: Listen,
    /// Which storage engine runs.
    pub database: Database,
    /// The tenants beside `main` and `sandbox`, which always exist.
    pub tenants: Vec<Tenant>,
    /// The sandbox of apps.
    pub apps: Apps,
    /// The audit ledger.
    pub ledger: LedgerSection,
    /// What apps may take, by tenant.
    pub budgets: std::collections::BTreeMap<String, Budgets>,
    /// How organisations appear to people who look for them in an app, by tenant.
    pub brands: std::collections::BTreeMap<String, BrandSection>,
    /// The authorization server's endpoints.
    pub oauth: OAuthSection,
    /// Calls that this server makes.
    pub outbound: OutboundSection,
}

/// `[listen]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Address and port. Default: `127.0.0.1:8080`.
    pub address: String,
    /// The address that browsers and clients use, without a slash at the end. Default:
    /// `http://localhost:PORT`.
    pub base_url: Option<String>,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            address: "127.0.0.1:8080".to_owned(),
            base_url: None,
        }
    }
}

/// `[database]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `sled` (embedded, the default) or `postgres`.
    pub engine: String,
    /// PostgreSQL connection URL.
    pub url: Option<String>,
    /// A file that holds the PostgreSQL connection URL.
    pub url_file: Option<PathBuf>,
    /// Mebibytes of memory for the embedded store's page cache.
    pub cache_mib: u64,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            engine: "sled".to_owned(),
            url: None,
            url_file: None,
            cache_mib: 256,
        }
    }
}

/// `[[tenants]]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Name in addresses.
    pub id: String,
    /// Name on pages.
    pub name: String,
}

/// `[apps]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Apps {
    /// Ceilings by the name of the limit; what is not named has its default.
    pub limits: std::collections::BTreeMap<String, u64>,
    /// Guest instances that may run at once. Default: 64.
    pub instances: Option<u32>,
}

/// `[budgets.TENANT]`: limits by name, such as `patients_per_hour = 25`. What is not named
/// has no limit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budgets {
    /// For each app; its approval may set lower ones.
    pub per_app: std::collections::BTreeMap<String, u64>,
    /// For each user, over all apps.
    pub per_user: std::collections::BTreeMap<String, u64>,
    /// For all apps and users together.
    pub whole: std::collections::BTreeMap<String, u64>,
}

/// `[ledger]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LedgerSection {
    /// Longest time in milliseconds until a read's entry is on disk.
    pub flush_ms_max: u64,
}

impl Default for LedgerSection {
    fn default() -> Self {
        Self { flush_ms_max: 100 }
    }
}

impl Config {
    /// Reads TOML. The error says where and what, and names the nearest known key.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|problem| unknown_key::explain(&problem.to_string()))
    }
}
