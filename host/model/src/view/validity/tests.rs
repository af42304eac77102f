use super::super::*;
use super::*;

fn document(nodes: Vec<Node>, root: Vec<u32>) -> Document {
    Document {
        title: "Results".into(),
        nodes,
        root,
        extras: Vec::new(),
    }
}

fn button(id: &str) -> Action {
    Action {
        id: id.into(),
        label: "Go".into(),
        tone: Tone::Neutral,
    }
}

fn refused(nodes: Vec<Node>, root: Vec<u32>) -> InvalidDocument {
    document(nodes, root).validate(1 << 18).unwrap_err()
}

#[test]
fn a_tree_of_sections_is_accepted() {
    let nodes = vec![
        Node::Section("Blood".into(), vec![1, 2]),
        Node::Paragraph("All well".into()),
        Node::Columns(vec![3]),
        Node::Divider,
    ];
    assert!(document(nodes, vec![0]).validate(1 << 18).is_ok());
}

#[test]
fn each_broken_tree_is_refused_for_its_own_reason() {
    let section = |children: &[u32]| Node::Section("s".into(), children.to_vec());
    assert_eq!(refused(vec![], vec![0]), InvalidDocument::NoSuchNode(0));
    assert_eq!(
        refused(vec![section(&[9])], vec![0]),
        InvalidDocument::NoSuchNode(9)
    );
    assert_eq!(
        refused(vec![section(&[0])], vec![0]),
        InvalidDocument::ChildBeforeParent {
            parent: 0,
            child: 0
        }
    );
    assert_eq!(
        refused(vec![section(&[1]), Node::Divider], vec![0, 1]),
        InvalidDocument::UsedTwice(1)
    );
    assert_eq!(
        refused(vec![Node::Divider, Node::Divider], vec![0]),
        InvalidDocument::Unused(1)
    );
    let deep: Vec<Node> = (1..=40)
        .map(|child| section(&[child]))
        .chain([Node::Divider])
        .collect();
    assert_eq!(refused(deep, vec![0]), InvalidDocument::TooDeep);
    let wide = vec![Node::Divider; NODES_MAX + 1];
    assert_eq!(
        refused(wide, vec![0]),
        InvalidDocument::TooManyNodes(NODES_MAX + 1)
    );
}

#[test]
fn each_bad_value_is_refused_for_its_own_reason() {
    assert_eq!(
        refused(vec![Node::Actions(vec![button("a"), button("a")])], vec![0]),
        InvalidDocument::DuplicateAction("a".into())
    );
    assert_eq!(
        refused(vec![Node::Actions(vec![button("")])], vec![0]),
        InvalidDocument::BadName
    );
    let table = Table {
        caption: "t".into(),
        columns: vec![],
        rows: vec![],
    };
    assert_eq!(
        refused(vec![Node::Table(table)], vec![0]),
        InvalidDocument::RaggedTable("t".into())
    );
    for number in ["", "1.", ".5", "NaN", "1e99999", "0x10", "+1", "1 "] {
        let facts = Node::Facts(vec![(
            "x".into(),
            Cell::Quantity(number.into(), "g".into()),
        )]);
        assert_eq!(
            refused(vec![facts], vec![0]),
            InvalidDocument::BadDecimal(number.into())
        );
    }
    let big = document(vec![Node::Paragraph("x".repeat(300))], vec![0]);
    assert!(matches!(
        big.validate(200),
        Err(InvalidDocument::TooLarge { .. })
    ));
}
