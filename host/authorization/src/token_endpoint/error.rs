//! Why no token was issued.

use crate::Error;
use crate::ProofRefused;
use crate::RedirectError;
use crate::client_authentication::ClientRefused;

/// Why a code or a refresh token was not taken. The client reads `invalid_grant` each
/// time; the cause is for the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantRefused {
    /// Not a code or token of ours, or forgotten.
    Unknown,
    /// The code was exchanged before: the grant of this id was ended.
    CodeUsed(String),
    /// The code is older than a minute.
    CodeExpired,
    /// `redirect_uri` is not the one of the authorization request.
    RedirectUri,
    /// The proof that came with it is of another key than the one that is bound, or missing.
    ProofKey,
    /// `code_verifier` does not meet the challenge. The code is burnt.
    Verifier,
    /// It was issued to another client, or to an earlier registration under this id.
    OtherClient,
    /// The refresh token was used before: the grant of this id was ended.
    RefreshTokenReused(String),
    /// The browser session in which it was granted is over.
    SessionOver,
    /// The client is no longer allowed what was granted.
    ClientMayNoLonger,
    /// The user is disabled, or may no longer open the patient.
    UserMayNoLonger,
}

impl GrantRefused {
    /// The stable word for the ledger.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "grant-unknown",
            Self::CodeUsed(_) => "code-used",
            Self::CodeExpired => "code-expired",
            Self::RedirectUri => "redirect-uri",
            Self::Verifier => "code-verifier",
            Self::ProofKey => "grant-proof-key",
            Self::OtherClient => "grant-other-client",
            Self::RefreshTokenReused(_) => "refresh-token-reused",
            Self::SessionOver => "session-over",
            Self::ClientMayNoLonger => "client-scope-withdrawn",
            Self::UserMayNoLonger => "user-right-withdrawn",
        }
    }

    /// The grant that was ended because of it.
    pub fn ended_grant(&self) -> Option<&str> {
        match self {
            Self::CodeUsed(grant) | Self::RefreshTokenReused(grant) => Some(grant),
            _ => None,
        }
    }
}

/// Why no token was issued (RFC 6749 section 5.2).
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// A parameter is missing, repeated or in the way.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// The client did not prove who it is. The cause is for the ledger alone.
    #[error("the client could not be authenticated")]
    InvalidClient(ClientRefused),
    /// The code or refresh token is not good. The cause is for the ledger alone.
    #[error("the code or refresh token is not valid (any more) for this client")]
    InvalidGrant(GrantRefused),
    /// The DPoP proof is not good, or missing (RFC 9449 section 5).
    #[error("{0}")]
    InvalidProof(ProofRefused),
    /// The client is known, but this grant is not for its kind.
    #[error("this client may not use this grant type")]
    UnauthorizedClient,
    /// The grant type is not one that this server has.
    #[error("the grant type is not supported")]
    UnsupportedGrantType,
    /// Nothing that was asked for can be granted.
    #[error("{0}")]
    InvalidScope(&'static str),
    /// A pushed authorization request would not be taken (RFC 9126 section 2.3).
    #[error("{1}")]
    InvalidAuthorization(RedirectError, &'static str),
    /// What happened cannot be recorded, so it does not happen.
    #[error("the server could not answer")]
    Unrecorded,
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
            Self::InvalidGrant(_) => "invalid_grant",
            Self::InvalidProof(_) => "invalid_dpop_proof",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope(_) => "invalid_scope",
            Self::InvalidAuthorization(error, _) => error.as_str(),
            Self::Server(_) | Self::Unrecorded => "server_error",
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
            Self::InvalidGrant(refused) => refused.code(),
            Self::InvalidProof(refused) => refused.code(),
            other => other.code(),
        }
    }
}
