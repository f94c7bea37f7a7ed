use std::ffi::c_char;
use std::ptr;

use super::{
    call, free, required, result, sco_config, sco_error, sco_output_file, sco_status, text,
};
use crate::{Client, JobId};

/// A client of one server, for one user. Made by sco_client_new, freed with
/// sco_client_free. Any number of threads may use it at once; it keeps its
/// connections for the next call.
pub struct sco_client {
    client: Client,
}

/// Makes a client. Nothing is sent yet.
///
/// server: a server id ("tt" means https://tt.api.sellercloud.com/rest) or a
/// base URL. token: the bearer token, alone; it is copied, and wiped from memory
/// when the client is freed. config: options, or NULL for the defaults; it may
/// be freed or changed afterwards.
///
/// On success *client is a new client, which the caller frees with
/// sco_client_free; else it is NULL. SCO_INVALID_ARGUMENT if the server or the
/// token cannot be used, is NULL, or is not UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_new(
    server: *const c_char,
    token: *const c_char,
    config: *const sco_config,
    client: *mut *mut sco_client,
    error: *mut *mut sco_error,
) -> sco_status {
    let new = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        let (client, server, token, config) = unsafe {
            (
                result(client, ptr::null_mut(), "client")?,
                text(server, "server")?,
                text(token, "token")?,
                config.as_ref(),
            )
        };
        let builder = match config {
            Some(config) => config.builder.clone().server(server),
            None => Client::builder(server),
        };
        let made = builder.token(token).build()?;
        *client = Box::into_raw(Box::new(sco_client { client: made }));
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, new) }
}

/// Frees a client. NULL is allowed. No call may be using it. Files and errors
/// that it gave stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_free(client: *mut sco_client) {
    // SAFETY: `client` is NULL or a handle made by sco_client_new, which the caller owns.
    unsafe { free(client) };
}

/// Reads a job's id from text: the id itself, or the QueuedJobLink that the
/// server answered when the job was created, such as
/// "/queued-jobs/queued-job-details.aspx?id=2206923", absolute or relative.
///
/// On success *job is the id; else 0. SCO_INVALID_ARGUMENT if the text names no
/// job, is NULL, or is not UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_job_id_from_text(
    job_text: *const c_char,
    job: *mut i64,
    error: *mut *mut sco_error,
) -> sco_status {
    let read = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        let (job, job_text) = unsafe { (result(job, 0, "job")?, text(job_text, "job_text")?) };
        *job = job_text.parse::<JobId>()?.get().into();
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, read) }
}

/// Fetches a job's output file into memory. Blocks until the file is complete
/// or the call has failed; any number of threads may do so with one client.
///
/// job: the job's id, 1 to 2147483647.
///
/// On success *file is the file, which the caller frees with
/// sco_output_file_free; else it is NULL. Any status is possible;
/// SCO_INVALID_ARGUMENT if client or file is NULL or the id is out of range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_get_output_file(
    client: *const sco_client,
    job: i64,
    file: *mut *mut sco_output_file,
    error: *mut *mut sco_error,
) -> sco_status {
    let get = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        let (file, handle) = unsafe {
            (
                result(file, ptr::null_mut(), "file")?,
                required(client, "client")?,
            )
        };
        let fetched = handle.client.output_file(job)?;
        *file = Box::into_raw(Box::new(sco_output_file::new(fetched)));
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, get) }
}
