//! One parser from method and raw path to what is asked for. Everything is normalised here,
//! once: whatever two parsers could read differently is refused, so that no later part
//! sees another address than the one that was decided on.

#[cfg(test)]
mod tests;

use axum::http::Method;
use glovebox_fhir::resource_types;
use glovebox_model::id::is_fhir_id;

/// Longest path in bytes: the longest that means anything has under 250.
const PATH_BYTES_MAX: usize = 1024;

/// An operation that this server has (R4, operations).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// `Patient/{id}/$everything`
    Everything,
    /// `{type}/$validate`, `{type}/{id}/$validate`
    Validate,
    /// `DocumentReference/$docref` (US Core)
    DocRef,
}

/// What an address names, whatever the method.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    Base,
    Metadata,
    SystemSearch,
    Type(&'static str),
    TypeSearch(&'static str),
    Instance(&'static str, String),
    InstanceHistory(&'static str, String),
    Version(&'static str, String, String),
    Compartment(String, &'static str),
    CompartmentSearch(String, &'static str),
    Operation(Operation, &'static str, Option<String>),
}

/// What is asked for. Types are R4's, ids are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// The CapabilityStatement, for anybody.
    Metadata,
    /// The next page of a search or history, by its sealed link.
    Page,
    /// A batch or transaction.
    Bundle,
    /// Read the current version.
    Read(&'static str, String),
    /// Read one version.
    Vread(&'static str, String, String),
    /// The versions of one resource.
    History(&'static str, String),
    /// Search a type by GET.
    Search(&'static str),
    /// Search a type by POST: the parameters of body and address together.
    SearchForm(&'static str),
    /// Search a type within one patient's compartment.
    Compartment(String, &'static str),
    /// The same by POST.
    CompartmentForm(String, &'static str),
    /// Create, also conditionally (`If-None-Exist`).
    Create(&'static str),
    /// Update under an id.
    Update(&'static str, String),
    /// Update what a search finds.
    UpdateWhere(&'static str),
    /// Patch by id.
    Patch(&'static str, String),
    /// Patch what a search finds.
    PatchWhere(&'static str),
    /// Delete by id.
    Delete(&'static str, String),
    /// Delete what a search finds.
    DeleteWhere(&'static str),
    /// An operation; its input is in the address.
    Ask(Operation, &'static str, Option<String>),
    /// An operation; its input is in the body.
    Call(Operation, &'static str, Option<String>),
}

/// Why an address is none of this server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoRoute {
    /// Not written as an address of this server is; says which rule it breaks.
    Malformed(&'static str),
    /// Well formed, and nothing is there.
    Unknown(&'static str),
    /// The address exists, the method does not; carries those that do.
    Method(&'static [Method]),
}

const READ: &[Method] = &[Method::GET, Method::HEAD];
const FORM: &[Method] = &[Method::POST];
const BOTH: &[Method] = &[Method::GET, Method::HEAD, Method::POST];
const OF_TYPE: &[Method] = &[
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];
const OF_INSTANCE: &[Method] = &[
    Method::GET,
    Method::HEAD,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

impl Route {
    /// Reads method and path below the tenant (raw: still percent-encoded, beginning with its
    /// slash, or empty).
    pub(super) fn parse(method: &Method, path: &str) -> Result<Self, NoRoute> {
        let target = target(path)?;
        let is_read = READ.contains(method);
        let refuse = |allowed| Err(NoRoute::Method(allowed));
        Ok(match target {
            Target::Base if is_read => Self::Page,
            Target::Base if method == Method::POST => Self::Bundle,
            Target::Base => return refuse(BOTH),
            Target::Metadata if is_read => Self::Metadata,
            Target::Metadata => return refuse(READ),
            Target::SystemSearch => {
                return Err(NoRoute::Unknown(
                    "this server searches one type at a time: `[base]/[type]?…`",
                ));
            }
            Target::Type(name) => match *method {
                Method::GET | Method::HEAD => Self::Search(name),
                Method::POST => Self::Create(name),
                Method::PUT => Self::UpdateWhere(name),
                Method::PATCH => Self::PatchWhere(name),
                Method::DELETE => Self::DeleteWhere(name),
                _ => return refuse(OF_TYPE),
            },
            Target::TypeSearch(name) if method == Method::POST => Self::SearchForm(name),
            Target::CompartmentSearch(patient, name) if method == Method::POST => {
                Self::CompartmentForm(patient, name)
            }
            Target::TypeSearch(_) | Target::CompartmentSearch(..) => return refuse(FORM),
            Target::Instance(name, id) => match *method {
                Method::GET | Method::HEAD => Self::Read(name, id),
                Method::PUT => Self::Update(name, id),
                Method::PATCH => Self::Patch(name, id),
                Method::DELETE => Self::Delete(name, id),
                _ => return refuse(OF_INSTANCE),
            },
            Target::InstanceHistory(name, id) if is_read => Self::History(name, id),
            Target::Version(name, id, version) if is_read => Self::Vread(name, id, version),
            Target::Compartment(patient, name) if is_read => Self::Compartment(patient, name),
            Target::InstanceHistory(..) | Target::Version(..) | Target::Compartment(..) => {
                return refuse(READ);
            }
            Target::Operation(Operation::Validate, name, id) => match *method {
                Method::POST => Self::Call(Operation::Validate, name, id),
                _ => return refuse(FORM),
            },
            Target::Operation(operation, name, id) => match *method {
                Method::GET | Method::HEAD => Self::Ask(operation, name, id),
                Method::POST => Self::Call(operation, name, id),
                _ => return refuse(BOTH),
            },
        })
    }
}

/// The methods of an address, for `OPTIONS` and `Allow`.
pub(super) fn allowed(path: &str) -> &'static [Method] {
    // No address has this method: the refusal lists those that it has.
    match Route::parse(&Method::CONNECT, path) {
        Err(NoRoute::Method(allowed)) => allowed,
        _ => &[],
    }
}

fn target(path: &str) -> Result<Target, NoRoute> {
    if path.len() > PATH_BYTES_MAX {
        return Err(NoRoute::Malformed("the address is too long"));
    }
    // The base may be written with or without its slash; nothing below it has one at the end.
    let below = match path.strip_prefix('/') {
        None | Some("") => return Ok(Target::Base),
        Some(below) => below,
    };
    let segments: Vec<String> = below.split('/').map(segment).collect::<Result<_, _>>()?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["metadata"] => Ok(Target::Metadata),
        ["_search"] => Ok(Target::SystemSearch),
        ["_history"] => Err(NoRoute::Unknown(
            "the history of everything is not given out: ask for that of one resource",
        )),
        [first, ..] if first.starts_with('$') => Err(unknown_operation()),
        [name, rest @ ..] => below_type(resource_type(name)?, rest),
        [] => Ok(Target::Base),
    }
}

fn below_type(name: &'static str, rest: &[&str]) -> Result<Target, NoRoute> {
    match rest {
        [] => Ok(Target::Type(name)),
        ["_search"] => Ok(Target::TypeSearch(name)),
        ["_history"] => Err(NoRoute::Unknown(
            "the history of a type is not given out: ask for that of one resource",
        )),
        [text] if text.starts_with('$') => operation(name, None, text),
        [id] => Ok(Target::Instance(name, checked_id(id)?)),
        [id, "_history"] => Ok(Target::InstanceHistory(name, checked_id(id)?)),
        [id, "_history", version] => {
            Ok(Target::Version(name, checked_id(id)?, checked_id(version)?))
        }
        [id, text] if text.starts_with('$') => operation(name, Some(checked_id(id)?), text),
        [id, member] if name == "Patient" => {
            let id = checked_id(id)?;
            Ok(Target::Compartment(id, resource_type(member)?))
        }
        [id, member, "_search"] if name == "Patient" => {
            let id = checked_id(id)?;
            Ok(Target::CompartmentSearch(id, resource_type(member)?))
        }
        _ => Err(NoRoute::Unknown(
            "nothing is served under this address: only the compartments of patients are",
        )),
    }
}

fn operation(name: &'static str, id: Option<String>, text: &str) -> Result<Target, NoRoute> {
    let operation = match (text, name, &id) {
        ("$everything", "Patient", Some(_)) => Operation::Everything,
        ("$validate", _, _) => Operation::Validate,
        ("$docref", "DocumentReference", None) => Operation::DocRef,
        _ => return Err(unknown_operation()),
    };
    Ok(Target::Operation(operation, name, id))
}

fn unknown_operation() -> NoRoute {
    NoRoute::Unknown(
        "this server has the operations `Patient/[id]/$everything`, `[type]/$validate` and \
         `DocumentReference/$docref`",
    )
}

/// One path segment, percent-decoded once.
fn segment(raw: &str) -> Result<String, NoRoute> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte.unwrap_or_default()).to_digit(16);
        let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
            return Err(NoRoute::Malformed(
                "a percent sign is followed by two hexadecimal digits",
            ));
        };
        bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
    }
    let fine =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'$');
    match bytes.as_slice() {
        [] => Err(NoRoute::Malformed(
            "the address has an empty part: write one slash between parts and none at the end",
        )),
        bytes if bytes.iter().all(|byte| *byte == b'.') => {
            Err(NoRoute::Malformed("the address has a part of dots alone"))
        }
        bytes if bytes.iter().all(fine) => Ok(bytes.iter().copied().map(char::from).collect()),
        _ => Err(NoRoute::Malformed(
            "the parts of an address are made of A-Z, a-z, 0-9, -, ., _ and $",
        )),
    }
}

fn resource_type(name: &str) -> Result<&'static str, NoRoute> {
    let known = resource_types().iter().find(|known| **known == name);
    known.copied().ok_or(NoRoute::Unknown(
        "this is not a resource type of FHIR R4: names are written like `Patient`",
    ))
}

fn checked_id(id: &str) -> Result<String, NoRoute> {
    if is_fhir_id(id) {
        Ok(id.to_owned())
    } else {
        Err(NoRoute::Malformed(
            "an id has 1 to 64 of A-Z, a-z, 0-9, - and .",
        ))
    }
}
