//! The client, and the file that it fetches.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::body::{self, BodyEncoding};
use crate::builder::{ClientBuilder, ServerName};
use crate::call::{Call, Running};
use crate::content_disposition;
use crate::error::About;
use crate::file_name;
use crate::save::save;
use crate::session::{Answer, Session};
use crate::sink::Buffer;
use crate::transport::Response;
use crate::wait;
use crate::{Error, JobId, QueuedJob, Wait};

/// Fetches output files from one server, for one user.
///
/// A client keeps its connections, and its token if it logs in, for the next
/// call. It may be used by any number of threads at once; a clone is the same
/// client.
#[derive(Clone)]
pub struct Client {
    session: Arc<Session>,
    /// What was given as the server, for people.
    name: Arc<str>,
    body_encoding: BodyEncoding,
    max_size: u64,
    call_timeout: Duration,
}

impl Client {
    pub(crate) fn new(
        session: Session,
        name: String,
        body_encoding: BodyEncoding,
        max_size: u64,
        call_timeout: Duration,
    ) -> Self {
        Self {
            session: Arc::new(session),
            name: name.into(),
            body_encoding,
            max_size,
            call_timeout,
        }
    }

    /// Begins a client for `server`: a server id (`tt`, which means
    /// `https://tt.api.sellercloud.com/rest`) or a base URL.
    pub fn builder(server: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(ServerName::Itself(server.into()))
    }

    /// Begins a client for the server of a team, which is looked up by the
    /// team's name with the first call.
    pub fn for_team(team: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(ServerName::OfTeam(team.into()))
    }

    /// Begins a call with options of its own: a cancel token, a time limit,
    /// progress.
    pub fn call(&self) -> Call<'_> {
        Call::new(self)
    }

    /// Fetches a job's output file into memory.
    ///
    /// `job` is a number, or text: an id or a `QueuedJobLink` (see [`JobId`]).
    /// Needs memory for the decoded file and a few hundred KiB.
    ///
    /// # Errors
    ///
    /// Any kind; the file is complete or there is an error, never a part.
    pub fn output_file<J>(&self, job: J) -> Result<OutputFile, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        self.call().output_file(job)
    }

    /// Asks how far a job is.
    ///
    /// # Errors
    ///
    /// Any kind but [`JobFailed`](crate::ErrorKind::JobFailed): however the job
    /// ended, it is told.
    pub fn job<J>(&self, job: J) -> Result<QueuedJob, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        self.call().job(job)
    }

    /// Waits until a job has ended with success, at least for some of its
    /// records: see the [status](QueuedJob::status) of what it gives.
    ///
    /// # Errors
    ///
    /// [`JobFailed`](crate::ErrorKind::JobFailed) if it ended otherwise, with
    /// the job's own message and the first error lines of its log;
    /// [`Timeout`](crate::ErrorKind::Timeout) if it did not end in time.
    pub fn wait<J>(&self, job: J, wait: Wait) -> Result<QueuedJob, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        self.call().wait(job, wait)
    }

    /// Waits for a job as [`wait`](Self::wait) does, and fetches its output file.
    ///
    /// # Errors
    ///
    /// Any kind.
    pub fn wait_for_output_file<J>(
        &self,
        job: J,
        wait: Wait,
    ) -> Result<(QueuedJob, OutputFile), Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        self.call().wait_for_output_file(job, wait)
    }

    pub(crate) fn call_timeout(&self) -> Duration {
        self.call_timeout
    }

    pub(crate) fn ask_job(&self, running: &mut Running) -> Result<QueuedJob, Error> {
        let session = &self.session;
        session.run(running, |running| session.queued_job(running))
    }

    pub(crate) fn await_job(&self, running: &mut Running, wait: Wait) -> Result<QueuedJob, Error> {
        wait::wait(&self.session, running, wait)
    }

    pub(crate) fn fetch(&self, running: &mut Running) -> Result<OutputFile, Error> {
        self.session
            .run(running, |running| self.fetch_once(running))
    }

    fn fetch_once(&self, running: &mut Running) -> Result<OutputFile, Error> {
        let mut answer = self.session.output_file(running)?;
        let content_type = header_text(&answer.response, &CONTENT_TYPE);
        let header_name = header_name(&answer.response);
        let options = body::Options {
            encoding: self.body_encoding,
            limit: self.max_size,
            is_json: content_type.as_deref().is_some_and(is_json),
            names_file: header_name.is_some(),
        };
        let mut buffer = Buffer::expecting(self.expected_size(&answer.response));
        let decoded = body::decode(&mut running.reader(answer.body()), &options, &mut buffer);
        let decoded = decoded.map_err(|error| self.no_file(error, &answer))?;

        let name = header_name.or_else(|| file_name::safe(decoded.file_name.as_deref()?));
        let name_is_made_up = name.is_none();
        let name = name.unwrap_or_else(|| {
            // Of JSON around a file, the type says nothing of the file.
            let of_file = decoded.is_raw || !options.is_json;
            let content_type = content_type.as_deref().filter(|_| of_file);
            file_name::made_up(running.job.get(), content_type)
        });
        Ok(OutputFile {
            job: running.job,
            name,
            name_is_made_up,
            bytes: buffer.into_bytes(),
            content_type,
        })
    }

    /// How many bytes the file will likely have, going by Content-Length.
    fn expected_size(&self, response: &Response) -> usize {
        let length = response.length.unwrap_or_default();
        let decoded = match self.body_encoding {
            BodyEncoding::Base64 => length / 4 * 3,
            BodyEncoding::Raw | BodyEncoding::Auto => length,
        };
        usize::try_from(decoded.min(self.max_size)).unwrap_or_default()
    }

    fn no_file(&self, error: body::Error, answer: &Answer) -> Error {
        let about = About::default();
        match error {
            body::Error::Malformed {
                offset,
                message,
                answer: body,
                ..
            } => body
                .and_then(|body| self.session.rate_limit(answer, &body))
                .unwrap_or_else(|| Error::MalformedBody {
                    about,
                    offset,
                    message: self.session.redacted(message, answer),
                }),
            body::Error::TooLarge => Error::TooLarge {
                about,
                limit: self.max_size,
            },
            body::Error::Source(error) => self.session.interrupted(error, answer),
            body::Error::Sink(source) => Error::Io {
                about,
                action: "cannot keep the file in memory".into(),
                path: None,
                source: source.into(),
            },
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("server", &self.name)
            .field("body_encoding", &self.body_encoding)
            .field("max_size", &self.max_size)
            .finish_non_exhaustive()
    }
}

/// A job's output file, in memory.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutputFile {
    /// The job whose output it is.
    pub job: JobId,
    /// A file name that is safe on Windows and Unix: never a path, never
    /// empty, at most 255 bytes.
    pub name: String,
    /// Whether the server gave no name that could be used, so that `name` is
    /// `output-{job}` with the extension of the content type, if that is known.
    pub name_is_made_up: bool,
    /// The file.
    pub bytes: Vec<u8>,
    /// The answer's Content-Type. Servers that send base64 may name the type
    /// of the text (JSON, say) and not that of the file.
    pub content_type: Option<String>,
}

impl OutputFile {
    /// Saves the file under its name in `folder`, which must exist; gives its
    /// path. The file appears whole or not at all.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io), with the path; also where a file of that
    /// name is there already, which is left alone.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<PathBuf, Error> {
        let about = About {
            job: Some(self.job.get()),
            attempts: 0,
        };
        save(folder.as_ref(), &self.name, &self.bytes).map_err(|error| error.of(about))
    }
}

impl fmt::Debug for OutputFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputFile")
            .field("job", &self.job)
            .field("name", &self.name)
            .field("name_is_made_up", &self.name_is_made_up)
            .field("bytes", &format_args!("[{} bytes]", self.bytes.len()))
            .field("content_type", &self.content_type)
            .finish()
    }
}

/// The safe name that Content-Disposition gives; the first of several.
fn header_name(response: &Response) -> Option<String> {
    let headers = response.headers.get_all(CONTENT_DISPOSITION).into_iter();
    headers
        .filter_map(|header| content_disposition::file_name(header.as_bytes()))
        .find_map(|name| file_name::safe(&name))
}

fn header_text(response: &Response, name: &http::HeaderName) -> Option<String> {
    let value = response.headers.get(name)?;
    let text = String::from_utf8_lossy(value.as_bytes());
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    matches!(essence.as_str(), "application/json" | "text/json") || essence.ends_with("+json")
}
