//! Cancellation and deadlines in each phase of a call: connecting, TLS to the proxy, CONNECT,
//! TLS to the server, the head and the body of a response, and the waits between requests.

use std::cell::Cell as StdCell;
use std::fs;
use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use sellercloud_output::{CancelToken, Error, ErrorKind};

use crate::cell::{
    Call, Cell, NEVER, Problem, Route, Scheme, Stage, Subject, World, fast_retry, perform,
};
use crate::failures::{WAIT_FOR_JOB, WAIT_FOR_RETRY};
use mock_server::unresponsive::UnresponsivePort;

/// A way to stop a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A token that another thread cancels.
    Token,
    /// A callback that the call invokes on its own thread.
    Interrupt,
    Deadline,
    /// A timeout after an attempt that failed. Its error names that failure.
    DeadlineAfterFailure,
}

impl Stop {
    pub(crate) const ALL: [Self; 4] = [
        Self::Token,
        Self::Interrupt,
        Self::Deadline,
        Self::DeadlineAfterFailure,
    ];

    fn is_deadline(self) -> bool {
        matches!(self, Self::Deadline | Self::DeadlineAfterFailure)
    }
}

/// A call that waits without end, and the way to stop it.
#[derive(Clone, Copy)]
pub(crate) struct StopCell {
    /// The failure in which the call waits.
    pub(crate) cell: Cell<'static>,
    /// Whether the call waits before that, while it connects.
    pub(crate) is_connecting: bool,
    pub(crate) stop: Stop,
}

/// The maximum time from a stop to the end of the call.
const DELAY: Duration = Duration::from_millis(250);
/// The timeout of a call with [`Stop::Deadline`].
const DEADLINE: Duration = Duration::from_millis(700);
/// How long a call waits before it is cancelled.
const STALL: Duration = Duration::from_millis(60);

/// A port that neither accepts nor refuses connections. It stays open.
pub(crate) static UNRESPONSIVE_PORT: LazyLock<UnresponsivePort> =
    LazyLock::new(UnresponsivePort::start);

impl StopCell {
    pub(crate) fn exists(&self) -> bool {
        let is_after_failure = self.stop == Stop::DeadlineAfterFailure;
        let name = self.cell.failure.name.as_str();
        match name {
            // Between steps the caller waits, not the library.
            WAIT_FOR_JOB | WAIT_FOR_RETRY if self.cell.call == Call::Steps => false,
            // Only a wait for a job requests the job again.
            WAIT_FOR_JOB => self.cell.call.subject() == Subject::Job && !is_after_failure,
            // An unresponsive port fails the first attempt too, and a wait after another wait
            // is no case of its own.
            _ if self.is_connecting || name == WAIT_FOR_RETRY => !is_after_failure,
            _ => true,
        }
    }

    pub(crate) fn name(&self) -> String {
        let phase = match self.is_connecting {
            true => "connecting",
            false => self.cell.failure.name.as_str(),
        };
        format!("stop: {phase}: {:?}", self.stop)
    }

    pub(crate) fn run(self) -> Result<(), Problem> {
        let cell = self.cell;
        let world = World::start(cell);
        let directory = tempfile::tempdir().unwrap();
        let [stopped, last] = ["stopped", "last"].map(|name| {
            let path = directory.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        });
        let full = UNRESPONSIVE_PORT.url.as_str();
        let (url, proxy) = match (self.is_connecting, cell.route) {
            (false, _) => (world.url(cell), world.proxy_url()),
            (true, Route::Direct) => (with_scheme(full, cell.scheme), String::new()),
            (true, Route::Proxy) => (world.url(cell), full.to_owned()),
            (true, Route::ProxyOverTls) => (world.url(cell), with_scheme(full, Scheme::Https)),
        };
        let builder = cell.builder(url, proxy).retry_policy(fast_retry(3));
        let builder = builder.connect_timeout(NEVER).stall_timeout(NEVER);
        let client = builder.build().unwrap();
        world.state.set(match self.stop {
            Stop::DeadlineAfterFailure => Stage::Busy,
            _ => Stage::Failing,
        });

        let token = CancelToken::new();
        let is_stalled = || self.is_connecting || world.state.has_failed();
        let (outcome, end, reported) = thread::scope(|scope| {
            let canceller = scope.spawn(|| {
                let limit = Instant::now() + NEVER / 2;
                while self.stop == Stop::Token && !is_stalled() && Instant::now() < limit {
                    thread::sleep(Duration::from_millis(5));
                }
                thread::sleep(STALL);
                let now = Instant::now();
                token.cancel();
                now
            });
            let call = client.call().timeout(match self.stop.is_deadline() {
                true => DEADLINE,
                false => NEVER,
            });
            let requests = Arc::new(OnceLock::new());
            let call = match self.stop {
                Stop::Token => call.cancel_token(&token),
                Stop::Interrupt => call.interrupt(self.interrupt(&world, &requests)),
                Stop::Deadline | Stop::DeadlineAfterFailure => call,
            };
            let outcome = perform(call, cell.call, &stopped);
            let end = Instant::now();
            let cancelled = canceller.join().unwrap();
            // The time of the stop.
            let reported = match self.stop {
                Stop::Token => Some(cancelled),
                _ => requests.get().copied(),
            };
            (outcome, end, reported)
        });
        let outcome = outcome?;
        let was_stalled = is_stalled();
        world.state.set(Stage::Well);

        let error = outcome.result.err();
        let message = error.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut wrong = Vec::new();
        let mut is_of_time = !was_stalled;
        if !was_stalled {
            wrong.push("the call never stalled".to_owned());
        }
        // A wait beyond the call's timeout does not begin.
        let is_refused = cell.failure.name == WAIT_FOR_RETRY && self.stop.is_deadline();
        let kind = match self.stop {
            Stop::Token | Stop::Interrupt => ErrorKind::Cancelled,
            _ if is_refused => ErrorKind::Server,
            Stop::Deadline | Stop::DeadlineAfterFailure => ErrorKind::Timeout,
        };
        if error.as_ref().map(Error::kind) != Some(kind) {
            let kind_was = error.as_ref().map(Error::kind);
            wrong.push(format!("{kind_was:?}, not {kind:?}"));
        }
        let elapsed = outcome.elapsed;
        let is_in_time = match reported {
            _ if is_refused => elapsed <= DELAY,
            _ if self.stop.is_deadline() => (DEADLINE..=DEADLINE + DELAY).contains(&elapsed),
            Some(reported) => end.saturating_duration_since(reported) <= DELAY,
            None => false,
        };
        is_of_time |= !is_in_time;
        if !is_in_time {
            let late = reported.map(|reported| end.saturating_duration_since(reported));
            wrong.push(match late {
                Some(late) => format!("{late:.2?} after the stop"),
                None => format!("after {elapsed:.2?}"),
            });
        }
        let names_failure = message.contains("; last error: ") && message.contains("503");
        if names_failure != (self.stop == Stop::DeadlineAfterFailure) {
            wrong.push(match names_failure {
                true => "names a failure that was none".to_owned(),
                false => "does not name the last error".to_owned(),
            });
        }
        let left = fs::read_dir(&stopped).unwrap().count();
        if left > 0 {
            wrong.push(format!("leaves {left} files"));
        }
        if !self.is_connecting
            && let Err(error) = perform(client.call().timeout(NEVER), cell.call, &last)?.result
        {
            is_of_time = true;
            wrong.push(format!("then, when all is well: {:?}", error.kind()));
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(Problem {
                what: wrong.join("; "),
                message,
                is_of_time,
            }),
        }
    }
}

impl StopCell {
    /// Returns a callback that stops a call that waits, and records when it did.
    fn interrupt(
        self,
        world: &World,
        reported: &Arc<OnceLock<Instant>>,
    ) -> impl Fn() -> ControlFlow<()> + Send + 'static {
        let (state, reported) = (world.state.clone(), reported.clone());
        let stalled_since = StdCell::new(None);
        move || {
            if self.is_connecting || state.has_failed() {
                let since = stalled_since.get().unwrap_or_else(Instant::now);
                stalled_since.set(Some(since));
                if since.elapsed() >= STALL {
                    reported.get_or_init(Instant::now);
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        }
    }
}

fn with_scheme(url: &str, scheme: Scheme) -> String {
    match scheme {
        Scheme::Http => url.to_owned(),
        Scheme::Https => url.replacen("http://", "https://", 1),
    }
}
