//! The token endpoint (RFC 6749 section 3.2). In this form: backend services that
//! authenticate with a signed assertion (SMART App Launch 2.2, "Backend Services").

use std::time::Duration;

use glovebox_model::scope::{Scope, ScopeSet};
use glovebox_model::{TenantId, Timestamp};

use crate::access_token::{AccessTokens, NewAccessToken};
use crate::client_assertion::{ASSERTION_TYPE, AssertionRefused, ClientAssertions};
use crate::clients::{ClientKind, is_system};
use crate::{Client, Clients, Error, SecretText, TokenRequest};

/// How long a backend service's token lives (SMART App Launch 2.2, "Backend Services":
/// `expires_in` SHOULD NOT exceed 300).
pub const BACKEND_TOKEN_TTL: Duration = Duration::from_secs(300);
/// Most scope tokens that are read from one request.
const SCOPE_TOKENS_MAX: usize = 200;

/// What a client gets (RFC 6749 section 5.1). `token_type` is always `Bearer`.
#[derive(Clone, Debug)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: SecretText,
    /// Its public id, for the ledger.
    pub token_id: String,
    /// Its lifetime in seconds.
    pub expires_in: u64,
    /// What was granted; it may be less than what was asked for.
    pub scope: ScopeSet,
    /// The client, for the ledger.
    pub client: Client,
}

impl TokenResponse {
    /// The spelling of `token_type`.
    pub const TOKEN_TYPE: &'static str = "Bearer";
}

/// Why no token was issued (RFC 6749 section 5.2).
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// A parameter is missing, repeated or in the way.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// The client did not prove who it is. The cause is for the ledger alone.
    #[error("the client could not be authenticated")]
    InvalidClient(AssertionRefused),
    /// The client is known, but this grant is not for its kind.
    #[error("this client may not use this grant type")]
    UnauthorizedClient,
    /// The grant type is not one that this server has.
    #[error("the grant type is not supported")]
    UnsupportedGrantType,
    /// Nothing that was asked for can be granted.
    #[error("{0}")]
    InvalidScope(&'static str),
    /// The server failed; the client may try again.
    #[error("the server could not answer")]
    Server(#[from] Error),
}

impl TokenError {
    /// The `error` of the answer. `server_error` is not in RFC 6749 section 5.2: such an
    /// answer has a 5xx status of its own.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidClient(_) => "invalid_client",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope(_) => "invalid_scope",
            Self::Server(_) => "server_error",
        }
    }

    /// The `error_description` of the answer: the same for every failed authentication.
    pub fn description(&self) -> String {
        self.to_string()
    }

    /// The stable word for the ledger, with the true cause.
    pub const fn cause(&self) -> &'static str {
        match self {
            Self::InvalidClient(refused) => refused.code(),
            other => other.code(),
        }
    }
}

/// The token endpoint.
#[derive(Clone)]
pub struct TokenEndpoint {
    clients: Clients,
    assertions: ClientAssertions,
    access_tokens: AccessTokens,
}

impl TokenEndpoint {
    /// Puts the endpoint together.
    pub fn new(
        clients: Clients,
        assertions: ClientAssertions,
        access_tokens: AccessTokens,
    ) -> Self {
        Self {
            clients,
            assertions,
            access_tokens,
        }
    }

    /// Answers a request to the token endpoint of `tenant`, whose own address is
    /// `token_url`.
    pub async fn token(
        &self,
        tenant: &TenantId,
        request: &TokenRequest,
        token_url: &str,
        now: Timestamp,
    ) -> Result<TokenResponse, TokenError> {
        match request.get("grant_type") {
            Some("client_credentials") => {
                self.client_credentials(tenant, request, token_url, now)
                    .await
            }
            Some(_) => Err(TokenError::UnsupportedGrantType),
            None => Err(TokenError::InvalidRequest("grant_type is missing")),
        }
    }

    async fn client_credentials(
        &self,
        tenant: &TenantId,
        request: &TokenRequest,
        token_url: &str,
        now: Timestamp,
    ) -> Result<TokenResponse, TokenError> {
        let client = self.authenticate(tenant, request, token_url, now).await?;
        if client.kind != ClientKind::Backend {
            return Err(TokenError::UnauthorizedClient);
        }
        let requested = request
            .get("scope")
            .ok_or(TokenError::InvalidScope("scope is missing"))?;
        let scope = grant(requested, &client.scope)?;
        let token = NewAccessToken {
            tenant: tenant.clone(),
            client: client.clone(),
            scope: scope.clone(),
            user: None,
            patient: None,
        };
        let issued = self
            .access_tokens
            .issue(&token, BACKEND_TOKEN_TTL, now)
            .await?;
        Ok(TokenResponse {
            access_token: issued.text,
            token_id: issued.id,
            expires_in: BACKEND_TOKEN_TTL.as_secs(),
            scope,
            client,
        })
    }

    async fn authenticate(
        &self,
        tenant: &TenantId,
        request: &TokenRequest,
        token_url: &str,
        now: Timestamp,
    ) -> Result<Client, TokenError> {
        let assertion = request.get("client_assertion");
        let secret = request.get("client_secret");
        let methods = usize::from(assertion.is_some())
            + usize::from(secret.is_some())
            + usize::from(request.has_authorization_header());
        if methods > 1 {
            // RFC 6749 section 2.3: one method in each request.
            return Err(TokenError::InvalidRequest(
                "more than one client authentication",
            ));
        }
        let client_id = request.get("client_id");
        let Some(assertion) = assertion else {
            return Err(self
                .without_assertion(tenant, client_id, secret, methods)
                .await?);
        };
        if request.get("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err(TokenError::InvalidClient(AssertionRefused::Missing));
        }
        self.assertions
            .verify(tenant, assertion, client_id, token_url, now)
            .await?
            .map_err(TokenError::InvalidClient)
    }

    /// Tells a client that is who it says, by the means of its kind, that this grant is
    /// not for its kind; everybody else that they are not known.
    async fn without_assertion(
        &self,
        tenant: &TenantId,
        client_id: Option<&str>,
        secret: Option<&str>,
        methods: usize,
    ) -> Result<TokenError, Error> {
        let unknown = TokenError::InvalidClient(AssertionRefused::Missing);
        let Some(id) = client_id.and_then(|id| id.parse().ok()) else {
            return Ok(unknown);
        };
        let Some(client) = self.clients.get(tenant, &id).await? else {
            return Ok(unknown);
        };
        let is_itself = match (client.kind, secret) {
            (ClientKind::Public, None) => methods == 0,
            (ClientKind::ConfidentialSymmetric, Some(secret)) => {
                self.clients.verify_secret(tenant, &id, secret).await?
            }
            _ => false,
        };
        Ok(if is_itself {
            TokenError::UnauthorizedClient
        } else {
            unknown
        })
    }
}

/// What of the requested scope a backend service is granted: what its registration
/// allows, each token understood as a whole or dropped as a whole. Asking for what only
/// a user can grant is an error, not a wish.
fn grant(requested: &str, registered: &ScopeSet) -> Result<ScopeSet, TokenError> {
    let tokens: Vec<_> = requested
        .split(' ')
        .filter(|token| !token.is_empty())
        .collect();
    if tokens.len() > SCOPE_TOKENS_MAX {
        return Err(TokenError::InvalidScope("too many scopes"));
    }
    let requested = ScopeSet::new(
        tokens
            .into_iter()
            .filter_map(|token| token.parse::<Scope>().ok()),
    );
    if requested.iter().any(|scope| !is_system(scope)) {
        return Err(TokenError::InvalidScope(
            "a backend service may ask for system/ scopes only",
        ));
    }
    let granted = requested.narrow(registered);
    if granted.is_empty() {
        return Err(TokenError::InvalidScope(
            "none of the requested scopes is registered for this client",
        ));
    }
    Ok(granted)
}

#[cfg(test)]
mod tests;
