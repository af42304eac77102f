//! `GET /oauth/{tenant}/jwks`: the public keys of the tenant's id_tokens (RFC 7517).

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use super::answer;
use super::public::{Missing, known_tenant};
use crate::http::App;

/// A client that meets a key it does not know asks again, whatever it kept (OpenID Connect
/// Core 1.0 section 10.1.1).
const KEPT: &str = "public, max-age=300";

pub(super) async fn get(
    State(app): State<App>,
    Path(tenant): Path<String>,
) -> Result<Response, Missing> {
    let tenant = known_tenant(&app, &tenant)?;
    let keys = &app.authorization.signing_keys;
    let jwks = keys.jwks(&tenant, app.clock.now()).await;
    let jwks = jwks.map_err(|problem| {
        tracing::error!(error = %problem, "the signing keys cannot be read");
        Missing::Failed
    })?;
    Ok(([(header::CACHE_CONTROL, KEPT)], answer(&jwks)).into_response())
}
