//! The buffers between ureq and a connection. They are wiped, because the token and the password
//! pass through them.

use ureq::unversioned::transport::Buffers;
use zeroize::{Zeroize, Zeroizing};

use super::READ_BUFFER_SIZE;

/// The size of the buffer for a request's head and for the body of a login, in bytes. ureq cannot
/// write a longer line, so a token of the maximum length, and the URL of a redirect, must fit.
const WRITE_BUFFER_SIZE: usize = super::MAX_HEAD_SIZE + 1024;

/// Input and output buffers that are wiped as soon as their content is no longer needed. They are
/// allocated when they are first used.
#[derive(Default)]
pub(super) struct WipedBuffers {
    output: Zeroizing<Vec<u8>>,
    input: Zeroizing<Vec<u8>>,
    /// Where the unconsumed input starts in `input`.
    start: usize,
    /// Where the unconsumed input ends in `input`.
    end: usize,
    /// How many bytes of `input` were written to since it was last wiped.
    written: usize,
    /// How many bytes of input were consumed since the connection was opened.
    position: u64,
    made_progress: bool,
}

impl WipedBuffers {
    /// The maximum size of the input buffer, in bytes. ureq needs heads, and the lines between
    /// chunks, as a whole.
    pub(super) const MAX_INPUT: usize = super::MAX_HEAD_SIZE + READ_BUFFER_SIZE;

    /// Returns how many bytes of input were consumed in all.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Makes spare capacity for input. Returns `false` if the buffer is full at its maximum size.
    pub(super) fn reserve_input(&mut self) -> bool {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.end < self.input.len() {
            return true;
        }
        if self.start > 0 {
            self.input.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            return true;
        }
        let size = (2 * self.input.len()).clamp(READ_BUFFER_SIZE, Self::MAX_INPUT);
        if size == self.input.len() {
            return false;
        }
        // Growing in place may leave an unwiped copy behind.
        let mut larger = Zeroizing::new(vec![0; size]);
        larger[..self.end].copy_from_slice(&self.input[..self.end]);
        self.input = larger;
        true
    }

    /// Returns how many bytes of input are not consumed yet.
    pub(super) fn unread(&self) -> usize {
        self.end - self.start
    }

    /// Passes the last `length` bytes of input to `shorten`, which may change them and returns how
    /// many of them remain.
    pub(super) fn shorten_last<E>(
        &mut self,
        length: usize,
        shorten: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), E> {
        let start = self.end - length;
        self.end = start + shorten(&mut self.input[start..self.end])?;
        Ok(())
    }

    /// Wipes the first `length` bytes of output, a request that was sent.
    pub(super) fn wipe_output(&mut self, length: usize) {
        self.output[..length].zeroize();
    }

    /// Wipes the remains of responses, if all input was consumed.
    pub(super) fn wipe_input(&mut self) {
        if self.start == self.end {
            self.input[..self.written].zeroize();
            (self.start, self.end, self.written) = (0, 0, 0);
        }
    }
}

impl Buffers for WipedBuffers {
    fn output(&mut self) -> &mut [u8] {
        if self.output.is_empty() {
            self.output = Zeroizing::new(vec![0; WRITE_BUFFER_SIZE]);
        }
        &mut self.output
    }

    fn input(&self) -> &[u8] {
        &self.input[self.start..self.end]
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.reserve_input();
        &mut self.input[self.end..]
    }

    fn input_appended(&mut self, amount: usize) {
        self.end = (self.end + amount).min(self.input.len());
        self.written = self.written.max(self.end);
    }

    fn input_consume(&mut self, amount: usize) {
        self.made_progress = amount > 0;
        self.start = (self.start + amount).min(self.end);
        self.position += amount as u64;
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        self.output();
        self.reserve_input();
        // ureq may write anywhere in it.
        self.written = self.input.len();
        (&mut self.input[self.end..], &mut self.output)
    }

    fn can_use_input(&self) -> bool {
        self.start < self.end && self.made_progress
    }
}
