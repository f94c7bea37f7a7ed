//! The errors of decoding.

use std::io;

/// Why a body was not decoded.
#[derive(Debug)]
pub(crate) enum DecodeError {
    /// The body is not in the expected form, or is not a file.
    Malformed {
        /// The position of the error, in bytes from the start of the body, if it has one.
        offset: Option<u64>,
        /// What is wrong. It shows at most one byte of the body.
        message: String,
        /// Whether the body ended too early, and everything before the end was valid.
        cut_short: bool,
        /// Whether there is no file (yet): the body is empty or null, and nothing names a file.
        is_empty: bool,
        /// The body, if it evidently is a web page, an error object or an error text; at most
        /// 64 KiB of it. Other bodies may contain a customer's data.
        error_body: Option<Vec<u8>>,
    },
    /// There are more decoded bytes than the limit allows.
    TooLarge,
    /// The body could not be read.
    Source(io::Error),
    /// The sink returned an error.
    Sink(io::Error),
}

impl DecodeError {
    /// Returns the error for a body that is invalid at `offset`, in bytes from its start.
    pub(super) fn malformed(offset: Option<u64>, message: String) -> Self {
        Self::Malformed {
            offset,
            message,
            cut_short: false,
            is_empty: false,
            error_body: None,
        }
    }
}

/// Returns how an error message shows a byte: `'x'`, or `byte 0x0a` if it is not visible.
pub(super) fn describe_byte(byte: u8) -> String {
    if byte.is_ascii_graphic() {
        format!("'{}'", char::from(byte))
    } else {
        format!("byte 0x{byte:02x}")
    }
}
