use super::boundary::{free, new_handle, read};
use crate::CancelToken;

/// A token that cancels calls.
///
/// sco_cancel_token_new creates it, and sco_cancel_token_free frees it. Any number of
/// threads may use it at the same time. Do not use it in a signal handler: set a flag there
/// and check the flag in an interrupt callback, or cancel from a thread that waits for
/// signals with sigwait.
pub struct sco_cancel_token {
    pub(super) token: CancelToken,
}

/// Creates a cancel token that is not cancelled.
///
/// @return A new token, never NULL. Free it with sco_cancel_token_free.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn sco_cancel_token_new() -> *mut sco_cancel_token {
    new_handle(sco_cancel_token {
        token: CancelToken::new(),
    })
}

/// Cancels every call whose options have this token, now and later.
///
/// The calls return SCO_ERROR_CANCELLED within a quarter of a second, whatever they wait
/// for. A token stays cancelled.
///
/// @param cancel_token The token. NULL has no effect.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_cancel_token_cancel(cancel_token: *const sco_cancel_token) {
    // SAFETY: the header's contract.
    unsafe { read(cancel_token, (), |handle| handle.token.cancel()) };
}

/// Returns whether a token is cancelled.
///
/// @param cancel_token The token, or NULL.
/// @return 1 if the token is cancelled; 0 if not, or if cancel_token is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_cancel_token_is_cancelled(
    cancel_token: *const sco_cancel_token,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe { read(cancel_token, 0, |handle| handle.token.is_cancelled().into()) }
}

/// Frees a cancel token.
///
/// Options and calls that use the token keep what they need, but nothing can cancel them
/// any more.
///
/// @param cancel_token The token, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_cancel_token_free(cancel_token: *mut sco_cancel_token) {
    // SAFETY: the header's contract.
    unsafe { free(cancel_token) };
}
