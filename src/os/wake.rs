//! A descriptor that becomes readable once and stays readable, to wake threads that poll it.

#[cfg(unix)]
pub(crate) use unix::Wake;
#[cfg(not(unix))]
pub(crate) use without::Wake;

#[cfg(unix)]
mod unix {
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    #[cfg(target_os = "linux")]
    use std::os::fd::{AsRawFd, FromRawFd};

    /// A descriptor that wakes every thread that polls it, from when it is triggered.
    #[derive(Debug)]
    pub(crate) struct Wake {
        polled: OwnedFd,
        #[cfg(not(target_os = "linux"))]
        other_end: std::os::unix::net::UnixStream,
    }

    impl Wake {
        /// Creates a descriptor; `None` if the process has no free descriptor.
        #[cfg(target_os = "linux")]
        pub(crate) fn new() -> Option<Self> {
            // SAFETY: the function has no requirements.
            let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
            if fd < 0 {
                return None;
            }
            // SAFETY: the descriptor is open, and nothing else owns it.
            let polled = unsafe { OwnedFd::from_raw_fd(fd) };
            Some(Self { polled })
        }

        /// Creates a descriptor; `None` if the process has no free descriptor.
        #[cfg(not(target_os = "linux"))]
        pub(crate) fn new() -> Option<Self> {
            let (polled, other_end) = std::os::unix::net::UnixStream::pair().ok()?;
            Some(Self {
                polled: polled.into(),
                other_end,
            })
        }

        /// Makes the descriptor readable, permanently.
        #[cfg(target_os = "linux")]
        pub(crate) fn trigger(&self) {
            // The counter is never read, so that it stays above zero. The only possible error, a
            // counter at its maximum, is harmless.
            let one = 1_u64.to_ne_bytes();
            let fd = self.polled.as_raw_fd();
            // SAFETY: the descriptor is open, and `one` is valid for reads of `one.len()` bytes.
            let _ = unsafe { libc::write(fd, one.as_ptr().cast(), one.len()) };
        }

        /// Makes the descriptor readable, permanently.
        #[cfg(not(target_os = "linux"))]
        pub(crate) fn trigger(&self) {
            let _ = self.other_end.shutdown(std::net::Shutdown::Both);
        }
    }

    impl AsFd for Wake {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.polled.as_fd()
        }
    }
}

#[cfg(not(unix))]
mod without {
    use std::os::windows::io::{AsSocket, BorrowedSocket};

    /// A type without values: on Windows, waits check several times a second whether to end.
    #[derive(Debug)]
    pub(crate) enum Wake {}

    impl Wake {
        /// Returns `None`.
        pub(crate) fn new() -> Option<Self> {
            None
        }

        /// Cannot be called.
        pub(crate) fn trigger(&self) {
            match *self {}
        }
    }

    impl AsSocket for Wake {
        fn as_socket(&self) -> BorrowedSocket<'_> {
            match *self {}
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn wake_triggered_stays_readable() {
        use crate::os::{PollEntry, Readiness, poll};
        let wake = Wake::new().unwrap();
        let is_readable = || {
            let entry = PollEntry::new(&wake, Readiness::Readable);
            poll(&mut [entry], Some(Duration::ZERO)).unwrap() == 1
        };
        assert!(!is_readable());
        wake.trigger();
        wake.trigger();
        assert!(is_readable() && is_readable());
    }
}
