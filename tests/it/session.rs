//! Logins, tokens, limits, retries and redirects through the Rust interface.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use httpmock::prelude::*;
use mock_server::RawServer;
use mock_server::scripted_jobs::Job;
use mock_server::{MockSellercloud, PASSWORD, TEAM, TOKEN, USER_NAME};
use sellercloud_output::{BodyEncoding, Client, ClientBuilder, Error, ErrorKind, RetryPolicy};

/// The default policy, with short waits.
fn fast_retry() -> RetryPolicy {
    RetryPolicy::default().initial_backoff(Duration::from_millis(10))
}

fn with_login(mock: &MockSellercloud) -> ClientBuilder {
    Client::builder(mock.url())
        .credentials(USER_NAME, PASSWORD)
        .retry_policy(fast_retry())
}

fn with_token(url: impl Into<String>) -> Client {
    let builder = Client::builder(url).token(TOKEN).retry_policy(fast_retry());
    builder.build().unwrap()
}

#[test]
fn login_token_is_reused_until_it_is_rejected() {
    let mock = MockSellercloud::start();
    let client = with_login(&mock).build().unwrap();
    for _ in 0..3 {
        let _ = client.get_output_file(28142).unwrap();
    }
    assert_eq!(mock.logins(), 1);
    mock.expire_tokens();
    for _ in 0..3 {
        let _ = client.get_output_file(28142).unwrap();
    }
    assert_eq!(mock.logins(), 2);
}

#[test]
fn expired_token_in_64_threads_causes_one_login() {
    let mock = MockSellercloud::start();
    let client = with_login(&mock).build().unwrap();
    let everyone = || {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..64)
                .map(|_| scope.spawn(|| client.get_output_file(28142)))
                .collect();
            for thread in threads {
                assert_eq!(thread.join().unwrap().unwrap().bytes.len(), 2400);
            }
        });
    };
    everyone();
    assert_eq!(mock.logins(), 1);
    mock.expire_tokens();
    everyone();
    assert_eq!(mock.logins(), 2);
}

#[test]
fn token_is_renewed_before_it_expires() {
    let server = MockServer::start();
    let logins = Arc::new(AtomicUsize::new(0));
    let counted = logins.clone();
    server.mock(|when, then| {
        when.method("POST").path("/rest/api/token");
        then.respond_with(move |_: &HttpMockRequest| {
            counted.fetch_add(1, Ordering::SeqCst);
            // The client subtracts a tenth, so the token expires after 45 ms.
            let body = r#"{"access_token": "short", "expires_in": 0.05}"#;
            HttpMockResponse::builder().status(200).body(body).build()
        });
    });
    server.mock(|when, then| {
        when.header("Authorization", "Bearer short");
        then.status(200).body("QUJD");
    });
    let client = Client::builder(server.url("/rest"))
        .credentials("user", "password")
        .build()
        .unwrap();
    let start = Instant::now();
    let _ = client.get_output_file(1).unwrap();
    while start.elapsed() < Duration::from_millis(200) {
        let _ = client.get_output_file(1).unwrap();
    }
    assert!((2..=6).contains(&logins.load(Ordering::SeqCst)));
}

#[test]
fn wrong_password_fails_without_a_retry() {
    let mock = MockSellercloud::start();
    let client = Client::builder(mock.url())
        .credentials(USER_NAME, "wrong-password")
        .build()
        .unwrap();
    let error = client.get_output_file(28142).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert_eq!(
        error.to_string(),
        "job 28142: the server responded with 401 Unauthorized: The password '[password]' is wrong \
         (the login failed: check the user name and the password)"
    );
    assert_eq!(error.attempts(), 1);
    assert_eq!(mock.requests("/rest/api/token"), 1);
    assert_eq!(mock.requests("/rest/api/queuedjobs/outputfile/28142"), 0);
}

#[test]
fn token_rejected_after_a_new_login_fails() {
    for (credentials, requests) in [(false, 1), (true, 2)] {
        let server = MockServer::start();
        let login = server.mock(|when, then| {
            when.method("POST");
            then.status(200).body(r#"{"access_token": "fresh-token"}"#);
        });
        let refused = server.mock(|when, then| {
            when.method("GET");
            then.status(401).body("Not Valid Token");
        });
        let builder = Client::builder(server.base_url());
        let builder = match credentials {
            true => builder.credentials("user", "password"),
            false => builder.token(TOKEN),
        };
        let error = builder.build().unwrap().get_output_file(1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Authentication, "{error}");
        assert_eq!(refused.calls(), requests);
        assert_eq!(login.calls(), requests * usize::from(credentials));
    }
}

#[test]
fn login_without_a_token_fails_without_its_body() {
    for body in ["", r#"{"access": "secret-in-the-response"}"#, "[1]"] {
        let server = MockServer::start();
        server.mock(|_, then| {
            then.status(200).body(body);
        });
        let builder = Client::builder(server.base_url()).credentials("user", "password");
        let error = builder.build().unwrap().get_output_file(1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MalformedBody, "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn token_provider_is_called_once_and_for_renewal() {
    let mock = MockSellercloud::start();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let recorded = requests.clone();
    let source = move |renew| {
        recorded.lock().unwrap().push(renew);
        Ok::<_, String>(if renew { TOKEN } else { "stale" }.to_owned())
    };
    let builder = Client::builder(mock.url()).token_provider(source);
    let _ = builder.build().unwrap().get_output_file(28142).unwrap();
    assert_eq!(*requests.lock().unwrap(), [false, true]);

    let stubborn = |_| Ok::<_, String>("stale".to_owned());
    let builder = Client::builder(mock.url()).token_provider(stubborn);
    let error = builder.build().unwrap().get_output_file(28142).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert_eq!(error.http_status(), Some(401));

    let empty_vault = |_| Err::<String, _>("the vault is locked");
    let builder = Client::builder(mock.url()).token_provider(empty_vault);
    let error = builder.build().unwrap().get_output_file(28142).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert_eq!(
        error.to_string(),
        "job 28142: the token provider returned no token: the vault is locked"
    );
}

#[test]
fn team_is_resolved_to_its_server() {
    let mock = MockSellercloud::start();
    let client = Client::for_team(TEAM)
        .team_lookup_url(mock.team_lookup_url())
        .credentials(USER_NAME, PASSWORD)
        .build()
        .unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| client.get_output_file(28142).unwrap());
        }
    });
    assert_eq!(mock.requests("/api/server-by-team/"), 1);

    let unknown = Client::for_team("nobody")
        .team_lookup_url(mock.team_lookup_url())
        .token(TOKEN)
        .build()
        .unwrap();
    let error = unknown.get_output_file(28142).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("\"nobody\""), "{error}");
    let nameless = Client::for_team(" ").token(TOKEN).build().unwrap_err();
    assert_eq!(nameless.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn team_lookup_of_untrusted_server_fails() {
    for (response, is_found) in [
        (r#"{"RestApiEndpoint": "URL/rest/api/"}"#, true),
        (r#"{"restapiendpoint": null, "ApiUrl": "URL/rest"}"#, true),
        (r#"{"RestApiEndpoint": "http://example.com/rest"}"#, false),
        (r#"{"RestApiEndpoint": "file:///etc/passwd"}"#, false),
        (r#"{"ServerID": 5}"#, false),
        ("no JSON", false),
    ] {
        let mock = MockSellercloud::start();
        let directory = MockServer::start();
        let body = response.replace("URL", &mock.team_lookup_url());
        directory.mock(|_, then| {
            then.status(200).body(body);
        });
        let client = Client::for_team("acme")
            .team_lookup_url(directory.base_url())
            .token(TOKEN)
            .retry_policy(fast_retry())
            .build()
            .unwrap();
        assert_eq!(
            client.get_output_file(28142).is_ok(),
            is_found,
            "{response}"
        );
    }
}

#[test]
fn user_agent_suffix_is_sent_with_every_request() {
    let suffix = "nightly-export/2.1 (warehouse 7)";
    let user_agent = format!("sellercloud-output/{} {suffix}", env!("CARGO_PKG_VERSION"));
    let server = MockServer::start();
    let lookup = server.mock(|when, then| {
        when.path("/api/server-by-team/")
            .header("User-Agent", &user_agent);
        let url = server.url("/rest");
        then.status(200)
            .body(format!(r#"{{"RestApiEndpoint": "{url}"}}"#));
    });
    let login = server.mock(|when, then| {
        when.path("/rest/api/token")
            .header("User-Agent", &user_agent);
        then.status(200)
            .body(r#"{"access_token": "a-token", "expires_in": 1800}"#);
    });
    let redirect = server.mock(|when, then| {
        when.path("/rest/api/QueuedJobs/OutputFile/28142")
            .header("User-Agent", &user_agent);
        then.status(302).header("Location", "/file");
    });
    let file = server.mock(|when, then| {
        when.path("/file").header("User-Agent", &user_agent);
        then.status(200).body("QUJD");
    });
    let client = Client::for_team("acme")
        .team_lookup_url(server.base_url())
        .credentials(USER_NAME, PASSWORD)
        .retry_policy(RetryPolicy::never())
        .user_agent_suffix(suffix)
        .build()
        .unwrap();
    assert_eq!(client.get_output_file(28142).unwrap().bytes, b"ABC");
    for request in [lookup, login, redirect, file] {
        request.assert();
    }
}

#[test]
fn transient_failure_is_retried() {
    let mock = MockSellercloud::start();
    let client = with_token(mock.url());
    let file = client.get_output_file(40001).unwrap();
    assert_eq!(file.bytes, (Job::find(28142).bytes)());
    assert_eq!(mock.requests("/rest/api/queuedjobs/outputfile/40001"), 3);

    let error = client.get_output_file(40004).unwrap_err();
    assert_eq!((error.http_status(), error.attempts()), (Some(504), 5));
    assert_eq!(
        error.to_string(),
        "job 40004: the server responded with 504 Gateway Timeout: The service is unavailable. \
         (after 5 attempts)"
    );
}

#[test]
fn transient_status_is_retried_and_500_by_option_only() {
    let attempts = |status: u16, server_errors: bool| {
        let server = MockServer::start();
        let failing = server.mock(|_, then| {
            then.status(status);
        });
        let retry = RetryPolicy::default()
            .max_attempts(2)
            .initial_backoff(Duration::ZERO)
            .retry_server_errors(server_errors);
        let builder = Client::builder(server.base_url()).token(TOKEN);
        let error = builder
            .retry_policy(retry)
            .build()
            .unwrap()
            .get_output_file(1);
        assert_eq!(error.unwrap_err().http_status(), Some(status));
        failing.calls()
    };
    for status in [408, 425, 429, 502, 503, 504, 520, 521, 522, 523, 524, 530] {
        assert_eq!(attempts(status, false), 2, "{status}");
    }
    for status in [409, 500, 501, 505, 519, 525, 529, 531, 599] {
        assert_eq!(attempts(status, false), 1, "{status}");
        assert_eq!(attempts(status, true), if status == 500 { 2 } else { 1 });
    }
}

#[test]
fn odd_values_in_unneeded_fields_are_ignored() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    for odd in [r#""a\ud83d""#, "1e400", "-1E+999999", &deep] {
        let other = format!(r#""x": {odd}, "\udc00": {odd}"#);
        let server = RawServer::start(move |head, connection| {
            let endpoint = format!("http://{}/rest", connection.local_addr().unwrap());
            let body = if head.contains("server-by-team") {
                format!(r#"{{{other}, "RestApiEndpoint": "{endpoint}"}}"#)
            } else if head.starts_with("POST") {
                format!(r#"{{{other}, "access_token": "login-token", "expires_in": 1e400}}"#)
            } else if head.contains("/Logs") {
                format!(r#"{{{other}, "Items": [{{{other}, "Message": "line"}}, {{{other}}}]}}"#)
            } else if head.contains("OutputFile") {
                format!(r#"{{{other}, "FileName": "a.csv", "Content": "QUJD"}}"#)
            } else {
                format!(r#"{{{other}, "Basic": {{{other}, "Status": 4}}}}"#)
            };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = connection.write_all((head + &body).as_bytes());
        });
        let builder = Client::for_team("acme").team_lookup_url(&server.url);
        let builder = builder
            .credentials(USER_NAME, PASSWORD)
            .retry_policy(RetryPolicy::never());
        let client = builder.build().unwrap();
        let error = client.wait_for_job(1, Default::default()).unwrap_err();
        assert_eq!(error.job_log(), ["line"], "{error}");
        // The depth of JSON around a file is limited.
        if odd != deep {
            assert_eq!(client.get_output_file(1).unwrap().bytes, b"ABC");
        }
    }
}

#[test]
fn lasting_failure_is_not_retried() {
    for status in [400, 401, 403, 404, 500] {
        let server = MockServer::start();
        let refusing = server.mock(|_, then| {
            then.status(status);
        });
        let error = with_token(server.base_url())
            .get_output_file(1)
            .unwrap_err();
        assert_eq!(error.attempts(), 1, "{status}");
        // A 404 causes one request for each of the two routes.
        assert_eq!(refusing.calls(), if status == 404 { 2 } else { 1 });
    }
}

#[test]
fn broken_connection_is_retried_from_the_start() {
    let body = "QUJDREVGR0hJ";
    let response = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    let server =
        RawServer::start(
            move |_, connection| match counted.fetch_add(1, Ordering::SeqCst) {
                0 => {}
                1 => connection.write_all(&response.as_bytes()[..30]).unwrap(),
                2 => {
                    let part = response.len() - 4;
                    connection.write_all(&response.as_bytes()[..part]).unwrap();
                }
                _ => connection.write_all(response.as_bytes()).unwrap(),
            },
        );
    let file = with_token(&server.url).get_output_file(1).unwrap();
    assert_eq!(file.bytes, b"ABCDEFGHI");
    assert_eq!(connections.load(Ordering::SeqCst), 4);
}

#[test]
fn rate_limit_is_waited_for() {
    let mock = MockSellercloud::start();
    let client = with_token(mock.url());
    // By Retry-After, and by a reset time in a response with status 200.
    for job in [40002, 40005] {
        let start = Instant::now();
        let _ = client.get_output_file(job).unwrap();
        let waited = start.elapsed();
        assert!(waited >= Duration::from_millis(900), "{job}: {waited:?}");
        assert!(waited < Duration::from_secs(10), "{job}: {waited:?}");
    }
}

#[test]
fn retry_wait_longer_than_the_timeout_fails_at_once() {
    let mock = MockSellercloud::start();
    let client = with_token(mock.url());
    let start = Instant::now();
    let call = client.call().timeout(Duration::from_secs(60));
    let error = call.get_output_file(40003).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!((error.http_status(), error.attempts()), (Some(409), 1));
    let wait = error.retry_after().unwrap().as_secs();
    assert!((3500..=3600).contains(&wait), "{wait}");
    assert!(error.to_string().contains("(try again in 3"), "{error}");
}

#[test]
fn redirect_is_followed_within_the_origin_only() {
    let elsewhere = MockServer::start();
    let reached = elsewhere.mock(|_, then| {
        then.status(200).body("QUJD");
    });
    let server = MockServer::start();
    let redirect = |path: &str, status: u16, location: &str| {
        server.mock(|when, then| {
            when.path(format!("/api/QueuedJobs/OutputFile/{path}"));
            then.status(status).header("Location", location);
        });
    };
    redirect("1", 302, "/file");
    redirect("2", 307, &server.url("/file"));
    redirect("3", 301, &elsewhere.url("/file?token=x"));
    redirect("4", 302, "file:///etc/passwd");
    redirect("5", 302, "5");
    redirect("6", 302, "/Account/Login.aspx?ReturnUrl=%2frest");
    redirect("7", 308, "//localhost.example/file");
    // Paths that only contain the words of a login page.
    redirect("8", 302, "/catalogin/file@2x");
    redirect("9", 302, "/designin");
    server.mock(|when, then| {
        when.path("/file")
            .header("Authorization", format!("Bearer {TOKEN}"));
        then.status(200).body("QUJD");
    });
    for path in ["/catalogin/file@2x", "/designin"] {
        server.mock(|when, then| {
            when.path(path);
            then.status(200).body("QUJD");
        });
    }
    let client = with_token(server.base_url());
    for job in [1, 2, 8, 9] {
        assert_eq!(client.get_output_file(job).unwrap().bytes, b"ABC");
    }
    for (job, kind, words) in [
        (3, ErrorKind::UnexpectedStatus, "another origin"),
        (4, ErrorKind::UnexpectedStatus, "another origin"),
        (
            5,
            ErrorKind::UnexpectedStatus,
            "more than 5 redirects in a row",
        ),
        (6, ErrorKind::Authentication, "login page"),
        (7, ErrorKind::UnexpectedStatus, "another origin"),
    ] {
        let error = client.get_output_file(job).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.to_string().contains("token=x"), "{error}");
    }
    assert_eq!(reached.calls(), 0);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gzipped(headers: &str, body: &[u8]) -> RawServer {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    RawServer::responding([head.as_bytes(), body].concat())
}

#[test]
fn gzip_body_is_decompressed() {
    let text = "QUJD".repeat(100_000);
    let whole = gzip(text.as_bytes());
    let file = with_token(gzipped("", &whole).url)
        .get_output_file(1)
        .unwrap();
    assert_eq!(file.bytes, b"ABC".repeat(100_000));
    // Several members are one file (RFC 1952 section 2.2).
    let members = [gzip(b"QUJD"), gzip(b"REVG")].concat();
    let file = with_token(gzipped("", &members).url)
        .get_output_file(1)
        .unwrap();
    assert_eq!(file.bytes, b"ABCDEF");
    // Servers send Content-Encoding with an empty body too.
    assert_eq!(
        with_token(gzipped("Content-Disposition: attachment; filename=a\r\n", b"").url)
            .get_output_file(1)
            .unwrap()
            .bytes,
        b""
    );
}

#[test]
fn gzip_truncated_or_invalid_fails() {
    let whole = gzip(b"QUJDREVG");
    let mut corrupt = whole.clone();
    let check = corrupt.len() - 6;
    corrupt[check] ^= 1;
    let mut bodies: Vec<Vec<u8>> = (1..whole.len()).map(|cut| whole[..cut].to_vec()).collect();
    bodies.push(corrupt);
    bodies.push([&whole[..], b"garbage"].concat());
    bodies.push(b"QUJDREVG".to_vec());
    for body in bodies {
        let error = with_token(gzipped("", &body).url)
            .get_output_file(1)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MalformedBody, "{body:?}: {error}");
    }
    // A body shorter than its framing is an error of the connection.
    let server = RawServer::responding(
        [
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n",
            &whole[..],
        ]
        .concat(),
    );
    let error = with_token(server.url).get_output_file(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
}

#[test]
fn max_file_size_limits_decompressed_bytes() {
    let bomb = gzip(&vec![b'A'; 64 * 1024 * 1024]);
    assert!(bomb.len() < 100_000);
    for encoding in [BodyEncoding::Base64, BodyEncoding::Raw] {
        let server = gzipped("", &bomb);
        let builder = Client::builder(&server.url)
            .token(TOKEN)
            .max_file_size(1000);
        let client = builder.body_encoding(encoding).build().unwrap();
        let error = client.get_output_file(1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    }
}

fn chain(error: &Error) -> String {
    let mut text = String::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &format!("{error} {error:?}\n");
        cause = error.source();
    }
    text
}

#[test]
fn on_request_is_called_for_every_request() {
    let mock = MockSellercloud::start();
    let records = Arc::new(Mutex::new(Vec::new()));
    let recorded = records.clone();
    let builder = with_login(&mock);
    let client = builder
        .on_request(move |record| recorded.lock().unwrap().push(record.clone()))
        .build()
        .unwrap();
    let _ = client.get_output_file(40001).unwrap();
    let records = records.lock().unwrap();
    let reported: Vec<_> = records
        .iter()
        .map(|record| (record.method, record.http_status, record.attempt))
        .collect();
    assert_eq!(
        reported,
        [
            ("POST", Some(200), 1),
            ("GET", Some(503), 1),
            ("GET", Some(502), 2),
            ("GET", Some(200), 3),
        ]
    );
    assert_eq!(records[3].bytes_received, 3200);
    assert!(
        records[3]
            .url
            .ends_with("/rest/api/QueuedJobs/OutputFile/40001")
    );
}

#[test]
fn zero_limits_are_rejected() {
    let build = |change: &dyn Fn(ClientBuilder) -> ClientBuilder| {
        let error = change(Client::builder("tt").token(TOKEN)).build();
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(
            error.to_string().contains("must be greater than zero"),
            "{error}"
        );
    };
    build(&|builder| builder.connect_timeout(Duration::ZERO));
    build(&|builder| builder.stall_timeout(Duration::ZERO));
    build(&|builder| builder.call_timeout(Duration::ZERO));
    build(&|builder| builder.max_file_size(0));
    build(&|builder| builder.retry_policy(RetryPolicy::default().max_attempts(0)));
    let mock = MockSellercloud::start();
    let client = with_token(mock.url());
    let error = client.call().timeout(Duration::ZERO).get_output_file(28142);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidArgument);
    // The largest values mean no limit.
    let client = Client::builder(mock.url())
        .token(TOKEN)
        .connect_timeout(Duration::MAX)
        .stall_timeout(Duration::MAX)
        .call_timeout(Duration::MAX)
        .build()
        .unwrap();
    let _ = client.get_output_file(28142).unwrap();
    let call = client.call().timeout(Duration::MAX);
    let _ = call.get_output_file(28142).unwrap();
}

/// Starts a server that responds to a login with this status and body, and to everything else
/// with a file.
fn with_token_response(status: u16, body: &str) -> (MockServer, Client) {
    let server = MockServer::start();
    server.mock(|when, then| {
        when.path("/api/token");
        then.status(status).body(body);
    });
    server.mock(|when, then| {
        when.path("/api/QueuedJobs/OutputFile/1");
        then.status(200).body("QUJD");
    });
    let builder = Client::builder(server.base_url()).credentials(USER_NAME, "hunter2");
    let client = builder.retry_policy(RetryPolicy::never()).build().unwrap();
    (server, client)
}

#[test]
fn login_error_never_shows_the_body() {
    let token = r#"{"access_token": "secret-token-1", "expires_in": 1800}"#;
    for (status, body, words) in [
        (201, token, ""),
        (500, token, ""),
        (401, token, "check the user name and the password"),
        (500, r#"{"data": {"access_token": "secret-token-1"}}"#, ""),
        (500, r#"{"error": {"access_token": "secret-token-1"}}"#, ""),
        (500, "secret-token-1", ""),
        (502, "<h1>secret-token-1</h1>", ""),
        (
            401,
            r#"{"Message": "Locked out.", "access_token": "secret-token-1"}"#,
            "Locked out.",
        ),
        (
            400,
            r#"{"error": "invalid_grant", "error_description": "No such user."}"#,
            "No such user.",
        ),
    ] {
        let (_server, client) = with_token_response(status, body);
        let error = client.get_output_file(1).unwrap_err();
        assert_eq!(error.http_status(), Some(status), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        let all = format!("{error} {error:?}");
        assert!(!all.contains("secret-token"), "{all}");
    }
}

#[test]
fn server_text_with_a_secret_is_redacted_in_every_form() {
    let password = r#"hunter2 "quoted" é/+"#;
    let escaped = serde_json::to_string(password).unwrap();
    let escaped = &escaped[1..escaped.len() - 1];
    let form = "hunter2+%22quoted%22+%C3%A9%2F%2B";
    let spread = "hunter2\r\n  \"quoted\"\té/+";
    let cut = "hunter2 \"quo…";
    for shown in [password, escaped, form, spread, cut] {
        let server = MockServer::start();
        server.mock(|when, then| {
            when.path("/api/token");
            then.status(401).json_body(serde_json::json!({
                "Message": format!("The password {shown} is wrong")
            }));
        });
        let builder = Client::builder(server.base_url()).credentials(USER_NAME, password);
        let client = builder.retry_policy(RetryPolicy::never()).build().unwrap();
        let text = client.get_output_file(1).unwrap_err().to_string();
        assert!(text.contains("[password]"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn short_password_and_secrets_in_a_job_log_are_redacted() {
    let server = RawServer::start(|head, connection| {
        let (status, body) = if head.starts_with("POST") && head.contains("/api/token") {
            ("200 OK", r#"{"access_token": "login-token-1"}"#)
        } else if head.contains("/Logs") {
            (
                "200 OK",
                r#"{"Items": [{"Message": "Bearer login-token-1 by 'x7'"}]}"#,
            )
        } else if head.contains("OutputFile") {
            ("403 No", r#"{"Message": "x7 is wrong, not x7a"}"#)
        } else {
            (
                "200 OK",
                r#"{"Basic": {"Status": "4", "ErrorMessage": "Password x7: login-token-1"}}"#,
            )
        };
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n");
        let _ = connection.write_all((head + body).as_bytes());
    });
    let builder = Client::builder(&server.url).credentials(USER_NAME, "x7");
    let client = builder.retry_policy(RetryPolicy::never()).build().unwrap();
    let error = client
        .wait_for_job(1, Default::default())
        .unwrap_err()
        .to_string();
    let words = "Password [password]: [token]; its log: Bearer [token] by '[password]'";
    assert!(error.ends_with(words), "{error}");
    let error = client.get_output_file(1).unwrap_err().to_string();
    assert!(error.contains("[password] is wrong, not x7a"), "{error}");
}

#[test]
fn job_text_with_secrets_is_redacted_and_printable() {
    let server = MockServer::start();
    server.mock(|when, then| {
        when.path("/api/QueuedJobs/1");
        then.status(200).json_body(serde_json::json!({
            "Basic": {
                "Status": format!("Odd \u{1b}[31m {TOKEN}"),
                "ErrorMessage": format!("Bearer {TOKEN}\r\nwas \u{202e}refused"),
            }
        }));
    });
    let job = with_token(server.base_url()).get_job(1).unwrap();
    let all = format!("{} {:?}", job.status, job.error_message);
    assert!(!all.contains(TOKEN), "{all}");
    assert!(
        !all.contains('\u{1b}') && !all.contains('\u{202e}'),
        "{all}"
    );
    assert_eq!(
        job.error_message.as_deref(),
        Some("Bearer [token] was refused")
    );
}

#[test]
fn token_of_an_earlier_login_is_redacted() {
    let mock = MockSellercloud::start();
    let client = with_login(&mock).build().unwrap();
    let _ = client.get_output_file(28142).unwrap();
    mock.expire_tokens();
    let _ = client.get_output_file(28142).unwrap();
    assert_eq!(mock.logins(), 2);
    // A server that repeats the token of the first login after the second one.
    let echo = RawServer::start(|head, connection| {
        let body = if head.starts_with("POST") {
            static LOGINS: AtomicUsize = AtomicUsize::new(0);
            let number = LOGINS.fetch_add(1, Ordering::SeqCst);
            format!(r#"{{"access_token": "login-token-number-{number}"}}"#)
        } else if head.contains("login-token-number-0") {
            String::new()
        } else {
            "login-token-number-0 has expired".to_owned()
        };
        let status = match (head.starts_with("POST"), body.is_empty()) {
            (true, _) => "200 OK",
            (_, true) => "401 No",
            _ => "403 No",
        };
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n");
        let _ = connection.write_all((head + &body).as_bytes());
    });
    let builder = Client::builder(&echo.url).credentials(USER_NAME, PASSWORD);
    let error = builder.build().unwrap().get_output_file(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    assert!(error.to_string().contains("[token] has expired"), "{error}");
}

#[test]
fn redirect_with_a_token_is_followed_and_not_reported() {
    let server = MockServer::start();
    server.mock(|when, then| {
        when.path("/api/QueuedJobs/OutputFile/1");
        then.status(302)
            .header("Location", "/file@2x?access_token=one-time-secret&id=1");
    });
    server.mock(|when, then| {
        when.path("/file@2x");
        then.status(200).body("QUJD");
    });
    let records = Arc::new(Mutex::new(String::new()));
    let recorded = records.clone();
    let client = Client::builder(server.base_url())
        .token(TOKEN)
        .on_request(move |record| *recorded.lock().unwrap() += &format!("{record} {record:?}\n"))
        .build()
        .unwrap();
    // An @ in the path does not mark a user name.
    assert_eq!(client.get_output_file(1).unwrap().bytes, b"ABC");
    let records = records.lock().unwrap();
    assert!(records.contains("access_token=...&id=1"), "{records}");
    assert!(!records.contains("one-time-secret"), "{records}");
}

#[test]
fn redirect_target_in_an_error_is_short_and_printable() {
    let long = "x".repeat(20_000);
    for location in [
        format!("https://other.example/{long}"),
        format!("https://{}.example/", "x".repeat(20_000)),
        "https://other.example/a\u{202e}vsc.b\u{9b}31m\u{200b}".to_owned(),
        format!("/login/\u{202e}\u{2066}{long}"),
        "https://other.example/é?\u{202e}".to_owned(),
    ] {
        let server = RawServer::start(move |_, connection| {
            let head = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\n");
            let _ = connection.write_all((head + "Content-Length: 0\r\n\r\n").as_bytes());
        });
        let error = with_token(&server.url).get_output_file(1).unwrap_err();
        assert_eq!(error.attempts(), 1, "{error}");
        let text = error.to_string();
        assert!(text.len() < 1500, "{} bytes: {text:.300}", text.len());
        let shown = format!("{text} {}", chain(&error));
        let is_odd = |c: char| c.is_control() && c != '\n' || !(c.is_ascii() || "é…".contains(c));
        assert!(!shown.contains(is_odd), "{shown:?}");
    }
}

#[test]
fn team_lookup_message_is_short_and_printable() {
    let long = "x\u{1b}[31m\r\n".repeat(50_000);
    for (response, kind, words) in [
        (
            r#"{"Success": false, "Message": "Team was not found"}"#.to_owned(),
            ErrorKind::NotFound,
            "Team was not found",
        ),
        (
            serde_json::json!({"Success": false, "Message": long}).to_string(),
            ErrorKind::NotFound,
            "x [31m x",
        ),
        (
            serde_json::json!({"RestApiEndpoint": format!("https://{long}")}).to_string(),
            ErrorKind::MalformedBody,
            "names a server that cannot be used",
        ),
    ] {
        let directory = MockServer::start();
        directory.mock(|_, then| {
            then.status(200).body(&response);
        });
        let client = Client::for_team("acme")
            .team_lookup_url(directory.base_url())
            .token(TOKEN)
            .build()
            .unwrap();
        let error = client.get_output_file(1).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind(), kind, "{text:.300}");
        assert!(text.len() < 1000, "{}", text.len());
        assert!(!text.contains(char::is_control), "{text}");
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn token_provider_that_uses_its_own_client_fails() {
    let mock = MockSellercloud::start();
    let slot: Arc<Mutex<Option<Client>>> = Arc::default();
    let own = slot.clone();
    let source = move |_: bool| {
        let client = own.lock().unwrap().clone().unwrap();
        match client.get_output_file(28142) {
            Ok(_) => Ok(TOKEN.to_owned()),
            Err(error) => Err(format!("refused: {}", error.kind())),
        }
    };
    let builder = Client::builder(mock.url()).token_provider(source);
    let client = builder.build().unwrap();
    *slot.lock().unwrap() = Some(client.clone());
    let error = client.get_output_file(28142).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(
        error.to_string().contains("refused: invalid argument"),
        "{error}"
    );
    // The provider may use another client.
    let other = with_token(mock.url());
    let source = move |_: bool| other.get_output_file(28142).map(|_| TOKEN.to_owned());
    let builder = Client::builder(mock.url()).token_provider(source);
    let _ = builder.build().unwrap().get_output_file(28142).unwrap();
    *slot.lock().unwrap() = None;
}

/// Downloads a file on another thread, and waits for it for at most 20 seconds.
fn on_another_thread(client: &Client) -> Result<(), Error> {
    let (done, is_done) = std::sync::mpsc::channel();
    let client = client.clone();
    thread::spawn(move || done.send(client.get_output_file(28142).map(drop)));
    is_done.recv_timeout(Duration::from_secs(20)).unwrap()
}

#[test]
fn callback_that_waits_for_another_call_during_a_login_succeeds() {
    // The request callback for the login.
    let mock = MockSellercloud::start();
    let slot: Arc<Mutex<Option<Client>>> = Arc::default();
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let (own, recorded) = (slot.clone(), outcomes.clone());
    let client = with_login(&mock)
        .on_request(move |record| {
            let client = own.lock().unwrap().take();
            if let Some(client) = client.filter(|_| record.url.ends_with("/api/token")) {
                recorded
                    .lock()
                    .unwrap()
                    .push(on_another_thread(&client).is_ok());
            }
        })
        .build()
        .unwrap();
    *slot.lock().unwrap() = Some(client.clone());
    let _ = client.get_output_file(28142).unwrap();
    assert_eq!(*outcomes.lock().unwrap(), [true]);
    assert_eq!(mock.logins(), 1);

    // The interrupt callback, with a call on another thread and on its own.
    for on_own_thread in [false, true] {
        let slow = slow_login();
        let builder = Client::builder(&slow.url).credentials(USER_NAME, PASSWORD);
        let client = builder.retry_policy(RetryPolicy::never()).build().unwrap();
        let used = client.clone();
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        let recorded = outcomes.clone();
        let call = client.call().interrupt(move || {
            let is_first = recorded.lock().unwrap().is_empty();
            if is_first {
                recorded.lock().unwrap().push(None);
                let outcome = match on_own_thread {
                    true => used.get_output_file(28142).map(drop),
                    false => on_another_thread(&used),
                };
                recorded.lock().unwrap()[0] = Some(outcome.map_err(|error| error.kind()));
            }
            std::ops::ControlFlow::Continue(())
        });
        let _ = call.get_output_file(28142).unwrap();
        let outcome = outcomes.lock().unwrap()[0];
        assert!(
            matches!(outcome, Some(Ok(()) | Err(ErrorKind::InvalidArgument))),
            "{outcome:?}"
        );
    }
}

#[test]
fn callback_that_calls_its_own_client_succeeds() {
    // The request callback, for the team lookup and for the login.
    let slow = slow_login();
    let slot: Arc<Mutex<Option<Client>>> = Arc::default();
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let (own, recorded) = (slot.clone(), outcomes.clone());
    let builder = Client::for_team(TEAM)
        .team_lookup_url(&slow.url)
        .credentials(USER_NAME, PASSWORD)
        .retry_policy(RetryPolicy::never());
    let client = builder
        .clone()
        .on_request(move |record| {
            // Not for the requests of this inner call.
            let client = own.lock().unwrap().take();
            if let Some(client) = client {
                let outcome = client.get_output_file(28142).map(|file| file.bytes);
                recorded
                    .lock()
                    .unwrap()
                    .push((record.url.clone(), outcome.is_ok()));
                *own.lock().unwrap() = Some(client).filter(|_| !record.url.contains("OutputFile"));
            }
        })
        .build()
        .unwrap();
    *slot.lock().unwrap() = Some(client.clone());
    let call = client.call().timeout(Duration::from_secs(20));
    assert_eq!(call.get_output_file(28142).unwrap().bytes, b"ABC");
    let outcomes = outcomes.lock().unwrap();
    assert!(outcomes.len() >= 2, "{outcomes:?}");
    assert!(outcomes.iter().all(|(_, is_ok)| *is_ok), "{outcomes:?}");

    // The interrupt callback during a team lookup, and the progress callback.
    let client = builder.build().unwrap();
    let (inner, other) = (client.clone(), client.clone());
    let (requests, reported) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
    let count = requests.clone();
    let call = client
        .call()
        .timeout(Duration::from_secs(20))
        .interrupt(move || {
            if count.fetch_add(1, Ordering::SeqCst) == 0 {
                match inner.get_output_file(28142) {
                    Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}"),
                    Ok(file) => assert_eq!(file.bytes, b"ABC"),
                }
            }
            std::ops::ControlFlow::Continue(())
        })
        .on_progress(|_| {
            reported.fetch_add(1, Ordering::SeqCst);
            assert_eq!(other.get_output_file(28142).unwrap().bytes, b"ABC");
            std::ops::ControlFlow::Continue(())
        });
    assert_eq!(call.get_output_file(28142).unwrap().bytes, b"ABC");
    assert!(requests.load(Ordering::SeqCst) > 0 && reported.load(Ordering::SeqCst) > 0);
}

/// Starts a server that delays a team lookup and a login by 300 ms.
fn slow_login() -> RawServer {
    RawServer::start(|head, connection| {
        let is_look_up = head.contains("server-by-team");
        if head.starts_with("POST") || is_look_up {
            thread::park_timeout(Duration::from_millis(300));
        }
        let body = match head.starts_with("POST") {
            _ if is_look_up => {
                let server = connection.local_addr().unwrap();
                format!(r#"{{"RestApiEndpoint": "http://{server}"}}"#)
            }
            true => r#"{"access_token": "t"}"#.to_owned(),
            false => "QUJD".to_owned(),
        };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        let _ = connection.write_all((head + &body).as_bytes());
    })
}
