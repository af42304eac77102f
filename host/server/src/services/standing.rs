//! Whether a person may act now: asked when an app opens, and again each time its session
//! goes on. What ends by itself (a relation that runs out, a role that is taken away)
//! revokes nothing, so the fence alone would not notice.

use glovebox_gateway::Viewer;
use glovebox_model::{Role, TenantId, UserId};
use glovebox_runtime::{SessionInfo, Target};

use super::Services;

/// Why it could not be found out; to be logged.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Whether somebody works as a clinician in a tenant: known, not disabled, with the role.
pub async fn is_clinician(
    services: &Services,
    tenant: &TenantId,
    user: &UserId,
) -> Result<bool, Cause> {
    let user = services.authorization.users.get(user).await?;
    Ok(user.is_some_and(|user| {
        !user.is_disabled && user.roles.contains(&Role::Clinician) && user.tenants.contains(tenant)
    }))
}

/// Ends an app session whose user may not act here any more, or may not open its patient:
/// not even the screen that is there already is shown again.
pub async fn end_unless_allowed(services: &Services, info: &SessionInfo) -> Result<(), Cause> {
    let subject = &info.subject;
    let (Some(tenant), Some(user), Some(patient)) =
        (&subject.tenant, &subject.user, &subject.patient)
    else {
        return Ok(());
    };
    if info.ended.is_some() {
        return Ok(());
    }
    let reason = if !is_clinician(services, tenant, user).await? {
        "its user may not act here any more"
    } else if !may_open(services, tenant, user, patient).await? {
        "its user may not open this patient any more"
    } else {
        return Ok(());
    };
    let target = Target::Session(info.id.clone());
    services.screens.end(&target, reason).await?;
    Ok(())
}

async fn may_open(
    services: &Services,
    tenant: &TenantId,
    user: &UserId,
    patient: &glovebox_model::PatientId,
) -> Result<bool, Cause> {
    let viewer = Viewer {
        tenant: tenant.clone(),
        user: user.clone(),
    };
    let may = services.gateway.may_open(&viewer, patient).await;
    may.map_err(|_| "the relations do not answer".into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use glovebox_authorization::User;
    use glovebox_database::ledger::Filter;
    use glovebox_database::relations::Source;

    use super::*;
    use crate::clock::SystemClock;
    use crate::config::{Config, Settings};
    use crate::services::{LaunchProblem, OpenedApp, open_app};

    fn opening(tenant: &str) -> OpenedApp {
        OpenedApp {
            tenant: tenant.parse().unwrap(),
            app: "lab-viewer".parse().unwrap(),
            version: None,
            patient: "anna-rossi".parse().unwrap(),
            encounter: None,
            intent: None,
            fhir_context: Vec::new(),
            user: "dr.rivera".parse().unwrap(),
            fhir_user: None,
            asserted_by: None,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_may_not_act_opens_nothing_whoever_speaks_for_them() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            data_dir: Some(dir.path().join("data")),
            ..Config::default()
        };
        let settings = Settings::resolve(&config).unwrap();
        let services = Services::open(settings, Arc::new(SystemClock))
            .await
            .unwrap();
        let (main, id): (TenantId, UserId) =
            ("main".parse().unwrap(), "dr.rivera".parse().unwrap());
        let mut user = User {
            id: id.clone(),
            display_name: "Elena Rivera".to_owned(),
            roles: vec![Role::Clinician],
            fhir_user: None,
            tenants: vec![main.clone()],
            publisher: None,
            is_disabled: false,
        };
        let users = &services.authorization.users;
        users.add(&user, "correct horse").await.unwrap();
        for tenant in ["main", "sandbox"] {
            let tenant = tenant.parse().unwrap();
            let granted = services
                .relations
                .grant_everyone(&tenant, &id, Source::Api, None);
            granted.await.unwrap();
        }
        let refused = async |tenant: &str| open_app(&services, opening(tenant)).await.unwrap_err();
        // There is no such patient, but the person is who may ask.
        assert!(matches!(refused("main").await, LaunchProblem::Patient));
        assert!(matches!(refused("sandbox").await, LaunchProblem::User));
        user.roles = vec![Role::PrivacyOfficer];
        users.update(&user).await.unwrap();
        assert!(matches!(refused("main").await, LaunchProblem::User));
        user.roles = vec![Role::Clinician];
        users.update(&user).await.unwrap();
        assert!(is_clinician(&services, &main, &id).await.unwrap());
        services.authorization.disable_user(&id).await.unwrap();
        assert!(matches!(refused("main").await, LaunchProblem::User));
        let entries = services.ledger.search(&Filter::default()).unwrap();
        let user = entries.iter().filter(|e| e.outcome == "denied: user");
        assert_eq!(user.count(), 3);
        services.close().await;
    }
}
