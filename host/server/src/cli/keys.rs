//! `glovebox keys …`: the keys that sign id_tokens.

use std::sync::Arc;

use glovebox_model::TenantId;
use glovebox_model::ledger::Subject;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::failure::{Done, Failure};
use crate::cli::installation::Offline;
use crate::cli::remote::{Remote, TokenArguments};
use crate::cli::say;
use crate::http::api::keys::describe;
use crate::services::{RotateError, Services, rotate_signing_key};

/// Lists and rotates the keys that sign id_tokens, in a data directory whose server does not
/// run, or on a running server with the API token of an administrator.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  glovebox keys list --data glovebox-data\n  \
    glovebox keys rotate --server http://127.0.0.1:8080 --token-file ~/admin.token")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the keys of a tenant: which one signs, and until when others are listed.
    List(KeyArguments),
    /// Make a new key that signs from now on; the one before stays listed until what it
    /// signed has expired.
    Rotate(KeyArguments),
}

/// Which installation, and which tenant of it.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  glovebox keys list --data glovebox-data --json\n  \
    glovebox keys rotate --tenant sandbox --data glovebox-data"
)]
struct KeyArguments {
    #[command(flatten)]
    offline: Offline,
    /// Address of a running server, in place of --data
    #[arg(long, value_name = "URL", conflicts_with_all = ["data", "config"])]
    server: Option<String>,
    #[command(flatten)]
    token: TokenArguments,
    /// Tenant
    #[arg(long, default_value = "main")]
    tenant: String,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Where the keys are.
enum Place {
    Offline(Arc<Services>, TenantId),
    Server(Remote, String),
}

const OTHERWISE: &str = "use --server URL and a token instead, or stop the server first";

pub(crate) async fn run(arguments: Arguments) -> Result<Done, Failure> {
    match arguments.command {
        Command::List(arguments) => list(&arguments).await,
        Command::Rotate(arguments) => rotate(&arguments).await,
    }
}

impl KeyArguments {
    async fn open(&self) -> Result<Place, Failure> {
        if let Some(server) = &self.server {
            let remote = Remote::new(server, &self.token)?;
            return Ok(Place::Server(remote, self.tenant.clone()));
        }
        let settings = self.offline.settings()?;
        let tenant: Option<TenantId> = self.tenant.parse().ok();
        let known = tenant.filter(|tenant| settings.tenant_name(tenant).is_some());
        let tenant = known.ok_or_else(|| {
            Failure::fault(format!(
                "there is no tenant `{}`: see `glovebox check-config`",
                self.tenant
            ))
        })?;
        let services = self.offline.open(OTHERWISE).await?;
        Ok(Place::Offline(services, tenant))
    }
}

async fn list(arguments: &KeyArguments) -> Result<Done, Failure> {
    let answer = match arguments.open().await? {
        Place::Server(remote, tenant) => {
            let request = remote.request(Method::GET, "/keys");
            remote.json(request.query(&[("tenant", tenant)])).await?
        }
        Place::Offline(services, tenant) => {
            let keys = services.authorization.signing_keys.list(&tenant).await;
            let now = services.clock.now();
            services.close().await;
            let items: Vec<Value> = keys?.iter().map(|key| describe(key, now)).collect();
            json!({ "items": items, "next": null })
        }
    };
    if arguments.json {
        say::json(&answer);
        return Ok(Done::Yes);
    }
    let items = answer.get("items").and_then(Value::as_array);
    let rows = items.map(Vec::as_slice).unwrap_or_default().iter().map(row);
    say::table(["key", "state", "made (UTC)", "listed until (UTC)"], rows);
    Ok(Done::Yes)
}

async fn rotate(arguments: &KeyArguments) -> Result<Done, Failure> {
    let answer = match arguments.open().await? {
        Place::Server(remote, tenant) => {
            let request = remote.request(Method::POST, "/keys/rotate");
            remote
                .json(request.json(&json!({ "tenant": tenant })))
                .await?
        }
        Place::Offline(services, tenant) => {
            let subject = Subject {
                tenant: Some(tenant),
                ..Subject::default()
            };
            let rotated = rotate_signing_key(&services, subject, "command-line").await;
            let now = services.clock.now();
            services.close().await;
            let (active, retired) = rotated.map_err(failed)?;
            json!({ "active": describe(&active, now), "retired": describe(&retired, now) })
        }
    };
    if arguments.json {
        say::json(&answer);
        return Ok(Done::Yes);
    }
    let text = |pointer: &str| {
        let found = answer.pointer(pointer).and_then(Value::as_str);
        say::plain(found.unwrap_or_default())
    };
    say::answer(&format!(
        "{} signs from now on; {} is listed until {}",
        text("/active/kid"),
        text("/retired/kid"),
        text("/retired/listed_until")
    ));
    Ok(Done::Yes)
}

fn row(key: &Value) -> [String; 4] {
    ["kid", "status", "created_at", "listed_until"].map(|name| {
        let text = key.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    })
}

fn failed(problem: RotateError) -> Failure {
    match problem {
        RotateError::Authorization(problem @ glovebox_authorization::Error::Invalid { .. }) => {
            Failure::no(problem.to_string())
        }
        RotateError::Authorization(problem) => problem.into(),
        RotateError::Ledger(problem) => problem.into(),
        RotateError::NoTenant => Failure::fault(problem.to_string()),
    }
}
