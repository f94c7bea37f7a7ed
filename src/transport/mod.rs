//! HTTP: this file and those in its folder are the ones that name `ureq`.

mod body;
mod buffers;
mod chunk_lines;
mod connect;
mod eof_guard;
mod failure;
mod head_check;
mod proxy;
mod request_record;
mod resolve;
mod stream;
mod tcp;
mod tls;
mod tunnel;
mod wait;

use std::io;
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Uri};

pub(crate) use body::Body;
use body::Wire;
use connect::{Connector, NoResolver};
use failure::Explainer;
pub(crate) use failure::Failure;
pub(crate) use proxy::{ProxySetting, is_host_and_port};
pub use request_record::RequestRecord;
pub(crate) use request_record::{DeferredRecords, Hook};
pub(crate) use tls::TlsSettings;

use crate::text::Redactor;
use request_record::Recording;

const USER_AGENT: &str = concat!("sellercloud-output/", env!("CARGO_PKG_VERSION"));

/// How much is read at once, in bytes: what stays in the processor's nearer
/// caches on its way. Larger pieces are slower, as are smaller ones.
pub(crate) const PIECE: usize = 32 * 1024;

/// How much is read from a connection at once, in bytes.
const READ_BUFFER_SIZE: usize = PIECE;

/// How much of a response may come before its body, in bytes.
const MAX_HEAD_SIZE: usize = 64 * 1024;

/// How many connections are kept for later, for as many threads at once. ureq's 3 made
/// most threads connect anew for each call.
const MOST_KEPT: usize = 64;

/// How to reach servers.
#[derive(Clone)]
pub(crate) struct Settings {
    /// How long to wait for a connection: name, proxy and TLS together.
    pub(crate) connect_timeout: Duration,
    /// How long a read or a write may stand still.
    pub(crate) stall_timeout: Duration,
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
    /// Whether a pooled connection will do. A new one cannot turn out to be stale. It is
    /// closed after the response.
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

impl Transport {
    /// For requests to the server of `target`. The error is for people.
    pub(crate) fn new(settings: &Settings, target: &Uri) -> Result<Self, String> {
        let proxy = settings.proxy.on_the_way_to(target)?;
        let proxy_name = proxy.as_ref().map(proxy::Proxy::name);
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(USER_AGENT)
            .proxy(None)
            // ureq itself undoes no encoding here.
            .accept_encoding("")
            .max_response_header_size(MAX_HEAD_SIZE)
            .max_idle_connections(MOST_KEPT)
            .max_idle_connections_per_host(MOST_KEPT)
            .build();
        let connector = Connector::new(settings, proxy);
        Ok(Self {
            agent: ureq::Agent::with_parts(config, connector, NoResolver),
            settings: settings.clone(),
            proxy: proxy_name,
        })
    }

    /// Returns whether the program's log would record what is sent, secrets included: ureq
    /// writes it at the level trace.
    pub(crate) fn would_log_secrets() -> bool {
        ["ureq_proto::util", "ureq_proto", "ureq"]
            .iter()
            .any(|target| log::log_enabled!(target: target, log::Level::Trace))
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
                recording.responded(response.status().as_u16());
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
        // ureq keeps a request whose connection is configured in another way than the agent's
        // apart from the pool. This option does nothing else: the sockets are not ureq's.
        let no_delay = self.agent.config().no_delay() == request.uses_pool;
        match request.json {
            Some(json) => {
                let request = builder.method("POST").body(json)?;
                let request = self.agent.configure_request(request);
                self.agent.run(request.no_delay(no_delay).build())
            }
            None => {
                let request = builder.method("GET").body(())?;
                let request = self.agent.configure_request(request);
                self.agent.run(request.no_delay(no_delay).build())
            }
        }
    }

    /// The failure behind an error of [`Body`].
    pub(crate) fn explain_body(&self, error: io::Error) -> Failure {
        self.explain(error.into())
    }

    fn explain(&self, error: ureq::Error) -> Failure {
        let explainer = Explainer {
            settings: &self.settings,
            proxy: self.proxy.as_deref(),
        };
        explainer.explain(error)
    }
}

impl Response {
    fn new(response: http::Response<ureq::Body>, recording: Recording) -> Self {
        let (parts, body) = response.into_parts();
        let length = body.content_length();
        let is_chunked = body::is_chunked(&parts.headers);
        let wire = Wire {
            reader: body.into_with_config().limit(u64::MAX).reader(),
            ends_with_connection: length.is_none() && !is_chunked,
            length,
            recording,
            has_failed: false,
        };
        let layers = body::gzip_layers(parts.version, &parts.headers);
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            length: length.filter(|_| matches!(layers, Ok(0))),
            body: Body::new(wire, layers),
        }
    }
}
