use super::*;
use crate::testing::{backend, keyspace, public_app, tenant};

fn id(text: &str) -> ClientId {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_registered_client_is_found_in_its_tenant_only() {
    let clients = Clients::new(keyspace());
    let registered = clients.register(backend("demo-backend")).await.unwrap();
    assert!(registered.secret.is_none());
    let found = clients
        .get(&tenant("main"), &id("demo-backend"))
        .await
        .unwrap();
    assert_eq!(found, Some(registered.client.clone()));
    assert_eq!(
        clients
            .get(&tenant("sandbox"), &id("demo-backend"))
            .await
            .unwrap(),
        None
    );
    clients.register(public_app("demo-public")).await.unwrap();
    let ids: Vec<_> = clients
        .list(&tenant("main"))
        .await
        .unwrap()
        .into_iter()
        .map(|client| client.id)
        .collect();
    assert_eq!(ids, [id("demo-backend"), id("demo-public")]);
    assert!(
        clients
            .delete(&tenant("main"), &id("demo-backend"))
            .await
            .unwrap()
    );
    assert!(
        !clients
            .delete(&tenant("main"), &id("demo-backend"))
            .await
            .unwrap()
    );
    assert_eq!(
        clients
            .get(&tenant("main"), &id("demo-backend"))
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn a_taken_id_is_refused_and_without_a_wish_ids_differ() {
    let clients = Clients::new(keyspace());
    clients.register(public_app("demo-public")).await.unwrap();
    let again = clients.register(public_app("demo-public")).await;
    assert!(matches!(again, Err(Error::Exists { .. })));
    let anonymous = || ClientRegistration {
        id: None,
        ..public_app("x")
    };
    let first = clients.register(anonymous()).await.unwrap();
    let second = clients.register(anonymous()).await.unwrap();
    assert_ne!(first.client.id, second.client.id);
}

#[tokio::test]
async fn only_a_symmetric_client_has_a_secret_and_only_that_one_is_right() {
    let keyspace = keyspace();
    let clients = Clients::new(keyspace.clone());
    let symmetric = |id: &str| ClientRegistration {
        kind: ClientKind::ConfidentialSymmetric,
        ..public_app(id)
    };
    let secret = clients
        .register(symmetric("a"))
        .await
        .unwrap()
        .secret
        .unwrap();
    let other = clients
        .register(symmetric("b"))
        .await
        .unwrap()
        .secret
        .unwrap();
    clients.register(public_app("c")).await.unwrap();
    let main = tenant("main");
    for (client, presented, right) in [
        ("a", secret.expose(), true),
        ("a", other.expose(), false),
        ("a", "", false),
        ("c", secret.expose(), false),
        ("nobody", secret.expose(), false),
    ] {
        let verified = clients
            .verify_secret(&main, &id(client), presented)
            .await
            .unwrap();
        assert_eq!(verified, right, "{client} {presented}");
    }
    for (_, stored) in keyspace.scan(b"", None, 10).await.unwrap() {
        assert!(!String::from_utf8_lossy(&stored.value).contains(secret.expose()));
    }
}

#[tokio::test]
async fn a_registration_with_one_thing_wrong_is_refused() {
    let clients = Clients::new(keyspace());
    let web = || public_app("app");
    let service = || backend("service");
    let scope = |text: &str| ScopeSet::parse(text).unwrap();
    let key = service().keys[0].clone();
    for (what, spoiled) in [
        (
            "name",
            ClientRegistration {
                name: String::new(),
                ..web()
            },
        ),
        (
            "name",
            ClientRegistration {
                name: "a\u{7}".to_owned(),
                ..web()
            },
        ),
        (
            "owner",
            ClientRegistration {
                owner: " ".to_owned(),
                ..web()
            },
        ),
        (
            "security_contact",
            ClientRegistration {
                security_contact: "x".repeat(321),
                ..web()
            },
        ),
        (
            "jwks",
            ClientRegistration {
                keys: vec![key.clone()],
                ..web()
            },
        ),
        (
            "jwks",
            ClientRegistration {
                keys: vec![],
                ..service()
            },
        ),
        (
            "jwks",
            ClientRegistration {
                keys: vec![key.clone(), key],
                ..service()
            },
        ),
        (
            "jwks",
            ClientRegistration {
                kind: ClientKind::ConfidentialAsymmetric,
                ..web()
            },
        ),
        (
            "redirect_uris",
            ClientRegistration {
                redirect_uris: vec![],
                ..web()
            },
        ),
        (
            "redirect_uris",
            ClientRegistration {
                redirect_uris: vec!["https://a.example/cb".to_owned(); 21],
                ..web()
            },
        ),
        (
            "redirect_uris",
            ClientRegistration {
                redirect_uris: vec!["javascript:x".to_owned()],
                ..web()
            },
        ),
        (
            "redirect_uris",
            ClientRegistration {
                redirect_uris: web().redirect_uris,
                ..service()
            },
        ),
        (
            "redirect_uris",
            ClientRegistration {
                launch_uri: web().launch_uri,
                ..service()
            },
        ),
        (
            "launch_uri",
            ClientRegistration {
                launch_uri: Some("org.example:/x".to_owned()),
                ..web()
            },
        ),
        (
            "scope",
            ClientRegistration {
                scope: scope(""),
                ..web()
            },
        ),
        (
            "scope",
            ClientRegistration {
                scope: scope("system/*.rs"),
                ..web()
            },
        ),
        (
            "scope",
            ClientRegistration {
                scope: scope("system/*.rs openid"),
                ..service()
            },
        ),
        (
            "scope",
            ClientRegistration {
                scope: scope("patient/*.rs"),
                ..service()
            },
        ),
    ] {
        match clients.register(spoiled.clone()).await {
            Err(Error::Invalid { what: named, .. }) => assert_eq!(named, what, "{spoiled:?}"),
            other => panic!("{what}: {other:?}"),
        }
    }
    clients.register(web()).await.unwrap();
    clients.register(service()).await.unwrap();
}
