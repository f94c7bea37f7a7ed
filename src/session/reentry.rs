//! The calls that run on a thread, nested through callbacks.
//!
//! A call that a callback makes may need a value that its outer call is obtaining, such as the
//! login. It would wait forever. Therefore each call knows its outer calls.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A running call.
#[derive(Debug)]
pub(crate) struct ActiveCall {
    /// The address of the client's session. It is only compared.
    client: usize,
    /// The call whose callback runs this one. It may be another one each time that this call
    /// continues: the caller may read a download, or step a wait, wherever they want.
    outer: Mutex<Option<Arc<ActiveCall>>>,
    is_in_token_callback: AtomicBool,
    /// Whether the call returns instead of waiting for another one.
    returns_early: AtomicBool,
    /// What the call waits for: the address of a [`SingleFlight`](super::SingleFlight), and its
    /// generation when the call began to wait.
    awaited: Mutex<Option<(usize, u64)>>,
    /// When the running callback, other than the token callback, was called.
    callback_start: Mutex<Option<Instant>>,
}

thread_local! {
    static INNERMOST: RefCell<Option<Arc<ActiveCall>>> = const { RefCell::new(None) };
}

impl ActiveCall {
    /// Creates a call of the client with this address.
    pub(crate) fn new(client: usize) -> Arc<Self> {
        Arc::new(Self {
            client,
            outer: Mutex::default(),
            is_in_token_callback: AtomicBool::new(false),
            returns_early: AtomicBool::new(false),
            awaited: Mutex::default(),
            callback_start: Mutex::default(),
        })
    }

    /// Makes this the innermost call of the thread until the guard is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> Entered {
        let before = INNERMOST.replace(Some(self.clone()));
        *lock(&self.outer) = before.clone();
        Entered { before }
    }

    /// Makes the call return instead of waiting for another one.
    pub(crate) fn return_early(&self) {
        self.returns_early.store(true, Ordering::Relaxed);
    }

    /// Returns whether the call returns instead of waiting for another one.
    pub(super) fn returns_early(&self) -> bool {
        self.returns_early.load(Ordering::Relaxed)
    }

    /// Returns whether the call has returned instead of waiting for another one.
    pub(super) fn is_waiting(&self) -> bool {
        self.returns_early() && lock(&self.awaited).is_some()
    }

    /// Returns the generation of `flight` when the call began to wait for it.
    pub(super) fn awaited(&self, flight: usize) -> Option<u64> {
        let awaited = lock(&self.awaited).filter(|(awaited, _)| *awaited == flight);
        awaited.map(|(_, generation)| generation)
    }

    /// Notes that the call waits for a generation of `flight`, or for nothing any more.
    pub(super) fn set_awaited(&self, awaited: Option<(usize, u64)>) {
        *lock(&self.awaited) = awaited;
    }

    /// Returns whether this call was made within `other`, or is `other`.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || self.outer_calls().any(|call| std::ptr::eq(&*call, other))
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
        let start = *lock(&self.callback_start);
        start.map_or(Duration::ZERO, |start| start.elapsed())
    }

    fn set_callback_start(&self, start: Option<Instant>) {
        *lock(&self.callback_start) = start;
    }

    fn outer_calls(&self) -> impl Iterator<Item = Arc<Self>> {
        std::iter::successors(lock(&self.outer).clone(), |call| lock(&call.outer).clone())
    }
}

/// Locks a field. A panic cannot leave it in an invalid state.
fn lock<T>(field: &Mutex<T>) -> MutexGuard<'_, T> {
    field.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Restores the thread's previous innermost call when it is dropped.
pub(crate) struct Entered {
    before: Option<Arc<ActiveCall>>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let entered = INNERMOST.replace(self.before.take());
        if let Some(entered) = entered {
            *lock(&entered.outer) = None;
        }
    }
}

/// Runs a function when it is dropped, even if a callback panics.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
