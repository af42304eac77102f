//! The launch context that travels with a grant (SMART App Launch 2.2, "Scopes and Launch
//! Context", launch context parameters).

use glovebox_model::PatientId;
use glovebox_model::launch::ContextItem;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::table::Table;

/// What the token response says about where the app was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantContext {
    /// `patient`.
    pub patient: Option<PatientId>,
    /// `encounter`: the logical id.
    pub encounter: Option<String>,
    /// `intent`.
    pub intent: Option<String>,
    /// `fhirContext`.
    pub fhir_context: Vec<ContextItem>,
    /// Whether the app has to say itself whom it shows (`need_patient_banner`): where it
    /// was not opened inside the chart, nobody else does.
    pub needs_patient_banner: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredContext {
    patient: Option<String>,
    encounter: Option<String>,
    intent: Option<String>,
    fhir_context: Vec<StoredItem>,
    needs_patient_banner: bool,
}

/// One item of `fhirContext` as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredItem {
    reference: Option<String>,
    canonical: Option<String>,
    role: String,
}

impl From<&ContextItem> for StoredItem {
    fn from(item: &ContextItem) -> Self {
        Self {
            reference: item.reference.clone(),
            canonical: item.canonical.clone(),
            role: item.role.clone(),
        }
    }
}

impl From<StoredItem> for ContextItem {
    fn from(item: StoredItem) -> Self {
        Self {
            reference: item.reference,
            canonical: item.canonical,
            role: item.role,
        }
    }
}

impl From<&GrantContext> for StoredContext {
    fn from(context: &GrantContext) -> Self {
        Self {
            patient: context.patient.as_ref().map(ToString::to_string),
            encounter: context.encounter.clone(),
            intent: context.intent.clone(),
            fhir_context: context.fhir_context.iter().map(StoredItem::from).collect(),
            needs_patient_banner: context.needs_patient_banner,
        }
    }
}

impl StoredContext {
    pub(crate) fn read(self, table: &Table) -> Result<GrantContext, Error> {
        Ok(GrantContext {
            patient: table.parse_option(self.patient.as_deref())?,
            encounter: self.encounter,
            intent: self.intent,
            fhir_context: self.fhir_context.into_iter().map(Into::into).collect(),
            needs_patient_banner: self.needs_patient_banner,
        })
    }
}
