//! Properties of redaction and of server messages that hold for every text.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{CUT, MAX_MESSAGE, Redactor, one_line, server_message};

/// Stands for a secret. A secret that holds it would be found in what replaces it.
const LABEL: &str = "\u{2588}";

/// The shortest part of a secret that is replaced wherever it stands.
const PART: usize = 16;

/// What of an input is the text around the secret, in bytes. More finds nothing else.
const MAX_AROUND: usize = 128;

/// Checks that a secret is replaced in any text, in any form in which servers and proxies send
/// it; panics if it is not. The first byte of the input says in which form the secret is sent,
/// the second whether it is cut, the third how long it is. The secret and the text around it
/// follow.
pub(crate) fn check_redactor(input: &[u8]) {
    let Some((&[form, cut, length], rest)) = input.split_first_chunk::<3>() else {
        return;
    };
    let rest = &rest[..rest.len().min(MAX_AROUND + 4 * PART)];
    let text = String::from_utf8_lossy(rest);
    let length = PART + usize::from(length) % (2 * PART);
    let Some((end, _)) = text.char_indices().nth(length) else {
        return;
    };
    let (secret, around) = text.split_at(end);
    let middle = around.chars().count() / 2;
    let middle = around.char_indices().nth(middle).map_or(0, |(at, _)| at);
    a_secret_is_replaced_in_every_form(secret, around.split_at(middle), form, cut);
}

fn a_secret_is_replaced_in_every_form(
    secret: &str,
    (before, after): (&str, &str),
    form: u8,
    cut: u8,
) {
    if is_degenerate(secret) {
        return;
    }
    let mut redactor = Redactor::default();
    redactor.add(&Arc::new(Zeroizing::new(secret.to_owned())), LABEL);
    let mut sent = encoded(&encoded(secret, form), form >> 3);
    let whole = sent.chars().count();
    if cut & 1 != 0 {
        // Where something was cut, an escape may be too.
        let kept = PART + usize::from(cut >> 1) % PART;
        if let Some((end, _)) = sent.char_indices().nth(kept) {
            sent.truncate(end);
        }
        sent.push(CUT);
    }
    // Of a short secret, or one that reads like an escape, too little is left to tell it by
    // where what stands beside it reads like an escape's other half.
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
    // Text without the secret stays, and so does what was redacted.
    assert_eq!(redactor.redact(&redacted), redacted, "{}", shown());
}

/// Whether too little of a secret is left where whitespace counts but once, or it cannot be
/// told from what stands in its place.
fn is_degenerate(secret: &str) -> bool {
    let telling = secret.chars().filter(|&c| !is_space(c));
    telling.count() < PART || secret.contains(LABEL) || secret.contains(CUT)
}

/// What a form of a URL, a server or a log may write as a space.
fn is_space(c: char) -> bool {
    c.is_whitespace() || c.is_control() || c == '+'
}

/// Every part of the secret that may not be seen. In those with more than one space in a row
/// there is less to tell them by.
fn parts(secret: &str) -> Vec<String> {
    let characters: Vec<char> = secret.chars().collect();
    let has_spaces = |part: &&[char]| {
        part.windows(2)
            .any(|pair| pair.iter().all(|&c| is_space(c)))
    };
    let parts = characters.windows(PART).filter(|part| !has_spaces(part));
    parts.map(|part| part.iter().collect()).collect()
}

/// The text as JSON, URLs, forms and HTML hold it.
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
        // As .NET does.
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

/// Checks that the body of an error response gives one short line; panics if it does not.
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
        fn error_body_gives_one_short_line(body in vec(any::<u8>(), 0..400), json in "\\PC{0,80}") {
            check_server_message(&body);
            let object = format!("{{\"Message\":{json:?}}}");
            check_server_message(object.as_bytes());
            let page = format!("<html><title>{json}</title>");
            check_server_message(page.as_bytes());
        }
    }
}
