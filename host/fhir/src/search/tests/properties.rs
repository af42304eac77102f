use proptest::prelude::*;

use super::*;
use crate::{ParameterKind, SearchParameter, resource_types, search_parameters};

/// Values that fit the kind more often than not, as a regular expression.
fn pattern(kind: ParameterKind) -> String {
    let token = r"[a-c]{1,2}|http://[ab]\|[a-c]|\|[a-c]|[ab]\|";
    let prefix = "(eq|ne|lt|gt|le|ge|sa|eb|ap)?";
    let number = format!(r"{prefix}-?[0-9]{{1,3}}(\.[0-9]{{1,3}})?(e[0-9])?");
    match kind {
        ParameterKind::Token => token.to_owned(),
        ParameterKind::Reference => {
            "[a-c]|(Patient|Group|Device)/[a-c]|http://[ab]/Patient/[ab]".to_owned()
        }
        ParameterKind::Date => {
            format!("{prefix}20[0-9]{{2}}(-0[1-9](-1[0-9](T1[0-9]:0[0-9]Z)?)?)?")
        }
        ParameterKind::String => "[a-cA-CäÖ ]{1,4}".to_owned(),
        ParameterKind::Quantity => format!(r"{number}(\|http://u\|[a-c])?"),
        ParameterKind::Number => number,
        ParameterKind::Uri => "http://[ab]|urn:oid:1".to_owned(),
        ParameterKind::Composite => format!(r"[a-c]\$({number}|[a-c])"),
        ParameterKind::Special => ".{0,4}".to_owned(),
    }
}

fn value(kind: ParameterKind) -> impl Strategy<Value = String> {
    prop::string::string_regex(&pattern(kind)).unwrap()
}

fn pair(parameter: &'static SearchParameter) -> impl Strategy<Value = (String, String)> {
    let modifier = prop_oneof![
        6 => Just(""),
        1 => Just(":not"),
        1 => Just(":missing"),
        1 => Just(":exact"),
        1 => Just(":Patient"),
        1 => Just(":text"),
    ];
    let values = prop_oneof![
        8 => prop::collection::vec(value(parameter.kind()), 1..3)
            .prop_map(|values| values.join(",")),
        1 => Just("true".to_owned()),
        1 => prop::string::string_regex(r"[a-z0-9|,\\$:/.%&=+# -]{0,12}|.{0,6}").unwrap(),
    ];
    (modifier, values)
        .prop_map(|(modifier, value)| (format!("{}{modifier}", parameter.code()), value))
}

fn result_pair() -> impl Strategy<Value = (String, String)> {
    prop::sample::select(vec![
        ("_count", "7"),
        ("_count", "0"),
        ("_sort", "-_lastUpdated"),
        ("_sort", "_id"),
        ("_summary", "data"),
        ("_summary", "count"),
        ("_elements", "status,code"),
        ("_total", "none"),
        ("_revinclude", "Provenance:target"),
        ("_revinclude", "List:item"),
        ("nonsense", "1"),
        ("_filter", "x"),
        ("subject.name", "x"),
    ])
    .prop_map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// A type and pairs for it.
fn searches() -> impl Strategy<Value = (&'static str, Vec<(String, String)>)> {
    let often = prop::sample::select(vec!["Observation", "Patient", "Provenance", "Condition"]);
    let any = prop::sample::select(resource_types().to_vec());
    prop_oneof![2 => often, 1 => any].prop_flat_map(|name| {
        let condition = prop::sample::select(search_parameters(name).iter().collect::<Vec<_>>())
            .prop_flat_map(pair);
        let pairs = prop::collection::vec(
            prop_oneof![3 => condition.boxed(), 1 => result_pair().boxed()],
            0..5,
        );
        (Just(name), pairs)
    })
}

/// What `canonical` prints, decoded again.
fn decoded(canonical: &str) -> (String, Vec<(String, String)>) {
    let (name, query) = canonical.split_once('?').unwrap();
    let pairs = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (percent_decoded(name), percent_decoded(value)))
        .collect();
    (name.to_owned(), pairs)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap().to_owned();
            bytes.push(u8::from_str_radix(&digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn sample() -> Facts {
    facts(&json!({
        "resourceType": "Observation", "id": "a", "status": "a",
        "meta": {"lastUpdated": "2020-05-05T00:00:00Z", "tag": [{"code": "a"}]},
        "code": {"coding": [{"system": "http://a", "code": "a"}, {"code": "b"}]},
        "category": [{"coding": [{"code": "a"}]}],
        "subject": {"reference": "Patient/a"}, "encounter": {"reference": "Encounter/b"},
        "effectiveDateTime": "2015-05", "valueQuantity": {"value": 12.5, "code": "a"},
        "component": [{"code": {"coding": [{"code": "c"}]}, "valueQuantity": {"value": 3}}],
    }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_canonical_form_parses_to_an_equal_search((name, pairs) in searches()) {
        let options = ParseOptions { handling: Handling::Lenient, base: None };
        if let Ok(query) = SearchQuery::parse_with(name, &pairs, options) {
            let (decoded_type, decoded_pairs) = decoded(&query.canonical());
            let mut again = SearchQuery::parse(&decoded_type, &decoded_pairs)?;
            prop_assert_eq!(again.canonical(), query.canonical());
            prop_assert_eq!(again.pairs(), query.pairs());
            again.ignored.clone_from(&query.ignored);
            prop_assert_eq!(again, query);
        }
    }

    #[test]
    fn more_conditions_never_find_more(
        (name, pairs) in searches(),
        (_, more) in searches(),
    ) {
        let resource = sample();
        let name = if name == "Patient" { "Observation" } else { name };
        if let Ok(query) = SearchQuery::parse(name, &pairs)
            && let Ok(narrowed) = query.and(&more)
        {
            let conditions = query.clauses().len();
            prop_assert!(narrowed.clauses().len() >= conditions);
            prop_assert!(!narrowed.matches(&resource.view()) || query.matches(&resource.view()));
        }
    }

    #[test]
    fn a_lenient_reading_finds_what_a_strict_one_finds((name, pairs) in searches()) {
        let options = ParseOptions { handling: Handling::Lenient, base: None };
        if let Ok(strict) = SearchQuery::parse(name, &pairs) {
            prop_assert_eq!(SearchQuery::parse_with(name, &pairs, options), Ok(strict));
        }
    }

    #[test]
    fn arbitrary_searches_never_panic(
        at in 0..resource_types().len(),
        which in any::<prop::sample::Index>(),
        suffix in "|:[a-zA-Z.]{0,8}",
        value in r"[a-z0-9|,\\$:/.-]{0,24}|.{0,24}",
    ) {
        let name = resource_types()[at];
        let code = which.get(search_parameters(name)).code();
        let pairs = [(format!("{code}{suffix}"), value)];
        if let Ok(query) = SearchQuery::parse(name, &pairs) {
            let resource = facts(&json!({"resourceType": name, "id": "x"}));
            let _ = query.matches(&resource.view());
            let _ = query.canonical();
            let again = SearchQuery::parse(name, query.pairs());
            prop_assert_eq!(again.as_ref(), Ok(&query));
        }
    }

    #[test]
    fn a_token_matches_or_its_not_does(value in "[a-d]|http://a\\|[ab]|\\|b|http://a\\|") {
        let resource = sample();
        for code in ["code", "category", "method", "_tag", "_security"] {
            let with = |modifier: &str| {
                let pairs = [(format!("{code}{modifier}"), value.clone())];
                SearchQuery::parse("Observation", &pairs).unwrap().matches(&resource.view())
            };
            prop_assert_ne!(with(""), with(":not"), "{} {}", code, value);
        }
    }
}
