//! A proxy that supports CONNECT alone, in plain HTTP or over TLS, and whose behavior a test
//! chooses.
//!
//! Every tunnel leads to the same server, whatever its name: tests have only loopback, which
//! clients reach without a proxy.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::{ServerConfig, ServerConnection};

use crate::connection::{self, Connection, End, Listener, read_head, reset_on_drop};

/// The response of a proxy that opens a tunnel.
pub const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

/// A proxy that accepts connections until it is dropped.
#[derive(Debug)]
pub struct ConnectProxy {
    listener: Listener,
    is_over_tls: bool,
    heads: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl ConnectProxy {
    /// Starts a proxy whose tunnels all lead to `server`.
    ///
    /// With a `tls` configuration, clients must connect over TLS. When the server closes its
    /// connection, the proxy closes the client's without close_notify.
    pub fn tunnel_to(server: SocketAddr, tls: Option<ServerConfig>) -> Self {
        Self::start(tls, move |_, client| {
            client.tunnel(server, ESTABLISHED.as_bytes(), false)
        })
    }

    /// Starts a proxy that passes the head of each CONNECT request, and the connection, to
    /// `serve`.
    ///
    /// With a `tls` configuration, clients must connect over TLS. When `serve` returns, the
    /// connection is closed, without close_notify.
    pub fn start<S>(tls: Option<ServerConfig>, serve: S) -> Self
    where
        S: Fn(&str, &mut ProxyClient) -> io::Result<()> + Clone + Send + 'static,
    {
        let tls = tls.map(Arc::new);
        Self::with_connections(move || tls.clone(), || None, serve)
    }

    /// Does the same as [`Self::start`], with a choice for each connection.
    ///
    /// `tls` is called for each connection and returns its TLS configuration, or `None` for
    /// plain HTTP; it must return the same variant each time. `fail` may return bytes to send
    /// and a way to end the connection before anything is read from it.
    ///
    /// # Panics
    ///
    /// Panics if no port is free.
    pub fn with_connections<S>(
        tls: impl Fn() -> Option<Arc<ServerConfig>> + Clone + Send + 'static,
        fail: impl Fn() -> Option<(Vec<u8>, End)> + Clone + Send + 'static,
        serve: S,
    ) -> Self
    where
        S: Fn(&str, &mut ProxyClient) -> io::Result<()> + Clone + Send + 'static,
    {
        let heads = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let is_over_tls = tls().is_some();
        let (seen, counted) = (heads.clone(), connections.clone());
        let listener = Listener::start(move |mut socket| {
            counted.fetch_add(1, Ordering::SeqCst);
            if let Some((bytes, how)) = fail() {
                let _ = socket.write_all(&bytes);
                connection::end(&mut socket, how);
                return;
            }
            let mut client = ProxyClient::new(socket, tls());
            if let Some(head) = read_head(&mut client) {
                seen.lock().unwrap().push(head.clone());
                // The client may close the connection at any time.
                let _ = serve(&head, &mut client);
            }
        });
        Self {
            listener,
            is_over_tls,
            heads,
            connections,
        }
    }

    /// Returns the port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.listener.address.port()
    }

    /// Returns the URL, with 127.0.0.1 as its host.
    pub fn url(&self) -> String {
        self.url_with_host("127.0.0.1")
    }

    /// Returns the URL, with another name of this host, such as that in a certificate.
    pub fn url_with_host(&self, host: &str) -> String {
        let scheme = if self.is_over_tls { "https" } else { "http" };
        format!("{scheme}://{host}:{}", self.port())
    }

    /// Returns the heads of the requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// Returns the number of requests so far.
    pub fn requests(&self) -> usize {
        self.heads.lock().unwrap().len()
    }

    /// Returns the number of TCP connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// The connection to a client of a proxy. One thread may read while another writes.
#[derive(Debug)]
pub struct ProxyClient {
    socket: TcpStream,
    tls: Option<Mutex<ServerConnection>>,
}

impl ProxyClient {
    fn new(socket: TcpStream, config: Option<Arc<ServerConfig>>) -> Self {
        let tls = config.map(|config| {
            let mut connection = ServerConnection::new(config).unwrap();
            connection.set_buffer_limit(None);
            Mutex::new(connection)
        });
        Self { socket, tls }
    }

    /// Sends `response`, and then passes bytes on in both directions until one side ends.
    ///
    /// The end of the server's connection reaches the client as what it is: a close as a
    /// close, a reset as a reset. A close is preceded by close_notify if
    /// `sends_close_notify` is true and the proxy's connection has TLS.
    ///
    /// # Errors
    ///
    /// Returns the error of sending `response`. A server that cannot be reached gives the
    /// client the status 502.
    pub fn tunnel(
        &self,
        server: SocketAddr,
        response: &[u8],
        sends_close_notify: bool,
    ) -> io::Result<()> {
        let Ok(server) = TcpStream::connect(server) else {
            return self.send(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
        };
        server.set_nodelay(true)?;
        self.send(response)?;
        self.relay(&server, sends_close_notify);
        Ok(())
    }

    /// Sends `response` and ends the connection in the chosen way.
    ///
    /// # Errors
    ///
    /// Returns the error of sending `response`.
    pub fn fail(&mut self, response: &[u8], how: End) -> io::Result<()> {
        self.send(response)?;
        connection::end(self, how);
        Ok(())
    }

    fn relay(&self, server: &TcpStream, sends_close_notify: bool) {
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut bytes = [0; 4096];
                let mut to_server = server;
                while let Ok(length @ 1..) = self.receive(&mut bytes) {
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
                            self.send_close_notify();
                        }
                        let _ = self.socket.shutdown(Shutdown::Write);
                        return;
                    }
                    Ok(length) if self.send(&bytes[..length]).is_ok() => {}
                    Ok(_) => break,
                    Err(_) => {
                        reset_on_drop(&self.socket);
                        break;
                    }
                }
            }
            // Wakes the other thread.
            let _ = self.socket.shutdown(Shutdown::Read);
        });
    }

    fn receive(&self, bytes: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &self.tls else {
            return (&self.socket).read(bytes);
        };
        let mut encrypted = [0; 4096];
        loop {
            match tls.lock().unwrap().reader().read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            // Without the lock, since the other thread may write meanwhile.
            let length = (&self.socket).read(&mut encrypted)?;
            if length == 0 {
                return Ok(0);
            }
            let mut rest = &encrypted[..length];
            let mut connection = tls.lock().unwrap();
            while !rest.is_empty() {
                connection.read_tls(&mut rest)?;
                let processed = connection.process_new_packets();
                self.flush_tls(&mut connection)?;
                processed.map_err(io::Error::other)?;
            }
        }
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let Some(tls) = &self.tls else {
            return (&self.socket).write_all(bytes);
        };
        let mut connection = tls.lock().unwrap();
        connection.writer().write_all(bytes)?;
        self.flush_tls(&mut connection)
    }

    fn send_close_notify(&self) {
        if let Some(tls) = &self.tls {
            let mut connection = tls.lock().unwrap();
            connection.send_close_notify();
            let _ = self.flush_tls(&mut connection);
        }
    }

    fn flush_tls(&self, connection: &mut ServerConnection) -> io::Result<()> {
        while connection.wants_write() {
            connection.write_tls(&mut &self.socket)?;
        }
        Ok(())
    }
}

impl Read for ProxyClient {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.receive(bytes)
    }
}

impl Write for ProxyClient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Connection for ProxyClient {
    fn socket(&self) -> &TcpStream {
        &self.socket
    }

    fn close_notify(&mut self) {
        self.send_close_notify();
    }
}
