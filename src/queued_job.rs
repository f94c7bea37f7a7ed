//! A queued job as the server tells of it.

use std::fmt;

use serde_json::Value;

use crate::JobId;
use crate::json::find;

/// A queued job. What the server leaves out or gives as null is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuedJob {
    /// The job.
    pub id: JobId,
    /// How far it is, or how it ended.
    pub status: JobStatus,
    /// What kind of job it is, in the server's words.
    pub job_type: Option<String>,
    /// The company that it is for.
    pub company_id: Option<i64>,
    /// That company's name.
    pub company_name: Option<String>,
    /// Why it failed, in the server's words.
    pub error_message: Option<String>,
    /// 0 to 3.
    pub priority: Option<i64>,
    /// When it was submitted: the server's own text, which may lack a time zone.
    pub submitted_on: Option<String>,
    /// When it was begun, likewise.
    pub started_on: Option<String>,
    /// When it ended, likewise.
    pub completed_on: Option<String>,
    /// The name of its output file, once there is one.
    pub output_file: Option<String>,
    /// The name of its input file.
    pub input_file: Option<String>,
    /// How many records it has to process,
    pub total_records: Option<i64>,
    /// has processed,
    pub total_processed: Option<i64>,
    /// has processed with success,
    pub total_succeeded: Option<i64>,
    /// and without.
    pub total_failed: Option<i64>,
    /// How many phases it has,
    pub total_phases: Option<i64>,
    /// and in which one it is.
    pub current_phase: Option<i64>,
    /// How many items the phase has,
    pub total_items_in_phase: Option<i64>,
    /// and how many of them are done.
    pub total_processed_in_phase: Option<i64>,
}

/// How far a job is, or how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobStatus {
    /// 0: it waits for its turn.
    Submitted,
    /// 1: it is at work.
    Processing,
    /// 3: it ended with success.
    Completed,
    /// 4: it ended without.
    Failed,
    /// 5: it ended with success for some of the records; there is an output file.
    PartialSuccess,
    /// 6: somebody has to let it go on.
    OnHold,
    /// 7: somebody cancelled it.
    Cancelled,
    /// 8: it was cancelled as the server restarted.
    CancelledServiceRestarted,
    /// 9: it took too long and was aborted.
    AbortedTooMuchTimeConsumed,
    /// 10: somebody cancelled it at work.
    CancelledWhileRunning,
    /// A status that this version does not know, as the server gave it.
    Other(String),
}

impl JobStatus {
    /// Those that are known, with the server's number and name.
    const KNOWN: [(i32, &'static str, Self); 10] = [
        (0, "Submitted", Self::Submitted),
        (1, "Processing", Self::Processing),
        (3, "Completed", Self::Completed),
        (4, "Failed", Self::Failed),
        (5, "PartialSuccess", Self::PartialSuccess),
        (6, "OnHold", Self::OnHold),
        (7, "Cancelled", Self::Cancelled),
        (
            8,
            "Cancelled_Service_Restarted",
            Self::CancelledServiceRestarted,
        ),
        (
            9,
            "Aborted_Too_Much_Time_Consumed",
            Self::AbortedTooMuchTimeConsumed,
        ),
        (10, "Cancelled_While_Running", Self::CancelledWhileRunning),
    ];

    /// The server's number; `None` for a status that this version does not
    /// know and the server gave by name.
    pub fn number(&self) -> Option<i32> {
        match self {
            Self::Other(text) => text.parse().ok(),
            known => Some(known.entry()?.0),
        }
    }

    /// The server's name; of a status that this version does not know, what
    /// the server gave.
    pub fn name(&self) -> &str {
        match self {
            Self::Other(text) => text,
            known => known.entry().map_or("", |entry| entry.1),
        }
    }

    /// Whether the job is over, in whatever way. A status that this version
    /// does not know is taken as not over.
    pub fn is_final(&self) -> bool {
        !matches!(
            self,
            Self::Submitted | Self::Processing | Self::OnHold | Self::Other(_)
        )
    }

    /// Whether the job is over and left an output file.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Completed | Self::PartialSuccess)
    }

    fn entry(&self) -> Option<&'static (i32, &'static str, Self)> {
        static KNOWN: [(i32, &str, JobStatus); 10] = JobStatus::KNOWN;
        KNOWN.iter().find(|entry| entry.2 == *self)
    }

    /// A number or a name, of which the case and the underscores do not count.
    fn of_json(value: &Value) -> Self {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            other => other.to_string(),
        };
        let bare = |name: &str| name.replace(['_', ' '], "").to_ascii_lowercase();
        let wanted = bare(&text);
        let found = Self::KNOWN.into_iter().find(|(number, name, _)| {
            value.as_f64() == Some(f64::from(*number))
                || wanted == number.to_string()
                || wanted == bare(name)
        });
        found.map_or(Self::Other(text), |(_, _, status)| status)
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl QueuedJob {
    /// Reads a `QueuedJobDto`; `None` if it has no status.
    pub(crate) fn of_json(id: JobId, value: &Value) -> Option<Self> {
        let whole = value.as_object()?;
        let basic = find(whole, "Basic").and_then(Value::as_object);
        let get = |key: &str| {
            let in_basic = basic.and_then(|basic| find(basic, key));
            in_basic.or_else(|| find(whole, key))
        };
        let text = |key: &str| match get(key)? {
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        };
        let number = |key: &str| match get(key)? {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_i64(),
        };
        Some(Self {
            id,
            status: JobStatus::of_json(get("Status").filter(|status| !status.is_null())?),
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
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(json: &str) -> Option<QueuedJob> {
        let id = JobId::try_from(5).unwrap();
        QueuedJob::of_json(id, &serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_status_is_a_number_or_a_name() {
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
        for (number, name, status) in JobStatus::KNOWN {
            assert_eq!(status.name(), name);
            assert_eq!(status.number(), Some(number));
        }
    }

    #[test]
    fn what_is_missing_or_null_is_none() {
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
    fn what_has_no_status_is_no_job() {
        for json in ["null", "[]", "{}", r#"{"Basic": {"Status": null}}"#, "5"] {
            assert_eq!(job(json), None, "{json}");
        }
    }
}
