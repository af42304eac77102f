//! The form of a token request (RFC 6749 section 3.2), before anything in it is believed.

use crate::token_endpoint::TokenError;

const PARAMETERS_MAX: usize = 64;
const REQUEST_BYTES_MAX: usize = 64 << 10;

/// The parameters of a token request, each at most once.
#[derive(Debug)]
pub struct TokenRequest {
    parameters: Vec<(String, String)>,
    has_authorization_header: bool,
}

impl TokenRequest {
    /// Takes the decoded form fields in order, and whether the request carried an
    /// `Authorization` header. Parameters that the server does not know are ignored, an
    /// empty value counts as none, a repeated name is refused (RFC 6749 section 3.2).
    pub fn new(
        pairs: impl IntoIterator<Item = (String, String)>,
        has_authorization_header: bool,
    ) -> Result<Self, TokenError> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        let mut bytes = 0_usize;
        for (name, value) in pairs {
            bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
            if parameters.len() >= PARAMETERS_MAX || bytes > REQUEST_BYTES_MAX {
                return Err(TokenError::InvalidRequest("the request is too large"));
            }
            if parameters.iter().any(|(known, _)| *known == name) {
                return Err(TokenError::InvalidRequest("a parameter is repeated"));
            }
            parameters.push((name, value));
        }
        Ok(Self {
            parameters,
            has_authorization_header,
        })
    }

    /// A parameter's value, unless it is missing or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Whether the request carried an `Authorization` header.
    pub fn has_authorization_header(&self) -> bool {
        self.has_authorization_header
    }
}
