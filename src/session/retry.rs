//! Decides what is repeated, and when: an attempt, a request on a stale connection, a login, a
//! request by the other route, and the poll of a job. Nothing else decides that.
//!
//! It decides from status codes, from parsed fields and from the history of a connection, never
//! from text, except for the two phrases that error_response.rs looks for. A request that may have had an effect is never repeated.

use std::time::{Duration, Instant};

use super::context::CallContext;
use crate::cancel::Stop;
use crate::error::{Error, ErrorKind};
use crate::transport::Failure;

/// When failed requests are retried, and after which backoff.
///
/// A request is retried if it failed for a transient reason: a lost connection, a stall, one
/// of the statuses 408, 425, 429, 502, 503, 504, 520 to 524 and 530, or a rate limit. Other
/// statuses are not retried, and 500 only with
/// [`retry_server_errors`](Self::retry_server_errors).
///
/// The backoff before attempt n + 1 is random, between zero and the initial backoff doubled
/// n - 1 times, at most the maximum backoff. The time that the server specifies (`Retry-After`,
/// `RateLimitResetTime`) is added. If the call would time out before the next attempt, it fails at
/// once. If its error is a response, [`Error::retry_after`] says how long to wait.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use sellercloud_output::{Client, RetryPolicy};
///
/// let policy = RetryPolicy::default()
///     .max_attempts(10)
///     .initial_backoff(Duration::from_secs(2))
///     .max_backoff(Duration::from_secs(60))
///     .retry_server_errors(true);
/// let client = Client::builder("tt").token("the-bearer-token").retry_policy(policy).build()?;
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct RetryPolicy {
    max_attempts: u32,
    initial_backoff: Duration,
    max_backoff: Duration,
    retry_server_errors: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            initial_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(30),
            retry_server_errors: false,
        }
    }
}

impl RetryPolicy {
    /// Returns a policy without retries: one attempt.
    ///
    /// # Examples
    ///
    /// ```
    /// # use sellercloud_output::RetryPolicy;
    /// assert_eq!(RetryPolicy::never(), RetryPolicy::default().max_attempts(1));
    /// ```
    pub fn never() -> Self {
        Self::default().max_attempts(1)
    }

    /// Sets the maximum number of attempts, including the first. Default: 5. Zero is rejected
    /// by [`ClientBuilder::build`](crate::ClientBuilder::build); [`u32::MAX`] means no limit
    /// other than the call's timeout.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::{Client, RetryPolicy};
    ///
    /// let policy = RetryPolicy::default().max_attempts(10);
    /// let client = Client::builder("tt").token("the-bearer-token").retry_policy(policy).build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the maximum backoff before the second attempt. Default: 1 s. Zero means to retry
    /// at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use sellercloud_output::{Client, RetryPolicy};
    ///
    /// let policy = RetryPolicy::default().initial_backoff(Duration::from_secs(2));
    /// let client = Client::builder("tt").token("the-bearer-token").retry_policy(policy).build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn initial_backoff(mut self, backoff: Duration) -> Self {
        self.initial_backoff = backoff;
        self
    }

    /// Sets the maximum backoff before any later attempt. Default: 30 s. Zero means to retry
    /// at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use sellercloud_output::{Client, RetryPolicy};
    ///
    /// let policy = RetryPolicy::default().max_backoff(Duration::from_secs(60));
    /// let client = Client::builder("tt").token("the-bearer-token").retry_policy(policy).build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn max_backoff(mut self, backoff: Duration) -> Self {
        self.max_backoff = backoff;
        self
    }

    /// Sets whether the status 500 is retried as well. Default: `false`, since the server
    /// sends it for jobs that do not exist.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::{Client, RetryPolicy};
    ///
    /// let policy = RetryPolicy::default().retry_server_errors(true);
    /// let client = Client::builder("tt").token("the-bearer-token").retry_policy(policy).build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn retry_server_errors(mut self, enabled: bool) -> Self {
        self.retry_server_errors = enabled;
        self
    }

    /// Returns an error if the policy allows no attempt.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.max_attempts {
            0 => Err(Error::invalid_argument(
                "max_attempts is zero: it must be greater than zero",
            )),
            _ => Ok(()),
        }
    }

    /// Makes attempts until one succeeds, one fails permanently, or the call would time out before
    /// the next.
    pub(super) fn run<T>(
        &self,
        context: &mut CallContext,
        mut attempt: impl FnMut(&mut CallContext) -> Result<T, Error>,
    ) -> Result<T, Error> {
        context.attempt = 0;
        loop {
            context.check()?;
            match self.attempt(context, &mut attempt)? {
                Attempt::Succeeded(outcome) => return Ok(outcome),
                Attempt::AgainAfter(pause) => context.sleep(pause)?,
            }
        }
    }

    /// Makes one attempt. An error is the end of the request. The caller has checked that the call
    /// goes on.
    pub(super) fn attempt<T>(
        &self,
        context: &mut CallContext,
        attempt: impl FnOnce(&mut CallContext) -> Result<T, Error>,
    ) -> Result<Attempt<T>, Error> {
        if std::mem::take(&mut context.starts_request) {
            context.attempt = 0;
        }
        context.attempt += 1;
        let error = match attempt(context) {
            Ok(outcome) => return Ok(Attempt::Succeeded(outcome)),
            Err(error) => error.with_context(context.error_context()),
        };
        if context.active.is_waiting() {
            context.attempt -= 1;
            return Ok(Attempt::AgainAfter(LOGIN_POLL_INTERVAL));
        }
        // A call that was cancelled or has timed out may fail with either kind.
        if matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Connection) {
            context.check()?;
        }
        context.note_failure(&error);
        // The call may time out while the body of an error response arrives. A status that a
        // retry would not change says more than the timeout.
        if error.http_status().is_some() {
            match context.cancellation.check() {
                Ok(()) => {}
                Err(Stop::Deadline) if !self.retries(&error) => return Err(error),
                Err(_) => context.check()?,
            }
        }
        let backoff = self.backoff(&error, context.attempt);
        let Some(backoff) = backoff.filter(|_| !context.is_last_attempt) else {
            return Err(error);
        };
        context.pause_after(error, backoff).map(Attempt::AgainAfter)
    }

    /// Returns a random backoff after attempt `attempt` (the first is 1), which failed with
    /// `error`. `None` if it was the last. The time that the server specifies is not included.
    pub(crate) fn backoff(&self, error: &Error, attempt: u32) -> Option<Duration> {
        if attempt >= self.max_attempts || !self.retries(error) {
            return None;
        }
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let max = self.initial_backoff.saturating_mul(doubled);
        Some(max.min(self.max_backoff).mul_f64(fastrand::f64()))
    }

    fn retries(&self, error: &Error) -> bool {
        error.is_retryable() || (self.retry_server_errors && error.http_status() == Some(500))
    }
}

/// What one attempt led to, if it did not end the request.
pub(crate) enum Attempt<T> {
    Succeeded(T),
    /// Another attempt is due after this time.
    AgainAfter(Duration),
}

/// How often a call that must not block checks whether another one has logged in.
const LOGIN_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Returns whether to send a request again at once, on a new connection. A server may close an idle
/// connection just as it is used (RFC 9112 section 9.3.1), which is not a failure of the server.
pub(super) fn resends(failure: &Failure, is_safe: bool) -> bool {
    failure.is_stale && is_safe
}

/// Returns whether an outcome means that the token was rejected and is to be renewed.
pub(super) fn renews_token<T>(outcome: &Result<T, Error>, status: impl Fn(&T) -> u16) -> bool {
    match outcome {
        Ok(response) => status(response) == 401,
        Err(error) => error.kind() == ErrorKind::Authentication,
    }
}

/// Returns whether a status means that the server does not know a route.
pub(crate) fn is_unknown_route(status: u16) -> bool {
    matches!(status, 404 | 405)
}

/// The time during which failures to get a job, or its file, do not end a wait.
pub(crate) struct Grace {
    limit: Duration,
    since: Instant,
    /// Whether the server knows the job.
    pub(crate) is_known: bool,
}

impl Grace {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            since: Instant::now(),
            is_known: false,
        }
    }

    /// Notes that the job was received. The time starts over.
    pub(crate) fn restart(&mut self) {
        self.since = Instant::now();
        self.is_known = true;
    }

    /// Excludes time that the caller of a step took.
    pub(crate) fn exclude(&mut self, time: Duration) {
        self.since += time;
    }

    /// Returns whether to poll the job again. `server_wait` is how long the call has waited because
    /// of the server's `Retry-After`. That time does not count.
    pub(crate) fn polls_again(&self, error: &Error, server_wait: Duration) -> bool {
        let is_transient = error.is_retryable()
            || error.is_not_yet()
            || (self.is_known && error.http_status() == Some(500));
        is_transient && self.since.elapsed().saturating_sub(server_wait) < self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorResponse;

    fn status_error(status: u16) -> Error {
        Error::from_response(ErrorResponse::new(status, None))
    }

    #[test]
    fn backoff_permanent_status_is_none() {
        let retry = RetryPolicy::default();
        for status in [408, 425, 429, 502, 503, 504, 520, 521, 522, 523, 524, 530] {
            assert!(
                retry.backoff(&status_error(status), 1).is_some(),
                "{status}"
            );
        }
        for status in [301, 400, 401, 403, 404, 409, 500, 501, 519, 525, 529, 531] {
            assert_eq!(retry.backoff(&status_error(status), 1), None, "{status}");
        }
        let with_server_errors = retry.retry_server_errors(true);
        assert!(with_server_errors.backoff(&status_error(500), 1).is_some());
        assert_eq!(with_server_errors.backoff(&status_error(501), 1), None);
        let mut limited = ErrorResponse::new(409, None);
        limited.is_rate_limit = true;
        let limited = Error::from_response(limited);
        assert!(retry.backoff(&limited, 1).is_some());
    }

    #[test]
    fn backoff_later_attempt_doubles_range_up_to_maximum() {
        let retry = RetryPolicy::default().max_attempts(100);
        for (attempt, max) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (40, 30), (99, 30)] {
            let backoffs: Vec<Duration> = (0..2000)
                .map(|_| retry.backoff(&status_error(503), attempt).unwrap())
                .collect();
            let max = Duration::from_secs(max);
            assert!(backoffs.iter().all(|backoff| *backoff <= max), "{attempt}");
            // The chance that 2,000 backoffs all miss a tenth of the range is about 1e-91.
            assert!(
                backoffs.iter().any(|backoff| *backoff < max / 10),
                "{attempt}"
            );
            assert!(backoffs.iter().any(|backoff| *backoff > max / 10 * 9));
        }
        assert_eq!(retry.backoff(&status_error(503), 100), None);
        assert_eq!(RetryPolicy::never().backoff(&status_error(503), 1), None);
    }
    #[test]
    fn backoff_longest_durations_do_not_overflow() {
        let retry = RetryPolicy::default()
            .max_attempts(u32::MAX)
            .initial_backoff(Duration::MAX)
            .max_backoff(Duration::MAX);
        for attempt in [1, 2, 33, u32::MAX - 1] {
            assert!(retry.backoff(&status_error(503), attempt).is_some());
        }
        // The largest number that can be drawn.
        assert!(Duration::MAX.mul_f64(1.0 - f64::EPSILON / 2.0) < Duration::MAX);
    }

    #[test]
    fn grace_zero_ends_wait_at_first_failure() {
        let grace = Grace::new(Duration::ZERO);
        assert!(!grace.polls_again(&status_error(503), Duration::ZERO));
    }

    #[test]
    fn grace_status_500_is_tolerated_once_the_job_is_known() {
        let mut grace = Grace::new(Duration::from_secs(3600));
        let mut could_not_find = ErrorResponse::new(500, None);
        could_not_find.could_not_find = true;
        let could_not_find = Error::from_response(could_not_find);
        assert!(!grace.polls_again(&status_error(500), Duration::ZERO));
        assert!(grace.polls_again(&could_not_find, Duration::ZERO));
        assert!(grace.polls_again(&Error::no_file("x"), Duration::ZERO));
        grace.restart();
        assert!(grace.polls_again(&status_error(500), Duration::ZERO));
        for status in [401, 403, 404, 501] {
            assert!(
                !grace.polls_again(&status_error(status), Duration::ZERO),
                "{status}"
            );
        }
    }
}
