//! Plain data: jobs as the server describes them. No code here sends a request.

mod job_id;
mod job_link;
mod job_status;
#[cfg(any(test, feature = "_fuzz"))]
pub(crate) mod properties;
mod queued_job;

pub use job_id::{JobId, JobIdError};
pub use job_status::JobStatus;
pub(crate) use queued_job::JobResponse;
pub use queued_job::QueuedJob;
