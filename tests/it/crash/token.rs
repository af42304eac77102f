//! The server is killed while apps exchange codes and refresh: no code is good twice, no
//! family whose answer was given is lost, and whose answer was lost may ask once more.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use glovebox_tests::binary::run;
use glovebox_tests::host::Left;
use glovebox_tests::oauth::{CALLBACK, CHALLENGE, STANDALONE, VERIFIER, allow, code, pick};
use glovebox_tests::{Api, Browser, Options};
use serde_json::Value;

use super::served::{Installed, Served};

/// Kills of a server with the embedded store: as many as were promised.
const ROUNDS: u32 = 50;
const ROUNDS_POSTGRES: u32 = 5;
/// Codes that are made for each round, while the server is still well.
const CODES: usize = 6;
/// Families that are taken along to the next round.
const FAMILIES_MAX: usize = 4;
/// The longest that a server lives once the exchange has begun.
const LIFE_MAX: Duration = Duration::from_millis(200);
/// For so long the answer to a refresh is given again. A little less than the server's
/// own: its clock began when the request had arrived.
const REPEAT_MAX: Duration = Duration::from_secs(10);

/// An app, and what it knows of its code and its tokens.
struct App {
    code: String,
    /// Answers with tokens that the code brought in, in all rounds.
    redeemed: u32,
    /// Whether it asked for them at all.
    has_asked: bool,
    family: Option<Family>,
}

struct Family {
    /// The newest refresh token that was answered.
    newest: String,
    access_token: String,
    /// When it was presented, where the answer did not come.
    under_way: Option<Instant>,
}

impl Family {
    fn of(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        Self {
            newest: text("refresh_token"),
            access_token: text("access_token"),
            under_way: None,
        }
    }
}

/// What became of the rounds.
#[derive(Debug, Default)]
struct Count {
    /// Exchanges whose answer was lost; then those of them that had been carried out.
    codes_lost: u32,
    codes_used_unheard: u32,
    /// Refreshes whose answer was lost; then those of them that the next process had to
    /// take up, and those that it was too late for.
    refreshes_lost: u32,
    families_kept: u32,
    families_too_late: u32,
}

/// Status and body of the token endpoint's answer, unless nobody is there to give one.
async fn ask(api: &Api, fields: &[(&str, &str)]) -> Option<(u16, Value)> {
    let request = api.request(reqwest::Method::POST, "/oauth/main/token");
    let answer = request.form(fields).send().await.ok()?;
    let status = answer.status().as_u16();
    Some((status, answer.json().await.ok()?))
}

async fn exchange(api: &Api, code: &str) -> Option<(u16, Value)> {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", "demo-public"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    ask(api, &fields).await
}

async fn refresh(api: &Api, refresh_token: &str) -> Option<(u16, Value)> {
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
    ];
    ask(api, &fields).await
}

/// The only refusal that tells an app nothing but to ask its user again.
fn is_refused(answer: &(u16, Value)) -> bool {
    answer.0 == 400 && answer.1["error"] == "invalid_grant"
}

/// A new app with a code, by way of the pages.
async fn authorized(browser: &mut Browser, base_url: &str) -> App {
    let parameters = [
        ("response_type", "code"),
        ("client_id", "demo-public"),
        ("redirect_uri", CALLBACK),
        ("scope", STANDALONE),
        ("state", "s-1"),
        ("aud", &format!("{base_url}/fhir/main")),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let address = format!("{base_url}/oauth/main/authorize");
    let url = reqwest::Url::parse_with_params(&address, parameters).unwrap();
    let path = format!("{}?{}", url.path(), url.query().unwrap());
    let page = browser.open_until_away(&path).await;
    let page = pick(browser, &page, "anna-rossi").await;
    let page = allow(browser, &page).await;
    App {
        code: code(&page),
        redeemed: 0,
        has_asked: false,
        family: None,
    }
}

/// Exchanges the code after a while, and refreshes without end, until nobody answers.
async fn work(api: Api, mut app: App, after: Duration) -> App {
    tokio::time::sleep(after).await;
    if app.family.is_none() {
        app.has_asked = true;
        let Some((status, answer)) = exchange(&api, &app.code).await else {
            return app;
        };
        assert_eq!(status, 200, "{answer}");
        app.redeemed += 1;
        app.family = Some(Family::of(&answer));
    }
    let family = app.family.as_mut().unwrap();
    loop {
        family.under_way = Some(Instant::now());
        let Some((status, answer)) = refresh(&api, &family.newest).await else {
            return app;
        };
        assert_eq!(status, 200, "{answer}");
        *family = Family::of(&answer);
    }
}

/// What is there after the kill is what the apps were told. Answers who goes on.
async fn take_stock(api: &Api, apps: Vec<App>, count: &mut Count) -> Vec<App> {
    // Families first: the time in which an answer is given again runs.
    let mut living = Vec::new();
    let mut unheard = Vec::new();
    for mut app in apps {
        let Some(family) = app.family.take() else {
            unheard.push(app);
            continue;
        };
        if let Some(family) = refreshed(api, family, count).await {
            app.family = Some(family);
            living.push(app);
        }
    }
    for mut app in unheard {
        let answer = exchange(api, &app.code).await.unwrap();
        if app.has_asked {
            count.codes_lost += 1;
        }
        if answer.0 == 200 {
            app.redeemed += 1;
            app.family = Some(Family::of(&answer.1));
            living.push(app);
        } else {
            assert!(is_refused(&answer), "{answer:?}");
            assert!(app.has_asked, "a code that nobody used is gone: {answer:?}");
            count.codes_used_unheard += 1;
        }
    }
    // The oldest show their codes once more: that is a theft, and ends their grants.
    while living.len() > FAMILIES_MAX {
        replay(api, living.remove(0)).await;
    }
    living
}

/// The family as the next process knows it.
async fn refreshed(api: &Api, family: Family, count: &mut Count) -> Option<Family> {
    let answer = refresh(api, &family.newest).await.unwrap();
    if let Some(asked) = family.under_way {
        count.refreshes_lost += 1;
        // Where the answer is late, the token may have been used more than ten seconds
        // ago; then this is a reuse, and the app has to be told so in these words.
        if asked.elapsed() >= REPEAT_MAX && answer.0 != 200 {
            assert!(is_refused(&answer), "{answer:?}");
            count.families_too_late += 1;
            return None;
        }
    }
    assert_eq!(answer.0, 200, "a family is lost: {}", answer.1);
    count.families_kept += 1;
    let (first, again) = (&answer.1, refresh(api, &family.newest).await.unwrap());
    assert_eq!(again.0, 200, "{}", again.1);
    assert_eq!(
        again.1["refresh_token"], first["refresh_token"],
        "two successors of one token"
    );
    let family = Family::of(&again.1);
    assert_eq!(reads(api, &family.access_token).await, 200);
    Some(family)
}

/// Presents a code that has been used: nothing more comes of it, and what came ends.
async fn replay(api: &Api, app: App) {
    let family = app.family.unwrap();
    assert_eq!(app.redeemed, 1, "a code was good {} times", app.redeemed);
    let answer = exchange(api, &app.code).await.unwrap();
    assert!(is_refused(&answer), "a code was good twice: {answer:?}");
    assert_eq!(reads(api, &family.access_token).await, 401);
    let answer = refresh(api, &family.newest).await.unwrap();
    assert!(is_refused(&answer), "{answer:?}");
}

async fn reads(api: &Api, access_token: &str) -> u16 {
    let request = api.request(reqwest::Method::GET, "/fhir/main/Patient/anna-rossi");
    let answer = request.bearer_auth(access_token).send().await.unwrap();
    answer.status().as_u16()
}

/// The ledger holds, and knows of no grant that was made of a code twice.
fn audit(installed: &Installed) {
    let verified = run(&["audit", "verify", "--config", installed.config()]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let mut grants = BTreeMap::new();
    for file in std::fs::read_dir(installed.left.dir.join("ledger")).unwrap() {
        let text = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&text).into_owned();
        let entries = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        for entry in entries {
            let is_exchange = entry["kind"] == "token" && entry["action"] == "authorization_code";
            if is_exchange && entry["outcome"] == "ok" {
                let grant = entry["detail"]["grant"].as_str().unwrap().to_owned();
                *grants.entry(grant).or_insert(0) += 1;
            }
        }
    }
    assert!(!grants.is_empty(), "no exchange is in the ledger");
    for (grant, times) in grants {
        assert_eq!(times, 1, "{grant} was made {times} times");
    }
}

fn password(left: &Left, name: &str) -> String {
    let users = left.demo["users"].as_array().unwrap();
    let user = users.iter().find(|user| user["username"] == name).unwrap();
    user["password"].as_str().unwrap().to_owned()
}

async fn killed_while_exchanging(database: &str, options: Options, rounds: u32) {
    let installed = Installed::new(database, options).await;
    let mut browser: Option<Browser> = None;
    let mut apps = Vec::new();
    let mut count = Count::default();
    for _ in 0..super::rounds(rounds) {
        let mut served = Served::start(&installed.config);
        let api = Api::new(&served.base_url, None);
        apps = take_stock(&api, apps, &mut count).await;
        // Signed in once: the session outlives every kill as well.
        let browser = match &mut browser {
            Some(browser) => browser,
            None => {
                let mut new = Browser::new(&served.base_url);
                new.sign_in("dr.rivera", &password(&installed.left, "dr.rivera"))
                    .await;
                browser.insert(new)
            }
        };
        for _ in 0..CODES {
            apps.push(authorized(browser, &served.base_url).await);
        }
        // One keeps its code to itself.
        let silent = apps.pop();
        let life = super::moment(Duration::from_millis(2), LIFE_MAX);
        let working: Vec<_> = apps
            .drain(..)
            .map(|app| {
                let after = super::moment(Duration::ZERO, life);
                tokio::spawn(work(api.clone(), app, after))
            })
            .collect();
        tokio::time::sleep(life).await;
        served.kill();
        for app in working {
            apps.push(app.await.unwrap());
        }
        apps.extend(silent);
    }
    let served = Served::start(&installed.config);
    let api = Api::new(&served.base_url, None);
    for app in take_stock(&api, apps, &mut count).await {
        replay(&api, app).await;
    }
    drop(served);
    audit(&installed);
    println!("{count:?}");
    assert!(
        count.refreshes_lost > 0 && count.families_kept > 0,
        "{count:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_once_and_no_family_is_lost_when_the_server_is_killed() {
    killed_while_exchanging("", Options::default(), ROUNDS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_once_and_no_family_is_lost_with_postgresql_too() {
    let Some(server) = super::postgres("codes_and_families_of_a_killed_server") else {
        return;
    };
    let url = server.new_database().await;
    let database = format!("[database]\nengine = \"postgres\"\nurl = \"{url}\"\n");
    let options = Options {
        postgres: Some(url),
        ..Options::default()
    };
    killed_while_exchanging(&database, options, ROUNDS_POSTGRES).await;
}
