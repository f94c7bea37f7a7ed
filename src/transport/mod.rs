//! HTTP/1.1 over TCP, TLS and proxies. Only this directory uses `ureq`. It knows nothing of jobs
//! or tokens.

mod body;
mod buffers;
mod chunk_lines;
mod connect;
mod eof_guard;
mod failure;
mod head_check;
mod proxy;
mod proxy_env;
mod request_record;
mod resolve;
mod stream;
mod tcp;
mod tls;
mod tunnel;
mod user_agent;
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
pub(crate) use user_agent::UserAgent;

use crate::text::Redactor;
use request_record::RequestRecorder;

/// How much is read from a connection at once, in bytes. The data then stays in the processor's
/// nearer caches; smaller and larger buffers are slower.
const READ_BUFFER_SIZE: usize = 32 * 1024;

/// The maximum size of a response's status line and headers, in bytes.
const MAX_HEAD_SIZE: usize = 64 * 1024;

/// The maximum number of idle connections in the pool, enough for as many threads. With ureq's
/// default of 3, most threads would open a connection for each call.
const MAX_IDLE_CONNECTIONS: usize = 64;

/// How to connect to servers.
#[derive(Clone)]
pub(crate) struct Settings {
    /// How long to wait for a connection: name lookup, proxy and TLS together.
    pub(crate) connect_timeout: Duration,
    /// How long a read or a write may wait.
    pub(crate) stall_timeout: Duration,
    pub(crate) tls: TlsSettings,
    pub(crate) proxy: ProxySetting,
    pub(crate) user_agent: UserAgent,
    pub(crate) hook: Option<Hook>,
}

/// Sends requests to one server, over a pool of connections.
pub(crate) struct Transport {
    agent: ureq::Agent,
    settings: Settings,
    /// Host and port of the proxy, if requests go through one.
    proxy: Option<String>,
}

/// A request.
pub(crate) struct Request<'a> {
    pub(crate) url: &'a str,
    pub(crate) authorization: Option<HeaderValue>,
    /// The body of a POST request. Without it this is a GET request.
    pub(crate) json: Option<&'a [u8]>,
    pub(crate) attempt: u32,
    /// Removes secrets from the record of the request.
    pub(crate) redactor: &'a Redactor,
    /// Whether to use a pooled connection. Otherwise a new one is opened, which cannot be
    /// stale, and is closed after the response.
    pub(crate) uses_pool: bool,
    /// Whether the response may be compressed. A response that contains a secret must not be:
    /// the decompressor's memory is not wiped.
    pub(crate) accepts_gzip: bool,
}

/// A response whose body has not been read yet.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The length of the body as it will be read, in bytes, if Content-Length gives it.
    pub(crate) length: Option<u64>,
    pub(crate) body: Body,
}

impl Transport {
    /// Returns a transport for requests to the server of `target`.
    ///
    /// # Errors
    ///
    /// A message for users if the proxy setting is not valid.
    pub(crate) fn new(settings: &Settings, target: &Uri) -> Result<Self, String> {
        let proxy = settings.proxy.proxy_for(target)?;
        let proxy_name = proxy.as_ref().map(proxy::Proxy::name);
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(settings.user_agent.as_str())
            .proxy(None)
            // The header is set for each request: ureq's decompression is not compiled in.
            .accept_encoding("")
            .max_response_header_size(MAX_HEAD_SIZE)
            .max_idle_connections(MAX_IDLE_CONNECTIONS)
            .max_idle_connections_per_host(MAX_IDLE_CONNECTIONS)
            .build();
        let connector = Connector::new(settings, proxy);
        Ok(Self {
            agent: ureq::Agent::with_parts(config, connector, NoResolver),
            settings: settings.clone(),
            proxy: proxy_name,
        })
    }

    /// Returns whether the program's log would record what is sent, including secrets: ureq
    /// logs it at the level trace.
    pub(crate) fn would_log_secrets() -> bool {
        ["ureq_proto::util", "ureq_proto", "ureq"]
            .iter()
            .any(|target| log::log_enabled!(target: target, log::Level::Trace))
    }

    /// Sends a request once.
    pub(crate) fn send(&self, request: &Request) -> Result<Response, Failure> {
        let method = if request.json.is_some() {
            "POST"
        } else {
            "GET"
        };
        let hook = self.settings.hook.clone();
        let redactor = request.redactor.clone();
        let mut recorder =
            RequestRecorder::start(method, request.url, request.attempt, hook, redactor);
        match self.exchange(request) {
            Ok(response) => {
                recorder.responded(response.status().as_u16());
                Ok(Response::new(response, recorder))
            }
            Err(error) => {
                let failure = self.explain(error);
                recorder.failed(&failure.message);
                Err(failure)
            }
        }
    }

    fn exchange(&self, request: &Request) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let builder = http::Request::builder()
            .uri(request.url)
            // The API requires it, although a GET request has no body.
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
        // ureq does not use the pool for a request whose configuration differs from the agent's.
        // This option has no other effect: ureq does not open the sockets.
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

    /// Returns the failure behind an error that reading a [`Body`] returned.
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
    fn new(response: http::Response<ureq::Body>, recorder: RequestRecorder) -> Self {
        let (parts, body) = response.into_parts();
        let length = body.content_length();
        let is_chunked = body::is_chunked(&parts.headers);
        let wire = Wire {
            reader: body.into_with_config().limit(u64::MAX).reader(),
            ends_with_connection: length.is_none() && !is_chunked,
            length,
            recorder,
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
