//! HTTP: this file and those in its folder are the ones that name `ureq`.

mod proxy;
mod tcp;
mod tls;

use std::error::Error as StdError;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderValue, Uri};
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout,
    Transport as UreqTransport,
};

pub(crate) use proxy::ProxySetting;
pub(crate) use tls::TlsSettings;

use crate::ErrorKind;
use crate::cancel::Stop;
use crate::error::Cause;
use crate::request_log::{Hook, Recording};
use crate::text::Redactor;

const USER_AGENT: &str = concat!("sellercloud-output/", env!("CARGO_PKG_VERSION"));

/// How much is read at once, in bytes: what stays in the processor's nearer
/// caches on its way. Larger pieces are slower, as are smaller ones.
pub(crate) const PIECE: usize = 32 * 1024;

/// How many connections are kept for later, for as many threads at once. ureq's 3 made
/// most threads connect anew for each call.
const MOST_KEPT: usize = 64;

/// How to reach servers.
#[derive(Clone)]
pub(crate) struct Settings {
    /// How long to wait for the name to resolve, and again for the connection
    /// with proxy and TLS.
    pub(crate) connect_limit: Duration,
    /// How long a read or a write may stand still.
    pub(crate) stall_limit: Duration,
    pub(crate) tls: TlsSettings,
    pub(crate) proxy: ProxySetting,
    pub(crate) hook: Option<Hook>,
}

/// Sends requests to one server over connections that are kept for the next one.
pub(crate) struct Transport {
    agent: ureq::Agent,
    settings: Settings,
    /// Host and port of the proxy on the way.
    proxy: Option<String>,
}

/// A request.
pub(crate) struct Request<'a> {
    pub(crate) url: &'a str,
    pub(crate) authorization: Option<HeaderValue>,
    /// What to send by POST; without it this is a GET.
    pub(crate) json: Option<&'a [u8]>,
    pub(crate) attempt: u32,
    /// Replaces secrets in what is reported of the request.
    pub(crate) redactor: &'a Redactor,
    /// Whether a pooled connection will do. A new one cannot turn out to be stale.
    pub(crate) uses_pool: bool,
    /// Whether the response may be compressed. A response with a secret must not be: the
    /// decompressor keeps what it has seen.
    pub(crate) accepts_gzip: bool,
}

/// An answer whose body is yet to be read.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// What Content-Length says of the body as it will be read, if it does.
    pub(crate) length: Option<u64>,
    pub(crate) body: Body,
}

/// Why there is no answer, or not all of it.
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) what: String,
    pub(crate) source: Option<Cause>,
    /// Whether the same request may succeed later.
    pub(crate) is_transient: bool,
    /// Whether a pooled connection ended before any of the response came.
    pub(crate) is_stale: bool,
}

impl Transport {
    /// For requests to the server of `target`. The error is for people.
    pub(crate) fn new(settings: &Settings, target: &Uri) -> Result<Self, String> {
        let proxy = settings.proxy.on_the_way_to(target)?;
        let proxy_name = proxy
            .as_ref()
            .map(|proxy| format!("{}:{}", proxy.host(), proxy.port()));
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(USER_AGENT)
            .proxy(proxy)
            // ureq itself undoes no encoding here.
            .accept_encoding("")
            .input_buffer_size(PIECE)
            .max_idle_connections(MOST_KEPT)
            .max_idle_connections_per_host(MOST_KEPT)
            .timeout_resolve(Some(settings.connect_limit))
            .timeout_connect(Some(settings.connect_limit))
            .timeout_per_read(Some(settings.stall_limit))
            .timeout_per_write(Some(settings.stall_limit))
            .build();
        let connector =
            ().chain(ConnectProxyConnector::default())
                .chain(tcp::TcpConnector)
                .chain(tls::TlsConnector::new(settings.tls.clone()))
                .chain(NoticeClose);
        Ok(Self {
            agent: ureq::Agent::with_parts(config, connector, tcp::SystemResolver),
            settings: settings.clone(),
            proxy: proxy_name,
        })
    }

    /// Sends a request, once.
    pub(crate) fn send(&self, request: &Request) -> Result<Response, Failure> {
        let method = if request.json.is_some() {
            "POST"
        } else {
            "GET"
        };
        let hook = self.settings.hook.clone();
        let redactor = request.redactor.clone();
        let mut recording = Recording::start(method, request.url, request.attempt, hook, redactor);
        match self.exchange(request) {
            Ok(response) => {
                recording.answered(response.status().as_u16());
                Ok(Response::new(response, recording))
            }
            Err(error) => {
                let failure = self.explain(error);
                recording.failed(&failure.what);
                Err(failure)
            }
        }
    }

    fn exchange(&self, request: &Request) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let builder = http::Request::builder()
            .uri(request.url)
            // The API asks for it, though a GET has no body.
            .header(CONTENT_TYPE, "application/json")
            .header(
                ACCEPT_ENCODING,
                if request.accepts_gzip {
                    "gzip"
                } else {
                    "identity"
                },
            );
        let builder = match &request.authorization {
            Some(value) => builder.header(AUTHORIZATION, value),
            None => builder,
        };
        let max_idle_age = if request.uses_pool {
            self.agent.config().max_idle_age()
        } else {
            Duration::ZERO
        };
        match request.json {
            Some(json) => {
                let request = builder.method("POST").body(json)?;
                let request = self.agent.configure_request(request);
                self.agent.run(request.max_idle_age(max_idle_age).build())
            }
            None => {
                let request = builder.method("GET").body(())?;
                let request = self.agent.configure_request(request);
                self.agent.run(request.max_idle_age(max_idle_age).build())
            }
        }
    }

    /// The failure behind an error of [`Body`].
    pub(crate) fn explain_body(&self, error: io::Error) -> Failure {
        match error.downcast::<BadGzip>() {
            Ok(bad) => Failure {
                kind: ErrorKind::MalformedBody,
                what: bad.to_string(),
                source: Some(Arc::new(bad)),
                is_transient: false,
                is_stale: false,
            },
            Err(error) => self.explain(error.into()),
        }
    }

    fn explain(&self, error: ureq::Error) -> Failure {
        let is_stale = is_unanswered(&error);
        let stop = match &error {
            ureq::Error::Io(io) => io.get_ref().and_then(|inner| inner.downcast_ref::<Stop>()),
            _ => None,
        };
        // ureq tells the status only in words: "proxy server responded 407/407".
        let proxy_status = match &error {
            ureq::Error::ConnectProxyFailed(what) => what.rsplit('/').next().map(str::to_owned),
            _ => None,
        };
        let proxy_status = proxy_status.as_deref();
        let (kind, mut what) = match &error {
            _ if stop == Some(&Stop::Cancelled) => (ErrorKind::Cancelled, "cancelled".into()),
            _ if stop.is_some() => (ErrorKind::Timeout, Stop::Deadline.to_string()),
            ureq::Error::Timeout(limit) => (ErrorKind::Timeout, self.describe(*limit)),
            // rustls wraps its own errors so; nothing else here gives this kind.
            ureq::Error::Io(io) if io.kind() == io::ErrorKind::InvalidData => {
                (ErrorKind::Tls, tls::describe(io))
            }
            ureq::Error::Tls(what) => (ErrorKind::Tls, (*what).to_owned()),
            ureq::Error::Io(io) => (ErrorKind::Connection, io.to_string()),
            ureq::Error::HostNotFound => (
                ErrorKind::Connection,
                "there is no host of that name".into(),
            ),
            ureq::Error::Protocol(fault) => (
                ErrorKind::Connection,
                format!("the answer is not valid HTTP: {fault}"),
            ),
            // Some proxies say 401 where RFC 9110 section 15.5.8 has 407.
            ureq::Error::ConnectProxyFailed(_) if matches!(proxy_status, Some("401" | "407")) => (
                ErrorKind::Connection,
                "the proxy wants a user name and password, or others than it was given".into(),
            ),
            ureq::Error::ConnectProxyFailed(what) => (ErrorKind::Connection, what.clone()),
            _ => (ErrorKind::Connection, error.to_string()),
        };
        if let Some(proxy) = &self.proxy {
            what = format!("{what} (through the proxy {proxy})");
        }
        Failure {
            kind,
            what,
            source: Some(Arc::new(error)),
            is_transient: !proxy_status.is_some_and(|status| status.starts_with('4')),
            is_stale,
        }
    }

    fn describe(&self, limit: ureq::Timeout) -> String {
        let Settings {
            connect_limit,
            stall_limit,
            ..
        } = self.settings;
        match limit {
            ureq::Timeout::Resolve => format!("its name did not resolve within {connect_limit:?}"),
            ureq::Timeout::Connect => format!("no connection within {connect_limit:?}"),
            ureq::Timeout::PerRead => format!("nothing came for {stall_limit:?}"),
            ureq::Timeout::PerWrite => format!("nothing could be sent for {stall_limit:?}"),
            other => format!("the time limit was met ({other})"),
        }
    }
}

impl Response {
    fn new(response: http::Response<ureq::Body>, recording: Recording) -> Self {
        let (parts, body) = response.into_parts();
        let length = body.content_length();
        let is_chunked = parts.headers.contains_key(TRANSFER_ENCODING);
        let wire = Wire {
            reader: body.into_with_config().limit(u64::MAX).reader(),
            ends_with_connection: length.is_none() && !is_chunked,
            length,
            recording,
            has_failed: false,
        };
        let is_gzip = parts
            .headers
            .get(CONTENT_ENCODING)
            .is_some_and(|encoding| is_gzip(encoding.as_bytes()));
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            length: length.filter(|_| !is_gzip),
            body: match is_gzip {
                true => Body::Gzip(Box::new(MultiGzDecoder::new(wire))),
                false => Body::Plain(Box::new(wire)),
            },
        }
    }
}

/// RFC 9110 section 8.4.1.3 has the older name too.
pub(crate) fn is_gzip(encoding: &[u8]) -> bool {
    [&b"gzip"[..], b"x-gzip"]
        .iter()
        .any(|name| encoding.trim_ascii().eq_ignore_ascii_case(name))
}

/// The body of an answer as it arrives. Ends only where the server ended it;
/// a connection that closes or breaks before is an error.
pub(crate) enum Body {
    Plain(Box<Wire>),
    Gzip(Box<MultiGzDecoder<Wire>>),
}

impl Body {
    /// Bytes received, and how many there will be, if that is known; both as
    /// they are sent.
    pub(crate) fn progress(&self) -> (u64, Option<u64>) {
        let wire = match self {
            Self::Plain(wire) => wire,
            Self::Gzip(gzip) => gzip.get_ref(),
        };
        (wire.recording.bytes(), wire.length)
    }
}

impl Read for Body {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(wire) => wire.read(room),
            Self::Gzip(gzip) => match gzip.read(room) {
                Err(error) if !gzip.get_ref().has_failed => {
                    let is_empty = gzip.get_ref().recording.bytes() == 0;
                    match is_empty && error.kind() == io::ErrorKind::UnexpectedEof {
                        // Servers name the encoding of an empty body too.
                        true => Ok(0),
                        false => Err(io::Error::other(BadGzip(error))),
                    }
                }
                outcome => outcome,
            },
        }
    }
}

/// The body as it is sent.
pub(crate) struct Wire {
    reader: ureq::BodyReader<'static>,
    /// Neither Content-Length nor chunks: the body ends as the connection does
    /// (RFC 9112 section 6.3).
    ends_with_connection: bool,
    length: Option<u64>,
    recording: Recording,
    has_failed: bool,
}

impl Read for Wire {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(room) {
            Ok(length) => {
                self.recording.received(length);
                Ok(length)
            }
            Err(error) if self.ends_with_connection && is::<Closed>(&error) => Ok(0),
            Err(error) => {
                self.has_failed = true;
                self.recording.failed(&error.to_string());
                Err(error)
            }
        }
    }
}

/// What came is not the gzip that the server said it is.
#[derive(Debug, thiserror::Error)]
#[error("the body is not valid gzip, or not all of it: {0}")]
struct BadGzip(#[source] io::Error);

fn is_unanswered(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Io(error) if is::<Unanswered>(error))
}

fn is<E: StdError + 'static>(error: &io::Error) -> bool {
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
        Ok(chained.map(|connection| Noticing {
            connection,
            answer: Answer::First,
        }))
    }
}

#[derive(Debug)]
struct Noticing<T> {
    connection: T,
    answer: Answer,
}

/// Which answer of a connection comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    First,
    /// Some of it is there.
    Begun,
    /// The request was sent over a connection that had been kept.
    Later,
}

impl<T> Noticing<T> {
    /// The error where the connection ended. None has a kind that ureq takes for a close.
    fn ended(&self, how: impl StdError + Send + Sync + 'static) -> ureq::Error {
        let error = io::Error::other(how);
        ureq::Error::Io(match self.answer {
            Answer::Later => io::Error::other(Unanswered(error)),
            Answer::First | Answer::Begun => error,
        })
    }
}

impl<T: UreqTransport> UreqTransport for Noticing<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.connection.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        if self.answer == Answer::Begun {
            self.answer = Answer::Later;
        }
        match self.connection.transmit_output(amount, timeout) {
            Err(ureq::Error::Io(error)) if is_break(error.kind()) => Err(self.ended(Broken(error))),
            outcome => outcome,
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        match self.connection.await_input(timeout) {
            Ok(true) => {
                self.answer = Answer::Begun;
                Ok(true)
            }
            Ok(false) => Err(self.ended(Closed)),
            Err(ureq::Error::Io(error)) if is_break(error.kind()) => Err(self.ended(Broken(error))),
            outcome => outcome,
        }
    }

    fn is_open(&mut self) -> bool {
        // What came behind the last answer belongs to no request.
        self.connection.buffers().input().is_empty() && self.connection.is_open()
    }

    fn is_tls(&self) -> bool {
        self.connection.is_tls()
    }
}

fn is_break(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
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

/// A connection that had been kept ended before any of the answer came.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Unanswered(io::Error);
