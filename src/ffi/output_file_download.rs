use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::Mutex;

use super::boundary::{
    c_string, catch_panics, free, lock_handle, optional_out_param, out_param, read, required,
    required_memory, string_or_null, write_handle,
};
use super::call_options::{new_call, wait_options};
use super::{sco_call_options, sco_client, sco_error, sco_job, sco_status};
use crate::OutputFileDownload;

/// An open download of a job's output file: its name is known, and its bytes are downloaded
/// as they are read.
///
/// sco_open_output_file and sco_wait_and_open_output_file return it, and
/// sco_output_file_download_free frees it. Any thread may use it, but only one at a time may
/// read; another read meanwhile fails with SCO_ERROR_INVALID_ARGUMENT. The client may be
/// freed before it. The callbacks of the client's and the call's options, and what their
/// contexts point to, must stay valid until it is freed; the options themselves may be
/// freed.
pub struct sco_output_file_download {
    download: Mutex<OutputFileDownload>,
    name: CString,
    is_fallback_name: bool,
    content_type: Option<CString>,
    size: Option<u64>,
}

impl sco_output_file_download {
    fn new(download: OutputFileDownload) -> Self {
        Self {
            name: c_string(download.name()),
            is_fallback_name: download.is_fallback_name(),
            content_type: download.content_type().map(c_string),
            size: download.size(),
            download: Mutex::new(download),
        }
    }
}

/// Opens a download of a job's output file.
///
/// The call returns when the beginning of the response's body shows that it is a file.
/// Until then it retries as other calls do. The rest is downloaded by
/// sco_output_file_download_read, which never retries. The call's timeout and the stall
/// timeout count only while a call of the library waits for the server.
///
/// @param client The client.
/// @param job_id The job's id, 1 to 2147483647.
/// @param options The options of this call and of the reads, or NULL for the defaults.
/// @param[out] download Receives the download, or NULL on failure. Free it with
/// sco_output_file_download_free, also before its end; this closes the connection.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or any other status except SCO_ERROR_JOB_FAILED.
/// SCO_ERROR_INVALID_ARGUMENT if client or download is NULL, or if job_id is out of range.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_open_output_file(
    client: *const sco_client,
    job_id: i64,
    options: *const sco_call_options,
    download: *mut *mut sco_output_file_download,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let download = out_param(download, "download")?;
            let client = required(client, "client")?;
            let opened = new_call(client, options.as_ref()).open_output_file(job_id)?;
            write_handle(download, sco_output_file_download::new(opened));
            Ok(())
        })
    }
}

/// Waits for a job as sco_wait_for_job does, and opens a download of its output file as
/// sco_open_output_file does.
///
/// @param client The client.
/// @param job_id The job's id, 1 to 2147483647.
/// @param options The options of this call and of the reads, or NULL for the defaults.
/// @param[out] job Receives the job, or NULL on failure. Free it with sco_job_free. May be
/// NULL.
/// @param[out] download Receives the download, or NULL on failure. Free it with
/// sco_output_file_download_free.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or any other status, as for these two functions.
/// SCO_ERROR_INVALID_ARGUMENT if client or download is NULL, or if job_id is out of range.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_wait_and_open_output_file(
    client: *const sco_client,
    job_id: i64,
    options: *const sco_call_options,
    job: *mut *mut sco_job,
    download: *mut *mut sco_output_file_download,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let job = optional_out_param(job);
            let download = out_param(download, "download")?;
            let client = required(client, "client")?;
            let call = new_call(client, options.as_ref());
            let wait = wait_options(options.as_ref());
            let (ended, opened) = call.wait_and_open_output_file(job_id, wait)?;
            write_handle(download, sco_output_file_download::new(opened));
            write_handle(job, sco_job::new(ended));
            Ok(())
        })
    }
}

/// Returns the name of a file that is being downloaded, as sco_output_file_name does.
///
/// The FileName of a JSON response is used only if it stands before the file's content.
///
/// @param download The download, or NULL.
/// @return A string owned by the download; NULL if download is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_download_name(
    download: *const sco_output_file_download,
) -> *const c_char {
    // SAFETY: the header's contract.
    unsafe { read(download, ptr::null(), |handle| handle.name.as_ptr()) }
}

/// Returns whether the name of a file that is being downloaded is a fallback, as
/// sco_output_file_is_fallback_name does.
///
/// @param download The download, or NULL.
/// @return 1 if the name is a fallback; 0 if the server sent it, or if download is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_download_is_fallback_name(
    download: *const sco_output_file_download,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe { read(download, 0, |handle| handle.is_fallback_name.into()) }
}

/// Returns the Content-Type of the response, as sco_output_file_content_type does.
///
/// @param download The download, or NULL.
/// @return A string owned by the download; NULL if the response had no Content-Type, or if
/// download is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_download_content_type(
    download: *const sco_output_file_download,
) -> *const c_char {
    // SAFETY: the header's contract.
    unsafe {
        read(download, ptr::null(), |handle| {
            string_or_null(handle.content_type.as_ref())
        })
    }
}

/// Returns the size of a file that is being downloaded, if it is known before the end.
///
/// It is known if the response's body is the file itself (SCO_BODY_RAW), is not compressed,
/// and has a Content-Length.
///
/// @param download The download, or NULL.
/// @return The size in bytes; -1 if it is not known, or if download is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_download_size(
    download: *const sco_output_file_download,
) -> i64 {
    let size = |handle: &sco_output_file_download| {
        let size = handle.size.and_then(|size| i64::try_from(size).ok());
        size.unwrap_or(-1)
    };
    // SAFETY: the header's contract.
    unsafe { read(download, -1, size) }
}

/// Reads the next bytes of a file.
///
/// The call blocks until at least one byte has arrived, the file is complete, or the read
/// has failed. Only a file that is complete has an end: a body that is cut short or
/// malformed is an error, and every later read returns the same error. The bytes that were
/// read before an error are a part of the file at best.
///
/// @param download The download.
/// @param buffer The memory to write the bytes to. Buffers of 64 KiB or more avoid a copy.
/// @param capacity The size of the memory in bytes. Zero is rejected.
/// @param[out] size Receives the number of bytes that were read: 0 at the end of the file,
/// and on failure.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or any other status except SCO_ERROR_JOB_FAILED.
/// SCO_ERROR_INVALID_ARGUMENT if download, buffer or size is NULL, if capacity is 0, or if
/// another thread is reading.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_download_read(
    download: *mut sco_output_file_download,
    buffer: *mut u8,
    capacity: usize,
    size: *mut usize,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let size = out_param(size, "size")?;
            let handle = required(download, "download")?;
            let buffer = required_memory(buffer, capacity, "buffer")?;
            *size = lock_handle(&handle.download, "download")?.read_bytes(buffer)?;
            Ok(())
        })
    }
}

/// Frees a download. Before the end of the file this closes the connection.
///
/// No thread may be reading.
///
/// @param download The download, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_download_free(download: *mut sco_output_file_download) {
    // SAFETY: the header's contract.
    unsafe { free(download) };
}
