//! The id of a queued job.

use std::fmt;
use std::str::FromStr;

use super::job_link::digits_of;

/// The id of a queued job: 1 to 2147483647.
///
/// It can be converted from a number, or parsed from text: the id itself, or a `QueuedJobLink` as
/// the server returns it when a job is created.
///
/// # Examples
///
/// ```
/// use sellercloud_output::JobId;
///
/// let link = "/queued-jobs/queued-job-details.aspx?id=2206923";
/// assert_eq!(link.parse::<JobId>()?, JobId::try_from(2206923)?);
/// # Ok::<(), sellercloud_output::JobIdError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(i32);

/// The error for a number or a text that is not the id of a job.
///
/// It converts into an [`Error`](crate::Error) of the kind
/// [`InvalidArgument`](crate::ErrorKind::InvalidArgument), so that methods take ids and text
/// alike.
///
/// # Examples
///
/// ```
/// use sellercloud_output::{JobId, JobIdError};
///
/// let error: JobIdError = JobId::try_from(0).unwrap_err();
/// assert_eq!(error.to_string(), "0 is not a job id: it must be 1 to 2147483647");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JobIdError(String);

impl JobId {
    /// Returns the id as a number.
    ///
    /// # Examples
    ///
    /// ```
    /// # use sellercloud_output::JobId;
    /// assert_eq!(JobId::try_from(28142)?.get(), 28142);
    /// # Ok::<(), sellercloud_output::JobIdError>(())
    /// ```
    pub fn get(self) -> i32 {
        self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<JobId> for i32 {
    fn from(job: JobId) -> Self {
        job.0
    }
}

impl From<JobId> for i64 {
    fn from(job: JobId) -> Self {
        job.0.into()
    }
}

impl TryFrom<i64> for JobId {
    type Error = JobIdError;

    fn try_from(id: i64) -> Result<Self, JobIdError> {
        match i32::try_from(id) {
            Ok(id) if id >= 1 => Ok(Self(id)),
            _ => Err(JobIdError(format!(
                "{id} is not a job id: it must be 1 to {}",
                i32::MAX
            ))),
        }
    }
}

impl TryFrom<i32> for JobId {
    type Error = JobIdError;

    fn try_from(id: i32) -> Result<Self, JobIdError> {
        Self::try_from(i64::from(id))
    }
}

impl TryFrom<u32> for JobId {
    type Error = JobIdError;

    fn try_from(id: u32) -> Result<Self, JobIdError> {
        Self::try_from(i64::from(id))
    }
}

impl TryFrom<u64> for JobId {
    type Error = JobIdError;

    fn try_from(id: u64) -> Result<Self, JobIdError> {
        // A number that does not fit into an i64 is out of range in any case.
        Self::try_from(i64::try_from(id).unwrap_or(i64::MAX))
    }
}

impl TryFrom<&str> for JobId {
    type Error = JobIdError;

    fn try_from(text: &str) -> Result<Self, JobIdError> {
        text.parse()
    }
}

impl TryFrom<&String> for JobId {
    type Error = JobIdError;

    fn try_from(text: &String) -> Result<Self, JobIdError> {
        text.parse()
    }
}

impl TryFrom<String> for JobId {
    type Error = JobIdError;

    fn try_from(text: String) -> Result<Self, JobIdError> {
        text.parse()
    }
}

impl FromStr for JobId {
    type Err = JobIdError;

    /// Parses an id, or a link to a job: absolute or relative, with `id` in the query (in
    /// uppercase or lowercase, after `&` or `&amp;`), or with the id as the last
    /// segment of a path that contains `QueuedJobs` or `queued-jobs`. Whitespace and quotes
    /// around it are ignored.
    fn from_str(text: &str) -> Result<Self, JobIdError> {
        let bare = text.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'');
        match digits_of(bare) {
            Some(digits) => Self::from_digits(digits),
            None => Err(JobIdError(format!(
                "{:?} is neither a job id nor a link to a job",
                bare.chars().take(200).collect::<String>()
            ))),
        }
    }
}

impl JobId {
    fn from_digits(digits: &str) -> Result<Self, JobIdError> {
        // Too many digits for an i64 are out of range as well.
        Self::try_from(digits.parse::<i64>().unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_str_id_or_link_gives_id() {
        for text in [
            "2206923",
            " 2206923\r\n",
            "\"2206923\"",
            "002206923",
            "/queued-jobs/queued-job-details.aspx?id=2206923",
            "\"/queued-jobs/queued-job-details.aspx?id=2206923\"",
            "queued-job-details.aspx?ID=2206923",
            "https://tt.cwa.sellercloud.com/queued-jobs/queued-job-details.aspx?id=2206923",
            "https://tt.cwa.sellercloud.com/Queued-Jobs/queued-job-details.aspx?a=1&Id=2206923&b=2#log",
            "/queued-jobs/queued-job-details.aspx?a=1&amp;id=2206923",
            "?id=2206923",
            "https://tt.api.sellercloud.com/rest/api/QueuedJobs/OutputFile/2206923",
            "https://tt.api.sellercloud.com/rest/api/queuedjobs/outputfile?id=2206923",
            "https://tt.delta.sellercloud.com/queued-jobs/2206923/",
            "/api/QueuedJobs/2206923?id=2206923",
        ] {
            assert_eq!(text.parse::<JobId>().unwrap().get(), 2206923, "{text}");
        }
    }

    #[test]
    fn from_str_text_without_one_id_is_rejected() {
        for text in [
            "",
            " ",
            "0",
            "-1",
            "+1",
            "1.0",
            "1e3",
            "2147483648",
            "99999999999999999999999999",
            "job 5",
            "/queued-jobs/queued-job-details.aspx",
            "/queued-jobs/queued-job-details.aspx?id=",
            "/queued-jobs/queued-job-details.aspx?id=abc",
            "/queued-jobs/queued-job-details.aspx?id=1&id=2",
            "/queued-jobs/queued-job-details.aspx?jobid=5",
            "/orders/5",
            "https://tt.cwa.sellercloud.com:8080",
            "٣",
        ] {
            assert!(text.parse::<JobId>().is_err(), "{text}");
        }
        assert!(JobId::try_from(0).is_err());
        assert!(JobId::try_from(-5).is_err());
        assert!(JobId::try_from(u64::MAX).is_err());
        assert_eq!(JobId::try_from(i32::MAX).unwrap().get(), i32::MAX);
    }
}
