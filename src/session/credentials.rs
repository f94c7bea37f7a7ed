//! The credentials of a client.

use std::error::Error as StdError;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::text::Secret;

/// Returns text that is wiped when its last copy is dropped.
pub(crate) fn secret(text: impl Into<String>) -> Secret {
    Arc::new(Zeroizing::new(text.into()))
}

/// A function that returns a token. Its argument is whether the server rejected the last one.
pub(crate) type TokenProvider =
    Arc<dyn Fn(bool) -> Result<String, Box<dyn StdError + Send + Sync>> + Send + Sync>;

/// The credentials of a client.
#[derive(Clone)]
pub(crate) enum Credentials {
    Token(Secret),
    Login { user_name: String, password: Secret },
    Provider(TokenProvider),
}

impl Credentials {
    /// Returns an error if the credentials cannot be valid.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Token(token) => check_token(token).map_err(Error::invalid_argument),
            Self::Login {
                user_name,
                password,
            } if user_name.is_empty() || password.is_empty() => {
                let message = "the user name or the password is empty";
                Err(Error::invalid_argument(message))
            }
            Self::Login { .. } | Self::Provider(_) => Ok(()),
        }
    }

    /// Returns the advice for a token that the server rejects.
    pub(super) fn advice(&self) -> &'static str {
        match self {
            Self::Token(_) => "the token is wrong or has expired: obtain a new one",
            Self::Provider(_) => "the server also rejects a new token of the token provider",
            Self::Login { .. } => "the server rejects the token that it issued at login",
        }
    }
}

/// The maximum length of a token, in bytes. No server accepts a longer header.
pub(super) const MAX_TOKEN: usize = 64 * 1024;

/// Returns an error if a token is not valid in a header (RFC 6750 section 2.1).
pub(super) fn check_token(token: &str) -> Result<(), String> {
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
        "the token contains whitespace or another invalid character: pass the token alone, \
         without \"Bearer\""
            .into(),
    )
}
