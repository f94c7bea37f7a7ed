//! Decodes base64 chunk by chunk, from plain text or from a JSON string.
//!
//! Tab, CR and LF are ignored everywhere, as .NET's `Convert.FromBase64String` ignores them. A
//! space is ignored only at the beginning or end of a line. Elsewhere it is a `+` that a form
//! decoder changed, or the text is a sentence. Otherwise RFC 4648 section 4 applies: padding
//! is required, and the unused bits must be zero (section 3.5).

use std::io;

use base64::engine::{Engine, GeneralPurposeConfig, Simd};
use base64::{DecodeError, DecodeSliceError};

use super::Sink;
pub(super) use super::base64_copy::TextForm;
use super::base64_copy::{CopyPosition, NOT_BASE64, copy, copy_fast};
use super::base64_lines::Lines;
use super::error::describe_byte;

/// Why a text was not decoded.
pub(super) enum Base64Error {
    /// The text is not base64.
    Invalid {
        /// The position, in bytes from the start of the current chunk; negative if it is in an
        /// earlier one.
        at: isize,
        /// What stands there.
        what: String,
    },
    /// There are more decoded bytes than the limit allows.
    TooLarge,
    /// The sink returned an error.
    Sink(io::Error),
}

impl Base64Error {
    fn misplaced_space(at: isize) -> Self {
        Self::Invalid {
            at,
            what: "a misplaced space".into(),
        }
    }
}

/// How far [`Base64::decode`] has come.
pub(super) struct Step {
    /// Bytes of the text that were consumed.
    pub(super) consumed: usize,
    /// Whether the closing quote of a JSON string was consumed.
    pub(super) is_complete: bool,
}

impl Step {
    fn consumed(consumed: usize) -> Self {
        Self {
            consumed,
            is_complete: false,
        }
    }
}

/// A base64 decoder.
///
/// It stores the characters of an incomplete group of four until the rest of the group
/// arrives, so that chunks may have any size.
pub(super) struct Base64 {
    engine: Simd,
    /// How many more bytes the limit allows.
    remaining: u64,
    /// A group with padding was decoded: no character may follow.
    is_padded: bool,
    /// The plain text contains whitespace, so that it must be copied before it is decoded.
    has_whitespace: bool,
    /// Characters without whitespace and escapes. The pending ones come first.
    characters: Vec<u8>,
    /// How many characters of an incomplete group there are.
    pending: usize,
    /// The positions of the pending characters, relative to the start of the next chunk.
    pending_at: [isize; 3],
    lines: Lines,
}

impl Base64 {
    /// How many characters are copied before they are decoded.
    const BATCH: usize = 64 * 1024;

    /// Creates a decoder. `limit` is the maximum number of decoded bytes.
    pub(super) fn new(limit: u64) -> Self {
        Self {
            engine: Simd::standard(GeneralPurposeConfig::new()),
            remaining: limit,
            is_padded: false,
            has_whitespace: false,
            characters: Vec::new(),
            pending: 0,
            pending_at: [0; 3],
            lines: Lines::default(),
        }
    }

    /// Records that a space stands before the text, in its first line.
    pub(super) fn begin_after_space(&mut self) {
        self.has_whitespace = true;
        self.lines.begin_after_space();
    }

    /// Decodes a part of `text`, the chunk after what was consumed before, into `sink`.
    ///
    /// Nothing is consumed only if more text is needed first. `is_last` says that no more text
    /// follows.
    pub(super) fn decode(
        &mut self,
        text: &[u8],
        form: TextForm,
        is_last: bool,
        sink: &mut dyn Sink,
    ) -> Result<Step, Base64Error> {
        // An empty chunk must not allocate `characters`.
        if text.is_empty() {
            return Ok(Step::consumed(0));
        }
        if form == TextForm::Plain && !self.has_whitespace {
            let whole = text.len() & !3;
            if whole == 0 && !is_last {
                return Ok(Step::consumed(0));
            }
            match self.decode_groups(&text[..whole], sink) {
                Ok(()) if whole > 0 => {
                    self.lines.add_characters(whole);
                    self.lines.rebase(whole as isize);
                    return Ok(Step::consumed(whole));
                }
                // Whitespace or an error: decoding from a copy finds out which.
                Ok(()) | Err(GroupError::Invalid(..) | GroupError::TooLarge) => {
                    self.has_whitespace = true;
                }
                Err(GroupError::Sink(error)) => return Err(Base64Error::Sink(error)),
            }
        }
        self.decode_copied(text, form, sink)
    }

    /// Copies characters out of `text` and decodes the copy.
    fn decode_copied(
        &mut self,
        text: &[u8],
        form: TextForm,
        sink: &mut dyn Sink,
    ) -> Result<Step, Base64Error> {
        let mut characters = std::mem::take(&mut self.characters);
        if characters.is_empty() {
            characters = vec![0; Self::BATCH];
        }
        let pending = self.pending;
        let beginning = CopyPosition {
            lines: self.lines,
            ..CopyPosition::default()
        };
        let mut start = copy_fast(text, &mut characters[pending..], beginning, form);
        let (copied, filled, whole, outcome) = loop {
            let copied = copy(text, &mut characters[pending..], start, form);
            let filled = pending + copied.end.copied;
            let whole = filled & !3;
            // Only decoding shows whether the result of the fast copy is base64. None of it
            // may stay pending.
            let is_fast = start.copied > 0;
            if !is_fast || whole == filled || whole >= pending + start.copied {
                let outcome = self.decode_groups(&characters[..whole], sink);
                // The fast copy may have included what follows the JSON string.
                let is_doubtful =
                    matches!(outcome, Err(GroupError::Invalid(..) | GroupError::TooLarge));
                if !(is_fast && is_doubtful) {
                    break (copied, filled, whole, outcome);
                }
            }
            start = beginning;
        };
        let position = |index: usize| match index.checked_sub(pending) {
            // Copying again up to there shows where the character came from.
            Some(index) => {
                let from = match start.copied <= index {
                    true => start,
                    false => beginning,
                };
                let output = &mut vec![0; index - from.copied];
                let start = CopyPosition {
                    lines: from.lines,
                    ..CopyPosition::default()
                };
                let again = copy(&text[from.consumed..], output, start, form);
                (from.consumed + again.end.consumed) as isize
            }
            None => self.pending_at[index],
        };
        match outcome {
            Ok(()) => {}
            Err(GroupError::Invalid(index, problem)) => {
                let at = position(index);
                let what = match problem {
                    Problem::Character => match characters[index] {
                        NOT_BASE64 if form == TextForm::JsonString => {
                            "an invalid escape or unescaped whitespace".into()
                        }
                        byte => describe_byte(byte),
                    },
                    Problem::Padding => "misplaced padding".into(),
                    Problem::AfterPadding => "data after the padding".into(),
                    Problem::UnusedBits => "unused bits that are not zero".into(),
                };
                return Err(Base64Error::Invalid { at, what });
            }
            Err(GroupError::TooLarge) => return Err(Base64Error::TooLarge),
            Err(GroupError::Sink(error)) => return Err(Base64Error::Sink(error)),
        }
        if let Some(at) = copied.misplaced_space {
            return Err(Base64Error::misplaced_space(at));
        }

        let consumed = copied.end.consumed;
        let mut pending_at = [0; 3];
        for (index, at) in (whole..filled).zip(&mut pending_at) {
            *at = position(index) - consumed as isize;
        }
        characters.copy_within(whole..filled, 0);
        self.pending = filled - whole;
        self.pending_at = pending_at;
        self.characters = characters;
        self.lines = copied.end.lines;
        self.lines.rebase(consumed as isize);
        Ok(Step {
            consumed,
            is_complete: copied.is_complete,
        })
    }

    /// Returns where the characters of an incomplete group begin, relative to the end of what
    /// was consumed; `None` if the text may end here.
    pub(super) fn incomplete_group(&self) -> Option<isize> {
        (self.pending > 0).then_some(self.pending_at[0])
    }

    /// Checks the last lines once the whole text was decoded.
    pub(super) fn check_last_line(&self) -> Result<(), Base64Error> {
        match self.lines.misplaced_space_at_end() {
            Some(at) => Err(Base64Error::misplaced_space(at)),
            None => Ok(()),
        }
    }

    /// Returns whether a group with padding was decoded.
    pub(super) fn is_padded(&self) -> bool {
        self.is_padded
    }

    /// Decodes whole groups of four characters into the sink.
    fn decode_groups(&mut self, text: &[u8], sink: &mut dyn Sink) -> Result<(), GroupError> {
        let [.., before_last, last] = text else {
            return Ok(());
        };
        if self.is_padded {
            return Err(GroupError::Invalid(0, Problem::AfterPadding));
        }
        let padding = match (before_last, last) {
            (b'=', b'=') => 2,
            (_, b'=') => 1,
            _ => 0,
        };
        let length = text.len() / 4 * 3;
        if (length - padding) as u64 > self.remaining {
            return Err(GroupError::TooLarge);
        }
        let output = sink.spare_capacity_mut(length).map_err(GroupError::Sink)?;
        let decoded = self
            .engine
            .decode_slice(text, output)
            .map_err(|error| match error {
                DecodeSliceError::DecodeError(error) => self.locate(text, error),
                DecodeSliceError::OutputSliceTooSmall => {
                    let message = "the sink returned too little spare capacity";
                    GroupError::Sink(io::Error::other(message))
                }
            })?;
        sink.advance(decoded).map_err(GroupError::Sink)?;
        self.remaining -= decoded as u64;
        self.is_padded = padding > 0;
        Ok(())
    }

    /// Returns the position and the kind of an error that the engine found in `text`.
    fn locate(&self, text: &[u8], error: DecodeError) -> GroupError {
        match error {
            DecodeError::InvalidByte(at, b'=') => {
                // A padded group that is valid by itself is an error only because it is not
                // the last one. Any other error in it is reported as if it were the last one.
                let start = at & !3;
                match self.engine.decode_slice(&text[start..][..4], &mut [0; 3]) {
                    Ok(_) => GroupError::Invalid(start + 4, Problem::AfterPadding),
                    Err(DecodeSliceError::DecodeError(DecodeError::InvalidLastSymbol {
                        offset,
                        ..
                    })) => GroupError::Invalid(start + offset, Problem::UnusedBits),
                    Err(_) => GroupError::Invalid(at, Problem::Padding),
                }
            }
            DecodeError::InvalidByte(at, _) => GroupError::Invalid(at, Problem::Character),
            DecodeError::InvalidLastSymbol { offset, .. } => {
                GroupError::Invalid(offset, Problem::UnusedBits)
            }
            DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => {
                GroupError::Invalid(text.len() - 1, Problem::Padding)
            }
        }
    }
}

/// Why groups were not decoded.
enum GroupError {
    /// The index of the first invalid character, and what is wrong with it.
    Invalid(usize, Problem),
    /// There are more decoded bytes than the limit allows.
    TooLarge,
    /// The sink returned an error.
    Sink(io::Error),
}

/// What is wrong with a character.
enum Problem {
    /// It is not in the alphabet.
    Character,
    /// It is padding, or lacks padding, in a wrong place.
    Padding,
    /// It follows a group with padding.
    AfterPadding,
    /// Its unused bits are not zero.
    UnusedBits,
}
