//! What the hospital's own pages show: the patients whom a user may open, and the chart
//! of one of them. The same store, the same re-check, the same ledger.

use std::collections::BTreeSet;
use std::sync::Arc;

use glovebox_fhir::{Interaction, SearchQuery};
use glovebox_model::ledger::{Outcome, Subject};
use glovebox_model::scope::ScopeSet;
use glovebox_model::{PatientId, TenantId, UserId};
use glovebox_policy::{Permitted, Reach, SystemReason, Terms, UserRights, permit_system};

use crate::answer::{Page, Released};
use crate::cursor::Cursor;
use crate::gateway::{Gateway, unavailable};
use crate::record;
use crate::refusal::Refusal;
use crate::session::{Door, Session};

/// Patients that a picker looks through at most for a user without the right to everyone.
const PICKER_PATIENTS_MAX: usize = 5_000;

/// A signed-in person who looks at the hospital's own pages.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The tenant whose data is shown.
    pub tenant: TenantId,
    /// The person.
    pub user: UserId,
}

impl Viewer {
    fn session(&self, patient: Option<&PatientId>) -> Session {
        Session {
            tenant: self.tenant.clone(),
            subject: Subject {
                tenant: Some(self.tenant.clone()),
                user: Some(self.user.clone()),
                patient: patient.cloned(),
                ..Subject::default()
            },
            scopes: ScopeSet::default(),
            patient: patient.cloned(),
            user: Some(self.user.clone()),
            door: Door::Http,
            terms: Arc::new(Terms::host()),
        }
    }
}

impl Gateway {
    /// Whether this person may open this patient. Says nothing about whether the patient exists.
    pub async fn may_open(&self, viewer: &Viewer, patient: &PatientId) -> Result<bool, Refusal> {
        let now = self.clock.now();
        self.relations
            .may_open(&viewer.tenant, &viewer.user, patient, now)
            .await
            .map_err(unavailable)
    }

    /// One page of a Patient search over the patients whom the viewer may open.
    pub async fn patients(
        &self,
        viewer: &Viewer,
        query: SearchQuery,
        after: Option<&Cursor>,
        count: usize,
    ) -> Result<Page, Refusal> {
        let reach = match self
            .rights_up_to(&viewer.tenant, &viewer.user, PICKER_PATIENTS_MAX)
            .await?
        {
            UserRights::Everyone => Reach::Everyone,
            UserRights::Patients(patients) => Reach::Patients(patients),
            UserRights::TooMany(_) => {
                let refusal = Refusal::TooCostly(format!(
                    "you may open more than {PICKER_PATIENTS_MAX} patients: open one by its address"
                ));
                let (session, search) = (viewer.session(None), Interaction::Search(query));
                return Err(self.failed(&session, &search, "too-costly", refusal));
            }
            UserRights::NoUser => Reach::Patients(BTreeSet::new()),
        };
        let permitted = permit_system(
            SystemReason::PatientPicker,
            reach,
            Interaction::Search(query),
        );
        let after = after.and_then(Cursor::position);
        self.search(&viewer.session(None), &permitted, after, count)
            .await
    }

    /// One search in the chart of a patient. Whoever may not open the patient gets what an
    /// absent patient gives.
    pub async fn chart_search(
        &self,
        viewer: &Viewer,
        patient: &PatientId,
        query: SearchQuery,
        count: usize,
    ) -> Result<Page, Refusal> {
        let permitted = self
            .permit_chart(viewer, patient, Interaction::Search(query))
            .await?;
        self.search(&viewer.session(Some(patient)), &permitted, None, count)
            .await
    }

    /// The Patient resource at the head of the chart.
    pub async fn chart_patient(
        &self,
        viewer: &Viewer,
        patient: &PatientId,
    ) -> Result<Released, Refusal> {
        let interaction = Interaction::read("Patient", patient.as_str())
            .map_err(|problem| Refusal::Invalid(problem.to_string()))?;
        let permitted = self.permit_chart(viewer, patient, interaction).await?;
        self.read(&viewer.session(Some(patient)), &permitted).await
    }

    async fn permit_chart(
        &self,
        viewer: &Viewer,
        patient: &PatientId,
        interaction: Interaction,
    ) -> Result<Permitted<Interaction>, Refusal> {
        if !self.may_open(viewer, patient).await? {
            let denied = Outcome::Denied("relation".to_owned());
            self.record(record::event(
                &viewer.session(Some(patient)),
                &interaction,
                denied,
            ))?;
            return Err(Refusal::NotFound);
        }
        Ok(permit_system(
            SystemReason::Chart,
            Reach::patient(patient),
            interaction,
        ))
    }
}
