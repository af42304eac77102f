//! Who may open whom: the nurse reaches the patients of her ward and nobody else, by any
//! path, and what she may not open answers like somebody made up.

use glovebox_database::ledger::Filter;
use glovebox_tests::fhir::{Bearer, JSON, put, system};
use glovebox_tests::html::Form;
use glovebox_tests::{Api, Page, TestHost, binary};
use reqwest::Method;
use serde_json::{Value, json};

const STRANGER: &str = "james-miller";
const MADE_UP: &str = "nobody-by-this-id";

/// What a person could notice, with ids and tokens that differ by nature taken out.
fn noticed(page: &Page, patient: &str) -> (u16, String) {
    let mut body = page.html.replace(patient, "(id)");
    while let Some(at) = body.find("name=\"csrf\" value=\"") {
        let end = body[at + 19..]
            .find('"')
            .map_or(body.len(), |end| at + 19 + end);
        body.replace_range(at..end, "(csrf)");
    }
    (page.status.as_u16(), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_and_the_search_box_show_her_own_patients_only() {
    let host = TestHost::shared().await;
    let mut nurse = host.signed_in("nurse.okafor").await;
    let mut doctor = host.signed_in("dr.rivera").await;
    assert!(
        doctor.open("/chart").await.text().contains("James Miller"),
        "the doctor sees everybody"
    );
    for address in [
        "/chart",
        "/chart?q=miller",
        "/chart?q=james",
        "/chart?q=james-miller",
        "/chart?tenant=sandbox&q=miller",
    ] {
        let page = nurse.open(address).await;
        assert_eq!(page.status, 200, "{address}");
        let is_there = page
            .tree()
            .links()
            .iter()
            .any(|(to, label)| to.contains(STRANGER) || label.contains("James"));
        assert!(
            !is_there && !page.text().contains("James Miller"),
            "{address}: {}",
            page.text()
        );
    }
    let (one, other) = (
        nurse.open("/chart?q=miller").await,
        nurse.open("/chart?q=nonsense").await,
    );
    assert_eq!(
        one.html.replace("miller", "(q)"),
        other.html.replace("nonsense", "(q)")
    );
    assert!(
        nurse
            .open("/chart?q=rossi")
            .await
            .text()
            .contains("Anna Rossi")
    );
    assert_eq!(nurse.open_patient("main", "anna-rossi").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_page_and_a_launch_answer_like_somebody_made_up() {
    let host = TestHost::shared().await;
    let mut nurse = host.signed_in("nurse.okafor").await;
    for tenant in ["main", "sandbox"] {
        let stranger = nurse.open_patient(tenant, STRANGER).await;
        let made_up = nurse.open_patient(tenant, MADE_UP).await;
        assert_eq!(stranger.status, 404);
        assert_eq!(
            noticed(&stranger, STRANGER),
            noticed(&made_up, MADE_UP),
            "{tenant}"
        );
    }
    // The form of a patient whom she may open, bent towards another.
    let anna = nurse.open_patient("main", "anna-rossi").await;
    let launcher = anna.launcher("lab-viewer");
    let bent = |patient: &str| Form {
        action: launcher.action.replace("anna-rossi", patient),
        ..launcher.clone()
    };
    let stranger = nurse.submit(&bent(STRANGER)).await;
    let made_up = nurse.submit(&bent(MADE_UP)).await;
    assert_eq!(stranger.status, 404, "{}", stranger.text());
    assert_eq!(noticed(&stranger, STRANGER), noticed(&made_up, MADE_UP));
    assert_eq!(stranger.redirects, made_up.redirects);
    let screen = nurse.submit(&launcher).await;
    assert!(screen.text().contains("Anna Rossi") && screen.path.starts_with("/chart/sessions/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_handle_and_somebody_elses_session_open_nothing() {
    let host = TestHost::shared().await;
    let mut doctor = host.signed_in("dr.rivera").await;
    let mut nurse = host.signed_in("nurse.okafor").await;

    let page = doctor.open_patient("main", STRANGER).await;
    let handed = doctor.send_form(&page.launcher("lab-viewer")).await;
    let handle = handed.location().unwrap().to_owned();
    let stolen = nurse.open(&handle).await;
    let invented = nurse
        .open("/launch/app?tenant=main&launch=gbl_nonsense")
        .await;
    assert_eq!(stolen.status.as_u16(), invented.status.as_u16());
    assert_eq!(stolen.html, invented.html);
    assert!(!stolen.text().contains("James"));
    // The theft did not spoil it for whom it was made.
    let screen = doctor.open(&handle).await;
    let session = screen.session().to_owned();
    assert!(screen.text().contains("James Miller"));

    let made_up = "/chart/sessions/s-nonsense";
    let theirs = format!("/chart/sessions/{session}");
    let (peeked, nothing) = (nurse.open(&theirs).await, nurse.open(made_up).await);
    assert_eq!(peeked.status, 404);
    assert_eq!(noticed(&peeked, &session), noticed(&nothing, "s-nonsense"));
    let own = nurse.open_patient("main", "anna-rossi").await;
    let csrf = own.launcher("lab-viewer").get("csrf").unwrap().to_owned();
    let fields = vec![
        ("csrf".to_owned(), csrf),
        ("seq".to_owned(), "1".to_owned()),
    ];
    for act in ["events", "close"] {
        let bent = nurse
            .send(Method::POST, &format!("{theirs}/{act}"), &fields, &[])
            .await;
        let nothing = nurse
            .send(Method::POST, &format!("{made_up}/{act}"), &fields, &[])
            .await;
        assert_eq!(bent.status, 404, "{act}: {}", bent.text());
        assert_eq!(
            noticed(&bent, &session),
            noticed(&nothing, "s-nonsense"),
            "{act}"
        );
    }
    assert!(
        doctor.open(&theirs).await.text().contains("James Miller"),
        "the session goes on for its own user"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_opens_no_app_on_a_patient_whom_the_named_user_may_not_open() {
    let host = TestHost::shared().await;
    let ehr = host.api("ehr");
    let open =
        |patient: &str| json!({ "app": "lab-viewer", "patient": patient, "user": "nurse.okafor" });
    let stranger = ehr
        .post("/api/v1/sessions", &open(STRANGER))
        .await
        .expect_problem(404, "not-found");
    let made_up = ehr
        .post("/api/v1/sessions", &open(MADE_UP))
        .await
        .expect_problem(404, "not-found");
    assert_eq!(
        stranger.text.replace(STRANGER, "(id)"),
        made_up.text.replace(MADE_UP, "(id)")
    );
    let opened = ehr
        .post("/api/v1/sessions", &open("anna-rossi"))
        .await
        .expect(201)
        .json;
    let session = opened["session"].as_str().unwrap();
    let entries = host.ledger_of(session).await;
    assert!(!entries.is_empty());
    for entry in entries {
        assert_eq!(entry.user.as_deref(), Some("nurse.okafor"), "{}", entry.raw);
        assert_eq!(entry.asserted_by.as_deref(), Some("ehr"), "{}", entry.raw);
    }
    // A person's token speaks for that person only; somebody else's session is not there.
    let rivera = host.api("dr.rivera");
    rivera
        .post("/api/v1/sessions", &open("anna-rossi"))
        .await
        .expect_problem(403, "forbidden");
    let events = format!("/api/v1/sessions/{session}/events");
    let theirs = rivera
        .post(&events, &json!({ "seq": 1, "refresh": true }))
        .await
        .expect_problem(404, "not-found");
    let nothing = rivera
        .post(
            "/api/v1/sessions/nonsense/events",
            &json!({ "seq": 1, "refresh": true }),
        )
        .await;
    assert_eq!(theirs.text, nothing.expect_problem(404, "not-found").text);
    // An EHR launch sends her browser to a page that is not there.
    let body = json!({ "app": "lab-viewer", "user": "nurse.okafor", "patient": STRANGER });
    let launch = ehr.post("/api/v1/launches", &body).await.expect(201).json;
    let address = launch["launch_url"]
        .as_str()
        .unwrap()
        .strip_prefix(&host.base_url)
        .unwrap()
        .to_owned();
    let mut nurse = host.signed_in("nurse.okafor").await;
    assert_eq!(nurse.open(&address).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_taken_away_ends_the_open_app() {
    let host = TestHost::fresh().await;
    let mut nurse = host.signed_in("nurse.okafor").await;
    let screen = nurse.launch("main", "anna-rossi", "lab-viewer").await;
    // Her right follows from the care team: who takes her off it takes the right.
    let mut team = care_team(&host, "anna-rossi").await;
    team["status"] = "inactive".into();
    put(&host, &[team]).await;
    let after = nurse.press(&screen, "period", &[("period", "1y")]).await;
    assert!(!after.html.contains("Anna Rossi"), "{}", after.text());
    assert_eq!(nurse.open_patient("main", "anna-rossi").await.status, 404);
}

/// The CareTeam of a patient as it is in the record, without `meta`.
async fn care_team(host: &TestHost, patient: &str) -> Value {
    let reader = system(host, "system/CareTeam.rs").await;
    let path = format!("/fhir/main/CareTeam?patient={patient}");
    let found = reader.get(&path).await.expect(200).json;
    let mut team = found["entry"][0]["resource"].clone();
    team.as_object_mut().unwrap().remove("meta");
    team
}

/// The nurse's own app over FHIR, without a patient in context.
async fn nurse_app(host: &TestHost) -> Api {
    let bearer = Bearer {
        scope: "user/Patient.rs user/CareTeam.rs",
        user: Some("nurse.okafor"),
        patient: None,
    };
    bearer.program(host).await
}

fn right(user: &str, patient: &str) -> Value {
    json!({ "user": user, "patient": patient, "reason": "ward 3 East, ticket 4711" })
}

/// Every relation that is listed, page by page, as `user patient source`.
async fn listed(admin: &Api, query: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut next = Some(String::new());
    while let Some(after) = next {
        let path = format!("/api/v1/relations?{query}{after}");
        let page = admin.get(&path).await.expect(200).json;
        for item in page["items"].as_array().unwrap() {
            let text = |name: &str| item[name].as_str().unwrap_or("-").to_owned();
            all.push(format!(
                "{} {} {}",
                text("user"),
                text("patient"),
                text("source")
            ));
        }
        next = page["next"].as_str().map(|next| format!("&after={next}"));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_opens_a_patient_and_a_withdrawal_closes_page_app_and_fhir_at_once() {
    let host = TestHost::fresh().await;
    let admin = host.api("admin");
    let mut nurse = host.signed_in("nurse.okafor").await;
    let fhir = format!("/fhir/main/Patient/{STRANGER}");
    let app = nurse_app(&host).await;
    app.get(&fhir).await.expect(404);
    assert_eq!(nurse.open_patient("main", STRANGER).await.status, 404);
    let granted = admin
        .post("/api/v1/relations", &right("nurse.okafor", STRANGER))
        .await
        .expect(201)
        .json;
    assert_eq!(granted["source"], "api");
    app.get(&fhir).await.expect(200);
    assert_eq!(nurse.open_patient("main", STRANGER).await.status, 200);
    let screen = nurse.launch("main", STRANGER, "lab-viewer").await;
    assert!(screen.text().contains("James Miller"));
    let line = format!("nurse.okafor {STRANGER} api");
    assert!(listed(&admin, "user=nurse.okafor").await.contains(&line));

    let withdraw = right("nurse.okafor", STRANGER);
    let withdrawn = admin
        .post("/api/v1/relations/withdraw", &withdraw)
        .await
        .expect(200)
        .json;
    assert_eq!(withdrawn["still"], json!([]));
    app.get(&fhir).await.expect(404);
    assert_eq!(nurse.open_patient("main", STRANGER).await.status, 404);
    let after = nurse.press(&screen, "period", &[("period", "1y")]).await;
    assert!(!after.html.contains("James Miller"), "{}", after.text());
    assert!(!listed(&admin, "user=nurse.okafor").await.contains(&line));

    let entries = host
        .ledger(Filter {
            kind: Some("relation.change".to_owned()),
            patient: Some(STRANGER.to_owned()),
            user: Some("admin".to_owned()),
            ..Filter::default()
        })
        .await;
    let acts: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(acts, ["grant", "withdraw"]);
    for entry in &entries {
        for part in ["nurse.okafor", "ward 3 East, ticket 4711"] {
            assert!(entry.raw.contains(part), "{part}: {}", entry.raw);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_of_everyone_and_an_end_are_listed_and_counted() {
    let host = TestHost::fresh().await;
    let admin = host.api("admin");
    let body = json!({
        "user": "nurse.okafor", "everyone": true, "expires": "2999-01-01T00:00:00Z",
        "reason": "on call",
    });
    let granted = admin
        .post("/api/v1/relations", &body)
        .await
        .expect(201)
        .json;
    assert_eq!(
        granted,
        json!({
            "user": "nurse.okafor", "patient": null, "everyone": true, "source": "api",
            "from": null, "starts": null, "expires": "2999-01-01T00:00:00Z",
        })
    );
    let mut nurse = host.signed_in("nurse.okafor").await;
    assert_eq!(nurse.open_patient("main", STRANGER).await.status, 200);
    let all = listed(&admin, "").await;
    assert!(all.contains(&"nurse.okafor - api".to_owned()));
    assert!(all.contains(&"dr.rivera - api".to_owned()));
    assert!(
        all.contains(&"maria.rossi tom-rossi related-person".to_owned()),
        "{all:?}"
    );
    assert!(
        all.contains(&"nurse.okafor anna-rossi care-team".to_owned()),
        "{all:?}"
    );
    assert!(
        listed(&admin, "tenant=sandbox&user=maria.rossi")
            .await
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_relation_call_cannot_take_is_refused_with_a_stable_code() {
    let host = TestHost::shared().await;
    let admin = host.api("admin");
    let of = |change: Value| {
        let mut body = right("nurse.okafor", STRANGER);
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        body
    };
    for (body, status, code) in [
        (of(json!({ "user": "nobody.here" })), 422, "unknown-user"),
        (
            of(json!({ "user": "maria.rossi", "tenant": "sandbox" })),
            422,
            "unknown-user",
        ),
        (of(json!({ "user": "../x" })), 400, "bad-request"),
        (of(json!({ "patient": "a b" })), 400, "bad-request"),
        (of(json!({ "patient": "*" })), 400, "bad-request"),
        (of(json!({ "patient": null })), 400, "bad-request"),
        (of(json!({ "everyone": true })), 400, "bad-request"),
        (of(json!({ "expires": "soon" })), 400, "bad-request"),
        (
            of(json!({ "expires": "2001-01-01T00:00:00Z" })),
            400,
            "bad-request",
        ),
        (of(json!({ "more": 1 })), 400, "bad-request"),
        (of(json!({ "reason": " " })), 422, "no-reason"),
        (of(json!({ "tenant": "elsewhere" })), 404, "not-found"),
    ] {
        admin
            .post("/api/v1/relations", &body)
            .await
            .expect_problem(status, code);
    }
    let withdraw = "/api/v1/relations/withdraw";
    let body = of(json!({ "reason": "" }));
    admin
        .post(withdraw, &body)
        .await
        .expect_problem(422, "no-reason");
    let body = json!({ "from": "Patient/x", "reason": "r" });
    let derive = "/api/v1/relations/derive";
    admin
        .post(derive, &body)
        .await
        .expect_problem(400, "bad-request");
    admin
        .get("/api/v1/relations?after=nonsense")
        .await
        .expect_problem(400, "bad-request");
    let path = "/api/v1/relations";
    admin
        .post_bytes(path, "text/plain", "x")
        .await
        .expect_problem(415, "media-type");
    for name in ["vendor", "dr.rivera"] {
        let other = host.api(name);
        for (call, body) in [
            (path, right("nurse.okafor", STRANGER)),
            (withdraw, right("nurse.okafor", STRANGER)),
            (derive, json!({ "reason": "r" })),
        ] {
            let answer = other.post(call, &body).await;
            answer.expect_problem(403, "forbidden");
        }
        other.get(path).await.expect_problem(403, "forbidden");
    }
    let ehr = host.api("ehr");
    ehr.get(path).await.expect_problem(403, "forbidden");
    let body = right("nurse.okafor", "anna-rossi");
    ehr.post(withdraw, &body)
        .await
        .expect_problem(403, "forbidden");
    let csv = "user,patient,expires\nnurse.okafor,james-miller,\n";
    ehr.post_bytes("/api/v1/relations?reason=r", "text/csv", csv)
        .await
        .expect_problem(403, "forbidden");
    host.program(None)
        .get(path)
        .await
        .expect_problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ehr_asserts_for_whom_it_speaks_and_learns_nothing_about_who_exists() {
    let host = TestHost::fresh().await;
    let ehr = host.api("ehr");
    let path = "/api/v1/relations";
    let body = |user: &str, patient: &str| json!({ "user": user, "patient": patient });
    let real = ehr
        .post(path, &body("nurse.okafor", STRANGER))
        .await
        .expect(201);
    let made_up = ehr
        .post(path, &body("nurse.okafor", MADE_UP))
        .await
        .expect(201);
    assert_eq!(
        real.text.replace(STRANGER, "(id)"),
        made_up.text.replace(MADE_UP, "(id)")
    );
    assert_eq!(real.json["source"], "ehr");
    let mut nurse = host.signed_in("nurse.okafor").await;
    assert_eq!(nurse.open_patient("main", STRANGER).await.status, 200);
    // A patient's own account and nobody's: not a clinician whom it may speak for.
    for user in ["anna.rossi", "nobody.here"] {
        ehr.post(path, &body(user, STRANGER))
            .await
            .expect_problem(403, "forbidden");
    }
    let everyone = json!({ "user": "nurse.okafor", "everyone": true });
    ehr.post(path, &everyone)
        .await
        .expect_problem(403, "forbidden");
    let entries = host
        .ledger(Filter {
            kind: Some("relation.change".to_owned()),
            patient: Some(STRANGER.to_owned()),
            ..Filter::default()
        })
        .await;
    let asserted = entries.last().unwrap();
    assert_eq!(
        asserted.asserted_by.as_deref(),
        Some("ehr"),
        "{}",
        asserted.raw
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_taken_as_a_whole_and_each_bad_line_is_named() {
    let host = TestHost::fresh().await;
    let admin = host.api("admin");
    let path = "/api/v1/relations?tenant=main&reason=ward+list";
    let before = listed(&admin, "").await;
    let bad = format!(
        "user,patient,expires\nnurse.okafor,{STRANGER},\nnobody.here,{STRANGER},\nmaria.rossi,tom-rossi,\nno.one,tom-rossi,\n"
    );
    let refused = admin
        .post_bytes(path, "text/csv", bad)
        .await
        .expect_problem(422, "bad-lines");
    let detail = refused.json["detail"].as_str().unwrap().to_owned();
    for part in ["line 3: ", "line 5: ", "nobody.here", "no.one"] {
        assert!(detail.contains(part), "{detail}");
    }
    assert!(
        !detail.contains("line 2") && !detail.contains("line 4"),
        "{detail}"
    );
    assert_eq!(listed(&admin, "").await, before);
    let good = format!("user,patient,expires\r\nnurse.okafor,{STRANGER},2999-01-01T00:00:00Z\r\n");
    admin
        .post_bytes("/api/v1/relations", "text/csv", good.clone())
        .await
        .expect_problem(422, "no-reason");
    let granted = admin
        .post_bytes(path, "text/csv; charset=utf-8", good)
        .await;
    assert_eq!(granted.expect(201).json, json!({ "granted": 1 }));
    let line = format!("nurse.okafor {STRANGER} csv");
    assert!(listed(&admin, "user=nurse.okafor").await.contains(&line));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_care_team_that_is_imported_opens_its_patient_and_an_update_closes_it() {
    let host = TestHost::fresh().await;
    let admin = host.api("admin");
    let mut nurse = host.signed_in("nurse.okafor").await;
    let app = nurse_app(&host).await;
    let fhir = format!("/fhir/main/Patient/{STRANGER}");
    let mut team = care_team(&host, STRANGER).await;
    let original = team.clone();
    let member = json!({ "member": { "reference": "PractitionerRole/okafor-role" } });
    team["participant"].as_array_mut().unwrap().push(member);
    put(&host, &[team]).await;
    assert_eq!(nurse.open_patient("main", STRANGER).await.status, 200);
    app.get(&fhir).await.expect(200);
    // A withdrawal takes what was granted, and says from what the right follows still.
    let withdrawn = admin
        .post(
            "/api/v1/relations/withdraw",
            &right("nurse.okafor", STRANGER),
        )
        .await
        .expect(200)
        .json;
    let from = format!("CareTeam/{}", original["id"].as_str().unwrap());
    assert_eq!(withdrawn["still"][0]["from"], from.as_str(), "{withdrawn}");
    put(&host, &[original]).await;
    assert_eq!(nurse.open_patient("main", STRANGER).await.status, 404);
    app.get(&fhir).await.expect(404);
}

/// The attack: an app that may write care teams writes its user, or a friend, into one.
#[tokio::test(flavor = "multi_thread")]
async fn no_app_gives_anybody_a_patient_by_writing_to_the_record() {
    let host = TestHost::fresh().await;
    let admin = host.api("admin");
    let fhir = format!("/fhir/main/Patient/{STRANGER}");
    let nurse = nurse_app(&host).await;
    let team = care_team(&host, STRANGER).await;
    let id = team["id"].as_str().unwrap().to_owned();
    let member = json!({ "member": { "reference": "Practitioner/okafor" } });
    let mut joined = team.clone();
    joined["participant"]
        .as_array_mut()
        .unwrap()
        .push(member.clone());
    let mut made = joined.clone();
    made.as_object_mut().unwrap().remove("id");
    let doctors = Bearer {
        scope: "user/*.cruds",
        user: Some("dr.rivera"),
        patient: None,
    };
    let patch = json!([{ "op": "add", "path": "/participant/-", "value": member }]);
    for app in [
        doctors.program(&host).await,
        system(&host, "system/*.cruds").await,
    ] {
        let path = "/fhir/main/CareTeam";
        let send = async |method: Method, path: &str, body: &Value| {
            let kind = match method {
                Method::PATCH => "application/json-patch+json",
                _ => JSON,
            };
            let request = app
                .request(method, path)
                .header("content-type", kind)
                .header("if-match", "*")
                .body(body.to_string());
            app.send(request).await
        };
        send(Method::POST, path, &made).await.expect(201);
        send(Method::PUT, &format!("{path}/{id}"), &joined)
            .await
            .expect(200);
        send(Method::PATCH, &format!("{path}/{id}"), &patch)
            .await
            .expect(200);
        for kind in ["batch", "transaction"] {
            let entry =
                json!({ "resource": made, "request": { "method": "POST", "url": "CareTeam" } });
            let bundle = json!({ "resourceType": "Bundle", "type": kind, "entry": [entry] });
            send(Method::POST, "/fhir/main", &bundle).await.expect(200);
        }
        nurse.get(&fhir).await.expect(404);
    }
    // A restart makes good what was left open, and gives nothing more.
    host.services.gateway.settle_relations().await.unwrap();
    nurse.get(&fhir).await.expect(404);
    // What an app takes away is gone: the doctor is on the team, and reaches everybody anyway.
    let derive = json!({ "from": format!("CareTeam/{id}"), "reason": "checked with the ward" });
    let derived = admin
        .post("/api/v1/relations/derive", &derive)
        .await
        .expect(200);
    assert_eq!(derived.json["given"], 1, "{}", derived.text);
    nurse.get(&fhir).await.expect(200);
    let app = system(&host, "system/*.cruds").await;
    app.send(
        app.request(Method::DELETE, &format!("/fhir/main/CareTeam/{id}"))
            .header("if-match", "*"),
    )
    .await
    .expect(204);
    nurse.get(&fhir).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_lists_grants_imports_and_withdraws() {
    let host = TestHost::fresh().await;
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    std::fs::write(&token, host.demo["api_tokens"]["admin"].as_str().unwrap()).unwrap();
    let csv = dir.path().join("ward.csv");
    let glovebox = async |arguments: &[&str]| {
        let mut all = vec!["admin", "--server", &host.base_url, "--token-file"];
        all.push(token.to_str().unwrap());
        all.push("relations");
        all.extend(arguments);
        let all: Vec<String> = all.into_iter().map(str::to_owned).collect();
        let ended = tokio::task::spawn_blocking(move || {
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            binary::run(&all)
        });
        ended.await.unwrap()
    };
    let granted = glovebox(&["grant", "nurse.okafor", STRANGER, "--reason", "ward"]).await;
    assert_eq!((granted.code, granted.stderr.as_str()), (Some(0), ""));
    assert!(
        granted
            .stdout
            .contains("nurse.okafor may open james-miller")
    );
    let list = glovebox(&["list", "--user", "nurse.okafor"]).await;
    assert!(list.stdout.starts_with("USER"), "{}", list.stdout);
    let line = list.stdout.lines().find(|line| line.contains(STRANGER));
    assert!(line.unwrap().contains("api"), "{}", list.stdout);
    std::fs::write(&csv, "user,patient,expires\nnobody.here,tom-rossi,\n").unwrap();
    let file = csv.to_str().unwrap();
    let refused = glovebox(&["import", file, "--reason", "ward list"]).await;
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("line 2: "), "{}", refused.stderr);
    std::fs::write(&csv, "user,patient,expires\ndr.rivera,tom-rossi,\n").unwrap();
    let imported = glovebox(&["import", file, "--reason", "ward list"]).await;
    assert!(
        imported.stdout.contains("1 relations granted"),
        "{}",
        imported.stderr
    );
    let withdrawn = glovebox(&[
        "withdraw",
        "nurse.okafor",
        "anna-rossi",
        "--reason",
        "moved",
    ])
    .await;
    assert_eq!(withdrawn.code, Some(0));
    assert!(
        withdrawn
            .stderr
            .contains("may open anna-rossi still, by CareTeam/"),
        "{}",
        withdrawn.stderr
    );
    let derived = glovebox(&["derive", "--reason", "looked through", "--json"]).await;
    let derived: Value = serde_json::from_str(&derived.stdout).unwrap();
    assert_eq!(
        (&derived["given"], &derived["taken"]),
        (&json!(0), &json!(0))
    );
    let missing = glovebox(&["import", "no-such-file", "--reason", "r"]).await;
    assert_eq!(missing.code, Some(2));
}
