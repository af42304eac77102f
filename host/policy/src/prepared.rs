//! What a set of scopes says the same about every interaction, worked out once for the set.

use std::sync::Arc;

use glovebox_fhir::SearchQuery;
use glovebox_model::scope::{ResourceScope, ScopeSet, TypeSelector};

use crate::decision::Rule;

/// One entry for each resource scope of the set, in its order.
pub(crate) struct Prepared(pub(crate) Vec<PreparedScope>);

impl Prepared {
    pub(crate) fn new(scopes: &ScopeSet) -> Self {
        Self(scopes.resources().map(PreparedScope::new).collect())
    }
}

/// What one scope says.
pub(crate) struct PreparedScope {
    /// The scope as text.
    pub(crate) authority: Arc<str>,
    /// Its filter, where it has one and names the type that the filter is read for; the
    /// inner `None` is one that the host cannot evaluate.
    filter: Option<Option<Arc<SearchQuery>>>,
}

impl PreparedScope {
    fn new(scope: &ResourceScope) -> Self {
        let filter = match &scope.resource_type {
            TypeSelector::Named(name) if !scope.parameters.is_empty() => Some(parse(scope, name)),
            _ => None,
        };
        Self {
            authority: scope.to_string().into(),
            filter,
        }
    }

    /// The filter of the scope, for a type that it names. A scope on all types means
    /// another search for each: that is read when it is asked about.
    pub(crate) fn filter(
        &self,
        scope: &ResourceScope,
        resource_type: &str,
    ) -> Result<Arc<SearchQuery>, Rule> {
        let filter = match &self.filter {
            Some(known) => known.clone(),
            None => parse(scope, resource_type),
        };
        filter.ok_or(Rule::ScopeFilterUnknown)
    }
}

fn parse(scope: &ResourceScope, resource_type: &str) -> Option<Arc<SearchQuery>> {
    let parsed = SearchQuery::parse_filter(resource_type, &scope.parameters);
    parsed.ok().map(Arc::new)
}
