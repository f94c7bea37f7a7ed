//! Stopping a call: by another thread, or by its deadline.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Error;
use crate::error::About;
use crate::os::Wake;

/// Cancels calls from any thread.
///
/// Give clones of it to calls. When it is cancelled, calls that are under way return
/// [`Cancelled`](crate::ErrorKind::Cancelled) at once, whatever they wait for, and later
/// calls do so before they send anything. It stays cancelled.
///
/// While a call waits for its server, the token holds one file descriptor of the process
/// (two on Unix systems other than Linux).
#[derive(Clone, Debug, Default)]
pub struct CancelToken {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    is_cancelled: AtomicBool,
    /// Wakes calls that wait for a socket. Created for the first of them.
    wake: Mutex<Option<Arc<Wake>>>,
    /// Wakes calls that sleep.
    cancelled: Condvar,
}

impl CancelToken {
    /// Creates a token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels every call that has this token, now and later.
    pub fn cancel(&self) {
        let wake = self.lock();
        self.state.is_cancelled.store(true, Ordering::SeqCst);
        if let Some(wake) = &*wake {
            wake.trigger();
        }
        drop(wake);
        self.state.cancelled.notify_all();
    }

    /// Returns whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.state.is_cancelled.load(Ordering::SeqCst)
    }

    /// Returns what is readable once the token is cancelled; `None` where the system has no
    /// such thing, or no descriptor left.
    fn wake(&self) -> Option<Arc<Wake>> {
        let mut wake = self.lock();
        if wake.is_none() {
            let new = Wake::new()?;
            if self.is_cancelled() {
                new.trigger();
            }
            *wake = Some(Arc::new(new));
        }
        wake.clone()
    }

    /// Waits until the token is cancelled, or the time is over.
    fn wait(&self, time: Duration) {
        let state = &self.state;
        let is_waiting = |_: &mut _| !state.is_cancelled.load(Ordering::SeqCst);
        let waited = state
            .cancelled
            .wait_timeout_while(self.lock(), time, is_waiting);
        drop(waited);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Wake>>> {
        // It is whole whatever panicked beside it.
        let lock = self.state.wake.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a call has to end before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    #[error("cancelled")]
    Cancelled,
    #[error("the call's time limit was met")]
    Deadline,
}

impl Stop {
    pub(crate) fn error(self) -> Error {
        let about = About::default();
        match self {
            Self::Cancelled => Error::Cancelled { about },
            Self::Deadline => Error::Timeout {
                about,
                message: self.to_string(),
            },
        }
    }
}

/// A function that is asked on the call's own thread whether to go on.
pub(crate) struct Interrupt {
    ask: Box<dyn Fn() -> ControlFlow<()>>,
    asked: Cell<Option<Instant>>,
    is_interrupted: Cell<bool>,
}

impl Interrupt {
    pub(crate) fn new(ask: impl Fn() -> ControlFlow<()> + 'static) -> Self {
        Self {
            ask: Box::new(ask),
            asked: Cell::new(None),
            is_interrupted: Cell::new(false),
        }
    }

    /// Asks, unless it has just done so: bytes may come far more often than anybody
    /// needs to be asked.
    fn is_interrupted(&self) -> bool {
        let asked_lately = |asked: Instant| asked.elapsed() < Watch::SLICE / 2;
        if !self.is_interrupted.get() && !self.asked.get().is_some_and(asked_lately) {
            self.is_interrupted.set((self.ask)().is_break());
            self.asked.set(Some(Instant::now()));
        }
        self.is_interrupted.get()
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupt").finish_non_exhaustive()
    }
}

/// What can stop a call.
///
/// The sockets of a call find it by the thread that the call runs on: they are
/// shared with other calls through the pool, and know only their own I/O.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    pub(crate) cancel: Option<CancelToken>,
    pub(crate) interrupt: Option<Rc<Interrupt>>,
    pub(crate) deadline: Option<Instant>,
}

thread_local! {
    static CURRENT: RefCell<Watch> = RefCell::default();
}

impl Watch {
    /// How often a wait that cannot be woken looks whether it was cancelled.
    const SLICE: Duration = Duration::from_millis(50);

    /// The longest single wait, which every system's clock can represent.
    const MAX_WAIT: Duration = Duration::from_secs(24 * 3600);

    /// That of the call which runs on this thread.
    pub(crate) fn current() -> Self {
        CURRENT.with_borrow(Self::clone)
    }

    /// Makes this the current one until the guard is dropped.
    pub(crate) fn enter(&self) -> Entered {
        Entered {
            before: CURRENT.replace(self.clone()),
        }
    }

    pub(crate) fn check(&self) -> Result<(), Stop> {
        let interrupt = self.interrupt.as_deref();
        if self.cancel.as_ref().is_some_and(CancelToken::is_cancelled)
            || interrupt.is_some_and(Interrupt::is_interrupted)
        {
            return Err(Stop::Cancelled);
        }
        match self.left() {
            Some(Duration::ZERO) => Err(Stop::Deadline),
            _ => Ok(()),
        }
    }

    /// What is left of the call's time, if that is limited.
    pub(crate) fn left(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// Returns for how long to wait, of a time that may be unlimited, before the next
    /// [`check`](Self::check), where a cancelled token does not end the wait.
    pub(crate) fn slice(&self, time: Option<Duration>) -> Option<Duration> {
        self.slice_of(time, self.cancel.is_some())
    }

    /// Returns for how long to wait where a cancelled token ends the wait.
    pub(crate) fn slice_with_wake(&self, time: Option<Duration>) -> Option<Duration> {
        self.slice_of(time, false)
    }

    fn slice_of(&self, time: Option<Duration>, has_deaf_token: bool) -> Option<Duration> {
        let has_tick = has_deaf_token || self.interrupt.is_some();
        let tick = has_tick.then_some(Self::SLICE);
        let times = [time, self.left(), tick].into_iter().flatten();
        times.min().map(|time| time.min(Self::MAX_WAIT))
    }

    /// Returns what becomes readable when the call's token is cancelled. Without a token, or
    /// without a descriptor for it, there is none.
    pub(crate) fn wake(&self) -> Option<Arc<Wake>> {
        self.cancel.as_ref()?.wake()
    }

    /// Returns whether there is a token at all.
    pub(crate) fn has_token(&self) -> bool {
        self.cancel.is_some()
    }

    /// Waits; cut short by whatever stops the call.
    pub(crate) fn sleep(&self, time: Duration) -> Result<(), Stop> {
        let end = Instant::now().checked_add(time);
        loop {
            self.check()?;
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(());
            }
            let time = self.slice_with_wake(left).unwrap_or(Self::MAX_WAIT);
            match &self.cancel {
                Some(cancel) => cancel.wait(time),
                None => std::thread::sleep(time),
            }
        }
    }
}

/// Puts the [`Watch`] back that was current before.
pub(crate) struct Entered {
    before: Watch,
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(std::mem::take(&mut self.before));
    }
}
