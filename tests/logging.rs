//! What the library and its dependencies log. A binary of its own, since a process has one
//! logger and one maximum level.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mock_server::{MockSellercloud, PASSWORD, RawServer, TOKEN, USER_NAME};
use sellercloud_output::{Client, ClientBuilder, Error, ErrorKind, RequestRecord, RetryPolicy};

/// A logger that keeps every line of every level, of this library and its dependencies.
struct Recorder;

static LINES: Mutex<String> = Mutex::new(String::new());

impl log::Log for Recorder {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }

    fn log(&self, record: &log::Record) {
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        *lines += &format!("{} {}\n", record.target(), record.args());
    }

    fn flush(&self) {}
}

fn with_login(mock: &MockSellercloud) -> ClientBuilder {
    Client::builder(mock.url())
        .credentials(USER_NAME, PASSWORD)
        .retry_policy(RetryPolicy::default().initial_backoff(Duration::from_millis(1)))
}

fn with_token(url: &str) -> Client {
    Client::builder(url).token(TOKEN).build().unwrap()
}

/// The texts of an error's sources.
fn sources(error: &Error) -> String {
    let mut text = String::new();
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        text += &format!("{source} {source:?}\n");
        next = source.source();
    }
    text
}

#[test]
fn secrets_are_never_logged_or_shown() {
    log::set_logger(&Recorder).unwrap();
    log::set_max_level(log::LevelFilter::Debug);
    let mock = MockSellercloud::start();
    let records = Arc::new(Mutex::new(String::new()));
    let recorded = records.clone();
    let builder = with_login(&mock).on_request(move |record: &RequestRecord| {
        *recorded.lock().unwrap() += &format!("{record} {record:?}\n");
    });
    let client = builder.clone().build().unwrap();
    let wrong = with_login(&mock).credentials(USER_NAME, "wrong-password");
    let wrong = wrong.build().unwrap();
    // A server that repeats everything it receives and fails.
    let echo = RawServer::start(|head, connection| {
        let body = format!("you sent {head}");
        let head = format!("HTTP/1.1 418 No\r\nContent-Length: {}\r\n\r\n", body.len());
        std::io::Write::write_all(connection, (head + &body).as_bytes()).unwrap();
    });
    let proxied = Client::builder(mock.url())
        .token(TOKEN)
        .proxy("http://user:proxy-password@127.0.0.1:9")
        .retry_policy(RetryPolicy::never())
        .build()
        .unwrap();
    let mut shown = format!("{builder:?}");
    for client in [&client, &wrong, &with_token(&echo.url), &proxied] {
        for job in [28142, 5, 40001, 40003, 40006] {
            let call = client.call().timeout(Duration::from_secs(20));
            shown += &format!("{call:?} {client:?}");
            match call.get_output_file(job) {
                Ok(file) => shown += &format!("{file:?}"),
                Err(error) => shown += &format!("{error} {error:?} {}\n", sources(&error)),
            }
        }
    }
    let lines = LINES.lock().unwrap().clone();
    let records = records.lock().unwrap().clone();
    assert!(
        lines.contains("sellercloud_output GET http://127.0.0.1"),
        "{lines}"
    );
    assert!(records.contains("POST") && records.contains("/api/token: 200"));
    assert!(shown.contains("you sent"), "{shown}");
    assert!(lines.contains("\nureq"), "{lines}");
    let all = lines + &records + &shown;
    for secret in [
        TOKEN,
        PASSWORD,
        "hunter2",
        "login-token-",
        "wrong-password",
        "proxy-password",
    ] {
        if let Some(at) = all.find(secret) {
            panic!("{secret} in …{}", &all[at.saturating_sub(300)..at + 40]);
        }
    }

    // At the level trace, ureq logs everything that it sends.
    log::set_max_level(log::LevelFilter::Trace);
    LINES.lock().unwrap().clear();
    let requests = mock.requests("/rest/api/queuedjobs/outputfile/28142");
    for client in [&client, &with_token(&mock.url())] {
        let error = client.get_output_file(28142).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
    let lines = LINES.lock().unwrap().clone();
    assert!(
        !lines.contains(TOKEN) && !lines.contains("hunter2"),
        "{lines}"
    );
    let after = mock.requests("/rest/api/queuedjobs/outputfile/28142");
    assert_eq!(after, requests);
}
