use super::*;
use crate::testing::{authorization, backend, noon, tenant, user_id};

const TTL: Duration = Duration::from_secs(300);

async fn tokens() -> (AccessTokens, NewAccessToken) {
    let (authorization, _) = authorization().await;
    let client = authorization
        .clients
        .register(backend("demo-backend"))
        .await
        .unwrap()
        .client;
    let token = NewAccessToken {
        tenant: tenant("main"),
        scope: client.scope.clone(),
        client,
        user: Some(user_id("dr.rivera")),
        patient: Some("anna-rossi".parse().unwrap()),
        grant: None,
        thumbprint: None,
    };
    (authorization.access_tokens, token)
}

#[tokio::test]
async fn a_token_says_what_was_granted() {
    let (tokens, new) = tokens().await;
    let issued = tokens.issue(&new, TTL, noon()).await.unwrap();
    let expected = AccessToken {
        id: issued.id.clone(),
        tenant: new.tenant,
        client: new.client.id,
        scope: new.scope,
        issued_at: noon(),
        expires_at: noon() + TTL,
        user: new.user,
        patient: new.patient,
        grant: None,
        thumbprint: None,
        terms: Arc::default(),
    };
    assert_eq!(
        tokens.verify(issued.text.expose(), noon()).await.unwrap(),
        Some(expected)
    );
}

#[tokio::test]
async fn a_token_that_is_wrong_expired_or_revoked_is_refused() {
    let (tokens, new) = tokens().await;
    let issued = tokens.issue(&new, TTL, noon()).await.unwrap();
    let other = tokens.issue(&new, TTL, noon()).await.unwrap();
    let good = issued.text.expose();
    let (_, other_secret) = other.text.expose().split_once('.').unwrap();
    for wrong in [
        String::new(),
        issued.id.clone(),
        format!("{good}x"),
        format!("gb_access_{}.{other_secret}", issued.id),
        good.replace("gb_access_", "gb_api_"),
    ] {
        assert_eq!(
            tokens.verify(&wrong, noon()).await.unwrap(),
            None,
            "{wrong}"
        );
    }
    assert!(tokens.verify(good, noon()).await.unwrap().is_some());
    assert_eq!(
        tokens.verify(good, noon() + TTL).await.unwrap(),
        None,
        "expired"
    );
    let token = tokens.verify(good, noon()).await.unwrap().unwrap();
    tokens.revoke(&token).await.unwrap();
    assert_eq!(tokens.verify(good, noon()).await.unwrap(), None, "revoked");
    assert!(
        tokens
            .verify(other.text.expose(), noon())
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_token_ends_with_its_client_and_does_not_come_back_with_the_next_of_that_name() {
    let (tokens, new) = tokens().await;
    let issued = tokens.issue(&new, TTL, noon()).await.unwrap();
    let good = issued.text.expose();
    tokens
        .clients
        .delete(&new.tenant, &new.client.id)
        .await
        .unwrap();
    assert_eq!(tokens.verify(good, noon()).await.unwrap(), None);
    tokens
        .clients
        .register(backend("demo-backend"))
        .await
        .unwrap();
    assert_eq!(tokens.verify(good, noon()).await.unwrap(), None);
}

#[tokio::test]
async fn a_token_that_is_known_ends_as_one_that_is_read() {
    let (tokens, new) = tokens().await;
    let issued = tokens.issue(&new, TTL, noon()).await.unwrap();
    let other = tokens.issue(&new, TTL, noon()).await.unwrap();
    let good = issued.text.expose();
    let first = tokens.verify(good, noon()).await.unwrap();
    assert!(first.is_some());
    assert_eq!(tokens.verify(good, noon()).await.unwrap(), first);
    let owner = tokens.seems_of(good).unwrap();
    assert_eq!(
        Some(&owner),
        first.as_ref().map(AccessToken::owner).as_ref()
    );
    let marks: Vec<String> = owner.marks().unwrap().iter().map(Mark::to_string).collect();
    assert_eq!(
        marks,
        [
            "client/main/demo-backend".to_owned(),
            format!("session/{}", issued.id),
            "user/main/dr.rivera".to_owned(),
            "relations/main/dr.rivera".to_owned(),
        ]
    );
    assert_eq!(
        tokens.seems_of(other.text.expose()),
        None,
        "it was not read"
    );
    let (_, other_secret) = other.text.expose().split_once('.').unwrap();
    let wrong = format!("gb_access_{}.{other_secret}", issued.id);
    assert_eq!(tokens.verify(&wrong, noon()).await.unwrap(), None);
    assert_eq!(tokens.verify(good, noon() + TTL).await.unwrap(), None);
    // by another handle, as another node would
    let elsewhere = AccessTokens {
        known: Known::default(),
        ..tokens.clone()
    };
    elsewhere.revoke(&first.unwrap()).await.unwrap();
    assert_eq!(tokens.verify(good, noon()).await.unwrap(), None, "revoked");
    let other = other.text.expose();
    assert!(tokens.verify(other, noon()).await.unwrap().is_some());
    let (of, id) = (&new.tenant, &new.client.id);
    elsewhere.clients.delete(of, id).await.unwrap();
    assert_eq!(tokens.verify(other, noon()).await.unwrap(), None);
    let again = elsewhere.clients.register(backend("demo-backend")).await;
    assert_eq!(&again.unwrap().client.id, id);
    assert_eq!(tokens.verify(other, noon()).await.unwrap(), None);
}

#[tokio::test]
async fn sweeping_removes_expired_tokens_only() {
    let (tokens, new) = tokens().await;
    tokens.issue(&new, TTL, noon()).await.unwrap();
    let later = noon() + TTL;
    let live = tokens.issue(&new, TTL, later).await.unwrap();
    tokens.sweep(later).await.unwrap();
    let left = tokens.table.list::<StoredToken>(TOKENS).await.unwrap();
    assert_eq!(left.len(), 1);
    assert!(
        tokens
            .verify(live.text.expose(), later)
            .await
            .unwrap()
            .is_some()
    );
}
