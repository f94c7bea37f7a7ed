//! Files in one directory. A file that is open in it keeps a directory from being renamed or
//! removed on Windows, so that the path is as good as a handle.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf, Prefix};
use std::thread;
use std::time::{Duration, Instant};

use windows_sys::Win32::Storage::FileSystem::MoveFileExW;

/// How long to repeat a rename that a virus scanner or an indexer blocks.
const MAX_RENAME_TIME: Duration = Duration::from_secs(5);

// The values of Win32 as `io::Error` has them.
const ERROR_ACCESS_DENIED: i32 = 5;
const ERROR_SHARING_VIOLATION: i32 = 32;
const ERROR_LOCK_VIOLATION: i32 = 33;
const ERROR_FILE_EXISTS: i32 = 80;
const ERROR_DIRECTORY: i32 = 267;
const ERROR_DIRECTORY_NOT_SUPPORTED: i32 = 336;

/// A directory, by its absolute path.
#[derive(Debug)]
pub(crate) struct DirectoryHandle(PathBuf);

/// What a name in a directory stands for. A symbolic link is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: EntryKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Directory,
    Link,
    Other,
}

impl DirectoryHandle {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        match fs::metadata(path)?.is_dir() {
            true => std::path::absolute(path).map(Self),
            false => Err(io::Error::from_raw_os_error(ERROR_DIRECTORY)),
        }
    }

    /// Only creating a file would tell.
    pub(crate) fn check_writable(&self) -> io::Result<()> {
        Ok(())
    }

    /// Creates a file for writing. Its permissions are inherited from the directory.
    pub(crate) fn create_new(&self, name: &str, _mode: u32) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        options.open(self.0.join(name))
    }

    /// Opens a regular file, to lock it and to look at it.
    pub(crate) fn open_file(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).open(self.0.join(name))
    }

    /// Returns `None` if there is nothing of that name.
    pub(crate) fn entry(&self, name: &str) -> io::Result<Option<Entry>> {
        match fs::symlink_metadata(self.0.join(name)) {
            Ok(metadata) => Ok(Some(Entry::new(metadata.file_type()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    /// Renames a file, in the place of what has the new name, even if that is open.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (self.0.join(from), self.0.join(to));
        while_blocked(|| fs::rename(&from, &to))
    }

    /// Renames a file unless the new name is taken.
    pub(crate) fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (wide(&self.0.join(from)), wide(&self.0.join(to)));
        while_blocked(|| {
            // SAFETY: both are UTF-16 text that ends with a NUL. No flags: nothing is replaced.
            match unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), 0) } {
                0 => Err(io::Error::last_os_error()),
                _ => Ok(()),
            }
        })
    }

    /// Returns the names in the directory that are Unicode, as far as it can be read.
    pub(crate) fn names(&self) -> io::Result<impl Iterator<Item = Option<String>>> {
        let entries = fs::read_dir(&self.0)?.map_while(Result::ok);
        Ok(entries.map(|entry| entry.file_name().into_string().ok()))
    }

    /// Windows has no way to wait for a name.
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

    pub(crate) fn of(file: &File) -> io::Result<Self> {
        Ok(Self::new(file.metadata()?.file_type()))
    }

    /// A rename that fails has renamed nothing on Windows.
    pub(crate) fn is_same_file(&self, _other: &Self) -> bool {
        false
    }

    pub(crate) fn private(self) -> Self {
        self
    }

    /// The permissions are those of the directory.
    pub(crate) fn give_access_to(&self, _file: &File) -> io::Result<()> {
        Ok(())
    }

    /// The permissions are those of the directory.
    pub(crate) fn give_mode_to(&self, _file: &File) -> io::Result<()> {
        Ok(())
    }
}

/// The system's error for a name that is taken.
pub(crate) fn already_exists() -> io::Error {
    io::Error::from_raw_os_error(ERROR_FILE_EXISTS)
}

/// The system's error for a directory in the place of a file.
pub(crate) fn is_a_directory() -> io::Error {
    io::Error::from_raw_os_error(ERROR_DIRECTORY_NOT_SUPPORTED)
}

/// Returns `false`: a number says nothing without the process's start time.
pub(crate) fn is_process_gone(_process: u32) -> bool {
    false
}

/// Waits until the file's content is on the disk.
pub(crate) fn sync_file(file: &File) -> io::Result<()> {
    file.sync_all()
}

/// Closes a file. Windows reports every error when it writes.
pub(crate) fn close(file: File) -> io::Result<()> {
    drop(file);
    Ok(())
}

/// Repeats what another program that has the file open makes fail.
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

/// Returns the path as UTF-16 text. The standard library makes long paths verbatim where it
/// opens a file; a rename needs the same.
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
    fn long_paths_are_verbatim() {
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
