//! Stopping a call: by another thread, or by its deadline.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Error;
use crate::error::About;

/// Cancels calls from any thread.
///
/// Give clones of it to calls; when it is pulled, those that are under way
/// return [`Cancelled`](crate::ErrorKind::Cancelled) within a quarter of a
/// second, whatever they wait for, and later ones at once. It stays pulled.
#[derive(Clone, Debug, Default)]
pub struct CancelToken {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    is_pulled: Mutex<bool>,
    pulled: Condvar,
}

impl CancelToken {
    /// A token that is not pulled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels every call that has this token, now and later.
    pub fn cancel(&self) {
        *self.lock() = true;
        self.state.pulled.notify_all();
    }

    /// Whether it was pulled.
    pub fn is_cancelled(&self) -> bool {
        *self.lock()
    }

    /// Waits until the token is pulled, or the time is over.
    fn wait(&self, time: Duration) {
        let waited = self
            .state
            .pulled
            .wait_timeout_while(self.lock(), time, |is_pulled| !*is_pulled);
        drop(waited);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, bool> {
        // A bool is whole whatever panicked beside it.
        let lock = self.state.is_pulled.lock();
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

    /// For how long to wait, of a time that may be unlimited, before the next
    /// [`check`](Self::check).
    pub(crate) fn slice(&self, time: Option<Duration>) -> Option<Duration> {
        let is_watched = self.cancel.is_some() || self.interrupt.is_some();
        let slice = is_watched.then_some(Self::SLICE);
        [time, self.left(), slice].into_iter().flatten().min()
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
            // A pulled token wakes, and the end of time never comes.
            let time = match &self.interrupt {
                Some(_) => self.slice(left),
                None => [left, self.left()].into_iter().flatten().min(),
            };
            let time = time.unwrap_or(Duration::MAX);
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
