use std::ffi::{CString, c_char};
use std::ptr;

use super::boundary::{
    c_path, c_string, catch_panics, free, optional_out_param, read, required, required_directory,
    string_or_null, write_handle,
};
use super::call_options::save_options;
use super::{sco_call_options, sco_error, sco_status};
use crate::{OutputFile, SavedFile, WrittenFile};

/// A job's output file, in memory.
///
/// sco_get_output_file and sco_wait_for_output_file return it, and sco_output_file_free
/// frees it. Several threads may read it at the same time. Everything that its functions
/// return a pointer to stays valid until the file is freed.
pub struct sco_output_file {
    file: OutputFile,
    name: CString,
    content_type: Option<CString>,
}

impl sco_output_file {
    pub(super) fn new(file: OutputFile) -> Self {
        Self {
            name: c_string(&file.name),
            content_type: file.content_type.as_deref().map(c_string),
            file,
        }
    }
}

/// Returns the bytes of a file. sco_output_file_size returns how many there are.
///
/// The bytes are not followed by a NUL.
///
/// @param file The file, or NULL.
/// @return The bytes, owned by the file; not NULL for an empty file. NULL if file is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_data(file: *const sco_output_file) -> *const u8 {
    let data = |handle: &sco_output_file| match handle.file.bytes.is_empty() {
        // The pointer of an empty vector does not point to memory.
        true => c"".as_ptr().cast(),
        false => handle.file.bytes.as_ptr(),
    };
    // SAFETY: the header's contract.
    unsafe { read(file, ptr::null(), data) }
}

/// Returns the size of a file.
///
/// @param file The file, or NULL.
/// @return The size in bytes; 0 if file is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_size(file: *const sco_output_file) -> usize {
    // SAFETY: the header's contract.
    unsafe { read(file, 0, |handle| handle.file.bytes.len()) }
}

/// Returns the name of a file.
///
/// The name is safe on Windows and Unix: it is never a path, never empty, and has at most
/// 255 bytes.
///
/// @param file The file, or NULL.
/// @return A string owned by the file; NULL if file is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_name(file: *const sco_output_file) -> *const c_char {
    // SAFETY: the header's contract.
    unsafe { read(file, ptr::null(), |handle| handle.name.as_ptr()) }
}

/// Returns whether the name of a file is a fallback.
///
/// If the server sends no usable name, the name is "output-{job id}" with the extension of
/// the content type, if that is known.
///
/// @param file The file, or NULL.
/// @return 1 if the name is a fallback; 0 if the server sent it, or if file is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_is_fallback_name(file: *const sco_output_file) -> i32 {
    // SAFETY: the header's contract.
    unsafe { read(file, 0, |handle| handle.file.is_fallback_name.into()) }
}

/// Returns the Content-Type of the response, such as "text/csv; charset=utf-8".
///
/// A server that sends base64 may send the type of that text, such as JSON, instead of the
/// file's type.
///
/// @param file The file, or NULL.
/// @return A string owned by the file; NULL if the response had no Content-Type, or if file
/// is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_content_type(
    file: *const sco_output_file,
) -> *const c_char {
    // SAFETY: the header's contract.
    unsafe {
        read(file, ptr::null(), |handle| {
            string_or_null(handle.content_type.as_ref())
        })
    }
}

/// Saves a file in a directory, under the file's name unless the options have another.
///
/// The file appears whole or not at all, with the permissions that the process gives new
/// files.
///
/// @param file The file.
/// @param directory The path of an existing directory; "." for the current one. Any bytes
/// that the system accepts on Unix; UTF-8 on Windows.
/// @param options The options, or NULL for the defaults. Only those of
/// sco_call_options_set_file_name, sco_call_options_set_if_exists and
/// sco_call_options_set_flush_to_disk are used.
/// @param[out] info Receives the file's path and properties, or NULL on failure. Free it
/// with sco_file_info_free. May be NULL.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, SCO_ERROR_IO or SCO_ERROR_INVALID_ARGUMENT. SCO_ERROR_IO if the file
/// cannot be written, or if a file of that name exists and the options have
/// SCO_IF_EXISTS_FAIL, the default. SCO_ERROR_INVALID_ARGUMENT if file or directory is
/// NULL, if directory is empty or, on Windows, not UTF-8, or if the file name of the
/// options cannot be used.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_save(
    file: *const sco_output_file,
    directory: *const c_char,
    options: *const sco_call_options,
    info: *mut *mut sco_file_info,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let info = optional_out_param(info);
            let handle = required(file, "file")?;
            let directory = required_directory(directory)?;
            let file = &handle.file;
            let path = file.save_with(directory, &save_options(options.as_ref()))?;
            let saved = sco_file_info {
                name: handle.name.clone(),
                is_fallback_name: file.is_fallback_name,
                size: file.bytes.len() as u64,
                content_type: handle.content_type.clone(),
                path: Some(c_path(&path)),
            };
            write_handle(info, saved);
            Ok(())
        })
    }
}

/// Frees a file, with its bytes and strings.
///
/// @param file The file, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_free(file: *mut sco_output_file) {
    // SAFETY: the header's contract.
    unsafe { free(file) };
}

/// The properties of an output file that was saved or written.
///
/// The functions that save or write a file return it, and sco_file_info_free frees it.
/// Several threads may read it at the same time.
pub struct sco_file_info {
    name: CString,
    is_fallback_name: bool,
    size: u64,
    content_type: Option<CString>,
    path: Option<CString>,
}

impl sco_file_info {
    pub(super) fn from_saved(saved: SavedFile) -> Self {
        Self {
            name: c_string(&saved.name),
            is_fallback_name: saved.is_fallback_name,
            size: saved.size,
            content_type: saved.content_type.as_deref().map(c_string),
            path: Some(c_path(&saved.path)),
        }
    }

    pub(super) fn from_written(written: WrittenFile) -> Self {
        Self {
            name: c_string(&written.name),
            is_fallback_name: written.is_fallback_name,
            size: written.size,
            content_type: written.content_type.as_deref().map(c_string),
            path: None,
        }
    }
}

/// Returns the server's name for a file, as sco_output_file_name does.
///
/// The path of a saved file may end in another name, if the options say so.
///
/// @param info The properties, or NULL.
/// @return A string owned by info; NULL if info is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_file_info_name(info: *const sco_file_info) -> *const c_char {
    // SAFETY: the header's contract.
    unsafe { read(info, ptr::null(), |handle| handle.name.as_ptr()) }
}

/// Returns whether the name of a file is a fallback, as sco_output_file_is_fallback_name
/// does.
///
/// @param info The properties, or NULL.
/// @return 1 if the name is a fallback; 0 if the server sent it, or if info is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_file_info_is_fallback_name(info: *const sco_file_info) -> i32 {
    // SAFETY: the header's contract.
    unsafe { read(info, 0, |handle| handle.is_fallback_name.into()) }
}

/// Returns the size of a file.
///
/// @param info The properties, or NULL.
/// @return The size in bytes; 0 if info is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_file_info_size(info: *const sco_file_info) -> u64 {
    // SAFETY: the header's contract.
    unsafe { read(info, 0, |handle| handle.size) }
}

/// Returns the Content-Type of the response, as sco_output_file_content_type does.
///
/// @param info The properties, or NULL.
/// @return A string owned by info; NULL if the response had no Content-Type, or if info is
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_file_info_content_type(info: *const sco_file_info) -> *const c_char {
    // SAFETY: the header's contract.
    unsafe {
        read(info, ptr::null(), |handle| {
            string_or_null(handle.content_type.as_ref())
        })
    }
}

/// Returns the path of a saved file.
///
/// The path starts with the directory that was passed, so that it is relative if the
/// directory was. It is absolute if the process changed its working directory during the
/// call.
///
/// @param info The properties, or NULL.
/// @return A string owned by info, which is UTF-8 on Windows but may be any bytes on Unix,
/// as open takes them; NULL if the file was written to a callback, or if info is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_file_info_path(info: *const sco_file_info) -> *const c_char {
    // SAFETY: the header's contract.
    unsafe {
        read(info, ptr::null(), |handle| {
            string_or_null(handle.path.as_ref())
        })
    }
}

/// Frees the properties of a file, with their strings. The file itself stays.
///
/// @param info The properties, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_file_info_free(info: *mut sco_file_info) {
    // SAFETY: the header's contract.
    unsafe { free(info) };
}
