//! Whatever a server answers, the public client gives a file that is one, or an error that
//! says what it may say.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::{BodyEncoding, Client, Error, ErrorKind, Retry};

use super::raw_server::RawServer;

/// Long enough to be cut where messages are.
pub(super) const TOKEN: &str = "aTokenOfTheLaws.eyJhIjoxLCJiIjoyfQ.c2lnbmF0dXJl";

pub(super) const MAX_SIZE: u64 = 1 << 20;

struct Server {
    url: String,
    answer: Arc<Mutex<Vec<u8>>>,
}

thread_local! {
    static SERVER: Server = {
        let answer = Arc::new(Mutex::new(Vec::new()));
        let shared = answer.clone();
        let server = RawServer::start(move |_, connection| {
            let answer = shared.lock().unwrap().clone();
            // The client may have seen enough and hung up.
            let _ = connection.write_all(&answer);
        });
        Server { url: server.url, answer }
    };
}

/// A client that knows nothing of what came before.
fn client(encoding: BodyEncoding) -> Client {
    // Nothing is waited for: the server closes when it has answered.
    let limit = Duration::from_secs(10);
    SERVER
        .with(|server| Client::builder(&server.url))
        .token(TOKEN)
        .proxy("")
        .retry(Retry::never())
        .stall_timeout(limit)
        .call_timeout(limit)
        .max_size(MAX_SIZE)
        .body_encoding(encoding)
        .build()
        .unwrap()
}

/// The first byte says in which encoding the body is expected, the others are the answer.
pub(super) fn target(input: &[u8]) {
    let Some((form, answer)) = input.split_first() else {
        return;
    };
    let encoding = crate::body::laws::encoding(*form);
    SERVER.with(|server| {
        answer.clone_into(&mut server.answer.lock().unwrap());
    });
    let fetched = client(encoding).output_file(1);
    let mut bytes = Vec::new();
    let written = client(encoding).write_output_file(1, &mut bytes);
    assert!(bytes.len() as u64 <= MAX_SIZE);
    for error in [fetched.as_ref().err(), written.as_ref().err()] {
        let Some(error) = error else { continue };
        assert_may_be_shown(error);
    }
    match (fetched, written) {
        (Ok(fetched), Ok(written)) => {
            super::assert_safe(&fetched.name);
            assert_eq!(fetched.bytes, bytes);
            assert_eq!(
                (fetched.name, fetched.name_is_made_up, fetched.content_type),
                (written.name, written.name_is_made_up, written.content_type)
            );
            assert_eq!(written.len, bytes.len() as u64);
        }
        (Err(fetched), Err(written)) if is_same_each_time(fetched.kind(), written.kind()) => {
            assert_eq!(fetched.kind(), written.kind(), "{fetched}, {written}");
        }
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => {
            let kind = error.kind();
            assert!(!is_same_each_time(kind, kind), "{error}");
        }
        (Err(_), Err(_)) => {}
    }
}

/// A connection that is used again may be closed before or after it is seen to be.
pub(super) fn is_same_each_time(one: ErrorKind, other: ErrorKind) -> bool {
    one != ErrorKind::Connection && other != ErrorKind::Connection
}

/// An error is of a documented kind, and holds no token.
pub(super) fn assert_may_be_shown(error: &Error) {
    let shown = format!("{error} {error:?}");
    assert!(is_of_an_answer(error.kind()), "{shown}");
    assert!(!shown.contains(&TOKEN[..TOKEN.len() / 2]), "{shown}");
}

/// The others come from elsewhere, or from a defect.
fn is_of_an_answer(kind: ErrorKind) -> bool {
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
