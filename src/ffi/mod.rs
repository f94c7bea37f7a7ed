//! The C interface. C programmers read `include/sellercloud_output.h`, which is
//! written from the comments here; this module has no logic of its own.
//!
//! What every function here relies on, said once: a pointer that is not NULL
//! is what the header says it is (a handle that this library made and that was
//! not freed, a NUL-terminated string, a place to write to), stays so during
//! the call, and is not written to by another thread meanwhile. NULL is always
//! checked for, as are encodings and ranges.

#![allow(unsafe_code, reason = "this is the boundary to C")]
#![allow(non_camel_case_types, reason = "these are the names in C")]
#![allow(
    rustdoc::bare_urls,
    reason = "the comments are also the C header's, which is not Markdown"
)]
#![allow(
    clippy::missing_safety_doc,
    reason = "said once above; the comments of the functions are the C header's"
)]

use std::any::Any;
use std::ffi::{CStr, CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::time::Duration;

use crate::Error;

// Apart, so that they keep the order in which the header is best read.
mod error;

mod config;

mod client;

mod output_file;

mod job;

mod options;

#[cfg(test)]
mod tests;

pub use client::*;
pub use config::*;
pub use error::*;
pub use job::*;
pub use options::*;
pub use output_file::*;

const VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("the version holds a NUL"),
    };

/// The version of the library that is running, such as "0.1.0".
///
/// The string is static. Any thread may call this at any time.
#[unsafe(no_mangle)]
pub extern "C" fn sco_version() -> *const c_char {
    VERSION.as_ptr()
}

/// Runs the body of a function that can fail: the one place where an error or a
/// panic becomes a status and an error handle.
///
/// # Safety
///
/// `error` is NULL or a place to write a pointer to.
unsafe fn call(error: *mut *mut sco_error, body: impl FnOnce() -> Result<(), Error>) -> sco_status {
    // Every body's effects are through Rust references whose owners stay
    // consistent: a handle is made last, when all else has succeeded.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        #[cfg(test)]
        tests::panic_where_asked(std::any::type_name_of_val(&body));
        body()
    }))
    .unwrap_or_else(|panic| Err(Error::Internal(text_of_panic(&*panic))));
    let (status, handle) = match outcome {
        Ok(()) => (SCO_OK, ptr::null_mut()),
        Err(failure) => {
            let status = failure.kind() as sco_status;
            let handle = match error.is_null() {
                true => ptr::null_mut(),
                false => Box::into_raw(Box::new(sco_error::new(failure))),
            };
            (status, handle)
        }
    };
    if !error.is_null() {
        // SAFETY: the caller gives NULL, which was ruled out, or a place to write to.
        unsafe { error.write(handle) };
    }
    status
}

fn text_of_panic(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

/// Frees a handle; NULL is allowed.
///
/// # Safety
///
/// `handle` is NULL, or came from `Box::into_raw` and was not freed.
unsafe fn free<T>(handle: *mut T) {
    if handle.is_null() {
        return;
    }
    // SAFETY: the caller vouches that the handle came from a box and is still owned.
    let owned = unsafe { Box::from_raw(handle) };
    // A panic while dropping has nobody to be told to; it must not reach C.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(owned)));
}

/// The object behind a handle that must be given.
///
/// # Safety
///
/// `handle` is NULL or a live handle, which is not written to for `'a`.
unsafe fn required<'a, T>(handle: *const T, name: &str) -> Result<&'a T, Error> {
    // SAFETY: the caller gives NULL or a live handle that stays for `'a`.
    unsafe { handle.as_ref() }.ok_or_else(|| is_null(name))
}

/// The object behind a handle that may be changed.
///
/// # Safety
///
/// `handle` is NULL or a live handle that nobody else uses for `'a`.
unsafe fn required_mut<'a, T>(handle: *mut T, name: &str) -> Result<&'a mut T, Error> {
    // SAFETY: the caller gives NULL or a live handle that nobody else uses for `'a`.
    unsafe { handle.as_mut() }.ok_or_else(|| is_null(name))
}

/// The place for a result.
///
/// # Safety
///
/// `place` is NULL or a place to write a `T` to, which nobody else uses for `'a`.
unsafe fn result<'a, T>(place: *mut T, nothing: T, name: &str) -> Result<&'a mut T, Error> {
    if place.is_null() {
        return Err(is_null(name));
    }
    // SAFETY: not NULL, so the caller vouches that it can be written to. It may
    // be uninitialised, and is written before it is made a reference.
    unsafe {
        place.write(nothing);
        Ok(&mut *place)
    }
}

/// Hands out a handle, if there is a place for it.
fn give<T>(place: Option<&mut *mut T>, handle: impl FnOnce() -> T) {
    if let Some(place) = place {
        *place = Box::into_raw(Box::new(handle()));
    }
}

/// A string that must be given.
///
/// # Safety
///
/// `string` is NULL or NUL-terminated, and is not written to for `'a`.
unsafe fn text<'a>(string: *const c_char, name: &str) -> Result<&'a str, Error> {
    if string.is_null() {
        return Err(is_null(name));
    }
    // SAFETY: not NULL, so the caller vouches that it is NUL-terminated.
    let string = unsafe { CStr::from_ptr(string) };
    string
        .to_str()
        .map_err(|_| Error::InvalidArgument(format!("{name} is not valid UTF-8")))
}

/// A directory to save to.
///
/// # Safety
///
/// As for `text`.
unsafe fn directory<'a>(string: *const c_char, name: &str) -> Result<&'a str, Error> {
    // SAFETY: as the caller vouches.
    let directory = unsafe { text(string, name) }?;
    if directory.is_empty() {
        let message = format!("{name} is empty; use \".\" for the current directory");
        return Err(Error::InvalidArgument(message));
    }
    Ok(directory)
}

/// A limit, which is never zero: not every caller would mean the same by that.
fn limit<T: Default + PartialEq>(value: T, name: &str) -> Result<T, Error> {
    if value == T::default() {
        return Err(Error::InvalidArgument(format!(
            "{name} must be greater than zero"
        )));
    }
    Ok(value)
}

/// A time limit in milliseconds. `UINT64_MAX` is 584 million years: no limit.
fn time_limit(milliseconds: u64, name: &str) -> Result<Duration, Error> {
    limit(milliseconds, name).map(Duration::from_millis)
}

/// Bytes that must be given.
///
/// # Safety
///
/// `bytes` is NULL or points to `length` bytes that are not written to for `'a`.
unsafe fn bytes<'a>(bytes: *const u8, length: usize, name: &str) -> Result<&'a [u8], Error> {
    if bytes.is_null() {
        return Err(is_null(name));
    }
    if length > isize::MAX as usize {
        let message = format!("{name} is longer than memory can be");
        return Err(Error::InvalidArgument(message));
    }
    // SAFETY: not NULL, so the caller vouches for `length` bytes, which is no
    // more than a slice may have.
    Ok(unsafe { std::slice::from_raw_parts(bytes, length) })
}

/// What a callback is given first. The library hands it on and never looks at it.
#[derive(Clone, Copy)]
struct Context(*mut c_void);

// SAFETY: it is only handed back to the caller's callbacks, which the header
// says are called by the threads that make calls: whoever gives a context
// vouches that they may have it.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Context {
    /// Through the whole, so that closures take this and not the bare pointer in it.
    fn get(self) -> *mut c_void {
        self.0
    }
}

fn is_null(name: &str) -> Error {
    Error::InvalidArgument(format!("{name} is NULL"))
}

/// `text` for C. A NUL within, which no C string can hold, is replaced.
fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}
