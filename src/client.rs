//! The client, and the file that it fetches.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use zeroize::Zeroizing;

use crate::body::{self, BodyEncoding};
use crate::content_disposition;
use crate::file_name;
use crate::save::save;
use crate::server::Server;
use crate::session::Session;
use crate::sink::Buffer;
use crate::transport::Response;
use crate::{Error, JobId};

/// Fetches output files from one server, for one user.
///
/// A client keeps its connections for the next call. It may be used by any
/// number of threads at once; a clone is the same client.
#[derive(Clone)]
pub struct Client {
    session: Arc<Session>,
    body_encoding: BodyEncoding,
    max_size: u64,
}

impl Client {
    /// Begins a client for `server`: a server id (`tt`, which means
    /// `https://tt.api.sellercloud.com/rest`) or a base URL.
    pub fn builder(server: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            server: server.into(),
            token: None,
            body_encoding: BodyEncoding::default(),
            max_size: DEFAULT_MAX_SIZE,
            allow_plain_http: false,
        }
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
        let job = job.try_into()?;
        let mut response = self.session.output_file(job)?;
        let content_type = header_text(&response, &CONTENT_TYPE);
        let header_name = header_name(&response);
        let options = body::Options {
            encoding: self.body_encoding,
            limit: self.max_size,
            is_json: content_type.as_deref().is_some_and(is_json),
            names_file: header_name.is_some(),
        };
        let mut buffer = Buffer::expecting(self.expected_size(&response));
        let decoded = body::decode(&mut response.body, &options, &mut buffer)
            .map_err(|error| self.no_file(error, job))?;

        let name = header_name.or_else(|| file_name::safe(decoded.file_name.as_deref()?));
        let name_is_made_up = name.is_none();
        let name = name.unwrap_or_else(|| {
            // Of JSON around a file, the type says nothing of the file.
            let of_file = decoded.is_raw || !options.is_json;
            let content_type = content_type.as_deref().filter(|_| of_file);
            file_name::made_up(job.get(), content_type)
        });
        Ok(OutputFile {
            job,
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

    fn no_file(&self, error: body::Error, job: JobId) -> Error {
        match error {
            body::Error::Malformed {
                offset, message, ..
            } => Error::MalformedBody {
                job: Some(job.get()),
                offset,
                message: self.session.redacted(message),
            },
            body::Error::TooLarge => Error::TooLarge {
                job: Some(job.get()),
                limit: self.max_size,
            },
            body::Error::Source(error) => self.session.interrupted(error, job),
            body::Error::Sink(source) => Error::Io {
                job: Some(job.get()),
                action: "cannot keep the file in memory".into(),
                path: None,
                source,
            },
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("server", self.session.server())
            .field("body_encoding", &self.body_encoding)
            .field("max_size", &self.max_size)
            .finish_non_exhaustive()
    }
}

const DEFAULT_MAX_SIZE: u64 = 2 * 1024 * 1024 * 1024;

/// The options of a [`Client`].
#[derive(Clone)]
#[must_use = "a builder does nothing until build() is called"]
pub struct ClientBuilder {
    server: String,
    token: Option<Zeroizing<String>>,
    body_encoding: BodyEncoding,
    max_size: u64,
    allow_plain_http: bool,
}

impl ClientBuilder {
    /// The server, in place of the one given before.
    pub(crate) fn server(mut self, server: &str) -> Self {
        self.server = server.to_owned();
        self
    }

    /// The bearer token, as `POST /api/token` gives it. Blanks around it are
    /// ignored; it is wiped from memory with the client.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        let token = Zeroizing::new(token.into());
        self.token = Some(Zeroizing::new(token.trim().to_owned()));
        self
    }

    /// How the server writes files into its answers; [`BodyEncoding::Base64`]
    /// unless set.
    pub fn body_encoding(mut self, encoding: BodyEncoding) -> Self {
        self.body_encoding = encoding;
        self
    }

    /// The largest file to accept, in bytes after decoding; 2 GiB unless set.
    pub fn max_size(mut self, bytes: u64) -> Self {
        self.max_size = bytes;
        self
    }

    /// Allows `http://` to hosts other than this machine. The token and the
    /// files then travel in the clear.
    pub fn allow_plain_http(mut self, allow: bool) -> Self {
        self.allow_plain_http = allow;
        self
    }

    /// Makes the client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if the server or
    /// the token cannot be used.
    pub fn build(self) -> Result<Client, Error> {
        let server = Server::new(&self.server, self.allow_plain_http)?;
        let token = self
            .token
            .ok_or_else(|| Error::InvalidArgument("no token was given".into()))?;
        Ok(Client {
            session: Arc::new(Session::new(server, token)?),
            body_encoding: self.body_encoding,
            max_size: self.max_size,
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The server may be a URL with a password in it, which build() refuses.
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
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
        save(folder.as_ref(), &self.name, &self.bytes, self.job.get())
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
