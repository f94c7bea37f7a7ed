//! The bearer token in use: the caller's, the token provider's, or that of a login.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderValue;
use zeroize::Zeroizing;

use super::credentials::{Credentials, check_token, secret};
use super::login::{login_body, read_token};
use super::reentry::ActiveCall;
use super::single_flight::SingleFlight;
use crate::cancel::Cancellation;
use crate::error::Error;
use crate::text::{Redactor, Secret};

/// The tokens of a client.
pub(crate) struct TokenCache {
    credentials: Credentials,
    /// The token of the last login.
    cached: SingleFlight<CachedToken>,
    /// The most recently used tokens: a server may repeat one that is no longer valid.
    used: Mutex<VecDeque<Secret>>,
}

/// The maximum number of used tokens that are redacted.
const MAX_USED: usize = 8;

/// The token of a login.
#[derive(Clone)]
pub(crate) struct CachedToken {
    pub(crate) token: Secret,
    /// When to stop using the token, if the server says how long it is valid.
    pub(super) expires_at: Option<Instant>,
}

impl CachedToken {
    fn is_valid(&self, rejected: Option<&Secret>) -> bool {
        let is_in_time = self.expires_at.is_none_or(|end| Instant::now() < end);
        is_in_time && !rejected.is_some_and(|rejected| Arc::ptr_eq(rejected, &self.token))
    }
}

impl TokenCache {
    pub(crate) fn new(credentials: Credentials) -> Result<Self, Error> {
        credentials.check()?;
        Ok(Self {
            credentials,
            cached: SingleFlight::new(),
            used: Mutex::default(),
        })
    }

    /// Returns the token to use. `None` if the only token is the rejected one. `login` sends the
    /// body of a login and returns the body of its response.
    pub(super) fn get(
        &self,
        rejected: Option<&Secret>,
        call: &Arc<ActiveCall>,
        cancellation: &Cancellation,
        login: impl FnOnce(&[u8]) -> Result<Zeroizing<Vec<u8>>, Error>,
    ) -> Result<Option<Secret>, Error> {
        match &self.credentials {
            Credentials::Token(_) if rejected.is_some() => Ok(None),
            Credentials::Token(token) => Ok(Some(token.clone())),
            Credentials::Provider(provider) => {
                if call.is_within_token_callback() {
                    return Err(Error::invalid_argument(
                        "the token provider made a call with the client that needs its token: \
                         make that call with another client",
                    ));
                }
                let token = call.run_token_callback(|| provider(rejected.is_some()));
                let token = token.map_err(|error| {
                    Error::no_token(format!("the token provider returned no token: {error}"))
                })?;
                let token = secret(Zeroizing::new(token).trim());
                check_token(&token).map_err(Error::no_token)?;
                self.note(&token);
                Ok(Some(token).filter(|token| rejected != Some(token)))
            }
            Credentials::Login {
                user_name,
                password,
            } => {
                let log_in = || {
                    let cached = read_token(&login(&login_body(user_name, password)?)?)?;
                    self.note(&cached.token);
                    Ok(cached)
                };
                let is_valid = |cached: &CachedToken| cached.is_valid(rejected);
                let cached = self.cached.get(call, cancellation, is_valid, log_in)?;
                Ok(Some(cached.token))
            }
        }
    }

    /// Adds all secrets of the client to a redactor.
    pub(super) fn add_secrets(&self, redactor: &mut Redactor) {
        match &self.credentials {
            Credentials::Token(token) => redactor.add(token, "[token]"),
            Credentials::Login { password, .. } => redactor.add(password, "[password]"),
            Credentials::Provider(_) => {}
        }
        for token in self.lock().iter() {
            redactor.add(token, "[token]");
        }
    }

    /// Returns the advice for a token that the server rejects.
    pub(super) fn advice(&self) -> &'static str {
        self.credentials.advice()
    }

    /// Adds a token to those that are redacted.
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
        // A panic cannot leave it in an invalid state.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the header that carries a token. It is wiped when its last copy is dropped; copies
/// share its memory.
pub(super) fn authorization(token: &Secret) -> Result<HeaderValue, Error> {
    let text = Zeroizing::new([b"Bearer ", token.as_bytes()].concat());
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text))
        .map_err(|_| Error::internal("a valid token is not a valid header"))?;
    // Debug output does not show sensitive values.
    value.set_sensitive(true);
    Ok(value)
}
