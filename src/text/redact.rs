//! Removes secrets from text.
//!
//! Servers and proxies repeat what was sent to them: unchanged, escaped for JSON, URLs or HTML,
//! or cut. The secrets and the text are compared in a canonical form, which is the same for all
//! of these.

use std::borrow::Cow;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::ELLIPSIS;
use super::escapes::{Unit, levels};

/// A token or a password. Its memory is wiped when the last owner drops it.
pub(crate) type Secret = Arc<Zeroizing<String>>;

/// The maximum length of a text that is read from a response to be redacted, in bytes. It bounds the
/// memory for redaction.
pub(crate) const MAX_TEXT_READ: usize = 64 * 1024;

/// Replaces the secrets of one client in text from servers, proxies and callbacks.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    secrets: Vec<(Secret, &'static str)>,
}

/// Any part of a secret that has this many characters is replaced.
const MIN_PART: usize = 16;

/// The beginning of a secret is replaced before an ellipsis if it has this many characters.
const MIN_BEFORE_ELLIPSIS: usize = 4;

/// The beginning of a secret is replaced at the end of the text if it has this many characters.
const MIN_AT_END: usize = 8;

/// A secret with fewer characters is replaced only if it is a word of its own, because text
/// contains such short sequences by chance.
const MIN_SECRET_IN_WORD: usize = 4;

impl Redactor {
    /// Adds a secret. `label` replaces it. Secrets of whitespace only are ignored.
    pub(crate) fn add(&mut self, secret: &Secret, label: &'static str) {
        let is_known = self.secrets.iter().any(|(known, _)| known == secret);
        if !secret.trim().is_empty() && !is_known {
            self.secrets.push((secret.clone(), label));
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
        // A secret that is an escape of whitespace would match all whitespace.
        let is_visible = |(form, _): &(Zeroizing<Vec<char>>, _)| form.iter().any(|&c| c != ' ');
        let secrets: Vec<_> = secrets.filter(is_visible).collect();
        // The label that replaces each byte.
        let mut labels = vec![None; text.len()];
        // Text that looks like an escape may be literal, so every level is searched.
        for units in levels(text) {
            for (secret, label) in &secrets {
                mark(secret, label, text, &units, &mut labels);
            }
        }
        if labels.iter().all(Option::is_none) {
            return Cow::Borrowed(text);
        }
        let mut redacted = String::with_capacity(text.len());
        let mut before = None;
        for (start, character) in text.char_indices() {
            match labels[start] {
                None => redacted.push(character),
                Some(label) if before != Some(label) => redacted.push_str(label),
                Some(_) => {}
            }
            before = labels[start];
        }
        Cow::Owned(redacted)
    }

    /// Returns `text` with every secret replaced, on one line, cut to `max` characters.
    pub(crate) fn one_line(&self, text: &str, max: usize) -> String {
        super::one_line(&self.redact(text), max)
    }
}

/// Sets the label of the bytes of `text` that belong to `secret`. `units` is one of the levels
/// of `text`.
fn mark(
    secret: &[char],
    label: &'static str,
    text: &str,
    units: &[Unit],
    labels: &mut [Option<&'static str>],
) {
    let mut replace = |units: &[Unit]| {
        if let (Some(first), Some(last)) = (units.first(), units.last()) {
            labels[first.start..last.end].fill(Some(label));
        }
    };
    let prefixes = longest_prefixes(secret, units);
    let is_match = |at: usize| prefixes.get(at + secret.len()) == Some(&secret.len());
    let is_word_character = |at: usize| {
        units
            .get(at)
            .is_some_and(|unit| unit.character.is_alphanumeric())
    };
    let mut windows: Vec<&[char]> = secret.windows(MIN_PART).collect();
    windows.sort_unstable();
    let is_window = |at: usize| {
        let end = at + MIN_PART;
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
            MIN_PART * usize::from(is_window(at))
        };
        replace(&units[at..at + length]);
    }
    // The beginning of the secret where the text, or a part of it, was cut.
    for end in 0..=units.len() {
        let min = match units.get(end) {
            None => MIN_AT_END,
            Some(unit) if unit.character == ELLIPSIS => MIN_BEFORE_ELLIPSIS,
            Some(unit) if text[unit.start..].starts_with("...") => MIN_BEFORE_ELLIPSIS,
            Some(_) => continue,
        };
        let length = prefixes[end];
        if (min..secret.len()).contains(&length) {
            replace(&units[end - length..end]);
        }
    }
}

/// Returns, for every position in `units` and for its end, the length of the longest prefix of
/// the secret that ends there.
///
/// This takes linear time for every text (the algorithm of Knuth, Morris and Pratt).
fn longest_prefixes(secret: &[char], units: &[Unit]) -> Vec<usize> {
    // For every prefix, the length of the longest shorter prefix that it ends with.
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

/// Words in the names of URL parameters whose values are likely secrets.
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

/// Returns a URL with the values of parameters that are likely secrets replaced with `...`.
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
    fn redact_secret_in_any_form_is_replaced() {
        let secret = "hunter2 \"é\\n/\" +50%&c=<d>'";
        for form in [
            secret,
            // JSON as serde_json, .NET and others write it, and JSON within JSON.
            r#"hunter2 \"é\\n/\" +50%&c=<d>'"#,
            r#"hunter2 \"\u00e9\\n\/\" \u002B50%\u0026c=\u003Cd\u003e\u0027"#,
            r#"hunter2 \\\"\\u00e9\\\\n\\/\\\" +50%&c=<d>'"#,
            // URLs: in a path, in a form, encoded twice.
            "hunter2%20%22%C3%A9%5Cn%2F%22%20%2B50%25%26c%3D%3Cd%3E%27",
            "hunter2+%22%c3%a9%5cn%2f%22+%2b50%25%26c%3d%3cd%3e%27",
            "hunter2%2520%2522%25C3%25A9%255Cn%252F%2522%2520%252B50%2525%2526c%253D%253Cd%253E%2527",
            "hunter2%20%22%u00e9%5Cn/%22%20%2B50%25&c=<d>'",
            // HTML, once and twice.
            "hunter2 &quot;é\\n/&quot; +50%&amp;c=&lt;d&gt;&#39;",
            "hunter2 &amp;quot;&#233;\\n/&#x22; +50%&amp;amp;c=&amp;lt;d&amp;gt;&#x27;",
            // One space that became several characters.
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
    fn redact_long_part_of_secret_is_replaced() {
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
        // A few characters are enough where a text was cut.
        for text in ["was eyJhbGci", "was eyJhb…", "was eyJhb... not"] {
            let shown = redactor(token).redact(text).into_owned();
            assert!(!shown.contains("eyJ"), "{shown}");
        }
        assert_eq!(redactor(token).redact("was eyJhb not"), "was eyJhb not");
    }

    #[test]
    fn redact_secret_with_repetitions_is_replaced() {
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
    fn redact_long_text_takes_linear_time() {
        let token = "ab".repeat(16 * 1024);
        let start = std::time::Instant::now();
        for text in ["…", "... ", "ab", "a…", "\\\\u2026"] {
            redactor(&token).redact(&text.repeat(64 * 1024 / text.len()));
        }
        // Comparing every prefix at every ellipsis would take minutes.
        let elapsed = start.elapsed();
        assert!(elapsed < std::time::Duration::from_secs(5), "{elapsed:?}");
    }

    #[test]
    fn redact_short_secret_is_replaced_as_word_only() {
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
    fn without_secret_parameters_replaces_their_values() {
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
    fn redact_other_text_is_unchanged() {
        let text = "100% of \\ & &nonsense; %zz %u12 \\ud83d \\u é…";
        assert_eq!(redactor("hunter2").redact(text), text);
        assert_eq!(Redactor::default().redact(text), text);
        assert_eq!(redactor(" ").redact("a b"), "a b");
    }

    #[test]
    fn redact_adjacent_secrets_are_replaced() {
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
