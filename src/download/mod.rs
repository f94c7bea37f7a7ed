//! Downloads: from the server's response to memory, a writer or a directory.

mod files;
mod open;
mod transfer;

use std::io::{self, Write};
use std::sync::Arc;

use crate::body::BodyEncoding;
use crate::error::Error;
use crate::jobs::Jobs;
use crate::output::{Buffer, Directory, FileMemory, MemorySink, WriterSink};
use crate::session::{CallContext, Session};
use transfer::{FileResponse, Transfer};

pub use files::{OutputFile, SavedFile, WrittenFile};
pub(crate) use open::OpenedFile;
pub use open::OutputFileDownload;

/// The default maximum size of a file in memory, in bytes.
const DEFAULT_MAX_FILE_SIZE_IN_MEMORY: u64 = 2 * 1024 * 1024 * 1024;

/// Downloads output files with one client's options.
pub(crate) struct Downloads {
    pub(crate) jobs: Jobs,
    pub(crate) body_encoding: BodyEncoding,
    pub(crate) max_file_size: Option<u64>,
}

impl Downloads {
    fn session(&self) -> &Arc<Session> {
        &self.jobs.session
    }

    /// Downloads the call's file into memory.
    pub(crate) fn get(&self, context: &mut CallContext) -> Result<OutputFile, Error> {
        let limit = self.limit_in_memory();
        self.session().run(context, |context| {
            let transfer = self.begin(context, limit)?;
            let mut buffer = Buffer::expecting(transfer.expected_size());
            let file = transfer.finish(context, &mut buffer, memory_error)?;
            let bytes = buffer.into_bytes();
            file.check(bytes.len() as u64)?;
            Ok(OutputFile {
                job_id: context.job,
                name: file.name,
                is_fallback_name: file.is_fallback_name,
                bytes,
                content_type: file.content_type,
            })
        })
    }

    /// Downloads the call's file into the caller's memory.
    pub(crate) fn get_into(
        &self,
        context: &mut CallContext,
        memory: &mut dyn FileMemory,
    ) -> Result<WrittenFile, Error> {
        let limit = self.limit_in_memory();
        self.session().run(context, |context| {
            let transfer = self.begin(context, limit)?;
            let mut sink = MemorySink::new(memory, transfer.expected_size());
            let file = transfer.finish(context, &mut sink, memory_error)?;
            file.into_written(context.job, sink.size())
        })
    }

    /// Downloads the call's file to a writer.
    pub(crate) fn write(
        &self,
        context: &mut CallContext,
        writer: &mut dyn Write,
    ) -> Result<WrittenFile, Error> {
        let limit = self.limit();
        let sink_error = |cause| Error::io("cannot write the file to its destination", None, cause);
        let mut sink = WriterSink::new(writer);
        self.session().run(context, |context| {
            let transfer = self.begin(context, limit)?;
            let file = transfer.finish(context, &mut sink, sink_error);
            // Bytes that were written cannot be taken back.
            context.is_last_attempt = sink.written() > 0;
            let written = file?.into_written(context.job, sink.written())?;
            sink.flush().map_err(sink_error)?;
            Ok(written)
        })
    }

    /// Downloads the call's file into a directory.
    pub(crate) fn save(
        &self,
        context: &mut CallContext,
        directory: &Directory,
    ) -> Result<SavedFile, Error> {
        let limit = self.limit();
        self.session().run(context, |context| {
            let response = self.request(context)?;
            let mut target = directory.begin(response.name.as_deref())?;
            let sink_error = target.failure();
            let mut sink = WriterSink::new(target.file());
            let transfer = Transfer::begin(response, context, self.body_encoding, limit)?;
            let file = transfer.finish(context, &mut sink, sink_error)?;
            let size = sink.written();
            file.check(size)?;
            Ok(SavedFile {
                job_id: context.job,
                path: target.publish(&file.name)?,
                name: file.name,
                is_fallback_name: file.is_fallback_name,
                size,
                content_type: file.content_type,
            })
        })
    }

    /// Begins to download the call's file, which the caller then reads.
    pub(crate) fn open(&self, context: &mut CallContext) -> Result<OpenedFile, Error> {
        let limit = self.limit();
        self.session().run(context, |context| {
            let transfer = self.begin(context, limit)?;
            OpenedFile::new(transfer, context)
        })
    }

    fn begin(&self, context: &mut CallContext, limit: u64) -> Result<Transfer, Error> {
        let response = self.request(context)?;
        Transfer::begin(response, context, self.body_encoding, limit)
    }

    fn request(&self, context: &CallContext) -> Result<FileResponse, Error> {
        let response = self.jobs.get_output_file(context)?;
        Ok(FileResponse::new(self.session().clone(), response))
    }

    fn limit(&self) -> u64 {
        self.max_file_size.unwrap_or(u64::MAX)
    }

    fn limit_in_memory(&self) -> u64 {
        self.max_file_size
            .unwrap_or(DEFAULT_MAX_FILE_SIZE_IN_MEMORY)
    }
}

fn memory_error(cause: io::Error) -> Error {
    Error::io("cannot hold the file in memory", None, cause)
}
