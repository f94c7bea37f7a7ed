//! Pure functions on text that comes from outside: from servers, proxies and callbacks.
//!
//! Such text is first redacted as a whole. It is shortened and made printable after that.

pub(crate) mod json;
mod one_line;
pub(crate) mod percent;
#[cfg(any(test, feature = "_fuzz"))]
pub(crate) mod properties;
mod redact;
mod seconds;
pub(crate) mod server_message;
mod whitespace;

pub(crate) use one_line::{CUT, MAX_MESSAGE, is_invisible, one_line};
pub(crate) use redact::{Redactor, Secret, character_of_entity, without_secret_parameters};
pub(crate) use seconds::seconds;
pub(crate) use whitespace::is_whitespace;
