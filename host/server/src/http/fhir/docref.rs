//! `DocumentReference/$docref` (US Core): the documents of a patient, as a search.

use axum::response::Response;
use glovebox_fhir::{Limits, Resource};
use serde_json::Value;

use super::Asked;
use super::query::Pairs;
use super::route_error::RouteError;
use super::search;

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    patient: Option<String>,
    start: Option<String>,
    end: Option<String>,
    document_type: Option<String>,
    on_demand: bool,
}

/// `GET` with parameters in the address, or `POST` with a Parameters resource.
pub(super) async fn call(asked: Asked<'_>) -> Result<Response, RouteError> {
    let wanted = if asked.request.form.is_some() {
        asked.request.pairs.expect_none()?;
        of_body(&asked.request.body)?
    } else {
        of_pairs(asked.request.pairs.clone())?
    };
    search::run(asked, "DocumentReference", pairs(&wanted)?).await
}

fn invalid<T>(problem: &str) -> Result<T, RouteError> {
    Err(RouteError::Invalid(problem.to_owned()))
}

/// The search that finds them. Without a time, what is current, the newest first.
fn pairs(wanted: &Wanted) -> Result<Pairs, RouteError> {
    if wanted.on_demand {
        return invalid("documents are not made on demand here: leave `on-demand` out");
    }
    let Some(patient) = &wanted.patient else {
        return invalid("`$docref` needs `patient`, the id of a Patient");
    };
    let mut pairs = Pairs::default();
    pairs.push("patient", patient);
    if let Some(document_type) = &wanted.document_type {
        pairs.push("type", document_type);
    }
    if let Some(start) = &wanted.start {
        pairs.push("period", &format!("ge{start}"));
    }
    if let Some(end) = &wanted.end {
        pairs.push("period", &format!("le{end}"));
    }
    if wanted.start.is_none() && wanted.end.is_none() {
        pairs.push("status", "current");
    }
    pairs.push("_sort", "-date");
    Ok(pairs)
}

fn of_pairs(mut pairs: Pairs) -> Result<Wanted, RouteError> {
    let wanted = Wanted {
        patient: pairs.take_one("patient")?,
        start: pairs.take_one("start")?,
        end: pairs.take_one("end")?,
        document_type: pairs.take_one("type")?,
        on_demand: match pairs.take_one("on-demand")?.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return invalid("`on-demand` is true or false"),
        },
    };
    match pairs.as_slice() {
        [] => Ok(wanted),
        _ => invalid("`$docref` takes `patient`, `start`, `end`, `type` and `on-demand`"),
    }
}

fn of_body(body: &[u8]) -> Result<Wanted, RouteError> {
    let parsed = Resource::parse(body, Limits::RESOURCE)
        .map_err(|problem| RouteError::Invalid(problem.to_string()))?;
    if parsed.resource_type() != "Parameters" {
        return invalid("the body of an operation is a Parameters resource");
    }
    let mut wanted = Wanted::default();
    let parameters = parsed.value().get("parameter").and_then(Value::as_array);
    for parameter in parameters.into_iter().flatten() {
        let text = |name: &str| {
            parameter
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let (slot, value) = match parameter.get("name").and_then(Value::as_str) {
            Some("patient") => (&mut wanted.patient, text("valueId")),
            Some("start") => (
                &mut wanted.start,
                text("valueDate").or(text("valueDateTime")),
            ),
            Some("end") => (&mut wanted.end, text("valueDate").or(text("valueDateTime"))),
            Some("type") => (&mut wanted.document_type, coding(parameter)),
            Some("on-demand") => {
                wanted.on_demand |= parameter.get("valueBoolean") != Some(&Value::Bool(false));
                continue;
            }
            _ => {
                return invalid(
                    "`$docref` takes `patient`, `start`, `end`, `type` and `on-demand`",
                );
            }
        };
        if value.is_none() || slot.is_some() {
            return invalid(
                "a parameter of `$docref` has another value type, or stands there twice",
            );
        }
        *slot = value;
    }
    Ok(wanted)
}

/// `system|code` of a valueCodeableConcept or valueCoding.
fn coding(parameter: &Value) -> Option<String> {
    let coding = parameter
        .pointer("/valueCodeableConcept/coding/0")
        .or_else(|| parameter.get("valueCoding"))?;
    let text = |name: &str| coding.get(name).and_then(Value::as_str);
    let escape = |text: &str| {
        text.replace('\\', "\\\\")
            .replace(',', "\\,")
            .replace('|', "\\|")
    };
    let code = escape(text("code")?);
    Some(match text("system") {
        Some(system) => format!("{}|{code}", escape(system)),
        None => code,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_query(query: &str) -> Result<String, RouteError> {
        pairs(&of_pairs(Pairs::parse(query).unwrap())?)
            .map(|pairs| super::super::query::encode(pairs.as_slice()))
    }

    #[test]
    fn a_call_becomes_a_search_of_the_patients_documents() {
        assert_eq!(
            of_query("patient=a").unwrap(),
            "patient=a&status=current&_sort=-date"
        );
        assert_eq!(
            of_query("patient=a&start=2023&end=2024-05&on-demand=false").unwrap(),
            "patient=a&period=ge2023&period=le2024-05&_sort=-date"
        );
        let body = br#"{"resourceType":"Parameters","parameter":[
            {"name":"patient","valueId":"a"},
            {"name":"type","valueCodeableConcept":{"coding":[{"system":"http://loinc.org","code":"34133-9"}]}}]}"#;
        let wanted = of_body(body).unwrap();
        assert_eq!(
            wanted.document_type.as_deref(),
            Some("http://loinc.org|34133-9")
        );
        assert_eq!(wanted.patient.as_deref(), Some("a"));
    }

    #[test]
    fn what_it_cannot_do_is_refused() {
        for query in [
            "",
            "start=2023",
            "patient=a&on-demand=true",
            "patient=a&on-demand=maybe",
            "patient=a&patient=b",
            "patient=a&profile=x",
        ] {
            assert!(of_query(query).is_err(), "{query}");
        }
        for body in [
            r#"{"resourceType":"Patient"}"#,
            r#"{"resourceType":"Parameters","parameter":[{"name":"patient","valueString":"a"}]}"#,
            r#"{"resourceType":"Parameters","parameter":[{"name":"patient","valueId":"a"},{"name":"patient","valueId":"b"}]}"#,
            r#"{"resourceType":"Parameters","parameter":[{"name":"who","valueId":"a"}]}"#,
        ] {
            assert!(of_body(body.as_bytes()).is_err(), "{body}");
        }
    }
}
