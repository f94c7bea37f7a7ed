//! For every response, a call returns a file, or an error of a documented kind that contains no
//! secret.

use std::time::Duration;

use super::server::{Server, send};
use crate::body::BodyEncoding;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::file_name;
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

/// Checks the property on one input.
///
/// The first byte selects the body encoding. The other bytes are the response.
///
/// # Panics
///
/// If the property does not hold.
pub(crate) fn check(input: &[u8]) {
    let Some((encoding, response)) = input.split_first() else {
        return;
    };
    let encoding = crate::body::properties::encoding(*encoding);
    SERVER.with(|server| server.set_script(response.to_vec()));
    let fetched = client(encoding).get_output_file(1);
    let mut bytes = Vec::new();
    let written = client(encoding).write_output_file(1, &mut bytes);
    assert!(bytes.len() as u64 <= MAX_FILE_SIZE);
    for error in [fetched.as_ref().err(), written.as_ref().err()] {
        let Some(error) = error else { continue };
        assert_documented_and_redacted(error);
    }
    match (fetched, written) {
        (Ok(fetched), Ok(written)) => {
            file_name::properties::assert_safe(&fetched.name);
            assert_eq!(fetched.bytes, bytes);
            assert_eq!(
                (fetched.name, fetched.is_fallback_name, fetched.content_type),
                (written.name, written.is_fallback_name, written.content_type)
            );
            assert_eq!(written.size, bytes.len() as u64);
        }
        (Err(fetched), Err(written)) if is_deterministic(fetched.kind(), written.kind()) => {
            assert_eq!(fetched.kind(), written.kind(), "{fetched}, {written}");
        }
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => {
            let kind = error.kind();
            assert!(!is_deterministic(kind, kind), "{error}");
        }
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
