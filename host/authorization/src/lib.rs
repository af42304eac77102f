//! Who somebody is and what a token is worth: users, browser sessions, API tokens,
//! launch handles, OAuth clients, client assertions, access tokens and id_tokens.
//!
//! Nothing here knows HTTP, a wall clock or patient data. "Now" is an argument; random
//! bytes come from `secret.rs` alone. A secret is stored as the hash of its text and is
//! shown once, to whom it was made for.
#![forbid(unsafe_code)]

mod authorization;
mod error;
mod table;

pub mod access_token;
pub mod api_token;
pub mod browser_session;
pub mod client_assertion;
pub mod client_key;
pub mod clients;
pub mod csrf;
pub mod ehr_launch;
pub mod id_token;
pub mod keys;
mod password;
mod redirect_uri;
pub mod secret;
mod sign_in_attempts;
pub mod signing_keys;
pub mod token_endpoint;
pub mod token_request;
pub mod users;

#[cfg(test)]
mod testing;

pub use access_token::{AccessToken, AccessTokens, NewAccessToken};
pub use api_token::{ApiIdentity, ApiTokenSummary, ApiTokens, Holder, ServiceAccount, SpeaksFor};
pub use authorization::Authorization;
pub use browser_session::{BrowserSession, BrowserSessions};
pub use client_assertion::{AssertionRefused, ClientAssertions, install_crypto_provider};
pub use client_key::{ClientKey, KeyAlgorithm};
pub use clients::{Client, ClientKind, ClientRegistration, Clients, Registered};
pub use ehr_launch::{Launch, LaunchFor, LaunchRefused, LaunchTarget, Launches, Presenter};
pub use error::Error;
pub use id_token::{FhirUserClaim, ID_TOKEN_LIFETIME, IdTokenClaims, IdTokenHint};
pub use keys::GeneratedKey;
pub use secret::{Issued, SecretText};
pub use signing_keys::{KeyStatus, SigningKey, SigningKeys};
pub use token_endpoint::{TokenEndpoint, TokenError, TokenResponse};
pub use token_request::TokenRequest;
pub use users::{SignIn, User, Users};
