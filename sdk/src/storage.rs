//! Small private state of this app: one space per app, user and patient, deleted when
//! the access ends. The manifest asks for it with `storage = true`.

#[cfg(target_arch = "wasm32")]
use crate::bindings::glovebox::host::storage as wire;

/// Why storage did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageError {
    /// The value would exceed the quota, given in bytes.
    QuotaExceeded(u64),
    /// Storage was not approved for this app.
    NotGranted,
    /// Try again later.
    Unavailable,
    /// `code: text`, for causes that later versions name.
    Other(String),
}

impl std::fmt::Display for StorageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::QuotaExceeded(bytes) => write!(f, "over the quota of {bytes} bytes"),
            Self::NotGranted => f.write_str("storage was not approved for this app"),
            Self::Unavailable => f.write_str("storage is unavailable"),
            Self::Other(cause) => f.write_str(cause),
        }
    }
}

impl std::error::Error for StorageError {}

impl From<StorageError> for crate::AppError {
    fn from(error: StorageError) -> Self {
        Self::Other(error.to_string())
    }
}

/// The value under `key`.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, StorageError> {
    #[cfg(target_arch = "wasm32")]
    return wire::get(key).map_err(from_wire);
    #[cfg(not(target_arch = "wasm32"))]
    Ok(crate::mock::current(|host| host.stored.get(key).cloned()))
}

/// Puts a value under `key`.
pub fn set(key: &str, value: &[u8]) -> Result<(), StorageError> {
    #[cfg(target_arch = "wasm32")]
    return wire::set(key, value).map_err(from_wire);
    #[cfg(not(target_arch = "wasm32"))]
    {
        crate::mock::current(|host| host.stored.insert(key.to_owned(), value.to_vec()));
        Ok(())
    }
}

/// Removes the value under `key`, if there is one.
pub fn delete(key: &str) -> Result<(), StorageError> {
    #[cfg(target_arch = "wasm32")]
    return wire::delete(key).map_err(from_wire);
    #[cfg(not(target_arch = "wasm32"))]
    {
        crate::mock::current(|host| host.stored.remove(key));
        Ok(())
    }
}

/// Keys that start with `prefix`, in order, at most `limit`.
pub fn keys(prefix: &str, limit: u32) -> Result<Vec<String>, StorageError> {
    #[cfg(target_arch = "wasm32")]
    return wire::keys(prefix, limit).map_err(from_wire);
    #[cfg(not(target_arch = "wasm32"))]
    Ok(crate::mock::current(|host| {
        host.stored
            .keys()
            .filter(|key| key.starts_with(prefix))
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .cloned()
            .collect()
    }))
}

#[cfg(target_arch = "wasm32")]
fn from_wire(error: wire::StorageError) -> StorageError {
    match error {
        wire::StorageError::QuotaExceeded(bytes) => StorageError::QuotaExceeded(bytes),
        wire::StorageError::NotGranted => StorageError::NotGranted,
        wire::StorageError::Unavailable => StorageError::Unavailable,
        wire::StorageError::Other(cause) => StorageError::Other(cause),
    }
}
