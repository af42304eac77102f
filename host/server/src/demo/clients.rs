//! OAuth clients of the demo, in tenant `main`.

use glovebox_authorization::keys::generate;
use glovebox_authorization::{ClientKind, ClientRegistration, GeneratedKey, KeyAlgorithm};
use glovebox_model::scope::ScopeSet;
use glovebox_model::{ClientId, TenantId};

use super::build::{DemoError, known};
use super::keepsake::{ClientSecrets, Keepsake};
use crate::services::Services;

const REDIRECT_URI: &str = "http://127.0.0.1:9999/callback";
const LAUNCH_URI: &str = "http://127.0.0.1:9999/launch";
const APP_SCOPE: &str = "launch launch/patient launch/encounter openid fhirUser offline_access online_access \
    patient/*.cruds user/*.cruds";

/// A client to be there.
pub(super) struct DemoClient {
    /// Its `client_id`.
    pub(super) id: &'static str,
    name: &'static str,
    kind: ClientKind,
    keys: &'static [KeyAlgorithm],
    scope: &'static str,
}

/// The clients.
pub(super) const CLIENTS: [DemoClient; 4] = [
    DemoClient {
        id: "demo-public",
        name: "Demo public app",
        kind: ClientKind::Public,
        keys: &[],
        scope: APP_SCOPE,
    },
    DemoClient {
        id: "demo-confidential",
        name: "Demo app with a secret",
        kind: ClientKind::ConfidentialSymmetric,
        keys: &[],
        scope: APP_SCOPE,
    },
    DemoClient {
        id: "demo-asymmetric",
        name: "Demo app with keys",
        kind: ClientKind::ConfidentialAsymmetric,
        keys: &[KeyAlgorithm::Es384, KeyAlgorithm::Rs384],
        scope: APP_SCOPE,
    },
    DemoClient {
        id: "demo-backend",
        name: "Demo backend service",
        kind: ClientKind::Backend,
        keys: &[KeyAlgorithm::Es384],
        scope: "system/*.rs",
    },
];

/// Registers the clients that are missing, and again those whose secrets were lost.
pub(super) async fn add(services: &Services, keepsake: &mut Keepsake) -> Result<(), DemoError> {
    let clients = &services.authorization.clients;
    let tenant: TenantId = known("main")?;
    for client in &CLIENTS {
        let id: ClientId = known(client.id)?;
        if clients.get(&tenant, &id).await?.is_some() {
            let kept = keepsake.clients.get(client.id);
            let is_known = match client.kind {
                ClientKind::Public => true,
                ClientKind::ConfidentialSymmetric => {
                    kept.is_some_and(|kept| kept.client_secret.is_some())
                }
                ClientKind::ConfidentialAsymmetric | ClientKind::Backend => {
                    kept.is_some_and(|kept| kept.jwk.is_some())
                }
            };
            if is_known {
                continue;
            }
            clients.delete(&tenant, &id).await?;
        }
        let keys = make_keys(client.keys).await?;
        let is_backend = client.kind == ClientKind::Backend;
        let registered = clients
            .register(ClientRegistration {
                id: Some(id),
                tenant: tenant.clone(),
                kind: client.kind,
                name: client.name.to_owned(),
                owner: "The demo".to_owned(),
                security_contact: "mailto:security@northlake.example".to_owned(),
                keys: keys.iter().map(|key| key.public.clone()).collect(),
                jwks_uri: None,
                rules: glovebox_authorization::ClientRules::default(),
                redirect_uris: if is_backend {
                    Vec::new()
                } else {
                    vec![REDIRECT_URI.to_owned()]
                },
                launch_uri: (!is_backend).then(|| LAUNCH_URI.to_owned()),
                scope: ScopeSet::parse(client.scope)
                    .map_err(|problem| DemoError::Wrong(problem.to_string()))?,
                justifications: std::collections::BTreeMap::new(),
                terms: glovebox_policy::Terms::default(),
            })
            .await?;
        let private: Vec<_> = keys
            .iter()
            .map(|key| key.expose_private_jwk().clone())
            .collect();
        let secrets = ClientSecrets {
            client_secret: registered.secret.map(|secret| secret.expose().to_owned()),
            jwk: (!private.is_empty()).then_some(private),
        };
        keepsake.clients.insert(client.id.to_owned(), secrets);
    }
    Ok(())
}

async fn make_keys(algorithms: &'static [KeyAlgorithm]) -> Result<Vec<GeneratedKey>, DemoError> {
    // An RSA key takes up to a second.
    let work =
        tokio::task::spawn_blocking(move || algorithms.iter().map(|one| generate(*one)).collect());
    let keys: Result<Vec<GeneratedKey>, glovebox_authorization::Error> = work
        .await
        .map_err(|problem| DemoError::Wrong(problem.to_string()))?;
    Ok(keys?)
}
