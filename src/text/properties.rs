//! Properties of redaction and of server messages, which hold for every text.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{ELLIPSIS, MAX_MESSAGE, Redactor, one_line, server_message};

/// Replaces a secret. A secret that contains it would be found in its own replacement.
const LABEL: &str = "\u{2588}";

/// The length of the shortest part of a secret that is always replaced, in characters.
const PART: usize = 16;

/// The maximum length of the text around the secret, in bytes. Longer text finds no other
/// errors.
const MAX_SURROUNDINGS: usize = 128;

/// Checks that a secret is replaced in any text, in any form in which servers and proxies send
/// it.
///
/// The first byte of the input selects the form, the second whether the secret is cut, and the
/// third its length. The secret and the text around it follow.
///
/// # Panics
///
/// If the property does not hold.
pub(crate) fn check_redactor(input: &[u8]) {
    let Some((&[form, cut, length], rest)) = input.split_first_chunk::<3>() else {
        return;
    };
    let rest = &rest[..rest.len().min(MAX_SURROUNDINGS + 4 * PART)];
    let text = String::from_utf8_lossy(rest);
    let length = PART + usize::from(length) % (2 * PART);
    let Some((end, _)) = text.char_indices().nth(length) else {
        return;
    };
    let (secret, around) = text.split_at(end);
    let middle = around.chars().count() / 2;
    let middle = around.char_indices().nth(middle).map_or(0, |(at, _)| at);
    secret_in_any_form_is_replaced(secret, around.split_at(middle), form, cut);
}

fn secret_in_any_form_is_replaced(secret: &str, (before, after): (&str, &str), form: u8, cut: u8) {
    if is_degenerate(secret) {
        return;
    }
    let mut redactor = Redactor::default();
    redactor.add(&Arc::new(Zeroizing::new(secret.to_owned())), LABEL);
    let mut sent = encoded(&encoded(secret, form), form >> 3);
    let whole = sent.chars().count();
    if cut & 1 != 0 {
        // The cut may be within an escape.
        let length = PART + usize::from(cut >> 1) % PART;
        if let Some((end, _)) = sent.char_indices().nth(length) {
            sent.truncate(end);
        }
        sent.push(ELLIPSIS);
    }
    // A short secret, or one that contains escapes, may form another escape with the text
    // beside it. Too little of it would be left to recognize it.
    let is_long = secret.chars().count() >= 2 * PART && !secret.contains(['\\', '%', '&']);
    let between = if is_long { "" } else { " " };
    let text = format!("{before}{between}{sent}{between}{after}");
    let redacted = redactor.redact(&text);
    let shown = || format!("{redacted:?} of {text:?} for {secret:?}");
    if whole >= PART && cut & 1 == 0 {
        assert!(!redacted.contains(&sent), "{}", shown());
    }
    for part in parts(secret) {
        assert!(!redacted.contains(&part), "{part:?} in {}", shown());
    }
    let line = redactor.one_line(&text, MAX_MESSAGE);
    for part in parts(secret) {
        assert!(!line.contains(&part), "{part:?} in {line:?}, {}", shown());
    }
    // Redacting again changes nothing.
    assert_eq!(redactor.redact(&redacted), redacted, "{}", shown());
}

/// Returns whether a secret is too short without its whitespace, or contains what replaces it.
fn is_degenerate(secret: &str) -> bool {
    let visible = secret.chars().filter(|&c| !is_space(c));
    visible.count() < PART || secret.contains(LABEL) || secret.contains(ELLIPSIS)
}

/// Returns whether a URL, a server or a log may replace a character with a space.
fn is_space(c: char) -> bool {
    c.is_whitespace() || c.is_control() || c == '+'
}

/// Returns every part of the secret that must not be visible. Parts with several spaces in a
/// row are left out, because those are merged.
fn parts(secret: &str) -> Vec<String> {
    let characters: Vec<char> = secret.chars().collect();
    let has_spaces = |part: &&[char]| {
        part.windows(2)
            .any(|pair| pair.iter().all(|&c| is_space(c)))
    };
    let parts = characters.windows(PART).filter(|part| !has_spaces(part));
    parts.map(|part| part.iter().collect()).collect()
}

/// Returns the text as JSON, URLs, forms and HTML contain it.
fn encoded(text: &str, form: u8) -> String {
    let each = |encode: &dyn Fn(char) -> String| text.chars().map(encode).collect::<String>();
    let as_is = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
    let percent = |c: char| {
        let mut bytes = [0; 4];
        let bytes = c.encode_utf8(&mut bytes).bytes();
        bytes.map(|byte| format!("%{byte:02x}")).collect::<String>()
    };
    match form % 8 {
        0 => text.to_owned(),
        1 => {
            let json = serde_json::Value::from(text).to_string();
            json[1..json.len() - 1].to_owned()
        }
        // JSON as .NET writes it.
        2 => each(&|c| match c {
            _ if as_is(c) => c.into(),
            _ => {
                let mut units = [0; 2];
                let units = c.encode_utf16(&mut units).iter();
                units.map(|unit| format!("\\u{unit:04X}")).collect()
            }
        }),
        3 => each(&|c| if as_is(c) { c.into() } else { percent(c) }),
        4 => each(&|c| match c {
            ' ' => "+".into(),
            _ if as_is(c) => c.into(),
            _ => percent(c),
        }),
        5 => each(&|c| match c {
            '&' => "&amp;".into(),
            '<' => "&lt;".into(),
            '>' => "&gt;".into(),
            '"' => "&quot;".into(),
            '\'' => "&#39;".into(),
            _ => c.into(),
        }),
        6 => each(&|c| match c {
            _ if as_is(c) => c.into(),
            _ => format!("&#x{:X};", u32::from(c)),
        }),
        _ => text.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

/// Checks that the message in the body of an error response is one short line.
///
/// # Panics
///
/// If the property does not hold.
pub(crate) fn check_server_message(body: &[u8]) {
    let known = server_message::known_message(body);
    let evident = server_message::evident_message(body);
    let message = server_message::extract_message(body);
    assert!(message.is_some() || (known.is_none() && evident.is_none()));
    for message in [message, known, evident].into_iter().flatten() {
        assert!(message.len() <= 3 * body.len() + 256, "{message:?}");
        let message = one_line(&message, MAX_MESSAGE);
        assert!(!message.contains(char::is_control), "{message:?}");
        assert!(message.chars().count() <= 401, "{message:?}");
        let words: Vec<_> = message.split_whitespace().collect();
        assert_eq!(words.join(" "), message);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::check_server_message;
    use crate::fuzzing::random_inputs;

    proptest! {
        #![proptest_config(random_inputs())]

        #[test]
        fn message_of_any_error_body_is_one_short_line(body in vec(any::<u8>(), 0..400), json in "\\PC{0,80}") {
            check_server_message(&body);
            let object = format!("{{\"Message\":{json:?}}}");
            check_server_message(object.as_bytes());
            let page = format!("<html><title>{json}</title>");
            check_server_message(page.as_bytes());
        }
    }
}
