//! The details of an error besides its kind.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::ErrorKind;
use crate::model::{JobStatus, QueuedJob};
use crate::text::{MAX_MESSAGE, one_line};

/// The details of an error, besides its kind.
#[derive(Debug, Clone)]
pub(super) enum Detail {
    /// A message.
    Message(String),
    /// A response that is not what was requested.
    Response(ErrorResponse),
    /// A job that ended without success, or is on hold.
    Job(Box<JobFailure>),
    /// A body that is not a file.
    Body {
        message: String,
        /// Where the body is malformed, in bytes from its start, if that is one place.
        offset: Option<u64>,
    },
    /// A limit in bytes that the file exceeds.
    Limit(u64),
    /// An error of the operating system.
    Io {
        /// What was attempted, with the path.
        action: String,
        path: Option<PathBuf>,
        cause: Arc<io::Error>,
    },
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) | Self::Body { message, .. } => f.write_str(message),
            Self::Response(response) => response.fmt(f),
            Self::Job(failure) => failure.fmt(f),
            Self::Limit(limit) => {
                write!(f, "the file is larger than the limit of {limit} bytes")
            }
            Self::Io { action, cause, .. } => write!(f, "{action}: {cause}"),
        }
    }
}

/// A response that is not what was requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ErrorResponse {
    /// The HTTP status code.
    pub(crate) status: u16,
    /// The server's own message, on one line.
    pub(crate) message: Option<String>,
    /// How long to wait before the next call: the time that the server specifies, or else the
    /// backoff for which the call had no time left.
    pub(crate) retry_after: Option<Duration>,
    /// What the user can do about it. May be empty.
    pub(crate) advice: &'static str,
    /// Whether the server's message is that it could not find what was requested.
    pub(crate) could_not_find: bool,
    /// Whether the response reports a rate limit, whatever its status.
    pub(crate) is_rate_limit: bool,
}

impl ErrorResponse {
    pub(crate) fn new(status: u16, message: Option<String>) -> Self {
        Self {
            status,
            message,
            retry_after: None,
            advice: "",
            could_not_find: false,
            is_rate_limit: status == 429,
        }
    }

    /// Returns whether the same request may succeed later: the server is busy or restarting, or a
    /// proxy or content delivery network did not reach it (520 to 524 and 530 are Cloudflare's).
    pub(crate) fn is_transient(&self) -> bool {
        self.is_rate_limit || matches!(self.status, 408 | 425 | 429 | 502..=504 | 520..=524 | 530)
    }

    /// Returns the status with its reason phrase, such as `404 Not Found`.
    pub(crate) fn status_text(&self) -> String {
        let status = http::StatusCode::from_u16(self.status).ok();
        match status.and_then(|status| status.canonical_reason()) {
            Some(reason) => format!("{} {reason}", self.status),
            None => self.status.to_string(),
        }
    }

    /// Returns the kind of the error that the response is.
    pub(super) fn kind(&self) -> ErrorKind {
        match self.status {
            _ if self.is_rate_limit => ErrorKind::RateLimited,
            401 => ErrorKind::Authentication,
            403 => ErrorKind::Forbidden,
            404 => ErrorKind::NotFound,
            500..=599 => ErrorKind::Server,
            _ => ErrorKind::UnexpectedStatus,
        }
    }
}

impl fmt::Display for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status_text();
        write!(f, "the server responded with {status}")?;
        let repeats_status = |message: &&String| {
            let message = message.trim_end_matches(['.', '!']).to_ascii_lowercase();
            status.to_ascii_lowercase().ends_with(&message)
        };
        if let Some(message) = self
            .message
            .as_ref()
            .filter(|message| !repeats_status(message))
        {
            write!(f, ": {message}")?;
        }
        if !self.advice.is_empty() {
            write!(f, " ({})", self.advice)?;
        }
        match self.retry_after.filter(|wait| !wait.is_zero()) {
            Some(wait) => write!(f, " (try again in {} s)", wait.as_secs_f64().ceil()),
            None => Ok(()),
        }
    }
}

/// A job that ended without success, or is on hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JobFailure {
    /// The job, with its status and its own message.
    pub(crate) job: QueuedJob,
    /// The first error lines of its log, if they could be downloaded.
    pub(crate) log: Vec<String>,
}

impl fmt::Display for JobFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, log } = self;
        match job.status {
            JobStatus::OnHold => f.write_str("the job is on hold until a user releases it")?,
            _ => write!(f, "the job ended as {}", job.status)?,
        }
        if let Some(message) = &job.error_message {
            write!(f, ": {}", one_line(message, MAX_MESSAGE))?;
        }
        for (index, line) in log.iter().enumerate() {
            f.write_str(if index == 0 { "; its log: " } else { " | " })?;
            f.write_str(line)?;
        }
        Ok(())
    }
}
