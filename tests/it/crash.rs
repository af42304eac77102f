//! kill -9, in the middle of an import, of sessions and of the exchange of codes and
//! refresh tokens, with the embedded store and with PostgreSQL: everything that was
//! acknowledged is there afterwards, the ledger holds, and nothing is there that the ledger
//! does not announce.

mod import;
mod served;
mod session;
mod token;

use std::sync::Arc;
use std::time::Duration;

use glovebox_database::test_support::postgres::Server;
use glovebox_tests::machine;

/// A PostgreSQL that keeps what it acknowledged, unless this machine has none.
fn postgres(test: &str) -> Option<Arc<Server>> {
    Server::shared()
        .map_err(|why| machine::skip(test, &why))
        .ok()
}

/// Rounds of killing: fewer where a run must be short.
fn rounds(all: u32) -> u32 {
    if machine::is_quick() { 2 } else { all }
}

/// Some time between the shortest and the longest.
fn moment(shortest: Duration, longest: Duration) -> Duration {
    let mut bytes = [0; 2];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    let part = f64::from(u16::from_be_bytes(bytes)) / f64::from(u16::MAX);
    shortest + (longest - shortest).mul_f64(part)
}
