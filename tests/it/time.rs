//! Timeouts, cancellation and progress.

use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use mock_server::RawServer;
use mock_server::connect_proxy::ConnectProxy;
#[cfg(unix)]
use mock_server::name_lookup::{build_many_addresses, build_slow_names};
#[cfg(unix)]
use mock_server::process::{run_alone, runs_alone};
#[cfg(unix)]
use mock_server::signals::under_signals;
#[cfg(target_os = "linux")]
use mock_server::signals::voluntary_context_switches;
use mock_server::tls::Authority;
use mock_server::unresponsive::{
    UnresponsivePort, port_that_sends_nothing, slow_body, stalls_after,
};
use mock_server::{MockSellercloud, PASSWORD, TOKEN, USER_NAME};
use sellercloud_output::{
    Call, CancelToken, Client, ClientBuilder, Error, ErrorKind, Progress, RetryPolicy, WaitOptions,
};

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
const HEAD_AND_START: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nQUJDQUJD";
const BUSY: &[u8] =
    b"HTTP/1.1 503 Busy\r\nRetry-After: 60\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

fn client(url: &str) -> Client {
    Client::builder(url).token(TOKEN).build().unwrap()
}

/// Cancels a call that waits. Returns its error, and the time from the cancellation to it.
fn cancel<T: Send>(call: impl FnOnce(CancelToken) -> Result<T, Error> + Send) -> (Error, Duration) {
    let token = CancelToken::new();
    thread::scope(|scope| {
        let given = token.clone();
        let (done, is_done) = mpsc::channel();
        scope.spawn(move || {
            done.send(call(given).err().expect("the call succeeded"))
                .unwrap();
        });
        if let Ok(error) = is_done.recv_timeout(Duration::from_millis(400)) {
            panic!("the call did not wait: {error}");
        }
        let start = Instant::now();
        token.cancel();
        let error = is_done.recv_timeout(Duration::from_secs(20)).unwrap();
        (error, start.elapsed())
    })
}

fn assert_cancelled(place: &str, (error, delay): (Error, Duration)) {
    println!("cancelled {place}: {delay:?}");
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{place}: {error}");
    assert!(delay < Duration::from_millis(250), "{place}: {delay:?}");
}

fn assert_can_be_cancelled(place: &str, client: &Client) {
    let call = |token| client.call().cancel_token(&token).get_output_file(28142);
    assert_cancelled(place, cancel(call));
}

#[cfg(unix)]
#[test]
fn cancel_during_name_lookup_ends_the_call() {
    if runs_alone() {
        let client = client("https://tt.api.sellercloud.example");
        assert_can_be_cancelled("while the name resolves", &client);
        let limited = Client::builder("https://tt.api.sellercloud.example")
            .token(TOKEN)
            .connect_timeout(Duration::from_millis(200))
            .retry_policy(RetryPolicy::never())
            .build()
            .unwrap();
        let start = Instant::now();
        for error in [
            limited.get_output_file(1).unwrap_err(),
            under_signals(|| limited.get_output_file(1)).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
            let words = "the name lookup timed out after 0.2 s";
            assert!(error.to_string().contains(words), "{error}");
        }
        assert!(start.elapsed() < Duration::from_secs(3));
        return;
    }
    // LD_PRELOAD slows name lookups down for a whole process.
    let dir = tempfile::tempdir().unwrap();
    let library = build_slow_names(dir.path());
    let output = run_alone(
        "time::cancel_during_name_lookup_ends_the_call",
        &[("LD_PRELOAD", library.to_str().unwrap())],
    );
    assert!(
        output.contains("cancelled while the name resolves"),
        "{output}"
    );
}

#[cfg(unix)]
#[test]
fn unresponsive_address_does_not_delay_a_working_one() {
    const TEST: &str = "time::unresponsive_address_does_not_delay_a_working_one";
    if runs_alone() {
        let client = Client::builder(std::env::var("SCO_TEST_URL").unwrap())
            .token(TOKEN)
            .proxy("")
            .allow_plain_http(true)
            .connect_timeout(Duration::from_secs(30))
            .retry_policy(RetryPolicy::never())
            .build()
            .unwrap();
        let start = Instant::now();
        assert_eq!(client.get_output_file(1).unwrap().bytes, b"ABC");
        let elapsed = start.elapsed();
        assert!(elapsed < Duration::from_secs(2), "{elapsed:?}");
        return;
    }
    let good = RawServer::responding("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nQUJD");
    let port: u16 = good.url.rsplit(':').next().unwrap().parse().unwrap();
    // The port behaves like a host whose packets are lost.
    let _full = UnresponsivePort::at(([127, 0, 0, 2], port).into());
    let dir = tempfile::tempdir().unwrap();
    let library = build_many_addresses(dir.path());
    run_alone(
        TEST,
        &[
            ("LD_PRELOAD", library.to_str().unwrap()),
            ("SCO_TEST_ADDRESSES", "127.0.0.2 127.0.0.1"),
            ("SCO_TEST_URL", &format!("http://many.example:{port}")),
        ],
    );
}

#[test]
fn cancel_during_connect_ends_the_call() {
    let port = UnresponsivePort::start();
    assert_can_be_cancelled("while it connects", &client(&port.url));
}

#[test]
fn cancel_during_tls_handshake_ends_the_call() {
    let url = format!("https://{}", port_that_sends_nothing());
    assert_can_be_cancelled("during the TLS handshake", &client(&url));
}

#[test]
fn cancel_before_the_head_ends_the_call() {
    let server = stalls_after(b"HTTP/1.1 200");
    assert_can_be_cancelled("while the head is awaited", &client(&server.url));
}

#[test]
fn cancel_during_the_body_ends_the_call() {
    for start in [HEAD, HEAD_AND_START] {
        let server = stalls_after(start);
        assert_can_be_cancelled("while the body is read", &client(&server.url));
    }
    let server = slow_body(Duration::from_millis(1));
    assert_can_be_cancelled("while a slow body arrives", &client(&server.url));
}

#[test]
fn cancel_during_a_fast_body_ends_the_call() {
    let server = RawServer::start(|_, connection| {
        use std::io::Write;
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut chunk = head.to_vec();
        while connection.write_all(&chunk).is_ok() {
            // Whitespace, which the client does not store.
            chunk = [b"10000\r\n", &[b' '; 0x10000][..], b"\r\n"].concat();
        }
    });
    assert_can_be_cancelled("at full speed", &client(&server.url));
}

#[test]
fn cancel_before_a_retry_ends_the_call() {
    let server = RawServer::responding(BUSY);
    assert_can_be_cancelled("while a retry is awaited", &client(&server.url));
}

#[test]
fn cancel_during_wait_ends_the_call() {
    let mock = MockSellercloud::start();
    let client = client(&mock.url());
    let call = |token| {
        client
            .call()
            .cancel_token(&token)
            .wait_for_job(50004, WaitOptions::default())
    };
    assert_cancelled("while a job is awaited", cancel(call));
}

#[test]
fn cancel_during_login_of_another_thread_ends_the_call() {
    let server = stalls_after(b"");
    let builder = Client::builder(&server.url).credentials(USER_NAME, PASSWORD);
    let client = builder.build().unwrap();
    let other = CancelToken::new();
    thread::scope(|scope| {
        let leader = scope.spawn(|| client.call().cancel_token(&other).get_output_file(1));
        assert_can_be_cancelled("while another thread logs in", &client);
        other.cancel();
        let error = leader.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    });
}

/// Interrupts a call that waits, from its own thread.
fn assert_can_be_interrupted<T>(
    place: &str,
    url: &str,
    call: impl FnOnce(Call<'_>) -> Result<T, Error>,
) {
    let client = client(url);
    let requests = Arc::new(Mutex::new(Vec::new()));
    let times = requests.clone();
    let ask = move || {
        let mut times = times.lock().unwrap();
        times.push(Instant::now());
        match times.len() {
            0..5 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    };
    let error = call(client.call().interrupt(ask)).err().expect(place);
    let end = Instant::now();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{place}: {error}");
    let requests = requests.lock().unwrap();
    assert_eq!(
        requests.len(),
        5,
        "{place}: called again after it interrupted"
    );
    for pair in requests.windows(2) {
        let between = pair[1] - pair[0];
        assert!(between < Duration::from_millis(250), "{place}: {between:?}");
    }
    assert!(end - requests[4] < Duration::from_millis(250), "{place}");
}

#[test]
fn interrupt_in_any_wait_ends_the_call() {
    let file = |call: Call<'_>| call.get_output_file(1);
    let stalled = stalls_after(b"");
    assert_can_be_interrupted("while the head is awaited", &stalled.url, file);
    let full = UnresponsivePort::start();
    assert_can_be_interrupted("while it connects", &full.url, file);
    let busy = RawServer::responding(BUSY);
    assert_can_be_interrupted("while a retry is awaited", &busy.url, file);
    let server = slow_body(Duration::from_millis(5));
    assert_can_be_interrupted("while bytes come", &server.url, file);
    let mock = MockSellercloud::start();
    let job = |call: Call<'_>| call.wait_for_job(50004, WaitOptions::default());
    assert_can_be_interrupted("while a job is awaited", &mock.url(), job);
}

#[test]
fn interrupt_that_continues_lets_the_call_finish() {
    let mock = MockSellercloud::start();
    let client = client(&mock.url());
    let call = client.call().interrupt(|| ControlFlow::Continue(()));
    assert_eq!(call.get_output_file(28142).unwrap().bytes.len(), 2400);
}

#[test]
fn cancel_ends_only_calls_with_the_token() {
    let mock = MockSellercloud::start();
    let client = client(&mock.url());
    let token = CancelToken::new();
    thread::scope(|scope| {
        let stalled = scope.spawn(|| {
            client
                .call()
                .cancel_token(&token)
                .wait_for_job(50004, WaitOptions::default())
        });
        let others: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    (0..20)
                        .map(|_| client.get_output_file(28142))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        token.cancel();
        assert_eq!(
            stalled.join().unwrap().unwrap_err().kind(),
            ErrorKind::Cancelled
        );
        for file in others.into_iter().flat_map(|other| other.join().unwrap()) {
            assert_eq!(file.unwrap().bytes.len(), 2400);
        }
    });
    // A token that is already cancelled cancels a call before its first request.
    let calls = mock.requests("/rest/api/queuedjobs/outputfile/28142");
    let error = client
        .call()
        .cancel_token(&token)
        .get_output_file(28142)
        .unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Cancelled, 0));
    assert_eq!(
        mock.requests("/rest/api/queuedjobs/outputfile/28142"),
        calls
    );
}

fn limited(url: &str) -> ClientBuilder {
    Client::builder(url)
        .token(TOKEN)
        .connect_timeout(Duration::from_millis(300))
        .stall_timeout(Duration::from_millis(300))
        .retry_policy(RetryPolicy::never())
}

#[test]
fn stalled_response_times_out() {
    let full = UnresponsivePort::start();
    let servers = [
        (full.url.clone(), "connecting timed out after 0.3 s"),
        (
            format!("https://{}", port_that_sends_nothing()),
            "connecting timed out after 0.3 s",
        ),
        (stalls_after(b"").url, "no data received for 0.3 s"),
        (
            stalls_after(b"HTTP/1.1 200 OK\r\nX: ").url,
            "no data received for 0.3 s",
        ),
        (stalls_after(HEAD).url, "no data received for 0.3 s"),
        (
            stalls_after(HEAD_AND_START).url,
            "no data received for 0.3 s",
        ),
    ];
    for (url, words) in servers {
        let start = Instant::now();
        let error = limited(&url)
            .build()
            .unwrap()
            .get_output_file(1)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.is_retryable());
        let elapsed = start.elapsed();
        assert!(
            elapsed >= Duration::from_millis(290),
            "{words}: {elapsed:?}"
        );
        assert!(elapsed < Duration::from_secs(5), "{words}: {elapsed:?}");
    }
}

#[test]
fn slow_body_reaches_the_call_timeout_only() {
    let server = slow_body(Duration::from_millis(20));
    let client = limited(&server.url)
        .retry_policy(RetryPolicy::default())
        .build()
        .unwrap();
    let start = Instant::now();
    let call = client.call().timeout(Duration::from_millis(1200));
    let error = call.get_output_file(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(
        error.to_string().contains("timed out after 1.2 s"),
        "{error}"
    );
    assert_eq!(error.attempts(), 1);
    let elapsed = start.elapsed();
    assert!(elapsed >= Duration::from_millis(1190), "{elapsed:?}");
    assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
}

#[test]
fn call_timeout_ends_any_wait() {
    let full = UnresponsivePort::start();
    let stalled = [
        full.url.clone(),
        format!("https://{}", port_that_sends_nothing()),
        stalls_after(b"").url,
        stalls_after(HEAD_AND_START).url,
    ];
    for url in stalled {
        let builder = Client::builder(&url).token(TOKEN);
        let client = builder
            .call_timeout(Duration::from_millis(300))
            .build()
            .unwrap();
        let start = Instant::now();
        let error = client.get_output_file(1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(start.elapsed() < Duration::from_secs(5), "{url}");
    }
    // The wait that a busy server requests is longer than the timeout: its response is the error.
    let server = RawServer::responding(BUSY);
    let call_client = client(&server.url);
    let call = call_client.call().timeout(Duration::from_secs(30));
    let error = call.get_output_file(1).unwrap_err();
    assert_eq!(error.http_status(), Some(503));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
}

#[test]
fn progress_is_reported_and_can_cancel() {
    let mock = MockSellercloud::start();
    let client = client(&mock.url());
    let mut reported: Vec<Progress> = Vec::new();
    let call = client.call().on_progress(|progress| {
        reported.push(progress);
        ControlFlow::Continue(())
    });
    let _ = call.get_output_file(28148).unwrap();
    let total = 64 * 1024 * 1024 / 3 * 4 + 4;
    assert_eq!(reported.first().unwrap().bytes_received, 0);
    assert_eq!(reported.last().unwrap().bytes_received, total);
    assert!(reported.len() > 100, "{}", reported.len());
    assert!(
        reported
            .windows(2)
            .all(|two| two[0].bytes_received <= two[1].bytes_received)
    );
    assert!(
        reported
            .iter()
            .all(|progress| progress.total_bytes == Some(total))
    );
    assert!(reported.iter().all(|progress| progress.attempt == 1));

    let mut calls = 0;
    let call = client.call().on_progress(|progress| {
        calls += 1;
        match progress.bytes_received {
            0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    });
    let error = call.get_output_file(28148).unwrap_err();
    assert_eq!((error.kind(), calls), (ErrorKind::Cancelled, 2));

    // Progress starts over with a new attempt.
    let server = {
        let connections = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        RawServer::start(move |_, connection| {
            use std::io::Write;
            let first = connections.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
            let body: &[u8] = if first { b"QUJD" } else { b"QUJDREVG" };
            connection
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")
                .unwrap();
            connection.write_all(body).unwrap();
        })
    };
    let mut reported = Vec::new();
    let retry = RetryPolicy::default().initial_backoff(Duration::from_millis(1));
    let client = Client::builder(&server.url)
        .token(TOKEN)
        .retry_policy(retry);
    let client = client.build().unwrap();
    let call = client.call().on_progress(|progress| {
        reported.push((progress.attempt, progress.bytes_received));
        ControlFlow::Continue(())
    });
    let _ = call.get_output_file(1).unwrap();
    assert_eq!(reported.first(), Some(&(1, 0)));
    assert!(reported.contains(&(2, 0)), "{reported:?}");
    assert_eq!(reported.last(), Some(&(2, 8)));
}

#[test]
fn zero_timeouts_are_rejected() {
    for builder in [
        Client::builder("tt").connect_timeout(Duration::ZERO),
        Client::builder("tt").stall_timeout(Duration::ZERO),
    ] {
        let error = builder.token(TOKEN).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

/// A client whose requests wait without end in one phase.
struct Stalled {
    place: &'static str,
    builder: ClientBuilder,
    /// The timeout that ends the wait if nothing else does.
    limit: Limit,
}

/// The servers and proxies of the clients, which stop when they are dropped.
struct StallingServers {
    _full: UnresponsivePort,
    _proxies: [ConnectProxy; 5],
}

#[derive(Clone, Copy, PartialEq)]
enum Limit {
    Connect,
    Stall,
    /// The call's own timeout only, because bytes keep arriving.
    Call,
}

/// Returns a client for each phase in which a call waits for a server or a proxy.
fn stalled_calls() -> (Vec<Stalled>, StallingServers) {
    let authority = Authority::new();
    let pem = authority.pem();
    let stalled = |place, server: &str, proxy: &str, limit| Stalled {
        place,
        builder: Client::builder(server)
            .token(TOKEN)
            .proxy(proxy)
            .allow_plain_http(true)
            .add_ca_certificates(pem.as_bytes()),
        limit,
    };
    let tls = |name| Some(authority.server(name).config());
    let https = |port: &str| format!("https://{port}");
    let full = UnresponsivePort::start();
    let full_url = full.url.clone();
    let elsewhere = "https://tt.example";
    let stalling_proxy = ConnectProxy::start(None, |_, client| client.read_exact(&mut [0]));
    let stalling_tls_proxy =
        ConnectProxy::start(tls("localhost"), |_, client| client.read_exact(&mut [0]));
    let slow_proxy = ConnectProxy::start(None, |_, client| {
        client.write_all(b"HTTP/1.1 200 OK\r\nX: ")?;
        while client.write_all(b"x").is_ok() {
            thread::park_timeout(Duration::from_millis(5));
        }
        Ok(())
    });
    let idle_proxy = ConnectProxy::start(None, |_, client| {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        while client.read(&mut [0; 4096])? > 0 {}
        Ok(())
    });
    let idle_tls_proxy = ConnectProxy::start(tls("localhost"), |_, client| {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        client.flush()?;
        while client.read(&mut [0; 4096])? > 0 {}
        Ok(())
    });
    let mut all = vec![
        stalled(
            "TLS to the server",
            &https(&port_that_sends_nothing()),
            "",
            Limit::Connect,
        ),
        stalled("the head", &stalls_after(b"").url, "", Limit::Stall),
        stalled(
            "the rest of the head",
            &stalls_after(b"HTTP/1.1 2").url,
            "",
            Limit::Stall,
        ),
        stalled(
            "the body",
            &stalls_after(HEAD_AND_START).url,
            "",
            Limit::Stall,
        ),
        stalled(
            "a slow body",
            &slow_body(Duration::from_millis(5)).url,
            "",
            Limit::Call,
        ),
        stalled(
            "TLS to the proxy",
            elsewhere,
            &https(&port_that_sends_nothing()),
            Limit::Connect,
        ),
        stalled(
            "the tunnel",
            elsewhere,
            &stalling_proxy.url(),
            Limit::Connect,
        ),
        stalled(
            "the tunnel within TLS",
            elsewhere,
            &stalling_tls_proxy.url_with_host("localhost"),
            Limit::Connect,
        ),
        stalled(
            "a slow tunnel",
            elsewhere,
            &slow_proxy.url(),
            Limit::Connect,
        ),
        stalled(
            "TLS through the tunnel",
            elsewhere,
            &idle_proxy.url(),
            Limit::Connect,
        ),
        stalled(
            "TLS within TLS",
            elsewhere,
            &idle_tls_proxy.url_with_host("localhost"),
            Limit::Connect,
        ),
        stalled(
            "the head through the tunnel",
            "http://tt.example",
            &idle_proxy.url(),
            Limit::Stall,
        ),
        stalled(
            "the head through TLS to the proxy",
            "http://tt.example",
            &idle_tls_proxy.url_with_host("localhost"),
            Limit::Stall,
        ),
    ];
    for (server, proxy, place) in [
        (full_url.as_str(), "", "the connection"),
        (elsewhere, full_url.as_str(), "the connection to the proxy"),
    ] {
        all.push(stalled(place, server, proxy, Limit::Connect));
    }
    let servers = StallingServers {
        _full: full,
        _proxies: [
            stalling_proxy,
            stalling_tls_proxy,
            slow_proxy,
            idle_proxy,
            idle_tls_proxy,
        ],
    };
    (all, servers)
}

/// Asserts that each timeout, each cancellation and each interrupt ends a call in each phase.
fn assert_stops_hold() {
    const LIMIT: Duration = Duration::from_millis(200);
    const LATEST: Duration = Duration::from_millis(1500);
    let of = |place: &str, error: Error, kind: ErrorKind, start: Instant| {
        assert_eq!(error.kind(), kind, "{place}: {error}");
        assert!(start.elapsed() < LATEST, "{place}: {:?}", start.elapsed());
    };
    let (stalled, _servers) = stalled_calls();
    for Stalled {
        place,
        builder,
        limit,
    } in &stalled
    {
        let builder = builder.clone().retry_policy(RetryPolicy::never());
        let start = Instant::now();
        if *limit != Limit::Call {
            let limited = match limit {
                Limit::Connect => builder.clone().connect_timeout(LIMIT),
                _ => builder.clone().stall_timeout(LIMIT),
            };
            let error = limited.build().unwrap().get_output_file(1).unwrap_err();
            assert!(error.to_string().contains("0.2 s"), "{place}: {error}");
            of(place, error, ErrorKind::Timeout, start);
        }
        let client = builder.build().unwrap();
        let start = Instant::now();
        let error = client.call().timeout(LIMIT).get_output_file(1).unwrap_err();
        of(place, error, ErrorKind::Timeout, start);

        let token = CancelToken::new();
        let start = Instant::now();
        let error = thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(LIMIT);
                token.cancel();
            });
            client
                .call()
                .cancel_token(&token)
                .get_output_file(1)
                .unwrap_err()
        });
        of(place, error, ErrorKind::Cancelled, start);

        let start = Instant::now();
        let ask = move || match start.elapsed() < LIMIT {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        };
        let error = client.call().interrupt(ask).get_output_file(1).unwrap_err();
        of(place, error, ErrorKind::Cancelled, start);
    }
}

#[test]
fn stop_in_any_phase_ends_the_call() {
    assert_stops_hold();
}

#[cfg(unix)]
#[test]
fn stop_in_any_phase_under_signals_ends_the_call() {
    if runs_alone() {
        under_signals(assert_stops_hold);
        return;
    }
    // A signal handler belongs to the whole process.
    run_alone("time::stop_in_any_phase_under_signals_ends_the_call", &[]);
}

#[cfg(unix)]
#[test]
fn download_under_signals_succeeds() {
    if runs_alone() {
        let mock = MockSellercloud::start();
        let client = client(&mock.url());
        under_signals(|| {
            for _ in 0..20 {
                assert_eq!(client.get_output_file(28142).unwrap().bytes.len(), 2400);
            }
            // A signal must not make a pooled connection look stale.
            assert!(client.get_output_file(28148).unwrap().bytes.len() >= 1 << 26);
        });
        return;
    }
    run_alone("time::download_under_signals_succeeds", &[]);
}

#[cfg(target_os = "linux")]
#[test]
fn waiting_call_does_not_poll() {
    let server = stalls_after(HEAD);
    let limit = Duration::from_secs(2);
    let builder = Client::builder(&server.url).token(TOKEN);
    let client = builder
        .stall_timeout(limit)
        .retry_policy(RetryPolicy::never())
        .build()
        .unwrap();
    let token = CancelToken::new();
    let before = voluntary_context_switches();
    let error = client
        .call()
        .cancel_token(&token)
        .get_output_file(1)
        .unwrap_err();
    let waits = voluntary_context_switches() - before;
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(waits < 20, "{waits} in {limit:?}");
}

#[test]
fn cancel_takes_effect_at_once() {
    let server = stalls_after(HEAD);
    let client = client(&server.url);
    // At different times, whatever interval a call checks the token in.
    let delay = |index: u64| {
        let call = |token: CancelToken| {
            thread::sleep(Duration::from_millis(index * 7));
            client.call().cancel_token(&token).get_output_file(1)
        };
        cancel(call).1
    };
    let mut delays: Vec<_> = (0..9).map(delay).collect();
    delays.sort();
    println!("{delays:?}");
    assert!(delays[4] < Duration::from_millis(10), "{delays:?}");
}

#[test]
fn cancel_token_shared_by_calls_cancels_all() {
    let server = stalls_after(HEAD);
    let client = client(&server.url);
    let token = CancelToken::new();
    thread::scope(|scope| {
        let calls: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| client.call().cancel_token(&token).get_output_file(1)))
            .collect();
        thread::sleep(Duration::from_millis(200));
        token.cancel();
        for call in calls {
            let error = call.join().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
        }
    });
}

#[test]
fn timeouts_of_any_length_are_accepted() {
    let mock = MockSellercloud::start();
    for limit in [
        Duration::MAX,
        Duration::MAX / 2,
        Duration::from_secs(u64::MAX / 4),
    ] {
        let client = Client::builder(mock.url().replace("127.0.0.1", "localhost"))
            .token(TOKEN)
            .connect_timeout(limit)
            .stall_timeout(limit)
            .call_timeout(limit)
            .build()
            .unwrap();
        assert_eq!(client.get_output_file(28142).unwrap().bytes.len(), 2400);
        let token = CancelToken::new();
        for call in [
            client.call(),
            client.call().cancel_token(&token).timeout(limit),
        ] {
            assert_eq!(call.get_output_file(28142).unwrap().bytes.len(), 2400);
        }
    }
    // Such calls can be cancelled.
    let server = stalls_after(HEAD);
    let builder = Client::builder(&server.url).token(TOKEN);
    let client = builder
        .stall_timeout(Duration::MAX)
        .connect_timeout(Duration::MAX);
    let client = client.call_timeout(Duration::MAX).build().unwrap();
    assert_can_be_cancelled("without a limit", &client);
}

#[test]
fn stop_during_the_body_of_an_error_ends_the_call() {
    let server = |status: &str| {
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: 100000\r\n\r\n");
        RawServer::start(move |_, connection| {
            let _ = connection.write_all(head.as_bytes());
            while connection.write_all(b"x").is_ok() {
                thread::park_timeout(Duration::from_millis(5));
            }
        })
    };
    for (status, at_deadline) in [
        ("404 No", ErrorKind::NotFound),
        ("401 No", ErrorKind::Authentication),
        ("503 No", ErrorKind::Timeout),
    ] {
        let server = server(status);
        let client = client(&server.url);
        let place = format!("the body of {status}");
        assert_cancelled(
            &place,
            cancel(|token| client.call().cancel_token(&token).get_output_file(1)),
        );
        let start = Instant::now();
        let call = client.call().timeout(Duration::from_millis(300));
        let error = call.get_output_file(1).unwrap_err();
        assert_eq!(error.kind(), at_deadline, "{place}: {error}");
        assert!(error.to_string().contains(&status[..3]), "{place}: {error}");
        assert!(start.elapsed() < Duration::from_secs(2), "{place}");
    }
}

#[test]
fn interrupt_that_panics_or_uses_the_client_is_safe() {
    let server = RawServer::start(|head, connection| {
        if head.contains("/OutputFile/2 ") {
            let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nQUJD");
        } else {
            let _ = connection.write_all(HEAD_AND_START);
            thread::park_timeout(Duration::from_secs(20));
        }
    });
    let client = client(&server.url);
    let call = client.call().timeout(Duration::from_secs(10));
    let call = call.interrupt(|| panic!("from the callback"));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| call.get_output_file(1)));
    assert!(caught.is_err());
    let shared = Arc::new(AtomicUsize::new(0));
    let counted = shared.clone();
    let inner = client.clone();
    let call = client.call().timeout(Duration::from_secs(10));
    let call = call.interrupt(move || {
        assert_eq!(inner.get_output_file(2).unwrap().bytes, b"ABC");
        match counted.fetch_add(1, Ordering::Relaxed) + 1 {
            3 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    });
    let error = call.get_output_file(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert_eq!(shared.load(Ordering::Relaxed), 3);
    assert_eq!(client.get_output_file(2).unwrap().bytes, b"ABC");
}
