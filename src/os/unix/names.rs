//! The names in a directory.

use std::ffi::CStr;
use std::ptr::NonNull;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
use libc::readdir;
#[cfg(any(target_os = "linux", target_os = "android"))]
use libc::readdir64 as readdir;

/// An iterator over the names in a directory.
///
/// That of the standard library panics if a file system fails to close a directory.
///
/// It owns the stream.
pub(crate) struct Names(pub(super) NonNull<libc::DIR>);

impl Iterator for Names {
    type Item = Option<String>;

    /// Returns the next name. The item is `None` if the name is not UTF-8.
    fn next(&mut self) -> Option<Self::Item> {
        // SAFETY: the stream is open, and no other thread uses it.
        let entry = unsafe { readdir(self.0.as_ptr()) };
        if entry.is_null() {
            return None;
        }
        // SAFETY: an entry is valid until the next call, and its name is a C string. The entry may
        // be shorter than its type, so no reference to the whole entry is created.
        let name = unsafe { CStr::from_ptr((&raw const (*entry).d_name).cast()) };
        Some(name.to_str().ok().map(str::to_owned))
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        // SAFETY: the stream is open, and is not used again.
        unsafe { libc::closedir(self.0.as_ptr()) };
    }
}
