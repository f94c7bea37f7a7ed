//! A server that sends exactly the bytes of a fuzz input.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A server that runs until the process ends. It serves each connection on a thread of its own,
/// and closes it after one response.
pub(super) struct Server<T> {
    /// The base URL.
    pub(super) url: String,
    script: Arc<Mutex<T>>,
}

impl<T: Clone + Default + Send + 'static> Server<T> {
    /// Starts a server. It calls `serve` with the script and a connection once it has received
    /// the request.
    pub(super) fn start(serve: fn(&T, &mut TcpStream)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(T::default()));
        let shared = script.clone();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let script = shared.clone();
                thread::spawn(move || {
                    if read_head(&connection) {
                        let script = script.lock().unwrap().clone();
                        serve(&script, &mut connection);
                    }
                });
            }
        });
        Self { url, script }
    }

    /// Sets what the server does with later connections.
    pub(super) fn set_script(&self, script: T) {
        *self.script.lock().unwrap() = script;
    }
}

/// Sends `response`. Errors are ignored, because the client may close the connection early.
pub(super) fn send(response: &[u8], connection: &mut TcpStream) {
    let _ = connection.write_all(response);
}

/// Reads the head of a request, up to the empty line. Returns `false` if the client closes the
/// connection before that.
pub(super) fn read_head(connection: &TcpStream) -> bool {
    let mut head = String::new();
    let mut lines = BufReader::with_capacity(1, connection);
    loop {
        match lines.read_line(&mut head) {
            Ok(0) | Err(_) => return false,
            Ok(_) if head.ends_with("\r\n\r\n") => return true,
            Ok(_) => {}
        }
    }
}
