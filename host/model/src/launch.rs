//! Why an app is running.

use crate::{FhirUser, PatientId, TenantId};

/// One entry of SMART `fhirContext` (SMART App Launch 2.2, section 3.0.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextItem {
    /// Relative reference such as `ImagingStudy/123`.
    pub reference: Option<String>,
    /// Canonical URL of a resource.
    pub canonical: Option<String>,
    /// Role of the item; `launch` where none was given.
    pub role: String,
}

/// What a launch says to the app: who opened it and for whom. Nothing here is a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchContext {
    /// The tenant in which the app runs.
    pub tenant: TenantId,
    /// Patient in context.
    pub patient: Option<PatientId>,
    /// Logical id of the encounter in context.
    pub encounter: Option<String>,
    /// The user, where the app may know.
    pub fhir_user: Option<FhirUser>,
    /// SMART `intent`.
    pub intent: Option<String>,
    /// SMART `fhirContext`.
    pub fhir_context: Vec<ContextItem>,
    /// BCP 47 language tag of the user.
    pub locale: String,
}
