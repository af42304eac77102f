//! Reading the parameters of an authorization request.

use glovebox_model::scope::{Level, Scope, ScopeSet, TOKENS_MAX};
use glovebox_model::{TenantId, Timestamp};

use super::{
    AuthorizationRequests, AuthorizeRefused, PendingRequest, Prompt, Redirect, RedirectError,
};
use crate::clients::{ClientKind, is_known};
use crate::context::GrantContext;
use crate::dpop;
use crate::pkce::Challenge;
use crate::redirect_uri;
use crate::{Client, Error, secret};

const STATE_BYTES_MAX: usize = 4 << 10;
const NONCE_BYTES_MAX: usize = 512;
const HINT_BYTES_MAX: usize = 320;
const LAUNCH_BYTES_MAX: usize = 128;
const PARAMETERS_MAX: usize = 64;

/// Why nobody is redirected: the address is not known to be the client's (RFC 6749
/// section 4.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unredirectable {
    /// `client_id` is missing, repeated or unknown in this tenant.
    Client,
    /// `redirect_uri` is missing, repeated or not registered for the client.
    RedirectUri,
    /// The pushed request is unknown, used, too old, or another client's.
    RequestUri,
}

impl Unredirectable {
    /// The stable word for the ledger.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Client => "client-unknown",
            Self::RedirectUri => "redirect-uri",
            Self::RequestUri => "request-uri",
        }
    }
}

/// What this server reads. Whatever else there is changes nothing (RFC 6749 section 3.1).
pub(super) const KNOWN: [&str; 18] = [
    "response_type",
    "response_mode",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "aud",
    "resource",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "launch",
    "nonce",
    "prompt",
    "max_age",
    "login_hint",
    "request",
    "request_uri",
];

/// The parameters; a repeated one has no value that could be believed.
struct Parameters<'a>(&'a [(String, String)]);

impl<'a> Parameters<'a> {
    /// The value of a parameter that stands there once and is not empty.
    fn get(&self, name: &str) -> Option<&'a str> {
        let mut values = self.0.iter().filter(|(known, _)| known == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) if !value.is_empty() => Some(value),
            _ => None,
        }
    }

    fn has_repeated(&self) -> bool {
        let count = |name: &str| self.0.iter().filter(|(known, _)| known == name).count();
        KNOWN.iter().any(|name| count(name) > 1)
    }
}

type Wrong = (RedirectError, &'static str);

fn invalid(description: &'static str) -> Wrong {
    (RedirectError::InvalidRequest, description)
}

impl AuthorizationRequests {
    /// Reads what a browser brought without a reference: a client that pushes its requests
    /// takes part in no other (RFC 9126 section 6).
    pub(super) async fn read_unpushed(
        &self,
        tenant: &TenantId,
        fhir_base: &str,
        pairs: &[(String, String)],
        now: Timestamp,
    ) -> Result<Result<PendingRequest, AuthorizeRefused>, Error> {
        let read = self.read(tenant, fhir_base, pairs, now).await?;
        Ok(match read {
            Ok(request) if request.client.rules.require_pushed_authorization_requests => {
                let error = RedirectError::InvalidRequest;
                let description = "this client has to push its authorization requests";
                Err(AuthorizeRefused::There {
                    error,
                    description,
                    redirect: request.answer().with_error(error, description),
                    client: Box::new(request.client),
                })
            }
            other => other,
        })
    }

    /// Reads and checks; nothing is kept yet. First of all the address: before it is known
    /// to be the client's, nothing is sent there.
    pub(super) async fn read(
        &self,
        tenant: &TenantId,
        fhir_base: &str,
        pairs: &[(String, String)],
        now: Timestamp,
    ) -> Result<Result<PendingRequest, AuthorizeRefused>, Error> {
        let here = |why| Ok(Err(AuthorizeRefused::Here(why)));
        let parameters = Parameters(pairs);
        let client = match parameters.get("client_id").map(str::parse) {
            Some(Ok(id)) => self.clients.get(tenant, &id).await?,
            _ => None,
        };
        let Some(client) = client else {
            return here(Unredirectable::Client);
        };
        let redirect_uri = parameters
            .get("redirect_uri")
            .filter(|uri| redirect_uri::is_registered(uri, &client.redirect_uris));
        let Some(redirect_uri) = redirect_uri else {
            return here(Unredirectable::RedirectUri);
        };
        let state = state(&parameters);
        let checked = check(tenant, fhir_base, &parameters, &client, redirect_uri, now)?;
        let full = (
            RedirectError::TemporarilyUnavailable,
            "too many requests wait to be answered: try again in a few minutes",
        );
        match checked.and_then(|request| self.recent.admits(now).then_some(request).ok_or(full)) {
            Ok(request) => Ok(Ok(request)),
            Err((error, description)) => {
                let redirect = Redirect::new(redirect_uri, state);
                Ok(Err(AuthorizeRefused::There {
                    error,
                    description,
                    redirect: redirect.with_error(error, description),
                    client: Box::new(client),
                }))
            }
        }
    }
}

/// `state`, if it can be given back byte for byte.
fn state<'a>(parameters: &Parameters<'a>) -> Option<&'a str> {
    let fits = |state: &&str| {
        // U+FFFD stands where bytes were that are no UTF-8: those cannot be given back.
        state.len() <= STATE_BYTES_MAX && !state.contains('\u{fffd}')
    };
    parameters.get("state").filter(fits)
}

fn check(
    tenant: &TenantId,
    fhir_base: &str,
    parameters: &Parameters<'_>,
    client: &Client,
    redirect_uri: &str,
    now: Timestamp,
) -> Result<Result<PendingRequest, Wrong>, Error> {
    let id = secret::random_id()?;
    Ok((|| {
        if parameters.0.len() > PARAMETERS_MAX {
            return Err(invalid("there are too many parameters"));
        }
        if parameters.has_repeated() {
            return Err(invalid("a parameter is repeated"));
        }
        if parameters.get("request").is_some() {
            let description = "request objects are not taken";
            return Err((RedirectError::RequestNotSupported, description));
        }
        if parameters.get("request_uri").is_some() {
            let description = "request objects are not taken";
            return Err((RedirectError::RequestUriNotSupported, description));
        }
        match parameters.get("response_type") {
            Some("code") => {}
            None => return Err(invalid("response_type is missing")),
            Some(_) => {
                let description = "response_type must be code";
                return Err((RedirectError::UnsupportedResponseType, description));
            }
        }
        if parameters
            .get("response_mode")
            .is_some_and(|mode| mode != "query")
        {
            return Err(invalid("response_mode must be query"));
        }
        if client.kind == ClientKind::Backend {
            let description = "a backend service asks the token endpoint";
            return Err((RedirectError::UnauthorizedClient, description));
        }
        let state = state(parameters).ok_or(invalid("state is missing, too long or not UTF-8"))?;
        check_audience(parameters, fhir_base)?;
        let challenge = challenge(parameters)?;
        let launch = parameters.get("launch");
        let (scope, dropped) = scope(parameters, client, launch.is_some())?;
        let bounded = |name: &str, max: usize| match parameters.get(name) {
            Some(text) if text.len() > max || text.chars().any(char::is_control) => {
                Err(invalid("a parameter is too long or has control characters"))
            }
            text => Ok(text.map(str::to_owned)),
        };
        Ok(PendingRequest {
            id,
            tenant: tenant.clone(),
            client: client.clone(),
            scope,
            dropped,
            login_hint: bounded("login_hint", HINT_BYTES_MAX)?,
            context: GrantContext::default(),
            is_ehr_launch: false,
            has_encounter_choice: false,
            browser_session: None,
            created_at: now,
            redirect_uri: redirect_uri.to_owned(),
            state: state.to_owned(),
            challenge,
            thumbprint: match parameters.get("dpop_jkt") {
                Some(text) if !dpop::is_thumbprint(text) => {
                    return Err(invalid("dpop_jkt is not a SHA-256 in base64url"));
                }
                text => text.map(str::to_owned),
            },
            nonce: bounded("nonce", NONCE_BYTES_MAX)?,
            prompt: prompt(parameters)?,
            max_age: match parameters.get("max_age").map(str::parse) {
                None => None,
                Some(Ok(seconds)) => Some(seconds),
                Some(Err(_)) => return Err(invalid("max_age is not a number of seconds")),
            },
            launch: bounded("launch", LAUNCH_BYTES_MAX)?,
            version: 0,
        })
    })())
}

/// `aud` names the FHIR server for which the token is meant, and `resource` (RFC 8707) may
/// say it again.
fn check_audience(parameters: &Parameters<'_>, fhir_base: &str) -> Result<(), Wrong> {
    let wrong = (
        RedirectError::InvalidTarget,
        "resource is not this server's FHIR base",
    );
    match (parameters.get("aud"), parameters.get("resource")) {
        (None, None) => Err(invalid("aud is missing")),
        (Some(aud), _) if !is_base(aud, fhir_base) => {
            Err(invalid("aud is not this server's FHIR base"))
        }
        (_, Some(resource)) if !is_base(resource, fhir_base) => Err(wrong),
        _ => Ok(()),
    }
}

/// Whether a URL is the FHIR base: one slash at its end more or less, and the case of its
/// host, make no difference; anything else does.
fn is_base(text: &str, fhir_base: &str) -> bool {
    let parts = |url: &str| {
        let (scheme, rest) = url.split_once("://")?;
        let end = rest.find('/').unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        let path = path.strip_suffix('/').unwrap_or(path);
        Some((
            scheme.to_ascii_lowercase(),
            host.to_ascii_lowercase(),
            path.to_owned(),
        ))
    };
    let asked = parts(text);
    asked.is_some() && asked == parts(fhir_base)
}

fn challenge(parameters: &Parameters<'_>) -> Result<Challenge, Wrong> {
    let text = parameters.get("code_challenge").ok_or(invalid(
        "code_challenge is missing: PKCE with S256 is required",
    ))?;
    // Without a method, RFC 7636 means `plain`.
    if parameters.get("code_challenge_method") != Some("S256") {
        return Err(invalid("code_challenge_method must be S256"));
    }
    Challenge::parse(text).ok_or(invalid("code_challenge is not a SHA-256 in base64url"))
}

fn prompt(parameters: &Parameters<'_>) -> Result<Prompt, Wrong> {
    let mut prompt = Prompt::default();
    for word in parameters.get("prompt").unwrap_or_default().split(' ') {
        match word {
            "" => {}
            "none" => prompt.none = true,
            // Choosing another account is signing in again.
            "login" | "select_account" => prompt.login = true,
            "consent" => prompt.consent = true,
            _ => return Err(invalid("prompt holds a word that is not known")),
        }
    }
    if prompt.none && (prompt.login || prompt.consent) {
        return Err(invalid("prompt=none cannot be combined"));
    }
    Ok(prompt)
}

/// What of the scope can be granted to this client, and what cannot. What is not understood
/// as a whole is dropped as a whole; if nothing is left, that is an error.
fn scope(
    parameters: &Parameters<'_>,
    client: &Client,
    has_launch: bool,
) -> Result<(ScopeSet, Vec<String>), Wrong> {
    let missing = (RedirectError::InvalidScope, "scope is missing");
    let text = parameters.get("scope").ok_or(missing)?;
    let tokens: Vec<&str> = text.split(' ').filter(|token| !token.is_empty()).collect();
    if tokens.len() > TOKENS_MAX {
        return Err((RedirectError::InvalidScope, "scope holds too many tokens"));
    }
    let can_be_asked = |scope: &Scope| match scope {
        Scope::Resource(scope) => scope.level != Level::System,
        // Without a launch from the chart there is no context to give.
        Scope::Launch => has_launch,
        _ => true,
    };
    let asked = ScopeSet::new(
        tokens
            .iter()
            .filter_map(|token| token.parse::<Scope>().ok())
            .filter(can_be_asked)
            .filter(is_known),
    );
    if has_launch && !asked.contains(&Scope::Launch) {
        return Err(invalid("launch was given without the scope launch"));
    }
    let granted = asked.narrow(&client.grantable());
    if granted.resources().next().is_none() && !granted.contains(&Scope::OpenId) {
        let description = "none of the requested scopes can be granted to this client";
        return Err((RedirectError::InvalidScope, description));
    }
    let is_granted = |token: &&&str| {
        token
            .parse::<Scope>()
            .is_ok_and(|scope| is_known(&scope) && granted.covers(&scope))
    };
    let dropped = tokens
        .iter()
        .filter(|token| !is_granted(token))
        .map(|token| token.chars().take(128).collect())
        .collect();
    Ok((granted, dropped))
}
