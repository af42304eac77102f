use glovebox_database::fence::{Mark, Pass};

use super::*;
use crate::{ActRefused, Released};

fn pass(house: &House, number: &str) -> Pass {
    let marks = [
        Mark::App(tenant(), app()),
        Mark::Version(tenant(), app(), version(number)),
    ];
    house.fence.enter(&house.fence.generations(&marks)).unwrap()
}

#[tokio::test]
async fn a_newer_version_supersedes_the_older_one_in_the_same_step() {
    let house = House::new().await;
    house.shelve(&app(), "1.0.0").await;
    house.shelve(&app(), "1.1.0").await;
    house.approve("1.0.0").await.unwrap();
    house.approve("1.1.0").await.unwrap();
    assert!(matches!(house.stage("1.0.0").await, Stage::Superseded(_)));
    assert!(house.stage("1.1.0").await.is_live());
    assert!(matches!(
        house.approve("1.0.0").await,
        Err(ActRefused::WrongStage { .. })
    ));
    assert_eq!(
        house.entries(),
        [
            "app.approve approve ok",
            "app.approve supersede ok",
            "app.approve approve ok"
        ]
    );
}

#[tokio::test]
async fn of_approvals_at_once_exactly_one_version_is_live() {
    for _ in 0..5 {
        let house = Arc::new(House::new().await);
        let numbers = ["1.0.0", "1.1.0", "1.2.0"];
        for number in numbers {
            house.shelve(&app(), number).await;
        }
        let approvals: Vec<_> = numbers
            .into_iter()
            .map(|number| {
                let house = Arc::clone(&house);
                tokio::spawn(async move { house.approve(number).await })
            })
            .collect();
        let mut approved = 0;
        for approval in approvals {
            approved += usize::from(approval.await.unwrap().is_ok());
        }
        assert!(approved >= 1);
        let versions = house.registry.versions(&tenant(), &app()).await.unwrap();
        assert_eq!(
            versions
                .iter()
                .filter(|version| version.stage.is_live())
                .count(),
            1
        );
    }
}

#[tokio::test]
async fn quarantine_ends_what_runs_and_lets_nothing_new_in() {
    let house = House::new().await;
    house.shelve(&app(), "1.0.0").await;
    house.approve("1.0.0").await.unwrap();
    let running = pass(&house, "1.0.0");
    let held = running.held().to_vec();
    let who = actor("admin");
    let done = house
        .registry
        .quarantine(&tenant(), &app(), None, &who, "odd queries")
        .await;
    let done = done.unwrap().unwrap();
    assert_eq!(
        (done.calls_ended, done.versions),
        (1, vec![version("1.0.0")])
    );
    assert!(running.is_revoked() && running.release(|| ()).is_err());
    assert!(house.fence.enter(&held).is_err());
    assert!(
        house
            .registry
            .installation(&tenant(), &app())
            .await
            .unwrap()
            .is_none()
    );
    assert!(matches!(
        house.approve("1.0.0").await,
        Err(ActRefused::WrongStage { .. })
    ));
    // asked again, it refuses, and still ends what came in meanwhile
    let late = pass(&house, "1.0.0");
    let again = house
        .registry
        .quarantine(&tenant(), &app(), None, &who, "again")
        .await
        .unwrap();
    assert!(matches!(again, Err(ActRefused::WrongStage { .. })));
    assert!(late.is_revoked());
}

#[tokio::test]
async fn quarantine_of_one_version_leaves_the_others_running() {
    let house = House::new().await;
    house.shelve(&app(), "1.0.0").await;
    house.shelve(&app(), "1.1.0").await;
    house.approve("1.1.0").await.unwrap();
    let (old, new) = (pass(&house, "1.0.0"), pass(&house, "1.1.0"));
    let (who, one) = (actor("admin"), version("1.0.0"));
    let done = house
        .registry
        .quarantine(&tenant(), &app(), Some(&one), &who, "odd")
        .await;
    assert_eq!(done.unwrap().unwrap().calls_ended, 1);
    assert!(old.is_revoked() && !new.is_revoked());
    assert!(house.stage("1.1.0").await.is_live());
}

#[tokio::test]
async fn quarantine_wins_against_an_approval_at_the_same_time() {
    for _ in 0..5 {
        let house = Arc::new(House::new().await);
        house.shelve(&app(), "1.0.0").await;
        let approving = Arc::clone(&house);
        let approval = tokio::spawn(async move { approving.approve("1.0.0").await });
        let who = actor("admin");
        let done = house
            .registry
            .quarantine(&tenant(), &app(), None, &who, "odd")
            .await;
        done.unwrap().unwrap();
        let _ = approval.await.unwrap();
        assert!(matches!(house.stage("1.0.0").await, Stage::Quarantined(_)));
    }
}

#[tokio::test]
async fn release_needs_two_different_people_and_leads_to_review() {
    let house = House::new().await;
    house.shelve(&app(), "1.0.0").await;
    house.approve("1.0.0").await.unwrap();
    let (one, two) = (actor("admin"), actor("second"));
    let release = |who: Actor| {
        let registry = Arc::clone(&house.registry);
        async move {
            registry
                .release(&tenant(), &app(), None, &who, "harmless")
                .await
                .unwrap()
        }
    };
    assert!(matches!(
        release(one.clone()).await,
        Err(ActRefused::WrongStage { .. })
    ));
    house
        .registry
        .quarantine(&tenant(), &app(), None, &one, "odd")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(release(one.clone()).await, Ok(Released::Pending));
    assert_eq!(
        release(one.clone()).await,
        Err(ActRefused::SamePerson("admin".to_owned()))
    );
    assert_eq!(
        release(two).await,
        Ok(Released::InReview(vec![version("1.0.0")]))
    );
    assert_eq!(house.stage("1.0.0").await, Stage::InReview);
    assert!(
        house
            .registry
            .installation(&tenant(), &app())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn an_act_needs_a_target_and_a_reason() {
    let house = House::new().await;
    house.shelve(&app(), "1.0.0").await;
    let who = actor("admin");
    let (one, none) = (version("1.0.0"), version("9.9.9"));
    let long = "x".repeat(501);
    for reason in ["", "   ", long.as_str()] {
        let refused = house
            .registry
            .revoke(&tenant(), &app(), None, &who, reason)
            .await
            .unwrap();
        assert_eq!(refused, Err(ActRefused::NoReason));
        let refused = house
            .registry
            .reject(&tenant(), &app(), &one, &who, reason)
            .await
            .unwrap();
        assert_eq!(refused, Err(ActRefused::NoReason));
    }
    let refused = house
        .registry
        .revoke(&tenant(), &app(), Some(&none), &who, "odd")
        .await
        .unwrap();
    assert_eq!(refused, Err(ActRefused::NotFound));
    assert_eq!(house.approve("9.9.9").await, Err(ActRefused::NotFound));
    assert!(house.entries().is_empty());
}

#[tokio::test]
async fn a_version_with_a_long_life_can_still_be_withdrawn() {
    let house = House::new().await;
    house.shelve(&app(), "1.0.0").await;
    let reason = "\u{1}".repeat(499) + "x";
    for _ in 0..12 {
        let one = actor("admin");
        house
            .registry
            .quarantine(&tenant(), &app(), None, &one, &reason)
            .await
            .unwrap()
            .unwrap();
        for who in ["admin", "second"] {
            let released = house
                .registry
                .release(&tenant(), &app(), None, &actor(who), &reason)
                .await;
            released.unwrap().unwrap();
        }
    }
    let found = house
        .registry
        .version(&tenant(), &app(), &version("1.0.0"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.history.len(), 12);
    assert_eq!(found.history[0].what, "upload");
    assert_eq!(found.history[11].what, "release");
}
