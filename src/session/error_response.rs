//! Errors from responses: the status code, parsed fields, and the message of the body.
//!
//! This is the only place that looks at words, and only at two phrases of the server:
//! "could not find", as it says of a job that is not there or not there yet with status 500,
//! and "too many requests", as it says with status 409. They count in the message of the
//! body, before it is redacted and shortened.

use crate::Error;
use crate::error::Refusal;
use crate::json;
use crate::server_message;
use crate::session::retry::is_transient_status;
use crate::session::retry_after;
use crate::text::{MAX_MESSAGE, Redactor};

/// A response that is not what was requested.
pub(crate) struct ErrorResponse<'a> {
    pub(crate) status: u16,
    pub(crate) headers: &'a http::HeaderMap,
    pub(crate) body: &'a [u8],
    pub(crate) redactor: &'a Redactor,
    /// What to do where the token is refused.
    pub(crate) advice: &'static str,
}

impl ErrorResponse<'_> {
    /// Returns the error for a response with a status other than 200.
    pub(crate) fn into_error(self) -> Error {
        let message = server_message::dig(self.body);
        // What comes with another kind of success is likely a file, or a part of one.
        let is_success = (200..300).contains(&self.status);
        self.error_with(message.filter(|_| !is_success))
    }

    /// Returns the error for a refused login. Of the body, which may hold a token, only the
    /// values of known message keys are shown.
    pub(crate) fn into_login_error(self) -> Error {
        let is_object = json::read(self.body).is_some_and(|body| body.is_object());
        let message = server_message::dig(self.body);
        let message = message.filter(|message| is_object && !message.starts_with('{'));
        let mut error = self.error_with(message);
        // RFC 6749 section 5.2 has 400 for wrong credentials.
        if let Error::UnexpectedStatus(refusal) | Error::Authentication(refusal) = &mut error
            && matches!(refusal.status, 400 | 401)
        {
            refusal.advice = "the login failed: check the user name and the password";
            error = Error::Authentication(refusal.clone());
        }
        error
    }

    /// Returns the error where a response with status 200 reports a rate limit, in the
    /// fields that a rate limit has, instead of what was requested.
    pub(crate) fn rate_limit(self) -> Option<Error> {
        let body = json::read(self.body)?;
        let fields = body.as_object()?;
        let error = json::find(fields, "Error").and_then(|error| error.as_str());
        let is_limit = json::find(fields, "RateLimitResetTime").is_some_and(|time| !time.is_null())
            || error.is_some_and(is_rate_limit);
        let message = error.map(str::to_owned);
        is_limit.then(|| Error::RateLimited(self.refusal(message, true)))
    }

    fn error_with(&self, message: Option<String>) -> Error {
        // Of a page, or of an object without a message, no word counts.
        let has_field = !self.body.trim_ascii_start().starts_with(b"<");
        let field = message
            .as_deref()
            .filter(|text| has_field && !text.starts_with('{'));
        let text = field.unwrap_or_default();
        let is_limit = self.status == 429 || is_rate_limit(text);
        let could_not_find = matches!(self.status, 404 | 500..=599) && is_could_not_find(text);
        let mut refusal = self.refusal(message, is_limit);
        refusal.could_not_find = could_not_find && !is_limit;
        Error::from_refusal(refusal, is_limit)
    }

    fn refusal(&self, message: Option<String>, is_limit: bool) -> Refusal {
        let message = message.map(|message| self.redactor.one_line(&message, MAX_MESSAGE));
        let message = message.filter(|message| !message.is_empty());
        let mut refusal = Refusal::new(self.status, message);
        if is_limit || is_transient_status(self.status) || self.status == 500 {
            refusal.retry_after = retry_after::asked_for(self.headers, self.body);
        }
        refusal.advice = match self.status {
            401 if !is_limit => self.advice,
            403 if !is_limit => "the user lacks the permission",
            _ => "",
        };
        refusal
    }
}

fn is_rate_limit(message: &str) -> bool {
    message.to_ascii_lowercase().contains("too many requests")
}

fn is_could_not_find(message: &str) -> bool {
    message.to_ascii_lowercase().contains("could not find")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::HeaderMap;
    use zeroize::Zeroizing;

    use super::*;
    use crate::ErrorKind;

    fn error(status: u16, body: &str, secret: &str) -> Error {
        let mut redactor = Redactor::default();
        redactor.add(&Arc::new(Zeroizing::new(secret.to_owned())), "[password]");
        ErrorResponse {
            status,
            headers: &HeaderMap::new(),
            body: body.as_bytes(),
            redactor: &redactor,
            advice: "",
        }
        .into_error()
    }

    #[test]
    fn error_kind_comes_from_status_and_two_phrases() {
        for (status, body, kind, is_not_yet) in [
            (
                500,
                r#"{"ExceptionMessage": "Could not find record 5!"}"#,
                ErrorKind::Server,
                true,
            ),
            (404, "Could not find it", ErrorKind::NotFound, true),
            (400, "could not find", ErrorKind::UnexpectedStatus, false),
            (500, "oops", ErrorKind::Server, false),
            (
                409,
                r#"{"Error": "Too many requests."}"#,
                ErrorKind::RateLimited,
                false,
            ),
            (429, "", ErrorKind::RateLimited, false),
            (
                500,
                r#"{"Stack": "Too many requests"}"#,
                ErrorKind::Server,
                false,
            ),
            (503, "<h1>Too many requests</h1>", ErrorKind::Server, false),
            (409, "conflict", ErrorKind::UnexpectedStatus, false),
        ] {
            // A secret that is part of the phrase changes nothing.
            for secret in ["hunter2", "find", "many", "could"] {
                let error = error(status, body, secret);
                assert_eq!(error.kind(), kind, "{status} {body} {secret}");
                assert_eq!(error.is_not_yet(), is_not_yet, "{status} {body} {secret}");
                assert!(!error.to_string().contains("hunter2"));
            }
        }
    }
}
