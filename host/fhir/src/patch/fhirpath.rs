//! FHIRPath Patch (R4, fhirpatch): add, insert, delete, replace and move.

use serde_json::{Map, Value};

use super::path::{Key, Path, Place, Step, get, get_mut, member};
use super::{Growth, OPERATIONS_MAX, PatchError, cut, does_not_fit};
use crate::structure::{self, Element};

/// Depth of anonymous values (`part` in `part`) at most.
const PARTS_DEEP_MAX: usize = 8;

/// What to do at a path.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Act {
    Add(String, Given),
    Insert(usize, Given),
    Delete,
    Replace(Given),
    Move(usize, usize),
}

/// A value as the patch gives it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Given {
    /// `valueX`: the type with a capital first letter, and the value.
    Typed(String, Value),
    /// Parts: an element without a type of its own.
    Parts(Vec<(String, Given)>),
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operation {
    path: Path,
    act: Act,
}

pub(super) fn read(parameters: &Value) -> Result<Vec<Operation>, PatchError> {
    let not = |why: &str| PatchError::NotAPatch(why.to_owned());
    if parameters.get("resourceType").and_then(Value::as_str) != Some("Parameters") {
        return Err(not("a FHIRPath Patch is a Parameters resource"));
    }
    let list = parameters.get("parameter").and_then(Value::as_array);
    let list = list.ok_or_else(|| not("there is no `parameter`"))?;
    if list.len() > OPERATIONS_MAX {
        return Err(PatchError::TooMany);
    }
    (0..)
        .zip(list)
        .map(|(at, one)| operation(at, one))
        .collect()
}

fn operation(index: usize, parameter: &Value) -> Result<Operation, PatchError> {
    let not = |why: String| PatchError::NotAPatch(format!("operation {index}: {why}"));
    if parameter.get("name").and_then(Value::as_str) != Some("operation") {
        return Err(not("the parameter's name must be `operation`".to_owned()));
    }
    let parts = parameter.get("part").and_then(Value::as_array);
    let parts = parts.map(Vec::as_slice).unwrap_or_default();
    let part = |name: &str| {
        let mut of_name = parts
            .iter()
            .filter(|part| part.get("name").and_then(Value::as_str) == Some(name));
        let found = of_name.next();
        match (found, of_name.next()) {
            (Some(found), None) => Ok(found),
            (None, _) => Err(not(format!("it has no `{name}`"))),
            (_, Some(_)) => Err(not(format!("it has more than one `{name}`"))),
        }
    };
    let text = |name: &str, members: &[&str]| {
        let part = part(name)?;
        members
            .iter()
            .find_map(|member| part.get(member)?.as_str())
            .ok_or_else(|| not(format!("`{name}` must be text")))
    };
    let number = |name: &str| {
        let number = part(name)?.get("valueInteger").and_then(Value::as_u64);
        number
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(|| not(format!("`{name}` must be a whole number from 0")))
    };
    let value =
        || given(part("value")?, 0).ok_or_else(|| not("`value` must hold one value".to_owned()));
    let path = Path::read(index, text("path", &["valueString"])?)?;
    let act = match text("type", &["valueCode"])? {
        "add" => Act::Add(text("name", &["valueString"])?.to_owned(), value()?),
        "insert" => Act::Insert(number("index")?, value()?),
        "delete" => Act::Delete,
        "replace" => Act::Replace(value()?),
        "move" => Act::Move(number("source")?, number("destination")?),
        other => {
            let text = "is none of add, insert, delete, replace, move";
            return Err(not(format!("`{}` {text}", cut(other))));
        }
    };
    // Type and id of the resource stay, whatever the act.
    let identity = |name: &str| ["id", "resourceType"].contains(&name);
    let touches = match (path.steps.as_slice(), &act) {
        ([], Act::Add(name, _)) => identity(name),
        ([], _) => true,
        ([Step::Child(name), ..], _) => identity(name),
        _ => false,
    };
    if touches {
        return Err(PatchError::Identity(index));
    }
    Ok(Operation { path, act })
}

/// The value in a part: one `value…` member, or parts.
fn given(part: &Value, depth: usize) -> Option<Given> {
    if depth > PARTS_DEEP_MAX {
        return None;
    }
    if let Some(parts) = part.get("part").and_then(Value::as_array) {
        let read = |part: &Value| {
            let name = part.get("name")?.as_str()?.to_owned();
            Some((name, given(part, depth + 1)?))
        };
        return parts
            .iter()
            .map(read)
            .collect::<Option<_>>()
            .map(Given::Parts);
    }
    let mut values = part.as_object()?.iter().filter_map(|(name, value)| {
        let typed = name.strip_prefix("value")?;
        typed
            .starts_with(|c: char| c.is_ascii_uppercase())
            .then(|| Given::Typed(typed.to_owned(), value.clone()))
    });
    let only = values.next()?;
    values.next().is_none().then_some(only)
}

pub(super) fn apply(
    resource: &mut Value,
    operations: &[Operation],
    growth: &mut Growth,
) -> Result<(), PatchError> {
    for (index, operation) in operations.iter().enumerate() {
        let mut work = Work {
            index,
            resource,
            growth,
        };
        work.carry_out(operation)?;
    }
    Ok(())
}

struct Work<'a> {
    index: usize,
    resource: &'a mut Value,
    growth: &'a mut Growth,
}

impl Work<'_> {
    fn refuse<T>(&self, why: impl Into<String>) -> Result<T, PatchError> {
        Err(does_not_fit(self.index, why))
    }

    fn carry_out(&mut self, operation: &Operation) -> Result<(), PatchError> {
        match &operation.act {
            Act::Add(name, given) => {
                let place = self.only(&operation.path)?;
                self.add(&place, name, given)
            }
            Act::Insert(at, given) => {
                let (keys, element) = self.list(&operation.path)?;
                let value = self.value(element, given, keys.len())?.1;
                let items = self.items(&keys)?;
                if *at > items.len() {
                    return self.refuse("`index` is beyond the end of the list");
                }
                items.insert(*at, value);
                Ok(())
            }
            Act::Move(from, to) => {
                let (keys, _) = self.list(&operation.path)?;
                let items = self.items(&keys)?;
                if *from >= items.len() || *to >= items.len() {
                    return self.refuse("`source` or `destination` is beyond the end of the list");
                }
                let moved = items.remove(*from);
                items.insert(*to, moved);
                Ok(())
            }
            Act::Replace(given) => {
                let place = self.only(&operation.path)?;
                self.replace(&place, given)
            }
            Act::Delete => match operation.path.places(self.resource).as_slice() {
                [] => Ok(()),
                [place] => self.delete(&place.keys),
                _ => self.refuse("`path` names more than one element"),
            },
        }
    }

    fn only(&self, path: &Path) -> Result<Place, PatchError> {
        let mut places = path.places(self.resource);
        match (places.pop(), places.is_empty()) {
            (Some(place), true) => Ok(place),
            (None, _) => self.refuse("`path` names nothing"),
            (Some(_), false) => self.refuse("`path` names more than one element"),
        }
    }

    /// The array that a path ends in, and the element that it holds.
    fn list(&self, path: &Path) -> Result<(Vec<Key>, &'static Element), PatchError> {
        let Some((Step::Child(name), above)) = path.steps.split_last() else {
            return self.refuse("`path` must end in the name of a list");
        };
        let above = Path {
            resource_type: path.resource_type.clone(),
            steps: above.to_vec(),
        };
        let place = self.only(&above)?;
        let parent = get(self.resource, &place.keys);
        let found = parent.and_then(|parent| member(parent, place.content, name));
        match found {
            Some((spelled, element)) if element.repeats => {
                let mut keys = place.keys.clone();
                keys.push(Key::Member(spelled.to_owned()));
                Ok((keys, element))
            }
            Some(_) => self.refuse("`path` must end in the name of a list"),
            None => self.refuse("`path` names nothing"),
        }
    }

    fn items(&mut self, keys: &[Key]) -> Result<&mut Vec<Value>, PatchError> {
        self.without_extensions(keys)?;
        let index = self.index;
        get_mut(self.resource, keys)
            .and_then(Value::as_array_mut)
            .ok_or_else(|| does_not_fit(index, "`path` names no list"))
    }

    /// A list of primitives whose extensions stand in a second array is left to JSON Patch.
    fn without_extensions(&self, keys: &[Key]) -> Result<(), PatchError> {
        if let Some((Key::Member(name), above)) = keys.split_last()
            && get(self.resource, above)
                .is_some_and(|parent| parent.get(format!("_{name}")).is_some())
        {
            return self.refuse("the list has extensions on its values: use a JSON Patch");
        }
        Ok(())
    }

    fn add(&mut self, place: &Place, name: &str, given: &Given) -> Result<(), PatchError> {
        let element = structure::elements(place.content).find(|element| element.name == name);
        let Some(element) = element else {
            return self.refuse(format!("`{}` is not an element there", cut(name)));
        };
        let (spelled, value) = self.value(element, given, place.keys.len())?;
        let known = get(self.resource, &place.keys)
            .and_then(|parent| member(parent, place.content, name))
            .map(|(spelled, _)| spelled.to_owned());
        match (known, element.repeats) {
            (Some(_), false) => self.refuse("the element is there already: replace it"),
            (Some(known), true) => {
                let mut keys = place.keys.clone();
                keys.push(Key::Member(known));
                self.items(&keys)?.push(value);
                Ok(())
            }
            (None, repeats) => {
                let value = if repeats {
                    Value::Array(vec![value])
                } else {
                    value
                };
                match get_mut(self.resource, &place.keys).and_then(Value::as_object_mut) {
                    Some(object) => {
                        object.insert(spelled, value);
                        Ok(())
                    }
                    None => self.refuse("`path` names a value without elements"),
                }
            }
        }
    }

    fn replace(&mut self, place: &Place, given: &Given) -> Result<(), PatchError> {
        let Some(element) = place.element else {
            return Err(PatchError::Identity(self.index));
        };
        // The element's own parent says how a choice is spelled.
        let within = place
            .keys
            .iter()
            .rposition(|key| matches!(key, Key::Member(_)))
            .unwrap_or_default();
        let parent_keys = place.keys.get(..within).unwrap_or_default();
        let (spelled, value) = self.value(element, given, place.keys.len())?;
        if element.is_choice {
            self.delete(&place.keys)?;
            let parent = get_mut(self.resource, parent_keys).and_then(Value::as_object_mut);
            if let Some(parent) = parent {
                parent.insert(spelled, value);
                return Ok(());
            }
            return self.refuse("`path` names nothing");
        }
        match get_mut(self.resource, &place.keys) {
            Some(slot) => {
                *slot = value;
                Ok(())
            }
            None => self.refuse("`path` names nothing"),
        }
    }

    fn delete(&mut self, keys: &[Key]) -> Result<(), PatchError> {
        let Some((last, above)) = keys.split_last() else {
            return Err(PatchError::Identity(self.index));
        };
        match last {
            Key::Member(name) => {
                if let Some(parent) = get_mut(self.resource, above).and_then(Value::as_object_mut) {
                    parent.shift_remove(name);
                    parent.shift_remove(&format!("_{name}"));
                }
                Ok(())
            }
            Key::Index(at) => {
                let items = self.items(above)?;
                if *at < items.len() {
                    items.remove(*at);
                }
                // FHIR knows no empty arrays.
                if items.is_empty() {
                    return self.delete(above);
                }
                Ok(())
            }
        }
    }

    /// A given value as the element's JSON, and how its member is spelled.
    fn value(
        &mut self,
        element: &Element,
        given: &Given,
        depth: usize,
    ) -> Result<(String, Value), PatchError> {
        let (spelled, value) = build(element, given).ok_or_else(|| {
            does_not_fit(
                self.index,
                "the value has a type that the element may not have",
            )
        })?;
        self.growth.add(self.index, &value, depth + 1)?;
        Ok((spelled, value))
    }
}

fn build(element: &Element, given: &Given) -> Option<(String, Value)> {
    match given {
        Given::Typed(typed, value) => {
            if element.is_choice {
                let spelled = format!("{}{typed}", element.name);
                element.kinds.iter().find(|kind| {
                    let mut name = kind.name.chars();
                    let first = name.next().map(|c| c.to_ascii_uppercase());
                    first.into_iter().chain(name).eq(typed.chars())
                })?;
                return Some((spelled, value.clone()));
            }
            Some((element.name.to_owned(), value.clone()))
        }
        Given::Parts(parts) => {
            let inside = element
                .content
                .or_else(|| element.kinds.first().map(|kind| kind.name))?;
            let mut object = Map::new();
            for (name, given) in parts {
                let child = structure::elements(inside).find(|child| child.name == name)?;
                let (spelled, value) = build(child, given)?;
                if child.repeats {
                    let list = object
                        .entry(spelled)
                        .or_insert_with(|| Value::Array(Vec::new()));
                    list.as_array_mut()?.push(value);
                } else if object.insert(spelled, value).is_some() {
                    return None;
                }
            }
            Some((element.name.to_owned(), Value::Object(object)))
        }
    }
}
