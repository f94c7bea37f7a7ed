use std::ffi::{c_char, c_void};
use std::ops::ControlFlow;
use std::time::Duration;

use super::{Context, call, free, required_mut, sco_error, sco_status, text, time_limit};
use crate::{Call, CancelToken, Client, Error, IfExists, Progress, SaveOptions, Wait};

/// Cancels calls. Made by sco_cancel_new, freed with sco_cancel_free. Any number
/// of threads may use it at once; also in a signal handler's thread, but not in
/// the handler.
pub struct sco_cancel {
    token: CancelToken,
}

/// A cancel token that is not pulled. Never NULL. Free it with sco_cancel_free.
#[unsafe(no_mangle)]
pub extern "C" fn sco_cancel_new() -> *mut sco_cancel {
    let token = CancelToken::new();
    Box::into_raw(Box::new(sco_cancel { token }))
}

/// Cancels every call whose options have this token, now and later: they return
/// SCO_CANCELLED within a quarter of a second, whatever they wait for. NULL is
/// allowed, and cancels nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_cancel_pull(cancel: *const sco_cancel) {
    // SAFETY: `cancel` is NULL or a live handle.
    if let Some(handle) = unsafe { cancel.as_ref() } {
        handle.token.cancel();
    }
}

/// 1 if the token was pulled, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_cancel_is_pulled(cancel: *const sco_cancel) -> i32 {
    // SAFETY: `cancel` is NULL or a live handle.
    let is_pulled = unsafe { cancel.as_ref() }.is_some_and(|handle| handle.token.is_cancelled());
    i32::from(is_pulled)
}

/// Frees a cancel token. NULL is allowed. Options that have it keep what they need.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_cancel_free(cancel: *mut sco_cancel) {
    // SAFETY: `cancel` is NULL or a handle made by sco_cancel_new, which the caller owns.
    unsafe { free(cancel) };
}

/// Tells whether the call is to be cancelled: 0 to go on, any other number to cancel.
///
/// Called on the thread that makes the call. It must return, not throw or jump
/// out; it may call the library, but not with the options that it is in.
pub type sco_interrupt_fn = Option<unsafe extern "C" fn(context: *mut c_void) -> i32>;

/// How far a file's transfer has come. Lives as long as the callback's call.
/// Later versions may add members at the end: size says which are there.
#[repr(C)]
pub struct sco_progress {
    /// The size of this structure, in bytes.
    pub size: usize,
    /// Bytes of the answer's body received in this attempt, as they are sent:
    /// encoded, and compressed if the server does so.
    pub received: u64,
    /// How many there will be, if total_is_known.
    pub total: u64,
    /// 1 if the server said how many bytes there will be, else 0.
    pub total_is_known: i32,
    /// Which attempt this is; the first is 1. With a new one received starts over.
    pub attempt: u32,
}

/// Is told how a transfer goes: at the beginning of each attempt and after every
/// piece that came. Returns 0 to go on, and any other number to cancel the call.
///
/// Called on the thread that makes the call. It must return, not throw or jump
/// out; it may call the library.
pub type sco_progress_fn =
    Option<unsafe extern "C" fn(context: *mut c_void, progress: *const sco_progress) -> i32>;

/// Options for calls. Made by sco_options_new, freed with sco_options_free. One
/// thread at a time may change it; any number of calls may use it meanwhile
/// that nobody does.
pub struct sco_options {
    timeout: Option<Duration>,
    cancel: Option<CancelToken>,
    interrupt: sco_interrupt_fn,
    interrupt_context: Context,
    progress: sco_progress_fn,
    progress_context: Context,
    wait: Wait,
    saving: SaveOptions,
}

/// Options with their defaults. Never NULL. Free it with sco_options_free.
#[unsafe(no_mangle)]
pub extern "C" fn sco_options_new() -> *mut sco_options {
    Box::into_raw(Box::new(sco_options {
        timeout: None,
        cancel: None,
        interrupt: None,
        interrupt_context: Context(std::ptr::null_mut()),
        progress: None,
        progress_context: Context(std::ptr::null_mut()),
        wait: Wait::default(),
        saving: SaveOptions::default(),
    }))
}

/// Sets the longest time that a call may take, with login, retries and waits, in
/// milliseconds. The default is what sco_config_set_timeouts sets, and 24 hours for
/// calls that wait for a job. Zero is rejected; UINT64_MAX means no limit.
/// SCO_INVALID_ARGUMENT if options is NULL or milliseconds is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_options_set_timeout(
    options: *mut sco_options,
    milliseconds: u64,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        let timeout = time_limit(milliseconds, "the timeout")?;
        // SAFETY: `options` is NULL or a live handle that only this thread uses.
        let options = unsafe { required_mut(options, "options") }?;
        options.timeout = Some(timeout);
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// What cancels a call; NULL for nothing. The token may be freed afterwards: the
/// options keep what they need. SCO_INVALID_ARGUMENT if options is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_options_set_cancel(
    options: *mut sco_options,
    cancel: *const sco_cancel,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        // SAFETY: the pointers are NULL or live handles; `options` only this thread uses.
        let (options, cancel) = unsafe { (required_mut(options, "options")?, cancel.as_ref()) };
        options.cancel = cancel.map(|handle| handle.token.clone());
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// Who is asked whether the call is to be cancelled, several times a second
/// whatever the call waits for and while bytes come; NULL for nobody. context is
/// handed to it. For programs that learn on the call's own thread that it is to
/// end: from a flag that a signal handler sets, or from an interpreter.
/// SCO_INVALID_ARGUMENT if options is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_options_set_interrupt(
    options: *mut sco_options,
    interrupt: sco_interrupt_fn,
    context: *mut c_void,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        // SAFETY: `options` is NULL or a live handle that only this thread uses.
        let options = unsafe { required_mut(options, "options") }?;
        options.interrupt = interrupt;
        options.interrupt_context = Context(context);
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// Who is told how a file's transfer goes; NULL for nobody. context is handed to
/// it. SCO_INVALID_ARGUMENT if options is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_options_set_progress(
    options: *mut sco_options,
    progress: sco_progress_fn,
    context: *mut c_void,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        // SAFETY: `options` is NULL or a live handle that only this thread uses.
        let options = unsafe { required_mut(options, "options") }?;
        options.progress = progress;
        options.progress_context = Context(context);
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// Sets how to wait for a job, in milliseconds. first: the interval before the
/// second request for the job's status; the default is 1000, and every later
/// interval is the one before multiplied by 1.5. longest: the longest of these
/// intervals; the default is 30000. grace: for how long "could not find" is taken as
/// "not yet", and a server that cannot be reached as one that will come back; the
/// default is 120000. An interval of zero is rejected, and one below 100 counts as
/// 100; a grace of zero means no grace, and UINT64_MAX means that it does not end before the call.
/// SCO_INVALID_ARGUMENT if options is NULL, or first or longest is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_options_set_wait(
    options: *mut sco_options,
    first: u64,
    longest: u64,
    grace: u64,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        let first = time_limit(first, "the first wait interval")?;
        let longest = time_limit(longest, "the longest wait interval")?;
        // SAFETY: `options` is NULL or a live handle that only this thread uses.
        let options = unsafe { required_mut(options, "options") }?;
        options.wait.first = first;
        options.wait.longest = longest;
        options.wait.grace = Duration::from_millis(grace);
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// Sets whether a job on hold ends the wait at once with SCO_JOB_FAILED: not 0 (the
/// default) or 0. With 0 the wait goes on until a user releases the job or the time
/// is over. Independent of sco_options_set_wait. SCO_INVALID_ARGUMENT if options is
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_options_set_fail_on_hold(
    options: *mut sco_options,
    enabled: i32,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        // SAFETY: `options` is NULL or a live handle that only this thread uses.
        let options = unsafe { required_mut(options, "options") }?;
        options.wait.fail_on_hold = enabled != 0;
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// Where a file of the same name is there already: fail with SCO_IO, and leave
/// it alone. The default.
pub const SCO_IF_EXISTS_FAIL: i32 = 0;
/// Replace it. Who has it open goes on reading the old one.
pub const SCO_IF_EXISTS_REPLACE: i32 = 1;
/// Save as the first that is free of "report (1).csv", "report (2).csv"...
pub const SCO_IF_EXISTS_NUMBER: i32 = 2;

/// How to save files. name: the file's name; NULL, the default, for the
/// server's. if_exists: one of SCO_IF_EXISTS_FAIL, SCO_IF_EXISTS_REPLACE and
/// SCO_IF_EXISTS_NUMBER; each is free of races among threads and processes.
/// sync: whether to wait until the file is on the disk, so that not even a power
/// failure can lose it or leave half of it; not 0 (the default) or 0.
/// SCO_INVALID_ARGUMENT if options is NULL, if_exists is none of these, or name
/// is not UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_options_set_save(
    options: *mut sco_options,
    name: *const c_char,
    if_exists: i32,
    sync: i32,
    error: *mut *mut sco_error,
) -> sco_status {
    let set = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        let (options, name) = unsafe {
            let name = match name.is_null() {
                true => None,
                false => Some(text(name, "name")?.to_owned()),
            };
            (required_mut(options, "options")?, name)
        };
        let if_exists = match if_exists {
            SCO_IF_EXISTS_FAIL => IfExists::Fail,
            SCO_IF_EXISTS_REPLACE => IfExists::Replace,
            SCO_IF_EXISTS_NUMBER => IfExists::Number,
            other => {
                let message = format!("{other} is none of the SCO_IF_EXISTS constants");
                return Err(Error::InvalidArgument(message));
            }
        };
        options.saving = SaveOptions {
            name,
            if_exists,
            sync: sync != 0,
        };
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, set) }
}

/// Frees options. NULL is allowed. No call may be using them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_options_free(options: *mut sco_options) {
    // SAFETY: `options` is NULL or a handle made by sco_options_new, which the caller owns.
    unsafe { free(options) };
}

/// A call as the options have it.
pub(super) fn begin<'a>(client: &'a Client, options: Option<&'a sco_options>) -> Call<'a> {
    let mut call = client.call();
    let Some(options) = options else { return call };
    call = call.saving(options.saving.clone());
    if let Some(timeout) = options.timeout {
        call = call.timeout(timeout);
    }
    if let Some(cancel) = &options.cancel {
        call = call.cancel(cancel);
    }
    if let Some(interrupt) = options.interrupt {
        let context = options.interrupt_context;
        // SAFETY: the caller vouches for the callback.
        call = call.interrupt(move || match unsafe { interrupt(context.get()) } {
            0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        });
    }
    if let Some(progress) = options.progress {
        let context = options.progress_context;
        call = call.progress(move |told: Progress| {
            let told = sco_progress {
                size: size_of::<sco_progress>(),
                received: told.received,
                total: told.total.unwrap_or_default(),
                total_is_known: told.total.is_some().into(),
                attempt: told.attempt,
            };
            // SAFETY: the caller vouches for the callback; `told` is there for its time.
            match unsafe { progress(context.get(), &told) } {
                0 => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        });
    }
    call
}

pub(super) fn wait_of(options: Option<&sco_options>) -> Wait {
    options.map_or_else(Wait::default, |options| options.wait)
}

pub(super) fn saving_of(options: Option<&sco_options>) -> SaveOptions {
    options.map_or_else(SaveOptions::default, |options| options.saving.clone())
}
