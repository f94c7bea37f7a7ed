//! One cell of the matrix: a failure on one way to a server, in one call.

use std::fmt;
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use sellercloud_output::{Client, ClientBuilder, Error, ErrorKind, RetryPolicy, WaitOptions};

use crate::failures::{Asked, EXPIRED, Failure, OTHER_HOST, Place, Requests, Routes, Servers};
use mock_server::connect_proxy::{ConnectProxy, ESTABLISHED, ProxyClient};
use mock_server::connection::{self, Connection, End, Listener, accept_tls, read_head};
use mock_server::tls::Authority;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Direct,
    /// Through a proxy spoken to in plain HTTP.
    Proxy,
    /// Through a proxy spoken to over TLS.
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
    Save,
    Write,
    /// Waits for the job; the failure is in the job's response.
    Wait,
    /// Logs in for a file; the failure is in the token's response.
    Login,
}

impl Call {
    pub(crate) const ALL: [Self; 5] = [
        Self::Buffer,
        Self::Save,
        Self::Write,
        Self::Wait,
        Self::Login,
    ];

    fn is_for_file(self) -> bool {
        matches!(self, Self::Buffer | Self::Save | Self::Write)
    }
}

/// What the connection of the failing request was used for before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum History {
    New,
    /// A request that succeeded. A login uses no such connection: it follows on a request
    /// whose token was refused.
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

/// What is wrong with a cell.
pub(crate) struct Problem {
    pub(crate) what: String,
    /// The message of the call's error.
    pub(crate) message: String,
    /// Whether the time decided, which others on the machine may have taken.
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

/// What ends silence, of a server or of a proxy.
const STALL: Duration = Duration::from_millis(1000);
/// What ends a response that never ends.
const CALL: Duration = Duration::from_millis(1500);
/// A limit that no failure may need.
pub(crate) const NEVER: Duration = Duration::from_secs(30);
/// How much longer than its limit a call may take, and how long one without a limit. Cells
/// share the processor with many others.
const SLACK: Duration = Duration::from_secs(4);

/// The largest file that is accepted.
const MAX_SIZE: u64 = 1 << 20;

const FILE: &str = "QUJDREVG";
const FILE_BYTES: &[u8] = b"ABCDEF";
const JOB: &str = r#"{"Basic":{"ID":1,"Status":3},"OutputFile":"a.csv"}"#;
const TOKEN: &str = r#"{"access_token":"token-of-the-login","expires_in":3600}"#;

/// The host of the server, for a proxy. Nothing else resolves it.
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

/// How far a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Everything works.
    Well,
    /// The failure happens.
    Failing,
    /// The server is busy, once; then the failure happens.
    Busy,
}

/// What the server counts.
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

/// What a cell runs against. The failure must outlive it, as all rows do.
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

    /// The URL of the proxy; empty for none.
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
        let nothing = Asked {
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

/// The certificate that a row wants to be shown where `route` leads to.
fn certificate(what: &[u8], route: Route) -> Arc<ServerConfig> {
    let is_direct = route == Route::Direct;
    match std::str::from_utf8(what) {
        Ok(EXPIRED) if is_direct => EXPIRED_FOR_LOOPBACK.clone(),
        Ok(EXPIRED) => EXPIRED_FOR_HOST.clone(),
        Ok(OTHER_HOST) => FOR_OTHER_HOST.clone(),
        _ => OF_UNKNOWN_CA.clone(),
    }
}

/// The server's side of a connection.
fn serve(cell: Cell, state: &State, mut socket: TcpStream) {
    state.counts.connections.fetch_add(1, Ordering::SeqCst);
    let failure = cell.failure;
    let nothing = Asked {
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

/// Answers requests until one of them meets the failure or the client closes.
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
        let asked = Asked { target, body };
        let is_subject = body
            == match cell.call {
                Call::Wait => JOB,
                Call::Login => TOKEN,
                Call::Buffer | Call::Save | Call::Write => FILE,
            };
        let is_in_response = matches!(cell.failure.place, Place::Response | Place::TunnelEnd);
        let is_refused = cell.call == Call::Login && cell.history == History::Reused;
        let response = match () {
            () if is_subject && state.is(Stage::Busy) => {
                // Before the response, after which the client may come again at once.
                state.set(Stage::Failing);
                let _ = connection.write_all(BUSY);
                let _ = connection.flush();
                connection.close_notify();
                return;
            }
            () if !state.is(Stage::Failing) => well(&asked),
            () if is_subject && is_in_response && state.is_failing() => {
                let _ = connection.write_all(&(cell.failure.response)(&asked));
                let _ = connection.flush();
                connection::end(connection, cell.failure.end);
                return;
            }
            // The token of the first login; it has expired.
            () if is_refused && !head.contains("token-of-the-login") => {
                unreachable!("a request without a token")
            }
            () if is_refused && state.counts.files.load(Ordering::SeqCst) == 1 && body == FILE => {
                "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n".into()
            }
            () => well(&asked),
        };
        if connection.write_all(response.as_bytes()).is_err() || connection.flush().is_err() {
            return;
        }
    }
    connection.close_notify();
}

const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\
    Connection: close\r\nRetry-After: 0\r\n\r\n";

fn well(asked: &Asked) -> String {
    let length = asked.body.len();
    let name = "Content-Disposition: attachment; filename=a.csv\r\n";
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{name}\r\n{}",
        asked.body
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

/// What a call came to.
pub(crate) struct Outcome {
    pub(crate) result: Result<(), Error>,
    /// Bytes that `write` handed out.
    written: usize,
    pub(crate) elapsed: Duration,
}

pub(crate) fn perform(
    options: sellercloud_output::Call,
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
        Call::Save => options.save_output_file(1, directory).map(|file| {
            let bytes = fs::read(file.path);
            right(&bytes.map_err(|error| error.to_string())?)
        }),
        Call::Write => options
            .write_output_file(1, &mut written)
            .map(|_| right(&written)),
        Call::Wait => {
            // A failure that may pass is the outcome all the same.
            let wait = WaitOptions::default().grace(Duration::ZERO);
            options
                .wait_for_job(1, wait)
                .map(|job| match job.status.is_success() {
                    true => Ok(()),
                    false => Err(format!("the wrong job: {job:?}")),
                })
        }
    };
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

/// Retries almost without a wait.
pub(crate) fn fast_retry(attempts: usize) -> RetryPolicy {
    RetryPolicy::default()
        .max_attempts(attempts.try_into().unwrap())
        .initial_backoff(Duration::from_millis(1))
}

/// What the policy makes of a cell.
struct Expected {
    kind: Option<ErrorKind>,
    attempts: usize,
    /// Requests of the kind that fails.
    requests: usize,
    /// Connections to the server, where they are certain.
    connections: Option<usize>,
    /// The least and the most time.
    time: (Duration, Duration),
}

impl Cell<'static> {
    /// Whether there is such a cell.
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
        // A connection that is used again is past these.
        let has_history = self.history == History::New || failure.place == Place::Response;
        has_route && has_server && has_history
    }

    /// Attempts that the client may make.
    fn max_attempts(&self) -> usize {
        match self.history {
            History::New if !self.failure.is_slow() => 3,
            _ => 1,
        }
    }

    fn expected(&self, written: usize) -> Expected {
        let failure = self.failure;
        let kind = match self.call {
            Call::Wait => failure.job,
            Call::Login => failure.login,
            Call::Buffer | Call::Save | Call::Write => failure.file,
        };
        let is_repeated =
            kind.is_some() && kind == failure.file && failure.is_transient && written == 0;
        let attempts = if is_repeated { self.max_attempts() } else { 1 };
        let resends =
            self.history == History::Reused && failure.is_unanswered && self.call != Call::Login;
        let each = match failure.requests {
            _ if self.call == Call::Login => 1,
            Requests::BothForms if self.call.is_for_file() => 2,
            Requests::One | Requests::BothForms => 1,
            Requests::Redirects => 6,
        };
        let is_answered = matches!(failure.place, Place::Response | Place::TunnelEnd);
        let requests = match is_answered {
            true => attempts * each + usize::from(resends),
            false if kind.is_none() => 1,
            false => 0,
        };
        let is_closed = is_answered && kind.is_none();
        let connections = match (failure.place, self.history) {
            (_, History::Reused) if self.call == Call::Login => None,
            (_, History::Reused) => Some(requests - 1),
            // The file comes over another connection than the token.
            (_, History::New) if self.call == Call::Login && is_closed => Some(2),
            (Place::Response | Place::TunnelEnd, History::New) => Some(requests),
            (Place::ServerAccept | Place::ServerCertificate, History::New) => Some(attempts),
            // Whether the server sees a tunnel that fails at once is a matter of time.
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

    /// Runs the call against the failure, and once more when all is well.
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
        let subject = match self.call {
            Call::Wait => &counts.jobs,
            Call::Login => &counts.tokens,
            Call::Buffer | Call::Save | Call::Write => &counts.files,
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
