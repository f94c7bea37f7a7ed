//! Base64 decoded piece by piece, out of plain text or out of a JSON string.
//!
//! As .NET's `Convert.FromBase64String` has it, space, tab, CR and LF are
//! ignored wherever they stand; all else follows RFC 4648 section 4, with the
//! padding required and the unused bits zero (section 3.5).

use std::io;

use base64::engine::{Engine, GeneralPurposeConfig, Simd};
use base64::{DecodeError, DecodeSliceError};

use crate::body::is_blank;
use crate::sink::Sink;

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
        }
    }

    /// Decodes some of `text`, the piece that follows what was taken before.
    /// Nothing is taken only where more text is needed first; `is_last` says
    /// that none will come.
    pub(crate) fn decode(&mut self, text: &[u8], form: Text, is_last: bool) -> Result<Step, Fault> {
        if form == Text::Plain && !self.has_blanks {
            let whole = text.len() & !3;
            if whole == 0 && !is_last {
                return Ok(Step::taken(0));
            }
            match self.groups(&text[..whole]) {
                Ok(()) if whole > 0 => return Ok(Step::taken(whole)),
                // Blanks, or an error: either shows below.
                Ok(()) | Err(GroupFault::At(..)) => self.has_blanks = true,
                Err(GroupFault::TooLarge) => return Err(Fault::TooLarge),
                Err(GroupFault::Sink(error)) => return Err(Fault::Sink(error)),
            }
        }

        let mut characters = std::mem::take(&mut self.characters);
        characters.resize(Self::BATCH, 0);
        // A little less than the text may hold: the room is then filled to its
        // end, and no group is left open.
        let room = (self.kept + text.len() / 16 * 15 + 8).min(Self::BATCH) & !3;
        let copied = copy(text, &mut characters[self.kept..room], form);
        let filled = self.kept + copied.copied;
        let whole = filled & !3;

        let outcome = self.groups(&characters[..whole]);
        let position = |index: usize| match index.checked_sub(self.kept) {
            // Copying again up to there shows where it came from.
            Some(length) => copy(text, &mut vec![0; length], form).taken as isize,
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

        let mut kept_at = [0; 3];
        for (index, at) in (whole..filled).zip(&mut kept_at) {
            *at = position(index) - copied.taken as isize;
        }
        characters.copy_within(whole..filled, 0);
        self.kept = filled - whole;
        self.kept_at = kept_at;
        self.characters = characters;
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
        let room = self.sink.room(length).map_err(GroupFault::Sink)?;
        let decoded = self.engine.decode_slice(text, room).map_err(|fault| {
            let DecodeSliceError::DecodeError(fault) = fault else {
                return GroupFault::Sink(io::Error::other("the sink gave too little room"));
            };
            match fault {
                DecodeError::InvalidByte(at, b'=') => {
                    // A padded group that is right by itself is only not the last.
                    let group = &text[at & !3..][..4];
                    match self.engine.decode_slice(group, &mut [0; 3]) {
                        Ok(_) => GroupFault::At((at & !3) + 4, Misplaced::AfterPadding),
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
        self.sink.commit(decoded).map_err(GroupFault::Sink)?;
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

struct Copied {
    taken: usize,
    copied: usize,
    is_complete: bool,
}

/// Copies characters from `text` into `room`, without blanks and with escapes
/// resolved; what stands for no base64 character is copied as something that
/// is none. Stops before the first character that finds no room, before an
/// escape that is cut off, and after a JSON string's closing quote.
fn copy(text: &[u8], room: &mut [u8], form: Text) -> Copied {
    let mut taken = 0;
    let mut copied = 0;
    let mut is_complete = false;
    while taken < text.len() {
        if let Some(word) = text[taken..].first_chunk()
            && let Some(space) = room[copied..].first_chunk_mut::<8>()
        {
            // All eight are copied; only those before the first special byte count.
            *space = *word;
            let ordinary = ordinary_bytes(*word, form);
            taken += ordinary;
            copied += ordinary;
            if ordinary == 8 {
                continue;
            }
        }
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
            b' ' => {
                taken += 1;
                continue;
            }
            byte if form == Text::Plain && is_blank(byte) => {
                taken += 1;
                continue;
            }
            // In a JSON string a raw control character is not allowed.
            byte if is_blank(byte) => (NOT_BASE64, 1),
            byte => (byte, 1),
        };
        if is_blank(byte) {
            taken += length;
            continue;
        }
        let Some(space) = room.get_mut(copied) else {
            break;
        };
        *space = byte;
        copied += 1;
        taken += length;
    }
    Copied {
        taken,
        copied,
        is_complete,
    }
}

/// Stands for a character that cannot be base64.
const NOT_BASE64: u8 = 0xff;

/// How many bytes of `word`, from its start, are neither blank nor control
/// characters, nor a quote or backslash where those have a meaning.
fn ordinary_bytes(word: [u8; 8], form: Text) -> usize {
    // A bit trick: the lowest byte that is flagged is flagged rightly.
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    let below = |word: u64, bound: u8| word.wrapping_sub(ONES * u64::from(bound)) & !word & HIGHS;
    let equal = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let word = u64::from_le_bytes(word);
    let mut flags = below(word, b' ' + 1);
    if form == Text::JsonString {
        flags |= equal(word, b'"') | equal(word, b'\\');
    }
    flags.trailing_zeros() as usize / 8
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
        for form in [Text::Plain, Text::JsonString] {
            for byte in 0..=255u8 {
                let is_special =
                    byte <= b' ' || (form == Text::JsonString && matches!(byte, b'"' | b'\\'));
                for other in [b'A', b'!', 0x80, 0xff, b'"' + 1, b'\\' + 1] {
                    for place in 0..8 {
                        let mut word = [other; 8];
                        word[place] = byte;
                        let expected = if is_special { place } else { 8 };
                        assert_eq!(ordinary_bytes(word, form), expected, "{word:?} {form:?}");
                    }
                }
            }
        }
    }
}
