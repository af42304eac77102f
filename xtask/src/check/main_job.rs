//! The main job: a clinician opens a patient, launches the lab viewer, sees that patient's
//! results, and the ledger holds the calls.

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use super::browser::{Browser, Page};
use super::demo_world::DemoWorld;
use super::form::encode;
use super::http::Origin;
use super::{assertion, html};
use crate::say::Step;

const USER: &str = "dr.rivera";
const PATIENT: &str = "anna-rossi";
const PATIENT_NAME: &str = "Anna Rossi";
const APP: &str = "lab-viewer";
/// Pages of results or of ledger entries that are read.
const PAGES_MAX: usize = 50;

/// A laboratory result as the FHIR API gives it.
struct LabResult {
    test: String,
    /// Spelled as in the record.
    value: String,
}

/// Does it step by step; the error says at which step it failed, and why.
pub(super) fn run(world: &DemoWorld) -> anyhow::Result<()> {
    let origin = Origin::parse(&world.base_url)?;
    let mut browser = Browser::new(&origin);

    let page = step(&format!("{USER} signs in"), || sign_in(&mut browser, world))?;
    let page = step(&format!("opens the chart of {PATIENT_NAME}"), || {
        open_patient(&mut browser, &page)
    })?;
    let page = step(&format!("launches {APP}"), || launch(&mut browser, &page))?;
    let session = session_of(&page)?;
    let results = step("reads the same results over the FHIR API", || {
        let token = backend_token(&origin, world)?;
        lab_results(&origin, &token)
    })?;
    step("finds them on the app's screen", || {
        compare(&page, &results)
    })?;
    step("finds the app's calls in the ledger", || {
        ledger_holds(&origin, world.token("admin")?, &session)
    })?;
    step("closes the app", || {
        let close = format!("/chart/sessions/{session}/close");
        let form = page.form("button that closes the app", |form| form.action == close)?;
        let page = browser.submit(&form)?;
        ensure!(
            page.path.starts_with("/chart/patients/"),
            "closing led to {}",
            page.path
        );
        Ok(())
    })
}

fn step<T>(label: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let step = Step::quiet(label);
    let done = work().with_context(|| format!("the main job failed at `{label}`"))?;
    step.done();
    Ok(done)
}

fn sign_in(browser: &mut Browser, world: &DemoWorld) -> anyhow::Result<Page> {
    let page = browser.open("/sign-in?next=%2Fchart")?;
    let mut form = page.form("sign-in form", |form| {
        form.is_post && form.get("password").is_some()
    })?;
    form.set("username", USER);
    form.set("password", world.password(USER)?);
    let page = browser.submit(&form)?;
    ensure!(
        page.redirects
            .first()
            .is_some_and(|(status, _)| *status == 303),
        "the password of demo.json did not lead on"
    );
    ensure!(
        page.path.starts_with("/chart"),
        "signing in led to {}",
        page.path
    );
    Ok(page)
}

fn open_patient(browser: &mut Browser, list: &Page) -> anyhow::Result<Page> {
    let mut search = list.form("patient search", |form| {
        !form.is_post && form.get("q").is_some()
    })?;
    search.set("q", PATIENT_NAME);
    let found = browser.submit(&search)?;
    let prefix = format!("/chart/patients/{PATIENT}");
    let is_patient = |href: &str| {
        href.strip_prefix(&prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('?'))
    };
    let link = found.link(&format!("link to {PATIENT}"), is_patient)?;
    let page = browser.open(&link)?;
    ensure!(
        page.html.contains(PATIENT_NAME),
        "{link} does not show {PATIENT_NAME}"
    );
    Ok(page)
}

fn launch(browser: &mut Browser, patient: &Page) -> anyhow::Result<Page> {
    let form = patient.form(&format!("button that opens {APP}"), |form| {
        form.is_post && form.get("app") == Some(APP)
    })?;
    let page = browser.submit(&form)?;
    for (status, to) in &page.redirects {
        ensure!(*status == 303, "the way to {to} is a {status}, not a 303");
    }
    ensure!(
        page.html.contains(PATIENT_NAME),
        "the app's page does not say whose record it shows"
    );
    Ok(page)
}

fn session_of(page: &Page) -> anyhow::Result<String> {
    let session = page
        .path
        .strip_prefix("/chart/sessions/")
        .filter(|id| !id.is_empty() && !id.contains(['/', '?']));
    let session = session.with_context(|| format!("launching led to {}", page.path))?;
    Ok(session.to_owned())
}

fn backend_token(origin: &Origin, world: &DemoWorld) -> anyhow::Result<String> {
    let client = world.client("demo-backend")?;
    let endpoint = "/oauth/main/token";
    let audience = format!("{}{endpoint}", world.base_url);
    let signed = assertion::sign(&client.client_id, &audience, client.es384()?)?;
    let form = encode([
        ("grant_type", "client_credentials"),
        ("scope", client.scope()),
        ("client_assertion_type", assertion::TYPE),
        ("client_assertion", &signed),
    ]);
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let answer = origin.send("POST", endpoint, &headers, &form)?;
    ensure!(
        answer.status == 200,
        "{endpoint} answered {}: {}",
        answer.status,
        answer.body
    );
    let answer: Value = serde_json::from_str(&answer.body)?;
    let token = answer.get("access_token").and_then(Value::as_str);
    Ok(token
        .context("there is no access_token in the answer")?
        .to_owned())
}

fn lab_results(origin: &Origin, token: &str) -> anyhow::Result<Vec<LabResult>> {
    let mut results = Vec::new();
    let mut next = Some(format!(
        "/fhir/main/Observation?patient={PATIENT}&category=laboratory&_count=100"
    ));
    for _ in 0..PAGES_MAX {
        let Some(address) = next else {
            ensure!(
                !results.is_empty(),
                "the record holds no laboratory results"
            );
            return Ok(results);
        };
        let bundle = get_json(origin, origin.path(&address)?, token)?;
        for entry in array(&bundle, "entry") {
            let resource = entry.get("resource").unwrap_or(&Value::Null);
            if text(resource, "/resourceType") == Some("Observation") {
                results.extend(lab_result(resource)?);
            }
        }
        next = array(&bundle, "link")
            .find(|link| text(link, "/relation") == Some("next"))
            .and_then(|link| text(link, "/url"))
            .map(str::to_owned);
    }
    bail!("the search has more than {PAGES_MAX} pages")
}

/// `None` for an Observation without a measured value, such as a panel.
fn lab_result(resource: &Value) -> anyhow::Result<Option<LabResult>> {
    let subject = text(resource, "/subject/reference").unwrap_or_default();
    ensure!(
        subject == format!("Patient/{PATIENT}"),
        "the search for {PATIENT} gave a result of {subject}"
    );
    let test = text(resource, "/code/text").or_else(|| text(resource, "/code/coding/0/display"));
    let value = resource.pointer("/valueQuantity/value");
    Ok(test.zip(value).map(|(test, value)| LabResult {
        test: test.to_owned(),
        value: value.to_string(),
    }))
}

/// Rows of the app's tables that name a test must show a value of that test.
fn compare(page: &Page, results: &[LabResult]) -> anyhow::Result<()> {
    let mut matched = 0_usize;
    for row in html::rows(&page.html) {
        let Some((first, rest)) = row.split_first() else {
            continue;
        };
        let mut values = results
            .iter()
            .filter(|result| result.test == *first)
            .peekable();
        if values.peek().is_none() {
            continue;
        }
        let shows = |value: &str| {
            rest.iter()
                .any(|cell| cell.split(' ').any(|word| word == value))
        };
        ensure!(
            values.any(|result| shows(&result.value)),
            "the row {row:?} shows no value that the record holds for {first}"
        );
        matched += 1;
    }
    ensure!(
        matched > 0,
        "no row of the screen names a laboratory test of the record"
    );
    Ok(())
}

fn ledger_holds(origin: &Origin, token: &str, session: &str) -> anyhow::Result<()> {
    let address = format!("/api/v1/audit?app={APP}&session={session}");
    let answer = get_json(origin, &address, token)?;
    let entries: Vec<&Value> = array(&answer, "items")
        .filter(|entry| text(entry, "/session") == Some(session))
        .collect();
    let with_kind = |kind: &str| {
        entries
            .iter()
            .filter(|entry| text(entry, "/kind") == Some(kind))
            .count()
    };
    for kind in ["session.open", "fhir", "call"] {
        ensure!(
            with_kind(kind) > 0,
            "{} entries of the session are in the ledger, none of them of the kind {kind}",
            entries.len()
        );
    }
    for entry in &entries {
        for (member, expected) in [("/app", APP), ("/patient", PATIENT), ("/user", USER)] {
            let found = text(entry, member);
            ensure!(
                found == Some(expected),
                "an entry of the session names {found:?} in {member}, not {expected}: {entry}"
            );
        }
    }
    Ok(())
}

fn get_json(origin: &Origin, path: &str, token: &str) -> anyhow::Result<Value> {
    let bearer = format!("Bearer {token}");
    let answer = origin.send("GET", path, &[("Authorization", &bearer)], "")?;
    ensure!(
        answer.status == 200,
        "GET {path} was answered with {}: {}",
        answer.status,
        answer.body
    );
    serde_json::from_str(&answer.body).with_context(|| format!("GET {path} gave no JSON"))
}

fn array<'a>(value: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(member)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(rows: &str) -> Page {
        Page {
            path: "/chart/sessions/s1".to_owned(),
            redirects: Vec::new(),
            html: format!("<table>{rows}</table>"),
        }
    }

    fn record() -> Vec<LabResult> {
        let result = |value: &str| LabResult {
            test: "Hemoglobin A1c".to_owned(),
            value: value.to_owned(),
        };
        vec![result("7.0"), result("6.40")]
    }

    #[test]
    fn a_screen_must_show_what_the_record_holds_spelled_the_same() {
        for (rows, good) in [
            ("<tr><td>Hemoglobin A1c</td><td>6.40 %</td></tr>", true),
            ("<tr><td>Hemoglobin A1c</td><td>6.4 %</td></tr>", false),
            ("<tr><td>Hemoglobin A1c</td><td>9.9 %</td></tr>", false),
            ("<tr><td>Something else</td><td>7.0 %</td></tr>", false),
            ("", false),
        ] {
            assert_eq!(compare(&screen(rows), &record()).is_ok(), good, "{rows}");
        }
    }

    #[test]
    fn a_result_of_somebody_else_is_not_overlooked() {
        let observation = |patient: &str| {
            serde_json::json!({
                "resourceType": "Observation",
                "subject": { "reference": patient },
                "code": { "text": "Sodium" },
                "valueQuantity": { "value": 140 },
            })
        };
        let own = lab_result(&observation("Patient/anna-rossi"));
        assert_eq!(own.unwrap().unwrap().value, "140");
        assert!(lab_result(&observation("Patient/james-miller")).is_err());
    }
}
