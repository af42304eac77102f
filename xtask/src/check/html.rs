//! Just enough HTML to find forms, links and tables in our own pages.

/// A start or end tag, and the text that follows it up to the next tag.
#[derive(Clone, Debug)]
pub(super) struct Tag<'a> {
    /// Lower case, with a slash in front for an end tag.
    pub(super) name: String,
    attributes: &'a str,
    /// Not decoded.
    text: &'a str,
}

/// Every tag of a page, in order. Comments and declarations are tags with odd names.
pub(super) fn tags(html: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut rest = html;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once('<')?;
        let end = tag_end(after)?;
        let (inside, after) = (after.get(..end)?, after.get(end + 1..)?);
        let text = after.find('<').and_then(|next| after.get(..next));
        rest = after;
        let split = inside
            .find(|c: char| c.is_ascii_whitespace())
            .unwrap_or(inside.len());
        let (name, attributes) = inside.split_at(split);
        Some(Tag {
            name: name.trim_end_matches('/').to_ascii_lowercase(),
            attributes,
            text: text.unwrap_or(after),
        })
    })
}

/// The first `>` that is not in a quoted value.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    text.char_indices().find_map(|(at, c)| {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, '>') => return Some(at),
            _ => {}
        }
        None
    })
}

impl Tag<'_> {
    /// An attribute's value; empty if it has none.
    pub(super) fn attribute(&self, wanted: &str) -> Option<String> {
        let mut rest = self.attributes.trim_start();
        while !rest.is_empty() {
            let end = rest.find(|c: char| c == '=' || c.is_ascii_whitespace());
            let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
            let (value, after) = match after.trim_start().strip_prefix('=') {
                Some(after) => value(after.trim_start()),
                None => ("", after),
            };
            if name.eq_ignore_ascii_case(wanted) {
                return Some(decode(value));
            }
            rest = after.trim_start();
        }
        None
    }
}

fn value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inside) = text.strip_prefix(quote) {
            return inside.split_once(quote).unwrap_or((inside, ""));
        }
    }
    let end = text.find(|c: char| c.is_ascii_whitespace());
    text.split_at(end.unwrap_or(text.len()))
}

/// Rows of every table, as the text of their cells.
pub(super) fn rows(html: &str) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut in_cell = false;
    for tag in tags(html) {
        match tag.name.as_str() {
            "tr" => rows.push(Vec::new()),
            "td" | "th" => {
                if let Some(row) = rows.last_mut() {
                    row.push(String::new());
                }
                in_cell = true;
            }
            "/td" | "/th" | "/tr" => in_cell = false,
            _ => {}
        }
        if in_cell && let Some(cell) = rows.last_mut().and_then(|row| row.last_mut()) {
            cell.push_str(&decode(tag.text));
        }
    }
    for cell in rows.iter_mut().flatten() {
        *cell = cell.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    rows
}

/// Replaces the character references that our pages write.
pub(super) fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let reference = after.split_once(';').and_then(|(name, after)| {
            let c = match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                _ => {
                    let digits = name.strip_prefix('#')?;
                    let number = match digits.strip_prefix(['x', 'X']) {
                        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                        None => digits.parse().ok()?,
                    };
                    char::from_u32(number)?
                }
            };
            Some((c, after))
        });
        rest = match reference {
            Some((c, after)) => {
                decoded.push(c);
                after
            }
            None => {
                decoded.push('&');
                after
            }
        };
    }
    decoded.push_str(rest);
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_however_they_are_written() {
        let html = r#"<!DOCTYPE html><input TYPE=hidden name = "a&amp;b" value='x > y' checked/>"#;
        let tag = tags(html).nth(1).unwrap();
        assert_eq!(tag.name, "input");
        for (name, expected) in [
            ("type", Some("hidden")),
            ("name", Some("a&b")),
            ("value", Some("x > y")),
            ("checked/", Some("")),
            ("disabled", None),
        ] {
            assert_eq!(tag.attribute(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn rows_hold_the_text_of_their_cells() {
        let html = "<table><caption>x</caption><tr><th>Test</th><th>Result</th></tr>\
            <tr><td><button>Hemoglobin <b>A1c</b></button></td><td><span>7.0</span> <i>%</i></td></tr></table>after";
        assert_eq!(
            rows(html),
            [vec!["Test", "Result"], vec!["Hemoglobin A1c", "7.0 %"]]
        );
    }

    #[test]
    fn character_references_are_decoded_once() {
        for (text, expected) in [
            ("a &lt;b&gt; &amp;amp; &quot;", "a <b> &amp; \""),
            ("&#39;&#x2265;", "'≥"),
            ("AT&T; & &#xffffffff;", "AT&T; & &#xffffffff;"),
        ] {
            assert_eq!(decode(text), expected);
        }
    }
}
