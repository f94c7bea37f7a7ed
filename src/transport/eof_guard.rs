//! A response that is cut never passes for a whole one.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
    generation: Generation,
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

/// When and where a connection was made. Where one of the pooled connections turns out to be
/// stale, those made before it are not used again. Nor are those of a parent process: after a
/// fork both would read from them, each the other's responses.
#[derive(Debug)]
pub(super) struct Generation {
    made_in: u64,
    process: u32,
    current: Arc<AtomicU64>,
}

impl Generation {
    pub(super) fn of(current: &Arc<AtomicU64>) -> Self {
        Self {
            made_in: current.load(Ordering::SeqCst),
            process: std::process::id(),
            current: current.clone(),
        }
    }

    fn is_over(&self) -> bool {
        self.current.load(Ordering::SeqCst) != self.made_in || self.process != std::process::id()
    }

    fn end(&self) {
        // Another connection of the same generation may have ended it already.
        let _ = self.current.compare_exchange(
            self.made_in,
            self.made_in + 1,
            Ordering::SeqCst,
            Ordering::SeqCst,
        );
    }
}

impl EofGuard {
    pub(super) fn new(stream: Buffered, is_tls: bool, generation: Generation) -> Self {
        Self {
            stream,
            buffers: WipedBuffers::default(),
            is_tls,
            exchange: Exchange::First,
            head: HeadCheck::new(0),
            chunk_lines: ChunkLines::new(),
            generation,
        }
    }

    fn ended(&self, how: Ended) -> Error {
        let is_stale = self.exchange == Exchange::Later;
        if is_stale {
            self.generation.end();
        }
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
        is_idle && !self.generation.is_over()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generation_is_over_with_a_stale_connection_or_in_another_process() {
        let current = Arc::default();
        let (first, second) = (Generation::of(&current), Generation::of(&current));
        assert!(!first.is_over() && !second.is_over());
        first.end();
        second.end();
        assert!(first.is_over() && second.is_over());
        let third = Generation::of(&current);
        assert!(!third.is_over());
        let of_parent = Generation {
            process: third.process.wrapping_add(1),
            ..third
        };
        assert!(of_parent.is_over());
    }
}
