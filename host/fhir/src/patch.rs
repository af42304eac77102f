//! Patches: JSON Patch (RFC 6902) and FHIRPath Patch (R4, fhirpatch) on simple paths. A
//! patch never changes which resource it is; what comes out is a whole resource, to be
//! judged like any update. Numbers that no operation touches keep their digits and their
//! precision (`1.00` stays `1.00`; an exponent may be written another way).

mod fhirpath;
mod json_patch;
mod path;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::json::{JsonError, Limits};
use crate::{Resource, ResourceError};

/// Most operations in one patch.
pub const OPERATIONS_MAX: usize = 200;
/// Largest patch in bytes.
pub const PATCH_BYTES_MAX: usize = 1 << 20;

/// What a patch as sent may be.
const LIMITS: Limits = Limits {
    bytes_max: PATCH_BYTES_MAX,
    ..Limits::RESOURCE
};

/// The patch is not one, or does not fit the resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// Not acceptable as JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Not a patch of this form; says what is missing.
    #[error("not a patch: {0}")]
    NotAPatch(String),
    /// More operations than one patch may have.
    #[error("a patch has at most {OPERATIONS_MAX} operations")]
    TooMany,
    /// `resourceType` and `id` say which resource it is.
    #[error("operation {0} would change `resourceType` or `id`, which a patch must leave")]
    Identity(usize),
    /// A path of a kind that is not supported; carries it.
    #[error("operation {index}: the path `{path}` is not supported; {allowed}")]
    UnsupportedPath {
        /// Number of the operation, from 0.
        index: usize,
        /// The path, cut to a readable length.
        path: String,
        /// What is.
        allowed: &'static str,
    },
    /// An operation does not fit what is there.
    #[error("operation {index}: {why}")]
    DoesNotFit {
        /// Number of the operation, from 0.
        index: usize,
        /// Why, without any content of the resource.
        why: String,
    },
    /// The result would be larger or deeper than a resource may be.
    #[error("operation {0} would make the resource larger or deeper than it may be")]
    TooLarge(usize),
    /// The result is not a resource.
    #[error("the result is not a resource: {0}")]
    Result(#[from] ResourceError),
}

/// A patch that was read and is ready to be applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    form: Form,
}

#[derive(Clone, Debug, PartialEq)]
enum Form {
    Json(Vec<::json_patch::PatchOperation>),
    FhirPath(Vec<fhirpath::Operation>),
}

impl Patch {
    /// Reads a JSON Patch: an array of operations (`application/json-patch+json`).
    pub fn json(bytes: &[u8]) -> Result<Self, PatchError> {
        let value = crate::json::parse(bytes, LIMITS, &mut |_, _| ())?;
        Ok(Self {
            form: Form::Json(json_patch::read(&value)?),
        })
    }

    /// Reads a FHIRPath Patch: a Parameters resource.
    pub fn fhirpath(parameters: &Resource) -> Result<Self, PatchError> {
        if parameters.bytes().len() > PATCH_BYTES_MAX {
            return Err(PatchError::Json(JsonError::TooLarge {
                bytes: parameters.bytes().len(),
                max: PATCH_BYTES_MAX,
            }));
        }
        Ok(Self {
            form: Form::FhirPath(fhirpath::read(parameters.value())?),
        })
    }

    /// Reads either form: an array is a JSON Patch, an object a Parameters resource.
    pub fn parse(bytes: &[u8]) -> Result<Self, PatchError> {
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        if first == Some(&b'{') {
            let parameters = Resource::parse(bytes, LIMITS)
                .map_err(|problem| PatchError::NotAPatch(problem.to_string()))?;
            return Self::fhirpath(&parameters);
        }
        Self::json(bytes)
    }

    /// The resource after all operations. Its `resourceType` and `id` are those before.
    pub fn apply(&self, resource: &Resource) -> Result<Resource, PatchError> {
        let mut value = resource.value().clone();
        let mut growth = Growth(resource.bytes().len());
        let last = match &self.form {
            Form::Json(operations) => {
                json_patch::apply(&mut value, operations, &mut growth)?;
                operations.len()
            }
            Form::FhirPath(operations) => {
                fhirpath::apply(&mut value, operations, &mut growth)?;
                operations.len()
            }
        };
        for name in ["resourceType", "id"] {
            if value.get(name) != resource.value().get(name) {
                return Err(PatchError::Identity(last.saturating_sub(1)));
            }
        }
        let bytes = serde_json::to_vec(&value)
            .map_err(|problem| PatchError::NotAPatch(problem.to_string()))?;
        Ok(Resource::parse(&bytes, Limits::RESOURCE)?)
    }
}

/// Bytes that operations have brought in, on top of the resource itself. Copies count in
/// full, so that a few operations cannot double a document over and over.
struct Growth(usize);

impl Growth {
    fn add(&mut self, index: usize, value: &Value, depth: usize) -> Result<(), PatchError> {
        let mut measure = Measure {
            bytes: 0,
            depth,
            left: Limits::RESOURCE.bytes_max.saturating_sub(self.0),
        };
        if !measure.take(value) {
            return Err(PatchError::TooLarge(index));
        }
        self.0 += measure.bytes;
        Ok(())
    }
}

struct Measure {
    bytes: usize,
    depth: usize,
    left: usize,
}

impl Measure {
    /// Counts a value; `false` as soon as it is too much.
    fn take(&mut self, value: &Value) -> bool {
        if self.depth > Limits::RESOURCE.depth_max {
            return false;
        }
        self.bytes += match value {
            Value::String(text) => text.len() + 3,
            Value::Number(number) => number.as_str().len() + 1,
            _ => 6,
        };
        if self.bytes > self.left {
            return false;
        }
        self.depth += 1;
        let fits = match value {
            Value::Array(items) => items.iter().all(|item| self.take(item)),
            Value::Object(members) => members.iter().all(|(name, member)| {
                self.bytes += name.len() + 4;
                self.take(member)
            }),
            _ => true,
        };
        self.depth -= 1;
        fits
    }
}

fn does_not_fit(index: usize, why: impl Into<String>) -> PatchError {
    PatchError::DoesNotFit {
        index,
        why: why.into(),
    }
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}
