//! The decision before the fetch: type and scope, whatever is stored.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use glovebox_fhir::{Interaction, InteractionKind, ValidateMode, compartment};
use glovebox_model::scope::{Level, Permissions, ResourceScope};

use crate::permitted::{Basis, Permitted, Reach, Targets};
use crate::prepared::{Prepared, PreparedScope};
use crate::request::{AccessRequest, UserRights};

/// The rule that refused. The text is stable and stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// No granted scope names this type with this letter; carries the scope that would.
    ScopeMissing(String),
    /// A `patient/` scope without a patient in context.
    NoPatientInContext,
    /// The user may not open the patient in context (any more).
    Relation,
    /// Outside the compartment of every patient within reach.
    Compartment,
    /// Inside the compartment, but not what the scope's own parameters select.
    ScopeFilter,
    /// A scope's own parameters are not ones that the host can evaluate.
    ScopeFilterUnknown,
    /// The resource carries a security label that the session is not cleared for.
    Label,
    /// A search by what the approval hides; carries the parameter.
    HiddenElement(String),
    /// A change of a resource that is shown in part only; carries its type.
    PartlyShown(String),
    /// A Provenance of something that the session may not read.
    ProvenanceTarget,
    /// A type that holds who looked at what: never given to apps.
    NotForApps,
    /// A `user/` search without a patient over more patients than one search may cover.
    TooManyPatients,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ScopeMissing(_) => "scope",
            Self::NoPatientInContext => "no-patient-in-context",
            Self::Relation => "relation",
            Self::Compartment => "compartment",
            Self::ScopeFilter => "scope-filter",
            Self::ScopeFilterUnknown => "scope-filter-unknown",
            Self::Label => "label",
            Self::HiddenElement(_) => "hidden-element",
            Self::PartlyShown(_) => "partly-shown",
            Self::ProvenanceTarget => "provenance-target",
            Self::NotForApps => "not-for-apps",
            Self::TooManyPatients => "too-many-patients",
        })
    }
}

/// A refusal and the rule behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The rule that refused.
    pub rule: Rule,
}

impl Denial {
    pub(crate) fn new(rule: Rule) -> Self {
        Self { rule }
    }
}

/// The answer to an [`AccessRequest`]. Denial is a value.
#[derive(Clone, Debug)]
pub enum Decision {
    /// Carry it out, and re-check what comes back.
    Permit(Permitted<Interaction>),
    /// Refuse. The interaction comes back, so that the refusal can be recorded.
    Deny(Denial, Interaction),
}

/// Decides by type, letter and reach: nothing that is stored is looked at, so that the
/// answer cannot tell what exists. Several scopes are a union, each keeping its own
/// letters, reach and filter. Whether single resources may pass is decided by
/// [`Permitted::recheck`] on their facts.
pub fn decide(request: &AccessRequest<'_>, interaction: Interaction) -> Decision {
    let letter = letter(interaction.kind());
    let resource_type = interaction.resource_type();
    if resource_type == "AuditEvent" {
        return Decision::Deny(Denial::new(Rule::NotForApps), interaction);
    }
    let mut bases = Vec::new();
    let mut refused = None;
    let prepared = request.scopes.memo(Prepared::new);
    for (scope, prepared) in request.scopes.resources().zip(&prepared.0) {
        if !scope.permissions.contains(letter) || !scope.resource_type.matches(resource_type) {
            continue;
        }
        match basis(request, scope, prepared, resource_type) {
            Ok(basis) => bases.push(basis),
            Err(rule) => {
                refused.get_or_insert(rule);
            }
        }
    }
    if bases.is_empty() {
        let missing = || Rule::ScopeMissing(needed(request, resource_type, letter));
        let denial = Denial::new(refused.unwrap_or_else(missing));
        return Decision::Deny(denial, interaction);
    }
    if let Err(rule) = projected(request, &interaction) {
        return Decision::Deny(Denial::new(rule), interaction);
    }
    // Whose a Provenance is to write, its own compartment says.
    let targets = if [Permissions::READ, Permissions::SEARCH].contains(&letter) {
        Targets::Readable(BTreeSet::new())
    } else {
        Targets::NotAsked
    };
    Decision::Permit(Permitted::new(
        interaction,
        bases,
        Arc::clone(request.terms),
        targets,
    ))
}

/// What is hidden is not asked about, and who sees a resource in part does not change it.
fn projected(request: &AccessRequest<'_>, interaction: &Interaction) -> Result<(), Rule> {
    let projection = &request.terms.projection;
    if projection.is_empty() {
        return Ok(());
    }
    let resource_type = interaction.resource_type();
    let changes = matches!(
        letter(interaction.kind()),
        Permissions::UPDATE | Permissions::DELETE
    );
    if changes && projection.concerns(resource_type) {
        return Err(Rule::PartlyShown(resource_type.to_owned()));
    }
    match interaction {
        Interaction::Search(query)
        | Interaction::ConditionalCreate { query, .. }
        | Interaction::ConditionalUpdate { query, .. }
        | Interaction::ConditionalPatch { query, .. }
        | Interaction::ConditionalDelete { query } => {
            visible(request, resource_type, query.pairs())
        }
        _ => Ok(()),
    }
}

fn visible(
    request: &AccessRequest<'_>,
    resource_type: &str,
    pairs: &[(String, String)],
) -> Result<(), Rule> {
    let hidden = request
        .terms
        .projection
        .hidden_parameter(resource_type, pairs);
    match hidden {
        Some(name) => Err(Rule::HiddenElement(name.to_owned())),
        None => Ok(()),
    }
}

fn basis(
    request: &AccessRequest<'_>,
    scope: &ResourceScope,
    prepared: &PreparedScope,
    resource_type: &str,
) -> Result<Basis, Rule> {
    let reach = match scope.level {
        Level::Patient => {
            let patient = request.patient.ok_or(Rule::NoPatientInContext)?;
            // A clinician's patient/ scope lasts only as long as the clinician's right.
            if !request.rights.may_open(patient) {
                return Err(Rule::Relation);
            }
            Reach::patient(patient)
        }
        Level::User => match request.rights {
            UserRights::Everyone => Reach::Everyone,
            UserRights::Patients(patients) => Reach::Patients(patients.clone()),
            UserRights::TooMany(_) if !compartment::is_universal(resource_type) => {
                return Err(Rule::TooManyPatients);
            }
            UserRights::TooMany(patients) => Reach::Patients(patients.clone()),
            UserRights::NoUser => return Err(Rule::Relation),
        },
        Level::System => match request.rights {
            UserRights::NoUser => Reach::Everyone,
            // A system/ scope never serves a session that acts for a person.
            _ => return Err(Rule::Relation),
        },
    };
    let filter = if scope.parameters.is_empty() {
        None
    } else {
        // An app that may choose its scopes could ask about what is hidden by their filters.
        visible(request, resource_type, &scope.parameters)?;
        Some(prepared.filter(scope, resource_type)?)
    };
    Ok(Basis {
        authority: Arc::clone(&prepared.authority),
        reach,
        filter,
    })
}

/// The SMART v2 letter that an interaction needs.
pub(crate) fn letter(kind: InteractionKind) -> Permissions {
    match kind {
        InteractionKind::Read | InteractionKind::Vread | InteractionKind::History => {
            Permissions::READ
        }
        InteractionKind::Search => Permissions::SEARCH,
        InteractionKind::Create | InteractionKind::Validate(ValidateMode::Create) => {
            Permissions::CREATE
        }
        InteractionKind::Update
        | InteractionKind::Patch
        | InteractionKind::Validate(ValidateMode::Update) => Permissions::UPDATE,
        InteractionKind::Delete | InteractionKind::Validate(ValidateMode::Delete) => {
            Permissions::DELETE
        }
    }
}

fn needed(request: &AccessRequest<'_>, resource_type: &str, letter: Permissions) -> String {
    let level = match (request.rights, request.patient) {
        (UserRights::NoUser, _) => "system",
        (_, Some(_)) => "patient",
        _ => "user",
    };
    format!("{level}/{resource_type}.{letter}")
}

#[cfg(test)]
mod tests;
