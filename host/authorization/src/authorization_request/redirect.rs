//! Where an authorization request is answered (RFC 6749 section 4.1.2, RFC 9207).

use url::form_urlencoded;

/// `error` of an answer (RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6,
/// RFC 8707).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectError {
    /// A parameter is missing, repeated or wrong.
    InvalidRequest,
    /// This client may not ask for codes.
    UnauthorizedClient,
    /// The user, or a rule about the user, said no.
    AccessDenied,
    /// Only `code` is given out here.
    UnsupportedResponseType,
    /// Nothing that was asked for can be granted.
    InvalidScope,
    /// The server failed.
    ServerError,
    /// Too many others wait.
    TemporarilyUnavailable,
    /// `resource` is not this FHIR base.
    InvalidTarget,
    /// `prompt=none`, and nobody is signed in.
    LoginRequired,
    /// `prompt=none`, and the user would have to decide.
    ConsentRequired,
    /// `prompt=none`, and the user would have to choose.
    InteractionRequired,
    /// Request objects are not taken.
    RequestNotSupported,
    /// Request objects by reference are not taken.
    RequestUriNotSupported,
}

impl RedirectError {
    /// How it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InvalidTarget => "invalid_target",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
        }
    }
}

/// An answer on its way to a registered address.
#[derive(Clone, PartialEq, Eq)]
pub struct Redirect {
    uri: String,
    pairs: Vec<(&'static str, String)>,
}

impl Redirect {
    pub(super) fn new(redirect_uri: &str, state: Option<&str>) -> Self {
        Self {
            uri: redirect_uri.to_owned(),
            pairs: state
                .map(|state| ("state", state.to_owned()))
                .into_iter()
                .collect(),
        }
    }

    pub(super) fn with_code(mut self, code: &str) -> Self {
        self.pairs.insert(0, ("code", code.to_owned()));
        self
    }

    pub(super) fn with_error(mut self, error: RedirectError, description: &str) -> Self {
        let pairs = [
            ("error", error.as_str().to_owned()),
            ("error_description", description.to_owned()),
        ];
        self.pairs.splice(0..0, pairs);
        self
    }

    /// The whole address, with the issuer that answers (RFC 9207). The address that was
    /// registered stays as it is, its own query included.
    pub fn address(&self, issuer: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.pairs {
            query.append_pair(name, value);
        }
        query.append_pair("iss", issuer);
        let joint = match self.uri.contains('?') {
            true => '&',
            false => '?',
        };
        format!("{}{joint}{}", self.uri, query.finish())
    }
}

/// Without the code, which is a secret.
impl std::fmt::Debug for Redirect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redirect")
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}
