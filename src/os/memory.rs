//! Allocates memory for large files.
//!
//! Most of the time that a large buffer costs is spent by the system, which clears and maps each
//! page when it is first written. Huge pages make this several times as fast.

use std::alloc::{Layout, alloc_zeroed};
use std::io;

/// The minimum length for which huge pages are useful, in bytes. It is smaller in Miri, which
/// would take hours.
#[cfg(any(target_os = "linux", test))]
const MIN_HUGE_PAGES_LEN: usize = if cfg!(miri) { 1 << 14 } else { 4 << 20 };

/// Returns `length` zeros. On most systems, pages that are not touched use no memory.
///
/// # Errors
///
/// [`OutOfMemory`](io::ErrorKind::OutOfMemory) if the allocation fails.
pub(crate) fn zeroed(length: usize) -> io::Result<Vec<u8>> {
    let out_of_memory = || io::Error::from(io::ErrorKind::OutOfMemory);
    let layout = Layout::array::<u8>(length).map_err(|_| out_of_memory())?;
    if length == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the layout's size is not 0.
    let start = unsafe { alloc_zeroed(layout) };
    if start.is_null() {
        return Err(out_of_memory());
    }
    // SAFETY: the global allocator returned `length` bytes with the layout that a vector of
    // that capacity has, and all of them are zero.
    let mut bytes = unsafe { Vec::from_raw_parts(start, length, length) };
    advise_huge_pages(&mut bytes);
    Ok(bytes)
}

/// Advises the system to use huge pages for this memory, if it is large.
pub(crate) fn advise_huge_pages(bytes: &mut Vec<u8>) {
    // Miri does not support the call. Without it only the time differs.
    #[cfg(target_os = "linux")]
    if bytes.capacity() >= MIN_HUGE_PAGES_LEN && !cfg!(miri) {
        let page = page_size();
        let start = bytes.as_mut_ptr();
        // Include pages of which only a part belongs to the vector: a mapping cannot be enlarged
        // without a copy if the advice holds only for a part of it.
        let before = start.addr() % page;
        let length = (before + bytes.capacity()).next_multiple_of(page);
        let start = start.wrapping_sub(before).cast();
        // SAFETY: the advice does not change the content of any page. An error is harmless.
        let _ = unsafe { libc::madvise(start, length, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = bytes;
}

/// Returns the size of a page, in bytes.
#[cfg(target_os = "linux")]
fn page_size() -> usize {
    // SAFETY: the function has no requirements.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeroed_memory_is_zero_and_can_grow() {
        for length in [0, 1, 5000, 3 * MIN_HUGE_PAGES_LEN] {
            let mut bytes = zeroed(length).unwrap();
            assert_eq!(bytes.len(), length);
            assert!(bytes.iter().all(|&byte| byte == 0));
            bytes.resize(length + 5 * MIN_HUGE_PAGES_LEN, 1);
            advise_huge_pages(&mut bytes);
            assert!(bytes[length..].iter().all(|&byte| byte == 1));
        }
        assert!(zeroed(usize::MAX).is_err());
        // Miri ends the process when an allocation fails.
        assert!(cfg!(miri) || zeroed(isize::MAX as usize).is_err());
    }
}
