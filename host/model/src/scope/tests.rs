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
        "patient/Observation.r?code=a%2Bb&status=final",
        "patient/*.rs?_tag=http://example.org|kept",
        "user/Condition.crus?category=a,b&clinical-status=active",
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
        // a granular scope says which resources and nothing else
        "patient/Observation.rs?subject.name=a",
        "patient/Observation.rs?_include=*",
        "patient/Observation.rs?_revinclude=Provenance:target",
        "patient/Observation.rs?_has=a",
        "patient/Observation.rs?_count=1",
        "patient/Observation.rs?_sort=date",
        "patient/Observation.rs?_summary=count",
        "patient/Observation.rs?_elements=code",
        "patient/Observation.rs?_filter=code",
        "patient/Observation.rs?category=a&_include=*",
        "patient/Observation.rs?active",
        "patient/Observation.rs?a=b&",
        "patient/Observation.rs?&a=b",
        "patient/Observation.rs?%26",
        "patient/Observation.rs?a%3Db=c",
        "patient/Observation.rs?category=x%20patient/*.cruds",
        "patient/Observation.rs?category=x%09y",
        "patient/Observation.rs?category=x%0d",
        "patient/Observation.rs?category=a%26code=b",
        "patient/Observation.rs?category=a,",
        "patient/Observation.rs?category=,a",
        "patient/Observation.rs?category=|",
        "patient/Observation.rs?category=a\"b",
        "patient/Observation.rs?category=a\\,b",
        "patient/Observation.rs?category=\u{e9}",
        // `category` means another thing in each type
        "patient/*.rs?category=laboratory",
        "patient/*.read?_tag=a",
        "http://smarthealthit.org/fhir/scopes/",
        "http://smarthealthit.org/fhir/scopes/http://smarthealthit.org/fhir/scopes/openid",
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

#[test]
fn rule_1_a_malformed_token_refuses_the_whole_string_and_both_grammars_stand_side_by_side() {
    assert!(ScopeSet::parse("patient/Patient.r patient/Observation.readrs").is_err());
    let both = ScopeSet::parse("patient/Patient.read  patient/Observation.rs").unwrap();
    assert_eq!(
        both.to_string(),
        "patient/Patient.read patient/Observation.rs"
    );
    assert_eq!(
        both.canonical().to_string(),
        "patient/Observation.rs patient/Patient.rs"
    );
}

#[test]
fn rule_12_modifiers_inside_scope_filters_are_refused() {
    for modifier in [
        "not",
        "missing",
        "text",
        "above",
        "below",
        "in",
        "not-in",
        "exact",
        "contains",
        "identifier",
        "of-type",
        "Patient",
        "iterate",
    ] {
        for name in ["category", "code", "_tag", "subject"] {
            let token = format!("patient/Observation.rs?{name}:{modifier}=a");
            assert!(token.parse::<Scope>().is_err(), "{token}");
            let encoded = format!("patient/Observation.rs?{name}%3A{modifier}=a");
            assert!(encoded.parse::<Scope>().is_err(), "{encoded}");
        }
    }
}

#[test]
fn a_filter_has_bounds() {
    let alternatives = |count: usize| vec!["a"; count].join(",");
    let token = |filter: &str| format!("patient/Observation.rs?{filter}").parse::<Scope>();
    assert!(token(&format!("code={}", alternatives(64))).is_ok());
    assert!(token(&format!("code={}", alternatives(65))).is_err());
    let nine = alternatives(9);
    assert!(token(&format!("code={nine}&category={nine}")).is_err());
    assert!(token(&["a=b"; 9].join("&")).is_err());
}

#[test]
fn the_uri_form_names_the_same_scope() {
    for (uri, plain) in [
        (
            "http://smarthealthit.org/fhir/scopes/patient/Observation.rs",
            "patient/Observation.rs",
        ),
        (
            "http://smarthealthit.org/fhir/scopes/launch/patient",
            "launch/patient",
        ),
        (
            "http://openid.net/specs/openid-connect-core-1_0#openid",
            "openid",
        ),
    ] {
        assert_eq!(uri.parse::<Scope>().unwrap().to_string(), plain);
    }
}

fn set(text: &str) -> ScopeSet {
    ScopeSet::parse(text).unwrap()
}

#[test]
fn several_scopes_may_cover_one_together() {
    for (mine, wanted, expected) in [
        (
            "patient/Observation.r patient/Observation.s",
            "patient/Observation.rs",
            true,
        ),
        (
            "patient/Observation.rs",
            "patient/Observation.rs?category=a",
            true,
        ),
        (
            "patient/Observation.rs?category=a",
            "patient/Observation.rs",
            false,
        ),
        (
            "patient/Observation.rs?category=a,b",
            "patient/Observation.rs?category=b",
            true,
        ),
        (
            "patient/Observation.rs?category=a patient/Observation.rs?category=b",
            "patient/Observation.rs?category=b,a",
            true,
        ),
        (
            "patient/Observation.r?category=a patient/Observation.s?category=b",
            "patient/Observation.rs?category=a,b",
            false,
        ),
        (
            "patient/Observation.rs?category=a",
            "patient/Observation.rs?code=b&category=a",
            true,
        ),
        ("patient/*.rs", "patient/Observation.rs?category=a", true),
        ("patient/*.rs?_tag=a", "patient/Observation.rs?_tag=a", true),
        ("patient/Observation.rs", "patient/*.rs", false),
        ("user/Observation.rs", "patient/Observation.rs", false),
        ("patient/*.read", "patient/Observation.rs", true),
        ("patient/Observation.rs", "openid", false),
    ] {
        assert_eq!(
            set(mine).covers(&wanted.parse().unwrap()),
            expected,
            "{mine} {wanted}"
        );
    }
}

#[test]
fn equal_sets_print_equal() {
    for (one, other) in [
        (
            "patient/Observation.s patient/Observation.r",
            "patient/Observation.rs",
        ),
        ("patient/Observation.read", "patient/Observation.rs"),
        (
            "patient/Observation.rs?category=b,a",
            "patient/Observation.rs?category=a patient/Observation.rs?category=b",
        ),
        (
            "patient/Observation.rs?code=x&category=a",
            "patient/Observation.rs?category=a&code=x",
        ),
        (
            "patient/Observation.rs patient/Observation.rs?category=a",
            "patient/Observation.rs",
        ),
        ("patient/*.rs patient/Observation.rs", "patient/*.rs"),
        (
            "patient/*.rs patient/Observation.crs",
            "patient/Observation.c patient/*.rs",
        ),
        (
            "openid launch patient/Patient.r",
            "patient/Patient.r launch openid",
        ),
    ] {
        assert_eq!(
            set(one).canonical().to_string(),
            set(other).canonical().to_string()
        );
    }
    assert_ne!(
        set("patient/Observation.rs?category=a&code=b").canonical(),
        set("patient/Observation.rs?category=a patient/Observation.rs?code=b").canonical()
    );
}

#[test]
fn what_is_narrowed_can_always_be_read_again() {
    let long = |name: &str| {
        set(&format!(
            "patient/Observation.rs?{name}={}",
            "x".repeat(400)
        ))
    };
    assert!(long("code").narrow(&long("category")).is_empty());
    let many = |name: &str| {
        let tokens: Vec<String> = (0..150)
            .map(|n| format!("patient/Observation.rs?{name}={n}"))
            .collect();
        set(&tokens.join(" "))
    };
    let narrowed = many("code").narrow(&many("category"));
    assert_eq!(ScopeSet::parse(&narrowed.to_string()), Ok(narrowed));
}

/// Inputs that once taught something; a fuzzer starts from the same files.
#[test]
fn the_corpus_of_the_fuzz_target_keeps_the_promises() {
    for text in include_str!("corpus.txt").lines() {
        fuzz::scopes(text);
    }
}

fn resource_scope() -> impl Strategy<Value = ResourceScope> {
    let parameter = (
        prop_oneof![Just("_tag"), Just("_security"), Just("_profile")],
        prop_oneof!["[ab]", "[ab],[bc]", "[a-z|=?%:/+\u{e9}]{0,5}[a-z]"],
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
        prop::collection::vec(parameter, 0..2),
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
    fn covers_is_reflexive_and_transitive(a in scope_set(), b in scope_set(), c in scope_set()) {
        prop_assert!(a.covers_all(&a));
        // chosen so that the premise holds often
        let c = c.narrow(&b);
        prop_assert!(b.covers_all(&c));
        if a.covers_all(&b) {
            prop_assert!(a.covers_all(&c));
        }
    }

    #[test]
    fn covers_of_free_sets_is_transitive(a in scope_set(), b in scope_set(), c in scope_set()) {
        if a.covers_all(&b) && b.covers_all(&c) {
            prop_assert!(a.covers_all(&c));
        }
    }

    #[test]
    fn narrowing_never_widens_and_does_not_depend_on_the_side(a in scope_set(), b in scope_set()) {
        let narrow = a.narrow(&b);
        prop_assert!(a.covers_all(&narrow) && b.covers_all(&narrow));
        prop_assert_eq!(narrow.canonical(), b.narrow(&a).canonical());
    }

    #[test]
    fn the_canonical_form_says_the_same_and_is_its_own(a in scope_set()) {
        let canonical = a.canonical();
        prop_assert!(canonical.covers_all(&a) && a.covers_all(&canonical));
        prop_assert_eq!(canonical.canonical(), canonical);
    }

    #[test]
    fn sets_that_cover_each_other_print_equal(a in scope_set(), b in scope_set()) {
        let equal = a.covers_all(&b) && b.covers_all(&a);
        prop_assert_eq!(equal, a.canonical().to_string() == b.canonical().to_string());
    }

    #[test]
    fn the_fuzz_body_holds_for_any_text(text in "(patient|user)/(\\*|Observation)\\.[cruds]{1,5}(\\?[a-z_:]{1,8}=[a-z,|%2]{0,8})?( [ -~]{0,20})?") {
        fuzz::scopes(&text);
    }
}

fn scope_set() -> impl Strategy<Value = ScopeSet> {
    let scopes = prop::collection::vec(resource_scope().prop_map(Scope::Resource), 0..4);
    scopes.prop_map(ScopeSet::new)
}
