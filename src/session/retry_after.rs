//! The time that a server specifies to wait before the next request.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

use crate::text::server_message;

/// Returns how long to wait before the next request: by `Retry-After` (RFC 9110 section 10.2.3),
/// else by the `RateLimitResetTime` in the body. `None` if the server names no time.
pub(crate) fn requested_wait(headers: &HeaderMap, body: &[u8]) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    // The server's times are by its own clock.
    let now = text(DATE)
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .unwrap_or_else(SystemTime::now);
    let until = |time: SystemTime| time.duration_since(now).unwrap_or_default();
    let wait = match text(RETRY_AFTER) {
        Some(seconds) if !seconds.is_empty() && seconds.bytes().all(|b| b.is_ascii_digit()) => {
            // A number that does not fit counts as the maximum.
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
    // The "weak" format may lack the time zone, which .NET leaves out if it is unspecified. It is
    // UTC.
    humantime::parse_rfc3339_weak(time.strip_suffix("+00:00").unwrap_or(time)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requested_wait_every_form_gives_seconds() {
        const DATE_NOW: &str = "Fri, 14 Jan 2022 09:38:00 GMT";
        let wait_seconds = |retry_after: &str, body: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(DATE, DATE_NOW.parse().unwrap());
            if !retry_after.is_empty() {
                headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
            }
            requested_wait(&headers, body.as_bytes()).map(|wait| wait.as_secs_f64())
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
            assert_eq!(
                wait_seconds(retry_after, body),
                seconds,
                "{retry_after:?} {body}"
            );
        }
        assert!(wait_seconds("99999999999999999999999", "").unwrap() > 1e18);
    }

    #[test]
    fn requested_wait_without_date_uses_local_clock() {
        let time = SystemTime::now() + Duration::from_secs(100);
        let body = format!(
            r#"{{"RateLimitResetTime": "{}"}}"#,
            humantime::format_rfc3339_nanos(time)
        );
        let wait = requested_wait(&HeaderMap::new(), body.as_bytes()).unwrap();
        assert!((Duration::from_secs(60)..=Duration::from_secs(100)).contains(&wait));
    }
}
