//! Which addresses may be called, judged by their text. What a name stands for is judged
//! when it is resolved.

use std::net::IpAddr;

use url::{Host, Url};

use crate::OutboundError;
use crate::address::Reach;

const URL_BYTES_MAX: usize = 2_000;

/// An origin in the operator's list that cannot stand there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an origin such as https://keys.hospital.example (http is for loopback only)")]
pub struct InvalidOrigin(String);

/// Which addresses may be called: https to the internet, and the origins that the operator
/// listed, which may be in the operator's own networks.
#[derive(Clone, Debug, Default)]
pub struct AddressPolicy {
    listed: Vec<String>,
}

/// An address that may be called as far as its text says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vetted {
    pub(crate) url: Url,
    pub(crate) origin: String,
    pub(crate) reach: Reach,
}

impl AddressPolicy {
    /// With these origins listed: `https://host[:port]`, or `http://` with a loopback
    /// address.
    ///
    /// # Errors
    /// [`InvalidOrigin`].
    pub fn new<'a>(listed: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidOrigin> {
        let read = |text: &str| {
            let invalid = || InvalidOrigin(text.to_owned());
            let url = Url::parse(text).map_err(|_| invalid())?;
            let origin = url.origin().ascii_serialization();
            let is_origin = origin == text.trim_end_matches('/').to_ascii_lowercase();
            let fine = match url.scheme() {
                "https" => url.host().is_some(),
                "http" => is_loopback(&url),
                _ => false,
            };
            (is_origin && fine).then_some(origin).ok_or_else(invalid)
        };
        let listed = listed.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { listed })
    }

    /// Judges an address.
    ///
    /// # Errors
    /// [`OutboundError::Address`] with the rule that it breaks.
    pub fn check(&self, text: &str) -> Result<Vetted, OutboundError> {
        let wrong = |rule| Err(OutboundError::Address(rule));
        if text.len() > URL_BYTES_MAX {
            return wrong("must have at most 2000 bytes");
        }
        // `Url` forgives spaces, tabs and back slashes; an address must not need that.
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains('\\') {
            return wrong("must not contain spaces or back slashes");
        }
        let Ok(url) = Url::parse(text) else {
            return wrong("must be an absolute URL");
        };
        if text.contains('#') {
            return wrong("must not have a fragment");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("must not contain a user name or password");
        }
        let origin = url.origin().ascii_serialization();
        let reach = match self.listed.contains(&origin) {
            true => Reach::Listed,
            false => Reach::Public,
        };
        if reach == Reach::Public && url.scheme() != "https" {
            return wrong("must use https");
        }
        // A number needs no resolving, so nobody else would look at it.
        let number = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return wrong("must name a host"),
        };
        if number.is_some_and(|address| !reach.permits(address)) {
            return wrong("must be on the internet, or an origin that the operator listed");
        }
        Ok(Vetted { url, origin, reach })
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_to_the_internet_is_called_unless_the_operator_listed_more() {
        let policy = AddressPolicy::default();
        for url in [
            "https://keys.example.org/jwks.json",
            "https://keys.example.org:8443/jwks.json?x=1",
            "https://93.184.216.34/jwks.json",
        ] {
            assert!(policy.check(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "/jwks.json",
            "http://keys.example.org/jwks.json",
            "http://127.0.0.1/jwks.json",
            "https://127.0.0.1/jwks.json",
            "https://127.1/jwks.json",
            "https://2130706433/jwks.json",
            "https://0x7f.0.0.1/jwks.json",
            "https://0177.0.0.1/jwks.json",
            "https://10.0.0.1/jwks.json",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/jwks.json",
            "https://[::ffff:127.0.0.1]/jwks.json",
            "https://[fe80::1]/jwks.json",
            "https://user@keys.example.org/jwks.json",
            "https://user:pw@keys.example.org/jwks.json",
            "https://keys.example.org/jwks.json#x",
            "https://keys.example.org\\@evil.test/",
            "https://keys.example.org/\tjwks",
            "file:///etc/passwd",
            "data:application/json,{}",
            "gopher://127.0.0.1:6379/_x",
            "ftp://keys.example.org/jwks.json",
        ] {
            assert!(policy.check(url).is_err(), "{url}");
        }
        let long = format!("https://keys.example.org/{}", "x".repeat(2_000));
        assert!(policy.check(&long).is_err());
    }

    #[test]
    fn a_listed_origin_is_that_origin_alone() {
        let listed = ["http://127.0.0.1:9001", "https://10.0.0.7:8443"];
        let policy = AddressPolicy::new(listed).unwrap();
        assert!(policy.check("http://127.0.0.1:9001/jwks").is_ok());
        assert!(policy.check("https://10.0.0.7:8443/jwks").is_ok());
        for url in [
            "http://127.0.0.1:9002/jwks",
            "http://127.0.0.1/jwks",
            "https://127.0.0.1:9001/jwks",
            "http://localhost:9001/jwks",
            "http://10.0.0.7:8443/jwks",
            "https://10.0.0.7/jwks",
        ] {
            assert!(policy.check(url).is_err(), "{url}");
        }
    }

    #[test]
    fn what_is_no_origin_cannot_be_listed() {
        for text in [
            "",
            "*",
            "keys.example.org",
            "http://keys.example.org",
            "http://127.0.0.1.evil.test",
            "https://keys.example.org/path",
            "https://user@keys.example.org",
            "ftp://127.0.0.1",
        ] {
            assert!(AddressPolicy::new([text]).is_err(), "{text}");
        }
    }
}
