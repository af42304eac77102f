//! A form that a client posts to one of its endpoints.

use axum::http::{HeaderMap, header};
use glovebox_authorization::TokenRequest;
use glovebox_model::TenantId;

use super::error::{RouteError, Scheme};
use super::form::is_form;
use super::rate;
use crate::http::App;

/// The request, and the tenant at whose endpoint it arrived.
pub(super) struct ClientRequest {
    pub(super) tenant: TenantId,
    pub(super) request: TokenRequest,
}

impl ClientRequest {
    pub(super) fn read(
        app: &App,
        tenant: &str,
        query: Option<&str>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Self, RouteError> {
        let tenant: TenantId = tenant.parse().map_err(|_| RouteError::NoSuchTenant)?;
        if app.settings.tenant_name(&tenant).is_none() {
            return Err(RouteError::NoSuchTenant);
        }
        if query.is_some_and(|query| !query.is_empty()) {
            return Err(RouteError::InAddress);
        }
        if !is_form(headers) {
            return Err(RouteError::NotAForm);
        }
        let pairs = url::form_urlencoded::parse(body)
            .map(|(name, value)| (name.into_owned(), value.into_owned()));
        let authorization = headers.get(header::AUTHORIZATION);
        match TokenRequest::new(pairs, authorization.map(|value| value.as_bytes())) {
            Ok(request) => {
                let request = request.with_proof(super::proof(headers));
                let claimed = request.claimed_client();
                let claimed = claimed.as_ref().map(|client| client.as_str());
                match rate::check_client(app, &tenant, claimed) {
                    Ok(()) => Ok(Self { tenant, request }),
                    Err(wait) => Err(RouteError::TooMany(wait)),
                }
            }
            Err(error) => Err(RouteError::Token {
                tenant,
                error,
                scheme: authorization.map(|_| Scheme::Basic),
            }),
        }
    }
}
