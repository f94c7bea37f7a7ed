//! Properties of the parsers of logins and rate limits that hold for every input.

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};

use super::login::read_token;
use super::token_cache::authorization;
use super::{RetryPolicy, retry_after};
use crate::error::{Error, ErrorKind, ErrorResponse};

/// Checks that any time that the server specifies allows a retry; panics if it does not. The input
/// has a Retry-After header, a Date header and a body, each on its own line.
pub(crate) fn check_rate_limit(input: &[u8]) {
    let mut lines = input.splitn(3, |&byte| byte == b'\n');
    let mut next = || lines.next().unwrap_or_default();
    requested_wait_allows_retry(next(), next(), next());
}

fn requested_wait_allows_retry(retry_after: &[u8], date: &[u8], body: &[u8]) {
    let mut headers = HeaderMap::new();
    for (name, value) in [(RETRY_AFTER, retry_after), (DATE, date)] {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(name, value);
        }
    }
    let mut response = ErrorResponse::new(429, None);
    response.retry_after = retry_after::requested_wait(&headers, body);
    if let Some(seconds) = std::str::from_utf8(retry_after).ok()
        && seconds.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(seconds) = seconds.parse()
    {
        let wait = response.retry_after.map(|wait| wait.as_secs());
        assert_eq!(wait, Some(seconds));
    }
    let error = Error::from_response(response);
    assert!(
        RetryPolicy::default().backoff(&error, 1).is_some(),
        "{error}"
    );
}

/// Checks that the response to a login gives a token that can be sent, or an error that contains
/// nothing of it; panics otherwise.
pub(crate) fn check_login(body: &[u8]) {
    match read_token(body) {
        Ok(cached) => {
            let header = authorization(&cached.token).unwrap();
            let sent = header.as_bytes().strip_prefix(b"Bearer ").unwrap();
            assert!(!sent.is_empty() && sent.iter().all(u8::is_ascii_graphic));
            let text = String::from_utf8_lossy(body);
            assert!(cached.token.len() < text.len());
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::MalformedBody);
            // The error must contain nothing of the body, which may contain a token.
            let message = error.to_string();
            let message = message
                .strip_suffix(": it is a web page")
                .unwrap_or(&message);
            assert_eq!(
                message,
                "the server's response to the login contains no usable token"
            );
        }
    }
}
