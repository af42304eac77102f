//! What this version does not know: `{kind, body, fallback}`. Only `fallback` is shown.

use serde_json::Value;

/// The fallback text, or a sentence of ours where there is none.
pub(super) fn fallback(json: &str) -> String {
    let fallback = serde_json::from_str::<Value>(json)
        .ok()
        .and_then(|value| value.get("fallback")?.as_str().map(str::to_owned));
    fallback.unwrap_or_else(|| "This part needs a newer version of Glovebox.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fallback_text_is_shown_and_nothing_else() {
        let known = r#"{"kind":"map","body":{"fallback":"inner"},"fallback":"A map of the ward"}"#;
        assert_eq!(fallback(known), "A map of the ward");
        for bad in [
            "",
            "not json",
            "[]",
            r#"{"fallback":3}"#,
            r#"{"kind":"map"}"#,
        ] {
            assert_eq!(
                fallback(bad),
                "This part needs a newer version of Glovebox.",
                "{bad}"
            );
        }
    }
}
