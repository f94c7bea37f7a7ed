//! Finds the message in JSON.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::stack_trace::without_stack_trace;
use super::{MAX_LEN, truncated};
use crate::text::json::Value;

/// The keys of messages, the most informative first.
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

/// The keys of objects with one message or more for each invalid field.
const FIELD_KEYS: [&str; 2] = ["errors", "ModelState"];

/// The keys of fields that are useful only to the developers of the server.
const NOISE_KEYS: [&str; 6] = [
    "StackTrace",
    "StackTraceString",
    "ExceptionType",
    "TraceId",
    "InnerException",
    "status",
];

/// Parts of the keys of fields that may contain a secret.
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

/// The maximum number of items of a list, or fields of an object, in a message.
const MAX_ITEMS: usize = 5;

/// The maximum nesting depth of a message.
const MAX_DEPTH: usize = 8;

/// Which fields of an object may be in a message.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fields {
    /// The known message fields.
    Known,
    /// All fields, if none of them is a known message field.
    All,
}

/// Returns the message in a JSON value at nesting depth `depth`.
pub(super) fn json_message(value: Value, allowed: Fields, depth: usize) -> Option<String> {
    if depth > MAX_DEPTH || value.is_null() {
        return None;
    }
    if let Some(text) = value.string(MAX_LEN) {
        // It may contain a secret.
        return Some(without_stack_trace(&Zeroizing::new(text)));
    }
    if value.is_array() {
        return joined(|add| {
            value.each_item(&mut |item| add(&|| json_message(item, allowed, depth + 1)))
        });
    }
    let Some(messages) = value.fields(MESSAGE_KEYS) else {
        return Some(truncated(value.raw()).to_owned());
    };
    let message = messages.into_iter().flatten().find_map(|value| {
        let is_message = value.is_string() || value.is_object() || value.is_array();
        let text = is_message.then(|| json_message(value, allowed, depth + 1))??;
        (!text.trim().is_empty()).then_some(text)
    });
    let fields = value.fields(FIELD_KEYS)?;
    let fields = fields.into_iter().flatten();
    let fields = fields
        .into_iter()
        .find_map(|errors| field_messages(errors, allowed, depth + 1));
    match (message, fields) {
        (Some(message), Some(fields)) => Some(format!("{message} ({fields})")),
        (Some(text), None) | (None, Some(text)) => Some(text),
        (None, None) if allowed == Fields::All => {
            let rest = without_secrets(value, depth);
            (rest != "{}").then_some(rest)
        }
        (None, None) => None,
    }
}

/// Returns the messages in `{"field": ["text", ...]}`, as `field: text; ...`.
fn field_messages(errors: Value, allowed: Fields, depth: usize) -> Option<String> {
    if !errors.is_object() {
        return json_message(errors, allowed, depth);
    }
    joined(|add| {
        errors.each_field(&mut |field, value| {
            add(&|| {
                let text = json_message(value, allowed, depth + 1)?;
                let field = String::from_utf8_lossy(field);
                Some(match field.trim_start_matches(['$', '.']) {
                    "" => text,
                    field => format!("{field}: {text}"),
                })
            });
        });
    })
}

/// Joins the texts that `each` adds, up to [`MAX_ITEMS`] of them and [`MAX_LEN`] bytes.
fn joined(each: impl FnOnce(&mut dyn FnMut(&dyn Fn() -> Option<String>))) -> Option<String> {
    let mut all = String::new();
    let mut count = 0;
    each(&mut |text| {
        if count < MAX_ITEMS
            && all.len() < MAX_LEN
            && let Some(text) = text()
        {
            all.push_str(if count > 0 { "; " } else { "" });
            all.push_str(truncated(&text));
            count += 1;
        }
    });
    (count > 0).then_some(all)
}

/// Returns an object or an array as JSON, without fields that are useful to no user or may
/// contain secrets. Long values are left out.
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
