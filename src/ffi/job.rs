use std::ffi::{CString, c_char};
use std::ptr;

use super::{c_string, free};
use crate::QueuedJob;

/// A queued job as the server told of it. Made by sco_get_job and the waiting
/// calls, freed with sco_job_free, unless it belongs to an error. Any number of
/// threads may read it at once.
pub struct sco_job {
    job: QueuedJob,
    status_name: CString,
    /// In the order of the text constants.
    texts: [Option<CString>; 8],
}

/// It waits for its turn.
pub const SCO_JOB_SUBMITTED: i32 = 0;
/// It is at work.
pub const SCO_JOB_PROCESSING: i32 = 1;
/// It ended with success.
pub const SCO_JOB_COMPLETED: i32 = 3;
/// It ended without.
pub const SCO_JOB_ENDED_AS_FAILED: i32 = 4;
/// It ended with success for some of its records; there is an output file.
pub const SCO_JOB_PARTIAL_SUCCESS: i32 = 5;
/// Somebody has to let it go on.
pub const SCO_JOB_ON_HOLD: i32 = 6;
/// Somebody cancelled it.
pub const SCO_JOB_CANCELLED: i32 = 7;
/// It was cancelled as the server restarted.
pub const SCO_JOB_CANCELLED_SERVICE_RESTARTED: i32 = 8;
/// It took too long and was aborted.
pub const SCO_JOB_ABORTED_TOO_MUCH_TIME_CONSUMED: i32 = 9;
/// Somebody cancelled it at work.
pub const SCO_JOB_CANCELLED_WHILE_RUNNING: i32 = 10;

/// What kind of job it is, in the server's words.
pub const SCO_JOB_TYPE: i32 = 0;
/// The name of the company that it is for.
pub const SCO_JOB_COMPANY_NAME: i32 = 1;
/// Why it failed, in the server's words.
pub const SCO_JOB_ERROR_MESSAGE: i32 = 2;
/// When it was submitted: the server's own text, which may lack a time zone.
pub const SCO_JOB_SUBMITTED_ON: i32 = 3;
/// When it was begun, likewise.
pub const SCO_JOB_STARTED_ON: i32 = 4;
/// When it ended, likewise.
pub const SCO_JOB_COMPLETED_ON: i32 = 5;
/// The name of its output file, once there is one.
pub const SCO_JOB_OUTPUT_FILE: i32 = 6;
/// The name of its input file.
pub const SCO_JOB_INPUT_FILE: i32 = 7;

/// The number of the company that it is for.
pub const SCO_JOB_COMPANY_ID: i32 = 0;
/// Its priority, 0 to 3.
pub const SCO_JOB_PRIORITY: i32 = 1;
/// How many records it has to process.
pub const SCO_JOB_TOTAL_RECORDS: i32 = 2;
/// How many of them it has processed.
pub const SCO_JOB_TOTAL_PROCESSED: i32 = 3;
/// How many with success.
pub const SCO_JOB_TOTAL_SUCCEEDED: i32 = 4;
/// How many without.
pub const SCO_JOB_TOTAL_FAILED: i32 = 5;
/// How many phases it has.
pub const SCO_JOB_TOTAL_PHASES: i32 = 6;
/// In which phase it is.
pub const SCO_JOB_CURRENT_PHASE: i32 = 7;
/// How many items the phase has.
pub const SCO_JOB_TOTAL_ITEMS_IN_PHASE: i32 = 8;
/// How many of them are processed.
pub const SCO_JOB_TOTAL_PROCESSED_IN_PHASE: i32 = 9;

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

    fn number(&self, field: i32) -> Option<i64> {
        let job = &self.job;
        let numbers = [
            job.company_id,
            job.priority,
            job.total_records,
            job.total_processed,
            job.total_succeeded,
            job.total_failed,
            job.total_phases,
            job.current_phase,
            job.total_items_in_phase,
            job.total_processed_in_phase,
        ];
        *numbers.get(usize::try_from(field).ok()?)?
    }
}

/// The job's id; 0 if job is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_job_id(job: *const sco_job) -> i64 {
    // SAFETY: `job` is NULL or a live handle.
    unsafe { job.as_ref() }.map_or(0, |handle| handle.job.id.get().into())
}

/// How far the job is, or how it ended: one of SCO_JOB_SUBMITTED to
/// SCO_JOB_CANCELLED_WHILE_RUNNING, or a number that this version does not know;
/// -1 if the server gave a name that it does not know, or if job is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_job_status(job: *const sco_job) -> i32 {
    // SAFETY: `job` is NULL or a live handle.
    let status = unsafe { job.as_ref() }.and_then(|handle| handle.job.status.number());
    status.unwrap_or(-1)
}

/// The status in the server's words, such as "PartialSuccess". Owned by the job.
/// NULL if job is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_job_status_name(job: *const sco_job) -> *const c_char {
    // SAFETY: `job` is NULL or a live handle.
    unsafe { job.as_ref() }.map_or(ptr::null(), |handle| handle.status_name.as_ptr())
}

/// 1 if the job is over, in whatever way, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_job_is_final(job: *const sco_job) -> i32 {
    // SAFETY: `job` is NULL or a live handle.
    let is_final = unsafe { job.as_ref() }.is_some_and(|handle| handle.job.status.is_final());
    i32::from(is_final)
}

/// A text of the job: field is one of SCO_JOB_TYPE to SCO_JOB_INPUT_FILE. Owned
/// by the job. NULL where the server gave none, for any other field, or if job
/// is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_job_text(job: *const sco_job, field: i32) -> *const c_char {
    // SAFETY: `job` is NULL or a live handle.
    let handle = unsafe { job.as_ref() };
    let text = usize::try_from(field)
        .ok()
        .and_then(|field| handle?.texts.get(field)?.as_ref());
    text.map_or(ptr::null(), |text| text.as_ptr())
}

/// A number of the job: field is one of SCO_JOB_COMPANY_ID to
/// SCO_JOB_TOTAL_PROCESSED_IN_PHASE. -1 where the server gave none, for any other
/// field, or if job is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_job_number(job: *const sco_job, field: i32) -> i64 {
    // SAFETY: `job` is NULL or a live handle.
    let number = unsafe { job.as_ref() }.and_then(|handle| handle.number(field));
    number.unwrap_or(-1)
}

/// Frees a job. NULL is allowed. Do not free one that belongs to an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_job_free(job: *mut sco_job) {
    // SAFETY: `job` is NULL or a handle that a call made, which the caller owns.
    unsafe { free(job) };
}
