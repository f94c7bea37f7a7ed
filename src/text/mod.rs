//! Functions on text from servers, proxies and callbacks.
//!
//! Such text is redacted first, while it is complete, and only then cut and made printable.

mod escapes;
pub(crate) mod json;
mod one_line;
pub(crate) mod percent;
#[cfg(any(test, feature = "_fuzz"))]
pub(crate) mod properties;
mod redact;
mod seconds;
pub(crate) mod server_message;
mod whitespace;

use escapes::character_of_entity;
pub(crate) use one_line::{ELLIPSIS, MAX_MESSAGE, is_invisible, one_line};
pub(crate) use redact::{MAX_TEXT_READ, Redactor, Secret, without_secret_parameters};
pub(crate) use seconds::seconds;
pub(crate) use whitespace::is_whitespace;
