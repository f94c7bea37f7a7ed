//! How errors are created, and how they get their context.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::detail::{Detail, ErrorResponse, JobFailure};
use super::{Context, Error, ErrorKind, Inner};
use crate::cancel::Stop;
use crate::model::{JobIdError, QueuedJob};

impl Error {
    fn new(kind: ErrorKind, detail: Detail) -> Self {
        Self(Box::new(Inner {
            kind,
            context: Context::default(),
            is_retryable: false,
            is_not_yet: false,
            detail,
        }))
    }

    fn message(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::new(kind, Detail::Message(message.into()))
    }

    pub(crate) fn invalid_argument(message: impl Into<String>) -> Self {
        Self::message(ErrorKind::InvalidArgument, message)
    }

    pub(crate) fn internal(message: impl fmt::Display) -> Self {
        let message = format!("internal error, please report it: {message}");
        Self::message(ErrorKind::Internal, message)
    }

    /// Returns the error for a token provider that returned no usable token.
    pub(crate) fn no_token(message: impl Into<String>) -> Self {
        Self::message(ErrorKind::Authentication, message)
    }

    pub(crate) fn connection(message: impl Into<String>, is_transient: bool) -> Self {
        let mut error = Self::message(ErrorKind::Connection, message);
        error.0.is_retryable = is_transient;
        error
    }

    pub(crate) fn tls(message: impl Into<String>) -> Self {
        Self::message(ErrorKind::Tls, message)
    }

    pub(crate) fn timeout(message: impl Into<String>) -> Self {
        let mut error = Self::message(ErrorKind::Timeout, message);
        error.0.is_retryable = true;
        error
    }

    pub(crate) fn cancelled() -> Self {
        Self::message(ErrorKind::Cancelled, "cancelled")
    }

    pub(crate) fn malformed_body(message: impl Into<String>, offset: Option<u64>) -> Self {
        let message = message.into();
        Self::new(ErrorKind::MalformedBody, Detail::Body { message, offset })
    }

    /// Returns the error for a response without a file, which may appear later.
    pub(crate) fn no_file(message: impl Into<String>) -> Self {
        let mut error = Self::malformed_body(message, None);
        error.0.is_not_yet = true;
        error
    }

    pub(crate) fn too_large(limit: u64) -> Self {
        Self::new(ErrorKind::TooLarge, Detail::Limit(limit))
    }

    /// Returns the error for an `action` that the operating system did not complete.
    pub(crate) fn io(action: impl Into<String>, path: Option<PathBuf>, cause: io::Error) -> Self {
        let detail = Detail::Io {
            action: action.into(),
            path,
            cause: Arc::new(cause),
        };
        Self::new(ErrorKind::Io, detail)
    }

    pub(crate) fn job_failed(job: QueuedJob, log: Vec<String>) -> Self {
        let context = Context {
            job_id: Some(job.id),
            attempts: 0,
        };
        let failure = Box::new(JobFailure { job, log });
        let mut error = Self::new(ErrorKind::JobFailed, Detail::Job(failure));
        error.0.context = context;
        error
    }

    pub(crate) fn from_response(response: ErrorResponse) -> Self {
        Self::from_response_as(response.kind(), response)
    }

    /// Returns the error of a kind that differs from that of the response's status.
    pub(crate) fn from_response_as(kind: ErrorKind, response: ErrorResponse) -> Self {
        let is_retryable = response.is_transient();
        let is_not_yet = response.could_not_find;
        let mut error = Self::new(kind, Detail::Response(response));
        error.0.is_retryable = is_retryable;
        error.0.is_not_yet = is_not_yet;
        error
    }

    /// Returns the same error with the context of a call. Invalid arguments, internal errors and
    /// failed jobs keep their own context.
    pub(crate) fn with_context(mut self, context: Context) -> Self {
        let is_independent = matches!(
            self.0.kind,
            ErrorKind::InvalidArgument | ErrorKind::Internal | ErrorKind::JobFailed
        );
        if !is_independent {
            self.0.context = context;
        }
        self
    }

    /// Returns the same error with the time until the next attempt, unless the response has one.
    pub(crate) fn with_retry_after(mut self, wait: Duration) -> Self {
        if let Detail::Response(response) = &mut self.0.detail {
            response.retry_after.get_or_insert(wait);
        }
        self
    }

    /// Returns the same error with its message changed by `change`. Errors without a message of
    /// their own stay the same.
    pub(crate) fn map_message(mut self, change: impl FnOnce(&str) -> String) -> Self {
        if let Detail::Message(message) | Detail::Body { message, .. } = &mut self.0.detail {
            *message = change(message);
        }
        self
    }

    /// Returns whether the server reported that there is no such job or file. It also does so for a
    /// moment after a job was submitted or has completed.
    pub(crate) fn is_not_yet(&self) -> bool {
        self.0.is_not_yet
    }
}

impl From<Stop> for Error {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Cancelled => Self::cancelled(),
            Stop::Deadline => Self::timeout(stop.to_string()),
        }
    }
}

impl From<JobIdError> for Error {
    fn from(error: JobIdError) -> Self {
        Self::invalid_argument(error.to_string())
    }
}

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
