//! HTTP/1.1 to this machine: one request per connection, bounded.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, bail};

const TIMEOUT: Duration = Duration::from_secs(60);
/// Longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// A server on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    authority: String,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Origin {
    /// Takes `http://localhost:PORT` or `http://127.0.0.1:PORT`: nothing else is called.
    pub(super) fn parse(url: &str) -> anyhow::Result<Self> {
        let authority = url
            .strip_prefix("http://")
            .with_context(|| format!("{url} does not begin with http://"))?;
        match authority.rsplit_once(':') {
            Some(("localhost" | "127.0.0.1", port)) if port.parse::<u16>().is_ok() => Ok(Self {
                authority: authority.to_owned(),
            }),
            _ => bail!("{url} is not a port of this machine"),
        }
    }

    /// The path of an address of this server.
    pub(super) fn path<'a>(&self, address: &'a str) -> anyhow::Result<&'a str> {
        let path = match address.strip_prefix("http://") {
            Some(rest) => rest.strip_prefix(self.authority.as_str()),
            None => Some(address),
        };
        path.filter(|path| path.starts_with('/') && !path.starts_with("//"))
            .with_context(|| format!("{address} is not an address of this server"))
    }

    /// Sends a request and reads the whole answer.
    pub(super) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> anyhow::Result<Answer> {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.authority
        );
        for (name, value) in headers {
            if value.contains(['\r', '\n']) {
                bail!("the header {name} has more than one line");
            }
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if method != "GET" {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        request.push_str(body);
        let answer = self
            .exchange(request.as_bytes())
            .with_context(|| format!("{method} {path} got no answer"))?;
        parse(&answer).with_context(|| format!("the answer to {method} {path} is not HTTP/1.1"))
    }

    fn exchange(&self, request: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut stream = None;
        let mut refused = None;
        for address in self.authority.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, TIMEOUT) {
                Ok(open) => {
                    stream = Some(open);
                    break;
                }
                Err(problem) => refused = Some(problem),
            }
        }
        let Some(mut stream) = stream else {
            match refused {
                Some(problem) => return Err(problem.into()),
                None => bail!("{} has no address", self.authority),
            }
        };
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.write_all(request)?;
        let mut answer = Vec::new();
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
        Ok(answer)
    }
}

impl Answer {
    /// The first header of this name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).first().copied()
    }

    /// Every header of this name.
    pub(super) fn headers(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect()
    }
}

fn parse(answer: &[u8]) -> Option<Answer> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(answer.get(..end)?);
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?;
    let status = status.split(' ').next()?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let rest = answer.get(end + 4..)?;
    let is_chunked = headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case("chunked")
    });
    let body = if is_chunked {
        unchunk(rest)?
    } else {
        rest.to_vec()
    };
    Some(Answer {
        status,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// RFC 9112 section 7.1; an answer that ends before its last chunk is none.
fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(rest.get(..line)?).ok()?;
        let size = size.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        let start = line + 2;
        if size == 0 {
            return Some(body);
        }
        let end = start.checked_add(size)?;
        body.extend_from_slice(rest.get(start..end)?);
        rest = rest.get(end + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_called() {
        for good in ["http://localhost:8080", "http://127.0.0.1:9"] {
            assert!(Origin::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "https://localhost:8080",
            "http://localhost",
            "http://example.org:80",
            "http://localhost.example.org:80",
            "http://localhost:80/x",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
        let origin = Origin::parse("http://localhost:8080").unwrap();
        assert_eq!(origin.path("/chart").unwrap(), "/chart");
        assert_eq!(
            origin.path("http://localhost:8080/chart?q=1").unwrap(),
            "/chart?q=1"
        );
        for elsewhere in ["http://localhost:80801/x", "//evil.example/x", "chart"] {
            assert!(origin.path(elsewhere).is_err(), "{elsewhere}");
        }
    }

    #[test]
    fn bodies_come_whole_or_in_chunks() {
        let whole =
            parse(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n\r\nhello").unwrap();
        assert_eq!((whole.status, whole.body.as_str()), (200, "hello"));
        assert_eq!(whole.headers("Set-Cookie"), ["a=1", "b=2"]);
        let chunked = b"HTTP/1.1 303 See Other\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
        assert_eq!(parse(chunked).unwrap().body, "hello");
    }

    #[test]
    fn an_answer_that_was_cut_is_no_answer() {
        for cut in [
            &b"HTTP/1.1 200 OK\r\ncontent"[..],
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
            b"SSH-2.0\r\n\r\n",
        ] {
            assert!(parse(cut).is_none());
        }
    }
}
