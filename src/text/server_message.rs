//! Extracts the message from the body of an error response: JSON of many kinds, plain text, or
//! the HTML page of a server or a proxy.

mod error_text;
mod fields;
mod page;
mod stack_trace;

use crate::text::json::{self, Value};

pub(crate) use error_text::{is_error_text, is_word};
use fields::{Fields, json_message};
pub(crate) use page::is_web_page;
use page::page_text;
use stack_trace::without_stack_trace;

/// How much of a body is read to find its message, in bytes.
pub(crate) const MAX_READ: u64 = 64 * 1024;

/// The maximum length of a message, in bytes.
const MAX_LEN: usize = MAX_READ as usize;

/// Returns the message in an error body as the server wrote it, with its line breaks and
/// control characters, up to 64 KiB.
///
/// The caller must redact the message before it shortens it.
pub(crate) fn extract_message(body: &[u8]) -> Option<String> {
    let text = json::text(body);
    let text = text.trim();
    let message = match Value::parse(text) {
        Some(value) => json_message(value, Fields::All, 0)?,
        None if text.starts_with('<') => page_text(truncated(text)),
        None => without_stack_trace(truncated(text)),
    };
    (!message.trim().is_empty()).then_some(message)
}

/// Returns the message in the known message fields of a JSON object; `None` for every other
/// body. It is for responses that may contain secrets or a customer's data.
pub(crate) fn known_message(body: &[u8]) -> Option<String> {
    let text = json::text(body);
    let value = Value::parse(text.trim()).filter(|value| value.is_object())?;
    json_message(value, Fields::Known, 0)
}

/// Returns the message in a body that is evidently not a file: a web page, a JSON object with a
/// message, or an error text; `None` for every other body, which may be a customer's data.
pub(crate) fn evident_message(body: &[u8]) -> Option<String> {
    if is_web_page(body) {
        return extract_message(body);
    }
    let text = json::text(body);
    let text = text.trim();
    match Value::parse(text) {
        Some(value) if value.is_object() => json_message(value, Fields::Known, 0),
        Some(value) => value.string(MAX_LEN).filter(|string| is_error_text(string)),
        None if text.starts_with('<') => None,
        None => is_error_text(text).then(|| text.to_owned()),
    }
}

/// Returns the time from which the server accepts requests again, as the server wrote it.
pub(crate) fn rate_limit_reset(body: &[u8]) -> Option<String> {
    const MAX_TIME: usize = 128;
    let text = json::text(body);
    let [time] = json::fields(&text, ["RateLimitResetTime"])?;
    time?.string(MAX_TIME)
}

/// Returns the beginning of a text, at most [`MAX_LEN`] bytes.
fn truncated(text: &str) -> &str {
    let mut length = text.len().min(MAX_LEN);
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    &text[..length]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{MAX_MESSAGE, one_line};

    #[test]
    fn extract_message_any_kind_of_error_body_returns_its_message() {
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
                "One or more validation errors occurred. (id: The value 'x' is not valid.; bad)",
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
                r#"{"Message": "half a pair \ud83d", "\udc00": 1e400}"#,
                "half a pair \u{fffd}",
            ),
            (
                r#"{"code": 7, "Access_Token": "x", "a": {"Password": "y", "b": [1]}}"#,
                r#"{"code":7,"a":{"b":[1]}}"#,
            ),
            (
                "<!DOCTYPE html><html><head><title>502 Bad Gateway</title><style>p {color: red}</style>\
                 <script>if (a < b) {}</script></head><!-- <p>no</p> --><body><h1>Server&nbsp;Error</h1>\
                 <p>in &#39;/&#x27; &amp; &unknown; more</p></body></html>",
                "502 Bad Gateway Server Error in '/' & &unknown; more",
            ),
            (
                "<html><head><title>400 The request was sent to the wrong port</title></head>\r\n<body>\
                 <center><h1>400 Bad Request</h1></center>\r\n<center>The request was sent\r\nto the \
                 wrong port</center><hr><center>nginx/1.22.1</center>",
                "400 Bad Request The request was sent to the wrong port nginx/1.22.1",
            ),
            ("<title>Sign in</title><p>User name", "Sign in User name"),
            ("<title>502</title><p>502", "502 502"),
            (
                "System.InvalidOperationException: The export failed.\r\n ---> System.IO.IOException: \
                 The disk is full: D\r\n   at Jobs.Run(Int32 id)\r\n\r\nHEADERS\r\n=======\r\nCookie: x",
                "The export failed. The disk is full: D",
            ),
            (
                r#"{"Message": "Jobs.Export+FailedException: no\r\n   at Jobs.Run[T](T id) in C:\\a.cs:line 5"}"#,
                "no",
            ),
            (
                "Look\r\n  at the page (of errors)",
                "Look at the page (of errors)",
            ),
            (
                "System.Exception: without a trace",
                "System.Exception: without a trace",
            ),
            ("<html", ""),
            ("<p>never closed <b", "never closed"),
        ] {
            let found = extract_message(body.as_bytes()).unwrap_or_default();
            assert_eq!(one_line(&found, MAX_MESSAGE), message, "{body}");
        }
    }

    #[test]
    fn extract_message_body_without_message_returns_none() {
        for body in [
            "",
            " \r\n",
            "null",
            "{}",
            "[]",
            r#"{"StackTrace": "at A.B()"}"#,
            r#""""#,
        ] {
            assert_eq!(extract_message(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn extract_message_long_text_is_bounded_and_otherwise_unchanged() {
        for body in [
            "é".repeat(100_000),
            format!(r#"{{"Message":"{}"}}"#, "é".repeat(100_000)),
            format!("<p>{}", "é".repeat(100_000)),
            format!(
                r#"{{"errors":[{}"x"]}}"#,
                format!("\"{}\",", "é".repeat(30_000)).repeat(9)
            ),
            format!(
                r#"{{"a":"b"{}}}"#,
                r#","c":[1,2,{"d":"e"}]"#.repeat(100_000)
            ),
            format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
            format!(
                r#"{}1{}"#,
                r#"{"error":"#.repeat(10_000),
                "}".repeat(10_000)
            ),
        ] {
            let message = extract_message(body.as_bytes()).unwrap_or_default();
            assert!(
                message.len() <= 2 * MAX_LEN,
                "{}: {:.50}",
                message.len(),
                body
            );
        }
        let message = extract_message(b"{\"Message\": \"two\\r\\n  lines\\u001b \"}");
        assert_eq!(message.unwrap(), "two\r\n  lines\u{1b} ");
    }

    #[test]
    fn extract_message_invalid_utf8_is_replaced() {
        let message = extract_message(b"\xff\xfa oops").unwrap();
        assert_eq!(message, "\u{fffd}\u{fffd} oops");
    }

    #[test]
    fn known_message_returns_message_fields_only() {
        for (body, message) in [
            (
                r#"{"Success":false,"Message":"Team was not found"}"#,
                "Team was not found",
            ),
            (r#"{"error": {"code": 5, "message": "nested"}}"#, "nested"),
            (r#"{"access_token": "hunter2", "code": 7}"#, ""),
            (r#"{"Message": {"access_token": "hunter2"}}"#, ""),
            (r#"{"error": [{"token": "hunter2"}]}"#, ""),
            (
                r#"{"errors": {"id": ["is not valid"]}}"#,
                "id: is not valid",
            ),
            (r#"{"Message": 7}"#, ""),
            (r#""hunter2""#, ""),
            (r#"["hunter2"]"#, ""),
            ("hunter2", ""),
            ("<h1>hunter2</h1>", ""),
        ] {
            let found = known_message(body.as_bytes()).unwrap_or_default();
            assert_eq!(found, message, "{body}");
        }
    }

    #[test]
    fn evident_message_data_returns_none() {
        for body in [
            "Jane Doe, 12 Main Street",
            "id,name\r\n1,Jane Doe",
            "<?xml version=\"1.0\"?><orders><order>Jane Doe</order></orders>",
            r#"{"name": "Jane Doe"}"#,
            r#"["Jane Doe"]"#,
            r#""Jane Doe""#,
            "5551234567",
        ] {
            assert_eq!(evident_message(body.as_bytes()), None, "{body}");
        }
        for (body, message) in [
            ("Not Valid Token", "Not Valid Token"),
            (r#""Not Found""#, "Not Found"),
            (r#"{"name": "Jane Doe", "Message": "no"}"#, "no"),
            (
                "<?xml version=\"1.0\"?>\r\n<!-- x --><html><p>Sign in",
                "Sign in",
            ),
            ("<!doctype HTML PUBLIC><x>Sign in", "Sign in"),
            (
                "<Error><Message>An error has occurred.</Message></Error>",
                "An error has occurred.",
            ),
        ] {
            let found = evident_message(body.as_bytes()).unwrap_or_default();
            assert_eq!(one_line(&found, MAX_MESSAGE), message, "{body}");
        }
    }

    #[test]
    fn rate_limit_reset_returns_field_unchanged() {
        let reset = |body: &str| rate_limit_reset(body.as_bytes());
        let body = r#"{"Error": "no", "ratelimitresettime": "2022-01-14T09:38:10", "x": "\ud83d"}"#;
        assert_eq!(reset(body).as_deref(), Some("2022-01-14T09:38:10"));
        assert_eq!(reset(r#"{"x": {"RateLimitResetTime": "2022"}}"#), None);
        assert_eq!(reset(r#"{"RateLimitResetTime": 5}"#), None);
        assert_eq!(reset("RateLimitResetTime"), None);
    }
}
