use std::time::Duration;

use super::*;
use crate::testing::{clinician, keyspace, noon, tenant, user_id};

const PASSWORD: &str = "correct horse";

async fn users() -> Users {
    let users = Users::new(keyspace());
    users.add(&clinician("dr.rivera"), PASSWORD).await.unwrap();
    users
}

async fn sign_in(users: &Users, name: &str, password: &str, now: Timestamp) -> SignIn {
    users
        .verify_password(None, name, password, now)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_right_password_signs_in_and_gives_the_user_as_stored() {
    let users = users().await;
    assert_eq!(
        sign_in(&users, "dr.rivera", PASSWORD, noon()).await,
        SignIn::Ok(clinician("dr.rivera"))
    );
    assert_eq!(users.list().await.unwrap(), [clinician("dr.rivera")]);
}

#[tokio::test]
async fn a_wrong_name_password_tenant_or_disabled_user_is_refused_alike() {
    let users = users().await;
    users.add(&clinician("dr.gone"), PASSWORD).await.unwrap();
    users.disable(&user_id("dr.gone")).await.unwrap();
    let elsewhere = tenant("elsewhere");
    let long = "x".repeat(1025);
    for (tenant, name, password) in [
        (None, "dr.rivera", "wrong horse"),
        (None, "dr.rivera", "short"),
        (None, "dr.rivera", long.as_str()),
        (None, "nobody", PASSWORD),
        (None, "Not A Name", PASSWORD),
        (None, "dr.gone", PASSWORD),
        (Some(&elsewhere), "dr.rivera", PASSWORD),
    ] {
        let result = users
            .verify_password(tenant, name, password, noon())
            .await
            .unwrap();
        assert_eq!(result, SignIn::Refused, "{tenant:?} {name}");
    }
    users.enable(&user_id("dr.gone")).await.unwrap();
    assert!(matches!(
        sign_in(&users, "dr.gone", PASSWORD, noon()).await,
        SignIn::Ok(_)
    ));
}

#[tokio::test]
async fn five_failures_lock_a_name_for_longer_each_time_whether_it_exists_or_not() {
    let users = users().await;
    for name in ["dr.rivera", "nobody"] {
        for _ in 0..5 {
            assert_eq!(
                sign_in(&users, name, "wrong horse", noon()).await,
                SignIn::Refused
            );
        }
        let until = noon() + Duration::from_secs(30);
        assert_eq!(
            sign_in(&users, name, PASSWORD, noon()).await,
            SignIn::LockedUntil(until),
            "{name}"
        );
        assert_eq!(
            sign_in(&users, name, "wrong horse", until).await,
            SignIn::Refused,
            "{name}"
        );
        let later = until + Duration::from_secs(60);
        assert_eq!(
            sign_in(&users, name, PASSWORD, until).await,
            SignIn::LockedUntil(later),
            "{name}"
        );
    }
    let later = noon() + Duration::from_secs(90);
    assert!(matches!(
        sign_in(&users, "dr.rivera", PASSWORD, later).await,
        SignIn::Ok(_)
    ));
    // A sign-in begins the count anew.
    assert_eq!(
        sign_in(&users, "dr.rivera", "wrong horse", later).await,
        SignIn::Refused
    );
    assert!(matches!(
        sign_in(&users, "dr.rivera", PASSWORD, later).await,
        SignIn::Ok(_)
    ));
}

#[tokio::test]
async fn guesses_made_at_once_count_as_many() {
    let users = users().await;
    let guesses = (0..12).map(|_| {
        let users = users.clone();
        tokio::spawn(async move { sign_in(&users, "dr.rivera", "wrong horse", noon()).await })
    });
    let mut refused = 0;
    for guess in guesses.collect::<Vec<_>>() {
        refused += usize::from(guess.await.unwrap() == SignIn::Refused);
    }
    assert_eq!(refused, 5, "only five of twelve were looked at");
}

#[tokio::test]
async fn failures_are_forgotten_after_a_day() {
    let users = users().await;
    for _ in 0..4 {
        sign_in(&users, "dr.rivera", "wrong horse", noon()).await;
    }
    let tomorrow = noon() + Duration::from_secs(24 * 60 * 60);
    for _ in 0..4 {
        assert_eq!(
            sign_in(&users, "dr.rivera", "wrong horse", tomorrow).await,
            SignIn::Refused
        );
    }
    assert!(matches!(
        sign_in(&users, "dr.rivera", PASSWORD, tomorrow).await,
        SignIn::Ok(_)
    ));
}

#[tokio::test]
async fn a_new_password_replaces_the_old_one_and_lifts_the_lock() {
    let users = users().await;
    for _ in 0..5 {
        sign_in(&users, "dr.rivera", "wrong horse", noon()).await;
    }
    users
        .set_password(&user_id("dr.rivera"), "battery staple")
        .await
        .unwrap();
    assert_eq!(
        sign_in(&users, "dr.rivera", PASSWORD, noon()).await,
        SignIn::Refused
    );
    assert!(matches!(
        sign_in(&users, "dr.rivera", "battery staple", noon()).await,
        SignIn::Ok(_)
    ));
    let unknown = users
        .set_password(&user_id("nobody"), "battery staple")
        .await;
    assert!(matches!(unknown, Err(Error::Unknown { .. })));
}

#[tokio::test]
async fn a_user_that_makes_no_sense_is_not_added() {
    let users = users().await;
    let good = || clinician("dr.new");
    let spoiled = [
        User {
            display_name: " ".to_owned(),
            ..good()
        },
        User {
            display_name: "a\nb".to_owned(),
            ..good()
        },
        User {
            display_name: "x".repeat(201),
            ..good()
        },
        User {
            roles: vec![],
            ..good()
        },
        User {
            roles: vec![Role::Ehr],
            ..good()
        },
        User {
            roles: vec![Role::Vendor],
            ..good()
        },
        User {
            publisher: Some("northlake-health".parse().unwrap()),
            ..good()
        },
        User {
            tenants: vec![],
            ..good()
        },
    ];
    for user in spoiled {
        assert!(
            matches!(users.add(&user, PASSWORD).await, Err(Error::Invalid { .. })),
            "{user:?}"
        );
    }
    for password in ["seven77", &"x".repeat(1025)] {
        assert!(matches!(
            users.add(&good(), password).await,
            Err(Error::Invalid { .. })
        ));
    }
    assert!(matches!(
        users.add(&clinician("dr.rivera"), PASSWORD).await,
        Err(Error::Exists { .. })
    ));
    users.add(&good(), PASSWORD).await.unwrap();
}

#[tokio::test]
async fn no_password_is_stored_in_clear() {
    let keyspace = keyspace();
    Users::new(keyspace.clone())
        .add(&clinician("dr.rivera"), PASSWORD)
        .await
        .unwrap();
    for (_, stored) in keyspace.scan(b"", None, 100).await.unwrap() {
        assert!(!String::from_utf8_lossy(&stored.value).contains(PASSWORD));
    }
}
