//! Decodes a `FileResponse`: a JSON object whose `Content` is the base64 text.
//!
//! The object is read as a stream. Besides the content only the name is stored; everything
//! else is checked to be valid JSON and skipped.

use super::base64::{Base64, TextForm};
use super::chunks::ChunkReader;
use super::detect;
use super::{DecodeError, Options, cut_short, decode_base64, describe_byte, end_of_json};
use crate::text::{is_whitespace, json, server_message};

/// The maximum length of an object without its content, in bytes.
pub(super) const MAX_FRAME_LEN: usize = 1024 * 1024;

/// The maximum nesting depth of values in the object.
const MAX_DEPTH: usize = 128;

/// The maximum length of a key that is compared, in bytes, with its escapes.
const MAX_KEY_LEN: usize = 64;

/// The maximum length of a `FileName`, in bytes, with its escapes. A longer one is ignored.
const MAX_NAME_LEN: usize = 64 * 1024;

/// Decodes the `Content` of the object at the start of `input`. Returns the `FileName`, if
/// there is one.
pub(super) fn decode(
    input: &mut ChunkReader,
    options: &Options,
    base64: &mut Base64,
) -> Result<Option<String>, DecodeError> {
    let mut object = Object {
        input,
        length: 0,
        head: Some(Vec::new()),
    };
    let fields = object.fields(options, base64)?;
    let head = object.head.take();
    end_of_json(input)?;
    let is_named = options.names_file
        || fields
            .name
            .as_deref()
            .is_some_and(|name| !name.trim().is_empty());
    match fields.content {
        Content::Decoded { doubt: None } => Ok(fields.name),
        Content::Decoded { doubt: Some(_) } if is_named => Ok(fields.name),
        Content::Decoded { doubt: Some(error) } => Err(error),
        Content::Null | Content::Missing => {
            let is_error = |body: &[u8]| {
                server_message::known_message(body).is_some()
                    || server_message::rate_limit_reset(body).is_some()
            };
            Err(DecodeError::Malformed {
                offset: None,
                message: "the server sent a JSON object without a file in it".into(),
                cut_short: false,
                is_empty: matches!(fields.content, Content::Null),
                error_body: head.filter(|body| is_error(body)),
            })
        }
    }
}

/// The known fields of the object.
struct Fields {
    name: Option<String>,
    content: Content,
}

/// The state of the `Content` field.
enum Content {
    /// There is none, or it is neither a string nor null.
    Missing,
    /// It is null.
    Null,
    /// It was decoded.
    Decoded {
        /// Why it is not a file unless it has a name.
        doubt: Option<DecodeError>,
    },
}

/// A parser of the object.
struct Object<'r, 'a> {
    input: &'r mut ChunkReader<'a>,
    /// How many bytes were read, without the content.
    length: usize,
    /// What was read so far; `None` once the content was found, or once it is longer than an
    /// error object.
    head: Option<Vec<u8>>,
}

impl Object<'_, '_> {
    /// Reads the object and decodes its content.
    fn fields(&mut self, options: &Options, base64: &mut Base64) -> Result<Fields, DecodeError> {
        let mut fields = Fields {
            name: None,
            content: Content::Missing,
        };
        self.expect(b'{')?;
        let mut byte = self.after_whitespace()?;
        while byte != b'}' {
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
                if matches!(fields.content, Content::Decoded { .. }) {
                    return Err(DecodeError::malformed(
                        None,
                        "the JSON object has more than one Content".into(),
                    ));
                }
                self.expect(b'"')?;
                let doubt = self.content(options, base64)?;
                fields.content = Content::Decoded { doubt };
            } else if is_key("FileName") && first == b'"' && fields.name.is_none() {
                self.expect(b'"')?;
                fields.name = self.string(MAX_NAME_LEN)?;
            } else {
                if is_key("Content") && first == b'n' && matches!(fields.content, Content::Missing)
                {
                    fields.content = Content::Null;
                }
                self.skip_value(1)?;
            }
            byte = self.after_whitespace()?;
            if byte == b',' {
                self.expect(b',')?;
                byte = self.after_whitespace()?;
                if byte == b'}' {
                    return Err(self.unexpected(byte));
                }
            } else if byte != b'}' {
                return Err(self.unexpected(byte));
            }
        }
        self.expect(b'}')?;
        Ok(fields)
    }

    /// Decodes the content after its opening quote. Returns why it is not a file unless it has
    /// a name.
    fn content(
        &mut self,
        options: &Options,
        base64: &mut Base64,
    ) -> Result<Option<DecodeError>, DecodeError> {
        self.head = None;
        let ahead = self.input.ahead(detect::MAX_SHORT)?;
        let end = ahead.iter().position(|&byte| byte == b'"');
        let short = end.map(|end| [b"\"", &ahead[..=end]].concat());
        let doubt = short.and_then(|short| detect::why_not_a_file(&short, options));
        match decode_base64(self.input, base64, TextForm::JsonString) {
            Ok(()) => Ok(doubt),
            Err(error @ DecodeError::Malformed { .. }) => Err(doubt.unwrap_or(error)),
            Err(error) => Err(error),
        }
    }

    /// Skips a value at nesting depth `depth`.
    fn skip_value(&mut self, depth: usize) -> Result<(), DecodeError> {
        if depth > MAX_DEPTH {
            return Err(DecodeError::malformed(
                Some(self.input.offset),
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
        self.length += 1;
        if self.length > MAX_FRAME_LEN {
            return Err(DecodeError::malformed(
                Some(self.input.offset),
                format!("the JSON object has more than {MAX_FRAME_LEN} bytes besides its Content"),
            ));
        }
        if let Some(head) = &mut self.head {
            head.push(byte);
            if head.len() as u64 > server_message::MAX_READ {
                self.head = None;
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
        let offset = self.input.offset;
        DecodeError::malformed(
            Some(offset),
            format!(
                "the body is not valid JSON: {} at byte {offset}",
                describe_byte(byte)
            ),
        )
    }
}
