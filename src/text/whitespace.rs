//! Whitespace of formats.

/// Returns `true` for the four bytes that JSON (RFC 8259 section 2) and .NET's base64 decoder
/// skip between tokens: tab, line feed, carriage return and space.
pub(crate) fn is_whitespace(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
