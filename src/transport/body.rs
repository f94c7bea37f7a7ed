//! The body of a response as it arrives, decompressed.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, Version};

use super::failure::{ConnectionEnd, ConnectionError};
use super::request_record::RequestRecorder;
use crate::error::ErrorKind;

/// The body of a response as it arrives, decompressed. It ends only where the server ended it: if
/// the connection ends earlier, reading fails.
pub(crate) struct Body {
    layers: Layers,
}

/// How the body is compressed. More than two layers of gzip are not supported.
enum Layers {
    None(Box<Wire>),
    Gzip(Box<MultiGzDecoder<Wire>>),
    GzipTwice(Box<MultiGzDecoder<MultiGzDecoder<Wire>>>),
    Unsupported(Box<Wire>, UnsupportedCoding),
}

impl Body {
    pub(super) fn new(wire: Wire, codings: Result<usize, UnsupportedCoding>) -> Self {
        let layers = match codings {
            Ok(0) => Layers::None(Box::new(wire)),
            Ok(1) => Layers::Gzip(Box::new(MultiGzDecoder::new(wire))),
            Ok(_) => {
                let inner = MultiGzDecoder::new(wire);
                Layers::GzipTwice(Box::new(MultiGzDecoder::new(inner)))
            }
            Err(unsupported) => Layers::Unsupported(Box::new(wire), unsupported),
        };
        Self { layers }
    }

    /// Returns how many bytes were received, and the total if it is known. Both count the bytes as
    /// they are sent.
    pub(crate) fn progress(&self) -> (u64, Option<u64>) {
        let wire = self.wire();
        (wire.recorder.bytes(), wire.length)
    }

    fn wire(&self) -> &Wire {
        match &self.layers {
            Layers::None(wire) | Layers::Unsupported(wire, _) => wire,
            Layers::Gzip(gzip) => gzip.get_ref(),
            Layers::GzipTwice(gzip) => gzip.get_ref().get_ref(),
        }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let outcome = match &mut self.layers {
            Layers::None(wire) => return wire.read(buffer),
            Layers::Unsupported(_, unsupported) => {
                return Err(io::Error::other(unsupported.clone()));
            }
            Layers::Gzip(gzip) => gzip.read(buffer),
            Layers::GzipTwice(gzip) => gzip.read(buffer),
        };
        let wire = self.wire();
        match outcome {
            Err(error) if !wire.has_failed => {
                let is_empty = wire.recorder.bytes() == 0;
                match is_empty && error.kind() == io::ErrorKind::UnexpectedEof {
                    // Servers send Content-Encoding with an empty body, too.
                    true => Ok(0),
                    false => Err(io::Error::other(InvalidGzip(error.to_string()))),
                }
            }
            outcome => outcome,
        }
    }
}

/// The body as it is sent.
pub(super) struct Wire {
    pub(super) reader: ureq::BodyReader<'static>,
    /// Whether the body ends where the connection is closed, because it has neither a
    /// Content-Length nor chunks (RFC 9112 section 6.3).
    pub(super) ends_with_connection: bool,
    pub(super) length: Option<u64>,
    pub(super) recorder: RequestRecorder,
    pub(super) has_failed: bool,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(buffer) {
            Ok(length) => {
                self.recorder.received(length);
                Ok(length)
            }
            Err(error) if self.ends_with_connection && is_closed(&error) => Ok(0),
            Err(error) => {
                self.has_failed = true;
                self.recorder.failed(&error.to_string());
                Err(error)
            }
        }
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(
        ConnectionError::from_io(error),
        Some(ConnectionError::Ended {
            end: ConnectionEnd::Closed,
            ..
        })
    )
}

/// The error for a body that is not the gzip that its headers announce.
#[derive(Debug, thiserror::Error)]
#[error("the body is not valid gzip, or is incomplete: {0}")]
pub(super) struct InvalidGzip(String);

/// The error for a body that is encoded in a way that is not supported and was not requested.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the response has {problem}: {header} {value}")]
pub(super) struct UnsupportedCoding {
    problem: &'static str,
    header: HeaderName,
    value: String,
}

impl UnsupportedCoding {
    fn new(problem: &'static str, header: HeaderName, value: &[u8]) -> Self {
        Self {
            problem,
            header,
            value: String::from_utf8_lossy(value).into_owned(),
        }
    }

    pub(super) fn kind(&self) -> ErrorKind {
        match self.header == CONTENT_ENCODING {
            true => ErrorKind::MalformedBody,
            // Without its transfer encoding no part of the message can be read.
            false => ErrorKind::Connection,
        }
    }
}

/// Returns how many layers of gzip the body has.
///
/// # Errors
///
/// A coding that is not supported: the encoded bytes must not pass for the file.
pub(super) fn gzip_layers(
    version: Version,
    headers: &HeaderMap,
) -> Result<usize, UnsupportedCoding> {
    let mut layers = 0;
    for coding in list_entries(headers, &CONTENT_ENCODING) {
        match () {
            () if is_gzip(coding) => layers += 1,
            () if is_no_content_coding(coding) => {}
            () => {
                let problem = "a content encoding that was not requested";
                return Err(UnsupportedCoding::new(problem, CONTENT_ENCODING, coding));
            }
        }
    }
    let mut is_chunked = false;
    for coding in list_entries(headers, &TRANSFER_ENCODING) {
        let problem = match () {
            // RFC 9112 section 6.1: the length of such a message cannot be known.
            () if version == Version::HTTP_10 => "a transfer encoding, which HTTP/1.0 lacks",
            () if is_chunked => "a transfer encoding after \"chunked\", which must be the last",
            () if coding.eq_ignore_ascii_case(b"chunked") => {
                is_chunked = true;
                continue;
            }
            () if is_gzip(coding) => {
                layers += 1;
                continue;
            }
            () if coding.is_empty() || coding.eq_ignore_ascii_case(b"identity") => continue,
            () => "a transfer encoding that was not requested",
        };
        return Err(UnsupportedCoding::new(problem, TRANSFER_ENCODING, coding));
    }
    match layers {
        0..=2 => Ok(layers),
        _ => {
            let problem = "more than two layers of compression";
            Err(UnsupportedCoding::new(problem, CONTENT_ENCODING, b"gzip"))
        }
    }
}

/// Returns whether the body is chunked, so that its last chunk marks its end. A body that is not
/// chunked and has no length ends with the connection, whatever else Transfer-Encoding lists.
pub(super) fn is_chunked(headers: &HeaderMap) -> bool {
    list_entries(headers, &TRANSFER_ENCODING).any(|coding| coding.eq_ignore_ascii_case(b"chunked"))
}

/// Returns the entries of a list in one or several headers (RFC 9110 section 5.3).
fn list_entries<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h [u8]> {
    let lines = headers.get_all(name).into_iter();
    let entries = lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
    entries.map(<[u8]>::trim_ascii)
}

/// Returns whether a coding is gzip, by its name or its older name (RFC 9110 section 8.4.1.3).
fn is_gzip(encoding: &[u8]) -> bool {
    [&b"gzip"[..], b"x-gzip"]
        .iter()
        .any(|name| encoding.trim_ascii().eq_ignore_ascii_case(name))
}

/// Returns whether a Content-Encoding means that the body is not encoded. Some servers send a
/// character set there, which belongs in Content-Type.
fn is_no_content_coding(coding: &[u8]) -> bool {
    const NAMES: [&[u8]; 4] = [b"", b"identity", b"none", b"binary"];
    NAMES.iter().any(|name| coding.eq_ignore_ascii_case(name))
        || encoding_rs::Encoding::for_label(coding).is_some()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn gzip_layers_all_headers_are_counted() {
        for (content, transfer, layers) in [
            (&[][..], &[][..], Some(0)),
            (&["gzip"], &[], Some(1)),
            (&["X-GZip"], &["chunked"], Some(1)),
            (&["gzip", "gzip"], &[], Some(2)),
            (&["gzip , gzip"], &["Chunked"], Some(2)),
            (&["gzip"], &["gzip, chunked"], Some(2)),
            (&[], &["gzip", "chunked"], Some(1)),
            (&[], &["identity"], Some(0)),
            (&["", "none, identity", "UTF-8", "iso-8859-1"], &[], Some(0)),
            (&["gzip, gzip, gzip"], &[], None),
            (&["gzip, gzip"], &["gzip, chunked"], None),
            (&["br"], &[], None),
            (&["gzip, br"], &[], None),
            (&["deflate"], &["chunked"], None),
            (&["gzip;q=1"], &[], None),
            (&[], &["rot13"], None),
            (&[], &["chunked, gzip"], None),
            (&[], &["chunked", "chunked"], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in content {
                headers.append(CONTENT_ENCODING, HeaderValue::from_static(value));
            }
            for value in transfer {
                headers.append(TRANSFER_ENCODING, HeaderValue::from_static(value));
            }
            let counted = gzip_layers(Version::HTTP_11, &headers).ok();
            assert_eq!(counted, layers, "{content:?} {transfer:?}");
            let counted = gzip_layers(Version::HTTP_10, &headers).ok();
            let without = layers.filter(|_| transfer.is_empty());
            assert_eq!(counted, without, "{content:?} {transfer:?}");
        }
    }
}
