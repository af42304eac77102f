//! Revocation is a moment: no read that begins after its answer succeeds, and nothing that
//! was let in before is answered after it. 64 callers read while somebody revokes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use glovebox_database::fence::{Held, Mark};
use glovebox_gateway::{Door, Session};
use glovebox_model::ledger::Subject;
use glovebox_model::scope::ScopeSet;
use glovebox_model::{ClientId, TenantId, UserId};
use glovebox_policy::Terms;
use glovebox_runtime::probe::Probe;
use glovebox_tests::oauth::{exchange, refresh, standalone_code};
use glovebox_tests::{Answer, Api, TestHost, machine};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const CALLERS: usize = 64;
/// Reads that have to succeed before somebody revokes: all callers are at work by then.
const READS_BEFORE: usize = 2 * CALLERS;
/// For so long callers go on after the answer.
const AFTER: Duration = Duration::from_millis(150);
const PATIENCE: Duration = Duration::from_secs(60);

/// Rounds of one revocation.
fn rounds() -> u32 {
    if machine::is_quick() { 1 } else { 4 }
}

/// One call, as its caller saw it.
struct Seen {
    began: Instant,
    has_succeeded: bool,
}

/// What callers share.
#[derive(Default)]
struct Race {
    successes: AtomicUsize,
    is_over: AtomicBool,
}

impl Race {
    async fn until_under_way(&self) {
        let began = Instant::now();
        while self.successes.load(Ordering::SeqCst) < READS_BEFORE {
            assert!(began.elapsed() < PATIENCE, "the callers do not get on");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_micros(u64::from(random()) * 300)).await;
    }

    fn saw(&self, seen: &mut Vec<Seen>, began: Instant, has_succeeded: bool) {
        self.successes
            .fetch_add(usize::from(has_succeeded), Ordering::SeqCst);
        seen.push(Seen {
            began,
            has_succeeded,
        });
    }
}

fn random() -> u8 {
    let mut byte = [0];
    aws_lc_rs::rand::fill(&mut byte).unwrap();
    byte[0]
}

fn text<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let found = answer.json[name].as_str();
    found.unwrap_or_else(|| panic!("no {name} in {}", answer.json))
}

/// The tokens of one grant.
struct Tokens {
    first: String,
    second: String,
    refresh: String,
}

async fn granted(host: &TestHost, user: &str) -> Tokens {
    let code = standalone_code(host, user, &[]).await;
    let first = exchange(host, &code).await.expect(200);
    let second = refresh(host, text(&first, "refresh_token"))
        .await
        .expect(200);
    Tokens {
        first: text(&first, "access_token").to_owned(),
        second: text(&second, "access_token").to_owned(),
        refresh: text(&second, "refresh_token").to_owned(),
    }
}

const READS: [&str; 3] = [
    "/fhir/main/Patient/anna-rossi",
    "/fhir/main/Observation?patient=anna-rossi&_count=20",
    "/fhir/main/Condition?patient=anna-rossi",
];

async fn read_on(api: Api, path: &'static str, race: Arc<Race>) -> Vec<Seen> {
    let mut seen = Vec::new();
    while !race.is_over.load(Ordering::SeqCst) {
        let began = Instant::now();
        let status = api.get(path).await.status.as_u16();
        assert!(status == 200 || status == 401, "{path}: {status}");
        race.saw(&mut seen, began, status == 200);
    }
    seen
}

/// A search whose caller was let in, and has not yet said what it looks for.
struct Inside(TcpStream);

const FORM: &str = "patient=anna-rossi&_count=5";

impl Inside {
    /// The server asks for the body only once it has let the caller in.
    async fn let_in(host: &TestHost, token: &str) -> Self {
        let authority = host.base_url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(authority).await.unwrap();
        let head = format!(
            "POST /fhir/main/Observation/_search HTTP/1.1\r\nhost: {authority}\r\n\
             authorization: Bearer {token}\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\nexpect: 100-continue\r\n\r\n",
            FORM.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 25];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self(stream)
    }

    /// The status, and what else there is.
    async fn go_on(mut self) -> (u16, String) {
        self.0.write_all(FORM.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        self.0.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer)
    }
}

/// Races callers with these tokens against a revocation, while others stand inside.
async fn race(host: &TestHost, tokens: &[&str], revoke: impl Future<Output = ()>) {
    let race = Arc::new(Race::default());
    let mut inside = Vec::new();
    for token in tokens.iter().cycle().take(CALLERS) {
        inside.push(Inside::let_in(host, token).await);
    }
    // What stood inside is answered while nobody revokes: the test would be blind else.
    let (status, answer) = inside.swap_remove(0).go_on().await;
    assert_eq!(status, 200, "{answer}");
    let programs: Vec<Api> = tokens
        .iter()
        .map(|token| host.program(Some(token)))
        .collect();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let api = programs[caller % programs.len()].clone();
            let path = READS[caller % READS.len()];
            tokio::spawn(read_on(api, path, Arc::clone(&race)))
        })
        .collect();
    race.until_under_way().await;
    revoke.await;
    let answered = Instant::now();
    for held in inside {
        let (status, answer) = held.go_on().await;
        assert!(
            status != 200,
            "it was let in before, and answered after: {answer}"
        );
        assert!(!answer.contains("searchset"), "{answer}");
    }
    tokio::time::sleep(AFTER).await;
    race.is_over.store(true, Ordering::SeqCst);
    let mut after = 0;
    for caller in callers {
        for seen in caller.await.unwrap() {
            let is_after = seen.began >= answered;
            after += usize::from(is_after);
            assert!(
                !(is_after && seen.has_succeeded),
                "a read that began {:?} after the answer succeeded",
                seen.began.duration_since(answered)
            );
        }
    }
    assert!(
        after >= CALLERS,
        "only {after} reads began after the answer"
    );
}

async fn give_back(host: &TestHost, token: &str) {
    let fields = [("token", token), ("client_id", "demo-public")];
    let program = host.program(None);
    program
        .post_form("/oauth/main/revoke", &fields)
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_succeeds_after_its_access_token_was_revoked_and_the_other_goes_on() {
    let host = TestHost::shared().await;
    for _ in 0..rounds() {
        let tokens = granted(host, "dr.rivera").await;
        race(host, &[&tokens.first], give_back(host, &tokens.first)).await;
        let other = host.program(Some(&tokens.second));
        other.get(READS[0]).await.expect(200);
        refresh(host, &tokens.refresh).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_succeeds_after_the_refresh_token_of_its_grant_was_revoked() {
    let host = TestHost::shared().await;
    for _ in 0..rounds() {
        let tokens = granted(host, "dr.rivera").await;
        let both = [tokens.first.as_str(), tokens.second.as_str()];
        race(host, &both, give_back(host, &tokens.refresh)).await;
        refresh(host, &tokens.refresh).await.expect(400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_succeeds_after_its_client_was_removed() {
    let host = TestHost::fresh().await;
    let authorization = &host.services.authorization;
    let (main, id): (TenantId, ClientId) =
        ("main".parse().unwrap(), "demo-public".parse().unwrap());
    let known = authorization
        .clients
        .get(&main, &id)
        .await
        .unwrap()
        .unwrap();
    for _ in 0..rounds() {
        let tokens = granted(&host, "dr.rivera").await;
        let both = [tokens.first.as_str(), tokens.second.as_str()];
        race(&host, &both, async {
            assert!(authorization.delete_client(&main, &id).await.unwrap());
        })
        .await;
        // The next one of this name inherits nothing.
        let client = known.clone();
        let registration = glovebox_authorization::ClientRegistration {
            id: Some(client.id),
            tenant: client.tenant,
            kind: client.kind,
            name: client.name,
            owner: client.owner,
            security_contact: client.security_contact,
            keys: client.keys,
            jwks_uri: client.jwks_uri,
            rules: client.rules,
            redirect_uris: client.redirect_uris,
            launch_uri: client.launch_uri,
            justifications: std::collections::BTreeMap::new(),
            terms: glovebox_policy::Terms::default(),
            scope: client.scope,
        };
        authorization.clients.register(registration).await.unwrap();
        let again = host.program(Some(&tokens.first));
        again.get(READS[0]).await.expect(401);
        refresh(&host, &tokens.refresh).await.expect(400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_succeeds_after_its_user_was_disabled() {
    let host = TestHost::fresh().await;
    let authorization = &host.services.authorization;
    let rivera: UserId = "dr.rivera".parse().unwrap();
    for _ in 0..rounds() {
        let tokens = granted(&host, "dr.rivera").await;
        let both = [tokens.first.as_str(), tokens.second.as_str()];
        race(&host, &both, async {
            authorization.disable_user(&rivera).await.unwrap();
        })
        .await;
        refresh(&host, &tokens.refresh).await.expect(400);
        authorization.users.enable(&rivera).await.unwrap();
    }
}

/// What an app's session of dr. Rivera holds from its launch on. A component has no token
/// and so no grant: inside the host a launch takes their place, and what ends it is the
/// end of the session, of the user, or of the app.
fn launched(host: &TestHost, id: &str) -> (Session, Vec<Held>) {
    let (tenant, user): (TenantId, UserId) =
        ("main".parse().unwrap(), "dr.rivera".parse().unwrap());
    let id: glovebox_model::SessionId = id.parse().unwrap();
    let patient: glovebox_model::PatientId = "anna-rossi".parse().unwrap();
    let marks = [
        Mark::Tenant(tenant.clone()),
        Mark::User(tenant.clone(), user.clone()),
        Mark::Session(id.clone()),
    ];
    let session = Session {
        tenant: tenant.clone(),
        subject: Subject {
            tenant: Some(tenant),
            user: Some(user.clone()),
            patient: Some(patient.clone()),
            session: Some(id),
            ..Subject::default()
        },
        scopes: ScopeSet::parse("patient/*.rs").unwrap(),
        patient: Some(patient),
        user: Some(user),
        door: Door::Wit,
        terms: Arc::new(Terms::default()),
    };
    (session, host.services.fence.generations(&marks))
}

/// One host call of a guest.
async fn told(host: &TestHost, session: &Session, held: &[Held]) -> bool {
    let probe = Probe::new(&host.services.runtime, session.clone(), held);
    let Ok(mut probe) = probe else { return false };
    probe.read("Patient", "anna-rossi").await.is_ok()
}

async fn call_on(host: &TestHost, session: Session, held: Vec<Held>, race: &Race) -> Vec<Seen> {
    let mut seen = Vec::new();
    while !race.is_over.load(Ordering::SeqCst) {
        let began = Instant::now();
        let has_succeeded = told(host, &session, &held).await;
        race.saw(&mut seen, began, has_succeeded);
        tokio::task::yield_now().await;
    }
    seen
}

/// The same race for guests of one session, by the calls that they make.
async fn race_of_guests(host: &Arc<TestHost>, id: &str, revoke: impl Future<Output = ()>) {
    let race = Arc::new(Race::default());
    let (session, held) = launched(host, id);
    // Inside before, and asking again after: a call that goes on across the revocation.
    let mut inside: Vec<Probe> = (0..CALLERS)
        .map(|_| Probe::new(&host.services.runtime, session.clone(), &held).unwrap())
        .collect();
    for probe in &mut inside {
        assert!(probe.read("Patient", "anna-rossi").await.is_ok());
    }
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (host, race) = (Arc::clone(host), Arc::clone(&race));
            let (session, held) = (session.clone(), held.clone());
            tokio::spawn(async move { call_on(&host, session, held, &race).await })
        })
        .collect();
    race.until_under_way().await;
    revoke.await;
    let answered = Instant::now();
    for probe in &mut inside {
        let told = probe.read("Patient", "anna-rossi").await;
        assert!(told.is_err(), "it was let in before, and answered after");
    }
    tokio::time::sleep(AFTER).await;
    race.is_over.store(true, Ordering::SeqCst);
    let mut after = 0;
    for caller in callers {
        for seen in caller.await.unwrap() {
            let is_after = seen.began >= answered;
            after += usize::from(is_after);
            assert!(!(is_after && seen.has_succeeded), "a guest was answered");
        }
    }
    assert!(
        after >= CALLERS,
        "only {after} calls began after the answer"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_host_call_succeeds_after_its_session_or_its_user_was_shut_out() {
    let host = Arc::new(TestHost::fresh().await);
    let services = Arc::clone(&host.services);
    let rivera: UserId = "dr.rivera".parse().unwrap();
    for round in 0..rounds() {
        let id = format!("revoking-{round}");
        race_of_guests(&host, &id, async {
            let mark = Mark::Session(id.parse().unwrap());
            services.fence.revoke(mark, "it is over").await.unwrap();
        })
        .await;
        race_of_guests(&host, &format!("{id}-again"), async {
            services.authorization.disable_user(&rivera).await.unwrap();
        })
        .await;
        services.authorization.users.enable(&rivera).await.unwrap();
    }
}
