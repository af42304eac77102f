//! Small line drawings. They never carry meaning alone: text stands beside each.

use maud::{Markup, PreEscaped, html};

#[derive(Clone, Copy)]
pub(crate) enum Icon {
    Search,
    Shield,
    Close,
    Refresh,
    Chevron,
    Info,
    Caution,
    Danger,
    Good,
    Lock,
    App,
}

/// An icon of one em, hidden from screen readers.
pub(crate) fn icon(icon: Icon) -> Markup {
    let strokes = match icon {
        Icon::Search => r#"<circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 3.5 3.5"/>"#,
        Icon::Shield => {
            r#"<path d="M8 1.8 13 3.6v4c0 3.2-2 5.4-5 6.6-3-1.2-5-3.4-5-6.6v-4z"/><path d="m5.8 7.9 1.6 1.6 2.9-3"/>"#
        }
        Icon::Close => r#"<path d="m4 4 8 8m0-8-8 8"/>"#,
        Icon::Refresh => r#"<path d="M13 8a5 5 0 1 1-1.5-3.6"/><path d="M13.2 2v3h-3"/>"#,
        Icon::Chevron => r#"<path d="m4.5 6.5 3.5 3.5 3.5-3.5"/>"#,
        Icon::Info => r#"<circle cx="8" cy="8" r="6"/><path d="M8 7.4v3.4M8 5.1v.1"/>"#,
        Icon::Caution => r#"<path d="M8 2.2 14.2 13H1.8z"/><path d="M8 6.4v3.2M8 11.4v.1"/>"#,
        Icon::Danger => {
            r#"<path d="M5.4 2h5.2L14 5.4v5.2L10.6 14H5.4L2 10.6V5.4z"/><path d="M8 5v3.6M8 10.9v.1"/>"#
        }
        Icon::Good => r#"<circle cx="8" cy="8" r="6"/><path d="m5.4 8.2 1.8 1.8 3.4-3.7"/>"#,
        Icon::Lock => {
            r#"<rect x="3.5" y="7" width="9" height="6.5" rx="1.2"/><path d="M5.5 7V5a2.5 2.5 0 0 1 5 0v2"/>"#
        }
        Icon::App => {
            r#"<rect x="2.5" y="2.5" width="11" height="11" rx="2.4"/><path d="M4.8 9.4 7 6.8l1.9 2 2.3-3"/>"#
        }
    };
    html! {
        svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false" { (PreEscaped(strokes)) }
    }
}
