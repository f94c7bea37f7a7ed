//! Any JSON is a job whose status is known by its number and its name, or no job.

use serde_json::json;

use crate::queued_job::JobResponse;
use crate::text::Redactor;
use crate::{JobId, JobStatus, QueuedJob};

/// The input is a job, and what its status may be.
pub(super) fn target(input: &[u8]) {
    if let Some(job) = read(input) {
        a_job_is_bounded(&job, input);
        a_status_is_read_back(&job.status);
    }
    let text = String::from_utf8_lossy(input);
    let body = json!({"Basic": {"Status": text, "ErrorMessage": text}}).to_string();
    if let Some(job) = read(body.as_bytes()) {
        a_job_is_bounded(&job, body.as_bytes());
        a_status_is_read_back(&job.status);
    }
}

fn read(body: &[u8]) -> Option<QueuedJob> {
    match QueuedJob::from_json(JobId::try_from(5).ok()?, body, &Redactor::default()) {
        JobResponse::Job(job) => Some(*job),
        JobResponse::NoStatus | JobResponse::NotAJob => None,
    }
}

/// The text of a job is short, on one line, and no longer than what was sent.
fn a_job_is_bounded(job: &QueuedJob, body: &[u8]) {
    let texts = [
        Some(job.status.name()),
        job.job_type.as_deref(),
        job.company_name.as_deref(),
        job.error_message.as_deref(),
        job.submitted_on.as_deref(),
        job.started_on.as_deref(),
        job.completed_on.as_deref(),
        job.output_file.as_deref(),
        job.input_file.as_deref(),
    ];
    for text in texts.into_iter().flatten() {
        assert!(text.chars().count() <= 2001, "{text:?}");
        assert!(!text.contains(char::is_control), "{text:?}");
    }
    let length: usize = texts.into_iter().flatten().map(str::len).sum();
    // A byte that is no UTF-8 is read as a character of three.
    let known = JobStatus::AbortedTooMuchTimeConsumed.name().len();
    assert!(
        length <= 3 * body.len() + known,
        "{length} of {}",
        body.len()
    );
}

fn a_status_is_read_back(status: &JobStatus) {
    let again = |text: serde_json::Value| {
        let body = json!({"Basic": {"Status": text}}).to_string();
        read(body.as_bytes()).map(|job| job.status)
    };
    if let JobStatus::Other(text) = status {
        assert!(!status.is_final() && !status.is_success(), "{text:?}");
    } else {
        assert_eq!(again(status.name().into()).as_ref(), Some(status));
        assert_eq!(again(status.number().into()).as_ref(), Some(status));
    }
    assert!(status.is_final() || !status.is_success());
}
