//! Finds the id in a link to a job.

/// Returns the digits of the id in `text` if there is exactly one id.
pub(super) fn digits_of(text: &str) -> Option<&str> {
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
    let is_job_path = segments.any(|segment| {
        segment.eq_ignore_ascii_case("QueuedJobs") || segment.eq_ignore_ascii_case("queued-jobs")
    });
    (is_job_path && is_digits(last)).then_some(last)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
