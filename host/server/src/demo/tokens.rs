//! API tokens of the demo: the same ones at every start, as long as they are in force.

use glovebox_authorization::{Holder, ServiceAccount, SpeaksFor};
use glovebox_model::Role;

use super::build::{DemoError, known};
use super::keepsake::Keepsake;
use crate::services::Services;

/// People with a token of their own.
const PEOPLE: [&str; 4] = ["admin", "reviewer", "vendor", "dr.rivera"];
/// The EHR's service account.
const EHR: &str = "ehr";

/// Makes the tokens that are missing or not in force any more.
pub(super) async fn add(services: &Services, keepsake: &mut Keepsake) -> Result<(), DemoError> {
    let tokens = &services.authorization.api_tokens;
    let now = services.clock.now();
    for name in PEOPLE.into_iter().chain([EHR]) {
        if let Some(kept) = keepsake.api_tokens.get(name)
            && tokens.verify(kept, now).await?.is_some()
        {
            continue;
        }
        let issued = tokens.create(&holder(name)?, "demo", None, now).await?;
        keepsake
            .api_tokens
            .insert(name.to_owned(), issued.text.expose().to_owned());
    }
    Ok(())
}

fn holder(name: &str) -> Result<Holder, DemoError> {
    if name != EHR {
        return Ok(Holder::Person(known(name)?));
    }
    Ok(Holder::Service(ServiceAccount {
        name: known(EHR)?,
        roles: vec![Role::Ehr],
        tenants: vec![known("main")?, known("sandbox")?],
        speaks_for: SpeaksFor::Everyone,
    }))
}
