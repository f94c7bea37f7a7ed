use std::ffi::{c_char, c_void};
use std::io::{self, Write};
use std::ptr;

use super::{
    begin, call, directory, free, give, is_null, required, result, sco_config, sco_error,
    sco_file_info, sco_job, sco_options, sco_output_file, sco_status, text, wait_of,
};
use crate::builder::ServerName;
use crate::{Client, Error, JobId};

/// A client of one server, for one user. Made by sco_client_new, freed with
/// sco_client_free. Any number of threads may use it at once; it keeps its
/// connections for the next call.
pub struct sco_client {
    client: Client,
}

/// Makes a client. Nothing is sent yet.
///
/// server: a server id ("tt" means https://tt.api.sellercloud.com/rest) or a
/// base URL; NULL where config names a team. token: the bearer token, alone; it
/// is copied, and wiped from memory when the client is freed; NULL where config
/// has a user name and password or a token callback. config: options, or NULL
/// for the defaults; it may be freed or changed afterwards.
///
/// On success *client is a new client, which the caller frees with
/// sco_client_free; else it is NULL. SCO_INVALID_ARGUMENT if the server, the
/// token or an option cannot be used, is missing, or is not UTF-8.
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
        let (client, config) =
            unsafe { (result(client, ptr::null_mut(), "client")?, config.as_ref()) };
        let mut builder = match config {
            Some(config) => config.builder.clone(),
            None => Client::builder(String::new()),
        };
        if !server.is_null() {
            // SAFETY: `server` is NUL-terminated.
            let server = unsafe { text(server, "server") }?;
            builder = builder.server(ServerName::Itself(server.into()));
        } else if !builder.has_team() {
            let message = "no server was given, and no team either";
            return Err(Error::InvalidArgument(message.into()));
        }
        if !token.is_null() {
            // SAFETY: `token` is NUL-terminated.
            builder = builder.token(unsafe { text(token, "token") }?);
        }
        let made = builder.build()?;
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
/// job: the job's id, 1 to 2147483647. options: for this call, or NULL.
///
/// On success *file is the file, which the caller frees with
/// sco_output_file_free; else it is NULL. Any status is possible;
/// SCO_INVALID_ARGUMENT if client or file is NULL or the id is out of range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_get_output_file(
    client: *const sco_client,
    job: i64,
    options: *const sco_options,
    file: *mut *mut sco_output_file,
    error: *mut *mut sco_error,
) -> sco_status {
    let get = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        let (file, handle, options) = unsafe {
            (
                result(file, ptr::null_mut(), "file")?,
                required(client, "client")?,
                options.as_ref(),
            )
        };
        let fetched = begin(&handle.client, options).output_file(job)?;
        *file = Box::into_raw(Box::new(sco_output_file::new(fetched, &handle.client)));
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, get) }
}

/// Saves a job's output file under its name in a folder, which must exist. It is
/// decoded as it arrives, into a temporary file there that gets the name when it
/// is complete: the file appears whole or not at all, with the permissions that
/// the process gives new files. Needs about 1 MiB of memory, whatever the
/// file's size.
///
/// job: the job's id. folder: the directory's path in UTF-8; "." for the current
/// one, while an empty path is rejected. options: for this call (sco_options_set_save has those for saving), or NULL.
/// info: where to put what was saved, with its path, for the caller to free with
/// sco_file_info_free; NULL where it does not matter.
///
/// Any status is possible. SCO_IO if the file cannot be written, also where one
/// of that name is there already, which is left alone unless the options say
/// otherwise; the error's message has the path. SCO_INVALID_ARGUMENT if client or
/// folder is NULL, or folder is empty or not UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_save_output_file(
    client: *const sco_client,
    job: i64,
    folder: *const c_char,
    options: *const sco_options,
    info: *mut *mut sco_file_info,
    error: *mut *mut sco_error,
) -> sco_status {
    let save = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        let (info, handle, folder, options) = unsafe {
            (
                result(info, ptr::null_mut(), "info").ok(),
                required(client, "client")?,
                directory(folder, "folder")?,
                options.as_ref(),
            )
        };
        let saved = begin(&handle.client, options).save_output_file(job, folder)?;
        give(info, || sco_file_info::of_saved(saved));
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, save) }
}

/// Takes the next length bytes of a file, which is never 0; data is there until
/// the callback returns. Returns 0 to go on; any other number ends the call with
/// SCO_IO.
///
/// Called on the thread that makes the call. It must return, not throw or jump
/// out; it may call the library.
pub type sco_write_fn =
    Option<unsafe extern "C" fn(context: *mut c_void, data: *const u8, length: usize) -> i32>;

/// Hands a job's output file to a callback as it arrives, decoded. Needs about
/// 1 MiB of memory, whatever the file's size.
///
/// On an error the callback may have been given a part: only SCO_OK means that
/// the file is complete. The call is tried again only while nothing was handed
/// out.
///
/// job: the job's id. write: the callback; context is handed to it. options: for
/// this call, or NULL. info: where to put what is known of the file, for the
/// caller to free with sco_file_info_free; NULL where it does not matter.
///
/// Any status is possible. SCO_IO if the callback returned another number than
/// 0, SCO_INVALID_ARGUMENT if client or write is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_write_output_file(
    client: *const sco_client,
    job: i64,
    write: sco_write_fn,
    context: *mut c_void,
    options: *const sco_options,
    info: *mut *mut sco_file_info,
    error: *mut *mut sco_error,
) -> sco_status {
    let write = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        let (info, handle, options) = unsafe {
            (
                result(info, ptr::null_mut(), "info").ok(),
                required(client, "client")?,
                options.as_ref(),
            )
        };
        let write = write.ok_or_else(|| is_null("write"))?;
        let call = begin(&handle.client, options);
        let written = call.write_output_file(job, &mut Callback { write, context })?;
        give(info, || sco_file_info::of_written(written));
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, write) }
}

/// A caller's function as a writer.
struct Callback {
    write: unsafe extern "C" fn(*mut c_void, *const u8, usize) -> i32,
    context: *mut c_void,
}

impl Write for Callback {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        // SAFETY: the caller vouches for the callback; `data` is there for its time.
        match unsafe { (self.write)(self.context, data.as_ptr(), data.len()) } {
            0 => Ok(data.len()),
            number => Err(io::Error::other(format!("the callback returned {number}"))),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Asks how far a job is. However it ended, it is told: that is no error.
///
/// job: the job's id. options: for this call, or NULL.
///
/// On success *queued_job is the job, which the caller frees with sco_job_free;
/// else it is NULL. Any status but SCO_JOB_FAILED is possible.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_get_job(
    client: *const sco_client,
    job: i64,
    options: *const sco_options,
    queued_job: *mut *mut sco_job,
    error: *mut *mut sco_error,
) -> sco_status {
    let get = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        let (queued_job, handle, options) = unsafe {
            (
                result(queued_job, ptr::null_mut(), "queued_job")?,
                required(client, "client")?,
                options.as_ref(),
            )
        };
        let told = begin(&handle.client, options).job(job)?;
        *queued_job = Box::into_raw(Box::new(sco_job::new(told)));
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, get) }
}

/// Waits until a job has ended with success, at least for some of its records
/// (SCO_JOB_PARTIAL_SUCCESS). "Could not find" is taken as "not yet" at first.
///
/// job: the job's id. options: for this call, or NULL; the limit is 24 hours
/// unless they say otherwise.
///
/// On success *queued_job is the job, which the caller frees with sco_job_free;
/// else it is NULL. SCO_JOB_FAILED if it ended otherwise: sco_error_job tells
/// the job. SCO_TIMEOUT if it did not end in time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_wait_for_job(
    client: *const sco_client,
    job: i64,
    options: *const sco_options,
    queued_job: *mut *mut sco_job,
    error: *mut *mut sco_error,
) -> sco_status {
    let wait = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        let (queued_job, handle, options) = unsafe {
            (
                result(queued_job, ptr::null_mut(), "queued_job")?,
                required(client, "client")?,
                options.as_ref(),
            )
        };
        let ended = begin(&handle.client, options).wait(job, wait_of(options))?;
        *queued_job = Box::into_raw(Box::new(sco_job::new(ended)));
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, wait) }
}

/// Waits for a job as sco_wait_for_job does, and fetches its output file.
///
/// queued_job: where to put the job as it ended, for the caller to free with
/// sco_job_free; NULL where it does not matter.
///
/// On success *file is the file, which the caller frees with
/// sco_output_file_free; else both are NULL. Any status is possible.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_wait_for_output_file(
    client: *const sco_client,
    job: i64,
    options: *const sco_options,
    queued_job: *mut *mut sco_job,
    file: *mut *mut sco_output_file,
    error: *mut *mut sco_error,
) -> sco_status {
    let wait = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        let (queued_job, file, handle, options) = unsafe {
            (
                result(queued_job, ptr::null_mut(), "queued_job").ok(),
                result(file, ptr::null_mut(), "file")?,
                required(client, "client")?,
                options.as_ref(),
            )
        };
        let call = begin(&handle.client, options);
        let (ended, fetched) = call.wait_for_output_file(job, wait_of(options))?;
        *file = Box::into_raw(Box::new(sco_output_file::new(fetched, &handle.client)));
        give(queued_job, || sco_job::new(ended));
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, wait) }
}

/// Waits for a job as sco_wait_for_job does, and saves its output file as
/// sco_save_output_file does. The folder, and the name if the options have one, are
/// checked before the wait begins.
///
/// job: the job's id. folder: the directory's path in UTF-8; "." for the current
/// one, while an empty path is rejected. options: for this call, or NULL; the limit
/// is 24 hours unless they set another. queued_job: where to put the job as it
/// ended, for the caller to free with sco_job_free; NULL where it does not matter.
/// info: where to put what was saved, with its path, for the caller to free with
/// sco_file_info_free; NULL where it does not matter.
///
/// Both are set on success only. Any status is possible. SCO_INVALID_ARGUMENT if
/// client or folder is NULL, or folder is empty or not UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_wait_and_save_output_file(
    client: *const sco_client,
    job: i64,
    folder: *const c_char,
    options: *const sco_options,
    queued_job: *mut *mut sco_job,
    info: *mut *mut sco_file_info,
    error: *mut *mut sco_error,
) -> sco_status {
    let wait = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        let (queued_job, info, handle, folder, options) = unsafe {
            (
                result(queued_job, ptr::null_mut(), "queued_job").ok(),
                result(info, ptr::null_mut(), "info").ok(),
                required(client, "client")?,
                directory(folder, "folder")?,
                options.as_ref(),
            )
        };
        let call = begin(&handle.client, options);
        let (ended, saved) = call.wait_and_save_output_file(job, folder, wait_of(options))?;
        give(queued_job, || sco_job::new(ended));
        give(info, || sco_file_info::of_saved(saved));
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, wait) }
}

/// Waits for a job as sco_wait_for_job does, and passes its output file to a
/// callback as sco_write_output_file does.
///
/// job: the job's id. write: the callback; context is passed to it. options: for
/// this call, or NULL; the limit is 24 hours unless they set another. queued_job:
/// where to put the job as it ended, for the caller to free with sco_job_free; NULL
/// where it does not matter. info: where to put what is known of the file, for the
/// caller to free with sco_file_info_free; NULL where it does not matter.
///
/// Both are set on success only. Any status is possible. SCO_IO if the callback
/// returned another number than 0, SCO_INVALID_ARGUMENT if client or write is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_wait_and_write_output_file(
    client: *const sco_client,
    job: i64,
    write: sco_write_fn,
    context: *mut c_void,
    options: *const sco_options,
    queued_job: *mut *mut sco_job,
    info: *mut *mut sco_file_info,
    error: *mut *mut sco_error,
) -> sco_status {
    let wait = || {
        // SAFETY: the pointers are NULL or what the header says they are.
        let (queued_job, info, handle, options) = unsafe {
            (
                result(queued_job, ptr::null_mut(), "queued_job").ok(),
                result(info, ptr::null_mut(), "info").ok(),
                required(client, "client")?,
                options.as_ref(),
            )
        };
        let write = write.ok_or_else(|| is_null("write"))?;
        let call = begin(&handle.client, options);
        let writer = &mut Callback { write, context };
        let (ended, written) = call.wait_and_write_output_file(job, writer, wait_of(options))?;
        give(queued_job, || sco_job::new(ended));
        give(info, || sco_file_info::of_written(written));
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, wait) }
}
