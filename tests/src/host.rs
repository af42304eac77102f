//! The whole server with the demo world, on a free port of this machine.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use glovebox_database::ledger::{Entry, Filter};
use glovebox_model::{Clock, Timestamp};
use glovebox_server::clock::SystemClock;
use glovebox_server::config::{Config, OAuthSection, Settings};
use glovebox_server::demo;
use glovebox_server::services::Services;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use crate::{Api, Browser, guests, logs, machine};

/// Patients of tenant `main`.
pub const PATIENTS: usize = 6;
/// Servers of their own that run at once: each compiles and runs WebAssembly.
const HOSTS_MAX: usize = 2;

static PERMITS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(HOSTS_MAX)));

/// What differs from an ordinary installation.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Ceilings by the name of the limit.
    pub limits: Vec<(&'static str, u64)>,
    /// What each app of tenant `main` may take, by the name of the limit.
    pub budget: Vec<(&'static str, u64)>,
    /// What clients may ask, where it differs.
    pub oauth: OAuthSection,
    /// Origins beside the internet from which keys may be fetched.
    pub allowed_origins: Vec<String>,
    /// A PostgreSQL database, in place of the embedded store.
    pub postgres: Option<String>,
}

/// The machine's time, moved by the test.
#[derive(Debug, Default)]
struct MovedClock {
    ahead_micros: AtomicI64,
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(
            SystemClock.now().micros() + self.ahead_micros.load(Ordering::SeqCst),
        )
    }
}

/// A running server.
pub struct TestHost {
    /// Its address, without a slash at the end.
    pub base_url: String,
    /// What `demo.json` says.
    pub demo: Value,
    /// What it is made of.
    pub services: Arc<Services>,
    clock: Arc<MovedClock>,
    dir: PathBuf,
    /// Whether the data directory outlives the server.
    is_kept: bool,
    runtime: Option<Runtime>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl TestHost {
    /// The server that tests share which change nothing that others look at.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<TestHost> = OnceCell::const_new();
        SHARED
            .get_or_init(|| Self::start(Options::default(), None))
            .await
    }

    /// A server of this test's own.
    pub async fn fresh() -> Self {
        Self::with(Options::default()).await
    }

    /// A server of this test's own that differs from others.
    pub async fn with(options: Options) -> Self {
        let permit = Arc::clone(&PERMITS).acquire_owned().await.unwrap();
        Self::start(options, Some(permit)).await
    }

    async fn start(options: Options, permit: Option<OwnedSemaphorePermit>) -> Self {
        tokio::task::spawn_blocking(move || Self::start_blocking(&options, permit))
            .await
            .unwrap()
    }

    fn start_blocking(options: &Options, permit: Option<OwnedSemaphorePermit>) -> Self {
        let dir = new_dir();
        if options.limits.is_empty() && options.budget.is_empty() && options.postgres.is_none() {
            copy_dir(template(), &dir);
        }
        Self::start_in(dir, options, permit)
    }

    fn start_in(dir: PathBuf, options: &Options, permit: Option<OwnedSemaphorePermit>) -> Self {
        logs::capture();
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        glovebox_authorization::install_crypto_provider();
        let apps = guests::dir();
        let clock = Arc::new(MovedClock::default());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let (base_url, services) = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let settings = settings(&dir, port, options);
            let base_url = settings.base_url.clone();
            let services = Services::open(settings, Arc::clone(&clock) as Arc<dyn Clock>)
                .await
                .unwrap();
            let plan = demo::precheck(PATIENTS, None, Some(&apps)).unwrap();
            let world = demo::build(&services, &plan, &mut |_| {}).await.unwrap();
            world.warm().await;
            world.announce().unwrap();
            let router = glovebox_server::http::router(Arc::clone(&services));
            let endless = std::future::pending();
            tokio::spawn(glovebox_server::http::serve(listener, router, endless));
            (base_url, services)
        });
        let demo = serde_json::from_slice(&std::fs::read(dir.join("demo.json")).unwrap()).unwrap();
        Self {
            base_url,
            demo,
            services,
            clock,
            dir,
            is_kept: false,
            runtime: Some(runtime),
            _permit: permit,
        }
    }

    /// Closes the server and hands over what it leaves on disk, for another process.
    pub async fn leave(mut self) -> Left {
        self.is_kept = true;
        let left = Left {
            dir: self.dir.clone(),
            demo: self.demo.clone(),
        };
        tokio::task::spawn_blocking(move || drop(self))
            .await
            .unwrap();
        left
    }

    /// Where it keeps everything.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Moves its clock.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap();
        self.clock.ahead_micros.fetch_add(micros, Ordering::SeqCst);
    }

    /// A browser with a fresh profile.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.base_url)
    }

    /// A browser in which this user has signed in.
    pub async fn signed_in(&self, username: &str) -> Browser {
        let mut browser = self.browser();
        browser.sign_in(username, self.password(username)).await;
        browser
    }

    /// A user's password.
    pub fn password(&self, username: &str) -> &str {
        let user = self.demo["users"]
            .as_array()
            .unwrap()
            .iter()
            .find(|user| user["username"] == username);
        user.and_then(|user| user["password"].as_str())
            .unwrap_or_else(|| panic!("there is no user {username}"))
    }

    /// A program with the API token of this name.
    pub fn api(&self, name: &str) -> Api {
        let token = self.demo["api_tokens"][name].as_str();
        Api::new(
            &self.base_url,
            Some(token.unwrap_or_else(|| panic!("there is no API token of {name}"))),
        )
    }

    /// A program with any token.
    pub fn program(&self, token: Option<&str>) -> Api {
        Api::new(&self.base_url, token)
    }

    /// A registered client of `demo.json`.
    pub fn client(&self, id: &str) -> &Value {
        let clients = self.demo["clients"].as_array().unwrap();
        clients
            .iter()
            .find(|client| client["client_id"] == id)
            .unwrap_or_else(|| panic!("there is no client {id}"))
    }

    /// Waits until a call of this app runs.
    pub async fn until_running(&self, app: &str) {
        let runs = || {
            let calls = self.services.runtime.running();
            calls.iter().any(|call| {
                call.subject
                    .app
                    .as_ref()
                    .is_some_and(|id| id.as_str() == app)
            })
        };
        for _ in 0..3_000 {
            if runs() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no call of {app} began");
    }

    /// Entries of the ledger, oldest first.
    pub async fn ledger(&self, filter: Filter) -> Vec<Entry> {
        let mut entries = self.services.ledger.search(&filter).unwrap();
        entries.reverse();
        entries
    }

    /// Entries of one app session, oldest first.
    pub async fn ledger_of(&self, session: &str) -> Vec<Entry> {
        self.ledger(Filter {
            session: Some(session.to_owned()),
            ..Filter::default()
        })
        .await
    }
}

/// A data directory whose server was closed; gone with the value.
pub struct Left {
    /// The directory.
    pub dir: PathBuf,
    /// What `demo.json` says.
    pub demo: Value,
}

impl Drop for Left {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

impl Drop for TestHost {
    fn drop(&mut self) {
        let (runtime, services) = (self.runtime.take(), Arc::clone(&self.services));
        let dir = (!self.is_kept).then(|| self.dir.clone());
        // A runtime must not be shut down on a thread of another one.
        let closing = std::thread::spawn(move || {
            let Some(runtime) = runtime else { return };
            runtime.block_on(services.close());
            drop(services);
            runtime.shutdown_timeout(Duration::from_secs(5));
            if let Some(dir) = dir {
                let _ = std::fs::remove_dir_all(dir);
            }
        });
        let _ = closing.join();
    }
}

fn settings(dir: &Path, port: u16, options: &Options) -> Settings {
    let mut config = Config {
        data_dir: Some(dir.to_owned()),
        ..Config::default()
    };
    config.listen.address = format!("127.0.0.1:{port}");
    config.listen.base_url = Some(format!("http://127.0.0.1:{port}"));
    config.apps.instances = Some(16);
    config.database.cache_mib = 16;
    if let Some(url) = &options.postgres {
        config.database.engine = "postgres".to_owned();
        config.database.url = Some(url.clone());
    }
    for (name, value) in &options.limits {
        config.apps.limits.insert((*name).to_owned(), *value);
    }
    for (name, value) in &options.budget {
        let budgets = config.budgets.entry("main".to_owned()).or_default();
        budgets.per_app.insert((*name).to_owned(), *value);
    }
    config.oauth = options.oauth.clone();
    config.outbound.allowed_origins = options.allowed_origins.clone();
    Settings::resolve(&config).unwrap()
}

/// A data directory in which the demo world was built, for copying: building it takes
/// seconds, and compiled components are in it.
fn template() -> &'static Path {
    static TEMPLATE: Mutex<Option<&'static Path>> = Mutex::new(None);
    let mut template = TEMPLATE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(dir) = *template {
        return dir;
    }
    let dir = new_dir();
    let mut host = TestHost::start_in(dir.clone(), &Options::default(), None);
    host.is_kept = true;
    // Closed before it is copied: the store is on disk then, and nobody holds its lock.
    drop(host);
    let dir: &'static Path = Box::leak(dir.into_boxed_path());
    *template = Some(dir);
    dir
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// A path below the target folder that names this process: what a run leaves behind, the
/// next one removes.
fn new_dir() -> PathBuf {
    static COUNT: AtomicI64 = AtomicI64::new(0);
    let parent = machine::target_dir().join("tmp");
    let count = COUNT.fetch_add(1, Ordering::SeqCst);
    if count == 0 {
        remove_left_over(&parent);
    }
    parent.join(format!("{PREFIX}{}-{count}", std::process::id()))
}

const PREFIX: &str = "it-host-";

fn remove_left_over(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('-').next().map(str::to_owned));
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
