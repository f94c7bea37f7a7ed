//! Shortens the lines between chunks to what ureq can read.

/// The maximum number of ignored bytes in a row, in a line between chunks.
const MAX_IGNORED: usize = 16 * 1024;

/// Removes chunk extensions, which a recipient ignores (RFC 9112 section 7.1.1), the whitespace
/// around them, and leading zeros. ureq rejects lines of more than 20 bytes.
#[derive(Debug)]
pub(super) struct ChunkLines {
    state: State,
    /// The chunk size, from the digits read so far.
    size: u64,
    /// How many bytes were removed in a row.
    ignored: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At the start of a line.
    Start,
    /// After leading zeros. The first of them remains.
    Zero,
    Digits,
    Whitespace,
    Extension,
    /// After the carriage return of a line.
    LineEnd,
    /// Within a chunk. The number is how many of its bytes are still to come.
    Chunk(u64),
    /// After the last byte of a chunk.
    ChunkEnd,
    /// After the carriage return that follows a chunk.
    ChunkLineEnd,
    /// After the last chunk.
    Trailers,
}

impl ChunkLines {
    pub(super) fn new() -> Self {
        Self {
            state: State::Start,
            size: 0,
            ignored: 0,
        }
    }

    /// Shortens `bytes`, the next bytes of a chunked body, in place. Returns how many remain.
    ///
    /// # Errors
    ///
    /// The reason why the body is not valid.
    pub(super) fn shorten(&mut self, bytes: &mut [u8]) -> Result<usize, &'static str> {
        let (mut read, mut written) = (0, 0);
        while read < bytes.len() {
            let left = bytes.len() - read;
            let length = match self.state {
                State::Trailers => left,
                State::Chunk(rest) => {
                    let length = usize::try_from(rest).map_or(left, |rest| rest.min(left));
                    self.state = match rest - length as u64 {
                        0 => State::ChunkEnd,
                        rest => State::Chunk(rest),
                    };
                    length
                }
                _ => usize::from(self.is_kept(bytes[read])?),
            };
            bytes.copy_within(read..read + length, written);
            written += length;
            read += length.max(1);
        }
        Ok(written)
    }

    /// Processes a byte between chunks. Returns whether it remains.
    fn is_kept(&mut self, byte: u8) -> Result<bool, &'static str> {
        use State::{ChunkEnd, ChunkLineEnd, Digits, Extension, LineEnd, Start, Whitespace, Zero};
        let digit = char::from(byte).to_digit(16).map(u64::from);
        let (state, is_kept) = match (self.state, byte, digit) {
            (Start | Zero, b'0', _) => (Zero, self.state == Start),
            (Start | Zero | Digits, _, Some(digit)) => {
                let size = self.size.checked_mul(16);
                self.size = size.ok_or("a chunk's size is too large")? + digit;
                (Digits, true)
            }
            (Zero | Digits | Whitespace, b' ' | b'\t', _) => (Whitespace, false),
            (Zero | Digits | Whitespace, b';', _) => (Extension, false),
            (Zero | Digits | Whitespace | Extension, b'\r', _) => (LineEnd, true),
            (Extension, _, _) if byte != b'\n' => (Extension, false),
            (LineEnd, b'\n', _) => match std::mem::take(&mut self.size) {
                0 => (State::Trailers, true),
                size => (State::Chunk(size), true),
            },
            (ChunkEnd, b'\r', _) => (ChunkLineEnd, true),
            (ChunkLineEnd, b'\n', _) => (Start, true),
            (ChunkEnd | ChunkLineEnd, _, _) => {
                return Err("a chunk does not end where its size says");
            }
            _ => return Err("a chunk's size is not a number"),
        };
        self.state = state;
        self.ignored = match is_kept {
            true => 0,
            false => self.ignored + 1,
        };
        match self.ignored > MAX_IGNORED {
            true => Err("a line between chunks is too long"),
            false => Ok(is_kept),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortened(body: &[u8], step: usize) -> Result<Vec<u8>, &'static str> {
        let mut lines = ChunkLines::new();
        let mut all = Vec::new();
        for part in body.chunks(step) {
            let mut part = part.to_vec();
            let length = lines.shorten(&mut part)?;
            all.extend_from_slice(&part[..length]);
        }
        Ok(all)
    }

    #[test]
    fn shorten_lines_keep_only_sizes() {
        for (body, short) in [
            ("4\r\nQUJD\r\n0\r\n\r\n", "4\r\nQUJD\r\n0\r\n\r\n"),
            (
                "04 \t;a=\"b;c\";d\r\n;;;;\r\n0;x\r\nA: b;c\r\n\r\n",
                "04\r\n;;;;\r\n0\r\nA: b;c\r\n\r\n",
            ),
            (
                "0000000000000000000000004\r\n4;\r\n\r\n00 \r\n\r\n",
                "04\r\n4;\r\n\r\n0\r\n\r\n",
            ),
            ("fFfFfFfFfFfFfFfF\r\n", "fFfFfFfFfFfFfFfF\r\n"),
            (
                "a\r\n0123456789\r\n1;\r\n;\r\n",
                "a\r\n0123456789\r\n1\r\n;\r\n",
            ),
        ] {
            for step in [1, 2, 3, 7, body.len()] {
                let shortened = shortened(body.as_bytes(), step).unwrap();
                assert_eq!(String::from_utf8(shortened).unwrap(), short, "{step}");
            }
        }
    }

    #[test]
    fn shorten_invalid_line_is_rejected_with_reason() {
        let long = format!("4;{}", "x".repeat(MAX_IGNORED + 1));
        let zeros = "0".repeat(MAX_IGNORED + 3);
        for (body, reason) in [
            ("zz\r\n", "not a number"),
            ("\r\n", "not a number"),
            (";a\r\n", "not a number"),
            ("+4\r\n", "not a number"),
            ("0x4\r\n", "not a number"),
            ("4 4\r\n", "not a number"),
            ("4\n", "not a number"),
            ("4;a\n", "not a number"),
            ("4\rx", "not a number"),
            ("10000000000000000\r\n", "too large"),
            ("1\r\nab\r\n", "does not end"),
            ("1\r\na\n", "does not end"),
            ("1\r\na\r\r", "does not end"),
            (&long, "too long"),
            (&zeros, "too long"),
        ] {
            for step in [1, 5, body.len()] {
                let error = shortened(body.as_bytes(), step).unwrap_err();
                assert!(error.contains(reason), "{body:.20?}: {error}");
            }
        }
    }
}
