//! File names: read from headers, made safe for every file system, numbered.

mod content_disposition;
mod encoded_word;
mod media_type;
#[cfg(any(test, feature = "_fuzz"))]
pub(crate) mod properties;
mod sanitize;

pub(crate) use content_disposition::from_header;
pub(crate) use media_type::fallback;
pub(crate) use sanitize::{MAX_NAME_LEN, is_refused_by_windows, numbered, sanitize};
