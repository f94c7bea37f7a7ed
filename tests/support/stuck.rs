//! Places where a call gets stuck.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
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
        Self::at(([127, 0, 0, 1], 0).into())
    }

    pub fn at(address: SocketAddr) -> Self {
        let listener = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        listener.bind(&address.into()).unwrap();
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
    library("slow_names", folder)
}

/// Builds what gives names several addresses, into `folder`.
pub fn many_addresses(folder: &Path) -> PathBuf {
    library("many_addresses", folder)
}

fn library(name: &str, folder: &Path) -> PathBuf {
    let library = folder.join(format!("{name}.so"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/support/{name}.c"));
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl")
        .status()
        .unwrap();
    assert!(built.success());
    library
}
