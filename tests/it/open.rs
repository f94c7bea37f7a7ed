//! Open downloads, and memory of the caller, through the Rust interface.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use mock_server::RawServer;
use mock_server::connection::{Listener, read_head};
use mock_server::scripted_jobs::JOBS;
use mock_server::unresponsive::stalls_after;
use mock_server::{MockSellercloud, TOKEN};
use sellercloud_output::{
    BodyEncoding, CancelToken, Client, ClientBuilder, Error, ErrorKind, FileMemory,
    OutputFileDownload, RetryPolicy, WaitOptions,
};

fn builder(url: impl Into<String>) -> ClientBuilder {
    let builder = Client::builder(url).token(TOKEN);
    builder.retry_policy(RetryPolicy::never())
}

fn client(url: impl Into<String>) -> Client {
    builder(url).build().unwrap()
}

/// Starts a server whose response has these headers, a Content-Length, and this body.
fn responding(headers: &str, body: &str) -> RawServer {
    let length = body.len();
    RawServer::responding(format!(
        "HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    ))
}

/// Reads to the end in reads of `size` bytes.
fn read_all(download: &mut OutputFileDownload, size: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; size];
    loop {
        match download.read(&mut buffer) {
            Ok(0) => return Ok(bytes),
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            Err(error) => return Err(error.downcast().unwrap()),
        }
    }
}

#[test]
fn open_file_of_every_kind_has_its_name_and_bytes() {
    let mock = MockSellercloud::start();
    for job in &JOBS {
        let is_raw = job.name == "labels.zip";
        let encoding = match is_raw {
            true => BodyEncoding::Raw,
            false => BodyEncoding::Base64,
        };
        let client = builder(mock.url()).body_encoding(encoding).build().unwrap();
        let expected = (job.bytes)();
        for size in [1, 1000, 32 * 1024, 1024 * 1024] {
            if size < 32 * 1024 && expected.len() > 1024 * 1024 {
                continue;
            }
            let mut download = client.open_output_file(job.id).unwrap();
            assert_eq!(download.job_id().get(), job.id);
            assert_eq!(download.name(), job.name);
            assert_eq!(
                download.is_fallback_name(),
                job.name.starts_with("output-"),
                "{}",
                job.name
            );
            let length = expected.len() as u64;
            assert_eq!(download.size(), is_raw.then_some(length), "{}", job.name);
            let bytes = read_all(&mut download, size).unwrap();
            assert!(bytes == expected, "{} in reads of {size}", job.name);
            // The end stays the end.
            assert_eq!(download.read(&mut [0; 9]).unwrap(), 0);
        }
    }
}

#[test]
fn open_name_of_json_counts_only_before_the_content() {
    let named = "Content-Disposition: attachment; filename=header.csv\r\n";
    for (headers, body, name) in [
        ("", r#"{"FileName": "a.csv", "Content": "QUJD"}"#, "a.csv"),
        (
            "",
            r#"{"Content": "QUJD", "FileName": "a.csv"}"#,
            "output-7",
        ),
        (
            named,
            r#"{"FileName": "a.csv", "Content": "QUJD"}"#,
            "header.csv",
        ),
        (
            named,
            r#"{"Content": "QUJD", "FileName": "a.csv"}"#,
            "header.csv",
        ),
    ] {
        let server = responding(headers, body);
        let mut download = client(&server.url).open_output_file(7).unwrap();
        assert_eq!(download.name(), name, "{headers}{body}");
        assert_eq!(download.is_fallback_name(), name == "output-7");
        assert_eq!(read_all(&mut download, 100).unwrap(), b"ABC");
    }
}

#[test]
fn open_body_without_a_file_is_an_error_of_open() {
    let long = "x".repeat(2000);
    for body in [
        "",
        "null",
        "<!DOCTYPE html><h1>Sign in</h1>",
        r#"{"Message": "no"}"#,
        r#"{"Content": null, "FileName": "a.csv"}"#,
        // Whether this is a file, only what follows can say.
        r#"{"Content": "", "Other": [1, 2, 3]}"#,
        r#"{"Content": "Unauthorized"}"#,
        "The file is not ready yet.",
        "\"Too many requests\"",
        &long[..1],
        &format!("{}!", &long[..1999]),
    ] {
        let server = responding("", body);
        let client = client(&server.url);
        let whole = client.get_output_file(7).unwrap_err();
        let error = client.open_output_file(7).unwrap_err();
        assert_eq!(error.to_string(), whole.to_string(), "{body}");
        assert_eq!(error.kind(), whole.kind(), "{body}");
    }
    // An empty or odd content is a file if something names it.
    let empty = format!(
        r#"{{"Content": "{}", "FileName": "a.csv"}}"#,
        r"\n".repeat(1000)
    );
    for (body, bytes) in [
        (r#"{"Content": "", "FileName": "a.csv"}"#, &b""[..]),
        (&empty, b""),
        (r#"{"FileName": "a.csv", "Content": "null"}"#, b"\x9e\xe9e"),
    ] {
        let server = responding("", body);
        let mut download = client(&server.url).open_output_file(7).unwrap();
        assert_eq!(download.name(), "a.csv", "{body}");
        assert_eq!(read_all(&mut download, 100).unwrap(), bytes, "{body}");
    }
}

#[test]
fn open_transient_failure_is_retried_and_a_read_is_not() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = requests.clone();
    let server = RawServer::start(move |_, connection| {
        let response = match counter.fetch_add(1, Ordering::SeqCst) {
            0 => "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
            // Cut before a byte is certainly the file's, and after that.
            1 => "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nQUJD",
            _ => str::from_utf8(&STALLED).unwrap(),
        };
        let _ = connection.write_all(response.as_bytes());
    });
    let policy = RetryPolicy::default().initial_backoff(Duration::from_millis(1));
    let client = builder(&server.url).retry_policy(policy).build().unwrap();
    let mut download = client.open_output_file(7).unwrap();
    assert_eq!(requests.load(Ordering::SeqCst), 3);
    let mut bytes = [0; 1000];
    assert_eq!(download.read(&mut bytes).unwrap(), FIRST);
    let error = download.read(&mut bytes).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    let error: Error = error.downcast().unwrap();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(error.attempts(), 3);
    assert_eq!(error.job_id().unwrap().get(), 7);
    assert_eq!(requests.load(Ordering::SeqCst), 3);
}

#[test]
fn read_of_a_cut_or_malformed_body_fails_every_time() {
    let start = "QUJD".repeat(20_000);
    let length = start.len() + 100;
    for (what, response, kind) in [
        (
            "a shorter body than announced",
            format!("Content-Length: {length}\r\n\r\n{start}"),
            ErrorKind::Connection,
        ),
        (
            "a body without its last chunk",
            format!(
                "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{start}\r\n",
                start.len()
            ),
            ErrorKind::Connection,
        ),
        (
            "an incomplete group",
            format!("Content-Length: {}\r\n\r\n{start}QU", start.len() + 2),
            ErrorKind::MalformedBody,
        ),
        (
            "another character",
            format!("Content-Length: {length}\r\n\r\n{start}{}", "*".repeat(100)),
            ErrorKind::MalformedBody,
        ),
        (
            "a JSON string without its end",
            format!("Content-Length: {}\r\n\r\n\"{start}", start.len() + 1),
            ErrorKind::MalformedBody,
        ),
        (
            "an object without its end",
            format!(
                "Content-Length: {}\r\n\r\n{{\"Content\":\"{start}\"",
                start.len() + 13
            ),
            ErrorKind::MalformedBody,
        ),
    ] {
        for size in [100, 10_000, 1_000_000] {
            let server = RawServer::responding(format!("HTTP/1.1 200 OK\r\n{response}"));
            let mut download = client(&server.url).open_output_file(7).unwrap();
            let error = read_all(&mut download, size).unwrap_err();
            assert_eq!(error.kind(), kind, "{what}: {error}");
            for _ in 0..2 {
                let again = download.read(&mut [0; 100]).unwrap_err();
                assert_eq!(again.to_string(), error.to_string(), "{what} ({size})");
            }
        }
    }
}

#[test]
fn read_of_a_file_over_the_limit_fails() {
    let server = responding("", &"QUJD".repeat(20_000));
    let client = builder(&server.url).max_file_size(59_999).build().unwrap();
    let mut download = client.open_output_file(7).unwrap();
    let error = download.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    let error: Error = error.downcast().unwrap();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

/// The start of a response, with as much of the body as shows that it is a file.
static STALLED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
    (head.to_owned() + &"QUJD".repeat(FIRST / 3)).into_bytes()
});

/// The size of the part of the file that has arrived.
const FIRST: usize = 600;

#[test]
fn read_is_cancelled_by_token_and_by_interrupt() {
    let server = stalls_after(&STALLED);
    let client = client(&server.url);
    // While a read waits.
    let token = CancelToken::new();
    let call = client.call().cancel_token(&token);
    let mut download = call.open_output_file(7).unwrap();
    assert_eq!(download.read(&mut [0; 1000]).unwrap(), FIRST);
    let (started, has_started) = mpsc::channel();
    let (error, cancelled) = thread::scope(|scope| {
        let read = scope.spawn(|| {
            started.send(()).unwrap();
            let error = read_all(&mut download, 100).unwrap_err();
            (error, Instant::now())
        });
        has_started.recv().unwrap();
        let cancelled = Instant::now();
        token.cancel();
        let (error, end) = read.join().unwrap();
        (error, end - cancelled)
    });
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert!(cancelled < Duration::from_millis(250), "{cancelled:?}");
    // Between reads.
    let token = CancelToken::new();
    let call = client.call().cancel_token(&token);
    let mut download = call.open_output_file(7).unwrap();
    assert_eq!(download.read(&mut [0; 10]).unwrap(), 10);
    token.cancel();
    for _ in 0..2 {
        // Bytes that were decoded before are not returned any more.
        let error = download.read(&mut [0; 100]).unwrap_err();
        let error: Error = error.downcast().unwrap();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    }
    // By a function that the read invokes.
    let invoked = Arc::new(AtomicUsize::new(0));
    let counter = invoked.clone();
    let call = client
        .call()
        .interrupt(move || match counter.fetch_add(1, Ordering::Relaxed) < 3 {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        });
    let mut download = call.open_output_file(7).unwrap();
    let error = read_all(&mut download, 100).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
}

#[test]
fn timeout_counts_in_the_library_and_total_timeout_between_reads_too() {
    const TIMEOUT: Duration = Duration::from_millis(400);
    let server = stalls_after(&STALLED);
    let client = client(&server.url);
    // The time that passes here is the subject of the test.
    let pause = || thread::sleep(TIMEOUT + Duration::from_millis(50));

    let call = client.call().timeout(TIMEOUT);
    let mut download = call.open_output_file(7).unwrap();
    pause();
    assert_eq!(download.read(&mut [0; 1000]).unwrap(), FIRST);
    pause();
    let start = Instant::now();
    let error = read_all(&mut download, 100).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.to_string(), "job 7: timed out after 0.4 s");
    let elapsed = start.elapsed();
    assert!(
        elapsed > TIMEOUT / 4 && elapsed < 3 * TIMEOUT,
        "{elapsed:?}"
    );

    let call = client.call().total_timeout(TIMEOUT);
    let mut download = call.open_output_file(7).unwrap();
    assert_eq!(download.read(&mut [0; 1000]).unwrap(), FIRST);
    pause();
    let start = Instant::now();
    let error = read_all(&mut download, 100).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.to_string(), "job 7: timed out after 0.4 s");
    assert!(start.elapsed() < TIMEOUT, "it waited");

    // The stall timeout begins with the read.
    let client = builder(&server.url).stall_timeout(TIMEOUT).build().unwrap();
    let mut download = client.open_output_file(7).unwrap();
    pause();
    assert_eq!(download.read(&mut [0; 1000]).unwrap(), FIRST);
    let error = read_all(&mut download, 100).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("no data received"), "{error}");

    for call in [
        client.call().total_timeout(Duration::ZERO),
        client.call().timeout(Duration::ZERO),
    ] {
        let error = call.open_output_file(7).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn drop_early_closes_the_connection_and_the_end_reuses_it() {
    let (closed, is_closed) = mpsc::channel();
    let server = RawServer::start(move |_, connection| {
        connection.write_all(&STALLED).unwrap();
        let end = connection.read_to_end(&mut Vec::new());
        closed.send(end.is_ok()).unwrap();
    });
    let opened = client(&server.url).open_output_file(7).unwrap();
    drop(opened);
    assert!(is_closed.recv_timeout(Duration::from_secs(10)).unwrap());

    let connections = Arc::new(AtomicUsize::new(0));
    let counter = connections.clone();
    let server = Listener::start(move |mut socket| {
        counter.fetch_add(1, Ordering::SeqCst);
        while read_head(&mut socket).is_some() {
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nQUJD");
        }
    });
    let client = client(format!("http://{}", server.address));
    for _ in 0..3 {
        let mut download = client.open_output_file(7).unwrap();
        assert_eq!(read_all(&mut download, 100).unwrap(), b"ABC");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[test]
fn download_outlives_its_client_and_moves_between_threads() {
    let mock = MockSellercloud::start();
    let client = client(mock.url());
    let mut download = client.open_output_file(28142).unwrap();
    drop(client);
    let mut start = [0; 10];
    download.read_exact(&mut start).unwrap();
    let rest = thread::spawn(move || read_all(&mut download, 100).unwrap());
    let bytes = [&start[..], &rest.join().unwrap()].concat();
    assert!(bytes == (JOBS[0].bytes)());
}

#[test]
fn progress_counts_across_reads_and_can_cancel() {
    let body = "QUJD".repeat(100_000);
    let server = responding("", &body);
    let client = client(&server.url);
    let (reports, reported) = mpsc::channel();
    let call = client.call().on_progress(move |progress| {
        reports.send(progress).unwrap();
        ControlFlow::Continue(())
    });
    let mut download = call.open_output_file(7).unwrap();
    assert_eq!(read_all(&mut download, 100_000).unwrap().len(), 300_000);
    drop(download);
    let reported: Vec<_> = reported.iter().collect();
    let counts: Vec<u64> = reported
        .iter()
        .map(|report| report.bytes_received)
        .collect();
    assert_eq!(counts[0], 0);
    assert!(
        counts.windows(2).all(|pair| pair[0] < pair[1]),
        "{counts:?}"
    );
    assert_eq!(*counts.last().unwrap(), 400_000);
    assert!(
        reported
            .iter()
            .all(|r| r.total_bytes == Some(400_000) && r.attempt == 1)
    );

    let call = client
        .call()
        .on_progress(|progress| match progress.bytes_received {
            0..200_000 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        });
    let mut download = call.open_output_file(7).unwrap();
    let error = read_all(&mut download, 10_000).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
}

#[test]
fn read_after_a_panic_in_a_callback_fails() {
    let server = responding("", &"QUJD".repeat(100_000));
    let client = client(&server.url);
    let call = client.call().on_progress(|progress| {
        assert!(progress.bytes_received < 200_000, "from the callback");
        ControlFlow::Continue(())
    });
    let mut download = call.open_output_file(7).unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| read_all(&mut download, 1_000)));
    assert!(panicked.is_err());
    let error = read_all(&mut download, 1_000).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
}

#[test]
fn wait_and_open_file_that_appears_a_moment_later_is_opened() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = requests.clone();
    let server = RawServer::start(move |head, connection| {
        let body = match head.contains("OutputFile") {
            false => r#"{"Basic": {"ID": 7, "Status": "Completed"}}"#,
            true if counter.fetch_add(1, Ordering::SeqCst) < 2 => "null",
            true => "QUJD",
        };
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        let _ = connection.write_all((head + body).as_bytes());
    });
    let client = client(&server.url);
    let options = WaitOptions::default().initial_interval(Duration::from_millis(100));
    let (job, mut download) = client.wait_and_open_output_file(7, options).unwrap();
    assert!(job.status.is_success());
    assert_eq!(read_all(&mut download, 100).unwrap(), b"ABC");
    assert_eq!(requests.load(Ordering::SeqCst), 3);
    let mut bytes = Vec::new();
    let (job, file) = client
        .wait_for_output_file_into(7, &mut bytes, WaitOptions::default())
        .unwrap();
    assert!(job.status.is_success());
    assert_eq!(&bytes[..file.size as usize], b"ABC");
}

/// Memory of a fixed size that counts how often it is reserved for a first byte.
struct Fixed {
    bytes: Vec<u8>,
    attempts: usize,
    first_capacity: usize,
}

impl FileMemory for Fixed {
    fn reserve(&mut self, used: usize, capacity: usize) -> io::Result<&mut [u8]> {
        if used == 0 {
            self.attempts += 1;
            self.first_capacity = capacity;
        }
        match capacity <= self.bytes.len() {
            true => Ok(&mut self.bytes),
            false => Err(io::Error::other("the mapped memory is too small")),
        }
    }
}

#[test]
fn memory_of_the_caller_has_the_file_of_every_kind() {
    let mock = MockSellercloud::start();
    let client = builder(mock.url())
        .body_encoding(BodyEncoding::Auto)
        .build()
        .unwrap();
    let mut bytes = Vec::new();
    for job in &JOBS {
        let file = client.get_output_file_into(job.id, &mut bytes).unwrap();
        assert_eq!(file.name, job.name);
        let size = file.size as usize;
        assert!(bytes[..size] == (job.bytes)(), "{}", job.name);
    }
}

#[test]
fn memory_of_the_caller_is_reserved_once_and_used_again_by_a_retry() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = requests.clone();
    let server = RawServer::start(move |_, connection| {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n";
        let body = match counter.fetch_add(1, Ordering::SeqCst) {
            0 => "WFla".repeat(5_000),
            _ => "QUJD".repeat(10_000),
        };
        let _ = connection.write_all((head.to_owned() + &body).as_bytes());
    });
    let policy = RetryPolicy::default().initial_backoff(Duration::from_millis(1));
    let client = builder(&server.url).retry_policy(policy).build().unwrap();
    let memory = |size| Fixed {
        bytes: vec![0; size],
        attempts: 0,
        first_capacity: 0,
    };
    let mut exact = memory(30_000);
    let file = client.get_output_file_into(7, &mut exact).unwrap();
    assert_eq!(file.size, 30_000);
    assert_eq!((exact.attempts, exact.first_capacity), (2, 30_000));
    assert!(exact.bytes == "ABC".repeat(10_000).as_bytes());

    let error = client
        .get_output_file_into(7, &mut memory(29_999))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(
        error.to_string(),
        "job 7: cannot hold the file in memory: the mapped memory is too small"
    );
    assert_eq!(requests.load(Ordering::SeqCst), 3, "it was retried");
}
