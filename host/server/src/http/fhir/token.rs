//! The access token of a request becomes a session of the gateway.

use axum::http::header;
use axum::http::request::Parts;
use glovebox_authorization::TokenOwner;
use glovebox_database::fence::{Mark, Pass};
use glovebox_gateway::{Door, Session};
use glovebox_model::TenantId;
use glovebox_model::ledger::Subject;

use super::proof::Presented;
use super::route_error::RouteError;
use crate::http::App;
use crate::http::caller::refused_stranger;

/// A checked token, and the pass under which this request may be answered.
pub(super) struct Granted {
    /// On whose behalf.
    pub(super) session: Session,
    /// Public id of the token: what cursors are bound to.
    pub(super) token_id: String,
    /// The way through the fence.
    pub(super) pass: Pass,
}

impl Granted {
    /// Checks the request's access token for `tenant`.
    pub(super) async fn check(
        app: &App,
        tenant: TenantId,
        parts: &Parts,
    ) -> Result<Self, RouteError> {
        if parts.headers.get_all(header::AUTHORIZATION).iter().count() > 1 {
            return Err(RouteError::Invalid(
                "give one `Authorization` header".to_owned(),
            ));
        }
        let presented = Presented::of(parts).ok_or(RouteError::NoToken)?;
        let credential = presented.token;
        let tokens = &app.authorization.access_tokens;
        let seems_of = tokens.seems_of(credential);
        // Taken before the token is looked at: whatever is withdrawn from here on is noticed.
        let mut marks = vec![Mark::Tenant(tenant.clone())];
        if let Some(owner) = &seems_of {
            marks.extend(marks_of(owner)?);
        }
        let mut held = app.fence.generations(&marks);
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
        presented.check(app, &token, parts).await?;
        let owner = token.owner();
        let foreseen = seems_of.as_ref() == Some(&owner);
        if !foreseen {
            held.extend(app.fence.generations(&marks_of(&owner)?));
        }
        let pass = app.fence.enter(&held).map_err(|_| RouteError::BadToken)?;
        if !foreseen {
            // Client and user are known only now: what was withdrawn while their generations
            // were not yet taken shows in a second look.
            match tokens.verify(credential, app.clock.now()).await {
                Ok(Some(again)) if again.id == token.id => {}
                Ok(_) => return Err(RouteError::BadToken),
                Err(problem) => return Err(RouteError::failed(&problem)),
            }
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
            terms: token.terms,
        };
        Ok(Self {
            session,
            token_id: token.id,
            pass,
        })
    }
}

fn marks_of(owner: &TokenOwner) -> Result<Vec<Mark>, RouteError> {
    owner
        .marks()
        .map_err(|problem| RouteError::failed(&problem))
}
