//! Memory and tables of one call, summed: a limit per memory would be none.

use wasmtime::ResourceLimiter;

use crate::stop::Stopped;

/// Counts what all memories and tables of an instance hold together.
#[derive(Debug)]
pub(crate) struct SummingLimiter {
    memory_bytes: u64,
    memory_bytes_max: u64,
    table_elements: u64,
    table_elements_max: u64,
}

impl SummingLimiter {
    pub(crate) fn new(memory_bytes_max: u64, table_elements_max: u64) -> Self {
        Self {
            memory_bytes: 0,
            memory_bytes_max,
            table_elements: 0,
            table_elements_max,
        }
    }

    /// Bytes of linear memory at the end; memories never shrink, so also the peak.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }
}

fn grow(sum: &mut u64, max: u64, current: usize, desired: usize) -> wasmtime::Result<bool> {
    let more = u64::try_from(desired.saturating_sub(current)).unwrap_or(u64::MAX);
    let grown = sum.saturating_add(more);
    if grown > max {
        // An error says what happened; `Ok(false)` would end as an `unreachable` in the guest.
        return Err(Stopped::Memory.into());
    }
    *sum = grown;
    Ok(true)
}

impl ResourceLimiter for SummingLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        grow(
            &mut self.memory_bytes,
            self.memory_bytes_max,
            current,
            desired,
        )
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        grow(
            &mut self.table_elements,
            self.table_elements_max,
            current,
            desired,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_memories_count_together() {
        let mut limiter = SummingLimiter::new(64 << 20, 10);
        assert!(limiter.memory_growing(0, 40 << 20, None).unwrap());
        let refused = limiter.memory_growing(0, 40 << 20, None).unwrap_err();
        assert_eq!(refused.downcast_ref::<Stopped>(), Some(&Stopped::Memory));
        assert!(limiter.memory_growing(0, 24 << 20, None).unwrap());
        assert_eq!(limiter.memory_bytes(), 64 << 20);
        assert!(limiter.table_growing(0, 11, None).is_err());
    }
}
