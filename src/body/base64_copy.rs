//! Copies base64 characters out of a text: without whitespace, with JSON escapes resolved.
//!
//! [`copy`] is exact. [`copy_fast`] is several times as fast, but it only knows the whitespace
//! and the escapes that are common in base64, and leaves the rest to [`copy`].

use super::base64_lines::Lines;
use crate::text::is_whitespace;

/// How the base64 characters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextForm {
    /// As they are. The text ends with the body.
    Plain,
    /// As a JSON string (RFC 8259 section 7), in which each may be an escape. The text ends
    /// with the closing quote.
    JsonString,
}

/// How far a copy has come.
#[derive(Clone, Copy, Default)]
pub(super) struct CopyPosition {
    /// Bytes of the text that were consumed.
    pub(super) consumed: usize,
    /// Characters that were written to the output.
    pub(super) copied: usize,
    /// The lines of the text up to here.
    pub(super) lines: Lines,
}

/// What [`copy`] did.
pub(super) struct Copied {
    /// Where it stopped.
    pub(super) end: CopyPosition,
    /// Whether the closing quote of a JSON string was consumed.
    pub(super) is_complete: bool,
    /// The position of a space that cannot be ignored.
    pub(super) misplaced_space: Option<isize>,
}

/// Replaces a character or an escape that cannot be base64. It is not in the alphabet, so
/// that decoding fails at its position.
pub(super) const NOT_BASE64: u8 = 0xff;

/// Copies characters from `text` to `output`, from `start` on.
///
/// Whitespace is left out, and escapes are resolved. What cannot be base64 is copied as
/// [`NOT_BASE64`]. The copy stops before a character for which `output` has no space, before
/// an incomplete escape, at a space that cannot be ignored, and after the closing quote of a
/// JSON string.
pub(super) fn copy(text: &[u8], output: &mut [u8], start: CopyPosition, form: TextForm) -> Copied {
    let CopyPosition {
        mut consumed,
        mut copied,
        mut lines,
    } = start;
    let mut is_complete = false;
    let mut misplaced_space = None;
    while consumed < text.len() {
        let (byte, length) = match text[consumed] {
            b'"' if form == TextForm::JsonString => {
                consumed += 1;
                is_complete = true;
                break;
            }
            b'\\' if form == TextForm::JsonString => match escape(&text[consumed..]) {
                Some(escape) => escape,
                None => break,
            },
            // JSON does not allow raw control characters in a string.
            byte if form == TextForm::JsonString && byte != b' ' && is_whitespace(byte) => {
                (NOT_BASE64, 1)
            }
            byte => (byte, 1),
        };
        if is_whitespace(byte) {
            lines.add_whitespace(byte, consumed as isize);
            consumed += length;
            continue;
        }
        let Some(place) = output.get_mut(copied) else {
            break;
        };
        if lines.is_after_break_or_space() {
            misplaced_space = lines.end_whitespace();
            if misplaced_space.is_some() {
                break;
            }
        }
        lines.add_character();
        *place = byte;
        copied += 1;
        consumed += length;
    }
    Copied {
        end: CopyPosition {
            consumed,
            copied,
            lines,
        },
        is_complete,
        misplaced_space,
    }
}

/// Returns the byte that a JSON escape stands for, and the length of the escape; `None` if it
/// is incomplete.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    Some(match text.get(1)? {
        b'n' => (b'\n', 2),
        b'r' => (b'\r', 2),
        b't' => (b'\t', 2),
        b'/' => (b'/', 2),
        b'u' => {
            let digits = text.get(2..6)?;
            let code = std::str::from_utf8(digits)
                .ok()
                .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
                .and_then(|digits| u32::from_str_radix(digits, 16).ok());
            match code.and_then(|code| u8::try_from(code).ok()) {
                Some(byte) => (byte, 6),
                None => (NOT_BASE64, 6),
            }
        }
        _ => (NOT_BASE64, 2),
    })
}

/// Copies characters from `text` to `output` like [`copy`], but faster. Returns where it
/// stopped.
///
/// It stops at whitespace or an escape that it does not know, and shortly before the end of
/// `text` or `output`. In a JSON string it takes every byte but a backslash for a character,
/// even the closing quote, so that only decoding shows whether the result is right.
pub(super) fn copy_fast(
    text: &[u8],
    output: &mut [u8],
    start: CopyPosition,
    form: TextForm,
) -> CopyPosition {
    // Whole blocks are copied, even if only a part of them counts. No step reads or writes
    // further than LOOKAHEAD.
    const BLOCK: usize = 16;
    const LOOKAHEAD: usize = 32;
    let mut lines = start.lines;
    if lines.has_space() {
        return start;
    }
    // The characters that were added to `lines` so far.
    let mut counted = 0;
    let length = output.len();
    let mut rest = text;
    let mut left = &mut output[..];
    while rest.len() >= LOOKAHEAD
        && let Some(window) = left.first_chunk_mut::<LOOKAHEAD>()
    {
        let (low, high) = (word_at(rest, 0), word_at(rest, 8));
        window[..8].copy_from_slice(&low.to_le_bytes());
        window[8..BLOCK].copy_from_slice(&high.to_le_bytes());
        let special = |word| match form {
            TextForm::Plain => flag_below(word, b' ' + 1),
            TextForm::JsonString => flag_equal(word, b'\\'),
        };
        let found = u128::from(special(low)) | u128::from(special(high)) << 64;
        if found == 0 {
            rest = &rest[BLOCK..];
            left = &mut left[BLOCK..];
            continue;
        }
        let before = found.trailing_zeros() as usize / 8;
        let (copied, consumed) = match form {
            TextForm::Plain => (0, common_whitespace(&rest[before..])),
            TextForm::JsonString => {
                let (byte, copied, consumed) = common_escape(word_at(rest, before));
                window[before] = byte;
                (copied, consumed)
            }
        };
        let is_break = copied == 0 && consumed > 0 && rest[before] != b'\t';
        rest = &rest[before + consumed..];
        left = &mut left[before + copied..];
        if is_break {
            let all = length - left.len();
            lines.add_characters(all - counted);
            counted = all;
            lines.add_break();
        }
        if consumed == 0 {
            break;
        }
    }
    let copied = length - left.len();
    lines.add_characters(copied - counted);
    CopyPosition {
        consumed: text.len() - rest.len(),
        copied,
        lines,
    }
}

/// Returns the length of the tab or line break that `text` starts with, or 0.
fn common_whitespace(text: &[u8]) -> usize {
    match text {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n' | b'\t', ..] => 1,
        _ => 0,
    }
}

/// Reads the escape that `word` starts with, if it is one that is common in base64: `\/`,
/// `\u002b`, `\r` or `\n`.
///
/// Returns the character, how many characters the escape stands for (0 for a line break), and
/// the length of the escape (0 for other escapes). There are no branches, because a processor
/// cannot predict which escape comes next.
fn common_escape(word: u64) -> (u8, usize, usize) {
    const PLUS: u64 = u64::from_le_bytes(*b"\\u002b\0\0");
    let is_plus = (word | 0x20 << 40) & 0xffff_ffff_ffff == PLUS;
    let [_, second, ..] = word.to_le_bytes();
    let is_slash = second == b'/';
    let is_break = (second == b'r') | (second == b'n');
    let byte = if is_plus { b'+' } else { b'/' };
    let length = 2 * usize::from(is_slash | is_break) + 6 * usize::from(is_plus);
    (byte, usize::from(is_slash | is_plus), length)
}

/// Returns the eight bytes at `index` as a little-endian number, or 0 if there are fewer.
fn word_at(text: &[u8], index: usize) -> u64 {
    let word = text[index..].first_chunk().copied();
    u64::from_le_bytes(word.unwrap_or_default())
}

/// Sets the highest bit of each byte of `word` that is less than `bound` and less than 0x80.
///
/// The lowest bit that is set is always right. Bytes above it may be flagged wrongly, because
/// the subtraction borrows from them.
fn flag_below(word: u64, bound: u8) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    word.wrapping_sub(ONES * u64::from(bound)) & !word & HIGHS
}

/// Sets the highest bit of each byte of `word` that equals `byte`. Only the lowest bit that is
/// set is reliable, as in [`flag_below`].
fn flag_equal(word: u64, byte: u8) -> u64 {
    flag_below(word ^ u64::from_ne_bytes([byte; 8]), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_special_byte_is_found_at_every_index() {
        for byte in 0..=255u8 {
            for other in [b'A', b'!', 0x80, 0xff, b'"' + 1, b'\\' + 1] {
                for index in 0..8 {
                    let mut word = [other; 8];
                    word[index] = byte;
                    let word = u64::from_le_bytes(word);
                    let expected = |is_special| if is_special { index as u32 } else { 8 };
                    let found = flag_below(word, b' ' + 1).trailing_zeros() / 8;
                    assert_eq!(found, expected(byte <= b' '), "{word:x}");
                    let found = flag_equal(word, b'\\').trailing_zeros() / 8;
                    assert_eq!(found, expected(byte == b'\\'), "{word:x}");
                }
            }
        }
    }
}
