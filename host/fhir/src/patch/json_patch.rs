//! JSON Patch: read by hand, so that each mistake is named, and applied one by one.

use json_patch::jsonptr::{Pointer, PointerBuf};
use json_patch::{
    AddOperation, CopyOperation, MoveOperation, PatchErrorKind, PatchOperation, RemoveOperation,
    ReplaceOperation, TestOperation, patch_unsafe,
};
use serde_json::Value;

use super::{Growth, OPERATIONS_MAX, PatchError, cut, does_not_fit};

pub(super) fn read(patch: &Value) -> Result<Vec<PatchOperation>, PatchError> {
    let operations = patch
        .as_array()
        .ok_or_else(|| PatchError::NotAPatch("a JSON Patch is an array".to_owned()))?;
    if operations.len() > OPERATIONS_MAX {
        return Err(PatchError::TooMany);
    }
    (0..)
        .zip(operations)
        .map(|(at, one)| read_one(at, one))
        .collect()
}

fn read_one(index: usize, operation: &Value) -> Result<PatchOperation, PatchError> {
    let text = |name: &str| {
        operation
            .get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| PatchError::NotAPatch(format!("operation {index} has no `{name}`")))
    };
    let pointer = |name: &str| {
        let text = text(name)?;
        PointerBuf::parse(text).map_err(|_| PatchError::UnsupportedPath {
            index,
            path: cut(text),
            allowed: "a path is a JSON Pointer such as /name/0/family",
        })
    };
    let value = || {
        let value = operation.get("value").cloned();
        value.ok_or_else(|| PatchError::NotAPatch(format!("operation {index} has no `value`")))
    };
    let path = pointer("path")?;
    Ok(match text("op")? {
        "add" => PatchOperation::Add(AddOperation {
            path,
            value: value()?,
        }),
        "remove" => PatchOperation::Remove(RemoveOperation { path }),
        "replace" => PatchOperation::Replace(ReplaceOperation {
            path,
            value: value()?,
        }),
        "move" => PatchOperation::Move(MoveOperation {
            from: pointer("from")?,
            path,
        }),
        "copy" => PatchOperation::Copy(CopyOperation {
            from: pointer("from")?,
            path,
        }),
        "test" => PatchOperation::Test(TestOperation {
            path,
            value: value()?,
        }),
        other => {
            let text = format!(
                "operation {index}: `{}` is none of add, remove, replace, move, copy, test",
                cut(other)
            );
            return Err(PatchError::NotAPatch(text));
        }
    })
}

pub(super) fn apply(
    document: &mut Value,
    operations: &[PatchOperation],
    growth: &mut Growth,
) -> Result<(), PatchError> {
    for (index, operation) in operations.iter().enumerate() {
        check(document, index, operation, growth)?;
        patch_unsafe(document, std::slice::from_ref(operation)).map_err(|error| {
            let why = match error.kind {
                PatchErrorKind::TestFailed => "the test does not hold",
                PatchErrorKind::InvalidFromPointer => "`from` names nothing",
                PatchErrorKind::CannotMoveInsideItself => "an element cannot move into itself",
                _ => "`path` names nothing that this operation could change",
            };
            does_not_fit(index, why)
        })?;
    }
    Ok(())
}

/// The identity stays, and the document stays within its bounds at every step.
fn check(
    document: &Value,
    index: usize,
    operation: &PatchOperation,
    growth: &mut Growth,
) -> Result<(), PatchError> {
    let changed = match operation {
        PatchOperation::Test(_) => return Ok(()),
        PatchOperation::Move(moved) => [Some(&moved.path), Some(&moved.from)],
        PatchOperation::Add(one) => [Some(&one.path), None],
        PatchOperation::Remove(one) => [Some(&one.path), None],
        PatchOperation::Replace(one) => [Some(&one.path), None],
        PatchOperation::Copy(one) => [Some(&one.path), None],
    };
    for path in changed.into_iter().flatten() {
        let first = path.first().map(|token| token.decoded().into_owned());
        if first.is_none_or(|name| name == "resourceType" || name == "id") {
            return Err(PatchError::Identity(index));
        }
    }
    let depth = |path: &Pointer| path.tokens().count();
    let from = |from: &Pointer| {
        document
            .pointer(from.as_str())
            .ok_or_else(|| does_not_fit(index, "`from` names nothing"))
    };
    match operation {
        PatchOperation::Add(one) => growth.add(index, &one.value, depth(&one.path)),
        PatchOperation::Replace(one) => growth.add(index, &one.value, depth(&one.path)),
        PatchOperation::Copy(one) => growth.add(index, from(&one.from)?, depth(&one.path)),
        PatchOperation::Move(one) => growth.add(index, from(&one.from)?, depth(&one.path)),
        PatchOperation::Remove(_) | PatchOperation::Test(_) => Ok(()),
    }
}
