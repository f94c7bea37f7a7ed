//! Why a body was not decoded.

use std::io;

/// Why a body gave no file.
#[derive(Debug)]
pub(crate) enum DecodeError {
    /// It is not in the form expected.
    Malformed {
        /// Bytes from the body's start, where one place is at fault.
        offset: Option<u64>,
        /// What is wrong, in our own words. Of the body it shows one byte at most.
        message: String,
        /// It ended before it was complete; what came was valid.
        cut_short: bool,
        /// There is no file (yet): the body is empty or null, and nothing names a file.
        is_empty: bool,
        /// The body where it evidently is a web page, an error object or an error text; at
        /// most 64 KiB of it. Other bodies may be a customer's data.
        answer: Option<Vec<u8>>,
    },
    /// More bytes than the limit.
    TooLarge,
    /// The body could not be read.
    Source(io::Error),
    /// The sink could not take the bytes.
    Sink(io::Error),
}

impl DecodeError {
    /// Returns the error for a body that is wrong at `offset`, in bytes from its start.
    pub(super) fn malformed(offset: Option<u64>, message: String) -> Self {
        Self::Malformed {
            offset,
            message,
            cut_short: false,
            is_empty: false,
            answer: None,
        }
    }
}
