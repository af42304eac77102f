//! Which addresses a client may register: https, a loopback address by number (RFC 8252
//! section 7.3), or a scheme of its own with a dot in it (RFC 8252 section 7.1). The
//! address is parsed, never matched by prefix, so that `http://127.0.0.1.evil.test` and
//! `JavaScript:` are what they are.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

const URI_BYTES_MAX: usize = 2_000;

/// Checks a redirect URI; the error says the rule that it breaks.
pub(crate) fn check_redirect_uri(text: &str) -> Result<(), &'static str> {
    let uri = parse(text)?;
    match uri.scheme() {
        "https" | "http" => check_web(&uri),
        own if own.contains('.') => Ok(()),
        _ => Err("must use https, a loopback address, or a private scheme with a dot in it"),
    }
}

/// Whether an address is one that a client registered: the same text, or the same but for
/// the port on a loopback address, which a native app is given when it starts (RFC 8252
/// section 7.3). Nothing is normalised.
pub(crate) fn is_registered(text: &str, registered: &[String]) -> bool {
    let same_but_port = |known: &String| {
        let (mine, theirs) = (loopback_parts(text), loopback_parts(known));
        mine.is_some() && mine == theirs
    };
    registered
        .iter()
        .any(|known| known == text || same_but_port(known))
}

/// Of an address on the loopback: the host by number, and everything after the port.
fn loopback_parts(text: &str) -> Option<(&str, &str)> {
    let host = ["http://127.0.0.1", "http://[::1]"]
        .into_iter()
        .find(|host| text.starts_with(host))?;
    let rest = text.strip_prefix(host)?;
    let rest = match rest.strip_prefix(':') {
        None => rest,
        Some(rest) => {
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            let (port, rest) = rest.split_at(end);
            port.parse::<u16>().ok().filter(|port| *port != 0)?;
            rest
        }
    };
    rest.starts_with('/').then_some((host, rest))
}

/// Checks a launch URI: a page of the app.
pub(crate) fn check_launch_uri(text: &str) -> Result<(), &'static str> {
    let uri = parse(text)?;
    match uri.scheme() {
        "https" | "http" => check_web(&uri),
        _ => Err("must use https, or http on a loopback address"),
    }
}

fn parse(text: &str) -> Result<Url, &'static str> {
    if text.len() > URI_BYTES_MAX {
        return Err("must have at most 2000 bytes");
    }
    // `Url` forgives spaces, tabs and back slashes; a registration must not need that.
    if !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains(['\\', '*', '<', '>', '"']) {
        return Err("must not contain spaces, wildcards, quotes or back slashes");
    }
    let uri = Url::parse(text).map_err(|_| "must be an absolute URI")?;
    if text.contains('#') {
        return Err("must not have a fragment");
    }
    Ok(uri)
}

fn check_web(uri: &Url) -> Result<(), &'static str> {
    if !uri.username().is_empty() || uri.password().is_some() {
        return Err("must not contain a user name or password");
    }
    let is_loopback = match uri.host() {
        Some(Host::Ipv4(address)) => address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        Some(Host::Domain(_)) => false,
        None => return Err("must name a host"),
    };
    if uri.scheme() == "https" || is_loopback {
        Ok(())
    } else {
        Err("must use https, except on the loopback addresses 127.0.0.1 and [::1]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_can_be_trusted_are_taken() {
        for uri in [
            "https://app.example.org/callback",
            "https://app.example.org:8443/callback?tenant=1",
            "http://127.0.0.1:9999/callback",
            "http://[::1]:9999/callback",
            "org.example.app:/callback",
        ] {
            assert_eq!(check_redirect_uri(uri), Ok(()), "{uri}");
        }
        assert_eq!(check_launch_uri("http://127.0.0.1:9999/launch"), Ok(()));
    }

    #[test]
    fn only_the_registered_text_is_taken_and_any_port_of_the_loopback() {
        let registered = [
            "https://app.example.org/callback".to_owned(),
            "http://127.0.0.1:9999/callback".to_owned(),
            "http://[::1]/callback?x=1".to_owned(),
        ];
        for uri in [
            "https://app.example.org/callback",
            "http://127.0.0.1:9999/callback",
            "http://127.0.0.1:1234/callback",
            "http://127.0.0.1/callback",
            "http://[::1]:80/callback?x=1",
        ] {
            assert!(is_registered(uri, &registered), "{uri}");
        }
        for uri in [
            "https://app.example.org/callback/",
            "https://app.example.org/callback/x",
            "https://app.example.org/callback/..;/",
            "https://app.example.org/callback/..%2f",
            "https://app.example.org/Callback",
            "https://app.example.org/callback?x=1",
            "https://app.example.org/callback#x",
            "https://app.example.org:444/callback",
            "https://app.example.org:443/callback",
            "https://app.example.org@evil.test/callback",
            "https://app.example.org.evil.test/callback",
            "https://APP.example.org/callback",
            "https://app.example.org/%63allback",
            "https://app.example.org/callback\t",
            "https://app.example.org\\callback",
            "http://app.example.org/callback",
            "http://localhost:9999/callback",
            "http://127.0.0.1.evil.test/callback",
            "http://127.0.0.1:9999@evil.test/callback",
            "http://127.0.0.1:0/callback",
            "http://127.0.0.1:99999/callback",
            "http://127.0.0.1:/callback",
            "http://127.0.0.1:9999/callback?x=1",
            "https://127.0.0.1:9999/callback",
            "http://127.1:9999/callback",
            "http://[::1]:80/callback",
            "",
        ] {
            assert!(!is_registered(uri, &registered), "{uri}");
        }
    }

    #[test]
    fn addresses_that_could_lead_a_code_elsewhere_are_refused() {
        for uri in [
            "",
            "/callback",
            "http://app.example.org/callback",
            "http://localhost.evil.test/callback",
            "http://127.0.0.1.evil.test/callback",
            "http://127.0.0.2/callback",
            "http://localhost/callback",
            "https://app.example.org/callback#x",
            "https://app.example.org/callback#",
            "https://user@app.example.org/callback",
            "https://user:pw@127.0.0.1/callback",
            "https://*.example.org/callback",
            "https://app.example.org/\\evil.test",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "myapp:/callback",
            "java\tscript:alert(1)",
        ] {
            assert!(check_redirect_uri(uri).is_err(), "{uri}");
        }
        assert!(check_launch_uri("org.example.app:/launch").is_err());
        let long = format!("https://app.example.org/{}", "x".repeat(2_000));
        assert!(check_redirect_uri(&long).is_err());
    }
}
