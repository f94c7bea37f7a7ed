use std::ffi::{CStr, c_char};

use crate::ErrorKind;

/// Defines the values of an enum of the C header, where `header.txt` documents them. A test
/// compares both. In Rust they are plain integers: C may pass any number, and a Rust enum
/// with another value than its own is undefined behavior.
macro_rules! c_enum {
    ($type:ident, $all:ident: $($name:ident = $value:expr),* $(,)?) => {
        #[allow(missing_docs, reason = "documented in header.txt")]
        pub type $type = i32;
        $(
            #[allow(missing_docs, reason = "documented in header.txt")]
            pub const $name: $type = $value;
        )*
        #[cfg(test)]
        pub(super) const $all: &[(&str, i32)] = &[$((stringify!($name), $name)),*];
    };
}
pub(super) use c_enum;

c_enum!(sco_status, STATUSES:
    SCO_OK = 0,
    SCO_ERROR_INVALID_ARGUMENT = 101,
    SCO_ERROR_AUTHENTICATION = 102,
    SCO_ERROR_FORBIDDEN = 103,
    SCO_ERROR_NOT_FOUND = 104,
    SCO_ERROR_RATE_LIMITED = 105,
    SCO_ERROR_SERVER = 106,
    SCO_ERROR_UNEXPECTED_STATUS = 107,
    SCO_ERROR_CONNECTION = 108,
    SCO_ERROR_TLS = 109,
    SCO_ERROR_TIMEOUT = 110,
    SCO_ERROR_CANCELLED = 111,
    SCO_ERROR_MALFORMED_BODY = 112,
    SCO_ERROR_TOO_LARGE = 113,
    SCO_ERROR_IO = 114,
    SCO_ERROR_INTERNAL = 115,
    SCO_ERROR_JOB_FAILED = 116,
);

pub(super) fn status_of(kind: ErrorKind) -> sco_status {
    match kind {
        ErrorKind::InvalidArgument => SCO_ERROR_INVALID_ARGUMENT,
        ErrorKind::Authentication => SCO_ERROR_AUTHENTICATION,
        ErrorKind::Forbidden => SCO_ERROR_FORBIDDEN,
        ErrorKind::NotFound => SCO_ERROR_NOT_FOUND,
        ErrorKind::RateLimited => SCO_ERROR_RATE_LIMITED,
        ErrorKind::Server => SCO_ERROR_SERVER,
        ErrorKind::UnexpectedStatus => SCO_ERROR_UNEXPECTED_STATUS,
        ErrorKind::Connection => SCO_ERROR_CONNECTION,
        ErrorKind::Tls => SCO_ERROR_TLS,
        ErrorKind::Timeout => SCO_ERROR_TIMEOUT,
        ErrorKind::Cancelled => SCO_ERROR_CANCELLED,
        ErrorKind::MalformedBody => SCO_ERROR_MALFORMED_BODY,
        ErrorKind::TooLarge => SCO_ERROR_TOO_LARGE,
        ErrorKind::Io => SCO_ERROR_IO,
        ErrorKind::Internal => SCO_ERROR_INTERNAL,
        ErrorKind::JobFailed => SCO_ERROR_JOB_FAILED,
    }
}

fn description(status: sco_status) -> &'static CStr {
    match status {
        SCO_OK => c"ok",
        SCO_ERROR_INVALID_ARGUMENT => c"invalid argument",
        SCO_ERROR_AUTHENTICATION => c"not authenticated",
        SCO_ERROR_FORBIDDEN => c"forbidden",
        SCO_ERROR_NOT_FOUND => c"not found",
        SCO_ERROR_RATE_LIMITED => c"rate limited",
        SCO_ERROR_SERVER => c"server error",
        SCO_ERROR_UNEXPECTED_STATUS => c"unexpected status",
        SCO_ERROR_CONNECTION => c"connection failed",
        SCO_ERROR_TLS => c"TLS failed",
        SCO_ERROR_TIMEOUT => c"timed out",
        SCO_ERROR_CANCELLED => c"cancelled",
        SCO_ERROR_MALFORMED_BODY => c"malformed body",
        SCO_ERROR_TOO_LARGE => c"too large",
        SCO_ERROR_IO => c"input or output failed",
        SCO_ERROR_INTERNAL => c"internal error",
        SCO_ERROR_JOB_FAILED => c"job failed",
        _ => c"unknown status",
    }
}

/// Returns a few words that describe a status, such as "rate limited".
///
/// sco_error_message has the details of one error. Any thread may call this function at
/// any time.
///
/// @param status The status. "unknown status" is returned for a number that this version
/// does not know.
/// @return A static string. Do not free it.
#[unsafe(no_mangle)]
pub extern "C" fn sco_status_string(status: sco_status) -> *const c_char {
    description(status).as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_string_error_kinds_equal_their_descriptions() {
        for kind in ErrorKind::ALL {
            let described = description(status_of(kind)).to_str();
            assert_eq!(described, Ok(kind.description()));
        }
    }

    #[test]
    fn status_string_known_statuses_differ() {
        let mut known: Vec<_> = STATUSES
            .iter()
            .map(|(_, value)| description(*value))
            .collect();
        known.push(description(-1));
        known.sort_unstable();
        known.dedup();
        assert_eq!(known.len(), STATUSES.len() + 1);
    }

    #[test]
    fn status_string_unknown_number_is_unknown() {
        for unknown in [-1, 1, 16, 100, 117, i32::MAX, i32::MIN] {
            assert_eq!(description(unknown), c"unknown status");
        }
    }
}
