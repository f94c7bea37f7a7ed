//! The library against real servers: ASP.NET Web API on Mono and ASP.NET Core on Kestrel, each
//! direct, behind nginx, and through forward proxies.
//!
//! A binary of its own, since tests/servers/run starts the servers and runs its tests, which
//! are ignored otherwise. Each test is a table. A failure prints a line for each cell that
//! failed.

use std::collections::HashSet;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use mock_server::fixtures::{noise, sha256};
use sellercloud_output::{
    BodyEncoding, Client, ClientBuilder, Error, ErrorKind, JobStatus, RetryPolicy, WaitOptions,
};

/// The server at the end of a route.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Server {
    WebApi,
    Kestrel,
}
use Server::{Kestrel, WebApi};

impl Server {
    /// Returns the environment variable with the port.
    fn port(self) -> &'static str {
        match self {
            WebApi => "WEB_API_PORT",
            Kestrel => "KESTREL_PORT",
        }
    }
}

/// The forward proxy between the client and nginx or the server.
#[derive(Clone, Copy, PartialEq)]
enum Proxy {
    None,
    Tinyproxy,
    Squid,
    /// Squid, over TLS.
    SquidTls,
}

/// How requests reach a server.
#[derive(Clone, Copy)]
struct Route {
    name: &'static str,
    server: Server,
    proxy: Proxy,
    /// The environment variable with nginx's port, and the path before `/rest`, if nginx is on
    /// the route.
    nginx: Option<(&'static str, &'static str)>,
}

const ROUTES: [Route; 9] = [
    Route {
        name: "Web API, direct",
        server: WebApi,
        proxy: Proxy::None,
        nginx: None,
    },
    Route {
        name: "Kestrel, direct",
        server: Kestrel,
        proxy: Proxy::None,
        nginx: None,
    },
    Route {
        name: "Web API, nginx (TLS, gzip)",
        server: WebApi,
        proxy: Proxy::None,
        nginx: Some(("NGINX_WEB_API_PORT", "")),
    },
    Route {
        name: "Kestrel, nginx (TLS, gzip)",
        server: Kestrel,
        proxy: Proxy::None,
        nginx: Some(("NGINX_KESTREL_PORT", "")),
    },
    Route {
        name: "Web API, tinyproxy",
        server: WebApi,
        proxy: Proxy::Tinyproxy,
        nginx: None,
    },
    Route {
        name: "Kestrel, squid",
        server: Kestrel,
        proxy: Proxy::Squid,
        nginx: None,
    },
    Route {
        name: "Web API, nginx (TLS), tinyproxy",
        server: WebApi,
        proxy: Proxy::Tinyproxy,
        nginx: Some(("NGINX_WEB_API_PORT", "/plain")),
    },
    Route {
        name: "Kestrel, nginx (TLS, gzip), squid",
        server: Kestrel,
        proxy: Proxy::Squid,
        nginx: Some(("NGINX_KESTREL_PORT", "")),
    },
    Route {
        name: "Web API, nginx (TLS), squid over TLS",
        server: WebApi,
        proxy: Proxy::SquidTls,
        nginx: Some(("NGINX_WEB_API_PORT", "/plain")),
    },
];

/// The stall timeout, which no test reaches, however slow the host is.
const STALL: Duration = Duration::from_secs(60);

fn variable(name: &str) -> String {
    env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run these tests by tests/servers/run"))
}

impl Proxy {
    fn url(self, login: &str) -> String {
        match self {
            Self::None => String::new(),
            Self::Tinyproxy => self.url_at(&variable("TINYPROXY_PORT"), login),
            Self::Squid => self.url_at(&variable("SQUID_PORT"), login),
            Self::SquidTls => self.url_at(&variable("SQUID_TLS_PORT"), login),
        }
    }

    /// Returns the URL of such a proxy on another port.
    fn url_at(self, port: &str, login: &str) -> String {
        match self {
            Self::None => String::new(),
            Self::Tinyproxy => format!("http://127.0.0.1:{port}"),
            Self::Squid => format!("http://{login}@127.0.0.1:{port}"),
            Self::SquidTls => format!("https://{login}@localhost:{port}"),
        }
    }
}

impl Route {
    /// Returns the base URL that ends in `site`, such as `rest`.
    fn base(&self, site: &str) -> String {
        // Only the proxies can resolve this name. Loopback is reached without a proxy.
        let host = match self.proxy {
            Proxy::None => "localhost".into(),
            _ => variable("NAME"),
        };
        match (self.nginx, self.server) {
            (Some((port, path)), _) => format!("https://{host}:{}{path}/{site}", variable(port)),
            (None, server) => format!("http://{host}:{}/{site}", variable(server.port())),
        }
    }

    /// Returns the base URL of another server of the same kind, for requests whose connection is
    /// killed: Mono's listener may mix up the requests of other connections afterwards.
    fn base_of_own(&self, own: &OwnProcess) -> String {
        match self.nginx {
            // nginx takes the server's port from the path.
            Some(_) => self.base(&format!("own/{}/rest", own.port)),
            None => {
                let shared = variable(self.server.port());
                self.base("rest").replace(&shared, &own.port)
            }
        }
    }

    /// Returns a builder for a client on the route, without retries.
    fn client(&self, site: &str) -> ClientBuilder {
        self.client_at(self.base(site))
    }

    /// Returns such a builder for another base URL.
    fn client_at(&self, base: String) -> ClientBuilder {
        let authority = fs::read(Path::new(&variable("DIR")).join("ca.pem")).unwrap();
        Client::builder(base)
            .token(new_token())
            .allow_plain_http(true)
            .add_ca_certificates(&authority)
            .proxy(self.proxy.url(&variable("PROXY_LOGIN")))
            .retry_policy(RetryPolicy::never())
            .stall_timeout(STALL)
            .call_timeout(Duration::from_secs(600))
    }
}

/// Returns a token that both servers accept, and that no other client has.
fn new_token() -> String {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    format!("valid-{:06}-x", LAST.fetch_add(1, Ordering::Relaxed))
}

/// The cells of a table: their number, and those that failed.
#[derive(Default)]
struct Cells {
    count: usize,
    failed: Vec<String>,
}

impl Cells {
    fn add(&mut self, cell: impl Into<String>, result: Result<(), String>) {
        self.count += 1;
        if let Err(problem) = result {
            self.failed.push(format!("{}: {problem}", cell.into()));
        }
    }
}

/// Runs the cells of each route, two routes at a time, and fails if one of them does.
fn on_every_route(fill_in: impl Fn(&Route, &mut Cells) + Sync) {
    on_routes(&ROUTES, fill_in);
}

/// Does the same for some routes. Those to Kestrel are left out if it cannot run, which
/// tests/servers/run reports.
fn on_routes(routes: &[Route], fill_in: impl Fn(&Route, &mut Cells) + Sync) {
    let has_kestrel = env::var_os("KESTREL_COMMAND").is_some();
    let is_there = |route: &Route| route.server != Kestrel || has_kestrel;
    let routes: Vec<_> = routes.iter().copied().filter(is_there).collect();
    let all = Mutex::new(Cells::default());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(route) = routes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut cells = Cells::default();
                    {
                        let _alone = (route.server != Kestrel).then(alone_at_web_api);
                        fill_in(route, &mut cells);
                    }
                    let mut all = all.lock().unwrap();
                    all.count += cells.count;
                    let failed = cells.failed.into_iter();
                    all.failed
                        .extend(failed.map(|line| format!("{}: {line}", route.name)));
                }
            });
        }
    });
    report(all.into_inner().unwrap());
}

/// Locks the Web API server until the guard is dropped. Mono's listener sometimes sends the
/// response to one request to another one at the same time.
fn alone_at_web_api() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn report(mut cells: Cells) {
    cells.failed.sort();
    assert!(cells.count > 0);
    assert!(
        cells.failed.is_empty(),
        "{} of {} cells failed:\n{}",
        cells.failed.len(),
        cells.count,
        cells.failed.join("\n")
    );
    println!("{} cells", cells.count);
}

fn ensure(is_right: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
    if is_right { Ok(()) } else { Err(problem()) }
}

/// Downloads a job's file into memory and saves it. Both must equal `expected`.
fn check_file(
    client: &Client,
    job: i32,
    name: Option<&str>,
    expected: &[u8],
) -> Result<(), String> {
    let file = client
        .get_output_file(job)
        .map_err(|error| format!("in memory: {error}"))?;
    ensure(file.bytes == expected, || {
        format!("in memory: {} bytes differ", file.bytes.len())
    })?;
    let dir = tempfile::tempdir().unwrap();
    let saved = client
        .save_output_file(job, dir.path())
        .map_err(|error| format!("saved: {error}"))?;
    ensure(fs::read(&saved.path).unwrap() == expected, || {
        format!("saved: {} bytes differ", saved.size)
    })?;
    let expected = name.map_or_else(|| format!("output-{job}"), str::to_owned);
    let stems = [file.name.as_str(), saved.name.as_str()];
    let is_named = stems.iter().all(|found| match name {
        Some(_) => *found == expected,
        None => found.starts_with(&expected),
    });
    ensure(is_named, || format!("the names are {stems:?}"))
}

/// Expects an error from a download into memory and from a save, which must leave no file.
fn check_error(
    client: &Client,
    job: i32,
    check: impl Fn(&Error) -> Result<(), String>,
) -> Result<(), String> {
    match client.get_output_file(job) {
        Ok(file) => return Err(format!("it gave {} bytes, {}", file.bytes.len(), file.name)),
        Err(error) => check(&error).map_err(|problem| format!("in memory: {problem}"))?,
    }
    let dir = tempfile::tempdir().unwrap();
    match client.save_output_file(job, dir.path()) {
        Ok(file) => return Err(format!("it saved {} bytes, {}", file.size, file.name)),
        Err(error) => check(&error).map_err(|problem| format!("saved: {problem}"))?,
    }
    let left = fs::read_dir(dir.path()).unwrap().count();
    ensure(left == 0, || format!("{left} files are left"))
}

/// Checks that a message is one line without markup, stack traces and secrets.
fn check_message(error: &Error) -> Result<(), String> {
    let text = error.to_string();
    let reason = error
        .http_status()
        .and_then(|status| http::StatusCode::from_u16(status).ok()?.canonical_reason());
    let problem = if text.chars().any(char::is_control) {
        Some("has control characters")
    } else if text.contains("valid-0") {
        Some("shows the token")
    } else if ["   at ", "at QueuedJobs", ".cs:", "StackTrace", "HEADERS"]
        .iter()
        .any(|noise| text.contains(noise))
    {
        Some("has a stack trace")
    } else if ["</", "xmlns", "&lt;", "traceId", "ExceptionType", "{\""]
        .iter()
        .any(|noise| text.contains(noise))
    {
        Some("has markup or JSON")
    } else if text.contains("tools.ietf.org") || text.contains("InvalidOperationException") {
        Some("has words for the server's programmers only")
    } else if reason.is_some_and(|reason| text.matches(reason).count() > 1) {
        Some("says its status twice")
    } else if text.chars().count() > 700 {
        Some("is long")
    } else {
        None
    };
    match problem {
        Some(problem) => Err(format!("the message {problem}: {text:?}")),
        None => Ok(()),
    }
}

/// The small file of both servers.
fn small_file() -> Vec<u8> {
    noise(100_003)
}

#[test]
#[ignore = "needs the servers of tests/servers/run"]
fn file_of_every_form_is_identical() {
    use BodyEncoding::{Auto, Base64, Raw};
    let file = small_file();
    let orders = Some("orders.csv");
    type Form<'a> = (i32, &'a str, BodyEncoding, Option<&'a str>, &'a [u8]);
    let forms: &[Form] = &[
        (101, "base64", Base64, orders, &file),
        (101, "base64, found out", Auto, orders, &file),
        (102, "base64 in lines of 76", Base64, orders, &file),
        (103, "JSON string", Base64, orders, &file),
        (104, "JSON string with \\/", Base64, orders, &file),
        (105, "FileResponse", Base64, orders, &file),
        (106, "FileResponse with \\/", Base64, orders, &file),
        (105, "FileResponse, found out", Auto, orders, &file),
        (107, "byte[] as JSON", Base64, orders, &file),
        (108, "raw bytes", Raw, orders, &file),
        (108, "raw bytes, found out", Auto, orders, &file),
        (109, "raw bytes, chunked", Raw, orders, &file),
        (109, "raw bytes, chunked, found out", Auto, orders, &file),
        (110, "empty file with a name", Base64, orders, b""),
        (111, "base64 after a byte order mark", Base64, orders, &file),
        (112, "empty raw file with a name", Raw, orders, b""),
        (113, "FileResponse of an empty file", Base64, orders, b""),
    ];
    on_every_route(|route, cells| {
        for &(job, form, encoding, name, expected) in forms {
            let client = route.client("rest").body_encoding(encoding).build();
            let result = check_file(&client.unwrap(), job, name, expected);
            cells.add(format!("{job} {form}"), result);
        }
        let Some((port, _)) = route.nginx else { return };
        let nginx = Some((port, "/by-close"));
        for (job, encoding) in [(109, Raw), (109, Auto), (201, Base64)] {
            let client = Route { nginx, ..*route }.client("rest");
            let client = client.body_encoding(encoding).build().unwrap();
            let large = (job == 201).then(|| noise(64 << 20));
            let result = check_file(&client, job, orders, large.as_deref().unwrap_or(&file));
            cells.add(format!("{job} ended by close, {encoding:?}"), result);
        }
    });
}

#[test]
#[ignore = "needs the servers of tests/servers/run"]
fn response_without_a_file_fails_without_its_content() {
    let cases = [
        (120, "null"),
        (121, "204 No Content"),
        (122, "FileResponse without content"),
        (123, "XML"),
        (124, "sentence in plain text"),
        (125, "false"),
        (126, "empty, without a name"),
        (127, "sentence in JSON"),
        (128, "empty array"),
        (129, "the CSV itself"),
    ];
    on_every_route(|route, cells| {
        let client = route.client("rest").build().unwrap();
        for (job, form) in cases {
            if route.server == Kestrel && job == 123 {
                continue;
            }
            let result = check_error(&client, job, |error| {
                let kinds = match job {
                    121 => [ErrorKind::UnexpectedStatus; 2],
                    _ => [ErrorKind::MalformedBody, ErrorKind::NotFound],
                };
                let text = error.to_string();
                ensure(kinds.contains(&error.kind()), || {
                    format!("the kind is {:?}: {text}", error.kind())
                })?;
                ensure(!text.contains("alice") && !text.contains("Alice"), || {
                    format!("the message shows customers' data: {text}")
                })?;
                check_message(error)
            });
            cells.add(format!("{job} {form}"), result);
        }
    });
}

#[test]
#[ignore = "needs the servers of tests/servers/run"]
fn name_in_the_frameworks_header_is_read() {
    let table = fs::read_to_string("tests/servers/names.tsv").unwrap();
    let rows: Vec<_> = table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .collect();
    assert!(rows.len() >= 20);
    on_every_route(|route, cells| {
        let client = route.client("rest").build().unwrap();
        for (job, row) in (1000..).zip(&rows) {
            let [way, text, web_api, kestrel] = row[..] else {
                panic!("a row of names.tsv has four cells: {row:?}");
            };
            let expected = match route.server {
                WebApi => web_api,
                Kestrel if kestrel == "-" => continue,
                Kestrel => kestrel,
            };
            let expected = if expected == "=" { text } else { expected };
            let result = match client.get_output_file(job) {
                Ok(file) => ensure(expected.split('|').any(|name| name == file.name), || {
                    format!("the name is {:?}, not {expected:?}", file.name)
                }),
                Err(error) => Err(error.to_string()),
            };
            cells.add(format!("{job} {way} {text:?}"), result);
        }
        if let Some((port, _)) = route.nginx {
            let latin_1 = Route {
                nginx: Some((port, "/latin-1")),
                ..*route
            };
            let file = latin_1.client("rest").build().unwrap().get_output_file(101);
            let result = match file {
                Ok(file) => ensure(file.name == "Grüße.csv", || file.name.clone()),
                Err(error) => Err(error.to_string()),
            };
            cells.add("Latin-1", result);
        }
    });
}

/// An expected error: its kind, its status, and a part of its message.
type Expected = Option<(ErrorKind, u16, &'static str)>;

#[test]
#[ignore = "needs the servers of tests/servers/run"]
fn error_in_the_frameworks_form_gives_its_kind_and_message() {
    use ErrorKind::{
        Authentication, Forbidden, NotFound, RateLimited, Server as Failed, UnexpectedStatus,
    };
    // The site, the job, and the errors with Web API and with Kestrel.
    let cases: &[(&str, i32, Expected, Expected)] = &[
        (
            "rest",
            301,
            Some((Failed, 500, "Could not find or load record with ID 301!")),
            Some((Failed, 500, "")),
        ),
        (
            "rest",
            302,
            Some((Failed, 500, "An error has occurred.")),
            Some((Failed, 500, "An error occured while processing")),
        ),
        (
            "rest",
            303,
            Some((NotFound, 404, "The job has no output file.")),
            Some((NotFound, 404, "The job has no output file.")),
        ),
        (
            "rest",
            304,
            Some((Forbidden, 403, "Access to queued jobs is denied.")),
            Some((Forbidden, 403, "Access to queued jobs is denied.")),
        ),
        (
            "rest",
            305,
            Some((UnexpectedStatus, 400, "The value '305' is not valid.")),
            Some((UnexpectedStatus, 400, "The value '305' is not valid.")),
        ),
        (
            "rest",
            306,
            Some((Failed, 500, "The export failed.")),
            Some((Failed, 500, "The export failed.")),
        ),
        (
            "rest",
            307,
            Some((Authentication, 401, "Not Valid Token")),
            Some((Authentication, 401, "Not Valid Token")),
        ),
        (
            "rest",
            308,
            Some((Failed, 501, "")),
            Some((Failed, 501, "")),
        ),
        ("rest", 309, Some((Failed, 500, "The export failed.")), None),
        (
            "rest",
            310,
            Some((RateLimited, 409, "Too many requests.")),
            Some((RateLimited, 409, "Too many requests.")),
        ),
        (
            "rest",
            311,
            Some((RateLimited, 429, "")),
            Some((RateLimited, 429, "")),
        ),
        (
            "rest",
            314,
            Some((Failed, 500, "Refused: Bearer [token]")),
            Some((Failed, 500, "Refused: Bearer [token]")),
        ),
        (
            "rest",
            315,
            Some((UnexpectedStatus, 400, "Line 1 line 2 end")),
            Some((UnexpectedStatus, 400, "Line 1 line 2 end")),
        ),
        (
            "rest",
            316,
            Some((Failed, 500, "The export failed.")),
            Some((Failed, 500, "")),
        ),
        (
            "developer",
            316,
            None,
            Some((Failed, 500, "The export failed.")),
        ),
        (
            "nowhere",
            1,
            Some((NotFound, 404, "")),
            Some((NotFound, 404, "")),
        ),
        (
            "post-only",
            1,
            Some((UnexpectedStatus, 405, "does not support http method 'GET'")),
            Some((UnexpectedStatus, 405, "")),
        ),
        (
            "small-ids",
            300,
            Some((UnexpectedStatus, 400, "parameter 'id'")),
            Some((UnexpectedStatus, 400, "The value '300' is not valid.")),
        ),
    ];
    on_every_route(|route, cells| {
        for &(site, job, web_api, kestrel) in cases {
            let expected = match route.server {
                WebApi => web_api,
                Kestrel => kestrel,
            };
            let Some((kind, status, words)) = expected else {
                continue;
            };
            let client = route.client(site).build().unwrap();
            let result = check_error(&client, job, |error| {
                check_refusal(error, kind, status, words)?;
                let is_soon = kind != RateLimited
                    || error
                        .retry_after()
                        .is_some_and(|wait| (3500..=3610).contains(&wait.as_secs()));
                ensure(is_soon, || {
                    format!("it asks to wait {:?}", error.retry_after())
                })
            });
            cells.add(format!("/{site} {job}"), result);
        }
        // A server that knows the route with `?id=` only.
        let client = route.client("query-only").build().unwrap();
        let result = check_file(&client, 101, Some("orders.csv"), &small_file());
        cells.add("/query-only 101", result);
    });
}

fn check_refusal(error: &Error, kind: ErrorKind, status: u16, words: &str) -> Result<(), String> {
    let text = error.to_string();
    ensure(error.kind() == kind, || {
        format!("the kind is {:?}: {text}", error.kind())
    })?;
    ensure(error.http_status() == Some(status), || {
        format!("the status is {:?}: {text}", error.http_status())
    })?;
    ensure(text.contains(words), || {
        format!("the message lacks {words:?}: {text}")
    })?;
    check_message(error)
}

/// The requests of a client, as "GET 200".
type Requests = Arc<Mutex<Vec<String>>>;

fn record(client: ClientBuilder) -> (Client, Requests) {
    let requests = Requests::default();
    let seen = requests.clone();
    let client = client.on_request(move |request| {
        let status = request.http_status.unwrap_or_default();
        let line = format!("{} {status}", request.method);
        seen.lock().unwrap().push(line);
    });
    (client.build().unwrap(), requests)
}

/// Compares requests in any order: each is recorded when its response is dropped.
fn check_requests(requests: &Requests, expected: &[&str]) -> Result<(), String> {
    let mut made = std::mem::take(&mut *requests.lock().unwrap());
    let mut expected = expected.to_vec();
    made.sort();
    expected.sort_unstable();
    ensure(made == expected, || format!("the requests are {made:?}"))
}

#[test]
#[ignore = "needs the servers of tests/servers/run"]
fn login_happens_once_and_again_when_the_token_expires() {
    on_every_route(|route, cells| {
        let login =
            |user: &str, password: &str| record(route.client("rest").credentials(user, password));
        let text = |error: Error| error.to_string();

        let (client, requests) = login("user", "correct horse");
        let result = (0..3)
            .try_for_each(|_| client.get_output_file(101).map(drop).map_err(text))
            .and_then(|()| {
                check_requests(&requests, &["POST 200", "GET 200", "GET 200", "GET 200"])
            });
        cells.add("three calls", result);

        let (client, requests) = login("one-call", "correct horse");
        let result = (0..2)
            .try_for_each(|_| client.get_output_file(101).map(drop).map_err(text))
            .and_then(|()| {
                let renewed = ["POST 200", "GET 200", "GET 401", "POST 200", "GET 200"];
                check_requests(&requests, &renewed)
            });
        cells.add("token that expires", result);

        let (client, requests) = login("user", "wrong-password");
        let words = "Invalid username or password.";
        let result = check_error(&client, 101, |error| {
            ensure(!error.to_string().contains("wrong-password"), || {
                format!("the message shows the password: {error}")
            })?;
            check_refusal(error, ErrorKind::Authentication, 401, words)
        })
        .and_then(|()| check_requests(&requests, &["POST 401", "POST 401"]));
        cells.add("wrong password", result);

        let (client, requests) = record(route.client("rest").token("expired-token"));
        let words = match route.server {
            WebApi => "Not Valid Token",
            Kestrel => "",
        };
        let result = check_error(&client, 101, |error| {
            check_refusal(error, ErrorKind::Authentication, 401, words)
        })
        .and_then(|()| check_requests(&requests, &["GET 401", "GET 401"]));
        cells.add("refused token", result);
    });
}

#[test]
#[ignore = "needs the servers of tests/servers/run"]
fn rate_limit_and_busy_server_are_waited_for() {
    let retry = RetryPolicy::default()
        .max_attempts(2)
        .initial_backoff(Duration::from_millis(10));
    on_every_route(|route, cells| {
        for (job, least, status) in [(312, 1.0, 429), (313, 0.9, 503)] {
            let (client, requests) = record(route.client("rest").retry_policy(retry));
            let start = Instant::now();
            let result = client
                .get_output_file(job)
                .map_err(|error| error.to_string())
                .and_then(|file| ensure(file.bytes == small_file(), || "other bytes".into()))
                .and_then(|()| {
                    let waited = start.elapsed().as_secs_f64();
                    ensure(waited >= least, || format!("it waited {waited} s only"))
                })
                .and_then(|()| check_requests(&requests, &[&format!("GET {status}"), "GET 200"]));
            cells.add(format!("{job} {status}"), result);
        }
        // An hour is longer than the call's timeout: the call fails at once.
        let (client, requests) = record(route.client("rest").retry_policy(retry));
        let start = Instant::now();
        let result = match client.get_output_file(310) {
            Ok(_) => Err("it gave a file".to_owned()),
            Err(error) => check_refusal(&error, ErrorKind::RateLimited, 409, "Too many requests"),
        };
        let result = result
            .and_then(|()| ensure(start.elapsed().as_secs() < 300, || "it waited".into()))
            .and_then(|()| check_requests(&requests, &["GET 409"]));
        cells.add("reset in an hour", result);
    });
}

#[test]
#[ignore = "needs the servers of tests/servers/run"]
fn job_is_waited_for_and_its_failure_reported() {
    on_every_route(|route, cells| {
        let client = route.client("rest").build().unwrap();
        let wait = WaitOptions::default();
        let call = || client.call().timeout(Duration::from_secs(300));
        let result = match call().wait_for_output_file(101, wait) {
            Ok((job, file)) => ensure(
                job.status == JobStatus::Completed
                    && job.id.get() == 101
                    && job.total_records == Some(12)
                    && file.bytes == small_file(),
                || format!("{job:?}, {file:?}"),
            ),
            Err(error) => Err(error.to_string()),
        };
        cells.add("completed job", result);
        let result = match client.get_job(403) {
            Ok(job) => ensure(job.status == JobStatus::Processing, || format!("{job:?}")),
            Err(error) => Err(error.to_string()),
        };
        cells.add("running job", result);
        let result = match call().wait_for_job(402, wait) {
            Ok(job) => Err(format!("{job:?}")),
            Err(error) => {
                let text = error.to_string();
                let words = ["Amazon SP-API: Too many requests", "Line 7"];
                ensure(
                    error.kind() == ErrorKind::JobFailed
                        && words.iter().all(|words| text.contains(words)),
                    || format!("{:?}: {text}", error.kind()),
                )
            }
        };
        cells.add("failed job", result);
    });
}

#[test]
#[ignore = "needs the servers of tests/servers/run"]
fn file_of_64_mib_arrives_whole() {
    let expected = (64 << 20, sha256(&noise(64 << 20)));
    on_every_route(|route, cells| {
        let client = route.client("rest").build().unwrap();
        for (job, framing) in [(201, "chunked"), (202, "with Content-Length")] {
            let dir = tempfile::tempdir().unwrap();
            let received = Mutex::new((0, None));
            let call = client.call().on_progress(|progress| {
                *received.lock().unwrap() = (progress.bytes_received, progress.total_bytes);
                ControlFlow::Continue(())
            });
            // Direct routes have all four cells, the others two.
            let is_direct = route.nginx.is_none() && route.proxy == Proxy::None;
            let digest = |bytes: Vec<u8>| (bytes.len(), sha256(&bytes));
            let saved = match is_direct || job == 202 {
                true => Some(
                    call.save_output_file(job, dir.path())
                        .map(|file| digest(fs::read(file.path).unwrap())),
                ),
                false => None,
            };
            let in_memory = match is_direct || job == 201 {
                true => Some(client.get_output_file(job).map(|file| digest(file.bytes))),
                false => None,
            };
            for (call, found) in [("saved", saved.clone()), ("in memory", in_memory)] {
                let result = match found {
                    Some(Ok(found)) => ensure(found == expected, || format!("it is {found:?}")),
                    Some(Err(error)) => Err(error.to_string()),
                    None => continue,
                };
                cells.add(format!("{framing}, {call}"), result);
            }
            if let Some(Ok(_)) = saved {
                // Progress counts the bytes on the wire.
                let length = 89_478_488;
                let received = *received.lock().unwrap();
                let is_compressed = route.nginx.is_some_and(|(_, path)| path.is_empty());
                let is_right = match is_compressed {
                    true => received.0 < length && received.1.is_none(),
                    false => received == (length, (job == 202).then_some(length)),
                };
                let result = ensure(is_right, || format!("it ended at {received:?}"));
                cells.add(format!("{framing}, progress"), result);
            }
        }
    });
}

#[test]
#[ignore = "needs the servers of tests/servers/run"]
fn response_truncated_by_the_server_fails_and_leaves_nothing() {
    on_every_route(|route, cells| {
        for encoding in [BodyEncoding::Base64, BodyEncoding::Raw, BodyEncoding::Auto] {
            let client = route.client("rest").body_encoding(encoding);
            let client = client.build().unwrap();
            for (job, framing) in [(203, "chunked"), (204, "with Content-Length")] {
                let result = check_error(&client, job, |error| {
                    ensure(error.kind() == ErrorKind::Connection, || {
                        format!("the kind is {:?}: {error}", error.kind())
                    })?;
                    check_message(error)
                });
                cells.add(format!("{framing}, {encoding:?}"), result);
            }
        }
        let client = route.client("rest").build().unwrap();
        let result = check_file(&client, 101, Some("orders.csv"), &small_file());
        cells.add("afterwards", result);
    });
}

/// A process that only this test uses and kills.
struct OwnProcess {
    process: Child,
    port: String,
    _directory: tempfile::TempDir,
}

impl OwnProcess {
    fn server(server: Server) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut process = command(match server {
            WebApi => "WEB_API_COMMAND",
            Kestrel => "KESTREL_COMMAND",
        });
        let mut process = process
            .arg("tests/servers/names.tsv")
            .arg(directory.path().join("log"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut port).unwrap();
        Self {
            process,
            port: port.trim().to_owned(),
            _directory: directory,
        }
    }

    /// Starts nginx in front of any server.
    fn nginx(port: &str) -> Self {
        let ports = ["NGINX_WEB_API_PORT", "NGINX_KESTREL_PORT"];
        Self::proxy("NGINX_COMMAND", "nginx.conf", &ports, port)
    }

    fn forward_proxy(proxy: Proxy) -> Self {
        let squid = ["SQUID_PORT", "SQUID_TLS_PORT"];
        match proxy {
            Proxy::None => panic!("no proxy"),
            Proxy::Tinyproxy => {
                let ports = ["TINYPROXY_PORT"];
                Self::proxy("TINYPROXY_COMMAND", "tinyproxy.conf", &ports, ports[0])
            }
            Proxy::Squid => Self::proxy("SQUID_COMMAND", "squid.conf", &squid, squid[0]),
            Proxy::SquidTls => Self::proxy("SQUID_COMMAND", "squid.conf", &squid, squid[1]),
        }
    }

    /// Starts a proxy as tests/servers/run does, but on other ports. If another process takes
    /// the port first, the proxy ends and is started again.
    fn proxy(command_name: &str, configuration: &str, ports: &[&str], port: &str) -> Self {
        let shared = Path::new(&variable("DIR")).join(configuration);
        let shared = fs::read(shared).unwrap();
        for _ in 0..10 {
            let directory = tempfile::tempdir().unwrap();
            let mut text = shared.clone();
            let mut chosen = String::new();
            for name in ports {
                let own = free_port().to_string();
                text = replaced(&text, variable(name).as_bytes(), own.as_bytes());
                if *name == port {
                    chosen = own;
                }
            }
            let path = directory.path().join(configuration);
            fs::write(&path, text).unwrap();
            let mut process = command(command_name)
                .arg(&path)
                .current_dir(directory.path())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            while process.try_wait().unwrap().is_none() {
                if TcpStream::connect(format!("127.0.0.1:{chosen}")).is_ok() {
                    return Self {
                        process,
                        port: chosen,
                        _directory: directory,
                    };
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
        panic!("{command_name} does not start");
    }
}

/// Returns a free port below those that the system chooses for connections. One of those could
/// be existing, or connect to itself, before the proxy listens.
fn free_port() -> u16 {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed) + std::process::id() as usize * 100;
        let port = 20_000 + u16::try_from(next % 12_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Drop for OwnProcess {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(variable_name: &str) -> Command {
    let words = variable(variable_name);
    let mut words = words.split(' ');
    let mut command = Command::new(words.next().unwrap());
    command.args(words);
    command
}

/// Replaces text in a configuration, which may not be UTF-8.
fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut result = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(from.len()).position(|part| part == from) {
        result.extend_from_slice(&rest[..at]);
        result.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    result.extend_from_slice(rest);
    result
}

/// Saves a file without end, and kills the process when bytes have arrived.
fn check_killed(client: ClientBuilder, job: i32, mut own: OwnProcess) -> Result<(), String> {
    let client = client.build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut killed = None;
    let call = client.call().on_progress(|progress| {
        if progress.bytes_received > 0 && killed.is_none() {
            own.process.kill().unwrap();
            killed = Some(Instant::now());
        }
        ControlFlow::Continue(())
    });
    match call.save_output_file(job, directory.path()) {
        Ok(file) => return Err(format!("it saved {} bytes", file.size)),
        Err(error) => ensure(error.kind() == ErrorKind::Connection, || {
            format!("the kind is {:?}: {error}", error.kind())
        })?,
    }
    let took = killed.map(|start: Instant| start.elapsed());
    ensure(took.is_some_and(|took| took < STALL), || {
        format!("it took {took:?}")
    })?;
    let left = fs::read_dir(directory.path()).unwrap().count();
    ensure(left == 0, || format!("{left} files are left"))
}

/// The jobs whose file never ends, each with its framing and its path in nginx.
const ENDLESS: [(i32, &str, &str); 3] = [
    (205, "chunked", "/plain"),
    (206, "with Content-Length", "/plain"),
    (205, "ended by close", "/by-close"),
];

#[test]
#[ignore = "needs the servers of tests/servers/run"]
fn server_killed_while_it_sends_fails_and_leaves_nothing() {
    on_every_route(|route, cells| {
        for (job, framing, _) in &ENDLESS[..2] {
            let own = OwnProcess::server(route.server);
            let base = route.base_of_own(&own);
            let client = route.client_at(base).body_encoding(BodyEncoding::Raw);
            cells.add(*framing, check_killed(client, *job, own));
        }
    });
}

#[test]
#[ignore = "needs the servers of tests/servers/run"]
fn reverse_proxy_killed_while_it_sends_fails_and_leaves_nothing() {
    let routes: Vec<_> = ROUTES.into_iter().filter(|r| r.nginx.is_some()).collect();
    on_routes(&routes, |route, cells| {
        let server = OwnProcess::server(route.server);
        for (job, framing, path) in ENDLESS {
            for encoding in [BodyEncoding::Raw, BodyEncoding::Base64] {
                let (port, _) = route.nginx.unwrap();
                let own = OwnProcess::nginx(port);
                let nginx = Some((port, path));
                let base = Route { nginx, ..*route }.base_of_own(&server);
                let base = base.replace(&variable(port), &own.port);
                let client = route.client_at(base).body_encoding(encoding);
                let result = check_killed(client, job, own);
                cells.add(format!("{framing}, {encoding:?}"), result);
            }
        }
    });
}

#[test]
#[ignore = "needs the servers of tests/servers/run"]
fn forward_proxy_killed_while_it_sends_fails_and_leaves_nothing() {
    let routes = ROUTES.into_iter().filter(|r| r.proxy != Proxy::None);
    on_routes(&routes.collect::<Vec<_>>(), |route, cells| {
        let server = OwnProcess::server(route.server);
        for (job, framing, path) in ENDLESS {
            // Without TLS, a body that ends with the connection may be truncated anywhere.
            if route.nginx.is_none() && path == "/by-close" {
                continue;
            }
            let own = OwnProcess::forward_proxy(route.proxy);
            let nginx = route.nginx.map(|(port, _)| (port, path));
            let base = Route { nginx, ..*route }.base_of_own(&server);
            let proxy = route.proxy.url_at(&own.port, &variable("PROXY_LOGIN"));
            let client = route.client_at(base).proxy(proxy);
            let client = client.body_encoding(BodyEncoding::Raw);
            cells.add(framing, check_killed(client, job, own));
        }
    });
}

#[test]
#[ignore = "needs the servers of tests/servers/run"]
fn connection_closed_without_a_response_fails_after_one_request() {
    let routes: Vec<_> = ROUTES.into_iter().filter(|r| r.nginx.is_some()).collect();
    on_routes(&routes, |route, cells| {
        let (port, _) = route.nginx.unwrap();
        let nginx = Some((port, "/no-response"));
        let (client, requests) = record(Route { nginx, ..*route }.client("rest"));
        let result = check_error(&client, 101, |error| {
            ensure(error.kind() == ErrorKind::Connection, || {
                format!("the kind is {:?}: {error}", error.kind())
            })?;
            check_message(error)
        });
        let result = result.and_then(|()| check_requests(&requests, &["GET 0", "GET 0"]));
        cells.add("closed", result);
    });
}

#[test]
#[ignore = "needs the servers of tests/servers/run"]
fn calls_in_a_row_share_one_connection() {
    on_every_route(|route, cells| {
        let token = new_token();
        let client = route.client("rest").token(token.as_str()).build().unwrap();
        let result = (0..10)
            .try_for_each(|_| {
                client.get_output_file(103).map(drop)?;
                client.get_job(101).map(drop)
            })
            .map_err(|error| error.to_string());
        // The log of the server that the client's connection reaches: method, path,
        // connection, token.
        let log = match (route.nginx, route.server) {
            (Some(_), _) => "nginx.log",
            (None, WebApi) => "web_api.log",
            (None, Kestrel) => "kestrel.log",
        };
        let result = result.and_then(|()| {
            let path = Path::new(&variable("DIR")).join(log);
            let start = Instant::now();
            // nginx writes a line after the response.
            let connections = loop {
                let log = fs::read_to_string(&path).unwrap();
                let lines = log.lines().filter(|line| line.ends_with(&token));
                let connection = |line: &str| line.split(' ').nth(2).map(str::to_owned);
                let connections: Vec<_> = lines.map(connection).collect();
                if connections.len() >= 20 || start.elapsed().as_secs() >= 60 {
                    break connections;
                }
                thread::sleep(Duration::from_millis(20));
            };
            let different: HashSet<_> = connections.iter().collect();
            ensure(connections.len() == 20 && different.len() == 1, || {
                format!(
                    "{} requests, {} connections",
                    connections.len(),
                    different.len()
                )
            })
        });
        cells.add("20 calls", result);
    });
}

#[test]
#[ignore = "needs the servers of tests/servers/run"]
fn page_of_the_reverse_proxy_is_reported_as_plain_text() {
    let cases = [
        ("/closed", 502, ErrorKind::Server, 101),
        ("/slow", 504, ErrorKind::Server, 317),
        ("/small", 413, ErrorKind::UnexpectedStatus, 101),
    ];
    let routes: Vec<_> = ROUTES.into_iter().filter(|r| r.nginx.is_some()).collect();
    on_routes(&routes, |route, cells| {
        let (port, _) = route.nginx.unwrap();
        for (path, status, kind, job) in cases {
            let route = Route {
                nginx: Some((port, path)),
                ..*route
            };
            // Only a login sends a body, which can be too large.
            let client = match status {
                413 => route.client("rest").credentials("user", "correct horse"),
                _ => route.client("rest"),
            };
            let client = client.build().unwrap();
            let result = check_error(&client, job, |error| check_refusal(error, kind, status, ""));
            cells.add(format!("{status}"), result);
        }
        let base = route.base("rest").replace("https:", "http:");
        let client = Client::builder(base).token(new_token());
        let client = client
            .allow_plain_http(true)
            .retry_policy(RetryPolicy::never());
        let client = client.proxy(route.proxy.url(&variable("PROXY_LOGIN")));
        let authority = fs::read(Path::new(&variable("DIR")).join("ca.pem")).unwrap();
        let client = client.add_ca_certificates(&authority).build().unwrap();
        let result = check_error(&client, 101, |error| {
            let words = "plain HTTP request was sent to HTTPS port";
            check_refusal(error, ErrorKind::UnexpectedStatus, 400, words)
        });
        cells.add("plain HTTP to the TLS port", result);
    });
}

#[test]
#[ignore = "needs the servers of tests/servers/run"]
fn error_of_the_forward_proxy_names_the_proxy() {
    let routes: Vec<_> = ROUTES
        .into_iter()
        .filter(|route| route.proxy != Proxy::None)
        .collect();
    on_routes(&routes, |route, cells| {
        let proxy = route.proxy.url(&variable("PROXY_LOGIN"));
        let unknown = route
            .base("rest")
            .replace(&variable("NAME"), "unknown.test");
        let (client, requests) = record(
            Client::builder(unknown)
                .token(new_token())
                .allow_plain_http(true)
                .add_ca_certificates(&fs::read(Path::new(&variable("DIR")).join("ca.pem")).unwrap())
                .proxy(proxy)
                .retry_policy(RetryPolicy::never()),
        );
        let result = check_error(&client, 101, |error| {
            let text = error.to_string();
            ensure(
                error.kind() == ErrorKind::Connection && text.contains("proxy"),
                || format!("{:?}: {text}", error.kind()),
            )?;
            check_message(error)
        });
        let result = result.and_then(|()| check_requests(&requests, &["GET 0", "GET 0"]));
        cells.add("unknown host", result);
        if route.proxy == Proxy::Tinyproxy {
            return;
        }
        let client = route
            .client("rest")
            .proxy(route.proxy.url("user:wrong-password"));
        let (client, requests) = record(client);
        let result = check_error(&client, 101, |error| {
            let text = error.to_string();
            ensure(
                error.kind() == ErrorKind::Connection
                    && text.contains("the proxy rejected the user name and password")
                    && !text.contains("wrong-password"),
                || format!("{:?}: {text}", error.kind()),
            )?;
            check_message(error)
        });
        let result = result.and_then(|()| check_requests(&requests, &["GET 0", "GET 0"]));
        cells.add("wrong password", result);
    });
}
