//! The token endpoint (RFC 6749 section 3.2): codes and refresh tokens of apps (SMART App
//! Launch 2.2, "Obtain access token"), and backend services ("Backend Services").

mod authorization_code;
mod client_credentials;
mod error;
mod refresh_token;

use std::time::Duration;

use glovebox_database::relations::Relations;
use glovebox_database::{Batch, Durability};
use glovebox_model::scope::{Scope, ScopeSet};
use glovebox_model::{TenantId, Timestamp, UserId};

use crate::access_token::{AccessTokens, NewAccessToken};
use crate::authorization_code::Codes;
use crate::client_authentication::ClientAuthentication;
use crate::dpop::{DpopHeader, DpopProofs, ProofRefused, ProvenRequest};
use crate::grant::{Access, Grant, Grants};
use crate::refresh_token::RefreshTokens;
use crate::secret::Issued;
use crate::table::Table;
use crate::{BrowserSessions, Client, Clients, Error, SecretText, TokenRequest, Users};

pub use client_credentials::BACKEND_TOKEN_TTL;
pub use error::{GrantRefused, TokenError};

/// How long an app's access token lives (SMART App Launch 2.2: at most an hour).
pub const APP_TOKEN_TTL: Duration = Duration::from_secs(60 * 60);

/// What a client gets (RFC 6749 section 5.1).
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
    /// The refresh token, where the client may come back.
    pub refresh_token: Option<SecretText>,
    /// The grant with its launch context; a backend service has none.
    pub grant: Option<Grant>,
    /// What the `id_token` says, where `openid` was granted.
    pub open_id: Option<OpenId>,
    /// Whether the access token is bound to a key (RFC 9449).
    pub is_bound: bool,
}

impl TokenResponse {
    /// `token_type`.
    pub const fn token_type(&self) -> &'static str {
        token_type(self.is_bound)
    }
}

/// The `token_type` of a token (RFC 6750, RFC 9449 section 5).
pub const fn token_type(is_bound: bool) -> &'static str {
    match is_bound {
        true => "DPoP",
        false => "Bearer",
    }
}

/// What an `id_token` has to say (OpenID Connect Core section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenId {
    /// Who signed in.
    pub user: UserId,
    /// The person as a FHIR resource, where `fhirUser` was granted.
    pub fhir_user: Option<glovebox_model::FhirUser>,
    /// The `nonce` of the authorization request; a refresh has none.
    pub nonce: Option<String>,
    /// When the person signed in.
    pub signed_in_at: Timestamp,
}

/// What the endpoint works with.
pub(crate) struct TokenParts {
    /// Where codes, grants, families and access tokens stand together, so that what
    /// belongs together is committed together.
    pub(crate) table: Table,
    pub(crate) clients: Clients,
    pub(crate) authentication: ClientAuthentication,
    pub(crate) access_tokens: AccessTokens,
    pub(crate) codes: Codes,
    pub(crate) refresh_tokens: RefreshTokens,
    pub(crate) grants: Grants,
    pub(crate) users: Users,
    pub(crate) browser_sessions: BrowserSessions,
    pub(crate) relations: Relations,
    pub(crate) proofs: DpopProofs,
}

/// One request, as far as it is read.
#[derive(Clone, Copy)]
struct Asked<'a> {
    tenant: &'a TenantId,
    request: &'a TokenRequest,
    token_url: &'a str,
    /// The thumbprint of the key whose proof came with it.
    proven: Option<&'a str>,
    now: Timestamp,
}

/// The token endpoint.
#[derive(Clone)]
pub struct TokenEndpoint {
    parts: std::sync::Arc<TokenParts>,
}

impl TokenEndpoint {
    pub(crate) fn new(parts: TokenParts) -> Self {
        Self {
            parts: std::sync::Arc::new(parts),
        }
    }

    /// Answers a request to the token endpoint of `tenant`, whose own address is
    /// `token_url`.
    ///
    /// # Errors
    /// [`TokenError`], in the words of RFC 6749 section 5.2.
    pub async fn token(
        &self,
        tenant: &TenantId,
        request: &TokenRequest,
        token_url: &str,
        now: Timestamp,
    ) -> Result<TokenResponse, TokenError> {
        let grant_type = request
            .get("grant_type")
            .ok_or(TokenError::InvalidRequest("grant_type is missing"))?;
        // Before anything is used up: a client whose proof is refused makes another one.
        let proven = self.prove(request, token_url, now).await?;
        let asked = Asked {
            tenant,
            request,
            token_url,
            proven: proven.as_deref(),
            now,
        };
        match grant_type {
            "authorization_code" => self.code(asked).await,
            "refresh_token" => self.refresh(asked).await,
            "client_credentials" => self.client_credentials(asked).await,
            _ => Err(TokenError::UnsupportedGrantType),
        }
    }

    /// The thumbprint of the key whose proof came with a request; `None` without a proof.
    async fn prove(
        &self,
        request: &TokenRequest,
        token_url: &str,
        now: Timestamp,
    ) -> Result<Option<String>, TokenError> {
        if *request.proof() == DpopHeader::None {
            return Ok(None);
        }
        let proven = ProvenRequest {
            method: "POST",
            url: token_url,
            access_token: None,
            thumbprint: None,
        };
        let verified = self
            .parts
            .proofs
            .verify(request.proof(), proven, now)
            .await?;
        verified.map(Some).map_err(TokenError::InvalidProof)
    }

    /// Refuses a client that binds its tokens and brought no proof.
    fn check_bound(client: &Client, asked: Asked<'_>) -> Result<(), TokenError> {
        match client.rules.dpop_bound_access_tokens && asked.proven.is_none() {
            true => Err(TokenError::InvalidProof(ProofRefused::Missing)),
            false => Ok(()),
        }
    }

    /// Whether what stood behind a grant still does: the client as it was registered, the
    /// person, and their right to open the patient.
    async fn still_stands(
        &self,
        grant: &Grant,
        client: &Client,
        now: Timestamp,
    ) -> Result<(), TokenError> {
        let refused = |cause| Err(TokenError::InvalidGrant(cause));
        if !grant.is_of(client) {
            return refused(GrantRefused::OtherClient);
        }
        if !client.grantable().covers_all(&grant.scope) {
            return refused(GrantRefused::ClientMayNoLonger);
        }
        let user = self.parts.users.get(&grant.user).await?;
        if !user.is_some_and(|user| user.may_use_apps(&grant.tenant)) {
            return refused(GrantRefused::UserMayNoLonger);
        }
        if let Some(patient) = grant.patient() {
            let relations = &self.parts.relations;
            let may_open = relations
                .may_open(&grant.tenant, &grant.user, patient, now)
                .await
                .map_err(Error::from)?;
            if !may_open {
                return refused(GrantRefused::UserMayNoLonger);
            }
        }
        if grant.access == Access::Online
            && !self
                .parts
                .browser_sessions
                .is_alive(&grant.browser_session, now)
                .await?
        {
            return refused(GrantRefused::SessionOver);
        }
        Ok(())
    }

    /// Adds an access token for a grant, with this scope, to a batch.
    fn add_access_token(
        &self,
        batch: Batch,
        grant: &Grant,
        client: &Client,
        scope: &ScopeSet,
        asked: Asked<'_>,
    ) -> Result<(Batch, Issued, Duration), Error> {
        let now = asked.now;
        let token = NewAccessToken {
            tenant: grant.tenant.clone(),
            client: client.clone(),
            scope: scope.clone(),
            user: Some(grant.user.clone()),
            patient: grant.context.patient.clone(),
            grant: Some(grant.id.clone()),
            thumbprint: asked.proven.map(str::to_owned),
        };
        // A token never outlives its grant.
        let ttl = APP_TOKEN_TTL.min(grant.expires_at.since(now));
        let (batch, issued) = self.parts.access_tokens.add(batch, &token, ttl, now)?;
        Ok((batch, issued, ttl))
    }

    /// What the `id_token` says of a grant's user, if there is to be one.
    async fn open_id(
        &self,
        grant: &Grant,
        scope: &ScopeSet,
        nonce: Option<String>,
    ) -> Result<Option<OpenId>, Error> {
        if !scope.contains(&Scope::OpenId) {
            return Ok(None);
        }
        let fhir_user = match scope.contains(&Scope::FhirUser) {
            true => {
                let user = self.parts.users.get(&grant.user).await?;
                user.and_then(|user| user.fhir_user)
            }
            false => None,
        };
        Ok(Some(OpenId {
            user: grant.user.clone(),
            fhir_user,
            nonce,
            signed_in_at: grant.signed_in_at,
        }))
    }

    /// Carries out a batch of tokens. On disk before the client hears of it, so that a
    /// code that was used stays used and a family is never lost.
    async fn commit(&self, batch: Batch) -> Result<bool, Error> {
        self.parts.table.commit(batch, Durability::Sync).await
    }
}

#[cfg(test)]
mod tests;
