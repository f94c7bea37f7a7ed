//! The message in an error body: JSON of many kinds, plain text, or the HTML page of a server
//! or a proxy.

mod error_text;

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::text::character_of_entity;
use crate::text::json::{self, Value};

pub(crate) use error_text::{is_error_text, is_word};

/// How much of a body is read for its message, and how long the message may be, in bytes.
pub(crate) const MAX_READ: u64 = 64 * 1024;

const MAX_LEN: usize = MAX_READ as usize;

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

/// The keys that hold messages by field.
const FIELD_KEYS: [&str; 2] = ["errors", "ModelState"];

/// Fields that help only the server's programmers.
const NOISE_KEYS: [&str; 6] = [
    "StackTrace",
    "StackTraceString",
    "ExceptionType",
    "TraceId",
    "InnerException",
    "status",
];

/// Parts of the names of fields that may hold a secret.
const SECRET_NAMES: [&str; 10] = [
    "token",
    "password",
    "passwd",
    "pwd",
    "authorization",
    "secret",
    "cookie",
    "credential",
    "apikey",
    "api_key",
];

/// How many items of a list, or fields of an object, are shown.
const MAX_ITEMS: usize = 5;

/// How deep messages may be nested.
const MAX_DEPTH: usize = 8;

/// Returns the message in an error body, as the server wrote it: of any length up to 64 KiB,
/// with its line breaks and control characters. It is to be redacted, then shortened.
pub(crate) fn extract_message(body: &[u8]) -> Option<String> {
    let text = json::text(body);
    let text = text.trim();
    let message = match Value::parse(text) {
        Some(value) => of_json(value, Fields::All, 0)?,
        None if text.starts_with('<') => text_of_page(beginning(text)),
        None => without_stack_trace(beginning(text)),
    };
    (!message.trim().is_empty()).then_some(message)
}

/// Returns the message in the known message fields of a JSON object, or `None` for every
/// other body. For responses that may hold secrets or a customer's data.
pub(crate) fn known_message(body: &[u8]) -> Option<String> {
    let text = json::text(body);
    let value = Value::parse(text.trim()).filter(|value| value.is_object())?;
    of_json(value, Fields::Known, 0)
}

/// Returns the message in a body that is evidently no file: a web page, a JSON object with a
/// message, or an error text. `None` for every other body, which may be a customer's data.
pub(crate) fn evident_message(body: &[u8]) -> Option<String> {
    if is_web_page(body) {
        return extract_message(body);
    }
    let text = json::text(body);
    let text = text.trim();
    match Value::parse(text) {
        Some(value) if value.is_object() => of_json(value, Fields::Known, 0),
        Some(value) => value.string(MAX_LEN).filter(|string| is_error_text(string)),
        None if text.starts_with('<') => None,
        None => is_error_text(text).then(|| text.to_owned()),
    }
}

/// Returns the time at which the server accepts requests again, as it wrote it.
pub(crate) fn rate_limit_reset(body: &[u8]) -> Option<String> {
    const MAX_TIME: usize = 128;
    let text = json::text(body);
    let [time] = json::fields(&text, ["RateLimitResetTime"])?;
    time?.string(MAX_TIME)
}

/// Whether a body is a web page, by its first element. Other XML may be a file.
pub(crate) fn is_web_page(body: &[u8]) -> bool {
    const ELEMENTS: [&str; 18] = [
        "html", "head", "title", "meta", "link", "style", "script", "body", "h1", "h2", "h3", "p",
        "div", "span", "center", "pre", "br", "error",
    ];
    let head = json::text(&body[..body.len().min(1024)]);
    let mut rest = head.trim_start();
    loop {
        let Some(tag) = rest.strip_prefix('<') else {
            return false;
        };
        let end = match tag.as_bytes().first() {
            Some(b'!') if tag.starts_with("!--") => "-->",
            Some(b'!' | b'?') => ">",
            _ => {
                let is_name = |c: char| c.is_ascii_alphanumeric();
                let name = &tag[..tag.find(|c| !is_name(c)).unwrap_or(tag.len())];
                return ELEMENTS
                    .iter()
                    .any(|known| name.eq_ignore_ascii_case(known));
            }
        };
        let is_html = |doctype: &str| doctype.eq_ignore_ascii_case("!doctype html");
        if tag.get(.."!doctype html".len()).is_some_and(is_html) {
            return true;
        }
        match tag.split_once(end) {
            Some((_, after)) => rest = after.trim_start(),
            None => return false,
        }
    }
}

/// As much of a text as is read.
fn beginning(text: &str) -> &str {
    let mut length = text.len().min(MAX_LEN);
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    &text[..length]
}

/// Which fields of an object are shown.
#[derive(Clone, Copy, PartialEq)]
enum Fields {
    /// Those that hold messages.
    Known,
    /// All, where none is known to hold a message.
    All,
}

fn of_json(value: Value, shown: Fields, depth: usize) -> Option<String> {
    if depth > MAX_DEPTH || value.is_null() {
        return None;
    }
    if let Some(text) = value.string(MAX_LEN) {
        // It may repeat a secret.
        return Some(without_stack_trace(&Zeroizing::new(text)));
    }
    if value.is_array() {
        return joined(|add| value.each_item(&mut |item| add(&|| of_json(item, shown, depth + 1))));
    }
    let Some(messages) = value.fields(MESSAGE_KEYS) else {
        return Some(beginning(value.raw()).to_owned());
    };
    let message = messages.into_iter().flatten().find_map(|value| {
        let is_message = value.is_string() || value.is_object() || value.is_array();
        let text = is_message.then(|| of_json(value, shown, depth + 1))??;
        (!text.trim().is_empty()).then_some(text)
    });
    let fields = value.fields(FIELD_KEYS)?;
    let fields = fields.into_iter().flatten();
    let fields = fields
        .into_iter()
        .find_map(|errors| of_fields(errors, shown, depth + 1));
    match (message, fields) {
        (Some(message), Some(fields)) => Some(format!("{message} ({fields})")),
        (Some(text), None) | (None, Some(text)) => Some(text),
        (None, None) if shown == Fields::All => {
            let rest = without_secrets(value, depth);
            (rest != "{}").then_some(rest)
        }
        (None, None) => None,
    }
}

/// Returns `{"field": ["text", ...]}` as `field: text; ...`.
fn of_fields(errors: Value, shown: Fields, depth: usize) -> Option<String> {
    if !errors.is_object() {
        return of_json(errors, shown, depth);
    }
    joined(|add| {
        errors.each_field(&mut |field, value| {
            add(&|| {
                let text = of_json(value, shown, depth + 1)?;
                let field = String::from_utf8_lossy(field);
                Some(match field.trim_start_matches(['$', '.']) {
                    "" => text,
                    field => format!("{field}: {text}"),
                })
            });
        });
    })
}

/// Joins the first few texts that `each` adds, up to the length that a message may have.
fn joined(each: impl FnOnce(&mut dyn FnMut(&dyn Fn() -> Option<String>))) -> Option<String> {
    let mut all = String::new();
    let mut count = 0;
    each(&mut |text| {
        if count < MAX_ITEMS
            && all.len() < MAX_LEN
            && let Some(text) = text()
        {
            all.push_str(if count > 0 { "; " } else { "" });
            all.push_str(beginning(&text));
            count += 1;
        }
    });
    (count > 0).then_some(all)
}

/// Returns an object as JSON, without the fields that help no user or may hold secrets. What
/// is long is left out.
fn without_secrets(value: Value, depth: usize) -> String {
    const MAX_SHOWN: usize = 4 * 1024;
    let mut json = String::new();
    let is_object = value.is_object();
    let mut add = |key: Option<&[u8]>, value: Value| {
        let key = key.map(String::from_utf8_lossy);
        let is_shown = key.as_ref().is_none_or(|key| {
            let name = key.to_ascii_lowercase();
            !SECRET_NAMES.iter().any(|part| name.contains(part))
                && !NOISE_KEYS
                    .iter()
                    .any(|noise| key.eq_ignore_ascii_case(noise))
        });
        if !is_shown || value.is_null() || json.len() > MAX_SHOWN {
            return;
        }
        let text = match value.is_object() || value.is_array() {
            true if depth >= MAX_DEPTH => return,
            true => Cow::Owned(without_secrets(value, depth + 1)),
            false => Cow::Borrowed(value.raw()),
        };
        if text.len() > MAX_SHOWN {
            return;
        }
        if !json.is_empty() {
            json.push(',');
        }
        if let Some(key) = key {
            json.push_str(&format!("{:?}:", &*key));
        }
        json.push_str(&text);
    };
    match is_object {
        true => value.each_field(&mut |key, value| add(Some(key), value)),
        false => value.each_item(&mut |item| add(None, item)),
    }
    match is_object {
        true => format!("{{{json}}}"),
        false => format!("[{json}]"),
    }
}

/// Returns the messages of an exception that a server wrote with its stack trace, without
/// the types of .NET exceptions. After the trace, a developer page has the request's headers.
fn without_stack_trace(text: &str) -> String {
    let mut length = 0;
    for line in text.split_inclusive('\n') {
        if length > 0 && is_stack_frame(line) {
            let lines = text[..length].lines().map(without_exception_type);
            return lines.collect::<Vec<_>>().join("\n");
        }
        length += line.len();
    }
    text.to_owned()
}

/// Whether a line is a frame of a stack trace, such as `   at Jobs.Exports.Run(Int32 id)`.
fn is_stack_frame(line: &str) -> bool {
    let is_indented = line.starts_with(char::is_whitespace);
    let method = line.trim_start().strip_prefix("at ");
    let method = method.and_then(|method| Some(method.split_once('(')?.0));
    is_indented
        && method.is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace))
}

/// Returns a line of `Exception.ToString()` without the type, which is for the server's
/// programmers: `System.IO.IOException: text`, or ` ---> System.IO.IOException: text`.
fn without_exception_type(line: &str) -> &str {
    let start = line.trim_start();
    let start = start.strip_prefix("---> ").unwrap_or(start);
    let is_type = |name: &str| {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '`');
        name.ends_with("Exception") && name.chars().all(is_name)
    };
    match start.split_once(": ") {
        Some((name, message)) if is_type(name) => message,
        _ => line,
    }
}

/// Begin and end of what in a page is no text for people, or only for the server's
/// programmers: .NET servers write errors as XML too.
const SKIPPED_ELEMENTS: [(&str, &str); 6] = [
    ("<!--", "-->"),
    ("<script", "</script>"),
    ("<style", "</style>"),
    ("<stacktrace", "</stacktrace>"),
    ("<exceptiontype", "</exceptiontype>"),
    ("<innerexception", "</innerexception>"),
];

/// Returns the text of a page, without a title that its text repeats.
fn text_of_page(page: &str) -> String {
    // All of them may repeat a secret.
    let mut text = Zeroizing::new(text_of_html(page));
    let lower = Zeroizing::new(page.to_ascii_lowercase());
    let title = lower.find("<title").and_then(|start| {
        let end = start + lower[start..].find("</title>")?;
        Some((start, end))
    });
    let Some((start, end)) = title else {
        return std::mem::take(&mut *text);
    };
    let words = |text: &str| {
        let words: Vec<_> = text.split_whitespace().collect();
        Zeroizing::new(words.join(" "))
    };
    let part = |html: &str| Zeroizing::new(text_of_html(html));
    let title = words(&part(&page[start..end]));
    let (before, after) = (part(&page[..start]), part(&page[end..]));
    let mut rest = Zeroizing::new([before.as_str(), " ", after.as_str()].concat());
    // nginx writes the status code before the title only.
    let repeated = title.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
    let lowercase = |text: &str| Zeroizing::new(text.to_lowercase());
    let is_repeated =
        !repeated.is_empty() && lowercase(&words(&rest)).contains(lowercase(repeated).as_str());
    std::mem::take(if is_repeated { &mut *rest } else { &mut *text })
}

/// Returns the text of a page: no tags, comments, scripts or styles.
fn text_of_html(html: &str) -> String {
    // Of the same length, byte for byte, so places found in one hold in the other.
    let lower = Zeroizing::new(html.to_ascii_lowercase());
    // In one allocation: one that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(html.len() + 1));
    let mut at = 0;
    while let Some(tag) = html[at..].find('<').map(|found| at + found) {
        text.push_str(&html[at..tag]);
        text.push(' ');
        let skipped = SKIPPED_ELEMENTS
            .iter()
            .find(|(start, _)| lower[tag..].starts_with(start));
        let end = skipped.map_or(">", |(_, end)| end);
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
        // No name that is known is longer.
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        let entity = end.and_then(|end| rest.get(1..end));
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
    use crate::text::{MAX_MESSAGE, one_line};

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
            assert_eq!(extract_message(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn extract_message_long_text_is_bounded_and_as_it_was() {
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
    fn extract_message_bytes_that_are_no_text_are_replaced() {
        let message = extract_message(b"\xff\xfa oops").unwrap();
        assert_eq!(message, "\u{fffd}\u{fffd} oops");
    }

    #[test]
    fn known_message_shows_message_fields_only() {
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
    fn evident_message_data_is_not_shown() {
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
    fn rate_limit_reset_is_the_field_as_it_stands() {
        let reset = |body: &str| rate_limit_reset(body.as_bytes());
        let body = r#"{"Error": "no", "ratelimitresettime": "2022-01-14T09:38:10", "x": "\ud83d"}"#;
        assert_eq!(reset(body).as_deref(), Some("2022-01-14T09:38:10"));
        assert_eq!(reset(r#"{"x": {"RateLimitResetTime": "2022"}}"#), None);
        assert_eq!(reset(r#"{"RateLimitResetTime": 5}"#), None);
        assert_eq!(reset("RateLimitResetTime"), None);
    }
}
