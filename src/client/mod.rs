//! The client and its operations.

mod builder;
mod call;
mod job_wait;
#[cfg(any(test, feature = "_fuzz"))]
pub(crate) mod properties;

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::download::{Downloads, OutputFile, OutputFileDownload, SavedFile, WrittenFile};
use crate::error::Error;
use crate::jobs::WaitOptions;
use crate::model::{JobId, QueuedJob};
use crate::output::FileMemory;

pub use builder::ClientBuilder;
pub(crate) use builder::ServerName;
pub use call::Call;
pub use job_wait::JobWait;

/// A client for one Sellercloud server and one user.
///
/// A client reuses its connections, and its token if it logs in. Any number of threads may use it
/// at the same time. A clone is the same client.
///
/// Every operation blocks until it has succeeded, failed or timed out. [`call`](Self::call)
/// sets options for one operation.
///
/// # Examples
///
/// ```no_run
/// use sellercloud_output::Client;
///
/// let client = Client::builder("tt").token("the-bearer-token").build()?;
/// let saved = client.save_output_file(28142, "exports")?;
/// println!("{}: {} bytes", saved.path.display(), saved.size);
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
#[derive(Clone)]
pub struct Client {
    downloads: Arc<Downloads>,
    /// The server or the team, for messages.
    server: Arc<str>,
    call_timeout: Duration,
}

impl Client {
    /// Returns a builder of a client for `server`: a server id (`tt`, which means
    /// `https://tt.api.sellercloud.com/rest`) or a base URL.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::Client;
    ///
    /// let client = Client::builder("tt").token("the-bearer-token").build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn builder(server: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(ServerName::Server(server.into()))
    }

    /// Returns a builder of a client for the server of a team. The first call looks the server
    /// up by the team's name.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::Client;
    ///
    /// let client = Client::for_team("acme").token("the-bearer-token").build()?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn for_team(team: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(ServerName::Team(team.into()))
    }

    /// Returns a call with options of its own: a cancel token, a timeout, progress, and how to
    /// save.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let call = client.call().timeout(Duration::from_secs(600));
    /// call.save_output_file(28142, "exports")?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn call<'a>(&self) -> Call<'a> {
        Call::new(self)
    }

    /// Downloads a job's output file into memory.
    ///
    /// `job` is a number, or text: an id or a `QueuedJobLink` (see [`JobId`]). The call needs
    /// memory for the decoded file and about 1 MiB.
    ///
    /// # Errors
    ///
    /// Any kind except [`JobFailed`](crate::ErrorKind::JobFailed). A part of a file is never
    /// returned.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// let file = client.get_output_file("/queued-jobs/queued-job-details.aspx?id=28142")?;
    /// println!("{}: {} bytes", file.name, file.bytes.len());
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn get_output_file<J>(&self, job: J) -> Result<OutputFile, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        self.call().get_output_file(job)
    }

    /// Saves a job's output file under its name in `directory`, which must exist.
    ///
    /// The file is decoded as it arrives, into a temporary file in the directory, which is renamed
    /// when it is complete: the file appears completely or not at all.
    /// The call needs about 1 MiB of memory for a file of any size.
    ///
    /// An existing file of the same name is an error and is not changed, unless
    /// [`Call::save_options`] say otherwise.
    ///
    /// # Errors
    ///
    /// Any kind except [`JobFailed`](crate::ErrorKind::JobFailed). [`Io`](crate::ErrorKind::Io),
    /// with the path, if the file cannot be saved.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// let saved = client.save_output_file(28142, "exports")?;
    /// println!("{}", saved.path.display());
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn save_output_file<J>(
        &self,
        job: J,
        directory: impl AsRef<Path>,
    ) -> Result<SavedFile, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        self.call().save_output_file(job, directory)
    }

    /// Writes a job's output file to `writer`, decoded, as it arrives, and flushes the writer.
    /// The call needs about 1 MiB of memory for a file of any size.
    ///
    /// After an error the writer may have received a part of the file. The call is retried only if
    /// nothing was written.
    ///
    /// # Errors
    ///
    /// Any kind except [`JobFailed`](crate::ErrorKind::JobFailed). [`Io`](crate::ErrorKind::Io) if
    /// the writer fails.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// let written = client.write_output_file(28142, &mut std::io::stdout())?;
    /// eprintln!("{}: {} bytes", written.name, written.size);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn write_output_file<J>(&self, job: J, writer: &mut dyn Write) -> Result<WrittenFile, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        self.call().write_output_file(job, writer)
    }

    /// Downloads a job's output file into memory that the caller provides, without a copy.
    ///
    /// The file is at the beginning of the memory, and has [`WrittenFile::size`] bytes. After an
    /// error the memory may contain a part of the file.
    ///
    /// # Errors
    ///
    /// Any kind except [`JobFailed`](crate::ErrorKind::JobFailed). [`Io`](crate::ErrorKind::Io) if
    /// there is not enough memory.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// let mut bytes = Vec::new(); // can be used again for the next file
    /// let file = client.get_output_file_into(28142, &mut bytes)?;
    /// bytes.truncate(file.size as usize);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn get_output_file_into<J>(
        &self,
        job: J,
        memory: &mut dyn FileMemory,
    ) -> Result<WrittenFile, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        self.call().get_output_file_into(job, memory)
    }

    /// Opens a download of a job's output file: its name is known before its bytes are downloaded,
    /// and they are downloaded as the caller reads them.
    ///
    /// The operation returns when the beginning of the body shows that it is a file. Until then it
    /// retries as any other; a read is not retried.
    ///
    /// # Errors
    ///
    /// Any kind except [`JobFailed`](crate::ErrorKind::JobFailed). The rest of a body that is cut
    /// short or malformed is an error of a read.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::io::{BufRead, BufReader};
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let download = client.open_output_file(28142)?;
    /// println!("{}", download.name());
    /// for line in BufReader::new(download).lines() {
    ///     println!("{}", line?);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_output_file<J>(&self, job: J) -> Result<OutputFileDownload, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        self.call().open_output_file(job)
    }

    /// Requests the status and the other properties of a job.
    ///
    /// # Errors
    ///
    /// Any kind except [`JobFailed`](crate::ErrorKind::JobFailed): a job that failed is not an
    /// error here.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// println!("{}", client.get_job(28142)?.status);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn get_job<J>(&self, job: J) -> Result<QueuedJob, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        self.call().get_job(job)
    }

    /// Waits until a job has completed successfully, at least for some of its records (see the
    /// [status](QueuedJob::status) of the returned job).
    ///
    /// # Errors
    ///
    /// Any kind. [`JobFailed`](crate::ErrorKind::JobFailed) if the job ended otherwise, with
    /// the job's own message and the first error lines of its log;
    /// [`Timeout`](crate::ErrorKind::Timeout) if it did not end in time.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let job = client.wait_for_job(28142, WaitOptions::default())?;
    /// println!("{}", job.status);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn wait_for_job<J>(&self, job: J, options: WaitOptions) -> Result<QueuedJob, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        self.call().wait_for_job(job, options)
    }

    /// Waits for a job as [`wait_for_job`](Self::wait_for_job) does, and downloads its output
    /// file as [`get_output_file`](Self::get_output_file) does.
    ///
    /// # Errors
    ///
    /// Any kind.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let (job, file) = client.wait_for_output_file(28142, WaitOptions::default())?;
    /// println!("{}: {}", job.status, file.name);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn wait_for_output_file<J>(
        &self,
        job: J,
        options: WaitOptions,
    ) -> Result<(QueuedJob, OutputFile), Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        self.call().wait_for_output_file(job, options)
    }

    /// Waits for a job as [`wait_for_job`](Self::wait_for_job) does, and downloads its output file
    /// as [`get_output_file_into`](Self::get_output_file_into) does.
    ///
    /// # Errors
    ///
    /// Any kind.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let mut bytes = Vec::new();
    /// let options = WaitOptions::default();
    /// let (job, file) = client.wait_for_output_file_into(28142, &mut bytes, options)?;
    /// println!("{}: {} bytes", job.status, file.size);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn wait_for_output_file_into<J>(
        &self,
        job: J,
        memory: &mut dyn FileMemory,
        options: WaitOptions,
    ) -> Result<(QueuedJob, WrittenFile), Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let call = self.call();
        call.wait_for_output_file_into(job, memory, options)
    }

    /// Waits for a job as [`wait_for_job`](Self::wait_for_job) does, and opens a download of its
    /// output file as [`open_output_file`](Self::open_output_file) does.
    ///
    /// # Errors
    ///
    /// Any kind.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let options = WaitOptions::default();
    /// let (job, download) = client.wait_and_open_output_file(28142, options)?;
    /// println!("{}: {}", job.status, download.name());
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn wait_and_open_output_file<J>(
        &self,
        job: J,
        options: WaitOptions,
    ) -> Result<(QueuedJob, OutputFileDownload), Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        self.call().wait_and_open_output_file(job, options)
    }

    /// Starts a wait for a job that the caller steps: [`wait_for_job`](Self::wait_for_job) for
    /// programs that cannot block. Sends nothing.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument). Everything else is an error of a
    /// [step](JobWait::step).
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let wait = client.start_job_wait(28142, WaitOptions::default())?;
    /// println!("{}", wait.job_id());
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn start_job_wait<J>(&self, job: J, options: WaitOptions) -> Result<JobWait, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        self.call().start_job_wait(job, options)
    }

    /// Waits for a job as [`wait_for_job`](Self::wait_for_job) does, and saves its output file
    /// as [`save_output_file`](Self::save_output_file) does. The directory and the name are
    /// checked before the wait, as far as possible.
    ///
    /// # Errors
    ///
    /// Any kind.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let options = WaitOptions::default();
    /// let (job, saved) = client.wait_and_save_output_file(28142, "exports", options)?;
    /// println!("{}: {}", job.status, saved.path.display());
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn wait_and_save_output_file<J>(
        &self,
        job: J,
        directory: impl AsRef<Path>,
        options: WaitOptions,
    ) -> Result<(QueuedJob, SavedFile), Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let call = self.call();
        call.wait_and_save_output_file(job, directory, options)
    }

    /// Waits for a job as [`wait_for_job`](Self::wait_for_job) does, and writes its output file
    /// as [`write_output_file`](Self::write_output_file) does.
    ///
    /// # Errors
    ///
    /// Any kind.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let mut bytes = Vec::new();
    /// let options = WaitOptions::default();
    /// let (job, written) = client.wait_and_write_output_file(28142, &mut bytes, options)?;
    /// println!("{}: {} bytes", job.status, written.size);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn wait_and_write_output_file<J>(
        &self,
        job: J,
        writer: &mut dyn Write,
        options: WaitOptions,
    ) -> Result<(QueuedJob, WrittenFile), Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let call = self.call();
        call.wait_and_write_output_file(job, writer, options)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("server", &self.server)
            .field("body_encoding", &self.downloads.body_encoding)
            .field("max_file_size", &self.downloads.max_file_size)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        BodyEncoding, CancelToken, ErrorKind, IfExists, JobIdError, JobStatus, Progress,
        RequestRecord, RetryPolicy, SaveOptions,
    };

    #[test]
    fn public_types_are_shareable_between_threads() {
        fn check<T: Send + Sync + Unpin + 'static>() {}
        fn check_send<T: Send + Unpin + 'static>() {}
        check_send::<OutputFileDownload>();
        check_send::<JobWait>();
        check_send::<Call<'static>>();
        check::<Client>();
        check::<ClientBuilder>();
        check::<CancelToken>();
        check::<RetryPolicy>();
        check::<SaveOptions>();
        check::<WaitOptions>();
        check::<OutputFile>();
        check::<SavedFile>();
        check::<WrittenFile>();
        check::<QueuedJob>();
        check::<Progress>();
        check::<RequestRecord>();
        check::<(
            BodyEncoding,
            ErrorKind,
            IfExists,
            JobId,
            JobIdError,
            JobStatus,
        )>();
    }
}
