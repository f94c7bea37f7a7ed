//! The one place that decides what is repeated, and when: an attempt, a request on a stale
//! connection, a login, the other route of a call, and the poll of a job.
//!
//! It decides from status codes, from parsed fields and from the history of a connection,
//! never from text. A request that may have had an effect is never repeated.

use std::time::{Duration, Instant};

use crate::call::Running;
use crate::cancel::Stop;
use crate::transport::Failure;
use crate::{Error, ErrorKind};

/// How often and after which waits a request is repeated.
///
/// Repeated are requests that failed for a transient reason: a lost connection, a stall,
/// the statuses 408, 425, 429, 502, 503, 504, 520 to 524 and 530, and rate limits. Other
/// statuses are not repeated, and 500 only with [`server_errors`](Self::server_errors).
/// The wait before attempt n + 1 is random, between zero and `base` doubled n - 1 times,
/// at most `longest`. The time that the server asks for (`Retry-After`,
/// `RateLimitResetTime`) is added. If the wait does not fit into the call's time, the call
/// fails at once, and its error says how long the wait would have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The maximum number of attempts, including the first. Default: 5. Zero is rejected.
    pub attempts: u32,
    /// The maximum wait before the second attempt. Default: 1 s. Zero means no wait.
    pub base: Duration,
    /// The maximum wait before any later attempt. Default: 30 s. Zero means no wait.
    pub longest: Duration,
    /// Whether the status 500 is transient as well. Default: `false`, since servers send it
    /// for jobs that do not exist.
    pub server_errors: bool,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 5,
            base: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            server_errors: false,
        }
    }
}

impl Retry {
    /// Returns a policy of one attempt.
    pub fn never() -> Self {
        Self::attempts(1)
    }

    /// Returns the default policy with another maximum number of attempts.
    pub fn attempts(attempts: u32) -> Self {
        Self {
            attempts,
            ..Self::default()
        }
    }

    /// Runs attempts until one succeeds, one fails for good, or the call's time does not
    /// allow for another.
    pub(crate) fn run<T>(
        &self,
        running: &mut Running,
        mut attempt: impl FnMut(&mut Running) -> Result<T, Error>,
    ) -> Result<T, Error> {
        running.attempt = 0;
        loop {
            running.check()?;
            running.attempt += 1;
            let error = match attempt(running) {
                Ok(outcome) => return Ok(outcome),
                Err(error) => error.of(running.about()),
            };
            // Whatever a stopped call failed with: it was stopped.
            if matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Connection) {
                running.check()?;
            }
            running.failed(&error);
            // The body of an error response may come until the call is stopped. A status that
            // another attempt would not change says more than the deadline.
            if error.http_status().is_some() {
                match running.watch.check() {
                    Ok(()) => {}
                    Err(Stop::Deadline) if !self.repeats(&error) => return Err(error),
                    Err(_) => running.check()?,
                }
            }
            let wait = self.wait(&error, running.attempt);
            let Some(wait) = wait.filter(|_| !running.is_last_attempt) else {
                return Err(error);
            };
            running.pause(wait, error)?;
        }
    }

    /// Returns a random wait after attempt `attempt` (the first is 1), which failed with
    /// `error`; `None` if it was the last. What the server asks for comes on top.
    pub(crate) fn wait(&self, error: &Error, attempt: u32) -> Option<Duration> {
        if attempt >= self.attempts || !self.repeats(error) {
            return None;
        }
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let longest = self.base.saturating_mul(doubled).min(self.longest);
        Some(longest.mul_f64(fastrand::f64()))
    }

    fn repeats(&self, error: &Error) -> bool {
        error.retry_may_help() || (self.server_errors && error.http_status() == Some(500))
    }
}

/// Returns `true` for statuses that mean "not now": busy, restarting, or a proxy or content
/// delivery network that did not reach the server (520 to 524 and 530 are Cloudflare's).
pub(crate) fn is_transient_status(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 502..=504 | 520..=524 | 530)
}

/// Returns whether to send a request once more, at once: a connection of the pool may be
/// closed just as it is taken (RFC 9112 section 9.3.1). That shows nothing of the server.
pub(crate) fn resends(failure: &Failure, is_safe: bool) -> bool {
    failure.is_stale && is_safe
}

/// Returns whether a refused token is worth a new login.
pub(crate) fn renews_token<T>(outcome: &Result<T, Error>, status: impl Fn(&T) -> u16) -> bool {
    match outcome {
        Ok(response) => status(response) == 401,
        Err(error) => error.kind() == ErrorKind::Authentication,
    }
}

/// Returns whether a response says that the server does not know a route.
pub(crate) fn takes_other_route(status: u16) -> bool {
    matches!(status, 404 | 405)
}

/// For how long a job, or the file of a job, may fail before its failure counts.
pub(crate) struct Grace {
    limit: Duration,
    since: Instant,
    /// Whether the server has shown that it knows the job.
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

    /// Notes a good response: the time starts over.
    pub(crate) fn restart(&mut self) {
        self.since = Instant::now();
        self.is_known = true;
    }

    /// Returns whether to ask for the job once more. `asked` is how long the call has waited
    /// because the server asked it to since it began: that time does not count.
    pub(crate) fn polls_again(&self, error: &Error, asked: Duration) -> bool {
        let is_transient = error.retry_may_help()
            || error.is_not_yet()
            || (self.is_known && error.http_status() == Some(500));
        is_transient && self.since.elapsed().saturating_sub(asked) < self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Refusal;

    fn refused(status: u16) -> Error {
        Error::from_refusal(Refusal::new(status, None), false)
    }

    #[test]
    fn wait_transient_statuses_are_repeated() {
        let retry = Retry::default();
        for status in [408, 425, 429, 502, 503, 504, 520, 521, 522, 523, 524, 530] {
            assert!(retry.wait(&refused(status), 1).is_some(), "{status}");
        }
        for status in [301, 400, 401, 403, 404, 409, 500, 501, 519, 525, 529, 531] {
            assert_eq!(retry.wait(&refused(status), 1), None, "{status}");
        }
        let with_server_errors = Retry {
            server_errors: true,
            ..retry
        };
        assert!(with_server_errors.wait(&refused(500), 1).is_some());
        assert_eq!(with_server_errors.wait(&refused(501), 1), None);
        let limited = Error::from_refusal(Refusal::new(409, None), true);
        assert!(retry.wait(&limited, 1).is_some());
    }

    #[test]
    fn wait_is_random_and_doubles_up_to_the_longest() {
        let retry = Retry {
            attempts: 100,
            ..Retry::default()
        };
        for (attempt, longest) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (40, 30), (99, 30)] {
            let waits: Vec<Duration> = (0..2000)
                .map(|_| retry.wait(&refused(503), attempt).unwrap())
                .collect();
            let longest = Duration::from_secs(longest);
            assert!(waits.iter().all(|wait| *wait <= longest), "{attempt}");
            // The chance that 2000 waits all miss a tenth of the range is nil.
            assert!(waits.iter().any(|wait| *wait < longest / 10), "{attempt}");
            assert!(waits.iter().any(|wait| *wait > longest / 10 * 9));
        }
        assert_eq!(retry.wait(&refused(503), 100), None);
        assert_eq!(Retry::never().wait(&refused(503), 1), None);
    }
}
