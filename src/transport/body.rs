//! The body of a response as it arrives, with its encodings undone.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, Version};

use super::failure::{ConnectionError, Ended};
use super::request_record::Recording;
use crate::error::ErrorKind;

/// The body of a response as it arrives. Ends only where the server ended it; a connection that
/// closes or breaks before is an error.
pub(crate) struct Body {
    layers: Layers,
}

/// What the body is wrapped in. More than two layers of gzip are no server's idea.
enum Layers {
    None(Box<Wire>),
    Gzip(Box<MultiGzDecoder<Wire>>),
    GzipTwice(Box<MultiGzDecoder<MultiGzDecoder<Wire>>>),
    Unknown(Box<Wire>, UnknownCoding),
}

impl Body {
    pub(super) fn new(wire: Wire, codings: Result<usize, UnknownCoding>) -> Self {
        let layers = match codings {
            Ok(0) => Layers::None(Box::new(wire)),
            Ok(1) => Layers::Gzip(Box::new(MultiGzDecoder::new(wire))),
            Ok(_) => {
                let inner = MultiGzDecoder::new(wire);
                Layers::GzipTwice(Box::new(MultiGzDecoder::new(inner)))
            }
            Err(unknown) => Layers::Unknown(Box::new(wire), unknown),
        };
        Self { layers }
    }

    /// Returns how many bytes were received, and how many there will be if that is known; both
    /// as they are sent.
    pub(crate) fn progress(&self) -> (u64, Option<u64>) {
        let wire = self.wire();
        (wire.recording.bytes(), wire.length)
    }

    fn wire(&self) -> &Wire {
        match &self.layers {
            Layers::None(wire) | Layers::Unknown(wire, _) => wire,
            Layers::Gzip(gzip) => gzip.get_ref(),
            Layers::GzipTwice(gzip) => gzip.get_ref().get_ref(),
        }
    }
}

impl Read for Body {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let outcome = match &mut self.layers {
            Layers::None(wire) => return wire.read(room),
            Layers::Unknown(_, unknown) => return Err(io::Error::other(unknown.clone())),
            Layers::Gzip(gzip) => gzip.read(room),
            Layers::GzipTwice(gzip) => gzip.read(room),
        };
        let wire = self.wire();
        match outcome {
            Err(error) if !wire.has_failed => {
                let is_empty = wire.recording.bytes() == 0;
                match is_empty && error.kind() == io::ErrorKind::UnexpectedEof {
                    // Servers name the encoding of an empty body too.
                    true => Ok(0),
                    false => Err(io::Error::other(BadBody(error.to_string()))),
                }
            }
            outcome => outcome,
        }
    }
}

/// The body as it is sent.
pub(super) struct Wire {
    pub(super) reader: ureq::BodyReader<'static>,
    /// Neither Content-Length nor chunks: the body ends as the connection does
    /// (RFC 9112 section 6.3).
    pub(super) ends_with_connection: bool,
    pub(super) length: Option<u64>,
    pub(super) recording: Recording,
    pub(super) has_failed: bool,
}

impl Read for Wire {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(room) {
            Ok(length) => {
                self.recording.received(length);
                Ok(length)
            }
            Err(error) if self.ends_with_connection && is_closed(&error) => Ok(0),
            Err(error) => {
                self.has_failed = true;
                self.recording.failed(&error.to_string());
                Err(error)
            }
        }
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(
        ConnectionError::of(error),
        Some(ConnectionError::Ended {
            how: Ended::Closed,
            ..
        })
    )
}

/// What came is not the gzip that the server said it is.
#[derive(Debug, thiserror::Error)]
#[error("the body is not valid gzip, or not all of it: {0}")]
pub(super) struct BadBody(String);

/// The body is encoded in a way that was not asked for, and that cannot be undone.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the server sent the answer in {what}: {header} {value}")]
pub(super) struct UnknownCoding {
    what: &'static str,
    header: HeaderName,
    value: String,
}

impl UnknownCoding {
    fn new(what: &'static str, header: HeaderName, value: &[u8]) -> Self {
        Self {
            what,
            header,
            value: String::from_utf8_lossy(value).into_owned(),
        }
    }

    pub(super) fn kind(&self) -> ErrorKind {
        match self.header == CONTENT_ENCODING {
            true => ErrorKind::MalformedBody,
            // The message cannot be understood, whatever it holds.
            false => ErrorKind::Connection,
        }
    }
}

/// Returns how many layers of gzip the body is wrapped in.
///
/// # Errors
///
/// A coding that cannot be undone: what it hides must not be taken for the file.
pub(super) fn gzip_layers(version: Version, headers: &HeaderMap) -> Result<usize, UnknownCoding> {
    let mut layers = 0;
    for coding in list(headers, &CONTENT_ENCODING) {
        match () {
            () if is_gzip(coding) => layers += 1,
            () if is_no_content_coding(coding) => {}
            () => {
                let what = "a content encoding that was not asked for";
                return Err(UnknownCoding::new(what, CONTENT_ENCODING, coding));
            }
        }
    }
    let mut is_chunked = false;
    for coding in list(headers, &TRANSFER_ENCODING) {
        let what = match () {
            // RFC 9112 section 6.1: the length of such a message is anyone's guess.
            () if version == Version::HTTP_10 => "HTTP/1.0 with a transfer encoding",
            () if is_chunked => "a transfer encoding behind \"chunked\", which must be the last",
            () if coding.eq_ignore_ascii_case(b"chunked") => {
                is_chunked = true;
                continue;
            }
            () if is_gzip(coding) => {
                layers += 1;
                continue;
            }
            () if coding.is_empty() || coding.eq_ignore_ascii_case(b"identity") => continue,
            () => "a transfer encoding that was not asked for",
        };
        return Err(UnknownCoding::new(what, TRANSFER_ENCODING, coding));
    }
    match layers {
        0..=2 => Ok(layers),
        _ => {
            let what = "more than two layers of compression";
            Err(UnknownCoding::new(what, CONTENT_ENCODING, b"gzip"))
        }
    }
}

/// Returns whether the body comes in chunks, which have an end of their own. Without chunks and
/// without a length it ends with the connection, whatever else Transfer-Encoding names.
pub(super) fn is_chunked(headers: &HeaderMap) -> bool {
    list(headers, &TRANSFER_ENCODING).any(|coding| coding.eq_ignore_ascii_case(b"chunked"))
}

/// The entries of a list in one or several headers (RFC 9110 section 5.3).
fn list<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h [u8]> {
    let lines = headers.get_all(name).into_iter();
    let entries = lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
    entries.map(<[u8]>::trim_ascii)
}

/// RFC 9110 section 8.4.1.3 has the older name too.
fn is_gzip(encoding: &[u8]) -> bool {
    [&b"gzip"[..], b"x-gzip"]
        .iter()
        .any(|name| encoding.trim_ascii().eq_ignore_ascii_case(name))
}

/// Returns whether this says that nothing is encoded: by a name of that, or by a character set,
/// which belongs into Content-Type.
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
    fn layers_are_counted_over_all_headers() {
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
