//! How much memory a call takes, by the operating system's own peak figure.
//!
//! A binary of its own, since it measures its process: each test restarts itself, so that the
//! memory of the server and of other tests does not count.
#![cfg(target_os = "linux")]
use std::env;
use std::fs;
use std::io::{self, Write};
use std::net::Shutdown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use flate2::Compression;
use flate2::write::GzEncoder;
use mock_server::RawServer;
use mock_server::process::{run_alone, runs_alone};
use sellercloud_output::{Client, ErrorKind, RetryPolicy, SaveOptions, WaitOptions};

const MIB: u64 = 1024 * 1024;

/// The memory that a call may need besides the file that it returns.
const ALLOWANCE: u64 = 6 * MIB;

/// File sizes in MiB. A job's id is the size of its file.
const SIZES: [u64; 2] = [64, 1024];

/// Starts a server that sends files of zeros as base64 text, without holding them in memory.
///
/// With `is_truncated`, the connection closes after the first block.
fn server(before: &'static str, after: &'static str, is_truncated: bool) -> RawServer {
    RawServer::start(move |head, connection| {
        let job = head
            .split(['/', ' '])
            .find_map(|part| part.parse::<u64>().ok());
        let length = job.unwrap() * MIB;
        // A multiple of 3, so that there is padding at the end only.
        let block = [b'A'; 64 * 1024];
        let mut left = length / 3 * 4 + if length.is_multiple_of(3) { 0 } else { 4 };
        let body = left + (before.len() + after.len()) as u64;
        let mut send = || -> io::Result<()> {
            write!(
                connection,
                "HTTP/1.1 200 OK\r\nContent-Length: {body}\r\n\r\n{before}"
            )?;
            if is_truncated {
                return connection.write_all(&block);
            }
            let padding = (3 - length % 3) % 3;
            left -= padding;
            while left > 0 {
                let chunk = left.min(block.len() as u64);
                connection.write_all(&block[..chunk as usize])?;
                left -= chunk;
            }
            connection.write_all(&b"=="[..padding as usize])?;
            connection.write_all(after.as_bytes())
        };
        // The client may stop reading.
        let _ = send();
    })
}

/// Returns a figure of /proc/self/status, in bytes.
fn memory(what: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

/// Runs `call`, and returns how much memory the process had at its peak above the present.
fn peak_of<T>(call: impl FnOnce() -> T) -> (u64, T) {
    peak_above(memory("VmRSS:"), call)
}

/// Runs `call`, and returns how much memory the process had at its peak above `idle`.
fn peak_above<T>(idle: u64, call: impl FnOnce() -> T) -> (u64, T) {
    // Resets the peak.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let outcome = call();
    (memory("VmHWM:").saturating_sub(idle), outcome)
}

fn client() -> Client {
    let retry = RetryPolicy::default().max_attempts(1);
    let builder = Client::builder(env::var("SCO_TEST_URL").unwrap());
    builder.token("token").retry_policy(retry).build().unwrap()
}

fn bounded(test: &str, server: &RawServer, calls: impl FnOnce()) {
    match runs_alone() {
        true => calls(),
        false => drop(run_alone(test, &[("SCO_TEST_URL", &server.url)])),
    }
}

#[test]
fn get_output_file_needs_memory_for_the_file() {
    let server = server("", "", false);
    bounded("get_output_file_needs_memory_for_the_file", &server, || {
        let client = client();
        for size in SIZES {
            for _ in 0..2 {
                let (peak, file) = peak_of(|| client.get_output_file(size as i64).unwrap());
                let length = file.bytes.len() as u64;
                assert_eq!(length, size * MIB);
                assert!(peak <= length + ALLOWANCE, "{size} MiB: {peak}");
            }
        }
    });
}

#[test]
fn get_output_file_in_json_needs_no_more_memory() {
    let server = server(r#"{"FileName": "a.csv", "Content": ""#, "\"}", false);
    bounded(
        "get_output_file_in_json_needs_no_more_memory",
        &server,
        || {
            let (peak, file) = peak_of(|| client().get_output_file(64).unwrap());
            assert_eq!(file.bytes.len() as u64, 64 * MIB);
            assert!(peak <= 64 * MIB + ALLOWANCE, "{peak}");
        },
    );
}

#[test]
fn save_and_write_memory_is_independent_of_size() {
    let server = server("", "", false);
    bounded(
        "save_and_write_memory_is_independent_of_size",
        &server,
        || {
            let folder = tempfile::tempdir().unwrap();
            let client = client();
            for size in SIZES {
                let (peak, info) =
                    peak_of(|| client.write_output_file(size as i64, &mut io::sink()));
                assert_eq!(info.unwrap().size, size * MIB);
                assert!(peak <= ALLOWANCE, "writing {size} MiB: {peak}");

                let options = SaveOptions::default()
                    .file_name(size.to_string())
                    .flush_to_disk(false);
                let call = client.call().save_options(options);
                let (peak, saved) = peak_of(|| call.save_output_file(size as i64, folder.path()));
                let saved = saved.unwrap();
                assert_eq!(fs::metadata(&saved.path).unwrap().len(), size * MIB);
                assert!(peak <= ALLOWANCE, "saving {size} MiB: {peak}");
            }
        },
    );
}

#[test]
fn wrong_content_length_takes_no_memory() {
    let server = server("", "", true);
    bounded("wrong_content_length_takes_no_memory", &server, || {
        let client = client();
        for size in [64, 1024, 2048] {
            let (peak, outcome) = peak_of(|| client.get_output_file(size));
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Connection);
            assert!(peak <= ALLOWANCE, "{size} MiB: {peak}");
        }
    });
}

/// A job for which the server of JSON sends a few bytes.
const NO_JOB: i64 = i32::MAX as i64;

/// The maximum size of a JSON response, in bytes.
const MAX_JSON: usize = 4 * MIB as usize;

/// Returns JSON of many shapes, of the maximum size. A tree of it would need much memory.
fn hostile_json(before: &str, after: &str) -> Vec<(&'static str, Vec<u8>)> {
    let filled = |start: &str, item: &str, end: &str| {
        let room = MAX_JSON - before.len() - after.len() - start.len() - end.len() - 16;
        let items = item.repeat(room / item.len());
        [before, start, &items, end, after].concat().into_bytes()
    };
    vec![
        ("numbers", filled(r#""x":["#, "1,", "1]")),
        ("nested lists", filled(r#""x":["#, "[],", "1]")),
        ("objects", filled(r#""x":["#, r#"{"a":1},"#, "1]")),
        ("fields", filled("", r#""a":1,"#, r#""b":2"#)),
        ("empty keys", filled("", r#""":[],"#, r#""b":2"#)),
        ("a string", filled("\"x\":\"", "a", "\"")),
        ("escapes", filled("\"x\":\"", "\\ud83d", "\"")),
        ("an escaped key", filled("\"", "\\u0061", "\":1")),
        ("a number", filled("\"x\":1", "0", "")),
        (
            "an error message",
            filled("\"ErrorMessage\":\"", "\\u001b\\n", "\""),
        ),
        ("items", filled(r#""Items":["#, r#"{"Message":"a"},"#, "1]")),
        (
            "messages",
            filled(r#""errors":{"#, r#""a":["b"],"#, r#""b":1}"#),
        ),
        ("statuses", filled("", r#""Status":3,"#, r#""b":2"#)),
        ("deep lists", {
            let depth = MAX_JSON / 2 - before.len() - after.len() - 16;
            let lists = "[".repeat(depth) + &"]".repeat(depth);
            format!("{before}\"x\":{lists}{after}").into_bytes()
        }),
    ]
}

/// The bodies of the responses with such JSON.
struct JsonBodies {
    jobs: Vec<Vec<u8>>,
    logs: Vec<Vec<u8>>,
    errors: Vec<Vec<u8>>,
    tokens: Vec<Vec<u8>>,
}

impl JsonBodies {
    fn new() -> Self {
        let gzipped = |before: &str, after: &str| {
            let bodies = hostile_json(before, after).into_iter();
            let gzip = |body: Vec<u8>| {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(&body).unwrap();
                encoder.finish().unwrap()
            };
            bodies.map(|(_, body)| gzip(body)).collect()
        };
        let tokens = hostile_json(r#"{"access_token":"token","#, "}");
        Self {
            jobs: gzipped(r#"{"Basic":{"Status":3},"#, "}"),
            logs: gzipped(r#"{"Items":[{"Message":"line"}],"#, "}"),
            errors: gzipped("{", "}"),
            tokens: tokens.into_iter().map(|(_, body)| body).collect(),
        }
    }
}

/// Starts a server that sends the shape with the job's number, as the job and as the error in
/// place of its file. Each login receives the next shape.
fn server_of_json() -> RawServer {
    let logins = Arc::new(AtomicUsize::new(0));
    // Built in the process that has the server only.
    let bodies = Arc::new(LazyLock::new(JsonBodies::new));
    RawServer::start(move |head, connection| {
        let number = |text: &str| text.split(['/', ' ']).find_map(|part| part.parse().ok());
        let job: usize = number(head).unwrap_or(0);
        let (status, encoding, body) = if head.starts_with("POST") {
            let index = logins.fetch_add(1, Ordering::Relaxed);
            ("200 OK", "identity", bodies.tokens[index].as_slice())
        } else if head.contains("/Logs") {
            ("200 OK", "gzip", &bodies.logs[job - 1][..])
        } else if head.contains("/failed/") {
            ("200 OK", "identity", &br#"{"Basic":{"Status":4}}"#[..])
        } else if head.contains("/nothing/") || head.contains("server-by-team") {
            ("200 OK", "gzip", &bodies.errors[job - 1][..])
        } else if job as i64 == NO_JOB {
            ("200 OK", "identity", &br#"{"Basic":{"Status":3}}"#[..])
        } else if head.contains("/OutputFile/") {
            (
                "500 Internal Server Error",
                "gzip",
                &bodies.errors[job - 1][..],
            )
        } else {
            ("200 OK", "gzip", &bodies.jobs[job - 1][..])
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Encoding: {encoding}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        // The client may stop reading.
        let _ = connection.write_all(&[head.as_bytes(), body].concat());
        // A connection that is closed with unread bytes is reset.
        let _ = connection.shutdown(Shutdown::Write);
        let _ = io::copy(connection, &mut io::sink());
    })
}

#[test]
fn json_of_any_shape_needs_memory_for_its_text() {
    let server = server_of_json();
    bounded(
        "json_of_any_shape_needs_memory_for_its_text",
        &server,
        || {
            // The first call allocates memory that stays in use.
            let client = client();
            client.get_job(NO_JOB).unwrap();
            let limit = MAX_JSON as u64 + ALLOWANCE;
            // Memory that the allocator keeps counts too.
            let idle = memory("VmRSS:");
            let shapes = hostile_json("{", "}").into_iter().map(|(name, _)| name);
            let shapes: Vec<_> = shapes.collect();
            for (job, name) in (1..).zip(&shapes) {
                let (peak, outcome) = peak_above(idle, || client.get_job(job));
                outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert!(peak <= limit, "a job with {name}: {peak}");

                let (peak, outcome) = peak_above(idle, || client.get_output_file(job));
                assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Server, "{name}");
                assert!(peak <= limit, "an error with {name}: {peak}");

                let builder = |base: &str| {
                    let url = env::var("SCO_TEST_URL").unwrap();
                    let builder = Client::builder(format!("{url}/{base}/{job}"));
                    builder
                        .token("token")
                        .retry_policy(RetryPolicy::never())
                        .build()
                        .unwrap()
                };
                let failed = builder("failed");
                let (peak, outcome) =
                    peak_above(idle, || failed.wait_for_job(job, WaitOptions::default()));
                let error = outcome.unwrap_err();
                assert_eq!(error.job_log(), ["line"], "{name}");
                assert!(peak <= limit, "a log with {name}: {peak}");

                let nothing = builder("nothing");
                let (peak, outcome) = peak_above(idle, || nothing.get_job(job));
                let kind = outcome.map(|job| job.status).map_err(|error| error.kind());
                assert!(
                    matches!(kind, Err(ErrorKind::MalformedBody) | Ok(_)),
                    "{name}: {kind:?}"
                );
                assert!(peak <= limit, "no job with {name}: {peak}");

                let url = env::var("SCO_TEST_URL").unwrap();
                let team = Client::for_team("acme").team_lookup_url(format!("{url}/{job}"));
                let team = team
                    .token("token")
                    .retry_policy(RetryPolicy::never())
                    .build()
                    .unwrap();
                let (peak, outcome) = peak_above(idle, || team.get_job(job));
                outcome.unwrap_err();
                assert!(peak <= limit, "a look-up with {name}: {peak}");

                let builder = Client::builder(env::var("SCO_TEST_URL").unwrap());
                let builder = builder.credentials("user", "password");
                let client = builder.retry_policy(RetryPolicy::never()).build().unwrap();
                let (peak, outcome) = peak_above(idle, || client.get_job(NO_JOB));
                assert_eq!(
                    outcome.unwrap_err().kind(),
                    ErrorKind::MalformedBody,
                    "{name}"
                );
                assert!(peak <= limit, "a login with {name}: {peak}");
            }
        },
    );
}

#[test]
fn large_json_around_the_file_needs_little_memory() {
    const FRAME: usize = 1_000_000;
    let bodies: Vec<Vec<u8>> = ["1,", "[],", r#"{"a":1},"#, r#""\ud83d","#, "1e400,"]
        .iter()
        .map(|item| {
            let items = item.repeat(FRAME / item.len());
            format!(r#"{{"x":[{items}0],"FileName":"a.csv","Content":"QUJD"}}"#).into_bytes()
        })
        .collect();
    let count = bodies.len();
    let server = RawServer::start(move |head, connection| {
        let number = |text: &str| text.split(['/', ' ']).find_map(|part| part.parse().ok());
        let job: usize = number(head).unwrap();
        let body = &bodies[job - 1];
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        let _ = connection.write_all(&[head.as_bytes(), body].concat());
    });
    bounded(
        "large_json_around_the_file_needs_little_memory",
        &server,
        || {
            let folder = tempfile::tempdir().unwrap();
            let client = client();
            let _ = client.get_job(1);
            for job in 1..=count as i64 {
                let (peak, saved) = peak_of(|| client.save_output_file(job, folder.path()));
                let saved = saved.unwrap();
                assert_eq!(fs::read(&saved.path).unwrap(), b"ABC");
                fs::remove_file(&saved.path).unwrap();
                // The frame is not stored.
                assert!(peak <= MIB, "{job}: {peak}");
            }
        },
    );
}
