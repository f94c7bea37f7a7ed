//! Listeners that a test starts and stops, and the ways in which a connection can end.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::tls::TlsStream;

/// A port of 127.0.0.1 that accepts connections until the listener is dropped.
#[derive(Debug)]
pub struct Listener {
    /// The port's address.
    pub address: SocketAddr,
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Starts to accept connections. `serve` is called for each, in a thread of its own.
    ///
    /// # Panics
    ///
    /// Panics if no port is free.
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
                // The client may have reset the connection before it was accepted.
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
    /// Closes the connection cleanly: over TLS with close_notify.
    Finish,
    /// Closes the TCP connection, over TLS without close_notify.
    Close,
    /// Resets the TCP connection.
    Reset,
    /// Closes the sending half of the TCP connection and keeps reading.
    HalfClose,
    /// Sends nothing more, and keeps the connection open.
    Stall,
    /// Sends a byte every [`SLOW_BYTE_INTERVAL`], without end.
    SlowBytes,
    /// Sends bytes that are no TLS record, on a TLS connection.
    NotTls,
}

/// The pause between two bytes of [`End::SlowBytes`].
pub const SLOW_BYTE_INTERVAL: Duration = Duration::from_millis(100);

/// The server's side of a connection, with or without TLS.
pub trait Connection: Read + Write {
    /// Returns the TCP connection.
    fn socket(&self) -> &TcpStream;

    /// Sends close_notify, if the connection has TLS. Errors are ignored.
    fn close_notify(&mut self);
}

impl Connection for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }

    fn close_notify(&mut self) {}
}

impl Connection for TlsStream {
    fn socket(&self) -> &TcpStream {
        &self.sock
    }

    fn close_notify(&mut self) {
        self.conn.send_close_notify();
        let _ = self.flush();
    }
}

/// Returns the server's side of a TLS connection. The handshake happens with the first read.
///
/// # Panics
///
/// Panics if rustls rejects the configuration.
pub fn accept_tls(socket: TcpStream, config: Arc<ServerConfig>) -> TlsStream {
    StreamOwned::new(ServerConnection::new(config).unwrap(), socket)
}

/// Ends a connection in the chosen way. The caller must drop it afterwards, which closes it.
pub fn end(connection: &mut dyn Connection, how: End) {
    match how {
        End::Finish => connection.close_notify(),
        End::Close => {}
        End::Reset => reset_on_drop(connection.socket()),
        End::HalfClose => {
            let _ = connection.socket().shutdown(Shutdown::Write);
            wait_for_close(connection.socket());
        }
        End::Stall => wait_for_close(connection.socket()),
        End::SlowBytes => {
            while connection
                .write_all(b"1")
                .and_then(|()| connection.flush())
                .is_ok()
            {
                thread::sleep(SLOW_BYTE_INTERVAL);
            }
        }
        End::NotTls => {
            let _ = connection.socket().write_all(&[b'x'; 1000]);
            wait_for_close(connection.socket());
        }
    }
}

/// Makes the connection end with a reset when it is dropped.
pub fn reset_on_drop(socket: &TcpStream) {
    let _ = socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO));
}

fn wait_for_close(mut socket: &TcpStream) {
    let _ = io::copy(&mut socket, &mut io::sink());
}

/// Reads up to the empty line. Returns `None` if the connection ends before, or if what
/// arrives is not UTF-8.
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
