//! Guesses whether a body is base64 or raw, for [`BodyEncoding::Auto`](super::BodyEncoding).

use std::io;

use encoding_rs::Encoding;

use super::chunks::{ChunkReader, Chunks};
use super::{BYTE_ORDER_MARK, DecodeError, Decoder, Options, Sink, detect, markup};
use crate::text::json;

/// How much of a body the guess is based on, in bytes.
const GUESS_WINDOW: usize = 64 * 1024;

/// A sink that discards what it receives.
struct DiscardSink(Vec<u8>);

impl Sink for DiscardSink {
    fn spare_capacity_mut(&mut self, length: usize) -> io::Result<&mut [u8]> {
        self.0.resize(length, 0);
        Ok(&mut self.0)
    }

    fn advance(&mut self, _: usize) -> io::Result<()> {
        Ok(())
    }
}

/// Returns whether a body is raw, by decoding its beginning as base64.
///
/// # Errors
///
/// An error that holds for the whole body: it is neither a raw file nor base64.
pub(super) fn is_raw(
    input: &mut ChunkReader,
    utf16: Option<&'static Encoding>,
    options: &Options,
) -> Result<bool, DecodeError> {
    // The form of a body does not depend on its maximum size.
    let options = &Options {
        limit: u64::MAX,
        ..*options
    };
    let is_all = input.ahead(GUESS_WINDOW)?.len() < GUESS_WINDOW;
    let mut window = input.available();
    let is_word = || {
        let start = window.strip_prefix(BYTE_ORDER_MARK).unwrap_or(window);
        start.len() < detect::MAX_SHORT && detect::why_not_a_file(start, options).is_some()
    };
    let is_response =
        markup::is_markup(window) || json::fields(&json::text(window), []).is_some() || is_word();
    let mut sink = DiscardSink(Vec::new());
    let decoder = Decoder::begin_text(&mut window, Chunks::new(), utf16, options);
    match decoder.and_then(|decoder| decoder.finish(&mut window, &mut sink)) {
        Ok(_) => Ok(false),
        Err(DecodeError::Malformed {
            cut_short: true, ..
        }) if !is_all => Ok(false),
        Err(error @ DecodeError::Malformed { is_empty: true, .. }) => Err(error),
        // An error response is not a file, unless a header names a file.
        Err(
            error @ DecodeError::Malformed {
                error_body: Some(_),
                ..
            },
        ) if !options.names_file => Err(error),
        Err(error) if is_response && !options.names_file => Err(error),
        Err(error @ DecodeError::Malformed { .. })
            if detect::is_evident_base64(input.available()) =>
        {
            Err(error)
        }
        Err(DecodeError::Malformed { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}
