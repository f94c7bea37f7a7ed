//! Tests of bodies that are not files, although their status is 200.

use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;

use super::super::{BodyEncoding, Options};
use super::{TYPES, bytes_of, error_of, named, options, run, sample, typed};
use crate::text::server_message;

#[test]
fn empty_body_without_name_fails() {
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
        let error = error_of(text);
        assert_eq!(
            error, "?: the server sent an empty body, not a file (empty)",
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
        let error = error_of(text);
        assert!(error.ends_with("without a file in it (empty)"), "{error}");
    }
    let mut raw = options(BodyEncoding::Raw);
    assert!(run(b"", &raw, &[1]).unwrap_err().ends_with("(empty)"));
    raw.names_file = true;
    assert_eq!(run(b"", &raw, &[1]).unwrap().0, b"");
}

#[test]
fn body_over_the_limit_of_error_texts_does_not_depend_on_reads() {
    let spaces = " ".repeat(600);
    for (encoding, body) in [
        (BodyEncoding::Raw, format!("null{spaces}1")),
        (BodyEncoding::Raw, format!("{spaces}null")),
        (
            BodyEncoding::Base64,
            format!(r#"{{"Content":"{}"}}"#, r"\n".repeat(600)),
        ),
    ] {
        let options = Options {
            content_type: Some("application/json"),
            ..options(encoding)
        };
        let outcome = run(body.as_bytes(), &options, &[usize::MAX]);
        assert!(outcome.is_ok(), "{outcome:?}");
        assert_eq!(run(body.as_bytes(), &options, &[1]), outcome, "{body}");
    }
}

#[test]
fn error_text_without_name_fails() {
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
                    let error = typed(body, content_type, encoding).unwrap_err();
                    let start = "?: the server sent an error text, not a file [";
                    assert!(error.starts_with(start), "{body}: {error}");
                }
            }
            let object = format!(r#"{{"Content":{quoted}}}"#);
            let error = typed(&object, content_type, BodyEncoding::Base64).unwrap_err();
            assert!(error.contains("an error text, not a file ["), "{error}");
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
fn json_value_or_word_without_file_content_type_fails() {
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
                Err(error) => assert!(!is_file && error.contains("not a file"), "{text}: {error}"),
            }
        }
    }
    for content_type in [None, Some("application/json"), Some("text/plain")] {
        for body in ["null", " null\r\n", "\"null\""] {
            let error = typed(body, content_type, BodyEncoding::Base64).unwrap_err();
            assert_eq!(error, "?: the server sent null, not a file (empty)");
        }
    }
    // JSON null is not a file even if a header names one.
    let mut json = options(BodyEncoding::Base64);
    json.content_type = Some("application/json; charset=utf-8");
    json.names_file = true;
    assert!(run(b"null", &json, &[1]).is_err());
    assert_eq!(named("null").unwrap(), [0x9e, 0xe9, 0x65]);
}

#[test]
fn short_file_decodes() {
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
fn web_page_or_error_text_is_in_the_error_unless_named() {
    for (body, expected) in [
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
        let error = error_of(body);
        assert!(error.starts_with(expected), "{body}: {error}");
        let error = named(body).unwrap_err();
        assert!(!error.contains('['), "{body}: {error}");
    }
}

#[test]
fn error_of_other_body_shows_no_data() {
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
                let error = run(form.as_bytes(), &options, &[usize::MAX]).unwrap_err();
                for word in ["Jane", "Doe", "Main", "street", "name"] {
                    assert!(!error.contains(word), "{form:.80}: {error}");
                }
                assert!(
                    error.contains(" byte ") || body.starts_with(['<', '{']),
                    "{error}"
                );
            }
        }
    }
    let error = error_of(csv);
    assert_eq!(
        error,
        "4: the body is not valid base64: ',' at byte 4 \
         (if the server sends raw files, set the body encoding to raw)"
    );
    assert!(!error_of(format!("{}!", "QUJD".repeat(60))).contains("raw"));
}

#[test]
fn long_web_page_read_in_chunks_of_any_size_is_cut_at_same_place() {
    let max = usize::try_from(server_message::MAX_READ).unwrap();
    let page = format!("<p>first<!--{}-->last", "x".repeat(max));
    let shown = &page[..max];
    let options = options(BodyEncoding::Base64);
    for lengths in [&[1][..], &[1000], &[usize::MAX]] {
        let error = run(page.as_bytes(), &options, lengths).unwrap_err();
        assert!(error.ends_with(&format!(" [{shown}]")), "{error:.80}");
    }
}
