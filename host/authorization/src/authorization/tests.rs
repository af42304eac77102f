//! The nouns together, on the embedded store.

use glovebox_database::test_support::{TemporarySled, temporary_sled};

use super::*;
use crate::testing::{clinician, noon, tenant, user_id};
use crate::{Holder, Launch, LaunchFor, LaunchRefused, LaunchTarget, Presenter, SignIn};

async fn open(store: &TemporarySled) -> Authorization {
    crate::testing::authorization_on(&store.records()).await
}

#[tokio::test]
async fn a_clinician_signs_in_launches_and_is_shut_out_again() {
    let store = temporary_sled();
    let authorization = open(&store).await;
    let rivera = user_id("dr.rivera");
    authorization
        .users
        .add(&clinician("dr.rivera"), "correct horse")
        .await
        .unwrap();
    let main = tenant("main");
    let signed_in = authorization
        .users
        .verify_password(Some(&main), "dr.rivera", "correct horse", noon())
        .await
        .unwrap();
    assert!(matches!(signed_in, SignIn::Ok(_)));
    let cookie = authorization
        .browser_sessions
        .create(&rivera, None, noon())
        .await
        .unwrap();
    let holder = Holder::Person(rivera.clone());
    let token = authorization
        .api_tokens
        .create(&holder, "laptop", None, noon())
        .await
        .unwrap();

    let launch = Launch {
        tenant: main.clone(),
        made_for: LaunchFor::Session {
            user: rivera.clone(),
            session: cookie.id.clone(),
        },
        target: LaunchTarget::App {
            app: "lab-viewer".parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
        },
        patient: Some("anna-rossi".parse().unwrap()),
        encounter: None,
        intent: None,
        fhir_context: Vec::new(),
        asserted_by: None,
    };
    let handle = authorization
        .launches
        .create(&launch, noon())
        .await
        .unwrap();
    let presenter = Presenter {
        tenant: &main,
        user: &rivera,
        session: &cookie.id,
    };
    let (first, second) = tokio::join!(
        authorization
            .launches
            .consume(handle.text.expose(), presenter, noon()),
        authorization
            .launches
            .consume(handle.text.expose(), presenter, noon()),
    );
    let mut results = [first.unwrap(), second.unwrap()];
    results.sort_by_key(Result::is_err);
    assert_eq!(results, [Ok(launch), Err(LaunchRefused::Used)]);

    let held = authorization
        .fence
        .generations(&[Mark::User(main.clone(), rivera.clone())]);
    assert!(authorization.fence.check(&held).is_ok());
    assert_eq!(authorization.disable_user(&rivera).await.unwrap(), 1);
    assert!(
        authorization.fence.check(&held).is_err(),
        "what was open for the user must not go on"
    );
    authorization.users.enable(&rivera).await.unwrap();
    let session = authorization
        .browser_sessions
        .lookup(cookie.text.expose(), noon())
        .await
        .unwrap();
    assert!(session.is_none(), "the session ended for good");
    assert!(
        authorization
            .api_tokens
            .verify(token.text.expose(), noon())
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_changed_password_ends_the_sessions_of_who_knew_the_old_one() {
    let store = temporary_sled();
    let authorization = open(&store).await;
    let rivera = user_id("dr.rivera");
    authorization
        .users
        .add(&clinician("dr.rivera"), "correct horse")
        .await
        .unwrap();
    let cookie = authorization
        .browser_sessions
        .create(&rivera, None, noon())
        .await
        .unwrap();
    assert_eq!(
        authorization
            .change_password(&rivera, "battery staple", noon())
            .await
            .unwrap(),
        1
    );
    let session = authorization
        .browser_sessions
        .lookup(cookie.text.expose(), noon())
        .await
        .unwrap();
    assert!(session.is_none());
}

#[tokio::test]
async fn a_secret_of_one_kind_opens_nothing_of_another() {
    let store = temporary_sled();
    let authorization = open(&store).await;
    authorization
        .users
        .add(&clinician("dr.rivera"), "correct horse")
        .await
        .unwrap();
    let rivera = user_id("dr.rivera");
    let cookie = authorization
        .browser_sessions
        .create(&rivera, None, noon())
        .await
        .unwrap();
    let holder = Holder::Person(rivera);
    let token = authorization
        .api_tokens
        .create(&holder, "laptop", None, noon())
        .await
        .unwrap();
    let (cookie, token) = (cookie.text.expose(), token.text.expose());
    assert!(
        authorization
            .api_tokens
            .verify(cookie, noon())
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        authorization
            .access_tokens
            .verify(token, noon())
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        authorization
            .browser_sessions
            .lookup(token, noon())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn what_was_acknowledged_is_there_for_the_next_process() {
    let store = temporary_sled();
    let before = open(&store).await;
    before
        .users
        .add(&clinician("dr.rivera"), "correct horse")
        .await
        .unwrap();
    let after = open(&store).await;
    let signed_in = after
        .users
        .verify_password(None, "dr.rivera", "correct horse", noon())
        .await
        .unwrap();
    assert!(matches!(signed_in, SignIn::Ok(_)));
    after.sweep(noon()).await.unwrap();
    assert_eq!(after.users.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_client_that_is_removed_stops_what_it_was_let_in_for() {
    let store = temporary_sled();
    let authorization = open(&store).await;
    let main = tenant("main");
    let id = "export".parse().unwrap();
    let clients = &authorization.clients;
    clients
        .register(crate::testing::backend("export"))
        .await
        .unwrap();
    let marks = [Mark::Client(main.clone(), "export".parse().unwrap())];
    let pass = authorization
        .fence
        .enter(&authorization.fence.generations(&marks))
        .unwrap();
    assert!(authorization.delete_client(&main, &id).await.unwrap());
    assert!(pass.release(|| ()).is_err(), "it was let in before");
    assert!(!authorization.delete_client(&main, &id).await.unwrap());
}
