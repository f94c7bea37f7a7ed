//! The caller's function that may cancel a call.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Mutex, TryLockError};
use std::time::Instant;

use super::SLICE;

/// A function that the call invokes on its own thread, and that decides whether to continue.
pub(crate) struct Interrupt {
    state: Mutex<State>,
}

struct State {
    check: Box<dyn Fn() -> ControlFlow<()> + Send>,
    last_check: Option<Instant>,
    is_interrupted: bool,
}

impl Interrupt {
    pub(crate) fn new(check: impl Fn() -> ControlFlow<()> + Send + 'static) -> Self {
        Self {
            state: Mutex::new(State {
                check: Box::new(check),
                last_check: None,
                is_interrupted: false,
            }),
        }
    }

    /// Returns whether the function has cancelled the call. Invokes it, unless it was invoked just
    /// before: bytes may arrive far more often than the function needs to be invoked.
    pub(super) fn is_interrupted(&self) -> bool {
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // The function itself is running: it uses the download whose read invoked it.
            Err(TryLockError::WouldBlock) => return false,
        };
        let is_recent = |checked: Instant| checked.elapsed() < SLICE / 2;
        if !state.is_interrupted && !state.last_check.is_some_and(is_recent) {
            state.is_interrupted = (state.check)().is_break();
            state.last_check = Some(Instant::now());
        }
        state.is_interrupted
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupt").finish_non_exhaustive()
    }
}
