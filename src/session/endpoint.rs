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

/// Where the server is.
pub(crate) enum ServerLocation {
    Known(Arc<Endpoint>),
    /// To be looked up by the team's name, once.
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
                 \"ureq\" is enabled at the level trace; set these targets to debug or less",
            ));
        }
        let mut outcome = self.transport.send(&request);
        if let Err(failure) = &outcome
            && retry::resends(failure, json.is_none())
        {
            // Other connections of the pool may be stale as well.
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
        let what = redactor.one_line(&failure.what, MAX_MESSAGE);
        match failure.kind {
            ErrorKind::Cancelled => Error::cancelled(),
            ErrorKind::Tls => Error::tls(format!("no trusted connection to {host}: {what}")),
            ErrorKind::Timeout => Error::timeout(format!("no response from {host}: {what}")),
            ErrorKind::MalformedBody => Error::malformed_body(what, None),
            _ => {
                let message = format!("no complete response from {host}: {what}");
                Error::connection(message, failure.is_transient)
            }
        }
    }
}
