//! Text without secrets.
//!
//! Servers and proxies repeat what they were sent: as it was, or escaped for JSON, URLs or
//! HTML, or cut. A secret and the text are compared in a canonical form, in which all of
//! these are alike.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::CUT;

/// A token or a password. It is wiped when its last owner drops it.
pub(crate) type Secret = Arc<Zeroizing<String>>;

/// Replaces the secrets of one client in text from outside.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    secrets: Vec<(Secret, &'static str)>,
}

/// A part of a secret of this many characters is replaced wherever it stands.
const TELLING: usize = 16;

/// A secret's beginning of this many characters is replaced where an ellipsis follows.
const MIN_BEFORE_ELLIPSIS: usize = 4;

/// A secret's beginning of this many characters is replaced where the text ends.
const MIN_AT_END: usize = 8;

/// A shorter secret is replaced only where it stands as a word of its own. Text is full of
/// such sequences by chance.
const MIN_SECRET_IN_WORD: usize = 4;

impl Redactor {
    /// Adds a secret, and what to show in its place.
    pub(crate) fn add(&mut self, secret: &Secret, shown: &'static str) {
        if !secret.trim().is_empty() {
            self.secrets.push((secret.clone(), shown));
        }
    }

    /// Returns `text` with every secret replaced.
    pub(crate) fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.secrets.is_empty() || text.is_empty() {
            return Cow::Borrowed(text);
        }
        let units = canonical(text);
        let mut shown = vec![None; units.len()];
        for (secret, label) in &self.secrets {
            mark(secret, label, text, &units, &mut shown);
        }
        if shown.iter().all(Option::is_none) {
            return Cow::Borrowed(text);
        }
        let mut redacted = String::with_capacity(text.len());
        let mut before = None;
        for (unit, label) in units.iter().zip(&shown) {
            match label {
                None => redacted.push_str(&text[unit.start..unit.end]),
                Some(label) if before != Some(label) => redacted.push_str(label),
                Some(_) => {}
            }
            before = label.as_ref();
        }
        Cow::Owned(redacted)
    }

    /// Returns `text` redacted, on one line, cut to `max` characters.
    pub(crate) fn one_line(&self, text: &str, max: usize) -> String {
        super::one_line(&self.redact(text), max)
    }
}

/// One character in canonical form, and where its source stands in the text.
struct Unit {
    character: char,
    start: usize,
    end: usize,
}

/// Marks the units that belong to `secret`.
fn mark(
    secret: &str,
    label: &'static str,
    text: &str,
    units: &[Unit],
    shown: &mut [Option<&'static str>],
) {
    let secret: Zeroizing<Vec<char>> = Zeroizing::new(
        canonical(secret)
            .iter()
            .map(|unit| unit.character)
            .collect(),
    );
    let matches = |at: usize, part: &[char]| {
        let end = at.checked_add(part.len()).filter(|&end| end <= units.len());
        end.is_some_and(|end| {
            let found = units[at..end].iter().map(|unit| unit.character);
            found.eq(part.iter().copied())
        })
    };
    let is_word_character = |at: usize| {
        units
            .get(at)
            .is_some_and(|unit| unit.character.is_alphanumeric())
    };
    let windows: HashSet<&[char]> = secret.windows(TELLING).collect();
    let mut window = Vec::with_capacity(TELLING);
    for at in 0..units.len() {
        let length = if matches(at, &secret) {
            let is_word = !(is_word_character(at + secret.len())
                || at.checked_sub(1).is_some_and(is_word_character));
            match secret.len() {
                0..MIN_SECRET_IN_WORD if !is_word => 0,
                length => length,
            }
        } else if !windows.is_empty() && at + TELLING <= units.len() {
            window.clear();
            window.extend(units[at..at + TELLING].iter().map(|unit| unit.character));
            TELLING * usize::from(windows.contains(window.as_slice()))
        } else {
            0
        };
        shown[at..at + length].fill(Some(label));
    }
    // A beginning of the secret where the text, or a part of it, was cut.
    for end in 0..=units.len() {
        let min = match units.get(end) {
            None => MIN_AT_END,
            Some(unit) if unit.character == CUT => MIN_BEFORE_ELLIPSIS,
            Some(unit) if text[unit.start..].starts_with("...") => MIN_BEFORE_ELLIPSIS,
            Some(_) => continue,
        };
        let lengths = (min..secret.len()).rev().filter(|&length| length <= end);
        let mut beginnings = lengths.map(|length| (end - length, &secret[..length]));
        if let Some((start, _)) = beginnings.find(|(start, part)| matches(*start, part)) {
            shown[start..end].fill(Some(label));
        }
    }
}

/// How many escapes within escapes are resolved.
const MAX_NESTING: usize = 4;

/// Returns the characters of `text` with every escape of JSON, URLs and HTML resolved, and
/// runs of whitespace as one space. Escapes of escapes are resolved too.
fn canonical(text: &str) -> Vec<Unit> {
    let characters = text.char_indices().map(|(start, character)| Unit {
        character,
        start,
        end: start + character.len_utf8(),
    });
    let mut units: Vec<Unit> = characters.collect();
    for _ in 0..MAX_NESTING {
        let before = units.len();
        units = unescaped(&units);
        if units.len() == before {
            break;
        }
    }
    units
}

/// Resolves one level of escapes.
fn unescaped(mut rest: &[Unit]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::with_capacity(rest.len());
    while let [first, ..] = rest {
        let escape = match first.character {
            '\\' => json_escape(rest),
            '%' => percent_escape(rest),
            '&' => entity(rest),
            _ => None,
        };
        let (character, length) = escape.unwrap_or((first.character, 1));
        let (start, end) = (first.start, rest[length - 1].end);
        rest = &rest[length..];
        let is_space = character.is_whitespace() || character.is_control() || character == '+';
        match units.last_mut() {
            Some(last) if is_space && last.character == ' ' => last.end = end,
            _ => units.push(Unit {
                character: if is_space { ' ' } else { character },
                start,
                end,
            }),
        }
    }
    units
}

/// The characters at the beginning of `units`, enough for any escape.
fn lookahead(units: &[Unit]) -> String {
    let characters = units.iter().take(12).map(|unit| unit.character);
    characters.collect()
}

/// What any number of backslashes escape, and how many characters that takes.
fn json_escape(units: &[Unit]) -> Option<(char, usize)> {
    let slashes = units
        .iter()
        .take_while(|unit| unit.character == '\\')
        .count();
    let rest = lookahead(&units[slashes..]);
    let escaped = rest.chars().next()?;
    let (character, length) = match escaped {
        'n' | 'r' | 't' | 'b' | 'f' => (' ', 1),
        'u' | 'U' if code_unit(&rest).is_some() => match code_unit(&rest)? {
            high @ 0xd800..0xdc00 => {
                let low = rest.get(5..)?.strip_prefix('\\')?;
                let pair = char::decode_utf16([high, code_unit(low)?]).next()?.ok()?;
                (pair, 11)
            }
            unit => (char::from_u32(unit.into())?, 5),
        },
        '"' | '\'' | '/' => (escaped, 1),
        // A backslash that escapes nothing stands for itself, however often it is doubled.
        _ => ('\\', 0),
    };
    Some((character, slashes + length))
}

/// The UTF-16 code unit in `u00e9`.
fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix(['u', 'U'])?.get(..4)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

/// A character percent-encoded in UTF-8 (RFC 3986 section 2.1), or as `%u00e9`.
fn percent_escape(units: &[Unit]) -> Option<(char, usize)> {
    let text = lookahead(units);
    if let Some(unit) = code_unit(&text[1..]) {
        return Some((char::from_u32(unit.into())?, 6));
    }
    let mut bytes = Vec::with_capacity(4);
    let mut rest = text.as_str();
    while let Some(pair) = rest.strip_prefix('%').and_then(|digits| digits.get(..2)) {
        if !pair.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            break;
        }
        bytes.push(u8::from_str_radix(pair, 16).ok()?);
        rest = &rest[3..];
        match std::str::from_utf8(&bytes) {
            Ok(found) => return Some((found.chars().next()?, 3 * bytes.len())),
            Err(error) if error.error_len().is_some() => return None,
            Err(_) => {}
        }
    }
    None
}

/// An HTML character reference, such as `&quot;` or `&#34;`.
fn entity(units: &[Unit]) -> Option<(char, usize)> {
    let text = lookahead(units);
    let (name, _) = text[1..].split_once(';')?;
    Some((character_of_entity(name)?, name.chars().count() + 2))
}

/// Returns the character that an HTML character reference names.
pub(crate) fn character_of_entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

/// Words in the names of URL parameters whose values are secrets.
const SECRET_PARAMETERS: [&str; 9] = [
    "token",
    "password",
    "passwd",
    "pwd",
    "secret",
    "auth",
    "signature",
    "session",
    "code",
];

/// Returns a URL with `...` in place of the values of parameters that are likely secrets.
pub(crate) fn without_secret_parameters(url: &str) -> Cow<'_, str> {
    let Some((path, query)) = url.split_once('?') else {
        return Cow::Borrowed(url);
    };
    let parameters = query.split('&').map(|parameter| {
        let name = parameter.split('=').next().unwrap_or_default();
        let lower = name.to_ascii_lowercase();
        match SECRET_PARAMETERS.iter().any(|word| lower.contains(word)) {
            true if name.len() < parameter.len() => format!("{name}=..."),
            _ => parameter.to_owned(),
        }
    });
    let parameters: Vec<String> = parameters.collect();
    Cow::Owned(format!("{path}?{}", parameters.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(secret: &str) -> Redactor {
        let mut redactor = Redactor::default();
        redactor.add(&Secret::new(Zeroizing::new(secret.to_owned())), "[secret]");
        redactor
    }

    #[test]
    fn redact_finds_every_form_of_a_secret() {
        let secret = "hunter2 \"é\\n/\" +50%&c=<d>'";
        for form in [
            secret,
            // JSON, as serde_json, .NET and others write it, and JSON within JSON.
            r#"hunter2 \"é\\n/\" +50%&c=<d>'"#,
            r#"hunter2 \"\u00e9\\n\/\" \u002B50%\u0026c=\u003Cd\u003e\u0027"#,
            r#"hunter2 \\\"\\u00e9\\\\n\\/\\\" +50%&c=<d>'"#,
            // URLs, as a path, as a form, encoded twice.
            "hunter2%20%22%C3%A9%5Cn%2F%22%20%2B50%25%26c%3D%3Cd%3E%27",
            "hunter2+%22%c3%a9%5cn%2f%22+%2b50%25%26c%3d%3cd%3e%27",
            "hunter2%2520%2522%25C3%25A9%255Cn%252F%2522%2520%252B50%2525%2526c%253D%253Cd%253E%2527",
            "hunter2%20%22%u00e9%5Cn/%22%20%2B50%25&c=<d>'",
            // HTML, once and twice.
            "hunter2 &quot;é\\n/&quot; +50%&amp;c=&lt;d&gt;&#39;",
            "hunter2 &amp;quot;&#233;\\n/&#x22; +50%&amp;amp;c=&amp;lt;d&amp;gt;&#x27;",
            // Whitespace made one or more.
            "hunter2\r\n\t \"é\\n/\" +50%&c=<d>'",
        ] {
            let text = format!("before {form} after");
            assert_eq!(
                redactor(secret).redact(&text),
                "before [secret] after",
                "{form}"
            );
        }
    }

    #[test]
    fn redact_finds_every_part_that_tells() {
        let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl";
        for part in [
            token,
            &token[..16],
            &token[5..25],
            &token[token.len() - 16..],
        ] {
            let text = format!("x{part}y");
            assert_eq!(redactor(token).redact(&text), "x[secret]y", "{part}");
        }
        // Where a text was cut, a few characters are enough.
        for text in ["was eyJhbGci", "was eyJhb…", "was eyJhb... not"] {
            let shown = redactor(token).redact(text).into_owned();
            assert!(!shown.contains("eyJ"), "{shown}");
        }
        assert_eq!(redactor(token).redact("was eyJhb not"), "was eyJhb not");
    }

    #[test]
    fn redact_finds_short_secrets_as_words_only() {
        assert_eq!(
            redactor("ab").redact("ab, (ab) cab abc"),
            "[secret], ([secret]) cab abc"
        );
        assert_eq!(
            redactor("find").redact("could not find"),
            "could not [secret]"
        );
        assert_eq!(
            redactor("1").redact("error 1 of 10"),
            "error [secret] of 10"
        );
    }

    #[test]
    fn secret_parameters_are_not_shown() {
        for (url, shown) in [
            ("https://h/a?id=5", "https://h/a?id=5"),
            ("https://h/a", "https://h/a"),
            (
                "https://h/a?x=1&Access_Token=abc&sig&apiSecret=&y",
                "https://h/a?x=1&Access_Token=...&sig&apiSecret=...&y",
            ),
            ("?token=a=b?c&d=e", "?token=...&d=e"),
        ] {
            assert_eq!(without_secret_parameters(url), shown);
        }
    }

    #[test]
    fn redact_leaves_other_text_alone() {
        let text = "100% of \\ & &nonsense; %zz %u12 \\ud83d \\u é…";
        assert_eq!(redactor("hunter2").redact(text), text);
        assert_eq!(Redactor::default().redact(text), text);
        assert_eq!(redactor(" ").redact("a b"), "a b");
    }

    #[test]
    fn redact_replaces_secrets_that_follow_each_other() {
        let mut both = redactor("hunter2");
        both.add(
            &Secret::new(Zeroizing::new("token-1".to_owned())),
            "[token]",
        );
        assert_eq!(
            both.redact("hunter2token-1hunter2hunter2"),
            "[secret][token][secret]"
        );
    }
}
