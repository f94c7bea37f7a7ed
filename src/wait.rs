//! Waiting for a job to end.

use std::time::{Duration, Instant};

use crate::call::Running;
use crate::error::JobEnd;
use crate::queued_job::QueuedJob;
use crate::session::Session;
use crate::{Error, ErrorKind, JobStatus};

/// How to wait for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// How long to wait before the job is asked for again, the first time; one
    /// second unless set. Every later wait is half as long again. Less than a
    /// tenth of a second is taken as that.
    pub first: Duration,
    /// The longest of these waits; 30 seconds unless set. The server allows
    /// 10,800 calls an hour from one IP address, whatever they are.
    pub longest: Duration,
    /// For how long "could not find" is taken as "not yet", from the beginning
    /// on, and a server that cannot be reached as one that will come back, from
    /// its last answer on; two minutes unless set.
    pub grace: Duration,
    /// Whether a job on hold ends the wait at once, with
    /// [`JobFailed`](crate::ErrorKind::JobFailed). Default: `true`, since a job
    /// stays on hold until a user releases it. `false` waits on.
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

/// The shortest wait between two questions.
const SHORTEST: Duration = Duration::from_millis(100);

/// Asks for the call's job until it has ended. A job that ended without
/// success is an error.
pub(crate) fn wait(
    session: &Session,
    running: &mut Running,
    wait: Wait,
) -> Result<QueuedJob, Error> {
    let mut last_answer = Instant::now();
    let mut status = None;
    let mut interval = wait.first;
    loop {
        match session.run(running, |running| session.queued_job(running)) {
            Ok(job) if job.status.is_final() => return ended(session, running, job),
            Ok(job) if wait.fail_on_hold && job.status == JobStatus::OnHold => {
                return ended(session, running, job);
            }
            Ok(job) => {
                status = Some(job.status);
                last_answer = Instant::now();
            }
            Err(error) => {
                let is_not_yet = status.is_none() && could_not_find(&error);
                let may_pass = is_not_yet || error.retry_may_help();
                if !may_pass || last_answer.elapsed() >= wait.grace {
                    return Err(error);
                }
                // A call that was stopped is not: the next question says so.
            }
        }
        interval = interval.clamp(SHORTEST, wait.longest.max(SHORTEST));
        running.sleep(interval).map_err(|error| match &status {
            Some(status) if error.kind() == ErrorKind::Timeout => still(error, status.name()),
            _ => error,
        })?;
        interval = interval.mul_f64(1.5);
    }
}

/// A time limit that says how far the job was.
fn still(error: Error, status: &str) -> Error {
    match error {
        Error::Timeout { about, message } => Error::Timeout {
            about,
            message: format!("{message}: the job's status is still {status}"),
        },
        other => other,
    }
}

/// How servers speak of a job that was submitted a moment ago.
fn could_not_find(error: &Error) -> bool {
    let words = error.refusal().and_then(|refusal| refusal.message.as_ref());
    matches!(error.kind(), ErrorKind::Server | ErrorKind::NotFound)
        && words.is_some_and(|words| words.to_ascii_lowercase().contains("could not find"))
}

fn ended(session: &Session, running: &mut Running, job: QueuedJob) -> Result<QueuedJob, Error> {
    if job.status.is_success() {
        return Ok(job);
    }
    // The log is a help; that it cannot be had changes nothing.
    let log = session.run(running, |running| session.error_log(running));
    let log = match log {
        Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
        log => log.unwrap_or_default(),
    };
    Err(Error::JobFailed(Box::new(JobEnd { job, log })))
}
