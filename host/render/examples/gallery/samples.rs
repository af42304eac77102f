//! Every page, filled.

use glovebox_model::Role;
use glovebox_model::view::Tone;
use glovebox_render::pages::*;
use glovebox_render::*;

use super::documents;

pub(crate) fn pages() -> Vec<(&'static str, Markup)> {
    let doctor = shell(
        &[Role::Clinician],
        Some(Place::Patients),
        "Dr. Elena Rivera",
        "Clinician",
    );
    let admin = |place| {
        shell(
            &[Role::Administrator],
            Some(place),
            "Sam Admin",
            "Administrator",
        )
    };
    let public = Shell {
        tenant: "Example Hospital".into(),
        home_url: "/".into(),
        ..Shell::default()
    };
    let sandbox = Shell {
        tenant: "Sandbox".into(),
        sandbox: true,
        ..doctor.clone()
    };
    let frame = Frame {
        event_url: "/chart/sessions/ses_1/events".into(),
        csrf: csrf(),
        seq: 4,
        entered: None,
    };
    let lab = || FrameState::Showing(draw(&documents::lab_viewer(), &frame));
    let kitchen = || FrameState::Showing(draw(&documents::kitchen_sink(), &frame));
    let stopped = |why, again: bool| FrameState::Stopped {
        why,
        again: again.then(|| PostForm::new("/launch", &csrf())),
        reference: Some("call_7f3a91c2".into()),
    };
    let noticed = Shell {
        notice: Some(Notice {
            tone: Tone::Good,
            text: "Med Check 1.1.0 is in quarantine. 2 sessions were ended in 41 ms.".into(),
        }),
        ..admin(Place::Apps)
    };
    vec![
        ("landing", landing().page(&public)),
        ("sign-in", sign_in(None).page(&public)),
        (
            "sign-in-wrong",
            sign_in(Some(
                "That username and password do not match. Please try again.",
            ))
            .page(&public),
        ),
        ("patient-list", patient_list().page(&doctor)),
        (
            "patient-list-empty",
            PatientList {
                query: "zzz".into(),
                total: Some(0),
                ..PatientList::default()
            }
            .page(&doctor),
        ),
        ("patient", patient().page(&doctor)),
        ("patient-sandbox", patient().page(&sandbox)),
        ("first-use", first_use().page(&doctor)),
        ("lab-viewer", app_frame("Lab Viewer", lab()).page(&doctor)),
        (
            "kitchen-sink",
            app_frame("Kitchen Sink", kitchen()).page(&sandbox),
        ),
        (
            "stopped",
            app_frame("Lab Viewer", stopped(Stop::ComputingTime, true)).page(&doctor),
        ),
        (
            "quarantined",
            app_frame("Med Check", stopped(Stop::Quarantined, false)).page(&doctor),
        ),
        (
            "refused",
            app_frame(
                "Peek Neighbour",
                stopped(Stop::Refused("It asked for another patient.".into()), true),
            )
            .page(&sandbox),
        ),
        ("error-404", ErrorPage::not_found().page(&doctor)),
        ("error-500", ErrorPage::internal("req_01hz6c").page(&public)),
        ("admin-apps", apps().page(&noticed)),
        ("admin-sessions", sessions().page(&admin(Place::Sessions))),
        ("admin-audit", audit().page(&admin(Place::Audit))),
    ]
}

fn csrf() -> Csrf {
    Csrf("sample-csrf".into())
}

fn shell(roles: &[Role], place: Option<Place>, name: &str, words: &str) -> Shell {
    Shell {
        tenant: "Example Hospital".into(),
        home_url: "/".into(),
        viewer: Some(Viewer {
            name: name.into(),
            roles: words.into(),
            sign_out: PostForm::new("/sign-out", &csrf()),
        }),
        nav: nav(roles, place, |place| format!("/{place:?}").to_lowercase()),
        tenants: vec![
            NavLink {
                label: "Example Hospital".into(),
                url: "/chart?tenant=main".into(),
                current: true,
            },
            NavLink {
                label: "Sandbox".into(),
                url: "/chart?tenant=sandbox".into(),
                current: false,
            },
        ],
        ..Shell::default()
    }
}

fn anna() -> PatientHead {
    PatientHead {
        name: "Anna Rossi".into(),
        birth_date: Some("1961-04-02".into()),
        age: age("1961-04-02", "2026-11-23"),
        sex: Some("Female".into()),
        mrn: Some("MRN-100234".into()),
    }
}

fn landing() -> Landing {
    let person = |username: &str, role: &str, can: &str| Person {
        username: username.into(),
        role: role.into(),
        can: can.into(),
    };
    Landing {
        start: Link::new("Sign in", "/sign-in"),
        people: vec![
            person(
                "dr.rivera",
                "Clinician",
                "Open Anna Rossi and launch the Lab Viewer.",
            ),
            person(
                "nurse.okafor",
                "Clinician",
                "Sees only the patients of her ward; James Miller is not among them.",
            ),
            person(
                "admin",
                "Administrator",
                "Quarantine an app while somebody uses it.",
            ),
            person("privacy", "Privacy officer", "Search the audit ledger."),
        ],
        passwords_at: Some("demo.json".into()),
        links: vec![
            Link::new(
                "SMART configuration",
                "/fhir/main/.well-known/smart-configuration",
            ),
            Link::new("OpenAPI", "/api/v1/openapi.json"),
        ],
    }
}

fn sign_in(problem: Option<&str>) -> SignIn {
    SignIn {
        form: PostForm::new("/sign-in", &csrf()),
        next: "/chart".into(),
        username: problem.map(|_| "dr.rivera".into()).unwrap_or_default(),
        problem: problem.map(Into::into),
        help: Some(Link::new("Who can sign in to this demo?", "/")),
    }
}

fn patient_list() -> PatientList {
    let names = [
        ("Anna Rossi", "1961-04-02", "Female"),
        ("James Miller", "1948-11-30", "Male"),
        ("Tom Rossi", "2019-06-17", "Male"),
        ("Aisha Bello", "1987-01-09", "Female"),
        ("Bernd Kowalski", "1955-08-23", "Male"),
        ("Chen Li", "1993-12-01", "Female"),
        ("Dana Levy", "2026-10-28", "Female"),
        ("Emeka Obi", "1979-03", "Male"),
        ("Fatima Haddad", "1968-09-14", "Female"),
        ("Georg Lindqvist", "1939-05-05", "Male"),
        ("Hana Sato", "2025-02-11", "Female"),
        ("Ivan Petrov", "1971-07-19", "Male"),
    ];
    let rows = names
        .iter()
        .enumerate()
        .map(|(index, (name, birth, sex))| PatientRow {
            patient: PatientHead {
                name: (*name).into(),
                birth_date: Some((*birth).into()),
                age: age(birth, "2026-11-23"),
                sex: Some((*sex).into()),
                mrn: Some(format!("MRN-1{:05}", index * 7919 % 99_999)),
            },
            url: "patient.html".into(),
        });
    PatientList {
        search_url: "/chart".into(),
        rows: rows.collect(),
        total: Some(100),
        next_url: Some("?page=2".into()),
        ..PatientList::default()
    }
}

fn patient() -> PatientPage {
    let card = |name: &str,
                publisher: &str,
                purpose: &str,
                reads: &[&str],
                writes: &[&str],
                disabled: Option<&str>| AppCard {
        app: AppIdentity {
            name: name.into(),
            publisher: publisher.into(),
            version: None,
            hosted: true,
        },
        purpose: purpose.into(),
        can_read: reads.iter().map(|text| (*text).into()).collect(),
        can_write: writes.iter().map(|text| (*text).into()).collect(),
        reviewed: Some("2026-03-12".into()),
        launch: PostForm::new("/launch", &csrf())
            .with("app", "lab-viewer")
            .with("patient", "anna-rossi"),
        disabled: disabled.map(Into::into),
    };
    let fact =
        |label: &str, value: Option<&str>, date: Option<&str>, flag: Option<(&str, Tone)>| Fact {
            label: label.into(),
            value: value.map(Into::into),
            date: date.map(Into::into),
            flag: flag.map(|(text, tone)| Badge::new(text, tone)),
        };
    let group = |title: &str, empty: &str, facts: Vec<Fact>, more| FactGroup {
        title: title.into(),
        empty: empty.into(),
        facts,
        more,
    };
    PatientPage {
        patient: anna(),
        list_url: "patient-list.html".into(),
        apps: vec![
            card(
                "Lab Viewer",
                "Northlake Health",
                "Shows laboratory results over time, with reference ranges and flags.",
                &["Name and birth date", "Test results"],
                &[],
                None,
            ),
            card(
                "Med Check",
                "Northlake Health",
                "Finds duplicates and allergy conflicts among active medications.",
                &["Medicines", "Allergies"],
                &[],
                None,
            ),
            card(
                "Growth Chart",
                "Fjord Pediatrics",
                "Plots height and weight of children against growth standards.",
                &["Vital signs"],
                &[],
                Some("Only for patients under 20 years."),
            ),
        ],
        facts: vec![
            group(
                "Problems",
                "No problems recorded",
                vec![
                    fact("Type 2 diabetes mellitus", None, Some("2020-09-11"), None),
                    fact("Essential hypertension", None, Some("2016-02-03"), None),
                    fact(
                        "Chronic kidney disease stage 3",
                        None,
                        Some("2024-05-20"),
                        None,
                    ),
                ],
                0,
            ),
            group(
                "Medications",
                "No active medications",
                vec![
                    fact("Metformin 500 mg tablet", Some("twice daily"), None, None),
                    fact("Lisinopril 10 mg tablet", Some("once daily"), None, None),
                    fact("Atorvastatin 20 mg tablet", Some("at night"), None, None),
                ],
                3,
            ),
            group(
                "Allergies",
                "No known allergies",
                vec![fact(
                    "Penicillin",
                    Some("Hives"),
                    None,
                    Some(("High risk", Tone::Danger)),
                )],
                0,
            ),
            group(
                "Recent results",
                "No results",
                vec![
                    fact(
                        "Hemoglobin A1c",
                        Some("3.8 %"),
                        Some("2025-09-17"),
                        Some(("Low", Tone::Caution)),
                    ),
                    fact(
                        "Creatinine",
                        Some("1.42 mg/dL"),
                        Some("2025-09-17"),
                        Some(("High", Tone::Danger)),
                    ),
                    fact("Potassium", Some("4.10 mmol/L"), Some("2025-09-17"), None),
                ],
                212,
            ),
        ],
    }
}

fn first_use() -> FirstUse {
    FirstUse {
        patient: anna(),
        app: AppIdentity {
            name: "Lab Viewer".into(),
            publisher: "Northlake Health".into(),
            version: None,
            hosted: true,
        },
        purpose: "Shows laboratory results over time, with reference ranges and flags.".into(),
        can_read: vec!["Name and birth date".into(), "Test results".into()],
        can_write: vec![],
        reviewed: Some("2026-03-12".into()),
        accept: PostForm::new("/launch", &csrf()),
        back_url: "patient.html".into(),
    }
}

pub(crate) fn app_frame(name: &str, state: FrameState) -> AppFrame {
    let call = |at: &str, what: &str, count, outcome: Badge| ReadCall {
        at: at.into(),
        what: what.into(),
        count,
        outcome,
    };
    AppFrame {
        patient: anna(),
        app: AppIdentity {
            name: name.into(),
            publisher: "Northlake Health".into(),
            version: Some("1.2.0".into()),
            hosted: true,
        },
        state,
        close: PostForm::new("/chart/sessions/ses_1/close", &csrf()),
        refresh: Some(PostForm::new("/chart/sessions/ses_1/refresh", &csrf()).with("seq", "4")),
        chart_url: "patient.html".into(),
        calls: vec![
            call(
                "2026-11-23T20:16:13Z",
                "Searched test results",
                Some(50),
                Badge::new("Allowed", Tone::Good),
            ),
            call(
                "2026-11-23T20:16:13Z",
                "Read name and birth date",
                Some(1),
                Badge::new("Allowed", Tone::Good),
            ),
            call(
                "2026-11-23T20:16:12Z",
                "Read a patient",
                Some(0),
                Badge::new("Refused: another patient", Tone::Danger),
            ),
        ],
    }
}

fn apps() -> Apps {
    let action = |act, reason, consequence: Option<&str>| AppAction {
        act,
        form: PostForm::new("/admin/apps/x", &csrf()),
        reason,
        consequence: consequence.map(Into::into),
    };
    let row = |name: &str,
               id: &str,
               version: &str,
               state: Badge,
               sessions,
               note: Option<&str>,
               actions| AppRow {
        name: name.into(),
        id: id.into(),
        publisher: "Northlake Health".into(),
        version: version.into(),
        digest: "9f2c61d07ab4".into(),
        state,
        permissions: vec![
            "Read test results of the patient in context.".into(),
            "Read the name and birth date of the patient in context.".into(),
        ],
        sessions,
        note: note.map(Into::into),
        actions,
    };
    Apps {
        rows: vec![
            row(
                "Visit Note",
                "visit-note",
                "0.9.0",
                Badge::new("In review", Tone::Caution),
                0,
                None,
                vec![
                    action(Act::Approve, Reason::Optional, None),
                    action(Act::Reject, Reason::Required, None),
                ],
            ),
            row(
                "Lab Viewer",
                "lab-viewer",
                "1.2.0",
                Badge::new("Live", Tone::Good),
                2,
                None,
                vec![
                    action(
                        Act::Quarantine,
                        Reason::Required,
                        Some("Ends 2 sessions of 2 clinicians."),
                    ),
                    action(Act::Revoke, Reason::Required, Some("Ends 2 sessions.")),
                ],
            ),
            row(
                "Med Check",
                "med-check",
                "1.1.0",
                Badge::new("Quarantined", Tone::Danger),
                0,
                Some("admin asked to release it. A second person must agree."),
                vec![
                    action(Act::Release, Reason::Required, None),
                    action(Act::Revoke, Reason::Required, None),
                ],
            ),
        ],
    }
}

fn sessions() -> Sessions {
    let row =
        |started: &str, app: &str, user: &str, state: Badge, calls, running: bool| SessionRow {
            started: started.into(),
            app: app.into(),
            user: user.into(),
            patient: Some("Anna Rossi".into()),
            state,
            calls,
            audit_url: Some("/admin/audit?session=ses_1".into()),
            end: running.then(|| PostForm::new("/admin/sessions/ses_1/end", &csrf())),
        };
    Sessions {
        rows: vec![
            row(
                "2026-11-23T20:16:12Z",
                "Lab Viewer 1.2.0",
                "dr.rivera",
                Badge::new("Running", Tone::Good),
                4,
                true,
            ),
            row(
                "2026-11-23T20:11:40Z",
                "Med Check 1.1.0",
                "nurse.okafor",
                Badge::new("Running", Tone::Good),
                11,
                true,
            ),
            row(
                "2026-11-23T19:58:02Z",
                "Spin Forever 0.1.0",
                "dr.rivera",
                Badge::new("Stopped: computing time", Tone::Danger),
                1,
                false,
            ),
            row(
                "2026-11-23T19:31:55Z",
                "Lab Viewer 1.2.0",
                "dr.rivera",
                Badge::new("Closed", Tone::Neutral),
                9,
                false,
            ),
        ],
        next_url: None,
    }
}

fn audit() -> Audit {
    let row = |sequence,
               at: &str,
               what: &str,
               app: Option<&str>,
               outcome: Badge,
               detail: &[(&str, &str)]| AuditRow {
        sequence,
        at: at.into(),
        what: what.into(),
        app: app.map(Into::into),
        user: Some("dr.rivera".into()),
        patient: app.map(|_| "anna-rossi".into()),
        outcome,
        detail: detail
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
    };
    let ok = || Badge::new("ok", Tone::Good);
    Audit {
        search_url: "/admin/audit".into(),
        kinds: vec!["fhir".into(), "launch".into(), "sign-in".into()],
        chain: Some(Badge::new("Chain verified to 1 284", Tone::Good)),
        rows: vec![
            row(
                1284,
                "2026-11-23T20:16:13Z",
                "fhir search-type",
                Some("lab-viewer"),
                ok(),
                &[
                    ("type", "Observation"),
                    ("count", "50"),
                    ("scope", "patient/Observation.rs?category=laboratory"),
                ],
            ),
            row(
                1283,
                "2026-11-23T20:16:13Z",
                "fhir read",
                Some("lab-viewer"),
                ok(),
                &[("type", "Patient"), ("bytes", "1 204")],
            ),
            row(
                1282,
                "2026-11-23T20:16:12Z",
                "fhir read",
                Some("peek-neighbour"),
                Badge::new("denied: compartment", Tone::Danger),
                &[("type", "Patient"), ("id", "james-miller")],
            ),
            row(
                1281,
                "2026-11-23T20:16:12Z",
                "launch used",
                Some("lab-viewer"),
                ok(),
                &[],
            ),
            row(
                1280,
                "2026-11-23T20:15:58Z",
                "sign-in password",
                None,
                ok(),
                &[],
            ),
        ],
        next_url: Some("?before=1280".into()),
        ..Audit::default()
    }
}
