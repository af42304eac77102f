use std::time::Duration;

use super::*;
use crate::User;
use crate::testing::{clinician, keyspace, noon, tenant, user_id};

async fn tokens() -> ApiTokens {
    let users = Users::new(keyspace());
    users
        .add(&clinician("dr.rivera"), "correct horse")
        .await
        .unwrap();
    ApiTokens::new(keyspace(), users)
}

fn person() -> Holder {
    Holder::Person(user_id("dr.rivera"))
}

fn account(speaks_for: SpeaksFor) -> ServiceAccount {
    ServiceAccount {
        name: user_id("ehr"),
        roles: vec![Role::Ehr],
        tenants: vec![tenant("main")],
        speaks_for,
    }
}

#[tokio::test]
async fn a_personal_token_has_the_roles_that_its_person_has_now() {
    let tokens = tokens().await;
    let issued = tokens
        .create(&person(), "laptop", None, noon())
        .await
        .unwrap();
    let identity = tokens
        .verify(issued.text.expose(), noon())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(identity.roles, [Role::Clinician]);
    assert!(identity.is_person && identity.speaks_for == SpeaksFor::Nobody);

    let changed = User {
        roles: vec![Role::Administrator],
        ..clinician("dr.rivera")
    };
    tokens.users.update(&changed).await.unwrap();
    let identity = tokens
        .verify(issued.text.expose(), noon())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(identity.roles, [Role::Administrator]);
}

#[tokio::test]
async fn a_service_account_speaks_for_whom_it_was_allowed() {
    let tokens = tokens().await;
    let (rivera, okafor) = (user_id("dr.rivera"), user_id("nurse.okafor"));
    for (speaks_for, covers) in [
        (SpeaksFor::Nobody, [false, false]),
        (SpeaksFor::Users([rivera.clone()].into()), [true, false]),
        (SpeaksFor::Everyone, [true, true]),
    ] {
        let holder = Holder::Service(account(speaks_for.clone()));
        let issued = tokens.create(&holder, "chart", None, noon()).await.unwrap();
        let identity = tokens
            .verify(issued.text.expose(), noon())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(identity.speaks_for, speaks_for);
        assert!(!identity.is_person);
        assert_eq!(
            [&rivera, &okafor].map(|user| identity.speaks_for.covers(user)),
            covers
        );
    }
}

#[tokio::test]
async fn a_token_that_is_wrong_expired_revoked_or_of_a_disabled_person_is_refused() {
    let tokens = tokens().await;
    let an_hour = noon() + Duration::from_secs(3600);
    let issued = tokens
        .create(&person(), "laptop", Some(an_hour), noon())
        .await
        .unwrap();
    let good = issued.text.expose();
    for wrong in [
        String::new(),
        format!("{good}x"),
        format!("gb_api_{}.guess", issued.id),
    ] {
        assert_eq!(
            tokens.verify(&wrong, noon()).await.unwrap(),
            None,
            "{wrong}"
        );
    }
    assert!(tokens.verify(good, noon()).await.unwrap().is_some());
    assert_eq!(tokens.verify(good, an_hour).await.unwrap(), None, "expired");
    tokens.users.disable(&user_id("dr.rivera")).await.unwrap();
    assert_eq!(tokens.verify(good, noon()).await.unwrap(), None, "disabled");
    tokens.users.enable(&user_id("dr.rivera")).await.unwrap();
    assert!(tokens.revoke(&issued.id).await.unwrap());
    assert_eq!(tokens.verify(good, noon()).await.unwrap(), None, "revoked");
    assert!(!tokens.revoke(&issued.id).await.unwrap());
}

#[tokio::test]
async fn a_token_that_makes_no_sense_is_not_made() {
    let tokens = tokens().await;
    let long = "x".repeat(201);
    let everyone = || account(SpeaksFor::Everyone);
    for (holder, label, expires_at) in [
        (person(), long.as_str(), None),
        (person(), "a\nb", None),
        (person(), "laptop", Some(noon())),
        (Holder::Person(user_id("nobody")), "laptop", None),
        (
            Holder::Service(ServiceAccount {
                roles: vec![],
                ..everyone()
            }),
            "chart",
            None,
        ),
        (
            Holder::Service(ServiceAccount {
                tenants: vec![],
                ..everyone()
            }),
            "chart",
            None,
        ),
        (
            Holder::Service(ServiceAccount {
                name: user_id("dr.rivera"),
                ..everyone()
            }),
            "chart",
            None,
        ),
    ] {
        assert!(
            tokens
                .create(&holder, label, expires_at, noon())
                .await
                .is_err(),
            "{holder:?}"
        );
    }
    assert!(tokens.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_list_names_tokens_and_nothing_stored_holds_their_secret() {
    let keyspace = keyspace();
    let tokens = ApiTokens::new(keyspace.clone(), tokens().await.users);
    let issued = tokens
        .create(&person(), "laptop", None, noon())
        .await
        .unwrap();
    let list = tokens.list().await.unwrap();
    assert_eq!(
        (list[0].id.as_str(), list[0].label.as_str()),
        (issued.id.as_str(), "laptop")
    );
    assert_eq!(list[0].holder, person());
    let (_, secret) = issued.text.expose().split_once('.').unwrap();
    for (key, stored) in keyspace.scan(b"", None, 10).await.unwrap() {
        let all = [key, stored.value.to_vec()].concat();
        assert!(!String::from_utf8_lossy(&all).contains(secret));
    }
}
