use super::*;
use crate::testing::{clinician, keyspace, noon, records, user_id};

async fn sessions() -> BrowserSessions {
    let records = records();
    let users = Users::new(Keyspace::new(records.clone(), "users"));
    users
        .add(&clinician("dr.rivera"), "correct horse")
        .await
        .unwrap();
    BrowserSessions::new(Keyspace::new(records, "sessions"), users)
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

#[tokio::test]
async fn a_cookie_finds_its_session_and_user() {
    let sessions = sessions().await;
    let cookie = sessions
        .create(&user_id("dr.rivera"), None, noon())
        .await
        .unwrap();
    let session = sessions
        .lookup(cookie.text.expose(), noon())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (session.id, session.user),
        (cookie.id, clinician("dr.rivera"))
    );
    let token = session.csrf.token("launch");
    let again = sessions
        .lookup(cookie.text.expose(), noon())
        .await
        .unwrap()
        .unwrap();
    assert!(again.csrf.accepts("launch", token.expose()));
}

#[tokio::test]
async fn a_cookie_that_is_not_exactly_right_finds_nothing() {
    let sessions = sessions().await;
    let cookie = sessions
        .create(&user_id("dr.rivera"), None, noon())
        .await
        .unwrap();
    let good = cookie.text.expose();
    let other = sessions
        .create(&user_id("dr.rivera"), None, noon())
        .await
        .unwrap();
    let (_, other_secret) = other.text.expose().split_once('.').unwrap();
    for wrong in [
        String::new(),
        cookie.id.clone(),
        good[..good.len() - 1].to_owned(),
        format!("{good}x"),
        format!("gb_session_{}.{other_secret}", cookie.id),
        good.replace("gb_session_", "gb_api_"),
    ] {
        assert!(
            sessions.lookup(&wrong, noon()).await.unwrap().is_none(),
            "{wrong}"
        );
    }
    assert!(sessions.lookup(good, noon()).await.unwrap().is_some());
}

#[tokio::test]
async fn an_idle_session_ends_and_a_busy_one_ends_after_twelve_hours() {
    let sessions = sessions().await;
    let idle = sessions
        .create(&user_id("dr.rivera"), None, noon())
        .await
        .unwrap();
    assert!(
        sessions
            .lookup(idle.text.expose(), noon() + minutes(30))
            .await
            .unwrap()
            .is_none()
    );

    let busy = sessions
        .create(&user_id("dr.rivera"), None, noon())
        .await
        .unwrap();
    for visit in 1..=28 {
        let now = noon() + minutes(25 * visit);
        assert!(
            sessions
                .lookup(busy.text.expose(), now)
                .await
                .unwrap()
                .is_some(),
            "{visit}"
        );
    }
    let twelve_hours = noon() + minutes(12 * 60);
    assert!(
        sessions
            .lookup(busy.text.expose(), twelve_hours)
            .await
            .unwrap()
            .is_none()
    );
    // What ended stays ended, whatever the clock says.
    assert!(
        sessions
            .lookup(busy.text.expose(), noon())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn signing_in_again_ends_the_session_that_the_browser_had() {
    let sessions = sessions().await;
    let user = user_id("dr.rivera");
    let first = sessions.create(&user, None, noon()).await.unwrap();
    let second = sessions
        .create(&user, Some(first.text.expose()), noon())
        .await
        .unwrap();
    assert_ne!(first.id, second.id);
    assert!(
        sessions
            .lookup(first.text.expose(), noon())
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        sessions
            .lookup(second.text.expose(), noon())
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn sign_out_needs_the_secret_and_ends_one_session() {
    let sessions = sessions().await;
    let user = user_id("dr.rivera");
    let mine = sessions.create(&user, None, noon()).await.unwrap();
    let other = sessions.create(&user, None, noon()).await.unwrap();
    sessions
        .delete(&format!("gb_session_{}.guess", mine.id))
        .await
        .unwrap();
    assert!(
        sessions
            .lookup(mine.text.expose(), noon())
            .await
            .unwrap()
            .is_some()
    );
    sessions.delete(mine.text.expose()).await.unwrap();
    assert!(
        sessions
            .lookup(mine.text.expose(), noon())
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        sessions
            .lookup(other.text.expose(), noon())
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn all_sessions_of_one_user_end_and_those_of_another_stay() {
    let sessions = sessions().await;
    sessions
        .users
        .add(&clinician("dr.rivera2"), "correct horse")
        .await
        .unwrap();
    let mine = sessions
        .create(&user_id("dr.rivera"), None, noon())
        .await
        .unwrap();
    sessions
        .create(&user_id("dr.rivera"), None, noon())
        .await
        .unwrap();
    let theirs = sessions
        .create(&user_id("dr.rivera2"), None, noon())
        .await
        .unwrap();
    assert_eq!(
        sessions.delete_all_of(&user_id("dr.rivera")).await.unwrap(),
        2
    );
    assert!(
        sessions
            .lookup(mine.text.expose(), noon())
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        sessions
            .lookup(theirs.text.expose(), noon())
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_disabled_user_is_signed_out_at_once() {
    let sessions = sessions().await;
    let cookie = sessions
        .create(&user_id("dr.rivera"), None, noon())
        .await
        .unwrap();
    sessions.users.disable(&user_id("dr.rivera")).await.unwrap();
    assert!(
        sessions
            .lookup(cookie.text.expose(), noon())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn sweeping_removes_what_is_over_and_nothing_else() {
    let keyspace = keyspace();
    let users = sessions().await.users;
    let sessions = BrowserSessions::new(keyspace.clone(), users);
    sessions
        .create(&user_id("dr.rivera"), None, noon())
        .await
        .unwrap();
    let later = noon() + minutes(40);
    let young = sessions
        .create(&user_id("dr.rivera"), None, later)
        .await
        .unwrap();
    sessions.sweep(later).await.unwrap();
    assert_eq!(keyspace.scan(b"", None, 10).await.unwrap().len(), 2);
    assert!(
        sessions
            .lookup(young.text.expose(), later)
            .await
            .unwrap()
            .is_some()
    );
}
