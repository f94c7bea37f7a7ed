use std::ffi::{CStr, c_char};

const VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("the version contains a NUL"),
    };

/// Returns the version of the library that is running, such as "0.1.0".
///
/// SCO_VERSION_MAJOR, SCO_VERSION_MINOR and SCO_VERSION_PATCH are the version of the
/// header. Any thread may call this function at any time.
///
/// @return A static string. Do not free it.
#[unsafe(no_mangle)]
pub extern "C" fn sco_version() -> *const c_char {
    VERSION.as_ptr()
}
