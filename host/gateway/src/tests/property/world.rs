//! Random hospitals: small charts that refer across each other, the sessions of several
//! apps, and what these ask for.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::model::{
    CONFIDENTIALITY, Grant, Hiding, Name, Policy, Rights, Search, Stored, Version,
};
use super::super::resource;
use glovebox_fhir::Facts;

/// What every resource says of itself and nobody else may repeat.
pub(super) const PLANTED: &str = "planted-";
const PSYCHIATRY: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const KINDS: [&str; 9] = [
    "Observation",
    "Observation",
    "Condition",
    "Provenance",
    "DocumentReference",
    "Binary",
    "Practitioner",
    "Device",
    "AuditEvent",
];

/// What one version of a resource is about; the numbers choose among what exists.
#[derive(Clone, Debug)]
pub(super) struct Draw {
    subject: usize,
    others: Vec<usize>,
    targets: Vec<usize>,
    categories: usize,
    label: usize,
    plain: bool,
    /// Of an Observation: none, or the day of the month.
    day: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Drawn {
    kind: usize,
    versions: Vec<Draw>,
    deleted: bool,
}

/// A question of one of the sessions.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    Read(usize),
    Vread(usize, usize),
    History(usize, u32),
    /// `$everything` of a patient, so many at a time.
    Everything(usize, usize),
    /// From the second page on, on behalf of another session where one is given.
    Search(Search, Option<usize>),
    Batch(Vec<Ask>),
}

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) patients: usize,
    pub(super) drawn: Vec<Drawn>,
    pub(super) policies: Vec<Policy>,
    pub(super) asks: Vec<(usize, Ask)>,
}

/// Questions of each world, on average.
pub(super) const ASKS: usize = 60;

fn draw() -> impl Strategy<Value = Draw> {
    let label = prop_oneof![8 => Just(0_usize), 3 => 1..7_usize];
    (
        0..9_usize,
        prop::collection::vec(0..9_usize, 0..3),
        prop::collection::vec(0..20_usize, 0..4),
        0..4_usize,
        label,
        any::<bool>(),
        0..4_usize,
    )
        .prop_map(
            |(subject, others, targets, categories, label, plain, day)| Draw {
                subject,
                others,
                targets,
                categories,
                label,
                plain,
                day,
            },
        )
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let versions = prop_oneof![
        3 => prop::collection::vec(draw(), 1),
        2 => prop::collection::vec(draw(), 2..4),
    ];
    (0..KINDS.len(), versions, prop::bool::weighted(0.08)).prop_map(|(kind, versions, deleted)| {
        Drawn {
            kind,
            versions,
            deleted,
        }
    })
}

const TYPES: [&str; 9] = [
    "*",
    "Patient",
    "Observation",
    "Condition",
    "Provenance",
    "DocumentReference",
    "Binary",
    "Practitioner",
    "Device",
];

fn grant(levels: Vec<&'static str>) -> impl Strategy<Value = Grant> {
    let of = prop_oneof![2 => Just("*"), 4 => prop::sample::select(TYPES.to_vec()), 2 => Just("Observation")];
    let letters = prop::sample::select(vec!["rs", "cruds", "r", "s", "cud", "read", "*", "write"]);
    let filter = prop_oneof![
        3 => Just(""),
        2 => prop::sample::select(vec![
            "category=http://cat|laboratory",
            "category=vital-signs",
            "category=laboratory,vital-signs",
            "category=laboratory&status=final",
            "status=final",
            "code=http://loinc.org|718-7",
        ]),
    ];
    (prop::sample::select(levels), of, letters, filter).prop_map(|(level, of, letters, filter)| {
        // A filter stands on a v2 scope of a type that has its parameters.
        let fits = match of {
            "Observation" => true,
            "Condition" => !filter.contains("status"),
            _ => false,
        };
        let is_v2 = !["read", "write", "*"].contains(&letters);
        let filter = if fits && is_v2 { filter } else { "" };
        Grant {
            level,
            of,
            letters,
            filter,
        }
    })
}

fn hiding() -> impl Strategy<Value = Option<Hiding>> {
    const fn of(of: &'static str, only: bool, elements: &'static [&'static str]) -> Hiding {
        Hiding { of, only, elements }
    }
    prop::option::weighted(
        0.3,
        prop::sample::select(vec![
            of("Observation", false, &["category"]),
            of("Observation", false, &["performer", "focus"]),
            of("Observation", true, &["status", "code", "subject"]),
            of("Patient", false, &["name"]),
            of("Patient", true, &["gender"]),
            of("Condition", true, &["subject", "text"]),
            of("Provenance", false, &["target"]),
        ]),
    )
}

fn policy() -> impl Strategy<Value = Policy> {
    let named = prop::collection::btree_set((0..5_usize).prop_map(|n| format!("p{n}")), 0..=4);
    let rights = prop_oneof![
        1 => Just(Rights::NoUser),
        2 => Just(Rights::Everyone),
        6 => named.prop_map(Rights::These),
    ];
    let context = prop::option::weighted(0.85, (0..4_usize).prop_map(|n| format!("p{n}")));
    let grants = prop_oneof![
        3 => prop::collection::vec(grant(vec!["patient", "patient", "user"]), 1..5),
        1 => prop::collection::vec(grant(vec!["patient", "user", "system"]), 1..4),
    ];
    let withheld = prop::option::weighted(0.3, Just((PSYCHIATRY, "PSY")));
    (
        grants,
        context,
        rights,
        prop::sample::select(vec!["N", "N", "R", "V", "L"]),
        withheld,
        hiding(),
    )
        .prop_map(|(grants, context, mut rights, ceiling, withheld, hiding)| {
            // Most sessions are of an app that was launched for somebody the user may open.
            if let (Rights::These(patients), Some(context)) = (&mut rights, &context)
                && patients.len() != 1
            {
                patients.insert(context.clone());
            }
            Policy {
                grants,
                context,
                rights,
                ceiling,
                withheld,
                hiding,
            }
        })
}

/// Conditions, includes and reverse includes that fit a type.
fn questions(of: &str) -> (Vec<&'static str>, Vec<&'static str>, Vec<&'static str>) {
    let about = vec![
        "patient=p0",
        "patient=Patient/p1",
        "patient=p0,p1,p2",
        "subject=Patient/p1",
    ];
    let provenance = "Provenance:target";
    match of {
        "Observation" => (
            [
                about,
                vec![
                    "category=laboratory",
                    "category:not=laboratory",
                    "status=final",
                    "code=718-7",
                    "performer=Patient/p0",
                    "performer=Patient/p1",
                    "subject:missing=true",
                    "performer:missing=false",
                    "focus=Patient/p0",
                    "_lastUpdated=gt2026-11-23T20:30:00Z",
                    "_security=R",
                ],
            ]
            .concat(),
            vec![
                "Observation:subject",
                "Observation:performer",
                "Observation:performer:Practitioner",
                "Observation:has-member",
                "Observation:focus",
            ],
            vec!["Observation:has-member", provenance],
        ),
        "Condition" => (
            [
                about,
                vec![
                    "category=laboratory",
                    "asserter=Patient/p0",
                    "asserter:missing=true",
                ],
            ]
            .concat(),
            vec!["Condition:subject", "Condition:asserter"],
            vec![provenance],
        ),
        "DocumentReference" => (
            [about, vec!["author=Patient/p0"]].concat(),
            vec!["DocumentReference:subject", "DocumentReference:author"],
            vec![provenance],
        ),
        "Provenance" => (
            vec![
                "patient=p0",
                "target=Patient/p1",
                "target=Observation/r0",
                "target=Condition/r1",
                "target:missing=true",
            ],
            vec![provenance],
            vec![provenance],
        ),
        "Patient" => (
            vec![
                "_id=p0",
                "_id=p0,p1",
                "name=planted",
                "gender=female",
                "link=Patient/p0",
            ],
            vec!["Patient:link"],
            vec![
                "Patient:link",
                "Observation:subject",
                "Observation:focus",
                "Observation:performer",
                "Condition:asserter",
                "DocumentReference:author",
                provenance,
            ],
        ),
        "Practitioner" => (
            vec!["_id=dr,r0,r1,r2"],
            vec![],
            vec!["Observation:performer", "Condition:asserter"],
        ),
        "Device" => (vec!["patient=p0"], vec!["Device:patient"], vec![provenance]),
        _ => (vec!["_id=r0,r1,r2,r3,r4"], vec![], vec![]),
    }
}

fn search() -> impl Strategy<Value = Search> {
    let of = prop::sample::select(vec![
        "Observation",
        "Observation",
        "Observation",
        "Patient",
        "Patient",
        "Condition",
        "Provenance",
        "DocumentReference",
        "Practitioner",
        "Device",
        "Binary",
        "AuditEvent",
    ]);
    let of = of.prop_flat_map(|of| {
        let (conditions, includes, revincludes) = questions(of);
        let some = |all: Vec<&'static str>, max: usize| {
            let max = max.min(all.len());
            prop::sample::subsequence(all, 0..=max)
        };
        (
            Just(of),
            some(conditions, 2),
            some(includes, 2),
            some(revincludes, 2),
        )
    });
    let with = prop_oneof![3 => Just(true), 2 => Just(false)];
    let ids = prop::option::weighted(0.15, prop::collection::vec(0..12_usize, 1..5));
    let sort = prop::sample::select(vec![
        "",
        "",
        "_id",
        "-_id",
        "_lastUpdated",
        "-_lastUpdated",
        "-date",
        "-date",
    ]);
    let count = prop::sample::select(vec![1_usize, 2, 3, 50]);
    (of, ids, sort, count, with).prop_map(
        |((of, conditions, includes, revincludes), ids, sort, count, with)| {
            let mut conditions: Vec<String> =
                conditions.iter().map(|text| (*text).to_owned()).collect();
            if let Some(ids) = ids {
                let ids: Vec<String> = ids.iter().map(|n| format!("r{n}")).collect();
                conditions.push(format!("_id={}", ids.join(",")));
            }
            Search {
                of,
                conditions,
                // only Observations are given a date here
                sort: if sort == "-date" && of != "Observation" {
                    ""
                } else {
                    sort
                },
                count,
                includes: if with { includes } else { Vec::new() },
                revincludes: if with { revincludes } else { Vec::new() },
            }
        },
    )
}

fn ask() -> impl Strategy<Value = Ask> {
    let single = prop_oneof![
        3 => (0..40_usize).prop_map(Ask::Read),
        2 => (0..40_usize, 0..5_usize).prop_map(|(of, version)| Ask::Vread(of, version)),
        1 => (0..40_usize, 1..4_u32).prop_map(|(of, count)| Ask::History(of, count)),
        1 => (0..6_usize, 1..8_usize).prop_map(|(of, count)| Ask::Everything(of, count)),
        4 => (search(), prop::option::weighted(0.3, 0..3_usize)).prop_map(|(search, then)| Ask::Search(search, then)),
    ]
    .boxed();
    prop_oneof![
        12 => single.clone(),
        1 => prop::collection::vec(single, 1..4).prop_map(Ask::Batch),
    ]
}

pub(super) fn world() -> impl Strategy<Value = World> {
    (
        3..=5_usize,
        prop::collection::vec(drawn(), 0..22),
        prop::collection::vec(policy(), 3),
        prop::collection::vec((0..3_usize, ask()), 1..2 * ASKS),
    )
        .prop_map(|(patients, drawn, policies, asks)| World {
            patients,
            drawn,
            policies,
            asks,
        })
}

impl World {
    /// Everything with all its versions, and what is put into the store to get there.
    pub(super) fn stored(&self) -> Stored {
        let mut names: Vec<Name> = (0..self.patients)
            .map(|n| ("Patient", format!("p{n}")))
            .collect();
        names.push(("Practitioner", "dr".to_owned()));
        let items = self.drawn.iter().enumerate();
        names.extend(items.map(|(n, drawn)| (KINDS[drawn.kind], format!("r{n}"))));
        let plain = Draw {
            subject: 0,
            others: vec![0, 2],
            targets: vec![1],
            categories: 0,
            label: 0,
            plain: true,
            day: 0,
        };
        let fixed = Drawn {
            kind: 0,
            versions: vec![plain],
            deleted: false,
        };
        let all = std::iter::repeat_n(&fixed, self.patients + 1).chain(&self.drawn);
        let mut stored = Stored::new();
        for (name, drawn) in names.iter().zip(all) {
            let mut versions = Vec::new();
            for (n, draw) in drawn.versions.iter().enumerate() {
                versions.push(self.version(&names, name, n + 1, draw));
            }
            // Whoever looked at what is nobody's to delete, and the Provenance of what cannot be
            // read neither.
            if drawn.deleted && !["AuditEvent", "Provenance"].contains(&name.0) {
                let last: &Version = versions.last().unwrap();
                let deleted = Version {
                    deleted: true,
                    ..last.clone()
                };
                versions.push(deleted);
            }
            stored.insert(name.clone(), versions);
        }
        stored
    }

    fn version(&self, names: &[Name], name: &Name, number: usize, draw: &Draw) -> Version {
        let body = self.body(names, name, number, draw);
        let at = format!("2026-11-23T{}:00:00Z", 19 + number);
        let at = glovebox_model::Timestamp::parse(&at).unwrap();
        let facts = Facts::extract_as(
            &resource(&body.to_string()),
            &name.1,
            &number.to_string(),
            Some(at),
        );
        Version {
            deleted: false,
            body,
            facts,
        }
    }

    /// Somebody a resource can be about; not always one of the hospital's patients.
    fn who(&self, n: usize) -> Option<Value> {
        let reference = match n {
            5 => "Practitioner/dr".to_owned(),
            6 => "https://other.example/fhir/Patient/p0".to_owned(),
            7 => "Patient/p1/_history/1".to_owned(),
            8 => return None,
            n => format!("Patient/p{}", n % self.patients),
        };
        Some(json!({ "reference": reference }))
    }

    fn body(&self, names: &[Name], (of, id): &Name, number: usize, draw: &Draw) -> Value {
        let marker = format!("{PLANTED}{of}-{id}-{number}.");
        let subject = self.who(draw.subject);
        let others: Vec<Value> = draw.others.iter().filter_map(|n| self.who(*n)).collect();
        let targets: Vec<Value> = draw
            .targets
            .iter()
            .map(|n| match names.get(*n) {
                // What a Binary belongs to is told by others.
                Some((of, id)) if *of != "Binary" => json!({ "reference": format!("{of}/{id}") }),
                Some(_) => json!({ "reference": "https://other.example/fhir/Observation/r0" }),
                None => json!({ "reference": "Observation/absent" }),
            })
            .collect();
        let category: Vec<Value> = ["laboratory", "vital-signs"]
            .iter()
            .enumerate()
            .filter(|(n, _)| draw.categories & (1 << n) != 0)
            .map(|(_, code)| json!({ "coding": [{ "system": "http://cat", "code": code }] }))
            .collect();
        let code = if draw.plain { "718-7" } else { "2160-0" };
        let code =
            json!({ "coding": [{ "system": "http://loinc.org", "code": code }], "text": marker });
        let mut body = json!({ "resourceType": of, "id": id });
        let label = match draw.label {
            1 => Some(json!({ "system": CONFIDENTIALITY, "code": "N" })),
            2 => Some(json!({ "system": CONFIDENTIALITY, "code": "R" })),
            3 => Some(json!({ "system": CONFIDENTIALITY, "code": "V" })),
            4 => Some(json!({ "system": CONFIDENTIALITY, "code": "X" })),
            5 => Some(json!({ "code": "R" })),
            6 => Some(json!({ "system": PSYCHIATRY, "code": "PSY" })),
            _ => None,
        };
        if let Some(label) = label {
            body["meta"] = json!({ "security": [label] });
        }
        body["text"] = json!({ "status": "generated", "div": format!("<div>{marker}</div>") });
        let mut put = |name: &str, value: Value| {
            if !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty()) {
                body[name] = value;
            }
        };
        let is_document = |name: &&Name| name.0 == "Binary";
        match *of {
            "Patient" => {
                put("name", json!([{ "family": marker }]));
                put("gender", "female".into());
                // A link is in the compartment definition, and makes nobody's record another's.
                let link = |other: &Value| json!({ "other": other, "type": "seealso" });
                put("link", others.iter().map(link).collect());
            }
            "Observation" => {
                put(
                    "status",
                    if draw.plain { "final" } else { "amended" }.into(),
                );
                put("category", category.into());
                put("code", code);
                put("subject", subject.into());
                put("performer", others.into());
                let focus = (draw.targets.len() > 2).then(|| self.who(draw.targets[0] % 5));
                put("focus", focus.flatten().into_iter().collect());
                put("hasMember", targets.into());
                if draw.day > 0 {
                    put("effectiveDateTime", format!("2026-01-0{}", draw.day).into());
                }
            }
            "Condition" => {
                put("category", category.into());
                put("code", code);
                put("subject", subject.into());
                put("asserter", others.first().cloned().into());
            }
            "Provenance" => {
                put("target", targets.into());
                put("recorded", "2026-01-01T00:00:00Z".into());
            }
            "DocumentReference" => {
                put("status", "current".into());
                put("subject", subject.into());
                put("author", others.into());
                let shown: Vec<Value> = names
                    .iter()
                    .filter(is_document)
                    .enumerate()
                    .filter(|(n, _)| draw.categories & (1 << n) != 0)
                    .map(|(_, (of, id))| json!({ "attachment": { "url": format!("{of}/{id}") } }))
                    .collect();
                put("content", shown.into());
            }
            "Binary" => {
                body.as_object_mut().unwrap().shift_remove("text");
                body["contentType"] = json!(format!("text/{marker}"));
                if draw.plain
                    && let Some(subject) = subject
                {
                    body["securityContext"] = subject;
                }
            }
            "Device" => put("patient", subject.into()),
            "Practitioner" => put("name", json!([{ "family": marker }])),
            _ => {}
        }
        body
    }
}
