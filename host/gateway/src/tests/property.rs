//! For random data, grants and questions, what the gateway gives out is what the short
//! [`model`](super::model) of the policy lets through: the same resources and versions, the
//! same bytes, the same counts, page by page, and the same refusal for what is hidden and
//! for what does not exist.

mod world;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use glovebox_fhir::Submission;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::model::{Expected, Name, No, Policy, Rights, Search, Stored};
use super::*;
use crate::{Cursor, Everything, HistoryPage, Page, Released, Version};
use world::{ASKS, Ask, PLANTED, World, world};

/// The hospital of one world, and what was given out there so far.
struct Visit {
    door: Door,
    stored: Stored,
    policies: Vec<Policy>,
    /// The bytes of a version, by session: whichever way they come, they are the same.
    given: HashMap<(usize, Name, usize), Bytes>,
    asked: u32,
}

fn user(n: usize) -> UserId {
    format!("user{n}").parse().unwrap()
}

fn terms(policy: &Policy) -> Arc<Terms> {
    let withheld: Vec<String> = policy
        .withheld
        .iter()
        .map(|(system, code)| format!("{system}|{code}"))
        .collect();
    let projection = policy.hiding.map_or(json!({}), |hiding| {
        let keeping = if hiding.only { "only" } else { "strip" };
        json!({ hiding.of: { keeping: hiding.elements } })
    });
    let labels = json!({ "confidentiality": policy.ceiling, "withheld": withheld });
    let terms = json!({ "projection": projection, "labels": labels, "writes": "direct" });
    Arc::new(Terms::from_json(&terms).unwrap())
}

/// Scopes as an app would ask for them.
fn scopes(policy: &Policy) -> String {
    let scope = |grant: &super::model::Grant| {
        let filter = if grant.filter.is_empty() { "" } else { "?" };
        format!(
            "{}/{}.{}{filter}{}",
            grant.level, grant.of, grant.letters, grant.filter
        )
    };
    policy
        .grants
        .iter()
        .map(scope)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Checks the total of a page: exact where there is one, and there is one on the first page
/// unless it holds less than all and goes by an order that is kept.
#[track_caller]
fn check_total(page: &Page, search: &Search, expected: &Expected, is_first: bool, more: bool) {
    match page.total {
        Some(total) => assert_eq!((is_first, total), (true, expected.total as u64)),
        None if is_first => assert!(more && ["", "-date"].contains(&search.sort)),
        None => {}
    }
}

/// Checks that this is the refusal that the model expects.
#[track_caller]
fn check_refusal(refusal: &Refusal, expected: Option<No>) {
    let fits = match refusal {
        Refusal::NotGranted(_) | Refusal::Relation => expected == Some(No::NotGranted),
        // A scope that filters by what is hidden is out of force, and says why.
        Refusal::NotSupported(_) => matches!(expected, Some(No::NotSupported | No::NotGranted)),
        Refusal::NotFound => expected == Some(No::NotFound),
        Refusal::Gone => expected == Some(No::Gone),
        _ => false,
    };
    assert!(fits, "{refusal:?} and not {expected:?}");
    assert!(!format!("{refusal:?}").contains(PLANTED), "{refusal:?}");
}

fn name_of(released: &Released) -> Name {
    let of = glovebox_fhir::resource_types()
        .iter()
        .find(|known| **known == released.resource_type);
    (of.unwrap(), released.id.clone())
}

impl Visit {
    async fn of(world: &World) -> Self {
        let door = Door::empty().await;
        let stored = world.stored();
        let rounds = stored.values().map(Vec::len).max().unwrap_or(0);
        for round in 0..rounds {
            let of_round = |(name, versions): (&Name, &Vec<_>)| {
                versions
                    .get(round)
                    .map(|version: &super::model::Version| (name.clone(), version.clone()))
            };
            let versions: Vec<_> = stored.iter().filter_map(of_round).collect();
            let bodies: Vec<String> = versions
                .iter()
                .filter(|(_, version)| !version.deleted)
                .map(|(_, version)| version.body.to_string())
                .collect();
            let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
            let report = door.import(&bodies, true).await;
            assert_eq!(report.created + report.updated, bodies.len(), "{report:?}");
            for ((of, id), _) in versions.iter().filter(|(_, version)| version.deleted) {
                let delete = Interaction::delete(of, id, Some(&round.to_string())).unwrap();
                let session = Session {
                    user: None,
                    patient: None,
                    scopes: ScopeSet::parse("system/*.cruds").unwrap(),
                    terms: Arc::new(Terms::host()),
                    ..door.session()
                };
                let pass = door.pass();
                let deleted = door.gateway.execute(&session, &pass, delete).await.unwrap();
                deleted.release(&pass, drop).unwrap();
            }
            door.clock.advance(Duration::from_secs(3_600));
        }
        for (n, policy) in world.policies.iter().enumerate() {
            let (tenant, user) = (main_tenant(), user(n));
            let relations = &door.relations;
            match &policy.rights {
                Rights::NoUser => {}
                Rights::Everyone => {
                    let all = relations.grant_everyone(&tenant, &user, Source::Api, None);
                    all.await.unwrap();
                }
                Rights::These(patients) => {
                    for id in patients {
                        let id = patient(id);
                        let one = relations.grant(&tenant, &user, &id, Source::Api, None);
                        one.await.unwrap();
                    }
                }
            }
        }
        Self {
            door,
            stored,
            policies: world.policies.clone(),
            given: HashMap::new(),
            asked: 0,
        }
    }

    fn session(&self, who: usize) -> Session {
        let policy = &self.policies[who];
        let user = (!matches!(policy.rights, Rights::NoUser)).then(|| user(who));
        Session {
            scopes: ScopeSet::parse(&scopes(policy)).unwrap(),
            patient: policy.context.as_deref().map(patient),
            user,
            terms: terms(policy),
            ..self.door.session()
        }
    }

    async fn call(&self, who: usize, interaction: Interaction) -> Result<Answer, Refusal> {
        let pass = self.door.pass();
        let answer = self
            .door
            .gateway
            .execute(&self.session(who), &pass, interaction)
            .await?;
        Ok(answer.release(&pass, |answer| answer).unwrap())
    }

    /// What a number of a question stands for: something stored, something of another type,
    /// or something that is not there.
    fn name(&self, n: usize) -> Name {
        let (of, id) = self.stored.keys().nth(n % self.stored.len()).unwrap();
        match n / self.stored.len() {
            0 | 1 => (of, id.clone()),
            2 => ("Condition", id.clone()),
            _ => (of, "absent".to_owned()),
        }
    }

    /// Checks that these are the bytes of this version as this session may see it.
    fn check_content(&mut self, who: usize, released: &Released) -> (Name, usize) {
        let name = name_of(released);
        let number: usize = released.version_id.parse().unwrap();
        let version = &self.stored[&name][number - 1];
        let mut content: Value = serde_json::from_slice(&released.bytes).unwrap();
        let meta = content["meta"].as_object_mut().unwrap();
        assert_eq!(
            meta.shift_remove("versionId"),
            Some(number.to_string().into())
        );
        let updated = meta.shift_remove("lastUpdated");
        assert_eq!(updated, Some(released.last_updated.to_string().into()));
        if meta.is_empty() {
            content.as_object_mut().unwrap().shift_remove("meta");
        }
        let expected = self.policies[who].project(name.0, &version.body);
        assert_eq!(content, expected);
        let key = (who, name.clone(), number);
        let before = self
            .given
            .entry(key)
            .or_insert_with(|| released.bytes.clone());
        assert_eq!(*before, released.bytes, "{name:?}");
        (name, number)
    }

    fn check_read(
        &mut self,
        who: usize,
        name: &Name,
        expected: Result<usize, No>,
        answer: Result<Answer, Refusal>,
    ) {
        match answer {
            Ok(Answer::Resource(released)) => {
                let found = self.check_content(who, &released);
                assert_eq!(
                    Ok((found.0, found.1)),
                    expected.map(|number| (name.clone(), number))
                );
            }
            Ok(other) => panic!("{other:?}"),
            Err(refusal) => check_refusal(&refusal, expected.err()),
        }
    }

    /// Whatever is hidden is answered like what is not there, to the letter.
    async fn check_hidden(&self, who: usize, refusal: &Refusal, absent: Interaction) {
        let absent = self.call(who, absent).await;
        assert_eq!(
            Some(refusal),
            absent.as_ref().err(),
            "not like an absent one"
        );
    }

    async fn ask(&mut self, who: usize, ask: &Ask) {
        self.asked += 1;
        match ask {
            Ask::Read(n) => {
                let name = self.name(*n);
                let expected = self.policies[who].read(&self.stored, &name, None);
                let answer = self
                    .call(who, Interaction::read(name.0, &name.1).unwrap())
                    .await;
                if let (Err(refusal), false) = (&answer, expected == Err(No::Gone)) {
                    let absent = Interaction::read(name.0, "absent").unwrap();
                    self.check_hidden(who, refusal, absent).await;
                }
                self.check_read(who, &name, expected, answer);
            }
            Ask::Vread(n, version) => {
                let name = self.name(*n);
                let expected = self.policies[who].read(&self.stored, &name, Some(*version));
                let vread =
                    |id: &str| Interaction::vread(name.0, id, &version.to_string()).unwrap();
                let answer = self.call(who, vread(&name.1)).await;
                if let (Err(refusal), false) = (&answer, expected == Err(No::Gone)) {
                    self.check_hidden(who, refusal, vread("absent")).await;
                }
                self.check_read(who, &name, expected, answer);
            }
            Ask::History(n, count) => self.history(who, *n, *count).await,
            Ask::Everything(n, count) => self.everything(who, *n, *count).await,
            Ask::Search(search, then) => self.search(who, search, *then).await,
            Ask::Batch(asks) => self.batch(who, asks).await,
        }
    }

    async fn history(&mut self, who: usize, n: usize, count: u32) {
        let name = self.name(n);
        let expected = self.policies[who].history(&self.stored, &name);
        let history = |id: &str| Interaction::history(name.0, id, None, Some(count)).unwrap();
        let mut page = match self.call(who, history(&name.1)).await {
            Ok(Answer::History(page)) => page,
            Ok(other) => panic!("{other:?}"),
            Err(refusal) => {
                check_refusal(&refusal, expected.err());
                return self.check_hidden(who, &refusal, history("absent")).await;
            }
        };
        let mut found = Vec::new();
        let (pass, session) = (self.door.pass(), self.session(who));
        loop {
            let HistoryPage { versions, next } = page;
            assert!(versions.len() <= count as usize);
            for version in versions {
                found.push(match version {
                    Version::Released(released) => self.check_content(who, &released),
                    Version::Deleted {
                        resource_type,
                        id,
                        version_id,
                        ..
                    } => {
                        assert_eq!((resource_type.as_str(), &id), (name.0, &name.1));
                        let number: usize = version_id.parse().unwrap();
                        assert!(self.stored[&name][number - 1].deleted);
                        (name.clone(), number)
                    }
                });
            }
            let Some(next) = next else { break };
            let more = self.door.gateway.history_page(&session, &pass, &next).await;
            page = more.unwrap().release(&pass, |page| page).unwrap();
        }
        let found: Vec<usize> = found.into_iter().map(|(_, number)| number).collect();
        assert_eq!(Ok(found), expected, "{name:?}");
    }

    async fn everything(&mut self, who: usize, n: usize, count: usize) {
        if matches!(self.policies[who].rights, Rights::NoUser) {
            return;
        }
        let id = format!("p{n}");
        let expected = self.policies[who].everything(&self.stored, &id);
        let asked = Everything {
            count: Some(count),
            ..Everything::default()
        };
        let (pass, session) = (self.door.pass(), self.session(who));
        let gateway = &self.door.gateway;
        let page = gateway.everything(&session, &pass, &id, &asked).await;
        let mut page = match page {
            Ok(page) => page.release(&pass, |page| page).unwrap(),
            Err(refusal) => return check_refusal(&refusal, expected.err()),
        };
        let mut pages = Vec::new();
        loop {
            let next = page.next.take();
            pages.push(page);
            let Some(next) = next else { break };
            let more = gateway.everything_page(&session, &pass, &next).await;
            page = more.unwrap().release(&pass, |page| page).unwrap();
        }
        let mut found = BTreeSet::new();
        for page in pages {
            assert!(page.matches.len() <= count && page.included.is_empty());
            for released in page.matches {
                let (name, _) = self.check_content(who, &released);
                assert!(found.insert(name), "given twice");
            }
        }
        assert_eq!(Ok(found), expected, "{id}");
    }

    /// All pages of a search, from the second one on perhaps of somebody else: each page is
    /// decided anew.
    async fn search(&mut self, who: usize, search: &Search, then: Option<usize>) {
        let text = text_of(search);
        let mut who = who;
        let mut after: Option<String> = None;
        let mut answer = self.call(who, super::search(&text)).await;
        let parameters = query(&text).pairs().to_vec();
        for _ in 0..20 {
            let expected = self.policies[who].page(&self.stored, search, after.as_deref());
            let mut page = match answer {
                Ok(Answer::Page(page)) => page,
                Ok(other) => panic!("{other:?}"),
                Err(refusal) => {
                    check_refusal(&refusal, expected.err());
                    return;
                }
            };
            let expected = expected.unwrap_or_else(|no| panic!("{no:?}, but got {page:?}"));
            let next = page.next.take();
            let matches = self.check_current(who, &page.matches);
            assert_eq!(matches, expected.matches);
            let included = self.check_current(who, &page.included);
            assert_eq!(included.len(), page.included.len());
            let included: BTreeSet<Name> = included.into_iter().collect();
            assert_eq!(included, expected.included);
            assert_eq!(next.is_some(), expected.more);
            check_total(&page, search, &expected, after.is_none(), next.is_some());
            let Some(next) = next else { return };
            after = matches.last().map(|name| name.1.clone());
            who = then.unwrap_or(who);
            // The cursor holds the query, and nothing that was decided.
            assert_eq!(
                next,
                Cursor {
                    after: next.after.clone(),
                    ..Cursor::start(search.of, parameters.clone())
                }
            );
            let pass = self.door.pass();
            let more = self
                .door
                .gateway
                .page(&self.session(who), &pass, &next, search.count)
                .await;
            answer = more.map(|page| Answer::Page(page.release(&pass, |page| page).unwrap()));
        }
        panic!("the pages do not end");
    }

    fn check_current(&mut self, who: usize, given: &[Released]) -> Vec<Name> {
        let mut names = Vec::new();
        for released in given {
            let (name, number) = self.check_content(who, released);
            assert_eq!(number, self.stored[&name].len(), "not the current version");
            names.push(name);
        }
        names
    }

    /// Each entry of a batch is answered as it would be alone.
    async fn batch(&mut self, who: usize, asks: &[Ask]) {
        let urls: Vec<String> = asks.iter().map(|ask| self.url(ask)).collect();
        let get = |url: &String| json!({ "request": { "method": "GET", "url": url } });
        let entries: Vec<Value> = urls.iter().map(get).collect();
        let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": entries });
        let submission =
            Submission::split(bundle.to_string().as_bytes(), "http://host.example/fhir").unwrap();
        let (pass, session) = (self.door.pass(), self.session(who));
        let answers = self
            .door
            .gateway
            .batch(&session, &pass, None, submission)
            .await;
        let answers = answers.release(&pass, |answers| answers).unwrap();
        assert_eq!(answers.len(), asks.len());
        for (ask, answer) in asks.iter().zip(answers) {
            match ask {
                Ask::Read(n) => {
                    let name = self.name(*n);
                    let expected = self.policies[who].read(&self.stored, &name, None);
                    self.check_read(who, &name, expected, answer.result);
                }
                Ask::Vread(n, version) => {
                    let name = self.name(*n);
                    let expected = self.policies[who].read(&self.stored, &name, Some(*version));
                    self.check_read(who, &name, expected, answer.result);
                }
                Ask::Search(search, _) => {
                    let expected = self.policies[who].page(&self.stored, search, None);
                    match answer.result {
                        Ok(Answer::Page(page)) => {
                            let expected = expected.unwrap();
                            assert_eq!(self.check_current(who, &page.matches), expected.matches);
                            let included = self.check_current(who, &page.included);
                            assert_eq!(
                                included.into_iter().collect::<BTreeSet<_>>(),
                                expected.included
                            );
                            check_total(&page, search, &expected, true, page.next.is_some());
                        }
                        Ok(other) => panic!("{other:?}"),
                        Err(refusal) => check_refusal(&refusal, expected.err()),
                    }
                }
                _ => {}
            }
        }
    }

    fn url(&self, ask: &Ask) -> String {
        match ask {
            Ask::Vread(n, version) => {
                let (of, id) = self.name(*n);
                format!("{of}/{id}/_history/{version}")
            }
            Ask::Search(search, _) => text_of(search),
            Ask::Read(n) | Ask::History(n, _) | Ask::Everything(n, _) => {
                let (of, id) = self.name(*n);
                format!("{of}/{id}")
            }
            Ask::Batch(_) => "Patient".to_owned(),
        }
    }
}

fn text_of(search: &Search) -> String {
    let mut parameters = search.conditions.clone();
    if !search.sort.is_empty() {
        parameters.push(format!("_sort={}", search.sort));
    }
    parameters.push(format!("_count={}", search.count));
    parameters.extend(
        search
            .includes
            .iter()
            .map(|include| format!("_include={include}")),
    );
    parameters.extend(
        search
            .revincludes
            .iter()
            .map(|include| format!("_revinclude={include}")),
    );
    format!("{}?{}", search.of, parameters.join("&"))
}

async fn check(world: World) -> u32 {
    let mut visit = Visit::of(&world).await;
    for (who, ask) in &world.asks {
        visit.ask(who % world.policies.len(), ask).await;
    }
    // What a resource says is in no entry of the ledger: only its name.
    for entry in visit.door.entries() {
        assert!(!entry.raw.contains(PLANTED), "{}", entry.raw);
    }
    visit.asked
}

/// How many questions are asked in all; `GLOVEBOX_PROPERTY_CASES` asks for more.
#[expect(
    clippy::disallowed_methods,
    reason = "a test may be told to try harder"
)]
fn cases() -> u32 {
    let asked = std::env::var("GLOVEBOX_PROPERTY_CASES").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(10_000)
}

#[test]
fn rule_22_the_gateway_gives_out_what_the_policy_lets_through_and_nothing_else() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let asked = AtomicU32::new(0);
    while asked.load(Ordering::Relaxed) < cases() {
        let left = cases() - asked.load(Ordering::Relaxed);
        let config = ProptestConfig {
            cases: left.div_ceil(ASKS as u32),
            failure_persistence: None,
            max_shrink_iters: 400,
            ..ProptestConfig::default()
        };
        proptest!(config, |(world in world())| {
            asked.fetch_add(runtime.block_on(check(world)), Ordering::Relaxed);
        });
    }
}

/// What random questions found now and then, once more on purpose.
#[tokio::test]
async fn a_resource_in_reach_is_found_by_a_patient_beyond_reach() {
    let door = Door::new().await;
    let both = r#"{"resourceType":"Observation","id":"both","status":"final","code":{"text":"x"},
        "subject":{"reference":"Patient/james"},"performer":[{"reference":"Patient/anna"}]}"#;
    door.import(&[both], false).await;
    for text in [
        "Observation?patient=james",
        "Observation?performer=Patient/anna",
        "Observation?patient=james&performer=Patient/anna",
        "Observation?patient=james&performer=Patient/anna&_id=both",
    ] {
        assert_eq!(door.page_of(text).await.total, Some(1), "{text}");
    }
}

#[tokio::test]
async fn a_binary_is_shown_as_it_is_now_and_within_the_reach_of_its_own_scope() {
    let door = Door::new().await.with("patient/Binary.r user/Patient.r");
    let binary = |id: &str, of: &str| {
        format!(
            r#"{{"resourceType":"Binary","id":"{id}","contentType":"text/plain","securityContext":{{"reference":"Patient/{of}"}}}}"#
        )
    };
    door.import(&[&binary("moved", "tom"), &binary("toms", "tom")], true)
        .await;
    door.import(&[&binary("moved", "anna")], true).await;
    let vread = |version| Interaction::vread("Binary", "moved", version).unwrap();
    assert!(door.call(read("Patient/tom")).await.is_ok());
    assert!(door.call(read("Binary/moved")).await.is_ok());
    assert!(door.call(vread("2")).await.is_ok());
    for hidden in [vread("1"), read("Binary/toms")] {
        assert_eq!(door.call(hidden).await.err(), Some(Refusal::NotFound));
    }
}

#[tokio::test]
async fn a_document_that_moved_to_another_patient_shows_its_binary_there_only() {
    let document = |of: &str| {
        format!(
            r#"{{"resourceType":"DocumentReference","id":"moved","status":"current",
            "subject":{{"reference":"Patient/{of}"}},"content":[{{"attachment":{{"url":"Binary/scan"}}}}]}}"#
        )
    };
    let door = Door::new()
        .await
        .with("patient/Binary.r user/DocumentReference.r");
    let scan = r#"{"resourceType":"Binary","id":"scan","contentType":"text/plain"}"#;
    door.import(&[scan, &document("anna")], true).await;
    assert!(door.call(read("Binary/scan")).await.is_ok());
    door.import(&[&document("tom")], true).await;
    assert!(door.call(read("DocumentReference/moved")).await.is_ok());
    let now = door.call(read("Binary/scan")).await;
    assert_eq!(now.err(), Some(Refusal::NotFound));
}

#[tokio::test]
async fn everything_leaves_out_what_no_app_is_given_and_gives_the_rest() {
    let door = Door::new().await.with("patient/*.rs");
    let audit = r#"{"resourceType":"AuditEvent","id":"a","agent":[{"who":{"reference":"Patient/anna"},"requestor":true}]}"#;
    door.import(&[audit], false).await;
    let (pass, session) = (door.pass(), door.session());
    let asked = Everything::default();
    let all = door.gateway.everything(&session, &pass, "anna", &asked);
    let all = all.await.unwrap().release(&pass, |page| page).unwrap();
    assert_eq!(all.matches.len(), 5);
}
