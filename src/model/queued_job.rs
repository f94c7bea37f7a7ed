//! A queued job as the server describes it.

use super::{JobId, JobStatus};
use crate::text::json::{self, Value};
use crate::text::{MAX_TEXT_READ, Redactor};

/// A queued job, as the server describes it.
///
/// A field that the server leaves out or sends as null is `None`. Text is on one line, at most
/// 2,000 characters long, and without the client's secrets.
///
/// # Examples
///
/// ```no_run
/// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
/// let job = client.get_job(28142)?;
/// println!("{}: {}", job.id, job.status);
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuedJob {
    /// The id of the job.
    pub id: JobId,
    /// The status of the job.
    pub status: JobStatus,
    /// The type of the job, in the server's words.
    pub job_type: Option<String>,
    /// The id of the company that the job is for.
    pub company_id: Option<i64>,
    /// The name of the company that the job is for.
    pub company_name: Option<String>,
    /// The reason for a failure, in the server's words.
    pub error_message: Option<String>,
    /// The priority, 0 to 3.
    pub priority: Option<i64>,
    /// The time of submission, as the server writes it; it may lack a time zone.
    pub submitted_on: Option<String>,
    /// The time at which the job started, as the server writes it; it may lack a time zone.
    pub started_on: Option<String>,
    /// The time at which the job ended, as the server writes it; it may lack a time zone.
    pub completed_on: Option<String>,
    /// The name of the output file, once there is one.
    pub output_file: Option<String>,
    /// The name of the input file.
    pub input_file: Option<String>,
    /// Records to process.
    pub total_records: Option<i64>,
    /// Records processed so far.
    pub total_processed: Option<i64>,
    /// Records processed successfully.
    pub total_succeeded: Option<i64>,
    /// Records whose processing failed.
    pub total_failed: Option<i64>,
    /// Phases of the job.
    pub total_phases: Option<i64>,
    /// The current phase of the job.
    pub current_phase: Option<i64>,
    /// Items in the current phase.
    pub total_items_in_phase: Option<i64>,
    /// Items processed so far in the current phase.
    pub total_processed_in_phase: Option<i64>,
}

/// The maximum length of a job's text, in characters.
const MAX_TEXT: usize = 2000;

/// A response to the request for a job.
#[derive(Debug, PartialEq)]
pub(crate) enum JobResponse {
    Job(Box<QueuedJob>),
    /// A job whose status is null or missing.
    NoStatus,
    /// Something else: an error object, a web page.
    NotAJob,
}

impl QueuedJob {
    /// Reads a `QueuedJobDto`. All text is redacted, put on one line and shortened.
    pub(crate) fn from_json(id: JobId, body: &[u8], redactor: &Redactor) -> JobResponse {
        const KEYS: [&str; 19] = [
            "Status",
            "JobType",
            "CompanyID",
            "CompanyName",
            "ErrorMessage",
            "Priority",
            "SubmittedOn",
            "StartedOn",
            "CompletedOn",
            "OutputFile",
            "InputFile",
            "TotalRecords",
            "TotalProcessed",
            "TotalSucceeded",
            "TotalFailure",
            "TotalPhases",
            "CurrentPhase",
            "TotalItemsInPhase",
            "TotalProcessedInPhase",
        ];
        const STATUS: usize = 0;
        const ERROR_MESSAGE: usize = 4;
        let body = json::text(body);
        let Some(whole) = Value::parse(&body).filter(|value| value.is_object()) else {
            return JobResponse::NotAJob;
        };
        let outer = whole.fields(KEYS).unwrap_or_default();
        let basic = whole.fields(["Basic"]).and_then(|[basic]| basic);
        let inner = basic
            .and_then(|basic| basic.fields(KEYS))
            .unwrap_or_default();
        let get = |key: &str| {
            let index = KEYS.iter().position(|known| *known == key)?;
            inner[index].or(outer[index])
        };
        // An error object may have a status of its own, or a message of the same name.
        let is_job = basic.is_some()
            || (0..KEYS.len())
                .filter(|index| ![STATUS, ERROR_MESSAGE].contains(index))
                .any(|index| outer[index].is_some());
        let Some(status) = get("Status").filter(|status| !status.is_null()) else {
            return match is_job || outer[STATUS].is_some() {
                true => JobResponse::NoStatus,
                false => JobResponse::NotAJob,
            };
        };
        let status = JobStatus::from_json(status, redactor);
        if !is_job && matches!(status, JobStatus::Other(_)) {
            return JobResponse::NotAJob;
        }
        let text = |key: &str| {
            let value = get(key).filter(|value| !value.is_null())?;
            let text = value.string(MAX_TEXT_READ);
            let text = text.as_deref().unwrap_or(beginning(value.raw()));
            let line = redactor.one_line(text, MAX_TEXT);
            (!line.is_empty()).then_some(line)
        };
        let number = |key: &str| get(key)?.integer();
        JobResponse::Job(Box::new(Self {
            id,
            status,
            job_type: text("JobType"),
            company_id: number("CompanyID"),
            company_name: text("CompanyName"),
            error_message: text("ErrorMessage"),
            priority: number("Priority"),
            submitted_on: text("SubmittedOn"),
            started_on: text("StartedOn"),
            completed_on: text("CompletedOn"),
            output_file: text("OutputFile"),
            input_file: text("InputFile"),
            total_records: number("TotalRecords"),
            total_processed: number("TotalProcessed"),
            total_succeeded: number("TotalSucceeded"),
            total_failed: number("TotalFailure"),
            total_phases: number("TotalPhases"),
            current_phase: number("CurrentPhase"),
            total_items_in_phase: number("TotalItemsInPhase"),
            total_processed_in_phase: number("TotalProcessedInPhase"),
        }))
    }

    /// Returns whether the job has ended: its status is final, or this version does not know the
    /// status and the server sends a time of completion.
    pub(crate) fn is_over(&self) -> bool {
        // The forms in which .NET and SQL Server write a time that was never set.
        const NEVER: [&str; 6] = [
            "0001-01-01",
            "01/01/0001",
            "1/1/0001",
            "/Date(-62135596800000",
            "1753-01-01",
            "1900-01-01",
        ];
        let is_never = |time: &str| NEVER.iter().any(|never| time.starts_with(never));
        let completed_on = self.completed_on.as_deref();
        let is_completed = completed_on.is_some_and(|time| !is_never(time));
        self.status.is_final() || matches!(self.status, JobStatus::Other(_)) && is_completed
    }

    /// Returns whether the server names an output file.
    pub(crate) fn has_output(&self) -> bool {
        self.output_file.is_some()
    }
}

/// Returns the beginning of a value that is not text, at most [`MAX_TEXT_READ`] bytes.
pub(super) fn beginning(raw: &str) -> &str {
    let end = raw.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = end.take_while(|end| *end <= MAX_TEXT_READ).last();
    &raw[..end.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job_status::MAX_STATUS;

    fn response(json: &str) -> JobResponse {
        let id = JobId::try_from(5).unwrap();
        QueuedJob::from_json(id, json.as_bytes(), &Redactor::default())
    }

    fn job(json: &str) -> Option<QueuedJob> {
        match response(json) {
            JobResponse::Job(job) => Some(*job),
            _ => None,
        }
    }

    #[test]
    fn from_json_status_number_or_name_gives_status() {
        for (json, status, number, is_final) in [
            ("0", JobStatus::Submitted, Some(0), false),
            ("1", JobStatus::Processing, Some(1), false),
            ("3.0", JobStatus::Completed, Some(3), true),
            (r#""4""#, JobStatus::Failed, Some(4), true),
            (
                r#""PartialSuccess""#,
                JobStatus::PartialSuccess,
                Some(5),
                true,
            ),
            (r#""onHold""#, JobStatus::OnHold, Some(6), false),
            ("7", JobStatus::Cancelled, Some(7), true),
            (
                r#""Cancelled_Service_Restarted""#,
                JobStatus::CancelledServiceRestarted,
                Some(8),
                true,
            ),
            (
                r#""AbortedTooMuchTimeConsumed""#,
                JobStatus::AbortedTooMuchTimeConsumed,
                Some(9),
                true,
            ),
            ("10", JobStatus::CancelledWhileRunning, Some(10), true),
            ("2", JobStatus::Other("2".into()), Some(2), false),
            (
                r#""Paused""#,
                JobStatus::Other("Paused".into()),
                None,
                false,
            ),
            ("true", JobStatus::Other("true".into()), None, false),
        ] {
            let job = job(&format!(r#"{{"Basic": {{"Status": {json}}}}}"#)).unwrap();
            assert_eq!(job.status, status, "{json}");
            assert_eq!(job.status.number(), number, "{json}");
            assert_eq!(job.status.is_final(), is_final, "{json}");
        }
    }

    #[test]
    fn from_json_missing_or_null_field_is_none() {
        let sparse = job(r#"{"Basic": {"Status": 1}}"#).unwrap();
        assert_eq!((sparse.output_file, sparse.total_records), (None, None));
        let full = job(
            r#"{"Basic": {"ID": 5, "CompanyID": 163, "Status": "Completed", "ErrorMessage": null,
                "JobType": "Export", "Priority": "2", "SubmittedOn": "2026-11-23T10:00:00.123"},
                "OutputFile": "a.csv", "InputFile": " ", "TotalRecords": 7, "TotalFailure": 1,
                "TotalProcessed": null}"#,
        )
        .unwrap();
        assert_eq!(full.output_file.as_deref(), Some("a.csv"));
        assert_eq!(full.input_file, None);
        assert_eq!(full.error_message, None);
        assert_eq!(full.job_type.as_deref(), Some("Export"));
        assert_eq!(
            full.submitted_on.as_deref(),
            Some("2026-11-23T10:00:00.123")
        );
        assert_eq!((full.company_id, full.priority), (Some(163), Some(2)));
        assert_eq!((full.total_records, full.total_failed), (Some(7), Some(1)));
        assert_eq!(full.total_processed, None);
    }

    #[test]
    fn from_json_job_without_status_differs_from_other_json() {
        for json in [
            r#"{"Basic": {"Status": null}}"#,
            r#"{"Basic": {}}"#,
            r#"{"Basic": null, "OutputFile": null}"#,
            r#"{"status": null}"#,
            r#"{"ErrorMessage": null, "TotalRecords": 5}"#,
        ] {
            assert_eq!(response(json), JobResponse::NoStatus, "{json}");
        }
        for json in [
            "",
            "null",
            "[]",
            "{}",
            "5",
            "<p>",
            r#"{"Basic": {"Status": 3}"#,
            r#"{"ErrorMessage": "no such job"}"#,
            r#"{"Success": false, "Message": "no"}"#,
            r#"{"title": "Bad Request", "status": 400}"#,
            r#"{"status": "error", "message": "no"}"#,
        ] {
            assert_eq!(response(json), JobResponse::NotAJob, "{json}");
        }
        // The form of a list item.
        assert_eq!(
            job(r#"{"Status": 3}"#).unwrap().status,
            JobStatus::Completed
        );
    }

    #[test]
    fn from_json_invalid_values_of_other_fields_are_ignored() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let odd = job(&format!(
            r#"{{"Basic": {{"\ud83d": {deep}, "Status": 3.0, "CompanyName": "a\ud83d\u001b\nb",
                "CompanyID": 1e400, "Priority": "2.0", "JobType": 7, "SubmittedBy": -1e999,
                "SubmittedOn": {{"a": [1]}}}}, "TotalRecords": 12345678901234567890,
                "TotalFailure": 7.5, "TotalProcessed": " 8 ", "Other": {deep}}}"#
        ))
        .unwrap();
        assert_eq!(odd.status, JobStatus::Completed);
        assert_eq!(odd.company_name.as_deref(), Some("a\u{fffd} b"));
        assert_eq!((odd.company_id, odd.priority), (None, Some(2)));
        assert_eq!(odd.job_type.as_deref(), Some("7"));
        assert_eq!(odd.submitted_on.as_deref(), Some(r#"{"a": [1]}"#));
        assert_eq!((odd.total_records, odd.total_failed), (None, None));
        assert_eq!(odd.total_processed, Some(8));
    }

    #[test]
    fn from_json_text_is_redacted_on_one_line_and_bounded() {
        let mut redactor = Redactor::default();
        redactor.add(
            &std::sync::Arc::new(zeroize::Zeroizing::new("hunter2/token".to_owned())),
            "[token]",
        );
        let long = "x".repeat(5000);
        let json = format!(
            r#"{{"Basic": {{"Status": "a\nhunter2\/token {long}", "JobType": "\u001b[31m{long}",
                "ErrorMessage": "hunter2\u002ftoken was refused"}}}}"#
        );
        let id = JobId::try_from(5).unwrap();
        let JobResponse::Job(job) = QueuedJob::from_json(id, json.as_bytes(), &redactor) else {
            panic!("no job");
        };
        let JobStatus::Other(status) = &job.status else {
            panic!("{}", job.status);
        };
        assert!(status.starts_with("a [token] xxx"), "{status}");
        assert_eq!(status.chars().count(), MAX_STATUS + 1);
        let job_type = job.job_type.unwrap();
        assert!(job_type.starts_with("[31mxxx"));
        assert_eq!(job_type.chars().count(), MAX_TEXT + 1);
        assert_eq!(job.error_message.as_deref(), Some("[token] was refused"));
    }

    #[test]
    fn is_over_final_status_or_completion_time_is_true() {
        for (json, is_over, has_output) in [
            (r#"{"Status": 3}, "OutputFile": "a.csv""#, true, true),
            (r#"{"Status": 4}"#, true, false),
            (
                r#"{"Status": 1, "CompletedOn": "2026-11-23T10:00:00"}"#,
                false,
                false,
            ),
            (r#"{"Status": 42}, "OutputFile": " ""#, false, false),
            (r#"{"Status": 42, "CompletedOn": null}"#, false, false),
            (
                r#"{"Status": 42, "CompletedOn": "0001-01-01T00:00:00"}"#,
                false,
                false,
            ),
            (
                r#"{"Status": 42, "CompletedOn": "\/Date(-62135596800000)\/"}"#,
                false,
                false,
            ),
            (
                r#"{"Status": 42, "CompletedOn": "1/1/0001 12:00:00 AM"}"#,
                false,
                false,
            ),
            (
                r#"{"Status": "New", "CompletedOn": "2026-11-23T10:00:00"}"#,
                true,
                false,
            ),
        ] {
            let job = job(&format!(r#"{{"Basic": {json}}}"#)).unwrap();
            assert_eq!(job.is_over(), is_over, "{json}");
            assert_eq!(job.has_output(), has_output, "{json}");
        }
    }
}
