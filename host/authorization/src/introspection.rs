//! What a token is worth (RFC 7662), and ending it (RFC 7009).

use glovebox_model::{TenantId, Timestamp};

use crate::access_token::AccessToken;
use crate::client_authentication::ClientAuthentication;
use crate::clients::ClientKind;
use crate::grant::{Access, Grant};
use crate::refresh_token::{Presented, RefreshTokens};
use crate::{AccessTokens, Client, Error, Grants, TokenError, TokenRequest};

/// A token in force, for whoever may know it.
#[derive(Clone, Debug)]
pub struct ActiveToken {
    /// The access token.
    pub token: AccessToken,
    /// Its grant with the launch context; a backend service has none.
    pub grant: Option<Grant>,
}

/// Who asks what a token is worth.
#[derive(Clone, Debug)]
pub enum Asker {
    /// A client: it learns about its own tokens.
    Client(Box<Client>),
    /// Whoever holds an access token. One that may read everything of the tenant learns
    /// about any token, another one about itself (SMART App Launch 2.2, "Token
    /// Introspection").
    Bearer(Box<AccessToken>),
}

impl Asker {
    fn may_know(&self, token: &AccessToken) -> bool {
        match self {
            Self::Client(client) => client.id == token.client && client.tenant == token.tenant,
            Self::Bearer(bearer) => {
                let everything = "system/*.rs".parse();
                let sees_all = everything.is_ok_and(|scope| bearer.scope.covers(&scope));
                bearer.tenant == token.tenant && (sees_all || bearer.id == token.id)
            }
        }
    }
}

/// The introspection and revocation endpoints.
#[derive(Clone)]
pub struct TokenCare {
    pub(crate) authentication: ClientAuthentication,
    pub(crate) access_tokens: AccessTokens,
    pub(crate) refresh_tokens: RefreshTokens,
    pub(crate) grants: Grants,
}

/// What a revocation ended, for the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// One access token, by its public id.
    AccessToken(String),
    /// A grant with all its tokens.
    Grant(String),
    /// Nothing: it was not a token of this client in force.
    Nothing,
}

impl TokenCare {
    /// Who asks, by the means of a client. `bearer` is the access token of the
    /// `Authorization` header, where there is one.
    ///
    /// # Errors
    /// [`TokenError::InvalidClient`].
    pub async fn asker(
        &self,
        tenant: &TenantId,
        request: &TokenRequest,
        bearer: Option<&str>,
        token_url: &str,
        now: Timestamp,
    ) -> Result<Asker, TokenError> {
        if let Some(bearer) = bearer {
            let token = self.access_tokens.verify(bearer, now).await?;
            // A bound token without its proof is anybody's.
            let token = token.filter(|token| token.tenant == *tenant && token.thumbprint.is_none());
            let unknown = TokenError::InvalidClient(crate::ClientRefused::Header);
            return token
                .map(|token| Asker::Bearer(Box::new(token)))
                .ok_or(unknown);
        }
        let client = self.client(tenant, request, &[token_url], now).await?;
        if client.kind == ClientKind::Public {
            // Everybody knows its id: that is no proof, and tokens could be tried here (RFC
            // 7662 section 2.1).
            return Err(TokenError::InvalidClient(crate::ClientRefused::Missing));
        }
        Ok(Asker::Client(Box::new(client)))
    }

    /// The client that a request to another endpoint comes from, which goes by these
    /// addresses. A public client says who it is and proves nothing.
    ///
    /// # Errors
    /// [`TokenError::InvalidClient`], [`TokenError::InvalidRequest`].
    pub async fn client(
        &self,
        tenant: &TenantId,
        request: &TokenRequest,
        audiences: &[&str],
        now: Timestamp,
    ) -> Result<Client, TokenError> {
        self.authentication
            .authenticate_at(tenant, request, audiences, now)
            .await
    }

    /// What a token is worth to whoever asks. `None` for what is not in force and for what
    /// they may not know: the answers are the same (RFC 7662 section 4).
    ///
    /// # Errors
    /// If the records fail.
    pub async fn introspect(
        &self,
        asker: &Asker,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<ActiveToken>, Error> {
        let found = self.access_tokens.verify(token, now).await?;
        let Some(token) = found.filter(|token| asker.may_know(token)) else {
            return Ok(None);
        };
        let grant = match &token.grant {
            Some(id) => self.grants.get(id, now).await?,
            None => None,
        };
        Ok(Some(ActiveToken { token, grant }))
    }

    /// Ends a client's token: an access token by itself, a refresh token with its grant.
    /// What is not the client's own is left alone, and sounds the same.
    ///
    /// # Errors
    /// If the records fail, or the fence cannot confirm: ask again.
    pub async fn revoke(
        &self,
        client: &Client,
        token: &str,
        now: Timestamp,
    ) -> Result<Revoked, Error> {
        let is_own = |id: &glovebox_model::ClientId, tenant: &TenantId| {
            *id == client.id && *tenant == client.tenant
        };
        if let Some(token) = self.access_tokens.verify(token, now).await? {
            if !is_own(&token.client, &token.tenant) {
                return Ok(Revoked::Nothing);
            }
            self.access_tokens.revoke(&token).await?;
            return Ok(Revoked::AccessToken(token.id));
        }
        let grant = match self.refresh_tokens.present(token, now).await? {
            Presented::Good(turn) => turn.grant,
            // A stale copy of the client's own: whoever sends it wants the grant to end.
            Presented::Reused(grant) => *grant,
            Presented::Unknown => return Ok(Revoked::Nothing),
        };
        if !is_own(&grant.client, &grant.tenant) || grant.access == Access::Once {
            return Ok(Revoked::Nothing);
        }
        let reason = "the client gave it back";
        self.grants.revoke(&grant.id, reason).await?;
        Ok(Revoked::Grant(grant.id))
    }
}
