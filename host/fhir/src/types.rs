//! The resource types of R4.

use std::sync::OnceLock;

static TYPES: OnceLock<Vec<&'static str>> = OnceLock::new();

/// The concrete resource types of FHIR 4.0.1, sorted.
pub fn resource_types() -> &'static [&'static str] {
    TYPES.get_or_init(|| {
        include_str!("../definitions/resource-types.txt")
            .lines()
            .collect()
    })
}

/// The table's own spelling of a type name; `None` if R4 has no such type.
pub(crate) fn known(name: &str) -> Option<&'static str> {
    let types = resource_types();
    let at = types.binary_search(&name).ok()?;
    types.get(at).copied()
}

/// Whether `name` is a concrete resource type of FHIR 4.0.1.
pub fn is_resource_type(name: &str) -> bool {
    known(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_are_sorted_and_only_r4() {
        assert!(resource_types().is_sorted());
        assert_eq!(resource_types().len(), 146);
        for (name, known) in [
            ("Patient", true),
            ("Observation", true),
            ("Parameters", true),
            ("Resource", false),
            ("DomainResource", false),
            ("patient", false),
            ("Bot", false),
            ("SubscriptionStatus", false),
            ("", false),
        ] {
            assert_eq!(is_resource_type(name), known, "{name}");
        }
    }
}
