//! What ends a call early: a cancelled token, an interrupt function, a deadline.

mod current;
mod interrupt;
mod token;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::os::Wake;

pub(crate) use interrupt::Interrupt;
pub use token::CancelToken;

/// How often a wait that cannot be woken looks whether the call was cancelled.
const SLICE: Duration = Duration::from_millis(50);

/// Why a call has to end early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    #[error("cancelled")]
    Cancelled,
    #[error("the operation timed out")]
    Deadline,
}

/// Everything that can end a call early: its token, its interrupt function and its deadline.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cancellation {
    pub(crate) token: Option<CancelToken>,
    pub(crate) interrupt: Option<Rc<Interrupt>>,
    pub(crate) deadline: Option<Instant>,
}

impl Cancellation {
    /// The longest single wait, which every system's clock can represent.
    const MAX_WAIT: Duration = Duration::from_secs(24 * 3600);

    pub(crate) fn check(&self) -> Result<(), Stop> {
        let interrupt = self.interrupt.as_deref();
        if self.token.as_ref().is_some_and(CancelToken::is_cancelled)
            || interrupt.is_some_and(Interrupt::is_interrupted)
        {
            return Err(Stop::Cancelled);
        }
        match self.left() {
            Some(Duration::ZERO) => Err(Stop::Deadline),
            _ => Ok(()),
        }
    }

    /// Returns what is left of the call's time, if that is limited.
    pub(crate) fn left(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// Returns for how long to wait, of a time that may be unlimited, before the next
    /// [`check`](Self::check), where a cancelled token does not end the wait.
    pub(crate) fn slice(&self, time: Option<Duration>) -> Option<Duration> {
        self.slice_of(time, self.token.is_some())
    }

    /// Returns for how long to wait where a cancelled token ends the wait.
    pub(crate) fn slice_with_wake(&self, time: Option<Duration>) -> Option<Duration> {
        self.slice_of(time, false)
    }

    fn slice_of(&self, time: Option<Duration>, has_unwakeable_token: bool) -> Option<Duration> {
        let has_tick = has_unwakeable_token || self.interrupt.is_some();
        let tick = has_tick.then_some(SLICE);
        let times = [time, self.left(), tick].into_iter().flatten();
        times.min().map(|time| time.min(Self::MAX_WAIT))
    }

    /// Returns what becomes readable when the call's token is cancelled. Without a token, or
    /// without a descriptor for it, there is none.
    pub(crate) fn wake(&self) -> Option<Arc<Wake>> {
        self.token.as_ref()?.wake()
    }

    /// Returns whether there is a token at all.
    pub(crate) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Waits, unless the call has to end early.
    pub(crate) fn sleep(&self, time: Duration) -> Result<(), Stop> {
        let end = Instant::now().checked_add(time);
        loop {
            self.check()?;
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(());
            }
            let time = self.slice_with_wake(left).unwrap_or(Self::MAX_WAIT);
            match &self.token {
                Some(cancel) => cancel.wait(time),
                None => std::thread::sleep(time),
            }
        }
    }
}
