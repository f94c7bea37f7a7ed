//! Which job is meant.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// The id of a queued job: 1 to 2147483647.
///
/// Made from a number, or from text: the id itself, or a `QueuedJobLink` as the
/// server answers it when a job is created.
///
/// ```
/// use sellercloud_output::JobId;
///
/// let link = "/queued-jobs/queued-job-details.aspx?id=2206923";
/// assert_eq!(link.parse::<JobId>()?, JobId::try_from(2206923)?);
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(i32);

impl JobId {
    /// The number.
    pub fn get(self) -> i32 {
        self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<i64> for JobId {
    type Error = Error;

    fn try_from(id: i64) -> Result<Self, Error> {
        match i32::try_from(id) {
            Ok(id) if id >= 1 => Ok(Self(id)),
            _ => Err(Error::InvalidArgument(format!(
                "{id} is not a job id: it must be 1 to {}",
                i32::MAX
            ))),
        }
    }
}

impl TryFrom<i32> for JobId {
    type Error = Error;

    fn try_from(id: i32) -> Result<Self, Error> {
        Self::try_from(i64::from(id))
    }
}

impl TryFrom<u32> for JobId {
    type Error = Error;

    fn try_from(id: u32) -> Result<Self, Error> {
        Self::try_from(i64::from(id))
    }
}

impl TryFrom<u64> for JobId {
    type Error = Error;

    fn try_from(id: u64) -> Result<Self, Error> {
        // What does not fit an i64 is out of range either way.
        Self::try_from(i64::try_from(id).unwrap_or(i64::MAX))
    }
}

impl TryFrom<&str> for JobId {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self, Error> {
        text.parse()
    }
}

impl TryFrom<&String> for JobId {
    type Error = Error;

    fn try_from(text: &String) -> Result<Self, Error> {
        text.parse()
    }
}

impl TryFrom<String> for JobId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl FromStr for JobId {
    type Err = Error;

    /// Takes an id, or a link to a job: absolute or relative, with `id` in the
    /// query (in any letter case, `&` written as `&amp;` or not), or the id as
    /// the last segment of a path that names `QueuedJobs` or `queued-jobs`.
    /// Blanks and quotes around it are ignored.
    fn from_str(text: &str) -> Result<Self, Error> {
        let bare = text.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'');
        match digits_of(bare) {
            Some(digits) => Self::from_digits(digits),
            None => Err(Error::InvalidArgument(format!(
                "{:?} is neither a job id nor a link to a job",
                bare.chars().take(200).collect::<String>()
            ))),
        }
    }
}

impl JobId {
    fn from_digits(digits: &str) -> Result<Self, Error> {
        // Too many digits for an i64 are out of range as well.
        Self::try_from(digits.parse::<i64>().unwrap_or(i64::MAX))
    }
}

/// The digits of the id in `text`, if there is exactly one id.
fn digits_of(text: &str) -> Option<&str> {
    if is_digits(text) {
        return Some(text);
    }
    let address = text.split('#').next().unwrap_or_default();
    let (path, query) = address.split_once('?').unwrap_or((address, ""));

    let mut ids = query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let name = name.strip_prefix("amp;").unwrap_or(name);
        name.eq_ignore_ascii_case("id").then_some(value)
    });
    if let Some(id) = ids.next() {
        let same = ids.all(|other| other == id);
        return (same && is_digits(id)).then_some(id);
    }

    let mut segments = path.trim_end_matches('/').rsplit('/');
    let last = segments.next()?;
    let of_jobs = segments.any(|segment| {
        segment.eq_ignore_ascii_case("QueuedJobs") || segment.eq_ignore_ascii_case("queued-jobs")
    });
    (of_jobs && is_digits(last)).then_some(last)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_a_link_gives_its_id() {
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
    fn what_is_not_one_id_is_refused() {
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
            let error = text.parse::<JobId>().unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::InvalidArgument, "{text}");
        }
        assert!(JobId::try_from(0).is_err());
        assert!(JobId::try_from(-5).is_err());
        assert!(JobId::try_from(u64::MAX).is_err());
        assert_eq!(JobId::try_from(i32::MAX).unwrap().get(), i32::MAX);
    }
}
