//! The buffers between ureq and a connection. They are wiped: the token and the password go
//! through them.

use ureq::unversioned::transport::Buffers;
use zeroize::{Zeroize, Zeroizing};

use super::READ_BUFFER_SIZE;

/// Room for a request's head, and for the body of a login. ureq cannot write a line that is
/// longer than this: a token of the maximum length, or the URL of a redirect.
const WRITE_BUFFER_SIZE: usize = super::MAX_HEAD_SIZE + 1024;

/// Buffers that hold nothing for longer than it is needed. They take no memory before they are
/// first used.
#[derive(Default)]
pub(super) struct WipedBuffers {
    output: Zeroizing<Vec<u8>>,
    input: Zeroizing<Vec<u8>>,
    /// The unconsumed input.
    start: usize,
    end: usize,
    /// How much of the input buffer was ever written to since it was wiped.
    written: usize,
    /// How many bytes were ever consumed.
    position: u64,
    made_progress: bool,
}

impl WipedBuffers {
    /// The most that the input buffer holds, for what ureq wants to see as a whole: heads and
    /// the lines between chunks.
    pub(super) const MAX_INPUT: usize = super::MAX_HEAD_SIZE + READ_BUFFER_SIZE;

    /// Returns how many bytes of input were consumed in all.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Makes room for input; `false` where ureq leaves a full buffer as it is.
    pub(super) fn make_room(&mut self) -> bool {
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
        // A new one, as one that grows may leave a copy behind.
        let mut larger = Zeroizing::new(vec![0; size]);
        larger[..self.end].copy_from_slice(&self.input[..self.end]);
        self.input = larger;
        true
    }

    /// Wipes a request that was sent.
    pub(super) fn wipe_output(&mut self, length: usize) {
        self.output[..length].zeroize();
    }

    /// Wipes what is left of responses that were read.
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
        self.make_room();
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
        self.make_room();
        // ureq may write to it as it likes.
        self.written = self.input.len();
        (&mut self.input[self.end..], &mut self.output)
    }

    fn can_use_input(&self) -> bool {
        self.start < self.end && self.made_progress
    }
}
