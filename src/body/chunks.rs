//! Reads a body with look-ahead.

use std::io::{self, Read};

use super::DecodeError;

/// The part of a body that was read ahead. It outlives the borrow of the body's source, so that
/// decoding can pause.
pub(super) struct Chunks {
    buffer: Vec<u8>,
    /// The part of the buffer that was read and not consumed.
    start: usize,
    end: usize,
    offset: u64,
    at_end: bool,
    is_after_space: bool,
}

impl Chunks {
    /// The buffer size, in bytes: a little more than a connection returns at once, so that
    /// bytes that are left over from one chunk do not split the next one.
    const BUFFER_SIZE: usize = 33 * 1024;

    pub(super) fn new() -> Self {
        Self {
            buffer: vec![0; Self::BUFFER_SIZE],
            start: 0,
            end: 0,
            offset: 0,
            at_end: false,
            is_after_space: false,
        }
    }
}

/// A reader that gives access to the next bytes of a body before it consumes them.
pub(super) struct ChunkReader<'a> {
    pub(super) source: &'a mut dyn Read,
    pub(super) chunks: &'a mut Chunks,
    /// Whether the text was converted from UTF-16.
    pub(super) is_utf16: bool,
}

impl ChunkReader<'_> {
    /// Returns how many bytes were consumed since the start of the body.
    pub(super) fn offset(&self) -> u64 {
        self.chunks.offset
    }

    /// Returns whether the source has reached its end.
    pub(super) fn at_end(&self) -> bool {
        self.chunks.at_end
    }

    /// Returns whether the whitespace that was last consumed ended with a space, or with a space
    /// and tabs.
    pub(super) fn is_after_space(&self) -> bool {
        self.chunks.is_after_space
    }

    /// Returns the bytes that were read and not consumed.
    pub(super) fn available(&self) -> &[u8] {
        &self.chunks.buffer[self.chunks.start..self.chunks.end]
    }

    /// Consumes `length` of the available bytes.
    pub(super) fn consume(&mut self, length: usize) {
        self.chunks.start += length;
        self.chunks.offset += length as u64;
    }

    /// Reads more bytes, once. Returns `false` at the end of the body.
    pub(super) fn fill(&mut self) -> Result<bool, DecodeError> {
        let chunks = &mut *self.chunks;
        if chunks.start > 0 {
            chunks.buffer.copy_within(chunks.start..chunks.end, 0);
            chunks.end -= chunks.start;
            chunks.start = 0;
        }
        debug_assert!(chunks.end < chunks.buffer.len(), "nothing was consumed");
        while !chunks.at_end {
            match self.source.read(&mut chunks.buffer[chunks.end..]) {
                Ok(0) => chunks.at_end = true,
                Ok(length) => {
                    chunks.end += length;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(DecodeError::Source(error)),
            }
        }
        Ok(false)
    }

    /// Reads until `length` bytes are available, or the body ends. Returns all available bytes.
    pub(super) fn ahead(&mut self, length: usize) -> Result<&[u8], DecodeError> {
        if self.chunks.buffer.len() < length {
            self.chunks.buffer.resize(length, 0);
        }
        while self.available().len() < length && self.fill()? {}
        Ok(self.available())
    }

    /// Returns the next byte without consuming it.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, DecodeError> {
        if self.available().is_empty() && !self.fill()? {
            return Ok(None);
        }
        Ok(Some(self.chunks.buffer[self.chunks.start]))
    }

    /// Consumes whitespace. Returns the byte after it without consuming that.
    pub(super) fn after_whitespace(&mut self) -> Result<Option<u8>, DecodeError> {
        self.chunks.is_after_space = false;
        while let Some(byte) = self.peek()? {
            match byte {
                b' ' => self.chunks.is_after_space = true,
                b'\r' | b'\n' => self.chunks.is_after_space = false,
                b'\t' => {}
                _ => return Ok(Some(byte)),
            }
            self.consume(1);
        }
        Ok(None)
    }
}

impl Read for ChunkReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.available().is_empty() {
            match self.fill() {
                Ok(_) => {}
                Err(DecodeError::Source(error)) => return Err(error),
                Err(_) => return Err(io::Error::other("reading failed")),
            }
        }
        let length = self.available().len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.available()[..length]);
        self.consume(length);
        Ok(length)
    }
}
