//! Waits for sockets that end when the call does.

use std::io;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::io::Errno;

use crate::cancel::Watch;

/// Waits until the socket is ready, and returns `true`; or until a time, and returns `false`.
///
/// # Errors
///
/// A [`Stop`](crate::cancel::Stop) where the call of this thread has to end.
pub(super) fn wait_for(
    socket: &impl AsFd,
    readiness: PollFlags,
    until: Option<Instant>,
) -> io::Result<bool> {
    let watch = Watch::current();
    let socket = PollFd::new(socket, readiness);
    match watch.wake() {
        Some(wake) => {
            let wake = PollFd::new(&*wake, PollFlags::IN);
            wait(&watch, &mut [socket, wake], 1, until)
        }
        None => wait(&watch, &mut [socket], 1, until),
    }
}

/// As [`wait_for`], until any of the sockets is ready.
pub(super) fn wait_for_any<S: AsFd>(
    sockets: impl IntoIterator<Item = S> + Clone,
    readiness: PollFlags,
    until: Option<Instant>,
) -> io::Result<bool> {
    let watch = Watch::current();
    let wake = watch.wake();
    let sockets: Vec<S> = sockets.into_iter().collect();
    let mut polled: Vec<_> = sockets
        .iter()
        .map(|socket| PollFd::new(socket, readiness))
        .collect();
    polled.extend(wake.iter().map(|wake| PollFd::new(&**wake, PollFlags::IN)));
    wait(&watch, &mut polled, sockets.len(), until)
}

/// Returns whether the socket is ready right now.
pub(super) fn is_ready(socket: &impl AsFd, readiness: PollFlags) -> io::Result<bool> {
    loop {
        let now = Some(&Timespec::default());
        match poll(&mut [PollFd::new(socket, readiness)], now) {
            Err(Errno::INTR) => {}
            outcome => return Ok(outcome? > 0),
        }
    }
}

/// Returns at what time a limit that begins now is over; `None` where that is never.
pub(super) fn after(limit: Duration) -> Option<Instant> {
    Instant::now().checked_add(limit)
}

/// Signals interrupt the wait as often as they like: what is left of each limit is computed
/// anew from the clock, and the call is checked every time. Behind the sockets `polled` has the
/// wake of the call's token, if there is one.
fn wait(
    watch: &Watch,
    polled: &mut [PollFd<'_>],
    sockets: usize,
    until: Option<Instant>,
) -> io::Result<bool> {
    let mut used = polled.len();
    loop {
        watch.check().map_err(io::Error::other)?;
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Ok(false);
        }
        let time = match used > sockets || !watch.has_token() {
            true => watch.slice_with_wake(left),
            false => watch.slice(left),
        };
        match poll(&mut polled[..used], time.map(timespec).as_ref()) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => {
                // A wake-up of a cancelled token makes the check above fail.
                if watch.check().is_err() {
                    continue;
                }
                if polled[..sockets].iter().any(|fd| !fd.revents().is_empty()) {
                    return Ok(true);
                }
                // The token was cancelled in the child of a fork, which shares the descriptor
                // and not the token.
                used = sockets;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
        // Below 10^9, which each system's type can hold.
        tv_nsec: time.subsec_nanos() as _,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;
    use crate::CancelToken;

    #[test]
    fn wait_for_wake_of_another_process_meets_the_limit() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let watch = Watch {
            cancel: Some(CancelToken::new()),
            ..Watch::default()
        };
        watch.wake().unwrap().trigger();
        let _entered = watch.enter();
        let limit = Duration::from_millis(200);
        let start = Instant::now();
        assert!(!wait_for(&socket, PollFlags::IN, after(limit)).unwrap());
        assert!(!wait_for_any([&socket], PollFlags::IN, after(limit)).unwrap());
        assert!(start.elapsed() >= 2 * limit, "{:?}", start.elapsed());
        assert!(wait_for(&socket, PollFlags::OUT, after(limit)).unwrap());
    }
}
