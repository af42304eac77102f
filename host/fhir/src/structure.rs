//! The structure of R4: which elements a type has, how often and of which types. Condensed
//! from HL7's StructureDefinitions; inherited elements are listed once, with the type that
//! brings them.

use std::collections::HashMap;
use std::sync::OnceLock;

/// One type that an element may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// `string`, `Quantity`, `BackboneElement`, `Resource`, …
    pub(crate) name: &'static str,
    /// The targets of a Reference, the codes of a code; empty where they are not limited.
    pub(crate) among: Vec<&'static str>,
}

impl Kind {
    /// Primitive types begin with a lower-case letter.
    pub(crate) fn is_primitive(&self) -> bool {
        self.name.starts_with(|c: char| c.is_ascii_lowercase())
    }
}

/// One element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    /// Its name; for a choice, without the type.
    pub(crate) name: &'static str,
    /// Whether the name in JSON carries the type (`value[x]`).
    pub(crate) is_choice: bool,
    /// Whether it must be there.
    pub(crate) is_required: bool,
    /// Whether it may repeat: then it is an array in JSON.
    pub(crate) repeats: bool,
    /// The types it may have.
    pub(crate) kinds: Vec<Kind>,
    /// Under which path its own children are listed: `Observation.component`, `Quantity`.
    pub(crate) content: Option<&'static str>,
}

/// All elements, by the path of what they are in.
struct Table {
    children: HashMap<&'static str, Vec<Element>>,
    bases: HashMap<&'static str, &'static str>,
}

static TABLE: OnceLock<Table> = OnceLock::new();

fn table() -> &'static Table {
    TABLE.get_or_init(|| {
        let codes: HashMap<&str, Vec<&str>> = include_str!("../definitions/codes.tsv")
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(name, list)| (name, list.split(',').collect()))
            .collect();
        let mut table = Table {
            children: HashMap::new(),
            bases: HashMap::new(),
        };
        for line in include_str!("../definitions/elements.tsv").lines() {
            let mut cells = line.split('\t');
            let (Some(path), Some(least), Some(most), Some(kinds)) =
                (cells.next(), cells.next(), cells.next(), cells.next())
            else {
                continue;
            };
            match path.rsplit_once('.') {
                None => {
                    table.bases.insert(path, least);
                    table.children.entry(path).or_default();
                }
                Some((parent, name)) => {
                    let element = element(path, name, least, most, kinds, &codes);
                    // An element with elements of its own says itself what it inherits.
                    if element.content == Some(path)
                        && let Some(kind) = element.kinds.first()
                    {
                        table.bases.insert(path, kind.name);
                    }
                    table.children.entry(parent).or_default().push(element);
                }
            }
        }
        table
    })
}

fn element(
    path: &'static str,
    name: &'static str,
    least: &str,
    most: &str,
    kinds: &'static str,
    codes: &HashMap<&'static str, Vec<&'static str>>,
) -> Element {
    let content = kinds.strip_prefix('@');
    let kinds: Vec<Kind> = match content {
        Some(_) => vec![Kind {
            name: "BackboneElement",
            among: Vec::new(),
        }],
        None => kinds
            .split(',')
            .map(|kind| read_kind(kind, codes))
            .collect(),
    };
    let anonymous = |kind: &Kind| ["BackboneElement", "Element"].contains(&kind.name);
    Element {
        name: name.strip_suffix("[x]").unwrap_or(name),
        is_choice: name.ends_with("[x]"),
        is_required: least != "0",
        repeats: most != "1",
        content: content.or_else(|| kinds.iter().any(anonymous).then_some(path)),
        kinds,
    }
}

fn read_kind(text: &'static str, codes: &HashMap<&'static str, Vec<&'static str>>) -> Kind {
    if let Some((name, set)) = text.split_once('#') {
        let among = codes.get(set).cloned().unwrap_or_default();
        return Kind { name, among };
    }
    match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        Some((name, targets)) => Kind {
            name,
            among: targets.split('|').collect(),
        },
        None => Kind {
            name: text,
            among: Vec::new(),
        },
    }
}

/// The elements listed under a path of the table, without inherited ones.
pub(crate) fn children(path: &str) -> &'static [Element] {
    table()
        .children
        .get(path)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// The names in JSON of elements that are of one of these types wherever they occur.
pub(crate) fn names_of(kinds: &[&str]) -> std::collections::HashSet<&'static str> {
    let all = || table().children.values().flatten();
    let of = |element: &Element| element.kinds.iter().all(|kind| kinds.contains(&kind.name));
    let mut names: std::collections::HashSet<&'static str> = all()
        .filter(|element| !element.is_choice && of(element))
        .map(|element| element.name)
        .collect();
    for element in all().filter(|element| !element.is_choice && !of(element)) {
        names.remove(element.name);
    }
    names
}

/// The base type, such as `DomainResource` of `Observation`, or what an element with
/// elements of its own is.
pub(crate) fn base(name: &str) -> Option<&'static str> {
    table()
        .bases
        .get(name)
        .copied()
        .filter(|base| !base.is_empty())
}

/// The elements of a type or path and of all that it inherits from. `path` is a type, or an
/// element of one that has elements of its own.
pub(crate) fn elements(path: &str) -> impl Iterator<Item = &'static Element> {
    let inherited = std::iter::successors(base(path), |name| base(name));
    children(path)
        .iter()
        .chain(inherited.flat_map(|name| children(name).iter()))
}

/// The element that a JSON member is, and the type that it has in it. The member's name is
/// without the underscore of a primitive's extensions.
pub(crate) fn find(path: &str, member: &str) -> Option<(&'static Element, &'static Kind)> {
    elements(path).find_map(|element| {
        if !element.is_choice {
            return (element.name == member)
                .then(|| element.kinds.first())
                .flatten()
                .map(|kind| (element, kind));
        }
        let typed = member.strip_prefix(element.name)?;
        let kind = element
            .kinds
            .iter()
            .find(|kind| is_suffix(typed, kind.name))?;
        Some((element, kind))
    })
}

/// Whether `typed` is the name of a type with a capital first letter: `DateTime`.
fn is_suffix(typed: &str, name: &str) -> bool {
    let (Some(first), Some(rest)) = (name.get(..1), name.get(1..)) else {
        return false;
    };
    typed
        .strip_prefix(first.to_ascii_uppercase().as_str())
        .is_some_and(|typed| typed == rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_their_names_in_json() {
        for (path, member, kind, content) in [
            ("Observation", "status", "code", None),
            ("Observation", "valueQuantity", "Quantity", None),
            ("Observation", "valueDateTime", "dateTime", None),
            ("Observation", "id", "string", None),
            ("Observation", "contained", "Resource", None),
            (
                "Observation",
                "component",
                "BackboneElement",
                Some("Observation.component"),
            ),
            (
                "Observation.component",
                "referenceRange",
                "BackboneElement",
                Some("Observation.referenceRange"),
            ),
            (
                "Observation.component",
                "modifierExtension",
                "Extension",
                None,
            ),
            ("Age", "value", "decimal", None),
            ("Timing", "repeat", "Element", Some("Timing.repeat")),
        ] {
            let (element, found) = find(path, member).unwrap();
            assert_eq!(
                (found.name, element.content),
                (kind, content),
                "{path}.{member}"
            );
        }
        for (path, member) in [
            ("Observation", "value"),
            ("Observation", "valueMoney"),
            ("Observation", "valuequantity"),
            ("Bundle", "text"),
            ("Timing.repeat", "modifierExtension"),
        ] {
            assert!(find(path, member).is_none(), "{path}.{member}");
        }
    }

    #[test]
    fn every_resource_type_has_a_structure_and_every_type_named_is_known() {
        for name in crate::resource_types() {
            assert!(base(name).is_some(), "{name}");
        }
        for (path, elements) in &table().children {
            for element in elements {
                for kind in element.kinds.iter().filter(|kind| !kind.is_primitive()) {
                    let known = table().bases.contains_key(kind.name);
                    assert!(known, "{path}.{}: {}", element.name, kind.name);
                }
                if let Some(content) = element.content {
                    assert!(!children(content).is_empty(), "{content}");
                }
            }
        }
    }
}
