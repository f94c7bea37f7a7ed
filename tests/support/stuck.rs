//! Places where a call gets stuck.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::raw_server::RawServer;

/// A port whose connections are neither taken nor refused: its queue is full.
pub struct FullPort {
    pub url: String,
    _listener: Socket,
    _queued: Vec<TcpStream>,
}

impl FullPort {
    pub fn new() -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
        listener.bind(&any.into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let mut queued = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            queued.push(stream);
        }
        Self {
            url: format!("http://{address}"),
            _listener: listener,
            _queued: queued,
        }
    }
}

/// Takes connections, and then does nothing, not even TLS.
pub fn mute_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    address.to_string()
}

/// Answers each request with `start`, and then is silent.
pub fn silent_after(start: &'static [u8]) -> RawServer {
    RawServer::start(move |_, connection| {
        connection.write_all(start).unwrap();
        // Until the client hangs up.
        let _ = connection.read_to_end(&mut Vec::new());
    })
}

/// Sends a body without end, a byte each time.
pub fn dripping(pause: Duration) -> RawServer {
    RawServer::start(move |_, connection| {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
        let mut piece = &head[..];
        while connection.write_all(piece).is_ok() {
            piece = b"A";
            std::thread::park_timeout(pause);
        }
    })
}

/// Builds what makes name lookups slow, into `folder`.
pub fn slow_names(folder: &Path) -> PathBuf {
    let library = folder.join("slow_names.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/slow_names.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source)
        .status()
        .unwrap();
    assert!(built.success());
    library
}
