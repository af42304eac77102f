//! `glovebox-app.toml`: the manifest as its author writes it.

use glovebox_model::manifest::{BYTES_MAX, InvalidManifest, Manifest, Written};
use toml::de::{DeTable, DeValue};

use crate::error::PackageError;

/// Name of the manifest's file, beside the app's `Cargo.toml`.
pub const MANIFEST_FILE: &str = "glovebox-app.toml";

/// Reads a manifest; unknown keys are refused, and errors name the line.
pub fn manifest_toml(text: &str) -> Result<Manifest, PackageError> {
    if text.len() > BYTES_MAX {
        return Err(PackageError::ManifestTooLarge { bytes: text.len() });
    }
    let written: Written = toml::from_str(text)
        .map_err(|problem| PackageError::ManifestSyntax(problem.to_string()))?;
    Manifest::check(&written).map_err(|problem| PackageError::ManifestValue {
        line: line_of(text, &problem),
        problem,
    })
}

/// The line of the field that `problem` names, such as `scopes[1].why`.
fn line_of(text: &str, problem: &InvalidManifest) -> usize {
    let offset = DeTable::parse(text)
        .ok()
        .and_then(|table| offset_of(table.get_ref(), &problem.field))
        .unwrap_or(0);
    1 + text
        .bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
}

fn offset_of(table: &DeTable<'_>, path: &str) -> Option<usize> {
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    let (key, position) = match head.split_once('[') {
        Some((key, position)) => (key, position.trim_end_matches(']').parse::<usize>().ok()),
        None => (head, None),
    };
    let mut value = table.get(key)?;
    if let Some(position) = position {
        value = value.get_ref().as_array()?.get(position)?;
    }
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

    const GOOD: &str = r#"id = "lab-viewer"
name = "Lab Viewer"
purpose = "Shows results"
publisher = "northlake-health"
publisher_name = "Northlake Health"
version = "1.0.0"
category = "results"
security_contact = "mailto:security@northlake.example"

[[scopes]]
scope = "patient/Patient.r"
why = "For the name"

[[scopes]]
scope = "patient/Observation.rs"
why = "For the trend"

[limits]
wall_ms_max = 500
"#;

    #[test]
    fn a_good_file_becomes_a_manifest() {
        let manifest = manifest_toml(GOOD).unwrap();
        assert_eq!(manifest.id.as_str(), "lab-viewer");
        assert_eq!(manifest.scopes.len(), 2);
        assert_eq!(manifest.limits["wall_ms_max"], 500);
    }

    #[test]
    fn a_wrong_value_names_its_line() {
        for (from, to, line, word) in [
            ("\"1.0.0\"", "\"1\"", 6, "version"),
            ("lab-viewer", "Lab", 1, "`id`"),
            (
                "patient/Observation.rs",
                "system/Observation.rs",
                15,
                "scopes[1].scope",
            ),
            ("For the name", " ", 12, "scopes[0].why"),
            ("wall_ms_max", "wall", 19, "limits.wall"),
        ] {
            let text = manifest_toml(&GOOD.replace(from, to))
                .unwrap_err()
                .to_string();
            assert!(text.contains(&format!("line {line}:")), "{text}");
            assert!(text.contains(word), "{text}");
        }
    }

    #[test]
    fn unknown_missing_and_broken_keys_name_their_line() {
        for (from, to, line, word) in [
            ("category", "categroy", "line 7", "unknown field `categroy`"),
            ("[limits]", "[limits", "line 18", "limits"),
            (
                "why = \"For the name\"\n",
                "",
                "line 10",
                "missing field `why`",
            ),
            ("500", "-1", "line 19", "-1"),
        ] {
            let text = manifest_toml(&GOOD.replace(from, to))
                .unwrap_err()
                .to_string();
            assert!(text.contains(line) && text.contains(word), "{text}");
        }
    }
}
