//! Whitespace in JSON and base64.

/// Returns whether a byte is a tab, a line feed, a carriage return or a space.
///
/// JSON (RFC 8259 section 2) allows these four between tokens, and the base64 decoder of .NET
/// ignores them.
pub(crate) fn is_whitespace(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
