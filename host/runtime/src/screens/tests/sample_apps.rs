//! The sample apps as they are built, where they are: `cargo xtask guests` makes them.

use super::*;
use glovebox_model::scope::ScopeSet;
use glovebox_model::view::{Cell, Node};

fn guest(name: &str) -> Option<Vec<u8>> {
    let path = format!(
        "{}/../../target/guests/{name}.wasm",
        env!("CARGO_MANIFEST_DIR")
    );
    let bytes = std::fs::read(path).ok();
    if bytes.is_none() {
        println!("SKIPPED: {name} is not built, run `cargo xtask guests`");
    }
    bytes
}

async fn launch(house: &House, component: &[u8]) -> ScreenLaunch {
    let mut launch = house.launch(component).await;
    launch.session.scopes = ScopeSet::parse("patient/Patient.rs patient/Observation.rs").unwrap();
    launch
}

#[tokio::test]
async fn spin_forever_is_stopped_and_the_next_app_runs() {
    let Some(component) = guest("spin-forever") else {
        return;
    };
    let house = House::new().await;
    let ended = timeout(PATIENCE, house.open(&component))
        .await
        .unwrap()
        .unwrap_err();
    assert!(
        matches!(
            ended,
            RunError::CpuBudgetExceeded | RunError::DeadlineExceeded
        ),
        "{ended}"
    );
    assert!(house.open(&Guest::default().build()).await.is_ok());
}

#[tokio::test]
async fn peek_neighbour_learns_nothing() {
    let Some(component) = guest("peek-neighbour") else {
        return;
    };
    let house = House::new().await;
    house.admit(&["anna-rossi", "james-miller"], 3).await;
    let shown = house
        .screens
        .open(launch(&house, &component).await)
        .await
        .unwrap();
    let learned: Vec<Vec<(String, Cell)>> = shown
        .document
        .document()
        .nodes
        .iter()
        .filter_map(|node| match node {
            Node::Facts(facts) => Some(facts.clone()),
            _ => None,
        })
        .collect();
    let [own, neighbour, made_up] = learned.as_slice() else {
        panic!("{learned:?}")
    };
    assert!(
        matches!(&own[0].1, Cell::Badge(text, _) if text == "ok"),
        "its own patient does not read: {own:?}"
    );
    assert_eq!(neighbour, made_up);
    assert!(
        house
            .entries("fhir")
            .iter()
            .any(|entry| entry == "read denied: compartment")
    );
    assert!(
        house
            .entries("fhir")
            .iter()
            .any(|entry| entry == "read not-found")
    );
}

#[tokio::test]
async fn the_lab_viewer_draws_results() {
    let Some(component) = guest("lab-viewer") else {
        return;
    };
    let house = House::new().await;
    house.admit(&["anna-rossi"], 60).await;
    let shown = house
        .screens
        .open(launch(&house, &component).await)
        .await
        .unwrap();
    let nodes = format!("{:?}", shown.document.document().nodes);
    assert!(nodes.contains("Creatinine"), "{nodes}");
    assert!(shown.usage.rows >= 50, "{:?}", shown.usage);
}

/// Prints what a screen of the lab viewer costs; run with `--ignored --nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a check"]
async fn measure_the_lab_viewer() {
    let Some(component) = guest("lab-viewer") else {
        return;
    };
    let house = House::new().await;
    house.admit(&["anna-rossi"], 50).await;
    let mut times = Vec::new();
    for _ in 0..200 {
        let launch = launch(&house, &component).await;
        let start = Instant::now();
        let shown = house.screens.open(launch).await.unwrap();
        times.push((start.elapsed(), shown.usage));
    }
    times.sort_by_key(|(time, _)| *time);
    println!(
        "lab-viewer open: median {:?} {:?}",
        times[100].0, times[100].1
    );
}
