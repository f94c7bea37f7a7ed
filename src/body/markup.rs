//! Bodies that are HTML or XML instead of base64.

use super::chunks::ChunkReader;
use super::{DecodeError, Options, RAW_HINT};
use crate::text::server_message::{self, MAX_READ};

/// Returns whether the body begins like HTML or XML.
pub(super) fn is_markup(body: &[u8]) -> bool {
    let mut bytes = body.trim_ascii_start().iter();
    bytes.next() == Some(&b'<')
        && bytes
            .next()
            .is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'!' | b'?'))
}

/// Reads the beginning of HTML or XML and returns the error for it.
///
/// # Errors
///
/// [`DecodeError::Source`] if reading fails.
pub(super) fn error(
    input: &mut ChunkReader,
    options: &Options,
) -> Result<DecodeError, DecodeError> {
    let offset = input.offset();
    let mut page = Vec::new();
    while page.len() < MAX_READ as usize {
        page.extend_from_slice(input.available());
        input.consume(input.available().len());
        if !input.fill()? {
            break;
        }
    }
    page.truncate(MAX_READ as usize);
    let is_page = server_message::is_web_page(&page);
    let what = match is_page {
        true => "a web page",
        false => "markup",
    };
    let hint = match options.names_file || !is_page {
        true if !input.is_utf16 => RAW_HINT,
        _ => "",
    };
    Ok(DecodeError::Malformed {
        offset: Some(offset),
        message: format!("the server sent {what}, not a file{hint}"),
        cut_short: false,
        is_empty: false,
        error_body: Some(page).filter(|_| is_page && !options.names_file),
    })
}
