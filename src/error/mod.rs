//! The error of every operation.

mod constructors;
mod detail;
mod kind;

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::model::{JobId, QueuedJob};
use detail::Detail;
pub(crate) use detail::{ErrorResponse, JobFailure};
pub use kind::ErrorKind;

/// Why an operation failed.
///
/// Programs decide by [`kind`](Self::kind) and the other methods. The text of the error is one
/// line for users: what failed, for which job, why, and what to do if that is known. It never
/// contains a token or a password. It includes the text of the cause, so
/// [`source`](StdError::source) returns `None`.
///
/// # Examples
///
/// ```no_run
/// use sellercloud_output::{Client, ErrorKind};
///
/// let client = Client::builder("tt").token("the-bearer-token").build()?;
/// match client.get_output_file(28142) {
///     Ok(file) => println!("{}", file.name),
///     Err(error) if error.kind() == ErrorKind::NotFound => println!("no such job"),
///     Err(error) if error.is_retryable() => println!("try again later: {error}"),
///     Err(error) => return Err(error),
/// }
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: ErrorKind,
    context: Context,
    is_retryable: bool,
    is_not_yet: bool,
    detail: Detail,
}

/// The call that an error belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Context {
    /// The job that the call is about.
    pub(crate) job_id: Option<JobId>,
    /// How many times the request was attempted.
    pub(crate) attempts: u32,
}

impl Error {
    /// Returns the kind of the error.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::{Client, ErrorKind};
    ///
    /// let error = Client::builder("tt").build().unwrap_err(); // no token
    /// assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the HTTP status code of the response that is the error, such as 500. `None` if
    /// the error is not a response of the server.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// if let Err(error) = client.get_job(28142)
    ///     && let Some(status) = error.http_status()
    /// {
    ///     eprintln!("the server responded with {status}");
    /// }
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn http_status(&self) -> Option<u16> {
        self.response().map(|response| response.status)
    }

    /// Returns the server's own message, on one line, shortened to 400 characters.
    /// `None` if the error is not a response of the server, or the response has no message.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// if let Err(error) = client.get_job(28142) {
    ///     eprintln!("{}", error.server_message().unwrap_or("the server sent no message"));
    /// }
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn server_message(&self) -> Option<&str> {
        self.response()?.message.as_deref()
    }

    /// Returns how long to wait before the next call: the time that the server specifies, or else the
    /// backoff for which the call had no time left. `None` if there is neither, and if the error is
    /// not a response of the server.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// if let Err(error) = client.get_job(28142)
    ///     && let Some(wait) = error.retry_after()
    /// {
    ///     eprintln!("try again in {} s", wait.as_secs_f64().ceil());
    /// }
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn retry_after(&self) -> Option<Duration> {
        self.response()?.retry_after
    }

    /// Returns how many times the request was attempted; 0 if nothing was sent, and for
    /// [`JobFailed`](ErrorKind::JobFailed), which is not the failure of a request.
    ///
    /// # Examples
    ///
    /// ```
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// // The directory is opened before anything is sent.
    /// let error = client.save_output_file(28142, "no-such-directory").unwrap_err();
    /// assert_eq!(error.attempts(), 0);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn attempts(&self) -> u32 {
        self.0.context.attempts
    }

    /// Returns the id of the job that the operation was about. `None` for
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) and [`Internal`](ErrorKind::Internal).
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::JobId;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// // The directory is opened before anything is sent.
    /// let error = client.save_output_file(28142, "no-such-directory").unwrap_err();
    /// assert_eq!(error.job_id().map(JobId::get), Some(28142));
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn job_id(&self) -> Option<JobId> {
        self.0.context.job_id
    }

    /// Returns the job that ended without success, for [`JobFailed`](ErrorKind::JobFailed).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// if let Err(error) = client.wait_for_job(28142, WaitOptions::default())
    ///     && let Some(job) = error.job()
    /// {
    ///     println!("the job ended as {}: {:?}", job.status, job.error_message);
    /// }
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn job(&self) -> Option<&QueuedJob> {
        self.job_failure().map(|failure| &failure.job)
    }

    /// Returns the first error lines of the log of the job that ended without success. Empty
    /// for other errors, and if the log could not be downloaded.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// if let Err(error) = client.wait_for_job(28142, WaitOptions::default())
    ///     && let Some(job) = error.job()
    /// {
    ///     println!("job {} ended as {}", job.id, job.status);
    ///     for line in error.job_log() {
    ///         println!("{line}");
    ///     }
    /// }
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn job_log(&self) -> &[String] {
        self.job_failure().map_or(&[], |failure| &failure.log)
    }

    /// Returns the offset in the response's body, in bytes from its start, at which the body is
    /// malformed. `None` if no single place is wrong, and for errors of other kinds.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// if let Err(error) = client.get_output_file(28142)
    ///     && let Some(offset) = error.body_offset()
    /// {
    ///     eprintln!("the body is malformed at byte {offset}");
    /// }
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn body_offset(&self) -> Option<u64> {
        match self.0.detail {
            Detail::Body { offset, .. } => offset,
            _ => None,
        }
    }

    /// Returns the kind of the operating system's error, for [`Io`](ErrorKind::Io), such as
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists) or
    /// [`StorageFull`](io::ErrorKind::StorageFull). `None` for errors of other kinds.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::io;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// match client.save_output_file(28142, "exports") {
    ///     Ok(saved) => println!("{}", saved.path.display()),
    ///     Err(error) if error.io_kind() == Some(io::ErrorKind::AlreadyExists) => {
    ///         println!("{:?} exists already", error.path());
    ///     }
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        self.io_cause().map(|cause| cause.kind())
    }

    /// Returns the operating system's error code, for [`Io`](ErrorKind::Io): a value of `errno`,
    /// or on Windows of `GetLastError`. `None` if there is none.
    ///
    /// # Examples
    ///
    /// ```
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// // The directory is opened before anything is sent.
    /// let error = client.save_output_file(28142, "no-such-directory").unwrap_err();
    /// assert_eq!(error.raw_os_error(), Some(2)); // ENOENT, or ERROR_FILE_NOT_FOUND on Windows
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn raw_os_error(&self) -> Option<i32> {
        self.io_cause().and_then(os_error)
    }

    /// Returns the path of the file or directory that an [`Io`](ErrorKind::Io) error concerns.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::path::Path;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// // The directory is opened before anything is sent.
    /// let error = client.save_output_file(28142, "no-such-directory").unwrap_err();
    /// assert_eq!(error.path(), Some(Path::new("no-such-directory")));
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn path(&self) -> Option<&Path> {
        match &self.0.detail {
            Detail::Io { path, .. } => path.as_deref(),
            _ => None,
        }
    }

    /// Returns whether the same operation may succeed later without any change: after lost
    /// connections, timeouts, rate limits, and the statuses 408, 425, 429, 502, 503, 504, 520
    /// to 524 and 530.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// match client.get_output_file(28142) {
    ///     Ok(file) => println!("{}", file.name),
    ///     Err(error) if error.is_retryable() => eprintln!("try again later: {error}"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn is_retryable(&self) -> bool {
        self.0.is_retryable
    }

    fn response(&self) -> Option<&ErrorResponse> {
        match &self.0.detail {
            Detail::Response(response) => Some(response),
            _ => None,
        }
    }

    fn job_failure(&self) -> Option<&JobFailure> {
        match &self.0.detail {
            Detail::Job(failure) => Some(failure),
            _ => None,
        }
    }

    fn io_cause(&self) -> Option<&io::Error> {
        match &self.0.detail {
            Detail::Io { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Context { job_id, attempts } = self.0.context;
        if let Some(job_id) = job_id {
            write!(f, "job {job_id}: ")?;
        }
        self.0.detail.fmt(f)?;
        match attempts {
            0 | 1 => Ok(()),
            more => write!(f, " (after {more} attempts)"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &format_args!("{self}"))
            .field("is_retryable", &self.0.is_retryable)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {}

/// Wraps the error, for code that reads an open download through [`std::io`].
/// [`io::Error::downcast`] returns it. The kind is never
/// [`Interrupted`](io::ErrorKind::Interrupted), after which readers try again, or
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof), which some take for the end.
///
/// # Examples
///
/// ```
/// use std::io;
/// use sellercloud_output::{Client, Error, ErrorKind};
///
/// let error = io::Error::from(Client::builder("tt").build().unwrap_err());
/// assert_eq!(error.downcast::<Error>()?.kind(), ErrorKind::InvalidArgument);
/// # Ok::<(), io::Error>(())
/// ```
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::InvalidArgument => io::ErrorKind::InvalidInput,
            ErrorKind::Connection => io::ErrorKind::ConnectionAborted,
            ErrorKind::Timeout => io::ErrorKind::TimedOut,
            ErrorKind::MalformedBody => io::ErrorKind::InvalidData,
            ErrorKind::TooLarge => io::ErrorKind::FileTooLarge,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// Returns the operating system's code of an error.
fn os_error(error: &io::Error) -> Option<i32> {
    // Errors that this library detects itself have the code that the system would return.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_is_small_cloneable_and_shareable() {
        fn check<T: StdError + Clone + Send + Sync + Unpin + 'static>() {}
        check::<Error>();
        assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
    }

    #[test]
    fn question_mark_converts_error_into_boxed_error_and_back() {
        fn fail() -> Result<(), Box<dyn StdError + Send + Sync>> {
            Err(Error::too_large(5))?;
            Ok(())
        }
        let boxed = fail().unwrap_err();
        let error = boxed.downcast_ref::<Error>().unwrap();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(boxed.source().is_none());
    }

    #[test]
    fn with_context_of_independent_error_keeps_its_own() {
        let context = Context {
            job_id: JobId::try_from(5).ok(),
            attempts: 2,
        };
        let response = |status| Error::from_response(ErrorResponse::new(status, None));
        let cause = io::Error::from(io::ErrorKind::StorageFull);
        let in_context = [
            Error::no_token("x"),
            response(401),
            response(403),
            response(404),
            response(429),
            response(500),
            response(418),
            Error::connection("x", true),
            Error::tls("x"),
            Error::timeout("x"),
            Error::cancelled(),
            Error::malformed_body("x", None),
            Error::no_file("x"),
            Error::too_large(1),
            Error::io("x", None, cause),
        ];
        for error in in_context {
            let error = error.with_context(context);
            assert_eq!(error.job_id(), context.job_id, "{error:?}");
            assert_eq!(error.attempts(), 2, "{error:?}");
            let text = error.to_string();
            assert!(text.starts_with("job 5: "), "{text}");
            assert!(text.ends_with(" (after 2 attempts)"), "{text}");
        }
        for error in [Error::invalid_argument("x"), Error::internal("x")] {
            let before = error.to_string();
            let error = error.with_context(context);
            assert_eq!((error.job_id(), error.attempts()), (None, 0));
            assert_eq!(error.to_string(), before);
        }
    }

    #[test]
    fn is_retryable_follows_kind_and_status() {
        let response = |status| Error::from_response(ErrorResponse::new(status, None));
        for status in [408, 425, 429, 502, 503, 504, 520, 524, 530] {
            assert!(response(status).is_retryable(), "{status}");
        }
        for status in [200, 302, 400, 401, 403, 404, 409, 500, 501, 525] {
            assert!(!response(status).is_retryable(), "{status}");
        }
        assert!(Error::timeout("x").is_retryable());
        assert!(Error::connection("x", true).is_retryable());
        assert!(!Error::connection("x", false).is_retryable());
        assert!(!Error::tls("x").is_retryable());
        assert!(!Error::no_file("x").is_retryable());
        assert!(!Error::cancelled().is_retryable());
    }

    #[test]
    fn display_response_error_is_one_line() {
        let message = "Could not find or load record with ID 28142!".to_owned();
        let mut response = ErrorResponse::new(500, Some(message));
        let context = Context {
            job_id: JobId::try_from(28142).ok(),
            attempts: 1,
        };
        let error = Error::from_response(response.clone()).with_context(context);
        assert_eq!(
            error.to_string(),
            "job 28142: the server responded with 500 Internal Server Error: \
             Could not find or load record with ID 28142!"
        );
        response.message = None;
        response.status = 429;
        response.is_rate_limit = true;
        response.retry_after = Some(Duration::from_millis(1200));
        let context = Context {
            job_id: None,
            attempts: 3,
        };
        assert_eq!(
            Error::from_response(response)
                .with_context(context)
                .to_string(),
            "the server responded with 429 Too Many Requests (try again in 2 s) (after 3 attempts)"
        );
        let unknown = Error::from_response(ErrorResponse::new(299, None));
        assert_eq!(unknown.to_string(), "the server responded with 299");
    }
}
