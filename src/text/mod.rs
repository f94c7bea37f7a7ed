//! Pure functions on text that comes from outside: from servers, proxies and callbacks.
//!
//! Such text is redacted first, as a whole, and shortened and made printable after that.

mod one_line;
mod redact;
mod seconds;

pub(crate) use one_line::{CUT, MAX_MESSAGE, is_invisible, one_line};
pub(crate) use redact::{Redactor, Secret, character_of_entity, without_secret_parameters};
pub(crate) use seconds::seconds;
