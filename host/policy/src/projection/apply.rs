//! Taking hidden elements out of a resource.

use serde_json::{Map, Value, json};

use super::{ALWAYS_KEPT, Keeping, Projection, Tree};

/// The code system of the tag that says "this is not all of it" (R4, `Resource.meta`).
const SUBSETTED_SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";
const SUBSETTED: &str = "SUBSETTED";

impl Projection {
    /// Takes what is hidden out of a resource, of those inside it too (`contained`, the
    /// entries of a Bundle), and tags it `SUBSETTED`. The tag follows from the rule, not
    /// from what was there: it tells nothing. Answers whether a rule applied.
    ///
    /// The narrative goes as well, because it repeats in words what is hidden. Only a rule
    /// that names `text` among the elements to give keeps it.
    pub fn apply(&self, resource: &mut Value) -> bool {
        if self.is_empty() {
            return false;
        }
        let applied = self.walk(resource);
        if applied && let Value::Object(members) = resource {
            tag(members);
        }
        applied
    }

    fn walk(&self, value: &mut Value) -> bool {
        match value {
            Value::Array(items) => {
                let mut applied = false;
                for item in items {
                    applied |= self.walk(item);
                }
                applied
            }
            Value::Object(members) => {
                let rule = members
                    .get("resourceType")
                    .and_then(Value::as_str)
                    .and_then(|name| self.types.get(name));
                let mut applied = false;
                if let Some(rule) = rule {
                    applied = true;
                    match rule.keeping {
                        Keeping::Strip => {
                            members.shift_remove("text");
                            members.shift_remove("_text");
                            strip(members, &rule.tree);
                        }
                        Keeping::Only => keep(members, &rule.tree, true),
                    }
                }
                for (_, member) in members.iter_mut() {
                    applied |= self.walk(member);
                }
                applied
            }
            _ => false,
        }
    }
}

fn strip(members: &mut Map<String, Value>, tree: &Tree) {
    members.retain(|name, value| match tree.named(name) {
        None => true,
        Some(named) if named.whole => false,
        Some(named) => {
            each_object(value, &mut |inner| strip(inner, named));
            true
        }
    });
}

fn keep(members: &mut Map<String, Value>, tree: &Tree, is_resource: bool) {
    members.retain(|name, value| {
        let plain = name.strip_prefix('_').unwrap_or(name);
        if is_resource && ALWAYS_KEPT.contains(&plain) {
            return true;
        }
        match tree.named(name) {
            None => false,
            Some(named) if named.whole => true,
            Some(named) => {
                each_object(value, &mut |inner| keep(inner, named, false));
                true
            }
        }
    });
}

fn each_object(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(members) => change(members),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| each_object(item, &mut *change)),
        _ => {}
    }
}

fn tag(members: &mut Map<String, Value>) {
    let meta = members.entry("meta").or_insert_with(|| json!({}));
    if !meta.is_object() {
        *meta = json!({});
    }
    let Some(meta) = meta.as_object_mut() else {
        return;
    };
    let tags = meta.entry("tag").or_insert_with(|| json!([]));
    if !tags.is_array() {
        *tags = json!([]);
    }
    let subsetted = json!({ "system": SUBSETTED_SYSTEM, "code": SUBSETTED });
    if let Some(tags) = tags.as_array_mut()
        && !tags.contains(&subsetted)
    {
        tags.push(subsetted);
    }
}
