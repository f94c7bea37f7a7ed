//! Proxies, by setting and by environment, on a real one.

mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sellercloud_output::{Client, ErrorKind};
use support::proxy::Proxy;
use support::raw_server::RawServer;
use support::stand_in::{StandIn, TOKEN};
use support::tls::{self, Authority};
use support::{run_alone, runs_alone};

/// The stand-in, by http and by https.
struct Servers {
    _stand_in: StandIn,
    authority: Authority,
    urls: [String; 2],
}

impl Servers {
    fn start() -> Self {
        let (stand_in, authority) = (StandIn::start(), Authority::new());
        let config = authority.server("localhost").config();
        let port = tls::in_front_of(&stand_in.url(), config);
        Self {
            urls: [stand_in.url(), format!("https://localhost:{port}/rest")],
            _stand_in: stand_in,
            authority,
        }
    }

    fn client(&self, url: &str, proxy: &str) -> Client {
        let builder = Client::builder(url).token(TOKEN).proxy(proxy);
        let builder = builder.add_ca_certificates(self.authority.pem().as_bytes());
        builder.build().unwrap()
    }
}

fn fetch(client: &Client) {
    assert_eq!(client.output_file(28142).unwrap().bytes.len(), 2400);
}

#[test]
fn http_and_https_go_through_the_proxy() {
    let (servers, proxy) = (Servers::start(), Proxy::start(None));
    for url in &servers.urls {
        let before = proxy.requests();
        let client = servers.client(url, &proxy.url());
        fetch(&client);
        fetch(&client);
        // The way through the proxy is kept like any connection.
        assert_eq!(proxy.requests(), before + 1);
        fetch(&servers.client(url, ""));
        assert_eq!(proxy.requests(), before + 1);
    }
}

#[test]
fn a_proxy_may_want_a_password() {
    let servers = Servers::start();
    let proxy = Proxy::start(Some(("night", "hunter2")));
    for url in &servers.urls {
        fetch(&servers.client(url, &proxy.url_with("night:%68unter2")));
        for login in ["night:hunter3", "nobody:hunter2", ""] {
            let proxy = match login {
                "" => proxy.url(),
                login => proxy.url_with(login),
            };
            let error = servers.client(url, &proxy).output_file(28142).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
            assert_eq!(error.attempts(), 1, "{error}");
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("wants a user name and password"), "{shown}");
            assert!(!shown.contains("hunter"), "{shown}");
        }
    }
}

#[test]
fn a_password_may_have_any_character() {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    let proxy = RawServer::start(move |head, connection| {
        seen.lock().unwrap().push(head.to_owned());
        let answer = b"HTTP/1.1 407 No\r\nConnection: close\r\n\r\n";
        connection.write_all(answer).unwrap();
    });
    let address = proxy.url.strip_prefix("http://").unwrap();
    let client = Client::builder("https://tt.example")
        .token(TOKEN)
        .proxy(format!(
            "http://night%2Ejob:a+b%3A%25%20%2F%C3%A9@{address}"
        ));
    let error = client.build().unwrap().output_file(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    let head = heads.lock().unwrap().concat();
    assert!(
        head.starts_with("CONNECT tt.example:443 HTTP/1.1\r\n"),
        "{head}"
    );
    let login = STANDARD.encode("night.job:a+b:% /\u{e9}");
    let header = format!("proxy-authorization: basic {login}\r\n").to_lowercase();
    assert!(head.to_lowercase().contains(&header), "{head}");
    // The token is for the server alone.
    assert!(!head.contains(TOKEN), "{head}");
}

#[test]
fn an_absent_proxy_is_told_by_name() {
    let servers = Servers::start();
    let error = servers
        .client(&servers.urls[0], "http://night.job:hunter2@127.0.0.1:1")
        .call()
        .timeout(std::time::Duration::from_millis(500))
        .output_file(28142)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("through the proxy 127.0.0.1:1"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn what_is_no_http_proxy_is_refused() {
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
fn the_environment_names_the_proxy() {
    if runs_alone() {
        let url = std::env::var("SCO_TEST_URL").unwrap();
        let builder = Client::builder(url).token(TOKEN);
        let authority = std::env::var("SCO_TEST_CA").unwrap();
        let builder = builder.add_ca_certificates(authority.as_bytes());
        fetch(&builder.build().unwrap());
        return;
    }
    let (servers, proxy) = (Servers::start(), Proxy::start(Some(("user", "hunter2"))));
    let [http, https] = &servers.urls;
    let at = proxy.url_with("user:hunter2");
    let nowhere = "http://127.0.0.1:1";
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
            &[("https_proxy", nowhere), ("no_proxy", "localhost")],
            false,
        ),
        (
            http,
            &[("http_proxy", nowhere), ("NO_PROXY", "127.0.0.0/8")],
            false,
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
        run_alone("the_environment_names_the_proxy", &all);
        assert_eq!(
            proxy.requests() - before,
            usize::from(is_used),
            "{variables:?}"
        );
    }
}

/// An empty variable is as good as none.
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
