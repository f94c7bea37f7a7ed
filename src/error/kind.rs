//! The kinds of errors.

use std::ffi::CStr;
use std::fmt;

/// The kind of an [`Error`](crate::Error). Programs decide by it.
///
/// The numbers are the C interface's status codes. A number never changes its meaning; later
/// versions may add kinds.
///
/// # Examples
///
/// ```
/// use sellercloud_output::ErrorKind;
///
/// assert_eq!(ErrorKind::Timeout.to_string(), "timed out");
/// assert_eq!(ErrorKind::InvalidArgument as i32, 101);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument or an option cannot be used. Usually nothing was sent.
    InvalidArgument = 101,
    /// HTTP 401 or a redirect to a login page: the token, or the user name and password, were
    /// rejected. Also: the token provider returned no usable token.
    Authentication = 102,
    /// HTTP 403: the user lacks the permission.
    Forbidden = 103,
    /// HTTP 404: the server does not know what was requested.
    NotFound = 104,
    /// HTTP 429, or "Too many requests" in the response: too many requests from this IP
    /// address.
    RateLimited = 105,
    /// HTTP 500 to 599: the server failed, or does not know the job (yet).
    Server = 106,
    /// Any other HTTP status than 200.
    UnexpectedStatus = 107,
    /// The connection failed, or it ended before the response was complete.
    Connection = 108,
    /// TLS failed: the certificate or the handshake.
    Tls = 109,
    /// The operation timed out.
    Timeout = 110,
    /// The caller cancelled the operation.
    Cancelled = 111,
    /// The response is not a file in the expected form.
    MalformedBody = 112,
    /// The file is larger than the limit.
    TooLarge = 113,
    /// The file could not be stored: disk, memory or permissions.
    Io = 114,
    /// An internal error of this library. Please report it. The client remains usable.
    Internal = 115,
    /// The job ended without success: it failed, or was cancelled or aborted on the server.
    /// Also: the job is on hold.
    JobFailed = 116,
}

impl ErrorKind {
    /// Returns a short description of the kind in lowercase, such as "rate limited".
    ///
    /// # Examples
    ///
    /// ```
    /// # use sellercloud_output::ErrorKind;
    /// assert_eq!(ErrorKind::RateLimited.description(), "rate limited");
    /// ```
    pub fn description(self) -> &'static str {
        self.description_for_c().to_str().unwrap_or_default()
    }

    /// Returns the description as a C string.
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
    #[cfg(any(test, feature = "capi"))]
    pub(crate) const ALL: [Self; 16] = [
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_of_each_kind_follows_the_previous() {
        for (index, kind) in ErrorKind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, index + 101, "{kind}");
        }
    }
}
