//! Decodes the body of a response into the bytes of the output file, as a stream.
//!
//! A body has one of four forms: base64 text, base64 in a JSON string, base64 in a
//! `FileResponse` object, or the file's own bytes. `"` and `{` are not in the base64 alphabet,
//! so the first byte that is not whitespace tells the first three forms apart. The fourth form
//! must be selected, or guessed with [`BodyEncoding::Auto`]. Text is decoded chunk by chunk
//! directly into the sink and is never in memory as a whole.

mod base64;
mod base64_copy;
mod base64_lines;
mod chunks;
mod detect;
mod error;
mod file_response;
mod guess;
mod markup;
#[cfg(any(test, feature = "_fuzz"))]
pub(crate) mod properties;
mod sink;
#[cfg(test)]
mod tests;
mod utf16;

use std::io::Read;

use encoding_rs::Encoding;

use base64::{Base64, Base64Error, TextForm};
use chunks::{ChunkReader, Chunks};
pub(crate) use detect::is_json;
pub(crate) use error::DecodeError;
use error::describe_byte;
use file_response::FileResponse;
pub(crate) use sink::Sink;
use utf16::{Utf16, Utf16Reader};

/// How the response body contains the output file.
///
/// A server or a proxy may send a response with status 200 whose body is not a file. If no
/// header names a file, the following bodies are errors:
///
/// - an empty body and JSON `null`, with every encoding;
/// - a number, `true` or `false`, and a word or sentence that servers use for errors, such as
///   `Unauthorized`, where base64 is expected. Some of these are valid base64 by chance.
///
/// If the content type is that of a file, such as `text/csv`, a number is a file, and so is a
/// word that servers do not use for errors.
///
/// # Examples
///
/// ```
/// use sellercloud_output::{BodyEncoding, Client};
///
/// let builder = Client::builder("tt").token("the-bearer-token");
/// let client = builder.body_encoding(BodyEncoding::Raw).build()?;
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum BodyEncoding {
    /// Base64 (RFC 4648 section 4): as plain text, as a JSON string, or as the `Content` of a
    /// JSON object. The first byte of the body decides which.
    ///
    /// Text in UTF-16 is converted. Tabs, line breaks, and spaces at the beginning or end of a
    /// line are ignored. A space elsewhere is an error, because it most likely was a `+`. If
    /// lines begin or end with spaces, all lines except the last must have the same length.
    /// Padding is required, and the unused bits must be zero.
    #[default]
    Base64,
    /// The body is the file, byte for byte. Only the length is checked.
    Raw,
    /// Base64 if the first 64 KiB of the body can be base64; otherwise raw.
    ///
    /// This is a guess: a raw file of letters and digits only may be decoded as base64. Two
    /// kinds of body are errors: one that begins as base64 and continues as something else,
    /// and one that consists of base64 characters and whitespace only, with 64 or more
    /// characters in a row, but is not valid base64. Such a body is cut short, or a `+` in it
    /// became a space.
    Auto,
}

/// What is known about the body before it is read.
pub(crate) struct Options<'a> {
    /// The expected encoding.
    pub(crate) encoding: BodyEncoding,
    /// The maximum number of decoded bytes.
    pub(crate) limit: u64,
    /// The value of the Content-Type header.
    pub(crate) content_type: Option<&'a str>,
    /// Whether a header names a file, so that the body certainly is one.
    pub(crate) names_file: bool,
}

/// What the decoder found out about the body besides its bytes.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Decoded {
    /// The `FileName` of a `FileResponse`.
    pub(crate) file_name: Option<String>,
    /// Whether the body was the file itself, so that the content type of the response is that
    /// of the file.
    pub(crate) is_raw: bool,
}

/// Decodes the body that `source` returns into `sink`. After an error, the content of the sink
/// is meaningless.
#[cfg(any(test, feature = "_fuzz"))]
pub(crate) fn decode(
    source: &mut dyn Read,
    options: &Options,
    sink: &mut dyn Sink,
) -> Result<Decoded, DecodeError> {
    Decoder::begin(source, options)?.finish(source, sink)
}

/// A decoder of a body. It can pause after each part, and does not keep the source and the sink.
pub(crate) struct Decoder {
    input: Input,
    form: Form,
    /// Decodes the text. Not used if the body is the file.
    base64: Base64,
    limit: u64,
    names_file: bool,
}

/// The form of a body.
enum Form {
    Raw,
    Plain,
    JsonString,
    FileResponse(FileResponse),
}

/// The part of a body that was read ahead.
struct Input {
    chunks: Chunks,
    /// The conversion of a body in UTF-16, and the converted text that was read ahead.
    utf16: Option<(Utf16, Chunks)>,
}

impl Decoder {
    /// Reads as much of the body as shows its form. A body that evidently is not a file is an error.
    pub(crate) fn begin(source: &mut dyn Read, options: &Options) -> Result<Self, DecodeError> {
        let mut chunks = Chunks::new();
        let mut input = ChunkReader {
            source,
            chunks: &mut chunks,
            is_utf16: false,
        };
        let utf16 = match options.encoding {
            BodyEncoding::Raw => None,
            _ => detect::utf16(input.ahead(detect::UTF16_PREFIX_LEN)?, options.content_type),
        };
        let is_raw = match options.encoding {
            BodyEncoding::Base64 => false,
            BodyEncoding::Raw => true,
            BodyEncoding::Auto => guess::is_raw(&mut input, utf16, options)?,
        };
        if !is_raw {
            return Self::begin_text(source, chunks, utf16, options);
        }
        begin_raw(&mut input, options)?;
        let input = Input {
            chunks,
            utf16: None,
        };
        Ok(Self::new(input, Form::Raw, options))
    }

    /// Reads as much of a text as shows which of the three base64 forms it has.
    fn begin_text(
        source: &mut dyn Read,
        chunks: Chunks,
        utf16: Option<&'static Encoding>,
        options: &Options,
    ) -> Result<Self, DecodeError> {
        let mut input = Input {
            chunks,
            utf16: utf16.map(|encoding| (Utf16::new(encoding), Chunks::new())),
        };
        let mut is_after_space = false;
        let form = input.read(source, |input| {
            let form = begin_text(input, options)?;
            is_after_space = input.is_after_space();
            Ok(form)
        })?;
        let mut decoder = Self::new(input, form, options);
        if is_after_space && matches!(decoder.form, Form::Plain) {
            decoder.base64.begin_after_space();
        }
        Ok(decoder)
    }

    fn new(input: Input, form: Form, options: &Options) -> Self {
        Self {
            input,
            form,
            base64: Base64::new(options.limit),
            limit: options.limit,
            names_file: options.names_file,
        }
    }

    /// Returns whether the body is the file itself, so that the length and the content type of the
    /// response are those of the file.
    pub(crate) fn is_raw(&self) -> bool {
        matches!(self.form, Form::Raw)
    }

    /// Returns the `FileName` of a `FileResponse`, as far as the body was read.
    pub(crate) fn file_name(&self) -> Option<&str> {
        match &self.form {
            Form::FileResponse(response) => response.file_name(),
            _ => None,
        }
    }

    /// Returns whether only the rest of the body, which is short, shows that it contains a file.
    pub(crate) fn is_doubtful(&self) -> bool {
        matches!(&self.form, Form::FileResponse(response) if response.is_doubtful())
    }

    /// Decodes a part of the body into `sink`, which may be none of the file's bytes. Returns `false`
    /// at the end of the body. After an error or the end the decoder must not be used any more.
    ///
    /// It does not wait for more of the body if it has decoded bytes, except at the end of the file.
    pub(crate) fn decode_part(
        &mut self,
        source: &mut dyn Read,
        sink: &mut dyn Sink,
    ) -> Result<bool, DecodeError> {
        let (base64, limit, is_named) = (&mut self.base64, self.limit, self.names_file);
        let form = &mut self.form;
        self.input.read(source, |input| match form {
            Form::Raw => copy_part(input, limit, sink),
            Form::Plain => decode_part(input, base64, TextForm::Plain, sink).map_err(|error| {
                match input.is_utf16 {
                    true => error,
                    false => with_hint(error),
                }
            }),
            Form::JsonString => match decode_part(input, base64, TextForm::JsonString, sink)? {
                true => Ok(true),
                false => end_of_json(input).map(|()| false),
            },
            Form::FileResponse(response) => {
                match decode_part(input, base64, TextForm::JsonString, sink) {
                    Ok(true) => Ok(true),
                    Ok(false) => response.finish(input, is_named).map(|()| false),
                    Err(error) => Err(response.content_error(error)),
                }
            }
        })
    }

    /// Decodes the rest of the body into `sink`.
    pub(crate) fn finish(
        mut self,
        source: &mut dyn Read,
        sink: &mut dyn Sink,
    ) -> Result<Decoded, DecodeError> {
        while self.decode_part(source, sink)? {}
        Ok(Decoded {
            file_name: self.file_name().map(str::to_owned),
            is_raw: self.is_raw(),
        })
    }
}

impl Input {
    /// Reads from the body, or from the text that it is converted to.
    fn read<T>(
        &mut self,
        source: &mut dyn Read,
        read: impl FnOnce(&mut ChunkReader) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let mut input = ChunkReader {
            source,
            chunks: &mut self.chunks,
            is_utf16: false,
        };
        let Some((state, chunks)) = &mut self.utf16 else {
            return read(&mut input);
        };
        let mut input = ChunkReader {
            source: &mut Utf16Reader {
                source: &mut input,
                state,
            },
            chunks,
            is_utf16: true,
        };
        read(&mut input).map_err(|error| match error {
            DecodeError::Malformed {
                message,
                cut_short,
                is_empty,
                error_body,
                ..
            } => DecodeError::Malformed {
                // It is a position in the converted text, not in the body.
                offset: None,
                message: format!("{message} (counted in UTF-8; the body is UTF-16 text)"),
                cut_short,
                is_empty,
                error_body,
            },
            error => error,
        })
    }
}

/// Returns an error if a raw body is not a file.
fn begin_raw(input: &mut ChunkReader, options: &Options) -> Result<(), DecodeError> {
    let short = input.ahead(detect::MAX_SHORT)?;
    if short.len() >= detect::MAX_SHORT {
        return Ok(());
    }
    let is_nothing = short.is_empty() || detect::is_json_null(short, options);
    match detect::why_not_a_file(short, options) {
        Some(error) if is_nothing && !options.names_file => Err(error),
        _ => Ok(()),
    }
}

/// Copies a part of the body unchanged. Returns `false` at the end of the body.
fn copy_part(
    input: &mut ChunkReader,
    limit: u64,
    sink: &mut dyn Sink,
) -> Result<bool, DecodeError> {
    if input.available().is_empty() && !input.fill()? {
        return Ok(false);
    }
    let bytes = input.available();
    let length = bytes.len();
    if input.offset() + length as u64 > limit {
        return Err(DecodeError::TooLarge);
    }
    let output = sink.spare_capacity_mut(length).map_err(DecodeError::Sink)?;
    output[..length].copy_from_slice(bytes);
    sink.advance(length).map_err(DecodeError::Sink)?;
    input.consume(length);
    Ok(true)
}

/// The byte order mark in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads as much of a text as shows its form: for a `FileResponse`, up to its content.
fn begin_text(input: &mut ChunkReader, options: &Options) -> Result<Form, DecodeError> {
    if input
        .ahead(BYTE_ORDER_MARK.len())?
        .starts_with(BYTE_ORDER_MARK)
    {
        input.consume(BYTE_ORDER_MARK.len());
    }
    let start = input.after_whitespace()?;
    let short = input.ahead(detect::MAX_SHORT)?;
    if short.len() < detect::MAX_SHORT && !matches!(start, Some(b'<' | b'{' | b'[')) {
        let is_file = options.names_file && !detect::is_json_null(short, options);
        if let Some(error) = detect::why_not_a_file(short, options).filter(|_| !is_file) {
            return Err(error);
        }
    }
    match start {
        Some(b'"') => {
            input.consume(1);
            Ok(Form::JsonString)
        }
        Some(b'{') => FileResponse::begin(input, options).map(Form::FileResponse),
        Some(b'<') if markup::is_markup(input.ahead(2)?) => Err(markup::error(input, options)?),
        _ => Ok(Form::Plain),
    }
}

/// A body that is invalid base64 within this many bytes most likely is a raw file.
const HINT_WINDOW: u64 = 200;

/// The advice for a body that may be a raw file.
const RAW_HINT: &str = " (if the server sends raw files, set the body encoding to raw)";

/// Adds [`RAW_HINT`] to an error near the beginning of the body.
fn with_hint(error: DecodeError) -> DecodeError {
    match error {
        DecodeError::Malformed {
            offset: Some(offset),
            message,
            cut_short,
            is_empty,
            error_body,
        } if offset < HINT_WINDOW => DecodeError::Malformed {
            offset: Some(offset),
            message: message + RAW_HINT,
            cut_short,
            is_empty,
            error_body,
        },
        error => error,
    }
}

/// Decodes a part of base64. Returns `false` at its end: the end of the body, or the closing quote
/// of a JSON string, which is consumed.
fn decode_part(
    input: &mut ChunkReader,
    base64: &mut Base64,
    form: TextForm,
    sink: &mut dyn Sink,
) -> Result<bool, DecodeError> {
    let step = base64
        .decode(input.available(), form, input.at_end(), sink)
        .map_err(|error| base64_error(error, input.offset()))?;
    input.consume(step.consumed);
    if !step.is_complete {
        if step.consumed > 0 {
            return Ok(true);
        }
        if !input.at_end() {
            input.fill()?;
            return Ok(true);
        }
        if form == TextForm::JsonString {
            return Err(cut_short(input, "in the middle of a JSON string"));
        }
    }
    base64
        .check_last_line()
        .map_err(|error| base64_error(error, input.offset()))?;
    match base64.incomplete_group() {
        None => Ok(false),
        Some(at) if base64.is_padded() || form == TextForm::JsonString => {
            let what = if base64.is_padded() {
                "data after the padding"
            } else {
                "an incomplete group of four characters"
            };
            let what = what.into();
            Err(base64_error(
                Base64Error::Invalid { at, what },
                input.offset(),
            ))
        }
        Some(_) => Err(cut_short(input, "within a group of four base64 characters")),
    }
}

/// Converts an error in the chunk that starts `start` bytes from the start of the body.
fn base64_error(error: Base64Error, start: u64) -> DecodeError {
    match error {
        Base64Error::Invalid { at, what } => {
            let offset = start.saturating_add_signed(at as i64);
            DecodeError::malformed(
                Some(offset),
                format!("the body is not valid base64: {what} at byte {offset}"),
            )
        }
        Base64Error::TooLarge => DecodeError::TooLarge,
        Base64Error::Sink(error) => DecodeError::Sink(error),
    }
}

/// Returns an error if anything but whitespace follows a JSON value.
fn end_of_json(input: &mut ChunkReader) -> Result<(), DecodeError> {
    match input.after_whitespace()? {
        None => Ok(()),
        Some(byte) => Err(DecodeError::malformed(
            Some(input.offset()),
            format!(
                "the JSON value ends, but {} follows at byte {}",
                describe_byte(byte),
                input.offset()
            ),
        )),
    }
}

/// Returns the error for a body that ends too early. `place` says in the middle of what.
fn cut_short(input: &ChunkReader, place: &str) -> DecodeError {
    let offset = input.offset() + input.available().len() as u64;
    DecodeError::Malformed {
        offset: Some(offset),
        message: format!("the body is cut short: it ends at byte {offset}, {place}"),
        cut_short: true,
        is_empty: false,
        error_body: None,
    }
}
