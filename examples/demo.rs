//! Downloads a job's output file through the C functions, as a C program would, and saves it.
//!
//! `cargo run --example demo` starts a mock server and downloads a file from it.
//!
//! To use another server, set the environment variable SELLERCLOUD_SERVER, and
//! SELLERCLOUD_TOKEN or SELLERCLOUD_USER and SELLERCLOUD_PASSWORD, and pass a job id or a
//! QueuedJobLink as the argument.

#![allow(unsafe_code, reason = "these are C functions")]

use std::env;
use std::error::Error;
use std::ffi::{CStr, CString, c_char};
use std::path::Path;
use std::process::ExitCode;
use std::ptr;

use sellercloud_output::ffi::*;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let variable = |name: &str| env::var(format!("SELLERCLOUD_{name}")).ok();
    let (server, token) = (variable("SERVER"), variable("TOKEN"));
    let login = variable("USER").zip(variable("PASSWORD"));
    let mock;
    let (server, access) = match (server, token, login) {
        (Some(server), Some(token), _) => (server, Access::Token(token)),
        (Some(server), None, Some((user, password))) => (server, Access::Login(user, password)),
        (Some(_), None, None) => {
            return Err(
                "set SELLERCLOUD_TOKEN, or SELLERCLOUD_USER and SELLERCLOUD_PASSWORD".into(),
            );
        }
        (None, ..) => {
            mock = mock_server::MockSellercloud::start();
            println!("server   a mock server at {}", mock.url());
            let (user, password) = (mock_server::USER_NAME, mock_server::PASSWORD);
            (mock.url(), Access::Login(user.into(), password.into()))
        }
    };
    let job = env::args().nth(1).unwrap_or_else(|| "28142".to_owned());
    let directory = tempfile::Builder::new()
        .prefix("sellercloud-output-")
        .tempdir()?;
    download(&server, &access, &job, directory.path())?;
    // Keeps the file after the program.
    let _ = directory.keep();
    Ok(())
}

enum Access {
    Token(String),
    Login(String, String),
}

fn download(
    server: &str,
    access: &Access,
    job: &str,
    directory: &Path,
) -> Result<(), Box<dyn Error>> {
    let server = CString::new(server)?;
    let (token, login) = match access {
        Access::Token(token) => (Some(CString::new(token.as_str())?), None),
        Access::Login(user, password) => {
            let login = (
                CString::new(user.as_str())?,
                CString::new(password.as_str())?,
            );
            (None, Some(login))
        }
    };
    let job = CString::new(job)?;
    let directory_text = CString::new(
        directory
            .to_str()
            .ok_or("the directory's path is not UTF-8")?,
    )?;

    let mut error = ptr::null_mut();
    let mut client = ptr::null_mut();
    let mut file = ptr::null_mut();
    let mut id = 0;
    // SAFETY: the strings are NUL-terminated and outlive the calls, the out parameters are
    // valid, and every handle is freed once, at the end.
    unsafe {
        let options = sco_client_options_new();
        let is_set = match &login {
            Some((user, password)) => sco_client_options_set_credentials(
                options,
                user.as_ptr(),
                password.as_ptr(),
                &mut error,
            ),
            None => SCO_OK,
        };
        let done = is_set == SCO_OK
            && sco_parse_job_id(job.as_ptr(), &mut id, &mut error) == SCO_OK
            && sco_client_new(
                server.as_ptr(),
                token.as_ref().map_or(ptr::null(), |token| token.as_ptr()),
                options,
                &mut client,
                &mut error,
            ) == SCO_OK
            && sco_get_output_file(client, id, ptr::null(), &mut file, &mut error) == SCO_OK
            && sco_output_file_save(
                file,
                directory_text.as_ptr(),
                ptr::null(),
                ptr::null_mut(),
                &mut error,
            ) == SCO_OK;
        let outcome = if done {
            let name = text(sco_output_file_name(file));
            let bytes =
                std::slice::from_raw_parts(sco_output_file_data(file), sco_output_file_size(file));
            println!("job      {id}");
            println!("name     {name}");
            println!("size     {} bytes", bytes.len());
            println!("SHA-256  {}", mock_server::fixtures::sha256(bytes));
            println!("saved    {}", directory.join(name).display());
            Ok(())
        } else {
            let kind = text(sco_status_string(sco_error_kind(error)));
            Err(format!("{kind}: {}", text(sco_error_message(error))).into())
        };
        sco_output_file_free(file);
        sco_client_free(client);
        sco_client_options_free(options);
        sco_error_free(error);
        outcome
    }
}

/// Copies a C string.
///
/// # Safety
///
/// `string` must be NUL-terminated.
unsafe fn text(string: *const c_char) -> String {
    // SAFETY: the caller guarantees it.
    unsafe { CStr::from_ptr(string) }
        .to_string_lossy()
        .into_owned()
}
