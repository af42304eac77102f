//! A place for what is made of a value that does not change.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Filled once, shared by clones. Values with and without one are equal.
#[derive(Clone, Default)]
pub(super) struct Memo(Arc<OnceLock<Arc<dyn Any + Send + Sync>>>);

impl Memo {
    /// What is there, or else what is made now.
    pub(super) fn get_or<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        if let Some(known) = self.0.get() {
            return Arc::clone(known)
                .downcast()
                .unwrap_or_else(|_| Arc::new(make()));
        }
        let made = Arc::new(make());
        // Whoever else was quicker made the same.
        let _ = self.0.set(made.clone());
        made
    }
}

impl PartialEq for Memo {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Memo {}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_is_made_once_and_shared_by_clones() {
        let memo = Memo::default();
        let early = memo.clone();
        assert_eq!(*memo.get_or(|| 1), 1);
        assert_eq!((*memo.get_or(|| 2), *early.get_or(|| 3)), (1, 1));
        // another type has no place here, and gets what it makes
        assert_eq!(*memo.get_or(|| "other"), "other");
        assert_eq!(*memo.get_or(|| 4), 1);
        assert_eq!(*Memo::default().get_or(|| 5), 5);
    }
}
