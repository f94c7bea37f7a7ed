//! Serves a stand-in for a Sellercloud server on loopback, for programs in any
//! language to try, with TLS, proxies and troubles around it. Prints where all
//! that is as `NAME=value`, one a line, then an empty line, and stops when
//! standard input ends. Needs tinyproxy.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use support::proxy::Proxy;
use support::raw_server::RawServer;
use support::stand_in::{PASSWORD, StandIn, TEAM, TOKEN, USER};
use support::tls::{self, Authority};
use support::{stuck, stuck::FullPort};

#[path = "../tests/support/mod.rs"]
mod support;

const BUSY: &[u8] =
    b"HTTP/1.1 503 Busy\r\nRetry-After: 60\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const START: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nQUJDQUJD";

fn main() -> io::Result<()> {
    let stand_in = StandIn::start();
    let show = |name: &str, value: &str| println!("{name}={value}");
    show("STAND_IN", &stand_in.url());
    show("STAND_IN_TOKEN", TOKEN);
    show("STAND_IN_USER", USER);
    show("STAND_IN_PASSWORD", PASSWORD);
    // One that knows the team, and tells the stand-in's URL.
    show("STAND_IN_TEAM", TEAM);
    show("STAND_IN_DIRECTORY", &stand_in.directory());

    // The stand-in over TLS, with ca.pem of the folder to be trusted, and
    // client.pem (a certificate and its key) to be shown to the last of them.
    let authority = Authority::new();
    let over_tls = |config| {
        let port = tls::in_front_of(&stand_in.url(), config);
        format!("https://localhost:{port}/rest")
    };
    let server = authority.server("localhost");
    let with_tls = over_tls(server.config());
    show("TLS_SERVER", &with_tls);
    let expired = authority.expired_server("localhost");
    show("TLS_SERVER_EXPIRED", &over_tls(expired.config()));
    let other = authority.server("tt.api.sellercloud.com");
    show("TLS_SERVER_OF_OTHER_HOST", &over_tls(other.config()));
    let for_clients = server.config_for_clients_of(&authority);
    show("TLS_SERVER_FOR_KNOWN_CLIENTS", &over_tls(for_clients));
    let folder = tempfile::tempdir()?;
    let client = authority.client();
    fs::write(folder.path().join("ca.pem"), authority.pem())?;
    fs::write(
        folder.path().join("client.pem"),
        client.certificate_pem() + &client.key_pem(),
    )?;
    show("STAND_IN_FOLDER", &folder.path().to_string_lossy());

    // Loopback is never reached through a proxy. This address is loopback to the system only.
    let any = |url: &str| url.replace("127.0.0.1", "0.0.0.0");
    show("PROXIED_SERVER", &any(&stand_in.url()));
    let for_any = authority.server("0.0.0.0").config();
    let port = tls::in_front_of(&stand_in.url(), for_any);
    let proxied = format!("https://0.0.0.0:{port}/rest");
    show("PROXIED_TLS_SERVER", &proxied);
    let proxy = Proxy::start(None);
    show("PROXY", &proxy.url());
    let with_password = Proxy::start(Some(("user", "hunter2")));
    show(
        "PROXY_WITH_PASSWORD",
        &with_password.url_with("user:hunter2"),
    );
    show("PROXY_WITHOUT_ITS_PASSWORD", &with_password.url());

    let flaky = flaky(&stand_in);
    show("FLAKY_SERVER", &flaky.url);
    let full = FullPort::new();
    show("FULL_PORT", &full.url);
    show("SILENT_SERVER", &stuck::silent_after(b"").url);
    show("SILENT_BODY", &stuck::silent_after(START).url);
    let dripping = stuck::dripping(Duration::from_millis(50));
    show("DRIPPING_SERVER", &dripping.url);
    show("BUSY_SERVER", &RawServer::answering(BUSY).url);
    println!();
    io::stdout().flush()?;

    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Breaks off without an answer, within the head, and within the body, and then
/// gives the file of job 28142; and so on.
fn flaky(stand_in: &StandIn) -> RawServer {
    let answer = raw_answer(stand_in).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    RawServer::start(move |_, connection| {
        let length = match asked.fetch_add(1, Ordering::SeqCst) % 4 {
            0 => 0,
            1 => 12,
            2 => answer.len() / 2,
            _ => answer.len(),
        };
        let _ = connection.write_all(&answer[..length]);
    })
}

fn raw_answer(stand_in: &StandIn) -> io::Result<Vec<u8>> {
    let address = stand_in.directory().replace("http://", "");
    let mut connection = TcpStream::connect(address)?;
    let request = format!(
        "GET /rest/api/QueuedJobs/OutputFile/28142 HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
    );
    connection.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    Ok(answer)
}
