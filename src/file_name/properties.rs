//! Properties of file names that hold for every header and every text.

use super::{fallback, from_header, numbered, sanitize};

/// Checks the properties on one input; panics if one does not hold.
pub(crate) fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    header_gives_safe_name(input, 1);
    header_gives_safe_name(input, u32::MAX);
    text_gives_safe_name(&text);
    safe_name_is_read_back_from_header(&text);
}

/// Asserts that a file of the name can be created on every system, and that the name stays as
/// it is.
pub(crate) fn assert_safe(name: &str) {
    assert!(!name.is_empty());
    assert!(name.len() <= 255, "{} bytes: {name:?}", name.len());
    assert!(
        !name.contains(|c: char| c.is_control() || r#"<>:"/\|?*"#.contains(c)),
        "{name:?}"
    );
    let starts_badly = |c: char| matches!(c, '.' | '-') || c.is_whitespace();
    assert!(!name.starts_with(starts_badly), "{name:?}");
    let ends_badly = |c: char| matches!(c, '.' | '~') || c.is_whitespace();
    assert!(!name.ends_with(ends_badly), "{name:?}");
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end().to_ascii_uppercase();
    let devices = ["CON", "PRN", "AUX", "NUL", "COM1", "COM9", "LPT1", "LPT9"];
    assert!(!devices.contains(&stem.as_str()), "{name:?}");
    assert_eq!(sanitize(name).as_deref(), Some(name));
}

fn header_gives_safe_name(header: &[u8], number: u32) {
    let text = from_header(header);
    if let Some(name) = text.and_then(|text| sanitize(&text)) {
        assert_safe(&name);
        assert_safe(&numbered(&name, number));
    }
}

fn text_gives_safe_name(text: &str) {
    if let Some(name) = sanitize(text) {
        assert_safe(&name);
    }
    assert_safe(&fallback(i32::MAX, Some(text)));
}

fn safe_name_is_read_back_from_header(text: &str) {
    if let Some(name) = sanitize(text) {
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        // A replacement character in `filename*` lets `filename` win.
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

    /// Headers of names and their surroundings, well-formed and malformed.
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
        fn header_gives_safe_name(header in header(), number in 1u32..1000) {
            super::header_gives_safe_name(&header, number);
        }

        #[test]
        fn text_gives_safe_name(text in "\\PC{0,300}") {
            super::text_gives_safe_name(&text);
        }

        #[test]
        fn safe_name_is_read_back_from_header(text in "\\PC{1,60}") {
            super::safe_name_is_read_back_from_header(&text);
        }
    }
}
