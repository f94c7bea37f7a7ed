//! Jobs and waiting for them, through the Rust interface.

mod support;

use std::time::{Duration, Instant};

use httpmock::prelude::*;
use sellercloud_output::{Client, ErrorKind, JobStatus, Retry, Wait};
use support::raw_server::RawServer;
use support::stand_in::{StandIn, TOKEN};

fn client(url: impl Into<String>) -> Client {
    let builder = Client::builder(url).token(TOKEN).retry(Retry::never());
    builder.build().unwrap()
}

/// Polls as usual, but in short intervals.
fn hasty() -> Wait {
    Wait {
        first: Duration::from_millis(100),
        longest: Duration::from_millis(120),
        ..Wait::default()
    }
}

#[test]
fn a_job_is_told_as_the_server_has_it() {
    let stand_in = StandIn::start();
    let client = client(stand_in.url());
    let job = client.job(50005).unwrap();
    assert_eq!(job.id.get(), 50005);
    assert_eq!(job.status, JobStatus::Cancelled);
    assert_eq!(job.job_type.as_deref(), Some("Export orders"));
    assert_eq!(job.company_id, Some(163));
    assert_eq!(job.output_file.as_deref(), Some("orders.csv"));
    assert_eq!(job.submitted_on.as_deref(), Some("2026-11-23T10:00:00.123"));
    assert_eq!((job.started_on, job.total_phases), (None, None));
    assert_eq!((job.total_records, job.total_failed), (Some(10), Some(3)));
    // A link names the job as well.
    let link = "/queued-jobs/queued-job-details.aspx?id=50007";
    let unknown = client.job(link).unwrap();
    assert_eq!(unknown.status, JobStatus::Other("42".into()));
    let error = client.job(5).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert!(
        error.to_string().starts_with("job 5: server answered 500"),
        "{error}"
    );
}

#[test]
fn an_answer_that_is_no_job_is_an_error_with_its_words() {
    for (body, words) in [
        ("<h1>Under maintenance</h1>", "Under maintenance"),
        (r#"{"Message": "odd"}"#, "odd"),
        ("null", "did not answer a job"),
        ("", "did not answer a job"),
    ] {
        let server = MockServer::start();
        server.mock(|_, then| {
            then.status(200).body(body);
        });
        let error = client(server.base_url()).job(1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MalformedBody, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let server = MockServer::start();
    server.mock(|_, then| {
        then.status(200).body(r#"{"Error": "Too many requests."}"#);
    });
    let error = client(server.base_url()).job(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
}

#[test]
fn job_odd_values_in_unneeded_fields_do_no_harm() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    for other in [r#""a\ud83d""#, "1e400", &deep] {
        let server = MockServer::start();
        let body = format!(
            r#"{{"Other": {other}, "Basic": {{"Status": 3, "CompanyName": "a\ud83d", "x": {other}}}}}"#
        );
        server.mock(|_, then| {
            then.status(200).body(body);
        });
        let job = client(server.base_url()).job(1).unwrap();
        assert_eq!(job.status, JobStatus::Completed);
        assert_eq!(job.company_name.as_deref(), Some("a\u{fffd}"));
    }
}

#[test]
fn job_text_is_redacted_on_one_line_and_bounded() {
    let server = MockServer::start();
    let body = format!(
        r#"{{"Basic": {{"Status": "New\u001b[31m {TOKEN}", "ErrorMessage": "{}",
            "JobType": "a\nb {TOKEN}"}}, "OutputFile": "a\u202e.csv"}}"#,
        "x".repeat(300_000)
    );
    server.mock(|_, then| {
        then.status(200).body(body);
    });
    let job = client(server.base_url()).job(1).unwrap();
    assert_eq!(job.status, JobStatus::Other("New [31m [token]".into()));
    assert_eq!(job.job_type.as_deref(), Some("a b [token]"));
    assert_eq!(job.output_file.as_deref(), Some("a.csv"));
    assert_eq!(job.error_message.unwrap().chars().count(), 2001);
}

#[test]
fn job_without_status_is_an_error_of_its_own() {
    let server = MockServer::start();
    server.mock(|_, then| {
        then.status(200)
            .body(r#"{"Basic": {"ID": 1, "Status": null}}"#);
    });
    let error = client(server.base_url()).job(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MalformedBody);
    assert!(error.to_string().contains("no status"), "{error}");
}

#[test]
fn wait_lasts_until_the_job_has_ended() {
    let stand_in = StandIn::start();
    let client = client(stand_in.url());
    // Not found twice, submitted, processing by number and by name, completed.
    let job = client.wait(50001, hasty()).unwrap();
    assert_eq!(job.status, JobStatus::Completed);
    assert_eq!(stand_in.asked("/rest/api/queuedjobs/50001"), 6);
    // Statuses that this version does not know are no end.
    assert_eq!(
        client.wait(50007, hasty()).unwrap().status,
        JobStatus::Completed
    );
    assert_eq!(stand_in.asked("/rest/api/queuedjobs/50007"), 3);
    // Partial success is one, and can be told.
    let job = client.wait(50003, hasty()).unwrap();
    assert_eq!(job.status, JobStatus::PartialSuccess);
}

#[test]
fn wait_and_fetch_are_one_call() {
    let stand_in = StandIn::start();
    let client = client(stand_in.url());
    let (job, file) = client.wait_for_output_file(50001, hasty()).unwrap();
    assert_eq!(job.status, JobStatus::Completed);
    assert_eq!((file.job.get(), file.bytes.len()), (50001, 2400));
    let error = client.wait_for_output_file(50002, hasty()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobFailed);
    assert_eq!(stand_in.asked("/rest/api/queuedjobs/outputfile/50002"), 0);
}

#[test]
fn a_job_that_ended_without_success_is_an_error_with_its_log() {
    let stand_in = StandIn::start();
    let client = client(stand_in.url());
    for (id, status) in [
        (50002, JobStatus::Failed),
        (50005, JobStatus::Cancelled),
        (50006, JobStatus::CancelledServiceRestarted),
    ] {
        let error = client.wait(id, hasty()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::JobFailed);
        let end = error.job_end().unwrap();
        assert_eq!(end.job.status, status);
        assert_eq!(
            end.job.error_message.as_deref(),
            Some("3 rows are not valid")
        );
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
fn not_found_is_not_yet_for_a_while_only() {
    let stand_in = StandIn::start();
    let client = client(stand_in.url());
    let wait = Wait {
        grace: Duration::from_millis(500),
        ..hasty()
    };
    let start = Instant::now();
    let error = client.wait(5, wait).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert!(start.elapsed() >= Duration::from_millis(500));
    assert!(stand_in.asked("/rest/api/queuedjobs/5") >= 3);
    // Once it was there, it is not "not yet" any more.
    let error = client.wait(50008, hasty()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!(stand_in.asked("/rest/api/queuedjobs/50008"), 2);
}

#[test]
fn wait_outlasts_a_restart_of_the_server() {
    let requests = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let server = RawServer::start(move |_, connection| {
        use std::io::Write;
        let body = match requests.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => r#"{"Basic": {"Status": 1}}"#,
            // Nothing, and the connection is closed.
            1..4 => return,
            _ => r#"{"Basic": {"Status": 3}}"#,
        };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        connection.write_all((head + body).as_bytes()).unwrap();
    });
    let job = client(&server.url).wait(1, hasty()).unwrap();
    assert_eq!(job.status, JobStatus::Completed);
    // But a grace of nothing lets nothing pass.
    let closing = RawServer::start(|_, _| {});
    let wait = Wait {
        grace: Duration::ZERO,
        ..hasty()
    };
    let error = client(&closing.url).wait(1, wait).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
}

#[test]
fn wait_ends_with_the_calls_time_and_tells_how_far_the_job_was() {
    let stand_in = StandIn::start();
    let client = client(stand_in.url());
    let call = client.call().timeout(Duration::from_millis(700));
    let start = Instant::now();
    let error = call.wait(50004, hasty()).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(
        error.to_string(),
        "job 50004: the call was not done within 700ms: the job's status is still Processing"
    );
    // The intervals grow: 100, 120, 120 ... ms.
    let asked = stand_in.asked("/rest/api/queuedjobs/50004");
    assert!((2..=7).contains(&asked), "{asked}");
}
