//! Tests of base64 in a JSON object.

use super::super::{BodyEncoding, file_response};
use super::{decoded, error_of, options, run};

#[test]
fn file_response_with_any_order_and_other_keys_decodes() {
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
fn file_response_other_values_of_any_kind_are_skipped() {
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
    // A name that is too long is ignored.
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
fn file_response_without_file_or_with_invalid_json_fails() {
    for (body, expected) in [
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
        let error = error_of(body);
        assert!(error.contains(expected), "{body}: {error}");
    }
    // Another object may contain a customer's data.
    for body in [
        r#"{"name":"Jane Doe"}"#,
        r#"{"Orders":[{"Message":"Jane Doe"}]}"#,
    ] {
        let error = error_of(body);
        assert!(!error.contains("Jane"), "{error}");
    }
}

#[test]
fn file_response_too_long_or_too_deep_fails() {
    let options = options(BodyEncoding::Base64);
    let long = "x".repeat(file_response::MAX_FRAME_LEN);
    let deep = "[".repeat(100_000);
    for body in [
        format!(r#"{{"a":"{long}","Content":"QUJD"}}"#),
        format!(r#"{{"{long}":1,"Content":"QUJD"}}"#),
        format!(r#"{{"a":{}"#, "[".repeat(file_response::MAX_FRAME_LEN)),
        format!("{{{}", " ".repeat(file_response::MAX_FRAME_LEN)),
        format!(r#"{{"a":{deep}{},"Content":"QUJD"}}"#, "]".repeat(100_000)),
    ] {
        let error = run(body.as_bytes(), &options, &[usize::MAX]).unwrap_err();
        assert!(
            error.contains("more than 1048576 bytes besides")
                || error.contains("nested more than 128 deep"),
            "{error}"
        );
    }
}
