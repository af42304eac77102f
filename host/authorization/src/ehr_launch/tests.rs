use super::*;
use crate::testing::{keyspace, noon, tenant, user_id};

fn launch() -> Launch {
    Launch {
        tenant: tenant("main"),
        made_for: LaunchFor::Session {
            user: user_id("dr.rivera"),
            session: "browser-1".to_owned(),
        },
        target: LaunchTarget::App {
            app: "lab-viewer".parse().unwrap(),
            version: "1.2.0".parse().unwrap(),
        },
        patient: Some("anna-rossi".parse().unwrap()),
        encounter: Some("visit-7".to_owned()),
        intent: Some("review-labs".to_owned()),
        fhir_context: vec![ContextItem {
            reference: Some("DiagnosticReport/1".to_owned()),
            canonical: None,
            role: "launch".to_owned(),
        }],
        asserted_by: Some(user_id("ehr")),
    }
}

/// Presents a handle as this user in this browser session of this tenant.
async fn present(
    launches: &Launches,
    handle: &str,
    who: (&str, &str, &str),
    now: Timestamp,
) -> Result<Launch, LaunchRefused> {
    present_by(launches, handle, who, None, now).await
}

/// The same, in the authorization request of an OAuth client.
async fn present_by(
    launches: &Launches,
    handle: &str,
    (tenant_name, user, session): (&str, &str, &str),
    client: Option<&str>,
    now: Timestamp,
) -> Result<Launch, LaunchRefused> {
    let (tenant, user) = (tenant(tenant_name), user_id(user));
    let presenter = Presenter {
        tenant: &tenant,
        user: &user,
        session,
    };
    match client {
        None => launches.consume(handle, presenter, now).await,
        Some(client) => {
            let client = client.parse().unwrap();
            launches
                .consume_for_client(handle, presenter, &client, now)
                .await
        }
    }
    .unwrap()
}

const RIGHT: (&str, &str, &str) = ("main", "dr.rivera", "browser-1");

fn client_launch() -> Launch {
    Launch {
        made_for: LaunchFor::User(user_id("dr.rivera")),
        target: LaunchTarget::Client("demo-public".parse().unwrap()),
        patient: None,
        encounter: None,
        intent: None,
        fhir_context: Vec::new(),
        asserted_by: None,
        ..launch()
    }
}

#[tokio::test]
async fn a_handle_gives_back_the_launch_once() {
    let launches = Launches::new(keyspace());
    for (launch, client) in [(launch(), None), (client_launch(), Some("demo-public"))] {
        let handle = launches.create(&launch, noon()).await.unwrap();
        let text = handle.text.expose();
        let first = present_by(&launches, text, RIGHT, client, noon()).await;
        assert_eq!(first, Ok(launch));
        let second = present_by(&launches, text, RIGHT, client, noon()).await;
        assert_eq!(second, Err(LaunchRefused::Used));
    }
}

#[tokio::test]
async fn a_handle_of_one_app_is_refused_to_another() {
    let launches = Launches::new(keyspace());
    for (launch, right, wrong) in [
        (launch(), None, Some("demo-public")),
        (client_launch(), Some("demo-public"), Some("other-client")),
        (client_launch(), Some("demo-public"), None),
    ] {
        let handle = launches.create(&launch, noon()).await.unwrap();
        let text = handle.text.expose();
        let result = present_by(&launches, text, RIGHT, wrong, noon()).await;
        assert_eq!(result, Err(LaunchRefused::OtherApp), "{wrong:?}");
        let result = present_by(&launches, text, RIGHT, right, noon()).await;
        assert_eq!(result, Ok(launch));
    }
}

#[tokio::test]
async fn whoever_a_handle_was_not_made_for_is_refused_and_does_not_spoil_it() {
    let launches = Launches::new(keyspace());
    let handle = launches.create(&launch(), noon()).await.unwrap();
    let text = handle.text.expose();
    let guess = format!("gb_launch_{}.guess", handle.id);
    for (text, presenter, refused) in [
        ("", RIGHT, LaunchRefused::Unknown),
        (
            "gb_launch_00112233445566778899aabb.x",
            RIGHT,
            LaunchRefused::Unknown,
        ),
        (guess.as_str(), RIGHT, LaunchRefused::Unknown),
        (
            text,
            ("sandbox", "dr.rivera", "browser-1"),
            LaunchRefused::Unknown,
        ),
        (
            text,
            ("main", "nurse.okafor", "browser-1"),
            LaunchRefused::OtherUser,
        ),
        (
            text,
            ("main", "dr.rivera", "browser-2"),
            LaunchRefused::OtherSession,
        ),
    ] {
        let result = present(&launches, text, presenter, noon()).await;
        assert_eq!(result, Err(refused), "{presenter:?}");
    }
    assert_eq!(present(&launches, text, RIGHT, noon()).await, Ok(launch()));
    assert_eq!(
        present(&launches, &guess, RIGHT, noon()).await,
        Err(LaunchRefused::Unknown),
        "who only knows the id does not learn that it was used"
    );
}

#[tokio::test]
async fn a_handle_ends_after_a_minute() {
    let launches = Launches::new(keyspace());
    let handle = launches.create(&launch(), noon()).await.unwrap();
    let text = handle.text.expose();
    let late = noon() + HANDLE_TTL;
    assert_eq!(
        present(&launches, text, RIGHT, late).await,
        Err(LaunchRefused::Expired)
    );
    let in_time = Timestamp::from_micros(late.micros() - 1);
    assert_eq!(present(&launches, text, RIGHT, in_time).await, Ok(launch()));
}

#[tokio::test]
async fn of_several_who_use_a_handle_at_once_one_wins() {
    let launches = Launches::new(keyspace());
    let handle = launches.create(&launch(), noon()).await.unwrap();
    let racers = (0..8).map(|_| {
        let (launches, text) = (launches.clone(), handle.text.clone());
        tokio::spawn(async move { present(&launches, text.expose(), RIGHT, noon()).await })
    });
    let mut results = Vec::new();
    for racer in racers.collect::<Vec<_>>() {
        results.push(racer.await.unwrap());
    }
    let won = results.iter().filter(|result| result.is_ok()).count();
    let used = results
        .iter()
        .filter(|result| **result == Err(LaunchRefused::Used))
        .count();
    assert_eq!((won, used), (1, 7));
}

#[tokio::test]
async fn two_launches_of_one_app_keep_their_own_patients() {
    let launches = Launches::new(keyspace());
    let other = Launch {
        patient: Some("tom-rossi".parse().unwrap()),
        ..launch()
    };
    let first = launches.create(&launch(), noon()).await.unwrap();
    let second = launches.create(&other, noon()).await.unwrap();
    assert_eq!(
        present(&launches, second.text.expose(), RIGHT, noon()).await,
        Ok(other)
    );
    assert_eq!(
        present(&launches, first.text.expose(), RIGHT, noon()).await,
        Ok(launch())
    );
}

#[test]
fn people_read_one_sentence_and_the_ledger_the_cause() {
    let all = [
        LaunchRefused::Unknown,
        LaunchRefused::Expired,
        LaunchRefused::Used,
        LaunchRefused::OtherUser,
        LaunchRefused::OtherSession,
        LaunchRefused::OtherApp,
    ];
    let sentences: std::collections::BTreeSet<_> = all.iter().map(ToString::to_string).collect();
    let codes: std::collections::BTreeSet<_> = all.iter().map(|refused| refused.code()).collect();
    assert_eq!((sentences.len(), codes.len()), (1, all.len()));
}

#[tokio::test]
async fn a_launch_that_is_too_large_or_malformed_is_not_made() {
    let launches = Launches::new(keyspace());
    let item = |reference: Option<String>| ContextItem {
        reference,
        canonical: None,
        role: "launch".to_owned(),
    };
    for spoiled in [
        Launch {
            encounter: Some("../1".to_owned()),
            ..launch()
        },
        Launch {
            intent: Some("x".repeat(257)),
            ..launch()
        },
        Launch {
            fhir_context: vec![item(None)],
            ..launch()
        },
        Launch {
            fhir_context: vec![item(Some("x".repeat(513)))],
            ..launch()
        },
        Launch {
            fhir_context: vec![item(Some("A/1".to_owned())); 51],
            ..launch()
        },
    ] {
        let result = launches.create(&spoiled, noon()).await;
        assert!(matches!(result, Err(Error::Invalid { .. })), "{spoiled:?}");
    }
}

#[tokio::test]
async fn sweeping_forgets_old_handles_and_keeps_live_ones() {
    let keyspace = keyspace();
    let launches = Launches::new(keyspace.clone());
    launches.create(&launch(), noon()).await.unwrap();
    let used = launches.create(&launch(), noon()).await.unwrap();
    present(&launches, used.text.expose(), RIGHT, noon())
        .await
        .unwrap();
    let much_later = noon() + HANDLE_TTL + USED_MEMORY;
    let live = launches.create(&launch(), much_later).await.unwrap();
    launches.sweep(much_later).await.unwrap();
    assert_eq!(keyspace.scan(b"", None, 10).await.unwrap().len(), 1);
    assert!(
        present(&launches, live.text.expose(), RIGHT, much_later)
            .await
            .is_ok()
    );
}
