//! Converts UTF-16 to UTF-8 while it is read.

use std::io::{self, Read};

use encoding_rs::{Decoder, Encoding};

/// A reader that converts UTF-16 from a source to UTF-8, without a byte order mark.
pub(super) struct Utf16<'a> {
    source: &'a mut dyn Read,
    decoder: Decoder,
    bytes: Vec<u8>,
    text: Vec<u8>,
    /// The part of `text` that was not returned yet.
    start: usize,
    end: usize,
    at_end: bool,
}

impl<'a> Utf16<'a> {
    const READ_BUFFER_SIZE: usize = 16 * 1024;

    pub(super) fn new(source: &'a mut dyn Read, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        let text = decoder.max_utf8_buffer_length(Self::READ_BUFFER_SIZE);
        Self {
            source,
            decoder,
            bytes: vec![0; Self::READ_BUFFER_SIZE],
            text: vec![0; text.unwrap_or(4 * Self::READ_BUFFER_SIZE)],
            start: 0,
            end: 0,
            at_end: false,
        }
    }
}

impl Read for Utf16<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.start == self.end && !self.at_end {
            let length = self.source.read(&mut self.bytes)?;
            self.at_end = length == 0;
            let bytes = &self.bytes[..length];
            let converted = self
                .decoder
                .decode_to_utf8(bytes, &mut self.text, self.at_end);
            (self.start, self.end) = (0, converted.2);
        }
        let length = buffer.len().min(self.end - self.start);
        buffer[..length].copy_from_slice(&self.text[self.start..][..length]);
        self.start += length;
        Ok(length)
    }
}
