//! The cancellation of the call that runs on this thread.
//!
//! The sockets of a call read it here: the connection pool shares them between calls, and the
//! HTTP library's traits that they implement have no parameter for it.

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

    /// Makes this the current cancellation of the thread until the guard is dropped.
    pub(crate) fn enter(&self) -> Entered {
        Entered {
            before: CURRENT.replace(self.clone()),
        }
    }
}

/// Restores the previous [`Cancellation`] when it is dropped.
pub(crate) struct Entered {
    before: Cancellation,
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(std::mem::take(&mut self.before));
    }
}
