//! Names and sockets, waited for so that the call can be stopped meanwhile.
//!
//! A connected socket blocks, but for no longer than a moment: a read that finds
//! its bytes at once, or soon, is one system call. Only who waits longer waits
//! by polling, for as long as the call's limits have it.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport, time,
};

use crate::cancel::{Stop, Watch};

/// Asks the system for a host's addresses.
#[derive(Debug)]
pub(super) struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        limit: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let authority = uri.authority().ok_or(Error::HostNotFound)?;
        let host = authority.host().trim_matches(['[', ']']);
        let is_https = uri.scheme_str() == Some("https");
        let port = authority
            .port_u16()
            .unwrap_or(if is_https { 443 } else { 80 });
        let mut addresses = self.empty();
        match host.parse::<IpAddr>() {
            Ok(address) => addresses.push(SocketAddr::new(address, port)),
            Err(_) => {
                let found = look_up(host.to_owned(), port, limit)?;
                found
                    .take(MOST_ADDRESSES)
                    .for_each(|found| addresses.push(found));
            }
        }
        if addresses.is_empty() {
            return Err(Error::HostNotFound);
        }
        Ok(addresses)
    }
}

/// How many addresses ureq has room for.
const MOST_ADDRESSES: usize = 16;

/// The system's resolver cannot be interrupted: it runs on a thread of its own,
/// which is left alone with it if the call ends before.
fn look_up(
    host: String,
    port: u16,
    limit: NextTimeout,
) -> Result<impl Iterator<Item = SocketAddr>, Error> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("name lookup".into())
        .spawn(move || {
            // Nobody may be waiting any more.
            let _ = sender.send((host.as_str(), port).to_socket_addrs());
        })?;
    wait(limit, |time| {
        let received = match time {
            Some(time) => receiver.recv_timeout(time),
            None => receiver.recv().map_err(RecvTimeoutError::from),
        };
        match received {
            Ok(found) => found.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                Err(io::Error::other("the name lookup ended without an answer"))
            }
        }
    })
}

/// Opens TCP connections.
#[derive(Debug)]
pub(super) struct TcpConnector;

impl<In: Transport> Connector<In> for TcpConnector {
    type Out = Either<In, Tcp>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        if let Some(tunnel) = chained {
            return Ok(Some(Either::A(tunnel)));
        }
        let config = details.config;
        Ok(Some(Either::B(Tcp {
            stream: connect(&details.addrs, details.timeout)?,
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
        })))
    }
}

/// For how long a read or a write blocks, before its limits are looked at.
const MOMENT: Duration = Duration::from_millis(50);

/// Tries the addresses in the system's order. Each gets an equal share of the
/// time that is left, so that one which swallows packets does not use it up.
fn connect(addresses: &[SocketAddr], limit: NextTimeout) -> Result<TcpStream, Error> {
    let start = Instant::now();
    let mut failure = Error::HostNotFound;
    for (index, address) in addresses.iter().enumerate() {
        let mut share = limit;
        if let time::Duration::Exact(whole) = limit.after {
            let left = whole.saturating_sub(start.elapsed());
            let to_try = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            share.after = time::Duration::Exact(left / to_try);
        }
        match connect_to(*address, share) {
            Ok(stream) => return Ok(stream),
            Err(Error::Io(error)) if super::is::<Stop>(&error) => return Err(error.into()),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn connect_to(address: SocketAddr, limit: NextTimeout) -> Result<TcpStream, Error> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if is_in_progress(&error) => {
            wait_for(&socket, PollFlags::OUT, limit)?;
            if let Some(error) = socket.take_error()? {
                return Err(error.into());
            }
        }
        Err(error) => return Err(error.into()),
    }
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(MOMENT))?;
    socket.set_write_timeout(Some(MOMENT))?;
    Ok(socket.into())
}

fn is_in_progress(error: &io::Error) -> bool {
    // Unix says the one, Windows the other.
    error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error())
        || error.kind() == io::ErrorKind::WouldBlock
}

/// A connection.
pub(super) struct Tcp {
    stream: TcpStream,
    buffers: LazyBuffers,
}

impl std::fmt::Debug for Tcp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the buffers: the token goes through them.
        self.stream.fmt(f)
    }
}

impl Transport for Tcp {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, limit: NextTimeout) -> Result<(), Error> {
        let limit = limit.for_write();
        let mut rest = &self.buffers.output()[..amount];
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(written) => rest = &rest[written..],
                Err(error) if is_moment_over(&error) => {
                    wait_for(&self.stream, PollFlags::OUT, limit)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn await_input(&mut self, limit: NextTimeout) -> Result<bool, Error> {
        let limit = limit.for_read();
        // Also where the server sends so fast that nothing is ever waited for.
        Watch::current().check().map_err(io::Error::other)?;
        loop {
            match self.stream.read(self.buffers.input_append_buf()) {
                Ok(length) => {
                    self.buffers.input_appended(length);
                    return Ok(length > 0);
                }
                Err(error) if is_moment_over(&error) => {
                    wait_for(&self.stream, PollFlags::IN, limit)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn is_open(&mut self) -> bool {
        // Bytes that nobody asked for make it as useless as its end does.
        let now = Some(&Timespec::default());
        poll(&mut [PollFd::new(&self.stream, PollFlags::IN)], now) == Ok(0)
    }
}

fn is_moment_over(error: &io::Error) -> bool {
    // Unix says the one, Windows the other.
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

fn wait_for(socket: &impl AsFd, readiness: PollFlags, limit: NextTimeout) -> Result<(), Error> {
    wait(limit, |time| {
        let time = time.map(|time| Timespec {
            tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
            // Below 10^9, which each system's type can hold.
            tv_nsec: time.subsec_nanos() as _,
        });
        match poll(&mut [PollFd::new(socket, readiness)], time.as_ref()) {
            Ok(0) | Err(Errno::INTR) => Ok(None),
            Ok(_) => Ok(Some(())),
            Err(error) => Err(error.into()),
        }
    })
}

/// Repeats `step`, which waits for no longer than it is told, until it gives
/// something, the limit is met, or the call is stopped.
fn wait<T>(
    limit: NextTimeout,
    mut step: impl FnMut(Option<Duration>) -> io::Result<Option<T>>,
) -> Result<T, Error> {
    let watch = Watch::current();
    let start = Instant::now();
    loop {
        watch.check().map_err(io::Error::other)?;
        let left = match limit.after {
            time::Duration::Exact(whole) => Some(whole.saturating_sub(start.elapsed())),
            time::Duration::NotHappening => None,
        };
        if left == Some(Duration::ZERO) {
            return Err(Error::Timeout(limit.reason));
        }
        if let Some(outcome) = step(watch.slice(left))? {
            return Ok(outcome);
        }
    }
}
