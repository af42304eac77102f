//! Refusals as OperationOutcomes: which rule, and how to satisfy it.

use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use glovebox_fhir::search::SearchError;
use glovebox_fhir::{Issue, IssueCode, OperationOutcome, Severity};
use glovebox_gateway::Refusal;

use super::format::FHIR_JSON;
use super::route::NoRoute;

/// Why a FHIR request was not answered with a resource.
#[derive(Clone, Debug)]
pub(super) enum RouteError {
    /// There is no such tenant.
    NoSuchTenant,
    /// No bearer token was sent (RFC 6750 section 3.1).
    NoToken,
    /// The token is unknown, expired, revoked, or of another tenant.
    BadToken,
    /// The token is bound to a key, and what came with it does not prove that key (RFC 9449
    /// section 7.1); carries the `error`.
    BadProof(&'static str),
    /// Another format than JSON was asked for.
    NotAcceptable,
    /// The body is not JSON in UTF-8, or not what this address takes.
    UnsupportedMediaType,
    /// The address is none of this server's; says which rule it breaks.
    Unknown(&'static str),
    /// The address does not have this method; carries those that it has.
    Method(&'static [Method]),
    /// The address is too long.
    LongAddress,
    /// The body is larger than this many bytes.
    TooLarge(usize),
    /// The body did not arrive in time.
    SlowBody,
    /// The request is not valid; says what and how to mend it.
    Invalid(String),
    /// The request is valid FHIR that this server does not do; says what.
    NotSupported(String),
    /// It took too long.
    TimedOut,
    /// The gateway refused.
    Refused(Refusal),
    /// The server failed; the cause is in the log.
    Failed,
}

impl From<Refusal> for RouteError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<SearchError> for RouteError {
    fn from(problem: SearchError) -> Self {
        match problem.is_unsupported() {
            true => Self::NotSupported(problem.to_string()),
            false => Self::Invalid(problem.to_string()),
        }
    }
}

impl From<NoRoute> for RouteError {
    fn from(problem: NoRoute) -> Self {
        match problem {
            NoRoute::Malformed(rule) => Self::Invalid(rule.to_owned()),
            NoRoute::Unknown(rule) => Self::Unknown(rule),
            NoRoute::Method(allowed) => Self::Method(allowed),
        }
    }
}

impl RouteError {
    pub(super) fn failed(cause: &dyn std::error::Error) -> Self {
        tracing::error!(error = %cause, "a FHIR request failed");
        Self::Failed
    }
}

/// A refusal as FHIR and HTTP say it: the same for a request of its own and for an entry
/// of a batch.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) status: StatusCode,
    pub(super) outcome: OperationOutcome,
    header: Option<(HeaderName, String)>,
}

impl Told {
    fn new(status: StatusCode, code: IssueCode, diagnostics: impl Into<String>) -> Self {
        Self {
            status,
            outcome: OperationOutcome::error(code, &diagnostics.into()),
            header: None,
        }
    }

    fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.header = Some((name, value.into()));
        self
    }

    /// RFC 6750 section 3.
    fn challenge(self, parameters: &str) -> Self {
        self.with(
            header::WWW_AUTHENTICATE,
            format!(r#"Bearer realm="fhir"{parameters}"#),
        )
    }
}

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        let body = self.outcome.to_bytes();
        let mut response = (self.status, [(header::CONTENT_TYPE, FHIR_JSON)], body).into_response();
        if let Some((name, value)) = self.header
            && let Ok(value) = HeaderValue::from_str(&value)
        {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl IntoResponse for RouteError {
    fn into_response(self) -> Response {
        self.told().into_response()
    }
}

impl RouteError {
    pub(super) fn told(self) -> Told {
        match self {
            Self::NoSuchTenant => Told::new(
                StatusCode::NOT_FOUND,
                IssueCode::NotFound,
                "there is no such tenant: the base of a server is `/fhir/[tenant]`",
            ),
            Self::NoToken => Told::new(
                StatusCode::UNAUTHORIZED,
                IssueCode::Login,
                "send an access token as `Authorization: Bearer`",
            )
            .challenge(""),
            Self::BadToken => expired("the access token is not in force: get another"),
            Self::BadProof(error) => Told::new(
                StatusCode::UNAUTHORIZED,
                IssueCode::Login,
                "send this access token as `Authorization: DPoP`, with a fresh proof in `DPoP`",
            )
            .with(
                header::WWW_AUTHENTICATE,
                format!(
                    r#"DPoP realm="fhir", error="{error}", algs="{}""#,
                    glovebox_authorization::DPOP_ALGORITHMS.join(" ")
                ),
            ),
            Self::NotAcceptable => Told::new(
                StatusCode::NOT_ACCEPTABLE,
                IssueCode::NotSupported,
                "this server answers in application/fhir+json, charset utf-8: ask for that",
            ),
            Self::UnsupportedMediaType => Told::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                IssueCode::NotSupported,
                "send application/fhir+json in utf-8 without content encoding; a patch may be \
                 application/json-patch+json, a `_search` is application/x-www-form-urlencoded",
            ),
            Self::Unknown(rule) => Told::new(StatusCode::NOT_FOUND, IssueCode::NotSupported, rule),
            Self::Method(allowed) => {
                let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
                let names = format!("{}, OPTIONS", names.join(", "));
                Told::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    IssueCode::NotSupported,
                    format!("this address has the methods {names}"),
                )
                .with(header::ALLOW, names)
            }
            Self::LongAddress => Told::new(
                StatusCode::URI_TOO_LONG,
                IssueCode::TooLong,
                "the address is too long: send the search by POST to `[type]/_search`",
            ),
            Self::TooLarge(0) => Told::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                IssueCode::TooLong,
                "this request has no body",
            ),
            Self::TooLarge(max) => Told::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                IssueCode::TooLong,
                format!("the body may have {max} bytes at most"),
            ),
            Self::SlowBody => Told::new(
                StatusCode::REQUEST_TIMEOUT,
                IssueCode::Timeout,
                "the body did not arrive in time",
            )
            .with(header::CONNECTION, "close"),
            Self::Invalid(problem) => {
                Told::new(StatusCode::BAD_REQUEST, IssueCode::Invalid, problem)
            }
            Self::NotSupported(what) => {
                Told::new(StatusCode::BAD_REQUEST, IssueCode::NotSupported, what)
            }
            Self::TimedOut => Told::new(
                StatusCode::SERVICE_UNAVAILABLE,
                IssueCode::Timeout,
                "the answer took too long: ask for less, or again later",
            )
            .with(header::RETRY_AFTER, "5"),
            Self::Failed => Told::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                IssueCode::Exception,
                "the server failed",
            ),
            Self::Refused(refusal) => refused(refusal),
        }
    }
}

fn expired(text: &str) -> Told {
    Told::new(StatusCode::UNAUTHORIZED, IssueCode::Expired, text)
        .challenge(r#", error="invalid_token""#)
}

/// What a caller is told of a refusal.
pub(super) fn refused(refusal: Refusal) -> Told {
    match refusal {
        Refusal::NotGranted(scope) => Told::new(
            StatusCode::FORBIDDEN,
            IssueCode::Forbidden,
            format!("this needs the scope {scope}, which was not granted"),
        )
        // The scope is of our own making: letters, digits and a few marks.
        .challenge(&format!(r#", error="insufficient_scope", scope="{scope}""#)),
        Refusal::Relation => Told::new(
            StatusCode::FORBIDDEN,
            IssueCode::Forbidden,
            "the user may not do this for this patient",
        ),
        Refusal::NotFound => Told::new(
            StatusCode::NOT_FOUND,
            IssueCode::NotFound,
            "there is no such resource here",
        ),
        Refusal::Gone => Told::new(
            StatusCode::GONE,
            IssueCode::Deleted,
            "the resource was deleted",
        ),
        Refusal::Conflict(current) => Told::new(
            StatusCode::PRECONDITION_FAILED,
            IssueCode::Conflict,
            format!("the current version is {current}: read it, and send `If-Match` with it"),
        ),
        Refusal::IfMatchRequired => Told::new(
            StatusCode::PRECONDITION_REQUIRED,
            IssueCode::BusinessRule,
            "a change names the version that it was made for: send `If-Match` with its `ETag`",
        ),
        Refusal::OtherRequest => Told::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            IssueCode::BusinessRule,
            "this `Idempotency-Key` was used for another request: give each request its own",
        ),
        Refusal::SeveralMatches => Told::new(
            StatusCode::PRECONDITION_FAILED,
            IssueCode::BusinessRule,
            "the condition has several matches: name one resource",
        ),
        Refusal::NotValid(issues) => Told {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            outcome: Issue::outcome(&issues),
            header: None,
        },
        Refusal::InEntry { index, refusal } => {
            let told = refused(*refusal);
            let place = format!("Bundle.entry[{index}]");
            let text = "this entry was refused, and so nothing of the transaction was done";
            let (severity, code) = (Severity::Information, IssueCode::Informational);
            Told {
                outcome: told.outcome.issue_at(severity, code, &place, text),
                ..told
            }
        }
        Refusal::Invalid(problem) => {
            Told::new(StatusCode::BAD_REQUEST, IssueCode::Invalid, problem)
        }
        Refusal::TooCostly(limit) => {
            Told::new(StatusCode::BAD_REQUEST, IssueCode::TooCostly, limit)
        }
        Refusal::NotSupported(what) => {
            Told::new(StatusCode::BAD_REQUEST, IssueCode::NotSupported, what)
        }
        Refusal::Throttled { retry_after } => Told::new(
            StatusCode::TOO_MANY_REQUESTS,
            IssueCode::Throttled,
            "too many requests: wait as long as `Retry-After` says",
        )
        .with(header::RETRY_AFTER, whole_seconds(retry_after)),
        Refusal::Stopped { limit, retry_after } => Told::new(
            StatusCode::TOO_MANY_REQUESTS,
            IssueCode::Throttled,
            format!("{limit} is used up: this app gives out nothing more until its window is over"),
        )
        .with(header::RETRY_AFTER, whole_seconds(retry_after)),
        Refusal::Terminated(_) => expired("access was withdrawn"),
        Refusal::BadCursor => Told::new(
            StatusCode::GONE,
            IssueCode::NotFound,
            "this page link is not valid for this token any more: search again",
        ),
        Refusal::Unavailable => Told::new(
            StatusCode::SERVICE_UNAVAILABLE,
            IssueCode::Transient,
            "the server cannot answer now: try again",
        )
        .with(header::RETRY_AFTER, "1"),
    }
}

/// `Retry-After` in seconds, rounded up: whoever waits that long finds room.
fn whole_seconds(wait: std::time::Duration) -> String {
    let started = u64::from(wait.subsec_nanos() > 0);
    (wait.as_secs() + started).max(1).to_string()
}
