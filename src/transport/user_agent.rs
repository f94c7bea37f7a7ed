//! The User-Agent of every request (RFC 9110 section 10.1.5).

/// The library's name and version.
const PRODUCT: &str = concat!("sellercloud-output/", env!("CARGO_PKG_VERSION"));

/// The maximum length of a suffix, in bytes.
const MAX_SUFFIX_LEN: usize = 128;

/// The value of the User-Agent header: visible ASCII and spaces.
#[derive(Clone)]
pub(crate) struct UserAgent(String);

impl UserAgent {
    /// Returns the library's name and version, a space and `suffix`.
    ///
    /// # Errors
    ///
    /// A message for users if the suffix cannot be sent as it is.
    pub(crate) fn with_suffix(suffix: &str) -> Result<Self, String> {
        let problem = if suffix.is_empty() {
            "is empty".to_owned()
        } else if suffix.len() > MAX_SUFFIX_LEN {
            format!(
                "has {} bytes: it must have at most {MAX_SUFFIX_LEN}",
                suffix.len()
            )
        } else if suffix.starts_with(' ') || suffix.ends_with(' ') {
            "begins or ends with a space".to_owned()
        } else if !suffix.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            "contains a character other than visible ASCII and spaces".to_owned()
        } else {
            return Ok(Self(format!("{PRODUCT} {suffix}")));
        };
        // The text itself is left out: it may hold line breaks or terminal control codes.
        Err(format!("user_agent_suffix {problem}"))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for UserAgent {
    fn default() -> Self {
        Self(PRODUCT.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffix_that_can_be_sent_is_appended_after_a_space() {
        let longest = "x".repeat(MAX_SUFFIX_LEN);
        for suffix in [
            "a",
            "nightly-export/2.1 (warehouse 7; +team@example.com)",
            "!~",
            &longest,
        ] {
            let user_agent = UserAgent::with_suffix(suffix).unwrap();
            assert_eq!(user_agent.as_str(), format!("{PRODUCT} {suffix}"));
        }
        assert_eq!(UserAgent::default().as_str(), PRODUCT);
    }

    #[test]
    fn suffix_that_cannot_be_sent_is_rejected_without_being_shown() {
        let too_long = "x".repeat(MAX_SUFFIX_LEN + 1);
        for (suffix, problem) in [
            ("", "is empty"),
            (&too_long[..], "has 129 bytes: it must have at most 128"),
            (" ", "begins or ends with a space"),
            (" a/1", "begins or ends with a space"),
            ("a/1 ", "begins or ends with a space"),
            ("a\r\nX-Injected: 1", "contains a character"),
            ("a\nb", "contains a character"),
            ("a\rb", "contains a character"),
            ("a\tb", "contains a character"),
            ("a\0b", "contains a character"),
            ("a\x7fb", "contains a character"),
            ("a\x1b[31mb", "contains a character"),
            ("caf\u{e9}/1", "contains a character"),
            ("a\u{2028}b", "contains a character"),
        ] {
            let message = UserAgent::with_suffix(suffix).err().unwrap();
            let expected = format!("user_agent_suffix {problem}");
            assert!(message.starts_with(&expected), "{suffix:?}: {message}");
            assert!(
                message.bytes().all(|byte| matches!(byte, b' '..=b'~')),
                "{message:?}"
            );
        }
    }
}
