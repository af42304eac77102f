use super::*;

fn everything() -> Document {
    let action = || Action {
        id: "go".into(),
        label: "Go".into(),
        tone: Tone::Good,
    };
    let field = |name: &str, kind| Field {
        name: name.into(),
        label: "Label".into(),
        hint: Some("hint".into()),
        kind,
        value: "1".into(),
        required: true,
        problem: None,
    };
    let cells = vec![
        Cell::Text("ü".into()),
        Cell::Quantity("1.50".into(), "mmol/L".into()),
        Cell::Date("2026-11".into()),
        Cell::Badge("H".into(), Tone::Danger),
        Cell::Action(action()),
        Cell::Other("{}".into()),
    ];
    let columns = (0..cells.len())
        .map(|_| Column {
            label: "c".into(),
            numeric: false,
        })
        .collect();
    let kinds = vec![
        FieldKind::Text(Some(3)),
        FieldKind::Multiline(None),
        FieldKind::Number(Some("0".into()), None),
        FieldKind::Date,
        FieldKind::Checkbox,
        FieldKind::Select(vec![Choice {
            value: "a".into(),
            label: "A".into(),
        }]),
        FieldKind::Other("{}".into()),
    ];
    let fields = kinds
        .into_iter()
        .enumerate()
        .map(|(n, kind)| field(&n.to_string(), kind))
        .collect();
    let point = Point {
        at: "2026-01-01".into(),
        value: "-1e2".into(),
        flag: Some("H".into()),
    };
    Document {
        title: "All".into(),
        nodes: vec![
            Node::Heading("h".into()),
            Node::Paragraph("p".into()),
            Node::Facts(
                cells
                    .iter()
                    .cloned()
                    .map(|cell| ("l".into(), cell))
                    .collect(),
            ),
            Node::Table(Table {
                caption: "t".into(),
                columns,
                rows: vec![cells],
            }),
            Node::Chart(Chart {
                title: "c".into(),
                unit: "u".into(),
                series: vec![Series {
                    label: "s".into(),
                    points: vec![point],
                }],
                low: Some("1".into()),
                high: None,
            }),
            Node::Alert(Tone::Caution, "a".into()),
            Node::Actions(vec![action()]),
            Node::Form(Form {
                submit: action(),
                fields,
            }),
            Node::Section("s".into(), vec![9]),
            Node::Columns(vec![10]),
            Node::Details("d".into(), vec![11]),
            Node::Divider,
            Node::Other("{}".into()),
        ],
        root: vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 12],
        extras: vec![("k".into(), "v".into())],
    }
}

#[test]
fn every_kind_of_node_reads_back_the_same() {
    let document = everything();
    let mut bytes = Vec::new();
    document.put(&mut bytes);
    let mut input = bytes.as_slice();
    assert_eq!(Document::take(&mut input).as_ref(), Some(&document));
    assert!(input.is_empty());
}

#[test]
fn cut_or_senseless_bytes_are_no_document() {
    let mut bytes = Vec::new();
    everything().put(&mut bytes);
    for len in 0..bytes.len() {
        assert_eq!(Document::take(&mut &bytes[..len]), None, "{len}");
    }
    assert_eq!(Vec::<String>::take(&mut [0xff_u8; 8].as_slice()), None);
    assert_eq!(bool::take(&mut [2_u8].as_slice()), None);
    assert_eq!(Tone::take(&mut [9_u8].as_slice()), None);
}
