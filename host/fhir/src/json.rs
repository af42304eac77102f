//! JSON within bounds: size, depth, no duplicate keys. Where two parsers could read the
//! same bytes differently, the bytes are refused (RFC 8259 section 4 leaves duplicate
//! names open).

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use serde_json::Value;

/// What is accepted as a JSON document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest document in bytes.
    pub bytes_max: usize,
    /// Deepest nesting of objects and arrays, at most 120.
    pub depth_max: usize,
}

impl Limits {
    /// For one resource: 4 MiB, 64 levels.
    pub const RESOURCE: Self = Self {
        bytes_max: 4 * 1024 * 1024,
        depth_max: 64,
    };
    /// For a Bundle that is imported: 256 MiB, 64 levels for each resource in it.
    pub const BUNDLE: Self = Self {
        bytes_max: 256 * 1024 * 1024,
        depth_max: 67,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::RESOURCE
    }
}

/// The bytes are not acceptable JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// More bytes than allowed.
    #[error("the document has {bytes} bytes, at most {max} are accepted")]
    TooLarge {
        /// Bytes given.
        bytes: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// Nested more deeply than allowed.
    #[error("the document is nested more than {max} levels deep")]
    TooDeep {
        /// Levels allowed.
        max: usize,
    },
    /// An object names a member twice.
    #[error("the member `{0}` occurs twice in one object")]
    DuplicateKey(String),
    /// A member name that the JSON library keeps for itself.
    #[error("the member name `{0}` is reserved")]
    ReservedKey(String),
    /// Not JSON at all.
    #[error("not valid JSON: {0}")]
    Syntax(String),
}

/// Called for each member of each object: names from the root down (arrays add none), and
/// where the value stands in the bytes.
type OnMember<'v, 'a> = &'v mut dyn FnMut(&[Cow<'a, str>], Range<usize>);

/// Parses and checks; `on_member` sees every member.
pub(crate) fn parse<'a>(
    bytes: &'a [u8],
    limits: Limits,
    on_member: OnMember<'_, 'a>,
) -> Result<Value, JsonError> {
    if bytes.len() > limits.bytes_max {
        return Err(JsonError::TooLarge {
            bytes: bytes.len(),
            max: limits.bytes_max,
        });
    }
    let value = serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        if text.starts_with("recursion limit") {
            JsonError::TooDeep {
                max: limits.depth_max,
            }
        } else {
            JsonError::Syntax(text)
        }
    })?;
    scan(bytes, limits.depth_max, on_member)?;
    Ok(value)
}

/// Walks bytes that are known to be JSON.
pub(crate) fn scan<'a>(
    bytes: &'a [u8],
    depth_max: usize,
    on_member: OnMember<'_, 'a>,
) -> Result<(), JsonError> {
    let mut scanner = Scanner {
        bytes,
        at: 0,
        path: Vec::new(),
        depth_max,
        on_member,
    };
    scanner.value(0)
}

struct Scanner<'v, 'a> {
    bytes: &'a [u8],
    at: usize,
    path: Vec<Cow<'a, str>>,
    depth_max: usize,
    on_member: OnMember<'v, 'a>,
}

fn broken() -> JsonError {
    JsonError::Syntax("unexpected end".into())
}

impl<'a> Scanner<'_, 'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Moves past a string; the cursor is on its opening quote.
    fn string(&mut self) -> Result<Range<usize>, JsonError> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(start..self.at);
                }
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
                None => return Err(broken()),
            }
        }
    }

    fn key(&mut self) -> Result<Cow<'a, str>, JsonError> {
        let span = self.string()?;
        let quoted = self.bytes.get(span).ok_or_else(broken)?;
        if quoted.contains(&b'\\') {
            return serde_json::from_slice::<String>(quoted)
                .map(Cow::Owned)
                .map_err(|error| JsonError::Syntax(error.to_string()));
        }
        let inner = quoted
            .get(1..quoted.len().saturating_sub(1))
            .unwrap_or_default();
        std::str::from_utf8(inner)
            .map(Cow::Borrowed)
            .map_err(|error| JsonError::Syntax(error.to_string()))
    }

    fn value(&mut self, depth: usize) -> Result<(), JsonError> {
        self.space();
        match self.peek() {
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => self.string().map(|_| ()),
            Some(_) => {
                while !matches!(
                    self.peek(),
                    None | Some(b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r')
                ) {
                    self.at += 1;
                }
                Ok(())
            }
            None => Err(broken()),
        }
    }

    fn enter(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth > self.depth_max {
            return Err(JsonError::TooDeep {
                max: self.depth_max,
            });
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), JsonError> {
        self.enter(depth)?;
        loop {
            match self.peek() {
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b',') => self.at += 1,
                Some(_) => self.value(depth)?,
                None => return Err(broken()),
            }
            self.space();
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), JsonError> {
        self.enter(depth)?;
        let mut seen = Seen::default();
        loop {
            match self.peek() {
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b',') => self.at += 1,
                Some(b'"') => {
                    let key = self.key()?;
                    if key.starts_with("$serde_json::private::") {
                        return Err(JsonError::ReservedKey(key.into_owned()));
                    }
                    if !seen.insert(key.clone()) {
                        return Err(JsonError::DuplicateKey(key.chars().take(80).collect()));
                    }
                    self.space();
                    self.at += 1; // the colon
                    self.space();
                    let start = self.at;
                    self.path.push(key);
                    self.value(depth)?;
                    (self.on_member)(&self.path, start..self.at);
                    self.path.pop();
                }
                _ => return Err(broken()),
            }
            self.space();
        }
    }
}

/// Member names of one object: a list while it is short, a set when it grows.
#[derive(Default)]
struct Seen<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Seen<'a> {
    fn insert(&mut self, key: Cow<'a, str>) -> bool {
        if !self.many.is_empty() {
            return self.many.insert(key);
        }
        if self.few.contains(&key) {
            return false;
        }
        self.few.push(key);
        if self.few.len() > 24 {
            self.many.extend(self.few.drain(..));
        }
        true
    }
}

/// Replaces spans of `bytes`; edits are applied in the order of their starts.
pub(crate) fn edit(bytes: &[u8], mut edits: Vec<(Range<usize>, String)>) -> Vec<u8> {
    edits.sort_by_key(|(span, _)| span.start);
    let added: usize = edits.iter().map(|(_, text)| text.len()).sum();
    let mut out = Vec::with_capacity(bytes.len() + added);
    let mut at = 0;
    for (span, text) in edits {
        out.extend_from_slice(bytes.get(at..span.start).unwrap_or_default());
        out.extend_from_slice(text.as_bytes());
        at = span.end.max(at);
    }
    out.extend_from_slice(bytes.get(at..).unwrap_or_default());
    out
}

/// `text` as a JSON string with quotes.
pub(crate) fn quote(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Value, JsonError> {
        parse(text.as_bytes(), Limits::RESOURCE, &mut |_, _| ())
    }

    #[test]
    fn what_two_parsers_could_read_differently_is_refused() {
        let duplicate = |key: &str| JsonError::DuplicateKey(key.into());
        assert_eq!(check(r#"{"a":1,"a":2}"#), Err(duplicate("a")));
        assert_eq!(check(r#"{"id":1,"i\u0064":2}"#), Err(duplicate("id")));
        assert_eq!(
            check(r#"{"x":[{"a":{},"b":1,"a":{}}]}"#),
            Err(duplicate("a"))
        );
        let many: Vec<String> = (0..100).map(|n| format!(r#""k{n}":{n}"#)).collect();
        assert!(check(&format!("{{{}}}", many.join(","))).is_ok());
        assert_eq!(
            check(&format!("{{{},\"k3\":0}}", many.join(","))),
            Err(duplicate("k3"))
        );
        assert!(matches!(
            check(r#"{"a":{"$serde_json::private::Number":"1"}}"#),
            Err(JsonError::ReservedKey(_) | JsonError::Syntax(_))
        ));
        assert!(check(r#"[{"a":1},{"a":2}]"#).is_ok());
    }

    #[test]
    fn depth_is_bounded_exactly() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(check(&nested(64)).is_ok());
        for deep in [65, 127, 200, 100_000] {
            assert_eq!(check(&nested(deep)), Err(JsonError::TooDeep { max: 64 }));
        }
    }

    #[test]
    fn members_are_reported_with_their_spans() {
        let text = r#"{ "a" : [ {"b\"c" : "x,}\\"} , 12.50 ] , "d":null}"#;
        let mut seen = Vec::new();
        parse(text.as_bytes(), Limits::RESOURCE, &mut |path, span| {
            seen.push((path.join("/"), text[span].to_owned()));
        })
        .unwrap();
        assert_eq!(
            seen,
            [
                ("a/b\"c".to_owned(), r#""x,}\\""#.to_owned()),
                (
                    "a".to_owned(),
                    r#"[ {"b\"c" : "x,}\\"} , 12.50 ]"#.to_owned()
                ),
                ("d".to_owned(), "null".to_owned()),
            ]
        );
    }
}
