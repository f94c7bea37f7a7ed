//! Removes temporary files that killed processes left behind.
//!
//! A temporary file is named `.sellercloud-output-{host}-{process}-{random}.part`. It is a
//! leftover
//!
//! - if its process has ended, which is known only for processes of this host, or
//! - if nothing was written to it for a day, by the clock of the file system,
//!
//! and if no process holds a lock on it. The absence of a lock is not enough: on some network
//! file systems locks have no effect, and on others they cannot be acquired. Thus a download on
//! another host is safe while it receives bytes. A paused one is safe for a day, or for any time
//! if locks work.

use std::collections::VecDeque;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::os::{DirectoryHandle, is_process_gone};

const PREFIX: &str = ".sellercloud-output-";
const SUFFIX: &str = ".part";

/// The minimum age of a leftover whose process is unknown, since its last write.
const MIN_AGE: Duration = Duration::from_secs(24 * 3600);

/// A directory with more entries than this is searched once per [`SEARCH_INTERVAL`], because
/// every search reads all of them. Searching a smaller one costs two system calls.
const MAX_ENTRIES: usize = 1000;

/// How long a large directory is not searched again.
const SEARCH_INTERVAL: Duration = Duration::from_secs(3600);

/// The maximum duration of one search. The rest of the directory is left for the next one.
const MAX_SEARCH_TIME: Duration = Duration::from_secs(1);

/// The maximum number of large directories that are remembered.
const MAX_REMEMBERED: usize = 64;

/// The large directories that this process searched, and when, the latest last.
static SEARCHED: Mutex<VecDeque<(PathBuf, Instant)>> = Mutex::new(VecDeque::new());

/// Returns a name for a new temporary file.
pub(super) fn temporary_name() -> String {
    // After a fork both processes have the same random state, but different numbers.
    let process = std::process::id();
    let host = this_host().unwrap_or_default();
    format!(
        "{PREFIX}{host}-{process}-{:016x}{SUFFIX}",
        fastrand::u64(..)
    )
}

/// Returns whether a name is reserved for temporary files, whether or not the file system
/// distinguishes uppercase and lowercase.
pub(super) fn is_reserved(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

/// The origin of a temporary file, according to its name.
#[derive(Debug, PartialEq, Eq)]
struct Origin<'a> {
    host: &'a str,
    process: u32,
}

impl<'a> Origin<'a> {
    /// Returns the origin in a name; `None` if it is not the name of a temporary file.
    fn parse(name: &'a str) -> Option<Self> {
        let name = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
        let mut parts = name.split('-');
        let (host, process, random) = (parts.next()?, parts.next()?, parts.next()?);
        let is_hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_complete = parts.next().is_none() && is_hexadecimal(host);
        let is_random = random.len() == 16 && is_hexadecimal(random);
        let process = process.parse().ok()?;
        (is_complete && is_random).then_some(Self { host, process })
    }
}

/// Returns a name for the set of processes among which process numbers are unique; `None` if the
/// system does not provide it.
///
/// The name consists of the id of this boot of the kernel and of the process namespace, because
/// each container numbers its processes from 1.
fn this_host() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let boot: String = boot.chars().filter(char::is_ascii_hexdigit).collect();
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    let namespace = namespace
        .to_str()?
        .strip_prefix("pid:[")?
        .strip_suffix(']')?;
    let namespace: u64 = namespace.parse().ok()?;
    Some(format!("{}{namespace:x}", boot.get(..16)?))
}

/// Removes the leftovers in a directory. `own` is a temporary file that was just created in it,
/// and `own_name` is its name. Errors are ignored.
pub(super) fn remove(directory: &DirectoryHandle, path: &Path, own: &File, own_name: &str) {
    if was_searched(path) {
        return;
    }
    let now = own.metadata().and_then(|own| own.modified());
    let (Ok(names), Ok(now)) = (directory.names(), now) else {
        return;
    };
    let host = this_host();
    let is_leftover = |name: &str, origin: &Origin| {
        let Ok(file) = directory.open_file(name) else {
            return false;
        };
        let Ok(metadata) = file.metadata() else {
            return false;
        };
        let is_gone = host.as_deref() == Some(origin.host) && is_process_gone(origin.process);
        let modified = metadata.modified().ok();
        let age = modified.and_then(|modified| now.duration_since(modified).ok());
        let is_old = age.is_some_and(|age| age >= MIN_AGE);
        metadata.is_file()
            && (is_gone || is_old)
            && !matches!(file.try_lock(), Err(TryLockError::WouldBlock))
    };
    let started = Instant::now();
    let mut count = 0;
    for name in names {
        count += 1;
        if let Some(name) = name
            && let Some(origin) = Origin::parse(&name)
            && name != own_name
            && is_leftover(&name, &origin)
        {
            // Another process may have removed it already.
            let _ = directory.remove(&name);
        }
        if count % MAX_ENTRIES == 0 && started.elapsed() > MAX_SEARCH_TIME {
            break;
        }
    }
    if count > MAX_ENTRIES {
        remember(path);
    }
}

/// Returns whether this process searched the large directory within [`SEARCH_INTERVAL`].
fn was_searched(path: &Path) -> bool {
    let searched = searched_directories();
    searched.is_none_or(|searched| {
        let mut searched = searched.iter();
        searched.any(|(known, at)| known == path && at.elapsed() < SEARCH_INTERVAL)
    })
}

/// Records that a large directory was searched now.
fn remember(path: &Path) {
    if let Some(mut searched) = searched_directories() {
        searched.retain(|(known, _)| known != path);
        searched.push_back((path.to_owned(), Instant::now()));
        if searched.len() > MAX_REMEMBERED {
            searched.pop_front();
        }
    }
}

/// Locks [`SEARCHED`]. Returns `None` if that is impossible: another thread held the lock when
/// this process was forked, so that it is never released. Otherwise a thread holds it only for a
/// short time.
fn searched_directories() -> Option<MutexGuard<'static, VecDeque<(PathBuf, Instant)>>> {
    for _ in 0..1000 {
        match SEARCHED.try_lock() {
            Ok(searched) => return Some(searched),
            Err(_) => thread::yield_now(),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_origin_other_name_returns_none() {
        let name = temporary_name();
        let origin = Origin::parse(&name).unwrap();
        assert_eq!(origin.process, std::process::id());
        assert_eq!(origin.host, this_host().unwrap_or_default());
        assert!(is_reserved(&name) && is_reserved(&name.to_uppercase()));
        for name in [
            ".sellercloud-output-.part",
            ".sellercloud-output-notes.part",
            ".sellercloud-output-1-abcdef.part",
            ".sellercloud-output-a-1-0123456789abcde.part",
            ".sellercloud-output-x-1-0123456789abcdef.part",
            ".sellercloud-output-a-x-0123456789abcdef.part",
            ".sellercloud-output-a-1-0123456789abcdef-.part",
            ".sellercloud-output-a-1-0123456789abcdef.csv",
            "sellercloud-output-a-1-0123456789abcdef.part",
        ] {
            assert_eq!(Origin::parse(name), None, "{name}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn is_process_gone_ended_process_is_gone() {
        assert!(this_host().is_some_and(|host| host.len() > 16));
        assert!(!is_process_gone(std::process::id()));
        assert!(!is_process_gone(1));
        assert!(is_process_gone(0) && is_process_gone(u32::MAX));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert!(is_process_gone(child.id()));
    }
}
