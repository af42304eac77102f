//! Tables: a visible caption, column heads, numbers to the right.

use glovebox_model::view::{NodeId, Table};
use maud::{Markup, html};

use crate::text::shown;

use super::{Pen, cell};

/// The table, in one form when any cell has an action.
pub(super) fn table(pen: &Pen<'_>, id: NodeId, table: &Table) -> Markup {
    let caption_id = format!("t{id}");
    let class = |numeric: bool| numeric.then_some("numeric");
    let drawn = html! {
        div class="table-wrap" role="region" aria-labelledby=(caption_id) tabindex="0" {
            table class="data" {
                caption id=(caption_id) dir="auto" { (shown(&table.caption)) }
                thead { tr { @for column in &table.columns {
                    th scope="col" class=[class(column.numeric)] dir="auto" { (shown(&column.label)) }
                } } }
                tbody {
                    @for row in &table.rows {
                        tr { @for (column, value) in table.columns.iter().zip(row) {
                            td class=[class(column.numeric)] { (cell::cell(value)) }
                        } }
                    }
                    @if table.rows.is_empty() {
                        tr { td colspan=(table.columns.len()) class="muted" { "Nothing to show" } }
                    }
                }
            }
        }
    };
    if table.rows.iter().flatten().any(cell::is_action) {
        pen.event_form("", &drawn)
    } else {
        drawn
    }
}
