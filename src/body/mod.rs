//! The forms of an output file's body, decoded as a stream.
//!
//! A body is base64 text, the same as a JSON string, a `FileResponse` object
//! that holds it, or the file's own bytes. `"` and `{` are not in the base64
//! alphabet, so the first byte that is not whitespace tells the first three apart;
//! the last one must be asked for. The text is decoded chunk by chunk right
//! into its destination and never held as a whole.

pub(crate) mod base64;
mod chunks;
mod detect;
mod error;
mod file_response;
#[cfg(any(test, feature = "_fuzz"))]
pub(crate) mod properties;
mod sink;
#[cfg(test)]
mod tests;
mod utf16;

use std::io::{self, Read};

use encoding_rs::Encoding;

use self::base64::{Base64, Fault, Text, shown};
use crate::text::{json, server_message};
use chunks::ChunkReader;
pub(crate) use detect::is_json;
pub(crate) use error::DecodeError;
pub(crate) use sink::Sink;
use utf16::Utf16;

/// How the server wrote the file into the response's body.
///
/// A server or a proxy may answer 200 with something else than a file. Where no header names
/// a file, these are errors: an empty body, JSON `null`, and in base64 also a number, `true`,
/// and a word or sentence of those that servers use for errors (`Unauthorized`), although
/// some of them are base64 by chance. Where the content type is that of a file, such as
/// `text/csv`, a number is a file, and so is a word that no server uses for an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BodyEncoding {
    /// Base64 (RFC 4648 section 4): as bare text, as a JSON string, or as the
    /// `Content` of a JSON object; told apart by the first byte. Text in UTF-16
    /// is converted. Tabs and line breaks are ignored, and spaces at the
    /// beginning or end of a line. A space elsewhere is an error: most likely it
    /// was a `+`. Where lines have spaces at their ends, all but the last must be
    /// equally long. Padding must be there and the unused bits must be zero.
    #[default]
    Base64,
    /// The body is the file, byte for byte. Only its length is checked.
    Raw,
    /// Base64 if the body's first 64 KiB can be that, else raw. A guess: a raw
    /// file of nothing but letters and digits may be taken for base64. A body
    /// that begins as base64 and goes on as something else is an error, never
    /// a mixture. So is a body of nothing but base64 characters and whitespace,
    /// 64 or more of them in a row, that is not valid base64: it is cut short, or
    /// a `+` became a space.
    Auto,
}

/// What is known of the body before it comes.
pub(crate) struct Options<'a> {
    pub(crate) encoding: BodyEncoding,
    /// The maximum number of decoded bytes.
    pub(crate) limit: u64,
    pub(crate) content_type: Option<&'a str>,
    /// Whether a header names a file, so that the body surely is one.
    pub(crate) names_file: bool,
}

/// What the decoder learned of the body besides its bytes.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Decoded {
    /// The `FileName` of a `FileResponse`.
    pub(crate) file_name: Option<String>,
    /// Whether the body was the file itself, so that the response's content type is the file's.
    pub(crate) is_raw: bool,
}

/// Decodes the body that `source` reads into `sink`. On an error, what the
/// sink got is worthless.
pub(crate) fn decode(
    source: &mut dyn Read,
    options: &Options,
    sink: &mut dyn Sink,
) -> Result<Decoded, DecodeError> {
    let mut input = ChunkReader::new(source);
    let utf16 = match options.encoding {
        BodyEncoding::Raw => None,
        _ => detect::utf16(input.ahead(detect::UTF16_BYTES)?, options.content_type),
    };
    let is_raw = match options.encoding {
        BodyEncoding::Base64 => false,
        BodyEncoding::Raw => true,
        BodyEncoding::Auto => guess_is_raw(&mut input, utf16, options)?,
    };
    let file_name = match utf16 {
        _ if is_raw => {
            copy(&mut input, options, sink)?;
            None
        }
        None => decode_text(&mut input, options, sink)?,
        Some(encoding) => decode_utf16(&mut input, encoding, options, sink)?,
    };
    Ok(Decoded { file_name, is_raw })
}

/// Decodes a body that is text in UTF-16.
fn decode_utf16(
    source: &mut dyn Read,
    encoding: &'static Encoding,
    options: &Options,
    sink: &mut dyn Sink,
) -> Result<Option<String>, DecodeError> {
    let mut text = Utf16::new(source, encoding);
    let mut input = ChunkReader::new(&mut text);
    input.is_utf16 = true;
    decode_text(&mut input, options, sink).map_err(|error| match error {
        DecodeError::Malformed {
            message,
            cut_short,
            is_empty,
            answer,
            ..
        } => DecodeError::Malformed {
            // Not a place in the body.
            offset: None,
            message: format!("{message} (counted in UTF-8; the body is UTF-16 text)"),
            cut_short,
            is_empty,
            answer,
        },
        error => error,
    })
}

/// How much of a body decides what it is, where that is to be guessed.
const GUESS_WINDOW: usize = 64 * 1024;

/// Tries the decoder on the body's beginning.
fn guess_is_raw(
    input: &mut ChunkReader,
    utf16: Option<&'static Encoding>,
    options: &Options,
) -> Result<bool, DecodeError> {
    struct Nowhere(Vec<u8>);
    impl Sink for Nowhere {
        fn spare_capacity_mut(&mut self, length: usize) -> io::Result<&mut [u8]> {
            self.0.resize(length, 0);
            Ok(&mut self.0)
        }
        fn advance(&mut self, _: usize) -> io::Result<()> {
            Ok(())
        }
    }

    // What a body is does not depend on how much of it is accepted.
    let options = &Options {
        limit: u64::MAX,
        ..*options
    };
    let is_all = input.ahead(GUESS_WINDOW)?.len() < GUESS_WINDOW;
    let mut window = input.available();
    let is_word = || {
        let start = window.strip_prefix(MARK).unwrap_or(window);
        start.len() < detect::MAX_SHORT && detect::no_file(start, options).is_some()
    };
    let is_response =
        is_markup(window) || json::fields(&json::text(window), []).is_some() || is_word();
    let mut nowhere = Nowhere(Vec::new());
    let outcome = match utf16 {
        None => decode_text(&mut ChunkReader::new(&mut window), options, &mut nowhere),
        Some(encoding) => decode_utf16(&mut window, encoding, options, &mut nowhere),
    };
    match outcome {
        Ok(_) => Ok(false),
        Err(DecodeError::Malformed {
            cut_short: true, ..
        }) if !is_all => Ok(false),
        Err(error @ DecodeError::Malformed { is_empty: true, .. }) => Err(error),
        // An error response is no file, unless a header gives it a file's name.
        Err(
            error @ DecodeError::Malformed {
                answer: Some(_), ..
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

/// The body as it is.
fn copy(
    input: &mut ChunkReader,
    options: &Options,
    sink: &mut dyn Sink,
) -> Result<(), DecodeError> {
    let short = input.ahead(detect::MAX_SHORT)?;
    let is_nothing = short.is_empty() || detect::is_json_null(short, options);
    if let Some(error) = detect::no_file(short, options)
        && is_nothing
        && !options.names_file
    {
        return Err(error);
    }
    loop {
        let bytes = input.available();
        let length = bytes.len();
        if input.offset + length as u64 > options.limit {
            return Err(DecodeError::TooLarge);
        }
        if length > 0 {
            let room = sink.spare_capacity_mut(length).map_err(DecodeError::Sink)?;
            room[..length].copy_from_slice(bytes);
            sink.advance(length).map_err(DecodeError::Sink)?;
            input.consume(length);
        }
        if !input.fill()? {
            break;
        }
    }
    Ok(())
}

/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// One of the three base64 forms. Gives the `FileName`, if there is one.
fn decode_text(
    input: &mut ChunkReader,
    options: &Options,
    sink: &mut dyn Sink,
) -> Result<Option<String>, DecodeError> {
    if input.ahead(MARK.len())?.starts_with(MARK) {
        input.consume(MARK.len());
    }
    let mut base64 = Base64::new(sink, options.limit);
    let start = input.after_whitespace()?;
    let short = input.ahead(detect::MAX_SHORT)?;
    if short.len() < detect::MAX_SHORT && !matches!(start, Some(b'<' | b'{' | b'[')) {
        let is_file = options.names_file && !detect::is_json_null(short, options);
        if let Some(error) = detect::no_file(short, options).filter(|_| !is_file) {
            return Err(error);
        }
    }
    match start {
        Some(b'"') => {
            input.consume(1);
            content(input, &mut base64, Text::JsonString)?;
            end_of_json(input)?;
            Ok(None)
        }
        Some(b'{') => file_response::decode(input, options, &mut base64),
        Some(b'<') if is_markup(input.ahead(2)?) => Err(markup(input, options)?),
        _ => {
            if input.is_after_space {
                base64.begin_after_space();
            }
            let is_utf16 = input.is_utf16;
            content(input, &mut base64, Text::Plain).map_err(|error| match is_utf16 {
                true => error,
                false => with_hint(error),
            })?;
            Ok(None)
        }
    }
}

/// Whether the body begins like HTML or XML.
fn is_markup(body: &[u8]) -> bool {
    let mut bytes = body.trim_ascii_start().iter();
    bytes.next() == Some(&b'<')
        && bytes
            .next()
            .is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'!' | b'?'))
}

/// Where a body is no base64 from so near its beginning on, it most likely is a file as it is.
const HINT_WINDOW: u64 = 200;

const HINT: &str = " (if the server sends files as they are, ask for raw bodies)";

fn with_hint(error: DecodeError) -> DecodeError {
    match error {
        DecodeError::Malformed {
            offset: Some(offset),
            message,
            cut_short,
            is_empty,
            answer,
        } if offset < HINT_WINDOW => DecodeError::Malformed {
            offset: Some(offset),
            message: message + HINT,
            cut_short,
            is_empty,
            answer,
        },
        error => error,
    }
}

/// Decodes base64 up to the body's end, or up to and with a JSON string's closing quote.
fn content(input: &mut ChunkReader, base64: &mut Base64, form: Text) -> Result<(), DecodeError> {
    loop {
        let step = base64
            .decode(input.available(), form, input.at_end)
            .map_err(|fault| of_fault(fault, input.offset))?;
        input.consume(step.taken);
        if step.is_complete {
            break;
        }
        if step.taken > 0 {
            continue;
        }
        if input.at_end {
            if form == Text::JsonString {
                return Err(cut_short(input, "in the middle of a JSON string"));
            }
            break;
        }
        input.fill()?;
    }
    base64
        .check_last_line()
        .map_err(|fault| of_fault(fault, input.offset))?;
    match base64.unfinished() {
        None => Ok(()),
        Some(at) if base64.is_padded() || form == Text::JsonString => {
            let what = if base64.is_padded() {
                "data after the padding"
            } else {
                "an unfinished group of four characters"
            };
            let what = what.into();
            Err(of_fault(Fault::Text { at, what }, input.offset))
        }
        Some(_) => Err(cut_short(input, "within a group of four base64 characters")),
    }
}

fn of_fault(fault: Fault, start: u64) -> DecodeError {
    match fault {
        Fault::Text { at, what } => {
            let offset = start.saturating_add_signed(at as i64);
            DecodeError::malformed(
                Some(offset),
                format!("the body is not valid base64: {what} at byte {offset}"),
            )
        }
        Fault::TooLarge => DecodeError::TooLarge,
        Fault::Sink(error) => DecodeError::Sink(error),
    }
}

/// Only whitespace may follow a JSON value.
fn end_of_json(input: &mut ChunkReader) -> Result<(), DecodeError> {
    match input.after_whitespace()? {
        None => Ok(()),
        Some(byte) => Err(DecodeError::malformed(
            Some(input.offset),
            format!(
                "the JSON value ends, but {} follows at byte {}",
                shown(byte),
                input.offset
            ),
        )),
    }
}

/// Returns the error for HTML or XML. The outer error is the source's.
fn markup(input: &mut ChunkReader, options: &Options) -> Result<DecodeError, DecodeError> {
    let offset = input.offset;
    let mut page = Vec::new();
    while page.len() < server_message::MAX_READ as usize {
        page.extend_from_slice(input.available());
        input.consume(input.available().len());
        if !input.fill()? {
            break;
        }
    }
    page.truncate(server_message::MAX_READ as usize);
    let is_page = server_message::is_web_page(&page);
    let what = match is_page {
        true => "a web page",
        false => "markup",
    };
    let hint = match options.names_file || !is_page {
        true if !input.is_utf16 => HINT,
        _ => "",
    };
    Ok(DecodeError::Malformed {
        offset: Some(offset),
        message: format!("the server sent {what}, not a file{hint}"),
        cut_short: false,
        is_empty: false,
        answer: Some(page).filter(|_| is_page && !options.names_file),
    })
}

fn cut_short(input: &ChunkReader, place: &str) -> DecodeError {
    let offset = input.offset + input.available().len() as u64;
    DecodeError::Malformed {
        offset: Some(offset),
        message: format!("the body is cut short: it ends at byte {offset}, {place}"),
        cut_short: true,
        is_empty: false,
        answer: None,
    }
}
