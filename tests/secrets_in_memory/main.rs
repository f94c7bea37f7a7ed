//! Scans the memory of a process for the secrets of a client, after the client was freed.
//!
//! A binary of its own, since it replaces the allocator with one that never reuses memory: a
//! copy that was freed without being wiped is always found. Each test runs in a process of its
//! own, and its servers in another. With `SCO_TEST_TRACE_SECRETS=1`, a test prints the stack
//! trace of each deallocation of such a copy.
#![cfg(target_os = "linux")]
#![allow(
    unsafe_code,
    reason = "an allocator, and calls of the C functions as C makes them"
)]

mod memory_scan;

use std::ffi::{c_char, c_void};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, hint, ptr, thread};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use memory_scan::{Copies, Masked, Needle, Quarantine, Scanner, Shown};
use mock_server::process::{run_alone, runs_alone};
use mock_server::tls::Authority;
use sellercloud_output::ffi::*;
use sellercloud_output::{Client, ClientBuilder, RetryPolicy};
use zeroize::Zeroizing;

#[global_allocator]
static ALLOCATOR: Quarantine = Quarantine;

/// A host that only the proxy can resolve. The library reaches loopback without a proxy.
const REMOTE_HOST: &str = "mock.example";

/// With this environment variable set, this program is the server.
const IS_SERVER: &str = "SCO_TEST_IS_SERVER";

// ---------------------------------------------------------------------------------------
// The secrets

const LENGTH: usize = 48;
const TOKEN: u64 = 1;
const PASSWORD: u64 = 2;
const PROXY_PASSWORD: u64 = 3;
/// The seed of the first login's token. Those of later logins follow.
const FIRST_LOGIN: u64 = 100;
const MAX_LOGINS: u64 = 40;

/// "user:" has a length that base64 encodes without the password's first byte.
const PROXY_USER: &str = "proxy";

fn token() -> Masked {
    Masked::new(TOKEN, LENGTH)
}

/// The password, with `middle` in its middle, as the encoding under test writes it.
fn password_with(seed: u64, middle: &str) -> Masked {
    let (start, end) = (Masked::new(seed, 24), Masked::new(seed + 10, 24));
    start.then(&Masked::public(middle.as_bytes())).then(&end)
}

fn password() -> Masked {
    password_with(PASSWORD, "\"\u{e9}")
}

fn proxy_password() -> Masked {
    password_with(PROXY_PASSWORD, "%\"")
}

fn needle(secret: impl Into<String>, forms: Vec<(&'static str, Masked)>) -> Needle {
    let secret = secret.into();
    Needle { secret, forms }
}

fn needles(servers: Option<&Servers>) -> Vec<Needle> {
    let mut needles = vec![
        needle("token", vec![("plain", token())]),
        needle(
            "password",
            vec![
                ("plain", password()),
                ("JSON", password_with(PASSWORD, "\\\"\u{e9}")),
            ],
        ),
        needle(
            "proxy password",
            vec![
                ("plain", proxy_password()),
                ("percent", password_with(PROXY_PASSWORD, "%25%22")),
                ("base64", proxy_password().base64()),
            ],
        ),
    ];
    for number in 0..MAX_LOGINS {
        let login_token = Masked::new(FIRST_LOGIN + number, LENGTH);
        needles.push(needle("login token", vec![("plain", login_token)]));
    }
    if let Some(servers) = servers {
        let key = &servers.key;
        needles.push(needle(
            "client key",
            vec![
                ("DER", key.scalar.clone()),
                ("limbs", key.scalar.reversed()),
                ("Montgomery form", key.montgomery.clone()),
                // The text that encodes the scalar only.
                ("PEM", key.scalar.base64().part(0..40)),
            ],
        ));
    }
    needles
}

// ---------------------------------------------------------------------------------------
// The maximum number of copies that are left after all calls of a test, all of them in
// dependencies. No copy of any other secret is left. rustls frees decrypted records without
// wiping them: one for each response over TLS that holds the secret.

/// ring's own form of the key, and the PEM's base64 in rustls-pki-types.
const CLIENT_KEY_LEFT: usize = 2;
/// For 2 responses that are compressed although the request accepts no compression: two buffers
/// in flate2 each, and a record and its buffer in rustls.
const COMPRESSED_TOKEN_LEFT: usize = 6;
/// For 5 logins over TLS: the record in rustls, and the buffer in which it was decrypted. Nothing
/// overwrites that buffer, since the connection of a login is not used for anything else.
const LOGIN_TOKEN_LEFT: usize = 10;
/// For 4 responses of a proxy over TLS that repeat the password: the record in rustls.
const PASSWORD_OF_TLS_PROXY_LEFT: usize = 4;
/// For 4 responses over TLS that repeat the password: the record in rustls.
const REPEATED_PASSWORD_LEFT: usize = 4;
/// For the responses that repeat the token: header values in http, records in rustls.
const REPEATED_TOKEN_LEFT: usize = 6;
/// For 6 responses over TLS: the record in rustls.
const TOKEN_OF_FAILED_LOGIN_LEFT: usize = 6;

// ---------------------------------------------------------------------------------------
// The servers, in a process of their own

struct Servers {
    process: Child,
    /// Kept open, because the process prints to it when it ends.
    _output: BufReader<ChildStdout>,
    http: String,
    https: String,
    https_with_certificate: String,
    proxy: u16,
    tls_proxy: u16,
    ca: String,
    certificate: String,
    key: Key,
}

struct Key {
    pem: Masked,
    scalar: Masked,
    montgomery: Masked,
}

impl Servers {
    fn start() -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", "serves_other_processes", "--nocapture"])
            .env(IS_SERVER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let setup = output
            .by_ref()
            .lines()
            .map(Result::unwrap)
            .find_map(|line| {
                let (_, setup) = line.split_once("SETUP ")?;
                Some(setup.to_owned())
            });
        let setup = setup.expect("the servers did not start");
        let words: Vec<&str> = setup.split(' ').collect();
        let port = |at: usize| words[at].parse::<u16>().unwrap();
        let text = |at: usize| Masked::from_hex(words[at]).reveal().to_string();
        Self {
            process,
            _output: output,
            http: format!("http://127.0.0.1:{}", port(0)),
            https: format!("https://localhost:{}", port(1)),
            https_with_certificate: format!("https://localhost:{}", port(2)),
            proxy: port(3),
            tls_proxy: port(4),
            ca: text(5),
            certificate: text(6),
            key: Key {
                pem: Masked::from_hex(words[7]),
                scalar: Masked::from_hex(words[8]),
                montgomery: Masked::from_hex(words[9]),
            },
        }
    }

    /// Returns a builder for the server at `url`, without a proxy.
    fn client(&self, url: &str) -> ClientBuilder {
        Client::builder(url)
            .proxy("")
            .retry_policy(RetryPolicy::never())
            .allow_plain_http(true)
            .add_ca_certificates(self.ca.as_bytes())
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // The servers end with their standard input.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

#[test]
fn serves_other_processes() {
    if env::var_os(IS_SERVER).is_none() {
        return;
    }
    let authority = Authority::new();
    let local = authority.server("localhost");
    let remote = authority.server(REMOTE_HOST);
    let http = listen(serve_requests);
    let https = mock_server::tls::serve(local.config(), serve_tls);
    let with_certificate =
        mock_server::tls::serve(local.config_for_clients_of(&authority), serve_tls);
    let remote_https = mock_server::tls::serve(remote.config(), serve_tls);
    let ports = (http, remote_https);
    let proxy = listen(move |socket| serve_tunnel(socket, ports));
    let in_front_of = Arc::new(local.config());
    let tls_proxy = listen(move |socket| tls_in_front_of(socket, &in_front_of, proxy));
    let client = authority.client();
    let key_pem = client.key_pem();
    let base64: String = key_pem
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let der = STANDARD.decode(base64).unwrap();
    let scalar = &der[36..68];
    let hex = |bytes: &[u8]| Masked::public(bytes).to_hex();
    println!(
        "SETUP {http} {https} {with_certificate} {proxy} {tls_proxy} {} {} {} {} {}",
        hex(authority.pem().as_bytes()),
        hex(client.certificate_pem().as_bytes()),
        hex(key_pem.as_bytes()),
        hex(scalar),
        hex(&montgomery(scalar)),
    );
    let _ = io::stdin().read_to_end(&mut Vec::new());
}

/// Returns the scalar of a P-256 key times 2^256 modulo the curve's order, as ring stores it.
fn montgomery(scalar: &[u8]) -> Vec<u8> {
    // The order and the numbers are little-endian, with one spare byte.
    let order = [
        0x51, 0x25, 0x63, 0xfc, 0xc2, 0xca, 0xb9, 0xf3, 0x84, 0x9e, 0x17, 0xa7, 0xad, 0xfa, 0xe6,
        0xbc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff,
        0xff, 0xff, 0,
    ];
    let mut number: Vec<u8> = scalar.iter().rev().copied().chain([0]).collect();
    for _ in 0..256 {
        let mut carry = 0;
        for byte in &mut number {
            (*byte, carry) = (*byte << 1 | carry, *byte >> 7);
        }
        if number.iter().rev().ge(order.iter().rev()) {
            let mut borrow = 0;
            for (byte, subtracted) in number.iter_mut().zip(order) {
                let difference = i16::from(*byte) - i16::from(subtracted) - borrow;
                *byte = difference as u8;
                borrow = i16::from(difference < 0);
            }
        }
    }
    number.truncate(32);
    number
}

/// Serves each connection in a thread. Returns the port on 127.0.0.1.
fn listen(serve: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let serve = serve.clone();
            // The client may stop reading.
            thread::spawn(move || serve(socket.unwrap()));
        }
    });
    port
}

fn serve_tls(stream: &mut mock_server::tls::TlsStream) -> io::Result<()> {
    serve_requests(&mut *stream)?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// Reads the head of a request or a response. Returns `None` at the end of the connection.
fn read_head(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if from.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(head))
}

/// Serves requests until a response ends with its connection.
fn serve_requests(stream: impl Read + Write) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(head) = read_head(&mut stream)? {
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse().unwrap())
        });
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body)?;
        let body = String::from_utf8(body).unwrap();
        let response = match head.starts_with("POST") {
            true => login(&body),
            false => output_file(&head),
        };
        stream.get_mut().write_all(&response.bytes)?;
        stream.get_mut().flush()?;
        if response.is_last {
            break;
        }
    }
    Ok(())
}

struct Response {
    bytes: Vec<u8>,
    /// Whether the connection is closed after the response.
    is_last: bool,
}

fn response(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Response {
    let body = body.as_ref();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    Response {
        bytes: [head.as_bytes(), body].concat(),
        is_last: false,
    }
}

/// Removes the last `missing` bytes.
fn cut(mut response: Response, missing: usize) -> Response {
    response.bytes.truncate(response.bytes.len() - missing);
    response.is_last = true;
    response
}

fn gzip(body: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(body.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

const JSON: &str = "Content-Type: application/json\r\n";

/// Responds to a login. The user name selects the response.
fn login(body: &str) -> Response {
    static LOGINS: AtomicU64 = AtomicU64::new(FIRST_LOGIN);
    let request: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(request["Password"], password().reveal().as_str());
    let user = request["Username"].as_str().unwrap();
    let number = LOGINS.fetch_add(1, Ordering::Relaxed);
    assert!(number < FIRST_LOGIN + MAX_LOGINS);
    let lifetime = if user == "brief" { 1e-9 } else { 3600.0 };
    let token = Masked::new(number, LENGTH).reveal();
    let json = format!(
        "{{\"access_token\":\"{}\",\"token_type\":\"Bearer\",\"expires_in\":{lifetime}}}",
        token.as_str()
    );
    let echo = serde_json::json!({ "Message": body }).to_string();
    match user {
        "wrong" => response("401 Unauthorized", JSON, "{\"Message\":\"Wrong password\"}"),
        "echo" => response("400 Bad Request", JSON, echo),
        "echo_of_failure" => response("500 Internal Server Error", JSON, echo),
        "created" => response("201 Created", JSON, json),
        "failing_with_token" => response("500 Internal Server Error", JSON, json),
        "cut" => cut(response("200 OK", JSON, json), 20),
        "gzip" => {
            let headers = format!("{JSON}Content-Encoding: gzip\r\n");
            response("200 OK", &headers, gzip(&json))
        }
        "chunked" => {
            let chunks = json.as_bytes().chunks(7).map(|chunk| {
                let text = str::from_utf8(chunk).unwrap();
                format!("{:x}\r\n{text}\r\n", chunk.len())
            });
            let chunks: String = chunks.collect();
            let head = format!("HTTP/1.1 200 OK\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n");
            Response {
                bytes: format!("{head}{chunks}0\r\n\r\n").into_bytes(),
                is_last: false,
            }
        }
        _ => response("200 OK", JSON, json),
    }
}

const FILE: i32 = 1;
const GZIP: i32 = 2;
const UNAUTHORIZED: i32 = 3;
const ECHO_IN_JSON: i32 = 4;
const ECHO_IN_TEXT: i32 = 5;
const CUT: i32 = 6;
const CLOSED: i32 = 7;
const ECHO_IN_HEADER: i32 = 8;

/// Jobs whose responses do not repeat the request, and jobs whose responses do.
const JOBS: [i32; 5] = [FILE, GZIP, UNAUTHORIZED, CUT, CLOSED];
const ECHOES: [i32; 3] = [ECHO_IN_JSON, ECHO_IN_TEXT, ECHO_IN_HEADER];

/// Responds to a request for an output file. The job's id selects the response.
fn output_file(head: &str) -> Response {
    let path = head.split(' ').nth(1).unwrap();
    let job = path.rsplit(['/', '=']).next().unwrap().parse().unwrap();
    let file = STANDARD.encode("a,b\r\n1,2\r\n".repeat(50));
    let text = "Content-Type: text/plain\r\n";
    match job {
        FILE => response("200 OK", text, file),
        GZIP => response("200 OK", "Content-Encoding: gzip\r\n", gzip(&file)),
        UNAUTHORIZED => response(
            "401 Unauthorized",
            JSON,
            "{\"Message\":\"Not Valid Token\"}",
        ),
        ECHO_IN_JSON => {
            let echo = serde_json::json!({ "Message": head }).to_string();
            response("500 Internal Server Error", JSON, echo)
        }
        ECHO_IN_TEXT => response("400 Bad Request", text, head),
        CUT => cut(response("200 OK", text, file), 100),
        ECHO_IN_HEADER => {
            let token = head
                .lines()
                .find(|line| line.to_lowercase().starts_with("auth"));
            let echo = format!("{text}X-Request: {}\r\n", token.unwrap());
            response("200 OK", &echo, file)
        }
        _ => Response {
            bytes: Vec::new(),
            is_last: true,
        },
    }
}

/// Connects tunnels to one of the two `ports`, by the port of the request: HTTP or HTTPS.
fn serve_tunnel(socket: TcpStream, (http, https): (u16, u16)) -> io::Result<()> {
    let mut client = BufReader::new(socket);
    let Some(head) = read_head(&mut client)? else {
        return Ok(());
    };
    let target = head.split(' ').nth(1).unwrap();
    let (host, port) = target.split_once(':').unwrap();
    let port = match host {
        "closed.example" => return Ok(()),
        REMOTE_HOST if port == "443" => https,
        REMOTE_HOST => http,
        _ => {
            // Repeats the whole request, with the password.
            let refused = response("407 Proxy Authentication Required", "", &head);
            return client.get_mut().write_all(&refused.bytes);
        }
    };
    client.get_mut().write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let server = TcpStream::connect(("127.0.0.1", port))?;
    pass_on(client.into_inner(), server)
}

/// Passes bytes on in both directions.
fn pass_on(client: TcpStream, server: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let (mut server, mut client) = (server, client);
    let _ = io::copy(&mut server, &mut client);
    client.shutdown(Shutdown::Both)
}

/// Passes bytes on to a server, with TLS on the client's side.
fn tls_in_front_of(
    socket: TcpStream,
    config: &Arc<rustls::ServerConfig>,
    port: u16,
) -> io::Result<()> {
    let mut tls = rustls::ServerConnection::new(config.clone()).unwrap();
    let mut client = socket;
    let mut server = TcpStream::connect(("127.0.0.1", port))?;
    tls.complete_io(&mut client)?;
    // Polls both sides in turn.
    let moment = Some(std::time::Duration::from_millis(5));
    client.set_read_timeout(moment)?;
    server.set_read_timeout(moment)?;
    let mut bytes = [0; 16 * 1024];
    loop {
        // The handshake may have read bytes behind it.
        let state = tls.process_new_packets().map_err(io::Error::other)?;
        let length = state.plaintext_bytes_to_read().min(bytes.len());
        tls.reader().read_exact(&mut bytes[..length])?;
        server.write_all(&bytes[..length])?;
        match tls.read_tls(&mut client) {
            Ok(0) => return server.shutdown(Shutdown::Both),
            Ok(_) => continue,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        match server.read(&mut bytes) {
            Ok(0) => {
                tls.send_close_notify();
                while tls.wants_write() {
                    tls.write_tls(&mut client)?;
                }
                return client.shutdown(Shutdown::Both);
            }
            Ok(length) => tls.writer().write_all(&bytes[..length])?,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        while tls.wants_write() {
            tls.write_tls(&mut client)?;
        }
    }
}

// ---------------------------------------------------------------------------------------
// The tests

/// Runs calls in a process of its own, and returns the copies that are left after them.
fn copies_after(test: &str, calls: impl FnOnce(&Servers)) -> Option<Copies> {
    if !runs_alone() {
        run_alone(test, &[]);
        return None;
    }
    let servers = Servers::start();
    memory_scan::trace(|| needles(Some(&servers)));
    let scanner = Scanner::new(needles(Some(&servers)));
    let before = scanner.scan();
    assert!(before.is_empty(), "the test itself holds{}", Shown(&before));
    calls(&servers);
    Some(scanner.scan())
}

/// Asserts that no secret has more copies than `max` allows. Secrets without an entry must have
/// none.
fn assert_at_most(copies: Option<Copies>, max: &[(&str, usize)]) {
    let Some(copies) = copies else { return };
    println!("left:{}", Shown(&copies));
    for (secret, found) in &copies {
        let allowed = max.iter().find(|(name, _)| name == secret);
        let allowed = allowed.map_or(0, |(_, count)| *count);
        assert!(
            found.len() <= allowed,
            "{} copies of the {secret} are left, {allowed} expected{}",
            found.len(),
            Shown(&copies)
        );
    }
}

/// Downloads the output file of each job.
fn call_all(client: &Client, jobs: &[i32]) {
    for &job in jobs {
        let outcome = client.get_output_file(job);
        let is_file = matches!(job, FILE | GZIP | ECHO_IN_HEADER);
        assert_eq!(outcome.is_ok(), is_file, "{job}: {:?}", outcome.err());
    }
}

#[test]
fn scan_sees_live_freed_and_partly_overwritten_copies() {
    let copies = copies_after(
        "scan_sees_live_freed_and_partly_overwritten_copies",
        |servers| {
            let live = token().reveal().to_string();
            Box::leak(live.into_boxed_str());
            drop(hint::black_box(password().reveal().to_string()));
            let mut overwritten = proxy_password().reveal().to_string().into_bytes();
            overwritten[..16].fill(0);
            drop(hint::black_box(overwritten));
            drop(hint::black_box(
                proxy_password().reveal().replace('%', "%25"),
            ));
            drop(hint::black_box(STANDARD.encode(format!(
                "{PROXY_USER}:{}",
                proxy_password().reveal().as_str()
            ))));
            drop(hint::black_box(servers.key.pem.reveal().to_string()));
        },
    );
    let Some(copies) = copies else { return };
    let forms = |secret: &str| {
        let copies = copies.get(secret).into_iter().flatten();
        let mut forms: Vec<_> = copies.map(|(form, _)| *form).collect();
        forms.sort();
        forms
    };
    assert_eq!(forms("token"), ["plain"]);
    assert_eq!(forms("password"), ["plain"]);
    // The overwritten copy, the escaped copy and its source, the encoded copy and its source.
    let expected = ["base64", "percent", "plain", "plain", "plain"];
    assert!(forms("proxy password").len() >= 4, "{}", Shown(&copies));
    for form in expected {
        assert!(
            forms("proxy password").contains(&form),
            "{}",
            Shown(&copies)
        );
    }
    assert_eq!(forms("client key"), ["PEM"]);
    assert_eq!(forms("login token"), [""; 0]);
}

#[test]
fn token_of_a_dropped_client_is_wiped() {
    let copies = copies_after("token_of_a_dropped_client_is_wiped", |servers| {
        for url in [&servers.http, &servers.https] {
            let builder = servers.client(url).token(token().reveal().as_str());
            let client = builder.clone().build().unwrap();
            call_all(&client, &JOBS);
            drop(client);
            call_all(&builder.build().unwrap(), &[FILE]);
        }
    });
    assert_at_most(copies, &[]);
}

#[test]
fn token_of_a_provider_is_wiped() {
    let copies = copies_after("token_of_a_provider_is_wiped", |servers| {
        let source = |_| Ok::<_, String>(token().reveal().as_str().to_owned());
        let builder = servers.client(&servers.http).token_provider(source);
        call_all(&builder.build().unwrap(), &JOBS);
    });
    assert_at_most(copies, &[]);
}

#[test]
fn token_that_a_server_repeats_is_wiped() {
    let copies = copies_after("token_that_a_server_repeats_is_wiped", |servers| {
        for url in [&servers.http, &servers.https] {
            let builder = servers.client(url).token(token().reveal().as_str());
            call_all(&builder.build().unwrap(), &ECHOES);
        }
    });
    assert_at_most(copies, &[("token", REPEATED_TOKEN_LEFT)]);
}

/// Logs in as each user, successfully or not, and downloads the jobs' files.
fn log_in_and_call(servers: &Servers, users: &[&str], jobs: &[i32]) {
    for url in [&servers.http, &servers.https] {
        for user in users {
            let builder = servers.client(url);
            let builder = builder.credentials(*user, password().reveal().as_str());
            let client = builder.build().unwrap();
            for &job in jobs {
                let _ = client.get_output_file(job);
            }
        }
    }
}

#[test]
fn secrets_of_logins_are_wiped() {
    let copies = copies_after("secrets_of_logins_are_wiped", |servers| {
        let users = ["right", "brief", "chunked"];
        log_in_and_call(servers, &users, &[FILE, UNAUTHORIZED]);
    });
    let max = [("login token", LOGIN_TOKEN_LEFT)];
    assert_at_most(copies, &max);
}

#[test]
fn secrets_of_failed_logins_are_wiped() {
    let copies = copies_after("secrets_of_failed_logins_are_wiped", |servers| {
        let users = ["wrong", "created", "failing_with_token", "cut"];
        log_in_and_call(servers, &users, &[FILE]);
    });
    let max = [("login token", TOKEN_OF_FAILED_LOGIN_LEFT)];
    assert_at_most(copies, &max);
}

#[test]
fn password_that_a_server_repeats_is_wiped() {
    let copies = copies_after("password_that_a_server_repeats_is_wiped", |servers| {
        log_in_and_call(servers, &["echo", "echo_of_failure"], &[FILE]);
    });
    assert_at_most(copies, &[("password", REPEATED_PASSWORD_LEFT)]);
}

#[test]
fn token_of_a_compressed_login_is_wiped() {
    let copies = copies_after("token_of_a_compressed_login_is_wiped", |servers| {
        log_in_and_call(servers, &["gzip"], &[FILE]);
    });
    let max = [("login token", COMPRESSED_TOKEN_LEFT)];
    assert_at_most(copies, &max);
}

fn proxy_url(scheme: &str, host: &str, port: u16) -> Zeroizing<String> {
    let password = password_with(PROXY_PASSWORD, "%25%22");
    Masked::public(format!("{scheme}://{PROXY_USER}:").as_bytes())
        .then(&password)
        .then(&Masked::public(format!("@{host}:{port}").as_bytes()))
        .reveal()
}

fn call_through_proxy(servers: &Servers, proxy: &str) {
    for scheme in ["http", "https"] {
        for (host, jobs) in [
            (REMOTE_HOST, &[FILE, CUT][..]),
            ("refused.example", &[]),
            ("closed.example", &[]),
        ] {
            let builder = servers.client(&format!("{scheme}://{host}"));
            let builder = builder.token(token().reveal().as_str());
            let client = builder.proxy(proxy).build().unwrap();
            call_all(&client, jobs);
            if jobs.is_empty() {
                assert!(client.get_output_file(FILE).is_err());
            }
        }
    }
}

#[test]
fn password_of_a_proxy_is_wiped() {
    let copies = copies_after("password_of_a_proxy_is_wiped", |servers| {
        call_through_proxy(servers, &proxy_url("http", "127.0.0.1", servers.proxy));
    });
    assert_at_most(copies, &[]);
}

#[test]
fn password_of_a_proxy_over_tls_is_wiped() {
    let copies = copies_after("password_of_a_proxy_over_tls_is_wiped", |servers| {
        call_through_proxy(servers, &proxy_url("https", "localhost", servers.tls_proxy));
    });
    assert_at_most(copies, &[("proxy password", PASSWORD_OF_TLS_PROXY_LEFT)]);
}

#[test]
fn client_key_is_wiped() {
    let copies = copies_after("client_key_is_wiped", |servers| {
        let builder = servers.client(&servers.https_with_certificate);
        let builder = builder.token(token().reveal().as_str()).client_certificate(
            servers.certificate.as_bytes(),
            servers.key.pem.reveal().as_bytes(),
        );
        call_all(&builder.build().unwrap(), &[FILE, CUT]);
    });
    assert_at_most(copies, &[("client key", CLIENT_KEY_LEFT)]);
}

/// Calls a C function that must succeed.
macro_rules! succeed {
    ($function:ident, $($argument:expr),*) => {{
        let mut error = ptr::null_mut();
        // SAFETY: the arguments are live handles, strings with a NUL, and places to write to.
        let status = unsafe { $function($($argument,)* &mut error) };
        assert_eq!(status, SCO_OK);
    }};
}

/// Returns a string with a NUL, which is wiped on drop.
fn c_text(masked: &Masked) -> Zeroizing<String> {
    masked.clone().then(&Masked::public(b"\0")).reveal()
}

fn as_c(text: &str) -> *const c_char {
    assert!(text.ends_with('\0'));
    text.as_ptr().cast()
}

/// Creates a client with the C functions, downloads the jobs' files, and frees everything.
fn call_from_c(
    servers: &Servers,
    url: &str,
    token: Option<&Masked>,
    jobs: &[i32],
    set: impl FnOnce(*mut sco_client_options),
) {
    let options = sco_client_options_new();
    let text = |text: &str| c_text(&Masked::public(text.as_bytes()));
    succeed!(sco_client_options_set_allow_plain_http, options, 1);
    succeed!(sco_client_options_set_max_attempts, options, 1);
    succeed!(sco_client_options_set_proxy, options, as_c("\0"));
    let ca = servers.ca.as_bytes();
    succeed!(
        sco_client_options_add_ca_certificates,
        options,
        ca.as_ptr(),
        ca.len()
    );
    set(options);
    // Changes the options once more, while they hold the secret.
    succeed!(sco_client_options_set_max_file_size_bytes, options, 1 << 30);
    let mut client = ptr::null_mut();
    let token = token.map(c_text);
    let token = token.as_ref().map_or(ptr::null(), |token| as_c(token));
    succeed!(
        sco_client_new,
        as_c(&text(url)),
        token,
        options,
        &mut client
    );
    for &job in jobs {
        let (mut file, mut error) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: as above; everything that is returned is freed here.
        unsafe {
            let call_options = ptr::null();
            let _ = sco_get_output_file(client, job.into(), call_options, &mut file, &mut error);
            assert_eq!(error.is_null(), matches!(job, FILE | GZIP));
            sco_output_file_free(file);
            sco_error_free(error);
        }
    }
    // SAFETY: both were created above, and nothing uses them.
    unsafe {
        sco_client_options_free(options);
        sco_client_free(client);
    }
}

unsafe extern "C" fn give_token(_: *mut c_void, _: i32, place: *mut sco_token_result) -> i32 {
    succeed!(sco_token_result_set, place, as_c(&c_text(&token())));
    0
}

#[test]
fn secrets_passed_from_c_are_wiped() {
    let copies = copies_after("secrets_passed_from_c_are_wiped", |servers| {
        let http = servers.http.as_str();
        call_from_c(servers, http, Some(&token()), &JOBS, |_| {});
        call_from_c(servers, http, None, &JOBS, |options| {
            let context = ptr::null_mut();
            let callback: sco_token_callback = Some(give_token);
            succeed!(
                sco_client_options_set_token_provider,
                options,
                callback,
                context
            );
        });
        call_from_c(servers, http, None, &[FILE, UNAUTHORIZED], |options| {
            let password = c_text(&password());
            succeed!(
                sco_client_options_set_credentials,
                options,
                as_c("right\0"),
                as_c(&password)
            );
        });
    });
    assert_at_most(copies, &[]);
}

#[test]
fn proxy_password_passed_from_c_is_wiped() {
    let copies = copies_after("proxy_password_passed_from_c_is_wiped", |servers| {
        let url = format!("http://{REMOTE_HOST}");
        call_from_c(servers, &url, Some(&token()), &[FILE, CUT], |options| {
            let proxy = proxy_url("http", "127.0.0.1", servers.proxy);
            let proxy = c_text(&Masked::public(proxy.as_bytes()));
            succeed!(sco_client_options_set_proxy, options, as_c(&proxy));
        });
    });
    assert_at_most(copies, &[]);
}

#[test]
fn client_key_passed_from_c_is_wiped() {
    let copies = copies_after("client_key_passed_from_c_is_wiped", |servers| {
        let url = servers.https_with_certificate.as_str();
        call_from_c(servers, url, Some(&token()), &[FILE], |options| {
            let chain = servers.certificate.as_bytes();
            let key = servers.key.pem.reveal();
            succeed!(
                sco_client_options_set_client_certificate,
                options,
                chain.as_ptr(),
                chain.len(),
                key.as_ptr(),
                key.len()
            );
        });
    });
    assert_at_most(copies, &[("client key", CLIENT_KEY_LEFT)]);
}
