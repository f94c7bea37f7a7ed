//! A file that appears whole or not at all.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, PersistError};

use crate::Error;
use crate::file_name;

/// How to save a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaveOptions {
    /// The file's name; the server's unless set.
    pub name: Option<String>,
    /// What to do where a file of that name is there already; to fail unless set.
    pub if_exists: IfExists,
    /// Whether to wait until the file is on the disk, so that not even a power
    /// failure can lose it or leave half of it; yes unless set.
    pub sync: bool,
}

/// What to do where a file of the same name is there already. Each is free of
/// races among threads and processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum IfExists {
    /// Fail, and leave that file alone.
    #[default]
    Fail,
    /// Replace that file. Who has it open goes on reading the old one.
    Replace,
    /// Save as the first that is free of `report (1).csv`, `report (2).csv`...
    Number,
}

impl Default for SaveOptions {
    fn default() -> Self {
        Self {
            name: None,
            if_exists: IfExists::default(),
            sync: true,
        }
    }
}

/// Begin and end of the temporary files' names.
const PREFIX: &str = ".sellercloud-output-";
const SUFFIX: &str = ".part";

/// A file that is being written, under a temporary name in its folder. Dropped,
/// it is gone.
pub(crate) struct Target<'a> {
    file: NamedTempFile,
    folder: &'a Path,
    options: &'a SaveOptions,
    /// The path that it will have, as far as that is known.
    path: PathBuf,
}

/// Checks what can be checked before a file arrives: the directory, and the name
/// if the options have one.
pub(crate) fn check(directory: &Path, options: &SaveOptions) -> Result<(), Error> {
    if directory.as_os_str().is_empty() {
        let message = "the directory is empty; use \".\" for the current directory";
        return Err(Error::InvalidArgument(message.into()));
    }
    // It makes a temporary file there, which is gone when it is dropped.
    Target::new(directory, None, options).map(drop)
}

impl<'a> Target<'a> {
    /// Begins a file in `folder`, which must exist. `name` is the name that it
    /// will have unless the options give one; `None` if that is yet to come.
    pub(crate) fn new(
        folder: &'a Path,
        name: Option<&str>,
        options: &'a SaveOptions,
    ) -> Result<Self, Error> {
        let name = options.name.as_deref().or(name);
        if let Some(name) = name
            && Path::new(name).file_name() != Some(OsStr::new(name))
        {
            return Err(Error::InvalidArgument(format!(
                "{name:?} is not a file name"
            )));
        }
        // An empty path is the current folder, but not to the system.
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        let path = name.map_or(folder.to_owned(), |name| folder.join(name));
        if options.if_exists == IfExists::Fail && name.is_some() && path.symlink_metadata().is_ok()
        {
            // It would fail in the end: better before all the bytes have come.
            let message = "a file of that name is there already";
            let taken = io::Error::new(io::ErrorKind::AlreadyExists, message);
            return Err(cannot_save(&path)(taken));
        }
        remove_orphans(folder);
        Ok(Self {
            file: temporary_file(folder).map_err(cannot_save(&path))?,
            folder,
            options,
            path,
        })
    }

    /// Where to write.
    pub(crate) fn file(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// The error for one that came of writing there.
    pub(crate) fn failure(&self) -> impl Fn(io::Error) -> Error + 'static {
        cannot_save(&self.path)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(cannot_save(&self.path))
    }

    /// Gives the file its name, unless the options give another; gives its path.
    pub(crate) fn keep_as(self, name: &str) -> Result<PathBuf, Error> {
        let name = self.options.name.as_deref().unwrap_or(name);
        let mut path = self.folder.join(name);
        let mut file = self.file;
        if self.options.sync {
            file.as_file().sync_all().map_err(cannot_save(&path))?;
        }
        let mut number = 0;
        loop {
            let kept = match self.options.if_exists {
                IfExists::Replace => {
                    replace(file, &path).map_err(cannot_save(&path))?;
                    break;
                }
                IfExists::Fail | IfExists::Number => file.persist_noclobber(&path),
            };
            match kept {
                Ok(_) => break,
                Err(PersistError { error, file: back })
                    if self.options.if_exists == IfExists::Number
                        && error.kind() == io::ErrorKind::AlreadyExists =>
                {
                    file = back;
                    number += 1;
                    path = self.folder.join(file_name::numbered(name, number));
                }
                Err(PersistError { error, .. }) => return Err(cannot_save(&path)(error)),
            }
        }
        if self.options.sync {
            sync_folder(self.folder);
        }
        Ok(path)
    }
}

/// Gives a file its path, in the place of what is there. By the standard library's rename:
/// tempfile's fails on Windows where anybody has the old file open.
fn replace(file: NamedTempFile, path: &Path) -> io::Result<()> {
    let (_open, temporary) = file.keep()?;
    fs::rename(&temporary, path).inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })
}

fn cannot_save(path: &Path) -> impl Fn(io::Error) -> Error + 'static {
    let path = path.to_owned();
    move |source| {
        let action = format!("cannot save {}", path.display());
        Error::io(action, Some(path.clone()), source)
    }
}

/// A file that is locked for as long as it is written, which tells it from one
/// that a killed process left behind.
fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    loop {
        let mut builder = tempfile::Builder::new();
        // A fork copies the state that the random part comes from: without its own number
        // a process could come by a name that another one is about to remove.
        let prefix = format!("{PREFIX}{}-", std::process::id());
        builder.prefix(&prefix).suffix(SUFFIX);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // What the process's umask leaves of it, as for any new file.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(folder).map_err(without_path)?;
        // Until it is locked another process may take it for an orphan.
        match file.as_file().try_lock() {
            Err(TryLockError::WouldBlock) => {}
            Ok(()) if !file.path().exists() => {}
            // A file system without locks has no orphans that could be told.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(file),
        }
    }
}

/// An error of tempfile's without the path that it adds, of a file that never was.
fn without_path(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.rsplit_once(" at path ") {
        Some((message, _)) => io::Error::new(error.kind(), message),
        None => error,
    }
}

/// Removes what killed processes left in `folder`.
fn remove_orphans(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if !name.starts_with(PREFIX.as_bytes()) || !name.ends_with(SUFFIX.as_bytes()) {
            continue;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        #[cfg(unix)]
        {
            use rustix::fs::OFlags;
            use std::os::unix::fs::OpenOptionsExt;
            // In a folder that others may write to, it may be a link or a pipe.
            let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
            options.custom_flags(flags.bits().cast_signed());
        }
        if let Ok(file) = options.open(entry.path())
            && file.try_lock().is_ok()
        {
            // Another process may have done so already.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Waits until the new name is on the disk. Not every file system can, and the
/// file is there in any case: a failure says nothing of use.
fn sync_folder(folder: &Path) {
    if cfg!(unix)
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
}
