//! Why there is no response, or not all of it.

use std::error::Error as StdError;
use std::io;

use ureq::Error;

use super::body::{BadBody, UnknownCoding};
use super::{Settings, tls};
use crate::cancel::Stop;
use crate::error::ErrorKind;

/// Why there is no response, or not all of it.
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    /// What happened, for people, the cause included. May hold text from outside, whole: it is
    /// to be redacted, and shortened after that.
    pub(crate) what: String,
    /// Whether the same request may succeed later.
    pub(crate) is_transient: bool,
    /// Whether a pooled connection ended before any of the response came.
    pub(crate) is_stale: bool,
}

/// What a connection reports, within an [`io::Error`], which passes through ureq and rustls.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionError {
    #[error("there is no host of that name")]
    UnknownHost,
    #[error("{0}")]
    TimedOut(Phase),
    /// The connection ended where a response, or the rest of one, was due.
    #[error("{how}")]
    Ended { how: Ended, is_stale: bool },
    #[error("the connection was closed during the TLS handshake")]
    EndedInHandshake,
    #[error("{0}")]
    Tls(String),
    /// TLS failed on the way to the proxy, not to the server.
    #[error("no trusted connection to the proxy: {0}")]
    ProxyTls(String),
    #[error("{what}")]
    Proxy { what: String, is_transient: bool },
    /// The response cannot be understood.
    #[error("{0}")]
    NotHttp(String),
}

/// What took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Phase {
    #[error("the host's name did not resolve in time")]
    Resolve,
    #[error("no connection in time")]
    Connect,
    #[error("nothing came in time")]
    Read,
    #[error("nothing could be sent in time")]
    Write,
}

/// How a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// Cleanly, as far as the connection goes.
    #[error("the connection was closed before the answer was complete")]
    Closed,
    /// It broke, or TLS ended without saying so.
    #[error("the connection broke before the answer was complete: {0}")]
    Broken(io::Error),
}

impl From<ConnectionError> for io::Error {
    fn from(error: ConnectionError) -> Self {
        // A kind that neither ureq nor rustls takes for the end of a stream.
        Self::other(error)
    }
}

impl ConnectionError {
    pub(super) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

/// Returns whether a connection ended, as opposed to being too slow or never there.
pub(super) fn is_break(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}

/// Explains errors of one transport.
pub(super) struct Explainer<'a> {
    pub(super) settings: &'a Settings,
    /// Host and port of the proxy in between.
    pub(super) proxy: Option<&'a str>,
}

impl Explainer<'_> {
    pub(super) fn explain(&self, error: Error) -> Failure {
        let mut failure = self.without_proxy(error);
        if let Some(proxy) = self.proxy
            && failure.kind != ErrorKind::Cancelled
        {
            failure.what = format!("{} (through the proxy {proxy})", failure.what);
        }
        failure
    }

    fn without_proxy(&self, error: Error) -> Failure {
        match error {
            Error::Io(error) => self.io(error),
            Error::Protocol(error) => {
                not_http(format!("the response is not valid HTTP: {}", words(&error)))
            }
            Error::LargeResponseHeader(..) => not_http(format!(
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
        if let Some(error) = inner.downcast_ref::<BadBody>() {
            return failure(ErrorKind::MalformedBody, error.to_string());
        }
        if let Some(error) = inner.downcast_ref::<UnknownCoding>() {
            return failure(error.kind(), error.to_string());
        }
        Failure {
            is_transient: true,
            ..failure(ErrorKind::Connection, error.to_string())
        }
    }

    fn connection(&self, error: &ConnectionError) -> Failure {
        let what = match error {
            ConnectionError::TimedOut(phase) => self.describe(*phase),
            other => other.to_string(),
        };
        let (kind, is_transient) = match error {
            ConnectionError::TimedOut(_) => (ErrorKind::Timeout, true),
            ConnectionError::Tls(_) | ConnectionError::ProxyTls(_) => (ErrorKind::Tls, false),
            ConnectionError::Proxy { is_transient, .. } => (ErrorKind::Connection, *is_transient),
            ConnectionError::NotHttp(_) => (ErrorKind::Connection, false),
            ConnectionError::UnknownHost
            | ConnectionError::Ended { .. }
            | ConnectionError::EndedInHandshake => (ErrorKind::Connection, true),
        };
        Failure {
            is_transient,
            is_stale: matches!(error, ConnectionError::Ended { is_stale: true, .. }),
            ..failure(kind, what)
        }
    }

    fn describe(&self, phase: Phase) -> String {
        let Settings {
            connect_timeout,
            stall_timeout,
            ..
        } = self.settings;
        match phase {
            Phase::Resolve => format!("its name did not resolve within {connect_timeout:?}"),
            Phase::Connect => format!("no connection within {connect_timeout:?}"),
            Phase::Read => format!("nothing came for {stall_timeout:?}"),
            Phase::Write => format!("nothing could be sent for {stall_timeout:?}"),
        }
    }
}

fn failure(kind: ErrorKind, what: String) -> Failure {
    Failure {
        kind,
        what,
        is_transient: false,
        is_stale: false,
    }
}

/// A response that cannot be understood will not be another one the next time.
fn not_http(what: String) -> Failure {
    failure(ErrorKind::Connection, what)
}

/// What ureq found to be wrong with a response, in other words where its own need its source.
fn words(error: &(impl StdError + ?Sized)) -> String {
    let words = error.to_string();
    let known = [
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
    for (before, after) in known {
        if let Some(rest) = words.strip_prefix(before) {
            return format!("{after}{rest}");
        }
    }
    words
}
