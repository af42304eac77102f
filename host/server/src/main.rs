//! The one binary, `glovebox`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

/// Requests are many small allocations that end together: about a tenth of the time of a
/// FHIR read with the system's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    glovebox_server::cli::run()
}
