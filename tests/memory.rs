//! How much memory a call takes, by the operating system's own peak figure. The
//! client is in a process of its own, so that the server's memory is not its.
#![cfg(target_os = "linux")]

mod support;

use std::env;
use std::fs;
use std::io::{self, Write};

use sellercloud_output::{Client, ErrorKind, Retry, SaveOptions};
use support::raw_server::RawServer;
use support::{run_alone, runs_alone};

const MIB: u64 = 1024 * 1024;

/// What a call may take besides the file it gives.
const ALLOWANCE: u64 = 6 * MIB;

/// The server's jobs are named by the MiB that their files have.
const SIZES: [u64; 2] = [64, 1024];

/// Sends files of zeros without holding them, each as base64 text of the length
/// it states, or (with `lies`) so short that it breaks off at once.
fn server(before: &'static str, after: &'static str, lies: bool) -> RawServer {
    RawServer::start(move |head, connection| {
        let job = head
            .split(['/', ' '])
            .find_map(|part| part.parse::<u64>().ok());
        let length = job.unwrap() * MIB;
        // A multiple of 3, so that there is no padding but at the end.
        let block = [b'A'; 64 * 1024];
        let mut left = length / 3 * 4 + if length.is_multiple_of(3) { 0 } else { 4 };
        let body = left + (before.len() + after.len()) as u64;
        let mut send = || -> io::Result<()> {
            write!(
                connection,
                "HTTP/1.1 200 OK\r\nContent-Length: {body}\r\n\r\n{before}"
            )?;
            if lies {
                return connection.write_all(&block);
            }
            let padding = (3 - length % 3) % 3;
            left -= padding;
            while left > 0 {
                let piece = left.min(block.len() as u64);
                connection.write_all(&block[..piece as usize])?;
                left -= piece;
            }
            connection.write_all(&b"=="[..padding as usize])?;
            connection.write_all(after.as_bytes())
        };
        // The client may have seen enough and hung up.
        let _ = send();
    })
}

/// In bytes.
fn memory(what: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

/// How much more memory the process had at the peak of `call` than before.
fn peak_of<T>(call: impl FnOnce() -> T) -> (u64, T) {
    let idle = memory("VmRSS:");
    // From here on the peak is counted anew.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let outcome = call();
    (memory("VmHWM:").saturating_sub(idle), outcome)
}

fn client() -> Client {
    let retry = Retry {
        attempts: 1,
        ..Retry::default()
    };
    let builder = Client::builder(env::var("SCO_TEST_URL").unwrap());
    builder.token("token").retry(retry).build().unwrap()
}

fn bounded(test: &str, server: &RawServer, calls: impl FnOnce()) {
    match runs_alone() {
        true => calls(),
        false => drop(run_alone(test, &[("SCO_TEST_URL", &server.url)])),
    }
}

#[test]
fn the_buffer_call_takes_the_file_and_a_little() {
    let server = server("", "", false);
    bounded(
        "the_buffer_call_takes_the_file_and_a_little",
        &server,
        || {
            let client = client();
            for size in SIZES {
                // The second uses the memory of the first again.
                for _ in 0..2 {
                    let (peak, file) = peak_of(|| client.output_file(size as i64).unwrap());
                    let length = file.bytes.len() as u64;
                    assert_eq!(length, size * MIB);
                    assert!(peak <= length + ALLOWANCE, "{size} MiB: {peak}");
                    client.recycle(file);
                }
            }
        },
    );
}

#[test]
fn an_object_around_the_file_takes_no_more() {
    let server = server(r#"{"FileName": "a.csv", "Content": ""#, "\"}", false);
    bounded("an_object_around_the_file_takes_no_more", &server, || {
        let (peak, file) = peak_of(|| client().output_file(64).unwrap());
        assert_eq!(file.bytes.len() as u64, 64 * MIB);
        assert!(peak <= 64 * MIB + ALLOWANCE, "{peak}");
    });
}

#[test]
fn saving_and_writing_take_a_little_whatever_the_size() {
    let server = server("", "", false);
    bounded(
        "saving_and_writing_take_a_little_whatever_the_size",
        &server,
        || {
            let folder = tempfile::tempdir().unwrap();
            let client = client();
            for size in SIZES {
                let (peak, info) =
                    peak_of(|| client.write_output_file(size as i64, &mut io::sink()));
                assert_eq!(info.unwrap().len, size * MIB);
                assert!(peak <= ALLOWANCE, "writing {size} MiB: {peak}");

                let options = SaveOptions {
                    name: Some(size.to_string()),
                    sync: false,
                    ..SaveOptions::default()
                };
                let call = client.call().saving(options);
                let (peak, saved) = peak_of(|| call.save_output_file(size as i64, folder.path()));
                let saved = saved.unwrap();
                assert_eq!(fs::metadata(&saved.path).unwrap().len(), size * MIB);
                assert!(peak <= ALLOWANCE, "saving {size} MiB: {peak}");
            }
        },
    );
}

#[test]
fn a_lying_length_takes_nothing() {
    let server = server("", "", true);
    bounded("a_lying_length_takes_nothing", &server, || {
        let client = client();
        for size in [64, 1024, 2048] {
            let (peak, outcome) = peak_of(|| client.output_file(size));
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Connection);
            assert!(peak <= ALLOWANCE, "{size} MiB: {peak}");
        }
    });
}
