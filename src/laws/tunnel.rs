//! Whatever a proxy and the server behind it send, the public client gives a file that is
//! whole, or an error of a documented kind, over one connection for each request.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::raw_server::RawServer;
use super::response::{MAX_SIZE, TOKEN, assert_may_be_shown, is_same_each_time};
use crate::{BodyEncoding, Client, Error, OutputFile, Retry};

/// A proxy's response that opens the tunnel.
const OPENED: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

#[derive(Clone, Default)]
struct Script {
    /// What the proxy sends, and then the server.
    parts: [Vec<u8>; 2],
    connections: Arc<AtomicU32>,
}

struct Proxy {
    url: String,
    script: Arc<Mutex<Script>>,
}

thread_local! {
    static PROXY: Proxy = {
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = script.clone();
        let proxy = RawServer::start(move |_, connection| {
            let script = shared.lock().unwrap().clone();
            script.connections.fetch_add(1, Ordering::Relaxed);
            serve(&script, connection);
        });
        Proxy { url: proxy.url, script }
    };
    static SERVER: Proxy = {
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = script.clone();
        let server = RawServer::start(move |_, connection| {
            let response = shared.lock().unwrap().parts[1].clone();
            // The client may have seen enough and hung up.
            let _ = connection.write_all(&response);
        });
        Proxy { url: server.url, script }
    };
}

/// Sends all at once but where the tunnel is evidently open: then the client sends its
/// request first.
fn serve(script: &Script, connection: &mut TcpStream) {
    let [opening, response] = &script.parts;
    if connection.write_all(opening).is_err() {
        return;
    }
    if opening == OPENED {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match connection.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return,
            }
        }
    }
    let _ = connection.write_all(response);
}

/// The first byte says in which encoding the body is expected. What the proxy sends follows,
/// up to a zero byte, then what the server sends. Nothing for the proxy stands for a tunnel
/// that is opened.
pub(super) fn target(input: &[u8]) {
    let Some((form, sent)) = input.split_first() else {
        return;
    };
    let encoding = crate::body::laws::encoding(*form);
    let mut parts = sent.splitn(2, |&byte| byte == 0);
    let mut next = || parts.next().unwrap_or_default();
    let (opening, response) = (next(), next());
    let opening = if opening.is_empty() { OPENED } else { opening };
    let script = Script {
        parts: [opening.to_vec(), response.to_vec()],
        connections: Arc::default(),
    };
    let (proxy, connections) = PROXY.with(|proxy| {
        *proxy.script.lock().unwrap() = script.clone();
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
        *server.script.lock().unwrap() = script;
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
    // Nothing is waited for: the other side closes when it has sent all.
    let limit = Duration::from_secs(10);
    let client = Client::builder(url)
        .token(TOKEN)
        .proxy(proxy)
        .allow_plain_http(true)
        .retry(Retry::never())
        .stall_timeout(limit)
        .call_timeout(limit)
        .max_size(MAX_SIZE)
        .body_encoding(encoding)
        .build()
        .unwrap();
    let outcome = client.output_file(1);
    if let Err(error) = &outcome {
        assert_may_be_shown(error);
    }
    outcome
}

/// How many requests a call may take that repeats nothing: redirects are followed, and two
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
