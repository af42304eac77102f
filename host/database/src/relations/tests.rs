mod derived;

use std::time::Duration;

use super::*;
use crate::test_support::{TemporarySled, temporary_sled};

const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);

struct World {
    _store: TemporarySled,
    relations: Relations,
    main: TenantId,
    okafor: UserId,
}

fn world() -> World {
    let store = temporary_sled();
    World {
        relations: Relations::new(store.keyspace("relation")),
        _store: store,
        main: "main".parse().unwrap(),
        okafor: "nurse.okafor".parse().unwrap(),
    }
}

fn patient(id: &str) -> PatientId {
    id.parse().unwrap()
}

impl World {
    async fn grant(&self, id: &str, expires: Option<Timestamp>) {
        let patient = patient(id);
        let granted =
            self.relations
                .grant(&self.main, &self.okafor, &patient, Source::Api, expires);
        granted.await.unwrap();
    }

    async fn may_open(&self, id: &str, now: Timestamp) -> bool {
        self.relations
            .may_open(&self.main, &self.okafor, &patient(id), now)
            .await
            .unwrap()
    }

    async fn patients(&self, limit: usize) -> Rights {
        self.relations
            .patients(&self.main, &self.okafor, NOW, limit)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn nobody_may_open_anybody_at_first() {
    let world = world();
    assert!(!world.may_open("james-miller", NOW).await);
    assert_eq!(
        world.patients(PATIENTS_MAX).await,
        Rights::Patients(BTreeSet::new())
    );
}

#[tokio::test]
async fn a_relation_opens_one_patient_for_one_user_in_one_tenant() {
    let world = world();
    world.grant("anna-rossi", None).await;
    assert!(world.may_open("anna-rossi", NOW).await);
    for other in ["james-miller", "anna-rossi2", "anna-ross"] {
        assert!(!world.may_open(other, NOW).await, "{other}");
    }
    let (main, sandbox) = (&world.main, "sandbox".parse().unwrap());
    let rivera = "dr.rivera".parse().unwrap();
    let anna = patient("anna-rossi");
    assert!(
        !world
            .relations
            .may_open(&sandbox, &world.okafor, &anna, NOW)
            .await
            .unwrap()
    );
    assert!(
        !world
            .relations
            .may_open(main, &rivera, &anna, NOW)
            .await
            .unwrap()
    );
    // a user whose name starts like another's
    let okaf = "nurse.okaf".parse().unwrap();
    let rights = world
        .relations
        .patients(main, &okaf, NOW, PATIENTS_MAX)
        .await
        .unwrap();
    assert_eq!(rights, Rights::Patients(BTreeSet::new()));
}

#[tokio::test]
async fn a_relation_ends_at_its_instant() {
    let world = world();
    world.grant("anna-rossi", Some(NOW)).await;
    let just_before = Timestamp::from_micros(NOW.micros() - 1);
    assert!(world.may_open("anna-rossi", just_before).await);
    assert!(!world.may_open("anna-rossi", NOW).await);
    assert_eq!(
        world.patients(PATIENTS_MAX).await,
        Rights::Patients(BTreeSet::new())
    );
    world
        .grant("anna-rossi", Some(NOW + Duration::from_micros(1)))
        .await;
    assert!(world.may_open("anna-rossi", NOW).await);
}

#[tokio::test]
async fn a_revoked_relation_is_gone() {
    let world = world();
    world.grant("anna-rossi", None).await;
    let right = Right::Patient(patient("anna-rossi"));
    for _ in 0..2 {
        world
            .relations
            .revoke(&world.main, &world.okafor, &right)
            .await
            .unwrap();
        assert!(!world.may_open("anna-rossi", NOW).await);
    }
}

#[tokio::test]
async fn everyone_is_an_explicit_right_with_an_end() {
    let world = world();
    let grant = |expires| {
        world
            .relations
            .grant_everyone(&world.main, &world.okafor, Source::Api, expires)
    };
    grant(None).await.unwrap();
    assert!(world.may_open("james-miller", NOW).await);
    assert_eq!(world.patients(PATIENTS_MAX).await, Rights::Everyone);
    grant(Some(NOW)).await.unwrap();
    assert!(!world.may_open("james-miller", NOW).await);
    assert_eq!(
        world.patients(PATIENTS_MAX).await,
        Rights::Patients(BTreeSet::new())
    );
    grant(None).await.unwrap();
    world
        .relations
        .revoke(&world.main, &world.okafor, &Right::Everyone)
        .await
        .unwrap();
    assert!(!world.may_open("james-miller", NOW).await);
}

#[tokio::test]
async fn more_patients_than_the_limit_are_too_many() {
    let world = world();
    for id in ["a", "b", "c"] {
        world.grant(id, None).await;
    }
    world.grant("gone", Some(NOW)).await;
    let three = ["a", "b", "c"].map(patient).into_iter().collect();
    assert_eq!(world.patients(3).await, Rights::Patients(three));
    assert_eq!(world.patients(2).await, Rights::TooMany);
}

#[tokio::test]
async fn the_list_says_source_and_end_and_pages() {
    let world = world();
    world.grant("b", Some(NOW)).await;
    world.grant("a", None).await;
    let everyone =
        world
            .relations
            .grant_everyone(&world.main, &world.okafor, Source::CareTeam, None);
    everyone.await.unwrap();
    let list = async |after: Option<&Right>| {
        let after = after.map(|right| (&world.okafor, right));
        let listed = world
            .relations
            .list(&world.main, Some(&world.okafor), after, 2);
        listed.await.unwrap()
    };
    let relation = |right, source, expires| Relation {
        user: world.okafor.clone(),
        right,
        holdings: vec![Holding::asserted(source, expires)],
    };
    let a = Right::Patient(patient("a"));
    let first = vec![
        relation(Right::Everyone, Source::CareTeam, None),
        relation(a.clone(), Source::Api, None),
    ];
    assert_eq!(list(None).await, first);
    let b = relation(Right::Patient(patient("b")), Source::Api, Some(NOW));
    assert_eq!(list(Some(&a)).await, vec![b]);
}

#[tokio::test]
async fn the_list_of_a_tenant_goes_from_user_to_user_and_shows_nothing_of_another() {
    let world = world();
    let rivera: UserId = "dr.rivera".parse().unwrap();
    let sandbox = "sandbox".parse().unwrap();
    world.grant("a", None).await;
    for (tenant, id) in [(&world.main, "b"), (&world.main, "c"), (&sandbox, "d")] {
        let id = patient(id);
        let granted = world
            .relations
            .grant(tenant, &rivera, &id, Source::Ehr, None);
        granted.await.unwrap();
    }
    let mut seen = Vec::new();
    let mut after: Option<(UserId, Right)> = None;
    loop {
        let from = after.as_ref().map(|(user, right)| (user, right));
        let page = world.relations.list(&world.main, None, from, 1);
        let Some(next) = page.await.unwrap().pop() else {
            break;
        };
        seen.push(format!("{} {}", next.user, next.right));
        after = Some((next.user, next.right));
    }
    assert_eq!(seen, ["dr.rivera b", "dr.rivera c", "nurse.okafor a"]);
}

#[tokio::test]
async fn each_source_holds_a_right_by_itself_and_a_withdrawal_takes_all_that_was_asserted() {
    let world = world();
    let anna = patient("anna-rossi");
    let grant = |source, expires| {
        world
            .relations
            .grant(&world.main, &world.okafor, &anna, source, expires)
    };
    grant(Source::Csv, Some(NOW)).await.unwrap();
    assert!(!world.may_open("anna-rossi", NOW).await);
    grant(Source::Ehr, None).await.unwrap();
    grant(Source::Csv, Some(NOW)).await.unwrap();
    assert!(world.may_open("anna-rossi", NOW).await);
    let right = Right::Patient(anna.clone());
    let left = world
        .relations
        .revoke(&world.main, &world.okafor, &right)
        .await
        .unwrap();
    assert_eq!(left, []);
    assert!(!world.may_open("anna-rossi", NOW).await);
}

#[tokio::test]
async fn a_record_of_one_source_as_it_was_written_before_counts_still() {
    let world = world();
    let key = b"main/nurse.okafor/anna-rossi".to_vec();
    let old = br#"{"source":"care-team","expires":1000000001}"#.to_vec();
    let written = Batch::new().put(key, old, Expect::Absent);
    assert!(
        world
            .relations
            .commit(written, Durability::Sync)
            .await
            .unwrap()
    );
    assert!(world.may_open("anna-rossi", NOW).await);
    let later = NOW + Duration::from_micros(1);
    assert!(!world.may_open("anna-rossi", later).await);
}

#[tokio::test]
async fn a_list_of_rights_is_granted_as_a_whole_or_not_at_all() {
    let world = world();
    let one = |n: usize| Assertion {
        user: world.okafor.clone(),
        right: Right::Patient(patient(&format!("p{n}"))),
        source: Source::Csv,
        expires: None,
    };
    let many: Vec<_> = (0..=ASSERTIONS_MAX).map(one).collect();
    assert!(world.relations.assert(&world.main, &many).await.is_err());
    assert!(!world.may_open("p0", NOW).await);
    let most = &many[..ASSERTIONS_MAX];
    world.relations.assert(&world.main, most).await.unwrap();
    assert!(world.may_open("p0", NOW).await && world.may_open("p1999", NOW).await);
}
