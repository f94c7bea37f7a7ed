//! HTTP and TLS: the one file that names `ureq`.

use std::io::{self, Read};
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout,
    Transport as UreqTransport,
};

use crate::ErrorKind;
use crate::error::Source;

/// How long to wait for the name to resolve, and again for the connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// How long a read or a write may stand still.
const STALL_LIMIT: Duration = Duration::from_secs(60);

const USER_AGENT: &str = concat!("sellercloud-output/", env!("CARGO_PKG_VERSION"));

/// Sends requests over connections that are kept for the next one.
pub(crate) struct Transport {
    agent: ureq::Agent,
}

/// An answer whose body is yet to be read.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// What Content-Length says, if it is there.
    pub(crate) length: Option<u64>,
    pub(crate) body: Body,
}

/// Why there is no answer, or not all of it.
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) what: String,
    pub(crate) source: Option<Source>,
}

impl Transport {
    pub(crate) fn new() -> Self {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier);
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(USER_AGENT)
            .timeout_resolve(Some(CONNECT_LIMIT))
            .timeout_connect(Some(CONNECT_LIMIT))
            .timeout_per_read(Some(STALL_LIMIT))
            .timeout_per_write(Some(STALL_LIMIT))
            .tls_config(tls.build())
            .build();
        let connector = DefaultConnector::new().chain(NoticeClose);
        Self {
            agent: ureq::Agent::with_parts(config, connector, DefaultResolver::default()),
        }
    }

    pub(crate) fn get(&self, url: &str, authorization: HeaderValue) -> Result<Response, Failure> {
        let response = self
            .agent
            .get(url)
            .header(AUTHORIZATION, authorization)
            // The API asks for it, though there is no body.
            .header(CONTENT_TYPE, "application/json")
            .call()
            .map_err(Failure::from_ureq)?;
        let (parts, body) = response.into_parts();
        let length = body.content_length();
        let is_chunked = parts.headers.contains_key(TRANSFER_ENCODING);
        Ok(Response {
            status: parts.status.as_u16(),
            headers: parts.headers,
            length,
            body: Body {
                reader: body.into_with_config().limit(u64::MAX).reader(),
                ends_with_connection: length.is_none() && !is_chunked,
            },
        })
    }
}

/// The body of an answer as it arrives. Ends only where the server ended it;
/// a connection that closes or breaks before is an error.
pub(crate) struct Body {
    reader: ureq::BodyReader<'static>,
    /// Neither Content-Length nor chunks: the body ends as the connection does
    /// (RFC 9112 section 6.3).
    ends_with_connection: bool,
}

impl Read for Body {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(room) {
            Err(error) if self.ends_with_connection && is::<Closed>(&error) => Ok(0),
            outcome => outcome,
        }
    }
}

impl Failure {
    /// The failure behind an error of [`Body`].
    pub(crate) fn from_body(error: io::Error) -> Self {
        match error.downcast::<ureq::Error>() {
            Ok(error) => Self::from_ureq(error),
            Err(error) => Self::from_ureq(ureq::Error::Io(error)),
        }
    }

    fn from_ureq(error: ureq::Error) -> Self {
        let (kind, what) = match &error {
            ureq::Error::Timeout(limit) => (ErrorKind::Timeout, describe(*limit)),
            // rustls wraps its own errors so; nothing else here gives this kind.
            ureq::Error::Io(io) if io.kind() == io::ErrorKind::InvalidData => {
                (ErrorKind::Tls, io.to_string())
            }
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => {
                (ErrorKind::Tls, error.to_string())
            }
            ureq::Error::Io(io) => (ErrorKind::Connection, io.to_string()),
            ureq::Error::HostNotFound => (
                ErrorKind::Connection,
                "there is no host of that name".into(),
            ),
            ureq::Error::Protocol(fault) => (
                ErrorKind::Connection,
                format!("the answer is not valid HTTP: {fault}"),
            ),
            _ => (ErrorKind::Connection, error.to_string()),
        };
        Self {
            kind,
            what,
            source: Some(Box::new(error)),
        }
    }
}

fn describe(limit: ureq::Timeout) -> String {
    match limit {
        ureq::Timeout::Resolve => format!("its name did not resolve within {CONNECT_LIMIT:?}"),
        ureq::Timeout::Connect => format!("no connection within {CONNECT_LIMIT:?}"),
        ureq::Timeout::PerRead => format!("nothing came for {STALL_LIMIT:?}"),
        ureq::Timeout::PerWrite => format!("nothing could be sent for {STALL_LIMIT:?}"),
        other => format!("the time limit was met ({other})"),
    }
}

fn is<E: std::error::Error + 'static>(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<E>())
}

/// Wraps every connection so that its end is seen for what it is. ureq takes a
/// reset for a close, and a close after the last chunk's size for the end of
/// the body: a body that was cut could pass for a whole one.
#[derive(Debug)]
struct NoticeClose;

impl<In: UreqTransport> Connector<In> for NoticeClose {
    type Out = Noticing<In>;

    fn connect(
        &self,
        _: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        Ok(chained.map(Noticing))
    }
}

#[derive(Debug)]
struct Noticing<T>(T);

impl<T: UreqTransport> UreqTransport for Noticing<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.0.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        match self.0.await_input(timeout) {
            Ok(false) => Err(ureq::Error::Io(io::Error::other(Closed))),
            // Under another kind, so that it is not taken for a close.
            Err(ureq::Error::Io(error)) if is_break(error.kind()) => {
                Err(ureq::Error::Io(io::Error::other(Broken(error))))
            }
            outcome => outcome,
        }
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}

fn is_break(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
    )
}

/// The server closed the connection in good order.
#[derive(Debug, thiserror::Error)]
#[error("the connection was closed before the answer was complete")]
struct Closed;

/// The connection broke, or TLS ended without saying so.
#[derive(Debug, thiserror::Error)]
#[error("the connection broke before the answer was complete: {0}")]
struct Broken(#[source] io::Error);
