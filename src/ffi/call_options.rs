use std::ffi::{c_char, c_void};
use std::time::Duration;

use super::boundary::{
    catch_panics, free, new_handle, optional_str, required_mut, required_timeout, unknown_value,
};
use super::callbacks::{Context, continue_if_zero, report_progress};
use super::status::c_enum;
use super::{
    sco_cancel_token, sco_client, sco_error, sco_interrupt_callback, sco_progress_callback,
    sco_status,
};
use crate::{Call, CancelToken, IfExists, SaveOptions, WaitOptions};

/// Options for calls.
///
/// sco_call_options_new creates them with their defaults, and sco_call_options_free frees
/// them. Several calls may read them at the same time. Do not modify or free them while a
/// call is using them.
pub struct sco_call_options {
    timeout: Option<Duration>,
    total_timeout: Option<Duration>,
    cancel_token: Option<CancelToken>,
    interrupt: sco_interrupt_callback,
    interrupt_context: Context,
    on_progress: sco_progress_callback,
    progress_context: Context,
    wait: WaitOptions,
    save: SaveOptions,
}

c_enum!(sco_if_exists, IF_EXISTS:
    SCO_IF_EXISTS_FAIL = 501,
    SCO_IF_EXISTS_REPLACE = 502,
    SCO_IF_EXISTS_KEEP_BOTH = 503,
);

/// Creates call options with their defaults.
///
/// @return New options, never NULL. Free them with sco_call_options_free.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn sco_call_options_new() -> *mut sco_call_options {
    new_handle(sco_call_options {
        timeout: None,
        total_timeout: None,
        cancel_token: None,
        interrupt: None,
        interrupt_context: Context::NULL,
        on_progress: None,
        progress_context: Context::NULL,
        wait: WaitOptions::default(),
        save: SaveOptions::default(),
    })
}

/// Sets how long a whole call may take, including the login, all retries and all waits.
///
/// Default: the value of sco_client_options_set_call_timeout_ms, and 24 hours for calls
/// that wait for a job.
///
/// @param options The options to change.
/// @param milliseconds The time in milliseconds. Zero is rejected. UINT64_MAX means no
/// limit.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or milliseconds is 0.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_call_options_set_timeout_ms(
    options: *mut sco_call_options,
    milliseconds: u64,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            options.timeout = Some(required_timeout(milliseconds, "the timeout")?);
            Ok(())
        })
    }
}

/// Sets how long a whole call may take in total. Unlike sco_call_options_set_timeout_ms, it
/// includes the time between the reads of an open download.
///
/// Default: no limit.
///
/// @param options The options to change.
/// @param milliseconds The time in milliseconds. Zero is rejected. UINT64_MAX means no
/// limit.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or milliseconds is 0.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_call_options_set_total_timeout_ms(
    options: *mut sco_call_options,
    milliseconds: u64,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            options.total_timeout = Some(required_timeout(milliseconds, "the total timeout")?);
            Ok(())
        })
    }
}

/// Sets a token that cancels calls.
///
/// Default: no token.
///
/// @param options The options to change.
/// @param cancel_token The token, or NULL for none. The options keep what they need: the
/// token may be freed at any time.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_call_options_set_cancel_token(
    options: *mut sco_call_options,
    cancel_token: *const sco_cancel_token,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            let cancel_token = cancel_token.as_ref();
            options.cancel_token = cancel_token.map(|handle| handle.token.clone());
            Ok(())
        })
    }
}

/// Sets a callback that decides whether a call continues.
///
/// Default: no callback. Use it if the thread that makes the call itself learns that the
/// call should end, from a flag that a signal handler sets or from an interpreter.
///
/// @param options The options to change.
/// @param callback The callback, or NULL for none.
/// @param context A pointer that is passed to the callback. What it points to must stay
/// valid while calls use the options, and until the open downloads and waits that they
/// return are freed. May be NULL.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_call_options_set_interrupt(
    options: *mut sco_call_options,
    callback: sco_interrupt_callback,
    context: *mut c_void,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            options.interrupt = callback;
            options.interrupt_context = Context(context);
            Ok(())
        })
    }
}

/// Sets a callback that receives the progress of downloads.
///
/// Default: no callback.
///
/// @param options The options to change.
/// @param callback The callback, or NULL for none.
/// @param context A pointer that is passed to the callback. What it points to must stay
/// valid while calls use the options, and until the open downloads and waits that they
/// return are freed. May be NULL.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_call_options_set_on_progress(
    options: *mut sco_call_options,
    callback: sco_progress_callback,
    context: *mut c_void,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            options.on_progress = callback;
            options.progress_context = Context(context);
            Ok(())
        })
    }
}

/// Sets the name under which a file is saved.
///
/// Default: the server's name. The name must be a single name of at most 255 bytes: no
/// path, not "." or "..", and on Windows without the characters and names that Windows
/// rejects. Names that begin with ".sellercloud-output-" and end in ".part" are reserved.
/// Calls that save a file reject any other name before anything is sent.
///
/// @param options The options to change.
/// @param file_name The name in UTF-8, or NULL for the server's. It is copied.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or file_name is not
/// UTF-8.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_call_options_set_file_name(
    options: *mut sco_call_options,
    file_name: *const c_char,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            options.save.file_name = optional_str(file_name, "file_name")?.map(str::to_owned);
            Ok(())
        })
    }
}

/// Sets what happens if a file of the same name exists in the directory.
///
/// Default: SCO_IF_EXISTS_FAIL.
///
/// @param options The options to change.
/// @param if_exists What happens.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or if_exists is not a
/// value of sco_if_exists.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_call_options_set_if_exists(
    options: *mut sco_call_options,
    if_exists: sco_if_exists,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            options.save.if_exists = match if_exists {
                SCO_IF_EXISTS_FAIL => IfExists::Fail,
                SCO_IF_EXISTS_REPLACE => IfExists::Replace,
                SCO_IF_EXISTS_KEEP_BOTH => IfExists::KeepBoth,
                other => {
                    let allowed = "SCO_IF_EXISTS_FAIL (501), SCO_IF_EXISTS_REPLACE (502) \
                                   or SCO_IF_EXISTS_KEEP_BOTH (503)";
                    return Err(unknown_value("if_exists", other, allowed));
                }
            };
            Ok(())
        })
    }
}

/// Sets whether a call that saves a file waits until the file is on the disk.
///
/// Default: 1. Once the call has succeeded, not even a power failure loses the file or
/// leaves a part of it. The option has no effect on file systems that do not support it.
///
/// @param options The options to change.
/// @param enabled 0 to leave the time of writing to the system; any other value to wait.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_call_options_set_flush_to_disk(
    options: *mut sco_call_options,
    enabled: i32,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            options.save.flush_to_disk = enabled != 0;
            Ok(())
        })
    }
}

/// Sets the interval between the first and the second poll of a job that a call waits for.
///
/// Default: 1000 ms. Every later interval is the one before multiplied by 1.5, up to the
/// value of sco_call_options_set_wait_max_interval_ms.
///
/// @param options The options to change.
/// @param milliseconds The time in milliseconds. Zero is rejected. Values below 100 count
/// as 100.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or milliseconds is 0.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_call_options_set_wait_initial_interval_ms(
    options: *mut sco_call_options,
    milliseconds: u64,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            let interval = required_timeout(milliseconds, "the initial wait interval")?;
            options.wait = options.wait.initial_interval(interval);
            Ok(())
        })
    }
}

/// Sets the maximum interval between two polls of a job that a call waits for.
///
/// Default: 30000 ms. The server allows 10,800 requests an hour.
///
/// @param options The options to change.
/// @param milliseconds The time in milliseconds. Zero is rejected. Values below 100 count
/// as 100.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL or milliseconds is 0.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_call_options_set_wait_max_interval_ms(
    options: *mut sco_call_options,
    milliseconds: u64,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            let interval = required_timeout(milliseconds, "the maximum wait interval")?;
            options.wait = options.wait.max_interval(interval);
            Ok(())
        })
    }
}

/// Sets how long failures may last before they end a wait for a job.
///
/// Default: 120000 ms. These failures are: the server does not find the job; lost
/// connections, stalls, rate limits and transient HTTP statuses (see
/// sco_client_options_set_max_attempts); responses that are not a job or have no status;
/// and, once the job was received, HTTP 500. The time starts over whenever the job is
/// received. The time that the server asks for (Retry-After) does not count, nor does the
/// time by which a call of sco_job_wait_step is late. Calls that download the file after
/// the wait allow the same time for the file to appear.
///
/// @param options The options to change.
/// @param milliseconds The time in milliseconds. Zero means that the first failure ends the
/// wait. UINT64_MAX means no limit except the call's timeout.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_call_options_set_wait_grace_ms(
    options: *mut sco_call_options,
    milliseconds: u64,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            options.wait = options.wait.grace(Duration::from_millis(milliseconds));
            Ok(())
        })
    }
}

/// Sets whether a job on hold ends a wait with SCO_ERROR_JOB_FAILED.
///
/// Default: 1, because such a job stays on hold until a user releases it.
///
/// @param options The options to change.
/// @param enabled 0 to wait until the job is released or the call times out; any other
/// value to fail at once.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if options is NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_call_options_set_fail_on_hold(
    options: *mut sco_call_options,
    enabled: i32,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let options = required_mut(options, "options")?;
            options.wait = options.wait.fail_on_hold(enabled != 0);
            Ok(())
        })
    }
}

/// Frees call options. No call may be using them.
///
/// @param options The options, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_call_options_free(options: *mut sco_call_options) {
    // SAFETY: the header's contract.
    unsafe { free(options) };
}

/// Returns a call with the options applied.
///
/// # Safety
///
/// The callbacks of the options and their contexts keep the header's contract during the
/// call, which for an open download or a wait ends when its handle is freed.
pub(super) unsafe fn new_call(
    client: &sco_client,
    options: Option<&sco_call_options>,
) -> Call<'static> {
    let mut call = client.client.call();
    let Some(options) = options else { return call };
    call = call.save_options(options.save.clone());
    if let Some(timeout) = options.timeout {
        call = call.timeout(timeout);
    }
    if let Some(timeout) = options.total_timeout {
        call = call.total_timeout(timeout);
    }
    if let Some(token) = &options.cancel_token {
        call = call.cancel_token(token);
    }
    if let Some(callback) = options.interrupt {
        let context = options.interrupt_context;
        // SAFETY: as this function's contract.
        call = call.interrupt(move || continue_if_zero(unsafe { callback(context.get()) }));
    }
    if let Some(callback) = options.on_progress {
        let context = options.progress_context;
        call = call.on_progress(move |progress| {
            // SAFETY: as this function's contract.
            unsafe { report_progress(callback, context, progress) }
        });
    }
    call
}

pub(super) fn wait_options(options: Option<&sco_call_options>) -> WaitOptions {
    options.map_or_else(WaitOptions::default, |options| options.wait)
}

pub(super) fn save_options(options: Option<&sco_call_options>) -> SaveOptions {
    options.map_or_else(SaveOptions::default, |options| options.save.clone())
}
