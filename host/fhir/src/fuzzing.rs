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

/// A patch in either form: it is refused or applied within bounds, says nothing else about
/// which resource it is, and comes to the same twice. A FHIRPath of its own is tried too.
pub fn patch(text: &str) {
    let quoted = serde_json::Value::from(text).to_string();
    let by_path = format!(
        r#"{{"resourceType":"Parameters","parameter":[{{"name":"operation","part":[
        {{"name":"type","valueCode":"replace"}},{{"name":"path","valueString":{quoted}}},
        {{"name":"value","valueString":"x"}}]}}]}}"#
    );
    for bytes in [text.as_bytes(), by_path.as_bytes()] {
        let Ok(patch) = crate::Patch::parse(bytes) else {
            continue;
        };
        for before in patients() {
            let Ok(after) = patch.apply(&before) else {
                continue;
            };
            assert_eq!(after.resource_type(), before.resource_type());
            assert_eq!(after.id(), before.id());
            assert!(after.bytes().len() <= Limits::RESOURCE.bytes_max);
            assert_eq!(patch.apply(&before).as_ref(), Ok(&after));
            let _ = crate::validate(&after);
        }
    }
}

/// A batch or transaction, or the `url` of one entry: whatever is understood leads to a
/// type and id of this server and nowhere else.
pub fn submission(text: &str) {
    let base = "https://here.example/fhir";
    let quoted = serde_json::Value::from(text).to_string();
    let entry = |method: &str| format!(r#"{{"request":{{"method":"{method}","url":{quoted}}}}}"#);
    let by_url = format!(
        r#"{{"resourceType":"Bundle","type":"batch","entry":[{},{}]}}"#,
        entry("GET"),
        entry("DELETE")
    );
    for bytes in [text.as_bytes(), by_url.as_bytes()] {
        let Ok(submission) = crate::Submission::split(bytes, base) else {
            continue;
        };
        for mut request in submission.entries.into_iter().flatten() {
            assert!(crate::is_resource_type(request.resource_type()));
            assert!(request.id().is_none_or(glovebox_model::id::is_fhir_id));
            let links = request.conditional_references();
            let targets = links
                .iter()
                .map(|link| (link.clone(), "Patient/1".to_owned()));
            request.resolve(&targets.collect());
            assert!(request.conditional_references().is_empty());
            if let Ok(interaction) = request.interaction() {
                assert_eq!(interaction.resource_type(), request.resource_type());
            }
        }
    }
}

fn patients() -> impl Iterator<Item = Resource> {
    [
        r#"{"resourceType":"Patient","id":"a","active":true,"name":[{"use":"official","family":"Rossi","given":["Anna","Maria"],"_given":[null,{"id":"g"}]},{"given":["A"]}],"multipleBirthInteger":2}"#,
        r#"{"resourceType":"Observation","id":"b","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.00},"component":[{"code":{"text":"y"},"valueInteger":1}],"contained":[{"resourceType":"Patient","id":"p"}]}"#,
    ]
    .into_iter()
    .filter_map(|text| Resource::parse(text.as_bytes(), Limits::RESOURCE).ok())
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
        for text in include_str!("fuzzing/patches.txt").lines() {
            patch(text);
        }
        for text in include_str!("fuzzing/submissions.txt").lines() {
            submission(text);
        }
    }

    /// Two lines of a corpus, cut and joined anywhere, with something in between.
    fn spliced(corpus: &'static str) -> impl Strategy<Value = String> {
        let lines: Vec<&'static str> = corpus.lines().collect();
        let line = || prop::sample::select(lines.clone());
        let cut = || 0..120_usize;
        (
            line(),
            cut(),
            "[\\[\\]{}\",:/.$%?'()0-2a-c]{0,4}",
            line(),
            cut(),
        )
            .prop_map(|(left, head, between, right, tail)| {
                let head: String = left.chars().take(head).collect();
                let tail: String = right.chars().skip(tail).collect();
                format!("{head}{between}{tail}")
            })
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
        fn spliced_patches_keep_the_promises(
            text in spliced(include_str!("fuzzing/patches.txt")),
        ) {
            patch(&text);
        }

        #[test]
        fn spliced_submissions_keep_the_promises(
            text in spliced(include_str!("fuzzing/submissions.txt")),
        ) {
            submission(&text);
        }

        #[test]
        fn texts_that_look_like_dates_keep_the_promises(
            text in "[0-9]{0,5}(-[0-9]{0,3}){0,3}(T[0-9:.]{0,20}(Z|[+-][0-9:]{0,6})?)?|.{0,40}",
        ) {
            date(&text);
        }
    }
}
