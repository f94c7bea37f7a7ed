//! Reads the fields of JSON from servers.
//!
//! Servers may send JSON of any size and shape. Only the fields that are needed are built; the
//! rest is skipped, and a field borrows its part of the text until it is read. Keys are compared
//! without regard to case, as .NET does, and the first of several equal keys counts.

use std::borrow::Cow;
use std::fmt;

use serde_core::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// How many invalid sequences become U+FFFD, which is longer than a byte. Further ones become
/// question marks, so that the text is not much longer than the body.
const MAX_REPLACEMENTS: usize = 1024;

/// Returns a body as text.
///
/// A byte order mark is removed, UTF-16 is converted, and bytes that are not UTF-8 are replaced.
pub(crate) fn text(body: &[u8]) -> Cow<'_, str> {
    if let Some(encoding) = utf16(body) {
        return encoding.decode_with_bom_removal(body).0;
    }
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if let Ok(text) = std::str::from_utf8(body) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(body.len() + 2 * MAX_REPLACEMENTS);
    let mut replacements = 0;
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            replacements += 1;
            text.push(match replacements {
                0..=MAX_REPLACEMENTS => char::REPLACEMENT_CHARACTER,
                _ => '?',
            });
        }
    }
    Cow::Owned(text)
}

/// Returns the kind of UTF-16 that a body is in, by its byte order mark or by the zero bytes
/// beside the ASCII characters at its start; `None` for other encodings.
pub(crate) fn utf16(body: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let is_ascii = |byte: u8| byte.is_ascii() && byte != 0;
    match *body {
        [0xff, 0xfe, ..] => Some(encoding_rs::UTF_16LE),
        [0xfe, 0xff, ..] => Some(encoding_rs::UTF_16BE),
        [a, 0, b, 0, ..] if is_ascii(a) && is_ascii(b) => Some(encoding_rs::UTF_16LE),
        [0, a, 0, b, ..] if is_ascii(a) && is_ascii(b) => Some(encoding_rs::UTF_16BE),
        _ => None,
    }
}

/// A JSON value, as its part of the text.
#[derive(Clone, Copy)]
pub(crate) struct Value<'t>(&'t str);

impl<'t> Value<'t> {
    /// Parses `text`, which must be exactly one JSON value; `None` if it is not.
    pub(crate) fn parse(text: &'t str) -> Option<Self> {
        serde_json::from_str::<&RawValue>(text)
            .ok()
            .map(|raw| Self(raw.get()))
    }

    /// Returns the value as it is written in the text.
    pub(crate) fn raw(self) -> &'t str {
        self.0
    }

    pub(crate) fn is_null(self) -> bool {
        self.0 == "null"
    }

    pub(crate) fn is_string(self) -> bool {
        self.0.starts_with('"')
    }

    pub(crate) fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    pub(crate) fn is_array(self) -> bool {
        self.0.starts_with('[')
    }

    /// Returns the text of a string; `None` for other values. At most `max` bytes of the string
    /// are read.
    pub(crate) fn string(self, max: usize) -> Option<String> {
        let inner = self.0.strip_prefix('"')?.strip_suffix('"')?;
        Some(unescaped(inner, max))
    }

    /// Returns a number, or the number in a string; `None` for other values.
    pub(crate) fn number(self) -> Option<f64> {
        const MAX_DIGITS: usize = 1024;
        let string = self.string(MAX_DIGITS);
        string.as_deref().unwrap_or(self.0).trim().parse().ok()
    }

    /// Returns an integer, or the integer in a string; `None` for other values and for numbers
    /// with a fraction.
    pub(crate) fn integer(self) -> Option<i64> {
        const MAX_EXACT: f64 = (1_i64 << f64::MANTISSA_DIGITS) as f64;
        let string = self.string(32);
        let text = string.as_deref().unwrap_or(self.0).trim();
        text.parse().ok().or_else(|| {
            let number: f64 = text.parse().ok()?;
            (number.fract() == 0.0 && number.abs() <= MAX_EXACT).then_some(number as i64)
        })
    }

    /// Returns the values of the `wanted` keys of an object; `None` for other values.
    pub(crate) fn fields<const N: usize>(self, wanted: [&str; N]) -> Option<[Option<Self>; N]> {
        if !self.is_object() {
            return None;
        }
        let mut found = [None; N];
        self.each_field(&mut |key, value| {
            let is_key = |wanted: &&str| wanted.as_bytes().eq_ignore_ascii_case(key);
            if let Some(index) = wanted.iter().position(is_key) {
                found[index].get_or_insert(value);
            }
        });
        Some(found)
    }

    /// Calls `visit` with each key of an object, cut to 256 bytes, and its value. Does nothing
    /// for other values.
    pub(crate) fn each_field(self, visit: &mut dyn FnMut(&[u8], Self)) {
        if self.is_object() {
            // It cannot fail: the text was checked when this value was created.
            let _ = serde_json::Deserializer::from_str(self.0).deserialize_map(Entries(visit));
        }
    }

    /// Calls `visit` with each item of an array. Does nothing for other values.
    pub(crate) fn each_item(self, visit: &mut dyn FnMut(Self)) {
        if self.is_array() {
            let _ = serde_json::Deserializer::from_str(self.0).deserialize_seq(Items(visit));
        }
    }
}

/// Returns the values of the `wanted` keys of `text`, which must be exactly one JSON object;
/// `None` if it is not.
pub(crate) fn fields<'t, const N: usize>(
    text: &'t str,
    wanted: [&str; N],
) -> Option<[Option<Value<'t>>; N]> {
    Value::parse(text)?.fields(wanted)
}

/// Returns a JSON string with its escapes resolved. At most `max` bytes of it are read. Half a
/// surrogate pair becomes U+FFFD.
pub(crate) fn unescaped(string: &str, max: usize) -> String {
    let mut length = max.min(string.len());
    while !string.is_char_boundary(length) {
        length -= 1;
    }
    let string = &string[..length];
    // An escape is never shorter than its character, so this capacity is enough.
    let mut text = String::with_capacity(string.len());
    let mut rest = string;
    while let Some(start) = rest.find('\\') {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        let (character, length) = escape(rest);
        text.push(character);
        rest = rest.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

/// Returns the character that the escape at the start of `text` stands for, and the length of
/// the escape.
fn escape(text: &str) -> (char, usize) {
    const INCOMPLETE: (char, usize) = (char::REPLACEMENT_CHARACTER, usize::MAX);
    match text.as_bytes().get(1) {
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'u') => {
            let Some(first) = code_unit(text) else {
                return INCOMPLETE;
            };
            let second = text.get(6..).and_then(code_unit);
            match char::decode_utf16([first].into_iter().chain(second)).next() {
                Some(Ok(character)) => (character, 6 * character.len_utf16()),
                _ => (char::REPLACEMENT_CHARACTER, 6),
            }
        }
        Some(&byte) if byte.is_ascii() => (byte.into(), 2),
        _ => INCOMPLETE,
    }
}

/// Returns the UTF-16 code unit of the escape at the start of `text`, such as `\u00e9`.
fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

/// A visitor of the entries of an object.
struct Entries<'f, 't>(&'f mut dyn FnMut(&[u8], Value<'t>));

impl<'t> Visitor<'t> for Entries<'_, 't> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            (self.0)(&key, Value(map.next_value::<&RawValue>()?.get()));
        }
        Ok(())
    }
}

/// A key, as bytes, because it may contain half a surrogate pair, which a `str` cannot.
struct Key<'t>(Cow<'t, [u8]>);

impl<'t> Deserialize<'t> for Key<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'t> Visitor<'t> for KeyVisitor {
            type Value = Key<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_bytes<E: Error>(self, key: &'t [u8]) -> Result<Key<'t>, E> {
                Ok(Key(Cow::Borrowed(&key[..key.len().min(MAX_KEY_LEN)])))
            }

            fn visit_bytes<E: Error>(self, key: &[u8]) -> Result<Key<'t>, E> {
                Ok(Key(Cow::Owned(key[..key.len().min(MAX_KEY_LEN)].to_vec())))
            }
        }
        deserializer.deserialize_bytes(KeyVisitor)
    }
}

/// The maximum length of a key, in bytes. The rest of a longer key is ignored.
const MAX_KEY_LEN: usize = 256;

/// A visitor of the items of an array.
struct Items<'f, 't>(&'f mut dyn FnMut(Value<'t>));

impl<'t> Visitor<'t> for Items<'_, 't> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<&RawValue>()? {
            (self.0)(Value(item.get()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(json: &str, key: &str) -> Option<String> {
        let [value] = fields(json, [key])?;
        value?.string(usize::MAX)
    }

    #[test]
    fn fields_other_values_of_any_kind_are_skipped() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for other in [
            r#""a\ud83d""#,
            "1e400",
            "-0.0e-999",
            "123456789012345678901234567890",
            &deep,
            r#"{"Wanted": "no", "\udc00": [null, true]}"#,
        ] {
            for json in [
                format!(r#"{{"other": {other}, "\u0057anted": "yes"}}"#),
                format!(r#" {{"wanted": "yes", "\ud83d": 1, "other": {other}}} "#),
            ] {
                assert_eq!(field(&json, "Wanted").as_deref(), Some("yes"));
            }
        }
    }

    #[test]
    fn fields_equal_keys_return_first_value() {
        let json = r#"{"a": "1", "A": "2", "a": "3"}"#;
        assert_eq!(field(json, "A").as_deref(), Some("1"));
    }

    #[test]
    fn fields_other_json_returns_none() {
        for json in [
            "",
            "null",
            "[]",
            "5",
            "{",
            "{} {}",
            r#"{"a": nul}"#,
            "{'a': 1}",
        ] {
            assert!(fields(json, ["a"]).is_none(), "{json}");
        }
        assert!(fields("{}", ["a"]).unwrap()[0].is_none());
    }

    #[test]
    fn string_escapes_are_resolved() {
        for (json, text) in [
            (r#""""#, ""),
            (r#""a\"\\\/\b\f\n\r\tz""#, "a\"\\/\u{8}\u{c}\n\r\tz"),
            (r#""\u00e9\uD83D\uDE00""#, "é😀"),
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\ude00b\ud83d\n""#, "\u{fffd}b\u{fffd}\n"),
        ] {
            assert_eq!(
                Value::parse(json).unwrap().string(usize::MAX).unwrap(),
                text,
                "{json}"
            );
        }
        // Only the beginning of a longer string is read.
        let long = Value::parse(r#""éé\u00e9""#).unwrap();
        for (max, text) in [(0, ""), (1, ""), (3, "é"), (5, "éé\u{fffd}"), (10, "ééé")] {
            assert_eq!(long.string(max).unwrap(), text, "{max}");
        }
    }

    #[test]
    fn integer_number_or_string_returns_integer() {
        for (json, integer) in [
            ("7", Some(7)),
            ("-7.0", Some(-7)),
            (r#"" 7 ""#, Some(7)),
            ("7.5", None),
            ("1e3", Some(1000)),
            ("1e400", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("true", None),
            ("null", None),
            (r#""x""#, None),
        ] {
            assert_eq!(Value::parse(json).unwrap().integer(), integer, "{json}");
        }
    }

    #[test]
    fn text_byte_order_marks_utf16_and_invalid_bytes_are_converted() {
        let utf16 = |text: &str, to: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(to).collect()
        };
        for body in [
            b"\xef\xbb\xbf{\"a\"}".to_vec(),
            utf16("\u{feff}{\"a\"}", u16::to_le_bytes),
            utf16("\u{feff}{\"a\"}", u16::to_be_bytes),
            utf16("{\"a\"}", u16::to_le_bytes),
            utf16("{\"a\"}", u16::to_be_bytes),
        ] {
            assert_eq!(text(&body), "{\"a\"}", "{}", body.escape_ascii());
        }
        assert_eq!(text(b"a\xe9b"), "a\u{fffd}b");
        assert!(text(&[0xff; 100_000]).len() < 110_000);
    }
}
