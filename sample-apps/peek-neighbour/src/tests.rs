use glovebox_sdk::json;
use glovebox_sdk::mock::Host;
use glovebox_sdk::view::{Cell, Node};

use super::*;

#[test]
fn its_own_patient_reads_and_the_neighbour_looks_like_nobody() {
    let patient = |id: &str| json!({"resourceType": "Patient", "id": id});
    let screen = Host::new("anna")
        .with_resources([patient("anna"), patient(NEIGHBOUR)])
        .run::<PeekNeighbour>()
        .open()
        .unwrap();
    let facts: Vec<Vec<String>> = screen
        .document()
        .nodes
        .iter()
        .filter_map(|node| match node {
            Node::Facts(facts) => Some(facts.iter().map(|(_, cell)| words(cell)).collect()),
            _ => None,
        })
        .collect();
    assert_eq!(facts[0][0], "ok");
    assert_eq!(facts[1][0], "not found");
    assert_eq!(facts[1], facts[2]);
}

fn words(cell: &Cell) -> String {
    match cell {
        Cell::Badge((text, _)) => text.clone(),
        other => panic!("{other:?}"),
    }
}
