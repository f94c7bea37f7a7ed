//! For this project's own benchmarks and fuzz targets; no part of the interface.

use std::io::{Read, Write};

use crate::body::{self, BodyEncoding};
use crate::sink::Through;
use crate::{content_disposition, laws};

/// Decodes a base64 body of any form into `writer`; whether that succeeded.
pub fn decode_body(source: &mut dyn Read, writer: &mut dyn Write) -> bool {
    let options = body::Options {
        encoding: BodyEncoding::Base64,
        limit: u64::MAX,
        content_type: None,
        names_file: true,
    };
    body::decode(source, &options, &mut Through::new(writer)).is_ok()
}

/// The safe file name that a Content-Disposition header gives.
pub fn name_of_header(header: &[u8]) -> Option<String> {
    content_disposition::file_name(header)
}

/// Tries the laws of a fuzz target on its input; panics where they do not hold.
pub fn try_laws(target: &str, input: &[u8]) {
    let mut laws = laws::TARGETS.iter();
    match laws.find(|(name, _)| *name == target) {
        Some((_, law)) => law(input),
        None => panic!("no law is named {target}"),
    }
}
