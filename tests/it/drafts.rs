//! Drafts over the API: an app writes, a clinician decides, and the record follows.

use std::sync::Arc;

use glovebox_authorization::Holder;
use glovebox_database::fence::Mark;
use glovebox_fhir::{Interaction, Limits, Resource};
use glovebox_gateway::{Answer, Door, Drafted, Session};
use glovebox_model::ledger::Subject;
use glovebox_model::scope::ScopeSet;
use glovebox_policy::Terms;
use glovebox_tests::TestHost;
use serde_json::{Value, json};

/// What an app whose approval makes its writes drafts sends for a patient.
async fn drafted(host: &TestHost, patient: &str) -> Drafted {
    let services = &host.services;
    let tenant: glovebox_model::TenantId = "main".parse().unwrap();
    let app: glovebox_model::AppId = "visit-note".parse().unwrap();
    let user: glovebox_model::UserId = "dr.rivera".parse().unwrap();
    let patient: glovebox_model::PatientId = patient.parse().unwrap();
    let held = services
        .fence
        .generations(&[Mark::App(tenant.clone(), app.clone())]);
    let pass = services.fence.enter(&held).unwrap();
    let session = Session {
        tenant: tenant.clone(),
        subject: Subject {
            tenant: Some(tenant),
            app: Some(app),
            user: Some(user.clone()),
            patient: Some(patient.clone()),
            ..Subject::default()
        },
        scopes: ScopeSet::parse("patient/Observation.cruds").unwrap(),
        patient: Some(patient.clone()),
        user: Some(user),
        door: Door::Wit,
        terms: Arc::new(Terms::from_json(&json!({ "writes": "draft" })).unwrap()),
    };
    let observation = json!({
        "resourceType": "Observation", "status": "final", "code": { "text": "a note" },
        "subject": { "reference": format!("Patient/{patient}") },
    });
    let bytes = observation.to_string();
    let resource = Resource::parse(bytes.as_bytes(), Limits::RESOURCE).unwrap();
    let create = Interaction::create(resource);
    let answer = services.gateway.execute(&session, &pass, create).await;
    match answer.unwrap().release(&pass, |answer| answer).unwrap() {
        Answer::Drafted(drafted) => drafted,
        other => panic!("{other:?}"),
    }
}

fn ids(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinician_lists_looks_at_and_commits_what_an_app_wrote() {
    let host = TestHost::fresh().await;
    let draft = drafted(&host, "anna-rossi").await;
    let doctor = host.api("dr.rivera");
    let list = doctor
        .get("/api/v1/drafts?patient=anna-rossi&state=waiting")
        .await
        .expect(200);
    assert_eq!(ids(&list.json), [draft.draft.as_str()]);
    let path = format!("/api/v1/drafts/{}", draft.draft);
    let one = doctor.get(&path).await.expect(200);
    assert_eq!(one.json["writes"][0]["resource"]["code"]["text"], "a note");
    assert_eq!(one.json["app"], "visit-note");

    let done = doctor
        .post(&format!("{path}/commit"), &json!({}))
        .await
        .expect(200);
    let written = format!("Observation/{}", draft.id);
    assert_eq!(done.json["written"][0]["reference"], written.as_str());
    assert!(
        done.json["provenance"]
            .as_str()
            .unwrap()
            .starts_with("Provenance/")
    );
    for act in ["commit", "reject"] {
        let again = doctor
            .post(&format!("{path}/{act}"), &json!({ "reason": "x" }))
            .await;
        again.expect_problem(409, "draft-settled");
    }
    let waiting = doctor.get("/api/v1/drafts?state=waiting").await.expect(200);
    assert!(ids(&waiting.json).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_says_why_and_who_may_not_open_the_patient_sees_no_draft() {
    let host = TestHost::fresh().await;
    let draft = drafted(&host, "james-miller").await;
    let path = format!("/api/v1/drafts/{}", draft.draft);
    // the nurse's ward does not hold this patient: the draft is one that is not there
    let services = &host.services;
    let person = Holder::Person("nurse.okafor".parse().unwrap());
    let tokens = &services.authorization.api_tokens;
    let token = tokens.create(&person, "test", None, services.clock.now());
    let token = token.await.unwrap();
    let nurse = host.program(Some(token.text.expose()));
    assert!(ids(&nurse.get("/api/v1/drafts").await.expect(200).json).is_empty());
    nurse.get(&path).await.expect_problem(404, "not-found");
    for act in ["commit", "reject"] {
        let refused = nurse
            .post(&format!("{path}/{act}"), &json!({ "reason": "x" }))
            .await;
        refused.expect_problem(404, "not-found");
    }
    let doctor = host.api("dr.rivera");
    let silent = doctor.post(&format!("{path}/reject"), &json!({})).await;
    silent.expect(400);
    doctor
        .post(
            &format!("{path}/reject"),
            &json!({ "reason": "wrong value" }),
        )
        .await
        .expect(200);
    let one = doctor.get(&path).await.expect(200);
    assert_eq!(one.json["state"], "rejected");
    assert_eq!(one.json["reason"], "wrong value");
    for name in ["vendor", "admin", "ehr"] {
        host.api(name)
            .get("/api/v1/drafts")
            .await
            .expect_problem(403, "forbidden");
    }
}
