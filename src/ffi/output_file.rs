use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::{Arc, Weak};

use super::{
    c_string, call, directory, free, give, required, result, saving_of, sco_error, sco_options,
    sco_status,
};
use crate::memory::Spare;
use crate::{Client, OutputFile, SavedFile, WrittenFile};

/// A job's output file, in memory. Made by sco_get_output_file, freed with
/// sco_output_file_free. Any number of threads may read it at once. What its
/// functions point to belongs to it and is there until it is freed.
pub struct sco_output_file {
    file: OutputFile,
    name: CString,
    content_type: Option<CString>,
    /// Where its memory goes, if the client is still there.
    spare: Weak<Spare>,
}

impl sco_output_file {
    pub(super) fn new(file: OutputFile, client: &Client) -> Self {
        Self {
            name: c_string(&file.name),
            content_type: file.content_type.as_deref().map(c_string),
            file,
            spare: Arc::downgrade(&client.spare),
        }
    }
}

impl Drop for sco_output_file {
    fn drop(&mut self) {
        if let Some(spare) = self.spare.upgrade() {
            spare.put(std::mem::take(&mut self.file.bytes));
        }
    }
}

/// The file's bytes, as many as sco_output_file_len says, without a NUL at the
/// end. Never NULL for a file, also where it is empty. NULL if file is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_data(file: *const sco_output_file) -> *const u8 {
    // SAFETY: `file` is NULL or a live handle.
    match unsafe { file.as_ref() } {
        // An empty vector points nowhere that C could take for memory.
        Some(handle) if handle.file.bytes.is_empty() => c"".as_ptr().cast(),
        Some(handle) => handle.file.bytes.as_ptr(),
        None => ptr::null(),
    }
}

/// How many bytes the file has. 0 if file is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_len(file: *const sco_output_file) -> usize {
    // SAFETY: `file` is NULL or a live handle.
    unsafe { file.as_ref() }.map_or(0, |handle| handle.file.bytes.len())
}

/// The file's name in UTF-8, safe on Windows and Unix: never a path, never
/// empty, at most 255 bytes. NULL if file is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_name(file: *const sco_output_file) -> *const c_char {
    // SAFETY: `file` is NULL or a live handle.
    unsafe { file.as_ref() }.map_or(ptr::null(), |handle| handle.name.as_ptr())
}

/// 1 if the server gave no name that could be used, so that the name is
/// "output-{job}" with the extension of the content type, if that is known;
/// else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_name_is_made_up(file: *const sco_output_file) -> i32 {
    // SAFETY: `file` is NULL or a live handle.
    let made_up = unsafe { file.as_ref() }.is_some_and(|handle| handle.file.name_is_made_up);
    i32::from(made_up)
}

/// The answer's Content-Type, such as "text/csv; charset=utf-8"; NULL if it had
/// none, or if file is NULL. Servers that send base64 may name the type of the
/// text (JSON, say) and not that of the file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_content_type(
    file: *const sco_output_file,
) -> *const c_char {
    // SAFETY: `file` is NULL or a live handle.
    let handle = unsafe { file.as_ref() };
    let content_type = handle.and_then(|handle| handle.content_type.as_ref());
    content_type.map_or(ptr::null(), |text| text.as_ptr())
}

/// Saves the file under its name in a folder, which must exist. It appears
/// there whole or not at all, with the permissions that the process gives new
/// files.
///
/// folder: the directory's path in UTF-8; "." for the current one, while an empty
/// path is rejected. options: for their part that sco_options_set_save sets, or NULL. info: where to put what was saved,
/// with its path, for the caller to free with sco_file_info_free; NULL where it
/// does not matter.
///
/// SCO_IO if it cannot be saved, also where a file of that name is there
/// already, which is left alone unless the options say otherwise; the error's
/// message has the path. SCO_INVALID_ARGUMENT if file or folder is NULL, or
/// folder is empty or not UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_save(
    file: *const sco_output_file,
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
                required(file, "file")?,
                directory(folder, "folder")?,
                options.as_ref(),
            )
        };
        let file = &handle.file;
        let path = file.save_with(folder, &saving_of(options))?;
        give(info, || sco_file_info {
            name: handle.name.clone(),
            name_is_made_up: file.name_is_made_up,
            len: file.bytes.len() as u64,
            content_type: handle.content_type.clone(),
            path: Some(c_string(&path.to_string_lossy())),
        });
        Ok(())
    };
    // SAFETY: `error` is NULL or a place to write to.
    unsafe { call(error, save) }
}

/// Frees a file with all that its functions pointed to. NULL is allowed.
///
/// On Linux the memory of large files, at most 128 MiB in all, stays with the
/// client that fetched them, while there is one, for the next files; it counts as
/// resident until the system takes it for something else, which it may.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_output_file_free(file: *mut sco_output_file) {
    // SAFETY: `file` is NULL or a handle made by sco_get_output_file, which the caller owns.
    unsafe { free(file) };
}

/// What is known of an output file that was saved or written. Made by
/// sco_save_output_file, sco_write_output_file and sco_output_file_save, freed
/// with sco_file_info_free. Any number of threads may read it at once.
pub struct sco_file_info {
    name: CString,
    name_is_made_up: bool,
    len: u64,
    content_type: Option<CString>,
    path: Option<CString>,
}

impl sco_file_info {
    pub(super) fn of_saved(saved: SavedFile) -> Self {
        Self {
            name: c_string(&saved.name),
            name_is_made_up: saved.name_is_made_up,
            len: saved.len,
            content_type: saved.content_type.as_deref().map(c_string),
            path: Some(c_string(&saved.path.to_string_lossy())),
        }
    }

    pub(super) fn of_written(written: WrittenFile) -> Self {
        Self {
            name: c_string(&written.name),
            name_is_made_up: written.name_is_made_up,
            len: written.len,
            content_type: written.content_type.as_deref().map(c_string),
            path: None,
        }
    }
}

/// The server's name for the file, as sco_output_file_name. NULL if info is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_file_info_name(info: *const sco_file_info) -> *const c_char {
    // SAFETY: `info` is NULL or a live handle.
    unsafe { info.as_ref() }.map_or(ptr::null(), |handle| handle.name.as_ptr())
}

/// As sco_output_file_name_is_made_up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_file_info_name_is_made_up(info: *const sco_file_info) -> i32 {
    // SAFETY: `info` is NULL or a live handle.
    let made_up = unsafe { info.as_ref() }.is_some_and(|handle| handle.name_is_made_up);
    i32::from(made_up)
}

/// How many bytes the file has. 0 if info is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_file_info_len(info: *const sco_file_info) -> u64 {
    // SAFETY: `info` is NULL or a live handle.
    unsafe { info.as_ref() }.map_or(0, |handle| handle.len)
}

/// As sco_output_file_content_type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_file_info_content_type(info: *const sco_file_info) -> *const c_char {
    // SAFETY: `info` is NULL or a live handle.
    let handle = unsafe { info.as_ref() };
    let content_type = handle.and_then(|handle| handle.content_type.as_ref());
    content_type.map_or(ptr::null(), |text| text.as_ptr())
}

/// Where the file is: in the folder that was given, which may be a relative
/// path. NULL if it was not saved, or if info is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_file_info_path(info: *const sco_file_info) -> *const c_char {
    // SAFETY: `info` is NULL or a live handle.
    let handle = unsafe { info.as_ref() };
    let path = handle.and_then(|handle| handle.path.as_ref());
    path.map_or(ptr::null(), |text| text.as_ptr())
}

/// Frees what is known of a file, with all that its functions pointed to; the
/// file itself stays. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_file_info_free(info: *mut sco_file_info) {
    // SAFETY: `info` is NULL or a handle that this library made, which the caller owns.
    unsafe { free(info) };
}
