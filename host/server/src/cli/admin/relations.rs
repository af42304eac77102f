//! `glovebox admin relations …`: who may open whom.

use std::path::PathBuf;

use reqwest::{Method, header};
use serde_json::{Value, json};

use super::list::{items, text};
use crate::cli::failure::{Done, Failure};
use crate::cli::remote::Remote;
use crate::cli::say;

/// Lists and changes who may open whom. A right is asserted by an administrator, a file or
/// the EHR, or follows from an active CareTeam or RelatedPerson in the record; each stands
/// by itself.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  glovebox admin relations list --user nurse.okafor\n  \
    glovebox admin relations grant nurse.okafor anna-rossi --reason 'ward 3 East'"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List relations, with where they come from and until when they count.
    List(ListArguments),
    /// Let somebody open a patient, or everyone.
    Grant(GrantArguments),
    /// Take away what was granted; calls under way end before it answers.
    Withdraw(WithdrawArguments),
    /// Grant every line of a CSV file, or none.
    Import(ImportArguments),
    /// Accept what care teams and related persons in the record say, also where an app wrote it.
    Derive(DeriveArguments),
}

/// Lists relations.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  glovebox admin relations list --user nurse.okafor --json")]
struct ListArguments {
    /// Only of this user [default: everybody in the tenant]
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

/// Whom a user may open.
#[derive(clap::Args)]
#[group(skip)]
struct RightArguments {
    /// Login name
    user: String,
    /// Logical id of the Patient
    #[arg(required_unless_present = "everyone", conflicts_with = "everyone")]
    patient: Option<String>,
    /// Every patient of the tenant
    #[arg(long)]
    everyone: bool,
    /// Why; it stands in the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

/// Lets somebody open a patient from now on.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  glovebox admin relations grant nurse.okafor anna-rossi \
    --expires 2030-01-31T00:00:00Z --reason 'ward 3 East'\n  \
    glovebox admin relations grant dr.rivera --everyone --reason 'attending physician'"
)]
struct GrantArguments {
    #[command(flatten)]
    right: RightArguments,
    /// First instant at which it no longer counts, such as 2030-01-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
}

/// Takes away what was granted. What follows from the record stays, and is named.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  glovebox admin relations withdraw nurse.okafor anna-rossi --reason 'moved ward'"
)]
struct WithdrawArguments {
    #[command(flatten)]
    right: RightArguments,
}

/// Grants every line of a file `user,patient,expires`, or none if one of them is bad.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  printf 'user,patient,expires\\nnurse.okafor,anna-rossi,\\n' > ward.csv\n  \
    glovebox admin relations import ward.csv --reason 'ward list of Monday'"
)]
struct ImportArguments {
    /// The file; its first line is user,patient,expires
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Why; it stands in the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

/// Looks through the record. Imports do this by themselves; what apps write only takes away.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  glovebox admin relations derive --from CareTeam/ward-3 --reason 'checked with the ward'"
)]
struct DeriveArguments {
    /// Only this resource [default: every CareTeam, RelatedPerson and PractitionerRole]
    #[arg(long, value_name = "REFERENCE")]
    from: Option<String>,
    /// Why; it stands in the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(
    remote: &Remote,
    tenant: &str,
    arguments: &Arguments,
) -> Result<Done, Failure> {
    match &arguments.command {
        Command::List(arguments) => list(remote, tenant, arguments).await,
        Command::Grant(arguments) => grant(remote, tenant, arguments).await,
        Command::Withdraw(arguments) => withdraw(remote, tenant, &arguments.right).await,
        Command::Import(arguments) => import(remote, tenant, arguments).await,
        Command::Derive(arguments) => derive(remote, tenant, arguments).await,
    }
}

async fn list(remote: &Remote, tenant: &str, arguments: &ListArguments) -> Result<Done, Failure> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut query = vec![("tenant", tenant.to_owned())];
        query.extend(arguments.user.clone().map(|user| ("user", user)));
        query.extend(after.take().map(|after| ("after", after)));
        let request = remote.request(Method::GET, "/relations").query(&query);
        let answer = remote.json(request).await?;
        all.extend(items(&answer).iter().cloned());
        match answer.get("next").and_then(Value::as_str) {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    if arguments.json {
        say::json(&json!({ "items": all, "next": null }));
        return Ok(Done::Yes);
    }
    let rows = all.iter().map(|relation| {
        let [user, source, from, starts, expires] =
            ["user", "source", "from", "starts", "expires"].map(|name| text(relation, name));
        let minute = |at: String| at.chars().take(16).collect::<String>();
        [
            user,
            whom(relation),
            source,
            from,
            minute(starts),
            minute(expires),
        ]
    });
    let header = [
        "user",
        "may open",
        "source",
        "from",
        "starts (UTC)",
        "expires (UTC)",
    ];
    say::table(header, rows);
    Ok(Done::Yes)
}

fn whom(relation: &Value) -> String {
    match relation.get("everyone").and_then(Value::as_bool) {
        Some(true) => "everyone".to_owned(),
        _ => text(relation, "patient"),
    }
}

async fn grant(remote: &Remote, tenant: &str, arguments: &GrantArguments) -> Result<Done, Failure> {
    let right = &arguments.right;
    let body = json!({
        "tenant": tenant,
        "user": right.user,
        "patient": right.patient,
        "everyone": right.everyone,
        "expires": arguments.expires,
        "reason": right.reason,
    });
    let request = remote.request(Method::POST, "/relations").json(&body);
    let answer = remote.json(request).await?;
    if right.json {
        say::json(&answer);
        return Ok(Done::Yes);
    }
    let until = match text(&answer, "expires").as_str() {
        "" => String::new(),
        expires => format!(" until {}", say::plain(expires)),
    };
    let whom = say::plain(&whom(&answer));
    say::answer(&format!("{} may open {whom}{until}", right.user));
    Ok(Done::Yes)
}

async fn withdraw(remote: &Remote, tenant: &str, right: &RightArguments) -> Result<Done, Failure> {
    let body = json!({
        "tenant": tenant,
        "user": right.user,
        "patient": right.patient,
        "everyone": right.everyone,
        "reason": right.reason,
    });
    let request = remote.request(Method::POST, "/relations/withdraw");
    let answer = remote.json(request.json(&body)).await?;
    if right.json {
        say::json(&answer);
        return Ok(Done::Yes);
    }
    let number = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or(0);
    let whom = say::plain(&whom(&answer));
    say::answer(&format!(
        "what was granted to {} on {whom} is withdrawn: {} running calls ended, {} ms",
        right.user,
        number("calls_ended"),
        number("took_ms"),
    ));
    let still = answer.get("still").and_then(Value::as_array);
    for held in still.into_iter().flatten() {
        say::note(&format!(
            "{} may open {whom} still, by {}: change that in the record",
            right.user,
            say::plain(&text(held, "from")),
        ));
    }
    Ok(Done::Yes)
}

async fn import(
    remote: &Remote,
    tenant: &str,
    arguments: &ImportArguments,
) -> Result<Done, Failure> {
    let file = &arguments.file;
    let bytes = std::fs::read(file).map_err(|problem| Failure::file(file, &problem))?;
    let request = remote
        .request(Method::POST, "/relations")
        .query(&[("tenant", tenant), ("reason", arguments.reason.as_str())])
        .header(header::CONTENT_TYPE, "text/csv")
        .body(bytes);
    let answer = remote.json(request).await?;
    if arguments.json {
        say::json(&answer);
        return Ok(Done::Yes);
    }
    let granted = answer.get("granted").and_then(Value::as_u64).unwrap_or(0);
    say::answer(&format!("{granted} relations granted"));
    Ok(Done::Yes)
}

async fn derive(
    remote: &Remote,
    tenant: &str,
    arguments: &DeriveArguments,
) -> Result<Done, Failure> {
    let body = json!({ "tenant": tenant, "from": arguments.from, "reason": arguments.reason });
    let request = remote.request(Method::POST, "/relations/derive");
    let answer = remote.json(request.json(&body)).await?;
    if arguments.json {
        say::json(&answer);
        return Ok(Done::Yes);
    }
    let number = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or(0);
    say::answer(&format!(
        "{} resources looked at: {} rights given, {} taken away",
        number("looked_at"),
        number("given"),
        number("taken"),
    ));
    Ok(Done::Yes)
}
