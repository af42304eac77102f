//! Failed sign-ins per user name. An attempt is counted before the password is looked
//! at, so that many attempts at once count as many. Names that do not exist are counted
//! like names that do: the answer tells nothing about them.

use std::time::Duration;

use glovebox_database::Durability;
use glovebox_model::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::table::{TRIES_MAX, Table};

/// Failures before the first pause.
const FREE_FAILURES: u32 = 5;
/// The first pause; each further failure doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause. Longer ones would mostly help who wants to lock somebody out.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// After so long without an attempt, failures are forgotten.
const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone, Default, Serialize, Deserialize)]
struct Attempts {
    failures: u32,
    last_micros: i64,
    locked_until_micros: i64,
}

#[derive(Clone)]
pub(crate) struct SignInAttempts {
    table: Table,
}

impl SignInAttempts {
    pub(crate) fn new(table: Table) -> Self {
        Self { table }
    }

    /// Counts an attempt; says until when none is taken, if so.
    pub(crate) async fn begin(
        &self,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        let key = key(user);
        for _ in 0..TRIES_MAX {
            let row = self.table.get::<Attempts>(&key).await?;
            let mut attempts = row
                .as_ref()
                .map(|row| row.value.clone())
                .filter(|attempts| !is_forgotten(attempts, now))
                .unwrap_or_default();
            let locked_until = Timestamp::from_micros(attempts.locked_until_micros);
            if now < locked_until {
                return Ok(Some(locked_until));
            }
            attempts.failures = attempts.failures.saturating_add(1);
            attempts.last_micros = now.micros();
            attempts.locked_until_micros = (now + pause(attempts.failures)).micros();
            // Relaxed: what a power loss forgets is a few guesses.
            let is_written = match row {
                None => {
                    self.table
                        .insert(&key, &attempts, Durability::Relaxed)
                        .await?
                }
                Some(row) => {
                    let durability = Durability::Relaxed;
                    self.table
                        .replace(&key, &attempts, row.version, durability)
                        .await?
                }
            };
            if is_written {
                return Ok(None);
            }
        }
        Err(self.table.contended())
    }

    /// Forgets failures after a sign-in.
    pub(crate) async fn clear(&self, user: &UserId) -> Result<(), Error> {
        self.table.delete(&key(user), Durability::Relaxed).await
    }

    /// Removes what is forgotten anyway.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        for (name, row) in self.table.list::<Attempts>(PREFIX).await? {
            if is_forgotten(&row.value, now) {
                let key = format!("{PREFIX}{name}");
                self.table.delete(&key, Durability::Relaxed).await?;
            }
        }
        Ok(())
    }
}

const PREFIX: &str = "attempts/";

fn key(user: &UserId) -> String {
    format!("{PREFIX}{user}")
}

fn is_forgotten(attempts: &Attempts, now: Timestamp) -> bool {
    now.since(Timestamp::from_micros(attempts.last_micros)) >= MEMORY
}

fn pause(failures: u32) -> Duration {
    match failures.checked_sub(FREE_FAILURES) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_PAUSE
            .saturating_mul(2_u32.saturating_pow(doublings))
            .min(LONGEST_PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_begins_at_the_fifth_failure_doubles_and_has_a_ceiling() {
        for (failures, seconds) in [
            (1, 0),
            (4, 0),
            (5, 30),
            (6, 60),
            (7, 120),
            (10, 900),
            (u32::MAX, 900),
        ] {
            assert_eq!(pause(failures), Duration::from_secs(seconds), "{failures}");
        }
    }
}
