//! Base64 decoded piece by piece, out of plain text or out of a JSON string.
//!
//! Tab, CR and LF are ignored wherever they stand, as .NET's `Convert.FromBase64String` has
//! it. A space is ignored only at a line's beginning or end: elsewhere it is what a form
//! decoder makes of a `+`, or the text is a sentence. All else follows RFC 4648 section 4,
//! with the padding required and the unused bits zero (section 3.5).

use std::io;

use base64::engine::{Engine, GeneralPurposeConfig, Simd};
use base64::{DecodeError, DecodeSliceError};

use super::Sink;
use crate::text::is_whitespace;

/// What the base64 characters are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    /// As they are; the text ends with the body.
    Plain,
    /// In a JSON string (RFC 8259 section 7), where each may be an escape; the
    /// text ends with the closing quote.
    JsonString,
}

/// Why text was not decoded.
pub(crate) enum Fault {
    /// The text is not base64.
    Text {
        /// Where, in bytes from the start of the piece; negative if it stands
        /// in a piece that came before.
        at: isize,
        what: String,
    },
    /// More decoded bytes than the limit.
    TooLarge,
    /// The sink refused.
    Sink(io::Error),
}

/// How far [`Base64::decode`] got.
pub(crate) struct Step {
    /// Bytes of the text that are done with.
    pub(crate) taken: usize,
    /// The closing quote was met (and taken).
    pub(crate) is_complete: bool,
}

/// The decoder. What it cannot decode yet (an unfinished group of four
/// characters) it keeps, so that the text may come in pieces of any size.
pub(crate) struct Base64<'a> {
    engine: Simd,
    sink: &'a mut dyn Sink,
    room_left: u64,
    /// A group with padding was decoded: nothing may follow.
    is_padded: bool,
    /// The plain text has blanks in it, so it cannot be decoded where it lies.
    has_blanks: bool,
    /// Characters without blanks and escapes; first those kept.
    characters: Vec<u8>,
    kept: usize,
    /// Where the kept characters stood, from the start of the coming piece.
    kept_at: [isize; 3],
    lines: Lines,
}

impl<'a> Base64<'a> {
    /// How many characters are collected before they are decoded.
    const BATCH: usize = 64 * 1024;

    /// `limit` is the most bytes to decode.
    pub(crate) fn new(sink: &'a mut dyn Sink, limit: u64) -> Self {
        Self {
            engine: Simd::standard(GeneralPurposeConfig::new()),
            sink,
            room_left: limit,
            is_padded: false,
            has_blanks: false,
            characters: Vec::new(),
            kept: 0,
            kept_at: [0; 3],
            lines: Lines::default(),
        }
    }

    /// Says that a space stands before the text, in its first line.
    pub(crate) fn begin_after_space(&mut self) {
        self.has_blanks = true;
        self.lines.space = Some(-1);
    }

    /// Decodes some of `text`, the piece that follows what was taken before.
    /// Nothing is taken only where more text is needed first; `is_last` says
    /// that none will come.
    pub(crate) fn decode(&mut self, text: &[u8], form: Text, is_last: bool) -> Result<Step, Fault> {
        // The end of a text that was decoded where it lay: allocate nothing for it.
        if text.is_empty() {
            return Ok(Step::taken(0));
        }
        if form == Text::Plain && !self.has_blanks {
            let whole = text.len() & !3;
            if whole == 0 && !is_last {
                return Ok(Step::taken(0));
            }
            match self.groups(&text[..whole]) {
                Ok(()) if whole > 0 => {
                    self.lines.add_after_whitespace(whole);
                    self.lines.advance(whole as isize);
                    return Ok(Step::taken(whole));
                }
                // Blanks, which count for nothing, or an error: either shows below.
                Ok(()) | Err(GroupFault::At(..) | GroupFault::TooLarge) => self.has_blanks = true,
                Err(GroupFault::Sink(error)) => return Err(Fault::Sink(error)),
            }
        }

        let mut characters = std::mem::take(&mut self.characters);
        if characters.is_empty() {
            characters = vec![0; Self::BATCH];
        }
        let kept = self.kept;
        let beginning = Start {
            lines: self.lines,
            ..Start::default()
        };
        let mut start = copy_ordinary(text, &mut characters[kept..], beginning, form);
        let (copied, filled, whole, outcome) = loop {
            let copied = copy(text, &mut characters[kept..], start, form);
            let filled = kept + copied.copied;
            let whole = filled & !3;
            // Of what was copied faster only decoding shows that it is base64: none
            // of it may be kept.
            let is_ordinary = start.copied > 0;
            if !is_ordinary || whole == filled || whole >= kept + start.copied {
                let outcome = self.groups(&characters[..whole]);
                // What follows a JSON string may have been taken for a part of it.
                let is_doubtful = matches!(outcome, Err(GroupFault::At(..) | GroupFault::TooLarge));
                if !(is_ordinary && is_doubtful) {
                    break (copied, filled, whole, outcome);
                }
            }
            start = beginning;
        };
        let position = |index: usize| match index.checked_sub(self.kept) {
            // Copying again up to there shows where it came from.
            Some(index) => {
                let start = Some(start).filter(|start| start.copied <= index);
                let Start {
                    taken,
                    copied,
                    lines,
                } = start.unwrap_or(beginning);
                let room = &mut vec![0; index - copied];
                let start = Start {
                    lines,
                    ..Start::default()
                };
                (taken + copy(&text[taken..], room, start, form).taken) as isize
            }
            None => self.kept_at[index],
        };
        match outcome {
            Ok(()) => {}
            Err(GroupFault::At(index, fault)) => {
                let at = position(index);
                let what = match fault {
                    Misplaced::Character => match characters[index] {
                        NOT_BASE64 if form == Text::JsonString => "an escape or raw blank".into(),
                        byte => shown(byte),
                    },
                    Misplaced::Padding => "misplaced padding".into(),
                    Misplaced::AfterPadding => "data after the padding".into(),
                    Misplaced::UnusedBits => "unused bits that are not zero".into(),
                };
                return Err(Fault::Text { at, what });
            }
            Err(GroupFault::TooLarge) => return Err(Fault::TooLarge),
            Err(GroupFault::Sink(error)) => return Err(Fault::Sink(error)),
        }
        if let Some(at) = copied.misplaced_space {
            return Err(misplaced_space(at));
        }

        let mut kept_at = [0; 3];
        for (index, at) in (whole..filled).zip(&mut kept_at) {
            *at = position(index) - copied.taken as isize;
        }
        characters.copy_within(whole..filled, 0);
        self.kept = filled - whole;
        self.kept_at = kept_at;
        self.characters = characters;
        self.lines = copied.lines;
        self.lines.advance(copied.taken as isize);
        Ok(Step {
            taken: copied.taken,
            is_complete: copied.is_complete,
        })
    }

    /// Where the characters of an unfinished group begin, from the end of all
    /// that was taken; `None` if the text may end here.
    pub(crate) fn unfinished(&self) -> Option<isize> {
        (self.kept > 0).then_some(self.kept_at[0])
    }

    /// Checks the lines at the end of the text, of which no piece is left.
    pub(crate) fn check_last_line(&self) -> Result<(), Fault> {
        match self.lines.misplaced_at_end() {
            Some(at) => Err(misplaced_space(at)),
            None => Ok(()),
        }
    }

    /// Whether a group with padding was decoded.
    pub(crate) fn is_padded(&self) -> bool {
        self.is_padded
    }

    /// Decodes whole groups of four characters into the sink.
    fn groups(&mut self, text: &[u8]) -> Result<(), GroupFault> {
        let [.., before_last, last] = text else {
            return Ok(());
        };
        if self.is_padded {
            return Err(GroupFault::At(0, Misplaced::AfterPadding));
        }
        let padding = match (before_last, last) {
            (b'=', b'=') => 2,
            (_, b'=') => 1,
            _ => 0,
        };
        let length = text.len() / 4 * 3;
        if (length - padding) as u64 > self.room_left {
            return Err(GroupFault::TooLarge);
        }
        let room = self
            .sink
            .spare_capacity_mut(length)
            .map_err(GroupFault::Sink)?;
        let decoded = self.engine.decode_slice(text, room).map_err(|fault| {
            let DecodeSliceError::DecodeError(fault) = fault else {
                return GroupFault::Sink(io::Error::other("the sink gave too little room"));
            };
            match fault {
                DecodeError::InvalidByte(at, b'=') => {
                    // A padded group that is right by itself is only not the last; what
                    // else is wrong with it is told as if it were.
                    let start = at & !3;
                    match self.engine.decode_slice(&text[start..][..4], &mut [0; 3]) {
                        Ok(_) => GroupFault::At(start + 4, Misplaced::AfterPadding),
                        Err(DecodeSliceError::DecodeError(DecodeError::InvalidLastSymbol {
                            offset,
                            ..
                        })) => GroupFault::At(start + offset, Misplaced::UnusedBits),
                        Err(_) => GroupFault::At(at, Misplaced::Padding),
                    }
                }
                DecodeError::InvalidByte(at, _) => GroupFault::At(at, Misplaced::Character),
                DecodeError::InvalidLastSymbol { offset, .. } => {
                    GroupFault::At(offset, Misplaced::UnusedBits)
                }
                DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => {
                    GroupFault::At(text.len() - 1, Misplaced::Padding)
                }
            }
        })?;
        self.sink.advance(decoded).map_err(GroupFault::Sink)?;
        self.room_left -= decoded as u64;
        self.is_padded = padding > 0;
        Ok(())
    }
}

impl Step {
    fn taken(taken: usize) -> Self {
        Self {
            taken,
            is_complete: false,
        }
    }
}

/// Why groups were not decoded, with the index of the character at fault.
enum GroupFault {
    At(usize, Misplaced),
    TooLarge,
    Sink(io::Error),
}

enum Misplaced {
    Character,
    Padding,
    AfterPadding,
    UnusedBits,
}

fn misplaced_space(at: isize) -> Fault {
    Fault::Text {
        at,
        what: "a misplaced space".into(),
    }
}

struct Copied {
    taken: usize,
    copied: usize,
    is_complete: bool,
    lines: Lines,
    /// Where a space stands that cannot be ignored.
    misplaced_space: Option<isize>,
}

/// From where on to copy: after so many bytes of the text, and so many
/// characters in the room.
#[derive(Clone, Copy, Default)]
struct Start {
    taken: usize,
    copied: usize,
    /// The lines up to there.
    lines: Lines,
}

/// The lines of the text so far, which tell whether a space may be ignored. Places are from
/// the start of the piece.
///
/// A `+` that became a space at the beginning or end of a line makes the line shorter than
/// the others, or no multiple of four characters. Where a space is at such a place, both must
/// be right.
#[derive(Clone, Copy, Default)]
struct Lines {
    /// The characters of the line that is not ended.
    in_line: u64,
    /// The characters of each line.
    length: Option<u64>,
    /// A line has another length, or one that is no multiple of four. The last line does not
    /// count.
    is_uneven: bool,
    /// Where the first space stands that is at a line's beginning or end.
    space_at_edge: Option<isize>,
    /// Since the last character, a line ended.
    has_break: bool,
    /// Where the first space since the last character stands.
    space: Option<isize>,
}

impl Lines {
    /// Notes characters that follow whitespace without a space, or none.
    fn add_after_whitespace(&mut self, count: usize) {
        if count > 0 {
            if self.has_break {
                self.has_break = false;
                self.end_line();
            }
            self.in_line += count as u64;
        }
    }

    /// Notes a whitespace character.
    fn whitespace(&mut self, byte: u8, at: isize) {
        match byte {
            b' ' => {
                self.space.get_or_insert(at);
            }
            b'\r' | b'\n' => self.has_break = true,
            _ => {}
        }
    }

    /// Ends the whitespace that the next character follows. Returns the place of a space that
    /// cannot be ignored.
    fn end_whitespace(&mut self) -> Option<isize> {
        let is_first = self.in_line == 0 && self.length.is_none();
        if let Some(space) = self.space.take() {
            if !self.has_break && !is_first {
                return Some(space);
            }
            self.space_at_edge.get_or_insert(space);
        }
        if self.has_break {
            self.has_break = false;
            self.end_line();
        }
        self.space_at_edge.filter(|_| self.is_uneven)
    }

    fn end_line(&mut self) {
        let length = self.in_line;
        if length > 0 {
            let usual = *self.length.get_or_insert(length);
            self.is_uneven |= length != usual || !length.is_multiple_of(4);
            self.in_line = 0;
        }
    }

    /// Returns the place of a space that cannot be ignored, given that the text ends here.
    fn misplaced_at_end(&self) -> Option<isize> {
        let is_longer = self.length.is_some_and(|length| self.in_line > length);
        self.space_at_edge.filter(|_| is_longer)
    }

    /// Makes places be from the start of the next piece, after `taken` bytes of this one.
    fn advance(&mut self, taken: isize) {
        for at in [&mut self.space_at_edge, &mut self.space] {
            *at = at.map(|at| at - taken);
        }
    }
}

/// Copies characters as [`copy`] does, but faster: in a JSON string only the
/// escapes that base64 is likely to have are known and all else is taken for
/// characters. Stops where it meets something else, and shortly before the end.
fn copy_ordinary(text: &[u8], room: &mut [u8], start: Start, form: Text) -> Start {
    // Whole blocks are copied, of which less may count. Of so much is known that
    // it is there, that no step goes beyond.
    const BLOCK: usize = 16;
    const AHEAD: usize = 32;
    let mut lines = start.lines;
    if lines.space.is_some() || lines.space_at_edge.is_some() {
        return start;
    }
    // How many characters the lines have counted.
    let mut counted = 0;
    let length = room.len();
    let mut rest = text;
    let mut left = &mut room[..];
    while rest.len() >= AHEAD
        && let Some(space) = left.first_chunk_mut::<AHEAD>()
    {
        let (low, high) = (word_at(rest, 0), word_at(rest, 8));
        space[..8].copy_from_slice(&low.to_le_bytes());
        space[8..BLOCK].copy_from_slice(&high.to_le_bytes());
        let special = |word| match form {
            Text::Plain => below(word, b' ' + 1),
            Text::JsonString => equal(word, b'\\'),
        };
        let found = u128::from(special(low)) | u128::from(special(high)) << 64;
        if found == 0 {
            rest = &rest[BLOCK..];
            left = &mut left[BLOCK..];
            continue;
        }
        let before = found.trailing_zeros() as usize / 8;
        let (copied, taken) = match form {
            Text::Plain => (0, ordinary_whitespace(&rest[before..])),
            Text::JsonString => {
                let (byte, copied, taken) = likely_escape(word_at(rest, before));
                space[before] = byte;
                (copied, taken)
            }
        };
        let is_break = copied == 0 && taken > 0 && rest[before] != b'\t';
        rest = &rest[before + taken..];
        left = &mut left[before + copied..];
        if is_break {
            let all = length - left.len();
            lines.add_after_whitespace(all - counted);
            counted = all;
            lines.has_break = true;
        }
        if taken == 0 {
            break;
        }
    }
    let copied = length - left.len();
    lines.add_after_whitespace(copied - counted);
    Start {
        taken: text.len() - rest.len(),
        copied,
        lines,
    }
}

/// How many tabs and line breaks `text` begins with: most likely CR and LF. A few at most.
fn ordinary_whitespace(text: &[u8]) -> usize {
    match text {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n' | b'\t', ..] => 1,
        _ => 0,
    }
}

/// What the escape that `word` begins with stands for, if it is one of those that
/// base64 is likely to have: a character, how many there are of it, which is 0 for
/// a line's end, and the escape's length, which is 0 for others. Without branches,
/// as which of them it is cannot be foretold.
fn likely_escape(word: u64) -> (u8, usize, usize) {
    const PLUS: u64 = u64::from_le_bytes(*b"\\u002b\0\0");
    let is_plus = (word | 0x20 << 40) & 0xffff_ffff_ffff == PLUS;
    let [_, second, ..] = word.to_le_bytes();
    let is_slash = second == b'/';
    let is_end = (second == b'r') | (second == b'n');
    let byte = if is_plus { b'+' } else { b'/' };
    let length = 2 * usize::from(is_slash | is_end) + 6 * usize::from(is_plus);
    (byte, usize::from(is_slash | is_plus), length)
}

fn word_at(text: &[u8], index: usize) -> u64 {
    let word = text[index..].first_chunk().copied();
    u64::from_le_bytes(word.unwrap_or_default())
}

/// Copies characters from `text` into `room`, without whitespace and with escapes
/// resolved; what stands for no base64 character is copied as something that
/// is none. Stops before the first character that finds no room, before an
/// escape that is cut off, after a space that cannot be ignored, and after a
/// JSON string's closing quote. Both have been dealt with up to `start`.
fn copy(text: &[u8], room: &mut [u8], start: Start, form: Text) -> Copied {
    let Start {
        mut taken,
        mut copied,
        mut lines,
    } = start;
    let mut is_complete = false;
    let mut misplaced_space = None;
    while taken < text.len() {
        let (byte, length) = match text[taken] {
            b'"' if form == Text::JsonString => {
                taken += 1;
                is_complete = true;
                break;
            }
            b'\\' if form == Text::JsonString => match escape(&text[taken..]) {
                Some(escape) => escape,
                None => break,
            },
            // In a JSON string a raw control character is not allowed.
            byte if form == Text::JsonString && byte != b' ' && is_whitespace(byte) => {
                (NOT_BASE64, 1)
            }
            byte => (byte, 1),
        };
        if is_whitespace(byte) {
            lines.whitespace(byte, taken as isize);
            taken += length;
            continue;
        }
        let Some(space) = room.get_mut(copied) else {
            break;
        };
        if lines.has_break || lines.space.is_some() {
            misplaced_space = lines.end_whitespace();
            if misplaced_space.is_some() {
                break;
            }
        }
        lines.in_line += 1;
        *space = byte;
        copied += 1;
        taken += length;
    }
    Copied {
        taken,
        copied,
        is_complete,
        lines,
        misplaced_space,
    }
}

/// Stands for a character that cannot be base64.
const NOT_BASE64: u8 = 0xff;

/// Flags the bytes of `word` that are less than `bound`, of those below 0x80. The
/// lowest one is flagged rightly; those above it may be flagged by its borrow.
fn below(word: u64, bound: u8) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    word.wrapping_sub(ONES * u64::from(bound)) & !word & HIGHS
}

/// Flags the bytes of `word` that are `byte`, as [`below`] does.
fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ u64::from_ne_bytes([byte; 8]), 1)
}

/// The byte that a JSON escape stands for, and the escape's length; `None`
/// while it is cut off.
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

/// A byte, for a message.
pub(crate) fn shown(byte: u8) -> String {
    if byte.is_ascii_graphic() {
        format!("'{}'", char::from(byte))
    } else {
        format!("byte 0x{byte:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_bytes_are_found_in_every_place() {
        for byte in 0..=255u8 {
            for other in [b'A', b'!', 0x80, 0xff, b'"' + 1, b'\\' + 1] {
                for place in 0..8 {
                    let mut word = [other; 8];
                    word[place] = byte;
                    let word = u64::from_le_bytes(word);
                    let expected = |is_special| if is_special { place as u32 } else { 8 };
                    let found = below(word, b' ' + 1).trailing_zeros() / 8;
                    assert_eq!(found, expected(byte <= b' '), "{word:x}");
                    let found = equal(word, b'\\').trailing_zeros() / 8;
                    assert_eq!(found, expected(byte == b'\\'), "{word:x}");
                }
            }
        }
    }
}
