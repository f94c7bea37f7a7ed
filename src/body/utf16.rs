//! Converts UTF-16 to UTF-8 while it is read.

use std::io::{self, Read};

use encoding_rs::{Decoder, Encoding};

/// The state of a conversion from UTF-16 to UTF-8.
pub(super) struct Utf16 {
    decoder: Decoder,
    bytes: Vec<u8>,
    text: Vec<u8>,
    /// The part of `text` that was not returned yet.
    start: usize,
    end: usize,
    at_end: bool,
}

impl Utf16 {
    const READ_BUFFER_SIZE: usize = 16 * 1024;

    pub(super) fn new(encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        let text = decoder.max_utf8_buffer_length(Self::READ_BUFFER_SIZE);
        Self {
            decoder,
            bytes: vec![0; Self::READ_BUFFER_SIZE],
            text: vec![0; text.unwrap_or(4 * Self::READ_BUFFER_SIZE)],
            start: 0,
            end: 0,
            at_end: false,
        }
    }
}

/// A reader that converts UTF-16 from a source to UTF-8, without a byte order mark.
pub(super) struct Utf16Reader<'a> {
    pub(super) source: &'a mut dyn Read,
    pub(super) state: &'a mut Utf16,
}

impl Read for Utf16Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let state = &mut *self.state;
        while state.start == state.end && !state.at_end {
            let length = self.source.read(&mut state.bytes)?;
            state.at_end = length == 0;
            let bytes = &state.bytes[..length];
            let converted = state
                .decoder
                .decode_to_utf8(bytes, &mut state.text, state.at_end);
            (state.start, state.end) = (0, converted.2);
        }
        let length = buffer.len().min(state.end - state.start);
        buffer[..length].copy_from_slice(&state.text[state.start..][..length]);
        state.start += length;
        Ok(length)
    }
}
