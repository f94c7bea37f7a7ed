//! The state of one call while it runs.

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Session;
use super::progress::{OnProgress, ProgressReader};
use super::reentry::ActiveCall;
use crate::cancel::{CancelToken, Cancellation, Interrupt, Stop};
use crate::error::{Context, Error};
use crate::model::JobId;
use crate::text;
use crate::transport::Body;

/// What a caller sets for one call.
#[derive(Default)]
pub(crate) struct CallSettings<'a> {
    pub(crate) token: Option<CancelToken>,
    pub(crate) interrupt: Option<Box<dyn Fn() -> ControlFlow<()> + Send>>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) total_timeout: Option<Duration>,
    pub(crate) on_progress: Option<OnProgress<'a>>,
}

/// One call while it runs.
pub(crate) struct CallContext<'a> {
    pub(crate) job: JobId,
    /// The number of the current attempt, or of the last one of the previous request; 0 before the
    /// first.
    pub(crate) attempt: u32,
    /// Whether the next attempt is the first one of another request.
    pub(super) starts_request: bool,
    /// Whether the current attempt had an effect that cannot be undone, so that no other follows.
    pub(crate) is_last_attempt: bool,
    pub(crate) cancellation: Cancellation,
    pub(crate) active: Arc<ActiveCall>,
    /// How long the call has waited because of the server's `Retry-After`, since a wait last
    /// received the job.
    pub(crate) server_wait: Duration,
    pub(super) on_progress: Option<OnProgress<'a>>,
    /// The limit of the time in the library.
    call: Limit,
    /// The limit of the whole time, including that between the reads of an open download.
    total: Option<Limit>,
    /// When the library last returned from a part of the call.
    suspended_at: Option<Instant>,
    last_failure: Option<String>,
}

impl<'a> CallContext<'a> {
    /// Starts a call about `job` with the client of `session`. Its timeout begins now.
    pub(crate) fn new(
        session: &Arc<Session>,
        job: JobId,
        settings: CallSettings<'a>,
        default_timeout: Duration,
    ) -> Result<Self, Error> {
        let timeout = settings.timeout.unwrap_or(default_timeout);
        if timeout.is_zero() || settings.total_timeout == Some(Duration::ZERO) {
            let message = "the call's timeout is zero: it must be greater than zero";
            return Err(Error::invalid_argument(message));
        }
        // A deadline that the clock cannot represent means no limit.
        let deadline = |timeout| Instant::now().checked_add(timeout);
        let call = Limit {
            timeout,
            deadline: deadline(timeout),
        };
        let total = settings.total_timeout.map(|timeout| Limit {
            timeout,
            deadline: deadline(timeout),
        });
        let active = ActiveCall::new(Arc::as_ptr(session).addr());
        let in_callback = active.clone();
        let interrupt = settings
            .interrupt
            .map(|check| Arc::new(Interrupt::new(move || in_callback.run_callback(&check))));
        Ok(Self {
            job,
            attempt: 0,
            starts_request: false,
            is_last_attempt: false,
            cancellation: Cancellation {
                token: settings.token,
                interrupt,
                deadline: earliest(call.deadline, total),
            },
            active,
            server_wait: Duration::ZERO,
            on_progress: settings.on_progress,
            call,
            total,
            suspended_at: None,
            last_failure: None,
        })
    }

    /// Returns the context of this call's errors.
    pub(crate) fn error_context(&self) -> Context {
        Context {
            job_id: Some(self.job),
            attempts: self.attempt,
        }
    }

    /// Returns an error if the call was cancelled or has timed out.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let checked = self.cancellation.check();
        checked.map_err(|stop| self.stopped(stop))
    }

    /// Stops the clock of the call until it [resumes](Self::resume).
    pub(crate) fn suspend(&mut self) {
        self.suspended_at = Some(Instant::now());
    }

    /// Continues the call after the time that its caller took.
    pub(crate) fn resume(&mut self) {
        let Some(suspended_at) = self.suspended_at.take() else {
            return;
        };
        let time = suspended_at.elapsed();
        self.call.deadline = self.call.deadline.and_then(|end| end.checked_add(time));
        self.cancellation.deadline = earliest(self.call.deadline, self.total);
    }

    /// Waits for `time`. Returns an error if the call is cancelled or times out meanwhile.
    pub(crate) fn sleep(&self, time: Duration) -> Result<(), Error> {
        let slept = self.cancellation.sleep(time);
        slept.map_err(|stop| self.stopped(stop))
    }

    /// Makes the next attempt the first one of another request.
    pub(crate) fn end_request(&mut self) {
        self.starts_request = true;
    }

    /// Notes a failure. If the call times out later, the error names it.
    pub(crate) fn note_failure(&mut self, error: &Error) {
        let error = error.clone().with_context(Context::default());
        self.last_failure = Some(error.to_string());
    }

    /// Notes that the last failure is over.
    pub(crate) fn note_success(&mut self) {
        self.last_failure = None;
        self.server_wait = Duration::ZERO;
    }

    /// Returns how long to wait after `error`: `wait`, and the time that the server specifies
    /// (`Retry-After`). Returns the error if the call would time out before.
    pub(crate) fn pause_after(&mut self, error: Error, wait: Duration) -> Result<Duration, Error> {
        let server_wait = error.retry_after().unwrap_or_default();
        let wait = wait.saturating_add(server_wait);
        if self.cancellation.left().is_some_and(|left| left <= wait) {
            return Err(error.with_retry_after(wait));
        }
        self.server_wait = self.server_wait.saturating_add(server_wait);
        Ok(wait)
    }

    fn stopped(&self, stop: Stop) -> Error {
        let error = match stop {
            Stop::Cancelled => Error::cancelled(),
            Stop::Deadline => {
                let has_passed =
                    |limit: &Limit| limit.deadline.is_some_and(|end| end <= Instant::now());
                let limit = self.total.filter(has_passed).unwrap_or(self.call);
                let timeout = text::seconds(limit.timeout);
                Error::timeout(match &self.last_failure {
                    Some(failure) => format!("timed out after {timeout}; last error: {failure}"),
                    None => format!("timed out after {timeout}"),
                })
            }
        };
        error.with_context(self.error_context())
    }

    /// Returns a reader of `body` that reports the call's progress.
    /// `has_reported` is false at the beginning of the body.
    pub(crate) fn reader<'r>(
        &'r mut self,
        body: &'r mut Body,
        has_reported: &'r mut bool,
    ) -> impl Read + use<'r, 'a> {
        ProgressReader {
            context: self,
            body,
            has_reported,
        }
    }
}

/// A limit of time.
#[derive(Clone, Copy)]
struct Limit {
    timeout: Duration,
    deadline: Option<Instant>,
}

/// Returns when a call ends that has these limits.
fn earliest(deadline: Option<Instant>, total: Option<Limit>) -> Option<Instant> {
    let total = total.and_then(|limit| limit.deadline);
    [deadline, total].into_iter().flatten().min()
}
