//! Where the bearer token comes from: the caller, the caller's callback, or a login.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::cancel::Watch;
use crate::error::About;
use crate::session::reentry::ActiveCall;
use crate::single_flight::SingleFlight;
use crate::text::{Redactor, Secret};
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
    cached: SingleFlight<CachedToken>,
    /// The last tokens that were used: a server may repeat one that is no longer valid.
    used: Mutex<VecDeque<Secret>>,
}

/// How many tokens are kept to be redacted.
const MAX_USED: usize = 8;

#[derive(Clone)]
pub(crate) struct CachedToken {
    pub(crate) token: Secret,
    /// When to stop using it, where the server said how long it is valid.
    expires_at: Option<Instant>,
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
            cached: SingleFlight::new(),
            used: Mutex::default(),
        })
    }

    /// Returns the token to use; `None` where the one that was refused is all there is.
    /// `login` sends the body of a login and returns that of its response.
    pub(crate) fn get(
        &self,
        refused: Option<&Secret>,
        call: &Arc<ActiveCall>,
        watch: &Watch,
        login: impl FnOnce(&[u8]) -> Result<Zeroizing<Vec<u8>>, Error>,
    ) -> Result<Option<Secret>, Error> {
        match &self.credentials {
            Credentials::Token(_) if refused.is_some() => Ok(None),
            Credentials::Token(token) => Ok(Some(token.clone())),
            Credentials::Source(source) => {
                if call.is_within_token_callback() {
                    return Err(Error::InvalidArgument(
                        "the token callback made a call with the client that asks it for the \
                         token: make it with another client"
                            .into(),
                    ));
                }
                let token = call.ask_for_token(|| source(refused.is_some()));
                let token = token.map_err(|error| Error::NoToken {
                    about: About::default(),
                    message: format!("no token was given: {error}"),
                })?;
                let token = secret(Zeroizing::new(token).trim());
                check(&token).map_err(|message| Error::NoToken {
                    about: About::default(),
                    message,
                })?;
                self.note(&token);
                Ok(Some(token).filter(|token| refused != Some(token)))
            }
            Credentials::Login { user, password } => {
                let is_valid = |cached: &CachedToken| {
                    let is_in_time = cached.expires_at.is_none_or(|end| Instant::now() < end);
                    is_in_time
                        && !refused.is_some_and(|refused| Arc::ptr_eq(refused, &cached.token))
                };
                let make = || {
                    let cached = read_token(&login(&login_body(user, password)?)?)?;
                    self.note(&cached.token);
                    Ok(cached)
                };
                let cached = self.cached.get(call, watch, is_valid, make)?;
                Ok(Some(cached.token))
            }
        }
    }

    /// Adds all that must not be shown.
    pub(crate) fn add_secrets(&self, redactor: &mut Redactor) {
        match &self.credentials {
            Credentials::Token(token) => redactor.add(token, "[token]"),
            Credentials::Login { password, .. } => redactor.add(password, "[password]"),
            Credentials::Source(_) => {}
        }
        for token in self.lock().iter() {
            redactor.add(token, "[token]");
        }
    }

    fn note(&self, token: &Secret) {
        let mut used = self.lock();
        if !used.contains(token) {
            if used.len() == MAX_USED {
                used.pop_front();
            }
            used.push_back(token.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Secret>> {
        // Nothing that can panic leaves it half changed.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Returns the body of a login, in one allocation that is wiped.
fn login_body(user: &str, password: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let failed = |error| Error::Internal(format!("the login could not be written: {error}"));
    // A character takes six bytes at most, as an escape.
    let length = 64 + 6 * (user.len() + password.len());
    let mut body = Zeroizing::new(Vec::with_capacity(length));
    body.extend_from_slice(b"{\"Username\":");
    serde_json::to_writer(&mut *body, user).map_err(failed)?;
    body.extend_from_slice(b",\"Password\":");
    serde_json::to_writer(&mut *body, password).map_err(failed)?;
    body.push(b'}');
    Ok(body)
}

/// How long before its end a token is no longer used, at most: clocks and
/// calls take their time.
const MARGIN: Duration = Duration::from_secs(60);

/// The maximum length of a token, in bytes: no server takes a longer header.
const MAX_TOKEN: usize = 64 * 1024;

/// Reads the answer to a login. What it holds is never shown.
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
    Ok(CachedToken {
        token,
        expires_at: until,
    })
}

/// A number, with or without a fraction, or a number as text. Nonsense is as
/// if nothing were said: the server will refuse the token when it is over.
fn seconds(value: json::Value) -> Option<Duration> {
    let lifetime = Duration::try_from_secs_f64(value.number()?).ok();
    lifetime.filter(|lifetime| !lifetime.is_zero())
}

/// The header that carries a token. It is wiped when its last copy is dropped; copies share
/// its memory.
pub(crate) fn authorization(token: &Secret) -> Result<HeaderValue, Error> {
    let text = Zeroizing::new([b"Bearer ", token.as_bytes()].concat());
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text))
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
    if token.len() > MAX_TOKEN {
        return Err(format!("the token is longer than {} KiB", MAX_TOKEN / 1024));
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
        let until = kept.expires_at?;
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
