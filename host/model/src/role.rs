//! What a person is to the hospital.

use std::fmt;
use std::str::FromStr;

/// A role of a user. Roles open pages and API calls; they never open a patient:
/// that is a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Treats patients, launches apps from the chart.
    Clinician,
    /// Is a patient.
    Patient,
    /// Acts for a patient.
    Proxy,
    /// Reviews, approves, quarantines and revokes apps.
    Administrator,
    /// Reads the audit ledger.
    PrivacyOfficer,
    /// Uploads apps for one publisher.
    Vendor,
    /// The hospital's EHR itself (a service account).
    Ehr,
}

impl Role {
    /// Every role, in the order in which pages list them.
    pub const ALL: [Self; 7] = [
        Self::Clinician,
        Self::Patient,
        Self::Proxy,
        Self::Administrator,
        Self::PrivacyOfficer,
        Self::Vendor,
        Self::Ehr,
    ];

    /// The stable name used in the API and on disk.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clinician => "clinician",
            Self::Patient => "patient",
            Self::Proxy => "proxy",
            Self::Administrator => "administrator",
            Self::PrivacyOfficer => "privacy-officer",
            Self::Vendor => "vendor",
            Self::Ehr => "ehr",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a role"))
    }
}
