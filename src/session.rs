//! Every authorised call: where it goes, with which token, when it is tried
//! again, and what the server's refusals mean.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use http::header::{CONTENT_ENCODING, LOCATION};

use crate::call::Running;
use crate::credentials::{Tokens, authorization};
use crate::error::{About, Refusal};
use crate::queued_job::{JobResponse, QueuedJob, log_messages};
use crate::retry::{self, Retry};
use crate::server::{Redirect, Server};
use crate::server_message;
use crate::single_flight::SingleFlight;
use crate::team::Team;
use crate::text::{MAX_MESSAGE, Redactor, Secret};
use crate::transport::{Body, Failure, Request, Response, Settings, Transport, is_gzip};
use crate::{Error, ErrorKind, JobId};

pub(crate) struct Session {
    pub(crate) settings: Settings,
    pub(crate) allow_plain_http: bool,
    pub(crate) place: Place,
    pub(crate) tokens: Tokens,
    pub(crate) retry: Retry,
    /// How this server wants to be asked for an output file, once that is known.
    pub(crate) known_form: KnownForm,
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
    ) -> Result<Response, Error> {
        let request = Request {
            url,
            authorization: token.map(authorization).transpose()?,
            json,
            attempt,
            uses_pool: json.is_none(),
            accepts_gzip: json.is_none(),
        };
        let mut outcome = self.transport.send(&request);
        // A pooled connection may be closed just as it is taken. What has no effect may then
        // be sent once more (RFC 9112 section 9.3.1).
        if matches!(&outcome, Err(failure) if failure.is_stale) {
            outcome = self.transport.send(&request);
        }
        outcome.map_err(|failure| self.failed(failure))
    }

    /// The error for an answer that could not be had, or not as a whole.
    fn failed(&self, failure: Failure) -> Error {
        let Failure {
            kind,
            what,
            source,
            is_transient,
            is_stale: _,
        } = failure;
        let host = self.server.host();
        let about = About::default();
        match kind {
            ErrorKind::Cancelled => Error::Cancelled { about },
            ErrorKind::Tls => Error::Tls {
                about,
                message: format!("no trusted connection to {host}: {what}"),
                source,
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
                source,
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

/// How a server wants to be asked for an output file.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Form {
    Unknown,
    /// `OutputFile/{id}`, the documented one.
    Path,
    /// `OutputFile?id={id}`, the one of the server's own API description.
    Query,
}

impl Form {
    fn path(self, job: JobId) -> String {
        match self {
            Self::Unknown | Self::Path => format!("/api/QueuedJobs/OutputFile/{job}"),
            Self::Query => format!("/api/QueuedJobs/OutputFile?id={job}"),
        }
    }
}

/// The form that a server was seen to know.
#[derive(Default)]
pub(crate) struct KnownForm(AtomicU8);

impl KnownForm {
    fn get(&self) -> Form {
        match self.0.load(Ordering::Relaxed) {
            form if form == Form::Path as u8 => Form::Path,
            form if form == Form::Query as u8 => Form::Query,
            _ => Form::Unknown,
        }
    }

    /// A file shows that the server knows the form; so does a 500, which is how
    /// it says that there is no such job.
    fn learn(&self, form: Form, status: u16) {
        if matches!(status, 200 | 500) {
            let form = match form {
                Form::Unknown => Form::Path,
                known => known,
            };
            self.0.store(form as u8, Ordering::Relaxed);
        }
    }
}

/// How many redirects in a row are followed.
const MOST_REDIRECTS: usize = 5;

/// The largest answer that is no file, in bytes.
const LARGEST_JSON: u64 = 4 * 1024 * 1024;

impl Session {
    /// Attempts something until it succeeds, fails for good, or the call's time
    /// does not allow for another attempt.
    pub(crate) fn run<T>(
        &self,
        running: &mut Running,
        mut attempt: impl FnMut(&mut Running) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _entered = running.watch.enter();
        running.attempt = 0;
        loop {
            running.check()?;
            running.attempt += 1;
            let error = match attempt(running) {
                Ok(outcome) => return Ok(outcome),
                Err(error) => error.of(running.about()),
            };
            if error.retry_may_help() {
                // Whatever it failed with: there is no next time for a call that was stopped.
                running.check()?;
            }
            if running.is_last_attempt {
                return Err(error);
            }
            let Some(wait) = self.retry.wait(&error, running.attempt) else {
                return Err(error);
            };
            match running.watch.left() {
                Some(left) if left <= wait => return Err(error.with_retry_after(wait)),
                _ => running.sleep(wait)?,
            }
        }
    }

    /// The answer with a job's output file. Asks in the documented form; where
    /// the server does not know that, in the other, once.
    pub(crate) fn output_file(&self, running: &Running) -> Result<Answer, Error> {
        let form = self.known_form.get();
        let first = self.get(&form.path(running.job), running)?;
        self.known_form.learn(form, first.response.status);
        if first.response.status == 200 {
            return self.checked(first);
        }
        let asks_again = form == Form::Unknown && is_unknown_to_server(first.response.status);
        let refusal = self.refusal(first);
        if !asks_again {
            return Err(refusal);
        }
        let second = self.get(&Form::Query.path(running.job), running)?;
        self.known_form.learn(Form::Query, second.response.status);
        match second.response.status {
            200 => self.checked(second),
            // Neither form was taken: "not found" says more than "not allowed".
            405 => Err(refusal),
            _ => Err(self.refusal(second)),
        }
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
                let words = server_message::evident_message(&body).unwrap_or_default();
                let words = redactor.one_line(&words, MAX_MESSAGE);
                format!("the server did not answer a job: {words}")
            }
        };
        Err(Error::MalformedBody {
            about: About::default(),
            offset: None,
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
        answer = self.checked(answer)?;
        let body = self.read_small(&mut answer)?;
        Ok((answer, body))
    }

    /// An authorised request. A token that is refused is renewed, once, if
    /// there is a way to.
    fn get(&self, path: &str, running: &Running) -> Result<Answer, Error> {
        let endpoint = self.endpoint(running)?;
        let token = self.token(None, &endpoint, running)?;
        let answer = self.follow(&endpoint, path, token.clone(), running);
        let is_refused = match &answer {
            Ok(answer) => answer.response.status == 401,
            Err(error) => error.kind() == ErrorKind::Authentication,
        };
        if is_refused
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
        self.tokens.get(refused, &running.watch, login)
    }

    fn log_in(
        &self,
        endpoint: &Arc<Endpoint>,
        body: &[u8],
        running: &Running,
    ) -> Result<Vec<u8>, Error> {
        let url = endpoint.server.url("/api/token");
        let response = endpoint.send(&url, None, Some(body), running.attempt)?;
        let mut answer = Answer {
            response,
            endpoint: endpoint.clone(),
            token: None,
        };
        match answer.response.status {
            200 => {}
            // RFC 6749 section 5.2 has 400 for wrong credentials.
            400 | 401 => return Err(self.refusal(answer).of_login()),
            _ => return Err(self.refusal(answer)),
        }
        self.read_small(&mut answer)
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
        for _ in 0..=MOST_REDIRECTS {
            let response = endpoint.send(&url, token.as_ref(), None, running.attempt)?;
            let location = match response.status {
                301 | 302 | 303 | 307 | 308 => response.headers.get(LOCATION),
                _ => None,
            };
            let redirect = location.map(|to| endpoint.server.redirect(&url, to.as_bytes()));
            let answer = Answer {
                response,
                endpoint: endpoint.clone(),
                token: token.clone(),
            };
            let refused = |message: String| {
                let message = self.redacted(message, &answer);
                Refusal::new(answer.response.status, Some(message))
            };
            match redirect {
                None => return Ok(answer),
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
        let message = format!("it redirects more than {MOST_REDIRECTS} times");
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
                found.get(&running.watch, |_| true, look_up)
            }
        }
    }

    fn find_server(&self, team: &Team, running: &Running) -> Result<Server, Error> {
        let mut answer = self.follow(&team.directory, &team.path(), None, running)?;
        if answer.response.status != 200 {
            return Err(self.refusal(answer));
        }
        let body = self.read_small(&mut answer)?;
        team.server(&body, self.allow_plain_http)
    }

    /// A body that is no file.
    fn read_small(&self, answer: &mut Answer) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        answer
            .body()
            .take(LARGEST_JSON)
            .read_to_end(&mut body)
            .map_err(|error| self.interrupted(error, answer))?;
        match self.rate_limit(answer, &body) {
            Some(error) => Err(error),
            None => Ok(body),
        }
    }

    /// The error for a body that could not be read to its end.
    pub(crate) fn interrupted(&self, error: io::Error, answer: &Answer) -> Error {
        let endpoint = &answer.endpoint;
        endpoint.failed(endpoint.transport.explain_body(error))
    }

    /// The error for an answer other than 200, with the server's own words.
    fn refusal(&self, mut answer: Answer) -> Error {
        let mut body = Vec::new();
        // What came before the connection broke may still say why.
        let _ = answer
            .body()
            .take(server_message::ENOUGH)
            .read_to_end(&mut body);
        self.refused(&answer, &body)
    }

    /// The error where an answer speaks of too many requests, whatever its status.
    pub(crate) fn rate_limit(&self, answer: &Answer, body: &[u8]) -> Option<Error> {
        let head = &body[..body.len().min(server_message::ENOUGH as usize)];
        let error = self.refused(answer, head);
        (error.kind() == ErrorKind::RateLimited).then_some(error)
    }

    fn refused(&self, answer: &Answer, body: &[u8]) -> Error {
        let response = &answer.response;
        let message = server_message::extract_message(body);
        let is_rate_limit = message
            .as_deref()
            .is_some_and(server_message::is_rate_limit);
        let message = message
            .map(|message| self.redactor(answer).one_line(&message, MAX_MESSAGE))
            .filter(|message| !message.is_empty());
        let mut refusal = Refusal::new(response.status, message);
        let may_pass = is_rate_limit || matches!(response.status, 408 | 429 | 502..=504);
        if may_pass {
            refusal.retry_after = retry::asked_for(&response.headers, body);
        }
        refusal.advice = match response.status {
            401 if !is_rate_limit => self.tokens.advice(),
            403 if !is_rate_limit => "the user lacks the permission",
            _ => "",
        };
        Error::from_refusal(refusal, is_rate_limit)
    }

    /// Refuses a content encoding that was not asked for and cannot be undone.
    fn checked(&self, answer: Answer) -> Result<Answer, Error> {
        match answer.response.headers.get(CONTENT_ENCODING) {
            Some(encoding)
                if !is_gzip(encoding.as_bytes())
                    && !encoding.as_bytes().eq_ignore_ascii_case(b"identity") =>
            {
                let message = format!(
                    "the server sent the answer in a content encoding that was not asked for: {}",
                    encoding.as_bytes().escape_ascii()
                );
                Err(Error::MalformedBody {
                    about: About::default(),
                    offset: None,
                    message: self.redacted(message, &answer),
                })
            }
            _ => Ok(answer),
        }
    }

    /// Returns the redactor for text that came with `answer`.
    pub(crate) fn redactor(&self, answer: &Answer) -> Redactor {
        let mut redactor = Redactor::default();
        if let Some(token) = &answer.token {
            redactor.add(token, "[token]");
        }
        if let Some(password) = self.tokens.password() {
            redactor.add(password, "[password]");
        }
        redactor
    }

    pub(crate) fn redacted(&self, text: String, answer: &Answer) -> String {
        self.redactor(answer).redact(&text).into_owned()
    }
}

impl Answer {
    pub(crate) fn body(&mut self) -> &mut Body {
        &mut self.response.body
    }
}

fn is_unknown_to_server(status: u16) -> bool {
    matches!(status, 404 | 405)
}
