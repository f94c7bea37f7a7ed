//! Listeners that a test starts and stops, and the ways in which a connection may end.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::tls::TlsStream;

/// Accepts connections on a port of loopback, each in its own thread, until it is dropped.
pub struct Listener {
    pub address: SocketAddr,
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    pub fn start(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stop = is_stopped.clone();
        let thread = thread::spawn(move || {
            for socket in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                // A connection that was reset before it was accepted is none.
                let Ok(socket) = socket else { continue };
                let serve = serve.clone();
                thread::spawn(move || {
                    socket.set_nodelay(true).unwrap();
                    serve(socket);
                });
            }
        });
        Self {
            address,
            is_stopped,
            thread: Some(thread),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// How a server or a proxy ends its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It closes the connection cleanly: over TLS with close_notify.
    Finish,
    /// It closes the TCP connection. Over TLS, close_notify is missing.
    Close,
    /// It resets the TCP connection.
    Reset,
    /// It closes its side of the TCP connection and keeps reading.
    HalfClose,
    /// It sends nothing more.
    Silence,
    /// It sends a byte every [`DRIP`], without end.
    Drip,
    /// It sends bytes that are no TLS record on a TLS connection.
    NoTls,
}

/// The pause between two bytes of [`End::Drip`].
pub const DRIP: Duration = Duration::from_millis(100);

/// A connection seen from the server, with or without TLS.
pub trait Connection: Read + Write {
    fn socket(&self) -> &TcpStream;
    /// Sends close_notify, where the connection has it.
    fn finish(&mut self);
}

impl Connection for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }

    fn finish(&mut self) {}
}

impl Connection for TlsStream {
    fn socket(&self) -> &TcpStream {
        &self.sock
    }

    fn finish(&mut self) {
        self.conn.send_close_notify();
        let _ = self.flush();
    }
}

/// Returns the server's side of a TLS connection. The handshake happens with the first read.
pub fn accept_tls(socket: TcpStream, config: Arc<ServerConfig>) -> TlsStream {
    StreamOwned::new(ServerConnection::new(config).unwrap(), socket)
}

/// Ends a connection. It is closed when the caller drops it.
pub fn end(connection: &mut dyn Connection, how: End) {
    match how {
        End::Finish => connection.finish(),
        End::Close => {}
        End::Reset => reset_when_dropped(connection.socket()),
        End::HalfClose => {
            let _ = connection.socket().shutdown(Shutdown::Write);
            wait_for_close(connection.socket());
        }
        End::Silence => wait_for_close(connection.socket()),
        End::Drip => {
            while connection
                .write_all(b"1")
                .and_then(|()| connection.flush())
                .is_ok()
            {
                thread::sleep(DRIP);
            }
        }
        End::NoTls => {
            let _ = connection.socket().write_all(&[b'x'; 1000]);
            wait_for_close(connection.socket());
        }
    }
}

pub fn reset_when_dropped(socket: &TcpStream) {
    let _ = socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO));
}

pub fn wait_for_close(mut socket: &TcpStream) {
    let _ = io::copy(&mut socket, &mut io::sink());
}

/// Reads up to the empty line. `None` if the connection ended before.
pub fn read_head(connection: &mut (impl Read + ?Sized)) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match connection.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return None,
        }
    }
    String::from_utf8(head).ok()
}
