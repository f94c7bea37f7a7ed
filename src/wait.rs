//! Waiting for a job to end, and for its output file to be there.

use std::time::Duration;

use crate::call::Running;
use crate::error::JobEnd;
use crate::queued_job::QueuedJob;
use crate::session::Session;
use crate::session::retry::Grace;
use crate::{Error, ErrorKind, JobStatus};

/// How to wait for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// How long to wait before the job is polled for the second time. Default: 1 s. Every
    /// later interval is longer by half, at least 0.1 s.
    pub first: Duration,
    /// The maximum interval between two polls. Default: 30 s. The server allows 10,800
    /// requests an hour.
    pub longest: Duration,
    /// How long failures may last before they end the wait. Default: 120 s. Zero means that
    /// the first one ends it.
    ///
    /// These failures are: a job that the server could not find since the wait began; lost
    /// connections, stalls, rate limits and transient statuses; a response that is no job, or
    /// gives it no status; and, of a job that has been found before, the status 500. The time starts over with every good response. The time
    /// that the server asks for (`Retry-After`) does not count. Calls that download the file
    /// after the wait give it the same time to appear.
    pub grace: Duration,
    /// Whether a job on hold ends the wait with
    /// [`JobFailed`](crate::ErrorKind::JobFailed). Default: `true`, since such a job stays on
    /// hold until a user releases it. With `false` the wait goes on until the call's timeout.
    pub fail_on_hold: bool,
}

impl Default for Wait {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            grace: Duration::from_secs(120),
            fail_on_hold: true,
        }
    }
}

impl Wait {
    /// Returns the intervals between polls.
    fn intervals(self) -> impl Iterator<Item = Duration> {
        let clamp =
            move |interval: Duration| interval.clamp(MIN_INTERVAL, self.longest.max(MIN_INTERVAL));
        std::iter::successors(Some(clamp(self.first)), move |interval| {
            Some(clamp(interval.saturating_add(*interval / 2)))
        })
    }
}

/// The minimum interval between two polls.
const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// Polls the call's job until it has ended. A job that ended without success is an error.
pub(crate) fn wait(
    session: &Session,
    running: &mut Running,
    wait: Wait,
) -> Result<QueuedJob, Error> {
    let mut grace = Grace::new(wait.grace);
    let mut status = None;
    for interval in wait.intervals() {
        let slept = match session.run(running, |running| session.queued_job(running)) {
            Ok(job) if job.is_over() => return ended(session, running, job),
            Ok(job) if job.status == JobStatus::OnHold && wait.fail_on_hold => {
                return Err(Error::JobFailed(Box::new(JobEnd { job, log: vec![] })));
            }
            Ok(job) => {
                status = Some(job.status);
                grace.restart();
                running.succeeded();
                running.sleep(interval)
            }
            Err(error) => poll_again(running, &grace, interval, error),
        };
        slept.map_err(|error| match &status {
            Some(status) if error.kind() == ErrorKind::Timeout => still(error, status.name()),
            _ => error,
        })?;
    }
    unreachable_end()
}

/// Waits for the call's job as [`wait`] does, and gets its file by `get`. The file may take a
/// moment to appear.
pub(crate) fn wait_for_file<T>(
    session: &Session,
    running: &mut Running,
    options: Wait,
    mut get: impl FnMut(&mut Running) -> Result<T, Error>,
) -> Result<(QueuedJob, T), Error> {
    let job = wait(session, running, options)?;
    let mut grace = Grace::new(options.grace);
    grace.is_known = true;
    for interval in options.intervals() {
        match get(running) {
            Ok(file) => return Ok((job, file)),
            Err(error) if running.is_last_attempt => return Err(error),
            Err(error) => poll_again(running, &grace, interval, error)?,
        }
    }
    unreachable_end()
}

/// Waits before the next poll, or returns the error.
fn poll_again(
    running: &mut Running,
    grace: &Grace,
    interval: Duration,
    error: Error,
) -> Result<(), Error> {
    if !grace.polls_again(&error, running.asked) {
        return Err(error);
    }
    running.failed(&error);
    match error.retry_after() {
        Some(_) => running.pause(interval, error),
        None => running.sleep(interval),
    }
}

/// The intervals have no end.
fn unreachable_end<T>() -> Result<T, Error> {
    Err(Error::Internal("the intervals of a wait ended".into()))
}

/// Adds how far the job was to an error of the deadline.
fn still(error: Error, status: &str) -> Error {
    match error {
        Error::Timeout { about, message } => Error::Timeout {
            about,
            message: format!("{message}; the job's status is still {status}"),
        },
        other => other,
    }
}

/// Returns whether a job that is over may have an output file. With a status that this
/// version does not know, the name of the file is the sign of success.
fn is_success(job: &QueuedJob) -> bool {
    let is_unknown = matches!(job.status, JobStatus::Other(_));
    job.status.is_success() || (is_unknown && job.has_output())
}

fn ended(session: &Session, running: &mut Running, job: QueuedJob) -> Result<QueuedJob, Error> {
    running.succeeded();
    if is_success(&job) {
        return Ok(job);
    }
    // The log is a help; without it the job has failed all the same.
    let log = session.run(running, |running| session.error_log(running));
    let log = match log {
        Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
        log => log.unwrap_or_default(),
    };
    Err(Error::JobFailed(Box::new(JobEnd { job, log })))
}
