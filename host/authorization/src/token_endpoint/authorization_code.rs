//! The exchange of a code (RFC 6749 section 4.1.3).

use glovebox_database::Batch;

use super::{Asked, GrantRefused, TokenEndpoint, TokenError, TokenResponse};
use crate::authorization_code::Presented;
use crate::clients::ClientKind;
use crate::grant::Access;

impl TokenEndpoint {
    pub(super) async fn code(&self, asked: Asked<'_>) -> Result<TokenResponse, TokenError> {
        let Asked {
            tenant,
            request,
            token_url,
            now,
            ..
        } = asked;
        let parts = &self.parts;
        let client = parts
            .authentication
            .authenticate(tenant, request, token_url, now)
            .await?;
        if client.kind == ClientKind::Backend {
            return Err(TokenError::UnauthorizedClient);
        }
        Self::check_bound(&client, asked)?;
        let missing = TokenError::InvalidRequest;
        let text = request.get("code").ok_or(missing("code is missing"))?;
        let redirect_uri = request
            .get("redirect_uri")
            .ok_or(missing("redirect_uri is missing"))?;
        let verifier = request
            .get("code_verifier")
            .ok_or(missing("code_verifier is missing"))?;
        let (code, is_expired, spent) = match parts.codes.present(text, now).await? {
            Presented::Code {
                code,
                is_expired,
                spent,
            } => (code, is_expired, spent),
            Presented::Used(grant) => {
                return Err(self.replayed(grant).await?);
            }
            Presented::Unknown => return Err(TokenError::InvalidGrant(GrantRefused::Unknown)),
        };
        // Whoever holds a code and cannot show that it is theirs has stolen it: nobody
        // gets anything for it any more.
        let wrong = if code.grant.client != client.id || code.grant.tenant != *tenant {
            Some(GrantRefused::OtherClient)
        } else if is_expired {
            Some(GrantRefused::CodeExpired)
        } else if code.redirect_uri != redirect_uri {
            Some(GrantRefused::RedirectUri)
        } else if !code.challenge.is_met_by(verifier) {
            Some(GrantRefused::Verifier)
        } else if code.thumbprint.is_some() && code.thumbprint.as_deref() != asked.proven {
            Some(GrantRefused::ProofKey)
        } else {
            None
        };
        if let Some(cause) = wrong {
            parts.codes.burn(&spent, now).await?;
            return Err(TokenError::InvalidGrant(cause));
        }
        let mut grant = code.grant;
        if client.kind == ClientKind::Public {
            grant.thumbprint = asked.proven.map(str::to_owned);
        }
        // Its grant is not written yet, so nothing that ends grants has ended it: a new
        // password and signing out end the session in which it was given.
        let sessions = &parts.browser_sessions;
        if !sessions.is_alive(&grant.browser_session, now).await? {
            return Err(TokenError::InvalidGrant(GrantRefused::SessionOver));
        }
        self.still_stands(&grant, &client, now).await?;
        let batch = parts.codes.spend(Batch::new(), &spent, now)?;
        let batch = parts.grants.add(batch, &grant)?;
        let (batch, access_token, ttl) =
            self.add_access_token(batch, &grant, &client, &grant.scope, asked)?;
        let (batch, refresh_token) = match grant.access {
            Access::Once => (batch, None),
            Access::Online | Access::Offline => {
                let (batch, issued) = parts.refresh_tokens.add(batch, &grant, now)?;
                (batch, Some(issued.text))
            }
        };
        let open_id = self.open_id(&grant, &grant.scope, code.nonce).await?;
        if !self.commit(batch).await? {
            // Somebody else exchanged it at the same moment: that is a replay like any.
            return Err(match parts.codes.present(text, now).await? {
                Presented::Used(grant) => self.replayed(grant).await?,
                _ => TokenError::InvalidGrant(GrantRefused::Unknown),
            });
        }
        Ok(TokenResponse {
            access_token: access_token.text,
            token_id: access_token.id,
            expires_in: ttl.as_secs(),
            scope: grant.scope.clone(),
            client,
            refresh_token,
            grant: Some(grant),
            open_id,
            is_bound: asked.proven.is_some(),
        })
    }

    /// Ends what a code was exchanged for, since somebody has a copy of it (RFC 6749
    /// section 4.1.2).
    async fn replayed(&self, grant: String) -> Result<TokenError, TokenError> {
        let reason = "its authorization code was presented again";
        self.parts.grants.revoke(&grant, reason).await?;
        Ok(TokenError::InvalidGrant(GrantRefused::CodeUsed(grant)))
    }
}
