//! Authorized requests to one server: where they go, with which token, when they are retried,
//! and what error responses mean.

mod base_url;
mod context;
pub(crate) mod credentials;
mod endpoint;
mod error_response;
mod login;
mod progress;
#[cfg(any(test, feature = "_fuzz"))]
pub(crate) mod properties;
mod redirect;
mod reentry;
pub(crate) mod retry;
mod retry_after;
mod single_flight;
mod team;
mod token_cache;

use std::io::{self, Read};
use std::sync::Arc;

use http::header::LOCATION;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, ErrorResponse};
use crate::text::{MAX_MESSAGE, Redactor, Secret, server_message};
use crate::transport::{Body, Response, Settings};
use error_response::RawErrorResponse;
use redirect::Redirect;

pub(crate) use base_url::BaseUrl;
pub(crate) use context::{CallContext, CallSettings};
pub(crate) use credentials::Credentials;
pub(crate) use endpoint::{Endpoint, ServerLocation};
pub use progress::Progress;
pub(crate) use retry::Attempt;
pub use retry::RetryPolicy;
pub(crate) use single_flight::SingleFlight;
pub(crate) use team::{TEAM_LOOKUP_URL, Team};
pub(crate) use token_cache::TokenCache;

/// Authorized requests to one server.
pub(crate) struct Session {
    pub(crate) settings: Settings,
    pub(crate) allow_plain_http: bool,
    pub(crate) location: ServerLocation,
    pub(crate) tokens: TokenCache,
    pub(crate) retry_policy: RetryPolicy,
}

/// The response to an authorized request.
pub(crate) struct SessionResponse {
    pub(crate) response: Response,
    endpoint: Arc<Endpoint>,
    /// The token that was sent. It is redacted, since some servers and proxies repeat it.
    token: Option<Secret>,
}

/// The maximum number of redirects in a row.
const MAX_REDIRECTS: usize = 5;

/// The maximum length of a response that is not a file, in bytes.
const MAX_JSON: u64 = 4 * 1024 * 1024;

/// The maximum length of a response to a login, in bytes.
const MAX_TOKEN_RESPONSE: usize = 64 * 1024;

impl Session {
    /// Makes attempts until one succeeds, one fails permanently, or the call would time out before
    /// the next.
    pub(crate) fn run<T>(
        &self,
        context: &mut CallContext,
        attempt: impl FnMut(&mut CallContext) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _current = context.cancellation.enter();
        let _active = context.active.enter();
        self.retry_policy.run(context, attempt)
    }

    /// Makes one attempt. The caller has checked that the call goes on, and makes the next attempt
    /// when it is due.
    pub(crate) fn attempt<T>(
        &self,
        context: &mut CallContext,
        attempt: impl FnOnce(&mut CallContext) -> Result<T, Error>,
    ) -> Result<Attempt<T>, Error> {
        let _current = context.cancellation.enter();
        let _active = context.active.enter();
        self.retry_policy.attempt(context, attempt)
    }

    /// Sends a GET request for JSON, and returns the response and its body. A status other than
    /// 200 is an error.
    pub(crate) fn get_json(
        &self,
        path: &str,
        context: &CallContext,
    ) -> Result<(SessionResponse, Vec<u8>), Error> {
        let response = self.get(path, context)?;
        self.read_json(response)
    }

    /// Sends an authorized GET request. A token that the server rejects is renewed once, if that
    /// is possible.
    pub(crate) fn get(&self, path: &str, context: &CallContext) -> Result<SessionResponse, Error> {
        let endpoint = self.endpoint(context)?;
        let token = self.token(None, &endpoint, context)?;
        let response = self.follow(&endpoint, path, token.clone(), context);
        if retry::renews_token(&response, SessionResponse::status)
            && let Some(rejected) = &token
            && let Some(renewed) = self.token(Some(rejected), &endpoint, context)?
        {
            return self.follow(&endpoint, path, Some(renewed), context);
        }
        response
    }

    fn token(
        &self,
        rejected: Option<&Secret>,
        endpoint: &Arc<Endpoint>,
        context: &CallContext,
    ) -> Result<Option<Secret>, Error> {
        let login = |body: &[u8]| self.log_in(endpoint, body, context);
        self.tokens
            .get(rejected, &context.active, &context.cancellation, login)
            // The error text of a token provider may contain secrets.
            .map_err(|error| match error.http_status() {
                None if error.kind() == ErrorKind::Authentication => {
                    error.map_message(|text| self.secrets().one_line(text, MAX_MESSAGE))
                }
                _ => error,
            })
    }

    fn log_in(
        &self,
        endpoint: &Arc<Endpoint>,
        body: &[u8],
        context: &CallContext,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let url = endpoint.base_url.url("/api/token");
        let redactor = self.secrets();
        let response = endpoint.send(&url, None, Some(body), context.attempt, &redactor)?;
        let mut response = SessionResponse {
            response,
            endpoint: endpoint.clone(),
            token: None,
        };
        // A buffer that grows would leave unwiped copies of the token behind.
        let mut body = Zeroizing::new(Vec::with_capacity(MAX_TOKEN_RESPONSE));
        let read = response
            .body()
            .take(MAX_TOKEN_RESPONSE as u64)
            .read_to_end(&mut body);
        let is_too_long = body.len() == MAX_TOKEN_RESPONSE;
        if response.status() != 200 {
            return Err(self
                .raw_error(&response, &body, &redactor)
                .into_login_error());
        }
        match read {
            Ok(_) if is_too_long => {
                let message = "the server's response to the login is longer than 64 KiB";
                Err(Error::malformed_body(message, None))
            }
            Ok(_) => match self.rate_limit(&response, &body) {
                Some(error) => Err(error),
                None => Ok(body),
            },
            Err(error) => Err(self.interrupted(error, &response)),
        }
    }

    /// Sends a GET request and follows redirects within the origin.
    fn follow(
        &self,
        endpoint: &Arc<Endpoint>,
        path: &str,
        token: Option<Secret>,
        context: &CallContext,
    ) -> Result<SessionResponse, Error> {
        let mut url = endpoint.base_url.url(path);
        let mut redactor = self.secrets();
        if let Some(token) = &token {
            redactor.add(token, "[token]");
        }
        for _ in 0..=MAX_REDIRECTS {
            let response = endpoint.send(&url, token.as_ref(), None, context.attempt, &redactor)?;
            let location = match response.status {
                301 | 302 | 303 | 307 | 308 => response.headers.get(LOCATION),
                _ => None,
            };
            let redirect =
                location.map(|to| endpoint.base_url.resolve_redirect(&url, to.as_bytes()));
            let error_response = |message: String| {
                let message = redactor.one_line(&message, MAX_MESSAGE);
                ErrorResponse::new(response.status, Some(message))
            };
            match redirect {
                None => {
                    return Ok(SessionResponse {
                        response,
                        endpoint: endpoint.clone(),
                        token,
                    });
                }
                Some(Redirect::Within(target)) => url = target,
                Some(Redirect::ToLogin(page)) => {
                    let message = format!("a redirect to the server's login page, {page}");
                    let mut rejected = error_response(message);
                    rejected.advice = self.tokens.advice();
                    return Err(Error::from_response_as(ErrorKind::Authentication, rejected));
                }
                Some(Redirect::Elsewhere(target)) => {
                    let message =
                        format!("a redirect to another origin, {target}, which is not followed");
                    return Err(Error::from_response(error_response(message)));
                }
            }
        }
        let message = format!("more than {MAX_REDIRECTS} redirects in a row");
        Err(Error::from_response(ErrorResponse::new(302, Some(message))))
    }

    fn endpoint(&self, context: &CallContext) -> Result<Arc<Endpoint>, Error> {
        match &self.location {
            ServerLocation::Known(endpoint) => Ok(endpoint.clone()),
            ServerLocation::OfTeam(team, found) => {
                let look_up = || {
                    let base_url = self.look_up(team, context)?;
                    Ok(Arc::new(Endpoint::new(base_url, &self.settings)?))
                };
                found.get(&context.active, &context.cancellation, |_| true, look_up)
            }
        }
    }

    fn look_up(&self, team: &Team, context: &CallContext) -> Result<BaseUrl, Error> {
        let response = self.follow(&team.lookup, &team.path(), None, context)?;
        let (response, body) = self.read_json(response)?;
        match self.rate_limit(&response, &body) {
            Some(error) => Err(error),
            None => team.base_url(&body, self.allow_plain_http, &self.secrets()),
        }
    }

    /// Reads a body that is not a file, up to [`MAX_JSON`] bytes. A status other than 200 is an
    /// error.
    fn read_json(
        &self,
        mut response: SessionResponse,
    ) -> Result<(SessionResponse, Vec<u8>), Error> {
        if response.status() != 200 {
            return Err(self.error(response));
        }
        let mut body = Vec::new();
        response
            .body()
            .take(MAX_JSON)
            .read_to_end(&mut body)
            .map_err(|error| self.interrupted(error, &response))?;
        Ok((response, body))
    }

    /// Returns the error for a body that could not be read completely.
    pub(crate) fn interrupted(&self, error: io::Error, response: &SessionResponse) -> Error {
        let endpoint = &response.endpoint;
        let failure = endpoint.transport.explain_body(error);
        endpoint.error(failure, &self.redactor(response))
    }

    /// Returns the error for a response with a status other than 200.
    pub(crate) fn error(&self, mut response: SessionResponse) -> Error {
        // One allocation, which is wiped: the body may repeat secrets that were sent.
        let mut body = Zeroizing::new(Vec::with_capacity(server_message::MAX_READ as usize));
        // An incomplete body may still contain the reason.
        let _ = response
            .body()
            .take(server_message::MAX_READ)
            .read_to_end(&mut body);
        let redactor = self.redactor(&response);
        self.raw_error(&response, &body, &redactor).into_error()
    }

    /// Returns the error if a response with status 200 reports a rate limit.
    pub(crate) fn rate_limit(&self, response: &SessionResponse, body: &[u8]) -> Option<Error> {
        let head = &body[..body.len().min(server_message::MAX_READ as usize)];
        let redactor = self.redactor(response);
        self.raw_error(response, head, &redactor).rate_limit()
    }

    fn raw_error<'a>(
        &self,
        response: &'a SessionResponse,
        body: &'a [u8],
        redactor: &'a Redactor,
    ) -> RawErrorResponse<'a> {
        RawErrorResponse {
            status: response.status(),
            headers: &response.response.headers,
            body,
            redactor,
            advice: self.tokens.advice(),
        }
    }

    /// Returns the redactor for text that came with `response`.
    pub(crate) fn redactor(&self, response: &SessionResponse) -> Redactor {
        let mut redactor = self.secrets();
        if let Some(token) = &response.token {
            redactor.add(token, "[token]");
        }
        redactor
    }

    /// Returns the redactor for the secrets that this client has used recently.
    fn secrets(&self) -> Redactor {
        let mut redactor = Redactor::default();
        self.tokens.add_secrets(&mut redactor);
        redactor
    }
}

impl SessionResponse {
    pub(crate) fn status(&self) -> u16 {
        self.response.status
    }

    pub(crate) fn body(&mut self) -> &mut Body {
        &mut self.response.body
    }
}
