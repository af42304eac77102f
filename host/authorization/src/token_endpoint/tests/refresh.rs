//! Refresh tokens: rotation, repetition, reuse.

use std::time::Duration;

use glovebox_database::relations::Right;

use super::code::{Clinic, SCOPE, clinic};
use super::*;
use crate::REPEAT_MAX;

impl Clinic {
    async fn refresh(
        &self,
        token: &SecretText,
        more: &[(&str, &str)],
        at: Timestamp,
    ) -> Result<TokenResponse, &'static str> {
        let mut parameters = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", token.expose()),
        ];
        parameters.extend(more);
        self.ask(&parameters, at).await
    }
}

fn next(answer: &TokenResponse) -> SecretText {
    answer.refresh_token.clone().unwrap()
}

#[tokio::test]
async fn each_refresh_gives_a_new_pair_with_the_same_context() {
    let clinic = clinic().await;
    let mut answer = clinic.tokens(SCOPE).await;
    for _ in 0..5 {
        // A public client need not say who it is.
        let refreshed = clinic.refresh(&next(&answer), &[], noon()).await.unwrap();
        assert_ne!(next(&refreshed), next(&answer));
        assert_eq!(refreshed.scope, answer.scope);
        assert_eq!(refreshed.grant, answer.grant);
        assert!(clinic.is_good(&refreshed).await);
        answer = refreshed;
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_again_with_the_same_successor() {
    let clinic = clinic().await;
    let first = next(&clinic.tokens(SCOPE).await);
    let heard = clinic.refresh(&first, &[], noon()).await.unwrap();
    let soon = noon() + Duration::from_secs(9);
    let again = clinic.refresh(&first, &[], soon).await.unwrap();
    assert_eq!(next(&again), next(&heard), "one branch only");
    assert!(clinic.is_good(&again).await);
    assert!(
        !clinic.is_good(&heard).await,
        "the new one replaces the first"
    );
    // Both tabs go on with the one successor.
    assert!(clinic.refresh(&next(&heard), &[], soon).await.is_ok());
}

#[tokio::test]
async fn a_token_that_was_used_before_ends_everything() {
    let late = noon() + REPEAT_MAX;
    for (uses_successor, at) in [(false, late), (true, noon())] {
        let clinic = clinic().await;
        let first = next(&clinic.tokens(SCOPE).await);
        let mut newest = clinic.refresh(&first, &[], noon()).await.unwrap();
        if uses_successor {
            newest = clinic.refresh(&next(&newest), &[], noon()).await.unwrap();
        }
        let reused = clinic.refresh(&first, &[], at).await;
        assert_eq!(reused.unwrap_err(), "refresh-token-reused");
        assert!(!clinic.is_good(&newest).await);
        let after = clinic
            .refresh(&next(&newest), &[("client_id", "app")], at)
            .await;
        assert_eq!(after.unwrap_err(), "grant-unknown");
    }
}

#[tokio::test]
async fn a_guess_ends_nobodys_grant() {
    let clinic = clinic().await;
    let answer = clinic.tokens(SCOPE).await;
    let grant = &answer.grant.as_ref().unwrap().id;
    let guess = SecretText::new(format!("gb_refresh_{grant}.guess"));
    let refused = clinic
        .refresh(&guess, &[("client_id", "app")], noon())
        .await;
    assert_eq!(refused.unwrap_err(), "grant-unknown");
    assert!(clinic.is_good(&answer).await);
}

#[tokio::test]
async fn of_many_who_refresh_at_once_all_get_the_same_successor() {
    let clinic = std::sync::Arc::new(clinic().await);
    let first = next(&clinic.tokens(SCOPE).await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (clinic, first) = (clinic.clone(), first.clone());
        tasks.spawn(async move { next(&clinic.refresh(&first, &[], noon()).await.unwrap()) });
    }
    let successors = tasks.join_all().await;
    assert!(successors.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn a_refresh_may_ask_for_less_and_never_for_more() {
    let clinic = clinic().await;
    for (scope, expected) in [
        ("patient/Observation.r", Ok("patient/Observation.r")),
        ("openid", Ok("openid")),
        (SCOPE, Ok(SCOPE)),
        ("patient/*.rs", Err("invalid_scope")),
        ("patient/Observation.cruds", Err("invalid_scope")),
        ("patient/Observation.*", Err("invalid_scope")),
        ("user/Observation.rs", Err("invalid_scope")),
        ("openid online_access", Err("invalid_scope")),
        ("nonsense", Err("invalid_scope")),
    ] {
        let token = next(&clinic.tokens(SCOPE).await);
        let answer = clinic.refresh(&token, &[("scope", scope)], noon()).await;
        let got = answer.as_ref().map(|answer| answer.scope.to_string());
        assert_eq!(got.as_deref().map_err(|cause| **cause), expected, "{scope}");
        // The family keeps what was granted, whatever one token was made for.
        if let Ok(answer) = answer {
            let whole = clinic.refresh(&next(&answer), &[], noon()).await.unwrap();
            assert_eq!(whole.scope.to_string(), SCOPE);
        }
    }
}

#[tokio::test]
async fn a_token_is_worth_nothing_to_another_client_and_stays_good() {
    let clinic = clinic().await;
    let token = next(&clinic.tokens(SCOPE).await);
    let secret = clinic.secret.expose().to_owned();
    for (more, cause) in [
        (&[("client_id", "other")][..], "grant-other-client"),
        (&[("client_id", "nobody")], "client-unknown"),
        (
            &[("client_id", "confidential"), ("client_secret", &secret)],
            "grant-other-client",
        ),
    ] {
        let answer = clinic.refresh(&token, more, noon()).await;
        assert_eq!(answer.unwrap_err(), cause, "{more:?}");
    }
    // What else is said changes nothing: the patient of a grant never does.
    let more = [
        ("patient", "james-miller"),
        ("launch", "x"),
        ("client_session_host", "x"),
    ];
    let answer = clinic.refresh(&token, &more, noon()).await.unwrap();
    let patient = answer.grant.unwrap().context.patient.unwrap();
    assert_eq!(patient.as_str(), "anna-rossi");
    // Stale now; but not theirs to end.
    let late = noon() + REPEAT_MAX;
    let stranger = clinic
        .refresh(&token, &[("client_id", "other")], late)
        .await;
    assert_eq!(stranger.unwrap_err(), "grant-other-client");
}

#[tokio::test]
async fn a_client_with_a_secret_shows_it_each_time() {
    let clinic = clinic().await;
    let code = clinic.code("confidential", SCOPE).await;
    let secret = clinic.secret.expose().to_owned();
    let own = [
        ("client_id", "confidential"),
        ("client_secret", secret.as_str()),
    ];
    let token = next(&clinic.exchange(&code, &own, noon()).await.unwrap());
    for more in [&[][..], &[("client_id", "confidential")]] {
        let answer = clinic.refresh(&token, more, noon()).await;
        assert_eq!(answer.unwrap_err(), "client-authentication-missing");
    }
    assert!(clinic.refresh(&token, &own, noon()).await.is_ok());
}

#[tokio::test]
async fn access_that_lasts_while_signed_in_ends_with_the_session() {
    let clinic = clinic().await;
    let online = "openid online_access patient/Observation.rs";
    let token = next(&clinic.tokens(online).await);
    let answer = clinic.refresh(&token, &[], noon()).await.unwrap();
    let offline = next(&clinic.tokens(SCOPE).await);
    let late = clinic.code("app", SCOPE).await;
    assert!(clinic.is_good(&answer).await);
    let user = "dr.rivera".parse().unwrap();
    let sessions = &clinic.authorization.browser_sessions;
    sessions.delete_all_of(&user).await.unwrap();
    let after = clinic.refresh(&next(&answer), &[], noon()).await;
    assert_eq!(after.unwrap_err(), "session-over");
    assert!(!clinic.is_good(&answer).await, "also one that is known");
    // Nor is there a code any more: a new password must end those, too.
    let after = clinic.exchange(&late, &[], noon()).await;
    assert_eq!(after.unwrap_err(), "session-over");
    // The other kind goes on without the user.
    assert!(clinic.refresh(&offline, &[], noon()).await.is_ok());
}

#[tokio::test]
async fn whatever_stood_behind_a_grant_has_to_stand_still() {
    let user: UserId = "dr.rivera".parse().unwrap();
    let (main, app) = (tenant("main"), "app".parse().unwrap());
    for what in [
        "disabled", "password", "relation", "client", "scope", "revoked", "idle",
    ] {
        let clinic = clinic().await;
        let answer = clinic.tokens(SCOPE).await;
        let authorization = &clinic.authorization;
        let mut at = noon();
        match what {
            "disabled" => {
                authorization.disable_user(&user).await.unwrap();
            }
            "password" => {
                let changed = authorization.change_password(&user, "battery staple", noon());
                changed.await.unwrap();
            }
            "relation" => {
                let right = Right::Patient("anna-rossi".parse().unwrap());
                clinic.relations.revoke(&main, &user, &right).await.unwrap();
            }
            "client" => {
                authorization.clients.delete(&main, &app).await.unwrap();
            }
            "scope" => {
                authorization.clients.delete(&main, &app).await.unwrap();
                let narrow = ClientRegistration {
                    scope: ScopeSet::parse("openid").unwrap(),
                    ..public_app("app")
                };
                authorization.clients.register(narrow).await.unwrap();
            }
            "revoked" => {
                let id = &answer.grant.as_ref().unwrap().id;
                authorization.grants.revoke(id, "enough").await.unwrap();
            }
            _ => at = noon() + crate::grant::OFFLINE_IDLE_MAX,
        }
        let more = [("client_id", "app")];
        let after = clinic.refresh(&next(&answer), &more, at).await;
        assert!(after.is_err(), "{what}");
        if matches!(
            what,
            "disabled" | "password" | "client" | "scope" | "revoked"
        ) {
            let tokens = &authorization.access_tokens;
            let token = tokens.verify(answer.access_token.expose(), at).await;
            assert_eq!(token.unwrap(), None, "{what}");
        }
    }
}

#[tokio::test]
async fn what_has_ended_is_swept_away_and_what_lives_is_not() {
    let clinic = clinic().await;
    let (living, ended) = (clinic.tokens(SCOPE).await, clinic.tokens(SCOPE).await);
    let living = clinic.refresh(&next(&living), &[], noon()).await.unwrap();
    clinic.refresh(&next(&ended), &[], noon()).await.unwrap();
    let id = &ended.grant.as_ref().unwrap().id;
    clinic
        .authorization
        .grants
        .revoke(id, "enough")
        .await
        .unwrap();
    clinic.authorization.sweep(noon()).await.unwrap();
    let families = clinic.authorization.token_endpoint.parts.table.clone();
    let left = families.list::<serde_json::Value>("refresh").await.unwrap();
    assert!(left.iter().all(|(key, _)| !key.contains(id.as_str())));
    assert!(clinic.refresh(&next(&living), &[], noon()).await.is_ok());
}
