//! Collects files in memory that the caller provides.

use std::io;

use super::buffer::grown_capacity;
use crate::body::Sink;

/// Memory that the caller provides for a file, which is decoded directly into it.
///
/// `Vec<u8>` implements it. Other memory, such as a mapped file, can be provided with an
/// implementation of its own.
///
/// # Examples
///
/// A buffer of a fixed size:
///
/// ```no_run
/// use std::io;
/// use sellercloud_output::{Client, FileMemory};
///
/// struct FixedBuffer(Box<[u8]>);
///
/// impl FileMemory for FixedBuffer {
///     fn reserve(&mut self, _used: usize, capacity: usize) -> io::Result<&mut [u8]> {
///         match capacity <= self.0.len() {
///             true => Ok(&mut self.0),
///             false => Err(io::Error::other("the file is larger than the buffer")),
///         }
///     }
/// }
///
/// let client = Client::builder("tt").token("the-bearer-token").build()?;
/// let mut buffer = FixedBuffer(vec![0; 1024 * 1024].into());
/// let file = client.get_output_file_into(28142, &mut buffer)?;
/// println!("{}: {:?}", file.name, &buffer.0[..file.size as usize]);
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
pub trait FileMemory {
    /// Returns at least `capacity` bytes of memory. Its first `used` bytes must be those that were in
    /// the memory that the previous call returned. The content of the others does not matter.
    ///
    /// It is called for every chunk, mostly with a capacity that the memory has already. The first
    /// call of an attempt has the likely size of the file as capacity, if the server sends it, but at
    /// most 128 MiB; otherwise at least 256 KiB, however small the file is. Later capacities that are
    /// higher are at least twice as high, unless the likely size is less. Each attempt begins with
    /// `used` at 0.
    ///
    /// # Errors
    ///
    /// An error fails the operation with [`Io`](crate::ErrorKind::Io), and so does memory that is
    /// shorter than `capacity`.
    fn reserve(&mut self, used: usize, capacity: usize) -> io::Result<&mut [u8]>;
}

/// The file is at the beginning of the vector, which may be longer than the file after the download.
impl FileMemory for Vec<u8> {
    fn reserve(&mut self, _used: usize, capacity: usize) -> io::Result<&mut [u8]> {
        if let Some(missing) = capacity.checked_sub(self.len()) {
            self.try_reserve_exact(missing)
                .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
            self.resize(capacity, 0);
        }
        Ok(self)
    }
}

/// A sink that collects the file in memory of the caller.
pub(crate) struct MemorySink<'m> {
    memory: &'m mut dyn FileMemory,
    /// The length of the memory that was last returned.
    capacity: usize,
    used: usize,
    /// The likely size of the file, in bytes, according to the response's headers.
    expected: usize,
}

impl<'m> MemorySink<'m> {
    /// Creates a sink. `expected` is the likely size of the file, in bytes; 0 if it is unknown.
    pub(crate) fn new(memory: &'m mut dyn FileMemory, expected: usize) -> Self {
        Self {
            memory,
            capacity: 0,
            used: 0,
            expected,
        }
    }

    /// Returns the size of the file, in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.used as u64
    }
}

impl Sink for MemorySink<'_> {
    fn spare_capacity_mut(&mut self, length: usize) -> io::Result<&mut [u8]> {
        let needed = self.used + length;
        if needed > self.capacity {
            self.capacity = grown_capacity(self.expected, self.used, self.capacity, needed);
        }
        let memory = self.memory.reserve(self.used, self.capacity)?;
        if memory.len() < self.capacity {
            let (length, capacity) = (memory.len(), self.capacity);
            let message = format!("the caller provided {length} bytes instead of {capacity}");
            return Err(io::Error::other(message));
        }
        self.capacity = memory.len();
        Ok(&mut memory[self.used..needed])
    }

    fn advance(&mut self, length: usize) -> io::Result<()> {
        self.used += length;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory that records how it is reserved. A capacity over `max` is an error.
    struct Recorded {
        bytes: Vec<u8>,
        max: usize,
        capacities: Vec<usize>,
    }

    impl FileMemory for Recorded {
        fn reserve(&mut self, used: usize, capacity: usize) -> io::Result<&mut [u8]> {
            if capacity > self.bytes.len() {
                self.capacities.push(capacity);
                if capacity > self.max {
                    return Err(io::Error::other("too much"));
                }
                // Other memory than before, with the used bytes only.
                let mut bytes = vec![0xee; capacity];
                bytes[..used].copy_from_slice(&self.bytes[..used]);
                self.bytes = bytes;
            }
            Ok(&mut self.bytes)
        }
    }

    fn filled(expected: usize, total: usize, max: usize) -> (Recorded, io::Result<()>) {
        let mut memory = Recorded {
            bytes: Vec::new(),
            max,
            capacities: Vec::new(),
        };
        let mut sink = MemorySink::new(&mut memory, expected);
        let outcome = (0..total).step_by(1000).try_for_each(|start| {
            let length = 1000.min(total - start);
            sink.spare_capacity_mut(length)?.fill((start / 1000) as u8);
            sink.advance(length)
        });
        (memory, outcome)
    }

    #[test]
    fn reserve_expected_size_is_the_only_capacity() {
        let (memory, outcome) = filled(1_000_000, 1_000_000, usize::MAX);
        outcome.unwrap();
        assert_eq!(memory.capacities, [1_000_000]);
    }

    #[test]
    fn reserve_unknown_size_doubles_and_keeps_used_bytes() {
        let (memory, outcome) = filled(0, 1_000_000, usize::MAX);
        outcome.unwrap();
        assert!(memory.capacities.len() < 5, "{:?}", memory.capacities);
        assert!(
            memory
                .capacities
                .windows(2)
                .all(|pair| pair[1] >= 2 * pair[0])
        );
        for (index, chunk) in memory.bytes[..1_000_000].chunks(1000).enumerate() {
            assert!(chunk.iter().all(|&byte| byte == index as u8), "{index}");
        }
    }

    #[test]
    fn reserve_error_is_returned() {
        let (_, outcome) = filled(0, 1_000_000, 500_000);
        assert_eq!(outcome.unwrap_err().to_string(), "too much");
    }

    #[test]
    fn reserve_short_memory_is_an_error() {
        struct Short([u8; 3]);
        impl FileMemory for Short {
            fn reserve(&mut self, _: usize, _: usize) -> io::Result<&mut [u8]> {
                Ok(&mut self.0)
            }
        }
        let mut memory = Short([0; 3]);
        let mut sink = MemorySink::new(&mut memory, 4);
        let error = sink.spare_capacity_mut(4).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the caller provided 3 bytes instead of 4"
        );
    }
}
