//! The client: the verbs that a caller has.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::builder::{ClientBuilder, ServerName};
use crate::call::{Call, Running};
use crate::memory::Spare;
use crate::session::Session;
use crate::wait;
use crate::{BodyEncoding, Error, JobId, OutputFile, QueuedJob, SavedFile, Wait, WrittenFile};

/// Fetches output files from one server, for one user.
///
/// A client keeps its connections, and its token if it logs in, for the next
/// call. It may be used by any number of threads at once; a clone is the same
/// client.
#[derive(Clone)]
pub struct Client {
    pub(crate) session: Arc<Session>,
    /// What was given as the server, for people.
    name: Arc<str>,
    pub(crate) body_encoding: BodyEncoding,
    pub(crate) max_size: Option<u64>,
    call_timeout: Duration,
    pub(crate) spare: Arc<Spare>,
}

impl Client {
    pub(crate) fn new(
        session: Session,
        name: String,
        body_encoding: BodyEncoding,
        max_size: Option<u64>,
        call_timeout: Duration,
    ) -> Self {
        Self {
            session: Arc::new(session),
            name: name.into(),
            body_encoding,
            max_size,
            call_timeout,
            spare: Arc::default(),
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
    /// Needs memory for the decoded file and about 1 MiB.
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

    /// Takes back a file that is done with, so that the next one need not be
    /// given new memory by the system, which is half of what it takes to fetch
    /// a large file over a fast network.
    ///
    /// At most 128 MiB are kept, for as long as the client lives, in a way that
    /// the system can have them meanwhile (they count as resident until it
    /// does). On systems other than Linux this is no more than a drop.
    pub fn recycle(&self, file: OutputFile) {
        self.spare.put(file.bytes);
    }

    /// Saves a job's output file under its name in `folder`, which must exist.
    /// It is decoded as it arrives, into a temporary file there that gets the
    /// name when it is complete: the file appears whole or not at all. Needs
    /// about 1 MiB of memory, whatever the file's size.
    ///
    /// Where a file of that name is there already, that is an error and the
    /// file is left alone; [`Call::saving`] can say otherwise.
    ///
    /// # Errors
    ///
    /// Any kind. [`Io`](crate::ErrorKind::Io), with the path, where the file
    /// cannot be written.
    pub fn save_output_file<J>(&self, job: J, folder: impl AsRef<Path>) -> Result<SavedFile, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        self.call().save_output_file(job, folder)
    }

    /// Writes a job's output file to `writer` as it arrives, decoded, and
    /// flushes it. Needs about 1 MiB of memory, whatever the file's size.
    ///
    /// On an error the writer may have been given a part: only success means
    /// that the file is complete. The call is tried again only while nothing
    /// was written.
    ///
    /// # Errors
    ///
    /// Any kind. [`Io`](crate::ErrorKind::Io) where the writer fails.
    pub fn write_output_file<J>(&self, job: J, writer: &mut dyn Write) -> Result<WrittenFile, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        self.call().write_output_file(job, writer)
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

    /// Waits for a job as [`wait`](Self::wait) does, and saves its output file as
    /// [`save_output_file`](Self::save_output_file) does. What can be checked of the
    /// directory and the name is checked before the wait.
    ///
    /// # Errors
    ///
    /// Any kind.
    pub fn wait_and_save_output_file<J>(
        &self,
        job: J,
        directory: impl AsRef<Path>,
        wait: Wait,
    ) -> Result<(QueuedJob, SavedFile), Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        self.call().wait_and_save_output_file(job, directory, wait)
    }

    /// Waits for a job as [`wait`](Self::wait) does, and writes its output file as
    /// [`write_output_file`](Self::write_output_file) does.
    ///
    /// # Errors
    ///
    /// Any kind.
    pub fn wait_and_write_output_file<J>(
        &self,
        job: J,
        writer: &mut dyn Write,
        wait: Wait,
    ) -> Result<(QueuedJob, WrittenFile), Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        self.call().wait_and_write_output_file(job, writer, wait)
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
