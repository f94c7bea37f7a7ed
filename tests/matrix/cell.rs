//! One cell of the matrix: a failure on one route to a server, in one call.

use std::fmt;
use std::fs;
use std::io::{Read, Write};
use std::mem;
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use sellercloud_output::{
    Client, ClientBuilder, Error, ErrorKind, JobWaitStep, QueuedJob, RetryPolicy, WaitOptions,
};

use crate::failures::{
    EXPIRED, Failure, OTHER_HOST, Place, RequestInfo, Requests, Routes, Servers,
};
use mock_server::connect_proxy::{ConnectProxy, ESTABLISHED, ProxyClient};
use mock_server::connection::{self, Connection, End, Listener, accept_tls, read_head};
use mock_server::tls::Authority;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Direct,
    /// Through a proxy over plain HTTP.
    Proxy,
    /// Through a proxy over TLS.
    ProxyOverTls,
}

impl Route {
    pub(crate) const ALL: [Self; 3] = [Self::Direct, Self::Proxy, Self::ProxyOverTls];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(crate) const ALL: [Self; 2] = [Self::Http, Self::Https];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Buffer,
    /// Downloads into memory of the caller.
    Memory,
    Save,
    Write,
    /// Opens a download and reads it to its end.
    Open,
    /// Waits for the job. The failure is in the response with the job.
    Wait,
    /// Waits for the job, step by step.
    Steps,
    /// Logs in for a file. The failure is in the response with the token.
    Login,
}

impl Call {
    pub(crate) const ALL: [Self; 8] = [
        Self::Buffer,
        Self::Memory,
        Self::Save,
        Self::Write,
        Self::Open,
        Self::Wait,
        Self::Steps,
        Self::Login,
    ];

    /// Returns which response has the failure.
    pub(crate) fn subject(self) -> Subject {
        match self {
            Self::Buffer | Self::Memory | Self::Save | Self::Write | Self::Open => Subject::File,
            Self::Wait | Self::Steps => Subject::Job,
            Self::Login => Subject::Token,
        }
    }
}

/// What a response contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    File,
    Job,
    Token,
}

/// The earlier use of the connection of the failing request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum History {
    New,
    /// A request that succeeded. A login has no such connection: it follows a request whose
    /// token was rejected.
    Reused,
}

#[derive(Clone, Copy)]
pub(crate) struct Cell<'a> {
    pub failure: &'a Failure,
    pub route: Route,
    pub scheme: Scheme,
    pub call: Call,
    pub history: History,
}

impl Cell<'_> {
    pub(crate) fn place(&self) -> String {
        let Self {
            route,
            scheme,
            call,
            history,
            ..
        } = self;
        format!("[{route:?} {scheme:?} {call:?} {history:?}]")
    }
}

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.failure.name, self.place())
    }
}

/// A cell that failed, and why.
pub(crate) struct Problem {
    pub(crate) what: String,
    /// The message of the call's error.
    pub(crate) message: String,
    /// Whether the cell took too long, which other processes can cause.
    pub(crate) is_of_time: bool,
}

impl Problem {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            message: String::new(),
            is_of_time: false,
        }
    }
}

/// The stall and the connect timeout, which end a stall of a server or of a proxy.
const STALL: Duration = Duration::from_millis(1000);
/// The call timeout, which ends a response without end.
const CALL: Duration = Duration::from_millis(1500);
/// A timeout that no failure may reach.
pub(crate) const NEVER: Duration = Duration::from_secs(30);
/// How much longer than its timeout a call may take, and how long a call without a timeout may
/// take. Cells share the processor with many others.
const SLACK: Duration = Duration::from_secs(4);

/// The maximum file size.
const MAX_SIZE: u64 = 1 << 20;

const FILE: &str = "QUJDREVG";
const FILE_BYTES: &[u8] = b"ABCDEF";
const JOB: &str = r#"{"Basic":{"ID":1,"Status":3},"OutputFile":"a.csv"}"#;
const TOKEN: &str = r#"{"access_token":"token-of-the-login","expires_in":3600}"#;

/// The host of the server. Only the proxy can resolve it.
pub(crate) const HOST: &str = "mock.example";

pub(crate) static AUTHORITY: LazyLock<Authority> = LazyLock::new(Authority::new);
static OTHER_AUTHORITY: LazyLock<Authority> = LazyLock::new(Authority::new);

type Config = LazyLock<Arc<ServerConfig>>;
pub(crate) static FOR_HOST: Config = LazyLock::new(|| AUTHORITY.server(HOST).config().into());
pub(crate) static FOR_LOOPBACK: Config =
    LazyLock::new(|| AUTHORITY.server("127.0.0.1").config().into());
static OF_UNKNOWN_CA: Config =
    LazyLock::new(|| OTHER_AUTHORITY.server("127.0.0.1").config().into());
static FOR_OTHER_HOST: Config = LazyLock::new(|| AUTHORITY.server("other.example").config().into());
static EXPIRED_FOR_HOST: Config = LazyLock::new(|| AUTHORITY.expired_server(HOST).config().into());
static EXPIRED_FOR_LOOPBACK: Config =
    LazyLock::new(|| AUTHORITY.expired_server("127.0.0.1").config().into());

/// The stage of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stage {
    /// The server responds as it should.
    Well,
    /// The failure happens.
    Failing,
    /// The server is busy once. After that the failure happens.
    Busy,
}

/// The server's counters.
#[derive(Default)]
struct Counts {
    connections: AtomicUsize,
    tokens: AtomicUsize,
    jobs: AtomicUsize,
    files: AtomicUsize,
}

pub(crate) struct State {
    stage: AtomicU8,
    counts: Counts,
    /// Whether the failure has happened.
    has_failed: AtomicBool,
}

impl State {
    fn is_failing(&self) -> bool {
        let is_failing = self.is(Stage::Failing);
        if is_failing {
            self.has_failed.store(true, Ordering::SeqCst);
        }
        is_failing
    }

    fn is(&self, stage: Stage) -> bool {
        self.stage.load(Ordering::SeqCst) == stage as u8
    }

    pub(crate) fn set(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::SeqCst);
    }

    /// Returns `true` once the failure has happened.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::SeqCst)
    }
}

/// The server and the proxy of a cell.
pub(crate) struct World {
    pub(crate) state: Arc<State>,
    server: Listener,
    proxy: Option<ConnectProxy>,
}

impl World {
    pub(crate) fn start(cell: Cell<'static>) -> Self {
        let state = Arc::new(State {
            stage: AtomicU8::new(Stage::Well as u8),
            counts: Counts::default(),
            has_failed: AtomicBool::new(false),
        });
        let shared = state.clone();
        let server = Listener::start(move |socket| serve(cell, &shared, socket));
        let proxy = (cell.route != Route::Direct).then(|| proxy(cell, &state, &server));
        Self {
            state,
            server,
            proxy,
        }
    }

    /// Returns the URL of the proxy, or an empty string for none.
    pub(crate) fn proxy_url(&self) -> String {
        let url = self.proxy.as_ref().map(ConnectProxy::url);
        url.unwrap_or_default()
    }

    pub(crate) fn url(&self, cell: Cell) -> String {
        let scheme = match cell.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        match cell.route {
            Route::Direct => format!("{scheme}://{}", self.server.address),
            Route::Proxy | Route::ProxyOverTls => format!("{scheme}://{HOST}"),
        }
    }
}

fn proxy(cell: Cell<'static>, state: &Arc<State>, server: &Listener) -> ConnectProxy {
    let failure = cell.failure;
    let fails_at = {
        let state = state.clone();
        move |place| failure.place == place && state.is_failing()
    };
    let response = move || {
        let nothing = RequestInfo {
            target: "",
            body: "",
        };
        (failure.response)(&nothing)
    };
    let tls = {
        let fails_at = fails_at.clone();
        move || {
            let config = match fails_at(Place::ProxyCertificate) {
                true => certificate(&response(), Route::Direct),
                false => FOR_LOOPBACK.clone(),
            };
            (cell.route == Route::ProxyOverTls).then_some(config)
        }
    };
    let accept = {
        let fails_at = fails_at.clone();
        move || fails_at(Place::ProxyAccept).then(|| (response(), failure.end))
    };
    let server = server.address;
    let connect = move |_: &str, client: &mut ProxyClient| match () {
        () if fails_at(Place::TunnelEnd) => client.tunnel(server, ESTABLISHED.as_bytes(), false),
        () if !fails_at(Place::Connect) => client.tunnel(server, ESTABLISHED.as_bytes(), true),
        () if failure.opens_tunnel => client.tunnel(server, &response(), true),
        () => client.fail(&response(), failure.end),
    };
    ConnectProxy::with_connections(tls, accept, connect)
}

/// Returns the certificate that a row selects, for the host at the end of `route`.
fn certificate(what: &[u8], route: Route) -> Arc<ServerConfig> {
    let is_direct = route == Route::Direct;
    match std::str::from_utf8(what) {
        Ok(EXPIRED) if is_direct => EXPIRED_FOR_LOOPBACK.clone(),
        Ok(EXPIRED) => EXPIRED_FOR_HOST.clone(),
        Ok(OTHER_HOST) => FOR_OTHER_HOST.clone(),
        _ => OF_UNKNOWN_CA.clone(),
    }
}

/// Serves a connection.
fn serve(cell: Cell, state: &State, mut socket: TcpStream) {
    state.counts.connections.fetch_add(1, Ordering::SeqCst);
    let failure = cell.failure;
    let nothing = RequestInfo {
        target: "",
        body: "",
    };
    if failure.place == Place::ServerAccept && state.is_failing() {
        let _ = socket.write_all(&(failure.response)(&nothing));
        connection::end(&mut socket, failure.end);
        return;
    }
    let config = match (cell.scheme, cell.route) {
        (Scheme::Http, _) => return converse(cell, state, &mut socket),
        _ if failure.place == Place::ServerCertificate && state.is_failing() => {
            certificate(&(failure.response)(&nothing), cell.route)
        }
        (Scheme::Https, Route::Direct) => FOR_LOOPBACK.clone(),
        (Scheme::Https, _) => FOR_HOST.clone(),
    };
    converse(cell, state, &mut accept_tls(socket, config));
}

/// Responds to requests until one of them has the failure, or the client closes the connection.
fn converse(cell: Cell, state: &State, connection: &mut dyn Connection) {
    while let Some(head) = read_head(connection) {
        read_body(&head, connection);
        let target = head.split(' ').nth(1).unwrap_or_default();
        let (count, body) = match target {
            "/api/token" => (&state.counts.tokens, TOKEN),
            _ if target.contains("OutputFile") => (&state.counts.files, FILE),
            _ => (&state.counts.jobs, JOB),
        };
        count.fetch_add(1, Ordering::SeqCst);
        let requests = RequestInfo { target, body };
        let is_subject = body
            == match cell.call.subject() {
                Subject::Job => JOB,
                Subject::Token => TOKEN,
                Subject::File => FILE,
            };
        let is_in_response = matches!(cell.failure.place, Place::Response | Place::TunnelEnd);
        let is_refused = cell.call == Call::Login && cell.history == History::Reused;
        let response = match () {
            () if is_subject && state.is(Stage::Busy) => {
                // Before the response, because the client may send the next request at once.
                state.set(Stage::Failing);
                let _ = connection.write_all(BUSY);
                let _ = connection.flush();
                connection.close_notify();
                return;
            }
            () if !state.is(Stage::Failing) => well(&requests),
            () if is_subject && is_in_response && state.is_failing() => {
                let _ = connection.write_all(&(cell.failure.response)(&requests));
                let _ = connection.flush();
                connection::end(connection, cell.failure.end);
                return;
            }
            // The token of the first login, which has expired.
            () if is_refused && !head.contains("token-of-the-login") => {
                unreachable!("a request without a token")
            }
            () if is_refused && state.counts.files.load(Ordering::SeqCst) == 1 && body == FILE => {
                "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n".into()
            }
            () => well(&requests),
        };
        if connection.write_all(response.as_bytes()).is_err() || connection.flush().is_err() {
            return;
        }
    }
    connection.close_notify();
}

const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\
    Connection: close\r\nRetry-After: 0\r\n\r\n";

fn well(requests: &RequestInfo) -> String {
    let length = requests.body.len();
    let name = "Content-Disposition: attachment; filename=a.csv\r\n";
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{name}\r\n{}",
        requests.body
    )
}

fn read_body(head: &str, connection: &mut dyn Connection) {
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().unwrap())
    });
    let _ = connection.read_exact(&mut vec![0; length.unwrap_or(0)]);
}

/// The outcome of a call.
pub(crate) struct Outcome {
    pub(crate) result: Result<(), Error>,
    /// The number of bytes that `write_output_file` passed on.
    written: usize,
    pub(crate) elapsed: Duration,
}

pub(crate) fn perform(
    options: sellercloud_output::Call<'static>,
    call: Call,
    directory: &Path,
) -> Result<Outcome, Problem> {
    let start = Instant::now();
    let mut written = Vec::new();
    let right = |bytes: &[u8]| match bytes {
        FILE_BYTES => Ok(()),
        other => Err(format!("the wrong file: {}", other.escape_ascii())),
    };
    let result = match call {
        Call::Buffer | Call::Login => options.get_output_file(1).map(|file| right(&file.bytes)),
        Call::Memory => options
            .get_output_file_into(1, &mut written)
            .map(|file| right(&mem::take(&mut written)[..file.size as usize])),
        Call::Open => options.open_output_file(1).and_then(|mut download| {
            let read = download.read_to_end(&mut written);
            read.map_err(|error| error.downcast::<Error>().unwrap())?;
            Ok(right(&written))
        }),
        Call::Save => options.save_output_file(1, directory).map(|file| {
            let bytes = fs::read(file.path);
            right(&bytes.map_err(|error| error.to_string())?)
        }),
        Call::Write => options
            .write_output_file(1, &mut written)
            .map(|_| right(&written)),
        Call::Wait | Call::Steps => {
            // A transient failure is the outcome nevertheless.
            let wait = WaitOptions::default().grace(Duration::ZERO);
            let job = match call {
                Call::Steps => step_to_end(options, wait),
                _ => options.wait_for_job(1, wait),
            };
            job.map(|job| match job.status.is_success() {
                true => Ok(()),
                false => Err(format!("the wrong job: {job:?}")),
            })
        }
    };
    // What a failed attempt leaves in the caller's memory was not handed out.
    if call == Call::Memory {
        written.clear();
    }
    let elapsed = start.elapsed();
    let result = match result {
        Ok(content) => Ok(content.map_err(Problem::new)?),
        Err(error) => Err(error),
    };
    Ok(Outcome {
        result,
        written: written.len(),
        elapsed,
    })
}

/// Waits for the job step by step.
fn step_to_end(
    options: sellercloud_output::Call<'static>,
    wait: WaitOptions,
) -> Result<QueuedJob, Error> {
    let mut wait = options.start_job_wait(1, wait)?;
    loop {
        match wait.step()? {
            JobWaitStep::AgainAfter(time) => thread::sleep(time),
            JobWaitStep::Ended(job) => return Ok(*job),
        }
    }
}

/// Returns a policy with short waits.
pub(crate) fn fast_retry(attempts: usize) -> RetryPolicy {
    RetryPolicy::default()
        .max_attempts(attempts.try_into().unwrap())
        .initial_backoff(Duration::from_millis(1))
}

/// The expected outcome of a cell.
struct Expected {
    kind: Option<ErrorKind>,
    attempts: usize,
    /// The number of requests of the kind that fails.
    requests: usize,
    /// The number of connections to the server, where it is certain.
    connections: Option<usize>,
    /// The minimum and the maximum time.
    time: (Duration, Duration),
}

impl Cell<'static> {
    /// Returns whether there is such a cell.
    pub(crate) fn exists(&self) -> bool {
        let failure = self.failure;
        let has_route = match failure.routes {
            Routes::All => true,
            Routes::Proxied => self.route != Route::Direct,
            Routes::ProxyOverTls => self.route == Route::ProxyOverTls,
        };
        let has_server = match failure.servers {
            Servers::All => true,
            Servers::Http => self.scheme == Scheme::Http,
            Servers::Https => self.scheme == Scheme::Https,
        };
        // A reused connection is past these places.
        let has_history = self.history == History::New || failure.place == Place::Response;
        has_route && has_server && has_history
    }

    /// Returns the maximum number of attempts.
    fn max_attempts(&self) -> usize {
        match self.history {
            History::New if !self.failure.is_slow() => 3,
            _ => 1,
        }
    }

    fn expected(&self, written: usize) -> Expected {
        let failure = self.failure;
        let kind = match self.call.subject() {
            Subject::Job => failure.job,
            Subject::Token => failure.login,
            Subject::File => failure.file,
        };
        let is_repeated =
            kind.is_some() && kind == failure.file && failure.is_transient && written == 0;
        let attempts = if is_repeated { self.max_attempts() } else { 1 };
        let resends =
            self.history == History::Reused && failure.has_no_response && self.call != Call::Login;
        let each = match failure.requests {
            _ if self.call == Call::Login => 1,
            Requests::BothRoutes if self.call.subject() == Subject::File => 2,
            Requests::One | Requests::BothRoutes => 1,
            Requests::Redirects => 6,
        };
        let has_response = matches!(failure.place, Place::Response | Place::TunnelEnd);
        let requests = match has_response {
            true => attempts * each + usize::from(resends),
            false if kind.is_none() => 1,
            false => 0,
        };
        let is_closed = has_response && kind.is_none();
        let connections = match (failure.place, self.history) {
            (_, History::Reused) if self.call == Call::Login => None,
            (_, History::Reused) => Some(requests - 1),
            // The file uses another connection than the token.
            (_, History::New) if self.call == Call::Login && is_closed => Some(2),
            (Place::Response | Place::TunnelEnd, History::New) => Some(requests),
            (Place::ServerAccept | Place::ServerCertificate, History::New) => Some(attempts),
            // A tunnel that fails at once may or may not reach the server.
            (Place::Connect, History::New) if failure.opens_tunnel && kind.is_some() => None,
            (Place::Connect, History::New) => Some(usize::from(failure.opens_tunnel)),
            (Place::ProxyAccept | Place::ProxyCertificate, History::New) => Some(0),
        };
        let time = match kind {
            Some(ErrorKind::Timeout) if self.is_ended_by_call() => (CALL, CALL + SLACK),
            Some(ErrorKind::Timeout) => (STALL, STALL + SLACK),
            _ => (Duration::ZERO, SLACK),
        };
        Expected {
            kind,
            attempts,
            requests,
            connections,
            time,
        }
    }

    fn is_ended_by_call(&self) -> bool {
        self.failure.end == End::SlowBytes && self.failure.place == Place::Response
    }

    fn client(&self, world: &World) -> Client {
        let is_slow = self.failure.is_slow();
        let is_in_response = matches!(self.failure.place, Place::Response | Place::TunnelEnd);
        let only_if = |is_limited, limit| if is_limited { limit } else { NEVER };
        let builder = self.builder(world.url(*self), world.proxy_url());
        let builder = builder
            .retry_policy(fast_retry(self.max_attempts()))
            .connect_timeout(only_if(is_slow && !is_in_response, STALL))
            .stall_timeout(only_if(is_slow && !self.is_ended_by_call(), STALL));
        builder.build().unwrap()
    }

    pub(crate) fn builder(&self, url: String, proxy: String) -> ClientBuilder {
        let builder = Client::builder(url).allow_plain_http(true).proxy(proxy);
        let builder = builder.add_ca_certificates(AUTHORITY.pem().as_bytes());
        let builder = builder.max_file_size(MAX_SIZE);
        match self.call {
            Call::Login => builder.credentials("user", "password"),
            _ => builder.token("token"),
        }
    }

    /// Runs the call with the failure, and once more without it.
    pub(crate) fn run(self) -> Result<(), Problem> {
        let world = World::start(self);
        let directory = tempfile::tempdir().unwrap();
        let [first, failing, last] = ["first", "failing", "last"].map(|name| {
            let path = directory.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        });
        let client = self.client(&world);
        if self.history == History::Reused {
            let before = perform(client.call(), Call::Buffer, &first)?.result;
            before.map_err(|error| Problem::new(format!("the first request fails: {error}")))?;
        }
        let (connects, proxied) = world
            .proxy
            .as_ref()
            .map_or((0, 0), |proxy| (proxy.requests(), proxy.connections()));
        let counts = &world.state.counts;
        for count in [
            &counts.connections,
            &counts.tokens,
            &counts.jobs,
            &counts.files,
        ] {
            count.store(0, Ordering::SeqCst);
        }
        let limit = if self.is_ended_by_call() { CALL } else { NEVER };
        world.state.set(Stage::Failing);
        let outcome = perform(client.call().timeout(limit), self.call, &failing)?;
        world.state.set(Stage::Well);

        let expected = self.expected(outcome.written);
        let error = outcome.result.err();
        let shown = error.as_ref().map(ToString::to_string).unwrap_or_default();
        let kind = error.as_ref().map(Error::kind);
        let mut wrong = Vec::new();
        let mut compare = |what: &str, is: usize, should_be: usize| {
            if is != should_be {
                wrong.push(format!("{is} {what}, not {should_be}"));
            }
        };
        let subject = match self.call.subject() {
            Subject::Job => &counts.jobs,
            Subject::Token => &counts.tokens,
            Subject::File => &counts.files,
        };
        let now = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        if !(self.failure.opens_tunnel && expected.kind.is_some()) {
            compare("requests", now(subject), expected.requests);
        }
        if self.call == Call::Login {
            let refused = usize::from(self.history == History::Reused);
            let files = refused + usize::from(expected.kind.is_none());
            compare("requests for the file", now(&counts.files), files);
        }
        if let Some(connections) = expected.connections {
            compare("connections", now(&counts.connections), connections);
        }
        let place = self.failure.place;
        let is_before = matches!(place, Place::ProxyAccept | Place::ProxyCertificate);
        let tunnels = match place {
            Place::Connect => Some(expected.attempts),
            _ if is_before => Some(0),
            _ => expected.connections,
        };
        if let (Some(proxy), Some(tunnels)) = (&world.proxy, tunnels) {
            compare("CONNECT requests", proxy.requests() - connects, tunnels);
            let to_proxy = if is_before {
                expected.attempts
            } else {
                tunnels
            };
            let made = proxy.connections() - proxied;
            compare("connections to the proxy", made, to_proxy);
        }
        if let Some(error) = &error {
            let attempts = error.attempts().try_into().unwrap();
            compare("attempts in the error", attempts, expected.attempts);
        }
        if kind != expected.kind {
            wrong.push(format!("{kind:?}, not {:?}", expected.kind));
        }
        let mut is_of_time = kind == Some(ErrorKind::Timeout);
        let (least, most) = expected.time;
        if outcome.elapsed < least || outcome.elapsed > most {
            is_of_time = true;
            wrong.push(format!("after {:.1} s", outcome.elapsed.as_secs_f64()));
        }
        let left = fs::read_dir(&failing).unwrap().count();
        let saved = usize::from(self.call == Call::Save && kind.is_none());
        if left != saved {
            wrong.push(format!("{left} files, not {saved}"));
        }
        if let Err(error) = perform(client.call().timeout(NEVER), self.call, &last)?.result {
            is_of_time |= error.kind() == ErrorKind::Timeout;
            wrong.push(format!("then, when all is well: {:?}", error.kind()));
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(Problem {
                what: wrong.join("; "),
                message: shown,
                is_of_time,
            }),
        }
    }
}
