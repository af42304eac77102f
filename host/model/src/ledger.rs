//! The vocabulary of the audit ledger: what is said, not how it is chained or stored.

use crate::{AppId, CallId, ClientId, Digest, PatientId, SessionId, TenantId, UserId, Version};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What an entry is about. The text form is stable: it stands in ledgers for years.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// Every kind, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable text form.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Reads the text form.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

kinds! {
    /// A FHIR interaction was decided, carried out or refused.
    Fhir = "fhir",
    /// A FHIR write is about to be carried out.
    WriteIntent = "fhir.intent",
    /// What became of a write intent.
    WriteOutcome = "fhir.outcome",
    /// An import batch is about to be committed.
    ImportIntent = "import.intent",
    /// What became of an import batch.
    ImportOutcome = "import.outcome",
    /// App storage was used.
    Storage = "storage",
    /// A screen was opened or an event handled.
    Screen = "screen",
    /// A call into a guest ended; carries fuel, bytes and counters.
    Call = "call",
    /// An app session began.
    SessionOpen = "session.open",
    /// An app session ended.
    SessionClose = "session.close",
    /// A launch handle was made, used or refused.
    Launch = "launch",
    /// A person signed in or failed to.
    SignIn = "sign-in",
    /// A person signed out.
    SignOut = "sign-out",
    /// A client asked to act for a user, and what came of it.
    Authorize = "authorize",
    /// A person agreed to what an app asked for.
    Consent = "consent",
    /// A token was issued, refused or used wrongly.
    Token = "token",
    /// An app version was uploaded.
    Upload = "app.upload",
    /// An app version was approved.
    Approve = "app.approve",
    /// An app version was rejected.
    Reject = "app.reject",
    /// An app or version was quarantined.
    Quarantine = "app.quarantine",
    /// A quarantine was lifted, or one person asked for it.
    Release = "app.release",
    /// An app or version was revoked.
    Revoke = "app.revoke",
    /// A running call was killed.
    Kill = "kill",
    /// A user, role or token was changed.
    UserChange = "user.change",
    /// A key with which the server signs was made or retired.
    KeyChange = "key.change",
    /// An OAuth client was registered or removed.
    ClientChange = "client.change",
    /// Something happened that a person should look at, such as a budget that is used up.
    Incident = "incident",
    /// An app's write waits for a clinician.
    DraftCreated = "draft.created",
    /// A clinician looked at a draft.
    DraftRead = "draft.read",
    /// A clinician put a draft into the record, or tried to.
    DraftCommitted = "draft.committed",
    /// A clinician rejected a draft.
    DraftRejected = "draft.rejected",
    /// Who may open whom was changed.
    RelationChange = "relation.change",
    /// A page, an API call or a request was refused at the door: no credential in force, no
    /// such role, not that tenant.
    Access = "access",
    /// A call was made to an address that somebody else supplied.
    Outbound = "outbound",
    /// The ledger itself was read.
    AuditRead = "audit.read",
    /// The ledger was opened, with what was found.
    LedgerStart = "ledger.start",
    /// A signed checkpoint over the chain.
    Checkpoint = "ledger.checkpoint",
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done as asked.
    Ok,
    /// Refused by a rule; a stable code such as `compartment`.
    Denied(String),
    /// Not there.
    NotFound,
    /// Failed for another reason; a stable code.
    Failed(String),
}

impl Outcome {
    /// The stable text form: `ok`, `denied: compartment`, `not-found`, `failed: timeout`.
    pub fn text(&self) -> String {
        match self {
            Self::Ok => "ok".to_owned(),
            Self::Denied(rule) => format!("denied: {rule}"),
            Self::NotFound => "not-found".to_owned(),
            Self::Failed(code) => format!("failed: {code}"),
        }
    }
}

/// Who and what an entry concerns. Empty fields are left out of the stored line.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Subject {
    /// The tenant; always set except for entries about the whole installation.
    pub tenant: Option<TenantId>,
    /// The app.
    pub app: Option<AppId>,
    /// Its version.
    pub version: Option<Version>,
    /// Digest of the component that ran.
    pub digest: Option<Digest>,
    /// The app session.
    pub session: Option<SessionId>,
    /// The call into the guest.
    pub call: Option<CallId>,
    /// The user for whom, or who, acted.
    pub user: Option<UserId>,
    /// The OAuth client.
    pub client: Option<ClientId>,
    /// The patient in context.
    pub patient: Option<PatientId>,
    /// The service account that spoke for the user.
    pub asserted_by: Option<UserId>,
}

/// One event before it is chained. `detail` holds named values: identifiers, counts,
/// rules and digests; never a token, a secret or the content of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it is about.
    pub kind: Kind,
    /// What was done, such as `read`, `search-type` or `open`.
    pub action: String,
    /// Whom it concerns.
    pub subject: Subject,
    /// How it ended.
    pub outcome: Outcome,
    /// Named values, in order.
    pub detail: Vec<(String, Detail)>,
}

/// A value in [`Event::detail`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Text.
    Text(String),
    /// A whole number.
    Number(u64),
    /// Several texts.
    List(Vec<String>),
}

impl From<&str> for Detail {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Detail {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<u64> for Detail {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}
impl From<Vec<String>> for Detail {
    fn from(list: Vec<String>) -> Self {
        Self::List(list)
    }
}

impl Event {
    /// An event without details.
    pub fn new(kind: Kind, action: &str, subject: Subject, outcome: Outcome) -> Self {
        Self {
            kind,
            action: action.to_owned(),
            subject,
            outcome,
            detail: Vec::new(),
        }
    }

    /// Adds a named value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Detail>) -> Self {
        self.detail.push((name.to_owned(), value.into()));
        self
    }
}
