//! `demo.json`: what scripts read to find their way. It appears when the demo is ready to serve.

use std::path::Path;

use glovebox_model::TenantId;
use glovebox_synthesis::RosterEntry;
use serde_json::{Map, Value, json};

use super::build::{DemoError, known};
use super::clients::CLIENTS;
use super::keepsake::{Keepsake, write_whole};
use super::people::PEOPLE;
use crate::services::Services;

/// Name of the file in the data directory.
const FILE: &str = "demo.json";

/// Removes the file of an earlier run, unless that run goes on: then it is its own.
pub fn remove(dir: &Path) -> std::io::Result<()> {
    let lock = std::fs::File::open(dir.join("records").join("lock"));
    if lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(std::fs::TryLockError::WouldBlock))) {
        return Ok(());
    }
    match std::fs::remove_file(dir.join(FILE)) {
        Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => Err(problem),
        _ => Ok(()),
    }
}

/// Writes the file. To be called when the server is ready to serve.
pub(super) fn write(dir: &Path, world: &Value) -> std::io::Result<()> {
    write_whole(&dir.join(FILE), &serde_json::to_vec_pretty(world)?)
}

/// The file's content.
pub(super) async fn describe(
    services: &Services,
    keepsake: &Keepsake,
    roster: &[RosterEntry],
) -> Result<Value, DemoError> {
    let settings = &services.settings;
    let tenants: Map<String, Value> = settings
        .tenants
        .iter()
        .map(|(id, _)| (id.to_string(), json!({ "fhir": settings.fhir_url(id) })))
        .collect();
    let users: Vec<Value> = PEOPLE
        .iter()
        .map(|person| {
            let roles: Vec<&str> = person.roles.iter().map(|role| role.as_str()).collect();
            json!({
                "username": person.username,
                "password": keepsake.passwords.get(person.username),
                "roles": roles,
                "fhir_user": person.fhir_user,
            })
        })
        .collect();
    let patients: Vec<Value> = roster
        .iter()
        .map(|entry| json!({ "id": entry.id, "name": entry.name }))
        .collect();
    Ok(json!({
        "base_url": settings.base_url,
        "tenants": tenants,
        "users": users,
        "api_tokens": keepsake.api_tokens,
        "clients": clients(services, keepsake).await?,
        "patients": patients,
    }))
}

async fn clients(services: &Services, keepsake: &Keepsake) -> Result<Vec<Value>, DemoError> {
    let tenant: TenantId = known("main")?;
    let mut clients = Vec::new();
    for client in &CLIENTS {
        // One that an administrator deleted while the demo ran comes back with the next start.
        let Some(found) = services
            .authorization
            .clients
            .get(&tenant, &known(client.id)?)
            .await?
        else {
            continue;
        };
        let secrets = keepsake.clients.get(client.id).cloned().unwrap_or_default();
        clients.push(json!({
            "client_id": client.id,
            "tenant": tenant.as_str(),
            "client_secret": secrets.client_secret,
            "jwk": secrets.jwk,
            "redirect_uris": found.redirect_uris,
            "launch_uri": found.launch_uri,
            "scope": found.scope.to_string(),
            "type": found.kind.as_str(),
        }));
    }
    Ok(clients)
}
