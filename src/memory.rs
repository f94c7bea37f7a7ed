//! Memory for large files. Most of what a large buffer costs is the system's
//! handing it out: cleared, and page by page as it is first written to. Huge
//! pages make that several times as fast; memory that was used before needs none
//! of it.
#![allow(unsafe_code, reason = "memory that is zero already, and advice on it")]

use std::alloc::{Layout, alloc_zeroed};
use std::io;
use std::sync::{Mutex, PoisonError};

#[cfg(target_os = "linux")]
use rustix::param::page_size;

/// From this length on, in bytes, a buffer is worth the trouble. Miri would take hours for it.
pub(crate) const LARGE: usize = if cfg!(miri) { 1 << 14 } else { 4 << 20 };

/// `length` zeros. What is not touched takes no memory on most systems.
pub(crate) fn zeros(length: usize) -> io::Result<Vec<u8>> {
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
    // SAFETY: the global allocator gave `length` bytes with the layout that a
    // vector of that capacity has, and all of them are zero.
    let mut bytes = unsafe { Vec::from_raw_parts(start, length, length) };
    in_huge_pages(&mut bytes);
    Ok(bytes)
}

/// Asks the system to keep this memory in huge pages from now on, if it is large.
pub(crate) fn in_huge_pages(bytes: &mut Vec<u8>) {
    // Miri knows no such advice; without it nothing is different but the time it takes.
    #[cfg(target_os = "linux")]
    if bytes.capacity() >= LARGE && !cfg!(miri) {
        use rustix::mm::{Advice, madvise};
        let start = bytes.as_mut_ptr();
        // Also the pages that are the vector's only in part: a mapping of which some
        // is advised and some is not cannot be enlarged without a copy.
        let before = start.addr() % page_size();
        let length = (before + bytes.capacity()).next_multiple_of(page_size());
        // SAFETY: this changes nothing of what the pages hold. The system may refuse.
        let _ = unsafe {
            madvise(
                start.wrapping_sub(before).cast(),
                length,
                Advice::LinuxHugepage,
            )
        };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = bytes;
}

/// Lets the system take this memory back when it needs some; until then it stays.
#[cfg(target_os = "linux")]
fn for_the_taking(bytes: &mut Vec<u8>) {
    use rustix::mm::{Advice, madvise};
    if cfg!(miri) {
        return;
    }
    let start = bytes.as_mut_ptr();
    let skipped = start.align_offset(page_size()).min(bytes.capacity());
    let length = (bytes.capacity() - skipped) / page_size() * page_size();
    // SAFETY: the pages are wholly the vector's, which is borrowed mutably. They
    // may be zero when they are next read, which any byte may be; once they are
    // written to they stay. The system may refuse.
    let _ = unsafe { madvise(start.add(skipped).cast(), length, Advice::LinuxFree) };
}

/// The memory of files that were freed, for the next ones. It is the system's
/// for the taking, but while that has no need of it, it need not be handed out
/// and cleared again.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    kept: Mutex<Vec<Vec<u8>>>,
}

impl Spare {
    /// How much is kept in all, in bytes.
    #[cfg(target_os = "linux")]
    const MOST: usize = 32 * LARGE;

    /// Keeps the memory of `bytes`, whose content is lost, if it is worth it; in
    /// place of what was kept for longest if that would be too much.
    pub(crate) fn put(&self, bytes: Vec<u8>) {
        // Elsewhere the system has no way of taking it back.
        #[cfg(target_os = "linux")]
        if (LARGE..=Self::MOST).contains(&bytes.capacity()) {
            let mut bytes = bytes;
            for_the_taking(&mut bytes);
            let mut kept = self.lock();
            kept.push(bytes);
            while kept.iter().map(Vec::capacity).sum::<usize>() > Self::MOST {
                kept.remove(0);
            }
        }
        #[cfg(not(target_os = "linux"))]
        drop(bytes);
    }

    /// What was kept last, with whatever is in it, if a buffer of `length` is
    /// worth it; else nothing.
    pub(crate) fn take(&self, length: usize) -> Vec<u8> {
        match length >= LARGE {
            true => self.lock().pop().unwrap_or_default(),
            false => Vec::new(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        // Nothing panics in between.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_zero_and_may_grow() {
        for length in [0, 1, 5000, 3 * LARGE] {
            let mut bytes = zeros(length).unwrap();
            assert_eq!(bytes.len(), length);
            assert!(bytes.iter().all(|&byte| byte == 0));
            bytes.resize(length + 5 * LARGE, 1);
            in_huge_pages(&mut bytes);
            assert!(bytes[length..].iter().all(|&byte| byte == 1));
        }
        assert!(zeros(usize::MAX).is_err());
        // Miri ends where a system refuses.
        assert!(cfg!(miri) || zeros(isize::MAX as usize).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_was_freed_last_is_taken_first_and_only_so_much_is_kept() {
        let spare = Spare::default();
        let lengths = || spare.lock().iter().map(Vec::len).collect::<Vec<_>>();
        assert!(spare.take(LARGE).is_empty());
        spare.put(vec![1; LARGE - 1]);
        spare.put(vec![1; Spare::MOST + 1]);
        assert_eq!(lengths(), [0; 0]);
        for length in [3, 4, 5] {
            spare.put(vec![1; length * LARGE]);
        }
        assert!(spare.take(LARGE - 1).is_empty());
        assert_eq!(spare.take(LARGE).len(), 5 * LARGE);
        spare.put(vec![1; Spare::MOST - 4 * LARGE]);
        assert_eq!(lengths(), [4 * LARGE, Spare::MOST - 4 * LARGE]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_that_is_taken_again_holds_what_is_written_to_it() {
        let spare = Spare::default();
        spare.put(vec![1; 2 * LARGE + 5]);
        let mut bytes = spare.take(LARGE);
        bytes.fill(7);
        assert!(bytes.iter().all(|&byte| byte == 7));
    }
}
