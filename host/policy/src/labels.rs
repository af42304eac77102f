//! Security labels (`meta.security`) as a filter layer of its own: what carries a label
//! that a session is not cleared for is not given out, not found and not counted.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use glovebox_fhir::FactsView;

/// The code systems of HL7's confidentiality codes: its URL, its OID as a URI.
const CONFIDENTIALITY_SYSTEMS: [&str; 3] = [
    "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
    "http://hl7.org/fhir/v3/Confidentiality",
    "urn:oid:2.16.840.1.113883.5.25",
];
/// Labels that one clearance withholds at most.
const WITHHELD_MAX: usize = 100;

/// HL7's confidentiality codes, from the least to the most confidential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidentiality {
    /// `U`.
    Unrestricted,
    /// `L`.
    Low,
    /// `M`.
    Moderate,
    /// `N`: what ordinary records are.
    Normal,
    /// `R`.
    Restricted,
    /// `V`.
    VeryRestricted,
}

impl Confidentiality {
    const ALL: [Self; 6] = [
        Self::Unrestricted,
        Self::Low,
        Self::Moderate,
        Self::Normal,
        Self::Restricted,
        Self::VeryRestricted,
    ];

    /// HL7's code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unrestricted => "U",
            Self::Low => "L",
            Self::Moderate => "M",
            Self::Normal => "N",
            Self::Restricted => "R",
            Self::VeryRestricted => "V",
        }
    }

    /// Reads HL7's code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == code)
    }
}

/// Which labels a session may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clearance {
    /// The most confidential that is given out.
    pub ceiling: Confidentiality,
    /// Further labels that are withheld, as (system, code): `ActCode|PSY` for psychiatry.
    withheld: BTreeSet<(String, String)>,
}

/// Everything up to normal: restricted and very restricted records need a word more.
impl Default for Clearance {
    fn default() -> Self {
        Self {
            ceiling: Confidentiality::Normal,
            withheld: BTreeSet::new(),
        }
    }
}

impl Clearance {
    /// Everything: the hospital's own pages and work.
    pub fn full() -> Self {
        Self {
            ceiling: Confidentiality::VeryRestricted,
            withheld: BTreeSet::new(),
        }
    }

    /// Withholds one more label. `false` if there are too many or it has no code.
    pub fn withhold(&mut self, system: &str, code: &str) -> bool {
        if code.is_empty() || self.withheld.len() >= WITHHELD_MAX {
            return false;
        }
        self.withheld.insert((system.to_owned(), code.to_owned()));
        true
    }

    /// The further labels that are withheld, in order.
    pub fn withheld(&self) -> impl Iterator<Item = (&str, &str)> {
        self.withheld
            .iter()
            .map(|(system, code)| (system.as_str(), code.as_str()))
    }

    /// Whether a resource with these facts may be seen. One label that is withheld
    /// suffices to withhold the resource, whatever others say.
    pub fn admits(&self, facts: &FactsView<'_>) -> bool {
        facts
            .security_labels()
            .all(|(system, code)| self.admits_label(system, code))
    }

    fn admits_label(&self, system: &str, code: &str) -> bool {
        let confidentiality = if CONFIDENTIALITY_SYSTEMS.contains(&system) {
            // A code that the system does not have may mean anything: the worst is assumed.
            Some(Confidentiality::parse(code).unwrap_or(Confidentiality::VeryRestricted))
        } else if system.is_empty() {
            Confidentiality::parse(code)
        } else {
            None
        };
        if confidentiality.is_some_and(|label| label > self.ceiling) {
            return false;
        }
        // A label without a system is taken for each that has its code.
        !self
            .withheld
            .iter()
            .any(|(known, withheld)| withheld == code && (known == system || system.is_empty()))
    }
}
