//! Decides what a body is, by its content type and its content.

use encoding_rs::Encoding;

use super::{DecodeError, Options};
use crate::text::json::{self, Value};
use crate::text::server_message;

/// What a content type says about the body.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Media {
    /// There is no content type.
    Unknown,
    /// JSON.
    Json,
    /// Text: base64 or an error text.
    Text,
    /// The type of a file.
    File,
}

/// Returns what a content type says about the body.
fn media(content_type: Option<&str>) -> Media {
    let essence = content_type.map(essence).unwrap_or_default();
    match essence.as_str() {
        "" => Media::Unknown,
        "text/plain" | "text/html" | "application/xhtml+xml" => Media::Text,
        essence if is_json_essence(essence) => Media::Json,
        _ => Media::File,
    }
}

/// Returns whether a content type is JSON.
pub(crate) fn is_json(content_type: &str) -> bool {
    is_json_essence(&essence(content_type))
}

fn is_json_essence(essence: &str) -> bool {
    matches!(essence, "application/json" | "text/json") || essence.ends_with("+json")
}

/// Returns a content type without its parameters, in lowercase.
fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// How many bytes of a body decide whether it is UTF-16.
pub(super) const UTF16_PREFIX_LEN: usize = 4;

/// Returns the kind of UTF-16 that a body is in, by its first bytes and its content type;
/// `None` for other encodings.
pub(super) fn utf16(head: &[u8], content_type: Option<&str>) -> Option<&'static Encoding> {
    let by_bytes = json::utf16(head);
    let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
    let says_utf16 = content_type
        .split_once("charset")
        .is_some_and(|(_, charset)| {
            let charset = charset.trim_start_matches([' ', '=', '"', '\'']);
            charset.starts_with("utf-16") || charset.starts_with("utf16")
        });
    by_bytes.or(match *head {
        // One character is enough if the content type confirms it.
        [a, 0, ..] if says_utf16 && a != 0 => Some(encoding_rs::UTF_16LE),
        [0, a, ..] if says_utf16 && a != 0 => Some(encoding_rs::UTF_16BE),
        _ => None,
    })
}

/// Only a body shorter than this may be an error text, in bytes.
pub(super) const MAX_SHORT: usize = 512;

/// Returns why a short body, which is base64 text or a JSON string, is not a file unless a
/// header names it; `None` if it may be one.
pub(super) fn why_not_a_file(body: &[u8], options: &Options) -> Option<DecodeError> {
    let media = media(options.content_type);
    let text = std::str::from_utf8(body).ok()?.trim_ascii();
    let value = Value::parse(text);
    let string = value.and_then(|value| value.string(usize::MAX));
    let content = string.as_deref().unwrap_or(text).trim();
    let is_digits = content.bytes().all(|byte| byte.is_ascii_digit());
    let is_literal =
        string.is_none() && value.is_some_and(|value| !value.is_object() && !value.is_array());
    let response = |what: &str, is_empty: bool, is_shown: bool| {
        Some(DecodeError::Malformed {
            offset: None,
            message: format!("the server sent {what}, not a file"),
            cut_short: false,
            is_empty,
            error_body: is_shown.then(|| body.to_vec()),
        })
    };
    if content.is_empty() {
        return response("an empty body", true, false);
    }
    if content == "null" && media != Media::File {
        return response("null", true, false);
    }
    if server_message::is_error_text(content) {
        return response("an error text", false, true);
    }
    if (is_literal || is_digits) && media != Media::File {
        return response("a JSON value", false, true);
    }
    if media != Media::File && server_message::is_word(content) && !is_base64_of_text(content) {
        return response("a single word", false, false);
    }
    None
}

/// Returns whether a body is JSON `null` and its content type is JSON. Such a body is not a
/// file even if a header names one.
pub(super) fn is_json_null(body: &[u8], options: &Options) -> bool {
    media(options.content_type) == Media::Json && body.trim_ascii() == b"null"
}

/// Returns whether a body was meant as base64, valid or not.
///
/// Such a body consists of base64 characters and whitespace only, as plain text or as a JSON
/// string, and has so many characters in a row as no other text has.
pub(super) fn is_evident_base64(body: &[u8]) -> bool {
    const MIN_RUN: usize = 64;
    let is_character = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    // The quotes and escapes of a JSON string are allowed.
    let is_other = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'=' | b'"' | b'\\');
    let is_mixed = |run: &[u8]| {
        run.len() >= MIN_RUN
            && run.iter().any(u8::is_ascii_lowercase)
            && run.iter().any(u8::is_ascii_uppercase)
            && run.iter().any(u8::is_ascii_digit)
    };
    body.iter().all(|byte| is_character(byte) || is_other(byte))
        && body.split(|byte| !is_character(byte)).any(is_mixed)
}

/// Returns whether a short text is base64 that decodes to text. Words do not.
fn is_base64_of_text(text: &str) -> bool {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let is_text =
        |text: &str| !text.contains(|c: char| c.is_control() && !matches!(c, '\t' | '\r' | '\n'));
    let bytes = STANDARD.decode(text).unwrap_or_default();
    std::str::from_utf8(&bytes).is_ok_and(is_text)
}
