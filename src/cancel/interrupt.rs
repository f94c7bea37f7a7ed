//! A caller's function that may end a call.

use std::cell::Cell;
use std::fmt;
use std::ops::ControlFlow;
use std::time::Instant;

use super::SLICE;

/// A function that the call invokes on its own thread to learn whether to continue.
pub(crate) struct Interrupt {
    ask: Box<dyn Fn() -> ControlFlow<()>>,
    last_asked: Cell<Option<Instant>>,
    is_interrupted: Cell<bool>,
}

impl Interrupt {
    pub(crate) fn new(ask: impl Fn() -> ControlFlow<()> + 'static) -> Self {
        Self {
            ask: Box::new(ask),
            last_asked: Cell::new(None),
            is_interrupted: Cell::new(false),
        }
    }

    /// Invokes the function, unless it has just been invoked: bytes may arrive far more often
    /// than a caller needs to decide.
    pub(super) fn is_interrupted(&self) -> bool {
        let is_recent = |asked: Instant| asked.elapsed() < SLICE / 2;
        if !self.is_interrupted.get() && !self.last_asked.get().is_some_and(is_recent) {
            self.is_interrupted.set((self.ask)().is_break());
            self.last_asked.set(Some(Instant::now()));
        }
        self.is_interrupted.get()
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupt").finish_non_exhaustive()
    }
}
