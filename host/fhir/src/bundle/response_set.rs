//! Bundles of answers: to a batch, to a transaction, and the history of a resource.

use crate::json::quote;

/// Builds a Bundle whose entries carry a `response`. Resources are copied as they are.
#[derive(Clone, Debug)]
pub struct ResponseSet {
    head: String,
    entries: Vec<u8>,
}

/// One answer.
#[derive(Clone, Debug, Default)]
pub struct EntryResponse<'a> {
    /// HTTP status, such as `201 Created`.
    pub status: &'a str,
    /// Where the resource is, for an entry that wrote one.
    pub location: Option<&'a str>,
    /// The version, without quotes.
    pub version_id: Option<&'a str>,
    /// When it was last changed, as an instant.
    pub last_modified: Option<&'a str>,
    /// The full URL of `resource`.
    pub full_url: Option<&'a str>,
    /// A resource as JSON.
    pub resource: Option<&'a [u8]>,
    /// An OperationOutcome as JSON.
    pub outcome: Option<&'a [u8]>,
    /// What was asked, for a history: method and URL.
    pub request: Option<(&'a str, &'a str)>,
}

impl ResponseSet {
    /// The answer to a batch.
    pub fn batch() -> Self {
        Self::new("batch-response")
    }

    /// The answer to a transaction.
    pub fn transaction() -> Self {
        Self::new("transaction-response")
    }

    /// The versions of a resource, with the address of the history itself and of its next
    /// page.
    pub fn history(self_link: &str, next: Option<&str>) -> Self {
        let mut set = Self::new("history");
        let link = |relation: &str, url: &str| {
            format!(r#"{{"relation":"{relation}","url":{}}}"#, quote(url))
        };
        let mut links = vec![link("self", self_link)];
        links.extend(next.map(|url| link("next", url)));
        set.head
            .push_str(&format!(r#","link":[{}]"#, links.join(",")));
        set
    }

    fn new(bundle_type: &str) -> Self {
        Self {
            head: format!(r#"{{"resourceType":"Bundle","type":"{bundle_type}""#),
            entries: Vec::new(),
        }
    }

    /// Adds an answer.
    pub fn push(&mut self, answer: &EntryResponse<'_>) {
        let mut members: Vec<Vec<u8>> = Vec::new();
        if let Some(url) = answer.full_url {
            members.push(format!(r#""fullUrl":{}"#, quote(url)).into_bytes());
        }
        if let Some(resource) = answer.resource {
            members.push([br#""resource":"#, resource].concat());
        }
        if let Some((method, url)) = answer.request {
            let request = format!(
                r#""request":{{"method":{},"url":{}}}"#,
                quote(method),
                quote(url)
            );
            members.push(request.into_bytes());
        }
        let mut response = format!(r#""response":{{"status":{}"#, quote(answer.status));
        let etag = answer.version_id.map(|version| format!("W/\"{version}\""));
        for (name, value) in [
            ("location", answer.location),
            ("etag", etag.as_deref()),
            ("lastModified", answer.last_modified),
        ] {
            if let Some(value) = value {
                response.push_str(&format!(r#","{name}":{}"#, quote(value)));
            }
        }
        let mut response = response.into_bytes();
        if let Some(outcome) = answer.outcome {
            response.extend_from_slice(br#","outcome":"#);
            response.extend_from_slice(outcome);
        }
        response.push(b'}');
        members.push(response);
        if !self.entries.is_empty() {
            self.entries.push(b',');
        }
        self.entries.push(b'{');
        self.entries.extend_from_slice(&members.join(&b","[..]));
        self.entries.push(b'}');
    }

    /// The Bundle as JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.head.clone().into_bytes();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_written_as_a_bundle() {
        let mut set = ResponseSet::transaction();
        set.push(&EntryResponse {
            status: "201 Created",
            location: Some("Patient/1/_history/1"),
            version_id: Some("1"),
            ..EntryResponse::default()
        });
        set.push(&EntryResponse {
            status: "200 OK",
            resource: Some(br#"{"resourceType":"Patient","multipleBirthInteger":1}"#),
            ..EntryResponse::default()
        });
        assert_eq!(
            String::from_utf8(set.to_bytes()).unwrap(),
            r#"{"resourceType":"Bundle","type":"transaction-response","entry":[{"response":{"status":"201 Created","location":"Patient/1/_history/1","etag":"W/\"1\""}},{"resource":{"resourceType":"Patient","multipleBirthInteger":1},"response":{"status":"200 OK"}}]}"#
        );
        assert_eq!(
            String::from_utf8(ResponseSet::history("x", Some("y")).to_bytes()).unwrap(),
            r#"{"resourceType":"Bundle","type":"history","link":[{"relation":"self","url":"x"},{"relation":"next","url":"y"}]}"#
        );
    }
}
