//! Who somebody is and what a token is worth: users, browser sessions, API tokens,
//! launch handles, OAuth clients, client assertions, access tokens and id_tokens.
//!
//! Nothing here knows HTTP, a wall clock or patient data. "Now" is an argument; random
//! bytes come from `secret.rs` alone. A secret is stored as the hash of its text and is
//! shown once, to whom it was made for.
#![forbid(unsafe_code)]

mod authorization;
mod authorization_code;
mod client_authentication;
mod client_jwks;
mod context;
mod error;
mod pkce;
mod refresh_token;
mod table;

pub mod access_token;
pub mod api_token;
pub mod authorization_request;
pub mod browser_session;
pub mod client_assertion;
pub mod client_key;
pub mod clients;
pub mod consent;
pub mod csrf;
pub mod dpop;
pub mod ehr_launch;
pub mod grant;
pub mod id_token;
pub mod introspection;
pub mod keys;
mod password;
mod redirect_uri;
pub mod registration_tokens;
pub mod secret;
mod sign_in_attempts;
pub mod signing_keys;
pub mod token_endpoint;
pub mod token_request;
pub mod users;

#[cfg(test)]
mod testing;

pub use access_token::{AccessToken, AccessTokens, NewAccessToken, TokenOwner};
pub use api_token::{ApiIdentity, ApiTokenSummary, ApiTokens, Holder, ServiceAccount, SpeaksFor};
pub use authorization::{Authorization, AuthorizationParts};
pub use authorization_code::CODE_TTL;
pub use authorization_request::{
    AuthorizationRequests, AuthorizeRefused, PUSHED_TTL, PendingRequest, Pushed, Redirect,
    RedirectError, Step, Unredirectable,
};
pub use browser_session::{BrowserSession, BrowserSessions};
pub use client_assertion::{AssertionRefused, ClientAssertions, install_crypto_provider};
pub use client_authentication::ClientRefused;
pub use client_key::{ClientKey, KeyAlgorithm};
pub use clients::{Client, ClientKind, ClientRegistration, ClientRules, Clients, Registered};
pub use consent::{Consent, Consents};
pub use context::GrantContext;
pub use dpop::{DPOP_ALGORITHMS, DpopHeader, DpopProofs, ProofRefused, ProvenRequest};
pub use ehr_launch::{Launch, LaunchFor, LaunchRefused, LaunchTarget, Launches, Presenter};
pub use error::Error;
pub use grant::{Access, Grant, Grants};
pub use id_token::{FhirUserClaim, ID_TOKEN_LIFETIME, IdTokenClaims, IdTokenHint};
pub use introspection::{ActiveToken, Asker, Revoked, TokenCare};
pub use keys::GeneratedKey;
pub use refresh_token::{REPEAT_MAX, RefreshKey};
pub use registration_tokens::{REGISTRATION_TOKEN_TTL, RegistrationToken, RegistrationTokens};
pub use secret::{Issued, SecretText};
pub use signing_keys::{KeyStatus, SigningKey, SigningKeys};
pub use token_endpoint::{GrantRefused, OpenId, TokenEndpoint, TokenError, TokenResponse};
pub use token_request::TokenRequest;
pub use users::{SignIn, User, Users};
