//! What goes into a session and what comes out of it.

use std::sync::Arc;

use glovebox_database::fence::Held;
use glovebox_gateway::Session;
use glovebox_model::launch::LaunchContext;
use glovebox_model::ledger::Subject;
use glovebox_model::limits::Limits;
use glovebox_model::view::ValidDocument;
use glovebox_model::{SessionId, Timestamp};

use crate::prepare::Prepared;
use crate::usage::Usage;

/// What it takes to open a session.
pub struct ScreenLaunch {
    /// The component.
    pub prepared: Arc<Prepared>,
    /// The app's name, for the user.
    pub app_name: String,
    /// On whose behalf: scopes are already narrowed by manifest, approval and grant.
    /// `subject` names app and version; a `session` in it is used, else one is made.
    pub session: Session,
    /// The generations under which it was let in. The session's own is added.
    pub held: Vec<Held>,
    /// What the app is told.
    pub context: LaunchContext,
    /// Whether private storage was asked for and approved.
    pub storage_granted: bool,
    /// The effective limits.
    pub limits: Limits,
}

/// What a user did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScreenInput {
    /// Pressed an action, with the values of its form as they were sent.
    Submit {
        /// Id of the action.
        action: String,
        /// Field names and values.
        values: Vec<(String, String)>,
    },
    /// Asked for fresh data.
    Refresh,
}

/// The current screen of a session.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The session.
    pub session: SessionId,
    /// Number of the screen, from 1. An event names the screen that it answers.
    pub seq: u64,
    /// What to draw.
    pub document: Arc<ValidDocument>,
    /// What the call used; zero where the guest was not called.
    pub usage: Usage,
}

/// A session as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its id.
    pub id: SessionId,
    /// Whom it concerns.
    pub subject: Subject,
    /// Name of the app.
    pub app_name: String,
    /// Since when.
    pub opened: Timestamp,
    /// Number of the current screen.
    pub seq: u64,
    /// Why and when it ended.
    pub ended: Option<(String, Timestamp)>,
}

/// Some sessions and where the list goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionsPage {
    /// In the order of their ids.
    pub items: Vec<SessionInfo>,
    /// Pass it as `after` for the next page.
    pub next: Option<SessionId>,
}
