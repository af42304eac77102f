//! What an app gets: what it asked for, within what an administrator approved.

use glovebox_model::scope::ScopeSet;

/// The scopes of a clinician's launch: manifest ∩ approval. The clinician's own rights
/// and the patient in context narrow each call further, in [`crate::decide`].
pub fn effective_scopes(manifest: &ScopeSet, approved: &ScopeSet) -> ScopeSet {
    manifest.narrow(approved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_side_alone_grants_anything() {
        let manifest = ScopeSet::parse("patient/Observation.cruds patient/Condition.rs").unwrap();
        let approved =
            ScopeSet::parse("patient/Observation.rs?category=laboratory patient/Patient.r")
                .unwrap();
        assert_eq!(
            effective_scopes(&manifest, &approved).to_string(),
            "patient/Observation.rs?category=laboratory"
        );
        assert!(effective_scopes(&manifest, &ScopeSet::default()).is_empty());
    }
}
