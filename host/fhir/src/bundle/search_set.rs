//! A searchset Bundle, written from the bytes of its resources.

use crate::json::quote;

/// Builds the answer to a search. Resources are copied as they are, never parsed again.
#[derive(Clone, Debug)]
pub struct SearchSet {
    links: String,
    total: Option<u64>,
    entries: Vec<u8>,
}

/// Why an entry is in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryMode {
    /// It matched.
    Match,
    /// It was asked for with the matches.
    Include,
    /// It says something about the search.
    Outcome,
}

impl EntryMode {
    /// FHIR's code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Include => "include",
            Self::Outcome => "outcome",
        }
    }
}

impl SearchSet {
    /// Starts with the address of the search itself.
    pub fn new(self_link: &str) -> Self {
        let mut set = Self {
            links: String::new(),
            total: None,
            entries: Vec::new(),
        };
        set.add_link("self", self_link);
        set
    }

    fn add_link(&mut self, relation: &str, url: &str) {
        if !self.links.is_empty() {
            self.links.push(',');
        }
        let url = quote(url);
        self.links
            .push_str(&format!(r#"{{"relation":"{relation}","url":{url}}}"#));
    }

    /// Where the next page is.
    #[must_use]
    pub fn next(mut self, url: &str) -> Self {
        self.add_link("next", url);
        self
    }

    /// How many matches there are on all pages, where that was counted.
    #[must_use]
    pub fn total(mut self, total: u64) -> Self {
        self.total = Some(total);
        self
    }

    /// Adds a resource; `resource` must be JSON.
    pub fn push(&mut self, full_url: &str, resource: &[u8], mode: EntryMode) {
        self.push_entry(
            &format!(r#""fullUrl":{},"#, quote(full_url)),
            resource,
            mode,
        );
    }

    /// Adds what is to be said of the search: it is stored nowhere and has no address.
    pub fn push_outcome(&mut self, outcome: &[u8]) {
        self.push_entry("", outcome, EntryMode::Outcome);
    }

    fn push_entry(&mut self, head: &str, resource: &[u8], mode: EntryMode) {
        if !self.entries.is_empty() {
            self.entries.push(b',');
        }
        let head = format!(r#"{{{head}"resource":"#);
        self.entries.extend_from_slice(head.as_bytes());
        self.entries.extend_from_slice(resource);
        let tail = format!(r#","search":{{"mode":"{}"}}}}"#, mode.as_str());
        self.entries.extend_from_slice(tail.as_bytes());
    }

    /// The Bundle as JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = String::from(r#"{"resourceType":"Bundle","type":"searchset""#);
        if let Some(total) = self.total {
            out.push_str(&format!(r#","total":{total}"#));
        }
        out.push_str(&format!(r#","link":[{}]"#, self.links));
        let mut out = out.into_bytes();
        // FHIR knows no empty arrays.
        if !self.entries.is_empty() {
            out.extend_from_slice(br#","entry":["#);
            out.extend_from_slice(&self.entries);
            out.push(b']');
        }
        out.push(b'}');
        out
    }
}
