//! Every authorised call: where it goes, with which token, when it is tried
//! again, and what the server's refusals mean.

pub(crate) mod error_response;
pub(crate) mod reentry;
pub(crate) mod retry;
pub(crate) mod retry_after;

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::header::LOCATION;
use zeroize::Zeroizing;

use crate::call::Running;
use crate::credentials::{Tokens, authorization};
use crate::error::{About, Refusal};
use crate::queued_job::{JobResponse, QueuedJob, log_messages};
use crate::server::{Redirect, Server};
use crate::server_message;
use crate::single_flight::SingleFlight;
use crate::team::Team;
use crate::text::{MAX_MESSAGE, Redactor, Secret};
use crate::transport::{Body, Failure, Request, Response, Settings, Transport};
use crate::{Error, ErrorKind, JobId};

use error_response::ErrorResponse;
pub use retry::Retry;

pub(crate) struct Session {
    pub(crate) settings: Settings,
    pub(crate) allow_plain_http: bool,
    pub(crate) place: Place,
    pub(crate) tokens: Tokens,
    pub(crate) retry: Retry,
    pub(crate) known_route: KnownRoute,
}

/// Where the server is.
pub(crate) enum Place {
    Known(Arc<Endpoint>),
    /// To be found by the team's name, once.
    OfTeam(Team, SingleFlight<Arc<Endpoint>>),
}

/// A server and the way to it.
pub(crate) struct Endpoint {
    pub(crate) server: Server,
    pub(crate) transport: Transport,
}

impl Endpoint {
    pub(crate) fn new(server: Server, settings: &Settings) -> Result<Self, Error> {
        let target = server.uri();
        let transport = Transport::new(settings, &target).map_err(Error::InvalidArgument)?;
        Ok(Self { server, transport })
    }

    fn send(
        &self,
        url: &str,
        token: Option<&Secret>,
        json: Option<&[u8]>,
        attempt: u32,
        redactor: &Redactor,
    ) -> Result<Response, Error> {
        let request = Request {
            redactor,
            url,
            authorization: token.map(authorization).transpose()?,
            json,
            attempt,
            uses_pool: json.is_none(),
            accepts_gzip: json.is_none(),
        };
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
        outcome.map_err(|failure| self.failed(failure, redactor))
    }

    /// The error for an answer that could not be had, or not as a whole.
    fn failed(&self, failure: Failure, redactor: &Redactor) -> Error {
        let Failure {
            kind,
            what,
            is_transient,
            is_stale: _,
        } = failure;
        let host = self.server.host();
        let what = redactor.one_line(&what, MAX_MESSAGE);
        let about = About::default();
        match kind {
            ErrorKind::Cancelled => Error::Cancelled { about },
            ErrorKind::Tls => Error::Tls {
                about,
                message: format!("no trusted connection to {host}: {what}"),
                source: None,
            },
            ErrorKind::Timeout => Error::Timeout {
                about,
                message: format!("no answer from {host} in time: {what}"),
            },
            ErrorKind::MalformedBody => Error::MalformedBody {
                about,
                offset: None,
                message: what,
            },
            _ => Error::Connection {
                about,
                message: format!("no complete answer from {host}: {what}"),
                source: None,
                retry_may_help: is_transient,
            },
        }
    }
}

/// The answer to an authorised request.
pub(crate) struct Answer {
    pub(crate) response: Response,
    endpoint: Arc<Endpoint>,
    /// The token that was sent, which some servers and proxies repeat.
    token: Option<Secret>,
}

/// A way to request an output file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `OutputFile/{id}`, the documented one.
    Path,
    /// `OutputFile?id={id}`, the one of the server's own API description.
    Query,
}

impl Route {
    fn path(self, job: JobId) -> String {
        match self {
            Self::Path => format!("/api/QueuedJobs/OutputFile/{job}"),
            Self::Query => format!("/api/QueuedJobs/OutputFile?id={job}"),
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Path => Self::Query,
            Self::Query => Self::Path,
        }
    }
}

/// The route by which the server sent a file last.
#[derive(Default)]
pub(crate) struct KnownRoute {
    is_query: AtomicBool,
}

impl KnownRoute {
    fn get(&self) -> Route {
        match self.is_query.load(Ordering::Relaxed) {
            true => Route::Query,
            false => Route::Path,
        }
    }

    fn set(&self, route: Route) {
        self.is_query
            .store(route == Route::Query, Ordering::Relaxed);
    }
}

/// The maximum number of redirects in a row.
const MAX_REDIRECTS: usize = 5;

/// The maximum length of a response that is no file, in bytes.
const MAX_JSON: u64 = 4 * 1024 * 1024;

/// The maximum length of a response to a login, in bytes.
const MAX_TOKEN_RESPONSE: usize = 64 * 1024;

impl Session {
    /// Attempts something until it succeeds, fails for good, or the call's time does not
    /// allow for another attempt.
    pub(crate) fn run<T>(
        &self,
        running: &mut Running,
        attempt: impl FnMut(&mut Running) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _watch = running.watch.enter();
        let _active = running.active.enter();
        self.retry.run(running, attempt)
    }

    /// Returns the response with a job's output file. Requests it by the route that has
    /// worked before, at first by the documented one; where the server does not know that,
    /// by the other.
    pub(crate) fn output_file(&self, running: &Running) -> Result<Answer, Error> {
        let route = self.known_route.get();
        let first = self.get(&route.path(running.job), running)?;
        if !retry::takes_other_route(first.response.status) {
            return self.file_response(first, route);
        }
        let second = self.get(&route.other().path(running.job), running)?;
        match (first.response.status, second.response.status) {
            // "Not found" says more than "not allowed".
            (404, 404 | 405) | (405, 405) => Err(self.refusal(first)),
            _ => self.file_response(second, route.other()),
        }
    }

    fn file_response(&self, answer: Answer, route: Route) -> Result<Answer, Error> {
        if answer.response.status != 200 {
            return Err(self.refusal(answer));
        }
        // Only a file shows that the server knows the route.
        self.known_route.set(route);
        Ok(answer)
    }

    /// What the server tells of the call's job.
    pub(crate) fn queued_job(&self, running: &Running) -> Result<QueuedJob, Error> {
        let job = running.job;
        let (answer, body) = self.json(&format!("/api/QueuedJobs/{job}"), running)?;
        let redactor = self.redactor(&answer);
        let message = match QueuedJob::from_json(job, &body, &redactor) {
            JobResponse::Job(job) => return Ok(*job),
            JobResponse::NoStatus => "the server's response gives the job no status".to_owned(),
            JobResponse::NotAJob => {
                if let Some(error) = self.rate_limit(&answer, &body) {
                    return Err(error);
                }
                let words = server_message::evident_message(&body).unwrap_or_default();
                let words = redactor.one_line(&words, MAX_MESSAGE);
                format!("the server sent no job: {words}")
            }
        };
        Err(Error::NoFile {
            about: About::default(),
            message,
        })
    }

    /// The first error lines of the log of the call's job.
    pub(crate) fn error_log(&self, running: &Running) -> Result<Vec<String>, Error> {
        const SHOWN: usize = 5;
        let path = format!(
            "/api/QueuedJobs/{}/Logs?model.isError=true&model.pageSize=50&model.pageNumber=1",
            running.job
        );
        let (answer, body) = self.json(&path, running)?;
        let messages = log_messages(&body, SHOWN, &self.redactor(&answer));
        Ok(messages.unwrap_or_default())
    }

    /// An answer that should be JSON, with its body.
    fn json(&self, path: &str, running: &Running) -> Result<(Answer, Vec<u8>), Error> {
        let mut answer = self.get(path, running)?;
        if answer.response.status != 200 {
            return Err(self.refusal(answer));
        }
        let body = self.read_small(&mut answer)?;
        Ok((answer, body))
    }

    /// An authorized request. A token that is refused is renewed, once, if there is a way to.
    fn get(&self, path: &str, running: &Running) -> Result<Answer, Error> {
        let endpoint = self.endpoint(running)?;
        let token = self.token(None, &endpoint, running)?;
        let answer = self.follow(&endpoint, path, token.clone(), running);
        if retry::renews_token(&answer, |answer| answer.response.status)
            && let Some(refused) = &token
            && let Some(renewed) = self.token(Some(refused), &endpoint, running)?
        {
            return self.follow(&endpoint, path, Some(renewed), running);
        }
        answer
    }

    fn token(
        &self,
        refused: Option<&Secret>,
        endpoint: &Arc<Endpoint>,
        running: &Running,
    ) -> Result<Option<Secret>, Error> {
        let login = |body: &[u8]| self.log_in(endpoint, body, running);
        self.tokens
            .get(refused, &running.active, &running.watch, login)
            .map_err(|error| match error {
                Error::NoToken { about, message } => Error::NoToken {
                    about,
                    message: self.secrets().one_line(&message, MAX_MESSAGE),
                },
                other => other,
            })
    }

    fn log_in(
        &self,
        endpoint: &Arc<Endpoint>,
        body: &[u8],
        running: &Running,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let url = endpoint.server.url("/api/token");
        let redactor = self.secrets();
        let response = endpoint.send(&url, None, Some(body), running.attempt, &redactor)?;
        let mut answer = Answer {
            response,
            endpoint: endpoint.clone(),
            token: None,
        };
        // All in one allocation: a buffer that grows leaves copies of the token behind.
        let mut body = Zeroizing::new(Vec::with_capacity(MAX_TOKEN_RESPONSE));
        let read = answer
            .body()
            .take(MAX_TOKEN_RESPONSE as u64)
            .read_to_end(&mut body);
        let is_too_long = body.len() == MAX_TOKEN_RESPONSE;
        if answer.response.status != 200 {
            return Err(self
                .error_response(&answer, &body, &redactor)
                .into_login_error());
        }
        match read {
            Ok(_) if is_too_long => Err(Error::MalformedBody {
                about: About::default(),
                offset: None,
                message: "the server's response to the login is longer than 64 KiB".into(),
            }),
            Ok(_) => match self.rate_limit(&answer, &body) {
                Some(error) => Err(error),
                None => Ok(body),
            },
            Err(error) => Err(self.interrupted(error, &answer)),
        }
    }

    /// A GET, redirects within the origin followed.
    fn follow(
        &self,
        endpoint: &Arc<Endpoint>,
        path: &str,
        token: Option<Secret>,
        running: &Running,
    ) -> Result<Answer, Error> {
        let mut url = endpoint.server.url(path);
        let mut redactor = self.secrets();
        if let Some(token) = &token {
            redactor.add(token, "[token]");
        }
        for _ in 0..=MAX_REDIRECTS {
            let response = endpoint.send(&url, token.as_ref(), None, running.attempt, &redactor)?;
            let location = match response.status {
                301 | 302 | 303 | 307 | 308 => response.headers.get(LOCATION),
                _ => None,
            };
            let redirect = location.map(|to| endpoint.server.redirect(&url, to.as_bytes()));
            let refused = |message: String| {
                Refusal::new(
                    response.status,
                    Some(redactor.one_line(&message, MAX_MESSAGE)),
                )
            };
            match redirect {
                None => {
                    return Ok(Answer {
                        response,
                        endpoint: endpoint.clone(),
                        token,
                    });
                }
                Some(Redirect::Within(target)) => url = target,
                Some(Redirect::ToLogin(page)) => {
                    let refusal = refused(format!("it redirects to its login page, {page}"));
                    return Err(Error::Authentication(Refusal {
                        advice: self.tokens.advice(),
                        ..refusal
                    }));
                }
                Some(Redirect::Elsewhere(target)) => {
                    let refusal = refused(format!(
                        "it redirects to another origin, {target}, which was not followed"
                    ));
                    return Err(Error::UnexpectedStatus(refusal));
                }
            }
        }
        let message = format!("it redirects more than {MAX_REDIRECTS} times");
        Err(Error::UnexpectedStatus(Refusal::new(302, Some(message))))
    }

    fn endpoint(&self, running: &Running) -> Result<Arc<Endpoint>, Error> {
        match &self.place {
            Place::Known(endpoint) => Ok(endpoint.clone()),
            Place::OfTeam(team, found) => {
                let look_up = || {
                    let server = self.find_server(team, running)?;
                    Ok(Arc::new(Endpoint::new(server, &self.settings)?))
                };
                found.get(&running.active, &running.watch, |_| true, look_up)
            }
        }
    }

    fn find_server(&self, team: &Team, running: &Running) -> Result<Server, Error> {
        let mut answer = self.follow(&team.directory, &team.path(), None, running)?;
        if answer.response.status != 200 {
            return Err(self.refusal(answer));
        }
        let body = self.read_small(&mut answer)?;
        match self.rate_limit(&answer, &body) {
            Some(error) => Err(error),
            None => team.server(&body, self.allow_plain_http, &self.secrets()),
        }
    }

    /// A body that is no file.
    fn read_small(&self, answer: &mut Answer) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        answer
            .body()
            .take(MAX_JSON)
            .read_to_end(&mut body)
            .map_err(|error| self.interrupted(error, answer))?;
        Ok(body)
    }

    /// The error for a body that could not be read to its end.
    pub(crate) fn interrupted(&self, error: io::Error, answer: &Answer) -> Error {
        let endpoint = &answer.endpoint;
        let failure = endpoint.transport.explain_body(error);
        endpoint.failed(failure, &self.redactor(answer))
    }

    /// The error for an answer other than 200, with the server's own words.
    fn refusal(&self, mut answer: Answer) -> Error {
        // All in one allocation that is wiped: it may repeat what was sent.
        let mut body = Zeroizing::new(Vec::with_capacity(server_message::ENOUGH as usize));
        // What came before the connection broke may still say why.
        let _ = answer
            .body()
            .take(server_message::ENOUGH)
            .read_to_end(&mut body);
        let redactor = self.redactor(&answer);
        self.error_response(&answer, &body, &redactor).into_error()
    }

    /// The error where a response with status 200 reports a rate limit.
    pub(crate) fn rate_limit(&self, answer: &Answer, body: &[u8]) -> Option<Error> {
        let head = &body[..body.len().min(server_message::ENOUGH as usize)];
        let redactor = self.redactor(answer);
        self.error_response(answer, head, &redactor).rate_limit()
    }

    fn error_response<'a>(
        &self,
        answer: &'a Answer,
        body: &'a [u8],
        redactor: &'a Redactor,
    ) -> ErrorResponse<'a> {
        ErrorResponse {
            status: answer.response.status,
            headers: &answer.response.headers,
            body,
            redactor,
            advice: self.tokens.advice(),
        }
    }

    /// Returns the redactor for text that came with `answer`.
    pub(crate) fn redactor(&self, answer: &Answer) -> Redactor {
        let mut redactor = self.secrets();
        if let Some(token) = &answer.token {
            redactor.add(token, "[token]");
        }
        redactor
    }

    /// Returns the redactor for every secret that this client has had lately.
    fn secrets(&self) -> Redactor {
        let mut redactor = Redactor::default();
        self.tokens.add_secrets(&mut redactor);
        redactor
    }
}

impl Answer {
    pub(crate) fn body(&mut self) -> &mut Body {
        &mut self.response.body
    }
}
