//! Checks a resource against the structure of R4: no unknown elements, cardinalities, one
//! value of a choice, primitive formats, fixed code lists, the form and targets of
//! references. Profiles, invariants and terminology beyond fixed lists are not checked.

mod primitive;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::structure::{self, Element, Kind};
use crate::{IssueCode, OperationOutcome, Reference, Resource, Severity, is_resource_type};

/// Issues that one answer names at most.
const ISSUES_MAX: usize = 50;

/// One thing that is wrong with a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// What kind of problem it is.
    pub code: IssueCode,
    /// Where, as a FHIRPath: `Observation.code.coding[0].system`.
    pub location: String,
    /// What is wrong, in a sentence.
    pub text: String,
}

impl Issue {
    /// The issues as an OperationOutcome; that all is well if there are none.
    pub fn outcome(issues: &[Self]) -> OperationOutcome {
        if issues.is_empty() {
            return OperationOutcome::default().issue(
                Severity::Information,
                IssueCode::Informational,
                "the resource has the structure of FHIR R4",
            );
        }
        issues.iter().fold(OperationOutcome::default(), |all, one| {
            all.issue_at(Severity::Error, one.code, &one.location, &one.text)
        })
    }
}

/// Everything that is wrong with the structure of a resource, in the order of its members;
/// empty if nothing is.
pub fn validate(resource: &Resource) -> Vec<Issue> {
    let mut check = Check { issues: Vec::new() };
    check.resource(resource.value(), resource.resource_type());
    check.issues
}

struct Check {
    issues: Vec<Issue>,
}

impl Check {
    fn say(&mut self, code: IssueCode, location: &str, text: impl Into<String>) {
        if self.issues.len() < ISSUES_MAX {
            self.issues.push(Issue {
                code,
                location: location.to_owned(),
                text: text.into(),
            });
        }
    }

    fn is_full(&self) -> bool {
        self.issues.len() >= ISSUES_MAX
    }

    /// A resource, the outermost one or one inside another.
    fn resource(&mut self, value: &Value, location: &str) {
        let named = value.get("resourceType").and_then(Value::as_str);
        let Some(name) = named.filter(|name| is_resource_type(name)) else {
            let text = "a resource is an object with an R4 type in `resourceType`";
            return self.say(IssueCode::Structure, location, text);
        };
        if let Some(object) = value.as_object() {
            self.object(object, name, location);
        }
    }

    /// The members of an object whose elements are listed under `path`.
    fn object(&mut self, object: &Map<String, Value>, path: &str, location: &str) {
        if object.is_empty() {
            return self.say(
                IssueCode::Structure,
                location,
                "must not be empty: leave the element out",
            );
        }
        let at_resource = is_resource_type(path);
        let mut present: Vec<(&Element, &str)> = Vec::new();
        for (member, value) in object {
            if self.is_full() {
                return;
            }
            if member == "resourceType" && at_resource {
                continue;
            }
            let (name, extends) = match member.strip_prefix('_') {
                Some(name) => (name, true),
                None => (member.as_str(), false),
            };
            let place = format!("{location}.{}", shown(name));
            let found =
                structure::find(path, name).filter(|(_, kind)| !extends || kind.is_primitive());
            let Some((element, kind)) = found else {
                let text = format!("`{}` is not an element of {path}", shown(member));
                self.say(IssueCode::Structure, &place, text);
                continue;
            };
            let other = present
                .iter()
                .find(|(known, spelled)| *known == element && *spelled != name);
            if let Some((_, spelled)) = other {
                let text = format!("only one of `{spelled}` and `{name}` may be there");
                self.say(IssueCode::Structure, &place, text);
            }
            present.push((element, name));
            let twin = if extends {
                object.get(name)
            } else {
                object
                    .get(&format!("_{name}"))
                    .filter(|_| kind.is_primitive())
            };
            self.member(element, kind, value, twin, extends, &place);
        }
        for element in structure::elements(path).filter(|element| element.is_required) {
            if !present.iter().any(|(known, _)| *known == element) {
                let name = element.name;
                let suffix = if element.is_choice { "[x]" } else { "" };
                let text = format!("`{name}{suffix}` is required");
                self.say(IssueCode::Structure, location, text);
            }
        }
    }

    /// A member: one value or, where the element repeats, an array. `twin` is the other half
    /// of a primitive (`x` and `_x`).
    fn member(
        &mut self,
        element: &Element,
        kind: &Kind,
        value: &Value,
        twin: Option<&Value>,
        extends: bool,
        place: &str,
    ) {
        let Some(items) = value.as_array() else {
            if element.repeats {
                return self.say(IssueCode::Structure, place, "must be an array");
            }
            return self.one(element, kind, value, extends, place);
        };
        if !element.repeats {
            return self.say(IssueCode::Structure, place, "must not be an array");
        }
        if items.is_empty() {
            let text = "must not be an empty array: leave the element out";
            return self.say(IssueCode::Structure, place, text);
        }
        let twins = twin.and_then(Value::as_array);
        if twins.is_some_and(|twins| twins.len() != items.len()) {
            let text = "must be as long as the array of its extensions";
            self.say(IssueCode::Structure, place, text);
        }
        for (number, item) in items.iter().enumerate() {
            let place = format!("{place}[{number}]");
            // A null stands for the half that the other array has.
            let other = twins.and_then(|twins| twins.get(number));
            if item.is_null() && other.is_some_and(|other| !other.is_null()) {
                continue;
            }
            self.one(element, kind, item, extends, &place);
        }
    }

    fn one(&mut self, element: &Element, kind: &Kind, value: &Value, extends: bool, place: &str) {
        if extends {
            return match value.as_object() {
                Some(object) => self.object(object, "Element", place),
                None => self.say(
                    IssueCode::Structure,
                    place,
                    "the extensions of a primitive are an object",
                ),
            };
        }
        if kind.is_primitive() {
            return self.primitive(kind, value, place);
        }
        let Some(object) = value.as_object() else {
            return self.say(
                IssueCode::Structure,
                place,
                format!("must be a {}", kind.name),
            );
        };
        if kind.name == "Resource" || is_resource_type(kind.name) {
            return self.resource(value, place);
        }
        self.object(object, element.content.unwrap_or(kind.name), place);
        if kind.name == "Reference" {
            self.reference(kind, object, place);
        }
    }

    fn primitive(&mut self, kind: &Kind, value: &Value, place: &str) {
        if let Some(problem) = primitive::problem(kind.name, value) {
            return self.say(IssueCode::Value, place, problem);
        }
        let code = value.as_str().unwrap_or_default();
        if !kind.among.is_empty() && !kind.among.contains(&code) {
            let few = kind.among.len() <= 12;
            let text = if few {
                format!("must be one of {}", kind.among.join(", "))
            } else {
                "is not one of the codes that this element may have".to_owned()
            };
            self.say(IssueCode::Value, place, text);
        }
    }

    fn reference(&mut self, kind: &Kind, object: &Map<String, Value>, place: &str) {
        let Some(text) = object.get("reference").and_then(Value::as_str) else {
            return;
        };
        let place = format!("{place}.reference");
        let reference = Reference::parse(text);
        if matches!(reference, Reference::Other(_)) {
            let text = "must be Type/id, an absolute URL, #id, urn:uuid:… or Type?query";
            return self.say(IssueCode::Value, &place, text);
        }
        // A reference by URL may lead to a server whose types we do not know.
        let target = reference.resource_type();
        if let Some(target) = target
            && !kind.among.is_empty()
            && !kind.among.contains(&target)
        {
            let text = format!("must refer to {}, not {target}", kind.among.join(" or "));
            self.say(IssueCode::Value, &place, text);
        }
    }
}

/// A member's name as it may stand in a sentence.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}
