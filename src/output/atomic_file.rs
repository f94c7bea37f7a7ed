//! Saves a file so that it appears completely or not at all.

use std::cell::Cell;
use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::leftovers;
use super::options::{IfExists, SaveOptions};
use crate::error::Error;
use crate::file_name;
use crate::os::{self, DirectoryHandle, Entry, EntryKind};

/// The highest number that is added to a name.
const MAX_NUMBER: u32 = 100_000;

/// The maximum number of names that are tried for a temporary file.
const MAX_TEMPORARY_NAMES: u32 = 100;

/// The permissions of a new file, from which the umask removes some.
const NEW_FILE_MODE: u32 = 0o666;

/// The permissions of the owner only, for a file whose final permissions are not known yet.
const PRIVATE_MODE: u32 = 0o600;

/// The directory to save in.
///
/// Its path is resolved once, so that a change of the working directory has no effect.
#[derive(Debug)]
pub(crate) struct Directory<'a> {
    handle: DirectoryHandle,
    /// The path that the caller passed.
    path: PathBuf,
    /// The absolute path; `None` if the working directory has no path.
    absolute: Option<PathBuf>,
    options: &'a SaveOptions,
    /// Whether the directory was searched for leftovers of killed processes.
    is_searched: Cell<bool>,
}

impl<'a> Directory<'a> {
    /// Opens a directory and checks what can be checked before a request is sent.
    ///
    /// # Errors
    ///
    /// If the directory does not exist or is evidently not writable, if the name in `options` is
    /// invalid, or if it exists and may not be replaced.
    pub(crate) fn open(path: &Path, options: &'a SaveOptions) -> Result<Self, Error> {
        if path.as_os_str().is_empty() {
            let message = "the directory is an empty path; the current directory is \".\"";
            return Err(Error::invalid_argument(message.to_owned()));
        }
        if path.as_os_str().as_encoded_bytes().contains(&0) {
            let message = format!("the directory {path:?} contains a NUL character");
            return Err(Error::invalid_argument(message));
        }
        if let Some(name) = &options.file_name {
            check_name(name)?;
        }
        let cannot_open = |source| {
            let action = format!("cannot save to {}", path.display());
            Error::io(action, Some(path.to_owned()), source)
        };
        let directory = Self {
            handle: DirectoryHandle::open(path).map_err(cannot_open)?,
            path: path.to_owned(),
            absolute: std::path::absolute(path).ok(),
            options,
            is_searched: Cell::new(false),
        };
        directory.handle.check_writable().map_err(cannot_open)?;
        if let Some(name) = &options.file_name {
            directory.check_existing(name)?;
        }
        Ok(directory)
    }

    /// Creates a temporary file. `server_name` is its final name unless the options have one;
    /// `None` if it is not known yet.
    pub(crate) fn begin(&self, server_name: Option<&str>) -> Result<AtomicFile<'_>, Error> {
        let name = self.options.file_name.as_deref().or(server_name);
        let mut replaced = None;
        if let Some(name) = name {
            check_name(name)?;
            replaced = self.check_existing(name)?;
        }
        let path = match name {
            Some(name) => self.path_of(name),
            None => self.current_path(),
        };
        let mode = match replaced {
            // Other users may not be allowed to read the old file.
            Some(_) => PRIVATE_MODE,
            None => NEW_FILE_MODE,
        };
        let begin = || {
            let mut file = self.create(mode)?;
            if self.options.if_exists == IfExists::Replace && name.is_none() {
                file.make_private()?;
            }
            Ok(file)
        };
        let mut file = begin().map_err(cannot_save(&path))?;
        file.path = path;
        file.replaced = replaced;
        if let Some(absolute) = &self.absolute
            && !self.is_searched.replace(true)
        {
            leftovers::remove(&self.handle, absolute, &file.file, &file.temporary.name);
        }
        Ok(file)
    }

    /// Returns the file that will be replaced, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// If the name exists and may not be replaced.
    fn check_existing(&self, name: &str) -> Result<Option<Entry>, Error> {
        if self.options.if_exists == IfExists::KeepBoth {
            return Ok(None);
        }
        let path = self.path_of(name);
        let found = self.handle.entry(name).map_err(cannot_save(&path))?;
        let Some(entry) = found else {
            return Ok(None);
        };
        if self.options.if_exists == IfExists::Fail {
            return Err(already_exists(&path, os::already_exists()));
        }
        match entry.kind {
            EntryKind::File => Ok(Some(entry)),
            EntryKind::Link => Ok(None),
            EntryKind::Directory => Err(cannot_save(&path)(os::is_a_directory())),
            EntryKind::Other => {
                let action = format!(
                    "cannot save {}: it exists and is not a regular file",
                    path.display()
                );
                Err(Error::io(action, Some(path), os::already_exists()))
            }
        }
    }

    /// Creates a temporary file with a random name.
    fn create(&self, mode: u32) -> io::Result<AtomicFile<'_>> {
        let mut tried = 0;
        let (file, name) = loop {
            let name = leftovers::temporary_name();
            match self.handle.create_new(&name, mode) {
                Ok(file) => break (file, name),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    tried += 1;
                    if tried == MAX_TEMPORARY_NAMES {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        };
        // The lock prevents another process from removing a paused download as a leftover. If
        // it fails, only the name and the time of the last write protect the file.
        let _: Result<(), TryLockError> = file.try_lock();
        Ok(AtomicFile {
            file,
            temporary: TemporaryName {
                directory: &self.handle,
                name,
            },
            directory: self,
            path: PathBuf::new(),
            replaced: None,
            initial: None,
        })
    }

    /// Returns the path of the directory: the path that the caller passed, or the absolute one if
    /// the working directory has changed.
    fn current_path(&self) -> PathBuf {
        match &self.absolute {
            Some(absolute) if std::path::absolute(&self.path).ok().as_ref() != Some(absolute) => {
                absolute.clone()
            }
            _ => self.path.clone(),
        }
    }

    /// Returns the path of a file in the directory.
    fn path_of(&self, name: &str) -> PathBuf {
        self.current_path().join(name)
    }

    /// Returns whether the file has the name although renaming it failed. A network file system
    /// may lose the response, and a signal may arrive after the rename.
    fn contains(&self, name: &str, file: &Entry) -> bool {
        let found = self.handle.entry(name);
        found.is_ok_and(|found| found.is_some_and(|found| found.is_same_file(file)))
    }
}

/// A file that is being written under a temporary name in its directory. It is removed when this
/// is dropped.
#[derive(Debug)]
pub(crate) struct AtomicFile<'a> {
    // The first field, because Windows requires that the file is closed before its name is
    // removed.
    file: File,
    temporary: TemporaryName<'a>,
    directory: &'a Directory<'a>,
    /// The final path, or the directory if the name is not known yet.
    path: PathBuf,
    /// The file that will be replaced, as it was when this was created.
    replaced: Option<Entry>,
    /// The permissions of a new file, if they were removed from this one for now.
    initial: Option<Entry>,
}

/// A name that is removed when this is dropped.
#[derive(Debug)]
struct TemporaryName<'a> {
    directory: &'a DirectoryHandle,
    name: String,
}

impl Drop for TemporaryName<'_> {
    fn drop(&mut self) {
        // It does not exist after a rename.
        let _ = self.directory.remove(&self.name);
    }
}

impl<'a> AtomicFile<'a> {
    /// Returns the file to write to.
    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Returns a function that converts an error of writing to the file.
    pub(crate) fn failure(&self) -> impl Fn(io::Error) -> Error + 'static {
        cannot_save(&self.path)
    }

    /// Appends bytes to the file.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(self.failure())
    }

    /// Renames the file to the name in the options, or to `server_name`. Returns its path.
    ///
    /// # Errors
    ///
    /// After an error, what existed under the name before is unchanged. The exception is a file
    /// that replaced another one, but whose new name could not be flushed to the disk.
    pub(crate) fn publish(self, server_name: &str) -> Result<PathBuf, Error> {
        let directory = self.directory;
        let (options, handle) = (directory.options, &directory.handle);
        let name = options.file_name.as_deref().unwrap_or(server_name);
        check_name(name)?;
        let name = match options.if_exists {
            IfExists::Replace => self.replace(name)?,
            IfExists::Fail | IfExists::KeepBoth => self.publish_new(name)?,
        };
        if options.flush_to_disk
            && let Err(error) = handle.sync()
        {
            if options.if_exists != IfExists::Replace {
                let _ = handle.remove(&name);
            }
            return Err(cannot_save(&directory.path_of(&name))(error));
        }
        Ok(directory.path_of(&name))
    }

    /// Renames the file and replaces an existing one. Returns the name.
    fn replace(self, name: &str) -> Result<String, Error> {
        let directory = self.directory;
        let existing = directory.check_existing(name)?;
        let path = directory.path_of(name);
        let copied = match (existing.or(self.replaced), self.initial) {
            (Some(old), _) => old.copy_access_to(&self.file),
            (None, Some(initial)) => initial.copy_mode_to(&self.file),
            (None, None) => Ok(()),
        };
        copied.map_err(cannot_save(&path))?;
        let (temporary, entry) = self.close(&path)?;
        match directory.handle.rename(&temporary.name, name) {
            Err(error) if !directory.contains(name, &entry) => Err(cannot_save(&path)(error)),
            _ => Ok(name.to_owned()),
        }
    }

    /// Renames the file without replacing an existing one. Returns the name.
    fn publish_new(self, name: &str) -> Result<String, Error> {
        let directory = self.directory;
        let (temporary, entry) = self.close(&directory.path_of(name))?;
        let mut candidate = name.to_owned();
        let mut number = 0;
        loop {
            let error = match directory.handle.rename_new(&temporary.name, &candidate) {
                Ok(()) => return Ok(candidate),
                Err(_) if directory.contains(&candidate, &entry) => return Ok(candidate),
                Err(error) => error,
            };
            let path = directory.path_of(&candidate);
            if error.kind() != io::ErrorKind::AlreadyExists {
                return Err(cannot_save(&path)(error));
            }
            if directory.options.if_exists == IfExists::Fail || number == MAX_NUMBER {
                return Err(already_exists(&path, error));
            }
            number += 1;
            candidate = file_name::numbered(name, number);
        }
    }

    /// Closes the file, after flushing it to the disk if the options require it. Returns its
    /// temporary name, and its entry in the directory.
    fn close(self, path: &Path) -> Result<(TemporaryName<'a>, Entry), Error> {
        let Self {
            file,
            temporary,
            directory,
            ..
        } = self;
        let close = || {
            let entry = Entry::from_file(&file)?;
            if directory.options.flush_to_disk {
                os::sync_file(&file)?;
            }
            os::close(file)?;
            if let Some(absolute) = &directory.absolute
                && let Err(error) = absolute.join(&temporary.name).symlink_metadata()
                && error.kind() == io::ErrorKind::NotFound
            {
                // The directory was renamed or removed.
                return Err(error);
            }
            Ok(entry)
        };
        let entry = close().map_err(cannot_save(path))?;
        Ok((temporary, entry))
    }

    /// Removes the permissions of other users until the final permissions are known.
    fn make_private(&mut self) -> io::Result<()> {
        let initial = Entry::from_file(&self.file)?;
        initial.private().copy_mode_to(&self.file)?;
        self.initial = Some(initial);
        Ok(())
    }
}

/// Returns an error unless `name` is a valid name for a file.
fn check_name(name: &str) -> Result<(), Error> {
    let is_path = matches!(name, "" | "." | "..") || name.contains(['/', '\\', '\0']);
    let problem = if is_path || (cfg!(windows) && file_name::is_rejected_by_windows(name)) {
        "is not a file name"
    } else if name.len() > file_name::MAX_NAME_LEN {
        "is longer than the 255 bytes of a file name"
    } else if leftovers::is_reserved(name) {
        "is reserved for temporary files"
    } else {
        return Ok(());
    };
    Err(Error::invalid_argument(format!("{name:?} {problem}")))
}

/// Returns the error for a name that exists.
fn already_exists(path: &Path, source: io::Error) -> Error {
    let action = format!(
        "cannot save {}: a file with this name already exists",
        path.display()
    );
    Error::io(action, Some(path.to_owned()), source)
}

/// Returns a function that converts an error of saving a file.
fn cannot_save(path: &Path) -> impl Fn(io::Error) -> Error + 'static {
    let path = path.to_owned();
    move |source| {
        let action = format!("cannot save {}", path.display());
        Error::io(action, Some(path.clone()), source)
    }
}
