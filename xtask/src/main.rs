//! Everyday commands of the repository: `cargo xtask …`.
#![forbid(unsafe_code)]

mod bench;
mod check;
mod demo;
mod fuzz;
mod guests;
mod lint;
mod say;
mod setup;
mod tally;
mod test;
mod tool;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Everyday commands of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Test(test::Arguments),
    Lint(lint::Arguments),
    Bench(bench::Arguments),
    Fuzz(fuzz::Arguments),
    Guests(guests::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Guests(arguments) => guests::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            say::failure(&problem);
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed_and_every_command_has_an_example() {
        let mut command = Arguments::command();
        command.build();
        for one in command
            .get_subcommands()
            .filter(|one| one.get_name() != "help")
        {
            let help = one
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(help.contains("cargo xtask"), "{}", one.get_name());
        }
        command.debug_assert();
    }
}
