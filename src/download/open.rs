//! Open downloads: the file's name is known, and its bytes are decoded as the caller reads them.

use std::fmt;
use std::io::{self, Read};

use super::memory_error;
use super::transfer::{FileProperties, Transfer};
use crate::body::Sink;
use crate::error::{Error, ErrorKind};
use crate::model::JobId;
use crate::session::CallContext;

/// An open download of a job's output file: its name is known, and its bytes are downloaded as they
/// are read.
///
/// [`Client::open_output_file`](crate::Client::open_output_file) returns it. It implements [`Read`],
/// which returns `Ok(0)` only at the end of a complete file. A body that is cut short or malformed
/// is an error, and so is every read after it. The bytes that were read until then are a part of
/// the file at best.
///
/// A read returns the errors of this library inside [`io::Error`]. [`io::Error::downcast`] returns
/// the [`Error`].
///
/// - The call's timeout and the stall timeout count only while the library waits for the server.
///   [`Call::total_timeout`](crate::Call::total_timeout) limits the whole time.
/// - The call's cancel token and interrupt function cancel each read.
/// - A read is never retried. The server may close the connection if the caller reads too slowly.
/// - Dropping the download early closes its connection.
///
/// # Examples
///
/// ```no_run
/// use std::fs::File;
/// use sellercloud_output::Client;
///
/// let client = Client::builder("tt").token("the-bearer-token").build()?;
/// let mut download = client.open_output_file(28142)?;
/// println!("{}: {:?}", download.name(), download.content_type());
/// let mut file = File::create("part.tmp")?;
/// std::io::copy(&mut download, &mut file)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct OutputFileDownload {
    context: CallContext<'static>,
    file: OpenedFile,
}

/// The file of an open download.
pub(crate) struct OpenedFile {
    transfer: Transfer,
    properties: FileProperties,
    /// Bytes that were decoded and not yet read.
    pending: Pending,
    state: State,
}

/// What a read does.
enum State {
    /// Returns the pending bytes; if there are none, decodes more of the body.
    Incomplete,
    /// Returns the pending bytes; if there are none, reports the end of the file.
    Complete,
    /// Returns the error, whatever is pending.
    Failed(Error),
}

/// Decoded bytes that did not fit into the caller's buffer.
#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Moves bytes to `buffer`. Returns how many.
    fn read(&mut self, buffer: &mut [u8]) -> usize {
        let length = buffer.len().min(self.end - self.start);
        buffer[..length].copy_from_slice(&self.bytes[self.start..][..length]);
        self.start += length;
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
        length
    }
}

/// A sink that writes into the caller's buffer, or to the pending bytes if a chunk does not fit.
struct ReadSink<'r> {
    buffer: &'r mut [u8],
    filled: usize,
    pending: &'r mut Pending,
    /// Whether the last spare capacity was in the buffer.
    is_direct: bool,
}

impl Sink for ReadSink<'_> {
    fn spare_capacity_mut(&mut self, length: usize) -> io::Result<&mut [u8]> {
        // The bytes in the buffer come before the pending ones.
        let spare = self.buffer.len() - self.filled;
        self.is_direct = self.pending.is_empty() && spare >= length;
        if self.is_direct {
            return Ok(&mut self.buffer[self.filled..]);
        }
        let Pending { bytes, end, .. } = &mut *self.pending;
        if bytes.len() < *end + length {
            bytes.resize(*end + length, 0);
        }
        Ok(&mut bytes[*end..])
    }

    fn advance(&mut self, length: usize) -> io::Result<()> {
        match self.is_direct {
            true => self.filled += length,
            false => self.pending.end += length,
        }
        Ok(())
    }
}

impl OpenedFile {
    /// Reads as much of the body as shows that it contains a file, and at least one byte of the
    /// file.
    pub(super) fn new(transfer: Transfer, context: &mut CallContext) -> Result<Self, Error> {
        let mut file = Self {
            properties: transfer.properties(context.job),
            transfer,
            pending: Pending::default(),
            state: State::Incomplete,
        };
        while file.transfer.is_doubtful() {
            file.decode_part(context, &mut [])?;
        }
        // The rest of a short body may have had the name.
        file.properties = file.transfer.properties(context.job);
        while file.pending.is_empty() && matches!(file.state, State::Incomplete) {
            file.decode_part(context, &mut [])?;
        }
        if file.pending.is_empty() {
            // The whole body was read.
            file.properties = file.transfer.properties(context.job);
            file.properties.check(0)?;
        }
        Ok(file)
    }

    /// Decodes a part of the body into `buffer`, or to the pending bytes. Returns how many bytes are
    /// in the buffer.
    fn decode_part(
        &mut self,
        context: &mut CallContext,
        buffer: &mut [u8],
    ) -> Result<usize, Error> {
        let mut sink = ReadSink {
            buffer,
            filled: 0,
            pending: &mut self.pending,
            is_direct: false,
        };
        // If a callback panics, the decoder has lost a part of the body.
        self.state = State::Failed(Error::internal("an earlier read panicked"));
        let has_more = self
            .transfer
            .decode_part(context, &mut sink, memory_error)?;
        self.state = match has_more {
            true => State::Incomplete,
            false => State::Complete,
        };
        Ok(sink.filled)
    }

    fn read(&mut self, context: &mut CallContext, buffer: &mut [u8]) -> Result<usize, Error> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match &self.state {
                State::Failed(error) => return Err(error.clone()),
                State::Complete if self.pending.is_empty() => return Ok(0),
                State::Incomplete | State::Complete => {}
            }
            if let Err(error) = context.check() {
                return Err(self.failed(context, error));
            }
            let filled = match self.pending.is_empty() {
                false => self.pending.read(buffer),
                true => match self.decode_part(context, buffer) {
                    Ok(decoded) => decoded,
                    Err(error) => return Err(self.failed(context, error)),
                },
            };
            if filled > 0 {
                return Ok(filled);
            }
        }
    }

    /// Makes every later read fail with the error that this one returns.
    fn failed(&mut self, context: &CallContext, error: Error) -> Error {
        let error = match (error.kind(), context.check()) {
            // A call that was cancelled or has timed out may fail with either kind.
            (ErrorKind::Timeout | ErrorKind::Connection, Err(stopped)) => stopped,
            _ => error.with_context(context.error_context()),
        };
        self.state = State::Failed(error.clone());
        error
    }
}

impl OutputFileDownload {
    pub(crate) fn new(context: CallContext<'static>, file: OpenedFile) -> Self {
        let mut download = Self { context, file };
        download.context.suspend();
        download
    }

    /// Returns the id of the job that the file is the output of.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// println!("job {}", client.open_output_file(28142)?.job_id());
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn job_id(&self) -> JobId {
        self.context.job
    }

    /// Returns the file name, as [`OutputFile::name`](crate::OutputFile::name). The `FileName` of a
    /// `FileResponse` is used only if it stands before the `Content`, since the rest is not read yet.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// println!("{}", client.open_output_file(28142)?.name());
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn name(&self) -> &str {
        &self.file.properties.name
    }

    /// Returns whether the name is a fallback, as
    /// [`OutputFile::is_fallback_name`](crate::OutputFile::is_fallback_name).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// let download = client.open_output_file(28142)?;
    /// if download.is_fallback_name() {
    ///     println!("the server sent no name: {}", download.name());
    /// }
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn is_fallback_name(&self) -> bool {
        self.file.properties.is_fallback_name
    }

    /// Returns the response's Content-Type, as
    /// [`OutputFile::content_type`](crate::OutputFile::content_type).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// println!("{:?}", client.open_output_file(28142)?.content_type());
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn content_type(&self) -> Option<&str> {
        self.file.properties.content_type.as_deref()
    }

    /// Returns the size of the whole file, in bytes, if it is known before the end: if the body is
    /// the file itself ([`BodyEncoding::Raw`](crate::BodyEncoding::Raw)), not compressed, and has a
    /// Content-Length.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// match client.open_output_file(28142)?.size() {
    ///     Some(size) => println!("{size} bytes"),
    ///     None => println!("the size is not known yet"),
    /// }
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn size(&self) -> Option<u64> {
        self.file.transfer.size()
    }

    /// Reads as [`Read::read`] does, and returns this library's errors as they are.
    pub(crate) fn read_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let Self { context, file } = self;
        context.resume();
        let _current = context.cancellation.enter();
        let _active = context.active.enter();
        let read = file.read(context, buffer);
        context.suspend();
        read
    }
}

impl Read for OutputFileDownload {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_bytes(buffer).map_err(io::Error::from)
    }
}

impl fmt::Debug for OutputFileDownload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputFileDownload")
            .field("job_id", &self.job_id())
            .field("name", &self.name())
            .field("content_type", &self.content_type())
            .finish_non_exhaustive()
    }
}
