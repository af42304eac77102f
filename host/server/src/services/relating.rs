//! Which accounts are which people of the record: what care teams say follows from it.

use std::collections::BTreeSet;

use glovebox_authorization::Authorization;
use glovebox_database::relations::Person;
use glovebox_gateway::Gateway;
use glovebox_model::ledger::Subject;

use super::standing::Cause;

/// Tells the gateway whose accounts are whose. To be called at start, and whenever an
/// account was made, disabled, or given another `fhirUser` or other tenants: when it
/// returns, what follows from the record is in force. A disabled account is nobody.
pub async fn follow_people(authorization: &Authorization, gateway: &Gateway) -> Result<(), Cause> {
    let mut people = BTreeSet::new();
    for user in authorization.users.list().await? {
        let Some(member) = user.fhir_user.filter(|_| !user.is_disabled) else {
            continue;
        };
        people.extend(user.tenants.into_iter().map(|tenant| Person {
            tenant,
            member: member.clone(),
            user: user.id.clone(),
        }));
    }
    let followed = gateway.set_people(&people, &Subject::default()).await;
    followed.map_err(|_| "the relations do not answer".into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use glovebox_authorization::User;
    use glovebox_fhir::{Limits, Resource};
    use glovebox_gateway::{ImportOptions, Viewer};
    use glovebox_model::Role;

    use super::*;
    use crate::clock::SystemClock;
    use crate::config::{Config, Settings};
    use crate::services::Services;

    const TEAM: &str = r#"{"resourceType":"CareTeam","id":"t","status":"active","subject":{"reference":"Patient/anna"},"participant":[{"member":{"reference":"Practitioner/lee"}}]}"#;

    #[tokio::test(flavor = "multi_thread")]
    async fn an_account_that_is_a_member_of_a_team_gets_its_patient_and_loses_it_when_disabled() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            data_dir: Some(dir.path().join("data")),
            ..Config::default()
        };
        let settings = Settings::resolve(&config).unwrap();
        let services = Services::open(settings, Arc::new(SystemClock))
            .await
            .unwrap();
        let viewer = Viewer {
            tenant: "main".parse().unwrap(),
            user: "dr.lee".parse().unwrap(),
        };
        let anna = "anna".parse().unwrap();
        let opens = async || services.gateway.may_open(&viewer, &anna).await.unwrap();
        let user = User {
            id: viewer.user.clone(),
            display_name: "Lee".to_owned(),
            roles: vec![Role::Clinician],
            fhir_user: Some("Practitioner/lee".parse().unwrap()),
            tenants: vec![viewer.tenant.clone()],
            publisher: None,
            is_disabled: false,
        };
        let users = &services.authorization.users;
        users.add(&user, "correct horse").await.unwrap();
        let follow = async || {
            follow_people(&services.authorization, &services.gateway)
                .await
                .unwrap();
        };
        follow().await;
        let team = Resource::parse(TEAM.as_bytes(), Limits::RESOURCE).unwrap();
        let (actor, options) = (Subject::default(), ImportOptions::default());
        let imported = services
            .gateway
            .import(&viewer.tenant, &actor, vec![team], options);
        imported.await.unwrap();
        assert!(opens().await);
        users.disable(&viewer.user).await.unwrap();
        follow().await;
        assert!(!opens().await);
        users.enable(&viewer.user).await.unwrap();
        follow().await;
        assert!(opens().await);
        services.close().await;
    }
}
