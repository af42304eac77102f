//! How much an app, a user or a tenant may take: requests per minute, and patients and
//! records per hour and day. Rules only; who keeps the counts is the gateway.

#[cfg(test)]
mod tests;

use std::time::Duration;

use glovebox_model::Timestamp;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MINUTE_MICROS: u128 = 60_000_000;

macro_rules! budget {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What may be taken. `None` is no limit.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Budget { $($(#[$doc])* pub $name: Option<u64>,)* }

        impl Budget {
            /// Name and value of every limit that is set, in declaration order.
            pub fn rows(&self) -> Vec<(&'static str, u64)> {
                let mut rows = Vec::new();
                $(rows.extend(self.$name.map(|max| (stringify!($name), max)));)*
                rows
            }

            /// Sets one limit by its name; `false` if there is none of that name.
            pub fn set(&mut self, name: &str, max: u64) -> bool {
                match name {
                    $(stringify!($name) => { self.$name = Some(max); true })*
                    _ => false,
                }
            }

            /// The lower of each limit.
            #[must_use]
            pub fn min(&self, other: &Self) -> Self {
                Self { $($name: lower(self.$name, other.$name),)* }
            }
        }
    };
}

budget! {
    /// Requests in a minute, refused ones among them; up to that many at once.
    requests_per_minute,
    /// Different patients of whom something was given out, in an hour.
    patients_per_hour,
    /// Different patients of whom something was given out, in a day.
    patients_per_day,
    /// Resources given out in an hour, included ones among them.
    records_per_hour,
    /// Resources given out in a day, included ones among them.
    records_per_day,
}

fn lower(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

/// What is counted against a limit over a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counted {
    /// Different patients.
    Patients,
    /// Resources.
    Records,
}

impl Counted {
    /// The stable name in keys and the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patients => "patients",
            Self::Records => "records",
        }
    }
}

/// At most `max` of something in each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// What is counted.
    pub counted: Counted,
    /// How many.
    pub max: u64,
    /// In how long.
    pub window: Duration,
}

impl Budget {
    /// The limits on exposure.
    pub fn quotas(&self) -> Vec<Quota> {
        [
            (Counted::Patients, self.patients_per_hour, HOUR),
            (Counted::Patients, self.patients_per_day, DAY),
            (Counted::Records, self.records_per_hour, HOUR),
            (Counted::Records, self.records_per_day, DAY),
        ]
        .into_iter()
        .filter_map(|(counted, max, window)| {
            Some(Quota {
                counted,
                max: max?,
                window,
            })
        })
        .collect()
    }
}

impl Quota {
    /// The number of the window that an instant falls into: windows begin at whole
    /// multiples of their length, UTC.
    pub fn window_at(&self, now: Timestamp) -> i64 {
        now.micros().div_euclid(micros(self.window))
    }

    /// How long until the next window begins.
    pub fn until_next(&self, now: Timestamp) -> Duration {
        let length = micros(self.window);
        let left = length - now.micros().rem_euclid(length);
        Duration::from_micros(u64::try_from(left).unwrap_or(0))
    }
}

fn micros(window: Duration) -> i64 {
    i64::try_from(window.as_micros()).unwrap_or(i64::MAX).max(1)
}

/// What a tenant sets, for every app, every user and the tenant as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantBudgets {
    /// Each app; an approval may set lower ones.
    pub per_app: Budget,
    /// Each user, over all apps.
    pub per_user: Budget,
    /// All apps and users together.
    pub whole: Budget,
}

/// Requests of one account: up to a minute's worth at once, filled up again evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenBucket {
    per_minute: u64,
    /// Micro-requests left: one request is a minute's microseconds.
    left: u128,
    at: Timestamp,
}

impl TokenBucket {
    /// A full bucket.
    pub fn full(per_minute: u64, now: Timestamp) -> Self {
        Self {
            per_minute,
            left: u128::from(per_minute) * MINUTE_MICROS,
            at: now,
        }
    }

    /// The limit that it was made for.
    pub fn per_minute(&self) -> u64 {
        self.per_minute
    }

    /// Takes one request, or says how long to wait until there is one.
    pub fn take(&mut self, now: Timestamp) -> Result<(), Duration> {
        // A clock that went back fills nothing and takes nothing away.
        let passed = u128::try_from(now.micros().saturating_sub(self.at.micros())).unwrap_or(0);
        if passed > 0 {
            self.at = now;
            let full = u128::from(self.per_minute) * MINUTE_MICROS;
            self.left = full.min(self.left + passed.saturating_mul(u128::from(self.per_minute)));
        }
        match self.left.checked_sub(MINUTE_MICROS) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(self.wait()),
        }
    }

    fn wait(&self) -> Duration {
        let missing = MINUTE_MICROS.saturating_sub(self.left);
        let per_minute = u128::from(self.per_minute);
        let micros = if per_minute == 0 {
            MINUTE_MICROS
        } else {
            missing.div_ceil(per_minute)
        };
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    /// Whether it is full again, so that forgetting it changes nothing.
    pub fn is_full(&self, now: Timestamp) -> bool {
        let mut then = *self;
        let _ = then.take(now);
        then.left + MINUTE_MICROS >= u128::from(self.per_minute) * MINUTE_MICROS
    }
}
