//! Identifiers: small validated strings that cannot be mistaken for one another.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The text is not a valid identifier of the named kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {kind}: {rule}")]
pub struct InvalidId {
    /// What was asked for, such as `app id`.
    pub kind: &'static str,
    /// The text as given, cut to 80 characters.
    pub text: String,
    /// The rule in words.
    pub rule: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidId {
                        kind: $kind,
                        text: text.chars().take(80).collect(),
                        rule: $rule,
                    })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

fn is_slug(text: &str, max: usize) -> bool {
    text.len() <= max
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// FHIR `id` data type: `[A-Za-z0-9\-\.]{1,64}` (R4, datatypes).
pub fn is_fhir_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

fn is_opaque(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

id!(
    /// A tenant: `main`, `sandbox` or another name.
    TenantId, "tenant", "1 to 32 of a-z, 0-9 and -, starting with a letter",
    |t| is_slug(t, 32)
);
id!(
    /// An app, the same across its versions, such as `lab-viewer`.
    AppId, "app id", "1 to 64 of a-z, 0-9 and -, starting with a letter",
    |t| is_slug(t, 64)
);
id!(
    /// A version of an app in the form `1.2.3`, optionally with `-pre.1`.
    Version, "version", "three numbers with dots such as 1.2.3, optionally -pre.1",
    is_version
);
id!(
    /// A publisher of apps, such as `northlake-health`.
    PublisherId, "publisher id", "1 to 64 of a-z, 0-9 and -, starting with a letter",
    |t| is_slug(t, 64)
);
id!(
    /// A user's login name, such as `dr.rivera`.
    UserId, "user name", "1 to 64 of a-z, 0-9, dot, - and _, starting with a letter",
    |t| (1..=64).contains(&t.len())
        && t.starts_with(|c: char| c.is_ascii_lowercase())
        && t.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c))
);
id!(
    /// An OAuth 2.0 client identifier (RFC 6749 section 2.2).
    ClientId, "client id", "1 to 64 of A-Z, a-z, 0-9, - and _",
    is_opaque
);
id!(
    /// An app session: one app, one user, one launch context.
    SessionId, "session id", "1 to 64 of A-Z, a-z, 0-9, - and _",
    is_opaque
);
id!(
    /// One running call into a guest.
    CallId, "call id", "1 to 64 of A-Z, a-z, 0-9, - and _",
    is_opaque
);
id!(
    /// The logical id of a Patient resource.
    PatientId, "patient id", "1 to 64 of A-Z, a-z, 0-9, - and .",
    is_fhir_id
);
id!(
    /// A user as a relative FHIR reference such as `Practitioner/rivera`
    /// (SMART App Launch 2.2, scopes for requesting identity data).
    FhirUser, "fhirUser", "Practitioner, Patient, RelatedPerson, PractitionerRole or Person, a slash and an id",
    |t| t.split_once('/').is_some_and(|(kind, id)| {
        ["Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Person"].contains(&kind)
            && is_fhir_id(id)
    })
);

impl Version {
    /// Orders versions as numbers, a pre-release before its release.
    pub fn precedence(&self) -> (u64, u64, u64, bool, &str) {
        let (core, pre) = match self.as_str().split_once('-') {
            Some((core, pre)) => (core, pre),
            None => (self.as_str(), ""),
        };
        let mut numbers = core.split('.').map(|n| n.parse().unwrap_or(u64::MAX));
        let mut next = || numbers.next().unwrap_or(0);
        (next(), next(), next(), pre.is_empty(), pre)
    }
}

fn is_version(text: &str) -> bool {
    let (core, pre) = match text.split_once('-') {
        Some((core, pre)) => (core, Some(pre)),
        None => (text, None),
    };
    let number = |n: &str| {
        (1..=9).contains(&n.len())
            && n.bytes().all(|b| b.is_ascii_digit())
            && (n == "0" || !n.starts_with('0'))
    };
    core.split('.').count() == 3
        && core.split('.').all(number)
        && pre.is_none_or(|pre| {
            (1..=32).contains(&pre.len())
                && pre
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_refuse_what_is_not_theirs() {
        for (text, valid) in [
            ("lab-viewer", true),
            ("a", true),
            ("", false),
            ("Lab", false),
            ("-x", false),
            ("x-", false),
            ("../etc", false),
            ("a/b", false),
        ] {
            assert_eq!(text.parse::<AppId>().is_ok(), valid, "{text}");
        }
        for (text, valid) in [
            ("1.0.0", true),
            ("0.10.2-rc.1", true),
            ("1.0", false),
            ("01.0.0", false),
            ("1.0.0-", false),
        ] {
            assert_eq!(text.parse::<Version>().is_ok(), valid, "{text}");
        }
        assert!("Practitioner/rivera".parse::<FhirUser>().is_ok());
        assert!("Device/rivera".parse::<FhirUser>().is_err());
    }

    #[test]
    fn a_version_orders_as_numbers() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(version("1.10.0").precedence() > version("1.9.9").precedence());
        assert!(version("1.0.0").precedence() > version("1.0.0-rc.1").precedence());
    }
}
