//! The paths of the API's job calls.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::JobId;

/// Returns the path of a job.
pub(super) fn job(job: JobId) -> String {
    format!("/api/QueuedJobs/{job}")
}

/// Returns the path of the first error lines in the log of a job.
pub(super) fn error_log(job: JobId) -> String {
    let query = "model.isError=true&model.pageSize=50&model.pageNumber=1";
    format!("/api/QueuedJobs/{job}/Logs?{query}")
}

/// The form of the path of an output file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `OutputFile/{id}`, the documented path.
    Path,
    /// `OutputFile?id={id}`, the path of the server's own API description.
    Query,
}

impl Route {
    /// Returns the path of a job's output file.
    pub(super) fn path(self, job: JobId) -> String {
        match self {
            Self::Path => format!("/api/QueuedJobs/OutputFile/{job}"),
            Self::Query => format!("/api/QueuedJobs/OutputFile?id={job}"),
        }
    }

    /// Returns the other route.
    pub(super) fn other(self) -> Self {
        match self {
            Self::Path => Self::Query,
            Self::Query => Self::Path,
        }
    }
}

/// The route by which the server last sent a file.
#[derive(Default)]
pub(crate) struct KnownRoute {
    is_query: AtomicBool,
}

impl KnownRoute {
    pub(super) fn get(&self) -> Route {
        match self.is_query.load(Ordering::Relaxed) {
            true => Route::Query,
            false => Route::Path,
        }
    }

    pub(super) fn set(&self, route: Route) {
        self.is_query
            .store(route == Route::Query, Ordering::Relaxed);
    }
}
