//! A throw-away PostgreSQL server for tests, from the system's binaries.
//!
//! The server refuses to run as root. As root, its programs are started as the user
//! `postgres` directly, so that neither sudo nor a login is needed.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A running server; stopped and removed with its last handle.
pub struct Server {
    programs: PathBuf,
    owner: Option<(u32, u32)>,
    dir: tempfile::TempDir,
    port: u16,
    databases: AtomicU32,
}

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());

impl Server {
    /// The server that the tests of one process share, or why there is none.
    pub fn shared() -> Result<Arc<Self>, String> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return Ok(server);
        }
        let server = Arc::new(Self::start(&["fsync=off"])?);
        *shared = Arc::downgrade(&server);
        Ok(server)
    }

    /// A server of its own, with some lines of configuration.
    pub fn start(configuration: &[&str]) -> Result<Self, String> {
        let programs = find_programs().ok_or("initdb and pg_ctl are not installed")?;
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let owner = unprivileged_owner(dir.path())?;
        if let Some((user, group)) = owner {
            std::os::unix::fs::chown(dir.path(), Some(user), Some(group))
                .map_err(|error| error.to_string())?;
        }
        let port = free_port().map_err(|error| error.to_string())?;
        let server = Self {
            programs,
            owner,
            dir,
            port,
            databases: AtomicU32::new(0),
        };
        server.run(
            "initdb",
            &[
                "--no-sync",
                "--auth=trust",
                "--username=glovebox",
                "--encoding=UTF8",
                "--locale=C",
            ],
        )?;
        let mut options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200"
        );
        for line in configuration {
            options.push_str(&format!(" -c {line}"));
        }
        let log = server.dir.path().join("log");
        server.run(
            "pg_ctl",
            &[
                "-w",
                "-o",
                &options,
                "-l",
                &log.display().to_string(),
                "start",
            ],
        )?;
        Ok(server)
    }

    /// The address of a new, empty database.
    ///
    /// # Panics
    /// If the server does not answer: a test cannot go on without.
    #[expect(
        clippy::expect_used,
        reason = "a test cannot go on without its database"
    )]
    pub async fn new_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::SeqCst));
        self.create(&name)
            .await
            .expect("the server makes a database");
        self.url(&name)
    }

    async fn create(&self, name: &str) -> Result<(), sqlx::Error> {
        use sqlx::{AssertSqlSafe, Connection, PgConnection};
        let mut connection = PgConnection::connect(&self.url("postgres")).await?;
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(create).execute(&mut connection).await?;
        connection.close().await
    }

    fn url(&self, database: &str) -> String {
        format!(
            "postgres://glovebox@127.0.0.1:{}/{database}?sslmode=disable",
            self.port
        )
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let mut command = Command::new(self.programs.join(program));
        // output goes to a file, because a server would hold a pipe open for ever
        let output = self.dir.path().join("output");
        let file = std::fs::File::create(&output).map_err(|error| error.to_string())?;
        let errors = file.try_clone().map_err(|error| error.to_string())?;
        command
            .arg("-D")
            .arg(self.dir.path().join("data"))
            .args(arguments)
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors);
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        let status = command
            .status()
            .map_err(|error| format!("{program}: {error}"))?;
        if status.success() {
            return Ok(());
        }
        let said = std::fs::read_to_string(&output).unwrap_or_default();
        Err(format!("{program} failed: {said}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.run("pg_ctl", &["-w", "-m", "immediate", "stop"]) {
            eprintln!("a test server of PostgreSQL could not be stopped: {error}");
        }
    }
}

/// On the path, or where Debian keeps them.
fn find_programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let configured = Command::new("pg_config").arg("--bindir").output().ok();
    let configured = configured.map(|output| String::from_utf8_lossy(&output.stdout).trim().into());
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    std::env::split_paths(&path)
        .chain(configured)
        .chain(debian.map(|version| version.path().join("bin")))
        .find(|dir| dir.join("initdb").exists() && dir.join("pg_ctl").exists())
}

/// User and group `postgres` if this process is root; nothing to change otherwise.
fn unprivileged_owner(own_dir: &Path) -> Result<Option<(u32, u32)>, String> {
    if std::fs::metadata(own_dir)
        .map_err(|error| error.to_string())?
        .uid()
        != 0
    {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").map_err(|error| error.to_string())?;
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let mut fields = line
        .ok_or("there is no user `postgres`")?
        .split(':')
        .skip(2);
    let mut number = || fields.next().and_then(|field| field.parse().ok());
    number()
        .zip(number())
        .map(Some)
        .ok_or_else(|| "the user `postgres` has no id".to_owned())
}

fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port())
}
