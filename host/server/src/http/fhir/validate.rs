//! `$validate`: what would be said of a resource if it were written (R4, resource-validate).

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use glovebox_fhir::{Interaction, Issue, Limits, Resource, ValidateMode};
use glovebox_gateway::{Answer, Refusal};
use serde_json::Value;

use super::Asked;
use super::format::FHIR_JSON;
use super::route_error::RouteError;

/// `POST [type]/$validate` and `POST [type]/[id]/$validate`.
pub(super) async fn call(
    asked: Asked<'_>,
    resource_type: &str,
    id: Option<&str>,
) -> Result<Response, RouteError> {
    let granted = asked.granted;
    let mut pairs = asked.request.pairs.clone();
    let named = pairs.take_one("mode")?;
    pairs.expect_none()?;
    let (resource, inner) = input(&asked.request.body, resource_type)?;
    let mode = mode(named.or(inner).as_deref(), id)?;
    let validate = Interaction::validate(resource_type, id, resource, mode)
        .map_err(|problem| invalid(problem.to_string()))?;
    let answer = asked
        .app
        .gateway
        .execute(&granted.session, &granted.pass, validate);
    let issues = answer.await?.release(&granted.pass, |answer| match answer {
        Answer::Validated(issues) => Some(issues),
        _ => None,
    });
    let issues = issues.map_err(Refusal::from)?.ok_or(RouteError::Failed)?;
    let body = Issue::outcome(&issues).to_bytes();
    Ok(([(header::CONTENT_TYPE, FHIR_JSON)], body).into_response())
}

fn invalid(problem: impl Into<String>) -> RouteError {
    RouteError::Invalid(problem.into())
}

fn mode(named: Option<&str>, id: Option<&str>) -> Result<ValidateMode, RouteError> {
    match (named, id) {
        (None, None) | (Some("create"), _) => Ok(ValidateMode::Create),
        (None, Some(_)) | (Some("update"), _) => Ok(ValidateMode::Update),
        (Some("delete"), _) => Ok(ValidateMode::Delete),
        (Some(_), _) => Err(invalid("`mode` is create, update or delete")),
    }
}

/// The resource to judge and the mode: the body is the resource, or a Parameters with both.
fn input(
    body: &[u8],
    resource_type: &str,
) -> Result<(Option<Resource>, Option<String>), RouteError> {
    if body.is_empty() {
        return Ok((None, None));
    }
    let read = |bytes: &[u8]| {
        Resource::parse(bytes, Limits::RESOURCE).map_err(|problem| invalid(problem.to_string()))
    };
    let sent = read(body)?;
    if sent.resource_type() != "Parameters" || resource_type == "Parameters" {
        return Ok((Some(sent), None));
    }
    let (mut resource, mut mode) = (None, None);
    let parameters = sent.value().get("parameter").and_then(Value::as_array);
    for parameter in parameters.into_iter().flatten() {
        let text = |name: &str| parameter.get(name).and_then(Value::as_str);
        match (text("name"), parameter.get("resource")) {
            (Some("resource"), Some(inner)) if resource.is_none() => {
                resource = Some(read(inner.to_string().as_bytes())?);
            }
            (Some("mode"), None) if mode.is_none() => {
                mode = text("valueCode").map(str::to_owned);
            }
            _ => {
                return Err(invalid(
                    "`$validate` takes `resource` and `mode`, each once; profiles are not known here",
                ));
            }
        }
    }
    Ok((resource, mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_is_a_resource_or_parameters_with_one() {
        let plain = br#"{"resourceType":"Patient"}"#;
        let (resource, mode) = input(plain, "Patient").unwrap();
        assert_eq!(resource.map(|one| one.resource_type()), Some("Patient"));
        assert_eq!(mode, None);
        let wrapped = br#"{"resourceType":"Parameters","parameter":[
            {"name":"mode","valueCode":"update"},
            {"name":"resource","resource":{"resourceType":"Patient","multipleBirthInteger":1}}]}"#;
        let (resource, mode) = input(wrapped, "Patient").unwrap();
        assert_eq!(resource.map(|one| one.resource_type()), Some("Patient"));
        assert_eq!(mode.as_deref(), Some("update"));
        assert_eq!(input(b"", "Patient").unwrap(), (None, None));
        for wrong in [
            r#"{"resourceType":"Parameters","parameter":[{"name":"profile","valueUri":"x"}]}"#,
            r#"{"resourceType":"Parameters","parameter":[{"name":"resource","resource":{}}]}"#,
            "{",
        ] {
            assert!(input(wrong.as_bytes(), "Patient").is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_mode_follows_the_address_unless_it_is_said() {
        assert_eq!(mode(None, None).unwrap(), ValidateMode::Create);
        assert_eq!(mode(None, Some("a")).unwrap(), ValidateMode::Update);
        assert_eq!(
            mode(Some("delete"), Some("a")).unwrap(),
            ValidateMode::Delete
        );
        assert!(mode(Some("profile"), None).is_err());
    }
}
