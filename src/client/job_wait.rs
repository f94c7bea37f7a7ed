//! A wait for a job that the caller steps.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::download::Downloads;
use crate::error::Error;
use crate::jobs::{JobWaitStep, Wait, WaitOptions};
use crate::model::JobId;
use crate::session::CallContext;

/// A wait for a job that the caller steps, for programs that wait for many jobs without a thread for
/// each.
///
/// [`Client::start_job_wait`](crate::Client::start_job_wait) returns it.
/// [`Client::wait_for_job`](crate::Client::wait_for_job) is a loop over the same steps. A step makes
/// at most one attempt, with a login if that is needed, and never sleeps: the intervals between polls,
/// the backoff after a failure, the server's `Retry-After`, and a login that another thread is
/// making are times until the next step. The steps may be on different threads. A wait may be
/// dropped at any time.
///
/// # Examples
///
/// ```no_run
/// use sellercloud_output::{Client, JobWaitStep, WaitOptions};
///
/// let client = Client::builder("tt").token("the-bearer-token").build()?;
/// let mut wait = client.start_job_wait(28142, WaitOptions::default())?;
/// let job = loop {
///     match wait.step()? {
///         JobWaitStep::AgainAfter(time) => std::thread::sleep(time), // or another job's step
///         JobWaitStep::Ended(job) => break job,
///     }
/// };
/// println!("{}", job.status);
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
pub struct JobWait {
    downloads: Arc<Downloads>,
    context: CallContext<'static>,
    wait: Wait,
    /// When the next step is due. `None` once the wait has ended.
    next_step: Option<Instant>,
}

/// The longest time until the next step. Every clock and every unit of time can represent it.
const MAX_PAUSE: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

impl JobWait {
    pub(super) fn new(
        downloads: Arc<Downloads>,
        context: CallContext<'static>,
        options: WaitOptions,
    ) -> Self {
        context.active.return_early();
        Self {
            downloads,
            context,
            wait: Wait::new(options),
            next_step: Some(Instant::now()),
        }
    }

    /// Returns the id of the job that is waited for.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let wait = client.start_job_wait(28142, WaitOptions::default())?;
    /// assert_eq!(wait.job_id().get(), 28142);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn job_id(&self) -> JobId {
        self.context.job
    }

    /// Makes one attempt to learn whether the job has ended. Sends nothing if the step is not due
    /// yet.
    ///
    /// # Errors
    ///
    /// As [`Client::wait_for_job`](crate::Client::wait_for_job). An error ends the wait. A step after
    /// the end fails with [`InvalidArgument`](crate::ErrorKind::InvalidArgument).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::{JobWaitStep, WaitOptions};
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let mut wait = client.start_job_wait(28142, WaitOptions::default())?;
    /// match wait.step()? {
    ///     JobWaitStep::AgainAfter(time) => println!("not yet: next step in {time:?}"),
    ///     JobWaitStep::Ended(job) => println!("{}", job.status),
    /// }
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn step(&mut self) -> Result<JobWaitStep, Error> {
        let Some(next_step) = self.next_step else {
            return Err(Error::invalid_argument(
                "the wait for the job has ended: start another one",
            ));
        };
        let now = Instant::now();
        let early = next_step.saturating_duration_since(now);
        // A cancelled wait ends at once.
        if !early.is_zero() && self.context.check().is_ok() {
            return Ok(JobWaitStep::AgainAfter(early));
        }
        let late = now.saturating_duration_since(next_step);
        self.next_step = None;
        let jobs = &self.downloads.jobs;
        let pause = match self.wait.step(jobs, &mut self.context, late)? {
            JobWaitStep::AgainAfter(pause) => pause.min(MAX_PAUSE),
            ended => return Ok(ended),
        };
        // The step after the deadline returns the error.
        let left = self.context.cancellation.left();
        let pause = left.map_or(pause, |left| left.min(pause));
        self.next_step = Some(Instant::now() + pause);
        Ok(JobWaitStep::AgainAfter(pause))
    }
}

impl fmt::Debug for JobWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobWait")
            .field("job_id", &self.job_id())
            .field("has_ended", &self.next_step.is_none())
            .finish_non_exhaustive()
    }
}
