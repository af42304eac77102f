//! Budgets: exactly as much as was allowed, and not one more.

use std::time::Duration;

use super::*;

fn budget(limits: &serde_json::Value) -> serde_json::Value {
    serde_json::json!({ "budget": limits, "writes": "direct" })
}

async fn released(door: &Arc<Door>, calls: usize, interaction: &Interaction) -> usize {
    let tasks: Vec<_> = (0..calls)
        .map(|_| {
            let (door, interaction) = (Arc::clone(door), interaction.clone());
            tokio::spawn(async move { door.call(interaction).await.is_ok() })
        })
        .collect();
    let mut released = 0;
    for task in tasks {
        released += usize::from(task.await.unwrap());
    }
    released
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_calls_at_once_get_exactly_the_records_allowed() {
    for max in [1, 7, 42] {
        let terms = budget(&serde_json::json!({ "records_per_day": max }));
        let door = Arc::new(Door::new().await.under(&terms));
        assert_eq!(released(&door, 100, &read("Observation/anna-0")).await, max);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_requests_at_once_pass_up_to_the_rate() {
    let terms = budget(&serde_json::json!({ "requests_per_minute": 12 }));
    let door = Arc::new(Door::new().await.under(&terms));
    assert_eq!(released(&door, 100, &read("Observation/anna-0")).await, 12);
    let Err(Refusal::Throttled { retry_after }) = door.call(read("Observation/anna-0")).await
    else {
        panic!("expected to be told to wait")
    };
    door.clock.advance(retry_after);
    assert!(door.call(read("Observation/anna-0")).await.is_ok());
}

#[tokio::test]
async fn a_search_counts_all_that_it_gives_out_or_gives_nothing() {
    let terms = budget(&serde_json::json!({ "records_per_hour": 6 }));
    let door = Door::new().await.under(&terms);
    assert_eq!(door.page_of("Observation?").await.matches.len(), 4);
    let (answer, entries) = door.recorded(search("Observation?")).await;
    assert!(matches!(answer, Err(Refusal::Stopped { .. })), "{answer:?}");
    assert_eq!(
        entries,
        [
            "fhir search-type denied: budget",
            "incident budget denied: budget"
        ]
    );
    // what fits still goes out, and the incident was raised once
    assert_eq!(door.page_of("Observation?_count=2").await.matches.len(), 2);
    let (_, entries) = door.recorded(read("Observation/anna-0")).await;
    assert_eq!(entries, ["fhir read denied: budget"]);
    door.clock.advance(Duration::from_secs(3_600));
    assert!(door.call(read("Observation/anna-0")).await.is_ok());
}

#[tokio::test]
async fn different_patients_are_counted_once_each() {
    let terms = budget(&serde_json::json!({ "patients_per_day": 1 }));
    let door = Door::new()
        .await
        .with("user/Observation.rs")
        .without_patient()
        .under(&terms);
    for _ in 0..3 {
        assert!(door.call(read("Observation/anna-0")).await.is_ok());
    }
    let refused = door.call(read("Observation/tom-0")).await;
    assert!(
        matches!(refused, Err(Refusal::Stopped { .. })),
        "{refused:?}"
    );
    assert!(door.call(read("Observation/anna-1")).await.is_ok());
    door.clock.advance(Duration::from_secs(24 * 3_600));
    assert!(door.call(read("Observation/tom-0")).await.is_ok());
}

#[tokio::test]
async fn a_restart_does_not_fill_a_daily_budget_again() {
    let terms = budget(&serde_json::json!({ "records_per_day": 3, "patients_per_day": 1 }));
    let mut door = Door::new()
        .await
        .with("user/Observation.rs")
        .without_patient()
        .under(&terms);
    for _ in 0..2 {
        assert!(door.call(read("Observation/anna-0")).await.is_ok());
    }
    door.restart_gateway();
    assert!(door.call(read("Observation/tom-0")).await.is_err());
    assert!(door.call(read("Observation/anna-0")).await.is_ok());
    assert!(door.call(read("Observation/anna-0")).await.is_err());
}

#[tokio::test]
async fn what_a_tenant_sets_holds_for_users_over_all_apps_but_not_for_its_own_pages() {
    let mut door = Door::new().await;
    let mut per_user = glovebox_policy::Budget::default();
    assert!(per_user.set("records_per_day", 2));
    door.tenant_budgets = HashMap::from([(
        main_tenant(),
        glovebox_policy::TenantBudgets {
            per_user,
            ..Default::default()
        },
    )]);
    door.restart_gateway();
    assert!(door.call(read("Observation/anna-0")).await.is_ok());
    let mut other = door.session();
    other.subject.app = Some("med-check".parse().unwrap());
    let call = |session: Session| {
        let door = &door;
        async move {
            let pass = door.pass();
            let answer = door
                .gateway
                .execute(&session, &pass, read("Observation/anna-0"));
            answer.await.is_ok()
        }
    };
    assert!(call(other.clone()).await);
    assert!(!call(other).await);
    let viewer = crate::Viewer {
        tenant: main_tenant(),
        user: okafor(),
    };
    let page = door.gateway.chart_patient(&viewer, &patient("anna")).await;
    assert!(page.is_ok());
}
