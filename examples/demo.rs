//! Fetches a job's output file through the C functions, as a C program would,
//! and saves it.
//!
//! `cargo run --example demo` talks to a stand-in server that it starts itself.
//! With SELLERCLOUD_SERVER set, and SELLERCLOUD_TOKEN or SELLERCLOUD_USER and
//! SELLERCLOUD_PASSWORD, and a job id or QueuedJobLink as argument, it talks to
//! that server.

#![allow(unsafe_code, reason = "these are C functions")]

use std::env;
use std::error::Error;
use std::ffi::{CStr, CString, c_char};
use std::path::Path;
use std::ptr;

use sellercloud_output::ffi::*;

fn main() -> Result<(), Box<dyn Error>> {
    let variable = |name: &str| env::var(format!("SELLERCLOUD_{name}")).ok();
    let (server, token) = (variable("SERVER"), variable("TOKEN"));
    let login = variable("USER_NAME").zip(variable("PASSWORD"));
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
            println!("server   a stand-in at {}", mock.url());
            let (user, password) = (mock_server::USER_NAME, mock_server::PASSWORD);
            (mock.url(), Access::Login(user.into(), password.into()))
        }
    };
    let job = env::args().nth(1).unwrap_or_else(|| "28142".to_owned());
    let folder = tempfile::Builder::new()
        .prefix("sellercloud-output-")
        .tempdir()?;
    fetch(&server, &access, &job, folder.path())?;
    // The file is there to be looked at.
    let _ = folder.keep();
    Ok(())
}

enum Access {
    Token(String),
    Login(String, String),
}

fn fetch(server: &str, access: &Access, job: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
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
    let folder_text = CString::new(folder.to_str().ok_or("the folder's path is not UTF-8")?)?;

    let mut error = ptr::null_mut();
    let mut client = ptr::null_mut();
    let mut file = ptr::null_mut();
    let mut id = 0;
    // SAFETY: the strings are NUL-terminated and outlive the calls, the places
    // for results are live, and every handle is freed once, at the end.
    unsafe {
        let config = sco_config_new();
        let is_set = match &login {
            Some((user, password)) => {
                sco_config_set_credentials(config, user.as_ptr(), password.as_ptr(), &mut error)
            }
            None => SCO_OK,
        };
        let done = is_set == SCO_OK
            && sco_job_id_from_text(job.as_ptr(), &mut id, &mut error) == SCO_OK
            && sco_client_new(
                server.as_ptr(),
                token.as_ref().map_or(ptr::null(), |token| token.as_ptr()),
                config,
                &mut client,
                &mut error,
            ) == SCO_OK
            && sco_get_output_file(client, id, ptr::null(), &mut file, &mut error) == SCO_OK
            && sco_output_file_save(
                file,
                folder_text.as_ptr(),
                ptr::null(),
                ptr::null_mut(),
                &mut error,
            ) == SCO_OK;
        let outcome = if done {
            let name = text(sco_output_file_name(file));
            let bytes =
                std::slice::from_raw_parts(sco_output_file_data(file), sco_output_file_len(file));
            println!("job      {id}");
            println!("name     {name}");
            println!("size     {} bytes", bytes.len());
            println!("SHA-256  {}", mock_server::fixtures::sha256(bytes));
            println!("saved    {}", folder.join(name).display());
            Ok(())
        } else {
            let kind = text(sco_status_string(sco_error_kind(error)));
            Err(format!("{kind}: {}", text(sco_error_message(error))).into())
        };
        sco_output_file_free(file);
        sco_client_free(client);
        sco_config_free(config);
        sco_error_free(error);
        outcome
    }
}

/// # Safety
///
/// `string` is NUL-terminated. The text is copied.
unsafe fn text(string: *const c_char) -> String {
    // SAFETY: as the caller vouches.
    unsafe { CStr::from_ptr(string) }
        .to_string_lossy()
        .into_owned()
}
