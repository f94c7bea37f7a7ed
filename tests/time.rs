//! Limits, cancelling and progress: nothing hangs.

mod support;

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use sellercloud_output::{
    Call, CancelToken, Client, ClientBuilder, Error, ErrorKind, Progress, Retry, Wait,
};
use support::raw_server::RawServer;
use support::stand_in::{PASSWORD, StandIn, TOKEN, USER};
use support::stuck::{FullPort, dripping, mute_port, silent_after, slow_names};
use support::{run_alone, runs_alone};

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
const HEAD_AND_START: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nQUJDQUJD";
const BUSY: &[u8] =
    b"HTTP/1.1 503 Busy\r\nRetry-After: 60\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

fn client(url: &str) -> Client {
    Client::builder(url).token(TOKEN).build().unwrap()
}

/// Cancels a call that is stuck; gives its error, and how long it took to come.
fn cancel<T: Send>(call: impl FnOnce(CancelToken) -> Result<T, Error> + Send) -> (Error, Duration) {
    let token = CancelToken::new();
    thread::scope(|scope| {
        let given = token.clone();
        let (done, is_done) = mpsc::channel();
        scope.spawn(move || {
            done.send(call(given).err().expect("it ended with success"))
                .unwrap();
        });
        if let Ok(error) = is_done.recv_timeout(Duration::from_millis(400)) {
            panic!("it is not stuck: {error}");
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
    let call = |token| client.call().cancel(&token).output_file(28142);
    assert_cancelled(place, cancel(call));
}

#[test]
fn cancel_while_the_name_resolves() {
    if runs_alone() {
        let client = client("https://tt.api.sellercloud.example");
        assert_can_be_cancelled("while the name resolves", &client);
        let limited = Client::builder("https://tt.api.sellercloud.example")
            .token(TOKEN)
            .connect_timeout(Duration::from_millis(200))
            .retry(Retry::never())
            .build()
            .unwrap();
        let error = limited.output_file(1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(
            error.to_string().contains("did not resolve within 200ms"),
            "{error}"
        );
        return;
    }
    // The system's resolver can only be made slow for a whole process.
    let folder = tempfile::tempdir().unwrap();
    let library = slow_names(folder.path());
    let output = run_alone(
        "cancel_while_the_name_resolves",
        &[("LD_PRELOAD", library.to_str().unwrap())],
    );
    assert!(
        output.contains("cancelled while the name resolves"),
        "{output}"
    );
}

#[test]
fn cancel_while_it_connects() {
    let port = FullPort::new();
    assert_can_be_cancelled("while it connects", &client(&port.url));
}

#[test]
fn cancel_during_the_tls_handshake() {
    let url = format!("https://{}", mute_port());
    assert_can_be_cancelled("during the TLS handshake", &client(&url));
}

#[test]
fn cancel_while_the_head_is_awaited() {
    let server = silent_after(b"HTTP/1.1 200");
    assert_can_be_cancelled("while the head is awaited", &client(&server.url));
}

#[test]
fn cancel_while_the_body_is_read() {
    for start in [HEAD, HEAD_AND_START] {
        let server = silent_after(start);
        assert_can_be_cancelled("while the body is read", &client(&server.url));
    }
    let server = dripping(Duration::from_millis(1));
    assert_can_be_cancelled("while the body drips", &client(&server.url));
}

#[test]
fn cancel_while_a_body_comes_at_full_speed() {
    let server = RawServer::start(|_, connection| {
        use std::io::Write;
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut piece = head.to_vec();
        while connection.write_all(&piece).is_ok() {
            // Blanks, which take no memory.
            piece = [b"10000\r\n", &[b' '; 0x10000][..], b"\r\n"].concat();
        }
    });
    assert_can_be_cancelled("at full speed", &client(&server.url));
}

#[test]
fn cancel_while_a_retry_is_awaited() {
    let server = RawServer::answering(BUSY);
    assert_can_be_cancelled("while a retry is awaited", &client(&server.url));
}

#[test]
fn cancel_while_a_job_is_awaited() {
    let stand_in = StandIn::start();
    let client = client(&stand_in.url());
    let call = |token| client.call().cancel(&token).wait(50004, Wait::default());
    assert_cancelled("while a job is awaited", cancel(call));
}

#[test]
fn cancel_while_another_thread_logs_in() {
    let server = silent_after(b"");
    let builder = Client::builder(&server.url).credentials(USER, PASSWORD);
    let client = builder.build().unwrap();
    let other = CancelToken::new();
    thread::scope(|scope| {
        let leader = scope.spawn(|| client.call().cancel(&other).output_file(1));
        assert_can_be_cancelled("while another thread logs in", &client);
        other.cancel();
        let error = leader.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    });
}

/// Interrupts a call that is stuck, from its own thread.
fn assert_can_be_interrupted<T>(
    place: &str,
    url: &str,
    call: impl FnOnce(Call<'_>) -> Result<T, Error>,
) {
    let client = client(url);
    let asked = Rc::new(RefCell::new(Vec::new()));
    let times = asked.clone();
    let ask = move || {
        times.borrow_mut().push(Instant::now());
        match times.borrow().len() {
            0..5 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    };
    let error = call(client.call().interrupt(ask)).err().expect(place);
    let end = Instant::now();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{place}: {error}");
    let asked = asked.borrow();
    assert_eq!(
        asked.len(),
        5,
        "{place}: it was asked again after it interrupted"
    );
    for pair in asked.windows(2) {
        let between = pair[1] - pair[0];
        assert!(between < Duration::from_millis(250), "{place}: {between:?}");
    }
    assert!(end - asked[4] < Duration::from_millis(250), "{place}");
}

#[test]
fn a_call_asks_whether_it_is_interrupted_wherever_it_waits() {
    let file = |call: Call<'_>| call.output_file(1);
    let silent = silent_after(b"");
    assert_can_be_interrupted("while the head is awaited", &silent.url, file);
    let full = FullPort::new();
    assert_can_be_interrupted("while it connects", &full.url, file);
    let busy = RawServer::answering(BUSY);
    assert_can_be_interrupted("while a retry is awaited", &busy.url, file);
    let dripping = dripping(Duration::from_millis(5));
    assert_can_be_interrupted("while bytes come", &dripping.url, file);
    let stand_in = StandIn::start();
    let job = |call: Call<'_>| call.wait(50004, Wait::default());
    assert_can_be_interrupted("while a job is awaited", &stand_in.url(), job);
}

#[test]
fn a_call_that_is_not_interrupted_is_done() {
    let stand_in = StandIn::start();
    let client = client(&stand_in.url());
    let call = client.call().interrupt(|| ControlFlow::Continue(()));
    assert_eq!(call.output_file(28142).unwrap().bytes.len(), 2400);
}

#[test]
fn other_calls_of_the_client_go_on() {
    let stand_in = StandIn::start();
    let client = client(&stand_in.url());
    let token = CancelToken::new();
    thread::scope(|scope| {
        let stuck = scope.spawn(|| client.call().cancel(&token).wait(50004, Wait::default()));
        let others: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    (0..20)
                        .map(|_| client.output_file(28142))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        token.cancel();
        assert_eq!(
            stuck.join().unwrap().unwrap_err().kind(),
            ErrorKind::Cancelled
        );
        for file in others.into_iter().flat_map(|other| other.join().unwrap()) {
            assert_eq!(file.unwrap().bytes.len(), 2400);
        }
    });
    // A token that was pulled before cancels at once, without a request.
    let asked = stand_in.asked("/rest/api/queuedjobs/outputfile/28142");
    let error = client.call().cancel(&token).output_file(28142).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Cancelled, 0));
    assert_eq!(
        stand_in.asked("/rest/api/queuedjobs/outputfile/28142"),
        asked
    );
}

fn limited(url: &str) -> ClientBuilder {
    Client::builder(url)
        .token(TOKEN)
        .connect_timeout(Duration::from_millis(300))
        .stall_timeout(Duration::from_millis(300))
        .retry(Retry::never())
}

#[test]
fn silence_is_a_timeout() {
    let full = FullPort::new();
    let servers = [
        (full.url.clone(), "no connection within 300ms"),
        (
            format!("https://{}", mute_port()),
            "no connection within 300ms",
        ),
        (silent_after(b"").url, "nothing came for 300ms"),
        (
            silent_after(b"HTTP/1.1 200 OK\r\nX: ").url,
            "nothing came for 300ms",
        ),
        (silent_after(HEAD).url, "nothing came for 300ms"),
        (silent_after(HEAD_AND_START).url, "nothing came for 300ms"),
    ];
    for (url, words) in servers {
        let start = Instant::now();
        let error = limited(&url).build().unwrap().output_file(1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.retry_may_help());
        let elapsed = start.elapsed();
        assert!(
            elapsed >= Duration::from_millis(290),
            "{words}: {elapsed:?}"
        );
        assert!(elapsed < Duration::from_secs(5), "{words}: {elapsed:?}");
    }
}

#[test]
fn a_drip_is_no_stall_but_meets_the_deadline() {
    let server = dripping(Duration::from_millis(20));
    let client = limited(&server.url)
        .retry(Retry::default())
        .build()
        .unwrap();
    let start = Instant::now();
    let call = client.call().timeout(Duration::from_millis(1200));
    let error = call.output_file(1).unwrap_err();
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
fn the_deadline_holds_wherever_a_call_is() {
    let full = FullPort::new();
    let stuck = [
        full.url.clone(),
        format!("https://{}", mute_port()),
        silent_after(b"").url,
        silent_after(HEAD_AND_START).url,
    ];
    for url in stuck {
        let builder = Client::builder(&url).token(TOKEN);
        let client = builder
            .call_timeout(Duration::from_millis(300))
            .build()
            .unwrap();
        let start = Instant::now();
        let error = client.output_file(1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(start.elapsed() < Duration::from_secs(5), "{url}");
    }
    // The wait that a busy server asks for would not fit: its answer is the error.
    let server = RawServer::answering(BUSY);
    let call_client = client(&server.url);
    let call = call_client.call().timeout(Duration::from_secs(30));
    let error = call.output_file(1).unwrap_err();
    assert_eq!(error.http_status(), Some(503));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
}

#[test]
fn progress_is_told_and_can_cancel() {
    let stand_in = StandIn::start();
    let client = client(&stand_in.url());
    let mut told: Vec<Progress> = Vec::new();
    let call = client.call().progress(|progress| {
        told.push(progress);
        ControlFlow::Continue(())
    });
    call.output_file(28148).unwrap();
    let total = 64 * 1024 * 1024 / 3 * 4 + 4;
    assert_eq!(told.first().unwrap().received, 0);
    assert_eq!(told.last().unwrap().received, total);
    assert!(told.len() > 100, "{}", told.len());
    assert!(
        told.windows(2)
            .all(|two| two[0].received <= two[1].received)
    );
    assert!(told.iter().all(|progress| progress.total == Some(total)));
    assert!(told.iter().all(|progress| progress.attempt == 1));

    let mut calls = 0;
    let call = client.call().progress(|progress| {
        calls += 1;
        match progress.received {
            0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    });
    let error = call.output_file(28148).unwrap_err();
    assert_eq!((error.kind(), calls), (ErrorKind::Cancelled, 2));

    // A new attempt starts over.
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
    let mut told = Vec::new();
    let retry = Retry {
        base: Duration::from_millis(1),
        ..Retry::default()
    };
    let client = Client::builder(&server.url).token(TOKEN).retry(retry);
    let client = client.build().unwrap();
    let call = client.call().progress(|progress| {
        told.push((progress.attempt, progress.received));
        ControlFlow::Continue(())
    });
    call.output_file(1).unwrap();
    assert_eq!(told.first(), Some(&(1, 0)));
    assert!(told.contains(&(2, 0)), "{told:?}");
    assert_eq!(told.last(), Some(&(2, 8)));
}

#[test]
fn limits_of_nothing_are_refused() {
    for builder in [
        Client::builder("tt").connect_timeout(Duration::ZERO),
        Client::builder("tt").stall_timeout(Duration::ZERO),
    ] {
        let error = builder.token(TOKEN).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}
