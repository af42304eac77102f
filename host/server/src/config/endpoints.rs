//! The one table of OAuth addresses. Discovery documents, the CapabilityStatement and the
//! protocol's own checks all read them here: built from the configured base, never from
//! what a request says of its host.

use glovebox_model::TenantId;

use super::Settings;

/// An address of a tenant's authorization server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Where the browser goes (RFC 6749 section 3.1).
    Authorize,
    /// Where tokens come from (RFC 6749 section 3.2).
    Token,
    /// What a token is worth (RFC 7662).
    Introspect,
    /// Where a token ends (RFC 7009).
    Revoke,
    /// The keys of id_tokens (RFC 7517).
    Jwks,
    /// Dynamic registration (RFC 7591).
    Register,
    /// Pushed authorization requests (RFC 9126).
    PushedRequest,
    /// The page on which a user sees and ends what apps may do.
    Manage,
}

impl Endpoint {
    /// What is told to clients of every tenant: exactly what the server answers.
    pub const ADVERTISED: &'static [Self] = &[
        Self::Authorize,
        Self::Token,
        Self::Introspect,
        Self::Revoke,
        Self::Jwks,
        Self::PushedRequest,
    ];

    /// The member of a discovery document (RFC 8414 section 2; SMART App Launch 2.2,
    /// "Metadata").
    pub const fn member(self) -> &'static str {
        match self {
            Self::Authorize => "authorization_endpoint",
            Self::Token => "token_endpoint",
            Self::Introspect => "introspection_endpoint",
            Self::Revoke => "revocation_endpoint",
            Self::Jwks => "jwks_uri",
            Self::Register => "registration_endpoint",
            Self::PushedRequest => "pushed_authorization_request_endpoint",
            Self::Manage => "management_endpoint",
        }
    }

    /// The name in the `oauth-uris` extension of a CapabilityStatement, where it has one.
    pub const fn legacy(self) -> Option<&'static str> {
        match self {
            Self::Authorize => Some("authorize"),
            Self::Token => Some("token"),
            Self::Introspect => Some("introspect"),
            Self::Revoke => Some("revoke"),
            Self::Register => Some("register"),
            Self::Manage => Some("manage"),
            Self::Jwks | Self::PushedRequest => None,
        }
    }

    /// The step below the issuer; the page of a user is not below it.
    const fn step(self) -> Option<&'static str> {
        match self {
            Self::Authorize => Some("authorize"),
            Self::Token => Some("token"),
            Self::Introspect => Some("introspect"),
            Self::Revoke => Some("revoke"),
            Self::Jwks => Some("jwks"),
            Self::Register => Some("register"),
            Self::PushedRequest => Some("par"),
            Self::Manage => None,
        }
    }
}

impl Settings {
    /// The tenant's issuer: `iss` of id_tokens and of authorization answers.
    pub fn issuer(&self, tenant: &TenantId) -> String {
        format!("{}/oauth/{tenant}", self.base_url)
    }

    /// An address of the tenant's authorization server, absolute.
    pub fn endpoint(&self, tenant: &TenantId, endpoint: Endpoint) -> String {
        match endpoint.step() {
            Some(step) => format!("{}/{step}", self.issuer(tenant)),
            None => format!("{}/account/apps?tenant={tenant}", self.base_url),
        }
    }

    /// Every advertised address of the tenant.
    pub fn advertised(&self, tenant: &TenantId) -> impl Iterator<Item = (Endpoint, String)> {
        let registers = self.oauth.registration.contains(tenant);
        let register = registers.then_some(Endpoint::Register);
        let everywhere = Endpoint::ADVERTISED.iter().copied();
        everywhere
            .chain(register)
            .map(move |endpoint| (endpoint, self.endpoint(tenant, endpoint)))
    }

    /// The address of this tenant's token endpoint.
    pub fn token_url(&self, tenant: &TenantId) -> String {
        self.endpoint(tenant, Endpoint::Token)
    }

    /// The FHIR base of this tenant.
    pub fn fhir_url(&self, tenant: &TenantId) -> String {
        format!("{}/fhir/{tenant}", self.base_url)
    }

    /// The document with the design of our pages, for apps that want to look alike.
    pub fn smart_style_url(&self) -> String {
        format!("{}{}", self.base_url, glovebox_render::smart_style::path())
    }

    /// The tenant's user-access brand bundle.
    pub fn brands_url(&self, tenant: &TenantId) -> String {
        format!("{}/brands/{tenant}.json", self.base_url)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn every_address_is_below_the_configured_base_and_only_the_page_has_a_query() {
        let config = "[listen]\nbase_url = \"https://glove.example/ehr/\"\n";
        let settings = Settings::resolve(&Config::parse(config).unwrap()).unwrap();
        let sandbox: TenantId = "sandbox".parse().unwrap();
        for endpoint in [
            Endpoint::Authorize,
            Endpoint::Token,
            Endpoint::Introspect,
            Endpoint::Revoke,
            Endpoint::Jwks,
            Endpoint::Register,
            Endpoint::PushedRequest,
            Endpoint::Manage,
        ] {
            let address = settings.endpoint(&sandbox, endpoint);
            let url = url::Url::parse(&address).unwrap();
            assert!(
                address.starts_with("https://glove.example/ehr/"),
                "{address}"
            );
            assert_eq!(
                url.query().is_some(),
                endpoint == Endpoint::Manage,
                "{address}"
            );
            assert!(address.contains("sandbox"), "{address}");
        }
        assert_eq!(
            settings.endpoint(&sandbox, Endpoint::Token),
            "https://glove.example/ehr/oauth/sandbox/token"
        );
    }

    #[test]
    fn no_two_endpoints_share_a_name() {
        let mut names: Vec<&str> = Endpoint::ADVERTISED.iter().map(|e| e.member()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Endpoint::ADVERTISED.len());
    }
}
