//! What is told of each request, to whoever wants to see them.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One request and what came of it. Holds no token, password or body.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RequestRecord {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The URL that was asked for.
    pub url: String,
    /// The HTTP status code; `None` where there was no answer.
    pub status: Option<u16>,
    /// How many bytes of the answer's body were read, as they were sent.
    pub bytes: u64,
    /// From the request's beginning to the end of the answer's body.
    pub time: Duration,
    /// Which attempt of the call this was; the first is 1.
    pub attempt: u32,
    /// Why there was no answer, or not all of it.
    pub error: Option<String>,
}

impl fmt::Display for RequestRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.method, self.url)?;
        match self.status {
            Some(status) => write!(f, "{status}")?,
            None => f.write_str("no answer")?,
        }
        write!(
            f,
            ", {} bytes in {:.3} s",
            self.bytes,
            self.time.as_secs_f64()
        )?;
        if self.attempt > 1 {
            write!(f, ", attempt {}", self.attempt)?;
        }
        match &self.error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

/// Is given every record; may be called by any thread.
pub(crate) type Hook = Arc<dyn Fn(&RequestRecord) + Send + Sync>;

/// A request under way; tells of itself when it is dropped.
pub(crate) struct Recording {
    record: RequestRecord,
    start: Instant,
    hook: Option<Hook>,
}

impl Recording {
    pub(crate) fn start(method: &'static str, url: &str, attempt: u32, hook: Option<Hook>) -> Self {
        let record = RequestRecord {
            method,
            url: url.to_owned(),
            status: None,
            bytes: 0,
            time: Duration::ZERO,
            attempt,
            error: None,
        };
        Self {
            record,
            start: Instant::now(),
            hook,
        }
    }

    pub(crate) fn answered(&mut self, status: u16) {
        self.record.status = Some(status);
    }

    pub(crate) fn received(&mut self, bytes: usize) {
        self.record.bytes += bytes as u64;
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.record.bytes
    }

    pub(crate) fn failed(&mut self, error: String) {
        self.record.error = Some(error);
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.record.time = self.start.elapsed();
        let record = &self.record;
        log::debug!(target: "sellercloud_output", "{record}");
        if let Some(hook) = &self.hook {
            // A panic in a drop would end the process if there is one already.
            let _ = catch_unwind(AssertUnwindSafe(|| hook(record)));
        }
    }
}
