//! One call with options of its own.

use std::fmt;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Client, JobWait};
use crate::cancel::CancelToken;
use crate::download::{Downloads, OutputFile, OutputFileDownload, SavedFile, WrittenFile};
use crate::error::Error;
use crate::jobs::WaitOptions;
use crate::model::{JobId, QueuedJob};
use crate::output::{Directory, FileMemory, SaveOptions};
use crate::session::{CallContext, CallSettings, Progress};

/// A call with options of its own. [`Client::call`] creates it, and one of the operations runs it.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use sellercloud_output::{CancelToken, Client};
///
/// let client = Client::builder("tt").token("the-bearer-token").build()?;
/// let token = CancelToken::new();
/// let file = client
///     .call()
///     .timeout(Duration::from_secs(600))
///     .cancel_token(&token)
///     .get_output_file(28142)?;
/// println!("{}", file.name);
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
#[must_use = "a call does nothing until one of its operations is called"]
pub struct Call<'a> {
    client: Client,
    settings: CallSettings<'a>,
    save_options: SaveOptions,
}

/// The default timeout of calls that wait for a job.
const DEFAULT_WAIT_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

impl<'a> Call<'a> {
    pub(super) fn new(client: &Client) -> Self {
        Self {
            client: client.clone(),
            settings: CallSettings::default(),
            save_options: SaveOptions::default(),
        }
    }

    /// Sets a token that cancels the call. Default: none.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// let token = sellercloud_output::CancelToken::new();
    /// client.call().cancel_token(&token).get_job(28142)?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn cancel_token(mut self, token: &CancelToken) -> Self {
        self.settings.token = Some(token.clone());
        self
    }

    /// Sets a function that the call invokes on the calling thread several times a second;
    /// return [`ControlFlow::Break`] to cancel. Default: none.
    ///
    /// Use it if the calling thread itself must check whether to stop: for a flag that a signal
    /// handler sets, or for the signals of an interpreter. The function is invoked whatever the
    /// call waits for, and while bytes arrive.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::ops::ControlFlow;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// static IS_STOPPED: AtomicBool = AtomicBool::new(false);
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let check = || match IS_STOPPED.load(Ordering::Relaxed) {
    ///     true => ControlFlow::Break(()),
    ///     false => ControlFlow::Continue(()),
    /// };
    /// client.call().interrupt(check).get_job(28142)?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn interrupt(mut self, check: impl Fn() -> ControlFlow<()> + Send + 'static) -> Self {
        self.settings.interrupt = Some(Box::new(check));
        self
    }

    /// Sets how long the whole call may take, including login, retries and waits. Default: the
    /// client's [`call_timeout`](crate::ClientBuilder::call_timeout), and 24 h for operations
    /// that wait for a job. Zero is rejected by the operation; [`Duration::MAX`] means no limit.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let job = client.call().timeout(Duration::from_secs(60)).get_job(28142)?;
    /// println!("{}", job.status);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = Some(timeout);
        self
    }

    /// Sets how long the whole call may take in total. Unlike [`timeout`](Self::timeout), it
    /// includes the time between the reads of an open download. Default: no limit. Zero is
    /// rejected by the operation.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let call = client.call().total_timeout(Duration::from_secs(3600));
    /// let download = call.open_output_file(28142)?;
    /// println!("{}", download.name());
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.settings.total_timeout = Some(timeout);
        self
    }

    /// Sets a function that is called with the progress of the file's transfer, on the calling
    /// thread: at the beginning of each attempt, and whenever bytes have arrived. Return
    /// [`ControlFlow::Break`] to cancel the call. Default: none.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::ops::ControlFlow;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// // Cancels the call after the first 100 MiB.
    /// let call = client.call().on_progress(|progress| match progress.bytes_received {
    ///     0..=104_857_600 => ControlFlow::Continue(()),
    ///     _ => ControlFlow::Break(()),
    /// });
    /// let file = call.get_output_file(28142)?;
    /// println!("{}", file.name);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn on_progress(
        mut self,
        on_progress: impl FnMut(Progress) -> ControlFlow<()> + Send + 'a,
    ) -> Self {
        self.settings.on_progress = Some(Box::new(on_progress));
        self
    }

    /// Sets how to save the file. Default: [`SaveOptions::default`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::SaveOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let options = SaveOptions::default().file_name("orders.csv");
    /// client.call().save_options(options).save_output_file(28142, "exports")?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn save_options(mut self, options: SaveOptions) -> Self {
        self.save_options = options;
        self
    }

    /// Downloads a job's output file into memory, as [`Client::get_output_file`] does.
    ///
    /// # Errors
    ///
    /// As [`Client::get_output_file`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let call = client.call().timeout(Duration::from_secs(600));
    /// let file = call.get_output_file(28142)?;
    /// println!("{}: {} bytes", file.name, file.bytes.len());
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn get_output_file<J>(self, job: J) -> Result<OutputFile, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let (downloads, mut context) = self.start(job.try_into()?)?;
        downloads.get(&mut context)
    }

    /// Downloads a job's output file into memory of the caller, as
    /// [`Client::get_output_file_into`] does.
    ///
    /// # Errors
    ///
    /// As [`Client::get_output_file_into`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let mut bytes = Vec::new();
    /// let call = client.call().timeout(Duration::from_secs(600));
    /// let file = call.get_output_file_into(28142, &mut bytes)?;
    /// println!("{}: {} bytes", file.name, file.size);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn get_output_file_into<J>(
        self,
        job: J,
        memory: &mut dyn FileMemory,
    ) -> Result<WrittenFile, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let (downloads, mut context) = self.start(job.try_into()?)?;
        downloads.get_into(&mut context, memory)
    }

    /// Saves a job's output file in a directory, as [`Client::save_output_file`] does.
    ///
    /// # Errors
    ///
    /// As [`Client::save_output_file`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::{IfExists, SaveOptions};
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let options = SaveOptions::default().if_exists(IfExists::Replace);
    /// let saved = client.call().save_options(options).save_output_file(28142, "exports")?;
    /// println!("{}", saved.path.display());
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn save_output_file<J>(
        mut self,
        job: J,
        directory: impl AsRef<Path>,
    ) -> Result<SavedFile, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let options = std::mem::take(&mut self.save_options);
        let (downloads, mut context) = self.start(job.try_into()?)?;
        let directory = open(directory.as_ref(), &options, &context)?;
        downloads.save(&mut context, &directory)
    }

    /// Writes a job's output file to a writer, as [`Client::write_output_file`] does.
    ///
    /// # Errors
    ///
    /// As [`Client::write_output_file`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let call = client.call().timeout(Duration::from_secs(600));
    /// let written = call.write_output_file(28142, &mut std::io::stdout())?;
    /// eprintln!("{}: {} bytes", written.name, written.size);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn write_output_file<J>(self, job: J, writer: &mut dyn Write) -> Result<WrittenFile, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let (downloads, mut context) = self.start(job.try_into()?)?;
        downloads.write(&mut context, writer)
    }

    /// Requests a job, as [`Client::get_job`] does.
    ///
    /// # Errors
    ///
    /// As [`Client::get_job`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let job = client.call().timeout(Duration::from_secs(60)).get_job(28142)?;
    /// println!("{}", job.status);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn get_job<J>(self, job: J) -> Result<QueuedJob, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let (downloads, mut context) = self.start(job.try_into()?)?;
        let jobs = &downloads.jobs;
        jobs.session.run(&mut context, |context| jobs.get(context))
    }

    /// Waits for a job, as [`Client::wait_for_job`] does.
    ///
    /// # Errors
    ///
    /// As [`Client::wait_for_job`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let call = client.call().timeout(Duration::from_secs(7200));
    /// let job = call.wait_for_job(28142, WaitOptions::default())?;
    /// println!("{}", job.status);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn wait_for_job<J>(self, job: J, options: WaitOptions) -> Result<QueuedJob, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let (downloads, mut context) = self.start_wait(job.try_into()?)?;
        downloads.jobs.wait(&mut context, options)
    }

    /// Waits for a job and downloads its output file into memory, as
    /// [`Client::wait_for_output_file`] does.
    ///
    /// # Errors
    ///
    /// As [`Client::wait_for_output_file`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let call = client.call().timeout(Duration::from_secs(7200));
    /// let (job, file) = call.wait_for_output_file(28142, WaitOptions::default())?;
    /// println!("{}: {}", job.status, file.name);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn wait_for_output_file<J>(
        self,
        job: J,
        options: WaitOptions,
    ) -> Result<(QueuedJob, OutputFile), Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let (downloads, mut context) = self.start_wait(job.try_into()?)?;
        let get = |context: &mut CallContext| downloads.get(context);
        downloads.jobs.wait_for_file(&mut context, options, get)
    }

    /// Waits for a job and downloads its output file into memory of the caller, as
    /// [`Client::wait_for_output_file_into`] does.
    ///
    /// # Errors
    ///
    /// As [`Client::wait_for_output_file_into`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let mut bytes = Vec::new();
    /// let call = client.call().timeout(Duration::from_secs(7200));
    /// let options = WaitOptions::default();
    /// let (job, file) = call.wait_for_output_file_into(28142, &mut bytes, options)?;
    /// println!("{}: {} bytes", job.status, file.size);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn wait_for_output_file_into<J>(
        self,
        job: J,
        memory: &mut dyn FileMemory,
        options: WaitOptions,
    ) -> Result<(QueuedJob, WrittenFile), Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let (downloads, mut context) = self.start_wait(job.try_into()?)?;
        let get = |context: &mut CallContext| downloads.get_into(context, memory);
        downloads.jobs.wait_for_file(&mut context, options, get)
    }

    /// Waits for a job and saves its output file in a directory, as
    /// [`Client::wait_and_save_output_file`] does.
    ///
    /// # Errors
    ///
    /// As [`Client::wait_and_save_output_file`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::{IfExists, SaveOptions, WaitOptions};
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let call = client.call().save_options(SaveOptions::default().if_exists(IfExists::KeepBoth));
    /// let options = WaitOptions::default();
    /// let (job, saved) = call.wait_and_save_output_file(28142, "exports", options)?;
    /// println!("{}: {}", job.status, saved.path.display());
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn wait_and_save_output_file<J>(
        mut self,
        job: J,
        directory: impl AsRef<Path>,
        options: WaitOptions,
    ) -> Result<(QueuedJob, SavedFile), Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let save_options = std::mem::take(&mut self.save_options);
        let (downloads, mut context) = self.start_wait(job.try_into()?)?;
        let directory = open(directory.as_ref(), &save_options, &context)?;
        let save = |context: &mut CallContext| downloads.save(context, &directory);
        downloads.jobs.wait_for_file(&mut context, options, save)
    }

    /// Waits for a job and writes its output file to a writer, as
    /// [`Client::wait_and_write_output_file`] does.
    ///
    /// # Errors
    ///
    /// As [`Client::wait_and_write_output_file`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let call = client.call().timeout(Duration::from_secs(7200));
    /// let mut bytes = Vec::new();
    /// let options = WaitOptions::default();
    /// let (job, written) = call.wait_and_write_output_file(28142, &mut bytes, options)?;
    /// println!("{}: {} bytes", job.status, written.size);
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn wait_and_write_output_file<J>(
        self,
        job: J,
        writer: &mut dyn Write,
        options: WaitOptions,
    ) -> Result<(QueuedJob, WrittenFile), Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let (downloads, mut context) = self.start_wait(job.try_into()?)?;
        let write = |context: &mut CallContext| downloads.write(context, writer);
        downloads.jobs.wait_for_file(&mut context, options, write)
    }

    fn start(self, job: JobId) -> Result<Started<'a>, Error> {
        let timeout = self.client.call_timeout;
        self.start_with(job, timeout)
    }

    fn start_wait(self, job: JobId) -> Result<Started<'a>, Error> {
        self.start_with(job, DEFAULT_WAIT_TIMEOUT)
    }

    fn start_with(self, job: JobId, default_timeout: Duration) -> Result<Started<'a>, Error> {
        let downloads = self.client.downloads;
        let session = &downloads.jobs.session;
        let context = CallContext::new(session, job, self.settings, default_timeout)?;
        Ok((downloads, context))
    }
}

/// A call that has started, with what it needs of its client.
type Started<'a> = (Arc<Downloads>, CallContext<'a>);

/// Calls that go on after the operation has returned. What they borrow must live as long.
impl Call<'static> {
    /// Opens a download of a job's output file, as [`Client::open_output_file`] does.
    ///
    /// # Errors
    ///
    /// As [`Client::open_output_file`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let call = client.call().timeout(Duration::from_secs(600));
    /// let download = call.open_output_file(28142)?;
    /// println!("{}", download.name());
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn open_output_file<J>(self, job: J) -> Result<OutputFileDownload, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let (downloads, mut context) = self.start(job.try_into()?)?;
        let file = downloads.open(&mut context)?;
        Ok(OutputFileDownload::new(context, file))
    }

    /// Waits for a job and opens a download of its output file, as
    /// [`Client::wait_and_open_output_file`] does.
    ///
    /// # Errors
    ///
    /// As [`Client::wait_and_open_output_file`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let call = client.call().timeout(Duration::from_secs(7200));
    /// let (job, download) = call.wait_and_open_output_file(28142, WaitOptions::default())?;
    /// println!("{}: {}", job.status, download.name());
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn wait_and_open_output_file<J>(
        self,
        job: J,
        options: WaitOptions,
    ) -> Result<(QueuedJob, OutputFileDownload), Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let (downloads, mut context) = self.start_wait(job.try_into()?)?;
        let open = |context: &mut CallContext| downloads.open(context);
        let (job, file) = downloads.jobs.wait_for_file(&mut context, options, open)?;
        Ok((job, OutputFileDownload::new(context, file)))
    }

    /// Starts a wait for a job that the caller steps, as [`Client::start_job_wait`] does.
    ///
    /// # Errors
    ///
    /// As [`Client::start_job_wait`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use sellercloud_output::WaitOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let call = client.call().timeout(Duration::from_secs(7200));
    /// let wait = call.start_job_wait(28142, WaitOptions::default())?;
    /// println!("{}", wait.job_id());
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn start_job_wait<J>(self, job: J, options: WaitOptions) -> Result<JobWait, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let (downloads, context) = self.start_wait(job.try_into()?)?;
        Ok(JobWait::new(downloads, context, options))
    }
}

/// Opens the directory to save in, before anything is sent.
fn open<'o>(
    path: &Path,
    options: &'o SaveOptions,
    context: &CallContext,
) -> Result<Directory<'o>, Error> {
    Directory::open(path, options).map_err(|error| error.with_context(context.error_context()))
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("client", &self.client)
            .field("timeout", &self.settings.timeout)
            .finish_non_exhaustive()
    }
}
