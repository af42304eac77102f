//! Records in memory, for the tests of this crate: the same promises as the real
//! engines (versions that are never reused, batches that hold or fail as a whole).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPairComponents;
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA384, RsaKeyPair,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use glovebox_database::fence::Fence;
use glovebox_database::records::{CommitResult, Operation, SCAN_MAX};
use glovebox_database::relations::{Relations, Source};
use glovebox_database::{
    Batch, Conflict, Durability, Expect, Hint, KeyEncryptionKey, Keyspace, Records, RecordsError,
    Stored, Vault,
};
use glovebox_model::scope::ScopeSet;
use glovebox_model::{Role, TenantId, Timestamp, UserId};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::{
    Authorization, AuthorizationParts, ClientKind, ClientRegistration, GeneratedKey, KeyAlgorithm,
    RefreshKey, User, keys,
};

#[derive(Default)]
struct State {
    entries: BTreeMap<Vec<u8>, Stored>,
    version: u64,
}

/// Records that live as long as the test.
#[derive(Default)]
pub(crate) struct MemoryRecords {
    state: Mutex<State>,
}

/// New, empty records.
pub(crate) fn records() -> Arc<dyn Records> {
    Arc::new(MemoryRecords::default())
}

/// New, empty keyspace.
pub(crate) fn keyspace() -> Keyspace {
    Keyspace::new(records(), "test")
}

/// New, empty vault over records of its own.
pub(crate) fn vault() -> Arc<Vault> {
    let dir = tempfile::tempdir().unwrap();
    let key = KeyEncryptionKey::load_or_create(&dir.path().join("kek")).unwrap();
    Arc::new(Vault::new(Keyspace::new(records(), "vault"), &key).unwrap())
}

/// A fixed instant, as good as any other.
pub(crate) fn noon() -> Timestamp {
    Timestamp::parse("2026-11-23T12:00:00Z").unwrap()
}

#[async_trait]
impl Records for MemoryRecords {
    async fn get(&self, key: &[u8]) -> Result<Option<Stored>, RecordsError> {
        // Lets other tasks in, so that races in tests are races.
        tokio::task::yield_now().await;
        Ok(self.state.lock().unwrap().entries.get(key).cloned())
    }

    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Stored>>, RecordsError> {
        let state = self.state.lock().unwrap();
        Ok(keys
            .iter()
            .map(|key| state.entries.get(key).cloned())
            .collect())
    }

    async fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Stored)>, RecordsError> {
        let state = self.state.lock().unwrap();
        Ok(state
            .entries
            .range(prefix.to_vec()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter(|(key, _)| after.is_none_or(|after| key.as_slice() > after))
            .take(limit.min(SCAN_MAX))
            .map(|(key, stored)| (key.clone(), stored.clone()))
            .collect())
    }

    async fn commit(&self, batch: Batch, _: Durability) -> CommitResult {
        let mut state = self.state.lock().unwrap();
        for operation in batch.operations() {
            let (Operation::Put { key, expect, .. }
            | Operation::Delete { key, expect }
            | Operation::Check { key, expect }) = operation;
            let found = state.entries.get(key).map(|stored| stored.version);
            let holds = match expect {
                Expect::Any => true,
                Expect::Absent => found.is_none(),
                Expect::Version(version) => found == Some(*version),
            };
            if !holds {
                return Ok(Err(Conflict {
                    key: key.clone(),
                    found,
                }));
            }
        }
        let mut versions = Vec::new();
        for operation in batch.operations() {
            match operation {
                Operation::Put { key, value, .. } => {
                    state.version += 1;
                    let version = state.version;
                    versions.push(version);
                    state.entries.insert(
                        key.clone(),
                        Stored {
                            value: value.clone(),
                            version,
                        },
                    );
                }
                Operation::Delete { key, .. } => {
                    state.entries.remove(key);
                }
                Operation::Check { .. } => {}
            }
        }
        Ok(Ok(versions))
    }

    fn watch(&self, _: &[u8]) -> broadcast::Receiver<Hint> {
        broadcast::channel(1).1
    }
}

pub(crate) fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

pub(crate) fn user_id(name: &str) -> UserId {
    name.parse().unwrap()
}

/// A clinician of both tenants.
pub(crate) fn clinician(name: &str) -> User {
    User {
        id: user_id(name),
        display_name: "Dr. Elena Rivera".to_owned(),
        roles: vec![Role::Clinician],
        fhir_user: Some("Practitioner/rivera".parse().unwrap()),
        tenants: vec![tenant("main"), tenant("sandbox")],
        publisher: None,
        is_disabled: false,
    }
}

/// Calls that nobody hears of, to the internet only: no test makes one.
pub(crate) fn outbound() -> glovebox_outbound::Outbound {
    struct Silent;
    impl glovebox_outbound::CallSink for Silent {
        fn called(&self, _: &glovebox_outbound::Call<'_>) {}
    }
    glovebox_outbound::Outbound::new(
        glovebox_outbound::AddressPolicy::default(),
        Arc::new(Silent),
    )
}

/// Everything together, on records in memory.
pub(crate) async fn authorization_on(records: &Arc<dyn Records>) -> Authorization {
    let fence = Keyspace::new(Arc::clone(records), "fence");
    Authorization::new(AuthorizationParts {
        records,
        fence: Fence::open(fence).await.unwrap(),
        relations: Relations::new(Keyspace::new(Arc::clone(records), "relations")),
        vault: vault(),
        refresh_key: RefreshKey::new(&[7; 32]),
        outbound: outbound(),
    })
}

/// The same on new records, with `dr.rivera`, who may open `anna-rossi`.
pub(crate) async fn authorization() -> (Authorization, Relations) {
    let records = records();
    let authorization = authorization_on(&records).await;
    let rivera = clinician("dr.rivera");
    authorization
        .users
        .add(&rivera, "correct horse")
        .await
        .unwrap();
    let relations = Relations::new(Keyspace::new(records, "relations"));
    let patient = "anna-rossi".parse().unwrap();
    relations
        .grant(&tenant("main"), &rivera.id, &patient, Source::Api, None)
        .await
        .unwrap();
    (authorization, relations)
}

/// A key pair, made once for all tests: RSA takes a while.
pub(crate) fn key_pair(algorithm: KeyAlgorithm) -> &'static GeneratedKey {
    static ES384: OnceLock<GeneratedKey> = OnceLock::new();
    static RS384: OnceLock<GeneratedKey> = OnceLock::new();
    match algorithm {
        KeyAlgorithm::Es384 => &ES384,
        KeyAlgorithm::Rs384 => &RS384,
    }
    .get_or_init(|| keys::generate(algorithm).unwrap())
}

/// A backend service with both keys, `system/*.rs`.
pub(crate) fn backend(id: &str) -> ClientRegistration {
    ClientRegistration {
        id: Some(id.parse().unwrap()),
        tenant: tenant("main"),
        kind: ClientKind::Backend,
        name: "Night export".to_owned(),
        owner: "Quality department".to_owned(),
        security_contact: "security@hospital.example".to_owned(),
        keys: vec![
            key_pair(KeyAlgorithm::Es384).public.clone(),
            key_pair(KeyAlgorithm::Rs384).public.clone(),
        ],
        jwks_uri: None,
        rules: crate::ClientRules::default(),
        redirect_uris: Vec::new(),
        launch_uri: None,
        scope: ScopeSet::parse("system/*.rs").unwrap(),
        justifications: BTreeMap::new(),
        terms: glovebox_policy::Terms::default(),
    }
}

/// A public app with a redirect URI.
pub(crate) fn public_app(id: &str) -> ClientRegistration {
    ClientRegistration {
        kind: ClientKind::Public,
        keys: Vec::new(),
        redirect_uris: vec!["http://127.0.0.1:9999/callback".to_owned()],
        launch_uri: Some("http://127.0.0.1:9999/launch".to_owned()),
        scope: ScopeSet::parse("openid launch/patient patient/*.rs").unwrap(),
        ..backend(id)
    }
}

/// Signs a JWT with what the private JWK says, as a client would.
pub(crate) fn sign(key: &GeneratedKey, header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let jwk = key.expose_private_jwk();
    let number = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let random = SystemRandom::new();
    let signature = match key.public.algorithm {
        KeyAlgorithm::Es384 => {
            let point = [vec![4], number("x"), number("y")].concat();
            let pair = EcdsaKeyPair::from_private_key_and_public_key(
                &ECDSA_P384_SHA384_FIXED_SIGNING,
                &number("d"),
                &point,
            )
            .unwrap();
            pair.sign(&random, message.as_bytes())
                .unwrap()
                .as_ref()
                .to_vec()
        }
        KeyAlgorithm::Rs384 => {
            let pair = RsaKeyPair::from_components(&KeyPairComponents {
                public_key: RsaPublicKeyComponents {
                    n: number("n"),
                    e: number("e"),
                },
                d: number("d"),
                p: number("p"),
                q: number("q"),
                dP: number("dp"),
                dQ: number("dq"),
                qInv: number("qi"),
            })
            .unwrap();
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(
                &RSA_PKCS1_SHA384,
                &random,
                message.as_bytes(),
                &mut signature,
            )
            .unwrap();
            signature
        }
    };
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// One part of a JWT.
pub(crate) fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
