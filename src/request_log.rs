//! What is told of each request, to whoever wants to see them.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::text::{MAX_MESSAGE, Redactor, without_secret_parameters};

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

/// A request under way. It reports itself when it is dropped.
pub(crate) struct Recording {
    record: RequestRecord,
    start: Instant,
    hook: Option<Hook>,
    redactor: Redactor,
}

/// The maximum length of a URL in a record, in characters.
const MAX_URL: usize = 2000;

impl Recording {
    pub(crate) fn start(
        method: &'static str,
        url: &str,
        attempt: u32,
        hook: Option<Hook>,
        redactor: Redactor,
    ) -> Self {
        let record = RequestRecord {
            method,
            url: redactor.one_line(&without_secret_parameters(url), MAX_URL),
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
            redactor,
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

    pub(crate) fn failed(&mut self, error: &str) {
        self.record.error = Some(self.redactor.one_line(error, MAX_MESSAGE));
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.record.time = self.start.elapsed();
        let report = Report {
            record: self.record.clone(),
            hook: self.hook.take(),
        };
        if let Some(report) = DeferredRecords::defer(report) {
            report.deliver();
        }
    }
}

/// A record on its way to the callback.
struct Report {
    record: RequestRecord,
    hook: Option<Hook>,
}

impl Report {
    fn deliver(&self) {
        let record = &self.record;
        // A panic in a drop would end the process if there is one already.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            log::debug!(target: "sellercloud_output", "{record}");
            if let Some(hook) = &self.hook {
                hook(record);
            }
        }));
    }
}

thread_local! {
    static DEFERRED: RefCell<Option<Vec<Report>>> = const { RefCell::new(None) };
}

/// Holds back the records of this thread until it is dropped: their callback may wait for
/// another call, which may wait for what this thread is about to get.
pub(crate) struct DeferredRecords {
    is_outermost: bool,
}

impl DeferredRecords {
    pub(crate) fn begin() -> Self {
        DEFERRED.with_borrow_mut(|deferred| {
            let is_outermost = deferred.is_none();
            deferred.get_or_insert_default();
            Self { is_outermost }
        })
    }

    /// Keeps the report for later, or returns it if it may be delivered now.
    fn defer(report: Report) -> Option<Report> {
        DEFERRED.with_borrow_mut(|deferred| match deferred {
            Some(reports) => {
                reports.push(report);
                None
            }
            None => Some(report),
        })
    }
}

impl Drop for DeferredRecords {
    fn drop(&mut self) {
        if self.is_outermost {
            let reports = DEFERRED.take().unwrap_or_default();
            reports.iter().for_each(Report::deliver);
        }
    }
}
