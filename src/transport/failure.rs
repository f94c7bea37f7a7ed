//! Failures of requests: from errors of ureq, TLS and connections to a kind and a message.

use std::io;

use ureq::Error;

use super::body::{InvalidGzip, UnsupportedCoding};
use super::{Settings, tls};
use crate::cancel::Stop;
use crate::error::ErrorKind;
use crate::text::seconds;

/// The reason why there is no response, or not a complete one.
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    /// A message for users, including the cause. It may contain text from the server or a proxy
    /// at full length: redact it before it is shortened.
    pub(crate) message: String,
    /// Whether the same request may succeed later.
    pub(crate) is_transient: bool,
    /// Whether a connection from the pool ended before any of the response arrived.
    pub(crate) is_stale: bool,
}

/// The error of a connection. It passes through ureq and rustls inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionError {
    #[error("the host name has no address")]
    NoAddress,
    #[error("{0}")]
    TimedOut(Phase),
    /// The connection ended before the response was complete.
    #[error("{end}")]
    Ended { end: ConnectionEnd, is_stale: bool },
    #[error("the connection was closed during the TLS handshake")]
    EndedInHandshake,
    #[error("{0}")]
    Tls(String),
    /// TLS failed on the way to the proxy, not to the server.
    #[error("no trusted connection to the proxy: {0}")]
    ProxyTls(String),
    #[error("{message}")]
    Proxy { message: String, is_transient: bool },
    /// The response is not valid HTTP.
    #[error("{0}")]
    InvalidResponse(String),
}

/// The phase that timed out. [`Explainer`] adds the time limit to the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Phase {
    #[error("the name lookup timed out")]
    Resolve,
    #[error("connecting timed out")]
    Connect,
    #[error("no data received in time")]
    Read,
    #[error("no data could be sent in time")]
    Write,
}

/// How a connection ended before the response was complete.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionEnd {
    /// The server closed it cleanly.
    #[error("the connection was closed before the response was complete")]
    Closed,
    /// It was reset, or it ended without the closing message of TLS.
    #[error("the connection was lost before the response was complete: {}", loss(.0))]
    Lost(io::Error),
}

/// Describes how a connection was lost. The TLS library's own text for a missing closing message
/// is for its users and links to its manual.
fn loss(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "TLS ended without its closing message".to_owned(),
        _ => error.to_string(),
    }
}

impl From<ConnectionError> for io::Error {
    fn from(error: ConnectionError) -> Self {
        // Neither ureq nor rustls treats this kind as the end of a stream.
        Self::other(error)
    }
}

impl ConnectionError {
    /// Returns the connection's error that `error` contains, if any.
    pub(super) fn from_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

/// Returns whether an error means that an established connection ended.
pub(super) fn is_disconnect(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}

/// Converts the errors of one transport into failures.
pub(super) struct Explainer<'a> {
    pub(super) settings: &'a Settings,
    /// Host and port of the proxy, if requests go through one.
    pub(super) proxy: Option<&'a str>,
}

impl Explainer<'_> {
    /// Returns the failure behind an error.
    pub(super) fn explain(&self, error: Error) -> Failure {
        let mut failure = self.without_proxy(error);
        if let Some(proxy) = self.proxy
            && failure.kind != ErrorKind::Cancelled
        {
            failure.message = format!("{} (through the proxy {proxy})", failure.message);
        }
        failure
    }

    fn without_proxy(&self, error: Error) -> Failure {
        match error {
            Error::Io(error) => self.io(error),
            Error::Protocol(error) => invalid_response(format!(
                "the response is not valid HTTP: {}",
                protocol_message(&error.to_string())
            )),
            Error::LargeResponseHeader(..) => invalid_response(format!(
                "the response has more than {} KiB of headers",
                super::MAX_HEAD_SIZE / 1024
            )),
            error => Failure {
                is_transient: true,
                ..failure(ErrorKind::Connection, error.to_string())
            },
        }
    }

    fn io(&self, error: io::Error) -> Failure {
        let Some(inner) = error.get_ref() else {
            return Failure {
                is_transient: true,
                ..failure(ErrorKind::Connection, error.to_string())
            };
        };
        if let Some(stop) = inner.downcast_ref::<Stop>() {
            return match stop {
                Stop::Cancelled => failure(ErrorKind::Cancelled, stop.to_string()),
                Stop::Deadline => Failure {
                    is_transient: true,
                    ..failure(ErrorKind::Timeout, stop.to_string())
                },
            };
        }
        if let Some(error) = inner.downcast_ref::<rustls::Error>() {
            return failure(ErrorKind::Tls, tls::describe(error));
        }
        if let Some(error) = inner.downcast_ref::<ConnectionError>() {
            return self.connection(error);
        }
        if let Some(error) = inner.downcast_ref::<InvalidGzip>() {
            return failure(ErrorKind::MalformedBody, error.to_string());
        }
        if let Some(error) = inner.downcast_ref::<UnsupportedCoding>() {
            return failure(error.kind(), error.to_string());
        }
        Failure {
            is_transient: true,
            ..failure(ErrorKind::Connection, error.to_string())
        }
    }

    fn connection(&self, error: &ConnectionError) -> Failure {
        let message = match error {
            ConnectionError::TimedOut(phase) => self.timeout_message(*phase),
            other => other.to_string(),
        };
        let (kind, is_transient) = match error {
            ConnectionError::TimedOut(_) => (ErrorKind::Timeout, true),
            ConnectionError::Tls(_) | ConnectionError::ProxyTls(_) => (ErrorKind::Tls, false),
            ConnectionError::Proxy { is_transient, .. } => (ErrorKind::Connection, *is_transient),
            ConnectionError::InvalidResponse(_) => (ErrorKind::Connection, false),
            ConnectionError::NoAddress
            | ConnectionError::Ended { .. }
            | ConnectionError::EndedInHandshake => (ErrorKind::Connection, true),
        };
        Failure {
            is_transient,
            is_stale: matches!(error, ConnectionError::Ended { is_stale: true, .. }),
            ..failure(kind, message)
        }
    }

    fn timeout_message(&self, phase: Phase) -> String {
        let connect_timeout = seconds(self.settings.connect_timeout);
        let stall_timeout = seconds(self.settings.stall_timeout);
        match phase {
            Phase::Resolve => format!("the name lookup timed out after {connect_timeout}"),
            Phase::Connect => format!("connecting timed out after {connect_timeout}"),
            Phase::Read => format!("no data received for {stall_timeout}"),
            Phase::Write => format!("no data could be sent for {stall_timeout}"),
        }
    }
}

/// Returns a failure that is permanent.
fn failure(kind: ErrorKind, message: String) -> Failure {
    Failure {
        kind,
        message,
        is_transient: false,
        is_stale: false,
    }
}

/// Returns the failure for a response that is not valid HTTP. A retry would give the same response.
fn invalid_response(message: String) -> Failure {
    failure(ErrorKind::Connection, message)
}

/// ureq's texts for responses that are not valid HTTP, and the texts that users see instead: ureq's
/// own do not say that the response is wrong, or need its source to be understood. Nothing is
/// decided by them. Text after an entry stays the same.
const PROTOCOL_MESSAGES: [(&str, &str); 7] = [
    ("http parse fail: ", ""),
    (
        "http parse resulted in too many headers",
        "too many headers",
    ),
    (
        "chunk length is not ascii",
        "a chunk's size is not a number",
    ),
    (
        "chunk length cannot be read as a number",
        "a chunk's size is not a number",
    ),
    (
        "chunk expected crlf as next character",
        "a chunk does not end where its size says",
    ),
    (
        "content-length header not a number",
        "the Content-Length header is not a number",
    ),
    (
        "conflicting content-length headers",
        "the Content-Length headers contradict each other",
    ),
];

/// Returns the text that users see for a text of ureq.
fn protocol_message(text: &str) -> String {
    let known = PROTOCOL_MESSAGES
        .iter()
        .find_map(|(theirs, ours)| Some((text.strip_prefix(theirs)?, ours)));
    match known {
        Some((rest, ours)) => format!("{ours}{rest}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Returns ureq's own error, without this library's transport, for a response in ISO-8859-1.
    fn ureq_error(response: &str) -> Error {
        let response: Vec<u8> = response.chars().map(|c| c as u8).collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let config = ureq::Agent::config_builder()
            .proxy(None)
            .timeout_global(Some(std::time::Duration::from_secs(30)));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut connection, _) = listener.accept().unwrap();
                let mut lines = BufReader::new(connection.try_clone().unwrap()).lines();
                while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                // ureq may close the connection before it has read all of the response.
                let _ = connection.write_all(&response);
            });
            match config.build().new_agent().get(&url).call() {
                Err(error) => error,
                Ok(response) => {
                    let mut body = response.into_body().into_reader();
                    let error = body.read_to_end(&mut Vec::new()).unwrap_err();
                    error.into()
                }
            }
        })
    }

    #[test]
    fn protocol_message_ureq_error_has_plain_text() {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let many = "X: y\r\n".repeat(200);
        let mut used = [false; PROTOCOL_MESSAGES.len()];
        for (response, expected) in [
            (
                "HTTP/1.1 2x0 OK\r\n\r\n".to_owned(),
                "invalid response status",
            ),
            (format!("HTTP/1.1 200 OK\r\n{many}\r\n"), "too many headers"),
            (
                format!("{chunked}\u{e9}\r\n"),
                "a chunk's size is not a number",
            ),
            (format!("{chunked}zz\r\n"), "a chunk's size is not a number"),
            (
                format!("{chunked}2\r\nabcdef\r\n"),
                "a chunk does not end where its size says",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n".to_owned(),
                "the Content-Length header is not a number",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(),
                "the Content-Length headers contradict each other",
            ),
        ] {
            let error = ureq_error(&response);
            let Error::Protocol(error) = error else {
                panic!("{response:?}: {error:?}");
            };
            let text = error.to_string();
            let entry = PROTOCOL_MESSAGES
                .iter()
                .position(|(theirs, _)| text.starts_with(theirs));
            used[entry.unwrap_or_else(|| panic!("ureq's text has changed: {text}"))] = true;
            assert_eq!(protocol_message(&text), expected, "{response:?}");
        }
        assert_eq!(used, [true; PROTOCOL_MESSAGES.len()]);
    }

    #[test]
    fn protocol_message_unknown_text_is_unchanged() {
        assert_eq!(protocol_message("body is chunked"), "body is chunked");
    }
}
