//! One field of a form: label, control, hint, problem.

use glovebox_model::view::{Field, FieldKind};
use maud::{Markup, html};

use crate::text::shown;

use super::{Entered, VALUE_PREFIX, other};

/// `id` is unique on the page. Values are written as they are, not cleaned: what the user
/// does not change must come back as the app gave it.
pub(super) fn field(id: &str, field: &Field, entered: Option<&Entered>) -> Markup {
    let typed = entered.map(|entered| {
        let value = entered.values.iter().find(|(name, _)| *name == field.name);
        value.map_or("", |(_, value)| value.as_str())
    });
    let value = typed.unwrap_or(&field.value);
    let hint = hint(field);
    let described = described_by(id, hint.is_some(), field.problem.is_some());
    let control = control(id, field, value, described.as_deref());
    let below = html! {
        @if let Some(hint) = &hint { p class="hint" id={ (id) "-hint" } dir="auto" { (shown(hint)) } }
        @if let Some(problem) = &field.problem {
            p class="problem" id={ (id) "-problem" } dir="auto" { span class="sr" { "Problem: " } (shown(problem)) }
        }
    };
    let label = html! {
        label for=(id) dir="auto" {
            (shown(&field.label))
            @if !field.required && !matches!(field.kind, FieldKind::Checkbox) { span class="muted" { " (optional)" } }
        }
    };
    if let FieldKind::Checkbox = field.kind {
        html! { div class="field check" { div class="check-line" { (control) (label) } (below) } }
    } else {
        html! { div class="field" { (label) (control) (below) } }
    }
}

/// Whether the field is low enough to stand in one line with a button.
pub(super) fn is_slim(field: &Field) -> bool {
    let low = matches!(
        field.kind,
        FieldKind::Select(_) | FieldKind::Date | FieldKind::Checkbox
    );
    low && field.hint.is_none() && field.problem.is_none()
}

fn control(id: &str, field: &Field, value: &str, described: Option<&str>) -> Markup {
    let name = format!("{VALUE_PREFIX}{}", field.name);
    let required = field.required;
    let invalid = field.problem.is_some().then_some("true");
    match &field.kind {
        FieldKind::Multiline(max) => html! {
            textarea id=(id) name=(name) rows="4" maxlength=[*max] required[required] dir="auto"
                aria-describedby=[described] aria-invalid=[invalid] { "\n" (value) }
        },
        FieldKind::Checkbox => html! {
            input type="checkbox" id=(id) name=(name) value="true" checked[matches!(value, "true" | "on")]
                aria-describedby=[described] aria-invalid=[invalid];
        },
        FieldKind::Select(choices) => html! {
            select id=(id) name=(name) required[required] aria-describedby=[described] aria-invalid=[invalid] {
                @if !choices.iter().any(|choice| choice.value == value) {
                    option value="" selected { @if required { "Please choose" } @else { "–" } }
                }
                @for choice in choices {
                    option value=(choice.value) selected[choice.value == value] { (shown(&choice.label)) }
                }
            }
        },
        FieldKind::Date => html! {
            input type="date" id=(id) name=(name) value=(value) required[required]
                aria-describedby=[described] aria-invalid=[invalid];
        },
        // Not `type=number`: there a turn of the mouse wheel changes a dose unnoticed, and
        // the browser rewrites how a decimal was spelled.
        FieldKind::Number(..) => html! {
            input type="text" inputmode="decimal" id=(id) name=(name) value=(value) required[required]
                class="short figures" autocomplete="off" aria-describedby=[described] aria-invalid=[invalid];
        },
        FieldKind::Text(_) | FieldKind::Other(_) => {
            let max = match field.kind {
                FieldKind::Text(max) => max,
                _ => None,
            };
            html! {
                input type="text" id=(id) name=(name) value=(value) maxlength=[max] required[required]
                    autocomplete="off" dir="auto" aria-describedby=[described] aria-invalid=[invalid];
            }
        }
    }
}

/// The app's hint, and what the bounds of a number are.
fn hint(field: &Field) -> Option<String> {
    let ours = match &field.kind {
        FieldKind::Number(Some(low), Some(high)) => Some(format!("From {low} to {high}.")),
        FieldKind::Number(Some(low), None) => Some(format!("At least {low}.")),
        FieldKind::Number(None, Some(high)) => Some(format!("At most {high}.")),
        FieldKind::Other(json) => Some(other::fallback(json)),
        _ => None,
    };
    match (&field.hint, ours) {
        (Some(hint), Some(ours)) => Some(format!("{hint} {ours}")),
        (Some(hint), None) => Some(hint.clone()),
        (None, ours) => ours,
    }
}

fn described_by(id: &str, hint: bool, problem: bool) -> Option<String> {
    let ids: Vec<String> = [("hint", hint), ("problem", problem)]
        .into_iter()
        .filter(|(_, there)| *there)
        .map(|(part, _)| format!("{id}-{part}"))
        .collect();
    (!ids.is_empty()).then(|| ids.join(" "))
}
