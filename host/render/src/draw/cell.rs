//! One value in a table or a fact.

use glovebox_model::view::Cell;
use maud::{Markup, html};

use crate::moment::moment;
use crate::parts::badge;
use crate::text::shown;

use super::{button, other};

pub(super) fn cell(cell: &Cell) -> Markup {
    match cell {
        Cell::Text(text) => html! { span dir="auto" { (shown(text)) } },
        Cell::Quantity(value, unit) => html! {
            span class="quantity" {
                span class="figures" { (shown(value)) }
                @if !unit.is_empty() { " " span class="unit" { (shown(unit)) } }
            }
        },
        Cell::Date(text) => html! { span class="figures nowrap" { (moment(text)) } },
        Cell::Badge(text, tone) => badge(text, *tone),
        Cell::Action(action) => button(action, "small"),
        Cell::Other(json) => html! { span dir="auto" { (shown(&other::fallback(json))) } },
    }
}

pub(super) fn is_action(cell: &Cell) -> bool {
    matches!(cell, Cell::Action(_))
}
