//! For all responses of a proxy and of the server behind it, a call returns a complete file or an
//! error of a documented kind, and opens at most one connection per request.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::response::{MAX_FILE_SIZE, TOKEN, assert_documented_and_redacted, is_deterministic};
use super::server::{Server, read_head, send};
use crate::body::BodyEncoding;
use crate::client::Client;
use crate::download::OutputFile;
use crate::error::Error;
use crate::session::RetryPolicy;

/// The response of a proxy that opens the tunnel.
const TUNNEL_OPEN: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

#[derive(Clone, Default)]
struct Script {
    /// What the proxy sends, and what the server sends after that.
    parts: [Vec<u8>; 2],
    /// How many connections the proxy has accepted.
    connections: Arc<AtomicU32>,
}

thread_local! {
    static PROXY: Server<Script> = Server::start(serve);
    static SERVER: Server<Script> =
        Server::start(|script, connection| send(&script.parts[1], connection));
}

/// Sends both parts at once. If the first part opens the tunnel, the second one is sent after the
/// request of the client.
fn serve(script: &Script, connection: &mut TcpStream) {
    script.connections.fetch_add(1, Ordering::Relaxed);
    let [opening, response] = &script.parts;
    send(opening, connection);
    if opening != TUNNEL_OPEN || read_head(connection) {
        send(response, connection);
    }
}

/// Checks the property on one input.
///
/// The first byte selects the body encoding. It is followed by what the proxy sends, up to a zero
/// byte, and then by what the server sends. If the part for the proxy is empty, the proxy opens
/// the tunnel.
///
/// # Panics
///
/// If the property does not hold.
pub(crate) fn check(input: &[u8]) {
    let Some((encoding, sent)) = input.split_first() else {
        return;
    };
    let encoding = crate::body::properties::encoding(*encoding);
    let mut parts = sent.splitn(2, |&byte| byte == 0);
    let mut next = || parts.next().unwrap_or_default();
    let (opening, response) = (next(), next());
    let opening = if opening.is_empty() {
        TUNNEL_OPEN
    } else {
        opening
    };
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
            "a cut body was accepted as a file of {} bytes",
            file.bytes.len()
        );
    }
    if opening != TUNNEL_OPEN || response.is_empty() || max_requests(response) > 1 {
        return;
    }
    let direct = SERVER.with(|server| {
        server.set_script(script);
        fetch(&server.url, "", encoding)
    });
    match (through_tunnel, direct) {
        (Ok(one), Ok(other)) => assert_eq!((one.name, one.bytes), (other.name, other.bytes)),
        (Err(one), Err(other)) if is_deterministic(one.kind(), other.kind()) => {
            assert_eq!(one.kind(), other.kind(), "{one}, {other}");
        }
        (Err(_), Err(_)) => {}
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => {
            panic!("one route returned a file, the other one failed: {error}");
        }
    }
}

/// Downloads a file with a new client, through `proxy` unless that is empty.
fn fetch(url: &str, proxy: &str, encoding: BodyEncoding) -> Result<OutputFile, Error> {
    // The client never waits: the server closes the connection when it has sent everything.
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
        assert_documented_and_redacted(error);
    }
    outcome
}

/// Returns how many requests a call without retries may send: redirects are followed, and two
/// forms of the URL are tried.
fn max_requests(response: &[u8]) -> u32 {
    // Empty lines may precede the status line (RFC 9112 section 2.2).
    let response = response.trim_ascii_start();
    let status = response
        .get(9..12)
        .filter(|_| response.starts_with(b"HTTP/1."));
    match status {
        Some(b"404" | b"405") => 2,
        // Any response may follow an interim response.
        Some([b'1' | b'3', ..]) => 7,
        _ => 1,
    }
}

/// Returns whether a part of the response's body is evidently missing.
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
