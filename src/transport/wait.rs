//! Waits for sockets. A wait ends when its call is cancelled or times out.

use std::io;
use std::time::{Duration, Instant};

use crate::cancel::Cancellation;
use crate::os::{PollEntry, Pollable, Readiness, poll};

/// Waits until the socket is ready and returns `true`, or until the time `until` and returns
/// `false`. `None` means no limit.
///
/// # Errors
///
/// A [`Stop`](crate::cancel::Stop) if this thread's call was cancelled or has timed out.
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

/// Waits as [`wait_for`] does, until any of the sockets is ready.
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

/// Returns the end of a time limit that begins now. `None` if the clock cannot represent it.
pub(super) fn after(limit: Duration) -> Option<Instant> {
    Instant::now().checked_add(limit)
}

/// Waits until one of the first `sockets` entries of `polled` is ready. After them `polled` may
/// hold the wake of the call's token.
///
/// Signals may interrupt the wait any number of times: the time left is computed from the clock,
/// and the call is checked, before each poll.
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
                // If the token was cancelled, the check at the start of the loop fails.
                if cancellation.check().is_err() {
                    continue;
                }
                if polled[..sockets].iter().any(PollEntry::is_ready) {
                    return Ok(true);
                }
                // The token was cancelled in a forked process, which shares the descriptor but
                // not the token. The wake is not polled again.
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
    fn wait_for_wake_triggered_by_other_process_returns_at_limit() {
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
