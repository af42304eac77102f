//! Parameters: of the address, and of a form that adds to them.

use super::route_error::RouteError;

/// Longest query of an address in bytes; a longer search is sent by POST.
pub(super) const QUERY_BYTES_MAX: usize = 8 << 10;
/// Most parameters; a search takes fewer.
const PAIRS_MAX: usize = 128;

/// Names and values, decoded once, in order, with repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Decodes `a=b&c=d`. What is not UTF-8 and control characters are refused: nothing
    /// that a later part could cut or read otherwise gets in.
    pub(super) fn parse(text: &str) -> Result<Self, RouteError> {
        let mut pairs = Vec::new();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            if pairs.len() == PAIRS_MAX {
                return Err(RouteError::Invalid(
                    "at most 128 parameters are read".to_owned(),
                ));
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            pairs.push((decode(name)?, decode(value)?));
        }
        Ok(Self(pairs))
    }

    /// Removes every parameter of this name and gives their values.
    pub(super) fn take(&mut self, name: &str) -> Vec<String> {
        let (taken, kept) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|(known, _)| known == name);
        self.0 = kept;
        taken
            .into_iter()
            .map(|(_, value): (String, String)| value)
            .collect()
    }

    /// Removes a parameter that may stand there once at most.
    pub(super) fn take_one(&mut self, name: &str) -> Result<Option<String>, RouteError> {
        let mut values = self.take(name);
        if values.len() > 1 {
            return Err(RouteError::Invalid(format!("give `{name}` once")));
        }
        Ok(values.pop())
    }

    /// Adds a parameter.
    pub(super) fn push(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// Adds those of a form: all must hold.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Refuses what an interaction without parameters was sent.
    pub(super) fn expect_none(&self) -> Result<(), RouteError> {
        match self.0.first() {
            None => Ok(()),
            Some(_) => Err(RouteError::Invalid(
                "this interaction takes no parameters but `_format`".to_owned(),
            )),
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pairs.
    pub(super) fn as_slice(&self) -> &[(String, String)] {
        &self.0
    }
}

fn decode(text: &str) -> Result<String, RouteError> {
    let spaced = text.replace('+', " ");
    let refuse = |rule: &str| RouteError::Invalid(rule.to_owned());
    let mut bytes = Vec::with_capacity(spaced.len());
    let mut rest = spaced.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte.unwrap_or_default()).to_digit(16);
        match (digit(rest.next()), digit(rest.next())) {
            (Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
            }
            _ => {
                return Err(refuse(
                    "a percent sign in a parameter is followed by two hexadecimal digits",
                ));
            }
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| refuse("parameters are in UTF-8"))?;
    if text.chars().any(char::is_control) {
        return Err(refuse("parameters have no control characters"));
    }
    Ok(text)
}

/// Encodes pairs for a link.
pub(super) fn encode(pairs: &[(String, String)]) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    out.extend_pairs(pairs);
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_once_and_repeats_are_kept() {
        let pairs = Pairs::parse("a=b%2526&a=%20c+d&&e&=f&x=1=2").unwrap();
        let pairs: Vec<_> = pairs.as_slice().iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(
            pairs,
            [
                ("a", "b%26"),
                ("a", " c d"),
                ("e", ""),
                ("", "f"),
                ("x", "1=2")
            ]
        );
    }

    #[test]
    fn what_is_not_text_is_refused() {
        let many = "a=b&".repeat(129);
        for query in [
            "patient%00=A",
            "patient=A%00",
            "a=%0d%0a",
            "a=%ff",
            "a=%c0%af",
            "a=%",
            "a=%4",
            "%zz=1",
            many.as_str(),
        ] {
            assert!(Pairs::parse(query).is_err(), "{query}");
        }
    }

    #[test]
    fn encoding_gives_back_what_was_decoded() {
        let pairs = Pairs::parse("code=http%3A%2F%2Floinc.org%7C1-8&name=a%2Bb%26").unwrap();
        assert_eq!(Pairs::parse(&encode(pairs.as_slice())).unwrap(), pairs);
    }
}
