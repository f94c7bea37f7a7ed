//! When to try again, and when not before.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

use crate::{Error, server_message};

/// How often and after which waits a request is tried again.
///
/// Tried again are lost connections and silence, the statuses 408, 502, 503 and
/// 504, and rate limiting; never 400, 401, 403, 404 or 500. The wait before
/// attempt n + 1 is chosen at random between nothing and `base` doubled n - 1
/// times, at most `longest`; where the server says how long to wait, that is
/// added. A wait that does not fit into the call's time is not begun: the error
/// comes at once, and says how long the wait would have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How many times to try, the first one counted; 5 unless set. 0 is taken as 1.
    pub attempts: u32,
    /// The longest wait before the second attempt; one second unless set.
    pub base: Duration,
    /// The longest wait before any later attempt; 30 seconds unless set.
    pub longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 5,
            base: Duration::from_secs(1),
            longest: Duration::from_secs(30),
        }
    }
}

impl Retry {
    /// One attempt only.
    pub fn never() -> Self {
        Self {
            attempts: 1,
            ..Self::default()
        }
    }

    /// As often as `attempts` says, the first one counted.
    pub fn attempts(attempts: u32) -> Self {
        Self {
            attempts,
            ..Self::default()
        }
    }

    /// The wait after attempt `attempt` (the first is 1), which failed with
    /// `error`; `None` where there is no next one.
    pub(crate) fn wait(&self, error: &Error, attempt: u32) -> Option<Duration> {
        if attempt >= self.attempts || !error.retry_may_help() {
            return None;
        }
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let longest = self.base.saturating_mul(doubled).min(self.longest);
        let wait = longest.mul_f64(fastrand::f64());
        Some(wait.saturating_add(error.retry_after().unwrap_or_default()))
    }
}

/// How long the server asks to wait: by `Retry-After` (RFC 9110 section
/// 10.2.3), else by the `RateLimitResetTime` of the body.
pub(crate) fn asked_for(headers: &HeaderMap, body: &[u8]) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    // The server's own clock is the one that its times are in.
    let now = text(DATE)
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .unwrap_or_else(SystemTime::now);
    let until = |time: SystemTime| time.duration_since(now).unwrap_or_default();
    let wait = match text(RETRY_AFTER) {
        Some(seconds) if !seconds.is_empty() && seconds.bytes().all(|b| b.is_ascii_digit()) => {
            // More digits than fit are a very long time.
            Some(Duration::from_secs(seconds.parse().unwrap_or(u64::MAX)))
        }
        Some(date) => httpdate::parse_http_date(date).ok().map(until),
        None => None,
    };
    wait.or_else(|| reset_time(body).map(until))
}

fn reset_time(body: &[u8]) -> Option<SystemTime> {
    let time = server_message::rate_limit_reset(body)?;
    let time = time.trim();
    // Weak: .NET leaves the zone out where it was not told it; it is UTC.
    humantime::parse_rfc3339_weak(time.strip_suffix("+00:00").unwrap_or(time)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Refusal;

    fn refused(status: u16) -> Error {
        Error::from_refusal(Refusal::new(status, None), false)
    }

    #[test]
    fn only_what_passes_is_tried_again() {
        let retry = Retry::default();
        for status in [408, 429, 502, 503, 504] {
            assert!(retry.wait(&refused(status), 1).is_some(), "{status}");
        }
        for status in [301, 400, 401, 403, 404, 409, 500, 501] {
            assert_eq!(retry.wait(&refused(status), 1), None, "{status}");
        }
        let limited = Error::from_refusal(Refusal::new(409, None), true);
        assert!(retry.wait(&limited, 1).is_some());
    }

    #[test]
    fn the_wait_is_random_and_doubles_up_to_the_longest() {
        let retry = Retry {
            attempts: 100,
            ..Retry::default()
        };
        for (attempt, longest) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (40, 30), (99, 30)] {
            let waits: Vec<Duration> = (0..2000)
                .map(|_| retry.wait(&refused(503), attempt).unwrap())
                .collect();
            let longest = Duration::from_secs(longest);
            assert!(waits.iter().all(|wait| *wait <= longest), "{attempt}");
            // The chance that 2000 waits all miss a tenth of the range is nil.
            assert!(waits.iter().any(|wait| *wait < longest / 10), "{attempt}");
            assert!(waits.iter().any(|wait| *wait > longest / 10 * 9));
        }
        assert_eq!(retry.wait(&refused(503), 100), None);
        assert_eq!(Retry::never().wait(&refused(503), 1), None);
    }

    #[test]
    fn what_the_server_asks_for_is_waited_for() {
        let mut refusal = Refusal::new(429, None);
        refusal.retry_after = Some(Duration::from_secs(120));
        let wait = Retry::default().wait(&Error::RateLimited(refusal), 1);
        let range = Duration::from_secs(120)..Duration::from_secs(122);
        assert!(range.contains(&wait.unwrap()));
    }

    #[test]
    fn every_way_to_say_when_is_understood() {
        const DATE_NOW: &str = "Fri, 14 Jan 2022 09:38:00 GMT";
        let asked = |retry_after: &str, body: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(DATE, DATE_NOW.parse().unwrap());
            if !retry_after.is_empty() {
                headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
            }
            asked_for(&headers, body.as_bytes()).map(|wait| wait.as_secs_f64())
        };
        let reset = r#"{"Error": "Too many requests.", "RateLimitResetTime": "2022-01-14T09:38:49.9856571Z"}"#;
        for (retry_after, body, seconds) in [
            ("", "", None),
            ("7", "", Some(7.0)),
            (" 0 ", reset, Some(0.0)),
            ("Fri, 14 Jan 2022 09:38:30 GMT", reset, Some(30.0)),
            ("Friday, 14-Jan-22 09:38:30 GMT", "", Some(30.0)),
            ("Fri Jan 14 09:38:30 2022", "", Some(30.0)),
            ("Fri, 14 Jan 2022 09:00:00 GMT", "", Some(0.0)),
            ("soon", "", None),
            ("-5", "", None),
            ("soon", reset, Some(49.985_657_1)),
            ("", reset, Some(49.985_657_1)),
            (
                "",
                r#"{"ratelimitresettime": "2022-01-14T09:38:10"}"#,
                Some(10.0),
            ),
            (
                "",
                r#"{"RateLimitResetTime": "2022-01-14T09:38:10.5+00:00"}"#,
                Some(10.5),
            ),
            ("", r#"{"RateLimitResetTime": null}"#, None),
            ("", r#"{"RateLimitResetTime": "tomorrow"}"#, None),
            ("", r#"["RateLimitResetTime"]"#, None),
        ] {
            assert_eq!(asked(retry_after, body), seconds, "{retry_after:?} {body}");
        }
        assert!(asked("99999999999999999999999", "").unwrap() > 1e18);
    }

    #[test]
    fn without_a_date_the_own_clock_counts() {
        let time = SystemTime::now() + Duration::from_secs(100);
        let body = format!(
            r#"{{"RateLimitResetTime": "{}"}}"#,
            humantime::format_rfc3339_nanos(time)
        );
        let wait = asked_for(&HeaderMap::new(), body.as_bytes()).unwrap();
        assert!((Duration::from_secs(60)..=Duration::from_secs(100)).contains(&wait));
    }
}
