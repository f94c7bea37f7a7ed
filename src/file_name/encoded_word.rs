//! Decodes encoded words (RFC 2047, with the language suffix of RFC 2231 section 5), such as
//! `=?utf-8?B?w6kuY3N2?=`.
//!
//! RFC 2047 forbids them inside quotes, but .NET writes them there, and browsers decode them.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::Encoding;

use crate::text::percent::hex_pair;

/// A decoder that accepts missing padding, as mail readers do.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Returns `text` with every encoded word decoded.
///
/// An invalid encoded word is unchanged (RFC 2047 section 6.3). Whitespace between two encoded
/// words is removed (section 6.2).
pub(crate) fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    // Adjacent words of the same character set are decoded together, because some senders
    // split the bytes of a character between two words.
    let mut run: Option<Word> = None;
    let mut rest = text;
    while let Some(start) = rest.find("=?") {
        let (before, candidate) = rest.split_at(start);
        let Some((word, length)) = Word::parse(candidate) else {
            finish(&mut run, &mut decoded);
            decoded.push_str(&rest[..start + 2]);
            rest = &rest[start + 2..];
            continue;
        };
        let adjacent = run.is_some() && before.chars().all(char::is_whitespace);
        if !adjacent {
            finish(&mut run, &mut decoded);
            decoded.push_str(before);
        }
        match &mut run {
            Some(open) if open.encoding == word.encoding => {
                open.bytes.extend(word.bytes);
                open.source.push_str(&rest[..start + length]);
            }
            _ => {
                finish(&mut run, &mut decoded);
                run = Some(word);
            }
        }
        rest = &candidate[length..];
    }
    finish(&mut run, &mut decoded);
    decoded.push_str(rest);
    decoded
}

/// Appends the text of a run of words, or its source if the bytes are invalid.
fn finish(run: &mut Option<Word>, decoded: &mut String) {
    if let Some(word) = run.take() {
        let text = word
            .encoding
            .decode_without_bom_handling_and_without_replacement(&word.bytes);
        decoded.push_str(text.as_deref().unwrap_or(&word.source));
    }
}

/// An encoded word, or several adjacent ones.
struct Word {
    encoding: &'static Encoding,
    bytes: Vec<u8>,
    /// The words as they were written, in case the bytes are invalid in the encoding.
    source: String,
}

impl Word {
    /// Returns the encoded word at the start of `text`, and its length.
    fn parse(text: &str) -> Option<(Self, usize)> {
        let mut parts = text.strip_prefix("=?")?.splitn(3, '?');
        let (charset, method, tail) = (parts.next()?, parts.next()?, parts.next()?);
        let (encoded, _) = tail.split_once("?=")?;
        let charset = charset.split('*').next()?;
        let encoding = Encoding::for_label(charset.as_bytes())?;
        let bytes = match method {
            "B" | "b" => BASE64.decode(encoded).ok()?,
            "Q" | "q" => decode_q(encoded)?,
            _ => return None,
        };
        let length = text.len() - tail.len() + encoded.len() + 2;
        let source = text[..length].to_owned();
        let word = Self {
            encoding,
            bytes,
            source,
        };
        Some((word, length))
    }
}

/// Decodes the "Q" encoding (RFC 2047 section 4.2).
fn decode_q(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'_' => b' ',
            b'=' => hex_pair(rest.next()?, rest.next()?)?,
            other => other,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn decode_valid_words_returns_text() {
        for (text, decoded) in [
            ("=?utf-8?B?w6kuY3N2?=", "é.csv"),
            ("=?UTF-8?b?w6kuY3N2?=", "é.csv"),
            ("=?utf-8?B?YWI?=", "ab"),
            ("=?ISO-8859-1?Q?foo-=E4.html?=", "foo-ä.html"),
            ("=?iso-8859-1*en?q?a_b=5F=e4?=", "a b_ä"),
            ("=?EUC-KR?B?v7m8+iAzLnBuZw==?=", "예술 3.png"),
            ("=?utf-8?Q??=", ""),
            ("a =?utf-8?Q?b?= c", "a b c"),
            ("=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"),
            ("=?utf-8?Q?a?=\t =?iso-8859-1?Q?=E4?= x", "aä x"),
            ("=?utf-8?Q?a?==?utf-8?Q?b?=", "ab"),
            // One character whose bytes are in two words.
            ("=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=", "é"),
        ] {
            assert_eq!(decode(text), decoded, "{text}");
        }
    }

    #[test]
    fn decode_invalid_word_is_unchanged() {
        for text in [
            "plain.csv",
            "=?",
            "=?utf-8?Q?a",
            "=?utf-8?Q?a?",
            "=?utf-8?X?a?=",
            "=?no-such-set?Q?a?=",
            "=?utf-8?Q?=E?=",
            "=?utf-8?Q?=GG?=",
            "=?utf-8?B?%%%?=",
            "=?utf-8?Q?=FF?=",
            "=??Q?a?=",
        ] {
            assert_eq!(decode(text), text);
        }
        assert_eq!(decode("=?x =?utf-8?Q?b?="), "=?x b");
    }
}
