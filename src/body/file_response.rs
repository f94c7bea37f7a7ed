//! A `FileResponse`: a JSON object around the base64 text.
//!
//! The object is read as it streams by. Of all that is not the content only the name is kept;
//! the rest is checked to be JSON and skipped.

use super::base64::{Base64, Text, shown};
use super::chunks::ChunkReader;
use super::detect;
use super::{DecodeError, Options, content, cut_short, end_of_json};
use crate::text::{is_whitespace, json, server_message};

/// How much an object may hold besides its content, in bytes.
pub(super) const MAX_FRAME: usize = 1024 * 1024;

/// How deep values in the object may be nested.
const MAX_DEPTH: usize = 128;

/// The maximum length of a key that is compared, in bytes as they stand in the text.
const MAX_KEY: usize = 64;

/// The maximum length of a `FileName`, likewise. A longer one is no name.
const MAX_NAME: usize = 64 * 1024;

/// Decodes the `Content` of the object that `input` begins with. Returns the `FileName`, if
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
        Content::File { evidence: None } => Ok(fields.name),
        Content::File { evidence: Some(_) } if is_named => Ok(fields.name),
        Content::File {
            evidence: Some(error),
        } => Err(error),
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
                answer: head.filter(|body| is_error(body)),
            })
        }
    }
}

/// The fields of the object that count.
struct Fields {
    name: Option<String>,
    content: Content,
}

enum Content {
    Missing,
    Null,
    /// It was decoded.
    File {
        /// Why it is no file, unless a name says that it is one.
        evidence: Option<DecodeError>,
    },
}

/// The object on its way.
struct Object<'r, 'a> {
    input: &'r mut ChunkReader<'a>,
    /// How many bytes were read, besides the content.
    length: usize,
    /// What was read so far, unless that is a content, or longer than error objects are.
    head: Option<Vec<u8>>,
}

impl Object<'_, '_> {
    fn fields(&mut self, options: &Options, base64: &mut Base64) -> Result<Fields, DecodeError> {
        let mut fields = Fields {
            name: None,
            content: Content::Missing,
        };
        self.expect(b'{')?;
        let mut byte = self.after_whitespace()?;
        while byte != b'}' {
            self.expect(b'"')?;
            let key = self.string(MAX_KEY)?;
            let is_key = |wanted: &str| {
                key.as_ref()
                    .is_some_and(|key| key.eq_ignore_ascii_case(wanted))
            };
            self.after_whitespace()?;
            self.expect(b':')?;
            let first = self.after_whitespace()?;
            if is_key("Content") && first == b'"' {
                if matches!(fields.content, Content::File { .. }) {
                    return Err(DecodeError::malformed(
                        None,
                        "the JSON object has more than one Content".into(),
                    ));
                }
                self.expect(b'"')?;
                let evidence = self.content(options, base64)?;
                fields.content = Content::File { evidence };
            } else if is_key("FileName") && first == b'"' && fields.name.is_none() {
                self.expect(b'"')?;
                fields.name = self.string(MAX_NAME)?;
            } else {
                if is_key("Content") && first == b'n' && matches!(fields.content, Content::Missing)
                {
                    fields.content = Content::Null;
                }
                self.value(1)?;
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

    /// Decodes the content, of which the opening quote was read. Returns why it is no file,
    /// unless a name says that it is one.
    fn content(
        &mut self,
        options: &Options,
        base64: &mut Base64,
    ) -> Result<Option<DecodeError>, DecodeError> {
        self.head = None;
        let ahead = self.input.ahead(detect::MAX_SHORT)?;
        let end = ahead.iter().position(|&byte| byte == b'"');
        let short = end.map(|end| [b"\"", &ahead[..=end]].concat());
        let evidence = short.and_then(|short| detect::no_file(&short, options));
        match content(self.input, base64, Text::JsonString) {
            Ok(()) => Ok(evidence),
            Err(error @ DecodeError::Malformed { .. }) => Err(evidence.unwrap_or(error)),
            Err(error) => Err(error),
        }
    }

    /// Skips a value, which is nested so deep.
    fn value(&mut self, depth: usize) -> Result<(), DecodeError> {
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
            b'{' => self.list(b'}', |object| {
                object.expect(b'"')?;
                object.string(0)?;
                object.after_whitespace()?;
                object.expect(b':')?;
                object.value(depth + 1)
            }),
            b'[' => self.list(b']', |object| object.value(depth + 1)),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => self.number(),
        }
    }

    /// Skips an object or an array, the items of which `item` skips.
    fn list(
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

    fn literal(&mut self, literal: &str) -> Result<(), DecodeError> {
        literal.bytes().try_for_each(|byte| self.expect(byte))
    }

    /// Skips a number (RFC 8259 section 6).
    fn number(&mut self) -> Result<(), DecodeError> {
        if self.peek()? == b'-' {
            self.next()?;
        }
        match self.peek()? {
            b'0' => self.next().map(drop)?,
            _ => self.digits()?,
        }
        if self.peek()? == b'.' {
            self.next()?;
            self.digits()?;
        }
        if matches!(self.peek()?, b'e' | b'E') {
            self.next()?;
            if matches!(self.peek()?, b'+' | b'-') {
                self.next()?;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Skips digits, of which there must be one.
    fn digits(&mut self) -> Result<(), DecodeError> {
        let first = self.peek()?;
        if !first.is_ascii_digit() {
            return Err(self.unexpected(first));
        }
        while self.peek()?.is_ascii_digit() {
            self.next()?;
        }
        Ok(())
    }

    /// Reads a string, of which the opening quote was read. Returns its text if that is not
    /// longer than `max` bytes, as they stand.
    fn string(&mut self, max: usize) -> Result<Option<String>, DecodeError> {
        let mut bytes = Vec::new();
        loop {
            let byte = self.peek_in("in the middle of a JSON string")?;
            match byte {
                0..b' ' => return Err(self.unexpected(byte)),
                b'"' => break,
                b'\\' => {
                    self.keep(&mut bytes, max)?;
                    let escaped = self.peek_in("in the middle of a JSON string")?;
                    if !matches!(
                        escaped,
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'u'
                    ) {
                        return Err(self.unexpected(escaped));
                    }
                    self.keep(&mut bytes, max)?;
                    for _ in 0..4 * usize::from(escaped == b'u') {
                        let digit = self.peek_in("in the middle of a JSON string")?;
                        if !digit.is_ascii_hexdigit() {
                            return Err(self.unexpected(digit));
                        }
                        self.keep(&mut bytes, max)?;
                    }
                }
                _ => self.keep(&mut bytes, max)?,
            }
        }
        self.next()?;
        let is_whole = bytes.len() <= max;
        Ok(is_whole.then(|| json::unescaped(&String::from_utf8_lossy(&bytes), usize::MAX)))
    }

    /// Reads a byte of a string, and keeps it unless the string is too long already.
    fn keep(&mut self, bytes: &mut Vec<u8>, max: usize) -> Result<(), DecodeError> {
        let byte = self.next()?;
        if bytes.len() <= max {
            bytes.push(byte);
        }
        Ok(())
    }

    /// Returns the next byte that is not whitespace, which stays.
    fn after_whitespace(&mut self) -> Result<u8, DecodeError> {
        loop {
            match self.peek()? {
                byte if is_whitespace(byte) => self.next()?,
                byte => return Ok(byte),
            };
        }
    }

    /// Returns the next byte, which stays.
    fn peek(&mut self) -> Result<u8, DecodeError> {
        self.peek_in("in the middle of a JSON object")
    }

    fn peek_in(&mut self, place: &str) -> Result<u8, DecodeError> {
        match self.input.peek()? {
            Some(byte) => Ok(byte),
            None => Err(cut_short(self.input, place)),
        }
    }

    fn next(&mut self) -> Result<u8, DecodeError> {
        let byte = self.peek()?;
        self.input.consume(1);
        self.length += 1;
        if self.length > MAX_FRAME {
            return Err(DecodeError::malformed(
                Some(self.input.offset),
                format!("the JSON object holds more than {MAX_FRAME} bytes besides its Content"),
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

    fn expect(&mut self, wanted: u8) -> Result<(), DecodeError> {
        match self.peek()? {
            byte if byte == wanted => self.next().map(drop),
            byte => Err(self.unexpected(byte)),
        }
    }

    fn unexpected(&self, byte: u8) -> DecodeError {
        let offset = self.input.offset;
        DecodeError::malformed(
            Some(offset),
            format!(
                "the body is not valid JSON: {} at byte {offset}",
                shown(byte)
            ),
        )
    }
}
