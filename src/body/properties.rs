//! Properties of the decoder, which hold for every body.

use std::collections::VecDeque;
use std::io::{self, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Sink;
use super::{BodyEncoding, DecodeError, Options, decode};
use crate::text::{is_whitespace, json};

/// A reader that returns a body in chunks of these lengths. The last length is repeated.
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

/// A sink that collects the file in a vector.
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

/// Returns options without a limit and without headers.
pub(super) fn options(encoding: BodyEncoding) -> Options<'static> {
    Options {
        encoding,
        limit: u64::MAX,
        content_type: None,
        names_file: false,
    }
}

/// The bytes and the name of a file, or the error with its offset.
pub(super) type Outcome = Result<(Vec<u8>, Option<String>), String>;

/// Decodes a body in reads of these lengths.
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
                error_body,
                ..
            } => {
                let offset = offset.map_or("?".into(), |at| at.to_string());
                let empty = if is_empty { " (empty)" } else { "" };
                let response = error_body.map(|body| format!(" [{}]", body.escape_ascii()));
                format!("{offset}: {message}{empty}{}", response.unwrap_or_default())
            }
            DecodeError::TooLarge => "too large".into(),
            DecodeError::Source(error) | DecodeError::Sink(error) => error.to_string(),
        }),
    }
}

fn run_at_once(body: &[u8], options: &Options) -> Outcome {
    run(body, options, &[usize::MAX])
}

/// Asserts that the outcome does not depend on the lengths of reads.
fn reads_split_anywhere_give_same_outcome(body: &[u8], options: &Options, lengths: &[usize]) {
    let whole = run_at_once(body, options);
    assert_eq!(run(body, options, lengths), whole, "{lengths:?}");
}

/// Asserts that no more bytes than the limit are accepted, and that all others are the same.
fn limit_is_never_exceeded(body: &[u8], options: &Options, limit: u64) {
    let limited = Options { limit, ..*options };
    match (run_at_once(body, &limited), run_at_once(body, options)) {
        (Ok(limited), free) => assert_eq!(Ok(limited), free),
        (Err(_), Ok((bytes, _))) => assert!(bytes.len() as u64 > limit),
        (Err(_), Err(_)) => {}
    }
}

/// Decodes base64 in the simplest way, with the whole text in memory.
fn decode_simply(text: &[u8]) -> Option<Vec<u8>> {
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

/// Asserts that a body decodes as it does with decoders that need the whole body in memory.
fn text_decodes_as_with_simple_decoders(body: &[u8]) {
    if json::utf16(body).is_some() {
        return;
    }
    // Without a name, some base64 is not a file.
    let options = Options {
        names_file: true,
        ..options(BodyEncoding::Base64)
    };
    let decoded = run_at_once(body, &options).ok();
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match text.iter().find(|byte| !is_whitespace(**byte)) {
        Some(b'"') => {
            let string: Option<String> = serde_json::from_slice(text).ok();
            let bytes = string.and_then(|string| decode_simply(string.as_bytes()));
            assert_eq!(decoded.map(|(bytes, _)| bytes), bytes);
        }
        Some(b'{') => {
            // A JSON parser does not report a second content, so only success is compared.
            if let Some((bytes, name)) = decoded {
                let text = json::text(text);
                let fields = json::fields(&text, ["Content", "FileName"]);
                let [content, first_name] = fields.unwrap();
                // The first of several may be null.
                if let Some(content) = content.unwrap().string(usize::MAX) {
                    assert_eq!(decode_simply(content.as_bytes()), Some(bytes));
                }
                if let Some(first_name) = first_name.and_then(|name| name.string(usize::MAX)) {
                    assert_eq!(Some(first_name), name);
                }
            }
        }
        _ => assert_eq!(decoded.map(|(bytes, _)| bytes), decode_simply(text)),
    }
}

/// Asserts that `Auto` returns the same as one of the other encodings.
fn auto_equals_raw_or_base64(body: &[u8], options: &Options) {
    let outcome = |encoding| {
        let options = Options {
            encoding,
            ..*options
        };
        run_at_once(body, &options)
    };
    // An empty body and JSON null are not files, whatever the encoding.
    let is_nothing = body.is_empty() || super::detect::is_json_null(body, options);
    match outcome(BodyEncoding::Raw) {
        Err(_) if is_nothing && !options.names_file => {}
        raw => assert_eq!(raw, Ok((body.to_vec(), None))),
    }
    if let Ok(guessed) = outcome(BodyEncoding::Auto) {
        let others = [outcome(BodyEncoding::Raw), outcome(BodyEncoding::Base64)];
        assert!(others.contains(&Ok(guessed)));
    }
}

/// Asserts that bytes encoded in every form decode to the same bytes.
#[cfg(test)]
fn encoded_bytes_decode_to_same_bytes(bytes: &[u8], line: usize, escaped: bool) {
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

/// Returns the encoding that a byte of a fuzz input selects.
pub(crate) fn encoding(byte: u8) -> BodyEncoding {
    match byte % 4 {
        0 => BodyEncoding::Base64,
        1 => BodyEncoding::Raw,
        _ => BodyEncoding::Auto,
    }
}

/// Checks the properties on one input.
///
/// The first byte selects the encoding and the headers, the second the limit, and the next
/// three the lengths of reads. The other bytes are the body.
///
/// # Panics
///
/// If a property does not hold.
pub(crate) fn check(input: &[u8]) {
    let Some((&[settings, limit, lengths @ ..], body)) = input.split_first_chunk::<5>() else {
        return;
    };
    let body = match settings >> 4 {
        5 => stretched(body),
        _ => body.to_vec(),
    };
    let options = Options {
        content_type: (settings & 4 != 0).then_some("application/json"),
        names_file: settings & 8 != 0,
        ..options(encoding(settings))
    };
    // A stretched body is read in larger chunks, so that it does not take long.
    let min = 1 + body.len() / 4096;
    let lengths = lengths.map(|length| usize::from(length) + min);
    reads_split_anywhere_give_same_outcome(&body, &options, &lengths);
    reads_split_anywhere_give_same_outcome(&body, &options, &[min]);
    limit_is_never_exceeded(&body, &options, limit.into());
    text_decodes_as_with_simple_decoders(&body);
    auto_equals_raw_or_base64(&body, &options);
}

/// Returns the body with the first few bytes of value `STRETCH`, which is not base64, replaced
/// by long base64, so that short inputs reach the ends of buffers.
pub(crate) fn stretched(body: &[u8]) -> Vec<u8> {
    const STRETCH: u8 = 0xfe;
    const MAX_CHUNKS: usize = 5;
    let chunks: Vec<_> = body.splitn(MAX_CHUNKS, |&byte| byte == STRETCH).collect();
    chunks.join(&b"QUJD".repeat(4 * 1024)[..])
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::{BodyEncoding, options};
    use crate::fuzzing::random_inputs;

    /// Generates bodies from their typical parts, valid and invalid ones.
    pub(crate) fn body() -> impl Strategy<Value = Vec<u8>> {
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
        fn reads_split_anywhere_give_same_outcome(body in body(), lengths in vec(1usize..40, 1..20)) {
            for encoding in ENCODINGS {
                super::reads_split_anywhere_give_same_outcome(&body, &options(encoding), &lengths);
                super::reads_split_anywhere_give_same_outcome(&body, &options(encoding), &[1]);
            }
        }

        #[test]
        fn text_decodes_as_with_simple_decoders(body in body()) {
            super::text_decodes_as_with_simple_decoders(&body);
            let string = [b"\"", &body[..], b"\""].concat();
            super::text_decodes_as_with_simple_decoders(&string);
        }

        #[test]
        fn encoded_bytes_decode_to_same_bytes(
            bytes in vec(any::<u8>(), 0..3000),
            line in 1usize..100,
            escaped: bool,
        ) {
            super::encoded_bytes_decode_to_same_bytes(&bytes, line, escaped);
        }

        #[test]
        fn limit_is_never_exceeded(body in body(), limit in 0u64..100) {
            for encoding in ENCODINGS {
                super::limit_is_never_exceeded(&body, &options(encoding), limit);
            }
        }

        #[test]
        fn auto_equals_raw_or_base64(body in body()) {
            super::auto_equals_raw_or_base64(&body, &options(BodyEncoding::Auto));
        }
    }
}
