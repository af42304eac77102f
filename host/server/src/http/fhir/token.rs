//! The access token of a request becomes a session of the gateway.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use glovebox_database::fence::{Mark, Pass};
use glovebox_gateway::{Door, Session};
use glovebox_model::TenantId;
use glovebox_model::ledger::Subject;

use super::route_error::RouteError;
use crate::http::App;
use crate::http::caller::refused_stranger;
use crate::http::identity::bearer;

/// A checked token, and the pass under which this request may be answered.
pub struct Granted {
    /// On whose behalf.
    pub session: Session,
    /// Public id of the token: what cursors are bound to.
    pub token_id: String,
    /// The way through the fence.
    pub pass: Pass,
}

impl FromRequestParts<App> for Granted {
    type Rejection = RouteError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, RouteError> {
        let path = RawPathParams::from_request_parts(parts, app)
            .await
            .map_err(|_| RouteError::NoSuchTenant)?;
        let tenant = path
            .iter()
            .find(|(name, _)| *name == "tenant")
            .map(|(_, value)| value.to_owned());
        let tenant: Option<TenantId> = tenant.and_then(|text| text.parse().ok());
        let tenant = tenant.filter(|tenant| app.settings.tenant_name(tenant).is_some());
        let tenant = tenant.ok_or(RouteError::NoSuchTenant)?;
        let credential = bearer(parts).ok_or(RouteError::NoToken)?;
        // Taken before the token is looked at: whatever is withdrawn from here on is noticed.
        let mut marks = vec![Mark::Tenant(tenant.clone())];
        let before = app.fence.generations(&marks);
        let tokens = &app.authorization.access_tokens;
        let token = match tokens.verify(credential, app.clock.now()).await {
            Ok(Some(token)) if token.tenant == tenant => token,
            // A token of another tenant says nothing here.
            Ok(_) => {
                let subject = Subject {
                    tenant: Some(tenant),
                    ..Subject::default()
                };
                refused_stranger(app, subject, parts);
                return Err(RouteError::BadToken);
            }
            Err(problem) => return Err(RouteError::failed(&problem)),
        };
        marks = vec![Mark::Client(tenant.clone(), token.client.clone())];
        marks.extend(token.user.iter().flat_map(|user| {
            [
                Mark::User(tenant.clone(), user.clone()),
                Mark::Relations(tenant.clone(), user.clone()),
            ]
        }));
        let mut held = app.fence.generations(&marks);
        held.extend(before);
        let pass = app.fence.enter(&held).map_err(|_| RouteError::BadToken)?;
        // Client and user are known only now: what was withdrawn while their generations
        // were not yet taken shows in a second look.
        match tokens.verify(credential, app.clock.now()).await {
            Ok(Some(again)) if again.id == token.id => {}
            Ok(_) => return Err(RouteError::BadToken),
            Err(problem) => return Err(RouteError::failed(&problem)),
        }
        let subject = Subject {
            tenant: Some(tenant.clone()),
            client: Some(token.client),
            user: token.user.clone(),
            patient: token.patient.clone(),
            ..Subject::default()
        };
        let session = Session {
            tenant,
            subject,
            scopes: token.scope,
            patient: token.patient,
            user: token.user,
            door: Door::Http,
        };
        Ok(Self {
            session,
            token_id: token.id,
            pass,
        })
    }
}
