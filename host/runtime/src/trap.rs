//! From what the engine reports to what is said about it.

use wasmtime::{PoolConcurrencyLimitError, Trap};

use crate::error::RunError;
use crate::stop::Stopped;

/// Names the cause of a failed call. Engine errors that can only come from us are host
/// faults: the app is never blamed for what it cannot do.
pub(crate) fn classify(error: &wasmtime::Error) -> RunError {
    if let Some(stopped) = error.downcast_ref::<Stopped>() {
        return match stopped {
            Stopped::Killed(reason) => RunError::Terminated(reason.clone()),
            Stopped::Deadline => RunError::DeadlineExceeded,
            Stopped::OverBudget(limit) => RunError::OverBudget(limit),
            Stopped::Memory => RunError::MemoryLimit,
            Stopped::Unavailable => RunError::Unavailable,
        };
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return of_trap(*trap);
    }
    if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
        return RunError::Busy;
    }
    // These causes have no public type in this version of the engine.
    let cause = error.root_cause().to_string();
    if cause.contains("fuel allocated for hostcalls has been exhausted") {
        return RunError::MessageTooLarge;
    }
    if cause.contains("store handle limit exceeded") {
        return RunError::TooManyHandles;
    }
    if let Some(violation) = ABI_VIOLATIONS.iter().find(|text| cause.contains(**text)) {
        return RunError::AbiViolation(violation);
    }
    tracing::error!(%cause, "a call failed for a reason that is not the guest's");
    RunError::HostFault
}

/// What the canonical ABI says when guest values cannot be lifted or guest memory cannot
/// take what is lowered.
const ABI_VIOLATIONS: [&str; 12] = [
    "unknown handle index",
    "out of bounds",
    "out-of-bounds",
    "not aligned",
    "unaligned",
    "invalid utf-8",
    "invalid utf-16",
    "incomplete utf-8",
    "discriminant",
    "char",
    "cannot allocate another handle",
    "realloc return",
];

fn of_trap(trap: Trap) -> RunError {
    match trap {
        Trap::OutOfFuel => RunError::CpuBudgetExceeded,
        Trap::Interrupt => RunError::DeadlineExceeded,
        Trap::StackOverflow => RunError::StackOverflow,
        Trap::AllocationTooLarge => RunError::MemoryLimit,
        Trap::UnreachableCodeReached => RunError::AppCrashed("unreachable"),
        Trap::MemoryOutOfBounds => RunError::AppCrashed("memory-out-of-bounds"),
        Trap::TableOutOfBounds => RunError::AppCrashed("table-out-of-bounds"),
        Trap::IntegerDivisionByZero => RunError::AppCrashed("division-by-zero"),
        Trap::IntegerOverflow => RunError::AppCrashed("integer-overflow"),
        Trap::BadConversionToInteger => RunError::AppCrashed("bad-conversion"),
        Trap::IndirectCallToNull => RunError::AppCrashed("null-function"),
        Trap::BadSignature => RunError::AppCrashed("wrong-function"),
        Trap::StringOutOfBounds => RunError::AbiViolation("string-out-of-bounds"),
        Trap::ListOutOfBounds => RunError::AbiViolation("list-out-of-bounds"),
        Trap::InvalidChar => RunError::AbiViolation("invalid-char"),
        Trap::InvalidDiscriminant => RunError::AbiViolation("invalid-discriminant"),
        Trap::UnalignedPointer => RunError::AbiViolation("unaligned-pointer"),
        Trap::CannotEnterComponent => RunError::AbiViolation("cannot-enter"),
        Trap::CannotLeaveComponent => RunError::AbiViolation("cannot-leave"),
        _ => RunError::AppCrashed("trap"),
    }
}
