//! Who can sign in.

use std::collections::BTreeMap;

use glovebox_authorization::User;
use glovebox_database::relations::Source;
use glovebox_model::{Role, TenantId, UserId};

use super::build::DemoError;
use super::keepsake::Keepsake;
use crate::services::Services;

/// Somebody of the demo world.
pub struct Person {
    /// What is typed at sign-in.
    pub username: &'static str,
    /// The name that people read.
    pub display_name: &'static str,
    /// In words.
    pub role_words: &'static str,
    /// What to try as this person.
    pub can: &'static str,
    /// Roles.
    pub roles: &'static [Role],
    /// The person as a FHIR reference.
    pub fhir_user: Option<&'static str>,
    /// For vendors: whose apps.
    pub publisher: Option<&'static str>,
    /// Tenants in which the person may act.
    pub tenants: &'static [&'static str],
}

const BOTH: &[&str] = &["main", "sandbox"];
const MAIN: &[&str] = &["main"];

/// Who can sign in.
pub const PEOPLE: &[Person] = &[
    Person {
        username: "dr.rivera",
        display_name: "Dr. Elena Rivera",
        role_words: "Physician",
        can: "Open any patient and launch an app, such as the Lab Viewer on Anna Rossi",
        roles: &[Role::Clinician],
        fhir_user: Some("Practitioner/rivera"),
        publisher: None,
        tenants: BOTH,
    },
    Person {
        username: "nurse.okafor",
        display_name: "Grace Okafor",
        role_words: "Nurse on ward 3 East",
        can: "Open the patients of her ward only: Anna Rossi, but not James Miller",
        roles: &[Role::Clinician],
        fhir_user: Some("Practitioner/okafor"),
        publisher: None,
        tenants: BOTH,
    },
    Person {
        username: "anna.rossi",
        display_name: "Anna Rossi",
        role_words: "Patient",
        can: "Sign in as a patient: her own record and nobody else's",
        roles: &[Role::Patient],
        fhir_user: Some("Patient/anna-rossi"),
        publisher: None,
        tenants: MAIN,
    },
    Person {
        username: "maria.rossi",
        display_name: "Maria Rossi",
        role_words: "Mother of Tom Rossi",
        can: "Act for her child Tom Rossi, as a proxy",
        roles: &[Role::Patient, Role::Proxy],
        fhir_user: Some("RelatedPerson/maria-rossi"),
        publisher: None,
        tenants: MAIN,
    },
    Person {
        username: "admin",
        display_name: "Alex Admin",
        role_words: "Administrator",
        can: "Approve, quarantine and revoke apps, watch sessions, read the audit log",
        roles: &[Role::Administrator],
        fhir_user: None,
        publisher: None,
        tenants: BOTH,
    },
    Person {
        username: "reviewer",
        display_name: "Robin Reviewer",
        role_words: "Administrator",
        can: "Be the second person where two are needed, such as a release from quarantine",
        roles: &[Role::Administrator],
        fhir_user: None,
        publisher: None,
        tenants: BOTH,
    },
    Person {
        username: "privacy",
        display_name: "Priya Privacy",
        role_words: "Privacy officer",
        can: "Read the audit log: who saw what of whom, and through which app",
        roles: &[Role::PrivacyOfficer],
        fhir_user: None,
        publisher: None,
        tenants: BOTH,
    },
    Person {
        username: "vendor",
        display_name: "Vera Vendor",
        role_words: "App vendor, Northlake Health",
        can: "Upload new versions of her apps; a hospital's administrator decides",
        roles: &[Role::Vendor],
        fhir_user: None,
        publisher: Some("northlake-health"),
        tenants: BOTH,
    },
];

impl Person {
    pub(super) fn id(&self) -> Result<UserId, DemoError> {
        super::build::known(self.username)
    }

    fn user(&self) -> Result<User, DemoError> {
        use super::build::known;
        Ok(User {
            id: self.id()?,
            display_name: self.display_name.to_owned(),
            roles: self.roles.to_vec(),
            fhir_user: self.fhir_user.map(known).transpose()?,
            tenants: self
                .tenants
                .iter()
                .map(|tenant| known(tenant))
                .collect::<Result<_, _>>()?,
            publisher: self.publisher.map(known).transpose()?,
            is_disabled: false,
        })
    }
}

/// Adds who is missing; sets the password where it is not the wanted one.
pub(super) async fn add(
    services: &Services,
    keepsake: &mut Keepsake,
    password: Option<&str>,
) -> Result<(), DemoError> {
    let users = &services.authorization.users;
    let mut passwords = BTreeMap::new();
    for person in PEOPLE {
        let kept = keepsake.passwords.get(person.username);
        let wanted = match password.map(str::to_owned).or_else(|| kept.cloned()) {
            Some(wanted) => wanted,
            None => random_password()?,
        };
        let user = person.user()?;
        if users.get(&user.id).await?.is_none() {
            users.add(&user, &wanted).await?;
        } else if kept != Some(&wanted) {
            services
                .authorization
                .change_password(&user.id, &wanted, services.clock.now())
                .await?;
        }
        passwords.insert(person.username.to_owned(), wanted);
    }
    keepsake.passwords = passwords;
    // Nurse Okafor's ward and Maria Rossi's child follow from the record.
    crate::services::follow_people(&services.authorization, &services.gateway)
        .await
        .map_err(DemoError::People)
}

/// 80 random bits in four groups, without letters that look alike.
fn random_password() -> Result<String, DemoError> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(DemoError::Randomness)?;
    let letter =
        |byte: &u8| char::from(LETTERS.get(usize::from(byte & 31)).copied().unwrap_or(b'a'));
    let groups: Vec<String> = bytes
        .chunks(4)
        .map(|group| group.iter().map(letter).collect())
        .collect();
    Ok(groups.join("-"))
}

/// Who may open whom beyond what care teams and related persons in the record say. Done
/// once: what an administrator takes away stays away.
pub(super) async fn relate(services: &Services, tenant: &TenantId) -> Result<(), DemoError> {
    use super::build::known;
    let relations = &services.relations;
    relations
        .grant_everyone(tenant, &known("dr.rivera")?, Source::Api, None)
        .await?;
    if tenant.as_str() == "main" {
        let (anna, own): (UserId, _) = (known("anna.rossi")?, known("anna-rossi")?);
        relations
            .grant(tenant, &anna, &own, Source::RelatedPerson, None)
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_of_the_demo_is_a_valid_user() {
        for person in PEOPLE {
            assert!(person.user().is_ok(), "{}", person.username);
        }
    }

    #[test]
    fn a_random_password_is_long_enough_and_another_each_time() {
        let password = random_password().unwrap();
        assert_eq!(password.len(), 19, "{password}");
        assert_ne!(password, random_password().unwrap());
    }
}
