use std::sync::Arc;

use glovebox_database::fence::{Fence, Mark};
use glovebox_database::relations::Relations;
use glovebox_database::{Keyspace, Records, Vault};
use glovebox_model::{ClientId, TenantId, Timestamp, UserId};
use glovebox_outbound::Outbound;

use crate::authorization_code::Codes;
use crate::client_authentication::ClientAuthentication;
use crate::client_jwks::ClientJwks;
use crate::refresh_token::RefreshTokens;
use crate::table::Table;
use crate::token_endpoint::TokenParts;
use crate::{
    AccessTokens, ApiTokens, AuthorizationRequests, BrowserSessions, ClientAssertions, Clients,
    Consents, DpopProofs, Error, Grants, Launches, RefreshKey, RegistrationTokens, SigningKeys,
    TokenCare, TokenEndpoint, Users,
};

/// What an [`Authorization`] stands on.
pub struct AuthorizationParts<'a> {
    /// The records that all of an installation share.
    pub records: &'a Arc<dyn Records>,
    /// Stops whoever is shut out.
    pub fence: Fence,
    /// Whom a user may open.
    pub relations: Relations,
    /// Seals what this server signs with.
    pub vault: Arc<Vault>,
    /// Derives refresh tokens.
    pub refresh_key: RefreshKey,
    /// Fetches the keys that clients publish.
    pub outbound: Outbound,
}

/// Everything about identity and tokens, each noun in a keyspace of its own.
#[derive(Clone)]
pub struct Authorization {
    /// People who sign in.
    pub users: Users,
    /// Signed-in browsers.
    pub browser_sessions: BrowserSessions,
    /// Bearer tokens of the JSON API.
    pub api_tokens: ApiTokens,
    /// EHR launch handles.
    pub launches: Launches,
    /// OAuth clients.
    pub clients: Clients,
    /// Access tokens of OAuth clients.
    pub access_tokens: AccessTokens,
    /// Authorization requests that wait for people.
    pub requests: AuthorizationRequests,
    /// What clients were granted.
    pub grants: Grants,
    /// What people agreed to.
    pub consents: Consents,
    /// The token endpoint.
    pub token_endpoint: TokenEndpoint,
    /// The introspection and revocation endpoints.
    pub token_care: TokenCare,
    /// What lets vendors register a client by themselves.
    pub registration_tokens: RegistrationTokens,
    /// Proofs that whoever presents a token holds its key.
    pub proofs: DpopProofs,
    /// The keys that sign id_tokens.
    pub signing_keys: SigningKeys,
    assertions: ClientAssertions,
    codes: Codes,
    refresh_tokens: RefreshTokens,
    fence: Fence,
}

impl Authorization {
    /// Puts everything together.
    pub fn new(parts: AuthorizationParts<'_>) -> Self {
        let AuthorizationParts {
            records,
            fence,
            relations,
            vault,
            refresh_key,
            outbound,
        } = parts;
        let keyspace =
            |noun: &str| Keyspace::new(Arc::clone(records), &format!("authorization.{noun}"));
        let users = Users::new(keyspace("users"));
        let browser_sessions = BrowserSessions::new(keyspace("browser-sessions"), users.clone());
        let clients = Clients::new(keyspace("clients")).with_addresses(outbound.policy().clone());
        let assertions = ClientAssertions::new(
            keyspace("client-assertions"),
            clients.clone(),
            ClientJwks::new(outbound),
        );
        let launches = Launches::new(keyspace("launches"));
        // Requests, codes, grants and tokens share a keyspace: what becomes of one another
        // is one commit, which a crash cannot cut in two.
        let tokens = Table::new(keyspace("tokens"), "token");
        let grants = Grants::new(tokens.clone(), fence.clone());
        let access_tokens = AccessTokens::new(
            tokens.clone(),
            clients.clone(),
            users.clone(),
            browser_sessions.clone(),
            grants.clone(),
            fence.clone(),
        );
        let refresh_tokens = RefreshTokens::new(tokens.clone(), grants.clone(), refresh_key);
        let codes = Codes::new(tokens.clone());
        let consents = Consents::new(tokens.clone());
        let requests = AuthorizationRequests::new(
            tokens.clone(),
            clients.clone(),
            launches.clone(),
            codes.clone(),
            consents.clone(),
        );
        let authentication = ClientAuthentication::new(clients.clone(), assertions.clone());
        let token_care = TokenCare {
            authentication: authentication.clone(),
            access_tokens: access_tokens.clone(),
            refresh_tokens: refresh_tokens.clone(),
            grants: grants.clone(),
        };
        let proofs = DpopProofs::new(keyspace("dpop-proofs"));
        let token_endpoint = TokenEndpoint::new(TokenParts {
            table: tokens,
            clients: clients.clone(),
            authentication,
            access_tokens: access_tokens.clone(),
            codes: codes.clone(),
            refresh_tokens: refresh_tokens.clone(),
            grants: grants.clone(),
            users: users.clone(),
            browser_sessions: browser_sessions.clone(),
            relations,
            proofs: proofs.clone(),
        });
        Self {
            api_tokens: ApiTokens::new(keyspace("api-tokens"), users.clone()),
            registration_tokens: RegistrationTokens::new(keyspace("registration-tokens")),
            signing_keys: SigningKeys::new(keyspace("signing-keys"), vault),
            browser_sessions,
            launches,
            requests,
            grants,
            consents,
            token_endpoint,
            token_care,
            proofs,
            users,
            clients,
            access_tokens,
            assertions,
            codes,
            refresh_tokens,
            fence,
        }
    }

    /// Removes a client: when this returns, its tokens are worth nothing, and nothing that
    /// they let in can be answered any more. `false` if there was none. Errors: if the
    /// records fail, or [`Error::Fence`] (the client is gone: ask again, so that all has
    /// stopped).
    pub async fn delete_client(&self, tenant: &TenantId, id: &ClientId) -> Result<bool, Error> {
        let was_there = self.clients.delete(tenant, id).await?;
        // Also where there was none: who asks again after a failure waits for the fence.
        let mark = Mark::Client(tenant.clone(), id.clone());
        self.fence.revoke(mark, "the client was removed").await?;
        Ok(was_there)
    }

    /// Disables a user and ends their browser sessions; personal API tokens and apps'
    /// access tokens are refused from now on, and what runs or is open for the user ends in each of their tenants.
    /// Answers how many browser sessions ended. Errors: [`Error::Unknown`],
    /// [`Error::Fence`] (the user is disabled: ask again, so that all has stopped).
    pub async fn disable_user(&self, user: &UserId) -> Result<usize, Error> {
        self.users.disable(user).await?;
        // Generations after the flag: what was let in before it is noticed at the fence,
        // what asks later meets the flag.
        let known = self.users.get(user).await?;
        for tenant in known.iter().flat_map(|user| &user.tenants) {
            let mark = Mark::User(tenant.clone(), user.clone());
            self.fence.revoke(mark, "the account was disabled").await?;
        }
        self.browser_sessions.delete_all_of(user).await
    }

    /// Sets a new password and ends every browser session and every grant of the user, so
    /// that who knew the old one is out. Errors: [`Error::Unknown`], [`Error::Invalid`].
    pub async fn change_password(
        &self,
        user: &UserId,
        password: &str,
        now: Timestamp,
    ) -> Result<usize, Error> {
        self.users.set_password(user, password).await?;
        let known = self.users.get(user).await?;
        for tenant in known.iter().flat_map(|user| &user.tenants) {
            for grant in self.grants.of(tenant, user, now).await? {
                let reason = "the user's password was changed";
                self.grants.revoke(&grant.id, reason).await?;
            }
        }
        self.browser_sessions.delete_all_of(user).await
    }

    /// Removes what has expired. It changes no answer, only what is stored; once in a
    /// few minutes is plenty.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        self.users.sweep(now).await?;
        self.browser_sessions.sweep(now).await?;
        self.api_tokens.sweep(now).await?;
        self.launches.sweep(now).await?;
        self.requests.sweep(now).await?;
        self.codes.sweep(now).await?;
        self.grants.sweep(now).await?;
        self.refresh_tokens.sweep(now).await?;
        self.access_tokens.sweep(now).await?;
        self.registration_tokens.sweep(now).await?;
        self.proofs.sweep(now).await?;
        self.assertions.sweep(now).await
    }
}

#[cfg(test)]
mod tests;
