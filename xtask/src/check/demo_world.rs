//! What `demo.json` says, as far as the main job needs it.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;

/// The demo world. Members that are not needed here are not read.
#[derive(Deserialize)]
pub(super) struct DemoWorld {
    /// Address of the server, without a slash at the end.
    pub(super) base_url: String,
    users: Vec<User>,
    api_tokens: BTreeMap<String, String>,
    clients: Vec<Client>,
}

#[derive(Deserialize)]
struct User {
    username: String,
    password: String,
}

/// A registered client.
#[derive(Deserialize)]
pub(super) struct Client {
    pub(super) client_id: String,
    tenant: String,
    scope: Option<String>,
    jwk: Option<Value>,
}

impl DemoWorld {
    /// A user's password.
    pub(super) fn password(&self, username: &str) -> anyhow::Result<&str> {
        self.users
            .iter()
            .find(|user| user.username == username)
            .map(|user| user.password.as_str())
            .with_context(|| format!("demo.json does not list the user {username}"))
    }

    /// An API token by the name of its holder.
    pub(super) fn token(&self, name: &str) -> anyhow::Result<&str> {
        self.api_tokens
            .get(name)
            .map(String::as_str)
            .with_context(|| format!("demo.json does not list the API token of {name}"))
    }

    /// A client of tenant `main`.
    pub(super) fn client(&self, client_id: &str) -> anyhow::Result<&Client> {
        self.clients
            .iter()
            .find(|client| client.client_id == client_id && client.tenant == "main")
            .with_context(|| format!("demo.json does not list the client {client_id}"))
    }
}

impl Client {
    /// What it may ask for.
    pub(super) fn scope(&self) -> &str {
        self.scope.as_deref().unwrap_or("system/*.rs")
    }

    /// Its private P-384 key.
    pub(super) fn es384(&self) -> anyhow::Result<&Value> {
        let keys = match &self.jwk {
            Some(Value::Array(keys)) => keys.as_slice(),
            Some(key) => std::slice::from_ref(key),
            None => &[],
        };
        keys.iter()
            .find(|key| key.get("alg").and_then(Value::as_str) == Some("ES384"))
            .with_context(|| format!("demo.json holds no ES384 key of {}", self.client_id))
    }
}
