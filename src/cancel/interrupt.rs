//! The caller's function that may cancel a call.

use std::cell::Cell;
use std::fmt;
use std::ops::ControlFlow;
use std::time::Instant;

use super::SLICE;

/// A function that the call invokes on its own thread, and that decides whether to continue.
pub(crate) struct Interrupt {
    check: Box<dyn Fn() -> ControlFlow<()>>,
    last_check: Cell<Option<Instant>>,
    is_interrupted: Cell<bool>,
}

impl Interrupt {
    pub(crate) fn new(check: impl Fn() -> ControlFlow<()> + 'static) -> Self {
        Self {
            check: Box::new(check),
            last_check: Cell::new(None),
            is_interrupted: Cell::new(false),
        }
    }

    /// Returns whether the function has cancelled the call. Invokes it, unless it was invoked just
    /// before: bytes may arrive far more often than the function needs to be invoked.
    pub(super) fn is_interrupted(&self) -> bool {
        let is_recent = |checked: Instant| checked.elapsed() < SLICE / 2;
        if !self.is_interrupted.get() && !self.last_check.get().is_some_and(is_recent) {
            self.is_interrupted.set((self.check)().is_break());
            self.last_check.set(Some(Instant::now()));
        }
        self.is_interrupted.get()
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupt").finish_non_exhaustive()
    }
}
