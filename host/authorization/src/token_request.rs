//! The form of a request to the token, introspection or revocation endpoint (RFC 6749
//! section 3.2, RFC 7662, RFC 7009), before anything in it is believed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use glovebox_model::ClientId;
use zeroize::Zeroizing;

use crate::DpopHeader;
use crate::client_assertion::claimed_issuer;
use crate::token_endpoint::TokenError;

const PARAMETERS_MAX: usize = 64;
const REQUEST_BYTES_MAX: usize = 64 << 10;
const HEADER_BYTES_MAX: usize = 4 << 10;

/// The credentials of an `Authorization: Basic` header.
#[derive(Debug)]
pub(crate) enum Basic {
    /// There is no `Authorization` header.
    None,
    /// There is one, but not with HTTP Basic, or it does not decode.
    Unreadable,
    /// Both decoded as a form decodes them (RFC 6749 section 2.3.1).
    Given {
        id: String,
        secret: Zeroizing<String>,
    },
}

/// The parameters of a request, each at most once.
#[derive(Debug)]
pub struct TokenRequest {
    parameters: Vec<(String, String)>,
    basic: Basic,
    dpop: DpopHeader,
}

impl TokenRequest {
    /// Takes the decoded form fields in order, and the `Authorization` header if there is
    /// one. Parameters that the server does not know are ignored, an empty value counts as
    /// none, a repeated name is refused (RFC 6749 section 3.2).
    ///
    /// # Errors
    /// [`TokenError::InvalidRequest`].
    pub fn new(
        pairs: impl IntoIterator<Item = (String, String)>,
        authorization: Option<&[u8]>,
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
            basic: authorization.map_or(Basic::None, |header| {
                basic(header).unwrap_or(Basic::Unreadable)
            }),
            dpop: DpopHeader::None,
        })
    }

    /// With the `DPoP` header that came with it.
    #[must_use]
    pub fn with_proof(self, dpop: DpopHeader) -> Self {
        Self { dpop, ..self }
    }

    /// The `DPoP` header.
    pub fn proof(&self) -> &DpopHeader {
        &self.dpop
    }

    /// All parameters, in order.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.parameters
    }

    /// The client that the request says it comes from; nothing is proven.
    pub fn claimed_client(&self) -> Option<ClientId> {
        let named = match &self.basic {
            Basic::Given { id, .. } => id.parse().ok(),
            _ => self.get("client_id").and_then(|id| id.parse().ok()),
        };
        named.or_else(|| claimed_issuer(self.get("client_assertion")?))
    }

    /// A parameter's value, unless it is missing or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// A parameter that the endpoint cannot do without.
    ///
    /// # Errors
    /// [`TokenError::InvalidRequest`].
    pub fn required(&self, name: &str) -> Result<&str, TokenError> {
        let missing = TokenError::InvalidRequest("a required parameter is missing");
        self.get(name).ok_or(missing)
    }

    pub(crate) fn basic(&self) -> &Basic {
        &self.basic
    }

    /// Whether the client used HTTP Basic: a refusal then names the scheme (RFC 6749
    /// section 5.2).
    pub fn has_authorization_header(&self) -> bool {
        !matches!(self.basic, Basic::None)
    }
}

fn basic(header: &[u8]) -> Option<Basic> {
    if header.len() > HEADER_BYTES_MAX {
        return None;
    }
    let (scheme, credentials) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(credentials.trim()).ok()?);
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(Basic::Given {
        id: form_decoded(id)?,
        secret: Zeroizing::new(form_decoded(secret)?),
    })
}

/// One `application/x-www-form-urlencoded` value. What clients send that do not encode
/// reads the same, since our ids and secrets need no encoding.
fn form_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Option<(String, String)> {
        match TokenRequest::new([], Some(header.as_bytes()))
            .unwrap()
            .basic
        {
            Basic::Given { id, secret } => Some((id, secret.to_string())),
            _ => None,
        }
    }

    #[test]
    fn basic_is_decoded_as_a_form_is() {
        let encode = |text: &str| format!("Basic {}", STANDARD.encode(text));
        for (text, id, secret) in [
            ("app:secret", "app", "secret"),
            ("app:", "app", ""),
            ("a%3Ab:s%25c%20d+e", "a:b", "s%c d e"),
            ("app:s:t", "app", "s:t"),
        ] {
            let expected = Some((id.to_owned(), secret.to_owned()));
            assert_eq!(read(&encode(text)), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_basic_is_neither_none_nor_a_credential() {
        for header in [
            "",
            "Basic",
            "Bearer abc",
            "Basic ???",
            &format!("Basic {}", STANDARD.encode("no colon")),
            &format!("Basic {}", STANDARD.encode("a:%zz")),
            &format!("Basic {}", STANDARD.encode("a:%2")),
            &format!("Basic {}", STANDARD.encode([b'a', b':', 0xff])),
            &format!("Basic {}", "A".repeat(5_000)),
        ] {
            assert_eq!(read(header), None, "{header}");
            let request = TokenRequest::new([], Some(header.as_bytes())).unwrap();
            assert!(request.has_authorization_header());
        }
    }
}
