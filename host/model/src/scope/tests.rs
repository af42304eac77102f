use proptest::prelude::*;

use super::*;

#[test]
fn scopes_of_both_grammars_parse_and_print_as_written() {
    for token in [
        "openid",
        "launch/patient",
        "patient/*.read",
        "patient/Observation.write",
        "user/*.*",
        "system/Patient.rs",
        "patient/Observation.cruds",
        "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
        "patient/Observation.r?code=a%26b&status=final",
    ] {
        let scope: Scope = token.parse().unwrap();
        assert_eq!(scope.to_string(), token);
    }
}

#[test]
fn a_token_that_is_not_understood_as_a_whole_is_refused() {
    for token in [
        "",
        "patient",
        "patient/",
        "patient/Observation",
        "patient/Observation.",
        "patient/Observation.readrs",
        "patient/Observation.rr",
        "patient/Observation.sr",
        "patient/observation.read",
        "Patient/Observation.read",
        "patient/Observation.read?category=a",
        "patient/Observation.rs?",
        "patient/Observation.rs?category",
        "patient/Observation.rs?category=",
        "patient/Observation.rs?code:not=a",
        "patient/Observation.rs?code=%zz",
        "patient/Observation.rs?code=%0a",
        "patient/*.*.read",
        "patient//Observation.read",
        "launch/practitioner",
        "patient/Observation.rs?code=%ff",
        "patient/Obs*.rs",
    ] {
        assert!(token.parse::<Scope>().is_err(), "{token}");
    }
    assert!(ScopeSet::parse("openid patient/Observation.rr").is_err());
    assert_eq!("x".repeat(513).parse::<Scope>(), Err(InvalidScope::TooLong));
    let grows_when_printed = format!("patient/Observation.rs?code={}", "<".repeat(400));
    assert_eq!(
        grows_when_printed.parse::<Scope>(),
        Err(InvalidScope::TooLong)
    );
}

fn resource_scope() -> impl Strategy<Value = ResourceScope> {
    let parameter = (
        prop_oneof![Just("category"), Just("code"), Just("status")],
        "[a-z|&=? é%]{1,6}",
    );
    (
        prop_oneof![Just(Level::Patient), Just(Level::User), Just(Level::System)],
        prop_oneof![
            Just("*"),
            Just("Observation"),
            Just("Patient"),
            Just("Condition")
        ],
        1u8..32,
        prop::collection::vec(parameter, 0..3),
    )
        .prop_map(|(level, name, letters, parameters)| ResourceScope {
            level,
            resource_type: if name == "*" {
                TypeSelector::Any
            } else {
                TypeSelector::Named(name.to_owned())
            },
            permissions: Permissions(letters),
            parameters: parameters
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            syntax: Syntax::V2,
        })
}

proptest! {
    #[test]
    fn printing_and_parsing_are_inverse(scope in resource_scope()) {
        let scope = Scope::Resource(scope);
        prop_assert_eq!(scope.to_string().parse::<Scope>().unwrap(), scope);
    }

    #[test]
    fn any_text_is_parsed_without_panic_and_what_parses_prints_the_same_meaning(text in "\\PC{0,60}") {
        if let Ok(scope) = text.parse::<Scope>() {
            prop_assert_eq!(scope.to_string().parse::<Scope>().unwrap(), scope);
        }
    }

    #[test]
    fn covers_is_reflexive_and_transitive(a in resource_scope(), b in resource_scope(), c in resource_scope()) {
        prop_assert!(a.covers(&a));
        if a.covers(&b) && b.covers(&c) {
            prop_assert!(a.covers(&c));
        }
    }

    #[test]
    fn narrowing_never_widens(a in resource_scope(), b in resource_scope()) {
        if let Some(narrow) = a.narrow(&b) {
            prop_assert!(a.covers(&narrow));
            prop_assert!(b.covers(&narrow));
        }
    }
}
