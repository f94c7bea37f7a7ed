//! Waits for sockets that end when the call does.

use std::io;
use std::time::{Duration, Instant};

use crate::cancel::Cancellation;
use crate::os::{PollEntry, Pollable, Readiness, poll};

/// Waits until the socket is ready, and returns `true`; or until a time, and returns `false`.
///
/// # Errors
///
/// A [`Stop`](crate::cancel::Stop) where the call of this thread has to end.
pub(super) fn wait_for(
    socket: &impl Pollable,
    readiness: Readiness,
    until: Option<Instant>,
) -> io::Result<bool> {
    let cancellation = Cancellation::current();
    let socket = PollEntry::new(socket, readiness);
    match cancellation.wake() {
        Some(wake) => {
            let wake = PollEntry::new(&*wake, Readiness::Readable);
            wait(&cancellation, &mut [socket, wake], 1, until)
        }
        None => wait(&cancellation, &mut [socket], 1, until),
    }
}

/// As [`wait_for`], until any of the sockets is ready.
pub(super) fn wait_for_any<S: Pollable>(
    sockets: impl IntoIterator<Item = S> + Clone,
    readiness: Readiness,
    until: Option<Instant>,
) -> io::Result<bool> {
    let cancellation = Cancellation::current();
    let wake = cancellation.wake();
    let sockets: Vec<S> = sockets.into_iter().collect();
    let mut polled: Vec<_> = sockets
        .iter()
        .map(|socket| PollEntry::new(socket, readiness))
        .collect();
    polled.extend(
        wake.iter()
            .map(|wake| PollEntry::new(&**wake, Readiness::Readable)),
    );
    wait(&cancellation, &mut polled, sockets.len(), until)
}

/// Returns whether the socket is ready right now.
pub(super) fn is_ready(socket: &impl Pollable, readiness: Readiness) -> io::Result<bool> {
    loop {
        match poll(
            &mut [PollEntry::new(socket, readiness)],
            Some(Duration::ZERO),
        ) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
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
    cancellation: &Cancellation,
    polled: &mut [PollEntry<'_>],
    sockets: usize,
    until: Option<Instant>,
) -> io::Result<bool> {
    let mut used = polled.len();
    loop {
        cancellation.check().map_err(io::Error::other)?;
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Ok(false);
        }
        let time = match used > sockets || !cancellation.has_token() {
            true => cancellation.slice_with_wake(left),
            false => cancellation.slice(left),
        };
        match poll(&mut polled[..used], time) {
            Ok(0) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(_) => {
                // A wake-up of a cancelled token makes the check above fail.
                if cancellation.check().is_err() {
                    continue;
                }
                if polled[..sockets].iter().any(PollEntry::is_ready) {
                    return Ok(true);
                }
                // The token was cancelled in the child of a fork, which shares the descriptor
                // and not the token.
                used = sockets;
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;
    use crate::cancel::CancelToken;

    #[test]
    fn wait_for_wake_of_another_process_meets_the_limit() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let cancellation = Cancellation {
            token: Some(CancelToken::new()),
            ..Cancellation::default()
        };
        cancellation.wake().unwrap().trigger();
        let _entered = cancellation.enter();
        let limit = Duration::from_millis(200);
        let start = Instant::now();
        assert!(!wait_for(&socket, Readiness::Readable, after(limit)).unwrap());
        assert!(!wait_for_any([&socket], Readiness::Readable, after(limit)).unwrap());
        assert!(start.elapsed() >= 2 * limit, "{:?}", start.elapsed());
        assert!(wait_for(&socket, Readiness::Writable, after(limit)).unwrap());
    }
}
