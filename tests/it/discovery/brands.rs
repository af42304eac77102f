//! User-access brands (SMART App Launch 2.2): people find their hospital in an app. The
//! profiles' constraints are written out here.

use glovebox_tests::{Answer, TestHost};
use reqwest::Method;
use serde_json::Value;

use super::{TENANTS, get, smart_path, with};

const PATH: &str = "/brands/main.json";

async fn bundle() -> Answer {
    get(TestHost::shared().await, PATH).await
}

fn resources<'a>(bundle: &'a Value, name: &str) -> Vec<&'a Value> {
    let entries = bundle["entry"].as_array().unwrap();
    let resources = entries.iter().map(|entry| &entry["resource"]);
    resources
        .filter(|one| one["resourceType"] == name)
        .collect()
}

/// The values of an extension's part.
fn parts<'a>(organization: &'a Value, extension: &str, part: &str) -> Vec<&'a Value> {
    let url = format!("http://hl7.org/fhir/StructureDefinition/{extension}");
    let extensions = organization["extension"].as_array().unwrap();
    extensions
        .iter()
        .filter(|one| one["url"] == url)
        .flat_map(|one| one["extension"].as_array().unwrap())
        .filter(|one| one["url"] == part)
        .collect()
}

fn endpoints(organization: &Value) -> Vec<&str> {
    let endpoints = organization["endpoint"].as_array().unwrap();
    endpoints
        .iter()
        .map(|one| one["reference"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn u1_the_bundle_is_a_collection_with_both_of_its_times() {
    let bundle = bundle().await.json;
    assert_eq!(bundle["resourceType"], "Bundle");
    assert_eq!(bundle["type"], "collection");
    let timestamp = bundle["timestamp"].as_str().unwrap();
    assert!(glovebox_model::Timestamp::parse(timestamp).is_some());
    assert_eq!(bundle["meta"]["lastUpdated"], timestamp);
    for entry in bundle["entry"].as_array().unwrap() {
        let resource = &entry["resource"];
        let end = format!(
            "/{}/{}",
            resource["resourceType"].as_str().unwrap(),
            resource["id"].as_str().unwrap()
        );
        let full = entry["fullUrl"].as_str().unwrap();
        assert!(full.starts_with("http") && full.ends_with(&end), "{full}");
        let profile = resource["meta"]["profile"][0].as_str().unwrap();
        assert!(profile.contains("/smart-app-launch/StructureDefinition/user-access-"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u2_a_primary_brand_references_every_endpoint() {
    let bundle = bundle().await.json;
    let all = resources(&bundle, "Endpoint");
    let is_primary = |organization: &&&Value| organization.get("partOf").is_none();
    let brands = resources(&bundle, "Organization");
    let primary = brands.iter().find(is_primary).unwrap();
    for endpoint in all {
        let reference = format!("Endpoint/{}", endpoint["id"].as_str().unwrap());
        assert!(
            endpoints(primary).contains(&reference.as_str()),
            "{reference}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u3_a_browser_of_any_origin_may_read_the_bundle() {
    let host = TestHost::shared().await;
    let answer = with(
        host,
        Method::GET,
        PATH,
        &[("origin", "https://app.example")],
    )
    .await;
    assert_eq!(
        answer.expect(200).header("access-control-allow-origin"),
        "*"
    );
    let asked = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "if-none-match"),
    ];
    let preflight = with(host, Method::OPTIONS, PATH, &asked).await.expect(204);
    assert!(
        preflight
            .header("access-control-allow-headers")
            .contains("If-None-Match")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn u4_who_has_the_bundle_is_told_so_by_its_weak_tag() {
    let host = TestHost::shared().await;
    let tag = bundle().await.header("etag").to_owned();
    assert!(tag.starts_with("W/\"") && tag.len() > 8, "{tag}");
    for known in [tag.as_str(), &format!("\"other\", {tag}"), "*"] {
        let answer = with(host, Method::GET, PATH, &[("if-none-match", known)]).await;
        let answer = answer.expect(304);
        assert_eq!(
            (answer.header("etag"), answer.text.as_str()),
            (tag.as_str(), "")
        );
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    let other = [("if-none-match", "W/\"0000000000000000\"")];
    with(host, Method::GET, PATH, &other).await.expect(200);
    // Each tenant's is another bundle.
    assert_ne!(get(host, "/brands/sandbox.json").await.header("etag"), tag);
}

#[tokio::test(flavor = "multi_thread")]
async fn u5_a_brand_is_identified_by_https_and_a_domain() {
    let bundle = bundle().await.json;
    for organization in resources(&bundle, "Organization") {
        let identifier = &organization["identifier"][0];
        assert_eq!(identifier["system"], "urn:ietf:rfc:3986");
        let value = identifier["value"].as_str().unwrap();
        let url = url::Url::parse(value).unwrap();
        assert_eq!(
            (url.scheme(), url.path(), url.query()),
            ("https", "/", None)
        );
        assert!(
            !value.ends_with('/') && !value.contains("//www."),
            "{value}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u6_what_nobody_gave_is_absent_for_a_reason_that_is_allowed() {
    let bundle = bundle().await.json;
    let brands = resources(&bundle, "Organization");
    let logos = parts(brands[0], "organization-brand", "brandLogo");
    assert_eq!(logos.len(), 1);
    let reason = &logos[0]["_valueUrl"]["extension"][0];
    assert_eq!(
        reason["url"],
        "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
    );
    assert!(["asked-declined", "asked-unknown"].contains(&reason["valueCode"].as_str().unwrap()));
    assert!(logos[0].get("valueUrl").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_the_identifier_that_is_told_is_that_of_exactly_one_brand() {
    let host = TestHost::shared().await;
    for tenant in TENANTS {
        let told = get(host, &smart_path(tenant)).await.json;
        let told = &told["user_access_brand_identifier"];
        let bundle = get(host, &format!("/brands/{tenant}.json")).await.json;
        let brands = resources(&bundle, "Organization");
        let same = brands.iter().filter(|brand| {
            let identifiers = brand["identifier"].as_array().unwrap();
            identifiers.contains(told)
        });
        assert_eq!(same.count(), 1, "{tenant}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_with_more_than_one_brand_the_identifier_says_which_is_meant() {
    let host = TestHost::shared().await;
    for tenant in TENANTS {
        let bundle = get(host, &format!("/brands/{tenant}.json")).await.json;
        let told = get(host, &smart_path(tenant)).await.json;
        let is_told = told["user_access_brand_identifier"]["value"].is_string();
        assert!(resources(&bundle, "Organization").len() == 1 || is_told);
        // It is told in any case: the next brand needs no other client.
        assert!(is_told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u9_brands_and_endpoints_lead_to_one_another_and_to_a_server_that_answers() {
    let host = TestHost::shared().await;
    for tenant in TENANTS {
        let bundle = get(host, &format!("/brands/{tenant}.json")).await.json;
        let brands = resources(&bundle, "Organization");
        for endpoint in resources(&bundle, "Endpoint") {
            let reference = format!("Endpoint/{}", endpoint["id"].as_str().unwrap());
            assert!(
                brands
                    .iter()
                    .any(|brand| endpoints(brand).contains(&reference.as_str()))
            );
            let managed = endpoint["managingOrganization"]["reference"]
                .as_str()
                .unwrap();
            let has_id = |brand: &&Value| {
                managed == format!("Organization/{}", brand["id"].as_str().unwrap())
            };
            assert!(brands.iter().any(has_id), "{managed}");
            for (pointer, value) in [
                ("/status", "active"),
                ("/connectionType/code", "hl7-fhir-rest"),
                ("/payloadType/0/coding/0/code", "none"),
                ("/extension/0/valueCode", "4.0.1"),
            ] {
                assert_eq!(endpoint.pointer(pointer).unwrap(), value, "{pointer}");
            }
            let address = endpoint["address"].as_str().unwrap();
            assert_eq!(address, format!("{}/fhir/{tenant}", host.base_url));
            let statement = get(host, &format!("{address}/metadata")).await.json;
            assert_eq!(statement["resourceType"], "CapabilityStatement");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u10_a_portal_leads_to_an_endpoint_that_the_brand_references_too() {
    let bundle = bundle().await.json;
    for brand in resources(&bundle, "Organization") {
        assert!(brand["name"].as_str().is_some_and(|name| !name.is_empty()));
        assert_eq!(brand["telecom"][0]["system"], "url");
        for part in ["portalName", "portalUrl", "portalEndpoint"] {
            assert_eq!(parts(brand, "organization-portal", part).len(), 1, "{part}");
        }
        // The invariant uab-1 of the profile.
        for portal in parts(brand, "organization-portal", "portalEndpoint") {
            let reference = portal["valueReference"]["reference"].as_str().unwrap();
            assert!(endpoints(brand).contains(&reference), "{reference}");
        }
    }
}
