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
    SCO_ERROR_INVALID_ARGUMENT = ErrorKind::InvalidArgument as i32,
    SCO_ERROR_AUTHENTICATION = ErrorKind::Authentication as i32,
    SCO_ERROR_FORBIDDEN = ErrorKind::Forbidden as i32,
    SCO_ERROR_NOT_FOUND = ErrorKind::NotFound as i32,
    SCO_ERROR_RATE_LIMITED = ErrorKind::RateLimited as i32,
    SCO_ERROR_SERVER = ErrorKind::Server as i32,
    SCO_ERROR_UNEXPECTED_STATUS = ErrorKind::UnexpectedStatus as i32,
    SCO_ERROR_CONNECTION = ErrorKind::Connection as i32,
    SCO_ERROR_TLS = ErrorKind::Tls as i32,
    SCO_ERROR_TIMEOUT = ErrorKind::Timeout as i32,
    SCO_ERROR_CANCELLED = ErrorKind::Cancelled as i32,
    SCO_ERROR_MALFORMED_BODY = ErrorKind::MalformedBody as i32,
    SCO_ERROR_TOO_LARGE = ErrorKind::TooLarge as i32,
    SCO_ERROR_IO = ErrorKind::Io as i32,
    SCO_ERROR_INTERNAL = ErrorKind::Internal as i32,
    SCO_ERROR_JOB_FAILED = ErrorKind::JobFailed as i32,
);

pub(super) fn status_of(kind: ErrorKind) -> sco_status {
    kind as sco_status
}

fn description(status: sco_status) -> &'static CStr {
    let kind = ErrorKind::ALL
        .into_iter()
        .find(|kind| status_of(*kind) == status);
    match kind {
        Some(kind) => kind.description_for_c(),
        None if status == SCO_OK => c"ok",
        None => c"unknown status",
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
