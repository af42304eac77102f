//! How often one address, and one client, may use the OAuth endpoints. Whoever guesses
//! secrets, codes or tokens needs many tries.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use glovebox_model::TenantId;
use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::config::OAuthSettings;

/// Counters for each kind. Addresses and claimed clients are anybody's to invent: they
/// share this many counters, and nobody outside knows who shares one with whom.
const COUNTERS: u64 = 1 << 16;

type Counters = RateLimiter<u64, DashMapStateStore<u64>, DefaultClock>;

/// The counters.
pub struct RateLimits {
    by_address: Option<Counters>,
    by_client: Option<Counters>,
    hasher: RandomState,
}

impl RateLimits {
    /// With what the configuration allows in a minute, which may also come all at once.
    pub fn new(settings: &OAuthSettings) -> Self {
        let counters = |max: NonZeroU32| RateLimiter::dashmap(Quota::per_minute(max));
        Self {
            by_address: settings.per_address.map(counters),
            by_client: settings.per_client.map(counters),
            hasher: RandomState::new(),
        }
    }

    /// Counts a request from an address; the error is how long to wait.
    ///
    /// # Errors
    /// The time after which another one is answered.
    pub fn check_address(&self, address: IpAddr) -> Result<(), Duration> {
        // Who has one IPv6 address has its whole /64.
        let network = match address.to_canonical() {
            IpAddr::V4(address) => u64::from(address.to_bits()),
            IpAddr::V6(address) => u64::try_from(address.to_bits() >> 64).unwrap_or_default(),
        };
        self.check(self.by_address.as_ref(), network)
    }

    /// Counts a request of a client, by what it says it is.
    ///
    /// # Errors
    /// The time after which another one is answered.
    pub fn check_client(&self, tenant: &TenantId, client: &str) -> Result<(), Duration> {
        self.check(self.by_client.as_ref(), (tenant.as_str(), client))
    }

    fn check(&self, counters: Option<&Counters>, key: impl Hash) -> Result<(), Duration> {
        let Some(counters) = counters else {
            return Ok(());
        };
        let key = self.hasher.hash_one(key) % COUNTERS;
        counters
            .check_key(&key)
            .map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(per_address: u32, per_client: u32) -> RateLimits {
        RateLimits::new(&OAuthSettings {
            per_address: NonZeroU32::new(per_address),
            per_client: NonZeroU32::new(per_client),
            ..OAuthSettings::default()
        })
    }

    #[test]
    fn one_address_is_held_up_and_others_are_not() {
        let limits = limits(3, 0);
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..3 {
            assert_eq!(limits.check_address(one), Ok(()));
        }
        let wait = limits.check_address(one).unwrap_err();
        assert!((1..=20).contains(&wait.as_secs().max(1)), "{wait:?}");
        assert!(
            limits
                .check_address("::ffff:192.0.2.1".parse().unwrap())
                .is_err()
        );
        assert!(limits.check_address("192.0.2.2".parse().unwrap()).is_ok());
        // One network of IPv6 is one address.
        for end in 1..=3 {
            let address = format!("2001:db8::{end}").parse().unwrap();
            assert!(limits.check_address(address).is_ok());
        }
        assert!(
            limits
                .check_address("2001:db8::4".parse().unwrap())
                .is_err()
        );
        assert!(
            limits
                .check_address("2001:db8:0:1::1".parse().unwrap())
                .is_ok()
        );
    }

    #[test]
    fn what_strangers_invent_takes_no_more_room_than_there_is() {
        let limits = limits(1, 1);
        let tenant: TenantId = "main".parse().unwrap();
        for number in 0..200_000 {
            let _ = limits.check_client(&tenant, &format!("client-{number}"));
        }
        let kept = limits.by_client.as_ref().unwrap().len();
        assert!(kept as u64 <= COUNTERS, "{kept}");
    }

    #[test]
    fn without_a_bound_nobody_is_held_up() {
        let limits = limits(0, 0);
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        assert!((0..10_000).all(|_| limits.check_address(one).is_ok()));
    }
}
