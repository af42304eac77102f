use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use reqwest::redirect::Policy;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::{Instant, timeout};

use crate::address::Reach;
use crate::resolver::{BlockedName, Lookup, SystemLookup, VettingResolver};
use crate::{AddressPolicy, Call, CallSink, OutboundError, Vetted};

/// Calls that may be under way at once.
const CALLS_MAX: usize = 32;
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// Of what is kept of each header.
const HEADER_BYTES_MAX: usize = 1_024;

/// What is to be fetched, and its bounds.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Where.
    pub url: &'a str,
    /// What for: a stable word for the ledger.
    pub purpose: &'static str,
    /// The `Accept` header.
    pub accept: &'static str,
    /// Media types that are taken, without parameters.
    pub media_types: &'static [&'static str],
    /// Most bytes that are read.
    pub bytes_max: usize,
    /// From the first look at the address to the last byte.
    pub time_max: Duration,
}

/// What came back with the status 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The body.
    pub body: Vec<u8>,
    /// Every `Cache-Control` header, joined by commas; empty if there is none.
    pub cache_control: String,
    /// How old the answer was when it came (RFC 9111 section 5.1).
    pub age: Duration,
}

/// Makes calls. Cheap to clone; all clones share their bounds.
#[derive(Clone)]
pub struct Outbound {
    inner: Arc<Inner>,
}

struct Inner {
    policy: AddressPolicy,
    sink: Arc<dyn CallSink>,
    lookup: Arc<dyn Lookup>,
    // Made when first needed: reading the machine's certificates takes a while, and most
    // installations never call anybody.
    public: OnceCell<reqwest::Client>,
    listed: OnceCell<reqwest::Client>,
    under_way: Semaphore,
}

impl Outbound {
    /// Under a policy, with the machine's own resolver.
    pub fn new(policy: AddressPolicy, sink: Arc<dyn CallSink>) -> Self {
        Self::with_lookup(policy, sink, Arc::new(SystemLookup))
    }

    /// With another resolver.
    pub fn with_lookup(
        policy: AddressPolicy,
        sink: Arc<dyn CallSink>,
        lookup: Arc<dyn Lookup>,
    ) -> Self {
        let inner = Inner {
            policy,
            sink,
            lookup,
            public: OnceCell::new(),
            listed: OnceCell::new(),
            under_way: Semaphore::new(CALLS_MAX),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Which addresses may be called: for whoever takes one that is to be called later.
    pub fn policy(&self) -> &AddressPolicy {
        &self.inner.policy
    }

    /// Fetches by GET. Answers the body of a 200, whole, or why there is none.
    ///
    /// # Errors
    /// [`OutboundError`].
    pub async fn get(&self, request: Request<'_>) -> Result<Answer, OutboundError> {
        let begun = Instant::now();
        let vetted = self.inner.policy.check(request.url);
        let outcome = match &vetted {
            Ok(vetted) => match timeout(request.time_max, self.fetch(vetted, request)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(OutboundError::TimedOut),
            },
            Err(refused) => Err(refused.clone()),
        };
        self.inner.sink.called(&Call {
            purpose: request.purpose,
            origin: vetted.as_ref().map_or("", |vetted| vetted.origin.as_str()),
            outcome: outcome.as_ref().map(|answer| answer.body.len()),
            took: begun.elapsed(),
        });
        outcome
    }

    async fn fetch(&self, to: &Vetted, request: Request<'_>) -> Result<Answer, OutboundError> {
        // Whoever waits for others waits within the time of the call. It is never closed.
        let permit = self.inner.under_way.acquire().await;
        let _permit = permit.map_err(|_| OutboundError::TimedOut)?;
        let sent = self
            .client(to.reach)
            .await?
            .get(to.url.clone())
            .header(ACCEPT, request.accept)
            .send()
            .await;
        let mut response = sent.map_err(|problem| explain(&problem))?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(OutboundError::Status(response.status().as_u16()));
        }
        let headers = response.headers();
        check_headers(headers, request.media_types)?;
        let is_too_large = |bytes: usize| bytes > request.bytes_max;
        let announced = response.content_length().map(usize::try_from);
        if announced.is_some_and(|bytes| bytes.is_ok_and(is_too_large)) {
            return Err(OutboundError::TooLarge);
        }
        let (cache_control, age) = (cache_control(headers), age(headers));
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|problem| explain(&problem))?
        {
            if is_too_large(body.len().saturating_add(chunk.len())) {
                return Err(OutboundError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            body,
            cache_control,
            age,
        })
    }

    async fn client(&self, reach: Reach) -> Result<&reqwest::Client, OutboundError> {
        let cell = match reach {
            Reach::Public => &self.inner.public,
            Reach::Listed => &self.inner.listed,
        };
        cell.get_or_try_init(|| async { build(reach, Arc::clone(&self.inner.lookup)) })
            .await
    }
}

fn build(reach: Reach, lookup: Arc<dyn Lookup>) -> Result<reqwest::Client, OutboundError> {
    // The error says that a provider is installed already, which is what is wanted.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder()
        .dns_resolver(VettingResolver { lookup, reach })
        .https_only(reach == Reach::Public)
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .http1_only()
        // Each call resolves and vets by itself.
        .pool_max_idle_per_host(0)
        .connect_timeout(CONNECT_MAX)
        .user_agent("glovebox")
        .build();
    client.map_err(|problem| OutboundError::Setup(chain(&problem)))
}

fn chain(problem: &dyn std::error::Error) -> String {
    match problem.source() {
        Some(source) => format!("{problem}: {}", chain(source)),
        None => problem.to_string(),
    }
}

fn check_headers(headers: &HeaderMap, media_types: &[&str]) -> Result<(), OutboundError> {
    let encodings = headers.get_all(CONTENT_ENCODING);
    if encodings.iter().any(|encoding| encoding != "identity") {
        return Err(OutboundError::Compressed);
    }
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = content_type.unwrap_or_default().split(';').next();
    let media_type = media_type.unwrap_or_default().trim();
    let is_one = |known: &&str| known.eq_ignore_ascii_case(media_type);
    match media_types.iter().any(is_one) {
        true => Ok(()),
        false => Err(OutboundError::MediaType),
    }
}

fn cache_control(headers: &HeaderMap) -> String {
    let values = headers.get_all(CACHE_CONTROL).iter();
    // What cannot be read may say that nothing is to be kept.
    let values = values.map(|value| match value.to_str() {
        Ok(text) if text.len() <= HEADER_BYTES_MAX => text,
        _ => "no-store",
    });
    values.collect::<Vec<_>>().join(",")
}

fn age(headers: &HeaderMap) -> Duration {
    let text = headers.get(AGE).and_then(|value| value.to_str().ok());
    let seconds = text.and_then(|text| text.trim().parse().ok());
    Duration::from_secs(seconds.unwrap_or(0))
}

fn explain(problem: &reqwest::Error) -> OutboundError {
    let mut cause = problem.source();
    while let Some(source) = cause {
        if source.is::<BlockedName>() {
            return OutboundError::Blocked;
        }
        cause = source.source();
    }
    match problem.is_timeout() {
        true => OutboundError::TimedOut,
        false => OutboundError::Unreachable,
    }
}

#[cfg(test)]
mod tests;
