//! What an approval says beyond scopes: how much of a resource is shown, which labels,
//! how much may be taken, and whether a write goes into the record at once.
//!
//! The JSON form is the one in which administrators write it and in which it is kept:
//!
//! ```json
//! { "projection": { "Patient": { "strip": ["telecom", "name.text"] },
//!                   "Appointment": { "only": ["status", "start", "participant"] } },
//!   "labels": { "confidentiality": "R",
//!               "withheld": ["http://terminology.hl7.org/CodeSystem/v3-ActCode|PSY"] },
//!   "writes": "draft",
//!   "budget": { "patients_per_hour": 25 } }
//! ```

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use crate::budget::Budget;
use crate::labels::{Clearance, Confidentiality};
use crate::projection::{InvalidProjection, Keeping, Projection};

/// What becomes of an app's writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WriteMode {
    /// They go into the record at once.
    #[default]
    Direct,
    /// They wait until a clinician commits or rejects them.
    Draft,
}

impl WriteMode {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Draft => "draft",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Direct, Self::Draft]
            .into_iter()
            .find(|mode| mode.as_str() == text)
    }
}

/// The terms under which a session works. Without an approval that says more: everything
/// of a resource, nothing restricted, no limits of its own, writes at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Elements that are not shown.
    pub projection: Projection,
    /// Labels that may be seen.
    pub clearance: Clearance,
    /// What becomes of writes.
    pub writes: WriteMode,
    /// What the app may take, below what the tenant sets.
    pub budget: Budget,
}

/// Why terms were refused. The text names the field and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidTerms {
    /// Path of the field, such as `labels.confidentiality`.
    pub field: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

fn wrong<T>(field: impl Into<String>, problem: impl Into<String>) -> Result<T, InvalidTerms> {
    Err(InvalidTerms {
        field: field.into(),
        problem: problem.into(),
    })
}

impl Terms {
    /// The terms of the host's own pages and work: it sees what is stored.
    pub fn host() -> Self {
        Self {
            clearance: Clearance::full(),
            ..Self::default()
        }
    }

    /// The terms of an approval that says nothing of them: writes wait for a clinician.
    pub fn approved() -> Self {
        Self {
            writes: WriteMode::Draft,
            ..Self::default()
        }
    }

    /// Reads the JSON form, as an approval: what is left out is as in [`Terms::approved`]. A field that is not known is refused: it may have been meant
    /// to restrict something.
    ///
    /// # Errors
    /// [`InvalidTerms`] with the field and the problem.
    pub fn from_json(value: &Value) -> Result<Self, InvalidTerms> {
        let mut terms = Self::approved();
        for (name, value) in object("terms", value)? {
            match name.as_str() {
                "projection" => terms.projection = projection(value)?,
                "labels" => terms.clearance = clearance(value)?,
                "writes" => {
                    let mode = value.as_str().and_then(WriteMode::parse);
                    let Some(mode) = mode else {
                        return wrong("writes", "give `draft` or `direct`");
                    };
                    terms.writes = mode;
                }
                "budget" => terms.budget = budget("budget", value)?,
                other => {
                    return wrong(
                        other.chars().take(80).collect::<String>(),
                        "there is no such field: give projection, labels, writes or budget",
                    );
                }
            }
        }
        Ok(terms)
    }

    /// The JSON form. Reading it gives the same terms.
    pub fn to_json(&self) -> Value {
        let projection: Map<String, Value> = self
            .projection
            .rows()
            .into_iter()
            .map(|(name, keeping, elements)| {
                let keeping = match keeping {
                    Keeping::Strip => "strip",
                    Keeping::Only => "only",
                };
                (name.to_owned(), json!({ keeping: elements }))
            })
            .collect();
        let withheld: Vec<String> = self
            .clearance
            .withheld()
            .map(|(system, code)| format!("{system}|{code}"))
            .collect();
        let budget: Map<String, Value> = self
            .budget
            .rows()
            .into_iter()
            .map(|(name, max)| (name.to_owned(), max.into()))
            .collect();
        json!({
            "projection": projection,
            "labels": {
                "confidentiality": self.clearance.ceiling.as_str(),
                "withheld": withheld,
            },
            "writes": self.writes.as_str(),
            "budget": budget,
        })
    }
}

fn object<'a>(field: &str, value: &'a Value) -> Result<&'a Map<String, Value>, InvalidTerms> {
    match value.as_object() {
        Some(object) => Ok(object),
        None => wrong(field, "give an object"),
    }
}

fn texts(field: &str, value: &Value) -> Result<Vec<String>, InvalidTerms> {
    let texts = value.as_array().and_then(|items| {
        let text = |item: &Value| item.as_str().map(str::to_owned);
        items.iter().map(text).collect::<Option<Vec<_>>>()
    });
    match texts {
        Some(texts) => Ok(texts),
        None => wrong(field, "give a list of texts"),
    }
}

fn projection(value: &Value) -> Result<Projection, InvalidTerms> {
    let mut projection = Projection::default();
    for (name, rule) in object("projection", value)? {
        let field = format!("projection.{}", name.chars().take(80).collect::<String>());
        let rule: Vec<_> = object(&field, rule)?.iter().collect();
        let (keeping, elements) = match rule.as_slice() {
            [(key, elements)] if *key == "strip" => (Keeping::Strip, elements),
            [(key, elements)] if *key == "only" => (Keeping::Only, elements),
            _ => return wrong(field, "give either `strip` or `only`, a list of elements"),
        };
        let set = projection.set(name, keeping, &texts(&field, elements)?);
        set.or_else(|problem: InvalidProjection| wrong(field, problem.to_string()))?;
    }
    Ok(projection)
}

fn clearance(value: &Value) -> Result<Clearance, InvalidTerms> {
    let mut clearance = Clearance::default();
    for (name, value) in object("labels", value)? {
        match name.as_str() {
            "confidentiality" => {
                let ceiling = value.as_str().and_then(Confidentiality::parse);
                let Some(ceiling) = ceiling else {
                    let codes = "give U, L, M, N, R or V: the most confidential to be given out";
                    return wrong("labels.confidentiality", codes);
                };
                clearance.ceiling = ceiling;
            }
            "withheld" => {
                for label in texts("labels.withheld", value)? {
                    let (system, code) = label.rsplit_once('|').unwrap_or(("", &label));
                    if !clearance.withhold(system, code) {
                        let how = "give at most 100 labels as `system|code`";
                        return wrong("labels.withheld", how);
                    }
                }
            }
            _ => return wrong("labels", "give `confidentiality` and `withheld`"),
        }
    }
    Ok(clearance)
}

/// Reads limits by name; `field` is where they stand.
pub(crate) fn budget(field: &str, value: &Value) -> Result<Budget, InvalidTerms> {
    let mut budget = Budget::default();
    for (name, max) in object(field, value)? {
        let Some(max) = max.as_u64() else {
            return wrong(format!("{field}.{name}"), "give a whole number");
        };
        if !budget.set(name, max) {
            let name: String = name.chars().take(80).collect();
            return wrong(
                format!("{field}.{name}"),
                "there is no limit of that name: give requests_per_minute, patients_per_hour, patients_per_day, records_per_hour or records_per_day",
            );
        }
    }
    Ok(budget)
}
