//! Another access token for a refresh token (RFC 6749 section 6).

use glovebox_database::Batch;
use glovebox_model::scope::ScopeSet;
use glovebox_model::{TenantId, Timestamp};

use super::{Asked, GrantRefused, TokenEndpoint, TokenError, TokenResponse};
use crate::ProofRefused;
use crate::access_token::AccessTokens;
use crate::clients::ClientKind;
use crate::grant::Grant;
use crate::refresh_token::Presented;
use crate::table::TRIES_MAX;
use crate::{Client, Error, TokenRequest};

impl TokenEndpoint {
    pub(super) async fn refresh(&self, asked: Asked<'_>) -> Result<TokenResponse, TokenError> {
        let Asked {
            tenant,
            request,
            token_url,
            now,
            ..
        } = asked;
        let text = request
            .get("refresh_token")
            .ok_or(TokenError::InvalidRequest("refresh_token is missing"))?;
        for _ in 0..TRIES_MAX {
            let presented = self.parts.refresh_tokens.present(text, now).await?;
            let grant = match &presented {
                Presented::Good(turn) => Some(&turn.grant),
                Presented::Reused(grant) => Some(&**grant),
                Presented::Unknown => None,
            };
            let client = self
                .refreshing_client(tenant, request, token_url, grant, now)
                .await?;
            let turn = match presented {
                Presented::Good(turn) => turn,
                Presented::Unknown => {
                    return Err(TokenError::InvalidGrant(GrantRefused::Unknown));
                }
                // Who does not own the token cannot end the grant by showing a stale copy.
                Presented::Reused(grant) if !grant.is_of(&client) => {
                    return Err(TokenError::InvalidGrant(GrantRefused::OtherClient));
                }
                Presented::Reused(grant) => {
                    let reason = "a refresh token was used twice";
                    self.parts.grants.revoke(&grant.id, reason).await?;
                    let cause = GrantRefused::RefreshTokenReused(grant.id);
                    return Err(TokenError::InvalidGrant(cause));
                }
            };
            Self::check_bound(&client, asked)?;
            match (turn.grant.thumbprint.as_deref(), asked.proven) {
                (None, _) => {}
                (Some(bound), Some(proven)) if bound == proven => {}
                (Some(_), Some(_)) => {
                    return Err(TokenError::InvalidGrant(GrantRefused::ProofKey));
                }
                (Some(_), None) => {
                    return Err(TokenError::InvalidProof(ProofRefused::Missing));
                }
            }
            self.still_stands(&turn.grant, &client, now).await?;
            let scope = narrowed(request, &turn.grant)?;
            let batch = match &turn.replaces {
                Some(replaced) => AccessTokens::remove(Batch::new(), replaced),
                None => Batch::new(),
            };
            let (batch, access_token, ttl) =
                self.add_access_token(batch, &turn.grant, &client, &scope, asked)?;
            let refresh_tokens = &self.parts.refresh_tokens;
            let batch = refresh_tokens.turn(batch, &turn, &access_token.id, now)?;
            let open_id = self.open_id(&turn.grant, &scope, None).await?;
            // Another request of the same client may have been first: look again.
            if self.commit(batch).await? {
                return Ok(TokenResponse {
                    access_token: access_token.text,
                    token_id: access_token.id,
                    expires_in: ttl.as_secs(),
                    scope,
                    client,
                    refresh_token: Some(turn.successor.text),
                    grant: Some(turn.grant),
                    open_id,
                    is_bound: asked.proven.is_some(),
                });
            }
        }
        let contended = self.parts.table.contended();
        Err(TokenError::Server(contended))
    }

    /// The client that refreshes. A public one need not say who it is: the token says it
    /// (the table of the IG has no `client_id`, and clients in use send none).
    async fn refreshing_client(
        &self,
        tenant: &TenantId,
        request: &TokenRequest,
        token_url: &str,
        grant: Option<&Grant>,
        now: Timestamp,
    ) -> Result<Client, TokenError> {
        let says_nothing = ["client_id", "client_secret", "client_assertion"]
            .iter()
            .all(|name| request.get(name).is_none())
            && !request.has_authorization_header();
        if says_nothing && grant.is_none() {
            // Nobody is asked to prove who they are with a token that is worth nothing: the
            // app has to hear that its access is over (RFC 6749 section 5.2).
            return Err(TokenError::InvalidGrant(GrantRefused::Unknown));
        }
        if says_nothing && let Some(grant) = grant {
            let client: Result<_, Error> = self.parts.clients.get(tenant, &grant.client).await;
            if let Some(client) = client?.filter(|client| client.kind == ClientKind::Public) {
                return Ok(client);
            }
        }
        let authentication = &self.parts.authentication;
        authentication
            .authenticate(tenant, request, token_url, now)
            .await
    }
}

/// The scope of the new access token: what the grant has, or the part of it that is asked
/// for (RFC 6749 section 6), never more.
fn narrowed(request: &TokenRequest, grant: &Grant) -> Result<ScopeSet, TokenError> {
    let Some(text) = request.get("scope") else {
        return Ok(grant.scope.clone());
    };
    let beyond = TokenError::InvalidScope("scope is more than what was granted");
    let scope = ScopeSet::parse(text)
        .map_err(|_| TokenError::InvalidScope("scope holds a token that is none"))?;
    if scope.is_empty() || !grant.scope.covers_all(&scope) {
        return Err(beyond);
    }
    Ok(scope)
}
