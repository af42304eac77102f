//! Bodies of the fuzz targets as plain functions: the same checks run bounded with every
//! test run and unbounded under a fuzzer. Each panics where a promise is broken.

use crate::search::{Handling, ParseOptions, SearchQuery};
use crate::{DateRange, Facts, Limits, Resource};

/// A search as `Type?name=value&…`, nothing decoded: it parses or is refused, lenient
/// reading never finds other things than strict reading, and what was understood parses to
/// an equal search.
pub fn query(text: &str) {
    let (resource_type, rest) = text.split_once('?').unwrap_or(("Observation", text));
    let pairs: Vec<(String, String)> = rest
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let lenient = ParseOptions {
        handling: Handling::Lenient,
        base: None,
    };
    let based = ParseOptions {
        base: Some("https://ehr.example/fhir"),
        ..lenient
    };
    let _ = SearchQuery::parse_with(resource_type, &pairs, based);
    let read = SearchQuery::parse_with(resource_type, &pairs, lenient);
    let strict = SearchQuery::parse(resource_type, &pairs);
    assert!(read.is_ok() || strict.is_err(), "lenient refuses more");
    let Ok(query) = read else { return };
    let again = SearchQuery::parse(query.resource_type(), query.pairs());
    let canonical = again.map(|query| query.canonical());
    assert_eq!(canonical, Ok(query.canonical()), "the canonical form moves");
    for sample in samples() {
        let view = sample.view();
        let _ = (query.matches(&view), query.sort_key(&view));
    }
    let _ = (query.patient_restriction(), query.id_restriction());
}

/// A date: it is a range in the right order, or none.
pub fn date(text: &str) {
    if let Some(range) = DateRange::parse(text) {
        assert!(range.start < range.end, "an empty range");
    }
}

/// Facts of a few resources for queries to look at.
fn samples() -> impl Iterator<Item = Facts> {
    [
        r#"{"resourceType":"Observation","id":"a","status":"final","code":{"coding":[{"code":"a"}]},
            "subject":{"reference":"Patient/a"},"effectiveDateTime":"2024-05","valueQuantity":{"value":1.5},
            "component":[{"code":{"coding":[{"code":"b"}]},"valueQuantity":{"value":2}}]}"#,
        r#"{"resourceType":"Patient","id":"a","name":[{"family":"Rossi"}],"birthDate":"1980"}"#,
        r#"{"resourceType":"Provenance","target":[{"reference":"Observation/a"}]}"#,
    ]
    .into_iter()
    .filter_map(|text| Resource::parse(text.as_bytes(), Limits::RESOURCE).ok())
    .map(|resource| Facts::extract(&resource))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_corpus_passes() {
        for text in include_str!("fuzzing/queries.txt").lines() {
            query(text);
        }
        for text in include_str!("fuzzing/dates.txt").lines() {
            date(text);
        }
    }

    fn corpus() -> Vec<String> {
        let queries = include_str!("fuzzing/queries.txt").lines();
        queries.map(str::to_owned).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Lines of the corpus, cut and joined anywhere, with something in between.
        #[test]
        fn spliced_queries_keep_the_promises(
            left in prop::sample::select(corpus()),
            right in prop::sample::select(corpus()),
            cuts in (0..80_usize, 0..80_usize),
            between in "[&=:,$|\\\\.?a-c0-9]{0,4}|.{0,3}",
        ) {
            let head: String = left.chars().take(cuts.0).collect();
            let tail: String = right.chars().skip(cuts.1).collect();
            query(&format!("{head}{between}{tail}"));
        }

        #[test]
        fn texts_that_look_like_dates_keep_the_promises(
            text in "[0-9]{0,5}(-[0-9]{0,3}){0,3}(T[0-9:.]{0,20}(Z|[+-][0-9:]{0,6})?)?|.{0,40}",
        ) {
            date(&text);
        }
    }
}
