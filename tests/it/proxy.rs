//! Proxies from the options and from the environment: tinyproxy and mock proxies.

use std::error::Error as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mock_server::RawServer;
use mock_server::connect_proxy::ConnectProxy;
use mock_server::connection::Connection;
use mock_server::process::{run_alone, runs_alone};
use mock_server::tinyproxy::Tinyproxy;
use mock_server::tls::{self, Authority, TlsStream};
use mock_server::{MockSellercloud, TOKEN};
use rustls::ServerConfig;
use sellercloud_output::{BodyEncoding, Client, ClientBuilder, Error, ErrorKind, RetryPolicy};

/// The mock server over HTTP and HTTPS, at an address that the system treats as loopback and the
/// client does not. The client reaches loopback without a proxy.
struct Servers {
    _mock: MockSellercloud,
    authority: Authority,
    urls: [String; 2],
}

impl Servers {
    fn start() -> Self {
        let (mock, authority) = (MockSellercloud::start(), Authority::new());
        let config = authority.server("0.0.0.0").config();
        let port = tls::serve_in_front_of(&mock.url(), config);
        let http = mock.url().replace("127.0.0.1", "0.0.0.0");
        Self {
            urls: [http, format!("https://0.0.0.0:{port}/rest")],
            _mock: mock,
            authority,
        }
    }

    fn client(&self, url: &str, proxy: &str) -> Client {
        let builder = Client::builder(url).token(TOKEN).proxy(proxy);
        let builder = builder.allow_plain_http(true);
        let builder = builder.add_ca_certificates(self.authority.pem().as_bytes());
        builder.build().unwrap()
    }
}

fn fetch(client: &Client) {
    assert_eq!(client.get_output_file(28142).unwrap().bytes.len(), 2400);
}

#[test]
fn http_and_https_use_the_proxy() {
    let (servers, proxy) = (Servers::start(), Tinyproxy::start(None));
    for url in &servers.urls {
        let before = proxy.requests();
        let client = servers.client(url, &proxy.url());
        fetch(&client);
        fetch(&client);
        // The connection through the proxy is reused.
        assert_eq!(proxy.requests(), before + 1);
        fetch(&servers.client(url, ""));
        assert_eq!(proxy.requests(), before + 1);
    }
}

#[test]
fn proxy_with_a_password_needs_the_right_one() {
    let servers = Servers::start();
    let proxy = Tinyproxy::start(Some(("night", "hunter2")));
    for url in &servers.urls {
        fetch(&servers.client(url, &proxy.url_with("night:%68unter2")));
        for login in ["night:hunter3", "nobody:hunter2", ""] {
            let proxy = match login {
                "" => proxy.url(),
                login => proxy.url_with(login),
            };
            let error = servers
                .client(url, &proxy)
                .get_output_file(28142)
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
            assert_eq!(error.attempts(), 1, "{error}");
            let shown = format!("{error} {error:?}");
            let words = match login {
                "" => "requires a user name and password",
                _ => "rejected the user name and password",
            };
            assert!(shown.contains(words), "{shown}");
            assert!(!shown.contains("hunter"), "{shown}");
        }
    }
}

#[test]
fn proxy_password_of_any_characters_is_sent() {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    let proxy = RawServer::start(move |head, connection| {
        seen.lock().unwrap().push(head.to_owned());
        let response = b"HTTP/1.1 407 No\r\nConnection: close\r\n\r\n";
        connection.write_all(response).unwrap();
    });
    let address = proxy.url.strip_prefix("http://").unwrap();
    let client = Client::builder("https://tt.example")
        .token(TOKEN)
        .proxy(format!(
            "http://night%2Ejob:a+b%3A%25%20%2F%C3%A9@{address}"
        ));
    let error = client.build().unwrap().get_output_file(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    let head = heads.lock().unwrap().concat();
    assert!(
        head.starts_with("CONNECT tt.example:443 HTTP/1.1\r\n"),
        "{head}"
    );
    let login = STANDARD.encode("night.job:a+b:% /\u{e9}");
    let header = format!("proxy-authorization: basic {login}\r\n").to_lowercase();
    assert!(head.to_lowercase().contains(&header), "{head}");
    // The proxy does not receive the token.
    assert!(!head.contains(TOKEN), "{head}");
}

#[test]
fn absent_proxy_is_named() {
    let servers = Servers::start();
    let error = servers
        .client(&servers.urls[0], "http://night.job:hunter2@127.0.0.1:1")
        .call()
        .timeout(std::time::Duration::from_millis(500))
        .get_output_file(28142)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("through the proxy 127.0.0.1:1"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn proxy_url_that_is_not_http_is_rejected() {
    for proxy in [
        "socks5://user:hunter2@127.0.0.1:1080",
        "http://user:hunter2@",
    ] {
        let builder = Client::builder("tt").token(TOKEN).proxy(proxy);
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}

#[test]
fn proxy_environment_variables_are_used() {
    if runs_alone() {
        let url = std::env::var("SCO_TEST_URL").unwrap();
        let builder = Client::builder(url).token(TOKEN).allow_plain_http(true);
        let authority = std::env::var("SCO_TEST_CA").unwrap();
        let builder = builder.add_ca_certificates(authority.as_bytes());
        fetch(&builder.build().unwrap());
        return;
    }
    let (servers, proxy) = (
        Servers::start(),
        Tinyproxy::start(Some(("user", "hunter2"))),
    );
    let [http, https] = &servers.urls;
    let at = proxy.url_with("user:hunter2");
    let nowhere = "http://127.0.0.1:1";
    let host_and_port = https.split('/').nth(2).unwrap();
    for (url, variables, is_used) in [
        (http, &[("http_proxy", at.as_str())][..], true),
        (http, &[("HTTP_PROXY", &at), ("https_proxy", nowhere)], true),
        (
            https,
            &[("https_proxy", &at), ("http_proxy", nowhere)],
            true,
        ),
        (https, &[("HTTPS_PROXY", &at), ("ALL_PROXY", nowhere)], true),
        (https, &[("all_proxy", &at)], true),
        (
            https,
            &[("https_proxy", nowhere), ("no_proxy", "0.0.0.0")],
            false,
        ),
        (
            http,
            &[("http_proxy", nowhere), ("NO_PROXY", "0.0.0.0/8")],
            false,
        ),
        (
            https,
            &[("https_proxy", nowhere), ("no_proxy", host_and_port)],
            false,
        ),
        (
            https,
            &[("https_proxy", &at), ("no_proxy", "0.0.0.0:1")],
            true,
        ),
        (https, &[("http_proxy", nowhere)], false),
        (http, &[("https_proxy", nowhere)], false),
    ] {
        let before = proxy.requests();
        let authority = servers.authority.pem();
        let given = [("SCO_TEST_URL", url.as_str()), ("SCO_TEST_CA", &authority)];
        let all: Vec<_> = NONE
            .into_iter()
            .chain(given)
            .chain(variables.iter().copied())
            .collect();
        run_alone("proxy::proxy_environment_variables_are_used", &all);
        assert_eq!(
            proxy.requests() - before,
            usize::from(is_used),
            "{variables:?}"
        );
    }
}

/// Clears the variables: an empty one counts as unset.
const NONE: [(&str, &str); 8] = [
    ("http_proxy", ""),
    ("HTTP_PROXY", ""),
    ("https_proxy", ""),
    ("HTTPS_PROXY", ""),
    ("all_proxy", ""),
    ("ALL_PROXY", ""),
    ("no_proxy", ""),
    ("NO_PROXY", ""),
];

/// A way to a server through a proxy: the scheme of each.
#[derive(Clone, Copy, Debug)]
struct Route {
    proxy_is_https: bool,
    server_is_https: bool,
}

impl Route {
    const fn new(proxy_is_https: bool, server_is_https: bool) -> Self {
        Self {
            proxy_is_https,
            server_is_https,
        }
    }

    fn proxy_host(self) -> &'static str {
        match self.proxy_is_https {
            true => "localhost",
            false => "127.0.0.1",
        }
    }
}

const ROUTES: [Route; 4] = [
    Route::new(false, false),
    Route::new(false, true),
    Route::new(true, false),
    Route::new(true, true),
];

/// The authority of the certificates of a route's servers.
struct Identities(Authority);

impl Identities {
    fn new() -> Self {
        Self(Authority::new())
    }

    fn proxy(&self, route: Route) -> Option<ServerConfig> {
        let config = || self.0.server("localhost").config();
        route.proxy_is_https.then(config)
    }

    fn server(&self) -> ServerConfig {
        self.0.server("tt.example").config()
    }

    /// Returns a builder for a client on this route. Only the proxy can resolve the host.
    fn client(&self, route: Route, proxy: &ConnectProxy) -> ClientBuilder {
        let scheme = if route.server_is_https {
            "https"
        } else {
            "http"
        };
        Client::builder(format!("{scheme}://tt.example"))
            .token(TOKEN)
            .allow_plain_http(true)
            .proxy(proxy.url_with_host(route.proxy_host()))
            .add_ca_certificates(self.0.pem().as_bytes())
            .retry_policy(RetryPolicy::never())
    }

    /// Starts a server that sends the same bytes for every request and closes the connection,
    /// without close_notify.
    fn server_that_responds(&self, route: Route, response: &str) -> SocketAddr {
        let response = response.as_bytes().to_vec();
        match route.server_is_https {
            false => address_of(&RawServer::responding(response).url),
            true => {
                let serve = move |client: &mut TlsStream| {
                    let mut lines = BufReader::new(&mut *client).lines();
                    while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                    client.write_all(&response)?;
                    client.flush()?;
                    client.sock.shutdown(Shutdown::Write)
                };
                ([127, 0, 0, 1], tls::serve(self.server(), serve)).into()
            }
        }
    }
}

fn address_of(url: &str) -> SocketAddr {
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nQUJD";

#[test]
fn every_route_reaches_the_server() {
    let identities = Identities::new();
    for route in ROUTES {
        let server = identities.server_that_responds(route, GOOD);
        let proxy = ConnectProxy::tunnel_to(server, identities.proxy(route));
        let client = identities.client(route, &proxy).build().unwrap();
        assert_eq!(
            client.get_output_file(1).unwrap().bytes,
            b"ABC",
            "{route:?}"
        );
        let [head] = &proxy.heads()[..] else {
            panic!("{route:?}: {:?}", proxy.heads());
        };
        let port = if route.server_is_https { 443 } else { 80 };
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            "CONNECT tt.example:{port} HTTP/1.1\r\nHost: tt.example:{port}\r\n\
             User-Agent: sellercloud-output/{version}\r\n\r\n"
        );
        assert_eq!(*head, expected, "{route:?}");
    }
}

#[test]
fn user_agent_suffix_is_sent_to_the_proxy() {
    let identities = Identities::new();
    let longest = "x".repeat(128);
    for route in ROUTES {
        let server = identities.server_that_responds(route, GOOD);
        let proxy = ConnectProxy::tunnel_to(server, identities.proxy(route));
        let client = identities.client(route, &proxy).user_agent_suffix(&longest);
        let _ = client.build().unwrap().get_output_file(1).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        let line = format!("\r\nUser-Agent: sellercloud-output/{version} {longest}\r\n");
        let [head] = &proxy.heads()[..] else {
            panic!("{route:?}: {:?}", proxy.heads());
        };
        assert!(head.contains(&line), "{route:?}: {head}");
    }
}

#[test]
fn tunnel_that_closes_before_any_byte_is_opened_once_per_attempt() {
    let identities = Identities::new();
    for route in ROUTES {
        let proxy = ConnectProxy::start(identities.proxy(route), |_, client| {
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            client.flush()?;
            // The client has sent something, and receives no response to it.
            let _request = client.read(&mut [0; 4096])?;
            client.socket().shutdown(Shutdown::Both)
        });
        for attempts in [1, 3] {
            let retry = RetryPolicy::default()
                .max_attempts(attempts)
                .initial_backoff(Duration::from_millis(1));
            let before = proxy.heads().len();
            let client = identities.client(route, &proxy).retry_policy(retry);
            let error = client.build().unwrap().get_output_file(1).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Connection, "{route:?}: {error}");
            let opened = proxy.heads().len() - before;
            assert_eq!(opened, attempts as usize, "{route:?}: {error}");
        }
    }
}

#[test]
fn truncated_body_fails_on_every_route() {
    let identities = Identities::new();
    let ok = "HTTP/1.1 200 OK\r\n";
    for route in ROUTES {
        for (response, is_delimited) in [
            (format!("{ok}Content-Length: 8\r\n\r\nQUJD"), true),
            (
                format!("{ok}Transfer-Encoding: chunked\r\n\r\n4\r\nQUJD\r\n"),
                true,
            ),
            (
                format!("{ok}Transfer-Encoding: chunked\r\n\r\n4\r\nQUJD\r\n0\r\n"),
                true,
            ),
            (format!("{ok}Connection: close\r\n\r\nQUJD"), false),
        ] {
            let server = identities.server_that_responds(route, &response);
            let proxy = ConnectProxy::tunnel_to(server, identities.proxy(route));
            for encoding in [BodyEncoding::Base64, BodyEncoding::Raw, BodyEncoding::Auto] {
                let client = identities.client(route, &proxy).body_encoding(encoding);
                let outcome = client.build().unwrap().get_output_file(1);
                // Without TLS, nothing marks the end of such a body.
                let is_error = is_delimited || route.server_is_https || route.proxy_is_https;
                assert_eq!(
                    outcome.is_err(),
                    is_error,
                    "{route:?} {response:?} {encoding:?}"
                );
                if let Err(error) = outcome {
                    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
                    let words = "before the response was complete";
                    assert!(error.to_string().contains(words), "{error}");
                }
            }
        }
    }
}

#[test]
fn stale_pooled_tunnel_is_replaced_once() {
    let identities = Identities::new();
    let route = ROUTES[0];
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    // Each connection has a response to its first request, and closes with the second one.
    let server = RawServer::start(move |_, connection| {
        counted.fetch_add(1, Ordering::SeqCst);
        connection.write_all(GOOD.as_bytes()).unwrap();
        if connection
            .read(&mut [0; 4096])
            .is_ok_and(|length| length > 0)
        {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let proxy = ConnectProxy::tunnel_to(address_of(&server.url), None);
    let client = identities.client(route, &proxy).build().unwrap();
    // Pools several connections, which are all stale by the next request.
    let gate = std::sync::Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                gate.wait();
                let _ = client.get_output_file(1).unwrap();
            });
        }
    });
    let (before, tunnels) = (requests.load(Ordering::SeqCst), proxy.heads().len());
    assert_eq!(client.get_output_file(1).unwrap().bytes, b"ABC");
    assert_eq!(requests.load(Ordering::SeqCst) - before, 2);
    assert_eq!(proxy.heads().len() - tunnels, 1);
}

#[test]
fn slow_response_to_connect_reaches_the_connect_timeout() {
    let identities = Identities::new();
    for route in ROUTES {
        let proxy = ConnectProxy::start(identities.proxy(route), |_, client| {
            for byte in b"HTTP/1.1 200 OK\r\nX: "
                .iter()
                .chain(std::iter::repeat(&b'x'))
            {
                client.write_all(&[*byte])?;
                client.flush()?;
                std::thread::park_timeout(Duration::from_millis(20));
            }
            Ok(())
        });
        let limit = Duration::from_millis(500);
        let client = identities.client(route, &proxy).connect_timeout(limit);
        let start = Instant::now();
        let error = client.build().unwrap().get_output_file(1).unwrap_err();
        let elapsed = start.elapsed();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{route:?}: {error}");
        assert!(
            error
                .to_string()
                .contains("connecting timed out after 0.5 s"),
            "{error}"
        );
        assert!(elapsed >= limit, "{route:?}: {elapsed:?}");
        assert!(elapsed < 4 * limit, "{route:?}: {elapsed:?}");
    }
}

#[test]
fn interim_responses_of_a_proxy_are_skipped() {
    let identities = Identities::new();
    for (start, status) in [
        (
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n",
        ),
        (
            "HTTP/1.1 103 Early\r\nX: y\r\n\r\n",
            "HTTP/1.0 204 \r\n\r\n",
        ),
        ("", "HTTP/1.1 299\n\n"),
        // The response that opens a tunnel has no body (RFC 9110 section 9.3.6).
        (
            "HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 100 C\r\n\r\n",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        ),
    ] {
        let proxy = ConnectProxy::start(None, move |_, client| {
            client.write_all(start.as_bytes())?;
            client.write_all(status.as_bytes())?;
            let _request = client.read(&mut [0; 4096])?;
            client.write_all(GOOD.as_bytes())
        });
        let client = identities.client(ROUTES[0], &proxy).build().unwrap();
        assert_eq!(
            client.get_output_file(1).unwrap().bytes,
            b"ABC",
            "{status:?}"
        );
    }
}

/// A proxy's response, the text of its error, and whether the error is transient.
const PROXY_ERRORS: [(&str, &str, bool); 11] = [
    (
        "HTTP/1.1 403 Nope\r\nContent-Length: 40\r\n\r\n<html><h1>tt.example is blocked</h1></ht",
        "the proxy responded with 403 Forbidden: tt.example is blocked",
        false,
    ),
    (
        "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n<b>no a\r\n9\r\nccess</b>\r\n0\r\n\r\n",
        "403 Forbidden: no access",
        false,
    ),
    (
        "HTTP/1.1 502 Bad\r\n\r\nupstream",
        "502 Bad Gateway: upstream",
        true,
    ),
    (
        "HTTP/1.1 503 \r\nContent-Length: 0\r\n\r\n",
        "responded with 503 Service Unavailable (",
        true,
    ),
    (
        "HTTP/1.1 302 F\r\nLocation: http://x\r\nContent-Length: 0\r\n\r\n",
        "302 Found",
        false,
    ),
    (
        "HTTP/1.1 407 Auth\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n",
        "by NTLM or Negotiate, which is not supported: use",
        false,
    ),
    (
        "HTTP/1.1 407 Auth\r\nProxy-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\nContent-Length: 0\r\n\r\n",
        "by Digest, which is not supported",
        false,
    ),
    ("", "closed the connection without a response", true),
    (
        "HTTP/1.1 20",
        "closed the connection without a response",
        true,
    ),
    (
        "SSH-2.0-x\r\n",
        "the proxy's response is not valid: it is not HTTP",
        false,
    ),
    (
        "HTTP/1.1 2000 OK\r\n\r\n",
        "the proxy's response is not valid: it is not HTTP",
        false,
    ),
];

#[test]
fn error_of_a_proxy_is_reported_with_its_message() {
    let identities = Identities::new();
    for (response, words, is_transient) in PROXY_ERRORS {
        for route in ROUTES {
            let proxy = ConnectProxy::start(identities.proxy(route), move |_, client| {
                client.write_all(response.as_bytes())?;
                client.flush()
            });
            let client = identities.client(route, &proxy).build().unwrap();
            let error = client.get_output_file(1).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Connection, "{response:?}: {error}");
            assert!(error.to_string().contains(words), "{response:?}: {error}");
            let name = format!("through the proxy {}:{}", route.proxy_host(), proxy.port());
            assert!(error.to_string().contains(&name), "{error}");
            assert_eq!(error.is_retryable(), is_transient, "{response:?}: {error}");
            assert_sources_repeat_nothing(&error);
        }
    }
}

/// Asserts that no source of an error repeats the text of the error above it: programs print
/// both.
fn assert_sources_repeat_nothing(error: &Error) {
    let mut above = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let words = source.to_string();
        assert!(!above.contains(&words), "{above}: {words}");
        above += &words;
        next = source.source();
    }
}

#[test]
fn proxy_response_head_without_end_fails() {
    let identities = Identities::new();
    let proxy = ConnectProxy::start(None, |_, client| {
        client.write_all(b"HTTP/1.1 200 OK\r\n")?;
        loop {
            client.write_all(&[b'x'; 1000])?;
        }
    });
    let client = identities.client(ROUTES[0], &proxy).build().unwrap();
    let error = client.get_output_file(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    assert!(
        error.to_string().contains("its headers are too long"),
        "{error}"
    );
    assert!(!error.is_retryable());
}

#[test]
fn proxy_page_that_repeats_the_password_is_redacted() {
    let identities = Identities::new();
    let proxy = ConnectProxy::start(None, |head, client| {
        client.write_all(b"HTTP/1.1 403 No\r\n\r\nYou sent hunter2, as ")?;
        client.write_all(head.as_bytes())
    });
    let url = format!("http://night:hunter2@127.0.0.1:{}", proxy.port());
    let client = identities.client(ROUTES[0], &proxy).proxy(url);
    let error = client.build().unwrap().get_output_file(1).unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("You sent [password]"), "{shown}");
    let encoded = STANDARD.encode("night:hunter2");
    assert!(
        !shown.contains("hunter2") && !shown.contains(&encoded),
        "{shown}"
    );
}

#[test]
fn untrusted_proxy_is_named() {
    let identities = Identities::new();
    let route = ROUTES[3];
    let untrusted = Authority::new().server("localhost").config();
    let proxy = ConnectProxy::tunnel_to(([127, 0, 0, 1], 1).into(), Some(untrusted));
    let client = identities.client(route, &proxy).build().unwrap();
    let error = client.get_output_file(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
    assert!(
        error
            .to_string()
            .contains("no trusted connection to the proxy"),
        "{error}"
    );
    assert!(proxy.heads().is_empty());
    // A proxy without TLS.
    let plain = ConnectProxy::tunnel_to(([127, 0, 0, 1], 1).into(), None);
    let client = identities
        .client(route, &plain)
        .proxy(format!("https://localhost:{}", plain.port()))
        .connect_timeout(Duration::from_secs(1));
    client.build().unwrap().get_output_file(1).unwrap_err();
    assert!(plain.heads().is_empty());
}

#[test]
fn loopback_bypasses_the_proxy() {
    if runs_alone() {
        let url = std::env::var("SCO_TEST_URL").unwrap();
        fetch(&Client::builder(url).token(TOKEN).build().unwrap());
        return;
    }
    let mock = MockSellercloud::start();
    let nowhere = ConnectProxy::start(None, |_, _| Ok(()));
    for host in ["127.0.0.1", "localhost"] {
        let url = mock.url().replace("127.0.0.1", host);
        let client = Client::builder(&url).token(TOKEN).proxy(nowhere.url());
        fetch(&client.build().unwrap());
        for variable in ["http_proxy", "all_proxy", "ALL_PROXY"] {
            let given = [("SCO_TEST_URL", url.as_str()), (variable, &nowhere.url())];
            let all: Vec<_> = NONE.into_iter().chain(given).collect();
            run_alone("proxy::loopback_bypasses_the_proxy", &all);
        }
    }
    assert_eq!(nowhere.heads(), [""; 0]);
}

#[test]
fn proxy_name_with_several_addresses_connects() {
    let identities = Identities::new();
    // The system may resolve it to ::1 too, where nothing listens.
    let server = identities.server_that_responds(ROUTES[0], GOOD);
    let proxy = ConnectProxy::tunnel_to(server, None);
    let url = format!("http://localhost:{}", proxy.port());
    let client = identities.client(ROUTES[0], &proxy).proxy(url);
    assert_eq!(
        client.build().unwrap().get_output_file(1).unwrap().bytes,
        b"ABC"
    );
}

#[test]
fn close_during_the_tls_handshake_is_a_connection_error() {
    let identities = Identities::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection: TcpStream = connection.unwrap();
            let _ = connection.read(&mut [0; 1000]);
        }
    });
    let proxy = ConnectProxy::tunnel_to(address, None);
    let client = identities.client(ROUTES[1], &proxy).build().unwrap();
    let error = client.get_output_file(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    assert!(
        error.to_string().contains("during the TLS handshake"),
        "{error}"
    );
    assert!(error.is_retryable());
    assert_eq!(proxy.heads().len(), 1);
}

#[test]
fn proxy_challenge_that_repeats_a_secret_is_redacted() {
    let identities = Identities::new();
    let proxy = ConnectProxy::start(None, |_, client| {
        client.write_all(
            b"HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM, hunter2 realm=x\r\n\
              Content-Length: 0\r\n\r\n",
        )
    });
    // In a login without a password, the user name is the secret.
    for login in ["night:hunter2", "hunter2", "hunter2:"] {
        let url = format!("http://{login}@127.0.0.1:{}", proxy.port());
        let client = identities.client(ROUTES[0], &proxy).proxy(url);
        let error = client.build().unwrap().get_output_file(1).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("by NTLM or [password], which"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn connect_request_names_the_host_of_the_url() {
    let identities = Identities::new();
    let proxy = ConnectProxy::start(None, |_, client| {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        let _request = client.read(&mut [0; 4096])?;
        client.write_all(GOOD.as_bytes())
    });
    for (server, authority) in [
        ("http://[2001:db8::1]", "[2001:db8::1]:80"),
        ("http://[2001:db8::1]:8080/rest", "[2001:db8::1]:8080"),
        ("http://192.0.2.1", "192.0.2.1:80"),
        ("http://tt.example.:81", "tt.example.:81"),
    ] {
        let client = Client::builder(server).token(TOKEN).proxy(proxy.url());
        let client = client.allow_plain_http(true).build().unwrap();
        assert_eq!(client.get_output_file(1).unwrap().bytes, b"ABC", "{server}");
        let head = proxy.heads().pop().unwrap();
        let start = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
        assert!(head.starts_with(&start), "{head}");
    }
    let client = identities.client(ROUTES[1], &proxy).build().unwrap();
    client.get_output_file(1).unwrap_err();
    let head = proxy.heads().pop().unwrap();
    assert!(
        head.starts_with("CONNECT tt.example:443 HTTP/1.1\r\n"),
        "{head}"
    );
}
