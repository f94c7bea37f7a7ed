//! The progress of a transfer.

use std::io::{self, Read};
use std::ops::ControlFlow;

use super::context::CallContext;
use crate::cancel::Stop;
use crate::transport::Body;

/// The progress of a file's transfer.
///
/// # Examples
///
/// ```no_run
/// use std::ops::ControlFlow;
/// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
///
/// let show = |progress: sellercloud_output::Progress| {
///     eprintln!("{} bytes of {:?}", progress.bytes_received, progress.total_bytes);
///     ControlFlow::Continue(())
/// };
/// client.call().on_progress(show).save_output_file(28142, "exports")?;
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes of the response's body received in this attempt, as they are sent: encoded, and
    /// compressed if the server compresses.
    pub bytes_received: u64,
    /// The length of the body in the same bytes, if the server sends it.
    pub total_bytes: Option<u64>,
    /// The number of the attempt; the first is 1. Each attempt starts over at zero bytes.
    pub attempt: u32,
}

/// A function that is called with the progress, and decides whether to continue.
pub(crate) type OnProgress<'a> = Box<dyn FnMut(Progress) -> ControlFlow<()> + Send + 'a>;

/// A body that reports its progress as it is read.
pub(super) struct ProgressReader<'r, 'a> {
    pub(super) context: &'r mut CallContext<'a>,
    pub(super) body: &'r mut Body,
    /// Whether the progress was reported at the beginning of the body.
    pub(super) has_reported: &'r mut bool,
}

impl ProgressReader<'_, '_> {
    fn report(&mut self) -> io::Result<()> {
        let Some(on_progress) = &mut self.context.on_progress else {
            return Ok(());
        };
        let (bytes_received, total_bytes) = self.body.progress();
        let progress = Progress {
            bytes_received,
            total_bytes,
            attempt: self.context.attempt,
        };
        match on_progress(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(io::Error::other(Stop::Cancelled)),
        }
    }
}

impl Read for ProgressReader<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !*self.has_reported {
            *self.has_reported = true;
            self.report()?;
        }
        // The sockets check as well, but decompressed bytes may come without a read.
        self.context
            .cancellation
            .check()
            .map_err(io::Error::other)?;
        let before = self.body.progress().0;
        let length = self.body.read(buffer)?;
        if self.body.progress().0 > before {
            self.report()?;
        }
        Ok(length)
    }
}
