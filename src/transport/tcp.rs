//! TCP connections. Every wait ends when its call is cancelled or times out.

use std::cmp::Reverse;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use super::failure::{ConnectionError, Phase};
use super::wait::{after, is_ready, wait_for, wait_for_any};
use crate::cancel::Cancellation;
use crate::os::{Readiness, is_connecting};

/// A TCP connection. Its socket is non-blocking.
#[derive(Debug)]
pub(super) struct Tcp {
    stream: TcpStream,
    limit: Limit,
    /// Whether the last read emptied the socket, so that the next one has to wait.
    is_drained: bool,
}

/// How long a read or a write may wait.
#[derive(Clone, Copy, Debug)]
pub(super) enum Limit {
    /// All of them end at one time: proxy and TLS are still to be set up.
    Connect(Option<Instant>),
    /// Each of them may take this long.
    Stall(Duration),
}

impl Tcp {
    pub(super) fn set_limit(&mut self, limit: Limit) {
        self.limit = limit;
    }

    /// Returns whether the connection is open and has no unread data.
    pub(super) fn is_idle(&self) -> bool {
        matches!(is_ready(&self.stream, Readiness::Readable), Ok(false))
    }

    /// Returns an error if the call or the time to connect has ended. A socket that is always
    /// ready never waits, and so needs this check.
    fn check(&self) -> io::Result<()> {
        Cancellation::current().check().map_err(io::Error::other)?;
        match self.limit {
            Limit::Connect(Some(until)) if until <= Instant::now() => {
                Err(ConnectionError::TimedOut(Phase::Connect).into())
            }
            _ => Ok(()),
        }
    }

    fn wait(&self, readiness: Readiness, stalled: Phase) -> io::Result<()> {
        let (until, phase) = match self.limit {
            Limit::Connect(until) => (until, Phase::Connect),
            Limit::Stall(limit) => (after(limit), stalled),
        };
        match wait_for(&self.stream, readiness, until)? {
            true => Ok(()),
            false => Err(ConnectionError::TimedOut(phase).into()),
        }
    }
}

impl Read for Tcp {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.is_drained {
            true => self.wait(Readiness::Readable, Phase::Read)?,
            false => self.check()?,
        }
        loop {
            match self.stream.read(buffer) {
                Ok(length) => {
                    self.is_drained = length < buffer.len();
                    return Ok(length);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait(Readiness::Readable, Phase::Read)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => self.check()?,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Write for Tcp {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check()?;
        loop {
            match self.stream.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait(Readiness::Writable, Phase::Write)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => self.check()?,
                outcome => return outcome,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How long to wait for one address before the next one is tried in parallel (RFC 8305
/// section 8).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to the first reachable address, by RFC 8305 ("Happy Eyeballs"): IPv4 and IPv6
/// addresses alternate, and an unresponsive address does not delay the others by more than
/// [`ATTEMPT_DELAY`].
pub(super) fn connect(addresses: &[SocketAddr], until: Option<Instant>) -> io::Result<Tcp> {
    let mut waiting = interleaved(addresses).into_iter().peekable();
    let mut attempts: Vec<Socket> = Vec::new();
    let mut failures: Vec<io::Error> = Vec::new();
    let mut next_start = Instant::now();
    loop {
        if waiting.peek().is_some() && (attempts.is_empty() || next_start <= Instant::now()) {
            let started = waiting.next().map(start);
            match started {
                Some(Ok(socket)) => attempts.push(socket),
                Some(Err(error)) => failures.push(error),
                None => {}
            }
            next_start = Instant::now() + ATTEMPT_DELAY;
        }
        if attempts.is_empty() {
            match waiting.peek() {
                Some(_) => continue,
                None => break,
            }
        }
        let next_start = waiting.peek().map(|_| next_start);
        let end = [until, next_start].into_iter().flatten().min();
        if !wait_for_any(&attempts, Readiness::Writable, end)? {
            match until {
                Some(until) if until <= Instant::now() => {
                    return Err(ConnectionError::TimedOut(Phase::Connect).into());
                }
                _ => continue,
            }
        }
        let mut pending = Vec::new();
        for socket in attempts {
            match outcome(&socket) {
                Ok(true) => {
                    return Ok(Tcp {
                        stream: socket.into(),
                        limit: Limit::Connect(until),
                        is_drained: true,
                    });
                }
                Ok(false) => pending.push(socket),
                Err(error) => failures.push(error),
            }
        }
        attempts = pending;
    }
    let most_relevant = failures.into_iter().max_by_key(relevance);
    Err(most_relevant.unwrap_or_else(|| ConnectionError::NoAddress.into()))
}

/// Returns the addresses with IPv4 and IPv6 alternating, each family in the system's order
/// (RFC 8305 section 4).
fn interleaved(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else {
        return Vec::new();
    };
    let (mut same, mut other): (Vec<SocketAddr>, Vec<SocketAddr>) = addresses
        .iter()
        .copied()
        .partition(|address: &SocketAddr| address.is_ipv4() == first.is_ipv4());
    same.reverse();
    other.reverse();
    let mut all = Vec::with_capacity(addresses.len());
    while !(same.is_empty() && other.is_empty()) {
        all.extend(same.pop());
        all.extend(other.pop());
    }
    all
}

/// Starts to connect, without waiting for the outcome.
fn start(address: SocketAddr) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    match socket.connect(&address.into()) {
        Err(error) if !is_connecting(&error) => Err(error),
        _ => Ok(socket),
    }
}

/// Returns whether the socket is connected. `false` means that it is still connecting.
fn outcome(socket: &Socket) -> io::Result<bool> {
    if !is_ready(socket, Readiness::Writable)? {
        return Ok(false);
    }
    match socket.take_error()? {
        Some(error) => Err(error),
        None => Ok(true),
    }
}

/// Ranks failures: a host's refusal says more than the lack of a route to an address family.
fn relevance(error: &io::Error) -> Reverse<u8> {
    Reverse(match error.kind() {
        io::ErrorKind::ConnectionRefused => 0,
        io::ErrorKind::HostUnreachable => 2,
        io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::AddrNotAvailable
        | io::ErrorKind::Unsupported => 3,
        _ => 1,
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::cancel::Stop;

    /// A port that neither accepts nor refuses connections, because its queue is full.
    struct FullPort {
        address: SocketAddr,
        _listener: Socket,
        _queued: Vec<TcpStream>,
    }

    impl FullPort {
        fn new(host: &str) -> Self {
            let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            let any: SocketAddr = format!("{host}:0").parse().unwrap();
            listener.bind(&any.into()).unwrap();
            listener.listen(0).unwrap();
            let address = listener.local_addr().unwrap().as_socket().unwrap();
            let mut queued = Vec::new();
            let limit = Duration::from_millis(300);
            while let Ok(stream) = TcpStream::connect_timeout(&address, limit) {
                queued.push(stream);
            }
            Self {
                address,
                _listener: listener,
                _queued: queued,
            }
        }
    }

    fn refusing_address() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    }

    fn in_five_seconds() -> Option<Instant> {
        after(Duration::from_secs(5))
    }

    #[test]
    fn interleaved_families_alternate() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let addresses = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"].map(address);
        let expected = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"].map(address);
        assert_eq!(interleaved(&addresses), expected);
        assert!(interleaved(&[]).is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn connect_unresponsive_addresses_first_reachable_one_wins() {
        let (one, other) = (FullPort::new("127.0.0.2"), FullPort::new("127.0.0.3"));
        let reachable = TcpListener::bind("127.0.0.1:0").unwrap();
        let addresses = [one.address, other.address, reachable.local_addr().unwrap()];
        let start = Instant::now();
        let connected = connect(&addresses, in_five_seconds()).unwrap();
        let elapsed = start.elapsed();
        assert_eq!(connected.stream.peer_addr().unwrap(), addresses[2]);
        assert!(elapsed >= 2 * ATTEMPT_DELAY, "{elapsed:?}");
        assert!(elapsed < Duration::from_secs(2), "{elapsed:?}");
    }

    #[test]
    fn connect_refused_address_next_starts_at_once() {
        let reachable = TcpListener::bind("127.0.0.1:0").unwrap();
        let start = Instant::now();
        let refused: Vec<_> = (0..8).map(|_| refusing_address()).collect();
        let addresses = [&refused[..], &[reachable.local_addr().unwrap()]].concat();
        connect(&addresses, None).unwrap();
        assert!(start.elapsed() < Duration::from_secs(1));
    }

    #[test]
    fn connect_reachable_address_before_refused_one_wins() {
        let reachable = TcpListener::bind("127.0.0.1:0").unwrap();
        let addresses = [reachable.local_addr().unwrap(), refusing_address()];
        connect(&addresses, in_five_seconds()).unwrap();
    }

    #[test]
    fn connect_all_fail_most_relevant_failure_is_returned() {
        // An address that no socket can connect to.
        let unroutable: SocketAddr = "[::ffff:0:0:1]:1".parse().unwrap();
        let error = connect(&[refusing_address(), unroutable], in_five_seconds()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused, "{error}");
        assert!(connect(&[], None).is_err());
    }

    #[test]
    fn connect_unresponsive_addresses_fail_at_common_limit() {
        let full = FullPort::new("127.0.0.1");
        let start = Instant::now();
        let limit = after(Duration::from_millis(600));
        let error = connect(&[full.address; 8], limit).unwrap_err();
        assert!(
            error.to_string().contains("connecting timed out"),
            "{error}"
        );
        let elapsed = start.elapsed();
        assert!(elapsed >= Duration::from_millis(600), "{elapsed:?}");
        assert!(elapsed < Duration::from_secs(2), "{elapsed:?}");
    }

    #[test]
    fn write_peer_does_not_read_fails_at_limit() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        for (limit, message) in [
            (
                Limit::Stall(Duration::from_millis(200)),
                "no data could be sent",
            ),
            (
                Limit::Connect(after(Duration::from_millis(200))),
                "connecting timed out",
            ),
        ] {
            let mut tcp = connect(&[address], in_five_seconds()).unwrap();
            tcp.set_limit(limit);
            let start = Instant::now();
            let error = loop {
                if let Err(error) = tcp.write(&[0; 1 << 16]) {
                    break error;
                }
            };
            assert!(error.to_string().contains(message), "{error}");
            assert!(
                start.elapsed() < Duration::from_secs(3),
                "{:?}",
                start.elapsed()
            );
        }
    }

    #[test]
    fn connect_cancelled_call_returns_cancelled() {
        let full = FullPort::new("127.0.0.1");
        let token = crate::cancel::CancelToken::new();
        let cancellation = Cancellation {
            token: Some(token.clone()),
            ..Cancellation::default()
        };
        let _entered = cancellation.enter();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(100));
                token.cancel();
            });
            let error = connect(&[full.address; 2], None).unwrap_err();
            let stop = error.downcast::<Stop>().unwrap();
            assert_eq!(stop, Stop::Cancelled);
        });
    }
}
