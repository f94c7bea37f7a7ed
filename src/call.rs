//! One call: what the caller wants of it, and how far it has come.

use std::fmt;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cancel::{CancelToken, Interrupt, Stop, Watch};
use crate::error::About;
use crate::save::Directory;
use crate::session::reentry::ActiveCall;
use crate::text;
use crate::transport::Body;
use crate::wait;
use crate::{
    Client, Error, JobId, OutputFile, QueuedJob, SaveOptions, SavedFile, Wait, WrittenFile,
};

/// How far the file's transfer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes of the answer's body received in this attempt, as they are sent:
    /// encoded, and compressed if the server does so.
    pub received: u64,
    /// How many there will be, where the server says so.
    pub total: Option<u64>,
    /// Which attempt this is; the first is 1. With a new one `received` starts over.
    pub attempt: u32,
}

/// Whether to go on with a transfer, or to cancel it.
type OnProgress<'a> = Box<dyn FnMut(Progress) -> ControlFlow<()> + 'a>;

/// A call with options of its own; begun with [`Client::call`], ended by one of
/// the verbs.
#[must_use = "a call does nothing until one of its verbs is called"]
pub struct Call<'a> {
    client: &'a Client,
    cancel: Option<CancelToken>,
    interrupt: Option<Box<dyn Fn() -> ControlFlow<()>>>,
    timeout: Option<Duration>,
    progress: Option<OnProgress<'a>>,
    saving: SaveOptions,
}

/// The longest that a call takes which waits for a job, unless it is told.
const DEFAULT_WAIT_LIMIT: Duration = Duration::from_secs(24 * 3600);

impl<'a> Call<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self {
            client,
            cancel: None,
            interrupt: None,
            timeout: None,
            progress: None,
            saving: SaveOptions::default(),
        }
    }

    /// Cancels the call when the token is pulled.
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.cancel = Some(token.clone());
        self
    }

    /// Is asked on this thread, several times a second whatever the call waits for
    /// and while bytes come, whether to go on; [`ControlFlow::Break`] cancels the call.
    /// For programs that learn on this very thread that it is to end: from a flag that
    /// a signal handler sets, or from an interpreter.
    pub fn interrupt(mut self, ask: impl Fn() -> ControlFlow<()> + 'static) -> Self {
        self.interrupt = Some(Box::new(ask));
        self
    }

    /// The longest that the whole call may take, with login, retries and waits.
    /// Default: the client's `call_timeout`, and 24 hours for calls that wait for a job.
    /// Zero is rejected.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Is told how the file's transfer goes, on this thread: at the beginning of
    /// each attempt and after every piece that came. [`ControlFlow::Break`]
    /// cancels the call.
    pub fn progress(mut self, told: impl FnMut(Progress) -> ControlFlow<()> + 'a) -> Self {
        self.progress = Some(Box::new(told));
        self
    }

    /// How to save, for [`save_output_file`](Self::save_output_file).
    pub fn saving(mut self, options: SaveOptions) -> Self {
        self.saving = options;
        self
    }

    /// See [`Client::output_file`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn output_file<J>(self, job: J) -> Result<OutputFile, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let client = self.client;
        let limit = client.call_timeout();
        client.fetch(&mut self.run(job.try_into()?, limit)?)
    }

    /// See [`Client::save_output_file`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn save_output_file<J>(
        mut self,
        job: J,
        directory: impl AsRef<Path>,
    ) -> Result<SavedFile, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let client = self.client;
        let limit = client.call_timeout();
        let options = std::mem::take(&mut self.saving);
        let mut running = self.run(job.try_into()?, limit)?;
        let directory = running.open(directory.as_ref(), &options)?;
        client.save(&mut running, &directory)
    }

    /// See [`Client::write_output_file`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn write_output_file<J>(self, job: J, writer: &mut dyn Write) -> Result<WrittenFile, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let client = self.client;
        let limit = client.call_timeout();
        client.write(&mut self.run(job.try_into()?, limit)?, writer)
    }

    /// See [`Client::job`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn job<J>(self, job: J) -> Result<QueuedJob, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let client = self.client;
        let limit = client.call_timeout();
        client.ask_job(&mut self.run(job.try_into()?, limit)?)
    }

    /// See [`Client::wait`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn wait<J>(self, job: J, wait: Wait) -> Result<QueuedJob, Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let client = self.client;
        client.await_job(&mut self.run(job.try_into()?, DEFAULT_WAIT_LIMIT)?, wait)
    }

    /// See [`Client::wait_for_output_file`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn wait_for_output_file<J>(
        self,
        job: J,
        wait: Wait,
    ) -> Result<(QueuedJob, OutputFile), Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let client = self.client;
        let mut running = self.run(job.try_into()?, DEFAULT_WAIT_LIMIT)?;
        wait::wait_for_file(&client.session, &mut running, wait, |running| {
            client.fetch(running)
        })
    }

    /// See [`Client::wait_and_save_output_file`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn wait_and_save_output_file<J>(
        mut self,
        job: J,
        directory: impl AsRef<Path>,
        wait: Wait,
    ) -> Result<(QueuedJob, SavedFile), Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let client = self.client;
        let options = std::mem::take(&mut self.saving);
        let mut running = self.run(job.try_into()?, DEFAULT_WAIT_LIMIT)?;
        let directory = running.open(directory.as_ref(), &options)?;
        wait::wait_for_file(&client.session, &mut running, wait, |running| {
            client.save(running, &directory)
        })
    }

    /// See [`Client::wait_and_write_output_file`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn wait_and_write_output_file<J>(
        self,
        job: J,
        writer: &mut dyn Write,
        wait: Wait,
    ) -> Result<(QueuedJob, WrittenFile), Error>
    where
        J: TryInto<JobId>,
        Error: From<J::Error>,
    {
        let client = self.client;
        let mut running = self.run(job.try_into()?, DEFAULT_WAIT_LIMIT)?;
        wait::wait_for_file(&client.session, &mut running, wait, |running| {
            client.write(running, writer)
        })
    }

    fn run(self, job: JobId, default_limit: Duration) -> Result<Running<'a>, Error> {
        let limit = self.timeout.unwrap_or(default_limit);
        if limit.is_zero() {
            let message = "the call's timeout must be greater than zero";
            return Err(Error::InvalidArgument(message.into()));
        }
        let active = ActiveCall::new(Arc::as_ptr(&self.client.session).addr());
        let in_callback = active.clone();
        let interrupt = self
            .interrupt
            .map(|ask| Rc::new(Interrupt::new(move || in_callback.run_callback(&ask))));
        Ok(Running {
            job,
            attempt: 0,
            is_last_attempt: false,
            limit,
            active,
            watch: Watch {
                cancel: self.cancel,
                interrupt,
                // A limit beyond the end of time is none.
                deadline: Instant::now().checked_add(limit),
            },
            progress: self.progress,
            asked: Duration::ZERO,
            last_failure: None,
        })
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("client", self.client)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// A call under way.
pub(crate) struct Running<'a> {
    pub(crate) job: JobId,
    /// The attempt that is on; 0 before the first.
    pub(crate) attempt: u32,
    /// Whether the attempt that is on leaves something that another cannot undo.
    pub(crate) is_last_attempt: bool,
    pub(crate) watch: Watch,
    pub(crate) active: Arc<ActiveCall>,
    /// How long the call has waited because the server asked it to, since the last good
    /// response of a wait.
    pub(crate) asked: Duration,
    limit: Duration,
    progress: Option<OnProgress<'a>>,
    last_failure: Option<String>,
}

impl Running<'_> {
    pub(crate) fn about(&self) -> About {
        About {
            job: Some(self.job.get()),
            attempts: self.attempt,
        }
    }

    /// Opens the directory to save in, before anything is sent.
    fn open<'o>(&self, path: &Path, options: &'o SaveOptions) -> Result<Directory<'o>, Error> {
        Directory::open(path, options).map_err(|error| error.of(self.about()))
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        self.watch.check().map_err(|stop| self.stopped(stop))
    }

    pub(crate) fn sleep(&self, time: Duration) -> Result<(), Error> {
        self.watch.sleep(time).map_err(|stop| self.stopped(stop))
    }

    /// Notes a failure, which the error of the deadline names if it comes to that.
    pub(crate) fn failed(&mut self, error: &Error) {
        self.last_failure = Some(error.clone().of(About::default()).to_string());
    }

    /// Notes that the last failure is over.
    pub(crate) fn succeeded(&mut self) {
        self.last_failure = None;
        self.asked = Duration::ZERO;
    }

    /// Waits after `error` for `wait` and for as long as the server asks. Returns the error
    /// at once where that does not fit into the call's time.
    pub(crate) fn pause(&mut self, wait: Duration, error: Error) -> Result<(), Error> {
        let asked = error.retry_after().unwrap_or_default();
        let wait = wait.saturating_add(asked);
        if self.watch.left().is_some_and(|left| left <= wait) {
            return Err(error.with_retry_after(wait));
        }
        self.asked = self.asked.saturating_add(asked);
        self.sleep(wait)
    }

    fn stopped(&self, stop: Stop) -> Error {
        match stop {
            Stop::Cancelled => stop.error(),
            Stop::Deadline => Error::Timeout {
                about: About::default(),
                message: match &self.last_failure {
                    Some(failure) => format!(
                        "timed out after {}; last error: {failure}",
                        text::seconds(self.limit)
                    ),
                    None => format!("timed out after {}", text::seconds(self.limit)),
                },
            },
        }
        .of(self.about())
    }

    /// Reads a body for this call.
    pub(crate) fn reader<'r>(&'r mut self, body: &'r mut Body) -> impl Read + 'r {
        Watched {
            is_told: false,
            running: self,
            body,
        }
    }
}

/// A body whose progress is told.
struct Watched<'r, 'a> {
    running: &'r mut Running<'a>,
    body: &'r mut Body,
    is_told: bool,
}

impl Watched<'_, '_> {
    fn tell(&mut self) -> io::Result<()> {
        let Some(told) = &mut self.running.progress else {
            return Ok(());
        };
        let (received, total) = self.body.progress();
        let progress = Progress {
            received,
            total,
            attempt: self.running.attempt,
        };
        match told(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(io::Error::other(Stop::Cancelled)),
        }
    }
}

impl Read for Watched<'_, '_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if !self.is_told {
            self.is_told = true;
            self.tell()?;
        }
        // What is decompressed need not pass the sockets, which look as well.
        self.running.watch.check().map_err(io::Error::other)?;
        let before = self.body.progress().0;
        let length = self.body.read(room)?;
        if self.body.progress().0 > before {
            self.tell()?;
        }
        Ok(length)
    }
}
