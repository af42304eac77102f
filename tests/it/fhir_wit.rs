//! The abuse cases over the guest interface: each that it can express is tried through the
//! host functions and over HTTP, on the same data and for the same grant, and gets the same
//! decision and the same resources. What it cannot express is listed, with the reason.

use std::collections::BTreeSet;
use std::sync::Arc;

use glovebox_database::fence::Mark;
use glovebox_gateway::{Door, Session};
use glovebox_model::ledger::Subject;
use glovebox_model::scope::ScopeSet;
use glovebox_policy::Terms;
use glovebox_runtime::probe::{Given, Probe, Refused, Request};
use glovebox_tests::fhir::{entries, launched, put};
use glovebox_tests::{Answer, TestHost};
use serde_json::{Value, json};

use crate::fhir_abuse::cases::{self, Case, observation};
use crate::fhir_abuse::data::{self, MARKER};
use crate::fhir_abuse::{LABORATORY, everything, send};

/// What the guest interface has no word for: method, what the path contains, why.
const NOT_EXPRESSIBLE: &[(&str, &str, &str)] = &[
    (
        "HEAD",
        "/",
        "a guest reads or does not: it has no headers to look at",
    ),
    (
        "GET",
        "/_history",
        "there is no history in this version of the interface, of a resource or of more",
    ),
    (
        "GET",
        "$",
        "operations are not in this version of the interface",
    ),
    (
        "POST",
        "$",
        "operations are not in this version of the interface",
    ),
    (
        "GET",
        "/Patient/abuse-b/",
        "a compartment is an address: a guest searches by patient",
    ),
    (
        "GET",
        "/Patient/abuse-a/",
        "a compartment is an address: a guest searches by patient",
    ),
    (
        "GET",
        "/Encounter/abuse-b-encounter/",
        "a compartment is an address: a guest searches by encounter",
    ),
    (
        "GET",
        "/Practitioner/abuse-dr/",
        "a compartment is an address: a guest searches by performer",
    ),
    (
        "GET",
        "/patient/",
        "an address in another spelling: a guest gives type and id apart",
    ),
    (
        "GET",
        "/Patient//",
        "an address in another spelling: a guest gives type and id apart",
    ),
    (
        "GET",
        "/Patient/abuse-b%2f",
        "an address in another spelling: a guest gives type and id apart",
    ),
    (
        "GET",
        "/Patient;x/",
        "an address in another spelling: a guest gives type and id apart",
    ),
    (
        "GET",
        "/%50atient/",
        "an address in another spelling: a guest gives type and id apart",
    ),
    (
        "GET",
        "/Patient/abuse-b?_format",
        "a guest gets FHIR JSON and asks for no format",
    ),
    (
        "POST",
        "/_search",
        "a search over several types at once has no form",
    ),
    (
        "GET",
        "?_type",
        "a search over several types at once has no form",
    ),
    (
        "PATCH",
        "?",
        "a patch names the resource; a conditional one has no form",
    ),
    (
        "PUT",
        "/Patient/abuse-a",
        "a guest's update has the id in the resource only: there is no other to contradict it",
    ),
    (
        "PUT",
        "/Observation/abuse-a-lab",
        "a guest's update has the id in the resource only: there is no other to contradict it",
    ),
];

/// Cases of the HTTP table's list that are tried here all the same, and those that are not.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "A-PC18",
        "here: a_token_of_a_search_is_good_for_its_session_only",
    ),
    ("A-PC22", "here: a_batch_decides_each_request_for_itself"),
    (
        "A-PC24",
        "here: what_a_transaction_must_not_reach_is_refused",
    ),
    ("A-PC25", "a guest without a session cannot run"),
    (
        "A-PC26",
        "here: what_a_transaction_must_not_reach_is_refused",
    ),
    ("A-PC31", "here: letters_are_not_each_others_for_a_guest"),
    ("A-PC45", "methods and their override are HTTP's"),
    ("A-PC46", "headers and preconditions of reads are HTTP's"),
    ("A-PC48", "a guest never names its patient: the launch does"),
    ("A-PC51", "policy, not protocol: the door does not matter"),
    (
        "A-PC52",
        "here: each case is compared with somebody made up",
    ),
    (
        "A-PC55",
        "what a guest shows is a typed view: no markup crosses",
    ),
    ("A-PC56", "a guest sends no XML"),
    (
        "A-GS6",
        "the rules of tokens are tested where tokens are matched",
    ),
    ("A-GS8", "consent is asked before a guest runs"),
    ("A-GS9", "the scope grammar has its own tests"),
    ("A-GS11", "a guest holds no token that could be refreshed"),
    (
        "A-GS12",
        "a guest can neither introspect nor ask for consent",
    ),
];

/// One attack in the guest's words.
enum Call {
    Read(String, String),
    Vread(String, String, String),
    Search(String, Vec<(String, String)>),
    Create(Value),
    Update(Value),
    Patch(String, String, Value),
    Delete(String, String),
    Transaction(Value),
}

/// What can be told apart of an answer by either door.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    /// Mode and `Type/id` of what is given, and the total.
    Given(BTreeSet<(String, String)>, Option<u64>),
    NotGranted,
    NotFound,
    Gone,
    /// Not valid, not supported, in conflict or over a limit.
    Refused,
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// A conditional write is a guest's as the only entry of a transaction.
fn alone(method: &str, url: &str, resource: Option<&Value>) -> Call {
    let mut entry = json!({ "request": { "method": method, "url": url } });
    if let Some(resource) = resource {
        entry["resource"] = resource.clone();
    }
    Call::Transaction(json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry] }))
}

/// The case in the guest's words, if it has them.
fn call_of(case: &Case) -> Option<Call> {
    let (address, query) = case.path.split_once('?').unwrap_or((&case.path, ""));
    let segments: Vec<&str> = address.strip_prefix('/')?.split('/').collect();
    let is_plain = |text: &str| {
        let mut bytes = text.bytes();
        bytes
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_type = |text: &str| is_plain(text) && text.starts_with(|c: char| c.is_ascii_uppercase());
    let own = |text: &&str| (*text).to_owned();
    match (case.method, segments.as_slice(), &case.body) {
        ("GET", [of, id], None) if query.is_empty() && is_type(of) && is_plain(id) => {
            Some(Call::Read(own(of), own(id)))
        }
        ("GET", [of, id, "_history", version], None) if is_type(of) => {
            Some(Call::Vread(own(of), own(id), own(version)))
        }
        ("GET", [of], None) if is_type(of) => Some(Call::Search(own(of), pairs(query))),
        ("POST", [of, "_search"], Some(Value::String(fields))) if is_type(of) => {
            let mut all = pairs(query);
            all.extend(pairs(fields));
            Some(Call::Search(own(of), all))
        }
        ("POST", [of], Some(body)) if is_type(of) => Some(Call::Create(body.clone())),
        ("PUT", [of, id], Some(body)) if is_type(of) && body["id"] == *id => {
            Some(Call::Update(body.clone()))
        }
        ("PUT", [of], Some(body)) if is_type(of) => {
            Some(alone("PUT", case.path.strip_prefix('/')?, Some(body)))
        }
        ("PATCH", [of, id], Some(body)) if is_type(of) => {
            Some(Call::Patch(own(of), own(id), body.clone()))
        }
        ("DELETE", [of, id], None) if is_type(of) => Some(Call::Delete(own(of), own(id))),
        ("DELETE", [of], None) if is_type(of) => {
            Some(alone("DELETE", case.path.strip_prefix('/')?, None))
        }
        _ => None,
    }
}

fn renamed(value: &Value, rename: impl Fn(&str) -> String) -> String {
    rename(&value.to_string())
}

/// A guest that dr. Rivera launched for A.
fn guest(host: &TestHost, scope: &str, session: &str) -> Probe {
    guest_under(host, Terms::default(), scope, session)
}

fn guest_under(host: &TestHost, terms: Terms, scope: &str, session: &str) -> Probe {
    let tenant: glovebox_model::TenantId = "main".parse().unwrap();
    let patient: glovebox_model::PatientId = "abuse-a".parse().unwrap();
    let user: glovebox_model::UserId = "dr.rivera".parse().unwrap();
    let session = Session {
        tenant: tenant.clone(),
        subject: Subject {
            tenant: Some(tenant.clone()),
            user: Some(user.clone()),
            patient: Some(patient.clone()),
            session: Some(session.parse().unwrap()),
            ..Subject::default()
        },
        scopes: ScopeSet::parse(scope).unwrap(),
        patient: Some(patient),
        user: Some(user),
        door: Door::Wit,
        terms: Arc::new(terms),
    };
    let held = host.services.fence.generations(&[Mark::Tenant(tenant)]);
    Probe::new(&host.services.runtime, session, &held).unwrap()
}

async fn told(
    probe: &mut Probe,
    call: &Call,
    rename: impl Fn(&str) -> String,
) -> Result<Given, Refused> {
    match call {
        Call::Read(of, id) => probe.read(of, &rename(id)).await,
        Call::Vread(of, id, version) => probe.vread(of, &rename(id), version).await,
        Call::Search(of, parameters) => {
            let renamed = parameters
                .iter()
                .map(|(name, value)| (name.clone(), rename(value)));
            probe.search(of, renamed.collect()).await
        }
        Call::Create(body) => probe.create(&renamed(body, rename)).await,
        Call::Update(body) => probe.update(&renamed(body, rename), "1").await,
        Call::Patch(of, id, patch) => {
            let id = rename(id);
            probe.patch(of, &id, "1", &renamed(patch, rename)).await
        }
        Call::Delete(of, id) => probe.delete(of, &rename(id), "1").await,
        Call::Transaction(bundle) => probe.transaction(&renamed(bundle, rename)).await,
    }
}

fn by_guest(told: &Result<Given, Refused>) -> Decision {
    let refused = match told {
        Ok(given) => {
            let name = |(mode, resource): &(String, String)| {
                let resource: Value = serde_json::from_str(resource).unwrap();
                let text = |name: &str| resource[name].as_str().unwrap_or("-").to_owned();
                (
                    mode.clone(),
                    format!("{}/{}", text("resourceType"), text("id")),
                )
            };
            return Decision::Given(given.entries.iter().map(name).collect(), given.total);
        }
        Err(refused) => refused,
    };
    match refused.code {
        "not-granted" => Decision::NotGranted,
        "not-found" => Decision::NotFound,
        "gone" => Decision::Gone,
        "conflict" | "invalid" | "too-costly" | "other" => Decision::Refused,
        code => panic!("{code}: {}", refused.text),
    }
}

fn by_http(answer: &Answer) -> Decision {
    match answer.status.as_u16() {
        200..=299 if answer.json["resourceType"] == "Bundle" => {
            let all = answer.json["entry"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            let modes = all.iter().map(|entry| {
                entry["search"]["mode"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            });
            let named = modes.zip(entries(&answer.json));
            Decision::Given(
                named.filter(|(mode, _)| mode != "outcome").collect(),
                answer.json["total"].as_u64(),
            )
        }
        200..=299 => {
            let names = entries(&json!({ "entry": [{ "resource": answer.json }] }));
            Decision::Given(
                names
                    .into_iter()
                    .map(|name| (String::new(), name))
                    .collect(),
                None,
            )
        }
        403 => Decision::NotGranted,
        404 => Decision::NotFound,
        410 => Decision::Gone,
        400 | 409 | 412 | 422 => Decision::Refused,
        status => panic!("{status} {}", answer.text),
    }
}

/// A's own chart names B in places: only the name differs.
fn nameless(shown: &str) -> String {
    shown.replace("abuse-b", "(id)").replace("abuse-x", "(id)")
}

/// Each case by both doors, and by the guest's again with somebody made up in B's place.
async fn compare(host: &TestHost, scope: &str, cases: &[Case]) {
    let api = launched(host, scope, "abuse-a").await;
    let mut failed = Vec::new();
    let mut tried = 0;
    for case in cases {
        let Some(call) = call_of(case) else { continue };
        tried += 1;
        let here = |text: &str| text.to_owned();
        let real = told(&mut guest(host, scope, "wit-1"), &call, here).await;
        let made_up = |text: &str| text.replace("abuse-b", "abuse-x");
        let twin = told(&mut guest(host, scope, "wit-2"), &call, made_up).await;
        let shown = format!("{real:?}");
        let mut problem = None;
        if shown.contains(MARKER) {
            problem = Some("the marker is seen".to_owned());
        } else if nameless(&shown) != nameless(&format!("{twin:?}")) {
            problem = Some(format!("B differs from somebody made up: {twin:?}"));
        }
        let (guest, http) = (by_guest(&real), by_http(&send(&api, case, here).await));
        if guest != http {
            problem = Some(format!("over HTTP: {http:?}"));
        }
        if let Some(problem) = problem {
            failed.push(format!(
                "{} {} {}: {problem}\n  {shown}",
                case.id, case.method, case.path
            ));
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {tried}:\n{}",
        failed.len(),
        failed.join("\n")
    );
    assert!(tried > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_abuse_cases_get_the_same_decision_by_both_doors() {
    let host = TestHost::fresh().await;
    put(&host, &data::world()).await;
    let before = everything(&host).await;
    compare(&host, "patient/*.cruds", &cases::of_patient_a()).await;
    let granular = format!(
        "patient/Observation.cruds?category={LABORATORY} patient/DiagnosticReport.rs patient/Patient.r"
    );
    compare(&host, &granular, &cases::of_laboratory_only()).await;
    assert_eq!(
        before,
        everything(&host).await,
        "an attack changed something"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_not_each_others_for_a_guest() {
    let host = TestHost::fresh().await;
    put(&host, &data::world()).await;
    let mut known = observation("abuse-a");
    known["id"] = "abuse-a-lab".into();
    let read = || Call::Read("Observation".to_owned(), "abuse-a-lab".to_owned());
    let search = || Call::Search("Observation".to_owned(), Vec::new());
    let delete = || Call::Delete("Observation".to_owned(), "abuse-a-lab".to_owned());
    for (scope, call) in [
        ("patient/Observation.c", read()),
        ("patient/Observation.c", search()),
        ("patient/Observation.r", search()),
        ("patient/Observation.s", read()),
        (
            "patient/Observation.rs",
            Call::Create(observation("abuse-a")),
        ),
        (
            "patient/Observation.u",
            Call::Create(observation("abuse-a")),
        ),
        ("patient/Observation.c", Call::Update(known)),
        ("patient/Observation.crus", delete()),
        ("patient/Condition.cruds", delete()),
    ] {
        let told = told(&mut guest(&host, scope, "wit"), &call, str::to_owned).await;
        assert_eq!(by_guest(&told), Decision::NotGranted, "{scope} {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_decides_each_request_for_itself() {
    let host = TestHost::fresh().await;
    put(&host, &data::world()).await;
    let read = |of: &str, id: &str| Request::Read(of.to_owned(), id.to_owned());
    let search = |of: &str, query: &str| Request::Search(of.to_owned(), pairs(query));
    let requests = vec![
        read("Patient", "abuse-a"),
        read("Patient", "abuse-b"),
        read("Patient", "abuse-x"),
        search("Observation", "patient=abuse-b"),
        search("Observation", "patient=abuse-x"),
        search("Observation", ""),
        read("Patient", "../Patient/abuse-b"),
        read("Patient", "abuse-b/$everything"),
    ];
    let mut guest = guest(&host, "patient/Patient.rs patient/Observation.rs", "wit");
    let answers = guest.batch(requests).await.unwrap();
    assert!(!format!("{answers:?}").contains(MARKER));
    let decisions: Vec<Decision> = answers.iter().map(by_guest).collect();
    assert!(matches!(&decisions[0], Decision::Given(found, _) if found.len() == 1));
    assert_eq!([&answers[1], &answers[3]], [&answers[2], &answers[4]]);
    assert_eq!(decisions[1], Decision::NotFound);
    assert_eq!(decisions[3], Decision::Given(BTreeSet::new(), Some(0)));
    assert!(matches!(&decisions[5], Decision::Given(found, Some(2)) if found.len() == 2));
    assert_eq!(&decisions[6..], [Decision::Refused, Decision::Refused]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_search_is_good_for_its_session_only() {
    let host = TestHost::fresh().await;
    put(&host, &data::world()).await;
    let scope = "patient/Observation.rs";
    let one = || pairs("_count=1");
    let token = guest(&host, scope, "mine")
        .token("Observation", one())
        .await
        .unwrap();
    let mine = guest(&host, scope, "mine").resume(&token).await.unwrap();
    assert_eq!(mine.entries.len(), 2);
    let mut changed = token.clone();
    changed.pop();
    for (session, token) in [
        ("another", token.as_str()),
        ("mine", changed.as_str()),
        ("mine", "0.AAAA"),
    ] {
        let refused = guest(&host, scope, session)
            .resume(token)
            .await
            .unwrap_err();
        assert!(refused.text.starts_with("bad-cursor"), "{refused:?}");
    }
    // what was granted is asked again
    let refused = guest(&host, "patient/Patient.rs", "mine")
        .resume(&token)
        .await;
    assert_eq!(by_guest(&refused), Decision::NotGranted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guests_transaction_is_one_set_of_drafts_whose_references_hold() {
    let host = TestHost::fresh().await;
    put(&host, &data::world()).await;
    // what an approval says that says nothing: writes wait for a clinician
    let mut guest = guest_under(&host, Terms::approved(), "patient/*.cruds", "drafting");
    let url = "urn:uuid:9f6c1c5e-0000-4000-8000-000000000001";
    let report = json!({ "resourceType": "DiagnosticReport", "status": "final",
        "code": { "text": "report" }, "subject": { "reference": "Patient/abuse-a" },
        "result": [{ "reference": url }] });
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        { "fullUrl": url, "request": { "method": "POST", "url": "Observation" },
          "resource": observation("abuse-a") },
        { "request": { "method": "POST", "url": "DiagnosticReport" }, "resource": report },
    ] });
    let drafted = guest
        .transaction(&bundle.to_string())
        .await
        .unwrap()
        .written;
    let [(one, _), (other, _)] = drafted.as_slice() else {
        panic!("{drafted:?}")
    };
    assert_eq!(one, other);
    let doctor = host.api("dr.rivera");
    let path = format!("/api/v1/drafts/{one}");
    let draft = doctor.get(&path).await.expect(200).json;
    assert_eq!(draft["writes"].as_array().map(Vec::len), Some(2));
    let done = doctor.post(&format!("{path}/commit"), &json!({})).await;
    let done = done.expect(200).json;
    let reference = |n: usize| done["written"][n]["reference"].as_str().unwrap();
    let api = launched(&host, "patient/*.rs", "abuse-a").await;
    let stored = api.get(&format!("/fhir/main/{}", reference(1))).await;
    assert_eq!(
        stored.expect(200).json["result"][0]["reference"],
        reference(0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_transaction_must_not_reach_is_refused() {
    let host = TestHost::fresh().await;
    put(&host, &data::world()).await;
    let before = everything(&host).await;
    let post = |resource: Value| json!({ "request": { "method": "POST", "url": "Observation" }, "resource": resource });
    let with =
        |request: Value, resource: Value| json!({ "request": request, "resource": resource });
    let conditional = |of: &str| {
        let mut made = observation("abuse-a");
        let reference = format!("Patient?identifier={}|{of}-mrn", data::MRN_SYSTEM);
        made["performer"] = json!([{ "reference": reference }]);
        made
    };
    let nested = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [post(observation("abuse-b"))] });
    let mut known = observation("abuse-b");
    known["id"] = "abuse-b-lab".into();
    for (what, bad) in [
        ("B's subject", post(observation("abuse-b"))),
        (
            "a condition that only B meets",
            post(conditional("abuse-b")),
        ),
        (
            "a Bundle inside",
            with(json!({ "method": "POST", "url": "Bundle" }), nested),
        ),
        (
            "another base",
            with(
                json!({ "method": "PUT", "url": "https://other.example/Observation/abuse-b-lab", "ifMatch": "W/\"1\"" }),
                known.clone(),
            ),
        ),
        (
            "dots",
            with(
                json!({ "method": "PUT", "url": "../Observation/abuse-b-lab", "ifMatch": "W/\"1\"" }),
                known.clone(),
            ),
        ),
        (
            "two slashes",
            json!({ "request": { "method": "DELETE", "url": "//host/Observation/abuse-b-lab" } }),
        ),
        (
            "an encoded slash",
            json!({ "request": { "method": "DELETE", "url": "Observation%2fabuse-b-lab" } }),
        ),
        (
            "an operation",
            with(
                json!({ "method": "POST", "url": "Patient/abuse-b/$everything" }),
                json!({ "resourceType": "Parameters" }),
            ),
        ),
        (
            "B's resource",
            with(
                json!({ "method": "PUT", "url": "Observation/abuse-b-lab", "ifMatch": "W/\"1\"" }),
                known,
            ),
        ),
    ] {
        // beside one that would do: nothing of a transaction is done unless all of it is
        let bundle = |bad: &Value| {
            json!({ "resourceType": "Bundle", "type": "transaction", "entry": [post(observation("abuse-a")), bad] }).to_string()
        };
        let text = bundle(&bad);
        let real = guest(&host, "patient/*.cruds", "wit-1")
            .transaction(&text)
            .await;
        let text = text.replace("abuse-b", "abuse-x");
        let twin = guest(&host, "patient/*.cruds", "wit-2")
            .transaction(&text)
            .await;
        let shown = format!("{real:?}");
        assert!(real.is_err() && !shown.contains(MARKER), "{what}: {shown}");
        assert_eq!(nameless(&shown), nameless(&format!("{twin:?}")), "{what}");
    }
    assert_eq!(before, everything(&host).await);
}

#[test]
fn every_abuse_case_is_tried_by_a_guest_or_says_why_not() {
    let mut used = BTreeSet::new();
    let mut tried = BTreeSet::new();
    let all = cases::of_patient_a()
        .into_iter()
        .chain(cases::of_laboratory_only());
    for case in all {
        if call_of(&case).is_some() {
            tried.insert(case.id);
            continue;
        }
        let reason = NOT_EXPRESSIBLE
            .iter()
            .position(|(method, part, _)| *method == case.method && case.path.contains(part));
        let reason = reason.unwrap_or_else(|| panic!("{} {} {}", case.id, case.method, case.path));
        used.insert(reason);
    }
    assert_eq!(
        used.len(),
        NOT_EXPRESSIBLE.len(),
        "a reason that nothing needs"
    );
    let here: BTreeSet<&str> = ELSEWHERE.iter().map(|(id, _)| *id).collect();
    let there: BTreeSet<&str> = cases::ELSEWHERE.iter().map(|(id, _)| *id).collect();
    assert_eq!(here, there);
    // cases of which a guest can express nothing at all
    let known: BTreeSet<&str> = cases::of_patient_a()
        .iter()
        .chain(&cases::of_laboratory_only())
        .map(|case| case.id)
        .collect();
    let silent: Vec<&str> = known.difference(&tried).copied().collect();
    assert_eq!(
        silent,
        [
            "A-PC20", "A-PC21", "A-PC35", "A-PC36", "A-PC38", "A-PC44", "A-PC58"
        ]
    );
}
