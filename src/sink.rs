//! Where decoded bytes go.

use std::io::{self, Write};

use crate::memory;

/// Takes decoded bytes in order. The decoder writes right into the room that
/// the sink offers, so that nothing is copied in between.
pub(crate) trait Sink {
    /// At least `length` bytes of room after what was committed.
    fn room(&mut self, length: usize) -> io::Result<&mut [u8]>;

    /// Takes the first `length` bytes of the room as the next of the file.
    fn commit(&mut self, length: usize) -> io::Result<()>;
}

/// The whole file in memory.
#[derive(Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    committed: usize,
    /// What the file will likely need, as the server says.
    expected: usize,
}

impl Buffer {
    /// The least that is ever asked for, in bytes.
    const FIRST: usize = 256 * 1024;
    /// How much the server's word is good for before a byte has come. It is not
    /// touched, so a lying length costs addresses and no memory.
    const TRUSTED: usize = 64 * 1024 * 1024;
    /// Afterwards, how many times what has come.
    const GROWTH: usize = 4;

    /// `expected` is a guess at the length, in bytes; it only guides how the
    /// buffer grows. `memory` is used first; what is in it does not matter.
    pub(crate) fn expecting(expected: usize, memory: Vec<u8>) -> Self {
        Self {
            bytes: memory,
            committed: 0,
            expected,
        }
    }

    /// What was committed.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.committed);
        self.bytes.shrink_to_fit();
        self.bytes
    }

    /// Room for `needed` bytes, which are more than there are.
    fn grow(&mut self, needed: usize) -> io::Result<()> {
        // Without the server's word by doubling, so that the copying of growth
        // stays linear.
        let trusted = Self::TRUSTED.max(self.committed * Self::GROWTH);
        let capacity = match self.expected {
            expected if expected >= needed => expected.min(trusted.max(needed)),
            _ => needed.max(self.bytes.capacity() * 2).max(Self::FIRST),
        };
        if self.bytes.is_empty() {
            self.bytes = memory::zeros(capacity)?;
            return Ok(());
        }
        self.bytes
            .try_reserve_exact(capacity - self.bytes.len())
            .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        memory::in_huge_pages(&mut self.bytes);
        Ok(())
    }
}

impl Sink for Buffer {
    fn room(&mut self, length: usize) -> io::Result<&mut [u8]> {
        let needed = self.committed + length;
        if needed > self.bytes.capacity() {
            self.grow(needed)?;
        }
        if self.bytes.len() < needed {
            self.bytes.resize(needed, 0);
        }
        Ok(&mut self.bytes[self.committed..needed])
    }

    fn commit(&mut self, length: usize) -> io::Result<()> {
        self.committed += length;
        Ok(())
    }
}

/// Hands the file on to a writer, piece by piece.
pub(crate) struct Through<W> {
    writer: W,
    piece: Vec<u8>,
    written: u64,
}

impl<W: Write> Through<W> {
    pub(crate) fn new(writer: W) -> Self {
        Self {
            writer,
            piece: Vec::new(),
            written: 0,
        }
    }

    /// How many bytes the writer was given.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl<W: Write> Sink for Through<W> {
    fn room(&mut self, length: usize) -> io::Result<&mut [u8]> {
        if self.piece.len() < length {
            self.piece.resize(length, 0);
        }
        Ok(&mut self.piece)
    }

    fn commit(&mut self, length: usize) -> io::Result<()> {
        // Counted before: who fails may have taken some.
        self.written += length as u64;
        self.writer.write_all(&self.piece[..length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(expected: usize, total: usize, step: usize) -> Buffer {
        let mut buffer = Buffer::expecting(expected, Vec::new());
        for start in (0..total).step_by(step) {
            let length = step.min(total - start);
            buffer.room(length + 7).unwrap()[..length].fill(start as u8);
            buffer.commit(length).unwrap();
        }
        buffer
    }

    #[test]
    fn a_lying_length_allocates_nothing() {
        let buffer = filled(usize::MAX, 10, 10);
        assert!(buffer.bytes.capacity() <= Buffer::TRUSTED);
        assert_eq!(buffer.into_bytes(), vec![0; 10]);
    }

    #[test]
    fn memory_that_was_used_before_is_used_again() {
        for (memory, total) in [(1 << 20, 1 << 20), (1 << 20, 3 << 20), (3 << 20, 5000)] {
            let mut buffer = Buffer::expecting(total, vec![0xee; memory]);
            let start = buffer.bytes.as_ptr();
            buffer.room(1000).unwrap()[..1000].fill(1);
            assert_eq!(buffer.bytes.as_ptr(), start);
            buffer.commit(1000).unwrap();
            let rest = total - 1000;
            buffer.room(rest + 7).unwrap()[..rest].fill(2);
            buffer.commit(rest).unwrap();
            let bytes = buffer.into_bytes();
            assert_eq!(bytes.len(), total);
            assert!(bytes.capacity() <= total + 7);
            assert!(bytes[..1000].iter().all(|&byte| byte == 1));
            assert!(bytes[1000..].iter().all(|&byte| byte == 2));
        }
    }

    #[test]
    fn an_honest_length_is_met_exactly() {
        let total = 3 * Buffer::FIRST + 1000;
        let buffer = filled(total + 7, total, 1000);
        assert_eq!(buffer.bytes.capacity(), total + 7);
        assert_eq!(buffer.into_bytes().len(), total);
    }

    #[test]
    fn bytes_stay_in_order_whatever_the_length_said() {
        for expected in [0, 1, 5000, 1 << 30] {
            let bytes = filled(expected, 2_000_000, 999).into_bytes();
            assert_eq!(bytes.len(), 2_000_000);
            let in_order = bytes.chunks(999).enumerate();
            for (index, chunk) in in_order {
                assert!(chunk.iter().all(|&byte| byte == (index * 999) as u8));
            }
        }
    }
}
