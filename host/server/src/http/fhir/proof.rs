//! Proofs of possession on FHIR calls (RFC 9449 section 7): a token that is bound to a key
//! comes with a proof of it, under the scheme `DPoP`; any other comes as `Bearer`.

use axum::extract::OriginalUri;
use axum::http::header;
use axum::http::request::Parts;
use glovebox_authorization::{AccessToken, ProvenRequest};

use super::route_error::RouteError;
use crate::http::App;
use crate::http::identity::bearer;

/// The access token of a request and the scheme under which it came.
#[derive(Clone, Copy)]
pub(super) struct Presented<'a> {
    pub(super) token: &'a str,
    is_proven: bool,
}

impl<'a> Presented<'a> {
    pub(super) fn of(parts: &'a Parts) -> Option<Self> {
        if let Some(token) = bearer(parts) {
            return Some(Self {
                token,
                is_proven: false,
            });
        }
        let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("dpop").then(|| Self {
            token: token.trim(),
            is_proven: true,
        })
    }

    /// Refuses a bound token without its proof, and a proof for a token that is not bound.
    pub(super) async fn check(
        self,
        app: &App,
        token: &AccessToken,
        parts: &Parts,
    ) -> Result<(), RouteError> {
        let bound = match (&token.thumbprint, self.is_proven) {
            (None, false) => return Ok(()),
            (Some(bound), true) => bound,
            (Some(_), false) => return Err(RouteError::BadProof("invalid_token")),
            (None, true) => return Err(RouteError::BadToken),
        };
        let uri = parts.extensions.get::<OriginalUri>();
        let path = uri.map_or_else(|| parts.uri.path(), |OriginalUri(uri)| uri.path());
        let url = format!("{}{path}", app.settings.base_url);
        let proven = ProvenRequest {
            method: parts.method.as_str(),
            url: &url,
            access_token: Some(self.token),
            thumbprint: Some(bound),
        };
        let proof = crate::http::oauth::proof(&parts.headers);
        let proofs = &app.authorization.proofs;
        match proofs.verify(&proof, proven, app.clock.now()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(RouteError::BadProof("invalid_dpop_proof")),
            Err(problem) => Err(RouteError::failed(&problem)),
        }
    }
}
