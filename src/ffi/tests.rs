use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use httpmock::MockServer;

use super::*;
use crate::{Client, Retry};

thread_local! {
    static PANICS_IN: Cell<&'static str> = const { Cell::new("") };
}

/// Panics in the function that a test of this thread chose. `body` is the name of a
/// closure's type, which has its function's in it.
pub(super) fn panic_where_asked(body: &'static str) {
    let function = PANICS_IN.get();
    if !function.is_empty() && body.contains(&format!("::{function}::")) {
        panic!("a panic in {function}");
    }
}

fn message(error: *const sco_error) -> String {
    // SAFETY: the handle is live, and so is its message.
    let message = unsafe { CStr::from_ptr(sco_error_message(error)) };
    message.to_str().unwrap().to_owned()
}

/// Defines a list of functions, each with its name, called with the given arguments and a
/// place for the error.
macro_rules! functions {
    ($($name:ident($($argument:expr),*))*) => {
        [$((
            stringify!($name),
            // SAFETY: NULL is allowed everywhere, and `error` is a place to write to.
            (|error| unsafe { $name($($argument,)* error) }) as fn(*mut *mut sco_error) -> sco_status,
        )),*]
    };
}

#[test]
fn a_panic_in_any_function_is_an_internal_error() {
    const N: *mut c_void = ptr::null_mut();
    let functions = functions! {
        sco_config_set_body_encoding(N.cast(), 0)
        sco_config_set_max_size(N.cast(), 0)
        sco_config_set_allow_plain_http(N.cast(), 0)
        sco_config_set_credentials(N.cast(), N.cast(), N.cast())
        sco_token_set(N.cast(), N.cast())
        sco_config_set_token_callback(N.cast(), None, N)
        sco_config_set_team(N.cast(), N.cast())
        sco_config_set_team_directory(N.cast(), N.cast())
        sco_config_set_timeouts(N.cast(), 0, 0, 0)
        sco_config_set_retry(N.cast(), 0, 0, 0)
        sco_config_set_retry_server_errors(N.cast(), 0)
        sco_config_set_proxy(N.cast(), N.cast())
        sco_config_add_ca_certificates(N.cast(), N.cast(), 0)
        sco_config_set_client_certificate(N.cast(), N.cast(), 0, N.cast(), 0)
        sco_config_set_log(N.cast(), None, N)
        sco_client_new(N.cast(), N.cast(), N.cast(), N.cast())
        sco_job_id_from_text(N.cast(), N.cast())
        sco_get_output_file(N.cast(), 0, N.cast(), N.cast())
        sco_save_output_file(N.cast(), 0, N.cast(), N.cast(), N.cast())
        sco_write_output_file(N.cast(), 0, None, N, N.cast(), N.cast())
        sco_get_job(N.cast(), 0, N.cast(), N.cast())
        sco_wait_for_job(N.cast(), 0, N.cast(), N.cast())
        sco_wait_for_output_file(N.cast(), 0, N.cast(), N.cast(), N.cast())
        sco_wait_and_save_output_file(N.cast(), 0, N.cast(), N.cast(), N.cast(), N.cast())
        sco_wait_and_write_output_file(N.cast(), 0, None, N, N.cast(), N.cast(), N.cast())
        sco_output_file_save(N.cast(), N.cast(), N.cast(), N.cast())
        sco_options_set_timeout(N.cast(), 0)
        sco_options_set_cancel(N.cast(), N.cast())
        sco_options_set_interrupt(N.cast(), None, N)
        sco_options_set_progress(N.cast(), None, N)
        sco_options_set_wait(N.cast(), 0, 0, 0)
        sco_options_set_fail_on_hold(N.cast(), 0)
        sco_options_set_save(N.cast(), N.cast(), 0, 0)
    };
    let header = include_str!("../../include/sellercloud_output.h");
    let in_header: Vec<_> = header
        .lines()
        .filter_map(|line| line.strip_prefix("sco_status ")?.split('(').next())
        // It only reads.
        .filter(|name| *name != "sco_error_kind")
        .collect();
    assert_eq!(functions.map(|(name, _)| name).to_vec(), in_header);
    for (name, function) in functions {
        let mut error = ptr::null_mut();
        PANICS_IN.set(name);
        assert_eq!(function(&mut error), SCO_INTERNAL, "{name}");
        PANICS_IN.set("");
        assert!(message(error).contains(&format!("a panic in {name}")));
        // SAFETY: the call failed, so that `error` is a live handle, freed once.
        unsafe { sco_error_free(error) };
        assert_eq!(function(&mut error), SCO_INVALID_ARGUMENT, "{name}");
        // SAFETY: as above.
        unsafe { sco_error_free(error) };
    }
}

#[test]
fn a_client_works_on_after_a_panic_within_a_call() {
    let server = MockServer::start();
    server.mock(|when, then| {
        when.path("/api/QueuedJobs/OutputFile/1");
        then.status(200).body("QUJD");
    });
    let has_panicked = AtomicBool::new(false);
    let source = move |_| match has_panicked.swap(true, Ordering::SeqCst) {
        true => Ok::<_, Error>("token".to_owned()),
        false => panic!("no token today"),
    };
    let config = sco_config {
        builder: Client::builder("").token_source(source),
        retry: Retry::default(),
    };
    let url = c_string(&server.base_url());
    let (mut client, mut file, mut error) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: what is given is NULL, live, or a place to write to; all is freed once.
    unsafe {
        let status = sco_client_new(url.as_ptr(), ptr::null(), &config, &mut client, &mut error);
        assert_eq!(status, SCO_OK);
        let status = sco_get_output_file(client, 1, ptr::null(), &mut file, &mut error);
        assert_eq!(status, SCO_INTERNAL);
        assert!(file.is_null());
        assert!(message(error).contains("no token today"));
        sco_error_free(error);
        let status = sco_get_output_file(client, 1, ptr::null(), &mut file, &mut error);
        assert_eq!(status, SCO_OK);
        assert_eq!(sco_output_file_len(file), 3);
        sco_output_file_free(file);
        sco_client_free(client);
    }
}

#[test]
fn a_panic_becomes_an_internal_error() {
    type Body = fn() -> Result<(), Error>;
    let bodies: [(Body, &str); 3] = [
        (|| panic!("static"), "static"),
        (|| panic!("number {}", 5), "number 5"),
        (|| std::panic::panic_any(5), "without a message"),
    ];
    for (body, message) in bodies {
        let mut error = ptr::null_mut();
        // SAFETY: `error` is a place to write to.
        let status = unsafe { call(&mut error, body) };
        assert_eq!(status, SCO_INTERNAL);
        // SAFETY: the call failed, so that `error` is a live handle, freed once.
        unsafe {
            let text = CStr::from_ptr(sco_error_message(error)).to_str().unwrap();
            assert!(text.contains(message), "{text}");
            sco_error_free(error);
            assert_eq!(call(ptr::null_mut(), || panic!("unheard")), SCO_INTERNAL);
        }
    }
}

#[test]
fn a_panic_while_freeing_does_not_reach_c() {
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
fn strings_for_c_hold_no_nul() {
    assert_eq!(c_string("a\0b").to_str(), Ok("a\u{fffd}b"));
}
