//! What can be revoked.

use std::fmt;
use std::str::FromStr;

use glovebox_model::{AppId, ClientId, PublisherId, SessionId, TenantId, UserId, Version};

/// Something with a generation of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// A whole tenant.
    Tenant(TenantId),
    /// Everything of a publisher, in all tenants.
    Publisher(PublisherId),
    /// An app in a tenant.
    App(TenantId, AppId),
    /// One version of it.
    Version(TenantId, AppId, Version),
    /// An OAuth client.
    Client(TenantId, ClientId),
    /// A user.
    User(TenantId, UserId),
    /// The set of patients whom a user may open.
    Relations(TenantId, UserId),
    /// A session or grant.
    Session(SessionId),
    /// A tenant's policy.
    Policy(TenantId),
}

impl Mark {
    /// The key of its record: the text form.
    pub(super) fn key(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }

    pub(super) fn from_key(key: &[u8]) -> Option<Self> {
        std::str::from_utf8(key).ok()?.parse().ok()
    }
}

/// The text form, such as `version/main/lab-viewer/1.2.3`; no identifier holds a slash.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant(tenant) => write!(f, "tenant/{tenant}"),
            Self::Publisher(publisher) => write!(f, "publisher/{publisher}"),
            Self::App(tenant, app) => write!(f, "app/{tenant}/{app}"),
            Self::Version(tenant, app, version) => write!(f, "version/{tenant}/{app}/{version}"),
            Self::Client(tenant, client) => write!(f, "client/{tenant}/{client}"),
            Self::User(tenant, user) => write!(f, "user/{tenant}/{user}"),
            Self::Relations(tenant, user) => write!(f, "relations/{tenant}/{user}"),
            Self::Session(session) => write!(f, "session/{session}"),
            Self::Policy(tenant) => write!(f, "policy/{tenant}"),
        }
    }
}

/// The text names nothing that can be revoked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the text of a mark")]
pub struct InvalidMark(String);

impl FromStr for Mark {
    type Err = InvalidMark;
    fn from_str(text: &str) -> Result<Self, InvalidMark> {
        parse(text).ok_or_else(|| InvalidMark(text.chars().take(300).collect()))
    }
}

fn parse(text: &str) -> Option<Mark> {
    let mut parts = text.split('/');
    let kind = parts.next()?;
    let parts: Vec<_> = parts.collect();
    match (kind, parts.as_slice()) {
        ("tenant", [tenant]) => Some(Mark::Tenant(tenant.parse().ok()?)),
        ("publisher", [publisher]) => Some(Mark::Publisher(publisher.parse().ok()?)),
        ("app", [tenant, app]) => Some(Mark::App(tenant.parse().ok()?, app.parse().ok()?)),
        ("version", [tenant, app, version]) => Some(Mark::Version(
            tenant.parse().ok()?,
            app.parse().ok()?,
            version.parse().ok()?,
        )),
        ("client", [tenant, client]) => {
            Some(Mark::Client(tenant.parse().ok()?, client.parse().ok()?))
        }
        ("user", [tenant, user]) => Some(Mark::User(tenant.parse().ok()?, user.parse().ok()?)),
        ("relations", [tenant, user]) => {
            Some(Mark::Relations(tenant.parse().ok()?, user.parse().ok()?))
        }
        ("session", [session]) => Some(Mark::Session(session.parse().ok()?)),
        ("policy", [tenant]) => Some(Mark::Policy(tenant.parse().ok()?)),
        _ => None,
    }
}

/// A mark as it stood when somebody was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The mark.
    pub mark: Mark,
    /// Its generation; 0 if it was never bumped.
    pub generation: u64,
    /// Version of the record that holds the generation; `None` if there is none.
    pub version: Option<u64>,
}

/// The stored form: mark, generation and version, such as `user/main/dr.rivera 2 17`, with
/// `-` for no version.
impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.mark, self.generation)?;
        match self.version {
            Some(version) => write!(f, "{version}"),
            None => f.write_str("-"),
        }
    }
}

impl FromStr for Held {
    type Err = InvalidMark;
    fn from_str(text: &str) -> Result<Self, InvalidMark> {
        let invalid = || InvalidMark(text.chars().take(300).collect());
        let mut parts = text.split(' ');
        let (Some(mark), Some(generation), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(invalid());
        };
        Ok(Self {
            mark: mark.parse()?,
            generation: generation.parse().map_err(|_| invalid())?,
            version: match version {
                "-" => None,
                version => Some(version.parse().map_err(|_| invalid())?),
            },
        })
    }
}
