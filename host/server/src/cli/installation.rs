//! Which installation a command works on when no server runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::failure::{Failure, is_locked};
use crate::clock::SystemClock;
use crate::config::{self, Config, Settings};
use crate::services::Services;

/// The data directory, and the configuration if it is not the default one.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Offline {
    /// Data directory of an installation whose server does not run
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Its configuration, if it has one
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

impl Offline {
    /// The settings, with the directory of `--data` in place of the file's.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        let written = Written::load(self.config.as_deref())?;
        written.resolve(self.data.clone(), None)
    }

    /// Opens everything. A directory that is not there is refused: this is no way to make one.
    pub(crate) async fn open(&self, otherwise: &str) -> Result<Arc<Services>, Failure> {
        let settings = self.settings()?;
        existing(&settings.data_dir)?;
        match Services::open(settings, Arc::new(SystemClock)).await {
            Ok(services) => Ok(services),
            Err(problem) if is_locked(&problem) => {
                Err(Failure::fault(format!("{problem}: {otherwise}")))
            }
            Err(problem) => Err(problem.into()),
        }
    }
}

/// Refuses a directory that is not there or holds no installation.
pub(crate) fn existing(dir: &Path) -> Result<(), Failure> {
    if dir.join("format").is_file() {
        return Ok(());
    }
    let dir = dir.display();
    Err(Failure::fault(format!(
        "{dir} is no glovebox data directory: name one with --data; `glovebox serve` or `glovebox demo` makes one"
    )))
}

/// A configuration as written, with the text for saying where something stands.
pub(crate) struct Written {
    config: Config,
    text: String,
    path: Option<PathBuf>,
}

impl Written {
    /// A configuration that no file holds.
    pub(crate) fn of(config: Config) -> Self {
        Self {
            config,
            text: String::new(),
            path: None,
        }
    }

    /// Reads a file; without one, everything has its default.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, Failure> {
        let text = match path {
            Some(path) => {
                std::fs::read_to_string(path).map_err(|problem| Failure::file(path, &problem))?
            }
            None => String::new(),
        };
        let config = Config::parse(&text).map_err(|problem| {
            let name = path
                .map(|path| path.display().to_string())
                .unwrap_or_default();
            Failure::fault(format!("{name}: {}", problem.trim_end()))
        })?;
        Ok(Self {
            config,
            text,
            path: path.map(Path::to_owned),
        })
    }

    /// Puts what the command line says above what the file says, and checks all of it.
    pub(crate) fn resolve(
        mut self,
        data: Option<PathBuf>,
        port: Option<u16>,
    ) -> Result<Settings, Failure> {
        if let Some(data) = data {
            self.config.data_dir = Some(data);
        }
        if let Some(port) = port {
            let host = self
                .config
                .listen
                .address
                .rsplit_once(':')
                .map_or("127.0.0.1", |(host, _)| host);
            self.config.listen.address = format!("{host}:{port}");
        }
        Settings::resolve(&self.config).map_err(|problem| {
            let line = config::line_of(&self.text, problem.key());
            match (&self.path, line) {
                (Some(path), Some(line)) => {
                    Failure::fault(format!("{}, line {line}: {problem}", path.display()))
                }
                (Some(path), None) => Failure::fault(format!("{}: {problem}", path.display())),
                (None, _) => problem.into(),
            }
        })
    }
}
