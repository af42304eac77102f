use super::*;

#[test]
fn children_come_after_their_parents_and_are_used_once() {
    let mut view = View::new("t");
    view.heading("top").section("outer", |view| {
        view.paragraph("first").columns(|view| {
            view.paragraph("left")
                .details("right", |view| {
                    view.divider();
                })
                .alert(Tone::Caution, "third");
        });
        view.paragraph("last");
    });
    view.paragraph("end");
    let document = view.into_document();
    assert_eq!(document.root, [0, 1, 9]);
    let Node::Section((_, outer)) = &document.nodes[1] else {
        panic!()
    };
    assert_eq!(outer, &[2, 3, 8]);
    let Node::Columns(columns) = &document.nodes[3] else {
        panic!()
    };
    assert_eq!(columns, &[4, 5, 7]);
}

#[test]
fn a_row_always_has_one_cell_per_column() {
    let mut table = Table::new("t").column("a").numeric("b");
    table
        .row([Cell::text("1")])
        .row([Cell::text("1"), Cell::quantity("2", ""), Cell::text("3")]);
    assert!(table.rows.iter().all(|row| row.len() == 2));
}
