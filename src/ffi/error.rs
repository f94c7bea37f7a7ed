use std::ffi::{CString, c_char};
use std::ptr;

use super::boundary::{c_path, c_string, free, read, string_or_null};
use super::{SCO_OK, sco_job, sco_status, status_of};
use crate::Error;

/// The details of a failed call.
///
/// A call that fails writes a new error to its last parameter, unless that is NULL. The
/// caller frees it with sco_error_free. Several threads may read it at the same time.
pub struct sco_error {
    error: Error,
    message: CString,
    path: Option<CString>,
    job: Option<sco_job>,
    job_log: Vec<CString>,
}

impl sco_error {
    pub(super) fn new(error: Error) -> Self {
        Self {
            message: c_string(&error.to_string()),
            path: error.path().map(c_path),
            job: error.job().map(|job| sco_job::new(job.clone())),
            job_log: error.job_log().iter().map(|line| c_string(line)).collect(),
            error,
        }
    }
}

/// Returns the status that the failed call returned.
///
/// @param error The error, or NULL.
/// @return The status; SCO_OK if error is NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_kind(error: *const sco_error) -> sco_status {
    // SAFETY: the header's contract.
    unsafe { read(error, SCO_OK, |error| status_of(error.error.kind())) }
}

/// Returns the message: what failed, where, why, and what to do.
///
/// The message is one line. It never contains a token or a password.
///
/// @param error The error, or NULL.
/// @return A string owned by the error; NULL if error is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_message(error: *const sco_error) -> *const c_char {
    // SAFETY: the header's contract.
    unsafe { read(error, ptr::null(), |error| error.message.as_ptr()) }
}

/// Returns the HTTP status code of the response that the call failed with.
///
/// @param error The error, or NULL.
/// @return The status code, such as 500; 0 if the call failed for another reason, or if
/// error is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_http_status(error: *const sco_error) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        read(error, 0, |error| {
            error.error.http_status().map_or(0, i32::from)
        })
    }
}

/// Returns whether the same call may succeed later without any change.
///
/// That is so for lost connections, timeouts, rate limits, and the HTTP statuses 408, 425,
/// 429, 502, 503, 504, 520 to 524 and 530.
///
/// @param error The error, or NULL.
/// @return 1 if the call may succeed later; 0 if not, or if error is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_is_retryable(error: *const sco_error) -> i32 {
    // SAFETY: the header's contract.
    unsafe { read(error, 0, |error| error.error.is_retryable().into()) }
}

/// Returns how many times the call attempted its last request.
///
/// @param error The error, or NULL.
/// @return The number of attempts; 0 if nothing was sent, for SCO_ERROR_JOB_FAILED, or if
/// error is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_attempts(error: *const sco_error) -> u32 {
    // SAFETY: the header's contract.
    unsafe { read(error, 0, |error| error.error.attempts()) }
}

/// Returns how long to wait before the next call: the time that the server asks for, or the
/// backoff for which the call had no time left.
///
/// @param error The error, or NULL.
/// @return The time in milliseconds; -1 if there is none, or if error is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_retry_after_ms(error: *const sco_error) -> i64 {
    // SAFETY: the header's contract.
    let wait = unsafe { read(error, None, |error| error.error.retry_after()) };
    wait.map_or(-1, |wait| {
        i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)
    })
}

/// Returns the operating system's error code of an SCO_ERROR_IO error.
///
/// EEXIST (on Windows ERROR_FILE_EXISTS), for example, means that a file of that name
/// exists.
///
/// @param error The error, or NULL.
/// @return A value of errno or, on Windows, of GetLastError; 0 if there is none, or if
/// error is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_os_error(error: *const sco_error) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        read(error, 0, |error| {
            error.error.raw_os_error().unwrap_or_default()
        })
    }
}

/// Returns the path of the file or directory that an SCO_ERROR_IO error concerns.
///
/// @param error The error, or NULL.
/// @return A string owned by the error, which is UTF-8 on Windows but may be any bytes on
/// Unix, as open takes them; NULL if there is no path, or if error is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_path(error: *const sco_error) -> *const c_char {
    // SAFETY: the header's contract.
    unsafe {
        read(error, ptr::null(), |error| {
            string_or_null(error.path.as_ref())
        })
    }
}

/// Returns the id of the job that the failed call was about.
///
/// @param error The error, or NULL.
/// @return The job's id; 0 if the call was about no job, if an argument was rejected before
/// the call began, or if error is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_job_id(error: *const sco_error) -> i64 {
    // SAFETY: the header's contract.
    unsafe {
        read(error, 0, |error| {
            error.error.job_id().map_or(0, |job| job.get().into())
        })
    }
}

/// Returns the job that ended without success, for SCO_ERROR_JOB_FAILED.
///
/// @param error The error, or NULL.
/// @return The job, owned by the error: do not free it. NULL for other errors, or if error
/// is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_job(error: *const sco_error) -> *const sco_job {
    // SAFETY: the header's contract.
    unsafe {
        read(error, ptr::null(), |error| {
            error.job.as_ref().map_or(ptr::null(), ptr::from_ref)
        })
    }
}

/// Returns a line of the log of a job that ended without success.
///
/// The error has the first error lines of the log if the server returned them. They are in
/// the message as well.
///
/// @param error The error, or NULL.
/// @param index The index of the line; the first is 0.
/// @return A string owned by the error; NULL if there is no such line, or if error is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_job_log_line(
    error: *const sco_error,
    index: usize,
) -> *const c_char {
    // SAFETY: the header's contract.
    unsafe {
        read(error, ptr::null(), |error| {
            string_or_null(error.job_log.get(index))
        })
    }
}

/// Frees an error, with its strings and its job.
///
/// @param error The error, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_free(error: *mut sco_error) {
    // SAFETY: the header's contract.
    unsafe { free(error) };
}
