//! How a client proves who it is.

use std::error::Error as StdError;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::text::Secret;

pub(crate) fn secret(text: impl Into<String>) -> Secret {
    Arc::new(Zeroizing::new(text.into()))
}

/// Returns a token. The argument says whether the server rejected the last one.
pub(crate) type TokenProvider =
    Arc<dyn Fn(bool) -> Result<String, Box<dyn StdError + Send + Sync>> + Send + Sync>;

/// How a client proves who it is.
#[derive(Clone)]
pub(crate) enum Credentials {
    Token(Secret),
    Login { user_name: String, password: Secret },
    Provider(TokenProvider),
}

impl Credentials {
    /// Returns an error if they can be seen to be unusable.
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

    /// Returns what to do if the server rejects the token.
    pub(super) fn advice(&self) -> &'static str {
        match self {
            Self::Token(_) => "the token is wrong or has expired: obtain a new one",
            Self::Provider(_) => "the token is wrong or has expired, and so is a new one",
            Self::Login { .. } => "the server rejects the token that it issued at login",
        }
    }
}

/// The maximum length of a token, in bytes: no server accepts a longer header.
pub(super) const MAX_TOKEN: usize = 64 * 1024;

/// Checks that a token fits a header (RFC 6750 section 2.1) and stands alone.
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
        "the token contains whitespace or another character that tokens do not have: \
         pass the token alone, without \"Bearer\""
            .into(),
    )
}
