//! Backend services: no user, the client's own rights (SMART App Launch 2.2, "Backend
//! Services").

use std::time::Duration;

use glovebox_model::scope::{Scope, ScopeSet};

use super::{Asked, TokenEndpoint, TokenError, TokenResponse};
use crate::access_token::NewAccessToken;
use crate::clients::{ClientKind, is_known, is_system};

/// How long a backend service's token lives (SMART App Launch 2.2, "Backend Services":
/// `expires_in` SHOULD NOT exceed 300).
pub const BACKEND_TOKEN_TTL: Duration = Duration::from_secs(300);
/// Most scope tokens that are read from one request.
const SCOPE_TOKENS_MAX: usize = 200;

impl TokenEndpoint {
    pub(super) async fn client_credentials(
        &self,
        asked: Asked<'_>,
    ) -> Result<TokenResponse, TokenError> {
        let Asked {
            tenant,
            request,
            token_url,
            now,
            ..
        } = asked;
        let client = self
            .parts
            .authentication
            .authenticate(tenant, request, token_url, now)
            .await?;
        if client.kind != ClientKind::Backend {
            return Err(TokenError::UnauthorizedClient);
        }
        Self::check_bound(&client, asked)?;
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
            grant: None,
            thumbprint: asked.proven.map(str::to_owned),
        };
        let issued = self
            .parts
            .access_tokens
            .issue(&token, BACKEND_TOKEN_TTL, now)
            .await?;
        Ok(TokenResponse {
            access_token: issued.text,
            token_id: issued.id,
            expires_in: BACKEND_TOKEN_TTL.as_secs(),
            scope,
            client,
            refresh_token: None,
            grant: None,
            open_id: None,
            is_bound: asked.proven.is_some(),
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
            .filter_map(|token| token.parse::<Scope>().ok())
            .filter(is_known),
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
