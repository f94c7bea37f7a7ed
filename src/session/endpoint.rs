//! A server and the connections to it.

use std::sync::Arc;

use super::base_url::BaseUrl;
use super::retry;
use super::single_flight::SingleFlight;
use super::team::Team;
use super::token_cache::authorization;
use crate::error::{Error, ErrorKind};
use crate::text::{MAX_MESSAGE, Redactor, Secret};
use crate::transport::{Failure, Request, Response, Settings, Transport};

/// The location of the server.
pub(crate) enum ServerLocation {
    Known(Arc<Endpoint>),
    /// The server of a team. It is looked up once, by the team's name.
    OfTeam(Team, SingleFlight<Arc<Endpoint>>),
}

/// A server and the connections to it.
pub(crate) struct Endpoint {
    pub(crate) base_url: BaseUrl,
    pub(super) transport: Transport,
}

impl Endpoint {
    pub(crate) fn new(base_url: BaseUrl, settings: &Settings) -> Result<Self, Error> {
        let target = base_url.uri();
        let transport = Transport::new(settings, &target).map_err(Error::invalid_argument)?;
        Ok(Self {
            base_url,
            transport,
        })
    }

    /// Sends a GET request, or a POST request with the body `json`. A GET request on a stale
    /// connection is sent again at once, on a new one.
    pub(super) fn send(
        &self,
        url: &str,
        token: Option<&Secret>,
        json: Option<&[u8]>,
        attempt: u32,
        redactor: &Redactor,
    ) -> Result<Response, Error> {
        let is_secret = token.is_some() || json.is_some();
        let request = Request {
            redactor,
            url,
            authorization: token.map(authorization).transpose()?,
            json,
            attempt,
            uses_pool: json.is_none(),
            accepts_gzip: json.is_none(),
        };
        if is_secret && Transport::would_log_secrets() {
            return Err(Error::invalid_argument(
                "the log would record the token or the password: the target \"ureq_proto\" or \
                 \"ureq\" is enabled at the level trace; set both targets to debug or lower",
            ));
        }
        let mut outcome = self.transport.send(&request);
        if let Err(failure) = &outcome
            && retry::resends(failure, json.is_none())
        {
            // Other connections in the pool may be stale as well.
            let request = Request {
                uses_pool: false,
                ..request
            };
            outcome = self.transport.send(&request);
        }
        outcome.map_err(|failure| self.error(failure, redactor))
    }

    /// Returns the error for a response that did not arrive, or not completely.
    pub(super) fn error(&self, failure: Failure, redactor: &Redactor) -> Error {
        let host = self.base_url.host();
        let message = redactor.one_line(&failure.message, MAX_MESSAGE);
        match failure.kind {
            ErrorKind::Cancelled => Error::cancelled(),
            ErrorKind::Tls => Error::tls(format!("no trusted connection to {host}: {message}")),
            ErrorKind::Timeout => Error::timeout(format!("no response from {host}: {message}")),
            ErrorKind::MalformedBody => Error::malformed_body(message, None),
            _ => {
                let message = format!("no complete response from {host}: {message}");
                Error::connection(message, failure.is_transient)
            }
        }
    }
}
