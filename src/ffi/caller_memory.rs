use std::ffi::c_void;
use std::io;
use std::ptr;

use super::boundary::{
    catch_panics, optional_out_param, required, required_callback, write_handle,
};
use super::call_options::{new_call, wait_options};
use super::{sco_call_options, sco_client, sco_error, sco_file_info, sco_job, sco_status};
use crate::FileMemory;

/// A callback that provides memory for a file.
///
/// The library decodes the file directly into the memory. The callback is called when the
/// first bytes of the file have arrived, and again whenever the file needs more memory. It
/// is not called for an empty file, and not for a later attempt that needs no more memory.
/// It is called on the thread that makes the call. It must return normally: no exception,
/// no longjmp. It may call the library.
///
/// @param context The pointer that was passed with the callback.
/// @param used The number of bytes at the start of the memory that belong to the file. New
/// memory must start with a copy of them, as with realloc. 0 in the first call and at the
/// start of a later attempt.
/// @param capacity The number of bytes that the memory must have. In the first call it is
/// the likely size of the file, if the server sends it, but at most 128 MiB; otherwise it
/// is at least 256 KiB, however small the file is. Later it is at least twice the previous
/// capacity, unless the likely size is less.
/// @return The memory, which remains the caller's. The library writes to it until the call
/// returns or the callback is called again. NULL fails the call with SCO_ERROR_IO.
pub type sco_reserve_callback =
    Option<unsafe extern "C" fn(context: *mut c_void, used: usize, capacity: usize) -> *mut u8>;

/// Memory that a reserve callback provides.
struct CallbackMemory {
    callback: unsafe extern "C" fn(*mut c_void, usize, usize) -> *mut u8,
    context: *mut c_void,
    memory: *mut u8,
    capacity: usize,
}

impl CallbackMemory {
    fn new(
        callback: unsafe extern "C" fn(*mut c_void, usize, usize) -> *mut u8,
        context: *mut c_void,
    ) -> Self {
        Self {
            callback,
            context,
            memory: ptr::null_mut(),
            capacity: 0,
        }
    }
}

impl FileMemory for CallbackMemory {
    fn reserve(&mut self, used: usize, capacity: usize) -> io::Result<&mut [u8]> {
        if capacity > isize::MAX as usize {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        if capacity > self.capacity {
            // SAFETY: the header's contract.
            self.memory = unsafe { (self.callback)(self.context, used, capacity) };
            self.capacity = capacity;
        }
        if self.memory.is_null() {
            self.capacity = 0;
            return Err(io::Error::other("the reserve callback returned NULL"));
        }
        // SAFETY: the callback returned `capacity` bytes, which are the library's until the next
        // call of the callback. C allocated them, so that no Rust code can tell whether they are
        // initialized, and they are written before they are read.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.memory, self.capacity) })
    }
}

/// Downloads a job's output file into memory of the caller.
///
/// The file is decoded into the memory as it arrives, without a copy, and there is nothing
/// to free. sco_file_info_size returns the size of the file, which is at most the last
/// capacity that the callback received. If the call fails, the memory may contain a part
/// of the file.
///
/// @param client The client.
/// @param job_id The job's id, 1 to 2147483647.
/// @param callback The callback that provides the memory.
/// @param context A pointer that is passed to the callback. May be NULL.
/// @param options The options of this call, or NULL for the defaults.
/// @param[out] info Receives the file's name and properties, or NULL on failure. Free it
/// with sco_file_info_free. May be NULL.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or any other status except SCO_ERROR_JOB_FAILED. SCO_ERROR_IO if the
/// callback returned NULL. SCO_ERROR_INVALID_ARGUMENT if client or callback is NULL, or if
/// job_id is out of range.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_get_output_file_into(
    client: *const sco_client,
    job_id: i64,
    callback: sco_reserve_callback,
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
            let mut memory = CallbackMemory::new(callback, context);
            let written = call.get_output_file_into(job_id, &mut memory)?;
            write_handle(info, sco_file_info::from_written(written));
            Ok(())
        })
    }
}

/// Waits for a job as sco_wait_for_job does, and downloads its output file into memory of
/// the caller as sco_get_output_file_into does.
///
/// @param client The client.
/// @param job_id The job's id, 1 to 2147483647.
/// @param callback The callback that provides the memory.
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
pub unsafe extern "C" fn sco_wait_for_output_file_into(
    client: *const sco_client,
    job_id: i64,
    callback: sco_reserve_callback,
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
            let mut memory = CallbackMemory::new(callback, context);
            let wait = wait_options(options.as_ref());
            let (ended, written) = call.wait_for_output_file_into(job_id, &mut memory, wait)?;
            write_handle(job, sco_job::new(ended));
            write_handle(info, sco_file_info::from_written(written));
            Ok(())
        })
    }
}
