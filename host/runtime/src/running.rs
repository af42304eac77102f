//! The calls that run now, and the switch that ends them.

use std::sync::Arc;

use dashmap::DashMap;
use glovebox_model::ledger::Subject;
use glovebox_model::{AppId, CallId, Digest, SessionId, TenantId, Timestamp, UserId};

use crate::stop::Kill;

/// Whose calls and sessions are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One call.
    Call(CallId),
    /// One screen session.
    Session(SessionId),
    /// One version in one tenant, by the digest of its component: another tenant may have
    /// installed the same bytes and decides for itself.
    Version(TenantId, Digest),
    /// Every version of an app in one tenant.
    App(TenantId, AppId),
    /// Everything that runs for a user.
    User(UserId),
    /// Everything in a tenant.
    Tenant(TenantId),
    /// Everything.
    All,
}

impl Target {
    /// Whether `subject` is meant.
    pub fn matches(&self, subject: &Subject) -> bool {
        match self {
            Self::Call(call) => subject.call.as_ref() == Some(call),
            Self::Session(session) => subject.session.as_ref() == Some(session),
            Self::Version(tenant, digest) => {
                subject.tenant.as_ref() == Some(tenant) && subject.digest.as_ref() == Some(digest)
            }
            Self::App(tenant, app) => {
                subject.tenant.as_ref() == Some(tenant) && subject.app.as_ref() == Some(app)
            }
            Self::User(user) => subject.user.as_ref() == Some(user),
            Self::Tenant(tenant) => subject.tenant.as_ref() == Some(tenant),
            Self::All => true,
        }
    }
}

/// A call that runs now.
#[derive(Clone, Debug)]
pub struct RunningCall {
    /// Whom it concerns; `call` is always set.
    pub subject: Subject,
    /// Since when.
    pub started: Timestamp,
}

struct Entry {
    call: RunningCall,
    kill: Arc<Kill>,
}

/// The registry of running calls.
#[derive(Default)]
pub(crate) struct Running {
    calls: DashMap<CallId, Entry>,
}

/// Takes the call out of the registry when it ends, however it ends.
pub(crate) struct Registered {
    running: Arc<Running>,
    id: CallId,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.running.calls.remove(&self.id);
    }
}

impl Running {
    /// Enters a call.
    pub(crate) fn register(
        self: &Arc<Self>,
        id: CallId,
        subject: Subject,
        started: Timestamp,
        kill: Arc<Kill>,
    ) -> Registered {
        self.calls.insert(
            id.clone(),
            Entry {
                call: RunningCall { subject, started },
                kill,
            },
        );
        Registered {
            running: Arc::clone(self),
            id,
        }
    }

    /// Ends what matches; says how many calls that were.
    pub(crate) fn kill(&self, target: &Target, reason: &str) -> usize {
        let meant = self
            .calls
            .iter()
            .filter(|entry| target.matches(&entry.call.subject));
        meant.map(|entry| entry.kill.set(reason)).count()
    }

    /// What runs now.
    pub(crate) fn list(&self) -> Vec<RunningCall> {
        self.calls.iter().map(|entry| entry.call.clone()).collect()
    }
}
