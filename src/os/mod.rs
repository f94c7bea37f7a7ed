//! What the standard library does not offer of the operating system, behind safe functions.

#[cfg(unix)]
#[allow(unsafe_code, reason = "system calls on files relative to a directory")]
mod files;
#[cfg(windows)]
#[allow(unsafe_code, reason = "a rename that replaces nothing")]
#[path = "files_windows.rs"]
mod files;
mod wake;

pub(crate) use files::{
    DirectoryHandle, Entry, EntryKind, already_exists, close, is_a_directory, is_process_gone,
    sync_file,
};
pub(crate) use wake::Wake;
