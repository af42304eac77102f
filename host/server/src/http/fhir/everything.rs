//! `Patient/[id]/$everything`: what there is about one patient, page by page.

use axum::response::Response;
use glovebox_fhir::{Limits, Resource};
use glovebox_gateway::{Everything, Page, Refusal};
use serde_json::Value;

use super::query::Pairs;
use super::route_error::RouteError;
use super::search::{self, PAGE};
use super::{Asked, history};

/// `GET` with parameters in the address, or `POST` with a Parameters resource.
pub(super) async fn call(asked: Asked<'_>, patient: &str) -> Result<Response, RouteError> {
    let (gateway, granted) = (&asked.app.gateway, asked.granted);
    let (session, pass) = (&granted.session, &granted.pass);
    let address = format!("{}/Patient/{patient}/$everything", asked.base());
    let mut pairs = asked.request.pairs.clone();
    if let Some(sealed) = pairs.take_one(PAGE)? {
        pairs.expect_none()?;
        let opened = gateway.open_cursor(&search::binding(asked), &sealed).ok();
        let cursor = opened.ok_or_else(|| search::bad_page(asked))?;
        let page = gateway.everything_page(session, pass, &cursor).await;
        // A link of a search or history leads nowhere from here.
        let page = page.map_err(|refusal| match refusal {
            Refusal::BadCursor => search::bad_page(asked),
            other => other.into(),
        })?;
        let page = page.release(pass, |page| page).map_err(Refusal::from)?;
        return respond(
            asked,
            &address,
            &format!("{address}?{PAGE}={sealed}"),
            &page,
        );
    }
    if asked.request.form.is_some() {
        pairs.extend(of_body(&asked.request.body)?);
    }
    let own = search::url(&address, pairs.as_slice());
    let page = gateway
        .everything(session, pass, patient, &wanted(pairs)?)
        .await?;
    let page = page.release(pass, |page| page).map_err(Refusal::from)?;
    respond(asked, &address, &own, &page)
}

fn respond(
    asked: Asked<'_>,
    address: &str,
    own: &str,
    page: &Page,
) -> Result<Response, RouteError> {
    let next = match &page.next {
        None => None,
        Some(cursor) => {
            let sealed = asked
                .app
                .gateway
                .seal_cursor(&search::binding(asked), cursor)?;
            Some(format!("{address}?{PAGE}={sealed}"))
        }
    };
    Ok(search::respond(asked, own, next.as_deref(), page))
}

fn wanted(mut pairs: Pairs) -> Result<Everything, RouteError> {
    let types = pairs.take("_type");
    let types = types
        .iter()
        .flat_map(|list| list.split(','))
        .map(str::to_owned)
        .collect();
    let since = pairs.take_one("_since")?;
    let count = pairs.take_one("_count")?;
    let wanted = Everything {
        types,
        since: since.as_deref().map(history::instant).transpose()?,
        start: pairs.take_one("start")?,
        end: pairs.take_one("end")?,
        count: match count {
            None => None,
            Some(text) => Some(
                text.parse()
                    .map_err(|_| RouteError::Invalid("`_count` is a whole number".to_owned()))?,
            ),
        },
    };
    match pairs.as_slice() {
        [] => Ok(wanted),
        _ => Err(RouteError::Invalid(
            "`$everything` takes `_type`, `_since`, `_count`, `start` and `end`".to_owned(),
        )),
    }
}

/// The parameters of a Parameters resource, each as its text.
fn of_body(body: &[u8]) -> Result<Pairs, RouteError> {
    let invalid = |problem: String| RouteError::Invalid(problem);
    let parsed = Resource::parse(body, Limits::RESOURCE).map_err(|p| invalid(p.to_string()))?;
    if parsed.resource_type() != "Parameters" {
        return Err(invalid(
            "the body of an operation is a Parameters resource".to_owned(),
        ));
    }
    let mut pairs = Pairs::default();
    let parameters = parsed.value().get("parameter").and_then(Value::as_array);
    for parameter in parameters.into_iter().flatten() {
        let members = parameter.as_object().into_iter().flatten();
        let value = members
            .filter(|(name, _)| name.starts_with("value"))
            .map(|(_, value)| {
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            })
            .next();
        match (parameter.get("name").and_then(Value::as_str), value) {
            (Some(name), Some(value)) => pairs.push(name, &value),
            _ => {
                return Err(invalid(
                    "each parameter has a `name` and a value".to_owned(),
                ));
            }
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_and_body_say_the_same() {
        let body = br#"{"resourceType":"Parameters","parameter":[
            {"name":"_type","valueCode":"Observation"},{"name":"_count","valueInteger":5},
            {"name":"start","valueDate":"2024-01-01"}]}"#;
        let of_address = Pairs::parse("_type=Observation&_count=5&start=2024-01-01").unwrap();
        let of_body = of_body(body).unwrap();
        assert_eq!(wanted(of_body).unwrap(), wanted(of_address).unwrap());
        let types = wanted(Pairs::parse("_type=Observation,Condition&_type=Goal").unwrap());
        assert_eq!(types.unwrap().types, ["Observation", "Condition", "Goal"]);
    }

    #[test]
    fn what_it_does_not_take_is_refused() {
        for query in [
            "_count=x",
            "_since=yesterday",
            "start=1&start=2",
            "_elements=id",
        ] {
            assert!(wanted(Pairs::parse(query).unwrap()).is_err(), "{query}");
        }
        for body in [
            "{",
            r#"{"resourceType":"Patient"}"#,
            r#"{"resourceType":"Parameters","parameter":[{"name":"x"}]}"#,
        ] {
            assert!(of_body(body.as_bytes()).is_err(), "{body}");
        }
    }
}
