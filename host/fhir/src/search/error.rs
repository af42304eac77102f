//! Why a search was refused.

/// The search was refused; names the parameter, so that the caller can fix it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// Not an R4 type.
    #[error("`{0}` is not a resource type of FHIR R4")]
    UnknownType(String),
    /// The type has no such parameter.
    #[error("`{resource_type}` has no search parameter `{parameter}`")]
    UnknownParameter {
        /// Type searched.
        resource_type: String,
        /// As given.
        parameter: String,
    },
    /// R4 has the parameter, the host does not.
    #[error("the search parameter `{0}` is not supported")]
    UnsupportedParameter(String),
    /// A modifier that the host does not have, or that does not fit the parameter.
    #[error("the modifier `:{modifier}` of `{parameter}` is not supported")]
    UnsupportedModifier {
        /// The parameter.
        parameter: String,
        /// Without the colon.
        modifier: String,
    },
    /// A chain such as `subject.name`, or `_has`.
    #[error("chained searches are not supported: `{0}`")]
    Chained(String),
    /// A prefix such as `xx` that the host does not have.
    #[error("the prefix `{prefix}` of `{parameter}` is not supported")]
    UnsupportedPrefix {
        /// The parameter.
        parameter: String,
        /// The prefix.
        prefix: String,
    },
    /// The value does not fit the parameter.
    #[error("the value of `{parameter}` is not valid: {rule}")]
    InvalidValue {
        /// The parameter.
        parameter: String,
        /// What is expected, in words.
        rule: &'static str,
    },
    /// `_sort`, `_count` or the like is given twice.
    #[error("`{0}` may be given only once")]
    Repeated(String),
    /// Too many parameters or alternatives, or a value too long.
    #[error("too many or too long: at most {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The bound.
        max: usize,
    },
}

impl SearchError {
    /// Whether a lenient reading may leave the parameter out: the name means nothing here. A
    /// value or a modifier that cannot be read is a mistake in a condition that was meant.
    pub(super) fn is_about_a_name(&self) -> bool {
        matches!(
            self,
            Self::UnknownParameter { .. } | Self::UnsupportedParameter(_) | Self::Chained(_)
        ) || matches!(self, Self::UnsupportedModifier { parameter, .. }
            if parameter == "_include" || parameter == "_revinclude")
    }

    /// Whether the request is valid FHIR that this host does not do, rather than a mistake.
    /// It has all prefixes of R4: another one is a mistake.
    pub fn is_unsupported(&self) -> bool {
        matches!(
            self,
            Self::UnsupportedParameter(_) | Self::UnsupportedModifier { .. } | Self::Chained(_)
        )
    }
}
