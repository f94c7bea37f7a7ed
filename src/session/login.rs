//! The login: `POST /api/token` and its response.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::credentials::{MAX_TOKEN, check_token, secret};
use super::token_cache::CachedToken;
use crate::error::Error;
use crate::text::{json, server_message};

/// Returns the body of a login. It is in one allocation, which is wiped.
pub(super) fn login_body(user_name: &str, password: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let failed =
        |error| Error::internal(format_args!("cannot write the body of the login: {error}"));
    // A byte of text takes at most six bytes in JSON, as an escape.
    let length = 64 + 6 * (user_name.len() + password.len());
    let mut body = Zeroizing::new(Vec::with_capacity(length));
    body.extend_from_slice(b"{\"Username\":");
    serde_json::to_writer(&mut *body, user_name).map_err(failed)?;
    body.extend_from_slice(b",\"Password\":");
    serde_json::to_writer(&mut *body, password).map_err(failed)?;
    body.push(b'}');
    Ok(body)
}

/// The maximum time before its expiry at which a token is renewed: clocks differ, and calls take
/// time. Short lifetimes have a margin of one tenth.
const MARGIN: Duration = Duration::from_secs(60);

/// Reads the response to a login. Errors contain nothing of it.
pub(crate) fn read_token(body: &[u8]) -> Result<CachedToken, Error> {
    let start = Instant::now();
    let text = json::text(body);
    let fields = json::fields(&text, ["access_token", "expires_in"]);
    let [token, expires_in] = fields.unwrap_or_default();
    let token = token.and_then(|token| Some(secret(token.string(MAX_TOKEN)?)));
    let lifetime = expires_in.and_then(seconds);
    if let Cow::Owned(text) = text {
        drop(Zeroizing::new(text));
    }
    let Some(token) = token.filter(|token| check_token(token).is_ok()) else {
        let hint = match server_message::is_web_page(body) {
            true => ": it is a web page",
            false => "",
        };
        let message = format!("the server's response to the login contains no usable token{hint}");
        return Err(Error::malformed_body(message, None));
    };
    let expires_at = lifetime.and_then(|lifetime| {
        let margin = MARGIN.min(lifetime / 10);
        start.checked_add(lifetime.checked_sub(margin)?)
    });
    Ok(CachedToken { token, expires_at })
}

/// Returns a duration from a number of seconds, or from text that is one. An invalid value counts
/// as missing: the server will reject the token when it has expired.
fn seconds(value: json::Value) -> Option<Duration> {
    let lifetime = Duration::try_from_secs_f64(value.number()?).ok();
    lifetime.filter(|lifetime| !lifetime.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime(expires_in: &str) -> Option<f64> {
        let body = format!(r#"{{"access_token": "abc"{expires_in}}}"#);
        let cached = read_token(body.as_bytes()).unwrap();
        assert_eq!(cached.token.as_str(), "abc");
        let expires_at = cached.expires_at?;
        Some((expires_at - Instant::now()).as_secs_f64().round())
    }

    #[test]
    fn read_token_lifetime_expires_with_margin() {
        for (expires_in, seconds) in [
            (r#", "expires_in": 1800"#, Some(1740.0)),
            (r#", "expires_in": 1799.9999"#, Some(1740.0)),
            (r#", "expires_in": "3600""#, Some(3540.0)),
            (r#", "EXPIRES_IN": 100"#, Some(90.0)),
            ("", None),
            (r#", "expires_in": null"#, None),
            (r#", "expires_in": 0"#, None),
            (r#", "expires_in": -5"#, None),
            (r#", "expires_in": "soon""#, None),
            (r#", "expires_in": 1e300"#, None),
            (r#", "expires_in": "NaN""#, None),
        ] {
            assert_eq!(lifetime(expires_in), seconds, "{expires_in}");
        }
    }

    #[test]
    fn read_token_without_token_error_has_nothing_of_body() {
        for body in [
            "",
            "null",
            "{}",
            r#"{"access_token": null, "refresh": "hunter2"}"#,
            r#"{"access_token": "hunter2 and whitespace"}"#,
            r#"{"access_token": "hunter2\r\nX: y"}"#,
            "hunter2",
            "<h1>hunter2</h1>",
            r#"{"Message": "hunter2"}"#,
        ] {
            let error = read_token(body.as_bytes()).err().unwrap().to_string();
            assert!(error.contains("no usable token"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        let page = read_token(b"<h1>hunter2</h1>").err().unwrap();
        assert!(page.to_string().contains("web page"), "{page}");
    }
}
