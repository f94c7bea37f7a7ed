//! Where the bearer token comes from: the caller, the caller's callback, or a login.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderValue;

use zeroize::Zeroizing;

use crate::cancel::Watch;
use crate::error::About;
use crate::single_flight::SingleFlight;
use crate::text::Secret;
use crate::{Error, json, server_message};

pub(crate) fn secret(text: impl Into<String>) -> Secret {
    Arc::new(Zeroizing::new(text.into()))
}

/// Gives a token. Is told whether the last one was refused by the server.
pub(crate) type TokenSource =
    Arc<dyn Fn(bool) -> Result<String, Box<dyn std::error::Error + Send + Sync>> + Send + Sync>;

/// How this client shows who it is.
#[derive(Clone)]
pub(crate) enum Credentials {
    Token(Secret),
    Login { user: String, password: Secret },
    Source(TokenSource),
}

/// The credentials at work.
pub(crate) struct Tokens {
    credentials: Credentials,
    /// The token of the last login.
    kept: SingleFlight<Kept>,
}

#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) token: Secret,
    /// Until when to use it, where the server said how long it is valid.
    until: Option<Instant>,
}

impl Tokens {
    pub(crate) fn new(credentials: Credentials) -> Result<Self, Error> {
        match &credentials {
            Credentials::Token(token) => check(token).map_err(Error::InvalidArgument)?,
            Credentials::Login { user, password } if user.is_empty() || password.is_empty() => {
                let message = "the user name or the password is empty".to_owned();
                return Err(Error::InvalidArgument(message));
            }
            Credentials::Login { .. } | Credentials::Source(_) => {}
        }
        Ok(Self {
            credentials,
            kept: SingleFlight::new(),
        })
    }

    /// The token to use; `None` where the one that was refused is all there
    /// is. `login` sends the login's body and gives the answer's.
    pub(crate) fn get(
        &self,
        refused: Option<&Secret>,
        watch: &Watch,
        login: impl FnOnce(&[u8]) -> Result<Vec<u8>, Error>,
    ) -> Result<Option<Secret>, Error> {
        match &self.credentials {
            Credentials::Token(_) if refused.is_some() => Ok(None),
            Credentials::Token(token) => Ok(Some(token.clone())),
            Credentials::Source(source) => {
                let token = source(refused.is_some()).map_err(|error| Error::NoToken {
                    about: About::default(),
                    message: format!("no token was given: {error}"),
                    source: Some(error.into()),
                })?;
                let token = secret(token.trim());
                check(&token).map_err(|message| Error::NoToken {
                    about: About::default(),
                    message,
                    source: None,
                })?;
                Ok(Some(token).filter(|token| refused != Some(token)))
            }
            Credentials::Login { user, password } => {
                let is_good = |kept: &Kept| {
                    let is_in_time = kept.until.is_none_or(|until| Instant::now() < until);
                    is_in_time && !refused.is_some_and(|refused| Arc::ptr_eq(refused, &kept.token))
                };
                let make = || {
                    let body =
                        serde_json::json!({"Username": user, "Password": **password.as_ref()});
                    let body = Zeroizing::new(body.to_string());
                    read_token(&Zeroizing::new(login(body.as_bytes())?))
                };
                Ok(Some(self.kept.get(watch, is_good, make)?.token))
            }
        }
    }

    /// Returns the password, which must not be shown.
    pub(crate) fn password(&self) -> Option<&Secret> {
        match &self.credentials {
            Credentials::Login { password, .. } => Some(password),
            _ => None,
        }
    }

    /// What to do where the server refuses the token.
    pub(crate) fn advice(&self) -> &'static str {
        match self.credentials {
            Credentials::Token(_) => "the token is wrong or has expired: get a new one",
            Credentials::Source(_) => "the token is wrong or has expired, and so is a new one",
            Credentials::Login { .. } => "the server refuses the token that it gave at login",
        }
    }
}

/// How long before its end a token is no longer used, at most: clocks and
/// calls take their time.
const MARGIN: Duration = Duration::from_secs(60);

/// The maximum length of a token in a response, in bytes: no server takes a longer header.
const MAX_TOKEN: usize = 64 * 1024;

/// Reads the answer to a login. What it holds is never shown.
pub(crate) fn read_token(body: &[u8]) -> Result<Kept, Error> {
    let start = Instant::now();
    let text = json::text(body);
    let fields = json::fields(&text, ["access_token", "expires_in"]);
    let [token, expires_in] = fields.unwrap_or_default();
    let token = token.and_then(|token| Some(secret(token.string(MAX_TOKEN)?)));
    let lifetime = expires_in.and_then(seconds);
    if let Cow::Owned(text) = text {
        drop(Zeroizing::new(text));
    }
    let Some(token) = token.filter(|token| check(token).is_ok()) else {
        let hint = match server_message::is_web_page(body) {
            true => ": it is a web page",
            false => "",
        };
        return Err(Error::MalformedBody {
            about: About::default(),
            offset: None,
            message: format!("the server's response to the login holds no usable token{hint}"),
        });
    };
    let until = lifetime.and_then(|lifetime| {
        let margin = MARGIN.min(lifetime / 10);
        start.checked_add(lifetime.checked_sub(margin)?)
    });
    Ok(Kept { token, until })
}

/// A number, with or without a fraction, or a number as text. Nonsense is as
/// if nothing were said: the server will refuse the token when it is over.
fn seconds(value: json::Value) -> Option<Duration> {
    let lifetime = Duration::try_from_secs_f64(value.number()?).ok();
    lifetime.filter(|lifetime| !lifetime.is_zero())
}

/// The header that carries a token.
pub(crate) fn authorization(token: &Secret) -> Result<HeaderValue, Error> {
    let text = Zeroizing::new(format!("Bearer {}", token.as_str()));
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| Error::Internal("the token was checked, yet is no header".into()))?;
    // Keeps it out of debug output.
    value.set_sensitive(true);
    Ok(value)
}

/// A token must fit a header (RFC 6750 section 2.1) and be alone.
fn check(token: &str) -> Result<(), String> {
    if token.is_empty() {
        return Err("the token is empty".into());
    }
    if token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(
        "the token holds a blank or another character that no token has; \
         give the token alone, without \"Bearer\""
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime(expires_in: &str) -> Option<f64> {
        let body = format!(r#"{{"access_token": "abc"{expires_in}}}"#);
        let kept = read_token(body.as_bytes()).unwrap();
        assert_eq!(kept.token.as_str(), "abc");
        let until = kept.until?;
        Some((until - Instant::now()).as_secs_f64().round())
    }

    #[test]
    fn a_token_is_used_until_shortly_before_its_end() {
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
    fn an_answer_without_a_token_shows_nothing_of_itself() {
        for body in [
            "",
            "null",
            "{}",
            r#"{"access_token": null, "refresh": "hunter2"}"#,
            r#"{"access_token": "hunter2 and a blank"}"#,
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
