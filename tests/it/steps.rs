//! Waits for a job, step by step, through the Rust interface.

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use mock_server::{MockSellercloud, RawServer, TOKEN};
use sellercloud_output::{
    CancelToken, Client, ClientBuilder, Error, ErrorKind, JobStatus, JobWait, JobWaitStep,
    QueuedJob, RetryPolicy, WaitOptions,
};

const PROCESSING: &str = r#"{"Basic": {"ID": 7, "Status": "Processing"}}"#;
const COMPLETED: &str = r#"{"Basic": {"ID": 7, "Status": "Completed"}}"#;
const FAILED: &str = r#"{"Basic": {"ID": 7, "Status": "Failed", "ErrorMessage": "no rows"}}"#;
const LOG: &str = r#"{"Items": [{"Message": "no warehouse"}]}"#;

fn builder(url: impl Into<String>) -> ClientBuilder {
    let policy = RetryPolicy::default().initial_backoff(Duration::from_millis(1));
    Client::builder(url).token(TOKEN).retry_policy(policy)
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// Starts a server that sends these responses, and the last one again and again. Returns the
/// number of requests.
fn responding(responses: &[String]) -> (RawServer, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let (counter, responses) = (requests.clone(), responses.to_vec());
    let server = RawServer::start(move |_, connection| {
        let index = counter.fetch_add(1, Ordering::SeqCst);
        let response = responses.get(index).or(responses.last()).unwrap();
        let _ = connection.write_all(response.as_bytes());
    });
    (server, requests)
}

/// Returns the time until the next step.
fn pause_of(step: Result<JobWaitStep, Error>) -> Duration {
    match step {
        Ok(JobWaitStep::AgainAfter(time)) => time,
        other => panic!("the wait has ended: {other:?}"),
    }
}

/// Steps to the end. Returns the pauses too.
fn to_end(wait: &mut JobWait) -> (Result<QueuedJob, Error>, Vec<Duration>) {
    let mut pauses = Vec::new();
    loop {
        match wait.step() {
            Ok(JobWaitStep::AgainAfter(time)) => {
                pauses.push(time);
                thread::sleep(time);
            }
            Ok(JobWaitStep::Ended(job)) => return (Ok(*job), pauses),
            Err(error) => return (Err(error), pauses),
        }
    }
}

#[test]
fn step_response_with_retry_after_returns_the_time_at_once() {
    let unavailable = "HTTP/1.1 503 Busy\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n";
    let (server, requests) = responding(&[unavailable.to_owned()]);
    let client = builder(&server.url).build().unwrap();
    let mut wait = client.start_job_wait(7, WaitOptions::default()).unwrap();
    assert_eq!(requests.load(Ordering::SeqCst), 0, "start sends nothing");
    let start = Instant::now();
    for _ in 0..100 {
        let pause = pause_of(wait.step());
        assert!(pause <= Duration::from_secs(61), "{pause:?}");
        assert!(pause > Duration::from_secs(59), "{pause:?}");
    }
    // 100 steps last no longer than their one request.
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[test]
fn step_job_that_runs_returns_the_intervals_and_then_the_job() {
    let [processing, completed] = [PROCESSING, COMPLETED].map(ok);
    let busy = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_owned();
    let responses = [processing.clone(), busy, processing, completed];
    let (server, requests) = responding(&responses);
    let client = builder(&server.url).build().unwrap();
    let options = WaitOptions::default().initial_interval(Duration::from_millis(100));
    let mut wait = client.start_job_wait(7, options).unwrap();
    // Each step on a thread of its own.
    let mut pauses = Vec::new();
    let job = loop {
        let (stepped, step) = thread::spawn(move || {
            let step = wait.step();
            (wait, step)
        })
        .join()
        .unwrap();
        wait = stepped;
        match step.unwrap() {
            JobWaitStep::AgainAfter(time) => pauses.push(time),
            JobWaitStep::Ended(job) => break job,
        }
        thread::sleep(*pauses.last().unwrap());
    };
    assert_eq!(job.status, JobStatus::Completed);
    assert_eq!(requests.load(Ordering::SeqCst), 4);
    let due: Vec<u128> = pauses.iter().map(Duration::as_millis).collect();
    let [first, backoff, second] = due[..] else {
        panic!("{due:?}")
    };
    assert_eq!((first, second), (100, 150));
    assert!(backoff <= 1);
    let error = wait.step().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn step_job_that_failed_returns_its_log() {
    let busy = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_owned();
    for (log, lines) in [
        (vec![ok(LOG)], &["no warehouse"][..]),
        (vec![busy.clone(), ok(LOG)], &["no warehouse"]),
        (vec![busy], &[]),
    ] {
        let (server, _) = responding(&[vec![ok(FAILED)], log].concat());
        let client = builder(&server.url).build().unwrap();
        let mut wait = client.start_job_wait(7, WaitOptions::default()).unwrap();
        let error = to_end(&mut wait).0.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::JobFailed, "{error}");
        assert_eq!(error.job_log(), lines);
    }
}

#[test]
fn step_after_cancellation_or_the_timeout_fails_at_once() {
    let (server, _) = responding(&[ok(PROCESSING)]);
    let client = builder(&server.url).build().unwrap();
    let token = CancelToken::new();
    let call = client.call().cancel_token(&token);
    let mut wait = call.start_job_wait(7, WaitOptions::default()).unwrap();
    assert!(pause_of(wait.step()) > Duration::from_millis(900));
    token.cancel();
    let error = wait.step().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);

    let call = client.call().timeout(Duration::from_millis(300));
    let mut wait = call.start_job_wait(7, WaitOptions::default()).unwrap();
    let (outcome, pauses) = to_end(&mut wait);
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(
        error.to_string(),
        "job 7: timed out after 0.3 s; the job's status is still Processing"
    );
    assert!(pauses[0] <= Duration::from_millis(300), "{pauses:?}");

    let call = client.call().timeout(Duration::ZERO);
    let error = call.start_job_wait(7, WaitOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

/// Starts a server whose response to a login comes when the test sends it.
fn with_login() -> (
    RawServer,
    mpsc::Receiver<()>,
    mpsc::Sender<String>,
    Arc<AtomicUsize>,
) {
    let (requested, is_requested) = mpsc::channel();
    let (respond, response) = mpsc::channel::<String>();
    let response = Arc::new(Mutex::new(response));
    let logins = Arc::new(AtomicUsize::new(0));
    let counter = logins.clone();
    let server = RawServer::start(move |head, connection| {
        let body = match head.starts_with("POST") {
            true => {
                counter.fetch_add(1, Ordering::SeqCst);
                let _ = requested.send(());
                response.lock().unwrap().recv().unwrap_or_default()
            }
            false => ok(COMPLETED),
        };
        let _ = connection.write_all(body.as_bytes());
    });
    (server, is_requested, respond, logins)
}

#[test]
fn step_login_of_another_thread_is_awaited_without_blocking() {
    let refused = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n".to_owned();
    let accepted = ok(r#"{"access_token": "t", "expires_in": 3600}"#);
    for (response, kind) in [(accepted, None), (refused, Some(ErrorKind::Authentication))] {
        let (server, is_requested, respond, logins) = with_login();
        let builder = Client::builder(&server.url).credentials("user", "password");
        let client = builder.retry_policy(RetryPolicy::never()).build().unwrap();
        let leader = {
            let client = client.clone();
            thread::spawn(move || client.get_job(7))
        };
        is_requested.recv().unwrap();
        let mut wait = client.start_job_wait(7, WaitOptions::default()).unwrap();
        for _ in 0..3 {
            let start = Instant::now();
            let pause = pause_of(wait.step());
            assert!(pause <= Duration::from_millis(50), "{pause:?}");
            assert!(start.elapsed() < Duration::from_millis(250));
            thread::sleep(pause);
        }
        respond.send(response).unwrap();
        assert_eq!(leader.join().unwrap().err().map(|e| e.kind()), kind);
        // A refused login is the outcome of every call that waited for it.
        let error = to_end(&mut wait).0.err();
        assert_eq!(error.map(|error| error.kind()), kind);
        assert_eq!(logins.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn step_within_a_callback_of_the_call_that_logs_in_comes_back_later() {
    let (server, is_requested, respond, logins) = with_login();
    let builder = Client::builder(&server.url).credentials("user", "password");
    let client = builder.retry_policy(RetryPolicy::never()).build().unwrap();
    let wait = client.start_job_wait(7, WaitOptions::default()).unwrap();
    let wait = Arc::new(Mutex::new(wait));
    let stepped = wait.clone();
    let call = client.call().interrupt(move || {
        if is_requested.try_recv().is_ok() {
            let pause = pause_of(stepped.lock().unwrap().step());
            assert!(pause <= Duration::from_millis(50), "{pause:?}");
            respond.send(ok(r#"{"access_token": "t"}"#)).unwrap();
        }
        ControlFlow::Continue(())
    });
    call.get_job(7).unwrap();
    let job = to_end(&mut wait.lock().unwrap()).0.unwrap();
    assert_eq!(job.status, JobStatus::Completed);
    assert_eq!(logins.load(Ordering::SeqCst), 1);
}

#[test]
fn step_rejected_token_is_not_sent_again_while_another_thread_logs_in() {
    let refused = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n".to_owned();
    let accepted = |token| ok(&format!(r#"{{"access_token": "{token}"}}"#));
    for (response, kind) in [
        (accepted("second"), None),
        (refused.clone(), Some(ErrorKind::Authentication)),
    ] {
        let (login_requested, is_login_requested) = mpsc::channel();
        let (respond, login_response) = mpsc::channel::<String>();
        let login_response = Arc::new(Mutex::new(login_response));
        let gets = Arc::new(AtomicUsize::new(0));
        let logins = Arc::new(AtomicUsize::new(0));
        let (get_counter, login_counter, rejection) =
            (gets.clone(), logins.clone(), refused.clone());
        let server = RawServer::start(move |head, connection| {
            let is_login = head.starts_with("POST");
            let response = match is_login {
                true => {
                    login_counter.fetch_add(1, Ordering::SeqCst);
                    let _ = login_requested.send(());
                    let response = login_response.lock().unwrap();
                    response.recv().unwrap_or_default()
                }
                false if head.contains("Bearer first") => {
                    get_counter.fetch_add(1, Ordering::SeqCst);
                    rejection.clone()
                }
                false => ok(COMPLETED),
            };
            let _ = connection.write_all(response.as_bytes());
        });
        let builder = Client::builder(&server.url).credentials("user", "password");
        let client = builder.retry_policy(RetryPolicy::never()).build().unwrap();
        // The first login succeeds, and its token is rejected, so that this call leads another.
        respond.send(accepted("first")).unwrap();
        let leader = {
            let client = client.clone();
            thread::spawn(move || client.get_job(7))
        };
        for _ in 0..2 {
            is_login_requested.recv().unwrap();
        }
        let mut waits: Vec<JobWait> = (0..4)
            .map(|_| client.start_job_wait(7, WaitOptions::default()).unwrap())
            .collect();
        for _ in 0..3 {
            for wait in &mut waits {
                thread::sleep(pause_of(wait.step()));
            }
        }
        respond.send(response).unwrap();
        assert_eq!(leader.join().unwrap().err().map(|e| e.kind()), kind);
        for wait in &mut waits {
            let error = to_end(wait).0.err();
            assert_eq!(error.map(|error| error.kind()), kind);
        }
        assert_eq!(logins.load(Ordering::SeqCst), 2);
        assert_eq!(gets.load(Ordering::SeqCst), 1, "rejected requests");
    }
}

#[test]
fn step_after_a_leader_was_cancelled_logs_in_itself() {
    let (server, is_requested, respond, logins) = with_login();
    let builder = Client::builder(&server.url).credentials("user", "password");
    let client = builder.retry_policy(RetryPolicy::never()).build().unwrap();
    let token = CancelToken::new();
    let leader = {
        let (client, token) = (client.clone(), token.clone());
        thread::spawn(move || client.call().cancel_token(&token).get_job(7))
    };
    is_requested.recv().unwrap();
    let mut wait = client.start_job_wait(7, WaitOptions::default()).unwrap();
    pause_of(wait.step());
    token.cancel();
    let error = leader.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    for _ in 0..2 {
        let accepted = ok(r#"{"access_token": "t", "expires_in": 3600}"#);
        respond.send(accepted).unwrap();
    }
    assert_eq!(to_end(&mut wait).0.unwrap().status, JobStatus::Completed);
    assert_eq!(logins.load(Ordering::SeqCst), 2);
}

#[test]
fn step_look_up_of_another_thread_is_awaited_without_blocking() {
    let (requested, is_requested) = mpsc::channel();
    let (respond, response) = mpsc::channel::<String>();
    let response = Arc::new(Mutex::new(response));
    let look_ups = Arc::new(AtomicUsize::new(0));
    let counter = look_ups.clone();
    let server = RawServer::start(move |_, connection| {
        counter.fetch_add(1, Ordering::SeqCst);
        let _ = requested.send(());
        let response = response.lock().unwrap().recv().unwrap_or_default();
        let _ = connection.write_all(response.as_bytes());
    });
    let builder = Client::for_team("acme").team_lookup_url(&server.url);
    let builder = builder.token(TOKEN).retry_policy(RetryPolicy::never());
    let client = builder.build().unwrap();
    let leader = {
        let client = client.clone();
        thread::spawn(move || client.get_job(7))
    };
    is_requested.recv().unwrap();
    let mut wait = client.start_job_wait(7, WaitOptions::default()).unwrap();
    for _ in 0..3 {
        let pause = pause_of(wait.step());
        assert!(pause <= Duration::from_millis(50), "{pause:?}");
        thread::sleep(pause);
    }
    let unknown = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n";
    respond.send(unknown.to_owned()).unwrap();
    let failure = leader.join().unwrap().unwrap_err();
    // The outcome of the look-up is that of every call that waited for it.
    let error = to_end(&mut wait).0.unwrap_err();
    assert_eq!(error.to_string(), failure.to_string());
    assert_eq!(look_ups.load(Ordering::SeqCst), 1);
}

#[test]
fn step_that_comes_late_does_not_use_up_the_grace() {
    let busy = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_owned();
    let [processing, completed] = [PROCESSING, COMPLETED].map(ok);
    let responses = [busy.clone(), processing, busy, completed];
    let (server, requests) = responding(&responses);
    let builder = builder(&server.url).retry_policy(RetryPolicy::never());
    let client = builder.build().unwrap();
    const GRACE: Duration = Duration::from_millis(400);
    let options = WaitOptions::default()
        .initial_interval(Duration::from_millis(100))
        .max_interval(Duration::from_millis(100))
        .grace(GRACE);
    let mut wait = client.start_job_wait(7, options).unwrap();
    for _ in 0..3 {
        // The time that passes here is the subject of the test.
        thread::sleep(GRACE + Duration::from_millis(150));
        pause_of(wait.step());
    }
    assert_eq!(to_end(&mut wait).0.unwrap().status, JobStatus::Completed);
    assert_eq!(requests.load(Ordering::SeqCst), 4);
}

#[test]
fn step_pause_without_end_is_never_due_and_fits_every_clock() {
    let unavailable = "HTTP/1.1 503 Busy\r\nRetry-After: 99999999999999999999\r\n\
                       Content-Length: 0\r\n\r\n";
    for (response, interval) in [
        (unavailable.to_owned(), Duration::from_secs(1)),
        (ok(PROCESSING), Duration::MAX),
    ] {
        let (server, requests) = responding(&[response]);
        let client = builder(&server.url).build().unwrap();
        let options = WaitOptions::default()
            .initial_interval(interval)
            .max_interval(interval);
        let call = client.call().timeout(Duration::MAX);
        let mut wait = call.start_job_wait(7, options).unwrap();
        for _ in 0..3 {
            let pause = pause_of(wait.step());
            assert!(pause > Duration::from_secs(3600), "{pause:?}");
            assert!(Instant::now().checked_add(pause).is_some());
            assert!(i64::try_from(pause.as_millis()).is_ok());
        }
        assert_eq!(requests.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn step_within_the_token_provider_of_its_client_fails() {
    let mock = MockSellercloud::start();
    let shared: Arc<Mutex<Option<JobWait>>> = Arc::default();
    let wait = shared.clone();
    let provider = move |_| {
        // Taken, since the wait keeps the client alive, which keeps this provider alive.
        let mut wait = wait.lock().unwrap().take().unwrap();
        let error = wait.step().unwrap_err();
        Err::<String, _>(error.to_string())
    };
    let builder = Client::builder(mock.url()).token_provider(provider);
    let client = builder.build().unwrap();
    let wait = client.start_job_wait(7, WaitOptions::default()).unwrap();
    *shared.lock().unwrap() = Some(wait);
    let error = client.get_job(7).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication, "{error}");
    let words = "the token provider made a call with the client that needs its token";
    assert!(error.to_string().contains(words), "{error}");
}
