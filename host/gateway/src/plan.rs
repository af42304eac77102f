//! What a permitted write comes to: which resource it changes, from which version, into
//! what. Everything that can refuse it is asked here, before anything is announced.

use std::collections::BTreeSet;

use glovebox_database::fence::Pass;
use glovebox_fhir::{
    Facts, Interaction, InteractionKind, Issue, Limits, Reference, Resource, ValidateMode, validate,
};
use glovebox_fhir_store::{FhirStore, Head, shown_binaries};
use glovebox_model::ledger::Outcome;
use glovebox_policy::{Denial, Permitted, Reach, Rule};

use crate::answer::Written;
use crate::gateway::Gateway;
use crate::membership;
use crate::record;
use crate::refusal::Refusal;
use crate::session::Session;
use crate::write::new_id;

/// A write that was decided and checked: a create, update or delete of one resource.
#[derive(Debug)]
pub(crate) struct Write {
    /// What was asked for; a patch is carried out as an update.
    pub(crate) action: InteractionKind,
    pub(crate) permitted: Permitted<Interaction>,
    pub(crate) id: String,
    pub(crate) old: Option<Head>,
}

/// What a write comes to.
#[derive(Debug)]
pub(crate) enum Planned {
    Write(Box<Write>),
    /// Nothing: what a conditional create would create is there.
    Unchanged(Written),
}

/// What a plan may count on besides the store.
#[derive(Debug, Default)]
pub(crate) struct Within {
    /// The id that a create gets; a new one otherwise.
    pub(crate) id: Option<String>,
    /// Binaries that are created together with it.
    pub(crate) binaries: BTreeSet<String>,
}

impl Gateway {
    /// Plans a permitted write.
    pub(crate) async fn plan(
        &self,
        session: &Session,
        pass: &Pass,
        permitted: Permitted<Interaction>,
        within: &Within,
    ) -> Result<Planned, Refusal> {
        let interaction = permitted.interaction();
        let kind = interaction.kind();
        match interaction {
            Interaction::Create { .. } => self.plain(session, permitted, kind, within).await,
            Interaction::Update { .. } | Interaction::Delete { .. } => {
                self.require_if_match(session, interaction)?;
                self.plain(session, permitted, kind, within).await
            }
            Interaction::Patch { .. } => {
                self.require_if_match(session, interaction)?;
                self.patched(session, pass, permitted, within).await
            }
            _ => self.conditional(session, pass, permitted, within).await,
        }
    }

    /// Without the version that it was made for, a change could undo somebody else's.
    fn require_if_match(
        &self,
        session: &Session,
        interaction: &Interaction,
    ) -> Result<(), Refusal> {
        if interaction.if_match().is_some() {
            return Ok(());
        }
        let refusal = Refusal::IfMatchRequired;
        Err(self.failed(session, interaction, "precondition-required", refusal))
    }

    /// A create, update or delete as it stands.
    pub(crate) async fn plain(
        &self,
        session: &Session,
        permitted: Permitted<Interaction>,
        action: InteractionKind,
        within: &Within,
    ) -> Result<Planned, Refusal> {
        let store = self.store(session, permitted.interaction())?;
        let old = self.old_version(session, store, &permitted).await?;
        let id = match (&old, &within.id) {
            (Some(old), _) => old.facts.id().to_owned(),
            (None, Some(id)) => id.clone(),
            (None, None) => new_id()?,
        };
        self.check_content(session, &permitted, &id, old.as_ref())?;
        self.check_links(session, &permitted, old.as_ref(), within)
            .await?;
        Ok(Planned::Write(Box::new(Write {
            action,
            permitted,
            id,
            old,
        })))
    }

    /// A patch becomes the update that it amounts to. Whoever patches learns what is there,
    /// by `test` and by what fits: so it must be readable.
    pub(crate) async fn patched(
        &self,
        session: &Session,
        pass: &Pass,
        permitted: Permitted<Interaction>,
        within: &Within,
    ) -> Result<Planned, Refusal> {
        let interaction = permitted.interaction();
        let Interaction::Patch {
            resource_type,
            id,
            patch,
            ..
        } = interaction
        else {
            return Err(Refusal::Unavailable);
        };
        let read = Interaction::read(resource_type, id);
        let read = read.map_err(|problem| Refusal::Invalid(problem.to_string()))?;
        let readable = self.decided(session, pass, read).await?;
        let store = self.store(session, interaction)?;
        let Some(old) = self.old_version(session, store, &permitted).await? else {
            return Err(self.absent(session, interaction));
        };
        if let Err(denial) = readable.recheck(&old.facts.view())
            && resource_type != "Binary"
        {
            return Err(self.deny(session, interaction, &denial));
        }
        let before = self.parsed(session, interaction, store, &old).await?;
        let after = patch.apply(&before).map_err(|problem| {
            let refusal = Refusal::Invalid(problem.to_string());
            self.failed(session, interaction, "invalid", refusal)
        })?;
        let update = Interaction::update(after, Some(&old.version_id()))
            .map_err(|problem| Refusal::Invalid(problem.to_string()))?;
        let permitted = self.decided(session, pass, update).await?;
        self.plain(session, permitted, InteractionKind::Patch, within)
            .await
    }

    /// A stored version as a resource.
    async fn parsed(
        &self,
        session: &Session,
        interaction: &Interaction,
        store: &FhirStore,
        head: &Head,
    ) -> Result<Resource, Refusal> {
        let bytes = store.load(head).await;
        let bytes = bytes.map_err(|error| self.broken(session, interaction, &error))?;
        // What is stored was accepted once and is a little longer now, by its `meta`.
        let limits = Limits {
            bytes_max: bytes.len(),
            ..Limits::RESOURCE
        };
        Resource::parse(&bytes, limits).map_err(|error| self.broken(session, interaction, &error))
    }

    /// Reads and re-checks what is there before a change.
    pub(crate) async fn old_version(
        &self,
        session: &Session,
        store: &FhirStore,
        permitted: &Permitted<Interaction>,
    ) -> Result<Option<Head>, Refusal> {
        let interaction = permitted.interaction();
        if !matches!(
            interaction,
            Interaction::Update { .. } | Interaction::Patch { .. } | Interaction::Delete { .. }
        ) {
            return Ok(None);
        }
        let broken = |error| self.broken(session, interaction, &error);
        let head = store.head(permitted).await.map_err(broken)?;
        let ours = self.owns_binary(session, permitted).await?;
        let Some(head) = head else {
            return Err(self.absent(session, interaction));
        };
        if let Err(denial) = membership::check(permitted, &head.facts.view())
            && !(ours && denial.rule == Rule::Compartment)
        {
            return Err(self.deny(session, interaction, &denial));
        }
        if head.deleted {
            return Err(self.failed(session, interaction, "gone", Refusal::Gone));
        }
        let expected = |version: &str| version != head.version_id();
        if interaction.if_match().is_some_and(expected) {
            let refusal = Refusal::Conflict(head.version_id());
            return Err(self.failed(session, interaction, "conflict", refusal));
        }
        Ok(Some(head))
    }

    /// The new state must be one that this session may write, of the same patient as before,
    /// with the structure of R4. The refusal depends on what the caller sent alone, so it may
    /// say what is wrong.
    pub(crate) fn check_content(
        &self,
        session: &Session,
        permitted: &Permitted<Interaction>,
        id: &str,
        old: Option<&Head>,
    ) -> Result<(), Refusal> {
        let interaction = permitted.interaction();
        let Some(resource) = interaction.resource() else {
            return Ok(());
        };
        let facts = Facts::extract_as(resource, id, "", None);
        let facts = facts.view();
        let kept = old.is_none_or(|old| membership::keeps_patients(&old.facts.view(), &facts));
        let rule = match membership::check(permitted, &facts) {
            Err(Denial {
                rule: Rule::Compartment,
            }) if is_own_binary(permitted, resource) => None,
            Err(denial) => Some(denial.rule),
            Ok(()) => (!kept).then_some(Rule::Compartment),
        };
        if let Some(rule) = rule {
            let why = match rule {
                Rule::ScopeFilter => "the resource is not one that the granted scopes select",
                _ if resource.resource_type() == "Binary" => {
                    "a Binary must name a patient of this session in `securityContext`"
                }
                _ => {
                    "the resource must be about the patient of this session and nobody else, and a change keeps its patient"
                }
            };
            let denied = Outcome::Denied(rule.to_string());
            self.record(record::event(session, interaction, denied))?;
            return Err(Refusal::Invalid(why.to_owned()));
        }
        let issues = validate(resource);
        if issues.is_empty() {
            return Ok(());
        }
        Err(self.failed(session, interaction, "invalid", Refusal::NotValid(issues)))
    }

    /// What leads from a resource to another must not widen what can be read: a link between
    /// patients stays as it is, and a Binary is shown only by who may read it.
    pub(crate) async fn check_links(
        &self,
        session: &Session,
        permitted: &Permitted<Interaction>,
        old: Option<&Head>,
        within: &Within,
    ) -> Result<(), Refusal> {
        let interaction = permitted.interaction();
        let Some(resource) = interaction.resource() else {
            return Ok(());
        };
        let limited = permitted.patients().is_some();
        let shown = shown_binaries(resource.value());
        let is_patient = limited && resource.resource_type() == "Patient";
        if !is_patient && (shown.is_empty() || !limited) {
            return Ok(());
        }
        let before = match old {
            None => None,
            Some(old) => {
                let store = self.store(session, interaction)?;
                Some(self.parsed(session, interaction, store, old).await?)
            }
        };
        let link = |resource: &Resource| resource.value().get("link").cloned();
        if is_patient && before.as_ref().and_then(link) != link(resource) {
            let denied = Outcome::Denied("patient-link".to_owned());
            self.record(record::event(session, interaction, denied))?;
            let why = "the links of a Patient to others cannot be changed by an app";
            return Err(Refusal::Invalid(why.to_owned()));
        }
        let known = before.map_or_else(BTreeSet::new, |before| shown_binaries(before.value()));
        for id in shown.difference(&known) {
            if within.binaries.contains(id) || self.may_show(session, id).await? {
                continue;
            }
            let denied = Outcome::Denied("binary".to_owned());
            self.record(record::event(session, interaction, denied))?;
            let why = format!("Binary/{id} is not one that this session may read");
            return Err(Refusal::Invalid(why));
        }
        Ok(())
    }

    /// `$validate`: what is wrong with a resource, without touching any data.
    pub(crate) fn judge(
        &self,
        session: &Session,
        permitted: &Permitted<Interaction>,
    ) -> Result<Vec<Issue>, Refusal> {
        let interaction = permitted.interaction();
        let Interaction::Validate {
            id, resource, mode, ..
        } = interaction
        else {
            return Err(Refusal::Unavailable);
        };
        let mut issues = resource.as_ref().map_or_else(Vec::new, validate);
        let named = resource.as_ref().and_then(Resource::id);
        let wrong = match (mode, id.as_deref()) {
            (ValidateMode::Update, None) => named.is_none(),
            (ValidateMode::Update, Some(id)) => named != Some(id),
            _ => false,
        };
        if wrong {
            issues.push(Issue {
                code: glovebox_fhir::IssueCode::Invalid,
                location: format!("{}.id", interaction.resource_type()),
                text: "an update needs the `id` of the resource that it replaces".to_owned(),
            });
        }
        let entry = record::event(session, interaction, Outcome::Ok)
            .with("issues", u64::try_from(issues.len()).unwrap_or(u64::MAX));
        self.record(record::with_authorities(entry, permitted))?;
        Ok(issues)
    }
}

/// Whether a Binary names a patient within reach in its security context.
pub(crate) fn is_own_binary(permitted: &Permitted<Interaction>, binary: &Resource) -> bool {
    let context = binary.value().get("securityContext");
    let patient = context
        .and_then(Reference::of)
        .and_then(|context| context.local_id("Patient"));
    binary.resource_type() == "Binary" && patient.is_some_and(|patient| reaches(permitted, patient))
}

/// Whether an authority without a filter reaches this patient.
pub(crate) fn reaches(permitted: &Permitted<Interaction>, patient: &str) -> bool {
    permitted.bases().iter().any(|basis| {
        basis.filter.is_none()
            && match &basis.reach {
                Reach::Everyone => true,
                Reach::Patients(reach) => reach.iter().any(|one| one.as_str() == patient),
            }
    })
}
