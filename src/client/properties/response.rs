//! For every response, a call returns a file, or an error of a documented kind that contains no
//! secret. All ways to download the file have the same outcome.

use std::io;
use std::time::Duration;

use super::server::{Server, send};
use crate::body::BodyEncoding;
use crate::client::Client;
use crate::download::OutputFileDownload;
use crate::error::{Error, ErrorKind};
use crate::file_name;
use crate::output::FileMemory;
use crate::session::RetryPolicy;

/// A token that is long enough to be cut in messages.
pub(super) const TOKEN: &str = "aTokenOfTheProperties.eyJhIjoxLCJiIjoyfQ.c2lnbmF0dXJl";

/// The maximum size of a file, in bytes.
pub(super) const MAX_FILE_SIZE: u64 = 1 << 20;

thread_local! {
    static SERVER: Server<Vec<u8>> =
        Server::start(|response, connection| send(response, connection));
}

/// Returns a new client, which has no open connections.
fn client(encoding: BodyEncoding) -> Client {
    // The client never waits: the server closes the connection after its response.
    let limit = Duration::from_secs(10);
    SERVER
        .with(|server| Client::builder(&server.url))
        .token(TOKEN)
        .proxy("")
        .retry_policy(RetryPolicy::never())
        .stall_timeout(limit)
        .call_timeout(limit)
        .max_file_size(MAX_FILE_SIZE)
        .body_encoding(encoding)
        .build()
        .unwrap()
}

/// Memory that has exactly the capacity that was reserved last, at a new address each time.
#[derive(Default)]
struct MovingMemory(Vec<u8>);

impl FileMemory for MovingMemory {
    fn reserve(&mut self, used: usize, capacity: usize) -> io::Result<&mut [u8]> {
        if capacity > self.0.len() {
            let mut moved = vec![0xee; capacity];
            moved[..used].copy_from_slice(&self.0[..used]);
            self.0 = moved;
        }
        Ok(&mut self.0)
    }
}

/// Reads a download in reads of `size` bytes, and asserts that its end, or its error, is final.
fn read_all(download: &mut OutputFileDownload, size: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; size];
    loop {
        match download.read_bytes(&mut buffer) {
            Ok(0) => {
                assert_eq!(download.read_bytes(&mut buffer).unwrap(), 0);
                return Ok(bytes);
            }
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            Err(error) => {
                let again = download.read_bytes(&mut buffer).unwrap_err();
                assert_eq!(again.to_string(), error.to_string());
                return Err(error);
            }
        }
    }
}

/// What a download led to: the name, whether it is a fallback, the content type and the bytes.
type Outcome = Result<(String, bool, Option<String>, Vec<u8>), Error>;

/// Checks the property on one input.
///
/// The first byte selects the body encoding, and the size of reads. The other bytes are the
/// response.
///
/// # Panics
///
/// If the property does not hold.
pub(crate) fn check(input: &[u8]) {
    let Some((&settings, response)) = input.split_first() else {
        return;
    };
    let encoding = crate::body::properties::encoding(settings);
    let read_size = [1, 10, 1000, 100_000][usize::from(settings / 4 % 4)];
    SERVER.with(|server| server.set_script(response.to_vec()));
    let fetched: Outcome = client(encoding).get_output_file(1).map(|file| {
        file_name::properties::assert_safe(&file.name);
        let is_fallback = file.is_fallback_name;
        (file.name, is_fallback, file.content_type, file.bytes)
    });
    if let Err(error) = &fetched {
        assert_documented_and_redacted(error);
    }
    let mut bytes = Vec::new();
    let written = client(encoding).write_output_file(1, &mut bytes);
    assert!(bytes.len() as u64 <= MAX_FILE_SIZE);
    assert_same(
        &fetched,
        written.map(|file| {
            assert_eq!(file.size, bytes.len() as u64);
            let is_fallback = file.is_fallback_name;
            (file.name, is_fallback, file.content_type, bytes)
        }),
    );
    let mut memory = MovingMemory::default();
    let filled = client(encoding).get_output_file_into(1, &mut memory);
    assert_same(
        &fetched,
        filled.map(|file| {
            let is_fallback = file.is_fallback_name;
            memory.0.truncate(usize::try_from(file.size).unwrap());
            (file.name, is_fallback, file.content_type, memory.0)
        }),
    );
    let opened = client(encoding).open_output_file(1);
    let read = opened.and_then(|mut download| {
        let bytes = read_all(&mut download, read_size)?;
        let length = bytes.len() as u64;
        assert!(download.size().is_none_or(|size| size == length));
        let name = download.name().to_owned();
        let content_type = download.content_type().map(str::to_owned);
        // A name after the content is not known when the download is opened.
        Ok(match (&fetched, download.is_fallback_name()) {
            (Ok((name, false, ..)), true) => (name.clone(), false, content_type, bytes),
            (_, is_fallback) => (name, is_fallback, content_type, bytes),
        })
    });
    assert_same(&fetched, read);
}

/// Asserts that two ways to download a file have the same outcome.
fn assert_same(one: &Outcome, other: Outcome) {
    if let Err(error) = &other {
        assert_documented_and_redacted(error);
    }
    match (one, other) {
        (Ok(one), Ok(other)) => assert!(*one == other, "{:?} {:?}", one.0, other.0),
        (Err(one), Err(other)) if is_deterministic(one.kind(), other.kind()) => {
            assert_eq!(one.kind(), other.kind(), "{one}, {other}");
        }
        (Err(error), Ok(_)) => assert!(!is_deterministic(error.kind(), error.kind()), "{error}"),
        (Ok(_), Err(error)) => assert!(!is_deterministic(error.kind(), error.kind()), "{error}"),
        (Err(_), Err(_)) => {}
    }
}

/// Returns whether two calls must fail with the same kind.
///
/// They may differ if the server closes an idle connection, because the client may notice that
/// before or after it sends the request.
pub(super) fn is_deterministic(one: ErrorKind, other: ErrorKind) -> bool {
    one != ErrorKind::Connection && other != ErrorKind::Connection
}

/// Asserts that the error is of a documented kind and does not contain the token.
pub(super) fn assert_documented_and_redacted(error: &Error) {
    let shown = format!("{error} {error:?}");
    assert!(can_follow_response(error.kind()), "{shown}");
    assert!(!shown.contains(&TOKEN[..TOKEN.len() / 2]), "{shown}");
}

/// Returns whether a response can cause an error of the kind.
fn can_follow_response(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Authentication
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::RateLimited
            | ErrorKind::Server
            | ErrorKind::UnexpectedStatus
            | ErrorKind::Connection
            | ErrorKind::MalformedBody
            | ErrorKind::TooLarge
    )
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use crate::body::properties::{stretched, tests::body};
    use crate::fuzzing::random_inputs;

    /// Generates the form of a text, with `@` for the text.
    fn form() -> impl Strategy<Value = &'static str> {
        prop_oneof![
            4 => Just("@"),
            2 => Just("\"@\""),
            2 => Just("{\"FileName\":\"a.csv\",\"Content\":\"@\"}"),
            2 => Just("{\"Content\":\"@\",\"FileName\":\"a.csv\"}"),
            1 => Just("{\"Content\":\"@\",\"Content\":\"QUJD\"}"),
            1 => Just("\"@\"x"),
        ]
    }

    /// Generates headers besides those about the length.
    fn headers() -> impl Strategy<Value = &'static str> {
        prop_oneof![
            4 => Just(""),
            1 => Just("Content-Type: application/json\r\n"),
            1 => Just("Content-Type: text/csv\r\n"),
            1 => Just("Content-Disposition: attachment; filename=b.csv\r\n"),
        ]
    }

    /// Generates base64 that [`stretched`] makes long.
    fn long() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![Just(&b"QUJD"[..]), Just(&b"QUJD\r\n"[..])];
        vec(part, 0..5).prop_map(|parts| parts.join(&b"\xfe"[..]))
    }

    /// How the length of a body is sent.
    #[derive(Clone, Copy, Debug)]
    enum Framing {
        Length,
        Chunks,
        Close,
    }

    fn framing() -> impl Strategy<Value = Framing> {
        prop_oneof![
            3 => Just(Framing::Length),
            2 => Just(Framing::Chunks),
            1 => Just(Framing::Close),
        ]
    }

    fn response(headers: &str, framing: Framing, chunk: usize, body: &[u8]) -> Vec<u8> {
        let head = format!("HTTP/1.1 200 OK\r\n{headers}").into_bytes();
        let length = format!("Content-Length: {}\r\n\r\n", body.len());
        match framing {
            Framing::Length => [&head, length.as_bytes(), body].concat(),
            Framing::Close => [&head, &b"\r\n"[..], body].concat(),
            Framing::Chunks => {
                let mut response = head;
                response.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                for chunk in body.chunks(chunk) {
                    response.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    response.extend_from_slice(chunk);
                    response.extend_from_slice(b"\r\n");
                }
                response.extend_from_slice(b"0\r\n\r\n");
                response
            }
        }
    }

    proptest! {
        #![proptest_config(random_inputs())]

        #[test]
        fn every_way_to_download_has_the_same_outcome(
            settings: u8,
            text in prop_oneof![
                1 => body(),
                1 => (body(), body()).prop_map(|(a, b)| stretched(&[&a[..], b"\xfe", &b].concat())),
                // Long enough for an error after a part was read.
                2 => (long(), body()).prop_map(|(a, b)| stretched(&[&a[..], &b].concat())),
                2 => long().prop_map(|text| stretched(&text)),
            ],
            form in form(),
            headers in headers(),
            framing in framing(),
            chunk in prop_oneof![1usize..40, 1000usize..70_000],
            is_utf16 in prop::bool::weighted(0.1),
            cut in prop_oneof![6 => Just(0usize), 1 => 1usize..10, 1 => 0usize..20_000],
        ) {
            let (before, after) = form.split_once('@').unwrap();
            let mut body = [before.as_bytes(), &text, after.as_bytes()].concat();
            if is_utf16 {
                let text = String::from_utf8_lossy(&body);
                let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
                body = units.flat_map(u16::to_le_bytes).collect();
            }
            let response = response(headers, framing, chunk, &body);
            let response = &response[..response.len().saturating_sub(cut)];
            super::check(&[&[settings], response].concat());
        }
    }
}
