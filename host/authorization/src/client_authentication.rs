//! How a client shows the token, introspection and revocation endpoints who it is
//! (RFC 6749 section 2.3): by the one means that it is registered with, and no other.

use glovebox_model::{TenantId, Timestamp};

use crate::client_assertion::{ASSERTION_TYPE, AssertionRefused, ClientAssertions};
use crate::clients::ClientKind;
use crate::token_request::Basic;
use crate::{Client, Clients, TokenError, TokenRequest};

/// Why a client is not taken for who it says. The cause is for the ledger; the client
/// reads the same words each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientRefused {
    /// It did not authenticate, though its kind must, or named no client at all.
    #[error("the client did not authenticate")]
    Missing,
    /// There is no such client in this tenant.
    #[error("there is no such client")]
    Unknown,
    /// It is registered with another means (RFC 9700 section 2.5: no downgrade).
    #[error("the client is registered with another authentication method")]
    Method,
    /// The `Authorization` header is not HTTP Basic, or does not decode.
    #[error("the Authorization header is not HTTP Basic")]
    Header,
    /// `client_id` in the body is not the client that authenticated.
    #[error("client_id names another client")]
    OtherId,
    /// The secret is wrong.
    #[error("the client secret is wrong")]
    Secret,
    /// The assertion is not good.
    #[error(transparent)]
    Assertion(AssertionRefused),
}

impl ClientRefused {
    /// The stable word for the ledger.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "client-authentication-missing",
            Self::Unknown => "client-unknown",
            Self::Method => "client-authentication-method",
            Self::Header => "client-authentication-header",
            Self::OtherId => "client-id-differs",
            Self::Secret => "client-secret",
            Self::Assertion(refused) => refused.code(),
        }
    }
}

/// Authenticates clients.
#[derive(Clone)]
pub(crate) struct ClientAuthentication {
    clients: Clients,
    assertions: ClientAssertions,
}

impl ClientAuthentication {
    pub(crate) fn new(clients: Clients, assertions: ClientAssertions) -> Self {
        Self {
            clients,
            assertions,
        }
    }

    /// The client that a request comes from. A public client says who it is and proves
    /// nothing: what it may do rests on what else it presents.
    pub(crate) async fn authenticate(
        &self,
        tenant: &TenantId,
        request: &TokenRequest,
        token_url: &str,
        now: Timestamp,
    ) -> Result<Client, TokenError> {
        self.authenticate_at(tenant, request, &[token_url], now)
            .await
    }

    /// The same at an endpoint that goes by several addresses.
    pub(crate) async fn authenticate_at(
        &self,
        tenant: &TenantId,
        request: &TokenRequest,
        audiences: &[&str],
        now: Timestamp,
    ) -> Result<Client, TokenError> {
        let refused = |cause| Err(TokenError::InvalidClient(cause));
        let assertion = request.get("client_assertion");
        let secret = request.get("client_secret");
        let methods = usize::from(assertion.is_some())
            + usize::from(secret.is_some())
            + usize::from(!matches!(request.basic(), Basic::None));
        if methods > 1 {
            // RFC 6749 section 2.3: one method in each request.
            return Err(TokenError::InvalidRequest(
                "more than one client authentication",
            ));
        }
        let named = request.get("client_id");
        if let Some(assertion) = assertion {
            if request.get("client_assertion_type") != Some(ASSERTION_TYPE) {
                return refused(ClientRefused::Assertion(AssertionRefused::Missing));
            }
            let verified = self
                .assertions
                .verify(tenant, assertion, named, audiences, now)
                .await?;
            return verified
                .map_err(|cause| TokenError::InvalidClient(ClientRefused::Assertion(cause)));
        }
        let (id, secret) = match (request.basic(), named, secret) {
            (Basic::Unreadable, _, _) => return refused(ClientRefused::Header),
            (Basic::Given { id, secret }, named, _) => {
                if named.is_some_and(|named| named != id) {
                    return refused(ClientRefused::OtherId);
                }
                (id.as_str(), Some(secret.as_str()))
            }
            (Basic::None, Some(id), secret) => (id, secret),
            (Basic::None, None, _) => return refused(ClientRefused::Missing),
        };
        let client = match id.parse() {
            Ok(id) => self.clients.get(tenant, &id).await?,
            Err(_) => None,
        };
        let Some(client) = client else {
            return refused(ClientRefused::Unknown);
        };
        match (client.kind, secret) {
            (ClientKind::Public, None) => Ok(client),
            (ClientKind::ConfidentialSymmetric, Some(secret)) => {
                match self
                    .clients
                    .verify_secret(tenant, &client.id, secret)
                    .await?
                {
                    true => Ok(client),
                    false => refused(ClientRefused::Secret),
                }
            }
            (ClientKind::Public, Some(_)) => refused(ClientRefused::Method),
            (_, Some(_)) => refused(ClientRefused::Method),
            (_, None) => refused(ClientRefused::Missing),
        }
    }
}
