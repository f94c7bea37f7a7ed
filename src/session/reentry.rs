//! The calls that run on a thread, nested through callbacks.
//!
//! A call that a callback makes may need a value that its outer call is obtaining, such as the
//! login. It would wait forever. Therefore each call knows its outer calls.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A running call.
#[derive(Debug)]
pub(crate) struct ActiveCall {
    /// The address of the client's session. It is only compared.
    client: usize,
    /// The call whose callback made this one.
    outer: Option<Arc<ActiveCall>>,
    is_in_token_callback: AtomicBool,
    /// When the running callback, other than the token callback, was called.
    callback_start: Mutex<Option<Instant>>,
}

thread_local! {
    static INNERMOST: RefCell<Option<Arc<ActiveCall>>> = const { RefCell::new(None) };
}

impl ActiveCall {
    /// Begins a call on this thread for the client with this address.
    pub(crate) fn new(client: usize) -> Arc<Self> {
        Arc::new(Self {
            client,
            outer: INNERMOST.with_borrow(Clone::clone),
            is_in_token_callback: AtomicBool::new(false),
            callback_start: Mutex::new(None),
        })
    }

    /// Makes this the innermost call of the thread until the guard is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> Entered {
        Entered {
            before: INNERMOST.replace(Some(self.clone())),
        }
    }

    /// Returns whether this call was made within `other`, or is `other`.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || self.outer_calls().any(|call| std::ptr::eq(call, other))
    }

    /// Returns whether this call was made by the token callback of its own client.
    pub(crate) fn is_within_token_callback(&self) -> bool {
        self.outer_calls().any(|call| {
            call.client == self.client && call.is_in_token_callback.load(Ordering::Relaxed)
        })
    }

    /// Runs the token callback.
    pub(crate) fn run_token_callback<T>(&self, callback: impl FnOnce() -> T) -> T {
        self.is_in_token_callback.store(true, Ordering::Relaxed);
        let _running = OnDrop(|| self.is_in_token_callback.store(false, Ordering::Relaxed));
        callback()
    }

    /// Runs another callback of the call.
    pub(crate) fn run_callback<T>(&self, callback: impl FnOnce() -> T) -> T {
        self.set_callback_start(Some(Instant::now()));
        let _running = OnDrop(|| self.set_callback_start(None));
        callback()
    }

    /// Returns for how long the call has been in a callback; zero if it is in none.
    pub(crate) fn time_in_callback(&self) -> Duration {
        let start = self.callback_start.lock();
        let start = *start.unwrap_or_else(PoisonError::into_inner);
        start.map_or(Duration::ZERO, |start| start.elapsed())
    }

    fn set_callback_start(&self, start: Option<Instant>) {
        let current = self.callback_start.lock();
        *current.unwrap_or_else(PoisonError::into_inner) = start;
    }

    fn outer_calls(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(self.outer.as_deref(), |call| call.outer.as_deref())
    }
}

/// Restores the thread's previous innermost call when it is dropped.
pub(crate) struct Entered {
    before: Option<Arc<ActiveCall>>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        INNERMOST.set(self.before.take());
    }
}

/// Runs a function when it is dropped, even if a callback panics.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
