//! Waits for a job to end, and for its output file to appear.

use std::time::Duration;

use super::Jobs;
use crate::error::{Error, ErrorKind};
use crate::model::{JobStatus, QueuedJob};
use crate::session::retry::Grace;
use crate::session::{Attempt, CallContext};

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
    /// the server specifies (`Retry-After`) does not count, nor does the time by which a step of a
    /// [`JobWait`](crate::JobWait) is late. Operations that download the file after the wait allow
    /// the same time for the file to appear.
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
    fn intervals(self) -> Intervals {
        let max = self.max_interval.max(MIN_INTERVAL);
        Intervals {
            next: self.initial_interval.clamp(MIN_INTERVAL, max),
            max,
        }
    }
}

/// The minimum interval between two polls.
const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// The intervals between polls.
struct Intervals {
    next: Duration,
    max: Duration,
}

impl Intervals {
    /// Returns the next interval, and multiplies the one after it by 1.5.
    fn next(&mut self) -> Duration {
        let interval = self.next;
        let next = interval.saturating_add(interval / 2);
        self.next = next.min(self.max);
        interval
    }
}

/// A wait for a job, as steps of at most one attempt each.
pub(crate) struct Wait {
    options: WaitOptions,
    intervals: Intervals,
    grace: Grace,
    /// The status of the job when it was last received.
    status: Option<JobStatus>,
    /// The job, once it has ended without success and its log is being requested.
    failed: Option<QueuedJob>,
}

/// What a step of a [`JobWait`](crate::JobWait) led to.
///
/// # Examples
///
/// ```no_run
/// use sellercloud_output::{JobWaitStep, WaitOptions};
/// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
///
/// let mut wait = client.start_job_wait(28142, WaitOptions::default())?;
/// if let JobWaitStep::AgainAfter(time) = wait.step()? {
///     println!("the next step is due in {} ms", time.as_millis());
/// }
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobWaitStep {
    /// The job has not ended. The next step is due after this time, which may be zero.
    AgainAfter(Duration),
    /// The job has ended successfully, as for [`Client::wait_for_job`](crate::Client::wait_for_job).
    Ended(Box<QueuedJob>),
}

impl Wait {
    pub(crate) fn new(options: WaitOptions) -> Self {
        Self {
            options,
            intervals: options.intervals(),
            grace: Grace::new(options.grace),
            status: None,
            failed: None,
        }
    }

    /// Makes one attempt to get the job or, if the job has failed, its log. Does not sleep. The step
    /// was due `late` ago.
    pub(crate) fn step(
        &mut self,
        jobs: &Jobs,
        context: &mut CallContext,
        late: Duration,
    ) -> Result<JobWaitStep, Error> {
        self.grace.exclude(late);
        let step = match &self.failed {
            None => self.poll(jobs, context),
            Some(job) => request_log(jobs, context, job).map(JobWaitStep::AgainAfter),
        };
        step.map_err(|error| self.with_status(error))
    }

    fn poll(&mut self, jobs: &Jobs, context: &mut CallContext) -> Result<JobWaitStep, Error> {
        context.check()?;
        let job = match jobs.session.attempt(context, |context| jobs.get(context)) {
            Ok(Attempt::AgainAfter(pause)) => return Ok(JobWaitStep::AgainAfter(pause)),
            Ok(Attempt::Succeeded(job)) => job,
            Err(error) => {
                let pause = pause_after(context, &self.grace, &mut self.intervals, error)?;
                return Ok(JobWaitStep::AgainAfter(pause));
            }
        };
        context.end_request();
        context.note_success();
        if job.is_over() {
            if is_success(&job) {
                return Ok(JobWaitStep::Ended(Box::new(job)));
            }
            self.failed = Some(job);
            return Ok(JobWaitStep::AgainAfter(Duration::ZERO));
        }
        if job.status == JobStatus::OnHold && self.options.fail_on_hold {
            return Err(Error::job_failed(job, vec![]));
        }
        self.status = Some(job.status);
        self.grace.restart();
        Ok(JobWaitStep::AgainAfter(self.intervals.next()))
    }

    /// Adds the status of the job to the error of a call that timed out.
    fn with_status(&self, error: Error) -> Error {
        match &self.status {
            Some(status) if error.kind() == ErrorKind::Timeout => {
                error.map_message(|text| format!("{text}; the job's status is still {status}"))
            }
            _ => error,
        }
    }
}

impl Jobs {
    /// Polls the call's job until it has ended. A job that ended without success is an error.
    pub(crate) fn wait(
        &self,
        context: &mut CallContext,
        options: WaitOptions,
    ) -> Result<QueuedJob, Error> {
        let mut wait = Wait::new(options);
        loop {
            match wait.step(self, context, Duration::ZERO)? {
                JobWaitStep::Ended(job) => return Ok(*job),
                JobWaitStep::AgainAfter(pause) => {
                    // If the call was cancelled or has timed out, the next step says so.
                    let _ = context.sleep(pause);
                }
            }
        }
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
        let mut intervals = options.intervals();
        loop {
            match get(context) {
                Ok(file) => return Ok((job, file)),
                Err(error) if context.is_last_attempt => return Err(error),
                Err(error) => {
                    let pause = pause_after(context, &grace, &mut intervals, error)?;
                    context.sleep(pause)?;
                }
            }
        }
    }
}

/// Returns how long to wait before the next poll, or the error if it ends the wait.
fn pause_after(
    context: &mut CallContext,
    grace: &Grace,
    intervals: &mut Intervals,
    error: Error,
) -> Result<Duration, Error> {
    if !grace.polls_again(&error, context.server_wait) {
        return Err(error);
    }
    context.end_request();
    context.note_failure(&error);
    let interval = intervals.next();
    match error.retry_after() {
        Some(_) => context.pause_after(error, interval),
        None => Ok(interval),
    }
}

/// Requests the log of a job that has failed. Returns when the next attempt is due, or the error of
/// the wait: the failure of the job, even if its log cannot be downloaded.
fn request_log(jobs: &Jobs, context: &mut CallContext, job: &QueuedJob) -> Result<Duration, Error> {
    let log = context.check().and_then(|()| {
        let session = &jobs.session;
        session.attempt(context, |context| jobs.error_log(context))
    });
    let log = match log {
        Ok(Attempt::AgainAfter(pause)) => return Ok(pause),
        Ok(Attempt::Succeeded(log)) => log,
        Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
        Err(_) => vec![],
    };
    Err(Error::job_failed(job.clone(), log))
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
        let mut intervals = options.intervals();
        let interval = || intervals.next().as_millis();
        std::iter::repeat_with(interval).take(count).collect()
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
