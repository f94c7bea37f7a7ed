//! The status of a queued job.

use std::fmt;

use super::queued_job::beginning;
use crate::text::json::Value;
use crate::text::{MAX_TEXT_READ, Redactor};

/// The maximum length of the text of an unknown status, in characters.
pub(super) const MAX_STATUS: usize = 100;

/// The status of a queued job.
///
/// # Examples
///
/// ```
/// use sellercloud_output::JobStatus;
///
/// assert_eq!(JobStatus::PartialSuccess.name(), "PartialSuccess");
/// assert_eq!(JobStatus::PartialSuccess.number(), Some(5));
/// assert!(JobStatus::PartialSuccess.is_success());
/// assert!(!JobStatus::OnHold.is_final());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobStatus {
    /// 0: the job waits to be processed.
    Submitted,
    /// 1: the job is running.
    Processing,
    /// 3: the job completed successfully.
    Completed,
    /// 4: the job failed.
    Failed,
    /// 5: the job completed successfully for some of the records; it has an output file.
    PartialSuccess,
    /// 6: the job is on hold until a user releases it.
    OnHold,
    /// 7: a user cancelled the job.
    Cancelled,
    /// 8: the job was cancelled because the server restarted.
    CancelledServiceRestarted,
    /// 9: the job took too long and was aborted.
    AbortedTooMuchTimeConsumed,
    /// 10: a user cancelled the job while it was running.
    CancelledWhileRunning,
    /// A status that this version does not know, as the server sent it.
    Other(String),
}

impl JobStatus {
    /// The known statuses, with the server's number and name.
    const KNOWN: [(i32, &'static str, Self); 10] = [
        (0, "Submitted", Self::Submitted),
        (1, "Processing", Self::Processing),
        (3, "Completed", Self::Completed),
        (4, "Failed", Self::Failed),
        (5, "PartialSuccess", Self::PartialSuccess),
        (6, "OnHold", Self::OnHold),
        (7, "Cancelled", Self::Cancelled),
        (
            8,
            "Cancelled_Service_Restarted",
            Self::CancelledServiceRestarted,
        ),
        (
            9,
            "Aborted_Too_Much_Time_Consumed",
            Self::AbortedTooMuchTimeConsumed,
        ),
        (10, "Cancelled_While_Running", Self::CancelledWhileRunning),
    ];

    /// Returns the server's number of the status. `None` for a status that this version does
    /// not know and that the server sent by name.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::JobStatus;
    ///
    /// assert_eq!(JobStatus::Completed.number(), Some(3));
    /// assert_eq!(JobStatus::Other("Paused".to_owned()).number(), None);
    /// ```
    pub fn number(&self) -> Option<i32> {
        match self {
            Self::Other(text) => text.parse().ok(),
            known => Some(known.entry()?.0),
        }
    }

    /// Returns the server's name of the status. For a status that this version does not know,
    /// returns what the server sent.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::JobStatus;
    ///
    /// assert_eq!(JobStatus::CancelledWhileRunning.name(), "Cancelled_While_Running");
    /// assert_eq!(JobStatus::Other("Paused".to_owned()).name(), "Paused");
    /// ```
    pub fn name(&self) -> &str {
        match self {
            Self::Other(text) => text,
            known => known.entry().map_or("", |entry| entry.1),
        }
    }

    /// Returns whether the job has ended, successfully or not. A status that this version does
    /// not know counts as not ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::JobStatus;
    ///
    /// assert!(JobStatus::Failed.is_final());
    /// assert!(!JobStatus::Processing.is_final());
    /// ```
    pub fn is_final(&self) -> bool {
        !matches!(
            self,
            Self::Submitted | Self::Processing | Self::OnHold | Self::Other(_)
        )
    }

    /// Returns whether the job has ended successfully, at least for some of its records.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::JobStatus;
    ///
    /// assert!(JobStatus::PartialSuccess.is_success());
    /// assert!(!JobStatus::Failed.is_success());
    /// ```
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Completed | Self::PartialSuccess)
    }

    fn entry(&self) -> Option<&'static (i32, &'static str, Self)> {
        static KNOWN: [(i32, &str, JobStatus); 10] = JobStatus::KNOWN;
        KNOWN.iter().find(|entry| entry.2 == *self)
    }

    /// Reads a status from a number or a name. Case, spaces and underscores do not matter.
    pub(super) fn from_json(value: Value, redactor: &Redactor) -> Self {
        let text = value.string(MAX_TEXT_READ);
        let text = text.as_deref().unwrap_or(beginning(value.raw())).trim();
        let bare = |name: &str| name.replace(['_', ' '], "").to_ascii_lowercase();
        let name_sent = bare(text);
        let found = Self::KNOWN.into_iter().find(|(number, name, _)| {
            value.integer() == Some((*number).into()) || name_sent == bare(name)
        });
        match found {
            Some((_, _, status)) => status,
            None => Self::Other(redactor.one_line(text, MAX_STATUS)),
        }
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_status_has_servers_number_and_name() {
        for (number, name, status) in JobStatus::KNOWN {
            assert_eq!(status.name(), name);
            assert_eq!(status.number(), Some(number));
        }
    }
}
