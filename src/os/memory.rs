//! Memory for large files.
//!
//! Most of the cost of a large buffer is that the system hands it out: cleared, and page by
//! page as it is first written to. Huge pages make that several times as fast.

use std::alloc::{Layout, alloc_zeroed};
use std::io;

/// The length from which on the functions here pay, in bytes. Miri would take hours for it.
pub(crate) const LARGE: usize = if cfg!(miri) { 1 << 14 } else { 4 << 20 };

/// Returns `length` zeros. Pages that are not touched take no memory on most systems.
pub(crate) fn zeroed(length: usize) -> io::Result<Vec<u8>> {
    let too_large = || io::Error::from(io::ErrorKind::OutOfMemory);
    let layout = Layout::array::<u8>(length).map_err(|_| too_large())?;
    if length == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the layout's size is not 0.
    let start = unsafe { alloc_zeroed(layout) };
    if start.is_null() {
        return Err(too_large());
    }
    // SAFETY: the global allocator returned `length` bytes with the layout that a vector of
    // that capacity has, and all of them are zero.
    let mut bytes = unsafe { Vec::from_raw_parts(start, length, length) };
    advise_huge_pages(&mut bytes);
    Ok(bytes)
}

/// Asks the system to keep this memory in huge pages from now on, if it is large.
pub(crate) fn advise_huge_pages(bytes: &mut Vec<u8>) {
    // Miri does not know the advice. Without it only the time differs.
    #[cfg(target_os = "linux")]
    if bytes.capacity() >= LARGE && !cfg!(miri) {
        let page = page_size();
        let start = bytes.as_mut_ptr();
        // Include pages that belong to the vector only in part: a mapping of which some is
        // advised and some is not cannot be enlarged without a copy.
        let before = start.addr() % page;
        let length = (before + bytes.capacity()).next_multiple_of(page);
        let start = start.wrapping_sub(before).cast();
        // SAFETY: the advice does not change the content of any page. The system may refuse.
        let _ = unsafe { libc::madvise(start, length, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = bytes;
}

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
    fn zeroed_memory_is_zero_and_may_grow() {
        for length in [0, 1, 5000, 3 * LARGE] {
            let mut bytes = zeroed(length).unwrap();
            assert_eq!(bytes.len(), length);
            assert!(bytes.iter().all(|&byte| byte == 0));
            bytes.resize(length + 5 * LARGE, 1);
            advise_huge_pages(&mut bytes);
            assert!(bytes[length..].iter().all(|&byte| byte == 1));
        }
        assert!(zeroed(usize::MAX).is_err());
        // Miri ends the process where a system refuses.
        assert!(cfg!(miri) || zeroed(isize::MAX as usize).is_err());
    }
}
