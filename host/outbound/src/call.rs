use std::time::Duration;

use crate::OutboundError;

/// One call, as it is reported. The path is left out: others write secrets there.
#[derive(Debug)]
pub struct Call<'a> {
    /// What it was made for.
    pub purpose: &'static str,
    /// Scheme, host and port; empty where the address could not be read.
    pub origin: &'a str,
    /// How many bytes came back, or why nothing did.
    pub outcome: Result<usize, &'a OutboundError>,
    /// How long it took.
    pub took: Duration,
}

/// Hears of each call, also of those that were refused before a connection was made.
pub trait CallSink: Send + Sync {
    /// A call is over.
    fn called(&self, call: &Call<'_>);
}
