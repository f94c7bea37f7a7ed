//! Layers of a connection: TCP, and above it TLS, once for a proxy and once for the server.

use std::io::{self, Read, Write};
use std::ops::Range;

use zeroize::Zeroize;

use super::READ_BUFFER_SIZE;
use super::tcp::{Limit, Tcp};
use super::tls::Tls;

/// A connection to a server, or to a proxy.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(Tcp),
    Tls(Box<Tls>),
}

impl Stream {
    fn tcp(&mut self) -> &mut Tcp {
        match self {
            Self::Tcp(tcp) => tcp,
            Self::Tls(tls) => tls.inner().stream.tcp(),
        }
    }

    fn is_idle(&mut self) -> bool {
        match self {
            Self::Tcp(tcp) => tcp.is_idle(),
            Self::Tls(tls) => tls.is_idle(),
        }
    }
}

/// A stream with a buffer. The buffer serves two purposes: rustls reads a few bytes at a time, and
/// bytes after a proxy's response belong to the tunnel.
pub(super) struct Buffered {
    stream: Stream,
    buffer: Vec<u8>,
    /// The range of the buffer that was read and is not consumed yet.
    unread: Range<usize>,
    /// Whether to fill the buffer, because reads are small and worth a copy.
    reads_ahead: bool,
}

impl Buffered {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            unread: 0..0,
            reads_ahead: false,
        }
    }

    /// Makes the stream read ahead from now on.
    pub(super) fn with_read_ahead(mut self) -> Self {
        self.reads_ahead = true;
        self
    }

    pub(super) fn set_limit(&mut self, limit: Limit) {
        self.stream.tcp().set_limit(limit);
    }

    /// Returns whether the connection is open and has no unread data.
    pub(super) fn is_idle(&mut self) -> bool {
        self.buffered().is_empty() && self.stream.is_idle()
    }

    /// Returns the bytes that were read and are not consumed yet.
    pub(super) fn buffered(&self) -> &[u8] {
        &self.buffer[self.unread.clone()]
    }

    /// Waits for more bytes. Returns `false` at the end of the stream, and if the buffer is full.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        if self.buffer.is_empty() {
            self.buffer = vec![0; READ_BUFFER_SIZE];
        }
        if self.unread.start > 0 {
            self.buffer.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        if self.unread.end == self.buffer.len() {
            return Ok(false);
        }
        let length = self.stream.read(&mut self.buffer[self.unread.end..])?;
        self.unread.end += length;
        Ok(length > 0)
    }

    pub(super) fn consume(&mut self, length: usize) {
        self.unread.start += length;
    }
}

impl Read for Buffered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.buffered().is_empty() {
            if !self.reads_ahead {
                return self.stream.read(buffer);
            }
            self.fill()?;
        }
        let length = self.buffered().len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.buffered()[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl Write for Buffered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Drop for Buffered {
    fn drop(&mut self) {
        self.buffer.zeroize();
    }
}

impl std::fmt::Debug for Buffered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the buffer, which may contain secrets.
        self.stream.fmt(f)
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => tcp.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}
