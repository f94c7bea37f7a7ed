use std::ffi::{c_char, c_void};

use super::boundary::{
    catch_panics, free, optional_out_param, optional_str, out_param, required, required_callback,
    required_directory, required_str, write_handle,
};
use super::call_options::{new_call, wait_options};
use super::callbacks::CallbackWriter;
use super::{
    sco_call_options, sco_client_options, sco_error, sco_file_info, sco_job, sco_output_file,
    sco_status, sco_write_callback,
};
use crate::client::ServerName;
use crate::{Client, Error, JobId};

/// A client for one Sellercloud server and one user.
///
/// sco_client_new creates it, and sco_client_free frees it. Any number of threads may use
/// it at the same time. It keeps its connections open for the next call.
pub struct sco_client {
    pub(super) client: Client,
}

/// Creates a client. Nothing is sent until the first call.
///
/// @param server A server id in UTF-8, such as "tt" for
/// https://tt.api.sellercloud.com/rest, or a base URL. It takes precedence over the team of
/// the options. NULL if the options have a team.
/// @param token The bearer token in UTF-8, without "Bearer". Whitespace around it is
/// ignored. It is copied, and wiped from memory when the client is freed. It takes
/// precedence over the credentials and the token provider of the options. NULL if the
/// options have either.
/// @param options The client's options, or NULL for the defaults. The client copies them.
/// @param[out] client Receives the new client, or NULL on failure. Free it with
/// sco_client_free.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if the server, the token or an option is
/// missing or cannot be used, if client is NULL, or if a string is not UTF-8.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_new(
    server: *const c_char,
    token: *const c_char,
    options: *const sco_client_options,
    client: *mut *mut sco_client,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let client = out_param(client, "client")?;
            let mut builder = match options.as_ref() {
                Some(options) => options.builder.clone(),
                None => Client::builder(String::new()),
            };
            match optional_str(server, "server")? {
                Some(server) => builder = builder.server(ServerName::Server(server.into())),
                None if builder.has_team() => {}
                None => {
                    return Err(Error::invalid_argument("a server or a team is required"));
                }
            }
            if let Some(token) = optional_str(token, "token")? {
                builder = builder.token(token);
            }
            let built = builder.build()?;
            write_handle(client, sco_client { client: built });
            Ok(())
        })
    }
}

/// Frees a client. No call may be using it, so do not free it in a callback of its call.
///
/// Files, jobs and errors that came from the client stay valid. Open downloads and waits
/// go on. Until they are freed they use the client's secrets and callbacks.
///
/// @param client The client, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_client_free(client: *mut sco_client) {
    // SAFETY: the header's contract.
    unsafe { free(client) };
}

/// Reads a job id from text.
///
/// The text is the id itself, or the QueuedJobLink that the server returned when the job
/// was created, such as "/queued-jobs/queued-job-details.aspx?id=2206923", absolute or
/// relative. Whitespace and quotation marks around it are ignored.
///
/// @param text The text in UTF-8.
/// @param[out] job_id Receives the id, or 0 on failure.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if text contains no job id, if text or
/// job_id is NULL, or if text is not UTF-8.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_parse_job_id(
    text: *const c_char,
    job_id: *mut i64,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let job_id = out_param(job_id, "job_id")?;
            let text = required_str(text, "text")?;
            *job_id = text.parse::<JobId>()?.get().into();
            Ok(())
        })
    }
}

/// Downloads a job's output file into memory.
///
/// The call blocks until the file is complete or the call has failed.
///
/// @param client The client.
/// @param job_id The job's id, 1 to 2147483647.
/// @param options The options of this call, or NULL for the defaults.
/// @param[out] file Receives the file, or NULL on failure. Free it with
/// sco_output_file_free.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or any other status except SCO_ERROR_JOB_FAILED.
/// SCO_ERROR_INVALID_ARGUMENT if client or file is NULL, or if job_id is out of range.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_get_output_file(
    client: *const sco_client,
    job_id: i64,
    options: *const sco_call_options,
    file: *mut *mut sco_output_file,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let file = out_param(file, "file")?;
            let client = required(client, "client")?;
            let downloaded = new_call(client, options.as_ref()).get_output_file(job_id)?;
            write_handle(file, sco_output_file::new(downloaded));
            Ok(())
        })
    }
}

/// Downloads a job's output file into a directory, under the server's name for it unless
/// the options have another.
///
/// The file is decoded as it arrives, into a temporary file in the directory. The temporary
/// file gets its final name when it is complete, so that the file appears whole or not at
/// all. It has the permissions that the process gives new files. The call needs about 1 MiB
/// of memory for a file of any size. sco_call_options_set_file_name,
/// sco_call_options_set_if_exists and sco_call_options_set_flush_to_disk change how the
/// file is saved.
///
/// @param client The client.
/// @param job_id The job's id, 1 to 2147483647.
/// @param directory The path of an existing directory; "." for the current one. Any bytes
/// that the system accepts on Unix; UTF-8 on Windows.
/// @param options The options of this call, or NULL for the defaults.
/// @param[out] info Receives the file's path and properties, or NULL on failure. Free it
/// with sco_file_info_free. May be NULL.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or any other status except SCO_ERROR_JOB_FAILED. SCO_ERROR_IO if the
/// file cannot be written, or if a file of that name exists and the options have
/// SCO_IF_EXISTS_FAIL, the default. SCO_ERROR_INVALID_ARGUMENT if client or directory is
/// NULL, if directory is empty or, on Windows, not UTF-8, if the file name of the options
/// cannot be used, or if job_id is out of range.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_save_output_file(
    client: *const sco_client,
    job_id: i64,
    directory: *const c_char,
    options: *const sco_call_options,
    info: *mut *mut sco_file_info,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let info = optional_out_param(info);
            let client = required(client, "client")?;
            let directory = required_directory(directory)?;
            let call = new_call(client, options.as_ref());
            let saved = call.save_output_file(job_id, directory)?;
            write_handle(info, sco_file_info::from_saved(saved));
            Ok(())
        })
    }
}

/// Downloads a job's output file and passes it to a callback, chunk by chunk.
///
/// The file is decoded as it arrives. The call needs about 1 MiB of memory for a file of
/// any size. If the call fails, the callback may have received a part of the file: use the
/// file only if the call succeeds.
///
/// @param client The client.
/// @param job_id The job's id, 1 to 2147483647.
/// @param callback The callback that receives the file.
/// @param context A pointer that is passed to the callback. May be NULL.
/// @param options The options of this call, or NULL for the defaults.
/// @param[out] info Receives the file's name and properties, or NULL on failure. Free it
/// with sco_file_info_free. May be NULL.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or any other status except SCO_ERROR_JOB_FAILED. SCO_ERROR_IO if the
/// callback returned a value other than 0. SCO_ERROR_INVALID_ARGUMENT if client or callback
/// is NULL, or if job_id is out of range.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_write_output_file(
    client: *const sco_client,
    job_id: i64,
    callback: sco_write_callback,
    context: *mut c_void,
    options: *const sco_call_options,
    info: *mut *mut sco_file_info,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let info = optional_out_param(info);
            let client = required(client, "client")?;
            let callback = required_callback(callback, "callback")?;
            let call = new_call(client, options.as_ref());
            let mut writer = CallbackWriter { callback, context };
            let written = call.write_output_file(job_id, &mut writer)?;
            write_handle(info, sco_file_info::from_written(written));
            Ok(())
        })
    }
}

/// Gets the state of a job.
///
/// A job that has failed or was cancelled is not an error of this call.
///
/// @param client The client.
/// @param job_id The job's id, 1 to 2147483647.
/// @param options The options of this call, or NULL for the defaults.
/// @param[out] job Receives the job, or NULL on failure. Free it with sco_job_free.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or any other status except SCO_ERROR_JOB_FAILED.
/// SCO_ERROR_INVALID_ARGUMENT if client or job is NULL, or if job_id is out of range.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_get_job(
    client: *const sco_client,
    job_id: i64,
    options: *const sco_call_options,
    job: *mut *mut sco_job,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let job = out_param(job, "job")?;
            let client = required(client, "client")?;
            let queued_job = new_call(client, options.as_ref()).get_job(job_id)?;
            write_handle(job, sco_job::new(queued_job));
            Ok(())
        })
    }
}

/// Waits until a job has ended with success.
///
/// SCO_JOB_STATUS_PARTIAL_SUCCESS counts as success. So does a status that this version
/// does not know if the job has ended and names an output file. A job that the server does
/// not find is polled again for a time, because the server may find a new job only after a
/// moment; see sco_call_options_set_wait_grace_ms. The call times out after 24 hours unless
/// the options set another timeout.
///
/// @param client The client.
/// @param job_id The job's id, 1 to 2147483647.
/// @param options The options of this call, or NULL for the defaults.
/// @param[out] job Receives the job, or NULL on failure. Free it with sco_job_free.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or any other status. SCO_ERROR_JOB_FAILED if the job ended without
/// success or is on hold; sco_error_job returns it. SCO_ERROR_TIMEOUT if the job did not
/// end in time. SCO_ERROR_INVALID_ARGUMENT if client or job is NULL, or if job_id is out of
/// range.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_wait_for_job(
    client: *const sco_client,
    job_id: i64,
    options: *const sco_call_options,
    job: *mut *mut sco_job,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let job = out_param(job, "job")?;
            let client = required(client, "client")?;
            let call = new_call(client, options.as_ref());
            let ended = call.wait_for_job(job_id, wait_options(options.as_ref()))?;
            write_handle(job, sco_job::new(ended));
            Ok(())
        })
    }
}

/// Waits for a job as sco_wait_for_job does, and downloads its output file into memory as
/// sco_get_output_file does.
///
/// @param client The client.
/// @param job_id The job's id, 1 to 2147483647.
/// @param options The options of this call, or NULL for the defaults.
/// @param[out] job Receives the job, or NULL on failure. Free it with sco_job_free. May be
/// NULL.
/// @param[out] file Receives the file, or NULL on failure. Free it with
/// sco_output_file_free.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or any other status, as for these two functions.
/// SCO_ERROR_INVALID_ARGUMENT if client or file is NULL, or if job_id is out of range.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_wait_for_output_file(
    client: *const sco_client,
    job_id: i64,
    options: *const sco_call_options,
    job: *mut *mut sco_job,
    file: *mut *mut sco_output_file,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let job = optional_out_param(job);
            let file = out_param(file, "file")?;
            let client = required(client, "client")?;
            let call = new_call(client, options.as_ref());
            let wait = wait_options(options.as_ref());
            let (ended, downloaded) = call.wait_for_output_file(job_id, wait)?;
            write_handle(file, sco_output_file::new(downloaded));
            write_handle(job, sco_job::new(ended));
            Ok(())
        })
    }
}

/// Waits for a job as sco_wait_for_job does, and downloads its output file into a directory
/// as sco_save_output_file does.
///
/// The directory, and the file name if the options have one, are checked before the wait
/// begins.
///
/// @param client The client.
/// @param job_id The job's id, 1 to 2147483647.
/// @param directory The path of an existing directory; "." for the current one. Any bytes
/// that the system accepts on Unix; UTF-8 on Windows.
/// @param options The options of this call, or NULL for the defaults.
/// @param[out] job Receives the job, or NULL on failure. Free it with sco_job_free. May be
/// NULL.
/// @param[out] info Receives the file's path and properties, or NULL on failure. Free it
/// with sco_file_info_free. May be NULL.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or any other status, as for these two functions.
/// SCO_ERROR_INVALID_ARGUMENT if client or directory is NULL, if directory is empty or, on
/// Windows, not UTF-8, if the file name of the options cannot be used, or if job_id is out
/// of range.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_wait_and_save_output_file(
    client: *const sco_client,
    job_id: i64,
    directory: *const c_char,
    options: *const sco_call_options,
    job: *mut *mut sco_job,
    info: *mut *mut sco_file_info,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let job = optional_out_param(job);
            let info = optional_out_param(info);
            let client = required(client, "client")?;
            let directory = required_directory(directory)?;
            let call = new_call(client, options.as_ref());
            let wait = wait_options(options.as_ref());
            let (ended, saved) = call.wait_and_save_output_file(job_id, directory, wait)?;
            write_handle(job, sco_job::new(ended));
            write_handle(info, sco_file_info::from_saved(saved));
            Ok(())
        })
    }
}

/// Waits for a job as sco_wait_for_job does, and passes its output file to a callback as
/// sco_write_output_file does.
///
/// @param client The client.
/// @param job_id The job's id, 1 to 2147483647.
/// @param callback The callback that receives the file.
/// @param context A pointer that is passed to the callback. May be NULL.
/// @param options The options of this call, or NULL for the defaults.
/// @param[out] job Receives the job, or NULL on failure. Free it with sco_job_free. May be
/// NULL.
/// @param[out] info Receives the file's name and properties, or NULL on failure. Free it
/// with sco_file_info_free. May be NULL.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or any other status, as for these two functions.
/// SCO_ERROR_INVALID_ARGUMENT if client or callback is NULL, or if job_id is out of range.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_wait_and_write_output_file(
    client: *const sco_client,
    job_id: i64,
    callback: sco_write_callback,
    context: *mut c_void,
    options: *const sco_call_options,
    job: *mut *mut sco_job,
    info: *mut *mut sco_file_info,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let job = optional_out_param(job);
            let info = optional_out_param(info);
            let client = required(client, "client")?;
            let callback = required_callback(callback, "callback")?;
            let call = new_call(client, options.as_ref());
            let mut writer = CallbackWriter { callback, context };
            let wait = wait_options(options.as_ref());
            let (ended, written) = call.wait_and_write_output_file(job_id, &mut writer, wait)?;
            write_handle(job, sco_job::new(ended));
            write_handle(info, sco_file_info::from_written(written));
            Ok(())
        })
    }
}
