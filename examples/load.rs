//! Many threads with one client against a server of which nothing can be relied on, for as
//! long as wanted: every byte that is delivered is verified, logins and connections are
//! counted, memory and open files are watched. Linux.
//!
//!     cargo run --release --example load -- SECONDS THREADS
//!
//! Prints what it saw, and fails where a promise was not kept. The server is a process of
//! its own, so that what is measured is the client alone.

use std::env;
use std::error::Error as StdError;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
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

/// Jobs 1 to this have files, each of its own.
const FILES: i32 = 40;
/// Jobs of which there is never a file, and how the calls for them end.
const FAILURES: [(i32, ErrorKind); 5] = [
    (101, ErrorKind::Server),
    (102, ErrorKind::MalformedBody),
    (103, ErrorKind::MalformedBody),
    (104, ErrorKind::TooLarge),
    (105, ErrorKind::Forbidden),
];
const LARGEST: usize = 400_000;
/// For how long the client waits in silence; the server stalls for longer.
const PATIENCE: Duration = Duration::from_secs(1);
/// For how long a token is good, whatever the server says of it.
const TOKEN_LIFE: Duration = Duration::from_secs(3);

fn main() -> Result<(), Box<dyn StdError>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match &*arguments {
        [serve] if serve == "serve" => Ok(serve_until_told()?),
        [seconds, threads] => load(Duration::from_secs(seconds.parse()?), threads.parse()?),
        _ => Err("usage: load SECONDS THREADS".into()),
    }
}

/// The file of a job: the same in the client's process and the server's.
fn file(job: i32) -> Vec<u8> {
    let job = job as usize;
    let mut bytes = noise(job * job * LARGEST / (FILES as usize * FILES as usize));
    bytes.extend(job.to_le_bytes());
    bytes
}

// The client.

/// What the threads did.
#[derive(Default)]
struct Counts {
    calls: AtomicU64,
    bytes: AtomicU64,
    failures: AtomicU64,
}

fn load(time: Duration, threads: usize) -> Result<(), Box<dyn StdError>> {
    let mut server = ServerProcess::start()?;
    let folder = tempfile::tempdir()?;
    let digests: Vec<_> = (1..=FILES).map(|job| sha256(&file(job))).collect();
    let client = Client::builder(&server.url)
        .credentials("user", "password")
        .stall_timeout(PATIENCE)
        .max_file_size(LARGEST as u64 * 2)
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
                let folder = folder.path().join(number.to_string());
                scope.spawn(move || -> Result<(), String> {
                    fs::create_dir(&folder).map_err(|error| error.to_string())?;
                    let mut random = fastrand::Rng::with_seed(number as u64);
                    while start.elapsed() < time {
                        call(client, &mut random, &folder, digests, counts)?;
                    }
                    let left = fs::read_dir(&folder).map(Iterator::count);
                    match left {
                        Ok(0) => Ok(()),
                        other => Err(format!("left in the folder: {other:?}")),
                    }
                })
            })
            .collect();
        // Whatever is kept for later is there by then.
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
    let told = server.stop()?;

    let [calls, bytes, failures] =
        [&counts.calls, &counts.bytes, &counts.failures].map(|count| count.load(Ordering::Relaxed));
    println!(
        "{calls} calls by {threads} threads in {seconds:.0} s, {:.0} a second",
        calls as f64 / seconds
    );
    println!("{bytes} bytes of files delivered, all with the right SHA-256");
    println!("{failures} calls failed, each as it should");
    println!(
        "{} requests answered, {} of them with a fault",
        told.requests, told.faults
    );
    println!(
        "{} logins for {} tokens that expired",
        told.logins, told.expired
    );
    println!(
        "{} connections, and {} times one could not be kept",
        told.connections, told.ended
    );
    println!("resident {warm} KiB after a quarter, {resident} KiB at the end, {peak} KiB at most");
    println!("open files {before} before, {warm_files} after a quarter, {after} after");

    let promises = [
        (
            "calls were made",
            calls > 0 && failures > 0 && told.faults > 0,
        ),
        (
            "one login for each token",
            told.logins == told.expired + 1 || told.logins == told.expired,
        ),
        (
            "connections are kept",
            told.connections <= threads as u64 + told.ended,
        ),
        ("memory is flat", resident <= warm * 3 / 2 + 8192),
        (
            "no open file is lost",
            after == before && warm_files <= before + 2 * threads,
        ),
    ];
    let broken: Vec<_> = promises.iter().filter(|(_, is_kept)| !is_kept).collect();
    if !broken.is_empty() {
        return Err(format!("broken: {broken:?}").into());
    }
    println!("all promises kept");
    Ok(())
}

/// One call of any kind, checked.
fn call(
    client: &Client,
    random: &mut fastrand::Rng,
    folder: &std::path::Path,
    digests: &[String],
    counts: &Counts,
) -> Result<(), String> {
    counts.calls.fetch_add(1, Ordering::Relaxed);
    let failing = random.choice(FAILURES).filter(|_| random.u8(0..10) == 0);
    let job = failing.map_or_else(|| random.i32(1..=FILES), |(job, _)| job);
    let outcome = match random.u8(0..3) {
        0 => client.get_output_file(job).map(|file| file.bytes.to_vec()),
        1 => client.save_output_file(job, folder).map(|saved| {
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

/// What is handed out as it arrives cannot be taken back: where that broke, it is begun anew.
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

/// A line of what Linux tells of this process, in KiB.
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
    answers: BufReader<std::process::ChildStdout>,
    url: String,
}

impl ServerProcess {
    fn start() -> Result<Self, Box<dyn StdError>> {
        let mut process = Command::new(env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut answers = BufReader::new(process.stdout.take().ok_or("no output")?);
        let mut url = String::new();
        answers.read_line(&mut url)?;
        Ok(Self {
            process,
            answers,
            url: url.trim().to_owned(),
        })
    }

    fn stop(&mut self) -> Result<Told, Box<dyn StdError>> {
        drop(self.process.stdin.take());
        let mut told = String::new();
        self.answers.read_to_string(&mut told)?;
        self.process.wait()?;
        let mut numbers = told.split_whitespace().map(str::parse);
        let mut next = || {
            numbers
                .next()
                .ok_or("the server told too little")?
                .map_err(Box::<dyn StdError>::from)
        };
        Ok(Told {
            requests: next()?,
            faults: next()?,
            logins: next()?,
            expired: next()?,
            connections: next()?,
            ended: next()?,
        })
    }
}

/// What the server saw.
struct Told {
    requests: u64,
    faults: u64,
    logins: u64,
    expired: u64,
    connections: u64,
    ended: u64,
}

// The server.

#[derive(Default)]
struct State {
    requests: AtomicU64,
    faults: AtomicU64,
    connections: AtomicU64,
    /// Connections that ended by a fault, or may have.
    ended: AtomicU64,
    tokens: Mutex<Tokens>,
    next: AtomicUsize,
}

#[derive(Default)]
struct Tokens {
    given: u64,
    /// How many of them are no longer good.
    over: u64,
    /// How often all that were given have expired.
    expired: u64,
    /// When those that are good expire.
    end: Option<Instant>,
}

impl Tokens {
    fn give(&mut self) -> u64 {
        self.given += 1;
        self.end.get_or_insert_with(|| Instant::now() + TOKEN_LIFE);
        self.given
    }

    fn is_good(&mut self, number: u64) -> bool {
        if self.end.is_some_and(|end| end < Instant::now()) {
            (self.over, self.end) = (self.given, None);
            self.expired += 1;
        }
        number > self.over
    }
}

fn serve_until_told() -> io::Result<()> {
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
                // Clients hang up where they have waited for too long.
                let _ = serve(&connection, &state);
            });
        }
    });
    io::stdin().read_to_end(&mut Vec::new())?;
    let [requests, faults, connections, ended] = [
        &state.requests,
        &state.faults,
        &state.connections,
        &state.ended,
    ]
    .map(|count| count.load(Ordering::Relaxed));
    let Tokens { given, expired, .. } = *state.tokens.lock().unwrap();
    // The client may have failed, and want to know nothing.
    let _ = writeln!(
        io::stdout(),
        "{requests} {faults} {given} {expired} {connections} {ended}"
    );
    Ok(())
}

/// The files' bodies in each form, with their headers.
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
            let number = state.tokens.lock().unwrap().give();
            json(
                connection,
                200,
                &format!(r#"{{"access_token":"token-{number}","expires_in":3600}}"#),
            )?;
            continue;
        }
        let job = head.split("/OutputFile/").nth(1);
        let job = job.and_then(|rest| rest.split(' ').next()?.parse().ok());
        if !is_authorised(&head, state) {
            json(connection, 401, r#"{"Message":"Not Valid Token"}"#)?;
            continue;
        }
        if matches!(job, Some(102..=104)) {
            // The client has seen enough before the end.
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
            104 => json(connection, 200, &format!("\"{}\"", "QUJD".repeat(LARGEST)))?,
            105 => json(connection, 403, r#"{"Message":"No permission"}"#)?,
            job => {
                let number = state.next.fetch_add(1, Ordering::Relaxed);
                let answer = &BODIES[job as usize - 1][number % 5];
                if !fault(connection, answer, number, state)? {
                    return Ok(());
                }
            }
        }
    }
}

/// Answers, most times as it should be; whether the connection goes on.
fn fault(
    mut connection: &TcpStream,
    answer: &[u8],
    number: usize,
    state: &State,
) -> io::Result<bool> {
    // Numbers that have nothing to do with the forms, nor threads with them.
    let kind = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
    if kind > 5 {
        return connection.write_all(answer).map(|()| true);
    }
    state.faults.fetch_add(1, Ordering::Relaxed);
    if kind == 0 {
        json(connection, 503, r#"{"Message":"Busy"}"#)?;
        return Ok(true);
    }
    if kind == 1 {
        // It says nothing of the end: the next request finds it closed.
        connection.write_all(answer)?;
        state.ended.fetch_add(1, Ordering::Relaxed);
        return Ok(false);
    }
    state.ended.fetch_add(1, Ordering::Relaxed);
    connection.write_all(&answer[..answer.len() * (kind as usize - 2) / 3])?;
    match kind {
        2 => {}
        3 => socket2::SockRef::from(connection).set_linger(Some(Duration::ZERO))?,
        4 => connection.shutdown(Shutdown::Write)?,
        _ => thread::sleep(PATIENCE * 3 / 2),
    }
    Ok(false)
}

fn is_authorised(head: &str, state: &State) -> bool {
    let token = head.split("Bearer token-").nth(1);
    let number = token.and_then(|rest| rest.lines().next()?.parse().ok());
    number.is_some_and(|number| state.tokens.lock().unwrap().is_good(number))
}

fn json(mut connection: &TcpStream, status: u16, body: &str) -> io::Result<()> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n");
    connection.write_all((head + body).as_bytes())
}
