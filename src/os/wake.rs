//! A descriptor that becomes readable once and stays so: it wakes whoever polls it.

#[cfg(unix)]
pub(crate) use unix::Wake;
#[cfg(not(unix))]
pub(crate) use without::Wake;

#[cfg(unix)]
mod unix {
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

    /// Wakes every thread that polls its descriptor, now and later, once it is triggered.
    #[derive(Debug)]
    pub(crate) struct Wake {
        polled: OwnedFd,
        #[cfg(not(target_os = "linux"))]
        other_end: std::os::unix::net::UnixStream,
    }

    impl Wake {
        /// Returns `None` where the process has no descriptor left.
        #[cfg(target_os = "linux")]
        pub(crate) fn new() -> Option<Self> {
            use rustix::event::{EventfdFlags, eventfd};
            let polled = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).ok()?;
            Some(Self { polled })
        }

        /// Returns `None` where the process has no descriptor left.
        #[cfg(not(target_os = "linux"))]
        pub(crate) fn new() -> Option<Self> {
            let (polled, other_end) = std::os::unix::net::UnixStream::pair().ok()?;
            Some(Self {
                polled: polled.into(),
                other_end,
            })
        }

        /// Makes the descriptor readable for good.
        #[cfg(target_os = "linux")]
        pub(crate) fn trigger(&self) {
            // The count is never read, so that it stays above zero. The only failure, a count
            // that is full, is as good.
            let _ = rustix::io::write(&self.polled, &1_u64.to_ne_bytes());
        }

        /// Makes the descriptor readable for good.
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

    /// There is none: waits look at their call several times a second.
    #[derive(Debug)]
    pub(crate) enum Wake {}

    impl Wake {
        pub(crate) fn new() -> Option<Self> {
            None
        }

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
    use super::*;

    #[test]
    fn a_triggered_wake_is_readable_for_good() {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let wake = Wake::new().unwrap();
        let is_readable = || {
            let now = Some(&Timespec::default());
            poll(&mut [PollFd::new(&wake, PollFlags::IN)], now).unwrap() == 1
        };
        assert!(!is_readable());
        wake.trigger();
        wake.trigger();
        assert!(is_readable() && is_readable());
    }
}
