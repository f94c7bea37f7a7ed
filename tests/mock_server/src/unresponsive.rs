//! Servers that stop in the middle of something, so that a client has to wait.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::RawServer;

/// A port that neither accepts nor refuses connections, because its queue is full.
#[derive(Debug)]
pub struct UnresponsivePort {
    /// The URL of the port, with the scheme `http`.
    pub url: String,
    _listener: Socket,
    _queued: Vec<TcpStream>,
}

impl UnresponsivePort {
    /// Occupies a free port on 127.0.0.1.
    ///
    /// # Panics
    ///
    /// Panics if no port is free.
    pub fn start() -> Self {
        Self::at(([127, 0, 0, 1], 0).into())
    }

    /// Occupies the port at an address.
    ///
    /// # Panics
    ///
    /// Panics if the address cannot be bound.
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

/// Starts a server that accepts connections and sends nothing, not even a TLS handshake.
///
/// Returns its host and port. It runs until the process ends.
///
/// # Panics
///
/// Panics if no port is free.
pub fn port_that_sends_nothing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    address.to_string()
}

/// Starts a server that sends `start` for each request and then nothing more.
pub fn stalls_after(start: &'static [u8]) -> RawServer {
    RawServer::start(move |_, connection| {
        connection.write_all(start).unwrap();
        // Returns when the client closes the connection.
        let _ = connection.read_to_end(&mut Vec::new());
    })
}

/// Starts a server whose response has a body without end, a byte every `pause`.
pub fn slow_body(pause: Duration) -> RawServer {
    RawServer::start(move |_, connection| {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
        let mut chunk = &head[..];
        while connection.write_all(chunk).is_ok() {
            chunk = b"A";
            thread::park_timeout(pause);
        }
    })
}
