//! Collects files in memory.

use std::io;

use crate::body::Sink;
use crate::os::memory;

/// A sink that collects the file in memory.
#[derive(Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    advanced: usize,
    /// The likely size of the file, in bytes, according to the response's headers.
    expected: usize,
}

/// The minimum allocation, in bytes.
const MIN_ALLOCATION: usize = 256 * 1024;

/// How much of the expected size is allocated before a byte has arrived, in bytes, unless the whole
/// expected size is at most twice as much. Pages that are not touched use no memory, so that a
/// wrong size only reserves addresses.
const MAX_INITIAL: usize = 64 * 1024 * 1024;

/// Later, the allocation is at most this many times the current size.
const GROWTH: usize = 4;

/// Returns the next capacity of memory that has `capacity` bytes, of which `used` are used, and
/// needs more: at least `needed` bytes. `expected` is the likely size of the file; 0 if unknown.
pub(super) fn grown_capacity(
    expected: usize,
    used: usize,
    capacity: usize,
    needed: usize,
) -> usize {
    if expected < needed {
        // Without an expected size the capacity doubles, so that the total time of copying
        // stays linear.
        return needed.max(capacity.saturating_mul(2)).max(MIN_ALLOCATION);
    }
    let max = MAX_INITIAL.max(used.saturating_mul(GROWTH)).max(needed);
    match expected / 2 <= max {
        true => expected,
        false => max,
    }
}

impl Buffer {
    /// Creates a buffer. `expected` is the likely size of the file, in bytes; 0 if it is
    /// unknown. It only affects how the buffer grows.
    pub(crate) fn expecting(expected: usize) -> Self {
        Self {
            bytes: Vec::new(),
            advanced: 0,
            expected,
        }
    }

    /// Returns the bytes of the file.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.advanced);
        self.bytes.shrink_to_fit();
        self.bytes
    }

    /// Increases the capacity to at least `needed` bytes, which must be more than the current
    /// one.
    fn grow(&mut self, needed: usize) -> io::Result<()> {
        let capacity = self.bytes.capacity();
        let capacity = grown_capacity(self.expected, self.advanced, capacity, needed);
        if self.bytes.is_empty() {
            self.bytes = memory::zeroed(capacity)?;
            return Ok(());
        }
        self.bytes
            .try_reserve_exact(capacity - self.bytes.len())
            .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        memory::advise_huge_pages(&mut self.bytes);
        Ok(())
    }
}

impl Sink for Buffer {
    fn spare_capacity_mut(&mut self, length: usize) -> io::Result<&mut [u8]> {
        let needed = self.advanced + length;
        if needed > self.bytes.capacity() {
            self.grow(needed)?;
        }
        if self.bytes.len() < needed {
            self.bytes.resize(needed, 0);
        }
        Ok(&mut self.bytes[self.advanced..needed])
    }

    fn advance(&mut self, length: usize) -> io::Result<()> {
        self.advanced += length;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(expected: usize, total: usize, step: usize) -> Buffer {
        let mut buffer = Buffer::expecting(expected);
        for start in (0..total).step_by(step) {
            let length = step.min(total - start);
            buffer.spare_capacity_mut(length + 7).unwrap()[..length].fill(start as u8);
            buffer.advance(length).unwrap();
        }
        buffer
    }

    #[test]
    fn expecting_wrong_size_allocates_little() {
        let buffer = filled(usize::MAX, 10, 10);
        assert!(buffer.bytes.capacity() <= MAX_INITIAL);
        assert_eq!(buffer.into_bytes(), vec![0; 10]);
    }

    #[test]
    fn expecting_right_size_allocates_exactly() {
        let total = 3 * MIN_ALLOCATION + 1000;
        let buffer = filled(total + 7, total, 1000);
        assert_eq!(buffer.bytes.capacity(), total + 7);
        assert_eq!(buffer.into_bytes().len(), total);
    }

    #[test]
    fn expecting_any_size_keeps_bytes_in_order() {
        for expected in [0, 1, 5000, 1 << 30] {
            let bytes = filled(expected, 2_000_000, 999).into_bytes();
            assert_eq!(bytes.len(), 2_000_000);
            for (index, chunk) in bytes.chunks(999).enumerate() {
                assert!(chunk.iter().all(|&byte| byte == (index * 999) as u8));
            }
        }
    }
}
