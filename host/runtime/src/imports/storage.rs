//! `glovebox:host/storage`: small private state, one space per app, user and patient, in
//! the records. Quotas are kept by a usage record that is written in the same commit.

use aws_lc_rs::digest::{SHA256, digest};
use glovebox_database::{Batch, Durability, Expect, RecordsError};
use glovebox_model::ledger::{Event, Kind, Outcome};

use crate::bindings::{StorageHost, WitStorageError};
use crate::state::{CallEnv, CallState};
use crate::stop::{Halt, Stopped};

/// Longest key, in bytes.
const KEY_BYTES_MAX: usize = 256;
/// How often a write is tried again when another call of the same space was faster.
const ATTEMPTS_MAX: usize = 8;

type Answer<T> = wasmtime::Result<Result<T, WitStorageError>>;

/// Why a storage call has no result.
enum Fault {
    Answer(WitStorageError),
    Stop(Stopped),
}

impl From<Halt> for Fault {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Stopped(stopped) => Self::Stop(stopped),
            Halt::TimedOut => Self::Answer(WitStorageError::Unavailable),
        }
    }
}

impl From<Stopped> for Fault {
    fn from(stopped: Stopped) -> Self {
        Self::Stop(stopped)
    }
}

impl From<RecordsError> for Fault {
    fn from(error: RecordsError) -> Self {
        tracing::error!(%error, "app storage failed");
        Self::Answer(WitStorageError::Unavailable)
    }
}

fn answer<T>(result: Result<T, Fault>) -> Answer<T> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Fault::Answer(error)) => Ok(Err(error)),
        Err(Fault::Stop(stopped)) => Err(stopped.into()),
    }
}

impl StorageHost for CallState {
    async fn get(&mut self, key: String) -> Answer<Option<Vec<u8>>> {
        self.enter(key.len())?;
        let env = self.env.clone();
        let found = match env.stop.guard(get(&env, &key)).await.map_err(Fault::from) {
            Ok(found) => found,
            Err(halt) => Err(halt),
        };
        if let Ok(Some(value)) = &found
            && let Err(limit) = self.reserve(0, value.len())
        {
            return Ok(Err(WitStorageError::Other(format!("too-costly: {limit}"))));
        }
        answer(found)
    }

    async fn set(&mut self, key: String, value: Vec<u8>) -> Answer<()> {
        self.enter(key.len() + value.len())?;
        let env = self.env.clone();
        answer(match env.stop.guard(set(&env, &key, Some(value))).await {
            Ok(done) => done,
            Err(halt) => Err(halt.into()),
        })
    }

    async fn delete(&mut self, key: String) -> Answer<()> {
        self.enter(key.len())?;
        let env = self.env.clone();
        answer(match env.stop.guard(set(&env, &key, None)).await {
            Ok(done) => done,
            Err(halt) => Err(halt.into()),
        })
    }

    async fn keys(&mut self, prefix: String, limit: u32) -> Answer<Vec<String>> {
        self.enter(prefix.len())?;
        let env = self.env.clone();
        answer(match env.stop.guard(keys(&env, &prefix, limit)).await {
            Ok(done) => done,
            Err(halt) => Err(halt.into()),
        })
    }
}

async fn get(env: &CallEnv, key: &str) -> Result<Option<Vec<u8>>, Fault> {
    let space = Space::of(env, key)?;
    let found = env.services.storage.get(&space.value_key(key)).await?;
    let bytes = found.as_ref().map_or(0, |stored| stored.value.len());
    let event = space.event(env, "get", key).with("bytes", bytes_of(bytes));
    env.record(event)?;
    let handed = env
        .stop
        .pass
        .release(|| found.map(|stored| stored.value.to_vec()));
    handed.map_err(|revoked| Fault::Stop(Stopped::Killed(revoked.reason)))
}

/// Writes or removes (`None`) a value and brings the usage record up to date.
async fn set(env: &CallEnv, key: &str, value: Option<Vec<u8>>) -> Result<(), Fault> {
    let space = Space::of(env, key)?;
    let limits = &env.limits;
    let new_bytes = value.as_ref().map_or(0, |value| bytes_of(value.len()));
    if new_bytes > limits.storage_value_bytes_max {
        return Err(Fault::Answer(WitStorageError::QuotaExceeded(
            limits.storage_value_bytes_max,
        )));
    }
    let value = value.map(bytes::Bytes::from);
    let cost = |value_bytes: u64| value_bytes.saturating_add(bytes_of(key.len()));
    for _ in 0..ATTEMPTS_MAX {
        let (usage_key, value_key) = (space.usage_key(), space.value_key(key));
        let stored = env
            .services
            .storage
            .get_many(&[usage_key.clone(), value_key.clone()])
            .await?;
        let (usage, old) = (
            stored.first().cloned().flatten(),
            stored.get(1).cloned().flatten(),
        );
        let (mut bytes, mut count) = usage
            .as_ref()
            .and_then(|stored| decode_usage(&stored.value))
            .unwrap_or((0, 0));
        if let Some(old) = &old {
            bytes = bytes.saturating_sub(cost(bytes_of(old.value.len())));
            count = count.saturating_sub(1);
        }
        if value.is_some() {
            bytes = bytes.saturating_add(cost(new_bytes));
            count += 1;
            if bytes > limits.storage_bytes_max {
                return Err(Fault::Answer(WitStorageError::QuotaExceeded(
                    limits.storage_bytes_max,
                )));
            }
            if count > limits.storage_keys_max {
                return Err(Fault::Answer(WitStorageError::QuotaExceeded(
                    limits.storage_keys_max,
                )));
            }
        } else if old.is_none() {
            return Ok(env.record(space.event(env, "delete", key))?);
        }
        let expect = |found: &Option<glovebox_database::Stored>| {
            found
                .as_ref()
                .map_or(Expect::Absent, |stored| Expect::Version(stored.version))
        };
        let usage_value = [bytes.to_be_bytes(), count.to_be_bytes()].concat();
        let batch = Batch::new().put(usage_key, usage_value, expect(&usage));
        let (batch, action) = match &value {
            Some(value) => (batch.put(value_key, value.clone(), expect(&old)), "set"),
            None => (batch.delete(value_key, expect(&old)), "delete"),
        };
        env.stop.check()?;
        if env
            .services
            .storage
            .commit(batch, Durability::Relaxed)
            .await?
            .is_ok()
        {
            env.record(space.event(env, action, key).with("bytes", new_bytes))?;
            return Ok(());
        }
    }
    Err(Fault::Answer(WitStorageError::Unavailable))
}

async fn keys(env: &CallEnv, prefix: &str, limit: u32) -> Result<Vec<String>, Fault> {
    let space = Space::of(env, prefix)?;
    let keys_max = usize::try_from(env.limits.storage_keys_max).unwrap_or(usize::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(keys_max);
    let start = space.value_key(prefix);
    let found = env.services.storage.scan(&start, None, limit).await?;
    let skip = space.value_key("").len();
    let names: Vec<_> = found
        .into_iter()
        .filter_map(|(key, _)| {
            key.get(skip..)
                .and_then(|name| String::from_utf8(name.to_vec()).ok())
        })
        .collect();
    env.record(
        space
            .event(env, "keys", prefix)
            .with("keys", bytes_of(names.len())),
    )?;
    let handed = env.stop.pass.release(|| names);
    handed.map_err(|revoked| Fault::Stop(Stopped::Killed(revoked.reason)))
}

/// Where one app keeps what it knows of one user and patient. No id can hold a slash, and
/// none can be the sign that stands for nobody.
struct Space(String);

impl Space {
    fn of(env: &CallEnv, key: &str) -> Result<Self, Fault> {
        if !env.storage_granted {
            return Err(Fault::Answer(WitStorageError::NotGranted));
        }
        if key.len() > KEY_BYTES_MAX || key.contains('\0') {
            let text = format!("bad-key: at most {KEY_BYTES_MAX} bytes, no NUL");
            return Err(Fault::Answer(WitStorageError::Other(text)));
        }
        let subject = &env.session.subject;
        let Some(app) = &subject.app else {
            return Err(Fault::Answer(WitStorageError::NotGranted));
        };
        let user = env.session.user.as_ref().map_or("~", |user| user.as_str());
        let patient = env
            .session
            .patient
            .as_ref()
            .map_or("~", |patient| patient.as_str());
        Ok(Self(format!(
            "storage/{}/{app}/{user}/{patient}/",
            env.session.tenant
        )))
    }

    fn usage_key(&self) -> Vec<u8> {
        format!("{}usage", self.0).into_bytes()
    }

    fn value_key(&self, key: &str) -> Vec<u8> {
        format!("{}value/{key}", self.0).into_bytes()
    }

    /// Keys may hold what must not stand in a ledger, so only their digest does.
    fn event(&self, env: &CallEnv, action: &str, key: &str) -> Event {
        let hash = digest(&SHA256, key.as_bytes());
        let short: String = hash
            .as_ref()
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Event::new(
            Kind::Storage,
            action,
            env.session.subject.clone(),
            Outcome::Ok,
        )
        .with("key_sha256", short)
    }
}

fn decode_usage(value: &[u8]) -> Option<(u64, u64)> {
    let (bytes, count) = value.split_at_checked(8)?;
    Some((
        u64::from_be_bytes(bytes.try_into().ok()?),
        u64::from_be_bytes(count.try_into().ok()?),
    ))
}

fn bytes_of(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
