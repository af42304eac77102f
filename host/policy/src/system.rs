//! Interactions of the host itself. The list of reasons is closed, only the gateway
//! names it, and each use is in the ledger.

use std::sync::Arc;

use glovebox_fhir::Interaction;

use crate::permitted::{Basis, Permitted, Reach, Targets};
use crate::terms::Terms;

/// Why the host itself touches patient data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemReason {
    /// An operator imports resources.
    Import,
    /// A page lists the patients whom the signed-in user may open.
    PatientPicker,
    /// A clinician puts an app's draft into the record: who did so is written beside it.
    DraftProvenance,
    /// A page shows the chart of a patient whom the signed-in user may open.
    Chart,
    /// Who may open whom is derived from care teams and related persons.
    Relations,
}

impl SystemReason {
    /// The stable name in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::PatientPicker => "patient-picker",
            Self::DraftProvenance => "draft-provenance",
            Self::Chart => "chart",
            Self::Relations => "relations",
        }
    }
}

/// Permits an interaction of the host. `reach` still narrows it: a picker or a chart
/// covers only the patients whom its user may open.
pub fn permit_system(
    reason: SystemReason,
    reach: Reach,
    interaction: Interaction,
) -> Permitted<Interaction> {
    Permitted::new(
        interaction,
        vec![Basis::system(reason, reach)],
        Arc::new(Terms::host()),
        Targets::NotAsked,
    )
}
