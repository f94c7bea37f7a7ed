//! Writes files to a writer.

use std::io::{self, Write};

use crate::body::Sink;

/// A sink that writes the file to a writer, chunk by chunk.
pub(crate) struct WriterSink<W> {
    writer: W,
    chunk: Vec<u8>,
    written: u64,
}

impl<W: Write> WriterSink<W> {
    /// Creates a sink for `writer`.
    pub(crate) fn new(writer: W) -> Self {
        Self {
            writer,
            chunk: Vec::new(),
            written: 0,
        }
    }

    /// Returns how many bytes were passed to the writer, including those of a failed write.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Flushes the writer.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl<W: Write> Sink for WriterSink<W> {
    fn spare_capacity_mut(&mut self, length: usize) -> io::Result<&mut [u8]> {
        if self.chunk.len() < length {
            self.chunk.resize(length, 0);
        }
        Ok(&mut self.chunk)
    }

    fn advance(&mut self, length: usize) -> io::Result<()> {
        // A write that fails may have written some of the bytes, so they are counted first.
        self.written += length as u64;
        self.writer.write_all(&self.chunk[..length])
    }
}
