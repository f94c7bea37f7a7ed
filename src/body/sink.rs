//! The destination of decoded bytes.

use std::io;

/// A destination of decoded bytes, in order.
///
/// The decoder writes directly into the spare capacity that the sink returns, so that no copy
/// is made in between.
pub(crate) trait Sink {
    /// Returns at least `length` bytes of spare capacity. Their content is arbitrary.
    fn spare_capacity_mut(&mut self, length: usize) -> io::Result<&mut [u8]>;

    /// Appends the first `length` bytes of the spare capacity to the file.
    fn advance(&mut self, length: usize) -> io::Result<()>;
}
