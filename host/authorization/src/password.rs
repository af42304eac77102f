//! Password hashes: argon2id as PHC strings. Hashing takes memory and time on purpose,
//! so it runs on blocking threads, a few at once, and a bounded number may wait.

use std::ops::RangeInclusive;
use std::sync::Arc;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use crate::{Error, secret};

/// How long a password may be, in bytes (NIST SP 800-63B section 3.1.1.2 asks for at
/// least 8 characters and at least 64 allowed).
pub(crate) const PASSWORD_BYTES: RangeInclusive<usize> = 8..=1024;
/// Memory of one hash, in KiB; with [`HASHES_MAX`] this bounds what sign-ins can take.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
/// Hashes computed at once.
const HASHES_MAX: usize = 2;
/// Sign-ins that wait or hash; beyond this the answer is [`Error::Busy`].
const WAITING_MAX: usize = 64;

/// A hash of no password with the parameters above: checking against it costs what
/// checking against a real one costs, so an unknown name takes as long as a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$Z2xvdmVib3ggbm9ib2R5IQ\
    $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Computes and checks password hashes.
#[derive(Clone)]
pub(crate) struct Passwords {
    waiting: Arc<Semaphore>,
    hashing: Arc<Semaphore>,
}

/// The right to compute one hash. It travels into the blocking thread, so that a caller
/// who goes away does not make room before the work is done.
pub(crate) struct Turn {
    _waiting: OwnedSemaphorePermit,
    _hashing: OwnedSemaphorePermit,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            hashing: Arc::new(Semaphore::new(HASHES_MAX)),
        }
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self) -> Result<Turn, Error> {
        let waiting = Arc::clone(&self.waiting)
            .try_acquire_owned()
            .map_err(|_| Error::Busy)?;
        let hashing = Arc::clone(&self.hashing)
            .acquire_owned()
            .await
            .map_err(|_| Error::Busy)?;
        Ok(Turn {
            _waiting: waiting,
            _hashing: hashing,
        })
    }

    /// The PHC string of a new password.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, Error> {
        check_length(password)?;
        let turn = self.turn().await?;
        let password = Zeroizing::new(password.to_owned());
        let salt = secret::random::<SALT_BYTES>()?;
        blocking(move || {
            let _turn = turn;
            argon2()?
                .hash_password_with_salt(password.as_bytes(), &salt)
                .map(|hash| hash.to_string())
                .map_err(|_| Error::Crypto("the password could not be hashed"))
        })
        .await
    }

    /// Whether `password` belongs to the PHC string; always `false`, after the same
    /// work, where there is none.
    pub(crate) async fn verify(
        &self,
        turn: Turn,
        password: &str,
        phc: Option<String>,
    ) -> Result<bool, Error> {
        let password = Zeroizing::new(password.to_owned());
        blocking(move || {
            let _turn = turn;
            let hash = phc.as_deref().unwrap_or(NOBODY);
            let is_right = argon2()?.verify_password(password.as_bytes(), hash).is_ok();
            Ok(is_right && phc.is_some())
        })
        .await
    }
}

pub(crate) fn check_length(password: &str) -> Result<(), Error> {
    if PASSWORD_BYTES.contains(&password.len()) {
        Ok(())
    } else {
        Err(Error::invalid("password", "must have 8 to 1024 bytes"))
    }
}

fn argon2() -> Result<Argon2<'static>, Error> {
    Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map(|params| Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
        .map_err(|_| Error::Crypto("the argon2 parameters are refused"))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Error::Crypto("the hashing thread ended early"))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let passwords = Passwords::new();
        let phc = passwords.hash("correct horse").await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert_ne!(
            phc,
            passwords.hash("correct horse").await.unwrap(),
            "salted"
        );
        for (password, right) in [("correct horse", true), ("correct hors", false)] {
            let turn = passwords.turn().await.unwrap();
            let verified = passwords
                .verify(turn, password, Some(phc.clone()))
                .await
                .unwrap();
            assert_eq!(verified, right, "{password}");
        }
    }

    #[test]
    fn the_hash_of_nobody_costs_what_a_real_one_costs() {
        let parsed = argon2::password_hash::phc::PasswordHash::new(NOBODY).unwrap();
        let params = Params::try_from(&parsed).unwrap();
        assert_eq!(
            (params.m_cost(), params.t_cost(), params.p_cost()),
            (MEMORY_KIB, PASSES, LANES)
        );
        assert_eq!(parsed.hash.unwrap().as_bytes().len(), 32);
        assert_eq!(parsed.salt.unwrap().len(), SALT_BYTES);
    }

    #[tokio::test]
    async fn no_more_than_two_hashes_run_and_the_queue_is_bounded() {
        let passwords = Passwords::new();
        let _first = passwords.turn().await.unwrap();
        let second = passwords.turn().await.unwrap();
        let mut waiting: Vec<_> = (0..WAITING_MAX - 2)
            .map(|_| Box::pin(passwords.turn()))
            .collect();
        for turn in &mut waiting {
            assert!(
                futures_poll(turn.as_mut()).is_none(),
                "all hashing slots are taken"
            );
        }
        assert!(matches!(passwords.turn().await, Err(Error::Busy)));
        drop(second);
        assert!(futures_poll(waiting[0].as_mut()).is_some());
    }

    fn futures_poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.poll(&mut context) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        }
    }
}
