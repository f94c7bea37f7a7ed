//! One output file on its way: from the server's answer to where the caller
//! wants it.

use std::io::{self, Write};

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::body::{self, BodyEncoding};
use crate::call::Running;
use crate::content_disposition;
use crate::error::About;
use crate::file_name;
use crate::save::Directory;
use crate::server_message;
use crate::session::Answer;
use crate::sink::{Buffer, Sink, Through};
use crate::text::MAX_MESSAGE;
use crate::transport::Response;
use crate::{Client, Error, OutputFile, SavedFile, WrittenFile};

/// The largest file to take into memory, in bytes, unless it is said.
const LARGEST_IN_MEMORY: u64 = 2 * 1024 * 1024 * 1024;

/// The maximum length of a content type that callers get, in characters.
const MAX_CONTENT_TYPE: usize = 200;

/// An answer with a file in it.
struct Arriving {
    answer: Answer,
    content_type: Option<String>,
    /// The name that the headers give, made safe.
    name: Option<String>,
}

/// What is known of a file that arrived, besides its bytes.
struct Arrived {
    name: String,
    name_is_made_up: bool,
    content_type: Option<String>,
}

impl Arrived {
    /// Returns an error for a response without a name and without a byte: that is how some
    /// servers say that there is no file, or none yet.
    fn check(&self, len: u64) -> Result<(), Error> {
        if len > 0 || !self.name_is_made_up {
            return Ok(());
        }
        Err(Error::NoFile {
            about: About::default(),
            message: "the server sent an empty response without a file name".into(),
        })
    }
}

impl Client {
    pub(crate) fn fetch(&self, running: &mut Running) -> Result<OutputFile, Error> {
        let limit = self.max_size.unwrap_or(LARGEST_IN_MEMORY);
        self.session.run(running, |running| {
            let arriving = self.ask(running)?;
            let expected = self.expected_size(&arriving.answer.response, limit);
            let mut buffer = Buffer::expecting(expected, self.spare.take(expected));
            let arrived = self.receive(arriving, running, limit, &mut buffer, |source| {
                Error::io("cannot keep the file in memory", None, source)
            })?;
            let bytes = buffer.into_bytes();
            arrived.check(bytes.len() as u64)?;
            Ok(OutputFile {
                job: running.job,
                name: arrived.name,
                name_is_made_up: arrived.name_is_made_up,
                bytes,
                content_type: arrived.content_type,
            })
        })
    }

    pub(crate) fn write(
        &self,
        running: &mut Running,
        writer: &mut dyn Write,
    ) -> Result<WrittenFile, Error> {
        let limit = self.max_size.unwrap_or(u64::MAX);
        let refused = |source| Error::io("cannot write what arrives", None, source);
        let mut sink = Through::new(writer);
        self.session.run(running, |running| {
            let arriving = self.ask(running)?;
            let arrived = self.receive(arriving, running, limit, &mut sink, refused);
            // A writer cannot take back what it was given.
            running.is_last_attempt = sink.written() > 0;
            let arrived = arrived?;
            arrived.check(sink.written())?;
            sink.flush().map_err(refused)?;
            Ok(WrittenFile {
                job: running.job,
                name: arrived.name,
                name_is_made_up: arrived.name_is_made_up,
                len: sink.written(),
                content_type: arrived.content_type,
            })
        })
    }

    pub(crate) fn save(
        &self,
        running: &mut Running,
        directory: &Directory,
    ) -> Result<SavedFile, Error> {
        let limit = self.max_size.unwrap_or(u64::MAX);
        self.session.run(running, |running| {
            let arriving = self.ask(running)?;
            let mut file = directory.begin(arriving.name.as_deref())?;
            let refused = file.failure();
            let mut sink = Through::new(file.file());
            let arrived = self.receive(arriving, running, limit, &mut sink, refused)?;
            let len = sink.written();
            arrived.check(len)?;
            Ok(SavedFile {
                job: running.job,
                path: file.publish(&arrived.name)?,
                name: arrived.name,
                name_is_made_up: arrived.name_is_made_up,
                len,
                content_type: arrived.content_type,
            })
        })
    }

    fn ask(&self, running: &Running) -> Result<Arriving, Error> {
        let answer = self.session.output_file(running)?;
        Ok(Arriving {
            content_type: header_text(&answer.response, &CONTENT_TYPE),
            name: header_name(&answer.response),
            answer,
        })
    }

    /// Decodes a file of at most `limit` bytes into `sink`.
    fn receive(
        &self,
        arriving: Arriving,
        running: &mut Running,
        limit: u64,
        sink: &mut dyn Sink,
        refused: impl Fn(io::Error) -> Error,
    ) -> Result<Arrived, Error> {
        let Arriving {
            mut answer,
            content_type,
            name,
        } = arriving;
        let options = body::Options {
            encoding: self.body_encoding,
            limit,
            content_type: content_type.as_deref(),
            names_file: name.is_some(),
        };
        let decoded = body::decode(&mut running.reader(answer.body()), &options, sink);
        let decoded = decoded.map_err(|error| match error {
            body::Error::Sink(source) => refused(source),
            body::Error::TooLarge => Error::TooLarge {
                about: About::default(),
                limit,
            },
            body::Error::Source(error) => self.session.interrupted(error, &answer),
            body::Error::Malformed {
                offset,
                mut message,
                is_empty,
                answer: body,
                ..
            } => {
                if let Some(error) = body
                    .as_deref()
                    .and_then(|body| self.session.rate_limit(&answer, body))
                {
                    return error;
                }
                let redactor = self.session.redactor(&answer);
                if let Some(words) = body.as_deref().and_then(server_message::extract_message) {
                    let words = redactor.one_line(&words, MAX_MESSAGE);
                    message = format!("{message}: {words}");
                }
                if let Some(content_type) = &content_type {
                    let content_type = redactor.one_line(content_type, 100);
                    message = format!("{message}; its content type is {content_type}");
                }
                let about = About::default();
                match is_empty || body.is_some() {
                    true => Error::NoFile { about, message },
                    false => Error::MalformedBody {
                        about,
                        offset,
                        message,
                    },
                }
            }
        })?;

        let name = name.or_else(|| file_name::safe(decoded.file_name.as_deref()?));
        Ok(Arrived {
            name_is_made_up: name.is_none(),
            name: name.unwrap_or_else(|| {
                // Of JSON around a file, the type says nothing of the file.
                let is_json = content_type.as_deref().is_some_and(body::is_json);
                let of_file = decoded.is_raw || !is_json;
                let content_type = content_type.as_deref().filter(|_| of_file);
                file_name::made_up(running.job.get(), content_type)
            }),
            // Redacted at the end: the decoder sees the header as it came.
            content_type: content_type.map(|text| {
                self.session
                    .redactor(&answer)
                    .one_line(&text, MAX_CONTENT_TYPE)
            }),
        })
    }

    /// How many bytes the file will likely have, going by Content-Length.
    fn expected_size(&self, response: &Response, limit: u64) -> usize {
        let length = response.length.unwrap_or_default();
        let decoded = match self.body_encoding {
            BodyEncoding::Base64 => length / 4 * 3,
            BodyEncoding::Raw | BodyEncoding::Auto => length,
        };
        usize::try_from(decoded.min(limit)).unwrap_or_default()
    }
}

/// The safe name that Content-Disposition gives; the first of several.
fn header_name(response: &Response) -> Option<String> {
    let mut headers = response.headers.get_all(CONTENT_DISPOSITION).into_iter();
    headers.find_map(|header| content_disposition::file_name(header.as_bytes()))
}

fn header_text(response: &Response, name: &http::HeaderName) -> Option<String> {
    let value = response.headers.get(name)?;
    let text = String::from_utf8_lossy(value.as_bytes());
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
