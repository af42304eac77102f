//! Batch and transaction. In a batch each entry is a call of its own. In a transaction every
//! entry is decided and checked before any is carried out, in FHIR's order (delete, create,
//! update and patch, read), and one commit carries all writes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use glovebox_database::fence::Pass;
use glovebox_fhir::{
    EntryProblem, Interaction, Method, Reference, Request, SearchQuery, Submission,
};
use glovebox_model::ledger::{Event, Kind, Outcome};
use glovebox_policy::WriteMode;

use crate::answer::{Answer, EntryAnswer, Unreleased, Written};
use crate::conditional::Matches;
use crate::gateway::Gateway;
use crate::plan::{Planned, Within, Write};
use crate::refusal::Refusal;
use crate::request_id::RequestId;
use crate::session::Session;
use crate::write::new_id;

/// Conditional references that one transaction may hold.
const CONDITIONAL_REFERENCES_MAX: usize = 50;

impl Gateway {
    /// Carries out a batch: the answers in the order of the entries. With a request id each
    /// entry that writes is carried out once, for itself.
    pub async fn batch(
        &self,
        session: &Session,
        pass: &Pass,
        request: Option<&RequestId>,
        submission: Submission,
    ) -> Unreleased<Vec<EntryAnswer>> {
        let mut answers = Vec::with_capacity(submission.entries.len());
        for (index, entry) in submission.entries.into_iter().enumerate() {
            let result = match entry.and_then(|entry| entry.interaction()) {
                Err(problem) => Err(self.misunderstood(session, "batch", &problem)),
                Ok(interaction) => {
                    let request = request.map(|request| request.of_entry(index));
                    let answer = self.execute_once(session, pass, request.as_ref(), interaction);
                    answer.await.map(Unreleased::into_inner)
                }
            };
            answers.push(EntryAnswer { index, result });
        }
        Unreleased::new(answers)
    }

    /// Carries out a transaction: all of it, or nothing and the first refusal with the number
    /// of its entry. Reads are decided beforehand and carried out last; one that finds
    /// nothing is answered for itself.
    pub async fn transaction(
        &self,
        session: &Session,
        pass: &Pass,
        request: Option<&RequestId>,
        submission: Submission,
    ) -> Result<Unreleased<Vec<EntryAnswer>>, Refusal> {
        let mut entries = Vec::with_capacity(submission.entries.len());
        for (index, entry) in submission.entries.into_iter().enumerate() {
            match entry {
                Ok(entry) => entries.push(entry),
                Err(problem) => {
                    let refusal = self.misunderstood(session, "transaction", &problem);
                    return Err(in_entry(index, refusal));
                }
            }
        }
        entries.sort_by_key(|entry| (entry.method, entry.index));
        let _turn = match entries.iter().any(Request::is_conditional) {
            true => self.turn(session).await,
            false => None,
        };
        let planned = match self.plan_all(session, pass, entries, request).await {
            Ok(planned) => planned,
            Err(refusal) => {
                let index = match &refusal {
                    Refusal::InEntry { index, .. } => Some(*index),
                    _ => None,
                };
                self.whole(session, Outcome::Denied("entry".to_owned()), index)?;
                return Err(refusal);
            }
        };
        let request = planned.request.as_ref();
        let done: Vec<(usize, Answer)> = match planned.before {
            Some(before) => before,
            // One draft holds them all, so that what refers to each other stays together.
            None if session.terms.writes == WriteMode::Draft => {
                self.draft(session, pass, planned.writes, planned.unchanged, request)
                    .await?
            }
            None => {
                let done = self
                    .carry_out(session, pass, planned.writes, planned.unchanged, request)
                    .await?;
                let done = done.into_iter();
                done.map(|(index, one)| (index, Answer::Written(one)))
                    .collect()
            }
        };
        let done = done.into_iter();
        let mut answers: BTreeMap<usize, Result<Answer, Refusal>> =
            done.map(|(index, answer)| (index, Ok(answer))).collect();
        for (index, interaction) in planned.reads {
            let answer = self.execute(session, pass, interaction).await;
            answers.insert(index, answer.map(Unreleased::into_inner));
        }
        let answers = answers
            .into_iter()
            .map(|(index, result)| EntryAnswer { index, result });
        Ok(Unreleased::new(answers.collect()))
    }

    async fn plan_all(
        &self,
        session: &Session,
        pass: &Pass,
        mut entries: Vec<Request>,
        request: Option<&RequestId>,
    ) -> Result<PlannedAll, Refusal> {
        let mut planned = PlannedAll {
            request: request.map(|request| request.over_all(&entries)),
            ..PlannedAll::default()
        };
        let mut writes = entries.iter().filter(|entry| entry.method != Method::Get);
        let first = writes.find_map(|entry| Some((entry.index, entry.interaction().ok()?)));
        if let (Some(request), Some((index, first))) = (&planned.request, first) {
            let refused = |refusal| in_entry(index, refusal);
            let permitted = self.decided(session, pass, first).await.map_err(refused)?;
            let before = self.answered_before(session, request, permitted.interaction());
            planned.before = before.await.map_err(refused)?;
        }
        if planned.before.is_some() {
            // The writes are done; what they would come to now does not matter.
            entries.retain(|entry| entry.method == Method::Get);
        }
        let mut resolved = self.resolve_all(session, pass, &mut entries).await?;
        let mut changed: BTreeSet<(String, String)> = BTreeSet::new();
        for (index, interaction) in resolved.interactions {
            let refused = |refusal| in_entry(index, refusal);
            if !interaction.kind().is_write() {
                // Decided now; carried out when the writes are done.
                let permitted = self.decided(session, pass, interaction).await;
                let permitted = permitted.map_err(refused)?;
                planned.reads.push((index, permitted.interaction().clone()));
                continue;
            }
            let within = Within {
                id: resolved.ids.remove(&index),
                binaries: resolved.binaries.clone(),
            };
            let permitted = self.permit(session, pass, interaction).await;
            let permitted = permitted.map_err(refused)?;
            let plan = self.plan(session, pass, permitted, &within).await;
            match plan.map_err(refused)? {
                Planned::Unchanged(written) => planned.unchanged.push((index, written)),
                Planned::Write(write) => {
                    let of = write.permitted.interaction().resource_type().to_owned();
                    if !changed.insert((of, write.id.clone())) {
                        let why = "another entry changes the same resource";
                        return Err(refused(Refusal::Invalid(why.to_owned())));
                    }
                    planned.writes.push((index, *write));
                }
            }
        }
        Ok(planned)
    }

    /// Gives creates their ids, and makes links between entries and conditional references
    /// lead to `Type/id`.
    async fn resolve_all(
        &self,
        session: &Session,
        pass: &Pass,
        entries: &mut [Request],
    ) -> Result<Resolved, Refusal> {
        let mut resolved = Resolved::default();
        let mut targets: HashMap<String, String> = HashMap::new();
        for entry in entries.iter() {
            let id = match entry.method {
                // What a condition decides has no address before it is decided.
                Method::Post if !entry.is_conditional() => {
                    let id = new_id()?;
                    resolved.ids.insert(entry.index, id.clone());
                    Some(id)
                }
                Method::Put | Method::Patch => entry.id().map(str::to_owned),
                _ => None,
            };
            if let (Some(url), Some(id)) = (&entry.full_url, id) {
                targets.insert(url.clone(), format!("{}/{id}", entry.resource_type()));
            }
        }
        self.resolve_conditions(session, pass, entries, &mut resolved, &mut targets)
            .await?;
        let mut looked_up = 0;
        for entry in entries.iter_mut() {
            for text in entry.conditional_references() {
                if targets.contains_key(&text) {
                    continue;
                }
                looked_up += 1;
                if looked_up > CONDITIONAL_REFERENCES_MAX {
                    let why = format!(
                        "a transaction has at most {CONDITIONAL_REFERENCES_MAX} conditional references"
                    );
                    return Err(in_entry(entry.index, Refusal::TooCostly(why)));
                }
                let target = self.reference(session, pass, &text).await;
                let target = target.map_err(|refusal| in_entry(entry.index, refusal))?;
                targets.insert(text, target);
            }
            entry.resolve(&targets);
            if entry.has_unresolved_link() {
                let why =
                    "a `urn:uuid:` link names no entry of this transaction that writes a resource";
                let problem = EntryProblem(why.to_owned());
                let refusal = self.misunderstood(session, "transaction", &problem);
                return Err(in_entry(entry.index, refusal));
            }
            let interaction = entry.interaction().map_err(|problem| {
                let refusal = self.misunderstood(session, "transaction", &problem);
                in_entry(entry.index, refusal)
            })?;
            resolved.interactions.push((entry.index, interaction));
        }
        for (index, interaction) in &resolved.interactions {
            if let (Interaction::Create { resource }, Some(id)) =
                (interaction, resolved.ids.get(index))
                && resource.resource_type() == "Binary"
            {
                // Whether it is within reach is decided when the entry itself is planned.
                resolved.binaries.insert(id.clone());
            }
        }
        Ok(resolved)
    }

    /// A conditional create or update that others refer to is looked up first: what matches
    /// is what they refer to.
    async fn resolve_conditions(
        &self,
        session: &Session,
        pass: &Pass,
        entries: &[Request],
        resolved: &mut Resolved,
        targets: &mut HashMap<String, String>,
    ) -> Result<(), Refusal> {
        for entry in entries.iter().filter(|entry| entry.is_conditional()) {
            let Some(url) = &entry.full_url else {
                continue;
            };
            let refused = |refusal| in_entry(entry.index, refusal);
            let interaction = entry
                .interaction()
                .map_err(|problem| refused(self.misunderstood(session, "transaction", &problem)))?;
            let Some(query) = interaction.query() else {
                continue;
            };
            let id = match self.matches(session, pass, query).await.map_err(refused)? {
                Matches::One(hit) => hit.id,
                Matches::Several => return Err(refused(Refusal::SeveralMatches)),
                Matches::None => {
                    let id = new_id()?;
                    resolved.ids.insert(entry.index, id.clone());
                    id
                }
            };
            targets.insert(url.clone(), format!("{}/{id}", entry.resource_type()));
        }
        Ok(())
    }

    /// What a conditional reference leads to, within the session's own reach. None and
    /// several are one answer: the text of a refusal tells nothing of what is there.
    async fn reference(
        &self,
        session: &Session,
        pass: &Pass,
        text: &str,
    ) -> Result<String, Refusal> {
        let invalid = |why: String| self.misunderstood(session, "transaction", &EntryProblem(why));
        let Reference::Conditional {
            resource_type,
            query,
        } = Reference::parse(text)
        else {
            return Err(invalid("not a conditional reference".to_owned()));
        };
        let pairs = glovebox_fhir::bundle::query_pairs(query);
        let pairs = pairs.map_err(|problem| invalid(problem.to_string()))?;
        let query = SearchQuery::parse(resource_type, &pairs);
        let query = query.map_err(|problem| invalid(problem.to_string()))?;
        match self.matches(session, pass, &query).await? {
            Matches::One(hit) => Ok(format!("{resource_type}/{}", hit.id)),
            Matches::None | Matches::Several => {
                let why =
                    "a conditional reference must have exactly one match that this session may see";
                Err(Refusal::Invalid(why.to_owned()))
            }
        }
    }

    /// Records an entry that is no interaction.
    fn misunderstood(&self, session: &Session, action: &str, problem: &EntryProblem) -> Refusal {
        let failed = Outcome::Failed("invalid".to_owned());
        let told: String = problem.0.chars().take(500).collect();
        let event = Event::new(Kind::Fhir, action, session.subject.clone(), failed)
            .with("door", session.door.as_str())
            .with("problem", told);
        let refusal = Refusal::Invalid(problem.0.clone());
        self.record(event).err().unwrap_or(refusal)
    }

    /// Records that a transaction as a whole was refused, and by which entry.
    fn whole(
        &self,
        session: &Session,
        outcome: Outcome,
        index: Option<usize>,
    ) -> Result<(), Refusal> {
        let subject = session.subject.clone();
        let mut event = Event::new(Kind::Fhir, "transaction", subject, outcome)
            .with("door", session.door.as_str());
        if let Some(index) = index {
            event = event.with("entry", u64::try_from(index).unwrap_or(u64::MAX));
        }
        self.record(event)
    }
}

/// A transaction whose links lead to resources.
#[derive(Default)]
struct Resolved {
    /// In the order in which they are carried out.
    interactions: Vec<(usize, Interaction)>,
    /// Ids that creates get, by entry.
    ids: HashMap<usize, String>,
    /// Binaries that are created.
    binaries: BTreeSet<String>,
}

/// A transaction that is ready to be carried out.
#[derive(Default)]
struct PlannedAll {
    writes: Vec<(usize, Write)>,
    unchanged: Vec<(usize, Written)>,
    reads: Vec<(usize, Interaction)>,
    /// What it came to the first time, where it is a repetition.
    before: Option<Vec<(usize, Answer)>>,
    /// The caller's id for it, bound to what was sent.
    request: Option<RequestId>,
}

fn in_entry(index: usize, refusal: Refusal) -> Refusal {
    Refusal::InEntry {
        index,
        refusal: Box::new(refusal),
    }
}
