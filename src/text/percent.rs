//! Percent-encoding (RFC 3986 section 2.1) and pairs of hexadecimal digits.

/// Returns the byte that two hexadecimal digits represent; `None` for other characters.
pub(crate) fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// Appends `text` to `url`. All characters except the unreserved ones (RFC 3986 section 2.3) are
/// percent-encoded.
pub(crate) fn encode(text: &str, url: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => url.push(byte.into()),
            byte if byte.is_ascii_alphanumeric() => url.push(byte.into()),
            byte => url.push_str(&format!("%{byte:02X}")),
        }
    }
}
