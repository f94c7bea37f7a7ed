//! Whatever a proxy and the server behind it send, a call gives a complete file or an error of a
//! documented kind, over one connection for each request.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::response::{MAX_FILE_SIZE, TOKEN, assert_may_be_shown, is_same_each_time};
use super::server::{Server, read_head, send};
use crate::body::BodyEncoding;
use crate::client::Client;
use crate::download::OutputFile;
use crate::error::Error;
use crate::session::RetryPolicy;

/// A proxy's response that opens the tunnel.
const OPENED: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

#[derive(Clone, Default)]
struct Script {
    /// What the proxy sends, and then the server.
    parts: [Vec<u8>; 2],
    connections: Arc<AtomicU32>,
}

thread_local! {
    static PROXY: Server<Script> = Server::start(serve);
    static SERVER: Server<Script> =
        Server::start(|script, connection| send(&script.parts[1], connection));
}

/// Sends everything at once, unless the tunnel is evidently open: then the client sends its
/// request first.
fn serve(script: &Script, connection: &mut TcpStream) {
    script.connections.fetch_add(1, Ordering::Relaxed);
    let [opening, response] = &script.parts;
    send(opening, connection);
    if opening != OPENED || read_head(connection) {
        send(response, connection);
    }
}

/// Checks the property on one input; panics if it does not hold. The first byte says in which
/// encoding the body is expected. What the proxy sends follows,
/// up to a zero byte, then what the server sends. Nothing for the proxy stands for a tunnel
/// that is opened.
pub(crate) fn check(input: &[u8]) {
    let Some((form, sent)) = input.split_first() else {
        return;
    };
    let encoding = crate::body::properties::encoding(*form);
    let mut parts = sent.splitn(2, |&byte| byte == 0);
    let mut next = || parts.next().unwrap_or_default();
    let (opening, response) = (next(), next());
    let opening = if opening.is_empty() { OPENED } else { opening };
    let script = Script {
        parts: [opening.to_vec(), response.to_vec()],
        connections: Arc::default(),
    };
    let (proxy, connections) = PROXY.with(|proxy| {
        proxy.set_script(script.clone());
        (proxy.url.clone(), script.connections.clone())
    });
    // No proxy is used for loopback.
    let through_tunnel = fetch("http://mock.example", &proxy, encoding);
    let connections = connections.load(Ordering::Relaxed);
    assert!(
        connections <= max_requests(response),
        "{connections} connections"
    );
    if let Ok(file) = &through_tunnel {
        assert!(
            !is_cut(response),
            "a cut body is a file of {}",
            file.bytes.len()
        );
    }
    if opening != OPENED || response.is_empty() || max_requests(response) > 1 {
        return;
    }
    let direct = SERVER.with(|server| {
        server.set_script(script);
        fetch(&server.url, "", encoding)
    });
    match (through_tunnel, direct) {
        (Ok(one), Ok(other)) => assert_eq!((one.name, one.bytes), (other.name, other.bytes)),
        (Err(one), Err(other)) if is_same_each_time(one.kind(), other.kind()) => {
            assert_eq!(one.kind(), other.kind(), "{one}, {other}");
        }
        (Err(_), Err(_)) => {}
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => {
            panic!("a file by one route, by the other {error}");
        }
    }
}

fn fetch(url: &str, proxy: &str, encoding: BodyEncoding) -> Result<OutputFile, Error> {
    // The client never waits: the other side closes the connection when it has sent everything.
    let limit = Duration::from_secs(10);
    let client = Client::builder(url)
        .token(TOKEN)
        .proxy(proxy)
        .allow_plain_http(true)
        .retry_policy(RetryPolicy::never())
        .stall_timeout(limit)
        .call_timeout(limit)
        .max_file_size(MAX_FILE_SIZE)
        .body_encoding(encoding)
        .build()
        .unwrap();
    let outcome = client.get_output_file(1);
    if let Err(error) = &outcome {
        assert_may_be_shown(error);
    }
    outcome
}

/// Returns how many requests a call without retries may send: redirects are followed, and two
/// forms of the URL are tried.
fn max_requests(response: &[u8]) -> u32 {
    // Empty lines may stand before the status line (RFC 9112 section 2.2).
    let response = response.trim_ascii_start();
    let status = response
        .get(9..12)
        .filter(|_| response.starts_with(b"HTTP/1."));
    match status {
        Some(b"404" | b"405") => 2,
        // What comes after an interim response may be anything.
        Some([b'1' | b'3', ..]) => 7,
        _ => 1,
    }
}

/// Whether the response evidently lacks a part of its body.
fn is_cut(response: &[u8]) -> bool {
    let Some(end) = response.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        // A line may end with LF alone (RFC 9112 section 2.2).
        let has = |end: &[u8]| response.windows(end.len()).any(|bytes| bytes == end);
        return !has(b"\n\n") && !has(b"\n\r\n");
    };
    let head = String::from_utf8_lossy(&response[..end]).to_ascii_lowercase();
    let body = &response[end + 4..];
    if head.contains("transfer-encoding") {
        let is_chunked = head.contains("\r\ntransfer-encoding: chunked");
        return is_chunked
            && !body
                .windows(2)
                .any(|bytes| matches!(bytes, b"0\r" | b"0;" | b"0\n" | b"0 "));
    }
    let mut lengths = head
        .lines()
        .filter_map(|line| line.strip_prefix("content-length:"));
    let length = lengths
        .next()
        .and_then(|length| length.trim().parse::<u64>().ok());
    head.starts_with("http/1.1 200") && length.is_some_and(|length| length > body.len() as u64)
}
