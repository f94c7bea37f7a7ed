//! A file that appears completely or not at all.

use std::cell::Cell;
use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::leftovers;
use super::options::{IfExists, SaveOptions};
use crate::error::Error;
use crate::file_name;
use crate::os::{self, DirectoryHandle, Entry, EntryKind};

/// How many numbers are tried for a name.
const MAX_NUMBER: u32 = 100_000;

/// How many names are tried for a temporary file.
const MAX_TEMPORARY_NAMES: u32 = 100;

/// What the umask leaves of this are the permissions of a new file.
const NEW_FILE_MODE: u32 = 0o666;

/// Permissions for the owner alone, while the final ones are not known.
const PRIVATE_MODE: u32 = 0o600;

/// The directory to save in, resolved once: changing the working directory meanwhile does
/// not move the result.
#[derive(Debug)]
pub(crate) struct Directory<'a> {
    handle: DirectoryHandle,
    /// As the caller names it.
    named: PathBuf,
    /// `None` where the working directory has no path.
    absolute: Option<PathBuf>,
    options: &'a SaveOptions,
    /// Whether the leftovers of killed processes were looked for.
    is_searched: Cell<bool>,
}

impl<'a> Directory<'a> {
    /// Opens a directory, and checks what can be checked before anything is sent: that it
    /// exists and can evidently be written to, and that the options' name can be used and
    /// is free, if it must be.
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
        let refused = |source| {
            let action = format!("cannot save to {}", path.display());
            Error::io(action, Some(path.to_owned()), source)
        };
        let directory = Self {
            handle: DirectoryHandle::open(path).map_err(refused)?,
            named: path.to_owned(),
            absolute: std::path::absolute(path).ok(),
            options,
            is_searched: Cell::new(false),
        };
        directory.handle.check_writable().map_err(refused)?;
        if let Some(name) = &options.file_name {
            directory.check_existing(name)?;
        }
        Ok(directory)
    }

    /// Begins a file. `server_name` is the name that it will have unless the options have
    /// one; `None` if that is not known yet.
    pub(crate) fn begin(&self, server_name: Option<&str>) -> Result<AtomicFile<'_>, Error> {
        let name = self.options.file_name.as_deref().or(server_name);
        let mut replaced = None;
        if let Some(name) = name {
            check_name(name)?;
            replaced = self.check_existing(name)?;
        }
        let path = match name {
            Some(name) => self.path_of(name),
            None => self.path(),
        };
        let mode = match replaced {
            // Not to be read by others, in case the old file is not.
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

    /// Returns an error if the name is taken and may not be; else the file to be replaced,
    /// if there is one.
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
            return Err(taken(&path, os::already_exists()));
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

    /// Creates a temporary file.
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
        // The lock keeps a paused download from being taken for a leftover. Where there are
        // no locks, the name and the time of the last write have to do.
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
            new_file: None,
        })
    }

    /// The path of the directory that holds now: as the caller named it, unless the working
    /// directory has changed.
    fn path(&self) -> PathBuf {
        match &self.absolute {
            Some(absolute) if std::path::absolute(&self.named).ok().as_ref() != Some(absolute) => {
                absolute.clone()
            }
            _ => self.named.clone(),
        }
    }

    fn path_of(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Returns `true` if the file has the name although renaming it failed: a network file
    /// system may lose the response, and a signal may come after the fact.
    fn has(&self, name: &str, file: &Entry) -> bool {
        let found = self.handle.entry(name);
        found.is_ok_and(|found| found.is_some_and(|found| found.is_same_file(file)))
    }
}

/// A file that is being written, under a temporary name in its directory. Dropped, it is
/// gone.
#[derive(Debug)]
pub(crate) struct AtomicFile<'a> {
    // Closed before the name is removed, which Windows needs.
    file: File,
    temporary: TemporaryName<'a>,
    directory: &'a Directory<'a>,
    /// The path that it will have, as far as that is known.
    path: PathBuf,
    /// The file that it will replace, as it was at the beginning.
    replaced: Option<Entry>,
    /// The permissions of a new file, if this one does not have them yet.
    new_file: Option<Entry>,
}

/// A name that is removed when this is dropped.
#[derive(Debug)]
struct TemporaryName<'a> {
    directory: &'a DirectoryHandle,
    name: String,
}

impl Drop for TemporaryName<'_> {
    fn drop(&mut self) {
        // After a rename there is none.
        let _ = self.directory.remove(&self.name);
    }
}

impl<'a> AtomicFile<'a> {
    /// Where to write.
    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// The error for one that came of writing there.
    pub(crate) fn failure(&self) -> impl Fn(io::Error) -> Error + 'static {
        cannot_save(&self.path)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(self.failure())
    }

    /// Gives the file its name, unless the options have another one; returns its path. On an
    /// error there is nothing of that name, or what was there before. The exception is a
    /// file that replaced another one, but whose new name could not be synced.
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

    fn replace(self, name: &str) -> Result<String, Error> {
        let directory = self.directory;
        let existing = directory.check_existing(name)?;
        let path = directory.path_of(name);
        let has_access = match (existing.or(self.replaced), self.new_file) {
            (Some(old), _) => old.give_access_to(&self.file),
            (None, Some(new)) => new.give_mode_to(&self.file),
            (None, None) => Ok(()),
        };
        has_access.map_err(cannot_save(&path))?;
        let (temporary, entry) = self.close(&path)?;
        match directory.handle.rename(&temporary.name, name) {
            Err(error) if !directory.has(name, &entry) => Err(cannot_save(&path)(error)),
            _ => Ok(name.to_owned()),
        }
    }

    fn publish_new(self, name: &str) -> Result<String, Error> {
        let directory = self.directory;
        let (temporary, entry) = self.close(&directory.path_of(name))?;
        let mut candidate = name.to_owned();
        let mut number = 0;
        loop {
            let error = match directory.handle.rename_new(&temporary.name, &candidate) {
                Ok(()) => return Ok(candidate),
                Err(_) if directory.has(&candidate, &entry) => return Ok(candidate),
                Err(error) => error,
            };
            let path = directory.path_of(&candidate);
            if error.kind() != io::ErrorKind::AlreadyExists {
                return Err(cannot_save(&path)(error));
            }
            if directory.options.if_exists == IfExists::Fail || number == MAX_NUMBER {
                return Err(taken(&path, error));
            }
            number += 1;
            candidate = file_name::numbered(name, number);
        }
    }

    /// Closes the file, with everything in it.
    fn close(self, path: &Path) -> Result<(TemporaryName<'a>, Entry), Error> {
        let Self {
            file,
            temporary,
            directory,
            ..
        } = self;
        let close = || {
            let entry = Entry::of(&file)?;
            if directory.options.flush_to_disk {
                os::sync_file(&file)?;
            }
            os::close(file)?;
            if let Some(absolute) = &directory.absolute
                && let Err(error) = absolute.join(&temporary.name).symlink_metadata()
                && error.kind() == io::ErrorKind::NotFound
            {
                // The directory has another path now, or is gone.
                return Err(error);
            }
            Ok(entry)
        };
        let entry = close().map_err(cannot_save(path))?;
        Ok((temporary, entry))
    }

    /// Takes the permissions away that a new file has, until it is known which ones this
    /// one is to have.
    fn make_private(&mut self) -> io::Result<()> {
        let new = Entry::of(&self.file)?;
        new.private().give_mode_to(&self.file)?;
        self.new_file = Some(new);
        Ok(())
    }
}

/// Returns an error unless `name` can name a file in a directory.
fn check_name(name: &str) -> Result<(), Error> {
    let is_path = matches!(name, "" | "." | "..") || name.contains(['/', '\\', '\0']);
    let problem = if is_path || (cfg!(windows) && file_name::is_rejected_by_windows(name)) {
        "is not a file name"
    } else if name.len() > file_name::MAX_NAME_LEN {
        "is longer than the 255 bytes of a file name"
    } else if leftovers::is_reserved(name) {
        "is a name for temporary files"
    } else {
        return Ok(());
    };
    Err(Error::invalid_argument(format!("{name:?} {problem}")))
}

fn taken(path: &Path, source: io::Error) -> Error {
    let action = format!(
        "cannot save {}: a file of that name is there already",
        path.display()
    );
    Error::io(action, Some(path.to_owned()), source)
}

fn cannot_save(path: &Path) -> impl Fn(io::Error) -> Error + 'static {
    let path = path.to_owned();
    move |source| {
        let action = format!("cannot save {}", path.display());
        Error::io(action, Some(path.clone()), source)
    }
}
