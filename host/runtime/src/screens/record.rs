//! The stored form of a session's head: everything but its state and its document.

use std::sync::Arc;

use glovebox_database::fence::Held;
use glovebox_gateway::{Door, Session};
use glovebox_model::launch::{ContextItem, LaunchContext};
use glovebox_model::ledger::Subject;
use glovebox_model::limits::Limits;
use glovebox_model::scope::ScopeSet;
use glovebox_model::{Digest, SessionId, Timestamp};
use glovebox_policy::Terms;

use crate::wire::{FORMAT, Wire, record};

/// A session without its state and document.
#[derive(Clone)]
pub(super) struct Head {
    pub(super) id: SessionId,
    pub(super) app_name: String,
    pub(super) session: Session,
    pub(super) held: Vec<Held>,
    pub(super) context: Arc<LaunchContext>,
    pub(super) storage_granted: bool,
    pub(super) limits: Limits,
    pub(super) opened: Timestamp,
    /// Number of the current screen.
    pub(super) seq: u64,
    /// Records that hold state and document.
    pub(super) chunks: u32,
    pub(super) ended: Option<(String, Timestamp)>,
}

impl Head {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        self.put(&mut out);
        out
    }

    pub(super) fn decode(mut value: &[u8]) -> Option<Self> {
        (u8::take(&mut value)? == FORMAT).then_some(())?;
        Self::take(&mut value).filter(|_| value.is_empty())
    }
}

/// A value that is stored as its text.
macro_rules! text {
    ($($ty:ty),*) => { $(
        impl Wire for $ty {
            fn put(&self, out: &mut Vec<u8>) {
                self.to_string().put(out);
            }
            fn take(input: &mut &[u8]) -> Option<Self> {
                String::take(input)?.parse().ok()
            }
        }
    )* };
}
text!(
    SessionId,
    Held,
    glovebox_model::TenantId,
    glovebox_model::AppId,
    glovebox_model::Version,
    glovebox_model::CallId,
    glovebox_model::UserId,
    glovebox_model::ClientId,
    glovebox_model::PatientId,
    glovebox_model::FhirUser
);

impl Wire for Digest {
    fn put(&self, out: &mut Vec<u8>) {
        self.to_string().put(out);
    }
    fn take(input: &mut &[u8]) -> Option<Self> {
        Self::parse(&String::take(input)?)
    }
}

impl Wire for Timestamp {
    fn put(&self, out: &mut Vec<u8>) {
        self.micros().put(out);
    }
    fn take(input: &mut &[u8]) -> Option<Self> {
        Some(Self::from_micros(i64::take(input)?))
    }
}

impl Wire for ScopeSet {
    fn put(&self, out: &mut Vec<u8>) {
        self.to_string().put(out);
    }
    fn take(input: &mut &[u8]) -> Option<Self> {
        Self::parse(&String::take(input)?).ok()
    }
}

/// By name, so that a limit that comes later has its default in older sessions.
impl Wire for Limits {
    fn put(&self, out: &mut Vec<u8>) {
        let rows: Vec<_> = self
            .rows()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        rows.put(out);
    }
    fn take(input: &mut &[u8]) -> Option<Self> {
        let mut limits = Self::default();
        for (name, value) in Vec::<(String, u64)>::take(input)? {
            limits.set(&name, value);
        }
        Some(limits)
    }
}

/// As administrators write them.
impl Wire for Terms {
    fn put(&self, out: &mut Vec<u8>) {
        self.to_json().to_string().put(out);
    }
    fn take(input: &mut &[u8]) -> Option<Self> {
        Self::from_json(&serde_json::from_str(&String::take(input)?).ok()?).ok()
    }
}

/// Guests come in by one door only.
impl Wire for Door {
    fn put(&self, _out: &mut Vec<u8>) {}
    fn take(_input: &mut &[u8]) -> Option<Self> {
        Some(Self::Wit)
    }
}

impl<T: Wire> Wire for Arc<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_ref().put(out);
    }
    fn take(input: &mut &[u8]) -> Option<Self> {
        Some(Self::new(T::take(input)?))
    }
}

record!(ContextItem {
    reference,
    canonical,
    role
});
record!(LaunchContext {
    tenant,
    patient,
    encounter,
    fhir_user,
    intent,
    fhir_context,
    locale
});
record!(Subject {
    tenant,
    app,
    version,
    digest,
    session,
    call,
    user,
    client,
    patient,
    asserted_by
});
record!(Session {
    tenant,
    subject,
    scopes,
    patient,
    user,
    door,
    terms
});
record!(Head {
    id,
    app_name,
    session,
    held,
    context,
    storage_granted,
    limits,
    opened,
    seq,
    chunks,
    ended,
});
