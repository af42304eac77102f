//! Where a key stands in the file.

use toml::de::{DeTable, DeValue};

/// The line, from 1, of a key such as `listen.address`; of the nearest table around it
/// where it stands in a list. `None` if it is not in the text.
pub fn line_of(text: &str, key: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let offset = offset_of(table.get_ref(), key)?;
    Some(
        1 + text
            .bytes()
            .take(offset)
            .filter(|byte| *byte == b'\n')
            .count(),
    )
}

fn offset_of(table: &DeTable<'_>, key: &str) -> Option<usize> {
    let (head, rest) = key.split_once('.').unwrap_or((key, ""));
    let value = table.get(head)?;
    match value.get_ref() {
        DeValue::Table(inner) if !rest.is_empty() => {
            offset_of(inner, rest).or(Some(value.span().start))
        }
        _ => Some(value.span().start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_on_its_line_or_that_of_its_table() {
        let text = "data_dir = \"x\"\n\n[listen]\naddress = \"1\"\n\n[apps.limits]\nrows_max = 1\n";
        for (key, line) in [
            ("data_dir", Some(1)),
            ("listen.address", Some(4)),
            ("listen.base_url", Some(3)),
            ("apps.limits", Some(6)),
            ("database.url", None),
        ] {
            assert_eq!(line_of(text, key), line, "{key}");
        }
    }
}
