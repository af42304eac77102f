//! An unknown key is answered with the nearest known one.

/// Turns serde's list of expected fields into a suggestion.
pub(super) fn explain(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let Some(position) = message.find("unknown field") else {
        return message.to_owned();
    };
    // serde says: unknown field `x`, expected one of `a`, `b`. Text before it may hold quotes
    // of the file itself, so the names are looked for behind the words.
    let behind = message.get(position..).unwrap_or_default();
    let mut names = behind.split('`').skip(1).step_by(2);
    let unknown = names.next().unwrap_or_default();
    let nearest = names.max_by(|a, b| {
        let near = |name: &str| strsim::jaro_winkler(unknown, name);
        near(a).total_cmp(&near(b))
    });
    match nearest.or_else(|| quoted.last().copied()) {
        Some(nearest) => format!(
            "{}\nthe nearest known key is `{nearest}`",
            message.trim_end()
        ),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_known_one() {
        let error = Config::parse("[listen]\nadress = \"127.0.0.1:1\"\n").unwrap_err();
        assert!(error.contains("line 2"), "{error}");
        assert!(
            error.contains("the nearest known key is `address`"),
            "{error}"
        );
        assert!(Config::parse("").is_ok());
    }
}
