use std::ffi::{c_char, c_void};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::ptr;

use zeroize::Zeroizing;

use super::boundary::{c_string, catch_panics, required_mut, required_str};
use super::{sco_error, sco_status};
use crate::{Progress, RequestRecord};

/// The first argument of a callback. The library passes it on and never reads it.
#[derive(Clone, Copy)]
pub(super) struct Context(pub(super) *mut c_void);

// SAFETY: it is only passed back to the caller's callbacks, which the header says are
// called on the threads that make calls.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Context {
    pub(super) const NULL: Self = Self(ptr::null_mut());

    /// Returns the pointer. A method, so that closures capture the whole `Context`.
    pub(super) fn get(self) -> *mut c_void {
        self.0
    }
}

/// The place for the result of a token callback. It is valid until the callback returns.
pub struct sco_token_result {
    token: Option<Zeroizing<String>>,
}

/// A callback that provides the bearer token for each request.
///
/// It passes the token to sco_token_result_set and returns 0. It is called on the threads
/// that make calls, by several of them at the same time. It must return normally: no
/// exception, no longjmp. It may call the library, but must not make a call with the client
/// that called it; such a call fails with SCO_ERROR_INVALID_ARGUMENT.
///
/// @param context The pointer that was set with the callback.
/// @param renew 1 if the server has just rejected the last token, otherwise 0. If the
/// callback provides the rejected token again, the call fails with
/// SCO_ERROR_AUTHENTICATION.
/// @param result The place for the token.
/// @return 0 if a token was set. Any other value fails the call with
/// SCO_ERROR_AUTHENTICATION.
pub type sco_token_callback = Option<
    unsafe extern "C" fn(context: *mut c_void, renew: i32, result: *mut sco_token_result) -> i32,
>;

/// Sets the result of a token callback.
///
/// @param result The place for the token, as the callback received it.
/// @param token The bearer token in UTF-8, without "Bearer". It is copied, and wiped from
/// memory after use.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if result or token is NULL or token is not
/// UTF-8.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_token_result_set(
    result: *mut sco_token_result,
    token: *const c_char,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let result = required_mut(result, "result")?;
            let token = required_str(token, "token")?;
            result.token = Some(Zeroizing::new(token.to_owned()));
            Ok(())
        })
    }
}

/// Returns a function that calls a token callback.
///
/// # Safety
///
/// The callback and its context keep the header's contract as long as the function exists.
pub(super) unsafe fn token_provider(
    callback: unsafe extern "C" fn(*mut c_void, i32, *mut sco_token_result) -> i32,
    context: Context,
) -> impl Fn(bool) -> Result<String, String> + Send + Sync + 'static {
    move |renew| {
        let mut result = sco_token_result { token: None };
        // SAFETY: the header's contract; `result` is valid until the callback returns.
        match unsafe { callback(context.get(), renew.into(), &mut result) } {
            0 => {
                let token = result.token.as_deref().cloned();
                token.ok_or_else(|| "the callback returned 0 but set no token".to_owned())
            }
            number => Err(format!("the callback returned {number}")),
        }
    }
}

/// A record of one HTTP request.
///
/// It contains no token, password or body. It is valid until the callback returns. Later
/// versions may add members at the end; size tells which members exist.
#[repr(C)]
pub struct sco_request_record {
    /// The size of this structure, in bytes.
    pub size: usize,
    /// The HTTP method: "GET" or "POST".
    pub method: *const c_char,
    /// The URL of the request.
    pub url: *const c_char,
    /// Why there was no response or only a part of it; NULL if the response was complete.
    pub error: *const c_char,
    /// The number of bytes of the response body that were received, as they were sent:
    /// encoded and possibly compressed.
    pub bytes_received: u64,
    /// The time from the start of the request to the end of the response body, in seconds.
    pub duration_seconds: f64,
    /// The HTTP status code; 0 if there was no response.
    pub http_status: i32,
    /// The number of this attempt within the call; the first is 1.
    pub attempt: u32,
}

/// A callback that receives a record of each request when the request has ended.
///
/// It cannot change the outcome of a call. It is called on the threads that make calls, by
/// several of them at the same time. It receives the record of a login request when the
/// whole login has ended. It must return normally: no exception, no longjmp. It may make
/// calls, with the same client too.
///
/// @param context The pointer that was set with the callback.
/// @param record The record, valid until the callback returns.
pub type sco_request_callback =
    Option<unsafe extern "C" fn(context: *mut c_void, record: *const sco_request_record)>;

/// Returns a function that calls a request callback, or does nothing for NULL.
///
/// # Safety
///
/// As for [`token_provider`].
pub(super) unsafe fn request_observer(
    callback: sco_request_callback,
    context: Context,
) -> impl Fn(&RequestRecord) + Send + Sync + 'static {
    move |record| {
        let Some(callback) = callback else { return };
        let (method, url) = (c_string(record.method), c_string(&record.url));
        let error = record.error.as_deref().map(c_string);
        let record = sco_request_record {
            size: size_of::<sco_request_record>(),
            method: method.as_ptr(),
            url: url.as_ptr(),
            error: error.as_ref().map_or(ptr::null(), |error| error.as_ptr()),
            bytes_received: record.bytes_received,
            duration_seconds: record.duration.as_secs_f64(),
            http_status: record.http_status.map_or(0, i32::from),
            attempt: record.attempt,
        };
        // SAFETY: the header's contract; `record` is valid until the callback returns.
        unsafe { callback(context.get(), &record) };
    }
}

/// A callback that receives a file as it is downloaded, chunk by chunk.
///
/// It is called on the thread that makes the call. It must return normally: no exception,
/// no longjmp. It may call the library.
///
/// @param context The pointer that was passed with the callback.
/// @param data The next bytes of the file, valid until the callback returns.
/// @param size The number of bytes; never 0.
/// @return 0 to continue. Any other value fails the call with SCO_ERROR_IO.
pub type sco_write_callback =
    Option<unsafe extern "C" fn(context: *mut c_void, data: *const u8, size: usize) -> i32>;

/// A write callback as a writer.
pub(super) struct CallbackWriter {
    pub(super) callback: unsafe extern "C" fn(*mut c_void, *const u8, usize) -> i32,
    pub(super) context: *mut c_void,
}

impl Write for CallbackWriter {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        // SAFETY: the header's contract; `data` is valid until the callback returns.
        match unsafe { (self.callback)(self.context, data.as_ptr(), data.len()) } {
            0 => Ok(data.len()),
            number => Err(io::Error::other(format!("the callback returned {number}"))),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A callback that decides whether a call continues.
///
/// It is called on the thread that makes the call, several times a second, whatever the
/// call waits for and while bytes arrive. If several calls use the options at the same
/// time, it is called on several threads at the same time. It must return normally: no
/// exception, no longjmp. It may call the library, but must not change the call's options.
///
/// @param context The pointer that was set with the callback.
/// @return 0 to continue. Any other value fails the call with SCO_ERROR_CANCELLED.
pub type sco_interrupt_callback = Option<unsafe extern "C" fn(context: *mut c_void) -> i32>;

/// The progress of a download.
///
/// It is valid until the callback returns. Later versions may add members at the end; size
/// tells which members exist.
#[repr(C)]
pub struct sco_progress {
    /// The size of this structure, in bytes.
    pub size: usize,
    /// The number of bytes of the response body that this attempt has received, as they are
    /// sent: encoded and possibly compressed.
    pub bytes_received: u64,
    /// The size of the whole response body, in the same bytes; 0 if has_total_bytes is 0.
    pub total_bytes: u64,
    /// 1 if the server sent the size of the response body, otherwise 0.
    pub has_total_bytes: i32,
    /// The number of this attempt within the call; the first is 1. bytes_received starts at
    /// 0 in each attempt.
    pub attempt: u32,
}

/// A callback that receives the progress of a download.
///
/// It is called on the thread that makes the call, at the start of each attempt and
/// whenever bytes arrive. If several calls use the options at the same time, it is called
/// on several threads at the same time. It must return normally: no exception, no longjmp.
/// It may call the library, but must not change the call's options.
///
/// @param context The pointer that was set with the callback.
/// @param progress The progress, valid until the callback returns.
/// @return 0 to continue. Any other value fails the call with SCO_ERROR_CANCELLED.
pub type sco_progress_callback =
    Option<unsafe extern "C" fn(context: *mut c_void, progress: *const sco_progress) -> i32>;

/// Calls a progress callback.
///
/// # Safety
///
/// The callback and its context keep the header's contract.
pub(super) unsafe fn report_progress(
    callback: unsafe extern "C" fn(*mut c_void, *const sco_progress) -> i32,
    context: Context,
    progress: Progress,
) -> ControlFlow<()> {
    let progress = sco_progress {
        size: size_of::<sco_progress>(),
        bytes_received: progress.bytes_received,
        total_bytes: progress.total_bytes.unwrap_or_default(),
        has_total_bytes: progress.total_bytes.is_some().into(),
        attempt: progress.attempt,
    };
    // SAFETY: the header's contract; `progress` is valid until the callback returns.
    continue_if_zero(unsafe { callback(context.get(), &progress) })
}

/// Converts the return value of an interrupt or progress callback.
pub(super) fn continue_if_zero(returned: i32) -> ControlFlow<()> {
    match returned {
        0 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    }
}
