//! `GET /fhir/{tenant}/.well-known/smart-configuration` (SMART App Launch 2.2, "Metadata").

use glovebox_model::TenantId;
use serde_json::{Value, json};

use super::abilities::{self, CAPABILITIES};
use crate::config::{Endpoint, IDENTIFIER_SYSTEM, Settings};

pub(super) fn document(settings: &Settings, tenant: &TenantId) -> Value {
    let mut members = abilities::members(settings, tenant);
    // An issuer without id_tokens would promise some.
    if abilities::has_id_tokens() {
        members.insert("issuer".to_owned(), settings.issuer(tenant).into());
    } else {
        members.remove(Endpoint::Jwks.member());
    }
    let more = json!({
        "capabilities": CAPABILITIES,
        "user_access_brand_bundle": settings.brands_url(tenant),
    });
    abilities::extend(&mut members, more);
    if let Some(brand) = settings.brands.get(tenant) {
        let identifier = json!({ "system": IDENTIFIER_SYSTEM, "value": brand.identifier });
        members.insert("user_access_brand_identifier".to_owned(), identifier);
    }
    Value::Object(members)
}
