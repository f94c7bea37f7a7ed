//! The transfer of one file: from the headers of its response to the end of its body.

use std::io;
use std::sync::Arc;

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use super::{WrittenFile, memory_error};
use crate::body::{self, BodyEncoding, DecodeError, Decoder, Sink};
use crate::error::Error;
use crate::file_name;
use crate::model::JobId;
use crate::session::{CallContext, Session, SessionResponse};
use crate::text::{MAX_MESSAGE, server_message};
use crate::transport::Response;

/// The maximum length of a content type that callers receive, in characters.
const MAX_CONTENT_TYPE: usize = 200;

/// A response that may contain a file, before its body is read.
pub(super) struct FileResponse {
    session: Arc<Session>,
    response: SessionResponse,
    content_type: Option<String>,
    /// The file name from the headers, made safe.
    pub(super) name: Option<String>,
}

/// A file whose body is being decoded.
pub(super) struct Transfer {
    response: FileResponse,
    decoder: Decoder,
    /// The maximum size of the file, in bytes.
    limit: u64,
    has_reported_progress: bool,
}

/// The properties of a file besides its bytes.
pub(super) struct FileProperties {
    pub(super) name: String,
    pub(super) is_fallback_name: bool,
    pub(super) content_type: Option<String>,
}

impl FileProperties {
    /// Returns an error if the response had no file name and no content: some servers send that if
    /// there is no file, or none yet.
    pub(super) fn check(&self, size: u64) -> Result<(), Error> {
        if size > 0 || !self.is_fallback_name {
            return Ok(());
        }
        let message = "the server sent an empty response without a file name";
        Err(Error::no_file(message))
    }

    /// Returns the result of a download that the caller received.
    pub(super) fn into_written(self, job_id: JobId, size: u64) -> Result<WrittenFile, Error> {
        self.check(size)?;
        Ok(WrittenFile {
            job_id,
            name: self.name,
            is_fallback_name: self.is_fallback_name,
            size,
            content_type: self.content_type,
        })
    }
}

impl FileResponse {
    pub(super) fn new(session: Arc<Session>, response: SessionResponse) -> Self {
        Self {
            content_type: content_type(&response.response),
            name: header_name(&response.response),
            session,
            response,
        }
    }

    /// Returns the error for a body that was not decoded. `sink_error` returns that for a failure
    /// of the sink.
    fn error(
        &self,
        error: DecodeError,
        limit: u64,
        sink_error: impl Fn(io::Error) -> Error,
    ) -> Error {
        match error {
            DecodeError::Sink(cause) => sink_error(cause),
            DecodeError::TooLarge => Error::too_large(limit),
            DecodeError::Source(error) => self.session.interrupted(error, &self.response),
            DecodeError::Malformed {
                offset,
                message,
                is_empty,
                error_body,
                ..
            } => {
                let is_no_file = is_empty || error_body.is_some();
                let error = self.malformed(message, error_body);
                error.unwrap_or_else(|message| match is_no_file {
                    true => Error::no_file(message),
                    false => Error::malformed_body(message, offset),
                })
            }
        }
    }

    /// Returns the error that a body reports instead of a file, else the message about the body.
    fn malformed(&self, mut message: String, body: Option<Vec<u8>>) -> Result<Error, String> {
        let body = body.as_deref();
        if let Some(error) = body.and_then(|body| self.session.rate_limit(&self.response, body)) {
            return Ok(error);
        }
        let redactor = self.session.redactor(&self.response);
        if let Some(text) = body.and_then(server_message::extract_message) {
            let text = redactor.one_line(&text, MAX_MESSAGE);
            message = format!("{message}: {text}");
        }
        if let Some(content_type) = &self.content_type {
            let content_type = redactor.one_line(content_type, 100);
            message = format!("{message}; its content type is {content_type}");
        }
        Err(message)
    }
}

impl Transfer {
    /// Reads as much of the body as shows that it contains a file. `limit` is the maximum size of the
    /// file, in bytes.
    pub(super) fn begin(
        mut response: FileResponse,
        context: &mut CallContext,
        encoding: BodyEncoding,
        limit: u64,
    ) -> Result<Self, Error> {
        let options = body::Options {
            encoding,
            limit,
            content_type: response.content_type.as_deref(),
            names_file: response.name.is_some(),
        };
        let mut has_reported_progress = false;
        let body = response.response.body();
        let mut reader = context.reader(body, &mut has_reported_progress);
        let decoder = Decoder::begin(&mut reader, &options);
        drop(reader);
        match decoder {
            Ok(decoder) => Ok(Self {
                response,
                decoder,
                limit,
                has_reported_progress,
            }),
            Err(error) => Err(response.error(error, limit, memory_error)),
        }
    }

    /// Decodes a part of the file into `sink`. Returns `false` at the end. After that or an error it
    /// must not be called any more. `sink_error` returns the error for a failure of the sink.
    pub(super) fn decode_part(
        &mut self,
        context: &mut CallContext,
        sink: &mut dyn Sink,
        sink_error: impl Fn(io::Error) -> Error,
    ) -> Result<bool, Error> {
        let body = self.response.response.body();
        let mut reader = context.reader(body, &mut self.has_reported_progress);
        let decoded = self.decoder.decode_part(&mut reader, sink);
        drop(reader);
        decoded.map_err(|error| self.response.error(error, self.limit, sink_error))
    }

    /// Decodes the rest of the file into `sink`.
    pub(super) fn finish(
        mut self,
        context: &mut CallContext,
        sink: &mut dyn Sink,
        sink_error: impl Fn(io::Error) -> Error,
    ) -> Result<FileProperties, Error> {
        while self.decode_part(context, sink, &sink_error)? {}
        Ok(self.properties(context.job))
    }

    /// Returns whether only the rest of the body, which is short, shows that it contains a file.
    pub(super) fn is_doubtful(&self) -> bool {
        self.decoder.is_doubtful()
    }

    /// Returns the size of the file, in bytes, if the headers tell it.
    pub(super) fn size(&self) -> Option<u64> {
        let length = self.response.response.response.length;
        length.filter(|_| self.decoder.is_raw())
    }

    /// Returns the likely size of the file, in bytes; 0 if it is unknown.
    pub(super) fn expected_size(&self) -> usize {
        let length = self.response.response.response.length.unwrap_or_default();
        let decoded = match self.decoder.is_raw() {
            true => length,
            false => length / 4 * 3,
        };
        usize::try_from(decoded.min(self.limit)).unwrap_or_default()
    }

    /// Returns the properties of the file. The name is that of the headers or of a `FileResponse`, as
    /// far as that was read.
    pub(super) fn properties(&self, job: JobId) -> FileProperties {
        let response = &self.response;
        let content_type = response.content_type.as_deref();
        let header_name = response.name.clone();
        let name = header_name.or_else(|| file_name::sanitize(self.decoder.file_name()?));
        FileProperties {
            is_fallback_name: name.is_none(),
            name: name.unwrap_or_else(|| {
                // The content type of JSON that contains the file is not the file's.
                let is_json = content_type.is_some_and(body::is_json);
                let is_of_file = self.decoder.is_raw() || !is_json;
                file_name::fallback(job.get(), content_type.filter(|_| is_of_file))
            }),
            // Redacted last: the decoder needs the header as it arrived.
            content_type: content_type.map(|text| {
                let redactor = response.session.redactor(&response.response);
                redactor.one_line(text, MAX_CONTENT_TYPE)
            }),
        }
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
