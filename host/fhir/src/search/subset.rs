//! `_elements` and `_summary`: fewer elements of a resource that is given out anyway. Not
//! protection: what must not be seen is gone before.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::{Output, Summary};
use crate::json::{self, quote};

/// The tag of what is not whole (R4, search: summary).
const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";

/// What the definitions say of a top-level element.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    summary: bool,
    mandatory: bool,
    modifier: bool,
}

/// Element names to flags; the name of a choice of types ends in `*`.
type Elements = HashMap<&'static str, Flags>;

static TABLE: OnceLock<HashMap<&'static str, Elements>> = OnceLock::new();

fn table() -> &'static HashMap<&'static str, Elements> {
    TABLE.get_or_init(|| {
        include_str!("../../definitions/summaries.tsv")
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(name, list)| (name, list.split(',').filter_map(element).collect()))
            .collect()
    })
}

fn element(text: &'static str) -> Option<(&'static str, Flags)> {
    let (name, flags) = text.split_once(':')?;
    Some((
        name,
        Flags {
            summary: flags.contains('s'),
            mandatory: flags.contains('m'),
            modifier: flags.contains('x'),
        },
    ))
}

/// The flags of a member, by its own name or that of the choice that it is one of.
fn flags(elements: &Elements, member: &str) -> Flags {
    if let Some(found) = elements.get(member) {
        return *found;
    }
    member
        .char_indices()
        .filter(|(_, letter)| letter.is_ascii_uppercase())
        .filter_map(|(at, _)| member.get(..at))
        .find_map(|stem| elements.get(format!("{stem}*").as_str()))
        .copied()
        .unwrap_or_default()
}

/// Whether `name`, as `_elements` has it, is this member: `value` also is `valueQuantity`.
fn names(name: &str, member: &str) -> bool {
    member.strip_prefix(name).is_some_and(|rest| {
        rest.is_empty() || rest.starts_with(|letter: char| letter.is_ascii_uppercase())
    })
}

fn keeps(output: &Output, elements: &Elements, member: &str) -> bool {
    // `_birthDate` goes with `birthDate`.
    let member = member.strip_prefix('_').unwrap_or(member);
    if ["resourceType", "id", "meta"].contains(&member) {
        return true;
    }
    let flags = flags(elements, member);
    if !output.elements.is_empty() {
        let asked = output.elements.iter().any(|name| names(name, member));
        return asked || flags.mandatory || flags.modifier;
    }
    match output.summary {
        Summary::False | Summary::Count => true,
        Summary::True => flags.summary || flags.mandatory || flags.modifier,
        Summary::Text => member == "text" || flags.mandatory || flags.modifier,
        Summary::Data => member != "text",
    }
}

/// The resource with only those top-level elements that `output` asks for, those that must
/// be there and those that change the meaning of the rest, tagged SUBSETTED. What is kept
/// stays byte for byte, but for `meta`. `None` if the bytes are not a JSON object.
pub fn subset(resource_type: &str, bytes: &[u8], output: &Output) -> Option<Vec<u8>> {
    static NONE: OnceLock<Elements> = OnceLock::new();
    let elements = table()
        .get(resource_type)
        .unwrap_or_else(|| NONE.get_or_init(Elements::new));
    let mut members = Vec::new();
    json::scan(bytes, 120, &mut |path, span| {
        if let [name] = path {
            members.push((name.clone().into_owned(), span));
        }
    })
    .ok()?;
    let mut out = Vec::with_capacity(bytes.len().min(4096));
    let mut tagged = false;
    for (name, span) in members {
        if !keeps(output, elements, &name) {
            continue;
        }
        let value = bytes.get(span)?;
        if name == "meta" {
            tagged = true;
            member(&mut out, &name, &with_tag(value)?);
        } else {
            member(&mut out, &name, value);
        }
    }
    if !tagged {
        member(&mut out, "meta", &with_tag(b"{}")?);
    }
    out.push(b'}');
    Some(out)
}

fn member(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.push(if out.is_empty() { b'{' } else { b',' });
    out.extend_from_slice(quote(name).as_bytes());
    out.push(b':');
    out.extend_from_slice(value);
}

fn with_tag(meta: &[u8]) -> Option<Vec<u8>> {
    let mut meta: Value = serde_json::from_slice(meta).ok()?;
    let tags = meta
        .as_object_mut()?
        .entry("tag")
        .or_insert_with(|| json!([]))
        .as_array_mut()?;
    let is_tag = |tag: &Value| tag.get("code").and_then(Value::as_str) == Some("SUBSETTED");
    if !tags.iter().any(is_tag) {
        tags.push(json!({"system": SYSTEM, "code": "SUBSETTED"}));
    }
    serde_json::to_vec(&meta).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SearchQuery;

    const PATIENT: &[u8] = br#"{"resourceType":"Patient","id":"1","meta":{"versionId":"1"},
        "text":{"status":"generated","div":"<div/>"},"extension":[{"url":"u"}],"active":true,
        "birthDate":"1980","_birthDate":{"extension":[]},"name":[{"family":"Rossi"}],
        "photo":[{"title":"p"}],"multipleBirthInteger":2,"deceasedBoolean":false}"#;

    fn kept(resource_type: &str, bytes: &[u8], query: &str) -> String {
        let (name, value) = query.split_once('=').unwrap();
        let pairs = [(name.to_owned(), value.to_owned())];
        let query = SearchQuery::parse(resource_type, &pairs).unwrap();
        let out = subset(resource_type, bytes, query.output()).unwrap();
        let value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["meta"]["tag"][0]["code"], "SUBSETTED");
        let names: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        names.join(" ")
    }

    #[test]
    fn what_is_asked_for_stays_with_what_gives_it_meaning() {
        for (query, expected) in [
            (
                "_elements=birthDate",
                "resourceType id meta active birthDate _birthDate deceasedBoolean",
            ),
            (
                "_elements=multipleBirth,nope",
                "resourceType id meta active multipleBirthInteger deceasedBoolean",
            ),
            (
                "_summary=true",
                "resourceType id meta active birthDate _birthDate name deceasedBoolean",
            ),
            (
                "_summary=text",
                "resourceType id meta text active deceasedBoolean",
            ),
            (
                "_summary=data",
                "resourceType id meta extension active birthDate _birthDate name photo \
                 multipleBirthInteger deceasedBoolean",
            ),
        ] {
            assert_eq!(kept("Patient", PATIENT, query), expected, "{query}");
        }
    }

    #[test]
    fn what_must_be_there_is_there_and_decimals_keep_their_spelling() {
        let text = br#"{"resourceType":"Observation","valueQuantity":{"value":1.50},"status":"final","code":{}}"#;
        assert_eq!(
            kept("Observation", text, "_elements=value"),
            "resourceType valueQuantity status code meta"
        );
        let pairs = [("_elements".to_owned(), "value".to_owned())];
        let query = SearchQuery::parse("Observation", &pairs).unwrap();
        let out = subset("Observation", text, query.output()).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains(r#""valueQuantity":{"value":1.50}"#));
        assert!(subset("Observation", b"[]", query.output()).is_none() || out.len() > 2);
    }
}
