//! A server that puts exactly the bytes on the wire that a test wants there.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// Serves until the process ends, each connection in its own thread.
pub struct RawServer {
    /// The base URL.
    pub url: String,
}

impl RawServer {
    /// Hands each request's head, and the connection, to `serve`. The
    /// connection is closed when `serve` returns.
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
                    if let Some(head) = request_head(&connection) {
                        serve(&head, &mut connection);
                    }
                });
            }
        });
        Self { url }
    }

    /// Answers every request with the same bytes, and closes.
    pub fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |_, connection| {
            // The client may have seen enough and hung up.
            let _ = connection.write_all(&answer);
        })
    }
}

/// All up to the empty line; `None` if the client hung up before.
fn request_head(connection: &TcpStream) -> Option<String> {
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
