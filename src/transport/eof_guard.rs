//! Makes sure that a truncated response never passes for a complete one.

use std::io::{self, Read, Write};

use ureq::Error;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};

use super::buffers::WipedBuffers;
use super::chunk_lines::ChunkLines;
use super::failure::{ConnectionEnd, ConnectionError, is_disconnect};
use super::head_check::HeadCheck;
use super::stream::Buffered;

/// The outermost stream of a connection, above TLS and a proxy's tunnel. Reading past its end is
/// an error.
///
/// ureq treats a reset as a close, and a close after the size of the last chunk as the end of the
/// body. Here every end of the connection is an error of its own. Only the reader of a body that
/// nothing else delimits accepts that error as the end of the body.
#[derive(Debug)]
pub(super) struct EofGuard {
    stream: Buffered,
    buffers: WipedBuffers,
    is_tls: bool,
    exchange: ExchangeState,
    head: HeadCheck,
    chunk_lines: ChunkLines,
    /// The process that opened the connection. A forked process must not use it: each process
    /// would read the other's responses.
    process: u32,
}

/// The state of the exchanges of requests and responses on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExchangeState {
    /// The first request is being sent, or was sent.
    FirstRequest,
    /// Some of a response has arrived.
    Response,
    /// A later request is being sent, or was sent, over a connection from the pool.
    LaterRequest,
}

impl EofGuard {
    pub(super) fn new(stream: Buffered, is_tls: bool) -> Self {
        Self {
            stream,
            buffers: WipedBuffers::default(),
            is_tls,
            exchange: ExchangeState::FirstRequest,
            head: HeadCheck::new(0),
            chunk_lines: ChunkLines::new(),
            process: std::process::id(),
        }
    }

    fn ended(&self, end: ConnectionEnd) -> Error {
        let is_stale = self.exchange == ExchangeState::LaterRequest;
        io::Error::from(ConnectionError::Ended { end, is_stale }).into()
    }

    fn failed(&self, error: io::Error) -> Error {
        match is_disconnect(error.kind()) {
            true => self.ended(ConnectionEnd::Lost(error)),
            false => error.into(),
        }
    }

    /// Processes `length` bytes that were read: checks the head, and shortens the lines between
    /// chunks.
    fn received(&mut self, length: usize) -> Result<(), Error> {
        self.exchange = ExchangeState::Response;
        self.buffers.input_appended(length);
        let position = self.buffers.position();
        let head = self.head.check(self.buffers.input(), position);
        head.map_err(|problem| invalid_response(&problem))?;
        let Some(body) = self.head.chunked_body() else {
            return Ok(());
        };
        let end = position + self.buffers.unread() as u64;
        let of_body = usize::try_from(end - body).map_or(length, |of_body| of_body.min(length));
        let chunk_lines = &mut self.chunk_lines;
        let shortened = self
            .buffers
            .shorten_last(of_body, |bytes| chunk_lines.shorten(bytes));
        shortened.map_err(invalid_response)
    }

    fn send(&mut self, amount: usize) -> io::Result<()> {
        self.stream.write_all(&self.buffers.output()[..amount])?;
        self.stream.flush()
    }
}

fn invalid_response(problem: &str) -> Error {
    let message = format!("the response is not valid HTTP: {problem}");
    io::Error::from(ConnectionError::InvalidResponse(message)).into()
}

impl Transport for EofGuard {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    // ureq's own timeouts are not used: they know neither cancellation nor signals.
    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        if self.exchange == ExchangeState::Response {
            self.exchange = ExchangeState::LaterRequest;
            self.head = HeadCheck::new(self.buffers.position());
            self.chunk_lines = ChunkLines::new();
        }
        let sent = self.send(amount);
        self.buffers.wipe_output(amount);
        sent.map_err(|error| self.failed(error))
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        let unread = self.buffers.unread();
        while self.buffers.unread() == unread {
            if !self.buffers.reserve_input() {
                return Err(invalid_response("a line between chunks is too long"));
            }
            match self.stream.read(self.buffers.input_append_buf()) {
                Ok(0) => return Err(self.ended(ConnectionEnd::Closed)),
                Ok(length) => self.received(length)?,
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(true)
    }

    fn is_open(&mut self) -> bool {
        // Data after the last response belongs to no request: the connection cannot be reused.
        let is_idle = self.buffers.input().is_empty() && self.stream.is_idle();
        self.buffers.wipe_input();
        is_idle && self.process == std::process::id()
    }

    fn is_tls(&self) -> bool {
        self.is_tls
    }
}

impl std::fmt::Debug for WipedBuffers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WipedBuffers").finish_non_exhaustive()
    }
}
