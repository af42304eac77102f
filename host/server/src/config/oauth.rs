//! `[oauth]` and `[outbound]`: how much clients may ask, who may register by themselves, and
//! which addresses outside the internet this server may call.

use std::net::IpAddr;
use std::num::NonZeroU32;

use glovebox_model::TenantId;
use glovebox_outbound::AddressPolicy;
use serde::{Deserialize, Serialize};

use super::Config;
use super::settings::{SettingsError, wrong};

/// `[oauth]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OAuthSection {
    /// Requests to the OAuth endpoints from one address in a minute; 0 is without bound. A
    /// whole hospital may come from one address. Default: 6000.
    pub requests_per_address_per_minute: u32,
    /// The same from one client. Default: 6000.
    pub requests_per_client_per_minute: u32,
    /// Proxies whose `X-Forwarded-For` is believed, by address. Default: none.
    pub trusted_proxies: Vec<String>,
    /// Tenants in which vendors register clients by themselves, with a token that an
    /// administrator gave them. Default: none.
    pub dynamic_registration: Vec<String>,
}

impl Default for OAuthSection {
    fn default() -> Self {
        Self {
            requests_per_address_per_minute: 6_000,
            requests_per_client_per_minute: 6_000,
            trusted_proxies: Vec::new(),
            dynamic_registration: Vec::new(),
        }
    }
}

/// `[outbound]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutboundSection {
    /// Origins beside the internet from which keys of clients may be fetched, such as
    /// `https://keys.hospital.example`. Default: none.
    pub allowed_origins: Vec<String>,
}

/// Both, resolved.
#[derive(Clone, Debug, Default)]
pub struct OAuthSettings {
    /// Requests from one address in a minute, if that is bounded.
    pub per_address: Option<NonZeroU32>,
    /// Requests from one client in a minute, if that is bounded.
    pub per_client: Option<NonZeroU32>,
    /// Proxies that say where a request comes from.
    pub trusted_proxies: Vec<IpAddr>,
    /// Tenants with dynamic registration.
    pub registration: Vec<TenantId>,
    /// Which addresses may be called.
    pub addresses: AddressPolicy,
}

impl OAuthSettings {
    pub(super) fn resolve(
        config: &Config,
        tenants: &[(TenantId, String)],
    ) -> Result<Self, SettingsError> {
        let written = &config.oauth;
        let mut trusted_proxies = Vec::new();
        for text in &written.trusted_proxies {
            match text.parse() {
                Ok(address) => trusted_proxies.push(address),
                Err(_) => {
                    let problem = format!("`{text}` is not an IP address");
                    return wrong("oauth.trusted_proxies", problem);
                }
            }
        }
        let mut registration = Vec::new();
        for name in &written.dynamic_registration {
            match tenants.iter().find(|(id, _)| id.as_str() == name) {
                Some((tenant, _)) => registration.push(tenant.clone()),
                None => {
                    let problem = format!("there is no tenant `{name}`");
                    return wrong("oauth.dynamic_registration", problem);
                }
            }
        }
        let listed = config.outbound.allowed_origins.iter().map(String::as_str);
        let addresses = match AddressPolicy::new(listed) {
            Ok(addresses) => addresses,
            Err(problem) => return wrong("outbound.allowed_origins", problem.to_string()),
        };
        Ok(Self {
            per_address: NonZeroU32::new(written.requests_per_address_per_minute),
            per_client: NonZeroU32::new(written.requests_per_client_per_minute),
            trusted_proxies,
            registration,
            addresses,
        })
    }
}
