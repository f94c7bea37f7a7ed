//! The steps that every function of the C interface shares.

use std::any::Any;
#[cfg(unix)]
use std::ffi::OsStr;
use std::ffi::{CStr, CString, c_char};
#[cfg(unix)]
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::ptr;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use super::{SCO_OK, sco_error, sco_status, status_of};
use crate::Error;

/// Runs the body of a function that can fail, and turns its error or panic into a status
/// and an error handle.
///
/// # Safety
///
/// `error` is NULL or writable.
pub(super) unsafe fn catch_panics(
    error: *mut *mut sco_error,
    body: impl FnOnce() -> Result<(), Error>,
) -> sco_status {
    // A body leaves nothing half done when it panics: it writes its results last.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        #[cfg(test)]
        super::tests::inject_panic(std::any::type_name_of_val(&body));
        body()
    }))
    .unwrap_or_else(|panic| Err(Error::internal(panic_message(&*panic))));
    let (status, handle) = match outcome {
        Ok(()) => (SCO_OK, ptr::null_mut()),
        Err(failure) => {
            let status = status_of(failure.kind());
            let handle = match error.is_null() {
                true => ptr::null_mut(),
                false => new_handle(sco_error::new(failure)),
            };
            (status, handle)
        }
    };
    if !error.is_null() {
        // SAFETY: `error` is not NULL, so it is writable.
        unsafe { error.write(handle) };
    }
    status
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

fn is_null(name: &str) -> Error {
    Error::invalid_argument(format!("{name} is NULL"))
}

fn is_not_utf8(name: &str) -> Error {
    Error::invalid_argument(format!("{name} is not valid UTF-8"))
}

/// Returns an error for a number that is none of an enum's values, which `allowed` lists.
pub(super) fn unknown_value(name: &str, value: i32, allowed: &str) -> Error {
    Error::invalid_argument(format!("{name} is {value}, but must be {allowed}"))
}

/// Makes a handle that C owns.
pub(super) fn new_handle<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// Makes a handle of `value` and writes it to an out parameter, if the caller passed one.
pub(super) fn write_handle<'a, T: 'a>(place: impl Into<Option<&'a mut *mut T>>, value: T) {
    if let Some(place) = place.into() {
        *place = new_handle(value);
    }
}

/// Frees a handle. NULL is allowed.
///
/// # Safety
///
/// `handle` is NULL, or came from [`new_handle`] and was not freed.
pub(super) unsafe fn free<T>(handle: *mut T) {
    if handle.is_null() {
        return;
    }
    // SAFETY: the handle came from a box, and the caller owns it.
    let owned = unsafe { Box::from_raw(handle) };
    // A panic must not reach C, and a function without a status cannot report it.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(owned)));
}

/// Reads from a handle, or returns `default` if the handle is NULL.
///
/// # Safety
///
/// `handle` is NULL or live.
pub(super) unsafe fn read<'a, T: 'a, R>(
    handle: *const T,
    default: R,
    get: impl FnOnce(&'a T) -> R,
) -> R {
    // SAFETY: `handle` is NULL or live.
    unsafe { handle.as_ref() }.map_or(default, get)
}

/// Returns a string for C that its owner keeps, or NULL.
pub(super) fn string_or_null(string: Option<&CString>) -> *const c_char {
    string.map_or(ptr::null(), |string| string.as_ptr())
}

/// Returns the object behind a handle that must not be NULL.
///
/// # Safety
///
/// `handle` is NULL, or live and not written to for `'a`.
pub(super) unsafe fn required<'a, T>(handle: *const T, name: &str) -> Result<&'a T, Error> {
    // SAFETY: as this function's contract.
    unsafe { handle.as_ref() }.ok_or_else(|| is_null(name))
}

/// Returns the object behind a handle that is to be changed and must not be NULL.
///
/// # Safety
///
/// `handle` is NULL, or live and used by no other code for `'a`.
pub(super) unsafe fn required_mut<'a, T>(handle: *mut T, name: &str) -> Result<&'a mut T, Error> {
    // SAFETY: as this function's contract.
    unsafe { handle.as_mut() }.ok_or_else(|| is_null(name))
}

/// Returns a callback that must not be NULL.
pub(super) fn required_callback<T>(callback: Option<T>, name: &str) -> Result<T, Error> {
    callback.ok_or_else(|| is_null(name))
}

/// A type of results, with the value that an out parameter holds until there is one.
pub(super) trait OutParam {
    const CLEARED: Self;
}

impl<T> OutParam for *mut T {
    const CLEARED: Self = ptr::null_mut();
}

impl OutParam for i64 {
    const CLEARED: Self = 0;
}

impl OutParam for u64 {
    const CLEARED: Self = 0;
}

impl OutParam for usize {
    const CLEARED: Self = 0;
}

/// Clears an out parameter that must not be NULL, and returns it.
///
/// # Safety
///
/// `place` is NULL, or writable and used by no other code for `'a`.
pub(super) unsafe fn out_param<'a, T: OutParam>(
    place: *mut T,
    name: &str,
) -> Result<&'a mut T, Error> {
    // SAFETY: as this function's contract.
    unsafe { optional_out_param(place) }.ok_or_else(|| is_null(name))
}

/// Clears an out parameter, and returns it if it is not NULL.
///
/// # Safety
///
/// As for [`out_param`].
pub(super) unsafe fn optional_out_param<'a, T: OutParam>(place: *mut T) -> Option<&'a mut T> {
    if place.is_null() {
        return None;
    }
    // SAFETY: not NULL, so it is writable. It may be uninitialized, so it is written before
    // a reference to it exists.
    unsafe {
        place.write(T::CLEARED);
        Some(&mut *place)
    }
}

/// Returns a string that must not be NULL.
///
/// # Safety
///
/// `string` is NULL, or NUL-terminated and not written to for `'a`.
pub(super) unsafe fn required_str<'a>(string: *const c_char, name: &str) -> Result<&'a str, Error> {
    // SAFETY: as this function's contract.
    let string = unsafe { required_c_str(string, name) }?;
    string.to_str().map_err(|_| is_not_utf8(name))
}

/// Returns a string of any encoding that must not be NULL.
///
/// # Safety
///
/// As for [`required_str`].
unsafe fn required_c_str<'a>(string: *const c_char, name: &str) -> Result<&'a CStr, Error> {
    if string.is_null() {
        return Err(is_null(name));
    }
    // SAFETY: not NULL, so it is NUL-terminated.
    Ok(unsafe { CStr::from_ptr(string) })
}

/// Returns a string, or `None` for NULL.
///
/// # Safety
///
/// As for [`required_str`].
pub(super) unsafe fn optional_str<'a>(
    string: *const c_char,
    name: &str,
) -> Result<Option<&'a str>, Error> {
    match string.is_null() {
        true => Ok(None),
        // SAFETY: as this function's contract.
        false => unsafe { required_str(string, name) }.map(Some),
    }
}

/// Returns the directory to save to. An empty path is an error, because some callers would
/// mean the current directory by it, and others have forgotten to set it.
///
/// # Safety
///
/// As for [`required_str`].
pub(super) unsafe fn required_directory<'a>(directory: *const c_char) -> Result<&'a Path, Error> {
    // SAFETY: as this function's contract.
    let directory = unsafe { required_c_str(directory, "directory") }?;
    if directory.is_empty() {
        let message = "directory is empty; use \".\" for the current directory";
        return Err(Error::invalid_argument(message));
    }
    path_from_c(directory).ok_or_else(|| is_not_utf8("directory"))
}

/// Returns the path that a C string means. On Unix these are any bytes, as in `open(2)`: a name
/// may be older than UTF-8.
#[cfg(unix)]
fn path_from_c(path: &CStr) -> Option<&Path> {
    Some(Path::new(OsStr::from_bytes(path.to_bytes())))
}

/// Returns the path that a C string means, which is UTF-8 on Windows; `None` if it is not.
#[cfg(windows)]
fn path_from_c(path: &CStr) -> Option<&Path> {
    path.to_str().ok().map(Path::new)
}

/// Returns bytes that must not be NULL.
///
/// # Safety
///
/// `bytes` is NULL, or points to `size` bytes that are not written to for `'a`.
pub(super) unsafe fn required_bytes<'a>(
    bytes: *const u8,
    size: usize,
    name: &str,
) -> Result<&'a [u8], Error> {
    if bytes.is_null() {
        return Err(is_null(name));
    }
    if size > isize::MAX as usize {
        let message = format!("the size of {name} is {size}, which exceeds the address space");
        return Err(Error::invalid_argument(message));
    }
    // SAFETY: not NULL, so it points to `size` bytes, which a slice can have.
    Ok(unsafe { std::slice::from_raw_parts(bytes, size) })
}

/// Returns memory to write to, which must not be NULL or have no byte.
///
/// # Safety
///
/// `memory` is NULL, or points to `size` bytes that no other code uses for `'a`. They may be
/// uninitialized if they are not read before they are written.
pub(super) unsafe fn required_memory<'a>(
    memory: *mut u8,
    size: usize,
    name: &str,
) -> Result<&'a mut [u8], Error> {
    if memory.is_null() {
        return Err(is_null(name));
    }
    if size == 0 || size > isize::MAX as usize {
        let message = format!("the size of {name} is {size}");
        return Err(Error::invalid_argument(message));
    }
    // SAFETY: not NULL, so it points to `size` bytes, which a slice can have. C allocated them, so
    // that no Rust code can tell whether they are initialized.
    Ok(unsafe { std::slice::from_raw_parts_mut(memory, size) })
}

/// Locks a handle that one thread at a time may use.
pub(super) fn lock_handle<'a, T>(
    handle: &'a Mutex<T>,
    name: &str,
) -> Result<MutexGuard<'a, T>, Error> {
    match handle.try_lock() {
        Ok(guard) => Ok(guard),
        // The types behind the handles are valid after a panic.
        Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => Err(Error::invalid_argument(format!(
            "{name} is in use by another call: only one at a time may use it"
        ))),
    }
}

/// Returns a limit. Zero is an error, because some callers would mean "no limit" by it.
pub(super) fn required_limit<T: Default + PartialEq>(value: T, name: &str) -> Result<T, Error> {
    if value == T::default() {
        return Err(Error::invalid_argument(format!(
            "{name} must be greater than zero"
        )));
    }
    Ok(value)
}

/// Returns a time limit. `UINT64_MAX` milliseconds are 584 million years: no limit.
pub(super) fn required_timeout(milliseconds: u64, name: &str) -> Result<Duration, Error> {
    required_limit(milliseconds, name).map(Duration::from_millis)
}

/// Converts a path for C, so that it means the same there: see [`path_from_c`].
pub(super) fn c_path(path: &Path) -> CString {
    #[cfg(unix)]
    let path = path.as_os_str().as_bytes();
    // An unpaired surrogate has no UTF-8.
    #[cfg(windows)]
    let path = path.to_string_lossy().into_owned();
    // The system accepted the path, so there is no NUL in it.
    CString::new(path).unwrap_or_default()
}

/// Converts text for C. A NUL inside it, which a C string cannot have, is replaced.
pub(super) fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}
