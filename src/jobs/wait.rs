//! Waits for a job to end, and for its output file to appear.

use std::time::Duration;

use super::Jobs;
use crate::error::{Error, ErrorKind};
use crate::model::{JobStatus, QueuedJob};
use crate::session::CallContext;
use crate::session::retry::Grace;

/// Options of a wait for a job: how often to poll, and which failures to tolerate.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use sellercloud_output::{Client, WaitOptions};
///
/// let client = Client::builder("tt").token("the-bearer-token").build()?;
/// let options = WaitOptions::default()
///     .initial_interval(Duration::from_secs(2))
///     .max_interval(Duration::from_secs(10))
///     .grace(Duration::from_secs(60))
///     .fail_on_hold(false);
/// let job = client.wait_for_job(28142, options)?;
/// println!("{}", job.status);
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct WaitOptions {
    initial_interval: Duration,
    max_interval: Duration,
    grace: Duration,
    fail_on_hold: bool,
}

impl Default for WaitOptions {
    fn default() -> Self {
        Self {
            initial_interval: Duration::from_secs(1),
            max_interval: Duration::from_secs(30),
            grace: Duration::from_secs(120),
            fail_on_hold: true,
        }
    }
}

impl WaitOptions {
    /// Sets the interval between the first poll of the job and the second. Default: 1 s. Every
    /// later interval is the previous one multiplied by 1.5. An interval below 0.1 s counts as
    /// 0.1 s.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let options = WaitOptions::default().initial_interval(Duration::from_secs(5));
    /// let job = client.wait_for_job(28142, options)?;
    /// println!("{}", job.status);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn initial_interval(mut self, interval: Duration) -> Self {
        self.initial_interval = interval;
        self
    }

    /// Sets the maximum interval between two polls. Default: 30 s. An interval below 0.1 s
    /// counts as 0.1 s. The server allows 10,800 requests an hour.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let options = WaitOptions::default().max_interval(Duration::from_secs(60));
    /// let job = client.wait_for_job(28142, options)?;
    /// println!("{}", job.status);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn max_interval(mut self, interval: Duration) -> Self {
        self.max_interval = interval;
        self
    }

    /// Sets how long failures may last before they end the wait. Default: 120 s. With zero the
    /// first failure ends the wait.
    ///
    /// The failures are: the server cannot find the job; a lost connection, a stall, a rate limit
    /// or a transient status; a response that is not a job or has no status; and, once the job was
    /// received, the status 500. Whenever the job is received, the time starts over. The time that
    /// the server specifies (`Retry-After`) does not count. Operations that download the file after
    /// the wait allow the same time for the file to appear.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let options = WaitOptions::default().grace(Duration::ZERO);
    /// let job = client.wait_for_job(28142, options)?;
    /// println!("{}", job.status);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets whether a job on hold ends the wait with
    /// [`JobFailed`](crate::ErrorKind::JobFailed). Default: `true`, since such a job stays on
    /// hold until a user releases it. With `false` the wait continues until the job ends or the
    /// call times out.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let options = WaitOptions::default().fail_on_hold(false);
    /// let job = client.wait_for_job(28142, options)?;
    /// println!("{}", job.status);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn fail_on_hold(mut self, enabled: bool) -> Self {
        self.fail_on_hold = enabled;
        self
    }

    /// Returns the intervals between polls.
    fn intervals(self) -> impl Iterator<Item = Duration> {
        let max = self.max_interval.max(MIN_INTERVAL);
        let clamp = move |interval: Duration| interval.clamp(MIN_INTERVAL, max);
        std::iter::successors(Some(clamp(self.initial_interval)), move |interval| {
            Some(clamp(interval.saturating_add(*interval / 2)))
        })
    }
}

/// The minimum interval between two polls.
const MIN_INTERVAL: Duration = Duration::from_millis(100);

impl Jobs {
    /// Polls the call's job until it has ended. A job that ended without success is an error.
    pub(crate) fn wait(
        &self,
        context: &mut CallContext,
        options: WaitOptions,
    ) -> Result<QueuedJob, Error> {
        let mut grace = Grace::new(options.grace);
        let mut status = None;
        for interval in options.intervals() {
            let slept = match self.session.run(context, |context| self.get(context)) {
                Ok(job) if job.is_over() => return self.ended(context, job),
                Ok(job) if job.status == JobStatus::OnHold && options.fail_on_hold => {
                    return Err(Error::job_failed(job, vec![]));
                }
                Ok(job) => {
                    status = Some(job.status);
                    grace.restart();
                    context.note_success();
                    context.sleep(interval)
                }
                Err(error) => poll_again(context, &grace, interval, error),
            };
            slept.map_err(|error| match &status {
                Some(status) if error.kind() == ErrorKind::Timeout => {
                    error.map_message(|text| format!("{text}; the job's status is still {status}"))
                }
                _ => error,
            })?;
        }
        unreachable_end()
    }

    /// Waits for the call's job as [`wait`](Self::wait) does, and obtains its file with `get`. The
    /// file may appear a moment after the job has ended.
    pub(crate) fn wait_for_file<T>(
        &self,
        context: &mut CallContext,
        options: WaitOptions,
        mut get: impl FnMut(&mut CallContext) -> Result<T, Error>,
    ) -> Result<(QueuedJob, T), Error> {
        let job = self.wait(context, options)?;
        let mut grace = Grace::new(options.grace);
        grace.is_known = true;
        for interval in options.intervals() {
            match get(context) {
                Ok(file) => return Ok((job, file)),
                Err(error) if context.is_last_attempt => return Err(error),
                Err(error) => poll_again(context, &grace, interval, error)?,
            }
        }
        unreachable_end()
    }

    fn ended(&self, context: &mut CallContext, job: QueuedJob) -> Result<QueuedJob, Error> {
        context.note_success();
        if is_success(&job) {
            return Ok(job);
        }
        // The failure of the job is the error, even if its log cannot be downloaded.
        let log = self.session.run(context, |context| self.error_log(context));
        let log = match log {
            Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
            log => log.unwrap_or_default(),
        };
        Err(Error::job_failed(job, log))
    }
}

/// Waits before the next poll, or returns the error.
fn poll_again(
    context: &mut CallContext,
    grace: &Grace,
    interval: Duration,
    error: Error,
) -> Result<(), Error> {
    if !grace.polls_again(&error, context.server_wait) {
        return Err(error);
    }
    context.note_failure(&error);
    match error.retry_after() {
        Some(_) => context.pause(interval, error),
        None => context.sleep(interval),
    }
}

/// Returns the error for the end of the intervals, which never end.
fn unreachable_end<T>() -> Result<T, Error> {
    Err(Error::internal("the intervals of a wait ended"))
}

/// Returns whether a job that has ended may have an output file. If this version does not know its
/// status, the job was successful if the server names a file.
fn is_success(job: &QueuedJob) -> bool {
    let is_unknown = matches!(job.status, JobStatus::Other(_));
    job.status.is_success() || (is_unknown && job.has_output())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the first `count` intervals in milliseconds.
    fn milliseconds(options: WaitOptions, count: usize) -> Vec<u128> {
        let intervals = options.intervals().take(count);
        intervals.map(|interval| interval.as_millis()).collect()
    }

    #[test]
    fn intervals_grow_by_half_up_to_maximum() {
        let options = WaitOptions::default();
        assert_eq!(
            milliseconds(options, 11),
            [
                1000, 1500, 2250, 3375, 5062, 7593, 11390, 17085, 25628, 30000, 30000
            ]
        );
        let options = options.initial_interval(Duration::from_secs(60));
        assert_eq!(milliseconds(options, 2), [30000, 30000]);
    }

    #[test]
    fn intervals_of_extreme_options_stay_within_bounds() {
        let zero = WaitOptions::default().initial_interval(Duration::ZERO);
        assert_eq!(milliseconds(zero, 3), [100, 150, 225]);
        let zero = zero.max_interval(Duration::ZERO);
        assert_eq!(milliseconds(zero, 3), [100, 100, 100]);
        let endless = WaitOptions::default()
            .initial_interval(Duration::MAX)
            .max_interval(Duration::MAX);
        assert_eq!(milliseconds(endless, 3), [Duration::MAX.as_millis(); 3]);
    }
}
