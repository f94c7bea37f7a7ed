use std::ffi::{CString, c_char};
use std::ptr;

use super::{c_string, free, sco_job};
use crate::{Error, ErrorKind};

/// The outcome of a call: SCO_OK, or the kind of the error. The numbers only
/// grow; a number keeps its meaning for good. Treat one that you do not know
/// as an error.
pub type sco_status = i32;

/// Success.
pub const SCO_OK: sco_status = 0;
/// An argument cannot be used; nothing was sent.
pub const SCO_INVALID_ARGUMENT: sco_status = 1;
/// HTTP 401: the token, or the user name and password, are not accepted.
pub const SCO_AUTHENTICATION: sco_status = 2;
/// HTTP 403: the user may not do this.
pub const SCO_FORBIDDEN: sco_status = 3;
/// HTTP 404: the server does not know this.
pub const SCO_NOT_FOUND: sco_status = 4;
/// HTTP 429, or "Too many requests": too many calls from this IP address.
pub const SCO_RATE_LIMITED: sco_status = 5;
/// HTTP 500 to 599: the server failed, or does not know the job (yet).
pub const SCO_SERVER: sco_status = 6;
/// Any other HTTP status but 200.
pub const SCO_UNEXPECTED_STATUS: sco_status = 7;
/// No connection, or it broke before the answer was complete.
pub const SCO_CONNECTION: sco_status = 8;
/// TLS: the certificate, or the handshake.
pub const SCO_TLS: sco_status = 9;
/// A time limit was met.
pub const SCO_TIMEOUT: sco_status = 10;
/// The caller cancelled.
pub const SCO_CANCELLED: sco_status = 11;
/// The answer is not a file in the expected form.
pub const SCO_MALFORMED_BODY: sco_status = 12;
/// The file is larger than the limit.
pub const SCO_TOO_LARGE: sco_status = 13;
/// The file could not be kept: disk, memory, permissions.
pub const SCO_IO: sco_status = 14;
/// A defect of this library; please report it. The client can be used on.
pub const SCO_INTERNAL: sco_status = 15;
/// The job ended without success: failed, cancelled or aborted on the server.
pub const SCO_JOB_FAILED: sco_status = 16;

/// What went wrong, in detail. Made by a call that failed and was given a place
/// for it; owned by the caller; freed with sco_error_free. Any number of threads
/// may read it at once.
pub struct sco_error {
    error: Error,
    message: CString,
    path: Option<CString>,
    job: Option<sco_job>,
    log: Vec<CString>,
}

impl sco_error {
    pub(super) fn new(error: Error) -> Self {
        let end = error.job_end();
        Self {
            message: c_string(&error.to_string()),
            path: match &error {
                Error::Io { path, .. } => {
                    path.as_ref().map(|path| c_string(&path.to_string_lossy()))
                }
                _ => None,
            },
            job: end.map(|end| sco_job::new(end.job.clone())),
            log: end.map_or_else(Vec::new, |end| {
                end.log.iter().map(|line| c_string(line)).collect()
            }),
            error,
        }
    }
}

/// A few words that name a status, such as "rate limited"; "ok" for SCO_OK,
/// "unknown status" for a number that this version does not know. The string is
/// static.
#[unsafe(no_mangle)]
pub extern "C" fn sco_status_string(status: sco_status) -> *const c_char {
    if status == SCO_OK {
        return c"ok".as_ptr();
    }
    let kind = ErrorKind::ALL
        .into_iter()
        .find(|kind| *kind as sco_status == status);
    kind.map_or(c"unknown status", ErrorKind::description_for_c)
        .as_ptr()
}

/// The status that the failed call returned; SCO_OK if error is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_kind(error: *const sco_error) -> sco_status {
    // SAFETY: `error` is NULL or a live handle.
    match unsafe { error.as_ref() } {
        Some(handle) => handle.error.kind() as sco_status,
        None => SCO_OK,
    }
}

/// What happened, where, and what to do, for people: one line of UTF-8. It never
/// holds a token or a password. Owned by the error. NULL if error is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_message(error: *const sco_error) -> *const c_char {
    // SAFETY: `error` is NULL or a live handle.
    match unsafe { error.as_ref() } {
        Some(handle) => handle.message.as_ptr(),
        None => ptr::null(),
    }
}

/// The HTTP status code where the server's answer is the error, such as 500;
/// else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_http_status(error: *const sco_error) -> i32 {
    // SAFETY: `error` is NULL or a live handle.
    let status = unsafe { error.as_ref() }.and_then(|handle| handle.error.http_status());
    status.map_or(0, i32::from)
}

/// 1 if the same call may succeed later without any change (lost connections,
/// time limits, rate limits, a busy server), else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_retry_may_help(error: *const sco_error) -> i32 {
    // SAFETY: `error` is NULL or a live handle.
    let helps = unsafe { error.as_ref() }.is_some_and(|handle| handle.error.retry_may_help());
    i32::from(helps)
}

/// How many times the request was tried; 0 if it was not, or if error is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_attempts(error: *const sco_error) -> u32 {
    // SAFETY: `error` is NULL or a live handle.
    unsafe { error.as_ref() }.map_or(0, |handle| handle.error.attempts())
}

/// How many milliseconds to wait before the next call, where the server says
/// so; else -1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_retry_after_ms(error: *const sco_error) -> i64 {
    // SAFETY: `error` is NULL or a live handle.
    let wait = unsafe { error.as_ref() }.and_then(|handle| handle.error.retry_after());
    wait.map_or(-1, |wait| {
        i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)
    })
}

/// Returns the operating system's code for an SCO_IO error: an errno value, or on
/// Windows what GetLastError returns. EEXIST (on Windows ERROR_FILE_EXISTS), for
/// example, says that the name is taken. 0 if there is none, or if error is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_os_error(error: *const sco_error) -> i32 {
    // SAFETY: `error` is NULL or a live handle.
    let code = unsafe { error.as_ref() }.and_then(|handle| handle.error.raw_os_error());
    code.unwrap_or(0)
}

/// Returns the path of the file or directory that an SCO_IO error concerns, in
/// UTF-8. NULL if there is none, or if error is NULL. Owned by the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_path(error: *const sco_error) -> *const c_char {
    // SAFETY: `error` is NULL or a live handle.
    let path = unsafe { error.as_ref() }.and_then(|handle| handle.path.as_ref());
    path.map_or(ptr::null(), |path| path.as_ptr())
}

/// The job as it ended, for SCO_JOB_FAILED; else NULL. It belongs to the error:
/// do not free it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_job(error: *const sco_error) -> *const sco_job {
    // SAFETY: `error` is NULL or a live handle.
    let job = unsafe { error.as_ref() }.and_then(|handle| handle.job.as_ref());
    job.map_or(ptr::null(), ptr::from_ref)
}

/// The first error lines of the log of a job that ended without success, where
/// they could be had, from index 0 on; NULL past the last. They are in the
/// message as well. Owned by the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_log_line(
    error: *const sco_error,
    index: usize,
) -> *const c_char {
    // SAFETY: `error` is NULL or a live handle.
    let line = unsafe { error.as_ref() }.and_then(|handle| handle.log.get(index));
    line.map_or(ptr::null(), |line| line.as_ptr())
}

/// Frees an error, its message and its job. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_error_free(error: *mut sco_error) {
    // SAFETY: `error` is NULL or a handle made by `call`, which the caller owns.
    unsafe { free(error) };
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn every_kind_is_a_status_and_has_its_string() {
        let statuses = [
            SCO_INVALID_ARGUMENT,
            SCO_AUTHENTICATION,
            SCO_FORBIDDEN,
            SCO_NOT_FOUND,
            SCO_RATE_LIMITED,
            SCO_SERVER,
            SCO_UNEXPECTED_STATUS,
            SCO_CONNECTION,
            SCO_TLS,
            SCO_TIMEOUT,
            SCO_CANCELLED,
            SCO_MALFORMED_BODY,
            SCO_TOO_LARGE,
            SCO_IO,
            SCO_INTERNAL,
            SCO_JOB_FAILED,
        ];
        assert_eq!(ErrorKind::ALL.map(|kind| kind as sco_status), statuses);
        let string = |status| {
            // SAFETY: the function gives static strings.
            unsafe { CStr::from_ptr(sco_status_string(status)) }.to_str()
        };
        for kind in ErrorKind::ALL {
            assert_eq!(string(kind as sco_status), Ok(kind.description()));
        }
        assert_eq!(string(SCO_OK), Ok("ok"));
        for unknown in [-1, 17, i32::MAX, i32::MIN] {
            assert_eq!(string(unknown), Ok("unknown status"));
        }
    }
}
