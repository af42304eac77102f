//! The one binary, `glovebox`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    glovebox_server::cli::run()
}
