//! Errors from responses: the status code, parsed fields, and the message of the body.
//!
//! This is the only place that decides by text, and only by two phrases of the server: "could not
//! find", sent with status 500 for a job that does not exist (yet), and "too many requests", sent
//! with status 409. They are looked for in the body's message, before it is redacted and
//! shortened.

use zeroize::Zeroizing;

use super::retry_after;
use crate::error::{Error, ErrorKind, ErrorResponse};
use crate::text::{MAX_MESSAGE, Redactor, json, server_message};

/// A response that is not what was requested, as it arrived.
pub(super) struct RawErrorResponse<'a> {
    pub(super) status: u16,
    pub(super) headers: &'a http::HeaderMap,
    pub(super) body: &'a [u8],
    pub(super) redactor: &'a Redactor,
    /// The advice for a rejected token.
    pub(super) advice: &'static str,
}

impl RawErrorResponse<'_> {
    /// Returns the error for a response with a status other than 200.
    pub(super) fn into_error(self) -> Error {
        let message = match self.status {
            // Another successful status likely has a file, or a part of one, as its body.
            200..300 => server_message::known_message(self.body),
            _ => server_message::extract_message(self.body),
        };
        Error::from_response(self.parse(message.map(Zeroizing::new)))
    }

    /// Returns the error for a rejected login. Of the body, which may contain a token, only
    /// the values of known message keys are shown.
    pub(super) fn into_login_error(self) -> Error {
        let message = server_message::known_message(self.body);
        let mut response = self.parse(message.map(Zeroizing::new));
        // RFC 6749 section 5.2 uses 400 for wrong credentials.
        if matches!(response.status, 400 | 401) && !response.is_rate_limit {
            response.advice = "the login failed: check the user name and the password";
            return Error::from_response_as(ErrorKind::Authentication, response);
        }
        Error::from_response(response)
    }

    /// Returns the error if a response with status 200 reports a rate limit, in the fields of a
    /// rate limit, instead of what was requested.
    pub(super) fn rate_limit(self) -> Option<Error> {
        let text = json::text(self.body);
        let [error, reset] = json::fields(&text, ["Error", "RateLimitResetTime"])?;
        let message = error.and_then(|error| error.string(MAX_MESSAGE));
        let is_limit = reset.is_some_and(json::Value::is_string)
            || message.as_deref().is_some_and(is_rate_limit);
        let message = message.map(Zeroizing::new);
        is_limit.then(|| Error::from_response(self.response(message, true)))
    }

    fn parse(&self, message: Option<Zeroizing<String>>) -> ErrorResponse {
        let field = Zeroizing::new(self.message_field().unwrap_or_default());
        let is_limit = self.status == 429 || is_rate_limit(&field);
        let could_not_find = matches!(self.status, 404 | 500..=599) && is_could_not_find(&field);
        let mut response = self.response(message, is_limit);
        response.could_not_find = could_not_find && !is_limit;
        response
    }

    /// Returns the text in which the phrases are looked for: the message of a JSON object, or a
    /// body that is plain text. `None` for pages, arrays and objects without a message.
    fn message_field(&self) -> Option<String> {
        match self.body.trim_ascii_start().first() {
            Some(b'{') => server_message::known_message(self.body),
            Some(b'<' | b'[') => None,
            _ => server_message::extract_message(self.body),
        }
    }

    /// Returns the parsed response, with the message redacted and shortened.
    fn response(&self, message: Option<Zeroizing<String>>, is_rate_limit: bool) -> ErrorResponse {
        let mut response = ErrorResponse::new(self.status, None);
        response.is_rate_limit = is_rate_limit;
        let message = message.map(|message| self.redactor.one_line(&message, MAX_MESSAGE));
        // Pages repeat their status in the title, the heading and the text.
        let title = response.status_text();
        let message = message.map(|message| {
            let mut rest = message.as_str();
            while let Some(after) = rest.strip_prefix(&title) {
                rest = after.trim_start();
            }
            rest.to_owned()
        });
        response.message = message.filter(|message| !message.is_empty());
        if response.is_transient() || self.status == 500 {
            response.retry_after = retry_after::requested_wait(self.headers, self.body);
        }
        response.advice = match self.status {
            401 if !is_rate_limit => self.advice,
            403 if !is_rate_limit => "the user lacks the permission",
            _ => "",
        };
        response
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

    use super::*;

    fn error(status: u16, body: &str, secret: &str) -> Error {
        let mut redactor = Redactor::default();
        redactor.add(&Arc::new(Zeroizing::new(secret.to_owned())), "[password]");
        RawErrorResponse {
            status,
            headers: &HeaderMap::new(),
            body: body.as_bytes(),
            redactor: &redactor,
            advice: "",
        }
        .into_error()
    }

    #[test]
    fn into_error_status_and_phrases_decide_kind() {
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
            // A secret that is part of a phrase does not hide the phrase.
            for secret in ["hunter2", "find", "many", "could"] {
                let error = error(status, body, secret);
                assert_eq!(error.kind(), kind, "{status} {body} {secret}");
                assert_eq!(error.is_not_yet(), is_not_yet, "{status} {body} {secret}");
                assert!(!error.to_string().contains("hunter2"));
            }
        }
    }
}
