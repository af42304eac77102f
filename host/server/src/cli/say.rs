//! What the terminal shows: answers on stdout, the rest on stderr, colour and bars only
//! where somebody looks.

use std::io::{IsTerminal as _, Write as _};

use comfy_table::{Cell, Table};
use indicatif::{ProgressBar, ProgressStyle};

/// Prints a line of the answer. A reader that went away (`| head`) is no error.
pub(crate) fn answer(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints a JSON value of the answer, for programs.
pub(crate) fn json(value: &serde_json::Value) {
    answer(&format!("{value:#}"));
}

/// Prints a line that is not the answer.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints what went wrong.
pub(crate) fn error(text: &str) {
    if is_coloured() {
        note(&format!("\u{1b}[1;31merror:\u{1b}[0m {text}"));
    } else {
        note(&format!("error: {text}"));
    }
}

/// Whether stderr shows colours: a terminal, and nobody asked for none (no-color.org).
pub(crate) fn is_coloured() -> bool {
    std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A table with a header, as wide as the terminal, without lines.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_header(header.map(|name| Cell::new(name.to_uppercase())));
    for row in rows {
        table.add_row(row.map(|text| plain(&text)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let text = table.to_string();
    answer(
        text.lines()
            .map(str::trim_end)
            .collect::<Vec<_>>()
            .join("\n")
            .as_str(),
    );
}

/// Text from elsewhere on a terminal: no control characters, which could move the cursor.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// A bar that counts; invisible where stderr is no terminal.
pub(crate) fn bar(label: &str, total: u64) -> ProgressBar {
    styled(
        ProgressBar::new(total),
        "{msg:<28} {bar:30} {human_pos}/{human_len}  {eta}",
    )
    .with_message(label.to_owned())
}

/// A bar that counts bytes.
pub(crate) fn bytes_bar(label: &str, total: u64) -> ProgressBar {
    let template = "{msg:<28} {bar:30} {bytes}/{total_bytes}  {eta}";
    styled(ProgressBar::new(total), template).with_message(label.to_owned())
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
