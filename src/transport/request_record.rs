//! Records of requests, for the caller's function and the log.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::text::{MAX_MESSAGE, Redactor, without_secret_parameters};

/// A request that has ended, and its outcome. It contains no token, password or body.
///
/// It is displayed as one line for a log.
///
/// # Examples
///
/// ```
/// use sellercloud_output::Client;
///
/// let client = Client::builder("tt")
///     .token("the-bearer-token")
///     .on_request(|record| {
///         if let Some(error) = &record.error {
///             eprintln!("{}: {error} (attempt {})", record.url, record.attempt);
///         }
///     })
///     .build()?;
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RequestRecord {
    /// The method: `GET` or `POST`.
    pub method: &'static str,
    /// The URL of the request, without secrets.
    pub url: String,
    /// The HTTP status code. `None` if there was no response.
    pub http_status: Option<u16>,
    /// Bytes of the response's body received, as they were sent.
    pub bytes_received: u64,
    /// The time from the start of the request to the end of the response's body.
    pub duration: Duration,
    /// The number of the attempt; the first is 1.
    pub attempt: u32,
    /// Why there was no response, or not a complete one.
    pub error: Option<String>,
}

impl fmt::Display for RequestRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.method, self.url)?;
        match self.http_status {
            Some(status) => write!(f, "{status}")?,
            None => f.write_str("no response")?,
        }
        write!(
            f,
            ", {} bytes in {:.3} s",
            self.bytes_received,
            self.duration.as_secs_f64()
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

/// A function that is called with every record, by any thread.
pub(crate) type Hook = Arc<dyn Fn(&RequestRecord) + Send + Sync>;

/// Records a running request, and delivers the record when it is dropped.
pub(crate) struct RequestRecorder {
    record: RequestRecord,
    start: Instant,
    hook: Option<Hook>,
    redactor: Redactor,
}

/// The maximum length of a URL in a record, in characters.
const MAX_URL: usize = 2000;

impl RequestRecorder {
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
            http_status: None,
            bytes_received: 0,
            duration: Duration::ZERO,
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

    pub(crate) fn responded(&mut self, status: u16) {
        self.record.http_status = Some(status);
    }

    pub(crate) fn received(&mut self, bytes: usize) {
        self.record.bytes_received += bytes as u64;
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.record.bytes_received
    }

    pub(crate) fn failed(&mut self, error: &str) {
        self.record.error = Some(self.redactor.one_line(error, MAX_MESSAGE));
    }
}

impl Drop for RequestRecorder {
    fn drop(&mut self) {
        self.record.duration = self.start.elapsed();
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

/// Defers the delivery of this thread's records until it is dropped. The callback may wait for
/// another call, which may wait for the value that this thread is about to obtain.
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

    /// Stores the report for later delivery, or returns it if it may be delivered now.
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
