//! Looks up the addresses of hosts.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use super::failure::{ConnectionError, Phase};
use super::wait::wait_for;
use crate::cancel::Cancellation;
use crate::os::{Readiness, Wake};

/// Returns the addresses of a host, in the system's order. An IPv6 address may be in brackets.
pub(super) fn resolve(
    host: &str,
    port: u16,
    until: Option<Instant>,
) -> io::Result<Vec<SocketAddr>> {
    let host = host.trim_matches(['[', ']']);
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let addresses = look_up(host.to_owned(), port, until)?;
    if addresses.is_empty() {
        return Err(ConnectionError::NoAddress.into());
    }
    Ok(addresses)
}

/// Looks a name up on a thread of its own, since the system's resolver cannot be interrupted. If
/// the call ends first, the thread is left to finish by itself.
fn look_up(host: String, port: u16, until: Option<Instant>) -> io::Result<Vec<SocketAddr>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let done = Wake::new().map(Arc::new);
    let finished = TriggerOnDrop(done.clone());
    thread::Builder::new()
        .name("name lookup".into())
        .spawn(move || {
            let found = (host.as_str(), port).to_socket_addrs();
            // The call may have ended.
            let _ = sender.send(found.map(Vec::from_iter));
            drop(finished);
        })?;
    let received = match done {
        Some(done) => {
            if !wait_for(&*done, Readiness::Readable, until)? {
                return Err(ConnectionError::TimedOut(Phase::Resolve).into());
            }
            receiver.recv().map_err(RecvTimeoutError::from)
        }
        None => loop {
            let cancellation = Cancellation::current();
            cancellation.check().map_err(io::Error::other)?;
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(ConnectionError::TimedOut(Phase::Resolve).into());
            }
            let received = match cancellation.slice(left) {
                Some(slice) => receiver.recv_timeout(slice),
                None => receiver.recv().map_err(RecvTimeoutError::from),
            };
            if !matches!(received, Err(RecvTimeoutError::Timeout)) {
                break received;
            }
        },
    };
    let no_result = |_| io::Error::other("the name lookup ended without a result");
    received.map_err(no_result)?
}

/// Wakes the waiting call when it is dropped, even if the lookup panics.
struct TriggerOnDrop(Option<Arc<Wake>>);

impl Drop for TriggerOnDrop {
    fn drop(&mut self) {
        if let Some(wake) = &self.0 {
            wake.trigger();
        }
    }
}
