//! Files in one directory, by its absolute path.
//!
//! On Windows a directory with an open file in it can be neither renamed nor removed, so that the
//! path is as reliable as a handle.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf, Prefix};
use std::thread;
use std::time::{Duration, Instant};

use windows_sys::Win32::Storage::FileSystem::MoveFileExW;

/// How long to repeat a rename that a virus scanner or an indexer blocks.
const MAX_RENAME_TIME: Duration = Duration::from_secs(5);

// Win32 error codes, of the type that `io::Error` uses.
const ERROR_ACCESS_DENIED: i32 = 5;
const ERROR_SHARING_VIOLATION: i32 = 32;
const ERROR_LOCK_VIOLATION: i32 = 33;
const ERROR_FILE_EXISTS: i32 = 80;
const ERROR_DIRECTORY: i32 = 267;
const ERROR_DIRECTORY_NOT_SUPPORTED: i32 = 336;

/// A directory, by its absolute path.
#[derive(Debug)]
pub(crate) struct DirectoryHandle(PathBuf);

/// An entry of a directory. A symbolic link is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: EntryKind,
}

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// Anything else.
    Other,
}

impl DirectoryHandle {
    /// Checks that a path is a directory.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        match fs::metadata(path)?.is_dir() {
            true => std::path::absolute(path).map(Self),
            false => Err(io::Error::from_raw_os_error(ERROR_DIRECTORY)),
        }
    }

    /// Returns no error: on Windows, only creating a file shows whether that is possible.
    pub(crate) fn check_writable(&self) -> io::Result<()> {
        Ok(())
    }

    /// Creates a file for writing. Its permissions are inherited from the directory.
    pub(crate) fn create_new(&self, name: &str, _mode: u32) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        options.open(self.0.join(name))
    }

    /// Opens a file, to lock it and to read its metadata.
    pub(crate) fn open_file(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).open(self.0.join(name))
    }

    /// Returns the entry with a name; `None` if there is none.
    pub(crate) fn entry(&self, name: &str) -> io::Result<Option<Entry>> {
        match fs::symlink_metadata(self.0.join(name)) {
            Ok(metadata) => Ok(Some(Entry::new(metadata.file_type()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes a file.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    /// Renames a file and replaces what has the new name, even if that is open.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (self.0.join(from), self.0.join(to));
        while_blocked(|| fs::rename(&from, &to))
    }

    /// Renames a file, or fails if the new name exists.
    pub(crate) fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (wide(&self.0.join(from)), wide(&self.0.join(to)));
        while_blocked(|| {
            // SAFETY: both are UTF-16 text that ends with a NUL. Without flags the function
            // replaces nothing.
            match unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), 0) } {
                0 => Err(io::Error::last_os_error()),
                _ => Ok(()),
            }
        })
    }

    /// Returns the names in the directory, up to the first error. An item is `None` if the name is
    /// not valid Unicode.
    pub(crate) fn names(&self) -> io::Result<impl Iterator<Item = Option<String>>> {
        let entries = fs::read_dir(&self.0)?.map_while(Result::ok);
        Ok(entries.map(|entry| entry.file_name().into_string().ok()))
    }

    /// Does nothing: Windows has no function that waits for a name to be on the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Entry {
    fn new(file_type: fs::FileType) -> Self {
        let kind = match file_type {
            kind if kind.is_symlink() => EntryKind::Link,
            kind if kind.is_dir() => EntryKind::Directory,
            kind if kind.is_file() => EntryKind::File,
            _ => EntryKind::Other,
        };
        Self { kind }
    }

    /// Returns the entry of an open file.
    pub(crate) fn from_file(file: &File) -> io::Result<Self> {
        Ok(Self::new(file.metadata()?.file_type()))
    }

    /// Returns `false`: on Windows, a rename that fails has never renamed the file.
    pub(crate) fn is_same_file(&self, _other: &Self) -> bool {
        false
    }

    /// Returns this entry.
    pub(crate) fn private(self) -> Self {
        self
    }

    /// Does nothing: the permissions are inherited from the directory.
    pub(crate) fn copy_access_to(&self, _file: &File) -> io::Result<()> {
        Ok(())
    }

    /// Does nothing: the permissions are inherited from the directory.
    pub(crate) fn copy_mode_to(&self, _file: &File) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the system's error for a name that exists.
pub(crate) fn already_exists() -> io::Error {
    io::Error::from_raw_os_error(ERROR_FILE_EXISTS)
}

/// Returns the system's error for a directory in the place of a file.
pub(crate) fn is_a_directory() -> io::Error {
    io::Error::from_raw_os_error(ERROR_DIRECTORY_NOT_SUPPORTED)
}

/// Returns `false`: a process number may be reused, and the start time is not known.
pub(crate) fn is_process_gone(_process: u32) -> bool {
    false
}

/// Waits until the content of a file is on the disk.
pub(crate) fn sync_file(file: &File) -> io::Result<()> {
    file.sync_all()
}

/// Closes a file. It cannot fail, because Windows reports errors when it writes.
pub(crate) fn close(file: File) -> io::Result<()> {
    drop(file);
    Ok(())
}

/// Repeats a call while it fails because another program has the file open, for at most
/// [`MAX_RENAME_TIME`].
fn while_blocked(mut call: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    let deadline = Instant::now() + MAX_RENAME_TIME;
    let mut pause = Duration::from_millis(10);
    loop {
        let error = match call() {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let is_blocked = matches!(
            error.raw_os_error(),
            Some(ERROR_ACCESS_DENIED | ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION)
        );
        if !is_blocked || Instant::now() + pause > deadline {
            return Err(error);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(200));
    }
}

/// Returns a path as UTF-16 text that ends with a NUL.
///
/// A long path becomes a verbatim path (`\\?\`), as in the standard library when it opens a
/// file.
fn wide(path: &Path) -> Vec<u16> {
    let text = path.as_os_str();
    let is_long = text.len() >= 248;
    let (prefix, replaced) = match path.components().next() {
        Some(Component::Prefix(prefix)) if is_long => match prefix.kind() {
            Prefix::Disk(_) => (r"\\?\", 0),
            Prefix::UNC(..) => (r"\\?\UNC\", r"\\".len()),
            _ => ("", 0),
        },
        _ => ("", 0),
    };
    prefix
        .encode_utf16()
        .chain(text.encode_wide().skip(replaced))
        .chain([0])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_long_path_becomes_verbatim() {
        let long = "x".repeat(250);
        for (path, verbatim) in [
            (
                r"C:\exports\a.csv".to_owned(),
                r"C:\exports\a.csv".to_owned(),
            ),
            (format!(r"C:\{long}"), format!(r"\\?\C:\{long}")),
            (
                format!(r"\\server\share\{long}"),
                format!(r"\\?\UNC\server\share\{long}"),
            ),
            (format!(r"\\?\C:\{long}"), format!(r"\\?\C:\{long}")),
            (format!(r"\\.\C:\{long}"), format!(r"\\.\C:\{long}")),
        ] {
            let expected: Vec<_> = verbatim.encode_utf16().chain([0]).collect();
            assert_eq!(wide(Path::new(&path)), expected, "{path}");
        }
    }
}
