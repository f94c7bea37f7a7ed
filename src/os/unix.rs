//! Files in one directory, relative to an open handle.
//!
//! The handle stays valid when the process changes its working directory, or when a parent
//! directory is renamed.

mod entry;
mod names;

use std::ffi::{CStr, CString};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::ptr::NonNull;
use std::thread;
use std::time::{Duration, Instant};

use libc::c_int;

use entry::stat_at;
pub(crate) use entry::{Entry, EntryKind};
use names::Names;

/// How often a call that a signal interrupts is repeated. On some network file systems a
/// frequent timer could interrupt every attempt.
const MAX_INTERRUPTIONS: u32 = 1000;

/// How long to wait for another process that is renaming a file in the same directory.
const MAX_LOCK_WAIT: Duration = Duration::from_secs(2);

/// An open directory.
#[derive(Debug)]
pub(crate) struct DirectoryHandle(File);

impl DirectoryHandle {
    /// Opens a directory.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let open = |flags| {
            let mut options = OpenOptions::new();
            options.read(true).custom_flags(libc::O_DIRECTORY | flags);
            options.open(path)
        };
        let opened = open(0);
        // The process may be allowed to create files in a directory, but not to list it.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let opened = match opened {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => open(libc::O_PATH),
            opened => opened,
        };
        opened.map(Self)
    }

    /// Returns an error if the process evidently cannot create files. Creates nothing.
    pub(crate) fn check_writable(&self) -> io::Result<()> {
        let access = libc::W_OK | libc::X_OK;
        let checked = check(|| {
            // SAFETY: the descriptor is open, and the name is a C string.
            unsafe { libc::faccessat(self.fd(), c".".as_ptr(), access, libc::AT_EACCESS) }
        });
        match checked {
            // Other errors prove nothing: not every system supports the check.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EACCES | libc::EROFS)) => {
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// Creates a file for writing, with the permissions in `mode` that the umask does not remove.
    ///
    /// Its descriptor is never that of a standard stream, which may be closed. Otherwise output of
    /// other code to that stream would be written to the file.
    pub(crate) fn create_new(&self, name: &str, mode: u32) -> io::Result<File> {
        let path = c_string(name)?;
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL;
        let file = self.open_at(&path, flags, mode)?;
        beyond_standard_streams(file).inspect_err(|_| {
            let _ = self.remove(name);
        })
    }

    /// Opens a regular file, to lock it and to read its metadata.
    pub(crate) fn open_file(&self, name: &str) -> io::Result<File> {
        // If other users may write to the directory, the name may be that of a link or a pipe.
        let flags = libc::O_RDWR | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
        self.open_at(&c_string(name)?, flags, 0)
    }

    /// Returns the entry with a name; `None` if there is none.
    pub(crate) fn entry(&self, name: &str) -> io::Result<Option<Entry>> {
        let name = c_string(name)?;
        match stat_at(self.fd(), &name) {
            Ok(entry) => Ok(Some(entry)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes a file.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        let name = c_string(name)?;
        // SAFETY: the descriptor is open, and the name is a C string.
        check(|| unsafe { libc::unlinkat(self.fd(), name.as_ptr(), 0) })
    }

    /// Renames a file and replaces what has the new name.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to, fd) = (c_string(from)?, c_string(to)?, self.fd());
        // SAFETY: the descriptor is open, and the names are C strings.
        check(|| unsafe { libc::renameat(fd, from.as_ptr(), fd, to.as_ptr()) })
    }

    /// Renames a file, or fails if the new name exists.
    ///
    /// This uses what the file system supports: renaming without replacing, or a hard link. If it
    /// supports neither (SMB, vboxsf, many FUSE file systems), this locks the directory, checks
    /// that the name is free, and renames the file. The lock excludes other programs that use
    /// this library on the same computer. Another program that creates the same name in between
    /// may lose its file. Reserving the name with an empty file would prevent that, but the empty
    /// file would look like a result after a crash, or while an object store takes minutes to
    /// rename the file.
    pub(crate) fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        let methods = [
            Self::rename_no_replace,
            Self::rename_by_link,
            Self::rename_locked,
        ];
        let mut outcome = Ok(());
        for method in methods {
            outcome = method(self, from, to);
            match &outcome {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {}
                _ => break,
            }
        }
        outcome
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn rename_no_replace(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to, fd) = (c_string(from)?, c_string(to)?, self.fd());
        // Not every C library has a function for this system call.
        // SAFETY: the descriptor is open, and the names are C strings.
        let renamed = || unsafe {
            let (from, to) = (from.as_ptr(), to.as_ptr());
            libc::syscall(
                libc::SYS_renameat2,
                fd,
                from,
                fd,
                to,
                libc::RENAME_NOREPLACE,
            )
        };
        check(|| if renamed() == 0 { 0 } else { -1 })
    }

    #[cfg(target_vendor = "apple")]
    fn rename_no_replace(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to, fd) = (c_string(from)?, c_string(to)?, self.fd());
        // SAFETY: the descriptor is open, and the names are C strings.
        check(|| unsafe {
            libc::renameatx_np(fd, from.as_ptr(), fd, to.as_ptr(), libc::RENAME_EXCL)
        })
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    fn rename_no_replace(&self, _from: &str, _to: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Creates a hard link with the new name and removes the old name.
    fn rename_by_link(&self, from: &str, to: &str) -> io::Result<()> {
        let (old, new, fd) = (c_string(from)?, c_string(to)?, self.fd());
        // SAFETY: the descriptor is open, and the names are C strings.
        check(|| unsafe { libc::linkat(fd, old.as_ptr(), fd, new.as_ptr(), 0) })?;
        // The file has its name now. A second name is harmless.
        let _ = self.remove(from).or_else(|_| self.remove(from));
        Ok(())
    }

    /// Renames a file under a lock on the directory, if the new name is free.
    fn rename_locked(&self, from: &str, to: &str) -> io::Result<()> {
        let is_locked = self.lock();
        let renamed = match self.entry(to) {
            Ok(None) => self.rename(from, to),
            Ok(Some(_)) => Err(already_exists()),
            Err(error) => Err(error),
        };
        if is_locked {
            let _ = self.0.unlock();
        }
        renamed
    }

    /// Locks the directory. Returns whether that was possible within [`MAX_LOCK_WAIT`].
    fn lock(&self) -> bool {
        let deadline = Instant::now() + MAX_LOCK_WAIT;
        loop {
            match self.0.try_lock() {
                Ok(()) => return true,
                Err(TryLockError::Error(_)) => return false,
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return false,
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    /// Returns the names in the directory, up to the first error.
    pub(crate) fn names(&self) -> io::Result<Names> {
        let flags = libc::O_RDONLY | libc::O_DIRECTORY;
        let fd = self.open_at(c".", flags, 0)?.into_raw_fd();
        // SAFETY: the descriptor is open and owned. On success the stream owns it.
        match NonNull::new(unsafe { libc::fdopendir(fd) }) {
            Some(stream) => Ok(Names(stream)),
            None => {
                let error = io::Error::last_os_error();
                // SAFETY: no stream owns the descriptor.
                drop(unsafe { OwnedFd::from_raw_fd(fd) });
                Err(error)
            }
        }
    }

    /// Waits until the names in the directory are on the disk, if the file system supports it.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match self.0.sync_all() {
            // EBADF: the handle of a directory that cannot be listed does not support it.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EBADF | libc::EROFS)) => Ok(()),
            synced => ignore_unsupported(synced),
        }
    }

    fn fd(&self) -> c_int {
        self.0.as_raw_fd()
    }

    fn open_at(&self, name: &CStr, flags: c_int, mode: u32) -> io::Result<File> {
        let flags = flags | libc::O_CLOEXEC;
        let mut fd = -1;
        check(|| {
            // SAFETY: the descriptor is open, and the name is a C string.
            fd = unsafe { libc::openat(self.fd(), name.as_ptr(), flags, mode) };
            fd
        })?;
        // SAFETY: the descriptor is open, and nothing else owns it.
        Ok(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
    }
}

/// Returns the system's error for a name that exists.
pub(crate) fn already_exists() -> io::Error {
    io::Error::from_raw_os_error(libc::EEXIST)
}

/// Returns the system's error for a directory in the place of a file.
pub(crate) fn is_a_directory() -> io::Error {
    io::Error::from_raw_os_error(libc::EISDIR)
}

/// Returns whether no process with this number is running.
pub(crate) fn is_process_gone(process: u32) -> bool {
    let Ok(process) = libc::pid_t::try_from(process) else {
        return true;
    };
    // SAFETY: signal 0 is only checked, not sent, and a positive number is a single process.
    let found = process > 0 && unsafe { libc::kill(process, 0) } == 0;
    !found && (process <= 0 || io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH))
}

/// Waits until the content of a file is on the disk, if the file system supports it.
pub(crate) fn sync_file(file: &File) -> io::Result<()> {
    let synced = file.sync_all();
    #[cfg(target_vendor = "apple")]
    let synced = synced.or_else(|_| {
        // The standard library uses F_FULLFSYNC, which network file systems do not support.
        // SAFETY: the descriptor is open.
        check(|| unsafe { libc::fsync(file.as_raw_fd()) })
    });
    ignore_unsupported(synced)
}

/// Closes a file. Network file systems and quotas report failed writes only here.
pub(crate) fn close(file: File) -> io::Result<()> {
    // SAFETY: the descriptor is open and owned, and is not used again.
    match unsafe { libc::close(file.into_raw_fd()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Ignores the errors of file systems that do not support syncing.
fn ignore_unsupported(synced: io::Result<()>) -> io::Result<()> {
    let is_unsupported =
        |code| [libc::EINVAL, libc::ENOTSUP, libc::EOPNOTSUPP, libc::ENOSYS].contains(&code);
    match synced {
        Err(error) if error.raw_os_error().is_some_and(is_unsupported) => Ok(()),
        synced => synced,
    }
}

/// Returns the file with a descriptor that is not that of a standard stream.
fn beyond_standard_streams(file: File) -> io::Result<File> {
    if file.as_raw_fd() > libc::STDERR_FILENO {
        return Ok(file);
    }
    let min = libc::STDERR_FILENO + 1;
    let mut fd = -1;
    check(|| {
        // SAFETY: the descriptor is open.
        fd = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, min) };
        fd
    })?;
    // SAFETY: the descriptor is open, and nothing else owns it.
    let mut moved = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
    drop(file);
    // Another thread may have written to the standard stream in the meantime.
    moved.set_len(0)?;
    moved.rewind()?;
    Ok(moved)
}

/// Returns a name as a C string.
fn c_string(name: &str) -> io::Result<CString> {
    CString::new(name).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}

/// Makes a system call that returns -1 on an error. Repeats it if a signal interrupts it.
fn check(mut call: impl FnMut() -> c_int) -> io::Result<()> {
    let mut interruptions = 0;
    loop {
        if call() != -1 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        interruptions += 1;
        if error.kind() != io::ErrorKind::Interrupted || interruptions > MAX_INTERRUPTIONS {
            return Err(error);
        }
    }
}
