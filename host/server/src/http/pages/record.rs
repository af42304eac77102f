//! What the chart's own pages show of FHIR resources: names, codes, values, as text.

use glovebox_model::view::Tone;
use glovebox_render::pages::Fact;
use glovebox_render::{Badge, PatientHead, age};
use serde_json::Value;

/// A resource as JSON; the gateway gave it out, so it is an object.
pub(super) fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or(Value::Null)
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer)?.as_str().map(str::to_owned)
}

/// `text`, else the first coding's display, else its code.
fn concept(value: &Value) -> Option<String> {
    text(value, "/text")
        .or_else(|| text(value, "/coding/0/display"))
        .or_else(|| text(value, "/coding/0/code"))
}

/// Who the patient is; `today` is an RFC 3339 date for the age.
pub(super) fn patient_head(patient: &Value, today: &str) -> PatientHead {
    let names = patient.get("name").and_then(Value::as_array);
    let name = names.and_then(|names| {
        let official = names
            .iter()
            .find(|name| text(name, "/use").as_deref() == Some("official"));
        official.or_else(|| names.first())
    });
    let birth_date = text(patient, "/birthDate");
    PatientHead {
        name: name
            .and_then(full_name)
            .unwrap_or_else(|| "Name not recorded".to_owned()),
        age: birth_date.as_deref().and_then(|born| age(born, today)),
        birth_date,
        sex: text(patient, "/gender").map(|gender| capitalised(&gender)),
        mrn: record_number(patient),
    }
}

/// A visit in one line: when, and what for.
pub(super) fn visit_words(encounter: &Value) -> String {
    let day = text(encounter, "/period/start").map(|start| start.chars().take(10).collect());
    let what = encounter
        .pointer("/type/0")
        .and_then(concept)
        .or_else(|| text(encounter, "/class/display"));
    let words: Vec<String> = [day, what].into_iter().flatten().collect();
    match words.is_empty() {
        true => "A visit without a date".to_owned(),
        false => words.join(" · "),
    }
}

fn full_name(name: &Value) -> Option<String> {
    let given = name
        .get("given")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let parts: Vec<&str> = given
        .filter_map(Value::as_str)
        .chain(name.get("family").and_then(Value::as_str))
        .collect();
    if parts.is_empty() {
        text(name, "/text")
    } else {
        Some(parts.join(" "))
    }
}

/// The identifier of type `MR` (HL7 v2 table 0203), else the first one.
fn record_number(patient: &Value) -> Option<String> {
    let identifiers = patient.get("identifier")?.as_array()?;
    let is_mr = |identifier: &&Value| {
        let codings = identifier.pointer("/type/coding").and_then(Value::as_array);
        codings
            .into_iter()
            .flatten()
            .any(|coding| text(coding, "/code").as_deref() == Some("MR"))
    };
    let chosen = identifiers
        .iter()
        .find(is_mr)
        .or_else(|| identifiers.first())?;
    text(chosen, "/value")
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

/// A problem of the list.
pub(super) fn condition(resource: &Value) -> Fact {
    Fact {
        label: resource
            .get("code")
            .and_then(concept)
            .unwrap_or_else(|| "Problem".to_owned()),
        value: None,
        date: text(resource, "/onsetDateTime").or_else(|| text(resource, "/recordedDate")),
        flag: None,
    }
}

/// A medicine of the list.
pub(super) fn medication(resource: &Value) -> Fact {
    let name = resource
        .get("medicationCodeableConcept")
        .and_then(concept)
        .or_else(|| text(resource, "/medicationReference/display"));
    Fact {
        label: name.unwrap_or_else(|| "Medicine".to_owned()),
        value: text(resource, "/dosageInstruction/0/text"),
        date: text(resource, "/authoredOn"),
        flag: None,
    }
}

/// An allergy of the list.
pub(super) fn allergy(resource: &Value) -> Fact {
    let is_high = text(resource, "/criticality").as_deref() == Some("high");
    Fact {
        label: resource
            .get("code")
            .and_then(concept)
            .unwrap_or_else(|| "Allergy".to_owned()),
        value: resource
            .pointer("/reaction/0/manifestation/0")
            .and_then(concept),
        date: text(resource, "/recordedDate"),
        flag: is_high.then(|| Badge::new("High risk", Tone::Danger)),
    }
}

/// A laboratory result of the list.
pub(super) fn result(resource: &Value) -> Fact {
    let quantity = resource.get("valueQuantity");
    let amount = quantity
        .and_then(|quantity| quantity.get("value"))
        .and_then(|value| match value {
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
    let unit =
        quantity.and_then(|quantity| text(quantity, "/unit").or_else(|| text(quantity, "/code")));
    let value = match (amount, unit) {
        (Some(amount), Some(unit)) => Some(format!("{amount} {unit}")),
        (Some(amount), None) => Some(amount),
        _ => resource
            .get("valueCodeableConcept")
            .and_then(concept)
            .or_else(|| text(resource, "/valueString")),
    };
    let date = [
        "/effectiveDateTime",
        "/effectivePeriod/start",
        "/effectiveInstant",
        "/issued",
    ];
    Fact {
        label: resource
            .get("code")
            .and_then(concept)
            .unwrap_or_else(|| "Result".to_owned()),
        value,
        date: date.iter().find_map(|pointer| text(resource, pointer)),
        flag: text(resource, "/interpretation/0/coding/0/code").and_then(|code| flag(&code)),
    }
}

/// HL7 v3 ObservationInterpretation in words; nothing for a normal result.
fn flag(code: &str) -> Option<Badge> {
    let (word, tone) = match code {
        "H" => ("High", Tone::Caution),
        "HH" => ("Very high", Tone::Danger),
        "L" => ("Low", Tone::Caution),
        "LL" => ("Very low", Tone::Danger),
        "A" => ("Abnormal", Tone::Caution),
        "AA" => ("Very abnormal", Tone::Danger),
        _ => return None,
    };
    Some(Badge::new(word, tone))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patient_is_named_by_official_name_and_record_number() {
        let patient = json!({
            "name": [{"use": "nickname", "given": ["Annie"]}, {"use": "official", "given": ["Anna", "Maria"], "family": "Rossi"}],
            "birthDate": "1961-03-04", "gender": "female",
            "identifier": [{"value": "1"}, {"type": {"coding": [{"code": "MR"}]}, "value": "MRN-7"}],
        });
        let head = patient_head(&patient, "2026-11-23");
        assert_eq!(head.name, "Anna Maria Rossi");
        assert_eq!(head.mrn.as_deref(), Some("MRN-7"));
        assert_eq!(head.sex.as_deref(), Some("Female"));
        assert_eq!(
            patient_head(&Value::Null, "2026-11-23").name,
            "Name not recorded"
        );
    }

    #[test]
    fn a_result_keeps_the_number_as_it_was_written() {
        let observation: Value = serde_json::from_str(
            r#"{"code":{"text":"Hb"},"valueQuantity":{"value":13.50,"unit":"g/dL"},"interpretation":[{"coding":[{"code":"L"}]}]}"#,
        )
        .unwrap();
        let fact = result(&observation);
        assert_eq!(fact.value.as_deref(), Some("13.50 g/dL"));
        assert_eq!(fact.flag.map(|badge| badge.text).as_deref(), Some("Low"));
    }
}
