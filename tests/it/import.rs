//! Bringing in FHIR data over the API.

use glovebox_tests::TestHost;
use serde_json::{Value, json};

use crate::fhir_http::backend;

const PATH: &str = "/api/v1/fhir/import?tenant=main";
const JSON: &str = "application/fhir+json";

fn bundle() -> Value {
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        { "fullUrl": "urn:uuid:3f1f9a0e-0000-4000-8000-000000000001",
          "resource": { "resourceType": "Patient", "id": "imported-one", "name": [{ "family": "Imported", "given": ["One"] }],
            "extension": [{ "url": "https://example.org/unknown", "valueDecimal": 1.50 }] },
          "request": { "method": "POST", "url": "Patient" } },
        { "fullUrl": "urn:uuid:3f1f9a0e-0000-4000-8000-000000000002",
          "resource": { "resourceType": "Observation", "id": "imported-two", "status": "final", "code": { "text": "Imported test" },
            "subject": { "reference": "urn:uuid:3f1f9a0e-0000-4000-8000-000000000001" },
            "valueQuantity": { "value": 4.20, "unit": "mmol/L" } },
          "request": { "method": "POST", "url": "Observation" } },
    ] })
}

/// The bundle as a hospital writes it: decimals keep their spelling.
fn text(bundle: &Value) -> String {
    bundle.to_string().replace("4.2,", "4.20,")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_put_as_given_with_its_references_resolved() {
    let host = TestHost::fresh().await;
    let admin = host.api("admin");
    let first = admin
        .post_bytes(PATH, JSON, text(&bundle()))
        .await
        .expect(200)
        .json;
    assert_eq!(
        (&first["created"], &first["refused"]),
        (&json!(2), &json!([])),
        "{first}"
    );
    let again = admin
        .post_bytes(PATH, JSON, text(&bundle()))
        .await
        .expect(200)
        .json;
    assert_eq!(
        (&again["unchanged"], &again["created"]),
        (&json!(2), &json!(0)),
        "an equal import is no change"
    );

    let api = backend(&host).await;
    let observation = api
        .get("/fhir/main/Observation/imported-two")
        .await
        .expect(200);
    assert_eq!(
        observation.json["subject"]["reference"],
        "Patient/imported-one"
    );
    assert!(
        observation.text.contains("4.20"),
        "decimals keep their spelling: {}",
        observation.text
    );
    let found = api
        .get("/fhir/main/Observation?patient=imported-one")
        .await
        .expect(200)
        .json;
    assert_eq!(found["entry"].as_array().map(Vec::len), Some(1));

    let mut changed = bundle();
    changed["entry"][1]["resource"]["status"] = "amended".into();
    let refused = admin
        .post_bytes(PATH, JSON, text(&changed))
        .await
        .expect(200)
        .json;
    assert_eq!(
        refused["refused"].as_array().map(Vec::len),
        Some(1),
        "{refused}"
    );
    assert!(
        refused["refused"][0]["reference"]
            .as_str()
            .unwrap()
            .contains("Observation/imported-two"),
        "{refused}"
    );
    let updated = admin
        .post_bytes(&format!("{PATH}&update=true"), JSON, text(&changed))
        .await
        .expect(200)
        .json;
    assert_eq!(updated["updated"], 1, "{updated}");
    let now = api
        .get("/fhir/main/Observation/imported-two")
        .await
        .expect(200)
        .json;
    assert_eq!(now["status"], "amended");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_fhir_is_refused_whole_and_only_an_administrator_may_import() {
    let host = TestHost::shared().await;
    let admin = host.api("admin");
    for bad in [
        "",
        "{",
        "[]",
        "{\"resourceType\":\"Nonsense\"}",
        "{\"resourceType\":\"Bundle\",\"type\":\"history\"}",
    ] {
        admin
            .post_bytes(PATH, JSON, bad.to_owned())
            .await
            .expect_problem(422, "not-fhir");
    }
    for name in ["vendor", "dr.rivera", "ehr"] {
        host.api(name)
            .post_bytes(PATH, JSON, text(&bundle()))
            .await
            .expect_problem(403, "forbidden");
    }
    host.program(None)
        .post_bytes(PATH, JSON, text(&bundle()))
        .await
        .expect_problem(401, "unauthorized");
    backend(host)
        .await
        .get("/fhir/main/Patient/imported-one")
        .await
        .expect(404);
}

/// `GLOVEBOX_REAL_BUNDLE` names a transaction Bundle of somebody's real exporter; it is not
/// in the repository.
#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_is_not_ours_imports_whole_and_its_patient_opens_in_the_lab_viewer() {
    let name = "a_bundle_that_is_not_ours_imports_whole";
    let Some(path) = std::env::var_os("GLOVEBOX_REAL_BUNDLE") else {
        println!("SKIPPED {name}: GLOVEBOX_REAL_BUNDLE names no file");
        return;
    };
    let bytes = std::fs::read(path).unwrap();
    let given: Value = serde_json::from_slice(&bytes).unwrap();
    let entries = given["entry"].as_array().unwrap();
    let host = TestHost::fresh().await;
    let report = host
        .api("admin")
        .post_bytes(PATH, JSON, bytes.clone())
        .await
        .expect(200)
        .json;
    assert_eq!(report["refused"], json!([]), "{report}");
    assert_eq!(
        report["created"].as_u64(),
        u64::try_from(entries.len()).ok(),
        "{report}"
    );
    let resource = |wanted: &str| {
        entries
            .iter()
            .map(|entry| &entry["resource"])
            .find(|resource| resource["resourceType"] == wanted)
            .unwrap()
    };
    let patient = resource("Patient");
    let id = patient["id"].as_str().unwrap();
    let mut doctor = host.signed_in("dr.rivera").await;
    let page = doctor.open_patient("main", id).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let family = patient["name"][0]["family"].as_str().unwrap();
    assert!(page.text().contains(family), "{}", page.text());
    let screen = doctor.submit(&page.launcher("lab-viewer")).await;
    let rows = screen.tree().rows();
    println!(
        "{} resources, patient {id}; lab viewer rows: {rows:#?}",
        entries.len()
    );
    assert!(!screen.session().is_empty());
    assert!(rows.len() > 3, "{}", screen.text());
    // Each measured laboratory result is on the screen, in the row of its test.
    let mut measured = 0;
    for resource in entries.iter().map(|entry| &entry["resource"]) {
        let is_laboratory = resource["category"].to_string().contains("\"laboratory\"");
        let Some(value) = resource
            .pointer("/valueQuantity/value")
            .filter(|_| is_laboratory)
        else {
            continue;
        };
        let name = resource["code"]["text"]
            .as_str()
            .or_else(|| resource["code"]["coding"][0]["display"].as_str())
            .unwrap();
        let row = rows
            .iter()
            .find(|row| row[0] == name)
            .unwrap_or_else(|| panic!("{name} is not on the screen: {rows:?}"));
        let button = screen
            .tree()
            .forms()
            .into_iter()
            .flat_map(|form| form.buttons)
            .find(|button| button.label == name);
        measured += 1;
        if !row[1].starts_with(&value.to_string()) {
            // A newer result of the same test stands there; this one is in its history.
            let (_, action) = button.and_then(|button| button.sends).unwrap();
            let mut other = host.signed_in("dr.rivera").await;
            let own = other.launch("main", id, "lab-viewer").await;
            let history = other.press(&own, &action, &[]).await;
            assert!(
                history.text().contains(&value.to_string()),
                "{name} {value}: {}",
                history.text()
            );
        }
    }
    println!("{measured} measured laboratory results are on the screen");
    assert!(measured > 0, "the bundle has no measured laboratory result");
}
