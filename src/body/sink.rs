//! Where decoded bytes go.

use std::io;

/// Takes decoded bytes in order. The decoder writes directly into the spare capacity that the
/// sink offers, so that nothing is copied in between.
pub(crate) trait Sink {
    /// Returns at least `length` bytes of spare capacity. What is in them does not matter.
    fn spare_capacity_mut(&mut self, length: usize) -> io::Result<&mut [u8]>;

    /// Makes the first `length` bytes of the spare capacity the next bytes of the file.
    fn advance(&mut self, length: usize) -> io::Result<()>;
}
