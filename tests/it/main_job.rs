//! The main job: a clinician opens a patient, launches the lab viewer, sees that patient's
//! results, and the ledger holds the calls.

use glovebox_database::ledger::Filter;
use glovebox_tests::{Api, TestHost, logs};
use serde_json::{Value, json};

use crate::fhir_http::{all_pages, backend};

/// Stands in the record of a patient whom nobody opens.
const NEIGHBOURS_SECRET: &str = "Zebrafish-7741-of-the-neighbour";
/// Stands in the record of the patient who is opened.
const OWN_SECRET: &str = "Quokka-2093-of-her-own";

fn observation(id: &str, patient: &str, text: &str) -> Value {
    json!({
        "resourceType": "Observation", "id": id, "status": "final",
        "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory" }] }],
        "code": { "text": text },
        "subject": { "reference": format!("Patient/{patient}") },
        "effectiveDateTime": "2026-01-05T08:00:00Z",
        "valueString": text,
    })
}

async fn plant(admin: &Api, resource: &Value) {
    let path = "/api/v1/fhir/import?tenant=main";
    let report = admin
        .post_bytes(path, "application/fhir+json", resource.to_string())
        .await
        .expect(200)
        .json;
    assert_eq!(report["created"], 1, "{report}");
}

/// Name and newest value of each laboratory test that can be drawn, by the FHIR API.
fn results(observations: &[Value]) -> Vec<(String, String)> {
    let quantities = observations.iter().filter_map(|resource| {
        let value = resource.pointer("/valueQuantity/value")?;
        let text = resource
            .pointer("/code/text")
            .or_else(|| resource.pointer("/code/coding/0/display"))?;
        Some((text.as_str()?.to_owned(), value.to_string()))
    });
    quantities.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinician_sees_a_patients_results_in_an_app_and_the_ledger_holds_every_call() {
    let host = TestHost::fresh().await;
    let admin = host.api("admin");
    plant(
        &admin,
        &observation("planted-neighbour", "james-miller", NEIGHBOURS_SECRET),
    )
    .await;
    plant(
        &admin,
        &observation("planted-own", "anna-rossi", OWN_SECRET),
    )
    .await;

    let mut browser = host.browser();
    let list = browser
        .sign_in("dr.rivera", host.password("dr.rivera"))
        .await;
    assert!(list.path.starts_with("/chart"), "{}", list.path);
    let search = list
        .form(|form| !form.is_post && form.get("q").is_some())
        .with("q", "anna ross");
    let found = browser.submit(&search).await;
    let links = found.tree().links();
    let (address, _) = links
        .iter()
        .find(|(_, label)| label == "Anna Rossi")
        .unwrap();
    let patient = browser.open(address).await;
    assert!(patient.text().contains("Anna Rossi"));

    let screen = browser.submit(&patient.launcher("lab-viewer")).await;
    assert!(
        screen.redirects.iter().all(|status| *status == 303),
        "{:?}",
        screen.redirects
    );
    let session = screen.session().to_owned();
    assert!(
        screen.text().contains("Anna Rossi"),
        "the banner says whose record it is"
    );

    // What is on the screen is what the record holds, spelled the same.
    let backend = backend(&host).await;
    let observations = all_pages(
        &backend,
        "/fhir/main/Observation?patient=anna-rossi&category=laboratory&_count=50",
    )
    .await;
    let results = results(&observations);
    let mut compared = 0;
    for row in screen.tree().rows() {
        let Some((test, cells)) = row.split_first() else {
            continue;
        };
        let values: Vec<&str> = results
            .iter()
            .filter(|(name, _)| name == test)
            .map(|(_, value)| value.as_str())
            .collect();
        if !values.is_empty() {
            let shows = |value: &&str| {
                cells
                    .iter()
                    .any(|cell| cell.split(' ').any(|word| word == *value))
            };
            assert!(values.iter().any(shows), "{row:?} shows none of {values:?}");
            compared += 1;
        }
    }
    assert!(
        compared >= 3,
        "only {compared} tests are on the screen: {}",
        screen.text()
    );
    assert!(screen.text().contains(OWN_SECRET));

    // One test over time: a chart, and the same numbers as a table.
    let opened = screen
        .tree()
        .forms()
        .into_iter()
        .flat_map(|form| form.buttons);
    let actions: Vec<String> = opened
        .filter_map(|button| button.sends.map(|(_, action)| action))
        .filter(|action| action.starts_with("open:"))
        .collect();
    let mut overview = screen.clone();
    let mut chart = screen.clone();
    for action in &actions {
        chart = browser.press(&overview, action, &[]).await;
        if chart.html.contains("<svg class=\"plot") {
            break;
        }
        overview = browser.press(&chart, "back", &[]).await;
    }
    let tree = chart.tree();
    let plot = tree
        .all_of_class("plot")
        .first()
        .copied()
        .unwrap_or_else(|| panic!("no chart: {}", chart.text()));
    assert!(plot.attribute("role") == Some("img") && !plot.all("desc").is_empty());
    let figure = tree.all_of_class("chart").first().copied().unwrap();
    let drawn = plot.all("circle").len() + plot.all("path").len() + plot.all("polyline").len();
    assert!(drawn > 0, "nothing is drawn");
    let twin = figure.rows();
    assert!(
        twin.len() >= 3,
        "the chart has a table with the same numbers: {twin:?}"
    );
    let title = tree
        .all("h1")
        .iter()
        .map(|heading| heading.text())
        .next_back()
        .unwrap_or_default();
    for row in twin.iter().skip(1) {
        let is_known = results.iter().any(|(_, value)| {
            row.iter()
                .any(|cell| cell.split(' ').any(|word| word == value))
        });
        assert!(is_known, "{title}: {row:?} is not in the record");
    }

    // A form of the app: the last year has no more than all years.
    let rows = |page: &glovebox_tests::Page| {
        page.tree()
            .all_of_class("doc")
            .first()
            .unwrap()
            .rows()
            .len()
    };
    let year = browser.press(&chart, "period", &[("period", "1y")]).await;
    assert_eq!(year.session(), session);
    assert!(
        year.form(|form| form.get("v.period").is_some())
            .get("v.period")
            == Some("1y")
    );
    assert!(
        rows(&year) < rows(&chart),
        "a year has {} rows, all years {}",
        rows(&year),
        rows(&chart)
    );
    let refreshed = browser
        .submit(&year.form(|form| {
            form.action.ends_with("/events") && form.buttons.iter().all(|b| b.sends.is_none())
        }))
        .await;
    assert_eq!(rows(&refreshed), rows(&year));
    let closed = browser.submit(&refreshed.form_to("/close")).await;
    assert!(
        closed.path.starts_with("/chart/patients/anna-rossi"),
        "{}",
        closed.path
    );
    let after = browser.open(&format!("/chart/sessions/{session}")).await;
    assert!(
        after.text().contains("is closed") && !after.text().contains(OWN_SECRET),
        "{}",
        after.text()
    );

    // The ledger has it all, each entry with who, whose and by which app.
    let entries = host.ledger_of(&session).await;
    let kinds: Vec<&str> = entries.iter().map(|entry| entry.kind.as_str()).collect();
    for kind in ["session.open", "fhir", "call", "session.close"] {
        assert!(kinds.contains(&kind), "{kind} is not among {kinds:?}");
    }
    assert!(
        kinds.iter().filter(|kind| **kind == "call").count() >= 4,
        "{kinds:?}"
    );
    for entry in &entries {
        assert_eq!(entry.app.as_deref(), Some("lab-viewer"), "{}", entry.raw);
        assert_eq!(
            entry.patient.as_deref(),
            Some("anna-rossi"),
            "{}",
            entry.raw
        );
        assert_eq!(entry.user.as_deref(), Some("dr.rivera"), "{}", entry.raw);
        assert_eq!(entry.tenant.as_deref(), Some("main"), "{}", entry.raw);
    }
    let fhir = entries.iter().filter(|entry| entry.kind == "fhir");
    assert!(
        fhir.clone()
            .all(|entry| entry.outcome == "ok" && entry.digest.is_some())
    );
    let launches = host
        .ledger(Filter {
            kind: Some("launch".to_owned()),
            ..Filter::default()
        })
        .await;
    assert!(
        launches
            .iter()
            .any(|entry| entry.action == "open" && entry.outcome == "ok")
    );

    // Nothing of anybody's record where it does not belong.
    for page in &browser.seen {
        let headers = format!("{:?}", page.headers);
        assert!(
            !page.html.contains(NEIGHBOURS_SECRET),
            "{} shows the neighbour",
            page.path
        );
        assert!(
            !headers.contains(NEIGHBOURS_SECRET) && !headers.contains(OWN_SECRET),
            "{}",
            page.path
        );
        assert!(!page.path.contains(OWN_SECRET), "{}", page.path);
    }
    let log = logs::text();
    let ledger = host.ledger(Filter::default()).await;
    for secret in [NEIGHBOURS_SECRET, OWN_SECRET, host.password("dr.rivera")] {
        assert!(!log.contains(secret), "a log line holds {secret}");
        assert!(
            !ledger.iter().any(|entry| entry.raw.contains(secret)),
            "the ledger holds {secret}"
        );
    }
    let token = host.demo["api_tokens"]["admin"].as_str().unwrap();
    assert!(!log.contains(token) && !ledger.iter().any(|entry| entry.raw.contains(token)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_an_older_screen_redraws_and_one_that_the_screen_did_not_offer_is_refused() {
    let host = TestHost::shared().await;
    let rivera = host.api("dr.rivera");
    let opened = rivera
        .post(
            "/api/v1/sessions",
            &json!({ "app": "lab-viewer", "patient": "anna-rossi" }),
        )
        .await;
    let opened = opened.expect(201).json;
    let events = format!(
        "/api/v1/sessions/{}/events",
        opened["session"].as_str().unwrap()
    );
    let seq = opened["seq"].as_u64().unwrap();
    let year = json!({ "seq": seq, "action": "period", "values": { "period": "1y" } });
    let second = rivera.post(&events, &year).await.expect(200).json;
    assert!(second["seq"].as_u64().unwrap() > seq);
    let late = rivera
        .post(
            &events,
            &json!({ "seq": seq, "action": "period", "values": { "period": "5y" } }),
        )
        .await;
    assert_eq!(
        late.expect(200).json,
        second,
        "an answer to an older screen shows the present one"
    );
    let now = second["seq"].as_u64().unwrap();
    for invented in [
        json!({ "seq": now, "action": "delete-everything" }),
        json!({ "seq": now, "action": "period", "values": { "period": "all", "patient": "james-miller" } }),
        json!({ "seq": now, "action": "period", "values": { "period": "a century" } }),
    ] {
        rivera
            .post(&events, &invented)
            .await
            .expect_problem(400, "invalid-event");
    }
    rivera
        .post(&events, &json!({ "seq": now }))
        .await
        .expect_problem(400, "bad-request");
    let session = opened["session"].as_str().unwrap();
    rivera
        .delete(&format!("/api/v1/sessions/{session}"))
        .await
        .expect(204);
    rivera
        .post(&events, &json!({ "seq": now, "refresh": true }))
        .await
        .expect_problem(409, "terminated");
}
