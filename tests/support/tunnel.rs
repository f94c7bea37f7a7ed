//! A proxy that connects every tunnel to the same server, whatever its name: tests have only
//! loopback, which clients reach without a proxy.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Serves until the process ends.
pub struct Tunnel {
    pub port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Tunnel {
    /// Tunnels to the server at `to`; spoken to over TLS where there is a configuration for it.
    pub fn start(to: SocketAddr, tls: Option<ServerConfig>) -> Self {
        Self::with(tls, move |_, client| {
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
            client.flush()?;
            relay(client, TcpStream::connect(to)?)
        })
    }

    /// Hands the head of each CONNECT request, and the connection, to `serve`. The connection is
    /// closed when `serve` returns; TLS is not told.
    pub fn with<S>(tls: Option<ServerConfig>, serve: S) -> Self
    where
        S: Fn(&str, &mut dyn Client) -> io::Result<()> + Clone + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = heads.clone();
        let tls = tls.map(Arc::new);
        thread::spawn(move || {
            for socket in listener.incoming() {
                let socket = socket.unwrap();
                let (tls, serve, seen) = (tls.clone(), serve.clone(), seen.clone());
                thread::spawn(move || -> io::Result<()> {
                    let mut client: Box<dyn Client> = match tls {
                        Some(config) => {
                            let connection = ServerConnection::new(config).unwrap();
                            Box::new(StreamOwned::new(connection, socket))
                        }
                        None => Box::new(socket),
                    };
                    let head = head(&mut *client)?;
                    seen.lock().unwrap().push(head.clone());
                    serve(&head, &mut *client)
                });
            }
        });
        Self { port, heads }
    }

    /// Its URL, for proxies that are spoken to in plain http.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its URL, for proxies that are spoken to over TLS.
    pub fn https_url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The heads of the requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// The connection of a client, with or without TLS.
pub trait Client: Read + Write {
    fn socket(&self) -> &TcpStream;
}

impl Client for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Client for StreamOwned<ServerConnection, TcpStream> {
    fn socket(&self) -> &TcpStream {
        &self.sock
    }
}

fn head(client: &mut dyn Client) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8(head).unwrap())
}

/// Passes bytes on in both directions until one side ends; then closes the client's
/// connection, without a word of its TLS.
pub fn relay(client: &mut dyn Client, mut server: TcpStream) -> io::Result<()> {
    let pause = Some(Duration::from_millis(1));
    client.socket().set_read_timeout(pause)?;
    server.set_read_timeout(pause)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match client.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => server.write_all(&buffer[..length])?,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
        match server.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                client.write_all(&buffer[..length])?;
                client.flush()?;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    client.socket().shutdown(Shutdown::Both)
}
