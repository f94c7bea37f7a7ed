use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::laws::{Outcome, options, run};
use super::*;
use crate::sink::Buffer;

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
    for length in (0..100).chain([4096, 98_304, 98_305, 200_000, 1_000_003]) {
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
fn blanks_are_ignored_as_dotnet_does() {
    for text in [
        "QUJD",
        " QUJD",
        "QUJD \r\n",
        "Q\tU\nJ\rD",
        "Q U J D",
        "\r\n\r\nQU\r\n\r\nJD",
    ] {
        assert_eq!(bytes_of(text), b"ABC", "{text:?}");
    }
    for text in ["QQ==", "QQ =\r\n=", "Q Q=\t=\n", "QQ\n=="] {
        assert_eq!(bytes_of(text), b"A", "{text:?}");
    }
    for text in [
        "",
        " ",
        "\r\n\t ",
        "\u{feff}",
        "\u{feff}\r\n",
        "\"\"",
        " \"\" ",
        "\"\\r\\n \"",
    ] {
        assert_eq!(bytes_of(text), b"", "{text:?}");
    }
    let far_apart = format!("Q{}U{0}J{0}D", " ".repeat(300_000));
    let options = options(BodyEncoding::Base64);
    assert_eq!(
        run(far_apart.as_bytes(), &options, &[usize::MAX])
            .unwrap()
            .0,
        b"ABC"
    );
    assert_eq!(
        run(format!("Q{}!", " ".repeat(300_000)).as_bytes(), &options, &[usize::MAX]).unwrap_err(),
        "300001: the body is cut short: it ends at byte 300002, within a group of four base64 characters"
            .replace("300001: ", "300002: ")
    );
}

#[test]
fn text_that_is_not_base64_is_refused_at_its_place() {
    for (body, offset) in [
        ("QUJD!", 5),
        ("QU!D", 2),
        ("QUJD\r\nQU!D", 8),
        ("Q U\r\n ! D", 6),
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
        ("Q R\n= =", 2),
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
    assert_eq!(bytes_of(r#"{"Content":""}"#), b"");
}

#[test]
fn objects_that_hold_no_file_are_refused_with_their_words() {
    for (body, words) in [
        (
            r#"{"Message":"An error has occurred."}"#,
            "An error has occurred.",
        ),
        (r#"{"ErrorMessage":"no"}"#, "without a file in it: no"),
        (r#"{"Content":null,"FileName":"a"}"#, "without a file in it"),
        (r#"{"Content":5}"#, "without a file in it"),
        (r#"{"Content":["QUJD"]}"#, "without a file in it"),
        ("{}", "without a file in it"),
        (
            r#"{"Content":"QUJD","Content":"QUJD"}"#,
            "more than one Content",
        ),
        (r#"{"Content":"QUJD",}"#, "not valid JSON near byte 18"),
        (r#"{"Content" "QUJD"}"#, "not valid JSON near byte 11"),
        (r#"{"a":01,"Content":"QUJD"}"#, "not valid JSON near byte 6"),
        (r#"{"Content":"QUJD"]"#, "not valid JSON near byte 17"),
        (
            "{\n\"Content\":\"QUJD\",\n\"a\":nul}",
            "not valid JSON near byte 27",
        ),
        (r#"{"Content":"QUJD"}{}"#, "'{' follows at byte 18"),
    ] {
        let fault = fault_of(body);
        assert!(fault.contains(words), "{body}: {fault}");
    }
}

#[test]
fn a_frame_that_grows_without_end_is_refused() {
    let options = options(BodyEncoding::Base64);
    let long = "x".repeat(LARGEST_FRAME);
    let deep = "[".repeat(100_000);
    for body in [
        format!(r#"{{"a":"{long}","Content":"QUJD"}}"#),
        format!(r#"{{"{long}":1,"Content":"QUJD"}}"#),
        format!(r#"{{"a":{}"#, "[".repeat(LARGEST_FRAME)),
        format!("{{{}", " ".repeat(LARGEST_FRAME)),
        format!(r#"{{"a":{deep}{},"Content":"QUJD"}}"#, "]".repeat(100_000)),
    ] {
        let fault = run(body.as_bytes(), &options, &[usize::MAX]).unwrap_err();
        assert!(
            fault.contains("more than 1048576 bytes besides") || fault.contains("recursion limit"),
            "{fault}"
        );
    }
}

#[test]
fn what_is_not_base64_is_shown() {
    for (body, words) in [
        (
            "<!DOCTYPE html><html><title>Sign in</title><body>Please log in</body></html>",
            "0: the server answered a web page, not a file: Sign in Please log in",
        ),
        ("  <p>x", "2: the server answered a web page, not a file: x"),
        (
            "Not Valid Token",
            "the body begins with \"Not Valid Token\"",
        ),
        ("id,name\r\n1,é\r\n", "the body begins with \"id,name 1,é\""),
        (
            "%PDF-1.7",
            "'%' at byte 0; the body begins with \"%PDF-1.7\"",
        ),
    ] {
        let fault = fault_of(body);
        assert!(fault.contains(words), "{body}: {fault}");
    }
    // Far into a file its content is nobody's business.
    let fault = fault_of(format!("{}!", "QUJD".repeat(60)));
    assert!(!fault.contains("QUJD"), "{fault}");
}

#[test]
fn of_a_long_page_the_same_is_shown_however_it_comes() {
    let enough = usize::try_from(server_message::ENOUGH).unwrap();
    let page = format!("<p>first<!--{}-->last", "x".repeat(enough));
    let options = options(BodyEncoding::Base64);
    for lengths in [&[1][..], &[1000], &[usize::MAX]] {
        let fault = run(page.as_bytes(), &options, lengths).unwrap_err();
        assert!(fault.ends_with(": first"), "{fault}");
    }
}

#[test]
fn a_json_null_is_no_file() {
    let json = Options {
        is_json: true,
        ..options(BodyEncoding::Base64)
    };
    for body in ["null", " null\r\n"] {
        let fault = run(body.as_bytes(), &json, &[1]).unwrap_err();
        assert!(fault.contains("answered null"), "{fault}");
    }
    assert_eq!(run(b"nullnull", &json, &[1]).unwrap().0.len(), 6);
    assert_eq!(bytes_of("null"), [0x9e, 0xe9, 0x65]);
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
        let outcome = run(file, &options(BodyEncoding::Raw), &[70_000]);
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
        fn room(&mut self, _: usize) -> io::Result<&mut [u8]> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn commit(&mut self, _: usize) -> io::Result<()> {
            unreachable!("there was no room")
        }
    }
    for encoding in [BodyEncoding::Base64, BodyEncoding::Raw, BodyEncoding::Auto] {
        let options = options(encoding);
        let error = decode(&mut Broken, &options, &mut Buffer::default()).unwrap_err();
        assert!(matches!(error, Error::Source(_)), "{error:?}");
        let error = decode(&mut &b"QUJD"[..], &options, &mut Broken).unwrap_err();
        assert!(matches!(error, Error::Sink(_)), "{error:?}");
    }
}
