//! Properties of the decoder that hold for every body.

use std::collections::VecDeque;
use std::io::{self, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Sink;
use super::{BodyEncoding, DecodeError, Options, decode};
use crate::text::{is_whitespace, json};

/// Reads a body in chunks of these lengths, the last of them repeatedly.
struct Chunks<'a> {
    body: &'a [u8],
    lengths: VecDeque<usize>,
}

impl Read for Chunks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = match self.lengths.len() {
            1 => self.lengths[0],
            _ => self.lengths.pop_front().unwrap(),
        };
        let length = length.min(self.body.len()).min(buffer.len());
        buffer[..length].copy_from_slice(&self.body[..length]);
        self.body = &self.body[length..];
        Ok(length)
    }
}

/// Collects the file in a vector.
#[derive(Default)]
pub(super) struct VecSink {
    bytes: Vec<u8>,
    advanced: usize,
}

impl VecSink {
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.advanced);
        self.bytes
    }
}

impl Sink for VecSink {
    fn spare_capacity_mut(&mut self, length: usize) -> io::Result<&mut [u8]> {
        self.bytes.resize(self.advanced + length, 0);
        Ok(&mut self.bytes[self.advanced..])
    }

    fn advance(&mut self, length: usize) -> io::Result<()> {
        self.advanced += length;
        Ok(())
    }
}

pub(super) fn options(encoding: BodyEncoding) -> Options<'static> {
    Options {
        encoding,
        limit: u64::MAX,
        content_type: None,
        names_file: false,
    }
}

pub(super) type Outcome = Result<(Vec<u8>, Option<String>), String>;

pub(super) fn run(body: &[u8], options: &Options, lengths: &[usize]) -> Outcome {
    let mut sink = VecSink::default();
    let mut source = Chunks {
        body,
        lengths: lengths.iter().copied().collect(),
    };
    let decoded = decode(&mut source, options, &mut sink);
    let bytes = sink.into_bytes();
    assert!(bytes.len() as u64 <= options.limit);
    match decoded {
        Ok(decoded) => Ok((bytes, decoded.file_name)),
        Err(error) => Err(match error {
            DecodeError::Malformed {
                offset,
                message,
                is_empty,
                answer,
                ..
            } => {
                let offset = offset.map_or("?".into(), |at| at.to_string());
                let empty = if is_empty { " (empty)" } else { "" };
                let answer = answer.map(|answer| format!(" [{}]", answer.escape_ascii()));
                format!("{offset}: {message}{empty}{}", answer.unwrap_or_default())
            }
            DecodeError::TooLarge => "too large".into(),
            DecodeError::Source(error) | DecodeError::Sink(error) => error.to_string(),
        }),
    }
}

fn run_at_once(body: &[u8], options: &Options) -> Outcome {
    run(body, options, &[usize::MAX])
}

fn reads_may_be_split_anywhere(body: &[u8], options: &Options, lengths: &[usize]) {
    let whole = run_at_once(body, options);
    assert_eq!(run(body, options, lengths), whole, "{lengths:?}");
}

fn the_limit_is_kept_whatever_comes(body: &[u8], options: &Options, limit: u64) {
    let limited = Options { limit, ..*options };
    match (run_at_once(body, &limited), run_at_once(body, options)) {
        (Ok(limited), free) => assert_eq!(Ok(limited), free),
        (Err(_), Ok((bytes, _))) => assert!(bytes.len() as u64 > limit),
        (Err(_), Err(_)) => {}
    }
}

/// Base64 by a decoder that needs all of the text at once.
fn simple(text: &[u8]) -> Option<Vec<u8>> {
    let is_at_edge = |byte: &u8| matches!(byte, b' ' | b'\t');
    let trimmed = |line: &[u8]| -> Vec<u8> {
        let start = line.iter().position(|byte| !is_at_edge(byte));
        let end = line.iter().rposition(|byte| !is_at_edge(byte));
        match (start, end) {
            (Some(start), Some(end)) => line[start..=end].to_vec(),
            _ => Vec::new(),
        }
    };
    let lines = text.split(|byte| matches!(byte, b'\r' | b'\n'));
    let mut lines: Vec<Vec<u8>> = lines.map(trimmed).filter(|line| !line.is_empty()).collect();
    if lines.concat().contains(&b' ') {
        return None;
    }
    for line in &mut lines {
        line.retain(|byte| *byte != b'\t');
    }
    let end = text.iter().rposition(|byte| !is_whitespace(*byte));
    if text[..end.unwrap_or_default()].contains(&b' ')
        && let [first, .., last] = &lines[..]
    {
        let length = first.len();
        let all = &lines[..lines.len() - 1];
        if length % 4 != 0 || last.len() > length || all.iter().any(|line| line.len() != length) {
            return None;
        }
    }
    STANDARD.decode(lines.concat()).ok()
}

/// What a body holds by decoders that need all of it at once.
fn text_is_what_simple_decoders_make_of_it(body: &[u8]) {
    if json::utf16(body).is_some() {
        return;
    }
    // Of a body that is not named, some base64 is no file.
    let options = Options {
        names_file: true,
        ..options(BodyEncoding::Base64)
    };
    let decoded = run_at_once(body, &options).ok();
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match text.iter().find(|byte| !is_whitespace(**byte)) {
        Some(b'"') => {
            let string: Option<String> = serde_json::from_slice(text).ok();
            let bytes = string.and_then(|string| simple(string.as_bytes()));
            assert_eq!(decoded.map(|(bytes, _)| bytes), bytes);
        }
        Some(b'{') => {
            // That there is but one content is more than a JSON parser tells.
            if let Some((bytes, name)) = decoded {
                let text = json::text(text);
                let fields = json::fields(&text, ["Content", "FileName"]);
                let [content, first_name] = fields.unwrap();
                // The first of several may be null.
                if let Some(content) = content.unwrap().string(usize::MAX) {
                    assert_eq!(simple(content.as_bytes()), Some(bytes));
                }
                if let Some(first_name) = first_name.and_then(|name| name.string(usize::MAX)) {
                    assert_eq!(Some(first_name), name);
                }
            }
        }
        _ => assert_eq!(decoded.map(|(bytes, _)| bytes), simple(text)),
    }
}

fn auto_is_one_of_the_others(body: &[u8], options: &Options) {
    let of = |encoding| {
        let options = Options {
            encoding,
            ..*options
        };
        run_at_once(body, &options)
    };
    // An empty body and a JSON null are no file, whatever the encoding.
    let is_nothing = body.is_empty() || super::detect::is_json_null(body, options);
    match of(BodyEncoding::Raw) {
        Err(_) if is_nothing && !options.names_file => {}
        raw => assert_eq!(raw, Ok((body.to_vec(), None))),
    }
    if let Ok(guessed) = of(BodyEncoding::Auto) {
        let others = [of(BodyEncoding::Raw), of(BodyEncoding::Base64)];
        assert!(others.contains(&Ok(guessed)));
    }
}

#[cfg(test)]
fn every_form_gives_the_bytes_back(bytes: &[u8], line: usize, escaped: bool) {
    let text = STANDARD.encode(bytes);
    let lines: Vec<_> = text.as_bytes().chunks(line).collect();
    let json = match escaped {
        true => text.replace('/', r"\/").replace('+', r"\u002b"),
        false => text.clone(),
    };
    let bodies = [
        text.clone().into_bytes(),
        lines.join(&b"\r\n"[..]),
        format!("\"{json}\"").into_bytes(),
        format!(r#"{{"FileName":"a.csv","Content":"{json}"}}"#).into_bytes(),
    ];
    for body in &bodies {
        let options = Options {
            names_file: true,
            ..options(BodyEncoding::Base64)
        };
        let decoded = run_at_once(body, &options);
        assert_eq!(decoded.unwrap().0, bytes);
    }
}

/// The encoding that a byte of an input stands for.
pub(crate) fn encoding(byte: u8) -> BodyEncoding {
    match byte % 4 {
        0 => BodyEncoding::Base64,
        1 => BodyEncoding::Raw,
        _ => BodyEncoding::Auto,
    }
}

/// Checks the properties on one input; panics if one does not hold. The first five bytes say
/// what is expected, the limit, and how long the reads are; the
/// others are the body.
pub(crate) fn check(input: &[u8]) {
    let Some((&[expected, limit, lengths @ ..], body)) = input.split_first_chunk::<5>() else {
        return;
    };
    let body = match expected >> 4 {
        5 => stretched(body),
        _ => body.to_vec(),
    };
    let options = Options {
        content_type: (expected & 4 != 0).then_some("application/json"),
        names_file: expected & 8 != 0,
        ..options(encoding(expected))
    };
    // Of a stretched body not so many that it takes long.
    let least = 1 + body.len() / 4096;
    let lengths = lengths.map(|length| usize::from(length) + least);
    reads_may_be_split_anywhere(&body, &options, &lengths);
    reads_may_be_split_anywhere(&body, &options, &[least]);
    the_limit_is_kept_whatever_comes(&body, &options, limit.into());
    text_is_what_simple_decoders_make_of_it(&body);
    auto_is_one_of_the_others(&body, &options);
}

/// The body with much base64 in the place of each byte that base64 does not have, so that
/// short inputs get to where buffers end.
fn stretched(body: &[u8]) -> Vec<u8> {
    const STRETCH: u8 = 0xfe;
    const MOST: usize = 5;
    let chunks: Vec<_> = body.splitn(MOST, |&byte| byte == STRETCH).collect();
    chunks.join(&b"QUJD".repeat(4 * 1024)[..])
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::{BodyEncoding, options};
    use crate::fuzzing::random_inputs;

    /// Bodies of their own parts, well-formed and malformed.
    fn body() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            4 => "[A-Za-z0-9+/]{4}".prop_map(String::into_bytes),
            2 => "[A-Za-z0-9+/]{1,3}=?".prop_map(String::into_bytes),
            2 => "[ \t\r\n]{1,3}".prop_map(String::into_bytes),
            1 => r#"["{}\[\]:,\\]"#.prop_map(String::into_bytes),
            1 => r#"(\\u00[0-7][0-9a-fA-F]|\\/|\\n|"Content"|"FileName")"#.prop_map(String::into_bytes),
            1 => vec(any::<u8>(), 1..4),
        ];
        vec(part, 0..60).prop_map(|parts| parts.concat())
    }

    const ENCODINGS: [BodyEncoding; 3] =
        [BodyEncoding::Base64, BodyEncoding::Raw, BodyEncoding::Auto];

    proptest! {
        #![proptest_config(random_inputs())]

        #[test]
        fn reads_may_be_split_anywhere(body in body(), lengths in vec(1usize..40, 1..20)) {
            for encoding in ENCODINGS {
                super::reads_may_be_split_anywhere(&body, &options(encoding), &lengths);
                super::reads_may_be_split_anywhere(&body, &options(encoding), &[1]);
            }
        }

        #[test]
        fn text_is_what_simple_decoders_make_of_it(body in body()) {
            super::text_is_what_simple_decoders_make_of_it(&body);
            let string = [b"\"", &body[..], b"\""].concat();
            super::text_is_what_simple_decoders_make_of_it(&string);
        }

        #[test]
        fn every_form_gives_the_bytes_back(
            bytes in vec(any::<u8>(), 0..3000),
            line in 1usize..100,
            escaped: bool,
        ) {
            super::every_form_gives_the_bytes_back(&bytes, line, escaped);
        }

        #[test]
        fn the_limit_is_kept_whatever_comes(body in body(), limit in 0u64..100) {
            for encoding in ENCODINGS {
                super::the_limit_is_kept_whatever_comes(&body, &options(encoding), limit);
            }
        }

        #[test]
        fn auto_is_one_of_the_others(body in body()) {
            super::auto_is_one_of_the_others(&body, &options(BodyEncoding::Auto));
        }
    }
}
