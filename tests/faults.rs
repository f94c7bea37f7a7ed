//! Everything that a server or a network may do wrong, one row each: the kind of the
//! error and the time within which it comes. After each nothing is left of the file, no
//! descriptor is lost, and the client still works.

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use sellercloud_output::ErrorKind::{self, *};
use sellercloud_output::{Client, Error, Retry};
use support::raw_server::RawServer;
use support::tls::{self, Authority};

/// How the server ends its answer.
#[derive(Clone, Copy)]
enum End {
    /// In good order, as far as TCP goes. TLS is not told.
    Close,
    Reset,
    /// It sends no more, and still takes what comes.
    HalfClose,
    /// Not at all.
    Silence,
    /// It goes on for ever, a byte each time, and never with too long a pause.
    Drip,
    /// With what is no record of TLS.
    NoTls,
}
use End::{Close, Drip, HalfClose, NoTls, Reset, Silence};

struct Fault {
    name: String,
    answer: Vec<u8>,
    end: End,
    kind: ErrorKind,
    is_over_tls: bool,
}

/// Silence is over after this, and every fault long before this and as much again.
const STALL: Duration = Duration::from_millis(400);
const LIMIT: Duration = Duration::from_millis(1500);
/// What ends a drip.
const CALL: Duration = Duration::from_millis(800);
/// The largest file that is accepted.
const MAX_SIZE: u64 = 1 << 20;

const OK: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

fn fault(name: &str, answer: impl AsRef<[u8]>, end: End, kind: ErrorKind) -> Fault {
    Fault {
        name: name.to_owned(),
        answer: answer.as_ref().to_owned(),
        end,
        kind,
        is_over_tls: false,
    }
}

/// An answer whose head is in order.
fn answered(headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    // It closes where it has answered: kept, the connection may be taken for the next call.
    let always = format!("Content-Length: {}\r\nConnection: close\r\n", body.len());
    let head = format!("{OK}{always}{headers}\r\n");
    [head.as_bytes(), body].concat()
}

fn with_status(status: &str, headers: &str) -> String {
    let always = "Content-Length: 0\r\nConnection: close\r\n";
    format!("HTTP/1.1 {status}\r\n{always}{headers}\r\n")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn faults() -> Vec<Fault> {
    [
        in_every_phase(),
        over_tls(),
        of_the_head(),
        of_the_framing(),
        of_the_body(),
        of_the_compression(),
        of_the_status(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn each_end_in_each_phase(
    phases: &[(&str, String)],
    ends: &[(&str, End, ErrorKind)],
) -> Vec<Fault> {
    let mut rows = Vec::new();
    for (place, answer) in phases {
        for (what, end, kind) in ends {
            rows.push(fault(&format!("{what} {place}"), answer, *end, *kind));
        }
    }
    rows
}

/// Each way to end, in each place of an answer.
fn in_every_phase() -> Vec<Fault> {
    let phases = [
        ("before anything", String::new()),
        ("within the status line", "HTTP/1.1 20".to_owned()),
        ("after the status line", OK.to_owned()),
        ("within a header", format!("{OK}Content-Type: te")),
        ("after the head", format!("{OK}Content-Length: 8\r\n\r\n")),
        (
            "within the body",
            format!("{OK}Content-Length: 8\r\n\r\nQUJD"),
        ),
        ("within a chunk's size", format!("{CHUNKED}4\r\nQUJD\r\n1")),
        ("within a chunk", format!("{CHUNKED}8\r\nQUJD")),
        ("after a chunk", format!("{CHUNKED}4\r\nQUJD\r\n")),
        (
            "within the last chunk",
            format!("{CHUNKED}4\r\nQUJD\r\n0\r\n"),
        ),
        (
            "within the trailers",
            format!("{CHUNKED}4\r\nQUJD\r\n0\r\nX: y"),
        ),
    ];
    let ends = [
        ("the connection is closed", Close, Connection),
        ("it is reset", Reset, Connection),
        ("one side of it is closed", HalfClose, Connection),
        ("nothing more comes", Silence, Timeout),
    ];
    let mut rows = each_end_in_each_phase(&phases, &ends);
    let drips = [
        ("a header", format!("{OK}Content-Type: te")),
        ("a body", format!("{OK}Content-Length: 10000\r\n\r\n")),
        ("a body without end", format!("{OK}\r\n")),
        ("a chunk", format!("{CHUNKED}1000\r\n")),
        ("a trailer", format!("{CHUNKED}0\r\nX: y")),
    ];
    for (what, answer) in &drips {
        rows.push(fault(&format!("{what} drips"), answer, Drip, Timeout));
    }
    rows
}

/// The same over TLS, which has ends of its own.
fn over_tls() -> Vec<Fault> {
    let phases = [
        ("before anything", String::new()),
        ("within the head", format!("{OK}Content-Type: te")),
        (
            "within the body",
            format!("{OK}Content-Length: 8\r\n\r\nQUJD"),
        ),
        ("after a chunk", format!("{CHUNKED}4\r\nQUJD\r\n")),
        (
            "after a body that ends with the connection",
            format!("{OK}\r\nQUJD"),
        ),
    ];
    let ends = [
        (
            "the connection is closed without a word of TLS",
            Close,
            Connection,
        ),
        ("it is reset", Reset, Connection),
        ("one side of it is closed", HalfClose, Connection),
        ("nothing more comes", Silence, Timeout),
        ("what comes is no TLS", NoTls, Tls),
    ];
    let rows = each_end_in_each_phase(&phases, &ends).into_iter();
    rows.map(|row| Fault {
        name: format!("over TLS, {}", row.name),
        is_over_tls: true,
        ..row
    })
    .collect()
}

fn of_the_head() -> Vec<Fault> {
    let many: String = (0..100_000).map(|n| format!("X-{n}: y\r\n")).collect();
    vec![
        fault("no HTTP", "220 ready\r\n\r\n", Close, Connection),
        fault("another protocol", "SSH-2.0-x\r\n", Silence, Connection),
        fault(
            "a record of TLS",
            b"\x16\x03\x03\x00\x02\x02\x28",
            Silence,
            Connection,
        ),
        fault("no status", "HTTP/1.1 OK\r\n\r\n", Close, Connection),
        fault(
            "a status of two digits",
            "HTTP/1.1 20 OK\r\n\r\n",
            Close,
            Connection,
        ),
        fault(
            "a status of four digits",
            "HTTP/1.1 2000 OK\r\n\r\n",
            Close,
            Connection,
        ),
        fault(
            "a negative status",
            "HTTP/1.1 -20 OK\r\n\r\n",
            Close,
            Connection,
        ),
        fault("HTTP/9.9", "HTTP/9.9 200 OK\r\n\r\n", Close, Connection),
        fault("NUL bytes", vec![0; 100_000], Silence, Connection),
        fault("empty lines", "\r\n".repeat(100_000), Silence, Connection),
        fault(
            "a header without colon",
            format!("{OK}nonsense\r\n\r\n"),
            Close,
            Connection,
        ),
        fault(
            "a header without name",
            format!("{OK}: x\r\n\r\n"),
            Close,
            Connection,
        ),
        fault(
            "a blank in a header's name",
            format!("{OK}A B: x\r\n\r\n"),
            Close,
            Connection,
        ),
        fault(
            "a NUL in a header",
            format!("{OK}A: \0\r\n\r\n"),
            Close,
            Connection,
        ),
        fault(
            "a header of 1 MB",
            format!("{OK}A: {}\r\n\r\n", "x".repeat(1_000_000)),
            Silence,
            Connection,
        ),
        fault(
            "a header without end",
            format!("{OK}A: {}", "x".repeat(1_000_000)),
            Silence,
            Connection,
        ),
        fault(
            "100,000 headers",
            format!("{OK}{many}\r\n"),
            Silence,
            Connection,
        ),
        fault(
            "headers without end",
            format!("{OK}{many}"),
            Silence,
            Connection,
        ),
        fault(
            "a name of 1 MB",
            answered(
                &format!(
                    "Content-Disposition: attachment; filename={}\r\n",
                    "x".repeat(1_000_000)
                ),
                "QUJD",
            ),
            Silence,
            Connection,
        ),
    ]
}

fn of_the_framing() -> Vec<Fault> {
    let length = |length: &str| format!("{OK}Content-Length: {length}\r\n\r\nQUJD");
    let chunk = |chunks: &str| format!("{CHUNKED}{chunks}");
    vec![
        fault("too long a length", length("5"), Close, Connection),
        fault(
            "a length of 1 TB",
            length("1099511627776"),
            Close,
            Connection,
        ),
        fault("too short a length", length("3"), Close, MalformedBody),
        fault("a negative length", length("-4"), Close, Connection),
        fault("a length with a sign", length("+4"), Close, Connection),
        fault("a length in hexadecimal", length("0x4"), Close, Connection),
        fault("a length that is empty", length(""), Close, Connection),
        fault(
            "a length beyond 64 bits",
            length("18446744073709551616"),
            Close,
            Connection,
        ),
        fault(
            "two lengths",
            length("4\r\nContent-Length: 5"),
            Close,
            Connection,
        ),
        fault("two lengths in one", length("4, 5"), Close, Connection),
        fault(
            "a length and chunks",
            format!("{OK}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nQUJD"),
            Close,
            Connection,
        ),
        fault(
            "an unknown transfer coding",
            format!("{OK}Transfer-Encoding: rot13\r\n\r\nQUJD"),
            Close,
            Connection,
        ),
        fault(
            "no size of a chunk",
            chunk("\r\nQUJD\r\n0\r\n\r\n"),
            Close,
            Connection,
        ),
        fault(
            "a chunk's size in words",
            chunk("four\r\nQUJD\r\n0\r\n\r\n"),
            Close,
            Connection,
        ),
        fault(
            "a negative size of a chunk",
            chunk("-4\r\nQUJD\r\n0\r\n\r\n"),
            Close,
            Connection,
        ),
        fault(
            "a chunk's size beyond 64 bits",
            chunk("10000000000000004\r\nQUJD\r\n0\r\n\r\n"),
            Close,
            Connection,
        ),
        fault(
            "too small a chunk's size",
            chunk("3\r\nQUJD\r\n0\r\n\r\n"),
            Close,
            Connection,
        ),
        fault(
            "too large a chunk's size",
            chunk("5\r\nQUJD\r\n0\r\n\r\n"),
            Close,
            Connection,
        ),
        fault(
            "a chunk's extension of 1 MB",
            chunk(&format!("4;{}\r\nQUJD\r\n0\r\n\r\n", "x".repeat(1_000_000))),
            Silence,
            Connection,
        ),
        fault(
            "a chunk's size without end",
            chunk(&"0".repeat(1_000_000)),
            Silence,
            Connection,
        ),
    ]
}

fn of_the_body() -> Vec<Fault> {
    let malformed = |name: &str, body: &str| fault(name, answered("", body), Close, MalformedBody);
    let text = "QUJD".repeat(10_000);
    let with = |place: usize, wrong: &str| {
        let mut body = text.clone();
        body.replace_range(place..place + wrong.len(), wrong);
        body
    };
    vec![
        malformed("wrong base64 at the first byte", &with(0, "*")),
        malformed("wrong base64 in the middle", &with(20_000, "*")),
        malformed("wrong base64 at the last byte", &with(39_999, "*")),
        malformed("padding in the middle", &with(20_000, "=")),
        malformed("text beyond the padding", "QUI=QUJD"),
        malformed("three characters of padding", "Q==="),
        malformed("one character too few", "QUJDQUI"),
        malformed("bits that are not zero", "QUJ="),
        malformed("base64 of URLs", "__--"),
        malformed("a web page", "<!DOCTYPE html><title>Sign in</title>"),
        malformed("an error object", r#"{"Message":"An error has occurred."}"#),
        fault(
            "null",
            answered("Content-Type: application/json\r\n", "null"),
            Close,
            MalformedBody,
        ),
        malformed("a number", "12"),
        malformed("a list", "[\"QUJD\"]"),
        malformed("a string that is not closed", "\"QUJD"),
        malformed("a string with a wrong escape", r#""QU\xJD""#),
        malformed("a string with half an escape", r#""QU\u004"#),
        malformed("two strings", r#""QUJD""QUJD""#),
        malformed("an object that is not closed", r#"{"Content":"QUJD""#),
        malformed("an object without content", r#"{"FileName":"a.csv"}"#),
        malformed("content that is a number", r#"{"Content":7}"#),
        malformed("an object nested 100,000 deep", &"{\"a\":".repeat(100_000)),
        malformed(
            "lists nested 100,000 deep",
            &format!("{{\"a\":{}", "[".repeat(100_000)),
        ),
        fault(
            "too large a file",
            answered("", "QUJD".repeat(400_000)),
            Close,
            TooLarge,
        ),
        fault(
            "a string that is too large and never closed",
            answered("", format!("\"{}", "QUJD".repeat(400_000))),
            Close,
            TooLarge,
        ),
    ]
}

fn of_the_compression() -> Vec<Fault> {
    let encoded = |name: &str, body: Vec<u8>, kind| {
        fault(
            name,
            answered("Content-Encoding: gzip\r\n", body),
            Close,
            kind,
        )
    };
    let whole = gzip(b"QUJDREVG");
    let mut corrupt = whole.clone();
    let sum = corrupt.len() - 6;
    corrupt[sum] ^= 1;
    // Many members, as one of them cannot shrink enough to be sent within a test.
    let bomb = gzip(&vec![b'A'; 16 << 20]).repeat(64);
    vec![
        encoded(
            "gzip that is cut short",
            whole[..whole.len() - 1].to_vec(),
            MalformedBody,
        ),
        encoded("gzip with a wrong sum", corrupt, MalformedBody),
        encoded("what is no gzip", b"QUJD".to_vec(), MalformedBody),
        encoded(
            "gzip and more",
            [&whole[..], b"more"].concat(),
            MalformedBody,
        ),
        encoded("1 GiB in 1 MB of gzip", bomb, TooLarge),
        fault(
            "a coding that was not asked for",
            answered("Content-Encoding: br\r\n", "QUJD"),
            Close,
            MalformedBody,
        ),
    ]
}

fn of_the_status() -> Vec<Fault> {
    let status = |status: &str, kind| fault(status, with_status(status, ""), Close, kind);
    let redirect = |name: &str, to: &str, kind| {
        let location = format!("Location: {to}\r\n");
        fault(name, with_status("302 Found", &location), Close, kind)
    };
    vec![
        status("201 Created", UnexpectedStatus),
        fault(
            "204 No Content",
            "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
            Close,
            UnexpectedStatus,
        ),
        status("206 Partial Content", UnexpectedStatus),
        fault(
            "304 Not Modified",
            "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n",
            Close,
            UnexpectedStatus,
        ),
        status("400 Bad Request", UnexpectedStatus),
        status("401 Unauthorized", Authentication),
        status("403 Forbidden", Forbidden),
        status("404 Not Found", NotFound),
        status("429 Too Many Requests", RateLimited),
        status("500 Internal Server Error", Server),
        status("503 Service Unavailable", Server),
        status("599 Whatever", Server),
        status("600 Beyond", UnexpectedStatus),
        status("999 Request denied", UnexpectedStatus),
        fault(
            "101 Switching Protocols",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
            Silence,
            UnexpectedStatus,
        ),
        fault(
            "100 Continue for ever",
            "HTTP/1.1 100 Continue\r\n\r\n".repeat(50_000),
            Silence,
            Timeout,
        ),
        redirect(
            "a redirect in a circle",
            "/api/QueuedJobs/OutputFile/1",
            UnexpectedStatus,
        ),
        redirect(
            "a redirect to a file",
            "file:///etc/passwd",
            UnexpectedStatus,
        ),
        redirect(
            "a redirect to another host",
            "https://elsewhere.example/",
            UnexpectedStatus,
        ),
        redirect(
            "a redirect to plain http elsewhere",
            "http://192.0.2.1/",
            UnexpectedStatus,
        ),
        redirect("a redirect to no URL", "http://[", UnexpectedStatus),
        redirect("a redirect of 1 MB", &"x".repeat(1_000_000), Connection),
        fault(
            "a redirect to nowhere",
            with_status("302 Found", ""),
            Close,
            UnexpectedStatus,
        ),
    ]
}

static AUTHORITY: LazyLock<Authority> = LazyLock::new(Authority::new);

/// Answers with the fault where job 1 is asked for, and else with a file; gives its URL.
fn server(fault: &Fault) -> String {
    let (answer, end) = (fault.answer.clone(), fault.end);
    if !fault.is_over_tls {
        let serve = move |head: &str, connection: &mut TcpStream| {
            let socket = connection.try_clone().unwrap();
            fail(&answer, end, head, connection, &socket);
        };
        return RawServer::start(serve).url;
    }
    let config = AUTHORITY.server("localhost").config();
    let port = tls::serve(config, move |connection| {
        let mut head = String::new();
        let mut lines = BufReader::new(&mut *connection);
        while !head.ends_with("\r\n\r\n") && lines.read_line(&mut head)? > 0 {}
        let socket = connection.sock.try_clone()?;
        fail(&answer, end, &head, connection, &socket);
        Ok(())
    });
    format!("https://localhost:{port}")
}

/// What comes may not be taken: the client may have seen enough and hung up.
fn fail(
    answer: &[u8],
    end: End,
    head: &str,
    connection: &mut (impl Read + Write),
    mut socket: &TcpStream,
) {
    if !head.starts_with("GET /api/QueuedJobs/OutputFile/1 ") && !head.contains("OutputFile?id=1 ")
    {
        let _ = connection.write_all(&answered("", "QUJD"));
        let _ = connection.flush();
        return;
    }
    let _ = connection.write_all(answer);
    let _ = connection.flush();
    match end {
        Close => {}
        Reset => socket2::SockRef::from(socket)
            .set_linger(Some(Duration::ZERO))
            .unwrap(),
        HalfClose => {
            let _ = socket.shutdown(Shutdown::Write);
            until_hung_up(socket);
        }
        Silence => until_hung_up(socket),
        Drip => {
            while connection.write_all(b"1").is_ok() {
                thread::park_timeout(STALL / 4);
            }
        }
        NoTls => {
            let _ = socket.write_all(&[b'x'; 1000]);
            until_hung_up(socket);
        }
    }
}

fn until_hung_up(mut socket: &TcpStream) {
    let _ = socket.read_to_end(&mut Vec::new());
}

fn client(url: &str) -> Client {
    let builder = Client::builder(url).token("token").retry(Retry::never());
    let builder = builder.add_ca_certificates(AUTHORITY.pem().as_bytes());
    let builder = builder.stall_timeout(STALL).call_timeout(CALL);
    builder.max_size(MAX_SIZE).build().unwrap()
}

/// Descriptors of this process.
fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn check<T>(fault: &Fault, outcome: Result<T, Error>, start: Instant) -> Result<(), String> {
    let time = start.elapsed();
    let Err(error) = outcome else {
        return Err(format!("{}: it is no error", fault.name));
    };
    if error.kind() != fault.kind {
        let kind = error.kind();
        return Err(format!(
            "{}: {kind:?}, not {:?}: {error}",
            fault.name, fault.kind
        ));
    }
    if time > LIMIT {
        return Err(format!("{}: after {time:?}", fault.name));
    }
    Ok(())
}

fn survives(fault: &Fault) -> Result<(), String> {
    let server = server(fault);
    let client = client(&server);
    let start = Instant::now();
    check(fault, client.output_file(1), start)?;
    let folder = tempfile::tempdir().unwrap();
    let start = Instant::now();
    check(fault, client.save_output_file(1, folder.path()), start)?;
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    if !left.is_empty() {
        return Err(format!("{}: it leaves {left:?}", fault.name));
    }
    match client.output_file(2) {
        Ok(file) if file.bytes == b"ABC" => Ok(()),
        other => Err(format!("{}: then {other:?}", fault.name)),
    }
}

#[test]
fn every_fault_is_an_error_of_its_kind_and_leaves_nothing() {
    let faults = faults();
    assert!(faults.len() >= 60);
    let mut broken = Vec::new();
    let before = open_files();
    for fault in &faults {
        broken.extend(survives(fault).err());
    }
    println!("{} faults", faults.len());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    // The servers, which listen until the process ends, have one each; they may still
    // be closing what the clients have closed.
    let limit = Instant::now() + LIMIT;
    while open_files() > before + faults.len() && Instant::now() < limit {
        std::thread::yield_now();
    }
    assert_eq!(open_files(), before + faults.len());
}
