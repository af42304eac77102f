//! What this authorization server can do, once. Everything that a discovery document says
//! beyond addresses follows from these lists: an ability that is taken out here takes its
//! scopes, grants and members with it.

use glovebox_authorization::DPOP_ALGORITHMS;
use glovebox_authorization::signing_keys::SIGNING_ALGORITHM;
use glovebox_model::TenantId;
use serde_json::{Map, Value, json};

use crate::config::Settings;

/// SMART capabilities (SMART App Launch 2.2, "Conformance"). Each one listed works.
pub(super) const CAPABILITIES: &[&str] = &[
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-banner",
    "context-style",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "context-standalone-encounter",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
];

/// Scopes, each with the capabilities that it needs. Each one listed can be granted to a
/// client that is registered for it.
const SCOPES: &[(&str, &[&str])] = &[
    ("openid", &["sso-openid-connect"]),
    ("fhirUser", &["sso-openid-connect"]),
    ("launch", &["launch-ehr"]),
    ("launch/patient", &["context-standalone-patient"]),
    ("launch/encounter", &["context-standalone-encounter"]),
    ("offline_access", &["permission-offline"]),
    ("online_access", &["permission-online"]),
    ("patient/*.cruds", &["permission-patient", "permission-v2"]),
    ("patient/*.rs", &["permission-patient", "permission-v2"]),
    ("patient/*.read", &["permission-patient", "permission-v1"]),
    ("patient/*.write", &["permission-patient", "permission-v1"]),
    ("patient/*.*", &["permission-patient", "permission-v1"]),
    ("user/*.cruds", &["permission-user", "permission-v2"]),
    ("user/*.rs", &["permission-user", "permission-v2"]),
    ("user/*.read", &["permission-user", "permission-v1"]),
    ("user/*.write", &["permission-user", "permission-v1"]),
    ("user/*.*", &["permission-user", "permission-v1"]),
    ("system/*.rs", &[ASYMMETRIC, "permission-v2"]),
    ("system/*.read", &[ASYMMETRIC, "permission-v1"]),
];

/// Grants, each with one capability of those that need it.
const GRANTS: &[(&str, &[&str])] = &[
    ("authorization_code", &["launch-ehr", "launch-standalone"]),
    (
        "refresh_token",
        &["permission-offline", "permission-online"],
    ),
    ("client_credentials", &[ASYMMETRIC]),
];

/// How clients prove at the token endpoint who they are, each with its capability. A public
/// client proves it by PKCE alone, which is `none` in RFC 8414.
const AUTHENTICATION: &[(&str, &str)] = &[
    ("client_secret_basic", "client-confidential-symmetric"),
    ("client_secret_post", "client-confidential-symmetric"),
    ("private_key_jwt", ASYMMETRIC),
    ("none", "client-public"),
];

const ASYMMETRIC: &str = "client-confidential-asymmetric";
/// Of client assertions (SMART App Launch 2.2 asks for one of them; these are both).
const ASSERTION_ALGORITHMS: [&str; 2] = ["RS384", "ES384"];

/// Whether a capability is offered.
pub(super) fn has(capability: &str) -> bool {
    CAPABILITIES.contains(&capability)
}

/// Whether there are id_tokens, and so an issuer of them.
pub(super) fn has_id_tokens() -> bool {
    has("sso-openid-connect")
}

/// What may be asked for.
fn scopes() -> Vec<&'static str> {
    let offered = SCOPES
        .iter()
        .filter(|(_, needs)| needs.iter().all(|one| has(one)));
    offered.map(|(scope, _)| *scope).collect()
}

fn grants() -> Vec<&'static str> {
    let offered = GRANTS
        .iter()
        .filter(|(_, needs)| needs.iter().any(|one| has(one)));
    offered.map(|(grant, _)| *grant).collect()
}

fn authentication() -> Vec<&'static str> {
    let offered = AUTHENTICATION.iter().filter(|(_, needs)| has(needs));
    offered.map(|(method, _)| *method).collect()
}

/// Who may ask what a token is worth: a client of its own, or an access token, which RFC
/// 8414 section 2 names by its type.
fn introspection() -> Vec<&'static str> {
    let mut methods = authentication();
    // A public client proves nothing.
    methods.retain(|method| *method != "none");
    methods.push("Bearer");
    methods
}

/// The members that every document has: addresses and abilities (RFC 8414 section 2).
pub(super) fn members(settings: &Settings, tenant: &TenantId) -> Map<String, Value> {
    let mut members = Map::new();
    for (endpoint, address) in settings.advertised(tenant) {
        members.insert(endpoint.member().to_owned(), address.into());
    }
    let more = json!({
        "scopes_supported": scopes(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": grants(),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": authentication(),
        "authorization_response_iss_parameter_supported": true,
        // A client may bind itself to it; nobody else has to (RFC 9126 section 5).
        "require_pushed_authorization_requests": false,
        "dpop_signing_alg_values_supported": DPOP_ALGORITHMS,
    });
    extend(&mut members, more);
    if has(ASYMMETRIC) {
        let algorithms = json!(ASSERTION_ALGORITHMS);
        let name = "token_endpoint_auth_signing_alg_values_supported";
        members.insert(name.to_owned(), algorithms);
    }
    members
}

/// What RFC 8414 has beyond that: how clients prove themselves at the other endpoints.
pub(super) fn other_endpoints() -> Value {
    json!({
        "introspection_endpoint_auth_methods_supported": introspection(),
        "introspection_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": authentication(),
        "revocation_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
    })
}

/// What OpenID Connect Discovery 1.0 has beyond that.
pub(super) fn identity(settings: &Settings, tenant: &TenantId) -> Value {
    json!({
        "issuer": settings.issuer(tenant),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [SIGNING_ALGORITHM],
        "claims_supported": [
            "iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "at_hash", "sid",
            "fhirUser", "profile",
        ],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        // Without the member, a client may believe that it is supported.
        "request_uri_parameter_supported": false,
    })
}

/// Adds the members of an object.
pub(super) fn extend(members: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        members.extend(more);
    }
}
