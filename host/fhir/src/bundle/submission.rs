//! A batch or transaction taken apart: each entry becomes one request that is judged for
//! itself. What could reach anywhere but a resource of this server is refused by name.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::OnceLock;

use glovebox_model::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{self, JsonError, Limits, quote};
use crate::{
    Interaction, OwnBase, Patch, Reference, Resource, SearchQuery, is_resource_type, structure,
    types,
};

/// Most entries in one batch or transaction.
pub const ENTRIES_MAX: usize = 500;
/// Largest batch or transaction in bytes.
pub const SUBMISSION_BYTES_MAX: usize = 16 << 20;

const LIMITS: Limits = Limits {
    bytes_max: SUBMISSION_BYTES_MAX,
    ..Limits::BUNDLE
};

/// The Bundle as a whole cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmissionError {
    /// Not acceptable as JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Another resource, or a Bundle of another type.
    #[error("only a Bundle of type `batch` or `transaction` can be carried out")]
    NotASubmission,
    /// More entries than one Bundle may have.
    #[error("a Bundle has at most {ENTRIES_MAX} entries; this one has {0}")]
    TooManyEntries(usize),
    /// Two entries go by one full URL: a reference to it would be ambiguous.
    #[error("entry {0} has the `fullUrl` of an earlier entry")]
    RepeatedFullUrl(usize),
    /// Two entries of a transaction change one resource.
    #[error("entry {0} changes a resource that an earlier entry changes")]
    RepeatedTarget(usize),
    /// An entry of a transaction cannot be understood.
    #[error("entry {index}: {problem}")]
    Entry {
        /// Number of the entry, from 0.
        index: usize,
        /// What is wrong with it.
        problem: EntryProblem,
    },
}

/// What is wrong with one entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EntryProblem(pub String);

fn problem(text: impl Into<String>) -> EntryProblem {
    EntryProblem(text.into())
}

/// `request.method`, in the order in which a transaction is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Removes.
    Delete,
    /// Creates.
    Post,
    /// Replaces.
    Put,
    /// Changes parts.
    Patch,
    /// Reads.
    Get,
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Address {
    /// `Type`.
    Type,
    /// `Type?query`, decoded.
    Query(Vec<(String, String)>),
    /// `Type/id`.
    Instance(String),
    /// `Type/id/_history`, with its parameters.
    History(String, Vec<(String, String)>),
    /// `Type/id/_history/version`.
    Version(String, String),
}

/// One entry that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Number of the entry, from 0.
    pub index: usize,
    /// Address of this server's FHIR API.
    base: String,
    /// What other entries refer to it by.
    pub full_url: Option<String>,
    /// What to do.
    pub method: Method,
    resource_type: &'static str,
    address: Address,
    resource: Option<Vec<u8>>,
    if_match: Option<String>,
    if_none_exist: Option<Vec<(String, String)>>,
}

/// A batch or transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// Whether all entries succeed or none.
    pub is_transaction: bool,
    /// The entries in the order given.
    pub entries: Vec<Result<Request, EntryProblem>>,
}

#[derive(Deserialize)]
struct RawBundle<'a> {
    #[serde(rename = "resourceType", default)]
    resource_type: String,
    #[serde(rename = "type", default)]
    bundle_type: String,
    #[serde(borrow, default)]
    entry: Vec<RawEntry<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEntry<'a> {
    full_url: Option<String>,
    request: Option<RawRequest>,
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRequest {
    method: String,
    url: String,
    if_match: Option<String>,
    if_none_exist: Option<String>,
    if_none_match: Option<String>,
    if_modified_since: Option<String>,
}

impl Submission {
    /// Takes a Bundle apart. Absolute URLs are accepted where they begin with `base`. In a
    /// transaction every entry must be understood; in a batch each is answered for itself.
    pub fn split(bytes: &[u8], base: &str) -> Result<Self, SubmissionError> {
        if bytes.len() > LIMITS.bytes_max {
            return Err(SubmissionError::Json(JsonError::TooLarge {
                bytes: bytes.len(),
                max: LIMITS.bytes_max,
            }));
        }
        let raw: RawBundle<'_> =
            serde_json::from_slice(bytes).map_err(|error| JsonError::Syntax(error.to_string()))?;
        json::scan(bytes, LIMITS.depth_max, &mut |_, _| ())?;
        let is_transaction = match (raw.resource_type.as_str(), raw.bundle_type.as_str()) {
            ("Bundle", "transaction") => true,
            ("Bundle", "batch") => false,
            _ => return Err(SubmissionError::NotASubmission),
        };
        if raw.entry.len() > ENTRIES_MAX {
            return Err(SubmissionError::TooManyEntries(raw.entry.len()));
        }
        let mut full_urls = HashSet::new();
        let mut targets = HashSet::new();
        let mut entries = Vec::with_capacity(raw.entry.len());
        for (index, entry) in raw.entry.into_iter().enumerate() {
            if let Some(url) = &entry.full_url
                && !full_urls.insert(url.clone())
            {
                return Err(SubmissionError::RepeatedFullUrl(index));
            }
            let mut request = Request::read(index, entry, base);
            if let Ok(request) = &mut request
                && !is_transaction
            {
                request.resolve(&HashMap::new());
            }
            match &request {
                Err(problem) if is_transaction => {
                    let problem = problem.clone();
                    return Err(SubmissionError::Entry { index, problem });
                }
                Ok(request) if is_transaction && request.method != Method::Get => {
                    if let Address::Instance(id) = &request.address
                        && !targets.insert((request.resource_type, id.clone()))
                    {
                        return Err(SubmissionError::RepeatedTarget(index));
                    }
                }
                _ => {}
            }
            entries.push(request);
        }
        Ok(Self {
            is_transaction,
            entries,
        })
    }
}

impl Request {
    fn read(index: usize, entry: RawEntry<'_>, base: &str) -> Result<Self, EntryProblem> {
        let request = entry
            .request
            .ok_or_else(|| problem("it has no `request`"))?;
        let method = match request.method.as_str() {
            "GET" => Method::Get,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "PATCH" => Method::Patch,
            "DELETE" => Method::Delete,
            _ => {
                return Err(problem(
                    "the method must be GET, POST, PUT, PATCH or DELETE",
                ));
            }
        };
        if request.if_none_match.is_some() || request.if_modified_since.is_some() {
            return Err(problem(
                "`ifNoneMatch` and `ifModifiedSince` are not supported in entries",
            ));
        }
        let (resource_type, address) = address(&request.url, base)?;
        let fits = match (&address, method) {
            (Address::Type, Method::Post) => true,
            (Address::Type, method) => method == Method::Get,
            (Address::Query(_) | Address::Instance(_), method) => method != Method::Post,
            (Address::History(..) | Address::Version(..), method) => method == Method::Get,
        };
        if !fits {
            return Err(problem("the method does not fit the `url`"));
        }
        let carries = matches!(method, Method::Post | Method::Put | Method::Patch);
        if carries != entry.resource.is_some() {
            return Err(problem(
                "POST, PUT and PATCH carry a resource, GET and DELETE do not",
            ));
        }
        let if_match = request.if_match.as_deref().map(etag).transpose()?;
        if if_match.is_some() && !matches!(address, Address::Instance(_)) {
            return Err(problem("`ifMatch` needs a `url` of the form Type/id"));
        }
        let if_none_exist = match request.if_none_exist.as_deref() {
            None => None,
            Some(_) if method != Method::Post => {
                return Err(problem("`ifNoneExist` goes with POST"));
            }
            Some(text) => Some(pairs(text.strip_prefix('?').unwrap_or(text))?),
        };
        Ok(Self {
            index,
            base: base.to_owned(),
            full_url: entry.full_url,
            method,
            resource_type,
            address,
            resource: entry.resource.map(|raw| raw.get().as_bytes().to_vec()),
            if_match,
            if_none_exist,
        })
    }

    /// What is asked for, as text that tells requests apart, and the resource as it came. The
    /// version that is expected is left out.
    pub fn content(&self) -> (String, &[u8]) {
        let asked = format!(
            "{} {:?} {} {:?} {:?} {:?}",
            self.index,
            self.method,
            self.resource_type,
            self.address,
            self.full_url,
            self.if_none_exist,
        );
        (asked, self.resource.as_deref().unwrap_or_default())
    }

    /// The resource type that it is about.
    pub fn resource_type(&self) -> &'static str {
        self.resource_type
    }

    /// The id in its address; none for a create and for what a search says.
    pub fn id(&self) -> Option<&str> {
        match &self.address {
            Address::Instance(id) | Address::History(id, _) | Address::Version(id, _) => Some(id),
            Address::Type | Address::Query(_) => None,
        }
    }

    /// Whether it depends on what a search finds.
    pub fn is_conditional(&self) -> bool {
        self.if_none_exist.is_some()
            || (self.method != Method::Get && matches!(self.address, Address::Query(_)))
    }

    /// The conditional references (`Type?query`) in its resource, each once.
    pub fn conditional_references(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (_, text) in self.links() {
            if matches!(Reference::parse(&text), Reference::Conditional { .. })
                && !found.contains(&text)
            {
                found.push(text);
            }
        }
        found
    }

    /// Replaces links by what they lead to: a full URL or conditional reference by
    /// `Type/id`, and what is left of references to this server by relative ones. Only elements that hold references or URLs are looked at, also inside
    /// contained resources and extensions; text stays as it is.
    pub fn resolve(&mut self, targets: &HashMap<String, String>) {
        let edits: Vec<(Range<usize>, String)> = self
            .links()
            .into_iter()
            .filter_map(|(span, text)| Some((span, quote(targets.get(&text)?))))
            .collect();
        if let Some(bytes) = &mut self.resource {
            if !edits.is_empty() {
                *bytes = json::edit(bytes, edits);
            }
            if let Some(relative) = OwnBase::new(&self.base).with_relative_links(bytes) {
                *bytes = relative;
            }
        }
    }

    /// Whether a link is left that only another entry could have resolved.
    pub fn has_unresolved_link(&self) -> bool {
        self.links()
            .iter()
            .any(|(_, text)| text.starts_with("urn:uuid:"))
    }

    fn links(&self) -> Vec<(Range<usize>, String)> {
        let bytes = self.resource.as_deref().unwrap_or_default();
        let mut found = Vec::new();
        let scanned = json::scan(bytes, LIMITS.depth_max, &mut |path, span| {
            let above = path.iter().rev().nth(1).map(AsRef::as_ref);
            let says_its_kind = path.last().is_some_and(|name| name == "url")
                && above.is_some_and(|name| EXTENSIONS.contains(&name));
            if says_its_kind || !path.last().is_some_and(|name| is_link(name)) {
                return;
            }
            let text = bytes.get(span.clone()).unwrap_or_default();
            // A list of URLs is one member with several texts.
            if text.first() == Some(&b'[') {
                found.extend(texts_in(bytes, span));
            } else if let Ok(text) = serde_json::from_slice::<String>(text) {
                found.push((span, text));
            }
        });
        if scanned.is_err() {
            found.clear();
        }
        found
    }

    /// The interaction that this entry asks for.
    pub fn interaction(&self) -> Result<Interaction, EntryProblem> {
        let told = |error: crate::InvalidInteraction| problem(error.to_string());
        let name = self.resource_type;
        let query = |pairs: &[(String, String)]| {
            SearchQuery::parse(name, pairs).map_err(|error| problem(error.to_string()))
        };
        let if_match = self.if_match.as_deref();
        match (self.method, &self.address) {
            (Method::Get, Address::Type) => Ok(Interaction::search(query(&[])?)),
            (Method::Get, Address::Query(pairs)) => Ok(Interaction::search(query(pairs)?)),
            (Method::Get, Address::Instance(id)) => Interaction::read(name, id).map_err(told),
            (Method::Get, Address::Version(id, version)) => {
                Interaction::vread(name, id, version).map_err(told)
            }
            (Method::Get, Address::History(id, pairs)) => {
                let (since, count) = history_parameters(pairs)?;
                Interaction::history(name, id, since, count).map_err(told)
            }
            (Method::Post, _) => {
                let resource = self.typed_resource()?;
                match &self.if_none_exist {
                    None => Ok(Interaction::create(resource)),
                    Some(pairs) => {
                        Interaction::conditional_create(resource, query(pairs)?).map_err(told)
                    }
                }
            }
            (Method::Put, Address::Query(pairs)) => {
                Interaction::conditional_update(self.typed_resource()?, query(pairs)?).map_err(told)
            }
            (Method::Put, _) => {
                let id = self.id().unwrap_or_default();
                Interaction::update_at(name, id, self.typed_resource()?, if_match).map_err(told)
            }
            (Method::Patch, Address::Query(pairs)) => {
                Interaction::conditional_patch(self.patch()?, query(pairs)?).map_err(told)
            }
            (Method::Patch, _) => {
                let id = self.id().unwrap_or_default();
                Interaction::patch(name, id, self.patch()?, if_match).map_err(told)
            }
            (Method::Delete, Address::Query(pairs)) => {
                Interaction::conditional_delete(query(pairs)?).map_err(told)
            }
            (Method::Delete, _) => {
                let id = self.id().unwrap_or_default();
                Interaction::delete(name, id, if_match).map_err(told)
            }
        }
    }

    fn typed_resource(&self) -> Result<Resource, EntryProblem> {
        let resource = self.parsed()?;
        match resource.resource_type() {
            "Bundle" => Err(problem("a Bundle inside a Bundle is not carried out")),
            name if name == self.resource_type => Ok(resource),
            _ => Err(problem("the resource is of another type than the `url`")),
        }
    }

    fn parsed(&self) -> Result<Resource, EntryProblem> {
        let bytes = self.resource.as_deref().unwrap_or_default();
        Resource::parse(bytes, Limits::RESOURCE).map_err(|error| problem(error.to_string()))
    }

    /// A patch travels as Parameters, or as a Binary that holds a JSON Patch.
    fn patch(&self) -> Result<Patch, EntryProblem> {
        let carrier = self.parsed()?;
        let told = |error: crate::PatchError| problem(error.to_string());
        if carrier.resource_type() == "Parameters" {
            return Patch::fhirpath(&carrier).map_err(told);
        }
        let text = |name: &str| carrier.value().get(name).and_then(|value| value.as_str());
        if carrier.resource_type() != "Binary"
            || text("contentType") != Some("application/json-patch+json")
        {
            return Err(problem(
                "a patch is a Parameters resource, or a Binary of application/json-patch+json",
            ));
        }
        let data = text("data").and_then(decode_base64);
        let data = data.ok_or_else(|| problem("the Binary has no `data` in base64"))?;
        Patch::json(&data).map_err(told)
    }
}

/// `_since` and `_count` of a history; nothing else.
fn history_parameters(
    pairs: &[(String, String)],
) -> Result<(Option<Timestamp>, Option<u32>), EntryProblem> {
    let (mut since, mut count) = (None, None);
    for (name, value) in pairs {
        match name.as_str() {
            "_since" => {
                let instant = Timestamp::parse(value);
                since = Some(instant.ok_or_else(|| problem("`_since` must be an instant"))?);
            }
            "_count" => {
                let number = value.parse().ok();
                count = Some(number.ok_or_else(|| problem("`_count` must be a whole number"))?);
            }
            _ => return Err(problem("a history takes `_since` and `_count` only")),
        }
    }
    Ok((since, count))
}

/// `W/"3"` or `"3"` or `3`.
fn etag(text: &str) -> Result<String, EntryProblem> {
    let inner = text.strip_prefix("W/").unwrap_or(text);
    let inner = inner
        .strip_prefix('"')
        .and_then(|inner| inner.strip_suffix('"'))
        .unwrap_or(inner);
    if glovebox_model::id::is_fhir_id(inner) {
        Ok(inner.to_owned())
    } else {
        Err(problem("`ifMatch` must be an ETag such as W/\"1\""))
    }
}

fn address(url: &str, base: &str) -> Result<(&'static str, Address), EntryProblem> {
    let relative = url
        .strip_prefix(base)
        .filter(|_| !base.is_empty())
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(url);
    let (path, query) = match relative.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (relative, None),
    };
    if path.contains("://") || path.starts_with('/') {
        return Err(problem("the `url` leads to another server"));
    }
    if path.contains('$') {
        return Err(problem("operations cannot be called from an entry"));
    }
    // What is percent-encoded, or anything else but plain segments, is no address of ours.
    let segments: Vec<&str> = path.split('/').collect();
    let plain = |segment: &&str| {
        !segment.is_empty()
            && *segment != "."
            && *segment != ".."
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    let not_an_address = || problem("the `url` must be Type, Type?…, Type/id or Type/id/_history");
    if !segments.iter().all(plain) {
        return Err(not_an_address());
    }
    let named = segments.first().copied().unwrap_or_default();
    if !is_resource_type(named) {
        return Err(problem("the `url` names no resource type of R4"));
    }
    let resource_type = types::known(named).ok_or_else(not_an_address)?;
    let checked = |id: &str| {
        if glovebox_model::id::is_fhir_id(id) {
            Ok(id.to_owned())
        } else {
            Err(not_an_address())
        }
    };
    let address = match (segments.get(1..).unwrap_or_default(), query) {
        ([], None) => Address::Type,
        ([], Some(query)) => Address::Query(pairs(query)?),
        ([id], None) => Address::Instance(checked(id)?),
        ([id, "_history"], query) => {
            Address::History(checked(id)?, pairs(query.unwrap_or_default())?)
        }
        ([id, "_history", version], None) => Address::Version(checked(id)?, checked(version)?),
        _ => return Err(not_an_address()),
    };
    Ok((resource_type, address))
}

/// Names and values of the query in a URL or conditional reference, percent-decoded.
pub fn query_pairs(query: &str) -> Result<Vec<(String, String)>, EntryProblem> {
    pairs(query)
}

fn pairs(query: &str) -> Result<Vec<(String, String)>, EntryProblem> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        })
        .collect::<Option<_>>()
        .ok_or_else(|| problem("the query is not percent-encoded UTF-8"))
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let high = digit(bytes.next()?)?;
                let low = digit(bytes.next()?)?;
                u8::try_from(high * 16 + low).ok()?
            }
            plain => plain,
        });
    }
    String::from_utf8(out).ok()
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held, mut padding) = (0_u32, 0_u32, 0);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            _ => return None,
        };
        if padding > 0 {
            return None;
        }
        bits = (bits << 6) | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    (padding <= 2).then_some(out)
}

/// What has a `url` that says of which kind it is, not where it leads. The values of an
/// extension are named after their type.
const EXTENSIONS: [&str; 2] = ["extension", "modifierExtension"];

static LINKS: OnceLock<HashSet<&'static str>> = OnceLock::new();

/// Whether elements of this name hold references or URLs, wherever they are.
fn is_link(name: &str) -> bool {
    let known = LINKS.get_or_init(|| {
        let mut links = structure::names_of(&["uri", "url", "canonical"]);
        links.insert("reference");
        links.insert("url");
        // Says whose code or identifier it is, not where it leads.
        links.remove("system");
        links.extend(["valueUri", "valueUrl", "valueCanonical"]);
        links
    });
    known.contains(name)
}

/// The texts of an array of texts, with where each stands.
fn texts_in(bytes: &[u8], span: Range<usize>) -> Vec<(Range<usize>, String)> {
    let mut found = Vec::new();
    let mut at = span.start + 1;
    while at < span.end {
        if bytes.get(at) != Some(&b'"') {
            at += 1;
            continue;
        }
        let start = at;
        at += 1;
        while let Some(byte) = bytes.get(at).filter(|byte| **byte != b'"') {
            at += if *byte == b'\\' { 2 } else { 1 };
        }
        at += 1;
        let text = bytes.get(start..at).unwrap_or_default();
        if let Ok(text) = serde_json::from_slice(text) {
            found.push((start..at, text));
        }
    }
    found
}
