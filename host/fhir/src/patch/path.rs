//! The few FHIRPath expressions that a FHIRPath Patch may use here:
//! `Patient.contact[0].name.where(use='official').given`.

use serde_json::Value;

use super::{PatchError, cut};
use crate::structure::{self, Element};
use crate::types;

/// Steps in one path at most.
const STEPS_MAX: usize = 32;
const ALLOWED: &str = "use names, [0] and .where(name='text') only";

/// One step from the resource inward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The elements of this name.
    Child(String),
    /// One of what was found, from 0.
    Index(usize),
    /// Those with a child that has exactly this text.
    Where(String, String),
}

/// A path: a resource type and steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) resource_type: String,
    pub(super) steps: Vec<Step>,
}

/// One way down in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Member(String),
    Index(usize),
}

/// A place in a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) keys: Vec<Key>,
    /// Under which path the children of what stands here are listed.
    pub(super) content: &'static str,
    /// What element it is; `None` for the resource itself.
    pub(super) element: Option<&'static Element>,
}

impl Path {
    pub(super) fn read(index: usize, text: &str) -> Result<Self, PatchError> {
        let unsupported = || PatchError::UnsupportedPath {
            index,
            path: cut(text),
            allowed: ALLOWED,
        };
        let mut rest = text;
        let resource_type = name(&mut rest).ok_or_else(unsupported)?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if steps.len() == STEPS_MAX {
                return Err(unsupported());
            }
            steps.push(step(&mut rest).ok_or_else(unsupported)?);
        }
        Ok(Self {
            resource_type,
            steps,
        })
    }

    /// Where the path leads.
    pub(super) fn places(&self, resource: &Value) -> Vec<Place> {
        let named = resource.get("resourceType").and_then(Value::as_str);
        let known = named.filter(|name| *name == self.resource_type);
        let Some(content) = known.and_then(types::known) else {
            return Vec::new();
        };
        let start = Place {
            keys: Vec::new(),
            content,
            element: None,
        };
        self.steps
            .iter()
            .fold(vec![start], |places, step| take(resource, places, step))
    }
}

fn name(rest: &mut &str) -> Option<String> {
    let end = rest
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(rest.len());
    let (name, after) = rest.split_at_checked(end)?;
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !starts || name.len() > 64 {
        return None;
    }
    *rest = after;
    Some(name.to_owned())
}

fn step(rest: &mut &str) -> Option<Step> {
    if let Some(inside) = rest.strip_prefix('[') {
        let (number, after) = inside.split_once(']')?;
        let digits = !number.is_empty()
            && number.len() <= 6
            && number.bytes().all(|byte| byte.is_ascii_digit());
        *rest = after;
        return digits
            .then(|| number.parse().ok())
            .flatten()
            .map(Step::Index);
    }
    let mut after = rest.strip_prefix('.')?;
    let child = name(&mut after)?;
    if !after.starts_with('(') {
        *rest = after;
        return Some(Step::Child(child));
    }
    if child != "where" {
        return None;
    }
    let mut inside = after.strip_prefix('(')?.trim_start();
    let member = name(&mut inside)?;
    let text = inside.trim_start().strip_prefix('=')?.trim_start();
    let (text, after) = text.strip_prefix('\'')?.split_once('\'')?;
    if text.contains('\\') {
        return None;
    }
    *rest = after.trim_start().strip_prefix(')')?;
    Some(Step::Where(member, text.to_owned()))
}

pub(super) fn get<'a>(resource: &'a Value, keys: &[Key]) -> Option<&'a Value> {
    keys.iter().try_fold(resource, |value, key| match key {
        Key::Member(name) => value.get(name),
        Key::Index(at) => value.get(at),
    })
}

pub(super) fn get_mut<'a>(resource: &'a mut Value, keys: &[Key]) -> Option<&'a mut Value> {
    keys.iter().try_fold(resource, |value, key| match key {
        Key::Member(name) => value.get_mut(name),
        Key::Index(at) => value.get_mut(at),
    })
}

/// The JSON member of `value` that is an element of this name, and the element.
pub(super) fn member<'a>(
    value: &'a Value,
    content: &str,
    name: &str,
) -> Option<(&'a str, &'static Element)> {
    let members = value.as_object()?;
    members.keys().find_map(|spelled| {
        let (element, _) = structure::find(content, spelled)?;
        (element.name == name).then_some((spelled.as_str(), element))
    })
}

fn take(resource: &Value, places: Vec<Place>, step: &Step) -> Vec<Place> {
    match step {
        Step::Index(at) => places.into_iter().nth(*at).into_iter().collect(),
        Step::Where(name, text) => {
            let mut places = places;
            places.retain(|place| {
                let value = get(resource, &place.keys).and_then(|value| value.get(name));
                value.and_then(Value::as_str) == Some(text)
            });
            places
        }
        Step::Child(name) => places
            .iter()
            .flat_map(|place| children(resource, place, name))
            .collect(),
    }
}

fn children(resource: &Value, place: &Place, name: &str) -> Vec<Place> {
    let found = get(resource, &place.keys)
        .and_then(|value| Some((value, member(value, place.content, name)?)));
    let Some((value, (spelled, element))) = found else {
        return Vec::new();
    };
    let Some(child) = value.get(spelled) else {
        return Vec::new();
    };
    let kind = structure::find(place.content, spelled).map_or("", |(_, kind)| kind.name);
    let of = |keys: Vec<Key>, value: &Value| Place {
        keys,
        // A resource inside another is of the type that it says.
        content: match kind {
            "Resource" => value
                .get("resourceType")
                .and_then(Value::as_str)
                .and_then(types::known)
                .unwrap_or(""),
            _ => element.content.unwrap_or(kind),
        },
        element: Some(element),
    };
    let mut keys = place.keys.clone();
    keys.push(Key::Member(spelled.to_owned()));
    match child.as_array() {
        None => vec![of(keys, child)],
        Some(items) => items
            .iter()
            .enumerate()
            .map(|(at, item)| {
                let mut keys = keys.clone();
                keys.push(Key::Index(at));
                of(keys, item)
            })
            .collect(),
    }
}
