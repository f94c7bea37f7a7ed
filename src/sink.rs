//! Where decoded bytes go.

use std::io::{self, Write};

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
    /// What the file will likely need, as the server says. Never allocated
    /// ahead of what came: a lying length costs nothing.
    expected: usize,
}

impl Buffer {
    /// The first allocation, in bytes, and the least that is ever asked for.
    const FIRST: usize = 256 * 1024;

    /// `expected` is a guess at the length, in bytes; it only guides how the
    /// buffer grows.
    pub(crate) fn expecting(expected: usize) -> Self {
        Self {
            expected,
            ..Self::default()
        }
    }

    /// What was committed.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.committed);
        self.bytes.shrink_to_fit();
        self.bytes
    }
}

impl Sink for Buffer {
    fn room(&mut self, length: usize) -> io::Result<&mut [u8]> {
        let needed = self.committed + length;
        if needed > self.bytes.capacity() {
            // Doubling, so that the copying of growth stays linear; but no
            // further than expected while that is enough.
            let mut capacity = needed.max(self.bytes.capacity() * 2).max(Self::FIRST);
            if (needed..capacity).contains(&self.expected) {
                capacity = self.expected;
            }
            self.bytes
                .try_reserve_exact(capacity - self.bytes.len())
                .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        }
        if self.bytes.len() < needed {
            self.bytes.resize(needed, 0);
        }
        Ok(&mut self.bytes[self.committed..])
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
        let mut buffer = Buffer::expecting(expected);
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
        assert!(buffer.bytes.capacity() <= Buffer::FIRST);
        assert_eq!(buffer.into_bytes(), vec![0; 10]);
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
