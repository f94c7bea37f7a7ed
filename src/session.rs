//! Every authorised call: where it goes, with which token, and what the
//! server's refusals mean.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU8, Ordering};

use http::header::{CONTENT_ENCODING, HeaderValue};
use zeroize::Zeroizing;

use crate::error::Refusal;
use crate::server::Server;
use crate::server_message;
use crate::transport::{Failure, Response, Transport};
use crate::{Error, ErrorKind, JobId};

pub(crate) struct Session {
    transport: Transport,
    server: Server,
    token: Zeroizing<String>,
    /// How this server wants to be asked for an output file, once that is known.
    known_form: AtomicU8,
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

impl Session {
    pub(crate) fn new(server: Server, token: Zeroizing<String>) -> Result<Self, Error> {
        check_token(&token)?;
        Ok(Self {
            transport: Transport::new(),
            server,
            token,
            known_form: AtomicU8::new(Form::Unknown as u8),
        })
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// The answer with a job's output file. Asks in the documented form; where
    /// the server does not know that, in the other, once.
    pub(crate) fn output_file(&self, job: JobId) -> Result<Response, Error> {
        let form = self.form();
        let first = self.get(&form.path(job), job)?;
        self.learn(form, first.status);
        if first.status == 200 {
            return checked(first, job);
        }
        let asks_again = form == Form::Unknown && is_unknown_to_server(first.status);
        let refusal = self.refusal(first, job);
        if !asks_again {
            return Err(refusal);
        }
        let second = self.get(&Form::Query.path(job), job)?;
        self.learn(Form::Query, second.status);
        match second.status {
            200 => checked(second, job),
            // Neither form was taken: "not found" says more than "not allowed".
            405 => Err(refusal),
            _ => Err(self.refusal(second, job)),
        }
    }

    fn form(&self) -> Form {
        match self.known_form.load(Ordering::Relaxed) {
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
            self.known_form.store(form as u8, Ordering::Relaxed);
        }
    }

    fn get(&self, path: &str, job: JobId) -> Result<Response, Error> {
        let text = Zeroizing::new(format!("Bearer {}", *self.token));
        let mut authorization = HeaderValue::from_str(&text)
            .map_err(|_| Error::Internal("the token was checked, yet is no header".into()))?;
        // Keeps it out of debug output.
        authorization.set_sensitive(true);
        self.transport
            .get(&self.server.url(path), authorization)
            .map_err(|failure| self.failed(failure, job))
    }

    /// The error for an answer that could not be had, or not as a whole.
    fn failed(&self, failure: Failure, job: JobId) -> Error {
        let Failure { kind, what, source } = failure;
        let host = self.server.host();
        let job = Some(job.get());
        match kind {
            ErrorKind::Tls => Error::Tls {
                job,
                message: format!("no trusted connection to {host}: {what}"),
                source,
            },
            ErrorKind::Timeout => Error::Timeout {
                job,
                message: format!("no answer from {host} in time: {what}"),
            },
            _ => Error::Connection {
                job,
                message: format!("no complete answer from {host}: {what}"),
                source,
            },
        }
    }

    /// The error for a body that could not be read to its end.
    pub(crate) fn interrupted(&self, error: io::Error, job: JobId) -> Error {
        self.failed(Failure::from_body(error), job)
    }

    /// The error for an answer other than 200, with the server's own words.
    fn refusal(&self, mut response: Response, job: JobId) -> Error {
        let mut body = Vec::new();
        // What came before the connection broke may still say why.
        let _ = (&mut response.body)
            .take(server_message::ENOUGH)
            .read_to_end(&mut body);
        let message = server_message::dig(&body).map(|message| self.redacted(message));
        let is_rate_limit = message
            .as_deref()
            .is_some_and(server_message::is_rate_limit);
        let refusal = Refusal {
            job: Some(job.get()),
            status: response.status,
            message,
        };
        Error::from_refusal(refusal, is_rate_limit)
    }

    /// `text` without the token: some servers and proxies repeat what they were sent.
    pub(crate) fn redacted(&self, text: String) -> String {
        text.replace(self.token.as_str(), "[token]")
    }
}

fn is_unknown_to_server(status: u16) -> bool {
    matches!(status, 404 | 405)
}

/// Refuses a content encoding that was not asked for and cannot be undone.
fn checked(response: Response, job: JobId) -> Result<Response, Error> {
    match response.headers.get(CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            Err(Error::MalformedBody {
                job: Some(job.get()),
                offset: None,
                message: format!(
                    "the server sent the file in a content encoding that was not asked for: {}",
                    encoding.as_bytes().escape_ascii()
                ),
            })
        }
        _ => Ok(response),
    }
}

/// A token must fit a header (RFC 6750 section 2.1) and be alone.
fn check_token(token: &str) -> Result<(), Error> {
    if token.is_empty() {
        return Err(Error::InvalidArgument("the token is empty".into()));
    }
    if token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Error::InvalidArgument(
        "the token holds a blank or another character that no token has; \
         give the token alone, without \"Bearer\""
            .into(),
    ))
}
