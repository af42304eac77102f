//! `cargo xtask demo --check`: the main job, through the listening socket and the real
//! forms, as a browser without JavaScript would do it.
//!
//! Nothing here knows the server's code. What it speaks (HTTP, HTML forms, JWTs) is
//! written out small, because everything in this crate is compiled before anybody sees
//! the demo, and an HTTP client with TLS would double that wait.

mod assertion;
mod browser;
mod demo_world;
mod form;
mod html;
mod http;
mod main_job;
mod server;

use std::path::Path;
use std::process::Command;

use crate::say::{self, Step};

use demo_world::DemoWorld;
use server::Server;

/// Starts the demo, does the main job, stops the demo.
pub(crate) fn run(command: Command, data: &Path) -> anyhow::Result<()> {
    let step = Step::quiet("starting the demo world");
    let mut server = Server::start(command, data)?;
    let world: DemoWorld = server.wait_until_ready()?;
    step.done_with(&world.base_url);
    match main_job::run(&world) {
        Ok(()) => {
            let step = Step::quiet("stopping the demo world");
            server.stop()?;
            step.done();
            say::answer("The main job works.");
            Ok(())
        }
        Err(problem) => {
            say::note(&server.last_words());
            Err(problem)
        }
    }
}
