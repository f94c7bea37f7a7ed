//! Cancellation of calls: by a token, by an interrupt function, or by a deadline.

mod current;
mod interrupt;
mod token;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::os::Wake;

pub(crate) use interrupt::Interrupt;
pub use token::CancelToken;

/// How often a wait that cannot be woken checks whether the call was cancelled.
const SLICE: Duration = Duration::from_millis(50);

/// Why a call has to end early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    #[error("cancelled")]
    Cancelled,
    #[error("the operation timed out")]
    Deadline,
}

/// The token, the interrupt function and the deadline of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cancellation {
    pub(crate) token: Option<CancelToken>,
    pub(crate) interrupt: Option<Arc<Interrupt>>,
    pub(crate) deadline: Option<Instant>,
}

impl Cancellation {
    /// The longest single wait, which every system's clock can represent.
    const MAX_WAIT: Duration = Duration::from_secs(24 * 3600);

    /// Returns an error if the call was cancelled or its deadline has passed.
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

    /// Returns the time left until the deadline. `None` without a deadline.
    pub(crate) fn left(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// Returns how long to wait before the next [`check`](Self::check), for a wait of `time`
    /// (`None` means no limit) that a cancelled token does not end.
    pub(crate) fn slice(&self, time: Option<Duration>) -> Option<Duration> {
        self.slice_of(time, self.token.is_some())
    }

    /// Returns how long to wait before the next [`check`](Self::check), for a wait of `time`
    /// (`None` means no limit) that a cancelled token ends.
    pub(crate) fn slice_with_wake(&self, time: Option<Duration>) -> Option<Duration> {
        self.slice_of(time, false)
    }

    fn slice_of(&self, time: Option<Duration>, has_unwakeable_token: bool) -> Option<Duration> {
        let has_tick = has_unwakeable_token || self.interrupt.is_some();
        let tick = has_tick.then_some(SLICE);
        let times = [time, self.left(), tick].into_iter().flatten();
        times.min().map(|time| time.min(Self::MAX_WAIT))
    }

    /// Returns the wake that becomes readable when the call's token is cancelled. `None` without a
    /// token, or if no descriptor is available.
    pub(crate) fn wake(&self) -> Option<Arc<Wake>> {
        self.token.as_ref()?.wake()
    }

    /// Returns whether the call has a token.
    pub(crate) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Waits for `time`. Returns an error if the call is cancelled or its deadline passes.
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
                Some(token) => token.wait(time),
                None => std::thread::sleep(time),
            }
        }
    }
}
