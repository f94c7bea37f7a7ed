//! The mock servers, for programs in any language.
//!
//! ```text
//! mock_server DIR    serves the files of a directory as jobs, until it is killed
//! mock_server        serves what this project's tests need, until standard input ends
//! ```

use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use mock_server::tinyproxy::Tinyproxy;
use mock_server::tls::{self, Authority};
use mock_server::unresponsive::{self, UnresponsivePort};
use mock_server::{DirectoryJobs, MockSellercloud, PASSWORD, RawServer, TEAM, TOKEN, USER_NAME};

const USAGE: &str = "\
Usage: mock_server DIR
       mock_server

With a directory, serves each of its files as the output file of a job.
Without one, serves what the tests of sellercloud-output need.";

const BUSY: &[u8] =
    b"HTTP/1.1 503 Busy\r\nRetry-After: 60\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// The start of a response, with so little of the body that it need not be a file.
const START: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nQUJDQUJD";

/// The start of a response, with as much of the body as shows that it is a file.
static START_OF_FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
    (head.to_owned() + &"QUJD".repeat(200)).into_bytes()
});

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let outcome = match &*arguments {
        [] => serve_tests(),
        [argument] if argument == "--help" => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        [directory] => serve_directory(Path::new(directory)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mock_server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve_directory(directory: &Path) -> io::Result<()> {
    let jobs = DirectoryJobs::read(directory).map_err(|error| {
        let message = format!("cannot list the directory {}: {error}", directory.display());
        io::Error::new(error.kind(), message)
    })?;
    let lines: Vec<String> = jobs
        .iter()
        .map(|(id, name)| format!("job {id}: {name}"))
        .collect();
    let server = MockSellercloud::serve_directory(jobs);
    println!("server: {}", server.url());
    println!("token: {TOKEN}");
    lines.iter().for_each(|line| println!("{line}"));
    io::stdout().flush()?;
    loop {
        thread::park();
    }
}

/// Prints where everything is as `NAME=value`, one a line, and an empty line at the end.
fn serve_tests() -> io::Result<()> {
    let mock = MockSellercloud::start();
    let show = |name: &str, value: &str| println!("{name}={value}");
    show("MOCK_SERVER", &mock.url());
    show("MOCK_SERVER_TOKEN", TOKEN);
    show("MOCK_SERVER_USER_NAME", USER_NAME);
    show("MOCK_SERVER_PASSWORD", PASSWORD);
    show("MOCK_SERVER_TEAM", TEAM);
    show("MOCK_SERVER_TEAM_LOOKUP_URL", &mock.team_lookup_url());

    // The mock server over TLS. The clients trust ca.pem of the directory, and show client.pem
    // (a certificate and its key) to the last of the servers.
    let authority = Authority::new();
    let over_tls = |config| {
        let port = tls::serve_in_front_of(&mock.url(), config);
        format!("https://localhost:{port}/rest")
    };
    let server = authority.server("localhost");
    show("TLS_SERVER", &over_tls(server.config()));
    let expired = authority.expired_server("localhost");
    show("TLS_SERVER_EXPIRED", &over_tls(expired.config()));
    let other = authority.server("tt.api.sellercloud.com");
    show("TLS_SERVER_OF_OTHER_HOST", &over_tls(other.config()));
    let for_clients = server.config_for_clients_of(&authority);
    show(
        "TLS_SERVER_WITH_CLIENT_CERTIFICATES",
        &over_tls(for_clients),
    );
    let directory = tempfile::tempdir()?;
    let client = authority.client();
    fs::write(directory.path().join("ca.pem"), authority.pem())?;
    fs::write(
        directory.path().join("client.pem"),
        client.certificate_pem() + &client.key_pem(),
    )?;
    show(
        "MOCK_SERVER_CERTIFICATES",
        &directory.path().to_string_lossy(),
    );

    // Clients reach loopback without a proxy. The system takes this address for loopback, and
    // the clients do not.
    let unspecified = |url: &str| url.replace("127.0.0.1", "0.0.0.0");
    show("PROXIED_SERVER", &unspecified(&mock.url()));
    let config = authority.server("0.0.0.0").config();
    let port = tls::serve_in_front_of(&mock.url(), config);
    show(
        "PROXIED_TLS_SERVER",
        &format!("https://0.0.0.0:{port}/rest"),
    );
    let proxy = Tinyproxy::start(None);
    show("PROXY", &proxy.url());
    let with_password = Tinyproxy::start(Some(("user", "hunter2")));
    show(
        "PROXY_WITH_PASSWORD",
        &with_password.url_with("user:hunter2"),
    );
    show("PROXY_WITHOUT_PASSWORD", &with_password.url());

    show("FLAKY_SERVER", &flaky_server(&mock)?.url);
    let unresponsive = UnresponsivePort::start();
    show("FULL_PORT", &unresponsive.url);
    show("UNRESPONSIVE_SERVER", &unresponsive::stalls_after(b"").url);
    show(
        "STALLED_BODY_SERVER",
        &unresponsive::stalls_after(START).url,
    );
    show(
        "STALLED_FILE_SERVER",
        &unresponsive::stalls_after(&START_OF_FILE).url,
    );
    let slow_body = unresponsive::slow_body(Duration::from_millis(50));
    show("SLOW_BODY_SERVER", &slow_body.url);
    show("BUSY_SERVER", &RawServer::responding(BUSY).url);
    println!();
    io::stdout().flush()?;

    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Starts a server that closes the connection without a response, within the head, and within
/// the body, and then sends the file of job 28142; and so on.
fn flaky_server(mock: &MockSellercloud) -> io::Result<RawServer> {
    let response = response_of(mock)?;
    let requests = Arc::new(AtomicUsize::new(0));
    Ok(RawServer::start(move |_, connection| {
        let length = match requests.fetch_add(1, Ordering::SeqCst) % 4 {
            0 => 0,
            1 => 12,
            2 => response.len() / 2,
            _ => response.len(),
        };
        // The client may close the connection at any time.
        let _ = connection.write_all(&response[..length]);
    }))
}

/// Returns the bytes of a response with the file of job 28142.
fn response_of(mock: &MockSellercloud) -> io::Result<Vec<u8>> {
    let mut connection = TcpStream::connect(mock.team_lookup_url().replace("http://", ""))?;
    let request = format!(
        "GET /rest/api/QueuedJobs/OutputFile/28142 HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
    );
    connection.write_all(request.as_bytes())?;
    let mut response = Vec::new();
    connection.read_to_end(&mut response)?;
    Ok(response)
}
