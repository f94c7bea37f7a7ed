//! A load test: many threads share one client and a server that fails often.
//!
//!     cargo run --release --example load -- SECONDS THREADS
//!
//! Verifies every byte of every file, counts logins and connections, and measures memory and
//! open files. Prints a summary, and fails if an expectation is not met. The server is a process
//! of its own, so that the measurements are those of the client. Needs Linux.

use std::env;
use std::error::Error as StdError;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sellercloud_output::{Client, Error, ErrorKind, RetryPolicy};

use mock_server::fixtures::{noise, sha256};

/// The number of jobs with files. Their ids begin at 1.
const FILES: i32 = 40;
/// Jobs without a file, and the error of each.
const FAILURES: [(i32, ErrorKind); 5] = [
    (101, ErrorKind::Server),
    (102, ErrorKind::MalformedBody),
    (103, ErrorKind::MalformedBody),
    (104, ErrorKind::TooLarge),
    (105, ErrorKind::Forbidden),
];
/// The maximum size of a file, in bytes.
const MAX_FILE_SIZE: usize = 400_000;
/// The client's stall timeout. The server stalls for longer.
const STALL_TIMEOUT: Duration = Duration::from_secs(1);
/// The lifetime of a token. The server claims a longer one.
const TOKEN_LIFETIME: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn StdError>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match &*arguments {
        [serve] if serve == "serve" => Ok(serve_until_end_of_input()?),
        [seconds, threads] => match (seconds.parse(), threads.parse()) {
            (Ok(seconds), Ok(threads)) => load(Duration::from_secs(seconds), threads),
            _ => Err("SECONDS and THREADS must be numbers".into()),
        },
        _ => Err("usage: load SECONDS THREADS".into()),
    }
}

/// Returns the file of a job, which is the same in both processes.
fn file(job: i32) -> Vec<u8> {
    let job = job as usize;
    let mut bytes = noise(job * job * MAX_FILE_SIZE / (FILES as usize * FILES as usize));
    bytes.extend(job.to_le_bytes());
    bytes
}

// The client.

/// The client's counters.
#[derive(Default)]
struct Counts {
    calls: AtomicU64,
    bytes: AtomicU64,
    failures: AtomicU64,
}

fn load(time: Duration, threads: usize) -> Result<(), Box<dyn StdError>> {
    let mut server = ServerProcess::start()?;
    let directory = tempfile::tempdir()?;
    let digests: Vec<_> = (1..=FILES).map(|job| sha256(&file(job))).collect();
    let client = Client::builder(&server.url)
        .credentials("user", "password")
        .stall_timeout(STALL_TIMEOUT)
        .max_file_size(MAX_FILE_SIZE as u64 * 2)
        .retry_policy(
            RetryPolicy::default()
                .max_attempts(20)
                .initial_backoff(Duration::from_millis(1))
                .max_backoff(Duration::from_millis(50)),
        )
        .build()?;
    let before = open_files()?;
    let counts = Counts::default();
    let start = Instant::now();
    let (warm, warm_files) = thread::scope(|scope| -> Result<_, Box<dyn StdError>> {
        let workers: Vec<_> = (0..threads)
            .map(|number| {
                let (client, counts, digests) = (&client, &counts, &digests);
                let directory = directory.path().join(number.to_string());
                scope.spawn(move || -> Result<(), String> {
                    fs::create_dir(&directory).map_err(|error| error.to_string())?;
                    let mut random = fastrand::Rng::with_seed(number as u64);
                    while start.elapsed() < time {
                        call(client, &mut random, &directory, digests, counts)?;
                    }
                    let left = fs::read_dir(&directory).map(Iterator::count);
                    match left {
                        Ok(0) => Ok(()),
                        other => Err(format!("left in the directory: {other:?}")),
                    }
                })
            })
            .collect();
        // By then, caches and pools are filled.
        while start.elapsed() < time / 4 {
            thread::sleep(Duration::from_millis(50));
        }
        let warm = (status("VmRSS:")?, open_files()?);
        for worker in workers {
            worker.join().map_err(|_| "a thread panicked")??;
        }
        Ok(warm)
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let (resident, peak) = (status("VmRSS:")?, status("VmHWM:")?);
    drop(client);
    let after = open_files()?;
    let report = server.stop()?;

    let [calls, bytes, failures] =
        [&counts.calls, &counts.bytes, &counts.failures].map(|count| count.load(Ordering::Relaxed));
    println!(
        "{calls} calls by {threads} threads in {seconds:.0} s, {:.0} a second",
        calls as f64 / seconds
    );
    println!("{bytes} bytes of files delivered, all with the right SHA-256");
    println!("{failures} calls failed, each with the expected error");
    println!(
        "{} requests, {} of them failed by the server",
        report.requests, report.failures
    );
    println!(
        "{} logins for {} tokens that expired",
        report.logins, report.expired
    );
    println!(
        "{} connections, and {} times one could not be reused",
        report.connections, report.ended
    );
    println!(
        "resident {warm} KiB after a quarter, {resident} KiB at the end, {peak} KiB at the peak"
    );
    println!("open files {before} before, {warm_files} after a quarter, {after} after");

    let expectations = [
        (
            "calls were made",
            calls > 0 && failures > 0 && report.failures > 0,
        ),
        (
            "one login for each token",
            report.logins == report.expired + 1 || report.logins == report.expired,
        ),
        (
            "connections are reused",
            report.connections <= threads as u64 + report.ended,
        ),
        ("memory is flat", resident <= warm * 3 / 2 + 8192),
        (
            "no open file is leaked",
            // A save has a connection, its file, and directories that it lists and syncs.
            after == before && warm_files <= before + 4 * threads,
        ),
    ];
    let unmet: Vec<_> = expectations
        .iter()
        .filter(|(_, is_met)| !is_met)
        .map(|(name, _)| *name)
        .collect();
    if !unmet.is_empty() {
        return Err(format!("expectations that were not met: {}", unmet.join(", ")).into());
    }
    println!("all expectations met");
    Ok(())
}

/// Makes one random call and checks its outcome.
fn call(
    client: &Client,
    random: &mut fastrand::Rng,
    directory: &std::path::Path,
    digests: &[String],
    counts: &Counts,
) -> Result<(), String> {
    counts.calls.fetch_add(1, Ordering::Relaxed);
    let failing = random.choice(FAILURES).filter(|_| random.u8(0..10) == 0);
    let job = failing.map_or_else(|| random.i32(1..=FILES), |(job, _)| job);
    let outcome = match random.u8(0..3) {
        0 => client.get_output_file(job).map(|file| file.bytes.to_vec()),
        1 => client.save_output_file(job, directory).map(|saved| {
            let bytes = fs::read(&saved.path).unwrap();
            fs::remove_file(&saved.path).unwrap();
            bytes
        }),
        _ => written(client, job),
    };
    match (outcome, failing) {
        (Ok(bytes), None) if sha256(&bytes) == digests[job as usize - 1] => {
            counts
                .bytes
                .fetch_add(bytes.len() as u64, Ordering::Relaxed);
            Ok(())
        }
        (Err(error), Some((_, kind))) if error.kind() == kind => {
            counts.failures.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
        (Ok(bytes), _) => Err(format!("job {job}: {} wrong bytes", bytes.len())),
        (Err(error), _) => Err(format!("{error} ({:?})", error.kind())),
    }
}

/// Writes a file to memory. Repeats a download that broke off: the client does not retry once it
/// has written bytes.
fn written(client: &Client, job: i32) -> Result<Vec<u8>, Error> {
    loop {
        let mut bytes = Vec::new();
        match client.write_output_file(job, &mut bytes) {
            Ok(_) => return Ok(bytes),
            Err(error) if error.is_retryable() => {}
            Err(error) => return Err(error),
        }
    }
}

/// Returns a figure of /proc/self/status, in KiB.
fn status(line: &str) -> Result<u64, Box<dyn StdError>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let value = status.lines().find_map(|found| found.strip_prefix(line));
    let value = value.and_then(|value| value.trim().strip_suffix(" kB"));
    Ok(value.ok_or("no such line")?.parse()?)
}

fn open_files() -> io::Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}

struct ServerProcess {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
    url: String,
}

impl ServerProcess {
    fn start() -> Result<Self, Box<dyn StdError>> {
        let mut process = Command::new(env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut output = BufReader::new(process.stdout.take().ok_or("no output")?);
        let mut url = String::new();
        output.read_line(&mut url)?;
        Ok(Self {
            process,
            output,
            url: url.trim().to_owned(),
        })
    }

    fn stop(&mut self) -> Result<Report, Box<dyn StdError>> {
        drop(self.process.stdin.take());
        let mut report = String::new();
        self.output.read_to_string(&mut report)?;
        self.process.wait()?;
        let mut numbers = report.split_whitespace().map(str::parse);
        let mut next = || {
            numbers
                .next()
                .ok_or("the server's report is incomplete")?
                .map_err(Box::<dyn StdError>::from)
        };
        Ok(Report {
            requests: next()?,
            failures: next()?,
            logins: next()?,
            expired: next()?,
            connections: next()?,
            ended: next()?,
        })
    }
}

/// The server's counters, as it prints them.
struct Report {
    requests: u64,
    failures: u64,
    logins: u64,
    expired: u64,
    connections: u64,
    ended: u64,
}

// The server.

#[derive(Default)]
struct State {
    requests: AtomicU64,
    failures: AtomicU64,
    connections: AtomicU64,
    /// Connections that ended with a failure, or may have.
    ended: AtomicU64,
    tokens: Mutex<Tokens>,
    next: AtomicUsize,
}

#[derive(Default)]
struct Tokens {
    issued: u64,
    /// The number of tokens that are no longer valid.
    over: u64,
    /// How often all tokens have expired.
    expired: u64,
    /// When the valid tokens expire.
    end: Option<Instant>,
}

impl Tokens {
    fn issue(&mut self) -> u64 {
        self.issued += 1;
        self.end
            .get_or_insert_with(|| Instant::now() + TOKEN_LIFETIME);
        self.issued
    }

    fn is_valid(&mut self, number: u64) -> bool {
        if self.end.is_some_and(|end| end < Instant::now()) {
            (self.over, self.end) = (self.issued, None);
            self.expired += 1;
        }
        number > self.over
    }
}

fn serve_until_end_of_input() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    LazyLock::force(&BODIES);
    println!("http://{}", listener.local_addr()?);
    let state = Arc::new(State::default());
    let serving = state.clone();
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let state = serving.clone();
            thread::spawn(move || {
                state.connections.fetch_add(1, Ordering::Relaxed);
                // Clients close connections after their stall timeout.
                let _ = serve(&connection, &state);
            });
        }
    });
    io::stdin().read_to_end(&mut Vec::new())?;
    let [requests, failures, connections, ended] = [
        &state.requests,
        &state.failures,
        &state.connections,
        &state.ended,
    ]
    .map(|count| count.load(Ordering::Relaxed));
    let Tokens {
        issued, expired, ..
    } = *state.tokens.lock().unwrap();
    // The client may have failed and closed the pipe.
    let _ = writeln!(
        io::stdout(),
        "{requests} {failures} {issued} {expired} {connections} {ended}"
    );
    Ok(())
}

/// The responses with the files, in each form.
static BODIES: LazyLock<Vec<[Vec<u8>; 5]>> = LazyLock::new(|| (1..=FILES).map(bodies).collect());

fn bodies(job: i32) -> [Vec<u8>; 5] {
    let text = STANDARD.encode(file(job));
    let with_length = |headers: &str, body: &[u8]| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    };
    let mut chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in text.as_bytes().chunks(10_000) {
        chunked.extend(format!("{:x}\r\n", chunk.len()).bytes());
        chunked.extend(chunk);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let json = text.replace('/', "\\/").replace('+', "\\u002b");
    [
        with_length(
            "Content-Disposition: attachment; filename=report.csv\r\n",
            text.as_bytes(),
        ),
        chunked,
        with_length(
            "Content-Type: application/json\r\n",
            format!("\"{text}\"").as_bytes(),
        ),
        with_length(
            "Content-Type: application/json\r\n",
            format!(r#"{{"FileName":"report.csv","Content":"{json}"}}"#).as_bytes(),
        ),
        with_length("Content-Encoding: gzip\r\n", &gzip.finish().unwrap()),
    ]
}

fn serve(connection: &TcpStream, state: &State) -> io::Result<()> {
    let mut lines = BufReader::new(connection);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            if lines.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        for line in head.lines() {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        lines.by_ref().take(length).read_to_end(&mut Vec::new())?;
        state.requests.fetch_add(1, Ordering::Relaxed);
        if head.starts_with("POST /api/token ") {
            let number = state.tokens.lock().unwrap().issue();
            json(
                connection,
                200,
                &format!(r#"{{"access_token":"token-{number}","expires_in":3600}}"#),
            )?;
            continue;
        }
        let job = head.split("/OutputFile/").nth(1);
        let job = job.and_then(|rest| rest.split(' ').next()?.parse().ok());
        if !is_authorized(&head, state) {
            json(connection, 401, r#"{"Message":"Not Valid Token"}"#)?;
            continue;
        }
        if matches!(job, Some(102..=104)) {
            // The client stops reading before the end.
            state.ended.fetch_add(1, Ordering::Relaxed);
        }
        match job.unwrap_or(0) {
            101 => json(
                connection,
                500,
                r#"{"ExceptionMessage":"Could not find it"}"#,
            )?,
            102 => json(connection, 200, &format!("\"{}*\"", "QUJD".repeat(10_000)))?,
            103 => json(connection, 200, "<!DOCTYPE html><title>Sign in</title>")?,
            104 => json(
                connection,
                200,
                &format!("\"{}\"", "QUJD".repeat(MAX_FILE_SIZE)),
            )?,
            105 => json(connection, 403, r#"{"Message":"No permission"}"#)?,
            job => {
                let number = state.next.fetch_add(1, Ordering::Relaxed);
                let response = &BODIES[job as usize - 1][number % 5];
                if !respond_or_fail(connection, response, number, state)? {
                    return Ok(());
                }
            }
        }
    }
}

/// Sends the response, or fails. Returns whether the connection stays open.
fn respond_or_fail(
    mut connection: &TcpStream,
    response: &[u8],
    number: usize,
    state: &State,
) -> io::Result<bool> {
    // A hash, so that failures do not depend on forms or threads.
    let kind = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
    if kind > 5 {
        return connection.write_all(response).map(|()| true);
    }
    state.failures.fetch_add(1, Ordering::Relaxed);
    if kind == 0 {
        json(connection, 503, r#"{"Message":"Busy"}"#)?;
        return Ok(true);
    }
    if kind == 1 {
        // Closes without notice: the next request finds the connection closed.
        connection.write_all(response)?;
        state.ended.fetch_add(1, Ordering::Relaxed);
        return Ok(false);
    }
    state.ended.fetch_add(1, Ordering::Relaxed);
    connection.write_all(&response[..response.len() * (kind as usize - 2) / 3])?;
    match kind {
        2 => {}
        3 => socket2::SockRef::from(connection).set_linger(Some(Duration::ZERO))?,
        4 => connection.shutdown(Shutdown::Write)?,
        _ => thread::sleep(STALL_TIMEOUT * 3 / 2),
    }
    Ok(false)
}

fn is_authorized(head: &str, state: &State) -> bool {
    let token = head.split("Bearer token-").nth(1);
    let number = token.and_then(|rest| rest.lines().next()?.parse().ok());
    number.is_some_and(|number| state.tokens.lock().unwrap().is_valid(number))
}

fn json(mut connection: &TcpStream, status: u16, body: &str) -> io::Result<()> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n");
    connection.write_all((head + body).as_bytes())
}
