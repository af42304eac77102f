//! Foreign text on our pages: escaped, and unable to pretend to be other text.

use std::borrow::Cow;
use std::fmt::Write as _;

use maud::{Escaper, Render};

/// Text from outside, on its way into markup. Made by [`shown`].
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(&'a str);

/// Draws `text` escaped and [`clean`]ed.
pub fn shown(text: &(impl AsRef<str> + ?Sized)) -> Shown<'_> {
    Shown(text.as_ref())
}

impl Render for Shown<'_> {
    fn render_to(&self, buffer: &mut String) {
        // Writing into a String cannot fail.
        let _ = Escaper::new(buffer).write_str(&clean(self.0));
    }
}

/// Makes deceptive characters visible and drops marks that nobody would miss.
///
/// Control characters become their pictures (`U+0007` is shown as `␇`), text-direction
/// overrides and isolates become `�`; the harmless direction marks, byte order marks and
/// invisible tag characters are dropped. Line breaks and tabs stay. Joiners stay too:
/// Persian, Indic scripts and emoji need them.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| !matches!(fate(c), Fate::Keep)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match fate(c) {
            Fate::Keep => out.push(c),
            Fate::Drop => {}
            Fate::Show(visible) => out.push(visible),
        }
    }
    Cow::Owned(out)
}

enum Fate {
    Keep,
    Drop,
    Show(char),
}

fn fate(c: char) -> Fate {
    match c {
        '\n' | '\t' => Fate::Keep,
        '\r' => Fate::Drop,
        '\u{0}'..='\u{1f}' => {
            Fate::Show(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'))
        }
        '\u{7f}' => Fate::Show('\u{2421}'),
        '\u{80}'..='\u{9f}' => Fate::Show('\u{fffd}'),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Fate::Show('\u{fffd}'),
        '\u{2028}' | '\u{2029}' => Fate::Show('\n'),
        '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{061c}'
        | '\u{2060}'..='\u{2064}'
        | '\u{206a}'..='\u{206f}'
        | '\u{feff}' => Fate::Drop,
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => Fate::Drop,
        _ => Fate::Keep,
    }
}

/// The text, or its first `chars_max` characters and an ellipsis.
pub fn cut(text: &str, chars_max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars_max) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let mut short = text.get(..end).unwrap_or_default().to_owned();
            short.push('…');
            Cow::Owned(short)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deceptive_characters_are_shown_or_dropped_and_the_rest_stays() {
        let cases = [
            ("plain é 你好", "plain é 你好"),
            ("a\u{202e}b", "a\u{fffd}b"),
            ("a\u{2067}b", "a\u{fffd}b"),
            ("bell\u{7}", "bell\u{2407}"),
            ("nul\0", "nul\u{2400}"),
            ("del\u{7f}", "del\u{2421}"),
            ("mark\u{200f}\u{feff}", "mark"),
            ("tag\u{e0041}", "tag"),
            ("two\r\nlines\tand tab", "two\nlines\tand tab"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
        ];
        for (input, expected) in cases {
            assert_eq!(clean(input), expected, "{input:?}");
        }
    }

    #[test]
    fn markup_in_text_is_escaped() {
        assert_eq!(
            shown("<b a=\"1\">&\u{202d}").render().into_string(),
            "&lt;b a=&quot;1&quot;&gt;&amp;\u{fffd}"
        );
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(cut("éèà", 3), "éèà");
        assert_eq!(cut("éèàx", 3), "éèà…");
    }
}
