//! `glovebox serve`.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::failure::{Done, Failure};
use crate::cli::installation::Written;
use crate::cli::{say, serving};
use crate::clock::SystemClock;
use crate::http;
use crate::services::{DataDir, Services};

/// Runs the server until Ctrl-C. Without a configuration it listens on 127.0.0.1:8080 and
/// keeps everything in ./glovebox-data.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  glovebox serve --config glovebox.toml")]
pub(crate) struct Arguments {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data directory, in place of the configured one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Port, in place of the configured one
    #[arg(long)]
    port: Option<u16>,
    /// Log as JSON, one object a line
    #[arg(long)]
    pub(crate) log_json: bool,
}

/// Serves.
pub(crate) async fn run(arguments: Arguments) -> Result<Done, Failure> {
    let written = Written::load(arguments.config.as_deref())?;
    let settings = written.resolve(arguments.data, arguments.port)?;
    let listener = serving::listen(settings.address).await?;
    DataDir::open(&settings.data_dir)?;
    let (base_url, data_dir) = (settings.base_url.clone(), settings.data_dir.clone());
    let services = Services::open(settings, Arc::new(SystemClock)).await?;
    let is_new = services.authorization.users.list().await?.is_empty();
    if is_new {
        let dir = data_dir.display();
        say::note(&format!(
            "nobody can sign in yet: stop the server and run\n  \
             glovebox users add NAME --role administrator --data {dir}"
        ));
    }
    let router = http::router(Arc::clone(&services));
    say::answer(&format!("glovebox serves on {base_url} (Ctrl-C ends it)"));
    serving::serve(listener, router, services).await?;
    Ok(Done::Yes)
}
