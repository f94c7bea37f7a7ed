//! The cancellation of the call that runs on this thread.
//!
//! The sockets of a call find it here: they are shared with other calls through the pool of
//! connections, and the traits of the HTTP library that they implement pass no context.

use std::cell::RefCell;

use super::Cancellation;

thread_local! {
    static CURRENT: RefCell<Cancellation> = RefCell::default();
}

impl Cancellation {
    /// Returns the cancellation of the call that runs on this thread.
    pub(crate) fn current() -> Self {
        CURRENT.with_borrow(Self::clone)
    }

    /// Makes this the current one until the guard is dropped.
    pub(crate) fn enter(&self) -> Entered {
        Entered {
            before: CURRENT.replace(self.clone()),
        }
    }
}

/// Restores the [`Cancellation`] that was current before.
pub(crate) struct Entered {
    before: Cancellation,
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(std::mem::take(&mut self.before));
    }
}
