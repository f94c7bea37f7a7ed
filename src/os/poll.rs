//! Waits for descriptors on Unix (`poll`) and for sockets on Windows (`WSAPoll`).

use std::io;
use std::marker::PhantomData;
use std::time::Duration;

#[cfg(unix)]
use std::os::fd::{AsFd as AsHandle, AsRawFd};
#[cfg(windows)]
use std::os::windows::io::{AsRawSocket, AsSocket as AsHandle};

#[cfg(unix)]
use libc::{POLLIN, POLLOUT, pollfd};
#[cfg(windows)]
use windows_sys::Win32::Networking::WinSock::{
    POLLIN, POLLOUT, SOCKET_ERROR, WSAGetLastError, WSAPOLLFD as pollfd, WSAPoll,
};

pub(crate) use handle::Pollable;

mod handle {
    /// An object that can be polled: a descriptor on Unix, a socket on Windows.
    pub(crate) trait Pollable: super::AsHandle {}

    impl<T: super::AsHandle> Pollable for T {}
}

/// The event to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// There is something to read.
    Readable,
    /// There is space to write.
    Writable,
}

/// A socket to wait for, and the outcome. It borrows the socket, so that the socket stays open.
#[repr(transparent)]
pub(crate) struct PollEntry<'a> {
    raw: pollfd,
    socket: PhantomData<&'a ()>,
}

impl<'a> PollEntry<'a> {
    /// Creates an entry that waits for `readiness`.
    pub(crate) fn new(socket: &'a impl Pollable, readiness: Readiness) -> Self {
        let events = match readiness {
            Readiness::Readable => POLLIN,
            Readiness::Writable => POLLOUT,
        };
        Self {
            raw: pollfd {
                #[cfg(unix)]
                fd: socket.as_fd().as_raw_fd(),
                #[cfg(windows)]
                fd: socket.as_socket().as_raw_socket() as _,
                events,
                revents: 0,
            },
            socket: PhantomData,
        }
    }

    /// Returns whether the last [`poll`] found that the socket is ready, closed, or has failed.
    pub(crate) fn is_ready(&self) -> bool {
        self.raw.revents != 0
    }
}

/// Waits until one of the sockets is ready, or until `timeout` has passed. Without a timeout it
/// waits indefinitely. Returns how many sockets are ready.
///
/// The wait may end up to a millisecond late, but not early. A longer timeout than 24 days is
/// shortened to that.
///
/// # Errors
///
/// [`Interrupted`](io::ErrorKind::Interrupted) if a signal ends the wait.
pub(crate) fn poll(entries: &mut [PollEntry<'_>], timeout: Option<Duration>) -> io::Result<usize> {
    let milliseconds = match timeout {
        Some(timeout) => {
            let rounded_up = timeout.as_nanos().div_ceil(1_000_000);
            rounded_up.try_into().unwrap_or(i32::MAX)
        }
        None => -1,
    };
    let (start, count) = (entries.as_mut_ptr().cast::<pollfd>(), entries.len());
    // SAFETY: a `PollEntry` has the layout of a `pollfd`, so that `start` points to `count` of
    // them, borrowed mutably. Their sockets are borrowed and thus open.
    #[cfg(unix)]
    let ready = unsafe { libc::poll(start, count as libc::nfds_t, milliseconds) };
    // SAFETY: as for `poll`.
    #[cfg(windows)]
    let ready = unsafe { WSAPoll(start, count as u32, milliseconds) };
    match usize::try_from(ready) {
        Ok(ready) => Ok(ready),
        #[cfg(unix)]
        Err(_) => Err(io::Error::last_os_error()),
        #[cfg(windows)]
        Err(_) => {
            debug_assert_eq!(ready, SOCKET_ERROR);
            // SAFETY: the function has no requirements.
            Err(io::Error::from_raw_os_error(unsafe { WSAGetLastError() }))
        }
    }
}

/// Returns whether a non-blocking connect returned `error` only because connecting takes time.
///
/// An attempt that a signal interrupts continues as well.
pub(crate) fn is_connecting(error: &io::Error) -> bool {
    #[cfg(unix)]
    let is_in_progress = error.raw_os_error() == Some(libc::EINPROGRESS);
    #[cfg(windows)]
    let is_in_progress = false;
    is_in_progress
        || matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
        )
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::time::Instant;

    use super::*;

    fn ready(socket: &UnixStream, readiness: Readiness, timeout: Duration) -> bool {
        let mut entries = [PollEntry::new(socket, readiness)];
        let count = poll(&mut entries, Some(timeout)).unwrap();
        assert_eq!(entries[0].is_ready(), count == 1);
        count == 1
    }

    #[test]
    fn poll_fraction_of_a_millisecond_does_not_end_early() {
        let (socket, _other_end) = UnixStream::pair().unwrap();
        for timeout in [999, 1999].map(Duration::from_micros) {
            let start = Instant::now();
            assert!(!ready(&socket, Readiness::Readable, timeout));
            let elapsed = start.elapsed();
            assert!(elapsed >= timeout, "{elapsed:?}");
        }
    }

    #[test]
    fn poll_longest_timeout_is_not_taken_for_none_or_zero() {
        let (socket, mut other_end) = UnixStream::pair().unwrap();
        let writer = std::thread::spawn(move || {
            // If the timeout were taken for zero, the poll would end before this.
            std::thread::sleep(Duration::from_millis(50));
            other_end.write_all(b"x").unwrap();
            other_end
        });
        assert!(ready(&socket, Readiness::Readable, Duration::MAX));
        drop(writer.join().unwrap());
    }

    #[test]
    fn poll_closed_peer_is_ready() {
        let (socket, other_end) = UnixStream::pair().unwrap();
        assert!(!ready(&socket, Readiness::Readable, Duration::ZERO));
        assert!(ready(&socket, Readiness::Writable, Duration::ZERO));
        drop(other_end);
        for readiness in [Readiness::Readable, Readiness::Writable] {
            assert!(ready(&socket, readiness, Duration::ZERO), "{readiness:?}");
        }
    }

    #[test]
    fn poll_again_forgets_the_last_outcome() {
        let (socket, mut other_end) = UnixStream::pair().unwrap();
        other_end.write_all(b"x").unwrap();
        let mut entries = [PollEntry::new(&socket, Readiness::Readable)];
        assert_eq!(poll(&mut entries, Some(Duration::ZERO)).unwrap(), 1);
        std::io::Read::read_exact(&mut &socket, &mut [0]).unwrap();
        assert_eq!(poll(&mut entries, Some(Duration::ZERO)).unwrap(), 0);
        assert!(!entries[0].is_ready());
    }
}
