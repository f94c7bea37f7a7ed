use std::ffi::{CString, c_char};
use std::ptr;

use super::boundary::{c_string, free, read, string_or_null};
use super::status::c_enum;
use crate::{JobStatus, QueuedJob};

/// A queued job, as the server described it.
///
/// sco_get_job and the functions that wait for a job return it, and sco_job_free frees it.
/// A job that sco_error_job returns belongs to the error. Several threads may read a job at
/// the same time.
pub struct sco_job {
    job: QueuedJob,
    status_name: CString,
    /// In the order of sco_job_text_field.
    texts: [Option<CString>; 8],
}

c_enum!(sco_job_status_code, JOB_STATUSES:
    SCO_JOB_STATUS_UNKNOWN = -1,
    SCO_JOB_STATUS_SUBMITTED = 0,
    SCO_JOB_STATUS_PROCESSING = 1,
    SCO_JOB_STATUS_COMPLETED = 3,
    SCO_JOB_STATUS_FAILED = 4,
    SCO_JOB_STATUS_PARTIAL_SUCCESS = 5,
    SCO_JOB_STATUS_ON_HOLD = 6,
    SCO_JOB_STATUS_CANCELLED = 7,
    SCO_JOB_STATUS_CANCELLED_SERVICE_RESTARTED = 8,
    SCO_JOB_STATUS_ABORTED_TOO_MUCH_TIME_CONSUMED = 9,
    SCO_JOB_STATUS_CANCELLED_WHILE_RUNNING = 10,
);

c_enum!(sco_job_text_field, JOB_TEXT_FIELDS:
    SCO_JOB_TEXT_TYPE = 201,
    SCO_JOB_TEXT_COMPANY_NAME = 202,
    SCO_JOB_TEXT_ERROR_MESSAGE = 203,
    SCO_JOB_TEXT_SUBMITTED_ON = 204,
    SCO_JOB_TEXT_STARTED_ON = 205,
    SCO_JOB_TEXT_COMPLETED_ON = 206,
    SCO_JOB_TEXT_OUTPUT_FILE = 207,
    SCO_JOB_TEXT_INPUT_FILE = 208,
);

c_enum!(sco_job_number_field, JOB_NUMBER_FIELDS:
    SCO_JOB_NUMBER_COMPANY_ID = 301,
    SCO_JOB_NUMBER_PRIORITY = 302,
    SCO_JOB_NUMBER_TOTAL_RECORDS = 303,
    SCO_JOB_NUMBER_TOTAL_PROCESSED = 304,
    SCO_JOB_NUMBER_TOTAL_SUCCEEDED = 305,
    SCO_JOB_NUMBER_TOTAL_FAILED = 306,
    SCO_JOB_NUMBER_TOTAL_PHASES = 307,
    SCO_JOB_NUMBER_CURRENT_PHASE = 308,
    SCO_JOB_NUMBER_TOTAL_ITEMS_IN_PHASE = 309,
    SCO_JOB_NUMBER_TOTAL_PROCESSED_IN_PHASE = 310,
);

impl sco_job {
    pub(super) fn new(job: QueuedJob) -> Self {
        let texts = [
            &job.job_type,
            &job.company_name,
            &job.error_message,
            &job.submitted_on,
            &job.started_on,
            &job.completed_on,
            &job.output_file,
            &job.input_file,
        ];
        Self {
            status_name: c_string(job.status.name()),
            texts: texts.map(|text| text.as_deref().map(c_string)),
            job,
        }
    }

    fn text(&self, field: sco_job_text_field) -> Option<&CString> {
        let index = field.checked_sub(SCO_JOB_TEXT_TYPE)?;
        self.texts.get(usize::try_from(index).ok()?)?.as_ref()
    }

    fn number(&self, field: sco_job_number_field) -> Option<i64> {
        let job = &self.job;
        match field {
            SCO_JOB_NUMBER_COMPANY_ID => job.company_id,
            SCO_JOB_NUMBER_PRIORITY => job.priority,
            SCO_JOB_NUMBER_TOTAL_RECORDS => job.total_records,
            SCO_JOB_NUMBER_TOTAL_PROCESSED => job.total_processed,
            SCO_JOB_NUMBER_TOTAL_SUCCEEDED => job.total_succeeded,
            SCO_JOB_NUMBER_TOTAL_FAILED => job.total_failed,
            SCO_JOB_NUMBER_TOTAL_PHASES => job.total_phases,
            SCO_JOB_NUMBER_CURRENT_PHASE => job.current_phase,
            SCO_JOB_NUMBER_TOTAL_ITEMS_IN_PHASE => job.total_items_in_phase,
            SCO_JOB_NUMBER_TOTAL_PROCESSED_IN_PHASE => job.total_processed_in_phase,
            _ => None,
        }
    }
}

fn status_code(status: &JobStatus) -> sco_job_status_code {
    match status {
        JobStatus::Submitted => SCO_JOB_STATUS_SUBMITTED,
        JobStatus::Processing => SCO_JOB_STATUS_PROCESSING,
        JobStatus::Completed => SCO_JOB_STATUS_COMPLETED,
        JobStatus::Failed => SCO_JOB_STATUS_FAILED,
        JobStatus::PartialSuccess => SCO_JOB_STATUS_PARTIAL_SUCCESS,
        JobStatus::OnHold => SCO_JOB_STATUS_ON_HOLD,
        JobStatus::Cancelled => SCO_JOB_STATUS_CANCELLED,
        JobStatus::CancelledServiceRestarted => SCO_JOB_STATUS_CANCELLED_SERVICE_RESTARTED,
        JobStatus::AbortedTooMuchTimeConsumed => SCO_JOB_STATUS_ABORTED_TOO_MUCH_TIME_CONSUMED,
        JobStatus::CancelledWhileRunning => SCO_JOB_STATUS_CANCELLED_WHILE_RUNNING,
        JobStatus::Other(_) => SCO_JOB_STATUS_UNKNOWN,
    }
}

/// Returns the id of a job.
///
/// @param job The job, or NULL.
/// @return The id; 0 if job is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_job_id(job: *const sco_job) -> i64 {
    // SAFETY: the header's contract.
    unsafe { read(job, 0, |handle| handle.job.id.get().into()) }
}

/// Returns the status of a job.
///
/// @param job The job, or NULL.
/// @return The status; SCO_JOB_STATUS_UNKNOWN if this version does not know the status, or
/// if job is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_job_status(job: *const sco_job) -> sco_job_status_code {
    // SAFETY: the header's contract.
    unsafe {
        read(job, SCO_JOB_STATUS_UNKNOWN, |handle| {
            status_code(&handle.job.status)
        })
    }
}

/// Returns the server's text for the status of a job, such as "PartialSuccess".
///
/// For a status that this version does not know, it is the name or the number that the
/// server sent.
///
/// @param job The job, or NULL.
/// @return A string owned by the job; NULL if job is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_job_status_name(job: *const sco_job) -> *const c_char {
    // SAFETY: the header's contract.
    unsafe { read(job, ptr::null(), |handle| handle.status_name.as_ptr()) }
}

/// Returns whether a job has ended, with or without success.
///
/// @param job The job, or NULL.
/// @return 1 if the job has ended; 0 if it has not, if this version does not know the
/// status, or if job is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_job_is_final(job: *const sco_job) -> i32 {
    // SAFETY: the header's contract.
    unsafe { read(job, 0, |handle| handle.job.status.is_final().into()) }
}

/// Returns a text field of a job.
///
/// @param job The job, or NULL.
/// @param field The field.
/// @return A string owned by the job; NULL if the server did not send the field, if field
/// is not a value of sco_job_text_field, or if job is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_job_text(
    job: *const sco_job,
    field: sco_job_text_field,
) -> *const c_char {
    // SAFETY: the header's contract.
    unsafe {
        read(job, ptr::null(), |handle| {
            string_or_null(handle.text(field))
        })
    }
}

/// Returns a number field of a job.
///
/// @param job The job, or NULL.
/// @param field The field.
/// @return The number; -1 if the server did not send the field, if field is not a value of
/// sco_job_number_field, or if job is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_job_number(job: *const sco_job, field: sco_job_number_field) -> i64 {
    // SAFETY: the header's contract.
    unsafe { read(job, -1, |handle| handle.number(field).unwrap_or(-1)) }
}

/// Frees a job, with its strings. Do not free a job that belongs to an error.
///
/// @param job The job, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_job_free(job: *mut sco_job) {
    // SAFETY: the header's contract.
    unsafe { free(job) };
}
