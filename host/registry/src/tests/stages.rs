//! Whatever people do in whatever order, withdrawn apps do not come back by a side door.

use proptest::prelude::*;

use super::*;
use crate::{ActRefused, Released};

#[derive(Clone, Copy, Debug)]
enum Do {
    Submit,
    Approve,
    Reject,
    Quarantine,
    Release(&'static str),
    Revoke,
}

fn act() -> impl Strategy<Value = Do> {
    prop_oneof![
        1 => Just(Do::Submit),
        3 => Just(Do::Approve),
        1 => Just(Do::Reject),
        2 => Just(Do::Quarantine),
        4 => prop::sample::select(vec!["admin", "second"]).prop_map(Do::Release),
        1 => Just(Do::Revoke),
    ]
}

async fn carry_out(house: &House, app: &AppId, act: Do) -> Result<Option<Released>, ActRefused> {
    let (tenant, one, who) = (tenant(), version("1.0.0"), actor("admin"));
    let registry = &house.registry;
    match act {
        Do::Submit => registry
            .submit(&tenant, app, &one, &who)
            .await
            .unwrap()
            .map(|_| None),
        Do::Approve => {
            let approved = registry
                .approve(&tenant, app, &one, &who, "fine", None, None, None)
                .await;
            approved.unwrap().map(|_| None)
        }
        Do::Reject => registry
            .reject(&tenant, app, &one, &who, "no")
            .await
            .unwrap()
            .map(|_| None),
        Do::Quarantine => {
            let done = registry.quarantine(&tenant, app, None, &who, "odd").await;
            done.unwrap().map(|_| None)
        }
        Do::Release(name) => {
            let released = registry
                .release(&tenant, app, None, &actor(name), "harmless")
                .await;
            released.unwrap().map(Some)
        }
        Do::Revoke => registry
            .revoke(&tenant, app, None, &who, "bad")
            .await
            .unwrap()
            .map(|_| None),
    }
}

async fn check(house: &House, app: &AppId, acts: Vec<Do>) {
    house.shelve(app, "1.0.0").await;
    let stage = || async {
        let found = house
            .registry
            .version(&tenant(), app, &version("1.0.0"))
            .await;
        found.unwrap().unwrap().stage
    };
    let mut revoked = false;
    let mut quarantined = false;
    let mut asked: Vec<&str> = Vec::new();
    for act in acts {
        let before = stage().await;
        let done = carry_out(house, app, act).await;
        let after = stage().await;
        if done.is_err() {
            assert_eq!(before, after, "{act:?} was refused and changed something");
        }
        if after.is_live() && !before.is_live() {
            assert!(matches!(act, Do::Approve), "{act:?} put it live");
            assert!(!quarantined, "it came back without a release");
        }
        assert!(
            !revoked || matches!(after, Stage::Revoked { .. }),
            "{act:?} revived it"
        );
        match (act, &done) {
            (Do::Quarantine, Ok(_)) => {
                quarantined = true;
                asked.clear();
            }
            (Do::Release(name), Ok(Some(released))) => {
                asked.push(name);
                if *released != Released::Pending {
                    assert_eq!(after, Stage::InReview);
                    assert!(
                        asked.contains(&"admin") && asked.contains(&"second"),
                        "{asked:?}"
                    );
                    quarantined = false;
                }
            }
            (Do::Revoke, Ok(_)) => revoked = true,
            _ => {}
        }
    }
}

#[test]
fn no_order_of_acts_brings_a_withdrawn_app_back_by_a_side_door() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let house = runtime.block_on(House::new());
    let next = std::sync::atomic::AtomicUsize::new(0);
    let config = ProptestConfig {
        cases: 60,
        failure_persistence: None,
        max_shrink_iters: 100,
        ..ProptestConfig::default()
    };
    proptest!(config, |(acts in prop::collection::vec(act(), 1..14))| {
        let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let app: AppId = format!("app-{number}").parse().unwrap();
        runtime.block_on(check(&house, &app, acts));
    });
}
