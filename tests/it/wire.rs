//! Truncated, malformed and unusual responses: no truncation succeeds, in any form and framing.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use mock_server::RawServer;
use sellercloud_output::{BodyEncoding, Client, Error, ErrorKind, OutputFile, RetryPolicy};

fn client(url: &str, encoding: BodyEncoding) -> Result<Client, Error> {
    let builder = Client::builder(url)
        .token("token")
        .retry_policy(RetryPolicy::never());
    builder.body_encoding(encoding).build()
}

fn fetch(url: &str, encoding: BodyEncoding) -> Result<OutputFile, Error> {
    client(url, encoding)?.get_output_file(28142)
}

/// Opens a download and reads it to its end.
fn read(url: &str, encoding: BodyEncoding) -> Result<Vec<u8>, Error> {
    let mut download = client(url, encoding)?.open_output_file(28142)?;
    let mut bytes = Vec::new();
    match download.read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(error.downcast().unwrap()),
    }
}

const FORMS: [(&str, BodyEncoding); 6] = [
    ("RsOpdGUsMQ0KTm/Dq2wsMg0K+/8=", BodyEncoding::Base64),
    (
        "RsOpdGUs\r\nMQ0KTm/D\r\nq2wsMg0K\r\n+/8=\r\n",
        BodyEncoding::Base64,
    ),
    (
        r#""RsOpdGUsMQ0KTm\/Dq2wsMg0K\u002b\/8=""#,
        BodyEncoding::Base64,
    ),
    (
        r#"{"FileName":"\u00e9.csv","Content":"RsOpdGUsMQ0KTm\/Dq2wsMg0K\u002b\/8=","x":[1,{}]}"#,
        BodyEncoding::Base64,
    ),
    ("id,name\r\n1,raw\r\n", BodyEncoding::Raw),
    ("id,name\r\n1,raw\r\n", BodyEncoding::Auto),
];

fn with_length(body: &str) -> (String, Vec<u8>) {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    (head, body.into())
}

fn chunked(body: &str) -> (String, Vec<u8>) {
    let mut chunks = Vec::new();
    for chunk in body.as_bytes().chunks(11) {
        chunks.extend(format!("{:x}\r\n", chunk.len()).bytes());
        chunks.extend(chunk);
        chunks.extend(b"\r\n");
    }
    chunks.extend(b"0\r\n\r\n");
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".into(),
        chunks,
    )
}

#[test]
fn body_truncated_at_any_byte_fails() {
    let response = Arc::new(Mutex::new(Vec::new()));
    let shared = response.clone();
    let server = RawServer::start(move |_, connection| {
        connection.write_all(&shared.lock().unwrap()).unwrap();
    });
    let mut cuts = 0;
    for (body, encoding) in FORMS {
        for (head, wire) in [with_length(body), chunked(body)] {
            *response.lock().unwrap() = [head.as_bytes(), &wire].concat();
            let whole = fetch(&server.url, encoding).unwrap().bytes;
            assert_eq!(read(&server.url, encoding).unwrap(), whole);
            for length in 0..wire.len() {
                *response.lock().unwrap() = [head.as_bytes(), &wire[..length]].concat();
                let outcomes = [
                    fetch(&server.url, encoding).map(|file| file.bytes),
                    read(&server.url, encoding),
                ];
                for outcome in outcomes {
                    let error =
                        outcome.expect_err(&format!("{head}{body:?} {encoding:?} cut at {length}"));
                    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
                }
                cuts += 1;
            }
        }
    }
    assert!(cuts > 500, "{cuts}");
}

#[test]
fn head_truncated_at_any_byte_fails() {
    let (head, _) = with_length("QUJD");
    for length in 0..head.len() {
        let server = RawServer::responding(&head[..length]);
        let error = fetch(&server.url, BodyEncoding::Base64).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{length}: {error}");
    }
}

#[test]
fn body_that_ends_with_the_connection_succeeds() {
    for (body, encoding) in FORMS {
        let server = RawServer::responding(format!("HTTP/1.1 200 OK\r\n\r\n{body}"));
        let _ = fetch(&server.url, encoding).unwrap();
        let server = RawServer::responding(format!("HTTP/1.0 200 OK\r\n\r\n{body}"));
        let _ = fetch(&server.url, encoding).unwrap();
    }
    // Where the framing marks no end, the form does, except between whole groups of base64.
    for length in 1..28 {
        let server =
            RawServer::responding(format!("HTTP/1.1 200 OK\r\n\r\n{}", &FORMS[0].0[..length]));
        let outcome = fetch(&server.url, BodyEncoding::Base64);
        assert_eq!(outcome.is_ok(), length % 4 == 0, "{length}");
    }
}

#[test]
fn reset_during_the_body_fails() {
    let server = RawServer::start(|_, connection| {
        connection
            .write_all(b"HTTP/1.1 200 OK\r\n\r\nQUJD")
            .unwrap();
        // Closing the socket then resets the connection.
        set_linger_zero(connection);
    });
    // The reset may overtake the bytes. Both cases are errors.
    for _ in 0..20 {
        let error = fetch(&server.url, BodyEncoding::Base64).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    }
}

fn set_linger_zero(connection: &std::net::TcpStream) {
    socket2::SockRef::from(connection)
        .set_linger(Some(std::time::Duration::ZERO))
        .unwrap();
}

#[test]
fn wrong_content_length_fails_and_allocates_nothing() {
    for length in ["5", "1000", "1099511627776", "18446744073709551615"] {
        let server = RawServer::responding(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nQUJD"
        ));
        for encoding in [BodyEncoding::Base64, BodyEncoding::Raw, BodyEncoding::Auto] {
            let error = fetch(&server.url, encoding).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Connection, "{length}: {error}");
        }
    }
    for length in [
        "-1",
        "x",
        "18446744073709551616",
        "4, 5",
        "4\r\nContent-Length: 5",
    ] {
        let server = RawServer::responding(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nQUJD"
        ));
        let error = fetch(&server.url, BodyEncoding::Base64).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{length}: {error}");
    }
}

#[test]
fn response_that_is_not_http_fails() {
    for response in [
        "garbage\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nQUJDxx0\r\n\r\n",
    ] {
        let server = RawServer::responding(response);
        let error = fetch(&server.url, BodyEncoding::Base64).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{response:?}: {error}");
    }
}

#[test]
fn raw_bytes_in_a_name_are_utf8_or_latin1() {
    for (bytes, name) in [
        (&b"caf\xc3\xa9.csv"[..], "café.csv"),
        (b"caf\xe9.csv", "café.csv"),
        (b"\x80.csv", "€.csv"),
    ] {
        let head =
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Disposition: attachment; filename=\"";
        let server = RawServer::responding([head, bytes, b"\"\r\n\r\nQUJD"].concat());
        assert_eq!(fetch(&server.url, BodyEncoding::Base64).unwrap().name, name);
    }
}

#[test]
fn refused_connection_is_a_connection_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = fetch(&format!("http://{address}"), BodyEncoding::Base64).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    assert!(error.is_retryable());
    let error = fetch("https://no-such-host.invalid", BodyEncoding::Base64).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(
        error.to_string().contains("no-such-host.invalid"),
        "{error}"
    );
}

#[test]
fn server_without_tls_is_a_tls_error() {
    let server = RawServer::start(|_, _| {});
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        connection
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        // Until the client has read it and closes the connection.
        let _ = std::io::copy(&mut connection, &mut std::io::sink());
    });
    let error = fetch(&url, BodyEncoding::Base64).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
    drop(server);
}

#[test]
fn connection_is_reused_by_the_next_call() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    let server = RawServer::start(move |_, connection| {
        counted.fetch_add(1, Ordering::SeqCst);
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nQUJD";
        connection.write_all(response).unwrap();
        // Every later request on the connection has the same response.
        let mut request = [0; 4096];
        while connection.read(&mut request).is_ok_and(|length| length > 0) {
            connection.write_all(response).unwrap();
        }
    });
    let client = Client::builder(&server.url).token("token").build().unwrap();
    for _ in 0..10 {
        assert_eq!(client.get_output_file(1).unwrap().bytes, b"ABC");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

/// Starts a server that responds to the first request of each connection, and calls `end` for
/// the second one. Counts the requests.
fn server_that_ends_idle_connections(
    end: fn(&std::net::TcpStream),
) -> (RawServer, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    let server = RawServer::start(move |_, connection| {
        counted.fetch_add(1, Ordering::SeqCst);
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nQUJD";
        connection.write_all(response).unwrap();
        if connection
            .read(&mut [0; 4096])
            .is_ok_and(|length| length > 0)
        {
            counted.fetch_add(1, Ordering::SeqCst);
            end(connection);
        }
    });
    (server, requests)
}

#[test]
fn idle_connection_that_closes_is_replaced() {
    for end in [|_: &_| (), set_linger_zero] {
        let (server, requests) = server_that_ends_idle_connections(end);
        let client = Client::builder(&server.url)
            .token("token")
            .retry_policy(RetryPolicy::never());
        let client = client.build().unwrap();
        assert_eq!(client.get_output_file(1).unwrap().bytes, b"ABC");
        // The idle connection has no response. The new one has.
        assert_eq!(client.get_output_file(2).unwrap().bytes, b"ABC");
        assert_eq!(requests.load(Ordering::SeqCst), 3);
    }
}

#[test]
fn partial_response_on_a_reused_connection_is_not_retried() {
    let (server, requests) = server_that_ends_idle_connections(|mut connection| {
        connection.write_all(b"HTTP/1.1 2").unwrap();
    });
    let client = Client::builder(&server.url)
        .token("token")
        .retry_policy(RetryPolicy::never());
    let client = client.build().unwrap();
    assert_eq!(client.get_output_file(1).unwrap().bytes, b"ABC");
    let error = client.get_output_file(2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

#[test]
fn bytes_after_a_response_are_not_the_next_response() {
    let response = |body: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{body}");
    // Together with the response, and while the connection is idle.
    for (first, later) in [
        (response("QUJD") + &response("REVG"), String::new()),
        (response("QUJD"), response("REVG")),
    ] {
        let step = Arc::new(Barrier::new(2));
        let steps = step.clone();
        let server = RawServer::start(move |_, connection| {
            connection.write_all(first.as_bytes()).unwrap();
            steps.wait();
            connection.write_all(later.as_bytes()).unwrap();
            steps.wait();
            // Keeps the connection open, without a response to the next request.
            let _ = connection.read_to_end(&mut Vec::new());
        });
        let client = Client::builder(&server.url)
            .token("token")
            .retry_policy(RetryPolicy::never())
            .build()
            .unwrap();
        for _ in 0..3 {
            assert_eq!(client.get_output_file(1).unwrap().bytes, b"ABC");
            step.wait();
            step.wait();
        }
    }
}

#[test]
fn invalid_http_response_names_its_error_and_is_not_retried() {
    let ok = "HTTP/1.1 200 OK\r\n";
    let many: String = (0..129).map(|n| format!("X-{n}: y\r\n")).collect();
    let large = "x".repeat(70_000);
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (response, words) in [
        (
            format!("{ok}Set-Cookie: a=\u{1}b\r\n\r\n"),
            "the header Set-Cookie contains the control character 0x01",
        ),
        (format!("{ok}A: b\r\n folded\r\n\r\n"), "a header is folded"),
        (format!("{ok}{many}\r\n"), "more than 128 headers"),
        (
            format!("{ok}A: {large}\r\n\r\n"),
            "more than 64 KiB of headers",
        ),
        (format!("{ok}A B: c\r\n\r\n"), "the header name \"A B\""),
        (format!("{ok}nonsense\r\n\r\n"), "no colon"),
        (
            "HTTP/1.1 2x0 OK\r\n\r\n".to_owned(),
            "invalid response status",
        ),
        (
            "HTTP/1.1 099 OK\r\n\r\n".to_owned(),
            "invalid status code: 099",
        ),
        ("FTP/1.1 200 OK\r\n\r\n".to_owned(), "invalid HTTP version"),
        (
            format!("{ok}Content-Length: x\r\n\r\n"),
            "Content-Length header is not a number",
        ),
        (
            format!("{ok}Content-Length: 4\r\nContent-Length: 5\r\n\r\n"),
            "Content-Length headers contradict",
        ),
        (format!("{chunked}zz\r\n"), "a chunk's size is not a number"),
        (
            format!("{chunked}4\r\nQUJDxx0\r\n\r\n"),
            "a chunk does not end where its size says",
        ),
        (
            format!("{chunked}4;{}", "x".repeat(200_000)),
            "a line between chunks is too long",
        ),
    ] {
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = requests.clone();
        let shown = response.get(..100).unwrap_or(&response).to_owned();
        let server = RawServer::start(move |_, connection| {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = connection.write_all(response.as_bytes());
        });
        let retry = RetryPolicy::default().initial_backoff(std::time::Duration::from_millis(1));
        let client = Client::builder(&server.url)
            .token("token")
            .retry_policy(retry);
        let error = client.build().unwrap().get_output_file(1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{shown}: {error}");
        assert!(error.to_string().contains(words), "{shown}: {error}");
        assert!(!error.to_string().contains("closed"), "{shown}: {error}");
        assert!(!error.is_retryable(), "{shown}: {error}");
        assert_eq!(requests.load(Ordering::SeqCst), 1, "{shown}: {error}");
    }
}

#[test]
fn response_with_many_or_long_headers_is_read() {
    let many: String = (0..120).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let long = format!("Set-Cookie: {}\r\n", "x".repeat(60_000));
    for headers in [many, long] {
        let server = RawServer::responding(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n{headers}\r\nQUJD"
        ));
        let file = fetch(&server.url, BodyEncoding::Base64).unwrap();
        assert_eq!(file.bytes, b"ABC");
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Returns a response with these headers. The body is chunked if one of them says so.
fn encoded(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = match headers.contains("chunked") {
        true => format!("HTTP/1.1 200 OK\r\n{headers}\r\n{:x}\r\n", body.len()),
        false => {
            let length = body.len();
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{headers}\r\n")
        }
    };
    let end: &[u8] = match headers.contains("chunked") {
        true => b"\r\n0\r\n\r\n",
        false => b"",
    };
    [head.as_bytes(), body, end].concat()
}

#[test]
fn content_and_transfer_encodings_are_decoded() {
    let plain = b"id,name\r\n1,raw\r\n";
    let (once, twice) = (gzip(plain), gzip(&gzip(plain)));
    for (headers, body) in [
        ("", &plain[..]),
        ("Content-Encoding: none\r\n", plain),
        ("Content-Encoding: \r\n", plain),
        ("Content-Encoding: identity\r\n", plain),
        ("Content-Encoding: UTF-8\r\n", plain),
        (
            "Content-Encoding: windows-1252\r\nContent-Encoding: identity\r\n",
            plain,
        ),
        ("Content-Encoding: gzip\r\n", &once),
        ("Content-Encoding: utf-8, gzip\r\n", &once),
        ("Content-Encoding: gzip, gzip\r\n", &twice),
        (
            "Content-Encoding: gzip\r\nContent-Encoding: x-gzip\r\n",
            &twice,
        ),
        ("Transfer-Encoding: chunked\r\n", plain),
        ("Transfer-Encoding: gzip, chunked\r\n", &once),
        (
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
            &once,
        ),
        (
            "Content-Encoding: gzip\r\nTransfer-Encoding: gzip, chunked\r\n",
            &twice,
        ),
    ] {
        let server = RawServer::responding(encoded(headers, body));
        for encoding in [BodyEncoding::Raw, BodyEncoding::Auto] {
            let file = fetch(&server.url, encoding).unwrap();
            assert_eq!(file.bytes, plain, "{headers:?}");
        }
    }
}

#[test]
fn unsupported_or_invalid_encoding_fails() {
    let body = gzip(&gzip(&gzip(b"id,name\r\n")));
    for (headers, kind, words) in [
        (
            "Content-Encoding: br\r\n",
            ErrorKind::MalformedBody,
            "content-encoding br",
        ),
        (
            "Content-Encoding: gzip, deflate\r\n",
            ErrorKind::MalformedBody,
            "deflate",
        ),
        (
            "Content-Encoding: gzip, gzip, gzip\r\n",
            ErrorKind::MalformedBody,
            "two layers",
        ),
        (
            "Transfer-Encoding: deflate, chunked\r\n",
            ErrorKind::Connection,
            "deflate",
        ),
        (
            "Transfer-Encoding: chunked, gzip\r\n",
            ErrorKind::Connection,
            "after \"chunked\"",
        ),
        (
            "Content-Encoding: gzip\r\n",
            ErrorKind::MalformedBody,
            "not valid gzip",
        ),
    ] {
        let body: &[u8] = match words {
            "not valid gzip" => b"id,name\r\n",
            _ => &body,
        };
        let server = RawServer::responding(encoded(headers, body));
        for encoding in [BodyEncoding::Raw, BodyEncoding::Auto, BodyEncoding::Base64] {
            let error = fetch(&server.url, encoding).unwrap_err();
            assert_eq!(error.kind(), kind, "{headers:?}: {error}");
            assert!(error.to_string().contains(words), "{headers:?}: {error}");
            assert!(!error.is_retryable(), "{headers:?}: {error}");
        }
    }
}

#[test]
fn transfer_encoding_in_http_1_0_fails() {
    let body = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 14\r\n\r\n";
    let server = RawServer::responding(format!("{body}4\r\nQUJD\r\n0\r\n\r\n"));
    let error = fetch(&server.url, BodyEncoding::Raw).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
}

#[test]
fn stale_pooled_connections_cost_one_request() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    let gate = Arc::new(Barrier::new(8));
    let steps = gate.clone();
    // The first eight requests wait for each other, so that each has a connection of its own.
    let server = RawServer::start(move |_, connection| {
        if counted.fetch_add(1, Ordering::SeqCst) < 8 {
            steps.wait();
        }
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nQUJD";
        connection.write_all(response).unwrap();
        if connection
            .read(&mut [0; 4096])
            .is_ok_and(|length| length > 0)
        {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let builder = Client::builder(&server.url).token("token");
    let client = builder.retry_policy(RetryPolicy::never()).build().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| client.get_output_file(1).unwrap());
        }
    });
    assert_eq!(client.get_output_file(1).unwrap().bytes, b"ABC");
    assert_eq!(requests.load(Ordering::SeqCst), 10);
}

#[test]
fn transfer_encoding_identity_ends_with_the_connection() {
    for coding in ["identity", "", "Identity, identity"] {
        let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n");
        let server = RawServer::responding(format!("{head}\r\nQUJD"));
        let file = fetch(&server.url, BodyEncoding::Base64).unwrap();
        assert_eq!(file.bytes, b"ABC", "{coding:?}");
        let server = RawServer::responding(format!("{head}Content-Length: 8\r\n\r\nQUJD"));
        let error = fetch(&server.url, BodyEncoding::Base64).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{coding:?}: {error}");
    }
}

#[test]
fn token_of_any_length_is_sent_or_rejected() {
    let server = RawServer::start(|head, connection| {
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("authorization: Bearer "))
            .unwrap()
            .len();
        let response = format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{length:05}");
        connection.write_all(response.as_bytes()).unwrap();
    });
    for length in [1, 10_000, 33_000, 64 * 1024] {
        let client = Client::builder(&server.url).token("t".repeat(length));
        let client = client.body_encoding(BodyEncoding::Raw).build().unwrap();
        let file = client.get_output_file(1).unwrap();
        assert_eq!(file.bytes, format!("{length:05}").as_bytes());
    }
    let error = Client::builder(&server.url).token("t".repeat(64 * 1024 + 1));
    let error = error.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert!(error.to_string().contains("64 KiB"), "{error}");
}

#[test]
fn content_type_with_the_token_is_redacted() {
    let server = RawServer::responding(
        "HTTP/1.1 200 OK\r\nContent-Type: text/csv; session=secret-token\r\n\
         Content-Length: 4\r\n\r\nQUJD",
    );
    let client = Client::builder(&server.url).token("secret-token");
    let file = client.build().unwrap().get_output_file(1).unwrap();
    let content_type = file.content_type.as_deref();
    assert_eq!(content_type, Some("text/csv; session=[token]"));
}

#[test]
fn chunk_extensions_are_ignored() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let long = "x".repeat(10_000);
    for body in [
        "4;a=b\r\nQUJD\r\n4\r\nREVG\r\n0\r\n\r\n".to_owned(),
        "4;signature=\"0123456789abcdef;\"\r\nQUJD\r\n4\r\nREVG\r\n0;last=\"0123456789abcdef\"\r\n\r\n"
            .to_owned(),
        format!("8;{long}\r\nQUJDREVG\r\n0;{long}\r\nTrailer: {long}\r\n\r\n"),
        "00000000000000000000000000000004 \t ;a\r\nQUJD\r\n4                         \r\nREVG\r\n000\r\n\r\n"
            .to_owned(),
    ] {
        for step in [1, 3, 20_000] {
            let body = body.clone();
            let server = RawServer::start(move |_, connection| {
                connection.set_nodelay(true).unwrap();
                connection.write_all(head.as_bytes()).unwrap();
                for part in body.as_bytes().chunks(step) {
                    connection.write_all(part).unwrap();
                }
            });
            let file = fetch(&server.url, BodyEncoding::Base64).unwrap();
            assert_eq!(file.bytes, b"ABCDEF", "{step}");
        }
    }
}
