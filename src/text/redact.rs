//! Text without secrets.
//!
//! Servers and proxies repeat what they were sent: as it was, or escaped for JSON, URLs or
//! HTML, or cut. A secret and the text are compared in a canonical form, in which all of
//! these are alike.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use zeroize::{Zeroize, Zeroizing};

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
        let is_known = self.secrets.iter().any(|(known, _)| known == secret);
        if !secret.trim().is_empty() && !is_known {
            self.secrets.push((secret.clone(), shown));
        }
    }

    /// Returns `text` with every secret replaced.
    pub(crate) fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.secrets.is_empty() || text.is_empty() {
            return Cow::Borrowed(text);
        }
        let secrets = self.secrets.iter().flat_map(|(secret, label)| {
            let forms = levels(secret);
            let forms = forms.map(|units| units.iter().map(|unit| unit.character).collect());
            forms.map(|form| (Zeroizing::new(form), *label))
        });
        // An escape that stands for whitespace would match any.
        let is_visible = |(form, _): &(Zeroizing<Vec<char>>, _)| form.iter().any(|&c| c != ' ');
        let secrets: Vec<_> = secrets.filter(is_visible).collect();
        // What replaces each byte.
        let mut shown = vec![None; text.len()];
        // Text that looks like an escape need not be one, so every level is searched.
        for units in levels(text) {
            for (secret, label) in &secrets {
                mark(secret, label, text, &units, &mut shown);
            }
        }
        if shown.iter().all(Option::is_none) {
            return Cow::Borrowed(text);
        }
        let mut redacted = String::with_capacity(text.len());
        let mut before = None;
        for (start, character) in text.char_indices() {
            match shown[start] {
                None => redacted.push(character),
                Some(label) if before != Some(label) => redacted.push_str(label),
                Some(_) => {}
            }
            before = shown[start];
        }
        Cow::Owned(redacted)
    }

    /// Returns `text` redacted, on one line, cut to `max` characters.
    pub(crate) fn one_line(&self, text: &str, max: usize) -> String {
        super::one_line(&self.redact(text), max)
    }
}

/// One character, and where the text has it or the escape for it. It is wiped when dropped.
struct Unit {
    character: char,
    start: usize,
    end: usize,
}

impl Drop for Unit {
    fn drop(&mut self) {
        self.character.zeroize();
    }
}

/// Marks the bytes of `text` that belong to `secret`, one of whose forms is in `units`.
fn mark(
    secret: &[char],
    label: &'static str,
    text: &str,
    units: &[Unit],
    shown: &mut [Option<&'static str>],
) {
    let mut show = |units: &[Unit]| {
        if let (Some(first), Some(last)) = (units.first(), units.last()) {
            shown[first.start..last.end].fill(Some(label));
        }
    };
    let beginnings = beginnings(secret, units);
    let is_match = |at: usize| beginnings.get(at + secret.len()) == Some(&secret.len());
    let is_word_character = |at: usize| {
        units
            .get(at)
            .is_some_and(|unit| unit.character.is_alphanumeric())
    };
    let mut windows: Vec<&[char]> = secret.windows(TELLING).collect();
    windows.sort_unstable();
    let is_window = |at: usize| {
        let end = at + TELLING;
        end <= units.len() && {
            let found = || units[at..end].iter().map(|unit| unit.character);
            let search = windows.binary_search_by(|window| window.iter().copied().cmp(found()));
            search.is_ok()
        }
    };
    for at in 0..units.len() {
        let length = if is_match(at) {
            let is_word = !(is_word_character(at + secret.len())
                || at.checked_sub(1).is_some_and(is_word_character));
            match secret.len() {
                0..MIN_SECRET_IN_WORD if !is_word => 0,
                length => length,
            }
        } else {
            TELLING * usize::from(is_window(at))
        };
        show(&units[at..at + length]);
    }
    // A beginning of the secret where the text, or a part of it, was cut.
    for end in 0..=units.len() {
        let min = match units.get(end) {
            None => MIN_AT_END,
            Some(unit) if unit.character == CUT => MIN_BEFORE_ELLIPSIS,
            Some(unit) if text[unit.start..].starts_with("...") => MIN_BEFORE_ELLIPSIS,
            Some(_) => continue,
        };
        let length = beginnings[end];
        if (min..secret.len()).contains(&length) {
            show(&units[end - length..end]);
        }
    }
}

/// Returns, for every end of a part of `units`, the length of the longest beginning of the
/// secret that stands right before it. The time is that of one pass (Knuth, Morris, Pratt),
/// whatever the text is made of.
fn beginnings(secret: &[char], units: &[Unit]) -> Vec<usize> {
    // For every beginning, the longest shorter one that it ends with.
    let mut shorter = vec![0; secret.len() + 1];
    let extend = |shorter: &[usize], mut length: usize, next: char| {
        loop {
            match secret.get(length) {
                Some(&expected) if expected == next => return length + 1,
                _ if length == 0 => return 0,
                _ => length = shorter[length],
            }
        }
    };
    for length in 1..secret.len() {
        shorter[length + 1] = extend(&shorter, shorter[length], secret[length]);
    }
    let mut found = Vec::with_capacity(units.len() + 1);
    let mut length = 0;
    found.push(length);
    for unit in units {
        length = extend(&shorter, length, unit.character);
        found.push(length);
    }
    found
}

/// How many escapes within escapes are resolved.
const MAX_NESTING: usize = 4;

/// Returns the characters of `text`, then those with every escape of JSON, URLs and HTML
/// resolved, then those with escapes of escapes resolved too, and so on. Runs of whitespace
/// are one space in all of them.
fn levels(text: &str) -> impl Iterator<Item = Vec<Unit>> {
    let mut characters = Vec::with_capacity(text.len());
    for (start, character) in text.char_indices() {
        push(
            &mut characters,
            character,
            start..start + character.len_utf8(),
        );
    }
    let mut next = Some(characters);
    std::iter::from_fn(move || {
        let current = next.take()?;
        let resolved = unescaped(&current);
        next = Some(resolved).filter(|resolved| resolved.len() < current.len());
        Some(current)
    })
    .take(1 + MAX_NESTING)
}

/// Resolves one level of escapes.
fn unescaped(mut rest: &[Unit]) -> Vec<Unit> {
    let mut units = Vec::with_capacity(rest.len());
    while let [first, ..] = rest {
        let escape = match first.character {
            '\\' => Some(json_escape(rest)),
            '%' => percent_escape(rest).map(|(character, length)| (Some(character), length)),
            '&' => entity(rest).map(|(character, length)| (Some(character), length)),
            _ => None,
        };
        let (character, length) = escape.unwrap_or((Some(first.character), 1));
        if let Some(character) = character {
            push(&mut units, character, first.start..rest[length - 1].end);
        }
        rest = &rest[length..];
    }
    units
}

/// Adds a character to `units`, whitespace to the whitespace before it.
fn push(units: &mut Vec<Unit>, character: char, source: Range<usize>) {
    let is_space = character.is_whitespace() || character.is_control() || character == '+';
    match units.last_mut() {
        Some(last) if is_space && last.character == ' ' => last.end = source.end,
        _ => units.push(Unit {
            character: if is_space { ' ' } else { character },
            start: source.start,
            end: source.end,
        }),
    }
}

/// The length of the longest escape, which is a surrogate pair in JSON in JSON in JSON.
const MAX_ESCAPE: usize = 18;

/// The characters at the beginning of `units`, enough for any escape.
fn lookahead(units: &[Unit]) -> Zeroizing<String> {
    let characters = units.iter().take(MAX_ESCAPE).map(|unit| unit.character);
    // In one allocation: one that grows would leave a part behind.
    let mut text = Zeroizing::new(String::with_capacity(4 * MAX_ESCAPE));
    text.extend(characters);
    text
}

/// What any number of backslashes escape, and how many characters that takes. Those that
/// escape nothing are dropped: what stands behind them may be an escape after all, with
/// backslashes of its own.
fn json_escape(units: &[Unit]) -> (Option<char>, usize) {
    let is_slash = |unit: &&Unit| unit.character == '\\';
    let slashes = units.iter().take_while(is_slash).count();
    match json_escaped(&lookahead(&units[slashes..])) {
        Some((character, length)) => (Some(character), slashes + length),
        None => (None, slashes),
    }
}

/// What stands after the backslashes of an escape, and how many characters that takes.
fn json_escaped(rest: &str) -> Option<(char, usize)> {
    match rest.chars().next()? {
        'n' | 'r' | 't' | 'b' | 'f' => Some((' ', 1)),
        'u' | 'U' => match code_unit(rest)? {
            high @ 0xd800..0xdc00 => {
                let rest = &rest[5..];
                let low = rest.trim_start_matches('\\');
                let slashes = rest.len() - low.len();
                let pair = char::decode_utf16([high, code_unit(low)?]).next()?.ok()?;
                (slashes > 0).then_some((pair, 10 + slashes))
            }
            unit => Some((char::from_u32(unit.into())?, 5)),
        },
        escaped @ ('"' | '\'' | '/') => Some((escaped, 1)),
        _ => None,
    }
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
    fn redact_finds_secrets_that_repeat_themselves() {
        for (secret, text, shown) in [
            ("aabaabaa", "aabaabaabaa", "[secret]"),
            (
                "aabaabaa",
                "xaabaabaax aabaab… aabaa",
                "x[secret]x [secret]… aabaa",
            ),
            ("abab-abac", "abab-abab-abac", "abab-[secret]"),
            (
                "abcabcabcabd",
                "zabcabcabcabcabd abcabcab",
                "zabc[secret] [secret]",
            ),
        ] {
            assert_eq!(redactor(secret).redact(text), shown, "{secret} in {text}");
        }
    }

    #[test]
    fn redact_takes_the_time_of_one_pass() {
        let token = "ab".repeat(16 * 1024);
        let start = std::time::Instant::now();
        for text in ["…", "... ", "ab", "a…", "\\\\u2026"] {
            redactor(&token).redact(&text.repeat(64 * 1024 / text.len()));
        }
        // Comparing each beginning at each ellipsis takes minutes.
        let elapsed = start.elapsed();
        assert!(elapsed < std::time::Duration::from_secs(5), "{elapsed:?}");
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
