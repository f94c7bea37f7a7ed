//! Tests of decoding whole bodies.

mod base64;
mod detect;
mod file_response;

use std::io;

use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;

use super::properties::{Outcome, VecSink, options, run};
use super::*;

/// Returns the outcome, and asserts that it is the same for reads of every length.
fn decoded(body: impl AsRef<[u8]>) -> Outcome {
    let body = body.as_ref();
    let options = options(BodyEncoding::Base64);
    let whole = run(body, &options, &[usize::MAX]);
    assert_eq!(run(body, &options, &[1]), whole, "one byte at a time");
    assert_eq!(run(body, &options, &[3]), whole, "three bytes at a time");
    for split in 1..body.len().min(300) {
        assert_eq!(
            run(body, &options, &[split, usize::MAX]),
            whole,
            "split at {split}"
        );
    }
    whole
}

/// Returns the decoded bytes.
fn bytes_of(body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    decoded(body)
        .unwrap_or_else(|e| panic!("{}: {e}", body.escape_ascii()))
        .0
}

/// Returns the offset and the message of the error.
fn error_of(body: impl AsRef<[u8]>) -> String {
    let body = body.as_ref();
    decoded(body).expect_err(&body.escape_ascii().to_string())
}

/// Returns a file of pseudorandom bytes.
fn sample(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Returns the outcome if a header names a file.
fn named(body: impl AsRef<[u8]>) -> Result<Vec<u8>, String> {
    let options = Options {
        names_file: true,
        ..options(BodyEncoding::Base64)
    };
    let body = body.as_ref();
    let whole = run(body, &options, &[usize::MAX]);
    assert_eq!(run(body, &options, &[1]), whole, "one byte at a time");
    whole.map(|(bytes, _)| bytes)
}

/// Returns the outcome for a content type.
fn typed(body: &str, content_type: Option<&'static str>, encoding: BodyEncoding) -> Outcome {
    let options = Options {
        content_type,
        ..options(encoding)
    };
    let whole = run(body.as_bytes(), &options, &[usize::MAX]);
    assert_eq!(run(body.as_bytes(), &options, &[1]), whole);
    whole
}

/// No content type, and one of each kind.
const TYPES: [Option<&str>; 5] = [
    None,
    Some("text/plain; charset=utf-8"),
    Some("text/html"),
    Some("application/json"),
    Some("text/csv"),
];

#[test]
fn decode_same_file_in_every_form_returns_same_bytes() {
    for length in (1..100).chain([4096, 98_304, 98_305, 200_000, 1_000_003]) {
        let file = sample(length);
        let text = STANDARD.encode(&file);
        let escaped = text
            .replace('/', r"\/")
            .replace('+', r"\u002b")
            .replace('=', r"\u003D");
        let wrapped: Vec<&str> = text
            .as_bytes()
            .chunks(76)
            .map(|c| std::str::from_utf8(c).unwrap())
            .collect();
        let bodies = [
            text.clone(),
            format!("\u{feff}{text}\r\n"),
            wrapped.join("\r\n"),
            format!("\"{text}\""),
            format!("\u{feff} \"{escaped}\" \r\n"),
            format!("\"{}\"", wrapped.join(r"\r\n")),
            format!(r#"{{"FileName":"a.csv","Content":"{escaped}"}}"#),
            format!(r#"{{ "x" : [1, {{"Content": "no"}}], "content" : "{text}", "y": null }} "#),
        ];
        for body in &bodies {
            let outcome = match length {
                0..30 => decoded(body),
                _ => run(
                    body.as_bytes(),
                    &options(BodyEncoding::Base64),
                    &[1000, 131_072],
                ),
            };
            let (bytes, _) = outcome.unwrap_or_else(|e| panic!("{length}: {e}"));
            assert!(bytes == file, "{length}: {:.80}", body);
            let outcome = run(body.as_bytes(), &options(BodyEncoding::Auto), &[usize::MAX]);
            assert!(outcome.unwrap().0 == file, "{length}: {:.80}", body);
        }
    }
}

#[test]
fn utf16_body_decodes() {
    let file = sample(100_000);
    let text = STANDARD.encode(&file);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    for text in [
        text.clone(),
        lines.join("\r\n"),
        format!("\"{text}\""),
        format!(r#"{{"FileName":"é😀.csv","Content":"{text}"}}"#),
    ] {
        for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            for mark in ["", "\u{feff}"] {
                let units = format!("{mark}{text}");
                let body: Vec<u8> = units.encode_utf16().flat_map(to_bytes).collect();
                for encoding in [BodyEncoding::Base64, BodyEncoding::Auto] {
                    for lengths in [&[1][..], &[1001], &[usize::MAX]] {
                        let (bytes, name) = run(&body, &options(encoding), lengths).unwrap();
                        assert!(bytes == file);
                        assert!(name.is_none_or(|name| name == "é😀.csv"));
                    }
                }
            }
        }
    }
    // The content type decides for a few characters.
    let mut utf16_type = options(BodyEncoding::Base64);
    utf16_type.content_type = Some("text/plain; Charset=\"UTF-16LE\"");
    utf16_type.names_file = true;
    assert_eq!(run(b"", &utf16_type, &[1]).unwrap().0, b"");
    assert_eq!(run(b"Q\0U\0J\0D\0", &utf16_type, &[1]).unwrap().0, b"ABC");
    // A wrong content type is ignored.
    assert_eq!(run(b"QUJD", &utf16_type, &[1]).unwrap().0, b"ABC");
    // The error says that the body is UTF-16; a raw file in UTF-16 is unchanged.
    let tsv: Vec<u8> = "\u{feff}id\tname"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let error = run(&tsv, &options(BodyEncoding::Base64), &[1]).unwrap_err();
    assert!(error.contains("the body is UTF-16 text"), "{error}");
    assert!(!error.contains("raw"), "{error}");
    for encoding in [BodyEncoding::Auto, BodyEncoding::Raw] {
        assert_eq!(run(&tsv, &options(encoding), &[1]).unwrap().0, tsv);
    }
    let sentence: Vec<u8> = "Not Found"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let error = run(&sentence, &options(BodyEncoding::Base64), &[1]).unwrap_err();
    assert!(error.contains("[Not Found]"), "{error}");
}

#[test]
fn body_cut_anywhere_fails() {
    let text = STANDARD.encode(sample(40));
    for body in [
        format!("\"{}\"", text.replace('/', "\\/")),
        format!(r#"{{"FileName":"a.csv","Content":"{text}"}}"#),
        format!(r#"{{"Content":"{text}","x":{{"y":[1,2]}}}}"#),
    ] {
        for length in 1..body.len() {
            let error = error_of(&body[..length]);
            assert!(error.contains("cut short"), "{length}: {error}");
        }
    }
    for length in (1..text.len()).filter(|length| length % 4 != 0) {
        let error = error_of(&text[..length]);
        assert!(
            error.starts_with(&format!("{length}: the body is cut short")),
            "{error}"
        );
    }
}

#[test]
fn limit_counts_decoded_bytes() {
    let file = sample(200_000);
    let text = STANDARD.encode(&file);
    let object = format!(r#"{{"Content":"{text}"}}"#);
    let long_object = format!(r#"{{"Content":"{text}","Other":"{}"}}"#, "A".repeat(500));
    for (body, encoding) in [
        (text.as_bytes(), BodyEncoding::Base64),
        (format!("\"{text}\"").as_bytes(), BodyEncoding::Base64),
        (object.as_bytes(), BodyEncoding::Base64),
        (long_object.as_bytes(), BodyEncoding::Base64),
        (text.as_bytes(), BodyEncoding::Auto),
        (&file, BodyEncoding::Raw),
        (&file, BodyEncoding::Auto),
    ] {
        for (limit, outcome) in [
            (200_000, Ok(200_000)),
            (199_999, Err("too large".to_owned())),
            (0, Err("too large".to_owned())),
        ] {
            let options = Options {
                limit,
                ..options(encoding)
            };
            let found = run(body, &options, &[usize::MAX]).map(|(bytes, _)| bytes.len());
            assert_eq!(found, outcome, "{limit} {encoding:?}");
        }
    }
    let no_bytes = Options {
        limit: 0,
        names_file: true,
        ..options(BodyEncoding::Base64)
    };
    assert_eq!(run(b"\"\"", &no_bytes, &[1]).unwrap().0, b"");
    // Whitespace does not count.
    let six = Options {
        limit: 6,
        ..options(BodyEncoding::Base64)
    };
    assert_eq!(
        run(b"QUJD\r\n\r\nREVG", &six, &[usize::MAX]).unwrap().0,
        b"ABCDEF"
    );
}

#[test]
fn raw_body_is_unchanged() {
    for file in [
        &b""[..],
        b"QUJD",
        b"\xef\xbb\xbfid",
        b"\"x\"",
        b"{}",
        b"<html>",
        &sample(300_000),
    ] {
        let options = Options {
            names_file: true,
            ..options(BodyEncoding::Raw)
        };
        let outcome = run(file, &options, &[70_000]);
        assert!(outcome.unwrap().0 == file);
    }
}

#[test]
fn auto_body_that_cannot_be_base64_is_raw() {
    let pdf = [b"%PDF-1.7\n".as_slice(), &sample(200_000)].concat();
    let csv = "id,name\r\n".repeat(50_000).into_bytes();
    for file in [
        &pdf,
        &csv,
        &b"a,b".to_vec(),
        &b"QUJ".to_vec(),
        &b"PK\x03\x04".to_vec(),
        &b"\"a\",\"b\"\r\n".to_vec(),
    ] {
        let options = options(BodyEncoding::Auto);
        for lengths in [&[1][..], &[usize::MAX]] {
            assert!(run(file, &options, lengths).unwrap().0 == *file);
        }
    }
}

#[test]
fn auto_web_page_or_error_object_without_name_fails() {
    for body in ["<html>Sign in</html>", r#"{"Message":"no"}"#] {
        let mut options = options(BodyEncoding::Auto);
        assert!(run(body.as_bytes(), &options, &[1]).is_err());
        options.names_file = true;
        assert_eq!(
            run(body.as_bytes(), &options, &[1]).unwrap().0,
            body.as_bytes()
        );
    }
}

#[test]
fn auto_base64_that_becomes_invalid_fails() {
    let mut body = STANDARD.encode(sample(200_000)).into_bytes();
    body[150_000] = b',';
    let error = run(&body, &options(BodyEncoding::Auto), &[usize::MAX]).unwrap_err();
    assert!(error.starts_with("150000: "), "{error}");
}

#[test]
fn source_and_sink_errors_are_distinguished() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    impl Sink for Failing {
        fn spare_capacity_mut(&mut self, _: usize) -> io::Result<&mut [u8]> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn advance(&mut self, _: usize) -> io::Result<()> {
            unreachable!("there was no spare capacity")
        }
    }
    for encoding in [BodyEncoding::Base64, BodyEncoding::Raw, BodyEncoding::Auto] {
        let options = options(encoding);
        let error = decode(&mut Failing, &options, &mut VecSink::default()).unwrap_err();
        assert!(matches!(error, DecodeError::Source(_)), "{error:?}");
        let error = decode(&mut &b"QUJD"[..], &options, &mut Failing).unwrap_err();
        assert!(matches!(error, DecodeError::Sink(_)), "{error:?}");
    }
}
