//! Tests of base64 text: whitespace, and the positions of errors.

use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;

use super::super::{BodyEncoding, Options};
use super::{bytes_of, error_of, named, options, run, sample};

#[test]
fn base64_whitespace_at_edges_of_lines_is_ignored() {
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
    // Lines may have any length if no space is at the edge of one.
    assert_eq!(bytes_of("QUJDR\r\nEV\r\nGR0g="), b"ABCDEFGH");
    let far_apart = format!("Q{}U{0}J{0}D", "\t".repeat(300_000));
    assert_eq!(named(far_apart).unwrap(), b"ABC");
    let error = named(format!("Q{}!", "\t".repeat(300_000))).unwrap_err();
    assert!(
        error.starts_with("300002: the body is cut short"),
        "{error}"
    );
}

#[test]
fn base64_space_within_line_or_in_uneven_line_fails_at_its_position() {
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
        // At the edge of a line whose length shows that a character is missing.
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
        let error = named(text).expect_err(text);
        let start = format!("{offset}: the body is not valid base64: a misplaced space at byte");
        assert!(error.starts_with(&start), "{text:?}: {error}");
    }
    // An earlier error is reported first.
    let error = named("Q!JD REVG").unwrap_err();
    assert!(error.starts_with("1: "), "{error}");
}

#[test]
fn base64_plus_signs_replaced_by_spaces_never_decode_to_another_file() {
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
fn base64_invalid_character_fails_at_its_position() {
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
        let error = error_of(body);
        assert!(
            error.starts_with(&format!("{offset}: ")),
            "{body:?}: {error}"
        );
    }
    // Far into a long body, in each form.
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
        for start in [3, 131_071, 131_072, 262_145, 700_001, body.len() - 2] {
            let mut body = body.clone().into_bytes();
            let position = (start..)
                .find(|&at| body[at].is_ascii_alphanumeric())
                .unwrap_or(start);
            body[position] = b'*';
            let error = run(&body, &options(BodyEncoding::Base64), &[50_000, 131_072]).unwrap_err();
            assert!(
                error.starts_with(&format!("{position}: ")),
                "{position}: {error}"
            );
            assert!(error.contains("'*'"), "{error}");
        }
    }
}

#[test]
fn base64_invalid_character_anywhere_in_wrapped_or_escaped_text_fails_at_its_position() {
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
    for valid in bodies {
        assert!(bytes_of(&valid) == sample(300));
        for position in (0..valid.len()).filter(|&at| valid[at].is_ascii_alphanumeric()) {
            let mut body = valid.clone();
            body[position] = b'*';
            let error = run(&body, &options(BodyEncoding::Base64), &[usize::MAX]).unwrap_err();
            // In a key or an escape, the error has another position.
            let is_in_text = body[position - position.min(5)..position]
                .iter()
                .all(|b| *b != b'\\');
            if is_in_text && position > 12 {
                assert!(
                    error.starts_with(&format!("{position}: ")),
                    "{position}: {error}"
                );
            }
            for lengths in [&[3][..], &[70, 1, 100], &[position + 1, 1, 50]] {
                let chunked = run(&body, &options(BodyEncoding::Base64), lengths);
                assert_eq!(chunked, Err(error.clone()), "{lengths:?}");
            }
        }
    }
}
