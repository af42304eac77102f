//! What people do to versions. Each act is in the ledger, on disk, before it is answered.

use std::time::Duration;

use glovebox_database::fence::Mark;
use glovebox_database::{Batch, Durability, Expect};
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::limits::Limits;
use glovebox_model::scope::ScopeSet;
use glovebox_model::{AppId, TenantId, UserId, Version};
use glovebox_policy::Terms;

use crate::app_version::{Act, AppVersion};
use crate::error::{ActRefused, RegistryError};
use crate::registry::{Entry, Registry, key_of};
use crate::stage::{Approval, Quarantine, Stage};
use crate::stored;

/// How often an act is tried again when somebody else changed the version meanwhile.
const TRIES_MAX: usize = 5;
/// Acts that the record of a version keeps.
const HISTORY_MAX: usize = 12;
/// Characters of a reason that the record keeps; the ledger has all of it.
const REASON_KEPT_CHARS: usize = 200;

/// A version's next state, and what the ledger says of it.
struct Step {
    after: AppVersion,
    /// Version of the record that was read.
    record: u64,
    event: Event,
}

/// Who acts: a person, never a token.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The person.
    pub user: UserId,
}

/// A withdrawal that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// Versions whose stage changed.
    pub versions: Vec<Version>,
    /// Running calls that were ended.
    pub calls_ended: usize,
    /// From the request to the last call's end.
    pub took: Duration,
}

/// How far a release has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Released {
    /// The first person asked; a second one has to agree.
    Pending,
    /// Two people agreed; the versions wait for review.
    InReview(Vec<Version>),
}

type Acted<T> = Result<Result<T, ActRefused>, RegistryError>;

impl Registry {
    /// Hands a checked version to the reviewers.
    pub async fn submit(
        &self,
        tenant: &TenantId,
        app: &AppId,
        version: &Version,
        actor: &Actor,
    ) -> Acted<AppVersion> {
        self.change(
            tenant,
            app,
            version,
            actor,
            "submit",
            "",
            |version| match version.stage {
                Stage::Checked => Ok(Stage::InReview),
                _ => Err(wrong(version, "only a checked version can be submitted")),
            },
        )
        .await
    }

    /// Lets a version be launched, within `scopes`, `limits` and `terms`; an older live
    /// version is superseded. Without terms, what the app
    /// writes waits as a draft.
    #[expect(
        clippy::too_many_arguments,
        reason = "an approval is these facts and no more"
    )]
    pub async fn approve(
        &self,
        tenant: &TenantId,
        app: &AppId,
        version: &Version,
        actor: &Actor,
        reason: &str,
        scopes: Option<ScopeSet>,
        limits: Option<Limits>,
        terms: Option<Terms>,
    ) -> Acted<AppVersion> {
        if let Err(refused) = check_reason(reason) {
            return Ok(Err(refused));
        }
        let at = self.parts.clock.now();
        let ceiling = limits.map_or_else(
            || self.parts.ceiling.clone(),
            |limits| limits.min(&self.parts.ceiling),
        );
        for _ in 0..TRIES_MAX {
            let entries = self.entries(&format!("{tenant}/{app}/")).await?;
            let is_target = |entry: &&Entry| entry.0.manifest.version == *version;
            let Some(target) = entries.iter().find(is_target) else {
                return Ok(Err(ActRefused::NotFound));
            };
            let asked = target.0.manifest.scope_set();
            if !matches!(target.0.stage, Stage::Checked | Stage::InReview) {
                let needs = "only a version in review can be approved";
                return Ok(Err(wrong(&target.0, needs)));
            }
            let scopes = scopes.clone().unwrap_or_else(|| asked.clone());
            if let Some(beyond) = scopes.iter().find(|scope| !asked.covers(scope)) {
                return Ok(Err(ActRefused::BeyondManifest(beyond.to_string())));
            }
            let approval = Approval {
                by: actor.user.clone(),
                at,
                reason: reason.to_owned(),
                scopes,
                limits: ceiling.clone(),
                terms: terms.clone().unwrap_or_else(Terms::approved),
            };
            // One commit takes the older version out and puts the newer one in, and expects
            // every other version as it was read: two approvals at once cannot both win.
            let mut steps = Vec::new();
            let mut unchanged = Vec::new();
            for entry in &entries {
                match &entry.0.stage {
                    _ if is_target(&entry) => {
                        let stage = Stage::Live(approval.clone());
                        steps.push(self.step(entry, stage, actor, "approve", reason));
                    }
                    Stage::Live(older) => {
                        let stage = Stage::Superseded(older.clone());
                        steps.push(self.step(entry, stage, actor, "supersede", reason));
                    }
                    _ => unchanged.push(entry),
                }
            }
            if let Some(mut changed) = self.take(steps, &unchanged).await? {
                let at = changed.iter().position(|v| v.manifest.version == *version);
                return Ok(at
                    .map(|at| changed.swap_remove(at))
                    .ok_or(ActRefused::NotFound));
            }
        }
        Ok(Err(busy()))
    }

    /// Says no to a version in review.
    pub async fn reject(
        &self,
        tenant: &TenantId,
        app: &AppId,
        version: &Version,
        actor: &Actor,
        reason: &str,
    ) -> Acted<AppVersion> {
        if let Err(refused) = check_reason(reason) {
            return Ok(Err(refused));
        }
        self.change(
            tenant,
            app,
            version,
            actor,
            "reject",
            reason,
            |version| match version.stage {
                Stage::Checked | Stage::InReview => Ok(Stage::Rejected {
                    reason: reason.to_owned(),
                }),
                _ => Err(wrong(version, "only a version in review can be rejected")),
            },
        )
        .await
    }

    /// Takes an app, or one version, out of service and keeps it for inspection. Answers when
    /// no call of it runs any more.
    pub async fn quarantine(
        &self,
        tenant: &TenantId,
        app: &AppId,
        version: Option<&Version>,
        actor: &Actor,
        reason: &str,
    ) -> Acted<Withdrawn> {
        let at = self.parts.clock.now();
        let quarantine = Quarantine {
            by: actor.user.clone(),
            at,
            reason: reason.to_owned(),
            release_asked_by: None,
        };
        self.withdraw(
            tenant,
            app,
            version,
            actor,
            reason,
            "quarantine",
            |version| match version.stage {
                Stage::Revoked { .. } => Err(wrong(version, "a revoked version stays revoked")),
                Stage::Quarantined(_) => Err(wrong(version, "it is quarantined already")),
                _ => Ok(Stage::Quarantined(quarantine.clone())),
            },
        )
        .await
    }

    /// Takes an app, or one version, out of service for good.
    pub async fn revoke(
        &self,
        tenant: &TenantId,
        app: &AppId,
        version: Option<&Version>,
        actor: &Actor,
        reason: &str,
    ) -> Acted<Withdrawn> {
        self.withdraw(
            tenant,
            app,
            version,
            actor,
            reason,
            "revoke",
            |version| match version.stage {
                Stage::Revoked { .. } => Err(wrong(version, "it is revoked already")),
                _ => Ok(Stage::Revoked {
                    reason: reason.to_owned(),
                }),
            },
        )
        .await
    }

    /// Lets quarantined versions go back to review. Needs two different people, one call each.
    pub async fn release(
        &self,
        tenant: &TenantId,
        app: &AppId,
        version: Option<&Version>,
        actor: &Actor,
        reason: &str,
    ) -> Acted<Released> {
        if let Err(refused) = check_reason(reason) {
            return Ok(Err(refused));
        }
        let targets = self.targets(tenant, app, version).await?;
        let quarantined: Vec<_> = targets
            .iter()
            .filter(|version| matches!(version.stage, Stage::Quarantined(_)))
            .collect();
        let Some(first) = quarantined.first() else {
            return Ok(Err(targets
                .first()
                .map_or(ActRefused::NotFound, |version| {
                    wrong(version, "only a quarantined version can be released")
                })));
        };
        let asked_by = match &first.stage {
            Stage::Quarantined(quarantine) => quarantine.release_asked_by.clone(),
            _ => None,
        };
        if asked_by.as_ref() == Some(&actor.user) {
            return Ok(Err(ActRefused::SamePerson(actor.user.to_string())));
        }
        let mut released = Vec::new();
        for version in &quarantined {
            let name = &version.manifest.version;
            let what = if asked_by.is_some() {
                "release"
            } else {
                "ask for release"
            };
            let changed = self
                .change(
                    tenant,
                    app,
                    name,
                    actor,
                    what,
                    reason,
                    |version| match &version.stage {
                        Stage::Quarantined(quarantine) => match &quarantine.release_asked_by {
                            Some(first) if *first == actor.user => {
                                Err(ActRefused::SamePerson(first.to_string()))
                            }
                            Some(_) => Ok(Stage::InReview),
                            None => Ok(Stage::Quarantined(Quarantine {
                                release_asked_by: Some(actor.user.clone()),
                                ..quarantine.clone()
                            })),
                        },
                        _ => Err(wrong(version, "only a quarantined version can be released")),
                    },
                )
                .await?;
            match changed {
                Ok(version) if version.stage == Stage::InReview => {
                    released.push(version.manifest.version)
                }
                Ok(_) => {}
                Err(refused) => return Ok(Err(refused)),
            }
        }
        Ok(Ok(if released.is_empty() {
            Released::Pending
        } else {
            Released::InReview(released)
        }))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the two withdrawals share all but their stage"
    )]
    async fn withdraw(
        &self,
        tenant: &TenantId,
        app: &AppId,
        version: Option<&Version>,
        actor: &Actor,
        reason: &str,
        what: &'static str,
        next: impl Fn(&AppVersion) -> Result<Stage, ActRefused>,
    ) -> Acted<Withdrawn> {
        if let Err(refused) = check_reason(reason) {
            return Ok(Err(refused));
        }
        let started = self.parts.clock.now();
        let targets = self.targets(tenant, app, version).await?;
        if targets.is_empty() {
            return Ok(Err(ActRefused::NotFound));
        }
        let mut withdrawn = Vec::new();
        let mut refused = ActRefused::NotFound;
        let mut failed = None;
        for target in &targets {
            // New launches are refused from here on; what runs is ended by the fence below.
            let name = &target.manifest.version;
            match self
                .change(tenant, app, name, actor, what, reason, &next)
                .await
            {
                Ok(Ok(version)) => withdrawn.push(version.manifest.version),
                Ok(Err(reason)) => refused = reason,
                Err(error) => failed = Some(error),
            }
        }
        // Also when it was withdrawn before, or not all of it could be changed: an answer
        // that was lost last time must not leave a call running.
        let mark = match version {
            Some(version) => Mark::Version(tenant.clone(), app.clone(), version.clone()),
            None => Mark::App(tenant.clone(), app.clone()),
        };
        let ended = self.parts.fence.revoke(mark, reason).await;
        if let Some(error) = failed {
            return Err(error);
        }
        let calls_ended = ended?.calls;
        if withdrawn.is_empty() {
            return Ok(Err(refused));
        }
        let took = self.parts.clock.now().since(started);
        Ok(Ok(Withdrawn {
            versions: withdrawn,
            calls_ended,
            took,
        }))
    }

    async fn targets(
        &self,
        tenant: &TenantId,
        app: &AppId,
        version: Option<&Version>,
    ) -> Result<Vec<AppVersion>, RegistryError> {
        let versions = self.versions(tenant, app).await?;
        Ok(match version {
            Some(wanted) => versions
                .into_iter()
                .filter(|v| v.manifest.version == *wanted)
                .collect(),
            None => versions,
        })
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "every act is who, what, on which, why and how"
    )]
    async fn change(
        &self,
        tenant: &TenantId,
        app: &AppId,
        version: &Version,
        actor: &Actor,
        what: &str,
        reason: &str,
        next: impl Fn(&AppVersion) -> Result<Stage, ActRefused>,
    ) -> Acted<AppVersion> {
        for _ in 0..TRIES_MAX {
            let Some(entry) = self.entry(tenant, app, version).await? else {
                return Ok(Err(ActRefused::NotFound));
            };
            let stage = match next(&entry.0) {
                Ok(stage) => stage,
                Err(refused) => return Ok(Err(refused)),
            };
            let step = self.step(&entry, stage, actor, what, reason);
            if let Some(changed) = self.take(vec![step], &[]).await? {
                return Ok(changed.into_iter().next().ok_or(ActRefused::NotFound));
            }
        }
        Ok(Err(busy()))
    }

    fn step(&self, entry: &Entry, stage: Stage, actor: &Actor, what: &str, reason: &str) -> Step {
        let (version, record) = entry;
        let mut after = version.clone();
        after.stage = stage;
        after.history.push(Act {
            what: what.to_owned(),
            by: actor.user.clone(),
            at: self.parts.clock.now(),
            reason: reason.chars().take(REASON_KEPT_CHARS).collect(),
        });
        // The ledger keeps every act; the record keeps how it began and the latest ones.
        let surplus = after.history.len().saturating_sub(HISTORY_MAX);
        after.history.drain(1..1 + surplus);
        let event = Event::new(kind(what), what, self.subject(&after, actor), Outcome::Ok)
            .with("reason", reason)
            .with("from", version.stage.as_str())
            .with("to", after.stage.as_str());
        Step {
            after,
            record: *record,
            event,
        }
    }

    /// Takes steps together or not at all, the ledger first: a stage that nobody recorded
    /// must not be. `None` if somebody else was faster, which is recorded too.
    async fn take(
        &self,
        steps: Vec<Step>,
        unchanged: &[&Entry],
    ) -> Result<Option<Vec<AppVersion>>, RegistryError> {
        let mut batch = Batch::new();
        for Step { after, record, .. } in &steps {
            let expect = Expect::Version(*record);
            batch = batch.put(key_of(after), stored::encode(after)?, expect);
        }
        for (version, record) in unchanged {
            batch = batch.check(key_of(version), Expect::Version(*record));
        }
        for step in &steps {
            self.parts.ledger.append(step.event.clone())?;
        }
        self.parts.ledger.flush().await?;
        let committed = self.parts.records.commit(batch, Durability::Sync).await?;
        if committed.is_ok() {
            return Ok(Some(steps.into_iter().map(|step| step.after).collect()));
        }
        for step in steps {
            let event = Event {
                outcome: Outcome::Failed("conflict".to_owned()),
                ..step.event
            };
            self.parts.ledger.append_durable(event).await?;
        }
        Ok(None)
    }

    pub(crate) fn subject(&self, version: &AppVersion, actor: &Actor) -> Subject {
        Subject {
            tenant: Some(version.tenant.clone()),
            app: Some(version.manifest.id.clone()),
            version: Some(version.manifest.version.clone()),
            digest: Some(version.digest),
            user: Some(actor.user.clone()),
            ..Subject::default()
        }
    }
}

fn kind(what: &str) -> Kind {
    match what {
        "approve" | "supersede" => Kind::Approve,
        "reject" => Kind::Reject,
        "quarantine" => Kind::Quarantine,
        "release" | "ask for release" => Kind::Release,
        "revoke" => Kind::Revoke,
        _ => Kind::Upload,
    }
}

fn busy() -> ActRefused {
    ActRefused::WrongStage {
        stage: "changing",
        needs: "try again",
    }
}

fn wrong(version: &AppVersion, needs: &'static str) -> ActRefused {
    ActRefused::WrongStage {
        stage: version.stage.as_str(),
        needs,
    }
}

fn check_reason(reason: &str) -> Result<(), ActRefused> {
    let fine = (1..=500).contains(&reason.trim().chars().count());
    if fine {
        Ok(())
    } else {
        Err(ActRefused::NoReason)
    }
}
