use std::sync::Arc;

use glovebox_database::fence::{Fence, Mark};
use glovebox_database::{Keyspace, Records, Vault};
use glovebox_model::{Timestamp, UserId};

use crate::{
    AccessTokens, ApiTokens, BrowserSessions, ClientAssertions, Clients, Error, Launches,
    SigningKeys, TokenEndpoint, Users,
};

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
    /// The token endpoint.
    pub token_endpoint: TokenEndpoint,
    /// The keys that sign id_tokens.
    pub signing_keys: SigningKeys,
    assertions: ClientAssertions,
    fence: Fence,
}

impl Authorization {
    /// Over the records that all of an installation share. Whoever is shut out also stops
    /// behind `fence`; what this server signs with is sealed in `vault`.
    pub fn new(records: &Arc<dyn Records>, fence: Fence, vault: Arc<Vault>) -> Self {
        let keyspace =
            |noun: &str| Keyspace::new(Arc::clone(records), &format!("authorization.{noun}"));
        let users = Users::new(keyspace("users"));
        let clients = Clients::new(keyspace("clients"));
        let assertions = ClientAssertions::new(keyspace("client-assertions"), clients.clone());
        let access_tokens = AccessTokens::new(keyspace("access-tokens"), clients.clone());
        Self {
            browser_sessions: BrowserSessions::new(keyspace("browser-sessions"), users.clone()),
            api_tokens: ApiTokens::new(keyspace("api-tokens"), users.clone()),
            launches: Launches::new(keyspace("launches")),
            token_endpoint: TokenEndpoint::new(
                clients.clone(),
                assertions.clone(),
                access_tokens.clone(),
            ),
            signing_keys: SigningKeys::new(keyspace("signing-keys"), vault),
            users,
            clients,
            access_tokens,
            assertions,
            fence,
        }
    }

    /// Disables a user and ends their browser sessions; personal API tokens are refused
    /// from now on, and what runs or is open for the user ends in each of their tenants.
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

    /// Sets a new password and ends every browser session of the user, so that who knew
    /// the old one is out. Errors: [`Error::Unknown`], [`Error::Invalid`].
    pub async fn change_password(&self, user: &UserId, password: &str) -> Result<usize, Error> {
        self.users.set_password(user, password).await?;
        self.browser_sessions.delete_all_of(user).await
    }

    /// Removes what has expired. It changes no answer, only what is stored; once in a
    /// few minutes is plenty.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        self.users.sweep(now).await?;
        self.browser_sessions.sweep(now).await?;
        self.api_tokens.sweep(now).await?;
        self.launches.sweep(now).await?;
        self.access_tokens.sweep(now).await?;
        self.assertions.sweep(now).await
    }
}

#[cfg(test)]
mod tests;
