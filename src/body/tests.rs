use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;

use super::properties::{Outcome, VecSink, options, run};
use super::*;

/// The outcome, which must be the same however the body is split into reads.
fn decoded(body: impl AsRef<[u8]>) -> Outcome {
    let body = body.as_ref();
    let options = options(BodyEncoding::Base64);
    let whole = run(body, &options, &[usize::MAX]);
    assert_eq!(run(body, &options, &[1]), whole, "byte by byte");
    assert_eq!(run(body, &options, &[3]), whole, "in threes");
    for split in 1..body.len().min(300) {
        assert_eq!(
            run(body, &options, &[split, usize::MAX]),
            whole,
            "split at {split}"
        );
    }
    whole
}

fn bytes_of(body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    decoded(body)
        .unwrap_or_else(|e| panic!("{}: {e}", body.escape_ascii()))
        .0
}

/// The offset and the message of the error.
fn fault_of(body: impl AsRef<[u8]>) -> String {
    let body = body.as_ref();
    decoded(body).expect_err(&body.escape_ascii().to_string())
}

fn sample(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[test]
fn all_forms_give_the_same_bytes() {
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

/// The outcome where a header names a file.
fn named(body: impl AsRef<[u8]>) -> Result<Vec<u8>, String> {
    let options = Options {
        names_file: true,
        ..options(BodyEncoding::Base64)
    };
    let body = body.as_ref();
    let whole = run(body, &options, &[usize::MAX]);
    assert_eq!(run(body, &options, &[1]), whole, "byte by byte");
    whole.map(|(bytes, _)| bytes)
}

#[test]
fn whitespace_at_line_breaks_and_ends_is_ignored() {
    for text in [
        "QUJD",
        " QUJD",
        "\t  QUJD",
        "QUJD \r\n",
        "QUJD    ",
        "Q\tU\nJ\rD",
        "\r\n\r\nQU\r\n\r\nJD",
        " \r\n \r\n QUJD \r\n \t\r\n",
        "\"QUJD \"",
        "\" \\r\\nQUJD\\u0020\\n\"",
    ] {
        assert_eq!(bytes_of(text), b"ABC", "{text:?}");
    }
    for text in ["QQ==", "QQ=\r\n=", "QQ=\t=\n", "QQ\n=="] {
        assert_eq!(bytes_of(text), b"A", "{text:?}");
    }
    for text in [
        "QUJD \r\n REVG\r\n\tR0g=",
        "QUJD\r\n REVG  \r\n    \r\nR0g= ",
        "  QUJD\nREVG\nR0g=",
        "\"QUJD \\r\\n REVG\\nR0g=\"",
    ] {
        assert_eq!(bytes_of(text), b"ABCDEFGH", "{text:?}");
    }
    // A line of any length, where no space is near.
    assert_eq!(bytes_of("QUJDR\r\nEV\r\nGR0g="), b"ABCDEFGH");
    let far_apart = format!("Q{}U{0}J{0}D", "\t".repeat(300_000));
    assert_eq!(named(far_apart).unwrap(), b"ABC");
    let fault = named(format!("Q{}!", "\t".repeat(300_000))).unwrap_err();
    assert!(
        fault.starts_with("300002: the body is cut short"),
        "{fault}"
    );
}

#[test]
fn spaces_that_were_plus_signs_are_refused_at_their_place() {
    for (text, offset) in [
        // Within a line.
        ("QUJD REVG", 4),
        ("QU JDREVG", 2),
        ("Q U J D", 1),
        ("QQ =\r\n=", 2),
        ("QUJD \t REVG", 4),
        ("QUJD\r\nRE VG", 8),
        ("\"QUJD REVG\"", 5),
        ("\"QUJD\\u0020REVG\"", 5),
        ("\"QUJD\\t REVG\"", 7),
        ("{\"Content\":\"QU JDREVG\"}", 14),
        // At a line's end or beginning, by the length of the line.
        ("QUJDREV \r\nQUJDREVG\r\nQUI=", 7),
        (" UJDREVG\r\nQUJDREVG\r\nQUI", 0),
        ("QUJD    \r\nQUJDREVG\r\nQUI=", 4),
        ("QUJDREVG\r\nQUJD    \r\nQUI=", 14),
        ("    QUJD\r\nQUJDREVG\r\nQUI=", 3),
        ("QUJD    \r\nQUJDREVG", 4),
        ("QUJ \nQUJDR\nR0g=", 3),
        ("\"QUJD    \\nQUJDREVG\"", 5),
        ("QU\n JDQUJD", 3),
    ] {
        let fault = named(text).expect_err(text);
        let start = format!("{offset}: the body is not valid base64: a misplaced space at byte");
        assert!(fault.starts_with(&start), "{text:?}: {fault}");
    }
    // What comes before is at fault first.
    let fault = named("Q!JD REVG").unwrap_err();
    assert!(fault.starts_with("1: "), "{fault}");
}

#[test]
fn plus_signs_that_became_spaces_never_give_another_file() {
    for seed in 0..400 {
        let file: Vec<u8> = sample(4000)[seed..]
            .iter()
            .map(|b| b | 0xe8)
            .take(seed * 7)
            .collect();
        for width in [64, 76] {
            for separator in ["\r\n", "\n", "\\r\\n"] {
                let text = STANDARD.encode(&file);
                let lines: Vec<&str> = text
                    .as_bytes()
                    .chunks(width)
                    .map(|line| std::str::from_utf8(line).unwrap())
                    .collect();
                let text = lines.join(separator);
                let text = match separator {
                    "\\r\\n" => format!("\"{text}\""),
                    _ => text,
                };
                let corrupt = text.replace('+', " ");
                for corrupt in [&corrupt, &corrupt.replacen(' ', "+", seed % 5)] {
                    let options = Options {
                        names_file: true,
                        ..options(BodyEncoding::Base64)
                    };
                    let outcome = run(corrupt.as_bytes(), &options, &[usize::MAX]);
                    if *corrupt == text {
                        assert_eq!(outcome.unwrap().0, file);
                    } else {
                        outcome.expect_err(corrupt);
                    }
                }
            }
        }
    }
}

#[test]
fn empty_bodies_are_files_only_under_a_name() {
    for text in [
        "",
        " ",
        "\r\n\t ",
        "\u{feff}",
        "\u{feff}\r\n",
        "\"\"",
        " \"\" ",
        "\"\\r\\n \"",
        r#"{"Content":""}"#,
        r#"{"FileName":" ","Content":"\r\n"}"#,
    ] {
        let fault = fault_of(text);
        assert_eq!(
            fault, "?: the server sent an empty body, not a file (empty)",
            "{text:?}"
        );
        assert_eq!(named(text).unwrap(), b"", "{text:?}");
        let auto = options(BodyEncoding::Auto);
        assert!(run(text.as_bytes(), &auto, &[1]).is_err(), "{text:?}");
    }
    assert_eq!(bytes_of(r#"{"Content":"","FileName":"a.csv"}"#), b"");
    for text in [
        r#"{"Content":null}"#,
        r#"{"FileName":"a.csv","Content":null}"#,
    ] {
        let fault = fault_of(text);
        assert!(fault.ends_with("without a file in it (empty)"), "{fault}");
    }
    let mut raw = options(BodyEncoding::Raw);
    assert!(run(b"", &raw, &[1]).unwrap_err().ends_with("(empty)"));
    raw.names_file = true;
    assert_eq!(run(b"", &raw, &[1]).unwrap().0, b"");
}

/// The outcome for a content type.
fn typed(body: &str, content_type: Option<&'static str>, encoding: BodyEncoding) -> Outcome {
    let options = Options {
        content_type,
        ..options(encoding)
    };
    let whole = run(body.as_bytes(), &options, &[usize::MAX]);
    assert_eq!(run(body.as_bytes(), &options, &[1]), whole);
    whole
}

const TYPES: [Option<&str>; 5] = [
    None,
    Some("text/plain; charset=utf-8"),
    Some("text/html"),
    Some("application/json"),
    Some("text/csv"),
];

#[test]
fn error_texts_are_no_files_unless_named() {
    for text in [
        "Not Found",
        "NotFound",
        "Invalid Token",
        "File not found",
        "Job is still processing",
        "Unauthorized",
        "UNAUTHORIZED",
        "unauthorized\r\n",
        "AccessDenied",
        "Access\r\nDenied",
        "true",
        "Fail",
        "An error has occurred.",
    ] {
        for content_type in TYPES {
            let quoted = serde_json::to_string(text).unwrap();
            for body in [text, &quoted] {
                for encoding in [BodyEncoding::Base64, BodyEncoding::Auto] {
                    let fault = typed(body, content_type, encoding).unwrap_err();
                    let start = "?: the server sent an error text, not a file [";
                    assert!(fault.starts_with(start), "{body}: {fault}");
                }
            }
            let object = format!(r#"{{"Content":{quoted}}}"#);
            let fault = typed(&object, content_type, BodyEncoding::Base64).unwrap_err();
            assert!(fault.contains("an error text, not a file ["), "{fault}");
        }
        if let Ok(bytes) = STANDARD.decode(text) {
            assert_eq!(named(text), Ok(bytes.clone()));
            let object = format!(r#"{{"Content":"{text}","FileName":"a"}}"#);
            assert_eq!(bytes_of(object), bytes);
        } else if text.contains(' ') {
            assert!(!named(text).unwrap_err().contains('['), "{text}");
        }
    }
}

#[test]
fn json_values_and_words_are_files_by_their_content_type_only() {
    for text in [
        "12345678",
        "1234",
        "1e10",
        "123456789012",
        "Unerlaubt123",
        "introuvables",
    ] {
        for content_type in TYPES {
            let outcome = typed(text, content_type, BodyEncoding::Base64);
            let is_file = content_type == Some("text/csv") || text.ends_with("bt123");
            match outcome {
                Ok(outcome) => {
                    assert_eq!((is_file, outcome.0), (true, STANDARD.decode(text).unwrap()))
                }
                Err(fault) => assert!(!is_file && fault.contains("not a file"), "{text}: {fault}"),
            }
        }
    }
    for content_type in [None, Some("application/json"), Some("text/plain")] {
        for body in ["null", " null\r\n", "\"null\""] {
            let fault = typed(body, content_type, BodyEncoding::Base64).unwrap_err();
            assert_eq!(fault, "?: the server sent null, not a file (empty)");
        }
    }
    // No name makes JSON null a file.
    let mut json = options(BodyEncoding::Base64);
    json.content_type = Some("application/json; charset=utf-8");
    json.names_file = true;
    assert!(run(b"null", &json, &[1]).is_err());
    assert_eq!(named("null").unwrap(), [0x9e, 0xe9, 0x65]);
}

#[test]
fn short_files_are_files() {
    for length in 1..60 {
        for seed in 0..60 {
            let file = &sample(2000)[seed * 30..][..length];
            let text = STANDARD.encode(file);
            assert_eq!(named(&text).unwrap(), file);
            let outcome = typed(&text, Some("text/csv"), BodyEncoding::Base64);
            assert_eq!(outcome.unwrap().0, file, "{text}");
        }
        let file =
            &b"id,name\r\n1,Jane Doe\r\n2,John Smith\r\n3,an error, true\r\n4,five,6"[..length];
        let text = STANDARD.encode(file);
        for content_type in TYPES {
            let outcome = typed(&text, content_type, BodyEncoding::Base64);
            assert_eq!(outcome.unwrap().0, file, "{text}");
        }
    }
}

#[test]
fn utf16_text_is_decoded() {
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
    // Few characters are known by the header.
    let mut said = options(BodyEncoding::Base64);
    said.content_type = Some("text/plain; Charset=\"UTF-16LE\"");
    said.names_file = true;
    assert_eq!(run(b"", &said, &[1]).unwrap().0, b"");
    assert_eq!(run(b"Q\0U\0J\0D\0", &said, &[1]).unwrap().0, b"ABC");
    // The header is wrong.
    assert_eq!(run(b"QUJD", &said, &[1]).unwrap().0, b"ABC");
    // What is no base64 is said to be UTF-16; a file in UTF-16 stays one.
    let tsv: Vec<u8> = "\u{feff}id\tname"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let fault = run(&tsv, &options(BodyEncoding::Base64), &[1]).unwrap_err();
    assert!(fault.contains("the body is UTF-16 text"), "{fault}");
    assert!(!fault.contains("raw"), "{fault}");
    for encoding in [BodyEncoding::Auto, BodyEncoding::Raw] {
        assert_eq!(run(&tsv, &options(encoding), &[1]).unwrap().0, tsv);
    }
    let sentence: Vec<u8> = "Not Found"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let fault = run(&sentence, &options(BodyEncoding::Base64), &[1]).unwrap_err();
    assert!(fault.contains("[Not Found]"), "{fault}");
}

#[test]
fn text_that_is_not_base64_is_refused_at_its_place() {
    for (body, offset) in [
        ("QUJD!", 5),
        ("QU!D", 2),
        ("QUJD\r\nQU!D", 8),
        ("Q\tU\r\n!\tD", 5),
        ("QUJD\u{feff}", 7),
        ("Q\0JD", 1),
        ("QUJD\u{b}QUJD", 4),
        ("QU-_", 2),
        ("=QUJ", 0),
        ("====", 0),
        ("QU=D", 2),
        ("Q===", 1),
        ("QQ==QUJD", 4),
        ("QQ==\r\nQUJD", 6),
        ("QQ==\r\nQ", 6),
        ("QQ===", 4),
        ("QR==", 1),
        ("QR==QUJD", 1),
        ("\"A+1=\0\0\0:", 3),
        ("QUK=", 2),
        ("Q\tR\n=\t=", 2),
        ("\"QR==\"", 2),
        ("\"QU\\u0021D\"", 3),
        ("\"QU\\u00e9D\"", 3),
        ("\"QU\\u20acD\"", 3),
        ("\"QU\\xD\"", 3),
        ("\"QU\\u00g0D\"", 3),
        ("\"QU\\\\D\"", 3),
        ("\"QU\\\"D\"", 3),
        ("\"Q\nUJD\"", 2),
        ("\"QUJ\"", 1),
        ("\"QQ==QQ\"", 5),
        ("\"QUJD\" x", 7),
        ("\"QUJD\"\"QUJD\"", 6),
        ("{\"Content\":\"QU!D\"}", 14),
        ("[\"QUJD\"]", 0),
    ] {
        let fault = fault_of(body);
        assert!(
            fault.starts_with(&format!("{offset}: ")),
            "{body:?}: {fault}"
        );
    }
    // Deep in a long body, in each form.
    let text = STANDARD.encode(sample(600_000));
    let wrapped: Vec<&str> = text
        .as_bytes()
        .chunks(76)
        .map(|c| std::str::from_utf8(c).unwrap())
        .collect();
    for body in [
        text.clone(),
        wrapped.join("\r\n"),
        format!("\"{}\"", text.replace('/', "\\/")),
    ] {
        for place in [3, 131_071, 131_072, 262_145, 700_001, body.len() - 2] {
            let mut body = body.clone().into_bytes();
            let place = (place..)
                .find(|&at| body[at].is_ascii_alphanumeric())
                .unwrap_or(place);
            body[place] = b'*';
            let fault = run(&body, &options(BodyEncoding::Base64), &[50_000, 131_072]).unwrap_err();
            assert!(fault.starts_with(&format!("{place}: ")), "{place}: {fault}");
            assert!(fault.contains("'*'"), "{fault}");
        }
    }
}

#[test]
fn every_place_in_a_long_text_is_told_rightly() {
    let text = STANDARD.encode(sample(300));
    let lines: Vec<_> = text.as_bytes().chunks(76).map(<[u8]>::to_vec).collect();
    let escaped = text.replace('/', r"\/").replace('+', r"\u002b");
    let bodies = [
        lines.join(&b"\r\n"[..]),
        lines.join(&b"\n"[..]),
        lines.join(&b" \r\n\t"[..]),
        format!("\"{escaped}\"").into_bytes(),
        format!("\"{}\"", escaped.replace('Q', r"Q\r\n")).into_bytes(),
        format!("{{\"Content\":\"{}\"}}", escaped.replace("2b", "2B")).into_bytes(),
    ];
    for good in bodies {
        assert!(bytes_of(&good) == sample(300));
        for place in (0..good.len()).filter(|&at| good[at].is_ascii_alphanumeric()) {
            let mut body = good.clone();
            body[place] = b'*';
            let fault = run(&body, &options(BodyEncoding::Base64), &[usize::MAX]).unwrap_err();
            // In the key and in escapes, the place is another's.
            let is_in_text = body[place - place.min(5)..place]
                .iter()
                .all(|b| *b != b'\\');
            if is_in_text && place > 12 {
                assert!(fault.starts_with(&format!("{place}: ")), "{place}: {fault}");
            }
            for lengths in [&[3][..], &[70, 1, 100], &[place + 1, 1, 50]] {
                let pieced = run(&body, &options(BodyEncoding::Base64), lengths);
                assert_eq!(pieced, Err(fault.clone()), "{lengths:?}");
            }
        }
    }
}

#[test]
fn every_cut_is_noticed() {
    let text = STANDARD.encode(sample(40));
    for body in [
        format!("\"{}\"", text.replace('/', "\\/")),
        format!(r#"{{"FileName":"a.csv","Content":"{text}"}}"#),
        format!(r#"{{"Content":"{text}","x":{{"y":[1,2]}}}}"#),
    ] {
        for length in 1..body.len() {
            let fault = fault_of(&body[..length]);
            assert!(fault.contains("cut short"), "{length}: {fault}");
        }
    }
    for length in (1..text.len()).filter(|length| length % 4 != 0) {
        let fault = fault_of(&text[..length]);
        assert!(
            fault.starts_with(&format!("{length}: the body is cut short")),
            "{fault}"
        );
    }
}

#[test]
fn a_file_response_may_have_any_order_and_other_keys() {
    for (body, name) in [
        (r#"{"FileName":"a.csv","Content":"QUJD"}"#, Some("a.csv")),
        (r#"{"Content":"QUJD","FileName":"a.csv"}"#, Some("a.csv")),
        (
            r#"{"content":"QUJD","fileName":"\u00e9.csv"}"#,
            Some("é.csv"),
        ),
        (r#"{"FileName":null,"Content":"QUJD"}"#, None),
        (r#"{"Content":"QUJD"}"#, None),
        (
            "\u{feff}\r\n{ \"Content\" : \"QUJD\" , \"FileName\" : \"a\" }\r\n",
            Some("a"),
        ),
        (
            r#"{"a":{"Content":"x","FileName":"y"},"b":[{"Content":"!"}],"c":-1.5e3,"d":true,"\u0043ontent":"QUJD","e":"}\"{","FileName":"n"}"#,
            Some("n"),
        ),
    ] {
        assert_eq!(
            decoded(body),
            Ok((b"ABC".to_vec(), name.map(String::from))),
            "{body}"
        );
    }
}

#[test]
fn unneeded_fields_of_a_file_response_do_no_harm() {
    let deep = "[".repeat(100) + &"]".repeat(100);
    for other in [
        r#""a\ud83d""#,
        "1e400",
        "-0.5E-999",
        &deep,
        r#"{"\udc00": [null, {}]}"#,
    ] {
        for body in [
            format!(r#"{{"x": {other}, "FileName": "a\ud83d.csv", "Content": "QUJD"}}"#),
            format!(r#"{{"Content": "QUJD", "FileName": "a\ud83d.csv", "\ud83d": {other}}}"#),
        ] {
            let (bytes, name) = decoded(&body).unwrap();
            assert_eq!(bytes, b"ABC");
            assert_eq!(name.as_deref(), Some("a\u{fffd}.csv"));
        }
    }
    // A name that is longer than any is none.
    let body = format!(
        r#"{{"FileName": "{}", "Content": "QUJD"}}"#,
        "a".repeat(100_000)
    );
    let outcome = run(
        body.as_bytes(),
        &options(BodyEncoding::Base64),
        &[usize::MAX],
    );
    assert_eq!(outcome, Ok((b"ABC".to_vec(), None)));
}

#[test]
fn objects_that_hold_no_file_are_refused_with_their_words() {
    for (body, words) in [
        (
            r#"{"Message":"An error has occurred."}"#,
            r#"without a file in it [{\"Message\":\"An error has occurred.\"}]"#,
        ),
        (r#"{"ErrorMessage":"no"}"#, "without a file in it ["),
        (r#"{"Content":null,"FileName":"a"}"#, "without a file in it"),
        (r#"{"Content":5}"#, "without a file in it"),
        (r#"{"Content":["QUJD"]}"#, "without a file in it"),
        ("{}", "without a file in it"),
        (
            r#"{"Content":"QUJD","Content":"QUJD"}"#,
            "more than one Content",
        ),
        (r#"{"Content":"QUJD",}"#, "not valid JSON: '}' at byte 18"),
        (r#"{"Content" "QUJD"}"#, "not valid JSON: '\"' at byte 11"),
        (
            r#"{"a":01,"Content":"QUJD"}"#,
            "not valid JSON: '1' at byte 6",
        ),
        (r#"{"Content":"QUJD"]"#, "not valid JSON: ']' at byte 17"),
        (
            "{\n\"Content\":\"QUJD\",\n\"a\":nul}",
            "not valid JSON: '}' at byte 27",
        ),
        (r#"{"Content":"QUJD"}{}"#, "'{' follows at byte 18"),
        ("{\"a\":\"\n\"}", "not valid JSON: byte 0x0a at byte 6"),
        (r#"{"a":"\x"}"#, "not valid JSON: 'x' at byte 7"),
        (r#"{"a":"\u00g0"}"#, "not valid JSON: 'g' at byte 10"),
        (r#"{"a":[1,]}"#, "not valid JSON: ']' at byte 8"),
        (r#"{"a":{"b":1,}}"#, "not valid JSON: '}' at byte 12"),
        (r#"{"a":-}"#, "not valid JSON: '}' at byte 6"),
        (r#"{"a":1.}"#, "not valid JSON: '}' at byte 7"),
        (r#"{"a":1e+}"#, "not valid JSON: '}' at byte 8"),
        (r#"{,}"#, "not valid JSON: ',' at byte 1"),
        (r#"{"a":tru}"#, "not valid JSON: '}' at byte 8"),
    ] {
        let fault = fault_of(body);
        assert!(fault.contains(words), "{body}: {fault}");
    }
    // What is no error object may be a customer's data.
    for body in [
        r#"{"name":"Jane Doe"}"#,
        r#"{"Orders":[{"Message":"Jane Doe"}]}"#,
    ] {
        let fault = fault_of(body);
        assert!(!fault.contains("Jane"), "{fault}");
    }
}

#[test]
fn a_frame_that_grows_without_end_is_refused() {
    let options = options(BodyEncoding::Base64);
    let long = "x".repeat(file_response::MAX_FRAME);
    let deep = "[".repeat(100_000);
    for body in [
        format!(r#"{{"a":"{long}","Content":"QUJD"}}"#),
        format!(r#"{{"{long}":1,"Content":"QUJD"}}"#),
        format!(r#"{{"a":{}"#, "[".repeat(file_response::MAX_FRAME)),
        format!("{{{}", " ".repeat(file_response::MAX_FRAME)),
        format!(r#"{{"a":{deep}{},"Content":"QUJD"}}"#, "]".repeat(100_000)),
    ] {
        let fault = run(body.as_bytes(), &options, &[usize::MAX]).unwrap_err();
        assert!(
            fault.contains("more than 1048576 bytes besides")
                || fault.contains("nested more than 128 deep"),
            "{fault}"
        );
    }
}

#[test]
fn web_pages_and_error_texts_are_shown() {
    for (body, words) in [
        (
            "<!DOCTYPE html><html><title>Sign in</title><body>Please log in</body></html>",
            "0: the server sent a web page, not a file [<!DOCTYPE html><html><title>Sign in",
        ),
        ("  <p>x", "2: the server sent a web page, not a file [<p>x]"),
        (
            "Not Valid Token",
            "?: the server sent an error text, not a file [Not Valid Token]",
        ),
    ] {
        let fault = fault_of(body);
        assert!(fault.starts_with(words), "{body}: {fault}");
        let fault = named(body).unwrap_err();
        assert!(!fault.contains('['), "{body}: {fault}");
    }
}

#[test]
fn a_customers_data_is_shown_nowhere() {
    let csv = "name,street\r\nJane Doe,12 Main Street\r\n";
    for body in [
        csv.to_owned(),
        csv.replace(',', "\t"),
        "Jane Doe".to_owned(),
        format!("\"{}\"", csv.escape_default()),
        format!("[\"{}\"]", csv.escape_default()),
        format!("{{\"Content\":\"{}\"}}", csv.escape_default()),
        format!("{{\"{}\":1}}", csv.escape_default()),
        format!("<?xml version=\"1.0\"?><orders><name>{csv}</name></orders>"),
        format!("{}{csv}", "QUJD".repeat(10)),
        format!("{}{csv}", "QUJD".repeat(60)),
        csv.repeat(1000),
    ] {
        for form in [body.clone(), format!("\u{feff}{body}")] {
            for names_file in [false, true] {
                let options = Options {
                    names_file,
                    ..options(BodyEncoding::Base64)
                };
                let fault = run(form.as_bytes(), &options, &[usize::MAX]).unwrap_err();
                for word in ["Jane", "Doe", "Main", "street", "name"] {
                    assert!(!fault.contains(word), "{form:.80}: {fault}");
                }
                assert!(
                    fault.contains(" byte ") || body.starts_with(['<', '{']),
                    "{fault}"
                );
            }
        }
    }
    let fault = fault_of(csv);
    assert_eq!(
        fault,
        "4: the body is not valid base64: ',' at byte 4 \
         (if the server sends files as they are, ask for raw bodies)"
    );
    assert!(!fault_of(format!("{}!", "QUJD".repeat(60))).contains("raw"));
}

#[test]
fn of_a_long_page_the_same_is_shown_however_it_comes() {
    let enough = usize::try_from(server_message::MAX_READ).unwrap();
    let page = format!("<p>first<!--{}-->last", "x".repeat(enough));
    let shown = &page[..enough];
    let options = options(BodyEncoding::Base64);
    for lengths in [&[1][..], &[1000], &[usize::MAX]] {
        let fault = run(page.as_bytes(), &options, lengths).unwrap_err();
        assert!(fault.ends_with(&format!(" [{shown}]")), "{fault:.80}");
    }
}

#[test]
fn the_limit_counts_decoded_bytes() {
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
    let nothing = Options {
        limit: 0,
        names_file: true,
        ..options(BodyEncoding::Base64)
    };
    assert_eq!(run(b"\"\"", &nothing, &[1]).unwrap().0, b"");
    // Blanks count for nothing, also where they are the first.
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
fn raw_bodies_are_left_alone() {
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
fn auto_takes_for_raw_what_cannot_be_base64() {
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
fn auto_takes_a_page_for_a_file_only_under_a_files_name() {
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
fn auto_never_mixes() {
    let mut body = STANDARD.encode(sample(200_000)).into_bytes();
    body[150_000] = b',';
    let fault = run(&body, &options(BodyEncoding::Auto), &[usize::MAX]).unwrap_err();
    assert!(fault.starts_with("150000: "), "{fault}");
}

#[test]
fn errors_of_the_source_and_the_sink_are_told_apart() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    impl Sink for Broken {
        fn spare_capacity_mut(&mut self, _: usize) -> io::Result<&mut [u8]> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn advance(&mut self, _: usize) -> io::Result<()> {
            unreachable!("there was no room")
        }
    }
    for encoding in [BodyEncoding::Base64, BodyEncoding::Raw, BodyEncoding::Auto] {
        let options = options(encoding);
        let error = decode(&mut Broken, &options, &mut VecSink::default()).unwrap_err();
        assert!(matches!(error, DecodeError::Source(_)), "{error:?}");
        let error = decode(&mut &b"QUJD"[..], &options, &mut Broken).unwrap_err();
        assert!(matches!(error, DecodeError::Sink(_)), "{error:?}");
    }
}
