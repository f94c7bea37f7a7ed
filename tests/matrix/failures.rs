//! The failures of servers, proxies and networks, as data: what is sent, how the connection
//! ends, and what a call makes of it.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use sellercloud_output::ErrorKind::{self, *};

use mock_server::connect_proxy::ESTABLISHED;
use mock_server::connection::End::{self, *};

/// Where a failure happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the response to the request that the call is about.
    Response,
    /// Once the server has accepted a connection. It reads nothing.
    ServerAccept,
    /// Once the proxy has accepted a connection. It reads nothing.
    ProxyAccept,
    /// In the proxy's response to CONNECT.
    Connect,
    /// In the certificate that the server shows.
    ServerCertificate,
    /// In the certificate that the proxy shows.
    ProxyCertificate,
    /// In how the proxy ends a tunnel whose server has ended its side.
    TunnelEnd,
}

/// On which ways to the server a failure is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Routes {
    All,
    Proxied,
    ProxyOverTls,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Servers {
    All,
    Http,
    Https,
}

/// What a response is made from.
pub(crate) struct Asked<'a> {
    /// The request target.
    pub target: &'a str,
    /// The body that the call would succeed with.
    pub body: &'a str,
}

/// A place in a response, and what comes before it.
type Phase = (&'static str, fn(&Asked) -> String);

type Template = Box<dyn Fn(&Asked) -> Vec<u8> + Send + Sync>;

/// A row of the matrix.
pub(crate) struct Failure {
    pub name: String,
    pub place: Place,
    pub response: Template,
    pub end: End,
    /// The error of each call; `None` where a call must succeed nevertheless.
    pub file: Option<ErrorKind>,
    pub job: Option<ErrorKind>,
    pub login: Option<ErrorKind>,
    /// Whether the retry policy repeats a request that failed as `file` says. Where the error
    /// of a job or a login is another, it lasts.
    pub is_transient: bool,
    /// How many requests one attempt sends, other than a login, which sends one.
    pub requests: Requests,
    /// Whether the connection ends before any byte of a response.
    pub is_unanswered: bool,
    /// Whether the proxy opens the tunnel with its response to CONNECT.
    pub opens_tunnel: bool,
    pub routes: Routes,
    pub servers: Servers,
    /// Whether `cargo test` takes every cell of the row, being the first of its kind.
    pub is_quick: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Requests {
    One,
    /// The request for a file, in both forms. Other requests have one form.
    BothForms,
    /// The request and five redirects.
    Redirects,
}

impl Failure {
    /// Whether the failure is over only when a time limit is.
    pub(crate) fn is_slow(&self) -> bool {
        [self.file, self.job, self.login].contains(&Some(Timeout))
    }

    fn at(mut self, place: Place) -> Self {
        self.place = place;
        self.routes = match place {
            Place::ProxyAccept | Place::Connect => Routes::Proxied,
            Place::ProxyCertificate | Place::TunnelEnd => Routes::ProxyOverTls,
            _ => Routes::All,
        };
        if place == Place::ServerCertificate {
            self.servers = Servers::Https;
        }
        self
    }

    /// A failure that the same request would meet again.
    fn lasting(mut self) -> Self {
        self.is_transient = false;
        self
    }

    fn transient(mut self) -> Self {
        self.is_transient = true;
        self
    }

    /// Another kind where the response should be JSON, for a job or a token.
    fn of_json(mut self, kind: ErrorKind) -> Self {
        (self.job, self.login) = (Some(kind), Some(kind));
        self
    }

    fn of_login(mut self, kind: ErrorKind) -> Self {
        self.login = Some(kind);
        self
    }

    fn with_requests(mut self, requests: Requests) -> Self {
        self.requests = requests;
        self
    }

    fn opening_tunnel(mut self) -> Self {
        self.opens_tunnel = true;
        self
    }

    fn only(mut self, servers: Servers) -> Self {
        self.servers = servers;
        self
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

fn made(
    name: &str,
    response: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static,
    end: End,
    kind: impl Into<Option<ErrorKind>>,
) -> Failure {
    let kind = kind.into();
    Failure {
        name: name.to_owned(),
        place: Place::Response,
        response: Box::new(response),
        end,
        file: kind,
        job: kind,
        login: kind,
        is_transient: matches!(kind, Some(Connection | Timeout | RateLimited)),
        requests: Requests::One,
        is_unanswered: false,
        opens_tunnel: false,
        routes: Routes::All,
        servers: Servers::All,
        is_quick: false,
    }
}

fn fixed(
    name: &str,
    response: impl AsRef<[u8]>,
    end: End,
    kind: impl Into<Option<ErrorKind>>,
) -> Failure {
    let response = response.as_ref().to_owned();
    made(name, move |_| response.clone(), end, kind)
}

/// A response whose head is well-formed.
fn with_body(headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    // Closed where it ends, so that the next request has a connection of its own.
    let always = format!("Content-Length: {}\r\nConnection: close\r\n", body.len());
    let head = format!("{OK}{always}{headers}\r\n");
    [head.as_bytes(), body].concat()
}

fn with_status(status: &str, headers: &str, body: &str) -> String {
    let always = format!("Content-Length: {}\r\nConnection: close\r\n", body.len());
    format!("HTTP/1.1 {status}\r\n{always}{headers}\r\n{body}")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn half(text: &str) -> &str {
    &text[..text.len() / 2]
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// One failure of each kind, for the quick run.
const QUICK: [&str; 14] = [
    "closed before the response",
    "reset within the body",
    "half-closed within a chunk",
    "silent after the head",
    "dripping body",
    "length larger than the body",
    "chunk size larger than the chunk",
    "response that is not HTTP",
    "invalid base64 in the middle",
    "gzip cut short",
    "503 Service Unavailable, Retry-After: 0",
    "404 Not Found",
    "body that ends with the connection, closed without close_notify",
    "CONNECT: closed after 200",
];

/// All rows.
pub(crate) fn failures() -> Vec<Failure> {
    let groups = [
        in_every_phase(),
        of_tls(),
        of_the_head(),
        of_the_framing(),
        of_the_body(),
        of_the_compression(),
        of_the_status(),
        of_redirects(),
        of_the_proxy(),
    ];
    let mut rows: Vec<Failure> = groups.into_iter().flatten().collect();
    for row in &mut rows {
        row.is_quick = QUICK.contains(&row.name.as_str());
    }
    rows
}

/// The number of rows that the quick run takes in every cell.
pub(crate) const QUICK_ROWS: usize = QUICK.len();

/// The name of the row after which a call waits before it tries again.
pub(crate) const WAIT_FOR_RETRY: &str = "503 Service Unavailable, Retry-After: 5";
/// The name of the row after which a call waits before it asks for the job again.
pub(crate) const WAIT_FOR_JOB: &str = "job that is running";

/// What a call may be stopped in, besides the rows that are named by [`STUCK_ROWS`].
pub(crate) fn waits() -> [Failure; 2] {
    let busy = with_status("503 Service Unavailable", "Retry-After: 5\r\n", "");
    let running = with_body("", r#"{"Basic":{"ID":1,"Status":1}}"#);
    [
        fixed(WAIT_FOR_RETRY, busy, Close, Server).transient(),
        fixed(WAIT_FOR_JOB, running, Close, Timeout),
    ]
}

/// The rows in which a call gets no further, one for each phase of a request.
pub(crate) const STUCK_ROWS: [&str; 9] = [
    "silent once the proxy has accepted the connection",
    "CONNECT: silent before the response",
    "CONNECT: dripping head",
    "CONNECT: silent after 200",
    "silent once the server has accepted the connection",
    "silent before the response",
    "dripping header",
    "silent within the body",
    "dripping body",
];

/// Each way to end, in each place of a response.
fn in_every_phase() -> Vec<Failure> {
    let phases: [Phase; 11] = [
        ("before the response", |_| String::new()),
        ("within the status line", |_| "HTTP/1.1 20".to_owned()),
        ("after the status line", |_| OK.to_owned()),
        ("within a header", |_| format!("{OK}Content-Type: te")),
        ("after the head", |asked| {
            format!("{OK}Content-Length: {}\r\n\r\n", asked.body.len())
        }),
        ("within the body", |asked| {
            let head = format!("{OK}Content-Length: {}\r\n\r\n", asked.body.len());
            head + half(asked.body)
        }),
        ("within a chunk's size", |asked| {
            format!("{CHUNKED}{}1", chunk(half(asked.body)))
        }),
        ("within a chunk", |asked| {
            format!("{CHUNKED}{:x}\r\n{}", asked.body.len(), half(asked.body))
        }),
        ("after a chunk", |asked| {
            format!("{CHUNKED}{}", chunk(asked.body))
        }),
        ("within the last chunk", |asked| {
            format!("{CHUNKED}{}0\r\n", chunk(asked.body))
        }),
        ("within the trailers", |asked| {
            format!("{CHUNKED}{}0\r\nX: y", chunk(asked.body))
        }),
    ];
    let ends = [
        ("closed", Close, Connection),
        ("reset", Reset, Connection),
        ("half-closed", HalfClose, Connection),
        ("silent", Stall, Timeout),
    ];
    let mut rows = Vec::new();
    for (index, (place, response)) in phases.into_iter().enumerate() {
        for (what, end, kind) in ends {
            let response = move |asked: &Asked| response(asked).into_bytes();
            rows.push(Failure {
                is_unanswered: index == 0 && end != Stall,
                ..made(&format!("{what} {place}"), response, end, kind)
            });
        }
    }
    // What `write` has handed out by then cannot be taken back.
    let much = format!(
        "{OK}Content-Length: 1000000\r\n\r\n{}",
        "QUJD".repeat(50_000)
    );
    rows.push(
        fixed("closed within a large body", &much, Close, Connection).of_login(MalformedBody),
    );
    rows.push(fixed("reset within a large body", &much, Reset, Connection).of_login(MalformedBody));
    for (what, response) in [
        ("header", format!("{OK}Content-Type: te")),
        ("body", format!("{OK}Content-Length: 10000\r\n\r\n")),
        ("body without end", format!("{OK}\r\n")),
        ("chunk", format!("{CHUNKED}1000\r\n")),
        ("trailer", format!("{CHUNKED}0\r\nX: y")),
    ] {
        rows.push(fixed(
            &format!("dripping {what}"),
            response,
            SlowBytes,
            Timeout,
        ));
    }
    for (what, end, kind) in ends {
        let name = format!("{what} once the server has accepted the connection");
        rows.push(fixed(&name, "", end, kind).at(Place::ServerAccept));
    }
    rows
}

/// What TLS adds: records that are none, certificates, and the end of a body that nothing but
/// close_notify marks.
fn of_tls() -> Vec<Failure> {
    let phases: [Phase; 5] = [
        ("before the response", |_| String::new()),
        ("within the head", |_| format!("{OK}Content-Type: te")),
        ("within the body", |asked| {
            let head = format!("{OK}Content-Length: {}\r\n\r\n", asked.body.len());
            head + half(asked.body)
        }),
        ("after a chunk", |asked| {
            format!("{CHUNKED}{}", chunk(asked.body))
        }),
        ("after a body that ends with the connection", |asked| {
            format!("{OK}\r\n{}", asked.body)
        }),
    ];
    let mut rows = Vec::new();
    for (place, response) in phases {
        let response = move |asked: &Asked| response(asked).into_bytes();
        let name = format!("no TLS record {place}");
        rows.push(made(&name, response, NotTls, Tls).only(Servers::Https));
    }
    let until_close = |asked: &Asked| format!("{OK}\r\n{}", asked.body).into_bytes();
    for (how, end, kind) in [
        ("closed without close_notify", Close, Connection),
        ("half-closed without close_notify", HalfClose, Connection),
    ] {
        let name = format!("body that ends with the connection, {how}");
        rows.push(made(&name, until_close, end, kind).only(Servers::Https));
    }
    for (how, end, kind) in [
        ("finished", Finish, None),
        ("reset", Reset, Some(Connection)),
        ("silent", Stall, Some(Timeout)),
    ] {
        let name = format!("body that ends with the connection, {how}");
        rows.push(made(&name, until_close, end, kind));
    }
    // The same for a proxy spoken to over TLS, whose close_notify is all that a plain http
    // server's response has.
    let name = "body that ends with the connection, proxy closes without close_notify";
    let row = made(name, until_close, Finish, Connection);
    rows.push(row.at(Place::TunnelEnd).only(Servers::Http));
    for (place, whose) in [
        (Place::ServerCertificate, "server"),
        (Place::ProxyCertificate, "proxy"),
    ] {
        for what in [UNKNOWN_CA, EXPIRED, OTHER_HOST] {
            let name = format!("{whose}'s certificate: {what}");
            rows.push(fixed(&name, what, Finish, Tls).at(place));
        }
    }
    let no_tls = fixed(
        "server speaks no TLS",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        Stall,
        Tls,
    );
    rows.push(no_tls.at(Place::ServerAccept).only(Servers::Https));
    rows
}

pub(crate) const UNKNOWN_CA: &str = "unknown authority";
pub(crate) const EXPIRED: &str = "expired";
pub(crate) const OTHER_HOST: &str = "another host's";

fn of_the_head() -> Vec<Failure> {
    let many: String = (0..100_000).map(|n| format!("X-{n}: y\r\n")).collect();
    let long = "x".repeat(1_000_000);
    let invalid = |name, response: String, end| fixed(name, response, end, Connection).lasting();
    vec![
        invalid(
            "response that is not HTTP",
            "220 ready\r\n\r\n".into(),
            Close,
        ),
        invalid("another protocol", "SSH-2.0-x\r\n".into(), Stall),
        fixed(
            "TLS alert in place of a response",
            b"\x16\x03\x03\x00\x02\x02\x28",
            Stall,
            Connection,
        )
        .lasting(),
        invalid("no status", "HTTP/1.1 OK\r\n\r\n".into(), Close),
        invalid(
            "status of two digits",
            "HTTP/1.1 20 OK\r\n\r\n".into(),
            Close,
        ),
        invalid(
            "status of four digits",
            "HTTP/1.1 2000 OK\r\n\r\n".into(),
            Close,
        ),
        invalid("negative status", "HTTP/1.1 -20 OK\r\n\r\n".into(), Close),
        invalid("HTTP/9.9", "HTTP/9.9 200 OK\r\n\r\n".into(), Close),
        invalid("NUL bytes", "\0".repeat(100_000), Stall),
        invalid("empty lines", "\r\n".repeat(100_000), Stall),
        invalid(
            "header without colon",
            format!("{OK}nonsense\r\n\r\n"),
            Close,
        ),
        invalid("header without name", format!("{OK}: x\r\n\r\n"), Close),
        invalid(
            "space in a header's name",
            format!("{OK}A B: x\r\n\r\n"),
            Close,
        ),
        invalid("NUL in a header", format!("{OK}A: \0\r\n\r\n"), Close),
        invalid("header of 1 MB", format!("{OK}A: {long}\r\n\r\n"), Stall),
        invalid("header without end", format!("{OK}A: {long}"), Stall),
        invalid("100,000 headers", format!("{OK}{many}\r\n"), Stall),
        invalid("headers without end", format!("{OK}{many}"), Stall),
        invalid(
            "file name of 1 MB",
            format!("{OK}Content-Disposition: attachment; filename={long}\r\n\r\n"),
            Stall,
        ),
    ]
}

fn of_the_framing() -> Vec<Failure> {
    let of_length = |name: &str, length: &'static str| {
        let response = move |asked: &Asked| {
            format!("{OK}Content-Length: {length}\r\n\r\n{}", asked.body).into_bytes()
        };
        made(name, response, Close, Connection)
    };
    let of_chunks = |name: &str, chunks: &str, end| {
        let response = format!("{CHUNKED}{chunks}");
        fixed(name, response, end, Connection).lasting()
    };
    let long = "x".repeat(1_000_000);
    vec![
        made(
            "length larger than the body",
            |asked| {
                let length = asked.body.len() + 1;
                format!("{OK}Content-Length: {length}\r\n\r\n{}", asked.body).into_bytes()
            },
            Close,
            Connection,
        ),
        of_length("length of 1 TB", "1099511627776"),
        made(
            "length smaller than the body",
            |asked| {
                let length = asked.body.len() - 1;
                format!("{OK}Content-Length: {length}\r\n\r\n{}", asked.body).into_bytes()
            },
            Close,
            MalformedBody,
        ),
        of_length("negative length", "-4").lasting(),
        of_length("length with a sign", "+4").lasting(),
        of_length("hexadecimal length", "0x4").lasting(),
        of_length("empty length", "").lasting(),
        of_length("length beyond 64 bits", "18446744073709551616").lasting(),
        of_length("two lengths", "4\r\nContent-Length: 5").lasting(),
        of_length("two lengths in one header", "4, 5").lasting(),
        // Chunks count (RFC 9112 section 6.3), and the body does not begin with a size.
        of_length("length and chunks", "4\r\nTransfer-Encoding: chunked").lasting(),
        fixed(
            "unknown transfer coding",
            format!("{OK}Transfer-Encoding: rot13\r\n\r\nQUJD"),
            Close,
            Connection,
        )
        .lasting(),
        of_chunks("chunk without size", "\r\nQUJD\r\n0\r\n\r\n", Close),
        of_chunks("chunk size in words", "four\r\nQUJD\r\n0\r\n\r\n", Close),
        of_chunks("negative chunk size", "-4\r\nQUJD\r\n0\r\n\r\n", Close),
        of_chunks(
            "chunk size beyond 64 bits",
            "10000000000000004\r\nQUJD\r\n0\r\n\r\n",
            Close,
        ),
        of_chunks(
            "chunk size smaller than the chunk",
            "3\r\nQUJD\r\n0\r\n\r\n",
            Close,
        ),
        of_chunks(
            "chunk size larger than the chunk",
            "5\r\nQUJD\r\n0\r\n\r\n",
            Close,
        ),
        of_chunks(
            "chunk extension of 1 MB",
            &format!("4;{long}\r\nQUJD\r\n0\r\n\r\n"),
            Stall,
        ),
        of_chunks("chunk size without end", &"0".repeat(1_000_000), Stall),
    ]
}

fn of_the_body() -> Vec<Failure> {
    let malformed = |name: &str, body: &str| fixed(name, with_body("", body), Close, MalformedBody);
    let text = "QUJD".repeat(10_000);
    let with = |place: usize, wrong: &str| {
        let mut body = text.clone();
        body.replace_range(place..place + wrong.len(), wrong);
        body
    };
    vec![
        malformed("invalid base64 at the first byte", &with(0, "*")),
        malformed("invalid base64 in the middle", &with(20_000, "*")),
        malformed("invalid base64 at the last byte", &with(39_999, "*")),
        malformed("padding in the middle", &with(20_000, "=")),
        malformed("text after the padding", "QUI=QUJD"),
        malformed("three padding characters", "Q==="),
        malformed("one character missing", "QUJDQUI"),
        malformed("trailing bits that are not zero", "QUJ="),
        malformed("URL-safe base64", "__--"),
        malformed("web page", "<!DOCTYPE html><title>Sign in</title>"),
        malformed("error object", r#"{"Message":"An error has occurred."}"#),
        fixed(
            "null",
            with_body("Content-Type: application/json\r\n", "null"),
            Close,
            MalformedBody,
        ),
        malformed("number", "12"),
        malformed("list", "[\"QUJD\"]"),
        malformed("string that is not closed", "\"QUJD"),
        malformed("string with an invalid escape", r#""QU\xJD""#),
        malformed("string with half an escape", r#""QU\u004"#),
        malformed("two strings", r#""QUJD""QUJD""#),
        malformed("object that is not closed", r#"{"Content":"QUJD""#),
        malformed("object without content", r#"{"FileName":"a.csv"}"#),
        malformed("content that is a number", r#"{"Content":7}"#),
        malformed("object nested 100,000 deep", &"{\"a\":".repeat(100_000)),
        malformed(
            "lists nested 100,000 deep",
            &format!("{{\"a\":{}", "[".repeat(100_000)),
        ),
        fixed(
            "file that is too large",
            with_body("", "QUJD".repeat(400_000)),
            Close,
            TooLarge,
        )
        .of_json(MalformedBody),
        fixed(
            "string that is too large and never closed",
            with_body("", format!("\"{}", "QUJD".repeat(400_000))),
            Close,
            TooLarge,
        )
        .of_json(MalformedBody),
    ]
}

fn of_the_compression() -> Vec<Failure> {
    const GZIP: &str = "Content-Encoding: gzip\r\n";
    // Many members, as one of them cannot shrink enough to be sent within a test.
    let bomb = gzip(&vec![b'A'; 16 << 20]).repeat(64);
    vec![
        made(
            "gzip cut short",
            |asked| {
                let whole = gzip(asked.body.as_bytes());
                with_body(GZIP, &whole[..whole.len() - 1])
            },
            Close,
            MalformedBody,
        ),
        made(
            "gzip with a wrong checksum",
            |asked| {
                let mut corrupt = gzip(asked.body.as_bytes());
                let checksum = corrupt.len() - 6;
                corrupt[checksum] ^= 1;
                with_body(GZIP, corrupt)
            },
            Close,
            MalformedBody,
        ),
        made(
            "plain text declared as gzip",
            |asked| with_body(GZIP, asked.body),
            Close,
            MalformedBody,
        ),
        made(
            "gzip followed by other bytes",
            |asked| with_body(GZIP, [&gzip(asked.body.as_bytes())[..], b"more"].concat()),
            Close,
            MalformedBody,
        ),
        fixed(
            "1 GiB in 1 MB of gzip",
            with_body(GZIP, bomb),
            Close,
            TooLarge,
        )
        .of_json(MalformedBody),
        made(
            "content coding that was not asked for",
            |asked| with_body("Content-Encoding: br\r\n", asked.body),
            Close,
            MalformedBody,
        ),
    ]
}

fn of_the_status() -> Vec<Failure> {
    let status = |status: &str, kind| fixed(status, with_status(status, "", ""), Close, kind);
    let mut rows = vec![
        status("201 Created", UnexpectedStatus),
        fixed(
            "204 No Content",
            "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
            Close,
            UnexpectedStatus,
        ),
        status("206 Partial Content", UnexpectedStatus),
        fixed(
            "304 Not Modified",
            "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n",
            Close,
            UnexpectedStatus,
        ),
        // RFC 6749 section 5.2 has 400 for wrong credentials.
        status("400 Bad Request", UnexpectedStatus).of_login(Authentication),
        status("401 Unauthorized", Authentication),
        status("403 Forbidden", Forbidden),
        status("404 Not Found", NotFound).with_requests(Requests::BothForms),
        status("405 Method Not Allowed", UnexpectedStatus).with_requests(Requests::BothForms),
        status("409 Conflict", UnexpectedStatus),
        status("429 Too Many Requests", RateLimited),
        status("500 Internal Server Error", Server),
        status("501 Not Implemented", Server),
        status("599 Whatever", Server),
        status("600 Beyond", UnexpectedStatus),
        status("999 Request denied", UnexpectedStatus),
        status("408 Request Timeout", UnexpectedStatus).transient(),
        status("425 Too Early", UnexpectedStatus).transient(),
    ];
    for code in [
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
        "520 Unknown Error",
        "521 Web Server Is Down",
        "522 Connection Timed Out",
        "523 Origin Is Unreachable",
        "524 A Timeout Occurred",
        "530 Origin DNS Error",
    ] {
        rows.push(status(code, Server).transient());
    }
    rows.extend([
        fixed(
            "503 Service Unavailable, Retry-After: 0",
            with_status("503 Service Unavailable", "Retry-After: 0\r\n", ""),
            Close,
            Server,
        )
        .transient(),
        // The wait does not fit into the call's time.
        fixed(
            "503 Service Unavailable, Retry-After: 3600",
            with_status("503 Service Unavailable", "Retry-After: 3600\r\n", ""),
            Close,
            Server,
        ),
        fixed(
            "400 with the words of a rate limit",
            with_status("400 Bad Request", "", r#"{"Error":"Too many requests."}"#),
            Close,
            RateLimited,
        ),
        fixed(
            "500 that quotes a rate limit beside its message",
            with_status(
                "500 Internal Server Error",
                "",
                r#"{"Message":"The export failed.","Trace":"Too many requests"}"#,
            ),
            Close,
            Server,
        ),
        fixed(
            "101 Switching Protocols",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
            Stall,
            UnexpectedStatus,
        ),
        fixed(
            "100 Continue without end",
            "HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000),
            Stall,
            Timeout,
        ),
        made(
            "100 Continue before the response",
            |asked| {
                let response = with_body("", asked.body);
                [b"HTTP/1.1 100 Continue\r\n\r\n", &response[..]].concat()
            },
            Close,
            None,
        ),
    ]);
    rows
}

fn of_redirects() -> Vec<Failure> {
    let redirect = |name: &str, to: &str, kind| {
        let location = format!("Location: {to}\r\n");
        fixed(name, with_status("302 Found", &location, ""), Close, kind)
    };
    vec![
        made(
            "redirect in a circle",
            |asked| {
                let location = format!("Location: {}\r\n", asked.target);
                with_status("302 Found", &location, "").into_bytes()
            },
            Close,
            UnexpectedStatus,
        )
        .with_requests(Requests::Redirects),
        redirect("redirect to a file", "file:///etc/passwd", UnexpectedStatus),
        redirect(
            "redirect to another host",
            "https://elsewhere.example/",
            UnexpectedStatus,
        ),
        redirect(
            "redirect to plain http elsewhere",
            "http://192.0.2.1/",
            UnexpectedStatus,
        ),
        redirect("redirect to no URL", "http://[", UnexpectedStatus),
        redirect("redirect of 1 MB", &"x".repeat(1_000_000), Connection).lasting(),
        fixed(
            "redirect to nowhere",
            with_status("302 Found", "", ""),
            Close,
            UnexpectedStatus,
        ),
    ]
}

/// What a proxy does with CONNECT.
fn of_the_proxy() -> Vec<Failure> {
    let page = "<html><title>Blocked by policy</title></html>";
    let refused = |status: &str| {
        let response = with_status(status, "Content-Type: text/html\r\n", page);
        fixed(&format!("CONNECT: {status}"), response, Close, Connection)
    };
    let answered = |name: &str, response: &str, end, kind: Option<ErrorKind>| {
        fixed(&format!("CONNECT: {name}"), response, end, kind)
    };
    let long = "x".repeat(1_000_000);
    let broken = Some(Connection);
    let rows = vec![
        refused("400 Bad Request").lasting(),
        refused("403 Forbidden").lasting(),
        refused("407 Proxy Authentication Required").lasting(),
        // tinyproxy's for a server that it cannot connect to.
        refused("500 Internal Server Error"),
        refused("502 Bad Gateway"),
        refused("503 Service Unavailable"),
        refused("504 Gateway Timeout"),
        answered(
            "redirect",
            &with_status("302 Found", "Location: http://login.example/\r\n", ""),
            Close,
            broken,
        )
        .lasting(),
        answered("closed before the response", "", Close, broken),
        answered("finished before the response", "", Finish, broken),
        answered("reset before the response", "", Reset, broken),
        answered("half-closed before the response", "", HalfClose, broken),
        answered("silent before the response", "", Stall, Some(Timeout)),
        answered(
            "closed within the head",
            "HTTP/1.1 200 OK\r\nVia: ",
            Close,
            broken,
        ),
        answered(
            "reset within the head",
            "HTTP/1.1 200 OK\r\nVia: ",
            Reset,
            broken,
        ),
        answered(
            "silent within the head",
            "HTTP/1.1 200 OK\r\nVia: ",
            Stall,
            Some(Timeout),
        ),
        answered(
            "dripping head",
            "HTTP/1.1 200 OK\r\nVia: ",
            SlowBytes,
            Some(Timeout),
        ),
        answered("closed after 200", ESTABLISHED, Close, broken),
        answered("finished after 200", ESTABLISHED, Finish, broken),
        answered("reset after 200", ESTABLISHED, Reset, broken),
        answered("half-closed after 200", ESTABLISHED, HalfClose, broken),
        answered("silent after 200", ESTABLISHED, Stall, Some(Timeout)),
        answered("not HTTP", "220 ready\r\n\r\n", Stall, broken).lasting(),
        answered("no status", "HTTP/1.1 OK\r\n\r\n", Stall, broken).lasting(),
        answered(
            "head of 1 MB",
            &format!("HTTP/1.1 200 OK\r\nVia: {long}\r\n\r\n"),
            Stall,
            broken,
        )
        .lasting(),
        answered(
            "head without end",
            &format!("HTTP/1.1 200 OK\r\nVia: {long}"),
            Stall,
            broken,
        )
        .lasting(),
        answered(
            "200 with a body, before plain HTTP",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            Finish,
            broken,
        )
        .lasting()
        .opening_tunnel()
        .only(Servers::Http),
        answered(
            "200 with a body, before TLS",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            Finish,
            Some(Tls),
        )
        .opening_tunnel()
        .only(Servers::Https),
    ];
    // RFC 9110 section 9.3.6: any 2xx opens the tunnel, and its length is ignored. Section 15.2:
    // interim responses may come first.
    let opened = [
        (
            "200 with a Content-Length",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        ),
        (
            "200 with chunks declared",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        ("HTTP/1.0 200", "HTTP/1.0 200 Connected\r\n\r\n"),
        ("202 Accepted", "HTTP/1.1 202 Accepted\r\n\r\n"),
        (
            "100 Continue before 200",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Connection established\r\n\r\n",
        ),
    ]
    .map(|(name, response)| answered(name, response, Finish, None).opening_tunnel());
    let rows = rows.into_iter().chain(opened);
    let mut rows: Vec<Failure> = rows.map(|row| row.at(Place::Connect)).collect();
    for (what, end, kind) in [
        ("closed", Close, Connection),
        ("reset", Reset, Connection),
        ("silent", Stall, Timeout),
    ] {
        let name = format!("{what} once the proxy has accepted the connection");
        rows.push(fixed(&name, "", end, kind).at(Place::ProxyAccept));
    }
    rows
}
