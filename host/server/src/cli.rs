//! The command line.
//!
//! Exit codes: 0 done, 1 the answer is no (something was refused, a ledger is broken),
//! 2 a usage error or a fault. Answers go to stdout, everything else to stderr.

mod admin;
mod app;
mod audit;
mod check_config;
mod demo;
mod failure;
mod fhir;
mod installation;
mod keys;
mod remote;
mod say;
mod serve;
mod serving;
mod users;

#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use failure::{Done, Failure};

/// Runs third-party SMART on FHIR apps safely: identity, authorization server, FHIR
/// gateway, app governance and a WebAssembly sandbox in one program.
#[derive(Parser)]
#[command(
    name = "glovebox",
    version,
    after_help = "Example:\n  glovebox demo\n\n\
    GLOVEBOX_LOG sets what is logged, such as `GLOVEBOX_LOG=debug`."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server until Ctrl-C.
    Serve(serve::Arguments),
    /// Run a demo world with synthetic patients until Ctrl-C.
    Demo(demo::Arguments),
    /// Build and check apps, for those who write them.
    App(app::Arguments),
    /// Review, approve and withdraw apps on a running server.
    Admin(admin::Arguments),
    /// Bring in FHIR data, or make synthetic patients.
    Fhir(fhir::Arguments),
    /// Read and verify the audit ledger.
    Audit(audit::Arguments),
    /// List and rotate the keys that sign id_tokens.
    Keys(keys::Arguments),
    /// Manage the people who sign in, while the server does not run.
    Users(users::Arguments),
    /// Print the configuration that is in force, secrets masked.
    CheckConfig(check_config::Arguments),
    /// Print the completions of a shell.
    Completions(CompletionsArguments),
}

/// Prints the completions of a shell to stdout.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  glovebox completions bash > ~/.local/share/bash-completion/completions/glovebox"
)]
struct CompletionsArguments {
    /// For which shell
    shell: clap_complete::Shell,
}

/// Runs the command of this process's arguments.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(problem) => {
            // Help and version are answers, and exit with 0.
            let _ = problem.print();
            return ExitCode::from(u8::try_from(problem.exit_code()).unwrap_or(2));
        }
    };
    glovebox_authorization::install_crypto_provider();
    // The error says that a provider is installed already, which is what is wanted.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    log_to_stderr(&arguments.command);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(problem) => {
            return failed(&Failure::fault(format!(
                "no threads can be started: {problem}"
            )));
        }
    };
    match runtime.block_on(execute(arguments.command)) {
        Ok(Done::Yes) => ExitCode::SUCCESS,
        Ok(Done::No) => ExitCode::from(1),
        Err(failure) => failed(&failure),
    }
}

async fn execute(command: Command) -> Result<Done, Failure> {
    match command {
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::App(arguments) => app::run(arguments).await,
        Command::Admin(arguments) => admin::run(arguments).await,
        Command::Fhir(arguments) => fhir::run(arguments).await,
        Command::Audit(arguments) => audit::run(arguments).await,
        Command::Keys(arguments) => keys::run(arguments).await,
        Command::Users(arguments) => users::run(arguments).await,
        Command::CheckConfig(arguments) => check_config::run(&arguments),
        Command::Completions(arguments) => {
            let mut text = Vec::new();
            clap_complete::generate(
                arguments.shell,
                &mut Arguments::command(),
                "glovebox",
                &mut text,
            );
            say::answer(&String::from_utf8_lossy(&text));
            Ok(Done::Yes)
        }
    }
}

fn failed(failure: &Failure) -> ExitCode {
    say::error(&failure.to_string());
    ExitCode::from(failure.exit_code())
}

/// Logs go to stderr; servers say what they do, other commands only what is wrong.
fn log_to_stderr(command: &Command) {
    let (default, json) = match command {
        Command::Serve(arguments) => ("info", arguments.log_json),
        Command::Demo(_) => ("info", false),
        _ => ("warn", false),
    };
    let filter =
        EnvFilter::try_from_env("GLOVEBOX_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(say::is_coloured());
    if json {
        log.json().init();
    } else {
        log.init();
    }
}
