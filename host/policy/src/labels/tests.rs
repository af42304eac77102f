use glovebox_fhir::{Facts, Limits, Resource};

use super::*;

const V3: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
const ACT: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

fn labelled(labels: &[(&str, &str)]) -> Facts {
    let coding = |(system, code): &(&str, &str)| {
        if system.is_empty() {
            format!(r#"{{"code":"{code}"}}"#)
        } else {
            format!(r#"{{"system":"{system}","code":"{code}"}}"#)
        }
    };
    let labels: Vec<String> = labels.iter().map(coding).collect();
    let json = format!(
        r#"{{"resourceType":"Condition","id":"c","meta":{{"security":[{}]}}}}"#,
        labels.join(",")
    );
    Facts::extract(&Resource::parse(json.as_bytes(), Limits::RESOURCE).unwrap())
}

fn admits(clearance: &Clearance, labels: &[(&str, &str)]) -> bool {
    clearance.admits(&labelled(labels).view())
}

#[test]
fn rule_18_restricted_records_are_withheld_unless_the_approval_says_otherwise() {
    let normal = Clearance::default();
    let restricted = Clearance {
        ceiling: Confidentiality::Restricted,
        ..Clearance::default()
    };
    for (labels, at_normal, at_restricted) in [
        (vec![], true, true),
        (vec![(V3, "N")], true, true),
        (vec![(V3, "U")], true, true),
        (vec![(V3, "R")], false, true),
        (vec![(V3, "V")], false, false),
        (vec![(V3, "N"), (V3, "R")], false, true),
        (vec![(V3, "unheard-of")], false, false),
        (vec![("", "R")], false, true),
        (vec![("", "HTEST")], true, true),
        (vec![("http://example.org", "R")], true, true),
        (vec![("urn:oid:2.16.840.1.113883.5.25", "V")], false, false),
    ] {
        assert_eq!(admits(&normal, &labels), at_normal, "{labels:?}");
        assert_eq!(admits(&restricted, &labels), at_restricted, "{labels:?}");
        assert!(admits(&Clearance::full(), &labels) || labels[0].1 == "unheard-of");
    }
}

#[test]
fn further_labels_can_be_withheld() {
    let mut clearance = Clearance::full();
    assert!(clearance.withhold(ACT, "PSY"));
    assert!(!admits(&clearance, &[(V3, "N"), (ACT, "PSY")]));
    assert!(!admits(&clearance, &[("", "PSY")]));
    assert!(admits(&clearance, &[(ACT, "HIV")]));
    assert!(!clearance.withhold(ACT, ""));
}
