//! The server's own words, dug out of an error body: JSON of many makes, plain
//! text, or the HTML page of a server or proxy on the way.

use serde_json::Value;

use crate::json;
use crate::text::{MAX_MESSAGE, character_of_entity, one_line};

/// How much of a body is worth reading for its message, in bytes.
pub(crate) const ENOUGH: u64 = 64 * 1024;

/// The keys that hold a message, the most telling first.
const MESSAGE_KEYS: [&str; 8] = [
    "ErrorMessage",
    "ExceptionMessage",
    "error_description",
    "Detail",
    "Message",
    "Error",
    "Title",
    "MessageDetail",
];

/// The keys that hold complaints by field.
const FIELD_KEYS: [&str; 2] = ["errors", "ModelState"];

/// What helps only the server's programmers.
const NOISE_KEYS: [&str; 6] = [
    "StackTrace",
    "StackTraceString",
    "ExceptionType",
    "TraceId",
    "InnerException",
    "status",
];

/// The message in `body`, on one line and cut to a sensible length; `None`
/// where there is none.
pub(crate) fn dig(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body));
    let text = text.trim();
    let found = match serde_json::from_str::<Value>(text) {
        Ok(value) => of_json(&value)?,
        Err(_) if text.starts_with('<') => text_of_html(text),
        Err(_) => text.to_owned(),
    };
    let line = one_line(&found, MAX_MESSAGE);
    (!line.is_empty()).then_some(line)
}

fn of_json(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().filter_map(of_json).take(5).collect();
            (!texts.is_empty()).then(|| texts.join("; "))
        }
        Value::Object(map) => {
            let get = |wanted: &str| json::find(map, wanted);
            let message = MESSAGE_KEYS.iter().find_map(|key| match get(key)? {
                Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
                inner @ (Value::Object(_) | Value::Array(_)) => of_json(inner),
                _ => None,
            });
            let fields = FIELD_KEYS.iter().find_map(|key| of_fields(get(key)?));
            match (message, fields) {
                (Some(message), Some(fields)) => Some(format!("{message} ({fields})")),
                (Some(text), None) | (None, Some(text)) => Some(text),
                (None, None) => {
                    let mut rest = map.clone();
                    rest.retain(|key, value| {
                        !value.is_null() && !NOISE_KEYS.iter().any(|n| key.eq_ignore_ascii_case(n))
                    });
                    (!rest.is_empty()).then(|| Value::Object(rest).to_string())
                }
            }
        }
        other => Some(other.to_string()),
    }
}

/// `{"field": ["text", ...]}` as `field: text; ...`.
fn of_fields(errors: &Value) -> Option<String> {
    let Value::Object(map) = errors else {
        return of_json(errors);
    };
    let texts: Vec<String> = map
        .iter()
        .filter_map(|(field, value)| {
            let text = of_json(value)?;
            Some(match field.trim_start_matches(['$', '.']) {
                "" => text,
                field => format!("{field}: {text}"),
            })
        })
        .take(5)
        .collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// The text of an HTML page: no tags, comments, scripts or styles.
fn text_of_html(html: &str) -> String {
    // Of the same length, byte for byte, so places found in one hold in the other.
    let lower = html.to_ascii_lowercase();
    let mut text = String::new();
    let mut at = 0;
    while let Some(tag) = html[at..].find('<').map(|found| at + found) {
        text.push_str(&html[at..tag]);
        text.push(' ');
        let end = if lower[tag..].starts_with("<!--") {
            "-->"
        } else if lower[tag..].starts_with("<script") {
            "</script>"
        } else if lower[tag..].starts_with("<style") {
            "</style>"
        } else {
            ">"
        };
        at = match lower[tag..].find(end) {
            Some(found) => tag + found + end.len(),
            None => html.len(),
        };
    }
    text.push_str(&html[at..]);
    without_entities(&text)
}

fn without_entities(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        let entity = rest[1..].split_once(';').map(|(name, _)| name);
        match entity.and_then(|name| Some((name, character_of_entity(name)?))) {
            Some((name, character)) => {
                plain.push(character);
                rest = &rest[name.len() + 2..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_make_of_error_body_gives_its_message() {
        for (body, message) in [
            (r#"{"ErrorMessage": "no such job"}"#, "no such job"),
            (
                r#"{"Message": "An error has occurred.", "ExceptionMessage": "Could not find or load record with ID 5!",
                    "ExceptionType": "System.Exception", "StackTrace": "at A.B()"}"#,
                "Could not find or load record with ID 5!",
            ),
            (
                r#"{"Message":"Authorization has been denied for this request."}"#,
                "Authorization has been denied for this request.",
            ),
            (
                r#"{"Error": "Too many requests.", "RateLimitResetTime": "2022-01-14T09:38:49.9856571Z"}"#,
                "Too many requests.",
            ),
            (r#"{"error": {"code": 5, "message": "nested"}}"#, "nested"),
            (
                r#"{"error": "invalid_grant", "error_description": "The user name or password is incorrect."}"#,
                "The user name or password is incorrect.",
            ),
            (
                r#"{"type": "x", "Title": "Bad input", "TraceId": "00-1"}"#,
                "Bad input",
            ),
            (
                r#"{"title": "One or more validation errors occurred.", "status": 400, "errors": {"id": ["The value 'x' is not valid."], "$": ["bad"]}}"#,
                "One or more validation errors occurred. (bad; id: The value 'x' is not valid.)",
            ),
            (
                r#"{"errors": {"Name": ["is required", "is short"]}}"#,
                "Name: is required; is short",
            ),
            (
                r#"{"Message": "", "Title": null, "ErrorMessage": " ", "Error": "last"}"#,
                "last",
            ),
            (r#"{"code": 7, "StackTrace": "at A.B()"}"#, r#"{"code":7}"#),
            (r#""Not Valid Token""#, "Not Valid Token"),
            ("\u{feff}{\"Message\": \"with a mark\"}", "with a mark"),
            ("Not Valid Token", "Not Valid Token"),
            (" two\r\n\tlines\0 ", "two lines"),
            (
                "<!DOCTYPE html><html><head><title>502 Bad Gateway</title><style>p {color: red}</style>\
                 <script>if (a < b) {}</script></head><!-- <p>no</p> --><body><h1>Server&nbsp;Error</h1>\
                 <p>in &#39;/&#x27; &amp; &unknown; more</p></body></html>",
                "502 Bad Gateway Server Error in '/' & &unknown; more",
            ),
            ("<html", ""),
            ("<p>never closed <b", "never closed"),
        ] {
            assert_eq!(dig(body.as_bytes()).unwrap_or_default(), message, "{body}");
        }
    }

    #[test]
    fn where_nothing_is_said_there_is_no_message() {
        for body in [
            "",
            " \r\n",
            "null",
            "{}",
            "[]",
            r#"{"StackTrace": "at A.B()"}"#,
            r#""""#,
        ] {
            assert_eq!(dig(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let message = dig("é".repeat(100_000).as_bytes()).unwrap();
        assert_eq!(message.chars().count(), MAX_MESSAGE + 1);
        assert!(message.ends_with('…'));
    }

    #[test]
    fn bytes_that_are_no_text_are_survived() {
        assert_eq!(dig(b"\xff\xfe oops").unwrap(), "\u{fffd}\u{fffd} oops");
    }
}
