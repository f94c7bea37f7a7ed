//! What can go wrong, and how it is told.

use std::error::Error as StdError;
use std::ffi::CStr;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::queued_job::{JobStatus, QueuedJob};
use crate::session::retry::is_transient_status;

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
    /// 401: the token, or the user name and password, are not accepted.
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
    /// The job ended without success: failed, cancelled or aborted on the server.
    JobFailed = 16,
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
            Self::JobFailed => c"job failed",
        }
    }

    /// Every kind, in the order of the numbers.
    pub const ALL: [Self; 16] = [
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
        Self::JobFailed,
    ];
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description())
    }
}

/// Which call an [`Error`] belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct About {
    /// The job that was asked for, if the call was about one.
    pub job: Option<i32>,
    /// How many times the request was tried in this call; 0 if it was not.
    pub attempts: u32,
}

/// What every message that concerns a job begins with.
struct Start(About);

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.job {
            Some(job) => write!(f, "job {job}: "),
            None => Ok(()),
        }
    }
}

/// What every message ends with where there was more than one attempt.
struct End(About);

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.attempts {
            0 | 1 => Ok(()),
            more => write!(f, " (after {more} attempts)"),
        }
    }
}

/// What the server answered instead of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The call.
    pub about: About,
    /// The HTTP status code.
    pub status: u16,
    /// The server's own words, dug out of the answer's body; at most some
    /// hundred characters.
    pub message: Option<String>,
    /// How long to wait before the next call, where the server says so.
    pub retry_after: Option<Duration>,
    /// What the user can do, in a few words; may be empty.
    pub(crate) advice: &'static str,
    /// Whether the server said that it could not find what was asked for.
    pub(crate) could_not_find: bool,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: Option<String>) -> Self {
        Self {
            about: About::default(),
            status,
            message,
            retry_after: None,
            advice: "",
            could_not_find: false,
        }
    }
}

impl Refusal {
    /// Returns the status with its reason phrase, such as `404 Not Found`.
    pub(crate) fn status_text(&self) -> String {
        let status = http::StatusCode::from_u16(self.status).ok();
        match status.and_then(|status| status.canonical_reason()) {
            Some(reason) => format!("{} {reason}", self.status),
            None => self.status.to_string(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status_text();
        write!(f, "{}server answered {status}", Start(self.about))?;
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
        if let Some(wait) = self.retry_after.filter(|wait| !wait.is_zero()) {
            write!(f, " (try again in {} s)", wait.as_secs_f64().ceil())?;
        }
        End(self.about).fmt(f)
    }
}

/// A job that ended without success, or is on hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobEnd {
    /// The job, with its status and its own message.
    pub job: QueuedJob,
    /// The first error lines of its log, where they could be had.
    pub log: Vec<String>,
}

impl fmt::Display for JobEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let JobEnd { job, .. } = self;
        match job.status {
            JobStatus::OnHold => write!(
                f,
                "job {}: the job is on hold until a user releases it",
                job.id
            )?,
            _ => write!(f, "job {}: the job ended as {}", job.id, job.status)?,
        }
        if let Some(message) = &self.job.error_message {
            write!(
                f,
                ": {}",
                crate::text::one_line(message, crate::text::MAX_MESSAGE)
            )?;
        }
        for (index, line) in self.log.iter().enumerate() {
            f.write_str(if index == 0 { "; its log: " } else { " | " })?;
            f.write_str(line)?;
        }
        Ok(())
    }
}

/// The cause of an [`Error`], where another library or the system gave one. The text of the
/// error includes that of its cause, so that [`std::error::Error::source`] returns `None`.
pub type Source = Arc<dyn StdError + Send + Sync>;

/// Why a call failed.
///
/// Its text says what happened, to which job, and what to do where that is
/// known. It never holds a token or a password.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// See [`ErrorKind::InvalidArgument`].
    #[error("{0}")]
    InvalidArgument(String),
    /// See [`ErrorKind::Authentication`].
    #[error("{0}")]
    Authentication(Refusal),
    /// The callback that gives tokens gave none; its kind is
    /// [`ErrorKind::Authentication`].
    #[error("{}{message}{}", Start(*.about), End(*.about))]
    NoToken {
        /// The call.
        about: About,
        /// What happened, and what the callback said.
        message: String,
    },
    /// See [`ErrorKind::Forbidden`].
    #[error("{0}")]
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
    #[error("{}{message}{}", Start(*.about), End(*.about))]
    Connection {
        /// The call.
        about: About,
        /// What happened, with the host.
        message: String,
        /// The cause, where the system or the HTTP library gave one.
        r#source: Option<Source>,
        /// Whether the same call may succeed later.
        retry_may_help: bool,
    },
    /// See [`ErrorKind::Tls`].
    #[error("{}{message}{}", Start(*.about), End(*.about))]
    Tls {
        /// The call.
        about: About,
        /// What happened, with the host.
        message: String,
        /// The cause, where the TLS library gave one.
        r#source: Option<Source>,
    },
    /// See [`ErrorKind::Timeout`].
    #[error("{}{message}{}", Start(*.about), End(*.about))]
    Timeout {
        /// The call.
        about: About,
        /// Which limit was met, with the host.
        message: String,
    },
    /// See [`ErrorKind::Cancelled`].
    #[error("{}cancelled{}", Start(*.about), End(*.about))]
    Cancelled {
        /// The call.
        about: About,
    },
    /// See [`ErrorKind::MalformedBody`].
    #[error("{}{message}{}", Start(*.about), End(*.about))]
    MalformedBody {
        /// The call.
        about: About,
        /// Where in the body, in bytes from its start, where one place is at fault.
        offset: Option<u64>,
        /// What is wrong, with the offset and with what came instead.
        message: String,
    },
    /// The response holds no file, or none yet; its kind is [`ErrorKind::MalformedBody`].
    #[error("{}{message}{}", Start(*.about), End(*.about))]
    NoFile {
        /// The call.
        about: About,
        /// What came instead.
        message: String,
    },
    /// See [`ErrorKind::TooLarge`].
    #[error("{}the file is larger than the limit of {limit} bytes{}", Start(*.about), End(*.about))]
    TooLarge {
        /// The call.
        about: About,
        /// The limit, in bytes of the decoded file.
        limit: u64,
    },
    /// See [`ErrorKind::Io`].
    #[error("{}{action}: {source}{}", Start(*.about), End(*.about))]
    Io {
        /// The call.
        about: About,
        /// What was tried, with the path.
        action: String,
        /// The file or folder concerned, if there is one.
        path: Option<PathBuf>,
        /// What the system said.
        r#source: Arc<io::Error>,
    },
    /// See [`ErrorKind::Internal`].
    #[error("internal error, please report it: {0}")]
    Internal(String),
    /// See [`ErrorKind::JobFailed`].
    #[error("{0}")]
    JobFailed(Box<JobEnd>),
}

impl Error {
    /// The kind, to decide by.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidArgument(_) => ErrorKind::InvalidArgument,
            Self::Authentication(_) | Self::NoToken { .. } => ErrorKind::Authentication,
            Self::Forbidden(_) => ErrorKind::Forbidden,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::RateLimited(_) => ErrorKind::RateLimited,
            Self::Server(_) => ErrorKind::Server,
            Self::UnexpectedStatus(_) => ErrorKind::UnexpectedStatus,
            Self::Connection { .. } => ErrorKind::Connection,
            Self::Tls { .. } => ErrorKind::Tls,
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Cancelled { .. } => ErrorKind::Cancelled,
            Self::MalformedBody { .. } | Self::NoFile { .. } => ErrorKind::MalformedBody,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::Io { .. } => ErrorKind::Io,
            Self::Internal(_) => ErrorKind::Internal,
            Self::JobFailed(_) => ErrorKind::JobFailed,
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

    /// How long to wait before the next call, where the server says so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal().and_then(|refusal| refusal.retry_after)
    }

    /// The job as it ended, where that is the error.
    pub fn job_end(&self) -> Option<&JobEnd> {
        match self {
            Self::JobFailed(end) => Some(end),
            _ => None,
        }
    }

    /// How many times the request was tried; 0 if it was not.
    pub fn attempts(&self) -> u32 {
        self.about().map_or(0, |about| about.attempts)
    }

    /// Returns `true` if the same call may succeed later without any change: lost
    /// connections, time limits, rate limits, and the statuses that mean "not now" (408,
    /// 425, 429, 502, 503, 504, 520 to 524, 530).
    pub fn retry_may_help(&self) -> bool {
        match self {
            Self::Connection { retry_may_help, .. } => *retry_may_help,
            Self::Timeout { .. } | Self::RateLimited(_) => true,
            _ => self.http_status().is_some_and(is_transient_status),
        }
    }

    /// Returns what kind of error the system gave, for an error of input or output: a name
    /// that is taken, a missing directory, a full disk or a refused access can be told apart
    /// by it.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Io { source, .. } => Some(source.kind()),
            _ => None,
        }
    }

    /// Returns the system's own code (`errno`, or that of `GetLastError` on Windows), for an
    /// error of input or output that has one.
    pub fn raw_os_error(&self) -> Option<i32> {
        match self {
            Self::Io { source, .. } => os_error(source),
            _ => None,
        }
    }

    /// Returns whether the server said that there is no such job or file, which it also says
    /// for a moment after the job was submitted or has completed.
    pub(crate) fn is_not_yet(&self) -> bool {
        let refusal = self.refusal();
        matches!(self, Self::NoFile { .. }) || refusal.is_some_and(|refusal| refusal.could_not_find)
    }

    fn about(&self) -> Option<&About> {
        match self {
            Self::Authentication(refusal)
            | Self::Forbidden(refusal)
            | Self::NotFound(refusal)
            | Self::RateLimited(refusal)
            | Self::Server(refusal)
            | Self::UnexpectedStatus(refusal) => Some(&refusal.about),
            Self::NoToken { about, .. }
            | Self::Connection { about, .. }
            | Self::Tls { about, .. }
            | Self::Timeout { about, .. }
            | Self::Cancelled { about }
            | Self::MalformedBody { about, .. }
            | Self::NoFile { about, .. }
            | Self::TooLarge { about, .. }
            | Self::Io { about, .. } => Some(about),
            Self::InvalidArgument(_) | Self::Internal(_) | Self::JobFailed(_) => None,
        }
    }

    /// The error where the system refused `action`.
    pub(crate) fn io(action: impl Into<String>, path: Option<PathBuf>, source: io::Error) -> Self {
        Self::Io {
            about: About::default(),
            action: action.into(),
            path,
            source: source.into(),
        }
    }

    /// The same error, of this call.
    pub(crate) fn of(mut self, call: About) -> Self {
        match &mut self {
            Self::Authentication(refusal)
            | Self::Forbidden(refusal)
            | Self::NotFound(refusal)
            | Self::RateLimited(refusal)
            | Self::Server(refusal)
            | Self::UnexpectedStatus(refusal) => refusal.about = call,
            Self::NoToken { about, .. }
            | Self::Connection { about, .. }
            | Self::Tls { about, .. }
            | Self::Timeout { about, .. }
            | Self::Cancelled { about }
            | Self::MalformedBody { about, .. }
            | Self::NoFile { about, .. }
            | Self::TooLarge { about, .. }
            | Self::Io { about, .. } => *about = call,
            Self::InvalidArgument(_) | Self::Internal(_) | Self::JobFailed(_) => {}
        }
        self
    }

    fn refusal_mut(&mut self) -> Option<&mut Refusal> {
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

    /// The same error, which says that the next attempt would be this far away.
    pub(crate) fn with_retry_after(mut self, wait: Duration) -> Self {
        if let Some(refusal) = self.refusal_mut() {
            refusal.retry_after.get_or_insert(wait);
        }
        self
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

fn os_error(error: &io::Error) -> Option<i32> {
    // What this library finds out itself has the code that the system would give.
    let [unix, windows] = match error.kind() {
        _ if error.raw_os_error().is_some() => return error.raw_os_error(),
        io::ErrorKind::NotFound => [2, 3], // ENOENT, ERROR_PATH_NOT_FOUND
        io::ErrorKind::PermissionDenied => [13, 5], // EACCES, ERROR_ACCESS_DENIED
        io::ErrorKind::AlreadyExists => [17, 80], // EEXIST, ERROR_FILE_EXISTS
        io::ErrorKind::NotADirectory => [20, 267], // ENOTDIR, ERROR_DIRECTORY
        io::ErrorKind::StorageFull => [28, 112], // ENOSPC, ERROR_DISK_FULL
        io::ErrorKind::ReadOnlyFilesystem => [30, 19], // EROFS, ERROR_WRITE_PROTECT
        _ => return None,
    };
    Some(if cfg!(windows) { windows } else { unix })
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
        let message = "Could not find or load record with ID 28142!".to_owned();
        let mut refusal = Refusal::new(500, Some(message));
        let about = About {
            job: Some(28142),
            attempts: 1,
        };
        let error = Error::from_refusal(refusal.clone(), false).of(about);
        assert_eq!(
            error.to_string(),
            "job 28142: server answered 500 Internal Server Error: \
             Could not find or load record with ID 28142!"
        );
        refusal.message = None;
        refusal.status = 429;
        refusal.retry_after = Some(Duration::from_millis(1200));
        let about = About {
            job: None,
            attempts: 3,
        };
        assert_eq!(
            Error::from_refusal(refusal, false).of(about).to_string(),
            "server answered 429 Too Many Requests (try again in 2 s) (after 3 attempts)"
        );
        let unknown = Error::from_refusal(Refusal::new(299, None), false);
        assert_eq!(unknown.to_string(), "server answered 299");
    }
}
