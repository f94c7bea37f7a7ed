//! Downloads: from the server's response to memory, a writer or a directory.

mod files;

use std::io::{self, Write};

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::body::{self, BodyEncoding, DecodeError, Sink};
use crate::error::Error;
use crate::file_name;
use crate::jobs::Jobs;
use crate::output::{Buffer, Directory, WriterSink};
use crate::session::{CallContext, Session, SessionResponse};
use crate::text::{MAX_MESSAGE, server_message};
use crate::transport::Response;

pub use files::{OutputFile, SavedFile, WrittenFile};

/// The default maximum size of a file in memory, in bytes.
const DEFAULT_MAX_FILE_SIZE_IN_MEMORY: u64 = 2 * 1024 * 1024 * 1024;

/// The maximum length of a content type that callers receive, in characters.
const MAX_CONTENT_TYPE: usize = 200;

/// Downloads output files with one client's options.
pub(crate) struct Downloads {
    pub(crate) jobs: Jobs,
    pub(crate) body_encoding: BodyEncoding,
    pub(crate) max_file_size: Option<u64>,
}

/// A response that contains a file, before its body is read.
struct FileResponse {
    response: SessionResponse,
    content_type: Option<String>,
    /// The file name from the headers, made safe.
    name: Option<String>,
}

/// The properties of a downloaded file besides its bytes.
struct Downloaded {
    name: String,
    is_fallback_name: bool,
    content_type: Option<String>,
}

impl Downloaded {
    /// Returns an error if the response had no file name and no content: some servers send that if
    /// there is no file, or none yet.
    fn check(&self, size: u64) -> Result<(), Error> {
        if size > 0 || !self.is_fallback_name {
            return Ok(());
        }
        let message = "the server sent an empty response without a file name";
        Err(Error::no_file(message))
    }
}

impl Downloads {
    fn session(&self) -> &Session {
        &self.jobs.session
    }

    /// Downloads the call's file into memory.
    pub(crate) fn get(&self, context: &mut CallContext) -> Result<OutputFile, Error> {
        let limit = self
            .max_file_size
            .unwrap_or(DEFAULT_MAX_FILE_SIZE_IN_MEMORY);
        self.session().run(context, |context| {
            let response = self.request(context)?;
            let expected = self.expected_size(&response.response.response, limit);
            let mut buffer = Buffer::expecting(expected);
            let sink_error = |cause| Error::io("cannot hold the file in memory", None, cause);
            let file = self.receive(response, context, limit, &mut buffer, sink_error)?;
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

    /// Downloads the call's file to a writer.
    pub(crate) fn write(
        &self,
        context: &mut CallContext,
        writer: &mut dyn Write,
    ) -> Result<WrittenFile, Error> {
        let limit = self.max_file_size.unwrap_or(u64::MAX);
        let sink_error = |cause| Error::io("cannot write the file to its destination", None, cause);
        let mut sink = WriterSink::new(writer);
        self.session().run(context, |context| {
            let response = self.request(context)?;
            let file = self.receive(response, context, limit, &mut sink, sink_error);
            // Bytes that were written cannot be taken back.
            context.is_last_attempt = sink.written() > 0;
            let file = file?;
            file.check(sink.written())?;
            sink.flush().map_err(sink_error)?;
            Ok(WrittenFile {
                job_id: context.job,
                name: file.name,
                is_fallback_name: file.is_fallback_name,
                size: sink.written(),
                content_type: file.content_type,
            })
        })
    }

    /// Downloads the call's file into a directory.
    pub(crate) fn save(
        &self,
        context: &mut CallContext,
        directory: &Directory,
    ) -> Result<SavedFile, Error> {
        let limit = self.max_file_size.unwrap_or(u64::MAX);
        self.session().run(context, |context| {
            let response = self.request(context)?;
            let mut target = directory.begin(response.name.as_deref())?;
            let sink_error = target.failure();
            let mut sink = WriterSink::new(target.file());
            let file = self.receive(response, context, limit, &mut sink, sink_error)?;
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

    fn request(&self, context: &CallContext) -> Result<FileResponse, Error> {
        let response = self.jobs.get_output_file(context)?;
        Ok(FileResponse {
            content_type: content_type(&response.response),
            name: header_name(&response.response),
            response,
        })
    }

    /// Decodes a file of at most `limit` bytes into `sink`. `sink_error` returns the error for a
    /// failure of the sink.
    fn receive(
        &self,
        response: FileResponse,
        context: &mut CallContext,
        limit: u64,
        sink: &mut dyn Sink,
        sink_error: impl Fn(io::Error) -> Error,
    ) -> Result<Downloaded, Error> {
        let FileResponse {
            mut response,
            content_type,
            name,
        } = response;
        let options = body::Options {
            encoding: self.body_encoding,
            limit,
            content_type: content_type.as_deref(),
            names_file: name.is_some(),
        };
        let decoded = body::decode(&mut context.reader(response.body()), &options, sink);
        let decoded = decoded.map_err(|error| match error {
            DecodeError::Sink(cause) => sink_error(cause),
            DecodeError::TooLarge => Error::too_large(limit),
            DecodeError::Source(error) => self.session().interrupted(error, &response),
            DecodeError::Malformed {
                offset,
                message,
                is_empty,
                error_body,
                ..
            } => {
                let is_no_file = is_empty || error_body.is_some();
                let error = self.malformed(&response, content_type.as_deref(), message, error_body);
                error.unwrap_or_else(|message| match is_no_file {
                    true => Error::no_file(message),
                    false => Error::malformed_body(message, offset),
                })
            }
        })?;

        let name = name.or_else(|| file_name::sanitize(decoded.file_name.as_deref()?));
        Ok(Downloaded {
            is_fallback_name: name.is_none(),
            name: name.unwrap_or_else(|| {
                // The content type of JSON that contains the file is not the file's.
                let is_json = content_type.as_deref().is_some_and(body::is_json);
                let is_of_file = decoded.is_raw || !is_json;
                let content_type = content_type.as_deref().filter(|_| is_of_file);
                file_name::fallback(context.job.get(), content_type)
            }),
            // Redacted last: the decoder needs the header as it arrived.
            content_type: content_type.map(|text| {
                let redactor = self.session().redactor(&response);
                redactor.one_line(&text, MAX_CONTENT_TYPE)
            }),
        })
    }

    /// Returns the error that a body reports instead of a file, else the message about the body.
    fn malformed(
        &self,
        response: &SessionResponse,
        content_type: Option<&str>,
        mut message: String,
        body: Option<Vec<u8>>,
    ) -> Result<Error, String> {
        let body = body.as_deref();
        if let Some(error) = body.and_then(|body| self.session().rate_limit(response, body)) {
            return Ok(error);
        }
        let redactor = self.session().redactor(response);
        if let Some(text) = body.and_then(server_message::extract_message) {
            let text = redactor.one_line(&text, MAX_MESSAGE);
            message = format!("{message}: {text}");
        }
        if let Some(content_type) = content_type {
            let content_type = redactor.one_line(content_type, 100);
            message = format!("{message}; its content type is {content_type}");
        }
        Err(message)
    }

    /// Returns the likely size of the file, in bytes, from the Content-Length.
    fn expected_size(&self, response: &Response, limit: u64) -> usize {
        let length = response.length.unwrap_or_default();
        let decoded = match self.body_encoding {
            BodyEncoding::Base64 => length / 4 * 3,
            BodyEncoding::Raw | BodyEncoding::Auto => length,
        };
        usize::try_from(decoded.min(limit)).unwrap_or_default()
    }
}

/// Returns the file name from the first Content-Disposition header that has one, made safe.
fn header_name(response: &Response) -> Option<String> {
    let mut headers = response.headers.get_all(CONTENT_DISPOSITION).into_iter();
    headers.find_map(|header| file_name::from_header(header.as_bytes()))
}

/// Returns the response's Content-Type, as it arrived.
fn content_type(response: &Response) -> Option<String> {
    let value = response.headers.get(CONTENT_TYPE)?;
    let text = String::from_utf8_lossy(value.as_bytes());
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
