//! Jobs, and waits for them, through the Rust interface.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use httpmock::prelude::*;
use mock_server::RawServer;
use mock_server::{MockSellercloud, TOKEN};
use sellercloud_output::{Client, ErrorKind, JobStatus, RetryPolicy, SaveOptions, WaitOptions};

fn client(url: impl Into<String>) -> Client {
    let builder = Client::builder(url)
        .token(TOKEN)
        .retry_policy(RetryPolicy::never());
    builder.build().unwrap()
}

/// The default policy, with short intervals.
fn fast_polls() -> WaitOptions {
    WaitOptions::default()
        .initial_interval(Duration::from_millis(100))
        .max_interval(Duration::from_millis(120))
}

#[test]
fn job_fields_are_those_of_the_server() {
    let mock = MockSellercloud::start();
    let client = client(mock.url());
    let job = client.get_job(50005).unwrap();
    assert_eq!(job.id.get(), 50005);
    assert_eq!(job.status, JobStatus::Cancelled);
    assert_eq!(job.job_type.as_deref(), Some("Export orders"));
    assert_eq!(job.company_id, Some(163));
    assert_eq!(job.output_file.as_deref(), Some("orders.csv"));
    assert_eq!(job.submitted_on.as_deref(), Some("2026-11-23T10:00:00.123"));
    assert_eq!((job.started_on, job.total_phases), (None, None));
    assert_eq!((job.total_records, job.total_failed), (Some(10), Some(3)));
    // By a link.
    let link = "/queued-jobs/queued-job-details.aspx?id=50007";
    let unknown = client.get_job(link).unwrap();
    assert_eq!(unknown.status, JobStatus::Other("42".into()));
    let error = client.get_job(5).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert!(
        error
            .to_string()
            .starts_with("job 5: the server responded with 500"),
        "{error}"
    );
}

#[test]
fn job_response_without_a_job_fails_with_its_message() {
    for (body, words) in [
        ("<h1>Under maintenance</h1>", "Under maintenance"),
        (r#"{"Message": "odd"}"#, "odd"),
        ("null", "the server's response is not a job"),
        ("", "the server's response is not a job"),
    ] {
        let server = MockServer::start();
        server.mock(|_, then| {
            then.status(200).body(body);
        });
        let error = client(server.base_url()).get_job(1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MalformedBody, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let server = MockServer::start();
    server.mock(|_, then| {
        then.status(200).body(r#"{"Error": "Too many requests."}"#);
    });
    let error = client(server.base_url()).get_job(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
}

#[test]
fn job_with_odd_values_in_unneeded_fields_succeeds() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    for other in [r#""a\ud83d""#, "1e400", &deep] {
        let server = MockServer::start();
        let body = format!(
            r#"{{"Other": {other}, "Basic": {{"Status": 3, "CompanyName": "a\ud83d", "x": {other}}}}}"#
        );
        server.mock(|_, then| {
            then.status(200).body(body);
        });
        let job = client(server.base_url()).get_job(1).unwrap();
        assert_eq!(job.status, JobStatus::Completed);
        assert_eq!(job.company_name.as_deref(), Some("a\u{fffd}"));
    }
}

#[test]
fn job_text_is_redacted_on_one_line_and_truncated() {
    let server = MockServer::start();
    let body = format!(
        r#"{{"Basic": {{"Status": "New\u001b[31m {TOKEN}", "ErrorMessage": "{}",
            "JobType": "a\nb {TOKEN}"}}, "OutputFile": "a\u202e.csv"}}"#,
        "x".repeat(300_000)
    );
    server.mock(|_, then| {
        then.status(200).body(body);
    });
    let job = client(server.base_url()).get_job(1).unwrap();
    assert_eq!(job.status, JobStatus::Other("New [31m [token]".into()));
    assert_eq!(job.job_type.as_deref(), Some("a b [token]"));
    assert_eq!(job.output_file.as_deref(), Some("a.csv"));
    assert_eq!(job.error_message.unwrap().chars().count(), 2001);
}

#[test]
fn job_without_status_fails() {
    let server = MockServer::start();
    server.mock(|_, then| {
        then.status(200)
            .body(r#"{"Basic": {"ID": 1, "Status": null}}"#);
    });
    let error = client(server.base_url()).get_job(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MalformedBody);
    assert!(error.to_string().contains("no status"), "{error}");
}

#[test]
fn wait_returns_when_the_job_has_ended() {
    let mock = MockSellercloud::start();
    let client = client(mock.url());
    // Not found twice, submitted, processing as a number and as a name, completed.
    let job = client.wait_for_job(50001, fast_polls()).unwrap();
    assert_eq!(job.status, JobStatus::Completed);
    assert_eq!(mock.requests("/rest/api/queuedjobs/50001"), 6);
    // The wait continues after statuses that this version does not know.
    assert_eq!(
        client.wait_for_job(50007, fast_polls()).unwrap().status,
        JobStatus::Completed
    );
    assert_eq!(mock.requests("/rest/api/queuedjobs/50007"), 3);
    // A partial success ends the wait, and is reported.
    let job = client.wait_for_job(50003, fast_polls()).unwrap();
    assert_eq!(job.status, JobStatus::PartialSuccess);
}

#[test]
fn wait_for_output_file_returns_the_file() {
    let mock = MockSellercloud::start();
    let client = client(mock.url());
    let (job, file) = client.wait_for_output_file(50001, fast_polls()).unwrap();
    assert_eq!(job.status, JobStatus::Completed);
    assert_eq!((file.job_id.get(), file.bytes.len()), (50001, 2400));
    let error = client
        .wait_for_output_file(50002, fast_polls())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobFailed);
    assert_eq!(mock.requests("/rest/api/queuedjobs/outputfile/50002"), 0);
}

#[test]
fn wait_job_without_success_fails_with_its_log() {
    let mock = MockSellercloud::start();
    let client = client(mock.url());
    for (id, status) in [
        (50002, JobStatus::Failed),
        (50005, JobStatus::Cancelled),
        (50006, JobStatus::CancelledServiceRestarted),
    ] {
        let error = client.wait_for_job(id, fast_polls()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::JobFailed);
        let job = error.job().unwrap();
        assert_eq!(job.status, status);
        assert_eq!(job.error_message.as_deref(), Some("3 rows are not valid"));
        assert_eq!(
            error.to_string(),
            format!(
                "job {id}: the job ended as {status}: 3 rows are not valid; its log: \
                 Row 7 of job {id}: no SKU | Row 9: no price"
            )
        );
    }
}

#[test]
fn wait_job_not_found_fails_after_the_grace() {
    let mock = MockSellercloud::start();
    let client = client(mock.url());
    let wait = fast_polls().grace(Duration::from_millis(500));
    let start = Instant::now();
    let error = client.wait_for_job(5, wait).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert!(start.elapsed() >= Duration::from_millis(500));
    assert!(mock.requests("/rest/api/queuedjobs/5") >= 3);
}

#[test]
fn wait_server_restart_within_the_grace_succeeds() {
    let requests = Arc::new(AtomicUsize::new(0));
    let server = RawServer::start(move |_, connection| {
        let body = match requests.fetch_add(1, Ordering::SeqCst) {
            0 => r#"{"Basic": {"Status": 1}}"#,
            // No response: the connection is closed.
            1..4 => return,
            _ => r#"{"Basic": {"Status": 3}}"#,
        };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        connection.write_all((head + body).as_bytes()).unwrap();
    });
    let job = client(&server.url).wait_for_job(1, fast_polls()).unwrap();
    assert_eq!(job.status, JobStatus::Completed);
    // Without a grace, the first failure ends the wait.
    let closing = RawServer::start(|_, _| {});
    let wait = fast_polls().grace(Duration::ZERO);
    let error = client(&closing.url).wait_for_job(1, wait).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
}

#[test]
fn wait_timeout_reports_the_job_status() {
    let mock = MockSellercloud::start();
    let client = client(mock.url());
    let call = client.call().timeout(Duration::from_millis(700));
    let start = Instant::now();
    let error = call.wait_for_job(50004, fast_polls()).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(
        error.to_string(),
        "job 50004: timed out after 0.7 s; the job's status is still Processing"
    );
    // The intervals are 100, 120, 120, ... ms.
    let calls = mock.requests("/rest/api/queuedjobs/50004");
    assert!((2..=7).contains(&calls), "{calls}");
}

#[test]
fn wait_without_max_interval_ends_at_the_timeout() {
    let mock = MockSellercloud::start();
    let client = client(mock.url());
    let wait = WaitOptions::default()
        .initial_interval(Duration::MAX)
        .max_interval(Duration::MAX)
        .grace(Duration::MAX);
    let call = client.call().timeout(Duration::from_millis(300));
    let error = call.wait_for_job(50004, wait).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}

/// A server that sends these replies to the polls of a job and to the requests for its file in
/// turn, and the last one from then on. It counts both kinds of requests.
struct Scripted {
    url: String,
    polls: Arc<AtomicUsize>,
    files: Arc<AtomicUsize>,
}

#[derive(Clone, Copy)]
enum Reply {
    /// A status, additional headers and a body.
    Http(u16, &'static str, &'static str),
    Close,
}
use Reply::{Close, Http};

impl Scripted {
    fn start(polls: &'static [Reply], files: &'static [Reply]) -> Self {
        let counts = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (polls_count, files_count) = counts.clone();
        let server = RawServer::start(move |head, connection| {
            let no_lines = [Http(200, "", r#"{"Items": []}"#)];
            let (replies, count) = if head.contains("OutputFile") {
                (files, &files_count)
            } else if head.contains("/Logs") {
                (&no_lines[..], &Arc::default())
            } else {
                (polls, &polls_count)
            };
            let index = count.fetch_add(1, Ordering::SeqCst).min(replies.len() - 1);
            let Http(status, headers, body) = replies[index] else {
                return;
            };
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{headers}\r\n");
            let _ = connection.write_all((head + body).as_bytes());
        });
        Self {
            url: server.url,
            polls: counts.0,
            files: counts.1,
        }
    }

    fn polls(&self) -> usize {
        self.polls.load(Ordering::SeqCst)
    }

    fn files(&self) -> usize {
        self.files.load(Ordering::SeqCst)
    }
}

const PROCESSING: Reply = Http(200, "", r#"{"Basic": {"Status": 1}}"#);
const COMPLETED: Reply = Http(
    200,
    "",
    r#"{"Basic": {"Status": 3}, "OutputFile": "a.csv"}"#,
);
const NOT_FOUND: Reply = Http(
    500,
    "",
    r#"{"ExceptionMessage": "Could not find or load record with ID 1!"}"#,
);
const FILE: Reply = Http(
    200,
    "Content-Disposition: attachment; filename=a.csv\r\n",
    "QUJD",
);

#[test]
fn wait_known_job_survives_transient_failures() {
    for failure in [
        Http(500, "", "Execution Timeout Expired."),
        NOT_FOUND,
        Http(503, "Retry-After: 0\r\n", ""),
        Http(502, "", "<h1>Bad Gateway</h1>"),
        Http(521, "", ""),
        Http(429, "Retry-After: 0\r\n", ""),
        Http(409, "", r#"{"Error": "Too many requests."}"#),
        Http(200, "", "<h1>Under maintenance</h1>"),
        Http(200, "", r#"{"Basic": {"Status": null}}"#),
        Close,
    ] {
        let script: &'static [Reply] = vec![PROCESSING, failure, failure, COMPLETED].leak();
        let server = Scripted::start(script, &[FILE]);
        let job = client(&server.url).wait_for_job(1, fast_polls()).unwrap();
        assert_eq!(job.status, JobStatus::Completed);
        assert_eq!(server.polls(), 4);
    }
}

#[test]
fn wait_known_job_fails_after_the_grace() {
    let server = Scripted::start(&[PROCESSING, Http(500, "", "oops")], &[FILE]);
    let wait = fast_polls().grace(Duration::from_millis(300));
    let error = client(&server.url).wait_for_job(1, wait).unwrap_err();
    assert_eq!(error.http_status(), Some(500));
    assert!(server.polls() >= 3);
    // There is no grace for a job that was never seen, nor for a job that is forbidden.
    for reply in [Http(500, "", "oops"), Http(403, "", ""), Http(404, "", "")] {
        let script: &'static [Reply] = vec![reply].leak();
        let server = Scripted::start(script, &[FILE]);
        client(&server.url)
            .wait_for_job(1, fast_polls())
            .unwrap_err();
        assert_eq!(server.polls(), 1);
    }
}

#[test]
fn wait_exhausted_attempts_honor_retry_after() {
    let limited = Http(429, "Retry-After: 1\r\n", "");
    let script: &'static [Reply] = vec![PROCESSING, limited, limited, COMPLETED].leak();
    let server = Scripted::start(script, &[FILE]);
    // The time in Retry-After is not part of the grace.
    let wait = fast_polls().grace(Duration::from_millis(700));
    let start = Instant::now();
    client(&server.url).wait_for_job(1, wait).unwrap();
    assert!(start.elapsed() >= Duration::from_secs(2));
    assert_eq!(server.polls(), 4);
    // A time beyond the call's timeout is not waited for.
    let server = Scripted::start(&[Http(503, "Retry-After: 3600\r\n", "")], &[FILE]);
    let client = client(&server.url);
    let start = Instant::now();
    let call = client.call().timeout(Duration::from_secs(60));
    let error = call.wait_for_job(1, fast_polls()).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(30));
    assert_eq!(error.http_status(), Some(503));
    assert!(error.retry_after() >= Some(Duration::from_secs(3600)));
}

#[test]
fn wait_job_text_that_looks_like_an_error_changes_nothing() {
    let failed = r#"{"Basic": {"Status": 4, "ErrorMessage": "Amazon SP-API: Too many requests"}}"#;
    let script: &'static [Reply] = vec![Http(200, "", failed)].leak();
    let server = Scripted::start(script, &[FILE]);
    let error = Client::builder(&server.url)
        .token(TOKEN)
        .build()
        .unwrap()
        .wait_for_job(1, fast_polls())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobFailed, "{error}");
    assert_eq!(server.polls(), 1);
}

#[test]
fn wait_log_that_quotes_a_rate_limit_is_reported() {
    let logs = Arc::new(AtomicUsize::new(0));
    let count = logs.clone();
    let server = RawServer::start(move |head, connection| {
        let body = match head.contains("/Logs") {
            true => {
                count.fetch_add(1, Ordering::SeqCst);
                r#"{"Items": [{"Message": "Too many requests"}, {"Message": "Could not find SKU"}]}"#
            }
            false => r#"{"Basic": {"Status": 4, "ErrorMessage": "Too many requests"}}"#,
        };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        let _ = connection.write_all((head + body).as_bytes());
    });
    let builder = Client::builder(&server.url).token(TOKEN);
    let error = builder
        .build()
        .unwrap()
        .wait_for_job(1, fast_polls())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobFailed, "{error}");
    assert_eq!(error.job_log(), ["Too many requests", "Could not find SKU"]);
    assert_eq!(logs.load(Ordering::SeqCst), 1);
}

#[test]
fn wait_password_that_is_part_of_a_phrase_changes_nothing() {
    let server = Scripted::start(&[NOT_FOUND, NOT_FOUND, COMPLETED], &[FILE]);
    let client = Client::builder(&server.url)
        .token("find")
        .retry_policy(RetryPolicy::never())
        .build()
        .unwrap();
    let job = client.wait_for_job(1, fast_polls()).unwrap();
    assert_eq!(job.status, JobStatus::Completed);
}

#[test]
fn wait_on_hold_fails_unless_fail_on_hold_is_off() {
    let on_hold = Http(200, "", r#"{"Basic": {"Status": 6}}"#);
    let script: &'static [Reply] = vec![PROCESSING, on_hold, on_hold, COMPLETED].leak();
    let server = Scripted::start(script, &[FILE]);
    let error = client(&server.url)
        .wait_for_job(1, fast_polls())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobFailed);
    assert_eq!(
        error.to_string(),
        "job 1: the job is on hold until a user releases it"
    );
    assert_eq!(server.polls(), 2);
    let server = Scripted::start(script, &[FILE]);
    let wait = fast_polls().fail_on_hold(false);
    let job = client(&server.url).wait_for_job(1, wait).unwrap();
    assert_eq!(job.status, JobStatus::Completed);
}

#[test]
fn wait_unknown_status_with_a_completion_time_ends() {
    let done =
        r#"{"Basic": {"Status": 42, "CompletedOn": "2026-11-23T10:00:00"}, "OutputFile": "a.csv"}"#;
    let failed = r#"{"Basic": {"Status": "Exploded", "CompletedOn": "2026-11-23T10:00:00"}}"#;
    let script: &'static [Reply] = vec![Http(200, "", done)].leak();
    let job = client(&Scripted::start(script, &[FILE]).url)
        .wait_for_job(1, fast_polls())
        .unwrap();
    assert_eq!(job.status, JobStatus::Other("42".into()));
    let script: &'static [Reply] = vec![Http(200, "", failed)].leak();
    let error = client(&Scripted::start(script, &[FILE]).url)
        .wait_for_job(1, fast_polls())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobFailed, "{error}");
}

#[test]
fn wait_unknown_status_without_a_completion_time_continues() {
    for unknown in [
        r#"{"Basic": {"Status": 42}}"#,
        r#"{"Basic": {"Status": 42, "CompletedOn": null}, "OutputFile": "a.csv"}"#,
        r#"{"Basic": {"Status": 42, "CompletedOn": "0001-01-01T00:00:00"}}"#,
        r#"{"Basic": {"Status": "42", "CompletedOn": "\/Date(-62135596800000)\/"}}"#,
        r#"{"Basic": {"Status": "Paused", "CompletedOn": "1/1/0001 12:00:00 AM"}}"#,
    ] {
        let reply = Http(200, "", unknown);
        let script: &'static [Reply] = vec![reply, reply, COMPLETED].leak();
        let server = Scripted::start(script, &[FILE]);
        let job = client(&server.url).wait_for_job(1, fast_polls()).unwrap();
        assert_eq!(job.status, JobStatus::Completed, "{unknown}");
        assert_eq!(server.polls(), 3, "{unknown}");
    }
}

#[test]
fn wait_status_that_stays_null_fails_after_the_grace() {
    let wait = fast_polls().grace(Duration::from_secs(1));
    let null = Http(200, "", r#"{"Basic": {"ID": 1, "Status": null}}"#);
    for script in [vec![null], vec![PROCESSING, null]] {
        let polls = script.len();
        let server = Scripted::start(script.leak(), &[FILE]);
        let start = Instant::now();
        let error = client(&server.url).wait_for_job(1, wait).unwrap_err();
        assert!(start.elapsed() >= Duration::from_secs(1));
        assert_eq!(error.kind(), ErrorKind::MalformedBody, "{error}");
        assert!(error.to_string().contains("no status"), "{error}");
        assert!(server.polls() > polls + 1, "{}", server.polls());
    }
}

#[test]
fn wait_known_job_that_is_forbidden_fails_at_once() {
    for (status, kind) in [
        (400, ErrorKind::UnexpectedStatus),
        (401, ErrorKind::Authentication),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::NotFound),
    ] {
        let refused = Http(status, "", r#"{"Message": "no"}"#);
        let script: &'static [Reply] = vec![PROCESSING, refused, COMPLETED].leak();
        let server = Scripted::start(script, &[FILE]);
        let error = client(&server.url)
            .wait_for_job(1, fast_polls())
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(server.polls(), 2, "{status}");
    }
}

#[test]
fn wait_output_file_that_is_not_ready_is_requested_again() {
    for not_yet in [
        "Job is still processing",
        "OK",
        "null",
        "\"\"",
        r#"{"FileName": "a.csv", "Content": null}"#,
        r#"{"Message": "The file is not ready."}"#,
        "<html><body>Please wait</body></html>",
    ] {
        let reply = Http(200, "Content-Type: application/json\r\n", not_yet);
        let files: &'static [Reply] = vec![reply, reply, FILE].leak();
        let server = Scripted::start(&[COMPLETED], files);
        let client = client(&server.url);
        let (_, file) = client.wait_for_output_file(1, fast_polls()).unwrap();
        assert_eq!(file.bytes, b"ABC", "{not_yet}");
        assert_eq!(server.files(), 3, "{not_yet}");
    }
}

#[test]
fn wait_file_that_appears_a_moment_later_is_downloaded() {
    let empty = Http(200, "", "");
    for not_yet in [NOT_FOUND, empty, Http(500, "", "oops"), Close] {
        let files: &'static [Reply] = vec![not_yet, not_yet, FILE].leak();
        let server = Scripted::start(&[COMPLETED], files);
        let client = client(&server.url);
        let (_, file) = client.wait_for_output_file(1, fast_polls()).unwrap();
        assert_eq!(file.bytes, b"ABC");
        assert_eq!(server.files(), 3);

        let server = Scripted::start(&[COMPLETED], files);
        let directory = tempfile::tempdir().unwrap();
        let client = self::client(&server.url);
        let (_, saved) = client
            .wait_and_save_output_file(1, directory.path(), fast_polls())
            .unwrap();
        assert_eq!(std::fs::read(saved.path).unwrap(), b"ABC");

        let server = Scripted::start(&[COMPLETED], files);
        let mut written = Vec::new();
        self::client(&server.url)
            .wait_and_write_output_file(1, &mut written, fast_polls())
            .unwrap();
        assert_eq!(written, b"ABC");
        // A download without a wait has no grace.
        let server = Scripted::start(&[COMPLETED], files);
        self::client(&server.url).get_output_file(1).unwrap_err();
        assert_eq!(server.files(), 1);
    }
}

#[test]
fn wait_and_save_invalid_target_fails_before_a_request() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.csv"), "mine").unwrap();
    let server = Scripted::start(&[COMPLETED], &[FILE]);
    let client = client(&server.url);
    for (name, within, kind, io_kind) in [
        (
            None,
            "absent",
            ErrorKind::Io,
            Some(std::io::ErrorKind::NotFound),
        ),
        (
            Some("a.csv"),
            "",
            ErrorKind::Io,
            Some(std::io::ErrorKind::AlreadyExists),
        ),
        (Some("a/b.csv"), "", ErrorKind::InvalidArgument, None),
    ] {
        let options = match name {
            Some(name) => SaveOptions::default().file_name(name),
            None => SaveOptions::default(),
        };
        let call = client.call().save_options(options);
        let path = directory.path().join(within);
        let error = call
            .wait_and_save_output_file(1, path, fast_polls())
            .unwrap_err();
        assert_eq!((error.kind(), error.io_kind()), (kind, io_kind), "{error}");
        assert_eq!((server.polls(), server.files()), (0, 0), "{error}");
    }
    let error = client
        .wait_and_save_output_file(1, "", fast_polls())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert_eq!(server.polls(), 0);
}

#[test]
fn save_existing_file_of_the_response_fails_before_the_body() {
    let server = RawServer::start(|_, connection| {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\
            Content-Disposition: attachment; filename=a.csv\r\n\r\nQUJD";
        let _ = connection.write_all(head.as_bytes());
        let _ = connection.read_to_end(&mut Vec::new());
    });
    let directory = tempfile::tempdir().unwrap();
    let existing = directory.path().join("a.csv");
    std::fs::write(&existing, "mine").unwrap();
    let client = client(&server.url);
    let call = client.call().timeout(Duration::from_secs(20));
    let error = call.save_output_file(1, directory.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert_eq!(error.io_kind(), Some(std::io::ErrorKind::AlreadyExists));
    assert_eq!(std::fs::read(existing).unwrap(), b"mine");
}

#[test]
fn wait_file_that_never_appears_fails() {
    let without = Http(200, "", r#"{"Basic": {"Status": 3}, "OutputFile": null}"#);
    let script: &'static [Reply] = vec![without].leak();
    let server = Scripted::start(script, &[Http(200, "", "")]);
    let wait = fast_polls().grace(Duration::from_millis(300));
    let error = client(&server.url)
        .wait_for_output_file(1, wait)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MalformedBody, "{error}");
    assert!(server.files() >= 3);
    // An empty file with a name is a file.
    let named = Http(
        200,
        "Content-Disposition: attachment; filename=a.csv\r\n",
        "",
    );
    let files: &'static [Reply] = vec![named].leak();
    let server = Scripted::start(script, files);
    let (_, file) = client(&server.url).wait_for_output_file(1, wait).unwrap();
    assert_eq!((file.name.as_str(), file.bytes.len()), ("a.csv", 0));
}

#[test]
fn timeout_after_a_failure_names_it() {
    let requests = Arc::new(AtomicUsize::new(0));
    // The first response is a failure. After that the server stalls.
    let server = RawServer::start(move |_, connection| {
        if requests.fetch_add(1, Ordering::SeqCst) == 0 {
            let _ = connection.write_all(b"HTTP/1.1 503 X\r\nContent-Length: 10\r\n\r\nrestarting");
        } else {
            let _ = connection.read_to_end(&mut Vec::new());
        }
    });
    let client = Client::builder(&server.url)
        .token(TOKEN)
        .retry_policy(RetryPolicy::default().initial_backoff(Duration::ZERO))
        .build()
        .unwrap();
    let call = client.call().timeout(Duration::from_millis(500));
    let error = call.get_output_file(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(
        error.to_string(),
        "job 1: timed out after 0.5 s; last error: the server responded with 503 Service Unavailable: \
         restarting (after 2 attempts)"
    );
}

#[test]
fn wait_intervals_of_any_length_are_accepted() {
    let body = r#"{"Basic":{"Status":1}}"#;
    let server = RawServer::responding(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let client = client(&server.url);
    for interval in [
        Duration::MAX,
        Duration::MAX / 2,
        Duration::from_secs(1 << 63),
    ] {
        let wait = WaitOptions::default()
            .initial_interval(interval)
            .max_interval(interval)
            .grace(interval);
        let call = client.call().timeout(Duration::from_millis(200));
        let error = call.wait_for_job(1, wait).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    }
}
