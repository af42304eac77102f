//! Text as a search sees it: no case, no accents, white space folded.

use super::TextMode;

/// Lower case, common Latin accents removed, white space folded to single blanks.
pub(crate) fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = false;
    for c in text.chars() {
        if c.is_whitespace() {
            blank = !out.is_empty();
            continue;
        }
        // Combining marks: the accents of decomposed text.
        if ('\u{300}'..='\u{36f}').contains(&c) {
            continue;
        }
        if blank {
            out.push(' ');
            blank = false;
        }
        if c.is_ascii() {
            out.push(c.to_ascii_lowercase());
        } else {
            for lower in c.to_lowercase() {
                match plain(lower) {
                    Some(letters) => out.push_str(letters),
                    None if ('\u{300}'..='\u{36f}').contains(&lower) => {}
                    None => out.push(lower),
                }
            }
        }
    }
    out
}

/// The base letters of an accented lower-case Latin letter.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

/// `wanted` is already normalised unless the mode is exact.
pub(super) fn matches(mode: TextMode, wanted: &str, normalised: &str, original: &str) -> bool {
    match mode {
        TextMode::StartsWith => normalised.starts_with(wanted),
        TextMode::Contains => normalised.contains(wanted),
        TextMode::Exact => original == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_spacing_do_not_count() {
        for (text, expected) in [
            ("Müller", "muller"),
            ("  José\tÁngel  ", "jose angel"),
            ("Jose\u{301}", "jose"),
            ("STRASSE Straße", "strasse strasse"),
            ("Øystein Łukasz İpek", "oystein lukasz ipek"),
            ("李", "李"),
            ("", ""),
        ] {
            assert_eq!(normalise(text), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in ".*") {
            let once = normalise(&text);
            proptest::prop_assert_eq!(normalise(&once), once);
        }
    }
}
