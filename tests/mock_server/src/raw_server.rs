//! A server that puts exactly the bytes on the wire that a test chooses.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// A server that runs until the process ends, each connection in its own thread.
#[derive(Debug)]
pub struct RawServer {
    /// The base URL, without a slash at the end.
    pub url: String,
}

impl RawServer {
    /// Starts a server that passes the head of each request, and the connection, to `serve`.
    ///
    /// The connection is closed when `serve` returns.
    ///
    /// # Panics
    ///
    /// Panics if no port is free.
    pub fn start<S>(serve: S) -> Self
    where
        S: Fn(&str, &mut TcpStream) + Clone + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let serve = serve.clone();
                thread::spawn(move || {
                    if let Some(head) = read_head(&connection) {
                        serve(&head, &mut connection);
                    }
                });
            }
        });
        Self { url }
    }

    /// Starts a server that sends the same bytes for every request and closes the connection.
    ///
    /// # Panics
    ///
    /// Panics if no port is free.
    pub fn responding(response: impl Into<Vec<u8>>) -> Self {
        let response = response.into();
        Self::start(move |_, connection| {
            // The client may have stopped reading.
            let _ = connection.write_all(&response);
        })
    }
}

/// Reads up to the empty line. Returns `None` if the connection ends before.
fn read_head(connection: &TcpStream) -> Option<String> {
    let mut head = String::new();
    let mut lines = BufReader::new(connection);
    loop {
        match lines.read_line(&mut head) {
            Ok(0) | Err(_) => return None,
            Ok(_) if head.ends_with("\r\n\r\n") => return Some(head),
            Ok(_) => {}
        }
    }
}
