use std::cell::Cell;
use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use httpmock::MockServer;

use super::boundary::{c_string, catch_panics, free};
use super::*;
use crate::{Client, Error, RetryPolicy};

thread_local! {
    static PANICKING_FUNCTION: Cell<&'static str> = const { Cell::new("") };
}

/// Panics in the function that a test of this thread chose. `body` is the name of a
/// closure's type, which contains the name of its function.
pub(super) fn inject_panic(body: &'static str) {
    let function = PANICKING_FUNCTION.get();
    if !function.is_empty() && body.contains(&format!("::{function}::")) {
        panic!("a panic in {function}");
    }
}

fn message(error: *const sco_error) -> String {
    // SAFETY: the handle is live, and so is its message.
    let message = unsafe { CStr::from_ptr(sco_error_message(error)) };
    message.to_str().unwrap().to_owned()
}

/// Defines an array of functions, each with its name, that are called with the given
/// arguments and a place for the error.
macro_rules! functions {
    ($($name:ident($($argument:expr),*))*) => {
        [$((
            stringify!($name),
            // SAFETY: NULL is allowed everywhere, and `error` is writable.
            (|error| unsafe { $name($($argument,)* error) }) as fn(*mut *mut sco_error) -> sco_status,
        )),*]
    };
}

#[test]
fn every_fallible_function_panic_is_internal_error() {
    const N: *mut c_void = ptr::null_mut();
    let functions = functions! {
        sco_token_result_set(N.cast(), N.cast())
        sco_client_options_set_team(N.cast(), N.cast())
        sco_client_options_set_team_lookup_url(N.cast(), N.cast())
        sco_client_options_set_credentials(N.cast(), N.cast(), N.cast())
        sco_client_options_set_token_provider(N.cast(), None, N)
        sco_client_options_set_body_encoding(N.cast(), 0)
        sco_client_options_set_max_file_size_bytes(N.cast(), 0)
        sco_client_options_set_allow_plain_http(N.cast(), 0)
        sco_client_options_set_connect_timeout_ms(N.cast(), 0)
        sco_client_options_set_stall_timeout_ms(N.cast(), 0)
        sco_client_options_set_call_timeout_ms(N.cast(), 0)
        sco_client_options_set_max_attempts(N.cast(), 0)
        sco_client_options_set_initial_backoff_ms(N.cast(), 0)
        sco_client_options_set_max_backoff_ms(N.cast(), 0)
        sco_client_options_set_retry_server_errors(N.cast(), 0)
        sco_client_options_set_proxy(N.cast(), N.cast())
        sco_client_options_add_ca_certificates(N.cast(), N.cast(), 0)
        sco_client_options_set_client_certificate(N.cast(), N.cast(), 0, N.cast(), 0)
        sco_client_options_set_user_agent_suffix(N.cast(), N.cast())
        sco_client_options_set_on_request(N.cast(), None, N)
        sco_client_new(N.cast(), N.cast(), N.cast(), N.cast())
        sco_parse_job_id(N.cast(), N.cast())
        sco_get_output_file(N.cast(), 0, N.cast(), N.cast())
        sco_save_output_file(N.cast(), 0, N.cast(), N.cast(), N.cast())
        sco_write_output_file(N.cast(), 0, None, N, N.cast(), N.cast())
        sco_get_job(N.cast(), 0, N.cast(), N.cast())
        sco_wait_for_job(N.cast(), 0, N.cast(), N.cast())
        sco_wait_for_output_file(N.cast(), 0, N.cast(), N.cast(), N.cast())
        sco_wait_and_save_output_file(N.cast(), 0, N.cast(), N.cast(), N.cast(), N.cast())
        sco_wait_and_write_output_file(N.cast(), 0, None, N, N.cast(), N.cast(), N.cast())
        sco_open_output_file(N.cast(), 0, N.cast(), N.cast())
        sco_wait_and_open_output_file(N.cast(), 0, N.cast(), N.cast(), N.cast())
        sco_output_file_download_read(N.cast(), N.cast(), 0, N.cast())
        sco_get_output_file_into(N.cast(), 0, None, N, N.cast(), N.cast())
        sco_wait_for_output_file_into(N.cast(), 0, None, N, N.cast(), N.cast(), N.cast())
        sco_start_job_wait(N.cast(), 0, N.cast(), N.cast())
        sco_job_wait_step(N.cast(), N.cast(), N.cast())
        sco_call_options_set_total_timeout_ms(N.cast(), 0)
        sco_output_file_save(N.cast(), N.cast(), N.cast(), N.cast())
        sco_call_options_set_timeout_ms(N.cast(), 0)
        sco_call_options_set_cancel_token(N.cast(), N.cast())
        sco_call_options_set_interrupt(N.cast(), None, N)
        sco_call_options_set_on_progress(N.cast(), None, N)
        sco_call_options_set_file_name(N.cast(), N.cast())
        sco_call_options_set_if_exists(N.cast(), 0)
        sco_call_options_set_flush_to_disk(N.cast(), 0)
        sco_call_options_set_wait_initial_interval_ms(N.cast(), 0)
        sco_call_options_set_wait_max_interval_ms(N.cast(), 0)
        sco_call_options_set_wait_grace_ms(N.cast(), 0)
        sco_call_options_set_fail_on_hold(N.cast(), 0)
    };
    let header = include_str!("../../include/sellercloud_output.h");
    let mut in_header: Vec<_> = header
        .lines()
        .filter_map(|line| line.strip_prefix("sco_status ")?.split('(').next())
        .collect();
    in_header.sort_unstable();
    let mut tested = functions.map(|(name, _)| name);
    tested.sort_unstable();
    assert_eq!(tested.to_vec(), in_header);
    for (name, function) in functions {
        let mut error = ptr::null_mut();
        PANICKING_FUNCTION.set(name);
        assert_eq!(function(&mut error), SCO_ERROR_INTERNAL, "{name}");
        PANICKING_FUNCTION.set("");
        assert!(message(error).contains(&format!("a panic in {name}")));
        // SAFETY: the call failed, so `error` is a live handle, freed once.
        unsafe { sco_error_free(error) };
        assert_eq!(function(&mut error), SCO_ERROR_INVALID_ARGUMENT, "{name}");
        // SAFETY: as above.
        unsafe { sco_error_free(error) };
    }
}

/// Returns the names and numbers of the enums in the header's text, which are the lines of
/// the form `NAME = NUMBER,`.
fn header_constants() -> Vec<(&'static str, i32)> {
    include_str!("header.txt")
        .lines()
        .filter_map(|line| {
            let (name, number) = line.trim().trim_end_matches(',').split_once(" = ")?;
            Some((name, number.parse().ok()?))
        })
        .collect()
}

#[test]
fn enum_values_in_header_equal_those_in_rust() {
    let in_rust = [
        status::STATUSES,
        job::JOB_STATUSES,
        job::JOB_TEXT_FIELDS,
        job::JOB_NUMBER_FIELDS,
        client_options::BODY_ENCODINGS,
        call_options::IF_EXISTS,
    ];
    assert_eq!(header_constants(), in_rust.concat());
}

#[test]
fn enum_value_unknown_is_named_in_the_error() {
    // SAFETY: the options are live and freed once; `error` is writable.
    unsafe {
        let mut error = ptr::null_mut();
        let options = sco_client_options_new();
        // The value of SCO_IF_EXISTS_FAIL, which is no encoding.
        let status = sco_client_options_set_body_encoding(options, 501, &mut error);
        assert_eq!(status, SCO_ERROR_INVALID_ARGUMENT);
        assert_eq!(
            message(error),
            "encoding is 501, but must be SCO_BODY_BASE64 (401), SCO_BODY_RAW (402) or \
             SCO_BODY_AUTO (403)"
        );
        sco_error_free(error);
        sco_client_options_free(options);
        let options = sco_call_options_new();
        let status = sco_call_options_set_if_exists(options, -1, &mut error);
        assert_eq!(status, SCO_ERROR_INVALID_ARGUMENT);
        assert_eq!(
            message(error),
            "if_exists is -1, but must be SCO_IF_EXISTS_FAIL (501), SCO_IF_EXISTS_REPLACE \
             (502) or SCO_IF_EXISTS_KEEP_BOTH (503)"
        );
        sco_error_free(error);
        sco_call_options_free(options);
    }
}

#[test]
fn client_after_panic_in_callback_still_works() {
    let server = MockServer::start();
    server.mock(|when, then| {
        when.path("/api/QueuedJobs/OutputFile/1");
        then.status(200).body("QUJD");
    });
    let has_panicked = AtomicBool::new(false);
    let provider = move |_| match has_panicked.swap(true, Ordering::SeqCst) {
        true => Ok::<_, Error>("token".to_owned()),
        false => panic!("no token today"),
    };
    let options = sco_client_options {
        builder: Client::builder("").token_provider(provider),
        retry_policy: RetryPolicy::default(),
    };
    let url = c_string(&server.base_url());
    let (mut client, mut file, mut error) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: every pointer is NULL, live, or writable; every handle is freed once.
    unsafe {
        let status = sco_client_new(url.as_ptr(), ptr::null(), &options, &mut client, &mut error);
        assert_eq!(status, SCO_OK);
        let status = sco_get_output_file(client, 1, ptr::null(), &mut file, &mut error);
        assert_eq!(status, SCO_ERROR_INTERNAL);
        assert!(file.is_null());
        assert!(message(error).contains("no token today"));
        sco_error_free(error);
        let status = sco_get_output_file(client, 1, ptr::null(), &mut file, &mut error);
        assert_eq!(status, SCO_OK);
        assert_eq!(sco_output_file_size(file), 3);
        sco_output_file_free(file);
        sco_client_free(client);
    }
}

#[test]
fn catch_panics_any_payload_is_internal_error() {
    type Body = fn() -> Result<(), Error>;
    let bodies: [(Body, &str); 3] = [
        (|| panic!("static"), "static"),
        (|| panic!("number {}", 5), "number 5"),
        (|| std::panic::panic_any(5), "without a message"),
    ];
    for (body, message) in bodies {
        let mut error = ptr::null_mut();
        // SAFETY: `error` is writable.
        let status = unsafe { catch_panics(&mut error, body) };
        assert_eq!(status, SCO_ERROR_INTERNAL);
        // SAFETY: the call failed, so `error` is a live handle, freed once.
        unsafe {
            let text = CStr::from_ptr(sco_error_message(error)).to_str().unwrap();
            assert!(text.contains(message), "{text}");
            sco_error_free(error);
            let status = catch_panics(ptr::null_mut(), || panic!("not reported"));
            assert_eq!(status, SCO_ERROR_INTERNAL);
        }
    }
}

#[test]
fn free_panicking_drop_returns() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    // SAFETY: the handle came from a box and is freed once.
    unsafe { free(Box::into_raw(Box::new(Bomb))) };
}

#[test]
fn c_string_nul_is_replaced() {
    assert_eq!(c_string("a\0b").to_str(), Ok("a\u{fffd}b"));
}
