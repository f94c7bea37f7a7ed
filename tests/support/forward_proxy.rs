//! A forward proxy that knows CONNECT alone, spoken to in plain HTTP or over TLS, whose
//! response to CONNECT a test decides.
//!
//! The end of the server's connection is passed on as it came: a close as a close, a reset
//! as a reset.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::{ServerConfig, ServerConnection};

use super::endpoint::{self, DRIP, End, Listener, read_head, reset_when_dropped, wait_for_close};

/// What the proxy does with a connection or with a CONNECT request.
pub enum ProxyAction {
    /// Sends these bytes, which begin the tunnel, and passes on what comes.
    Tunnel {
        response: Vec<u8>,
        /// Whether a proxy spoken to over TLS sends close_notify when the server closes.
        sends_close_notify: bool,
    },
    /// Sends these bytes and ends the connection.
    Fail(Vec<u8>, End),
}

impl ProxyAction {
    pub fn tunnel(response: impl Into<Vec<u8>>) -> Self {
        Self::Tunnel {
            response: response.into(),
            sends_close_notify: true,
        }
    }
}

/// The response of a proxy that is well.
pub const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

/// Runs until it is dropped.
pub struct ForwardProxy {
    listener: Listener,
    is_over_tls: bool,
    connects: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl ForwardProxy {
    /// Starts a proxy that takes every authority for `server`. `tls` is called for each
    /// connection: a proxy without it speaks plain HTTP. `accept` may end a connection
    /// before anything is read from it; `connect` gets the head of each CONNECT request.
    pub fn start(
        tls: impl Fn() -> Option<Arc<ServerConfig>> + Clone + Send + 'static,
        server: SocketAddr,
        accept: impl Fn() -> Option<(Vec<u8>, End)> + Clone + Send + 'static,
        connect: impl Fn(&str) -> ProxyAction + Clone + Send + 'static,
    ) -> Self {
        let connects = Arc::new(AtomicUsize::new(0));
        let connections = Arc::new(AtomicUsize::new(0));
        let is_over_tls = tls().is_some();
        let counters = (connects.clone(), connections.clone());
        let listener = Listener::start(move |mut socket| {
            counters.1.fetch_add(1, Ordering::SeqCst);
            if let Some((bytes, how)) = accept() {
                let _ = socket.write_all(&bytes);
                endpoint::end(&mut socket, how);
                return;
            }
            let count = || {
                counters.0.fetch_add(1, Ordering::SeqCst);
            };
            match tls() {
                None => serve(&PlainLeg(socket), server, count, &connect),
                Some(config) => {
                    let mut connection = ServerConnection::new(config).unwrap();
                    connection.set_buffer_limit(None);
                    let connection = Mutex::new(connection);
                    serve(&TlsLeg { connection, socket }, server, count, &connect);
                }
            }
        });
        Self {
            listener,
            is_over_tls,
            connects,
            connections,
        }
    }

    /// Its URL. The certificate that it shows must be for 127.0.0.1.
    pub fn url(&self) -> String {
        let scheme = if self.is_over_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.listener.address)
    }

    /// The number of CONNECT requests so far.
    pub fn connects(&self) -> usize {
        self.connects.load(Ordering::SeqCst)
    }

    /// The number of TCP connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// The connection to the client. One thread may read while another writes.
trait Leg: Sync {
    fn read(&self, bytes: &mut [u8]) -> io::Result<usize>;
    fn write(&self, bytes: &[u8]) -> io::Result<()>;
    fn close_notify(&self);
    fn socket(&self) -> &TcpStream;
}

struct PlainLeg(TcpStream);

impl Leg for PlainLeg {
    fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(bytes)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.0).write_all(bytes)
    }

    fn close_notify(&self) {}

    fn socket(&self) -> &TcpStream {
        &self.0
    }
}

struct TlsLeg {
    connection: Mutex<ServerConnection>,
    socket: TcpStream,
}

impl TlsLeg {
    fn send(&self, connection: &mut ServerConnection) -> io::Result<()> {
        while connection.wants_write() {
            connection.write_tls(&mut &self.socket)?;
        }
        Ok(())
    }
}

impl Leg for TlsLeg {
    fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut encrypted = [0; 4096];
        loop {
            match self.connection.lock().unwrap().reader().read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            // Not under the lock: the other thread writes meanwhile.
            let length = (&self.socket).read(&mut encrypted)?;
            if length == 0 {
                return Ok(0);
            }
            let mut rest = &encrypted[..length];
            let mut connection = self.connection.lock().unwrap();
            while !rest.is_empty() {
                connection.read_tls(&mut rest)?;
                let processed = connection.process_new_packets();
                self.send(&mut connection)?;
                processed.map_err(io::Error::other)?;
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut connection = self.connection.lock().unwrap();
        connection.writer().write_all(bytes)?;
        self.send(&mut connection)
    }

    fn close_notify(&self) {
        let mut connection = self.connection.lock().unwrap();
        connection.send_close_notify();
        let _ = self.send(&mut connection);
    }

    fn socket(&self) -> &TcpStream {
        &self.socket
    }
}

struct Reader<'a, L>(&'a L);

impl<L: Leg> Read for Reader<'_, L> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

fn serve(
    client: &impl Leg,
    server: SocketAddr,
    count: impl Fn(),
    connect: &impl Fn(&str) -> ProxyAction,
) {
    let Some(head) = read_head(&mut Reader(client)) else {
        return;
    };
    count();
    match connect(&head) {
        ProxyAction::Fail(bytes, how) => {
            let _ = client.write(&bytes);
            fail(client, how);
        }
        ProxyAction::Tunnel {
            response,
            sends_close_notify,
        } => {
            let Ok(server) = TcpStream::connect(server) else {
                let _ = client.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
                return;
            };
            server.set_nodelay(true).unwrap();
            if client.write(&response).is_ok() {
                tunnel(client, &server, sends_close_notify);
            }
        }
    }
}

fn fail(client: &impl Leg, how: End) {
    let socket = client.socket();
    match how {
        End::Finish => client.close_notify(),
        End::Close => {}
        End::Reset => reset_when_dropped(socket),
        End::HalfClose => {
            let _ = socket.shutdown(Shutdown::Write);
            wait_for_close(socket);
        }
        End::Silence => wait_for_close(socket),
        End::Drip => {
            while client.write(b"1").is_ok() {
                thread::sleep(DRIP);
            }
        }
        End::NoTls => unreachable!("a proxy has no such failure"),
    }
}

fn tunnel(client: &impl Leg, server: &TcpStream, sends_close_notify: bool) {
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut bytes = [0; 4096];
            let mut to_server = server;
            while let Ok(length @ 1..) = client.read(&mut bytes) {
                if to_server.write_all(&bytes[..length]).is_err() {
                    break;
                }
            }
            let _ = server.shutdown(Shutdown::Both);
        });
        let mut bytes = [0; 16 * 1024];
        let mut from_server = server;
        loop {
            match from_server.read(&mut bytes) {
                Ok(0) => {
                    if sends_close_notify {
                        client.close_notify();
                    }
                    let _ = client.socket().shutdown(Shutdown::Write);
                    return;
                }
                Ok(length) if client.write(&bytes[..length]).is_ok() => {}
                Ok(_) => break,
                Err(_) => {
                    reset_when_dropped(client.socket());
                    break;
                }
            }
        }
        // Wakes the other thread.
        let _ = client.socket().shutdown(Shutdown::Read);
    });
}
