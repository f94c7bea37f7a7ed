//! Files in one directory, by a handle to it: nothing moves where the process changes its
//! working directory, or where a parent is renamed.

use std::ffi::{CStr, CString};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;
use std::ptr::NonNull;
use std::thread;
use std::time::{Duration, Instant};

use libc::c_int;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use libc::{fstatat, readdir, stat};
#[cfg(any(target_os = "linux", target_os = "android"))]
use libc::{fstatat64 as fstatat, readdir64 as readdir, stat64 as stat};

/// How often a call that a signal interrupted is repeated. On some network file systems a
/// frequent timer could interrupt it for good.
const MAX_INTERRUPTIONS: u32 = 1000;

/// How long to wait for another process that is renaming a file in the same directory.
const MAX_LOCK_WAIT: Duration = Duration::from_secs(2);

/// The permissions that matter for a data file: none that run it as another user.
const PERMISSION_BITS: u32 = 0o777;

/// An open directory.
#[derive(Debug)]
pub(crate) struct DirectoryHandle(File);

/// What a name in a directory stands for. A symbolic link is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: EntryKind,
    id: (u64, u64),
    mode: u32,
    uid: u32,
    gid: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Directory,
    Link,
    /// A device, a pipe or a socket.
    Other,
}

impl DirectoryHandle {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let open = |flags| {
            let mut options = OpenOptions::new();
            options.read(true).custom_flags(libc::O_DIRECTORY | flags);
            options.open(path)
        };
        let opened = open(0);
        // A directory that may be written to, but not listed.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let opened = match opened {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => open(libc::O_PATH),
            opened => opened,
        };
        opened.map(Self)
    }

    /// Returns an error if files evidently cannot be created. Leaves no trace.
    pub(crate) fn check_writable(&self) -> io::Result<()> {
        let access = libc::W_OK | libc::X_OK;
        let checked = check(|| {
            // SAFETY: the descriptor is open, the name is a C string.
            unsafe { libc::faccessat(self.fd(), c".".as_ptr(), access, libc::AT_EACCESS) }
        });
        match checked {
            // Only these are certain: not every system can tell.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EACCES | libc::EROFS)) => {
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// Creates a file for writing, with the permissions that the umask leaves of `mode`. Its
    /// descriptor is never one of the standard streams, which may be closed: what other code
    /// writes to those would end up in the file.
    pub(crate) fn create_new(&self, name: &str, mode: u32) -> io::Result<File> {
        let path = c_string(name)?;
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL;
        let file = self.open_at(&path, flags, mode)?;
        beyond_standard_streams(file).inspect_err(|_| {
            let _ = self.remove(name);
        })
    }

    /// Opens a regular file, to lock it and to look at it.
    pub(crate) fn open_file(&self, name: &str) -> io::Result<File> {
        // In a directory that others may write to, it may be a link or a pipe.
        let flags = libc::O_RDWR | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
        self.open_at(&c_string(name)?, flags, 0)
    }

    /// Returns `None` if there is nothing of that name.
    pub(crate) fn entry(&self, name: &str) -> io::Result<Option<Entry>> {
        let name = c_string(name)?;
        match stat_at(self.fd(), &name) {
            Ok(entry) => Ok(Some(entry)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        let name = c_string(name)?;
        // SAFETY: the descriptor is open, the name is a C string.
        check(|| unsafe { libc::unlinkat(self.fd(), name.as_ptr(), 0) })
    }

    /// Renames a file, in the place of what has the new name.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to, fd) = (c_string(from)?, c_string(to)?, self.fd());
        // SAFETY: the descriptor is open, the names are C strings.
        check(|| unsafe { libc::renameat(fd, from.as_ptr(), fd, to.as_ptr()) })
    }

    /// Renames a file unless the new name is taken.
    ///
    /// By what the file system offers: a rename that replaces nothing, or a hard link. Where
    /// it offers neither (SMB, vboxsf, many in FUSE), the name is looked up and the file is
    /// renamed under a lock on the directory. Other users of this library on the same
    /// computer keep to that lock; a program that creates the very name in between may lose
    /// its file. Reserving the name by an empty file would exclude that, but a crash, or the
    /// minutes that a rename takes on an object store, would show the empty file as a result.
    pub(crate) fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        let ways = [
            Self::rename_no_replace,
            Self::rename_by_link,
            Self::rename_locked,
        ];
        let mut outcome = Ok(());
        for way in ways {
            outcome = way(self, from, to);
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
        // By number: not every C library has a function for it.
        // SAFETY: the descriptor is open, the names are C strings.
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
        // SAFETY: the descriptor is open, the names are C strings.
        check(|| unsafe {
            libc::renameatx_np(fd, from.as_ptr(), fd, to.as_ptr(), libc::RENAME_EXCL)
        })
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    fn rename_no_replace(&self, _from: &str, _to: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn rename_by_link(&self, from: &str, to: &str) -> io::Result<()> {
        let (old, new, fd) = (c_string(from)?, c_string(to)?, self.fd());
        // SAFETY: the descriptor is open, the names are C strings.
        check(|| unsafe { libc::linkat(fd, old.as_ptr(), fd, new.as_ptr(), 0) })?;
        // The file is there. A second name for it does no harm.
        let _ = self.remove(from).or_else(|_| self.remove(from));
        Ok(())
    }

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

    /// Locks the directory if that is possible within [`MAX_LOCK_WAIT`].
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

    /// Returns the names in the directory that are UTF-8, as far as it can be read.
    pub(crate) fn names(&self) -> io::Result<Names> {
        let flags = libc::O_RDONLY | libc::O_DIRECTORY;
        let fd = self.open_at(c".", flags, 0)?.into_raw_fd();
        // SAFETY: the descriptor is open and owned; the stream owns it from here on.
        match NonNull::new(unsafe { libc::fdopendir(fd) }) {
            Some(stream) => Ok(Names(stream)),
            None => {
                let error = io::Error::last_os_error();
                // SAFETY: no stream owns it.
                drop(unsafe { OwnedFd::from_raw_fd(fd) });
                Err(error)
            }
        }
    }

    /// Waits until the names are on the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match self.0.sync_all() {
            // EBADF: the handle of a directory that cannot be listed cannot be synced.
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
            // SAFETY: the descriptor is open, the name is a C string.
            fd = unsafe { libc::openat(self.fd(), name.as_ptr(), flags, mode) };
            fd
        })?;
        // SAFETY: the system has just opened it; no other code owns it.
        Ok(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
    }
}

/// The names in a directory. The standard library's iterator panics where a file system
/// fails to close a directory.
pub(crate) struct Names(NonNull<libc::DIR>);

impl Iterator for Names {
    type Item = Option<String>;

    /// Returns `None` in the place of a name that is not UTF-8.
    fn next(&mut self) -> Option<Self::Item> {
        // SAFETY: the stream is open, and no other thread has it.
        let entry = unsafe { readdir(self.0.as_ptr()) };
        if entry.is_null() {
            return None;
        }
        // SAFETY: an entry is valid until the next call, and its name is a C string. It may be
        // shorter than its type, so that no reference to the whole is made.
        let name = unsafe { CStr::from_ptr((&raw const (*entry).d_name).cast()) };
        Some(name.to_str().ok().map(str::to_owned))
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        // SAFETY: the stream is open, and not used again.
        unsafe { libc::closedir(self.0.as_ptr()) };
    }
}

impl Entry {
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            kind: kind_of(metadata.mode()),
            id: (metadata.dev(), metadata.ino()),
            mode: metadata.mode(),
            uid: metadata.uid(),
            gid: metadata.gid(),
        })
    }

    /// Returns `true` if both are the same file, whatever its name.
    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// Returns this entry with the owner's permissions alone.
    pub(crate) fn private(self) -> Self {
        Self {
            mode: self.mode & !0o077,
            ..self
        }
    }

    /// Gives `file` the permissions of this one and, as far as the process may, its owner
    /// and group.
    pub(crate) fn give_access_to(&self, file: &File) -> io::Result<()> {
        let new = Self::of(file)?;
        let mut mode = self.mode & PERMISSION_BITS;
        if (new.uid, new.gid) != (self.uid, self.gid) {
            // Only an administrator may give a file away.
            let both = fchown(file, Some(self.uid), Some(self.gid));
            let has_group = both.is_ok() || new.gid == self.gid || {
                let group = fchown(file, None, Some(self.gid));
                group.is_ok()
            };
            if !has_group {
                // Another group gets no more than everybody.
                mode &= !0o070 | ((mode & 0o007) << 3);
            }
        }
        set_mode(file, mode)
    }

    /// Gives `file` the permissions of this one.
    pub(crate) fn give_mode_to(&self, file: &File) -> io::Result<()> {
        set_mode(file, self.mode & PERMISSION_BITS)
    }
}

fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    let mut permissions = file.metadata()?.permissions();
    if permissions.mode() & PERMISSION_BITS == mode {
        // Some file systems refuse every change.
        return Ok(());
    }
    permissions.set_mode(mode);
    file.set_permissions(permissions)
}

/// The system's error for a name that is taken.
pub(crate) fn already_exists() -> io::Error {
    io::Error::from_raw_os_error(libc::EEXIST)
}

/// The system's error for a directory in the place of a file.
pub(crate) fn is_a_directory() -> io::Error {
    io::Error::from_raw_os_error(libc::EISDIR)
}

/// Returns `true` if no process of this number is running.
pub(crate) fn is_process_gone(process: u32) -> bool {
    let Ok(process) = libc::pid_t::try_from(process) else {
        return true;
    };
    // SAFETY: signal 0 is not sent, and one positive number is one process.
    let found = process > 0 && unsafe { libc::kill(process, 0) } == 0;
    !found && (process <= 0 || io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH))
}

/// Waits until the file's content is on the disk, as far as the file system can.
pub(crate) fn sync_file(file: &File) -> io::Result<()> {
    let synced = file.sync_all();
    #[cfg(target_vendor = "apple")]
    let synced = synced.or_else(|_| {
        // The standard library asks for F_FULLFSYNC, which network file systems lack.
        // SAFETY: the descriptor is open.
        check(|| unsafe { libc::fsync(file.as_raw_fd()) })
    });
    ignore_unsupported(synced)
}

/// Closes a file. Network file systems and quotas report here what they could not write.
pub(crate) fn close(file: File) -> io::Result<()> {
    // SAFETY: the descriptor is open and owned, and is not used again.
    match unsafe { libc::close(file.into_raw_fd()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn ignore_unsupported(synced: io::Result<()>) -> io::Result<()> {
    let is_unsupported =
        |code| [libc::EINVAL, libc::ENOTSUP, libc::EOPNOTSUPP, libc::ENOSYS].contains(&code);
    match synced {
        Err(error) if error.raw_os_error().is_some_and(is_unsupported) => Ok(()),
        synced => synced,
    }
}

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
    // SAFETY: the system has just opened it; no other code owns it.
    let mut moved = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
    drop(file);
    // Another thread may have written to the standard stream meanwhile.
    moved.set_len(0)?;
    moved.rewind()?;
    Ok(moved)
}

#[allow(clippy::unnecessary_cast, reason = "the types differ among systems")]
fn kind_of(mode: u32) -> EntryKind {
    match mode & libc::S_IFMT as u32 {
        kind if kind == libc::S_IFREG as u32 => EntryKind::File,
        kind if kind == libc::S_IFDIR as u32 => EntryKind::Directory,
        kind if kind == libc::S_IFLNK as u32 => EntryKind::Link,
        _ => EntryKind::Other,
    }
}

#[allow(clippy::unnecessary_cast, reason = "the types differ among systems")]
fn stat_at(directory: c_int, name: &CStr) -> io::Result<Entry> {
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    use libc::{fstatat, stat};
    let mut found = std::mem::MaybeUninit::<stat>::zeroed();
    // SAFETY: the descriptor is open, the name is a C string, and `found` has the size.
    check(|| unsafe {
        let flags = libc::AT_SYMLINK_NOFOLLOW;
        fstatat(directory, name.as_ptr(), found.as_mut_ptr(), flags)
    })?;
    // SAFETY: it was zeroed, which is a valid value, and then filled in.
    let found = unsafe { found.assume_init() };
    let mode = found.st_mode as u32;
    Ok(Entry {
        kind: kind_of(mode),
        id: (found.st_dev as u64, found.st_ino as u64),
        mode,
        uid: found.st_uid,
        gid: found.st_gid,
    })
}

fn c_string(name: &str) -> io::Result<CString> {
    CString::new(name).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}

/// Makes a system call that returns -1 on an error, again if a signal interrupts it.
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
