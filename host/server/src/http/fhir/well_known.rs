//! Discovery documents below a FHIR base (SMART App Launch 2.2, "FHIR authorization
//! endpoint and capabilities discovery using a Well-Known Uniform Resource Identifiers"):
//! for anybody, before any token is looked at.

use axum::http::Method;
use axum::response::Response;
use glovebox_model::TenantId;

use super::headers::Public;
use super::route_error::RouteError;
use crate::http::App;
use crate::http::oauth::discovery;

/// What a document may be asked by.
pub(super) const ALLOWED: &[Method] = &[Method::GET, Method::HEAD];

/// The name after `/.well-known/`, if the path below the tenant has it. Some clients append
/// the suffix to a base that ends in a slash: they mean the same.
pub(super) fn name(below: &str) -> Option<&str> {
    below
        .strip_prefix("/.well-known/")
        .or_else(|| below.strip_prefix("//.well-known/"))
}

/// Answers with the document of this name.
pub(super) fn get(
    app: &App,
    tenant: &TenantId,
    method: &Method,
    name: &str,
) -> Result<Response, RouteError> {
    let Some(mut response) = discovery::below_fhir(app, tenant, name) else {
        return Err(RouteError::Unknown("there is no such document"));
    };
    if !ALLOWED.contains(method) {
        return Err(RouteError::Method(ALLOWED));
    }
    response.extensions_mut().insert(Public);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_too_many_means_the_same_and_two_do_not() {
        for (below, expected) in [
            (
                "/.well-known/smart-configuration",
                Some("smart-configuration"),
            ),
            (
                "//.well-known/smart-configuration",
                Some("smart-configuration"),
            ),
            ("///.well-known/smart-configuration", None),
            ("/Patient/.well-known/smart-configuration", None),
            ("/.well-known", None),
            ("", None),
        ] {
            assert_eq!(name(below), expected, "{below}");
        }
    }
}
