//! The forms of an output file's body, decoded as a stream.
//!
//! A body is base64 text, the same as a JSON string, a `FileResponse` object
//! that holds it, or the file's own bytes. `"` and `{` are not in the base64
//! alphabet, so the first byte that is not blank tells the first three apart;
//! the last one must be asked for. The text is decoded chunk by chunk right
//! into its destination and never held as a whole.

use std::io::{self, Read};

use serde_json::{Map, Value};

use crate::base64_text::{Base64, Fault, Text};
use crate::json;
use crate::server_message;
use crate::sink::Sink;
use crate::text::{CUT, MAX_MESSAGE, one_line};

/// How the server wrote the file into the answer's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BodyEncoding {
    /// Base64 (RFC 4648 section 4): as bare text, as a JSON string, or as the
    /// `Content` of a JSON object; told apart by the first byte. Blanks are
    /// ignored; padding must be there and the unused bits must be zero.
    #[default]
    Base64,
    /// The body is the file, byte for byte. Nothing is checked.
    Raw,
    /// Base64 if the body's first 64 KiB can be that, else raw. A guess: a raw
    /// file of nothing but letters and digits may be taken for base64. A body
    /// that begins as base64 and goes on as something else is an error, never
    /// a mixture.
    Auto,
}

/// What the decoder is told of the body.
pub(crate) struct Options {
    pub(crate) encoding: BodyEncoding,
    /// The most decoded bytes to accept.
    pub(crate) limit: u64,
    /// Whether the answer's content type is JSON.
    pub(crate) is_json: bool,
    /// Whether a header names a file, so that the body surely is one.
    pub(crate) names_file: bool,
}

/// What the decoder learned of the body besides its bytes.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Decoded {
    /// The `FileName` of a `FileResponse`.
    pub(crate) file_name: Option<String>,
    /// Whether the body was the file itself, so that the answer's content type is the file's.
    pub(crate) is_raw: bool,
}

/// Why a body gave no file.
#[derive(Debug)]
pub(crate) enum Error {
    /// It is not in the form expected.
    Malformed {
        /// Bytes from the body's start, where one place is at fault.
        offset: Option<u64>,
        message: String,
        /// It ended before it was complete; what came was in order.
        cut_short: bool,
        /// What came instead of a file, where that is a web page or an object.
        answer: Option<Vec<u8>>,
    },
    /// More bytes than the limit.
    TooLarge,
    /// The body could not be read.
    Source(io::Error),
    /// The sink could not take the bytes.
    Sink(io::Error),
}

/// Decodes the body that `source` reads into `sink`. On an error, what the
/// sink got is worthless.
pub(crate) fn decode(
    source: &mut dyn Read,
    options: &Options,
    sink: &mut dyn Sink,
) -> Result<Decoded, Error> {
    let mut input = Input::new(source);
    let is_raw = match options.encoding {
        BodyEncoding::Base64 => false,
        BodyEncoding::Raw => true,
        BodyEncoding::Auto => guess_is_raw(&mut input, options)?,
    };
    if is_raw {
        copy(&mut input, options.limit, sink)?;
        return Ok(Decoded {
            file_name: None,
            is_raw,
        });
    }
    let file_name = decode_text(&mut input, options, sink)?;
    Ok(Decoded { file_name, is_raw })
}

/// How much of a body decides what it is, where that is to be guessed.
const GUESS_WINDOW: usize = 64 * 1024;

/// Tries the decoder on the body's beginning.
fn guess_is_raw(input: &mut Input, options: &Options) -> Result<bool, Error> {
    struct Nowhere(Vec<u8>);
    impl Sink for Nowhere {
        fn room(&mut self, length: usize) -> io::Result<&mut [u8]> {
            self.0.resize(length, 0);
            Ok(&mut self.0)
        }
        fn commit(&mut self, _: usize) -> io::Result<()> {
            Ok(())
        }
    }

    let is_all = input.ahead(GUESS_WINDOW)?.len() < GUESS_WINDOW;
    let mut window = input.available();
    let is_answer = is_page(window) || serde_json::from_slice::<Map<_, Value>>(window).is_ok();
    let mut trial = Input::new(&mut window);
    match decode_text(&mut trial, options, &mut Nowhere(Vec::new())) {
        Ok(_) => Ok(false),
        Err(Error::Malformed {
            cut_short: true, ..
        }) if !is_all => Ok(false),
        // An error answer is no file, unless a header gives it a file's name.
        Err(error) if is_answer && !options.names_file => Err(error),
        Err(Error::Malformed { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

/// The body as it is.
fn copy(input: &mut Input, limit: u64, sink: &mut dyn Sink) -> Result<(), Error> {
    loop {
        let bytes = input.available();
        let length = bytes.len();
        if input.offset + length as u64 > limit {
            return Err(Error::TooLarge);
        }
        if length > 0 {
            let room = sink.room(length).map_err(Error::Sink)?;
            room[..length].copy_from_slice(bytes);
            sink.commit(length).map_err(Error::Sink)?;
            input.consume(length);
        }
        if !input.fill()? {
            return Ok(());
        }
    }
}

/// One of the three base64 forms. Gives the `FileName`, if there is one.
fn decode_text(
    input: &mut Input,
    options: &Options,
    sink: &mut dyn Sink,
) -> Result<Option<String>, Error> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    if input.ahead(MARK.len())?.starts_with(MARK) {
        input.consume(MARK.len());
    }
    let mut base64 = Base64::new(sink, options.limit);
    match input.after_blanks()? {
        Some(b'"') => {
            input.consume(1);
            content(input, &mut base64, Text::JsonString)?;
            end_of_json(input)?;
            Ok(None)
        }
        Some(b'{') => object(input, &mut base64),
        Some(b'<') if is_page(input.ahead(2)?) => Err(refused(input, "a web page, not a file")?),
        Some(_) if options.is_json && is_null(input)? => Err(malformed(
            Some(input.offset),
            "the server answered null, not a file".into(),
        )),
        _ => {
            let head = input.ahead(SHOWN)?;
            let head = head[..head.len().min(SHOWN)].to_vec();
            content(input, &mut base64, Text::Plain).map_err(|error| show_head(error, &head))?;
            Ok(None)
        }
    }
}

/// A JSON `null` is four characters of base64 as well.
fn is_null(input: &mut Input) -> Result<bool, Error> {
    let rest = input.ahead(GUESS_WINDOW)?;
    Ok(rest.len() < GUESS_WINDOW && rest.trim_ascii() == b"null")
}

/// Whether the body begins like HTML or XML.
fn is_page(body: &[u8]) -> bool {
    let mut bytes = body.trim_ascii_start().iter();
    bytes.next() == Some(&b'<')
        && bytes
            .next()
            .is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'!' | b'?'))
}

/// How much of a body that is not base64 is shown, in bytes.
const SHOWN: usize = 200;

/// Adds how the body begins to an error near its beginning: most likely
/// something else came than a file.
fn show_head(error: Error, head: &[u8]) -> Error {
    match error {
        Error::Malformed {
            offset: Some(offset),
            message,
            cut_short,
            answer,
        } if offset < SHOWN as u64 => {
            let mut shown = one_line(&String::from_utf8_lossy(head), MAX_MESSAGE);
            if head.len() == SHOWN {
                shown.push(CUT);
            }
            Error::Malformed {
                offset: Some(offset),
                message: format!(
                    "{message}; the body begins with {shown:?} (if the server sends files \
                     as they are, ask for raw bodies)"
                ),
                cut_short,
                answer,
            }
        }
        other => other,
    }
}

/// Decodes base64 up to the body's end, or up to and with a JSON string's closing quote.
fn content(input: &mut Input, base64: &mut Base64, form: Text) -> Result<(), Error> {
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

fn of_fault(fault: Fault, start: u64) -> Error {
    match fault {
        Fault::Text { at, what } => {
            let offset = start.saturating_add_signed(at as i64);
            malformed(
                Some(offset),
                format!("the body is not valid base64: {what} at byte {offset}"),
            )
        }
        Fault::TooLarge => Error::TooLarge,
        Fault::Sink(error) => Error::Sink(error),
    }
}

/// What a `FileResponse` may hold besides its content, in bytes.
const LARGEST_FRAME: usize = 1024 * 1024;

/// A `FileResponse`. Its `Content` is decoded as it streams by; all the rest is
/// kept, with an empty string in its place, and read as JSON at the end.
fn object(input: &mut Input, base64: &mut Base64) -> Result<Option<String>, Error> {
    let mut frame = Frame::default();
    loop {
        let Some(byte) = input.next()? else {
            return Err(cut_short(input, "in the middle of a JSON object"));
        };
        frame.bytes.push(byte);
        match byte {
            b'"' if frame.at_content() => {
                frame.content_start.get_or_insert(frame.bytes.len());
                frame.contents += 1;
                frame.is_content = false;
                let start = input.offset;
                content(input, base64, Text::JsonString)?;
                frame.content_length = input.offset - 1 - start;
                frame.bytes.push(b'"');
            }
            b'"' => {
                let start = frame.bytes.len() - 1;
                json_string(input, &mut frame.bytes)?;
                frame.string(start);
            }
            b'{' | b'[' => frame.open(),
            b'}' | b']' => {
                frame.depth -= 1;
                if frame.depth == 0 {
                    break;
                }
            }
            b',' => frame.expects_key = frame.depth == 1,
            _ => {}
        }
        frame.check_size(input.offset)?;
    }
    end_of_json(input)?;
    frame.file_name()
}

/// The rest of a JSON string, with its closing quote, as it stands.
fn json_string(input: &mut Input, bytes: &mut Vec<u8>) -> Result<(), Error> {
    let mut is_escaped = false;
    while bytes.len() <= LARGEST_FRAME {
        let Some(byte) = input.next()? else {
            return Err(cut_short(input, "in the middle of a JSON string"));
        };
        bytes.push(byte);
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => break,
            _ => {}
        }
    }
    Ok(())
}

/// A `FileResponse` without its content.
#[derive(Default)]
struct Frame {
    bytes: Vec<u8>,
    depth: usize,
    expects_key: bool,
    /// Whether the last key was `Content`.
    is_content: bool,
    /// How many contents there were.
    contents: usize,
    content_start: Option<usize>,
    content_length: u64,
}

impl Frame {
    fn open(&mut self) {
        self.depth += 1;
        self.expects_key = self.depth == 1;
    }

    fn at_content(&self) -> bool {
        self.depth == 1 && self.is_content && !self.expects_key
    }

    /// Notes the string that stands at `start`: a key, or some value.
    fn string(&mut self, start: usize) {
        if self.depth == 1 && self.expects_key {
            let key: Option<String> = serde_json::from_slice(&self.bytes[start..]).ok();
            self.is_content = key.is_some_and(|key| key.eq_ignore_ascii_case("Content"));
            self.expects_key = false;
        }
    }

    fn check_size(&self, offset: u64) -> Result<(), Error> {
        if self.bytes.len() > LARGEST_FRAME {
            return Err(malformed(
                Some(offset),
                format!(
                    "the JSON object holds more than {LARGEST_FRAME} bytes besides its Content"
                ),
            ));
        }
        Ok(())
    }

    /// Checks that all was JSON and held one content; gives the `FileName`.
    fn file_name(&self) -> Result<Option<String>, Error> {
        let map: Map<String, Value> = serde_json::from_slice(&self.bytes).map_err(|error| {
            let offset = self.offset_of(error.line(), error.column());
            malformed(
                Some(offset),
                format!("the body is not valid JSON near byte {offset}: {error}"),
            )
        })?;
        match self.contents {
            1 => {}
            0 => {
                return Err(no_file(
                    "a JSON object without a file in it",
                    None,
                    &self.bytes,
                ));
            }
            _ => {
                return Err(malformed(
                    None,
                    "the JSON object has more than one Content".into(),
                ));
            }
        }
        let name = json::find(&map, "FileName");
        Ok(name.and_then(|value| value.as_str().map(str::to_owned)))
    }

    /// Where in the body serde_json's line and column are.
    fn offset_of(&self, line: usize, column: usize) -> u64 {
        let lines = self.bytes.split_inclusive(|&byte| byte == b'\n');
        let before: usize = lines.take(line.saturating_sub(1)).map(<[u8]>::len).sum();
        let at = before + column.saturating_sub(1);
        match self.content_start {
            Some(start) if at >= start => at as u64 + self.content_length,
            _ => at as u64,
        }
    }
}

/// Only blanks may follow a JSON value.
fn end_of_json(input: &mut Input) -> Result<(), Error> {
    match input.after_blanks()? {
        None => Ok(()),
        Some(byte) => Err(malformed(
            Some(input.offset),
            format!(
                "the JSON value ends, but {} follows at byte {}",
                crate::base64_text::shown(byte),
                input.offset
            ),
        )),
    }
}

/// The error for an answer that is no file, with its words. The outer error is
/// the source's.
fn refused(input: &mut Input, what: &str) -> Result<Error, Error> {
    let offset = input.offset;
    let mut page = Vec::new();
    while page.len() < server_message::ENOUGH as usize {
        page.extend_from_slice(input.available());
        input.consume(input.available().len());
        if !input.fill()? {
            break;
        }
    }
    page.truncate(server_message::ENOUGH as usize);
    Ok(no_file(what, Some(offset), &page))
}

fn no_file(what: &str, offset: Option<u64>, answer: &[u8]) -> Error {
    let words = server_message::dig(answer).map(|words| format!(": {words}"));
    Error::Malformed {
        offset,
        message: format!("the server answered {what}{}", words.unwrap_or_default()),
        cut_short: false,
        answer: Some(answer.to_vec()),
    }
}

fn malformed(offset: Option<u64>, message: String) -> Error {
    Error::Malformed {
        offset,
        message,
        cut_short: false,
        answer: None,
    }
}

fn cut_short(input: &Input, place: &str) -> Error {
    let offset = input.offset + input.available().len() as u64;
    Error::Malformed {
        offset: Some(offset),
        message: format!("the body is cut short: it ends at byte {offset}, {place}"),
        cut_short: true,
        answer: None,
    }
}

/// The body as it comes, read piece by piece.
struct Input<'a> {
    source: &'a mut dyn Read,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes consumed since the body's start.
    offset: u64,
    at_end: bool,
}

impl<'a> Input<'a> {
    /// A little more than a connection gives at once, so that what a piece leaves
    /// undecoded does not split the next one.
    const SIZE: usize = 33 * 1024;

    fn new(source: &'a mut dyn Read) -> Self {
        Self {
            source,
            buffer: vec![0; Self::SIZE],
            start: 0,
            end: 0,
            offset: 0,
            at_end: false,
        }
    }

    /// What was read and not consumed.
    fn available(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    fn consume(&mut self, length: usize) {
        self.start += length;
        self.offset += length as u64;
    }

    /// Reads once more behind what is available; false at the body's end.
    fn fill(&mut self) -> Result<bool, Error> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        debug_assert!(self.end < self.buffer.len(), "nothing was consumed");
        while !self.at_end {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(length) => {
                    self.end += length;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::Source(error)),
            }
        }
        Ok(false)
    }

    /// Makes `length` bytes available, or all that come before the end.
    fn ahead(&mut self, length: usize) -> Result<&[u8], Error> {
        if self.buffer.len() < length {
            self.buffer.resize(length, 0);
        }
        while self.available().len() < length && self.fill()? {}
        Ok(self.available())
    }

    fn next(&mut self) -> Result<Option<u8>, Error> {
        if self.available().is_empty() && !self.fill()? {
            return Ok(None);
        }
        let byte = self.buffer[self.start];
        self.consume(1);
        Ok(Some(byte))
    }

    /// Consumes blanks; gives the byte after them, which stays.
    fn after_blanks(&mut self) -> Result<Option<u8>, Error> {
        loop {
            let blanks = self
                .available()
                .iter()
                .take_while(|b| is_blank(**b))
                .count();
            self.consume(blanks);
            if let Some(&byte) = self.available().first() {
                return Ok(Some(byte));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }
}

/// What JSON and .NET's base64 decoder both skip.
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(any(test, feature = "internals"))]
pub(crate) mod laws;
#[cfg(test)]
mod tests;
