//! Properties of jobs and job ids that hold for every JSON and every text.

use serde_json::json;

use super::{JobId, JobResponse, JobStatus, QueuedJob};
use crate::text::Redactor;

/// Checks that any JSON is a job whose status is known by its number and its name, or is not a
/// job; panics otherwise. The input is tried as a job and as the status of a job.
pub(crate) fn check_job(input: &[u8]) {
    if let Some(job) = read(input) {
        assert_bounded(&job, input);
        assert_status_is_read_back(&job.status);
    }
    let text = String::from_utf8_lossy(input);
    let body = json!({"Basic": {"Status": text, "ErrorMessage": text}}).to_string();
    if let Some(job) = read(body.as_bytes()) {
        assert_bounded(&job, body.as_bytes());
        assert_status_is_read_back(&job.status);
    }
}

fn read(body: &[u8]) -> Option<QueuedJob> {
    match QueuedJob::from_json(JobId::try_from(5).ok()?, body, &Redactor::default()) {
        JobResponse::Job(job) => Some(*job),
        JobResponse::NoStatus | JobResponse::NotAJob => None,
    }
}

/// Checks that the text of a job is short, on one line, and not longer than the body.
fn assert_bounded(job: &QueuedJob, body: &[u8]) {
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
    // A byte that is not UTF-8 becomes a character of three bytes.
    let known = JobStatus::AbortedTooMuchTimeConsumed.name().len();
    assert!(
        length <= 3 * body.len() + known,
        "{length} of {}",
        body.len()
    );
}

fn assert_status_is_read_back(status: &JobStatus) {
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

/// Checks that any text is the id that it contains, or not an id; panics otherwise.
pub(crate) fn check_job_id(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    parsed_id_is_number_in_text(&text);
    if let Some(id) = text.parse().ok().filter(|id: &i32| *id > 0) {
        id_is_read_back(id);
    }
}

fn id_is_read_back(id: i32) {
    let job = |text: String| JobId::try_from(text).map(JobId::get).ok();
    assert_eq!(job(id.to_string()), Some(id));
    let link = format!("/queued-jobs/queued-job-details.aspx?id={id}");
    assert_eq!(job(link), Some(id));
}

fn parsed_id_is_number_in_text(text: &str) {
    match JobId::try_from(text) {
        Ok(job) => {
            assert!(job.get() > 0, "{text:?}");
            let number = job.to_string();
            let mut numbers = text.split(|c: char| !c.is_ascii_digit());
            assert!(
                numbers.any(|digits| digits.trim_start_matches('0') == number),
                "{number} of {text:?}"
            );
        }
        Err(error) => assert!(!error.to_string().is_empty(), "{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::fuzzing::random_inputs;

    proptest! {
        #![proptest_config(random_inputs())]

        #[test]
        fn id_is_read_back(id in 1i32..) {
            super::id_is_read_back(id);
        }

        #[test]
        fn parsed_id_is_number_in_text(text in "[/a-z.?&=-]{0,20}[0-9]{1,11}") {
            super::parsed_id_is_number_in_text(&text);
        }
    }
}
