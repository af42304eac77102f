//! `glovebox admin …`: the administrator's and vendor's acts, over `/api/v1`.

mod act;
mod list;
mod relations;
mod upload;

use crate::cli::failure::{Done, Failure};
use crate::cli::remote::ServerArguments;

/// Reviews, approves and withdraws apps on a running server. Needs the API token of an
/// administrator, or of a vendor for uploads: --token-file or GLOVEBOX_TOKEN_FILE.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  export GLOVEBOX_TOKEN_FILE=~/admin.token\n  glovebox admin apps\n  \
    glovebox admin quarantine lab-viewer --reason 'unexpected reads, ticket 4711'"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
    /// Tenant
    #[arg(long, global = true, default_value = "main")]
    tenant: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List every version of every app, with its state.
    Apps(list::ListArguments),
    /// Upload a component that `glovebox app build` made.
    Upload(upload::Arguments),
    /// Let a version be launched.
    Approve(act::ApproveArguments),
    /// Say no to a version.
    Reject(act::RejectArguments),
    /// Take an app or a version out of service and keep it for inspection.
    Quarantine(act::WithdrawArguments),
    /// Let a quarantined app or version go back to review; needs two people.
    Release(act::WithdrawArguments),
    /// Take an app or a version out of service for good.
    Revoke(act::WithdrawArguments),
    /// List app sessions.
    Sessions(list::ListArguments),
    /// End an app session and the call that it runs.
    Kill(act::KillArguments),
    /// List and change who may open whom.
    Relations(relations::Arguments),
}

pub(crate) async fn run(arguments: Arguments) -> Result<Done, Failure> {
    let remote = arguments.server.connect()?;
    let tenant = arguments.tenant.as_str();
    match arguments.command {
        Command::Apps(arguments) => list::apps(&remote, tenant, &arguments).await,
        Command::Upload(arguments) => upload::run(&remote, tenant, &arguments).await,
        Command::Approve(arguments) => act::approve(&remote, tenant, &arguments).await,
        Command::Reject(arguments) => act::reject(&remote, tenant, &arguments).await,
        Command::Quarantine(arguments) => {
            act::withdraw(&remote, tenant, "quarantine", &arguments).await
        }
        Command::Release(arguments) => act::withdraw(&remote, tenant, "release", &arguments).await,
        Command::Revoke(arguments) => act::withdraw(&remote, tenant, "revoke", &arguments).await,
        Command::Sessions(arguments) => list::sessions(&remote, tenant, &arguments).await,
        Command::Kill(arguments) => act::kill(&remote, tenant, &arguments).await,
        Command::Relations(arguments) => relations::run(&remote, tenant, &arguments).await,
    }
}
