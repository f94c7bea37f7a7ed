//! Decodes a `FileResponse`: a JSON object whose `Content` is the base64 text.
//!
//! The object is read as a stream. Besides the content only the name is stored; everything
//! else is checked to be valid JSON and skipped.

use super::chunks::ChunkReader;
use super::detect;
use super::{DecodeError, Options, cut_short, describe_byte, end_of_json};
use crate::text::{is_whitespace, json, server_message};

/// The maximum length of an object without its content, in bytes.
pub(super) const MAX_FRAME_LEN: usize = 1024 * 1024;

/// The maximum nesting depth of values in the object.
const MAX_DEPTH: usize = 128;

/// The maximum length of a key that is compared, in bytes, with its escapes.
const MAX_KEY_LEN: usize = 64;

/// The maximum length of a `FileName`, in bytes, with its escapes. A longer one is ignored.
const MAX_NAME_LEN: usize = 64 * 1024;

/// A `FileResponse` whose content is being decoded.
pub(super) struct FileResponse {
    frame: Frame,
    /// Why the content is not a file unless it has a name.
    doubt: Option<DecodeError>,
}

impl FileResponse {
    /// Reads the object at the start of `input` up to its content, after the opening quote. An
    /// object without content is an error.
    pub(super) fn begin(input: &mut ChunkReader, options: &Options) -> Result<Self, DecodeError> {
        let mut frame = Frame {
            head: Some(Vec::new()),
            ..Frame::default()
        };
        let mut object = Object {
            input,
            frame: &mut frame,
        };
        object.expect(b'{')?;
        if object.content_follows()? {
            frame.head = None;
            let doubt = why_not_content(input, options)?;
            return Ok(Self { frame, doubt });
        }
        end_of_json(input)?;
        let is_error = |body: &[u8]| {
            server_message::known_message(body).is_some()
                || server_message::rate_limit_reset(body).is_some()
        };
        Err(DecodeError::Malformed {
            offset: None,
            message: "the server sent a JSON object without a file in it".into(),
            cut_short: false,
            is_empty: frame.has_null_content,
            error_body: frame.head.filter(|body| is_error(body)),
        })
    }

    /// Returns the `FileName` as far as the object was read.
    pub(super) fn file_name(&self) -> Option<&str> {
        self.frame.name.as_deref()
    }

    /// Returns whether only the rest of the object shows that the content, which is short, is a
    /// file.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubt.is_some()
    }

    /// Returns the error for content that is not base64.
    pub(super) fn content_error(&mut self, error: DecodeError) -> DecodeError {
        match error {
            DecodeError::Malformed { .. } => self.doubt.take().unwrap_or(error),
            error => error,
        }
    }

    /// Reads the rest of the object, after the closing quote of its content. `is_named` says that a
    /// header names the file.
    pub(super) fn finish(
        &mut self,
        input: &mut ChunkReader,
        is_named: bool,
    ) -> Result<(), DecodeError> {
        let mut object = Object {
            input,
            frame: &mut self.frame,
        };
        if object.content_follows()? {
            let message = "the JSON object has more than one Content";
            return Err(DecodeError::malformed(None, message.into()));
        }
        end_of_json(input)?;
        let has_name = |name: &str| !name.trim().is_empty();
        match self.doubt.take() {
            Some(error) if !is_named && !self.file_name().is_some_and(has_name) => Err(error),
            _ => Ok(()),
        }
    }
}

/// Returns why short content at the start of `input` is not a file unless it has a name.
fn why_not_content(
    input: &mut ChunkReader,
    options: &Options,
) -> Result<Option<DecodeError>, DecodeError> {
    let ahead = input.ahead(detect::MAX_SHORT)?;
    // What else has arrived must not matter.
    let ahead = &ahead[..ahead.len().min(detect::MAX_SHORT)];
    let end = ahead.iter().position(|&byte| byte == b'"');
    let short = end.map(|end| [b"\"", &ahead[..=end]].concat());
    Ok(short.and_then(|short| detect::why_not_a_file(&short, options)))
}

/// What is known of the object besides its content.
#[derive(Default)]
struct Frame {
    name: Option<String>,
    /// Whether a `Content` is null.
    has_null_content: bool,
    /// Whether a field was read.
    has_fields: bool,
    /// How many bytes were read, without the content.
    length: usize,
    /// What was read so far; `None` once the content was found, or once it is longer than an
    /// error object.
    head: Option<Vec<u8>>,
}

/// A parser of the object.
struct Object<'r, 'a> {
    input: &'r mut ChunkReader<'a>,
    frame: &'r mut Frame,
}

impl Object<'_, '_> {
    /// Reads fields up to the next `Content` that is a string, after its opening quote. Returns
    /// `false` at the end of the object.
    fn content_follows(&mut self) -> Result<bool, DecodeError> {
        while self.field_follows()? {
            self.expect(b'"')?;
            let key = self.string(MAX_KEY_LEN)?;
            let is_key = |wanted: &str| {
                key.as_ref()
                    .is_some_and(|key| key.eq_ignore_ascii_case(wanted))
            };
            self.after_whitespace()?;
            self.expect(b':')?;
            let first = self.after_whitespace()?;
            if is_key("Content") && first == b'"' {
                self.expect(b'"')?;
                return Ok(true);
            }
            if is_key("FileName") && first == b'"' && self.frame.name.is_none() {
                self.expect(b'"')?;
                self.frame.name = self.string(MAX_NAME_LEN)?;
            } else {
                self.frame.has_null_content |= is_key("Content") && first == b'n';
                self.skip_value(1)?;
            }
        }
        Ok(false)
    }

    /// Reads up to the next key. Returns `false` at the end of the object.
    fn field_follows(&mut self) -> Result<bool, DecodeError> {
        let is_first = !std::mem::replace(&mut self.frame.has_fields, true);
        match self.after_whitespace()? {
            b'}' => self.expect(b'}').map(|()| false),
            b',' if !is_first => {
                self.expect(b',')?;
                match self.after_whitespace()? {
                    byte @ b'}' => Err(self.unexpected(byte)),
                    _ => Ok(true),
                }
            }
            _ if is_first => Ok(true),
            byte => Err(self.unexpected(byte)),
        }
    }

    /// Skips a value at nesting depth `depth`.
    fn skip_value(&mut self, depth: usize) -> Result<(), DecodeError> {
        if depth > MAX_DEPTH {
            return Err(DecodeError::malformed(
                Some(self.input.offset()),
                format!("the JSON object is nested more than {MAX_DEPTH} deep"),
            ));
        }
        match self.after_whitespace()? {
            b'"' => {
                self.expect(b'"')?;
                self.string(0).map(drop)
            }
            b'{' => self.skip_list(b'}', |object| {
                object.expect(b'"')?;
                object.string(0)?;
                object.after_whitespace()?;
                object.expect(b':')?;
                object.skip_value(depth + 1)
            }),
            b'[' => self.skip_list(b']', |object| object.skip_value(depth + 1)),
            b't' => self.skip_literal("true"),
            b'f' => self.skip_literal("false"),
            b'n' => self.skip_literal("null"),
            _ => self.skip_number(),
        }
    }

    /// Skips an object or an array up to and including `close`. `item` skips one item.
    fn skip_list(
        &mut self,
        close: u8,
        mut item: impl FnMut(&mut Self) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        self.next()?;
        if self.after_whitespace()? != close {
            loop {
                self.after_whitespace()?;
                item(self)?;
                if self.after_whitespace()? != b',' {
                    break;
                }
                self.expect(b',')?;
            }
        }
        self.expect(close)
    }

    /// Skips `true`, `false` or `null`.
    fn skip_literal(&mut self, literal: &str) -> Result<(), DecodeError> {
        literal.bytes().try_for_each(|byte| self.expect(byte))
    }

    /// Skips a number (RFC 8259 section 6).
    fn skip_number(&mut self) -> Result<(), DecodeError> {
        if self.peek()? == b'-' {
            self.next()?;
        }
        match self.peek()? {
            b'0' => self.next().map(drop)?,
            _ => self.skip_digits()?,
        }
        if self.peek()? == b'.' {
            self.next()?;
            self.skip_digits()?;
        }
        if matches!(self.peek()?, b'e' | b'E') {
            self.next()?;
            if matches!(self.peek()?, b'+' | b'-') {
                self.next()?;
            }
            self.skip_digits()?;
        }
        Ok(())
    }

    /// Skips one or more digits.
    fn skip_digits(&mut self) -> Result<(), DecodeError> {
        let first = self.peek()?;
        if !first.is_ascii_digit() {
            return Err(self.unexpected(first));
        }
        while self.peek()?.is_ascii_digit() {
            self.next()?;
        }
        Ok(())
    }

    /// Reads a string after its opening quote. Returns its text, or `None` if it is longer than
    /// `max` bytes with its escapes.
    fn string(&mut self, max: usize) -> Result<Option<String>, DecodeError> {
        let mut bytes = Vec::new();
        loop {
            let byte = self.peek_in("in the middle of a JSON string")?;
            match byte {
                0..b' ' => return Err(self.unexpected(byte)),
                b'"' => break,
                b'\\' => {
                    self.next_into(&mut bytes, max)?;
                    let escaped = self.peek_in("in the middle of a JSON string")?;
                    if !matches!(
                        escaped,
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'u'
                    ) {
                        return Err(self.unexpected(escaped));
                    }
                    self.next_into(&mut bytes, max)?;
                    for _ in 0..4 * usize::from(escaped == b'u') {
                        let digit = self.peek_in("in the middle of a JSON string")?;
                        if !digit.is_ascii_hexdigit() {
                            return Err(self.unexpected(digit));
                        }
                        self.next_into(&mut bytes, max)?;
                    }
                }
                _ => self.next_into(&mut bytes, max)?,
            }
        }
        self.next()?;
        let is_whole = bytes.len() <= max;
        Ok(is_whole.then(|| json::unescaped(&String::from_utf8_lossy(&bytes), usize::MAX)))
    }

    /// Reads a byte of a string into `bytes`, unless those are too long already.
    fn next_into(&mut self, bytes: &mut Vec<u8>, max: usize) -> Result<(), DecodeError> {
        let byte = self.next()?;
        if bytes.len() <= max {
            bytes.push(byte);
        }
        Ok(())
    }

    /// Skips whitespace. Returns the byte after it without consuming that.
    fn after_whitespace(&mut self) -> Result<u8, DecodeError> {
        loop {
            match self.peek()? {
                byte if is_whitespace(byte) => self.next()?,
                byte => return Ok(byte),
            };
        }
    }

    /// Returns the next byte without consuming it.
    fn peek(&mut self) -> Result<u8, DecodeError> {
        self.peek_in("in the middle of a JSON object")
    }

    /// Returns the next byte without consuming it. `place` is for the error if the body ends.
    fn peek_in(&mut self, place: &str) -> Result<u8, DecodeError> {
        match self.input.peek()? {
            Some(byte) => Ok(byte),
            None => Err(cut_short(self.input, place)),
        }
    }

    /// Consumes and returns the next byte.
    fn next(&mut self) -> Result<u8, DecodeError> {
        let byte = self.peek()?;
        self.input.consume(1);
        self.frame.length += 1;
        if self.frame.length > MAX_FRAME_LEN {
            return Err(DecodeError::malformed(
                Some(self.input.offset()),
                format!("the JSON object has more than {MAX_FRAME_LEN} bytes besides its Content"),
            ));
        }
        if let Some(head) = &mut self.frame.head {
            head.push(byte);
            if head.len() as u64 > server_message::MAX_READ {
                self.frame.head = None;
            }
        }
        Ok(byte)
    }

    /// Consumes the next byte, which must be `wanted`.
    fn expect(&mut self, wanted: u8) -> Result<(), DecodeError> {
        match self.peek()? {
            byte if byte == wanted => self.next().map(drop),
            byte => Err(self.unexpected(byte)),
        }
    }

    /// Returns the error for a byte that JSON does not allow here.
    fn unexpected(&self, byte: u8) -> DecodeError {
        let offset = self.input.offset();
        DecodeError::malformed(
            Some(offset),
            format!(
                "the body is not valid JSON: {} at byte {offset}",
                describe_byte(byte)
            ),
        )
    }
}
