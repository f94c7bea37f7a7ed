//! A response that is cut never passes for a whole one.

use std::io::{self, Read, Write};

use ureq::Error;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};

use super::buffers::WipedBuffers;
use super::chunk_lines::ChunkLines;
use super::failure::{ConnectionError, Ended, is_break};
use super::head_check::HeadCheck;
use super::stream::Buffered;

/// Guards the outermost stream of a connection: what lies below, a proxy or TLS, has ends that
/// mean something else.
///
/// ureq takes a reset for a close, and a close after the last chunk's size for the end of the
/// body. Here every end is an error of its own, which only the reader of a body may take for
/// the end of a response that is delimited by nothing else.
#[derive(Debug)]
pub(super) struct EofGuard {
    stream: Buffered,
    buffers: WipedBuffers,
    is_tls: bool,
    exchange: Exchange,
    head: HeadCheck,
    chunk_lines: ChunkLines,
    /// The process that made the connection. After a fork both would read from it, each the
    /// other's responses.
    process: u32,
}

/// How far the exchanges on a connection have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exchange {
    /// The first request is being sent, or is out.
    First,
    /// Some of a response is there.
    Responding,
    /// A request was sent over a connection that had been pooled.
    Later,
}

impl EofGuard {
    pub(super) fn new(stream: Buffered, is_tls: bool) -> Self {
        Self {
            stream,
            buffers: WipedBuffers::default(),
            is_tls,
            exchange: Exchange::First,
            head: HeadCheck::new(0),
            chunk_lines: ChunkLines::new(),
            process: std::process::id(),
        }
    }

    fn ended(&self, how: Ended) -> Error {
        let is_stale = self.exchange == Exchange::Later;
        io::Error::from(ConnectionError::Ended { how, is_stale }).into()
    }

    fn failed(&self, error: io::Error) -> Error {
        match is_break(error.kind()) {
            true => self.ended(Ended::Broken(error)),
            false => error.into(),
        }
    }

    /// Takes what was read: looks at a head, and shortens the lines between chunks.
    fn received(&mut self, length: usize) -> Result<(), Error> {
        self.exchange = Exchange::Responding;
        self.buffers.input_appended(length);
        let position = self.buffers.position();
        let head = self.head.check(self.buffers.input(), position);
        head.map_err(|what| not_http(&what))?;
        let Some(body) = self.head.chunked_body() else {
            return Ok(());
        };
        let end = position + self.buffers.unread() as u64;
        let of_body = usize::try_from(end - body).map_or(length, |of_body| of_body.min(length));
        let chunk_lines = &mut self.chunk_lines;
        let shortened = self
            .buffers
            .shorten_last(of_body, |bytes| chunk_lines.shorten(bytes));
        shortened.map_err(not_http)
    }

    fn send(&mut self, amount: usize) -> io::Result<()> {
        self.stream.write_all(&self.buffers.output()[..amount])?;
        self.stream.flush()
    }
}

fn not_http(what: &str) -> Error {
    let what = format!("the response is not valid HTTP: {what}");
    io::Error::from(ConnectionError::NotHttp(what)).into()
}

impl Transport for EofGuard {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    // The limits of the connection are not ureq's, which know neither a call nor signals.
    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        if self.exchange == Exchange::Responding {
            self.exchange = Exchange::Later;
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
            if !self.buffers.make_room() {
                return Err(not_http("a line between chunks is too long"));
            }
            match self.stream.read(self.buffers.input_append_buf()) {
                Ok(0) => return Err(self.ended(Ended::Closed)),
                Ok(length) => self.received(length)?,
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(true)
    }

    fn is_open(&mut self) -> bool {
        // What came behind the last response belongs to no request.
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
