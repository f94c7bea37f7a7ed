//! What can go wrong, and how it is told.

use std::error::Error as StdError;
use std::ffi::CStr;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// The kind of an [`Error`]: what a program decides by.
///
/// The numbers are the C interface's status codes. They only grow: a number
/// keeps its meaning for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument cannot be used; nothing was sent.
    InvalidArgument = 1,
    /// 401: the token is wrong or has expired.
    Authentication = 2,
    /// 403: the user may not do this.
    Forbidden = 3,
    /// 404: the server does not know this.
    NotFound = 4,
    /// 429, or "Too many requests" in the answer: too many calls from this IP address.
    RateLimited = 5,
    /// 500 to 599: the server failed, or does not know the job (yet).
    Server = 6,
    /// Any other status but 200.
    UnexpectedStatus = 7,
    /// No connection, or it broke before the answer was complete.
    Connection = 8,
    /// TLS: the certificate, or the handshake.
    Tls = 9,
    /// A time limit was met.
    Timeout = 10,
    /// The caller cancelled.
    Cancelled = 11,
    /// The answer is not a file in the expected form.
    MalformedBody = 12,
    /// The file is larger than the limit.
    TooLarge = 13,
    /// The file could not be kept: disk, memory, permissions.
    Io = 14,
    /// A defect of this library; please report it.
    Internal = 15,
}

impl ErrorKind {
    /// A few words that name the kind, in lower case.
    pub fn description(self) -> &'static str {
        self.description_for_c().to_str().unwrap_or_default()
    }

    pub(crate) fn description_for_c(self) -> &'static CStr {
        match self {
            Self::InvalidArgument => c"invalid argument",
            Self::Authentication => c"not authenticated",
            Self::Forbidden => c"forbidden",
            Self::NotFound => c"not found",
            Self::RateLimited => c"rate limited",
            Self::Server => c"server error",
            Self::UnexpectedStatus => c"unexpected status",
            Self::Connection => c"connection failed",
            Self::Tls => c"TLS failed",
            Self::Timeout => c"timed out",
            Self::Cancelled => c"cancelled",
            Self::MalformedBody => c"malformed body",
            Self::TooLarge => c"too large",
            Self::Io => c"input or output failed",
            Self::Internal => c"internal error",
        }
    }

    /// Every kind, in the order of the numbers.
    pub const ALL: [Self; 15] = [
        Self::InvalidArgument,
        Self::Authentication,
        Self::Forbidden,
        Self::NotFound,
        Self::RateLimited,
        Self::Server,
        Self::UnexpectedStatus,
        Self::Connection,
        Self::Tls,
        Self::Timeout,
        Self::Cancelled,
        Self::MalformedBody,
        Self::TooLarge,
        Self::Io,
        Self::Internal,
    ];
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description())
    }
}

/// What the server answered instead of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The job that was asked for, if the call was about one.
    pub job: Option<i32>,
    /// The HTTP status code.
    pub status: u16,
    /// The server's own words, dug out of the answer's body; at most some
    /// hundred characters.
    pub message: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}server answered {}", About(self.job), self.status)?;
        let reason = http::StatusCode::from_u16(self.status).ok();
        if let Some(reason) = reason.and_then(|status| status.canonical_reason()) {
            write!(f, " {reason}")?;
        }
        match &self.message {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}

/// The start of every message that concerns a job.
struct About(Option<i32>);

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(job) => write!(f, "job {job}: "),
            None => Ok(()),
        }
    }
}

/// The cause of an [`Error`], where another library or the system gave one.
pub type Source = Box<dyn StdError + Send + Sync>;

/// Why a call failed.
///
/// Its text says what happened, to which job, and what to do where that is
/// known. It never holds a token or a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// See [`ErrorKind::InvalidArgument`].
    #[error("{0}")]
    InvalidArgument(String),
    /// See [`ErrorKind::Authentication`].
    #[error("{0} (the token is wrong or has expired: get a new one)")]
    Authentication(Refusal),
    /// See [`ErrorKind::Forbidden`].
    #[error("{0} (the token's user lacks the permission)")]
    Forbidden(Refusal),
    /// See [`ErrorKind::NotFound`].
    #[error("{0}")]
    NotFound(Refusal),
    /// See [`ErrorKind::RateLimited`].
    #[error("{0}")]
    RateLimited(Refusal),
    /// See [`ErrorKind::Server`].
    #[error("{0}")]
    Server(Refusal),
    /// See [`ErrorKind::UnexpectedStatus`].
    #[error("{0}")]
    UnexpectedStatus(Refusal),
    /// See [`ErrorKind::Connection`].
    #[error("{}{message}", About(*.job))]
    Connection {
        /// The job that was asked for, if the call was about one.
        job: Option<i32>,
        /// What happened, with the host.
        message: String,
        /// The cause, where the system or the HTTP library gave one.
        source: Option<Source>,
    },
    /// See [`ErrorKind::Tls`].
    #[error("{}{message}", About(*.job))]
    Tls {
        /// The job that was asked for, if the call was about one.
        job: Option<i32>,
        /// What happened, with the host.
        message: String,
        /// The cause, where the TLS library gave one.
        source: Option<Source>,
    },
    /// See [`ErrorKind::Timeout`].
    #[error("{}{message}", About(*.job))]
    Timeout {
        /// The job that was asked for, if the call was about one.
        job: Option<i32>,
        /// Which limit was met, with the host.
        message: String,
    },
    /// See [`ErrorKind::Cancelled`].
    #[error("{}cancelled", About(*.job))]
    Cancelled {
        /// The job that was asked for, if the call was about one.
        job: Option<i32>,
    },
    /// See [`ErrorKind::MalformedBody`].
    #[error("{}{message}", About(*.job))]
    MalformedBody {
        /// The job that was asked for, if the call was about one.
        job: Option<i32>,
        /// Where in the body, in bytes from its start, where one place is at fault.
        offset: Option<u64>,
        /// What is wrong, with the offset and with what came instead.
        message: String,
    },
    /// See [`ErrorKind::TooLarge`].
    #[error("{}the file is larger than the limit of {limit} bytes", About(*.job))]
    TooLarge {
        /// The job that was asked for, if the call was about one.
        job: Option<i32>,
        /// The limit, in bytes of the decoded file.
        limit: u64,
    },
    /// See [`ErrorKind::Io`].
    #[error("{}{action}: {source}", About(*.job))]
    Io {
        /// The job whose file it was, if the call was about one.
        job: Option<i32>,
        /// What was tried, with the path.
        action: String,
        /// The file or folder concerned, if there is one.
        path: Option<PathBuf>,
        /// What the system said.
        source: io::Error,
    },
    /// See [`ErrorKind::Internal`].
    #[error("internal error, please report it: {0}")]
    Internal(String),
}

impl Error {
    /// The kind, to decide by.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidArgument(_) => ErrorKind::InvalidArgument,
            Self::Authentication(_) => ErrorKind::Authentication,
            Self::Forbidden(_) => ErrorKind::Forbidden,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::RateLimited(_) => ErrorKind::RateLimited,
            Self::Server(_) => ErrorKind::Server,
            Self::UnexpectedStatus(_) => ErrorKind::UnexpectedStatus,
            Self::Connection { .. } => ErrorKind::Connection,
            Self::Tls { .. } => ErrorKind::Tls,
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Cancelled { .. } => ErrorKind::Cancelled,
            Self::MalformedBody { .. } => ErrorKind::MalformedBody,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::Io { .. } => ErrorKind::Io,
            Self::Internal(_) => ErrorKind::Internal,
        }
    }

    /// What the server answered, where its answer is the error.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Authentication(refusal)
            | Self::Forbidden(refusal)
            | Self::NotFound(refusal)
            | Self::RateLimited(refusal)
            | Self::Server(refusal)
            | Self::UnexpectedStatus(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The HTTP status code, where the server's answer is the error.
    pub fn http_status(&self) -> Option<u16> {
        self.refusal().map(|refusal| refusal.status)
    }

    /// Whether the same call may succeed later without any change: lost
    /// connections, time limits, rate limits, and the statuses that mean
    /// "busy" (408, 502, 503, 504).
    pub fn retry_may_help(&self) -> bool {
        match self.kind() {
            ErrorKind::Connection | ErrorKind::Timeout | ErrorKind::RateLimited => true,
            _ => matches!(self.http_status(), Some(408 | 502 | 503 | 504)),
        }
    }

    /// The error of an answer other than 200. `rate_limited` says that the
    /// body spoke of too many requests, whatever the status.
    pub(crate) fn from_refusal(refusal: Refusal, rate_limited: bool) -> Self {
        match refusal.status {
            429 => Self::RateLimited(refusal),
            _ if rate_limited => Self::RateLimited(refusal),
            401 => Self::Authentication(refusal),
            403 => Self::Forbidden(refusal),
            404 => Self::NotFound(refusal),
            500..=599 => Self::Server(refusal),
            _ => Self::UnexpectedStatus(refusal),
        }
    }
}

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_numbered_without_gaps() {
        for (index, kind) in ErrorKind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, index + 1, "{kind}");
        }
    }

    #[test]
    fn a_refusal_reads_as_a_sentence() {
        let mut refusal = Refusal {
            job: Some(28142),
            status: 500,
            message: Some("Could not find or load record with ID 28142!".into()),
        };
        assert_eq!(
            Error::from_refusal(refusal.clone(), false).to_string(),
            "job 28142: server answered 500 Internal Server Error: \
             Could not find or load record with ID 28142!"
        );
        refusal.message = None;
        refusal.status = 299;
        refusal.job = None;
        assert_eq!(
            Error::from_refusal(refusal, false).to_string(),
            "server answered 299"
        );
    }
}
