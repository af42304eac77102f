use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::test_support::{TemporarySled, temporary_sled};

struct World {
    store: TemporarySled,
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self {
            store: temporary_sled(),
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn key(&self, file: &str) -> KeyEncryptionKey {
        KeyEncryptionKey::load_or_create(&self.dir.path().join(file)).unwrap()
    }

    fn vault(&self, namespace: &str, key: &str) -> Vault {
        Vault::new(self.store.keyspace(namespace), &self.key(key)).unwrap()
    }
}

fn made(secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>> {
    Ok(Zeroizing::new(secret.to_vec()))
}

#[tokio::test]
async fn a_secret_is_made_once_and_comes_back() {
    let world = World::new();
    let vault = world.vault("keys", "kek");
    assert_eq!(
        *vault
            .get_or_create("signing", || made(b"first"))
            .await
            .unwrap(),
        b"first"
    );
    let again = world.vault("keys", "kek");
    assert_eq!(
        *again
            .get_or_create("signing", || made(b"second"))
            .await
            .unwrap(),
        b"first"
    );
    vault.put("cookies", b"third").await.unwrap();
    assert_eq!(**vault.get("cookies").await.unwrap().unwrap(), *b"third");
    assert!(vault.get("other").await.unwrap().is_none());
    assert_eq!(vault.list().await.unwrap(), ["cookies", "signing"]);
}

#[tokio::test]
async fn a_removed_secret_is_gone_and_its_neighbours_stay() {
    let world = World::new();
    let vault = world.vault("keys", "kek");
    vault.put("old", b"first").await.unwrap();
    vault.put("older", b"second").await.unwrap();
    vault.remove("old").await.unwrap();
    vault.remove("old").await.unwrap();
    assert!(vault.get("old").await.unwrap().is_none());
    assert_eq!(vault.list().await.unwrap(), ["older"]);
}

#[tokio::test]
async fn of_many_that_ask_at_once_all_get_the_same_secret() {
    let world = World::new();
    let vault = std::sync::Arc::new(world.vault("keys", "kek"));
    let asking: Vec<_> = (0_u8..16)
        .map(|number| {
            let vault = std::sync::Arc::clone(&vault);
            tokio::spawn(async move {
                vault
                    .get_or_create("one", || made(&[number]))
                    .await
                    .unwrap()
                    .to_vec()
            })
        })
        .collect();
    let mut secrets = Vec::new();
    for each in asking {
        secrets.push(each.await.unwrap());
    }
    assert!(
        secrets.iter().all(|secret| *secret == secrets[0]),
        "{secrets:?}"
    );
}

#[tokio::test]
async fn the_secret_itself_is_not_in_the_records() {
    let world = World::new();
    world
        .vault("keys", "kek")
        .put("a", b"plain-text-secret")
        .await
        .unwrap();
    let stored = world
        .store
        .keyspace("keys")
        .get(b"a")
        .await
        .unwrap()
        .unwrap();
    assert!(!stored.value.windows(6).any(|window| window == b"secret"));
}

/// Where a sealed value may be put without opening there: nowhere.
#[tokio::test]
async fn a_sealed_value_opens_under_its_own_name_namespace_and_key_alone() {
    let world = World::new();
    world
        .vault("keys", "kek")
        .put("a", b"secret")
        .await
        .unwrap();
    let sealed = world
        .store
        .keyspace("keys")
        .get(b"a")
        .await
        .unwrap()
        .unwrap()
        .value;
    for (namespace, name, key, opens) in [
        ("keys", "a", "kek", true),
        ("keys", "b", "kek", false),
        ("sandbox-keys", "a", "kek", false),
        ("keys", "a", "other-kek", false),
    ] {
        let batch = Batch::new().put(name, sealed.clone(), Expect::Any);
        world
            .store
            .keyspace(namespace)
            .commit(batch, Durability::Sync)
            .await
            .unwrap()
            .unwrap();
        let got = world.vault(namespace, key).get(name).await;
        assert_eq!(got.is_ok(), opens, "{namespace} {name} {key}");
    }
}

#[tokio::test]
async fn changed_or_cut_values_do_not_open() {
    let world = World::new();
    let vault = world.vault("keys", "kek");
    vault.put("a", b"secret").await.unwrap();
    let keyspace = world.store.keyspace("keys");
    let sealed = keyspace.get(b"a").await.unwrap().unwrap().value;
    for index in 0..sealed.len() {
        let mut changed = sealed.to_vec();
        changed[index] ^= 1;
        for bad in [changed, sealed[..index].to_vec()] {
            let batch = Batch::new().put("a", bad, Expect::Any);
            keyspace
                .commit(batch, Durability::Relaxed)
                .await
                .unwrap()
                .unwrap();
            let error = vault.get("a").await.unwrap_err();
            assert!(
                matches!(error, VaultError::CannotOpen { .. }),
                "{index}: {error}"
            );
        }
    }
}

#[test]
fn a_new_key_file_is_readable_by_its_owner_alone_and_stays_the_same() {
    let world = World::new();
    let first = world.key("kek").bytes().to_vec();
    assert_eq!(world.key("kek").bytes(), first);
    let files: Vec<_> = std::fs::read_dir(world.dir.path()).unwrap().collect();
    assert_eq!(files.len(), 1);
    let mode = files[0]
        .as_ref()
        .unwrap()
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_key_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    for mode in [0o640, 0o604, 0o660, 0o666] {
        let world = World::new();
        world.key("kek");
        let path = world.dir.path().join("kek");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let Err(VaultError::KeyFile(text)) = KeyEncryptionKey::load_or_create(&path) else {
            panic!("took a key file of mode {mode:o}");
        };
        assert!(text.contains("chmod 600"), "{text}");
    }
}

#[test]
fn a_file_that_is_no_key_is_refused_and_kept() {
    for length in [0, 31, 33, 4096] {
        let world = World::new();
        world.key("kek");
        let path = world.dir.path().join("kek");
        std::fs::write(&path, vec![7; length]).unwrap();
        let refused = KeyEncryptionKey::load_or_create(&path);
        assert!(
            matches!(refused, Err(VaultError::KeyFile(_))),
            "{length} bytes"
        );
        assert_eq!(std::fs::read(&path).unwrap().len(), length);
    }
}
