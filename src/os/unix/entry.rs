//! Entries of a directory, and their permissions.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

use libc::c_int;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use libc::{fstatat, stat};
#[cfg(any(target_os = "linux", target_os = "android"))]
use libc::{fstatat64 as fstatat, stat64 as stat};

use super::check;

/// The permission bits that are copied: not those that run a file as another user.
const PERMISSION_BITS: u32 = 0o777;

/// An entry of a directory. A symbolic link is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: EntryKind,
    /// The numbers of the device and of the file.
    id: (u64, u64),
    mode: u32,
    uid: u32,
    gid: u32,
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
    /// A device, a pipe or a socket.
    Other,
}

impl Entry {
    /// Returns the entry of an open file.
    pub(crate) fn from_file(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            kind: kind_of(metadata.mode()),
            id: (metadata.dev(), metadata.ino()),
            mode: metadata.mode(),
            uid: metadata.uid(),
            gid: metadata.gid(),
        })
    }

    /// Returns whether both are the same file, even under different names.
    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// Returns this entry with the permissions of the owner only.
    pub(crate) fn private(self) -> Self {
        Self {
            mode: self.mode & !0o077,
            ..self
        }
    }

    /// Sets the permissions of `file` to those of this entry, and its owner and group if the
    /// process is allowed to.
    pub(crate) fn copy_access_to(&self, file: &File) -> io::Result<()> {
        let new = Self::from_file(file)?;
        let mut mode = self.mode & PERMISSION_BITS;
        if (new.uid, new.gid) != (self.uid, self.gid) {
            // Only an administrator may change the owner.
            let both = fchown(file, Some(self.uid), Some(self.gid));
            let has_group = both.is_ok() || new.gid == self.gid || {
                let group = fchown(file, None, Some(self.gid));
                group.is_ok()
            };
            if !has_group {
                // Another group gets only the permissions of all other users.
                mode &= !0o070 | ((mode & 0o007) << 3);
            }
        }
        set_mode(file, mode)
    }

    /// Sets the permissions of `file` to those of this entry.
    pub(crate) fn copy_mode_to(&self, file: &File) -> io::Result<()> {
        set_mode(file, self.mode & PERMISSION_BITS)
    }
}

/// Sets the permissions of a file.
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    let mut permissions = file.metadata()?.permissions();
    if permissions.mode() & PERMISSION_BITS == mode {
        // Some file systems reject every change.
        return Ok(());
    }
    permissions.set_mode(mode);
    file.set_permissions(permissions)
}

/// Returns the kind of an entry with this mode.
#[allow(clippy::unnecessary_cast, reason = "the types differ among systems")]
fn kind_of(mode: u32) -> EntryKind {
    match mode & libc::S_IFMT as u32 {
        kind if kind == libc::S_IFREG as u32 => EntryKind::File,
        kind if kind == libc::S_IFDIR as u32 => EntryKind::Directory,
        kind if kind == libc::S_IFLNK as u32 => EntryKind::Link,
        _ => EntryKind::Other,
    }
}

/// Returns the entry with a name in an open directory.
#[allow(clippy::unnecessary_cast, reason = "the types differ among systems")]
pub(super) fn stat_at(directory: c_int, name: &CStr) -> io::Result<Entry> {
    let mut found = std::mem::MaybeUninit::<stat>::zeroed();
    // SAFETY: the descriptor is open, the name is a C string, and `found` has the right size.
    check(|| unsafe {
        let flags = libc::AT_SYMLINK_NOFOLLOW;
        fstatat(directory, name.as_ptr(), found.as_mut_ptr(), flags)
    })?;
    // SAFETY: it was zeroed, which is a valid value, and then filled.
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
