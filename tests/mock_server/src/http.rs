//! An HTTP/1.1 server with a function for its responses.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use crate::connection::Listener;

/// A request, whole.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path, without the query.
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Returns the value of a header. `name` is in lowercase.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let header = headers.find(|(other, _)| other == name)?;
        Some(&header.1)
    }

    /// Reads the next request of a connection. Returns `None` at the connection's end.
    fn read(connection: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if connection.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_ascii_whitespace();
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let mut request = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let mut line = String::new();
            if connection.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            let header = (name.to_ascii_lowercase(), value.trim().to_owned());
            request.headers.push(header);
        }
        let length = request.header("content-length");
        let length = length.map_or(Ok(0), str::parse);
        let length: u64 = length.map_err(io::Error::other)?;
        connection.take(length).read_to_end(&mut request.body)?;
        if request.body.len() as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some(request))
    }
}

/// A response, whole. `Content-Length` is added when it is sent.
#[derive(Debug)]
pub(crate) struct Response {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Cow<'static, [u8]>,
}

impl Response {
    pub(crate) fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Cow::Borrowed(b""),
        }
    }

    pub(crate) fn json(status: u16, body: impl Into<String>) -> Self {
        Self::new(status)
            .header("Content-Type", "application/json; charset=utf-8")
            .body(body.into().into_bytes())
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Cow<'static, [u8]>>) -> Self {
        self.body = body.into();
        self
    }

    fn send(&self, mut connection: &TcpStream) -> io::Result<()> {
        let status = self.status;
        let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n", self.body.len());
        // One write for a small response: it arrives in one packet.
        let mut start = head.into_bytes();
        let (first, rest) = self.body.split_at(self.body.len().min(16 * 1024));
        start.extend_from_slice(first);
        connection.write_all(&start)?;
        connection.write_all(rest)
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        401 => "Unauthorized",
        404 => "Not Found",
        409 => "Conflict",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}

/// Starts a server on a free port of 127.0.0.1, which accepts connections until the listener
/// is dropped.
pub(crate) fn serve(respond: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Listener {
    let respond = Arc::new(respond);
    Listener::start(move |socket| {
        // The client may close the connection at any time.
        let _ = serve_connection(&socket, &*respond);
    })
}

fn serve_connection(socket: &TcpStream, respond: &dyn Fn(&Request) -> Response) -> io::Result<()> {
    let mut connection = BufReader::new(socket);
    while let Some(request) = Request::read(&mut connection)? {
        respond(&request).send(socket)?;
        let ends = request.header("connection");
        if ends.is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            break;
        }
    }
    Ok(())
}
