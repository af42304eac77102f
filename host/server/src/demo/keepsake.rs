//! What the demo has to remember between starts: the secrets that it prints (the server
//! itself keeps only their hashes), and how far the world was built.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Name of the file in the data directory.
const FILE: &str = "demo-secrets.json";

/// The file's content.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Keepsake {
    /// Password by username.
    pub(super) passwords: BTreeMap<String, String>,
    /// API token by holder.
    pub(super) api_tokens: BTreeMap<String, String>,
    /// Secrets of OAuth clients by their id.
    pub(super) clients: BTreeMap<String, ClientSecrets>,
    /// The day before which the charts end, so that a second import says the same.
    pub(super) today: Option<String>,
    /// Patients that were imported completely, by tenant.
    pub(super) patients: BTreeMap<String, usize>,
}

/// What a client must know to prove who it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ClientSecrets {
    /// The shared secret.
    pub(super) client_secret: Option<String>,
    /// Private JWKs.
    pub(super) jwk: Option<Vec<Value>>,
}

impl Keepsake {
    /// Reads the file; without one, nothing is remembered.
    pub(super) fn load(dir: &Path) -> std::io::Result<Self> {
        match std::fs::read(dir.join(FILE)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(problem) => Err(problem),
        }
    }

    /// Writes the file.
    pub(super) fn save(&self, dir: &Path) -> std::io::Result<()> {
        write_whole(&dir.join(FILE), &serde_json::to_vec_pretty(self)?)
    }
}

/// Writes a file for its owner's eyes only, beside its place and then renamed: nobody ever
/// reads half of it.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let aside = path.with_extension("json.partial");
    // One that a crash left may have other permissions.
    match std::fs::remove_file(&aside) {
        Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => return Err(problem),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&aside, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_remembered_reads_back_and_only_its_owner_may_look() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Keepsake::load(dir.path()).unwrap().passwords.is_empty());
        let mut keepsake = Keepsake::default();
        keepsake.passwords.insert("admin".into(), "x".into());
        keepsake.save(dir.path()).unwrap();
        keepsake.save(dir.path()).unwrap();
        assert_eq!(
            Keepsake::load(dir.path()).unwrap().passwords,
            keepsake.passwords
        );
        let mode = std::fs::metadata(dir.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
