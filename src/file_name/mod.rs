//! File names: reads them from headers, makes them safe for every file system, and numbers them.

mod content_disposition;
mod encoded_word;
mod media_type;
mod parameters;
#[cfg(any(test, feature = "_fuzz"))]
pub(crate) mod properties;
mod sanitize;

pub(crate) use content_disposition::from_header;
pub(crate) use media_type::fallback;
pub(crate) use sanitize::{MAX_NAME_LEN, is_rejected_by_windows, numbered, sanitize};
