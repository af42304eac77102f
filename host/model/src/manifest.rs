//! The manifest: what an app is and what it asks for, written by its author as
//! `glovebox-app.toml` and carried inside the component as JSON in a custom section.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::scope::{Level, Scope, ScopeSet};
use crate::{AppId, PublisherId, Version};

/// Name of the component's custom section that holds the manifest as JSON.
pub const SECTION: &str = "glovebox:manifest";
/// Largest manifest that is read, in bytes.
pub const BYTES_MAX: usize = 64 << 10;

/// A manifest whose every field was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The app.
    pub id: AppId,
    /// Its name on screens, at most 60 characters.
    pub name: String,
    /// One sentence on what it is for, at most 200 characters.
    pub purpose: String,
    /// Who publishes it.
    pub publisher: PublisherId,
    /// The publisher's name on screens, at most 60 characters.
    pub publisher_name: String,
    /// This version.
    pub version: Version,
    /// What kind of app, such as `results` or `medication-safety`.
    pub category: String,
    /// Where security reports go: a `mailto:` or `https:` address.
    pub security_contact: String,
    /// What it asks to see and do, each with its reason.
    pub scopes: Vec<Justified>,
    /// Whether it asks for small private storage.
    pub storage: bool,
    /// Limits it asks for, by name; below the ceiling they lower it, above they are ignored.
    pub limits: BTreeMap<String, u64>,
}

/// A scope with the reason for which it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Justified {
    /// The scope.
    pub scope: Scope,
    /// Which action of the user needs it.
    pub why: String,
}

/// Why a manifest was refused. The text names the field and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("manifest field `{field}`: {problem}")]
pub struct InvalidManifest {
    /// Path of the field.
    pub field: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

/// The written form, for TOML and JSON alike.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// See [`Manifest::id`].
    pub id: String,
    /// See [`Manifest::name`].
    pub name: String,
    /// See [`Manifest::purpose`].
    pub purpose: String,
    /// See [`Manifest::publisher`].
    pub publisher: String,
    /// See [`Manifest::publisher_name`].
    pub publisher_name: String,
    /// See [`Manifest::version`].
    pub version: String,
    /// See [`Manifest::category`].
    pub category: String,
    /// See [`Manifest::security_contact`].
    pub security_contact: String,
    /// See [`Manifest::scopes`].
    #[serde(default)]
    pub scopes: Vec<WrittenScope>,
    /// See [`Manifest::storage`].
    #[serde(default)]
    pub storage: bool,
    /// See [`Manifest::limits`].
    #[serde(default)]
    pub limits: BTreeMap<String, u64>,
}

/// The written form of [`Justified`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenScope {
    /// The scope token.
    pub scope: String,
    /// The reason.
    pub why: String,
}

impl Manifest {
    /// Checks a written manifest.
    pub fn check(written: &Written) -> Result<Self, InvalidManifest> {
        let scopes = written
            .scopes
            .iter()
            .enumerate()
            .map(|(position, written)| check_scope(position, written))
            .collect::<Result<Vec<_>, _>>()?;
        let mut known = Limits::default();
        for (name, value) in &written.limits {
            if !known.set(name, *value) {
                return invalid(&format!("limits.{name}"), "there is no limit of that name");
            }
        }
        if !(written.security_contact.starts_with("mailto:")
            || written.security_contact.starts_with("https://"))
        {
            return invalid("security_contact", "give a mailto: or https:// address");
        }
        Ok(Self {
            id: id("id", &written.id)?,
            name: text("name", &written.name, 60)?,
            purpose: text("purpose", &written.purpose, 200)?,
            publisher: id("publisher", &written.publisher)?,
            publisher_name: text("publisher_name", &written.publisher_name, 60)?,
            version: id("version", &written.version)?,
            category: text("category", &written.category, 40)?,
            security_contact: text("security_contact", &written.security_contact, 200)?,
            scopes,
            storage: written.storage,
            limits: written.limits.clone(),
        })
    }

    /// The written form of this manifest.
    pub fn written(&self) -> Written {
        Written {
            id: self.id.to_string(),
            name: self.name.clone(),
            purpose: self.purpose.clone(),
            publisher: self.publisher.to_string(),
            publisher_name: self.publisher_name.clone(),
            version: self.version.to_string(),
            category: self.category.clone(),
            security_contact: self.security_contact.clone(),
            scopes: self
                .scopes
                .iter()
                .map(|justified| WrittenScope {
                    scope: justified.scope.to_string(),
                    why: justified.why.clone(),
                })
                .collect(),
            storage: self.storage,
            limits: self.limits.clone(),
        }
    }

    /// The scopes without their reasons.
    pub fn scope_set(&self) -> ScopeSet {
        ScopeSet::new(self.scopes.iter().map(|justified| justified.scope.clone()))
    }

    /// The limits asked for, where they are below `ceiling`.
    pub fn limits_under(&self, ceiling: &Limits) -> Limits {
        let mut asked = ceiling.clone();
        for (name, value) in &self.limits {
            asked.set(name, *value);
        }
        asked.min(ceiling)
    }
}

fn check_scope(position: usize, written: &WrittenScope) -> Result<Justified, InvalidManifest> {
    let field = format!("scopes[{position}]");
    let scope: Scope = match written.scope.parse() {
        Ok(scope) => scope,
        Err(problem) => return invalid(&format!("{field}.scope"), &format!("{problem}")),
    };
    if scope
        .as_resource()
        .is_some_and(|resource| resource.level == Level::System)
    {
        return invalid(
            &format!("{field}.scope"),
            "a hosted app acts for a user: ask for patient/ or user/ scopes",
        );
    }
    Ok(Justified {
        scope,
        why: text(&format!("{field}.why"), &written.why, 300)?,
    })
}

fn id<T: std::str::FromStr<Err = crate::id::InvalidId>>(
    field: &str,
    value: &str,
) -> Result<T, InvalidManifest> {
    value
        .parse()
        .or_else(|problem: crate::id::InvalidId| invalid(field, &problem.to_string()))
}

fn text(field: &str, value: &str, chars_max: usize) -> Result<String, InvalidManifest> {
    if value.trim().is_empty() {
        return invalid(field, "must not be empty");
    }
    if value.chars().count() > chars_max {
        return invalid(field, &format!("at most {chars_max} characters"));
    }
    if value.chars().any(is_deceptive) {
        return invalid(
            field,
            "control and text-direction characters are not allowed",
        );
    }
    Ok(value.to_owned())
}

/// Control characters, and the bidirectional overrides that make text read as something else.
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn invalid<T>(field: &str, problem: &str) -> Result<T, InvalidManifest> {
    Err(InvalidManifest {
        field: field.to_owned(),
        problem: problem.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Written {
        Written {
            id: "lab-viewer".into(),
            name: "Lab Viewer".into(),
            purpose: "Shows laboratory results over time".into(),
            publisher: "northlake-health".into(),
            publisher_name: "Northlake Health".into(),
            version: "1.0.0".into(),
            category: "results".into(),
            security_contact: "mailto:security@northlake.example".into(),
            scopes: vec![WrittenScope {
                scope: "patient/Observation.rs".into(),
                why: "To draw the trend".into(),
            }],
            storage: false,
            limits: BTreeMap::from([("wall_ms_max".into(), 500)]),
        }
    }

    #[test]
    fn a_good_manifest_passes_and_writes_back_the_same() {
        let manifest = Manifest::check(&good()).unwrap();
        assert_eq!(Manifest::check(&manifest.written()).unwrap(), manifest);
        let limits = manifest.limits_under(&Limits::default());
        assert_eq!(limits.wall_ms_max, 500);
        assert_eq!(limits.rows_max, Limits::default().rows_max);
    }

    #[test]
    fn each_bad_field_is_named() {
        type Spoil = fn(&mut Written);
        let cases: [(&str, Spoil); 8] = [
            ("id", |m| m.id = "../x".into()),
            ("name", |m| m.name = " ".into()),
            ("purpose", |m| m.purpose = "x".repeat(201)),
            ("version", |m| m.version = "1".into()),
            ("security_contact", |m| m.security_contact = "nobody".into()),
            ("scopes[0].scope", |m| {
                m.scopes[0].scope = "system/*.rs".into()
            }),
            ("scopes[0].why", |m| m.scopes[0].why = "\u{202e}evil".into()),
            ("limits.nonsense", |m| {
                m.limits.insert("nonsense".into(), 1);
            }),
        ];
        for (field, spoil) in cases {
            let mut written = good();
            spoil(&mut written);
            assert_eq!(Manifest::check(&written).unwrap_err().field, field);
        }
    }
}
