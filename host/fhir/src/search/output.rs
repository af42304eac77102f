//! Search result parameters (R4, search: managing returned resources): what shapes the
//! answer and adds no condition.

use super::SearchError;
use super::parse::{cut, invalid};
use crate::parameter::{self, ParameterKind};
use crate::types;

/// Includes in one search.
const INCLUDES_MAX: usize = 16;
/// Elements that `_elements` may name.
const ELEMENTS_MAX: usize = 64;

/// `_summary`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Summary {
    /// Everything.
    #[default]
    False,
    /// The elements that the definitions mark as summary.
    True,
    /// Narrative, id, meta and what is mandatory.
    Text,
    /// Everything but the narrative.
    Data,
    /// No resources, only how many there are.
    Count,
}

impl Summary {
    const ALL: [Self; 5] = [Self::False, Self::True, Self::Text, Self::Data, Self::Count];

    /// FHIR's code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::False => "false",
            Self::True => "true",
            Self::Text => "text",
            Self::Data => "data",
            Self::Count => "count",
        }
    }
}

/// `_total`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// Not wanted.
    None,
    /// An estimate is enough; the host counts exactly all the same.
    Estimate,
    /// Exact.
    Accurate,
}

impl Total {
    const ALL: [Self; 3] = [Self::None, Self::Estimate, Self::Accurate];

    /// FHIR's code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Estimate => "estimate",
            Self::Accurate => "accurate",
        }
    }
}

/// `Type:parameter[:Target]` of `_include` and `_revinclude`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Include {
    /// The type that has the reference.
    pub source: &'static str,
    /// The reference parameter.
    pub parameter: &'static str,
    /// Only targets of this type.
    pub target: Option<&'static str>,
}

impl Include {
    fn parse(name: &str, value: &str) -> Result<Self, SearchError> {
        let mut parts = value.split(':');
        let (source, code, target) = (parts.next(), parts.next(), parts.next());
        if value.contains('*') {
            return Err(SearchError::UnsupportedParameter(cut(&format!(
                "{name}={value}"
            ))));
        }
        let rule = "Type:parameter or Type:parameter:Target, with a reference parameter";
        let (Some(source), Some(code), None) = (source, code, parts.next()) else {
            return Err(invalid(name, rule));
        };
        let source = types::known(source).ok_or_else(|| invalid(name, rule))?;
        let found = parameter::find(source, code).ok_or_else(|| SearchError::UnknownParameter {
            resource_type: source.to_owned(),
            parameter: cut(code),
        })?;
        if found.kind() != ParameterKind::Reference {
            return Err(invalid(name, rule));
        }
        if !found.is_supported() {
            return Err(SearchError::UnsupportedParameter(cut(code)));
        }
        let target = match target {
            Some(target) => Some(types::known(target).ok_or_else(|| invalid(name, rule))?),
            None => None,
        };
        Ok(Self {
            source,
            parameter: found.code(),
            target,
        })
    }
}

/// What is given out of the matches, and with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// `_summary`
    pub summary: Summary,
    /// `_elements`, sorted; empty for all.
    pub elements: Vec<String>,
    /// `_total`, if given.
    pub total: Option<Total>,
    /// `_include`: what the matches refer to.
    pub includes: Vec<Include>,
    /// `_revinclude`: what refers to the matches.
    pub revincludes: Vec<Include>,
}

impl Output {
    /// Takes in a result parameter; `Ok(false)` if the name is none.
    pub(super) fn take(
        &mut self,
        resource_type: &'static str,
        name: &str,
        value: &str,
    ) -> Result<bool, SearchError> {
        match name {
            "_summary" => {
                self.summary = Summary::ALL
                    .into_iter()
                    .find(|summary| summary.as_str() == value)
                    .ok_or(invalid(name, "true, text, data, count or false"))?;
            }
            "_total" => {
                let total = Total::ALL.into_iter().find(|total| total.as_str() == value);
                self.total = Some(total.ok_or(invalid(name, "none, estimate or accurate"))?);
            }
            "_elements" => self.elements = elements(value)?,
            "_include" => {
                let include = Include::parse(name, value)?;
                if include.source != resource_type {
                    let rule = "a reference parameter of the type that is searched";
                    return Err(invalid(name, rule));
                }
                add(&mut self.includes, include)?;
            }
            "_revinclude" => {
                let include = Include::parse(name, value)?;
                if include.target.is_some_and(|target| target != resource_type) {
                    return Err(invalid(name, "the type that is searched as the target"));
                }
                add(&mut self.revincludes, include)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Checks what parameters mean together.
    pub(super) fn check(&self) -> Result<(), SearchError> {
        let includes = !(self.includes.is_empty() && self.revincludes.is_empty());
        if self.summary == Summary::Text && includes {
            return Err(invalid(
                "_summary",
                "anything but text together with _include and _revinclude",
            ));
        }
        if self.summary != Summary::False && !self.elements.is_empty() {
            return Err(invalid("_elements", "no _summary beside it"));
        }
        Ok(())
    }

    /// Whether resources go out as they are stored.
    pub fn is_whole(&self) -> bool {
        self.summary == Summary::False && self.elements.is_empty()
    }
}

fn add(all: &mut Vec<Include>, include: Include) -> Result<(), SearchError> {
    if all.len() == INCLUDES_MAX {
        return Err(SearchError::TooMany {
            what: "includes",
            max: INCLUDES_MAX,
        });
    }
    all.push(include);
    Ok(())
}

fn elements(value: &str) -> Result<Vec<String>, SearchError> {
    let mut names: Vec<String> = value.split(',').map(str::to_owned).collect();
    names.sort();
    names.dedup();
    if names.len() > ELEMENTS_MAX {
        return Err(SearchError::TooMany {
            what: "names in `_elements`",
            max: ELEMENTS_MAX,
        });
    }
    let is_name =
        |name: &String| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
    if names.iter().all(is_name) {
        Ok(names)
    } else {
        Err(invalid(
            "_elements",
            "names of elements of the type, with commas between them",
        ))
    }
}
