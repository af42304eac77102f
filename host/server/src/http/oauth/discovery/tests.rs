//! What the documents promise, against the parts that must keep it.

use std::collections::BTreeSet;

use glovebox_model::scope::Scope;

use super::*;
use crate::config::{Config, Endpoint, Settings};

fn settings() -> Settings {
    let config = "[listen]\nbase_url = \"https://glove.example/ehr\"\n";
    Settings::resolve(&Config::parse(config).unwrap()).unwrap()
}

fn main_tenant() -> TenantId {
    "main".parse().unwrap()
}

#[test]
fn every_advertised_scope_is_one_that_the_grammar_reads() {
    let document = smart_configuration::document(&settings(), &main_tenant());
    let scopes = document["scopes_supported"].as_array().unwrap();
    assert!(scopes.len() > 10);
    for scope in scopes {
        let scope = scope.as_str().unwrap();
        assert!(scope.parse::<Scope>().is_ok(), "{scope}");
    }
}

#[test]
fn no_capability_is_listed_twice_and_each_is_a_name_of_the_specification() {
    let distinct: BTreeSet<&&str> = abilities::CAPABILITIES.iter().collect();
    assert_eq!(distinct.len(), abilities::CAPABILITIES.len());
    for capability in abilities::CAPABILITIES {
        let is_short = capability
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit());
        assert!(is_short, "{capability}");
    }
}

#[test]
fn the_three_documents_never_contradict_one_another() {
    let (settings, main) = (settings(), main_tenant());
    let server = authorization_server::document(&settings, &main);
    for document in [
        smart_configuration::document(&settings, &main),
        openid_configuration::document(&settings, &main),
    ] {
        for (name, value) in document.as_object().unwrap() {
            let other = server.get(name);
            assert!(other.is_none_or(|other| other == value), "{name}");
        }
        for endpoint in Endpoint::ADVERTISED {
            assert_eq!(document[endpoint.member()], server[endpoint.member()]);
        }
    }
}
