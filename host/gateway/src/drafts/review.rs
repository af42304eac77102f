//! What a clinician sees of drafts, and saying no to one.

use glovebox_database::Batch;
use glovebox_model::TenantId;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};

use super::{
    Draft, DraftFilter, DraftRefused, DraftStage, DraftSummary, PAGE_MAX, REASON_CHARS_MAX, stored,
};
use crate::chart::Viewer;
use crate::gateway::{Gateway, unavailable};
use crate::refusal::Refusal;

/// Drafts that one listing looks through at most.
const LOOKED_AT_MAX: usize = 2_000;

impl Gateway {
    /// Drafts of patients whom the viewer may open, oldest first, after `after`, at most
    /// `limit`. With the last id that was looked at, where there may be more.
    pub async fn drafts(
        &self,
        viewer: &Viewer,
        filter: &DraftFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<DraftSummary>, Option<String>), Refusal> {
        let limit = limit.clamp(1, PAGE_MAX);
        let mut found = Vec::new();
        let mut after = after.map(str::to_owned);
        let mut looked_at = 0;
        loop {
            let page = stored::page(&self.drafts.keyspace, &viewer.tenant, after.as_deref()).await;
            let page = page.map_err(unavailable)?;
            if page.is_empty() {
                return Ok((found, None));
            }
            for summary in page {
                looked_at += 1;
                after = Some(summary.id.clone());
                if selects(filter, &summary) && self.may_review(viewer, &summary).await? {
                    found.push(summary);
                }
                if found.len() >= limit || looked_at >= LOOKED_AT_MAX {
                    return Ok((found, after));
                }
            }
        }
    }

    /// One draft with its content. That it was looked at is recorded.
    pub async fn draft_of(&self, viewer: &Viewer, id: &str) -> Result<Draft, DraftRefused> {
        let draft = self.reviewable(viewer, id).await?;
        let event = review_event(Kind::DraftRead, "read", viewer, &draft, Outcome::Ok);
        self.record(event)?;
        Ok(draft)
    }

    /// Says no to a draft. Nothing of it will ever be in the record.
    pub async fn reject_draft(
        &self,
        viewer: &Viewer,
        id: &str,
        reason: &str,
    ) -> Result<(), DraftRefused> {
        let draft = self.reviewable(viewer, id).await?;
        if draft.summary.stage != DraftStage::Waiting {
            return Err(DraftRefused::Settled(draft.summary.stage));
        }
        let reason: String = reason.trim().chars().take(REASON_CHARS_MAX).collect();
        if reason.is_empty() {
            return Err(DraftRefused::Invalid("say why".to_owned()));
        }
        let stage = DraftStage::Rejected {
            by: viewer.user.clone(),
            at: self.clock.now(),
            reason: reason.clone(),
        };
        let event = review_event(Kind::DraftRejected, "reject", viewer, &draft, Outcome::Ok);
        let event = event.with("reason", reason);
        let appended = self.ledger.append_durable(event).await;
        appended.map_err(unavailable)?;
        let keyspace = &self.drafts.keyspace;
        let moved = stored::moved(keyspace, &viewer.tenant, &draft, stage);
        let (key, value, expect) = moved.map_err(unavailable)?;
        let batch = Batch::new().put(key, value, expect);
        let durability = glovebox_database::Durability::Sync;
        match keyspace.records().commit(batch, durability).await {
            Ok(Ok(_)) => Ok(()),
            // Somebody else decided at the same moment.
            Ok(Err(_)) => {
                let draft = self.reviewable(viewer, id).await?;
                Err(DraftRefused::Settled(draft.summary.stage))
            }
            Err(error) => Err(unavailable(error).into()),
        }
    }

    /// A draft that the viewer may decide on. Absent and forbidden are one and the same.
    pub(super) async fn reviewable(
        &self,
        viewer: &Viewer,
        id: &str,
    ) -> Result<Draft, DraftRefused> {
        // What is no id names nothing.
        let is_id = id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_id {
            return Err(DraftRefused::NotFound);
        }
        let draft = stored::get(&self.drafts.keyspace, &viewer.tenant, id).await;
        let Some(draft) = draft.map_err(unavailable)? else {
            return Err(DraftRefused::NotFound);
        };
        if self.may_review(viewer, &draft.summary).await? {
            Ok(draft)
        } else {
            let denied = Outcome::Denied("relation".to_owned());
            let event = review_event(Kind::DraftRead, "read", viewer, &draft, denied);
            self.record(event)?;
            Err(DraftRefused::NotFound)
        }
    }

    async fn may_review(&self, viewer: &Viewer, summary: &DraftSummary) -> Result<bool, Refusal> {
        // A draft without a patient in context is for whoever may open everyone.
        match &summary.subject.patient {
            Some(patient) => self.may_open(viewer, patient).await,
            None => {
                let rights = self.rights_up_to(&viewer.tenant, &viewer.user, 1).await?;
                Ok(rights == glovebox_policy::UserRights::Everyone)
            }
        }
    }
}

fn selects(filter: &DraftFilter, summary: &DraftSummary) -> bool {
    let subject = &summary.subject;
    filter
        .patient
        .as_ref()
        .is_none_or(|patient| subject.patient.as_ref() == Some(patient))
        && filter
            .app
            .as_ref()
            .is_none_or(|app| subject.app.as_ref() == Some(app))
        && (!filter.waiting || summary.stage == DraftStage::Waiting)
}

/// An entry about a draft: the clinician acts, on what the app wrote for the patient.
pub(super) fn review_event(
    kind: Kind,
    action: &str,
    viewer: &Viewer,
    draft: &Draft,
    outcome: Outcome,
) -> Event {
    let author = &draft.summary.subject;
    let subject = reviewer(&viewer.tenant, viewer, author);
    let event = Event::new(kind, action, subject, outcome).with("draft", draft.summary.id.as_str());
    match &author.user {
        Some(user) => event.with("written_for", user.to_string()),
        None => event,
    }
}

fn reviewer(tenant: &TenantId, viewer: &Viewer, author: &Subject) -> Subject {
    Subject {
        tenant: Some(tenant.clone()),
        user: Some(viewer.user.clone()),
        asserted_by: None,
        call: None,
        ..author.clone()
    }
}
