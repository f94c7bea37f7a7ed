//! Properties of file names, which hold for every header and every text.

use super::{fallback, from_header, numbered, sanitize};

/// Checks the properties on one input.
///
/// # Panics
///
/// If a property does not hold.
pub(crate) fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    name_from_any_header_is_safe(input, 1);
    name_from_any_header_is_safe(input, u32::MAX);
    name_from_any_text_is_safe(&text);
    safe_name_in_header_is_read_back(&text);
}

/// Asserts that every system can create a file with this name, and that [`sanitize`] does not
/// change it.
pub(crate) fn assert_safe(name: &str) {
    assert!(!name.is_empty());
    assert!(name.len() <= 255, "{} bytes: {name:?}", name.len());
    assert!(
        !name.contains(|c: char| c.is_control() || r#"<>:"/\|?*"#.contains(c)),
        "{name:?}"
    );
    let is_bad_start = |c: char| matches!(c, '.' | '-') || c.is_whitespace();
    assert!(!name.starts_with(is_bad_start), "{name:?}");
    let is_bad_end = |c: char| matches!(c, '.' | '~') || c.is_whitespace();
    assert!(!name.ends_with(is_bad_end), "{name:?}");
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end().to_ascii_uppercase();
    let devices = ["CON", "PRN", "AUX", "NUL", "COM1", "COM9", "LPT1", "LPT9"];
    assert!(!devices.contains(&stem.as_str()), "{name:?}");
    assert_eq!(sanitize(name).as_deref(), Some(name));
}

/// Asserts that the name in a header is safe, with and without a number.
fn name_from_any_header_is_safe(header: &[u8], number: u32) {
    let text = from_header(header);
    if let Some(name) = text.and_then(|text| sanitize(&text)) {
        assert_safe(&name);
        assert_safe(&numbered(&name, number));
    }
}

/// Asserts that the name in a text is safe, and the fallback name for it as a content type.
fn name_from_any_text_is_safe(text: &str) {
    if let Some(name) = sanitize(text) {
        assert_safe(&name);
    }
    assert_safe(&fallback(i32::MAX, Some(text)));
}

/// Asserts that a safe name that is written into a header is read back unchanged.
fn safe_name_in_header_is_read_back(text: &str) {
    if let Some(name) = sanitize(text) {
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        // `filename` has priority over a `filename*` with a replacement character.
        let plain = match name.contains(char::REPLACEMENT_CHARACTER) {
            true => "",
            false => "filename=x; ",
        };
        let header = format!("attachment; {plain}filename*=UTF-8''{encoded}");
        let read = from_header(header.as_bytes());
        assert_eq!(read, Some(name));
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use crate::fuzzing::random_inputs;

    /// Generates headers from their typical parts, valid and invalid ones.
    fn header() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            2 => r#"(attachment|inline|;|=|"|\\| |filename|filename\*|filename\*0\*?|name)"#
                .prop_map(String::into_bytes),
            1 => r"(UTF-8''|iso-8859-1'en'|=\?utf-8\?[BQbq]\?|\?=|%[0-9A-Fa-f]{2}|%)"
                .prop_map(String::into_bytes),
            1 => r"(\.\./|\\|C:|CON|nul\.txt|\.|[a-z0-9]{1,8}|\.csv)".prop_map(String::into_bytes),
            1 => "\\PC{1,4}".prop_map(String::into_bytes),
            1 => vec(any::<u8>(), 1..6),
            1 => "[a-z]{200,300}".prop_map(String::into_bytes),
        ];
        vec(part, 0..20).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(random_inputs())]

        #[test]
        fn name_from_any_header_is_safe(header in header(), number in 1u32..1000) {
            super::name_from_any_header_is_safe(&header, number);
        }

        #[test]
        fn name_from_any_text_is_safe(text in "\\PC{0,300}") {
            super::name_from_any_text_is_safe(&text);
        }

        #[test]
        fn safe_name_in_header_is_read_back(text in "\\PC{1,60}") {
            super::safe_name_in_header_is_read_back(&text);
        }
    }
}
