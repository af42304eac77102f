//! `glovebox users …`.

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::sync::Arc;

use glovebox_authorization::User;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::{Role, UserId};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cli::failure::{Done, Failure};
use crate::cli::installation::{Offline, Written};
use crate::cli::say;
use crate::clock::SystemClock;
use crate::services::{DataDir, Services, follow_people};

/// Longest password that is read, in bytes.
const PASSWORD_BYTES_MAX: u64 = 1_024;

/// Manages the people who sign in. The server must not run: it holds the data directory.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  glovebox users add dr.lee --role clinician --fhir-user Practitioner/lee \
    --data glovebox-data"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Add somebody; the password is asked for, or read from a file or stdin.
    Add(AddArguments),
    /// List everybody.
    List(ListArguments),
    /// Refuse every sign-in and token of somebody from now on.
    Disable(DisableArguments),
}

/// Adds somebody. A data directory that is not there yet is made.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  glovebox users add admin --role administrator --data glovebox-data"
)]
struct AddArguments {
    /// Login name
    username: String,
    /// Role; may be given several times
    #[arg(long = "role", required = true, value_name = "ROLE", value_parser = role)]
    roles: Vec<Role>,
    /// Name that people read [default: the login name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The person as a FHIR reference, such as Practitioner/lee
    #[arg(long, value_name = "REFERENCE")]
    fhir_user: Option<String>,
    /// For vendors: whose apps
    #[arg(long, value_name = "PUBLISHER")]
    publisher: Option<String>,
    /// Tenant in which the person may act; may be given several times
    #[arg(long = "tenant", value_name = "TENANT", default_value = "main")]
    tenants: Vec<String>,
    /// File whose first line is the password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Read the password from stdin
    #[arg(long, conflicts_with = "password_file")]
    password_stdin: bool,
    #[command(flatten)]
    offline: Offline,
}

/// Lists everybody.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  glovebox users list --data glovebox-data --json")]
struct ListArguments {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    offline: Offline,
}

/// Ends somebody's sessions and refuses every sign-in and personal token from now on.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  glovebox users disable dr.lee --data glovebox-data")]
struct DisableArguments {
    /// Login name
    username: String,
    #[command(flatten)]
    offline: Offline,
}

fn role(text: &str) -> Result<Role, String> {
    text.parse().map_err(|_| {
        let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        format!("there are {}", known.join(", "))
    })
}

const STOP_IT: &str = "stop the server first";

pub(crate) async fn run(arguments: Arguments) -> Result<Done, Failure> {
    match arguments.command {
        Command::Add(arguments) => add(arguments).await,
        Command::List(arguments) => list(arguments).await,
        Command::Disable(arguments) => disable(arguments).await,
    }
}

async fn add(arguments: AddArguments) -> Result<Done, Failure> {
    let wrong = |problem: glovebox_model::id::InvalidId| Failure::fault(problem.to_string());
    let user = User {
        id: arguments.username.parse().map_err(wrong)?,
        display_name: arguments
            .name
            .clone()
            .unwrap_or_else(|| arguments.username.clone()),
        roles: arguments.roles.clone(),
        fhir_user: arguments
            .fhir_user
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(wrong)?,
        tenants: arguments
            .tenants
            .iter()
            .map(|tenant| tenant.parse())
            .collect::<Result<_, _>>()
            .map_err(wrong)?,
        publisher: arguments
            .publisher
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(wrong)?,
        is_disabled: false,
    };
    let settings = Written::load(arguments.offline.config.as_deref())?
        .resolve(arguments.offline.data.clone(), None)?;
    if let Some(unknown) = user
        .tenants
        .iter()
        .find(|tenant| settings.tenant_name(tenant).is_none())
    {
        return Err(Failure::fault(format!(
            "there is no tenant `{unknown}`: see `glovebox check-config`"
        )));
    }
    let password = password(&arguments)?;
    DataDir::open(&settings.data_dir)?;
    let services = Services::open(settings, Arc::new(SystemClock)).await?;
    let added = match services.authorization.users.add(&user, &password).await {
        Ok(()) => match recorded(&services, "add", &user.id).await {
            Ok(()) => followed(&services).await,
            failed => failed,
        },
        Err(problem @ glovebox_authorization::Error::Exists { .. }) => {
            Err(Failure::no(problem.to_string()))
        }
        Err(problem) => Err(problem.into()),
    };
    services.close().await;
    added?;
    say::answer(&format!("{} can sign in", user.id));
    Ok(Done::Yes)
}

async fn list(arguments: ListArguments) -> Result<Done, Failure> {
    let services = arguments.offline.open(STOP_IT).await?;
    let users = services.authorization.users.list().await;
    services.close().await;
    let users = users?;
    let roles = |user: &User| {
        user.roles
            .iter()
            .map(|role| role.as_str())
            .collect::<Vec<_>>()
    };
    let tenants = |user: &User| {
        user.tenants
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    if arguments.json {
        let items: Vec<Value> = users
            .iter()
            .map(|user| {
                json!({
                    "username": user.id.as_str(),
                    "name": user.display_name,
                    "roles": roles(user),
                    "fhir_user": user.fhir_user.as_ref().map(ToString::to_string),
                    "tenants": tenants(user),
                    "publisher": user.publisher.as_ref().map(ToString::to_string),
                    "disabled": user.is_disabled,
                })
            })
            .collect();
        say::json(&json!({ "items": items, "next": null }));
        return Ok(Done::Yes);
    }
    let rows = users.iter().map(|user| {
        let state = if user.is_disabled { "disabled" } else { "" };
        [
            user.id.to_string(),
            user.display_name.clone(),
            roles(user).join(", "),
            user.fhir_user
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            tenants(user).join(", "),
            state.to_owned(),
        ]
    });
    say::table(
        ["user", "name", "roles", "fhir user", "tenants", "state"],
        rows,
    );
    Ok(Done::Yes)
}

async fn disable(arguments: DisableArguments) -> Result<Done, Failure> {
    let user: UserId = arguments
        .username
        .parse()
        .map_err(|problem| Failure::fault(format!("{problem}")))?;
    let services = arguments.offline.open(STOP_IT).await?;
    let disabled = match services.authorization.disable_user(&user).await {
        Ok(sessions) => match recorded(&services, "disable", &user).await {
            Ok(()) => followed(&services).await.map(|()| sessions),
            Err(failed) => Err(failed),
        },
        Err(problem @ glovebox_authorization::Error::Unknown { .. }) => {
            Err(Failure::no(problem.to_string()))
        }
        Err(problem) => Err(problem.into()),
    };
    services.close().await;
    let sessions = disabled?;
    say::answer(&format!(
        "{user} is disabled; {sessions} browser sessions ended"
    ));
    Ok(Done::Yes)
}

/// What follows for the account from care teams in the record, at once.
async fn followed(services: &Services) -> Result<(), Failure> {
    let followed = follow_people(&services.authorization, &services.gateway).await;
    followed.map_err(|cause| {
        Failure::fault(format!(
            "what follows from care teams could not be derived ({cause}): the next start does it"
        ))
    })
}

async fn recorded(services: &Services, action: &str, user: &UserId) -> Result<(), Failure> {
    let subject = Subject {
        user: Some(user.clone()),
        ..Subject::default()
    };
    let event =
        Event::new(Kind::UserChange, action, subject, Outcome::Ok).with("by", "command-line");
    services.ledger.append_durable(event).await?;
    Ok(())
}

/// The password from where it was said to be; never from the arguments, which others see.
fn password(arguments: &AddArguments) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    if let Some(file) = &arguments.password_file {
        let failed = |problem: std::io::Error| Failure::file(file, &problem);
        let opened = std::fs::File::open(file).map_err(failed)?;
        opened
            .take(PASSWORD_BYTES_MAX + 2)
            .read_to_string(&mut text)
            .map_err(failed)?;
    } else if arguments.password_stdin {
        let read = std::io::stdin()
            .take(PASSWORD_BYTES_MAX + 2)
            .read_to_string(&mut text);
        read.map_err(|problem| {
            Failure::fault(format!("the password cannot be read from stdin: {problem}"))
        })?;
    } else if std::io::stdin().is_terminal() {
        let ask = |question: &str| {
            let _ = console::Term::stderr().write_str(question);
            let answer = console::Term::stderr().read_secure_line();
            answer.map(Zeroizing::new).map_err(|problem| {
                Failure::fault(format!("the terminal cannot be read: {problem}"))
            })
        };
        let first = ask("Password: ")?;
        let second = ask("Once more: ")?;
        if *first != *second {
            return Err(Failure::fault("the two passwords differ: try again"));
        }
        return Ok(first);
    } else {
        return Err(Failure::fault(
            "no terminal to ask for the password: use --password-stdin or --password-file",
        ));
    }
    Ok(Zeroizing::new(
        text.lines().next().unwrap_or_default().to_owned(),
    ))
}
