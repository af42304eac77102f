//! OperationOutcome: how FHIR says what went wrong.

use serde_json::{Value, json};

/// `OperationOutcome.issue.severity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The action failed and could not go on.
    Fatal,
    /// The action failed.
    Error,
    /// The action may not have done what was meant.
    Warning,
    /// Nothing is wrong.
    Information,
}

impl Severity {
    /// The FHIR code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fatal => "fatal",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Information => "information",
        }
    }
}

/// `OperationOutcome.issue.code`: the part of the issue-type value set that the host uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueCode {
    /// Content is not valid.
    Invalid,
    /// Content breaks the structure of FHIR or JSON.
    Structure,
    /// An element has a value that is not allowed.
    Value,
    /// The caller is not signed in.
    Login,
    /// The token has expired.
    Expired,
    /// The caller may not do this.
    Forbidden,
    /// The interaction or parameter is not supported.
    NotSupported,
    /// Absent, or not for this caller.
    NotFound,
    /// Was there and was deleted.
    Deleted,
    /// Would cost too much.
    TooCostly,
    /// Larger than allowed.
    TooLong,
    /// A version or content conflict.
    Conflict,
    /// A rule of the host forbids it.
    BusinessRule,
    /// Too many calls.
    Throttled,
    /// It took too long.
    Timeout,
    /// Not possible at the moment.
    Transient,
    /// A fault of the host.
    Exception,
    /// Nothing is wrong.
    Informational,
}

impl IssueCode {
    /// The FHIR code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Structure => "structure",
            Self::Value => "value",
            Self::Login => "login",
            Self::Expired => "expired",
            Self::Forbidden => "forbidden",
            Self::NotSupported => "not-supported",
            Self::NotFound => "not-found",
            Self::Deleted => "deleted",
            Self::TooCostly => "too-costly",
            Self::TooLong => "too-long",
            Self::Conflict => "conflict",
            Self::BusinessRule => "business-rule",
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
            Self::Transient => "transient",
            Self::Exception => "exception",
            Self::Informational => "informational",
        }
    }
}

/// Builds an OperationOutcome, issue by issue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OperationOutcome {
    issues: Vec<Value>,
}

impl OperationOutcome {
    /// One issue of severity `error`.
    pub fn error(code: IssueCode, diagnostics: &str) -> Self {
        Self::default().issue(Severity::Error, code, diagnostics)
    }

    /// Adds an issue. `diagnostics` is for the caller to read: no host detail, no PHI.
    #[must_use]
    pub fn issue(mut self, severity: Severity, code: IssueCode, diagnostics: &str) -> Self {
        self.issues.push(json!({
            "severity": severity.as_str(),
            "code": code.as_str(),
            "diagnostics": diagnostics,
        }));
        self
    }

    /// Adds an issue about one element; `location` is a FHIRPath.
    #[must_use]
    pub fn issue_at(
        mut self,
        severity: Severity,
        code: IssueCode,
        location: &str,
        diagnostics: &str,
    ) -> Self {
        self.issues.push(json!({
            "severity": severity.as_str(),
            "code": code.as_str(),
            "diagnostics": diagnostics,
            "expression": [location],
        }));
        self
    }

    /// The resource.
    pub fn to_value(&self) -> Value {
        json!({"resourceType": "OperationOutcome", "issue": self.issues})
    }

    /// The resource as JSON text.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_value().to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_a_resource_with_its_issues_in_order() {
        let outcome = OperationOutcome::error(IssueCode::NotFound, "no \"such\" resource").issue(
            Severity::Information,
            IssueCode::Informational,
            "look elsewhere",
        );
        let bytes = outcome.to_bytes();
        let resource = crate::Resource::parse(&bytes, crate::Limits::RESOURCE).unwrap();
        assert_eq!(resource.resource_type(), "OperationOutcome");
        insta::assert_json_snapshot!(resource.value(), @r#"
        {
          "resourceType": "OperationOutcome",
          "issue": [
            {
              "severity": "error",
              "code": "not-found",
              "diagnostics": "no \"such\" resource"
            },
            {
              "severity": "information",
              "code": "informational",
              "diagnostics": "look elsewhere"
            }
          ]
        }
        "#);
    }
}
