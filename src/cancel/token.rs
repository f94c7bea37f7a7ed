//! The token that cancels calls.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::os::Wake;

/// Cancels calls from any thread.
///
/// A token is passed to a call with [`Call::cancel_token`](crate::Call::cancel_token). A clone is
/// the same token. When it is cancelled, running calls fail with
/// [`Cancelled`](crate::ErrorKind::Cancelled) at once, whatever they wait for. Later calls fail
/// before they send anything. A cancelled token stays cancelled.
///
/// While a call waits for its server, the token holds one file descriptor of the process
/// (two on Unix systems other than Linux).
///
/// # Examples
///
/// ```
/// use sellercloud_output::{CancelToken, Client, ErrorKind};
///
/// let client = Client::builder("tt").token("the-bearer-token").build()?;
/// let token = CancelToken::new();
/// token.cancel(); // from any thread
/// assert!(token.is_cancelled());
/// let error = client.call().cancel_token(&token).get_job(28142).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Cancelled);
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a token does nothing unless it is passed to a call"]
pub struct CancelToken {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    is_cancelled: AtomicBool,
    /// Wakes calls that wait for a socket. Created for the first of them.
    wake: Mutex<Option<Arc<Wake>>>,
    /// Wakes calls that sleep.
    cancelled: Condvar,
}

impl CancelToken {
    /// Creates a token that is not cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::CancelToken;
    ///
    /// assert!(!CancelToken::new().is_cancelled());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels every call with this token, including later ones.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::thread;
    /// use sellercloud_output::CancelToken;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let token = CancelToken::new();
    /// thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         match client.call().cancel_token(&token).get_output_file(28142) {
    ///             Ok(file) => println!("{}", file.name),
    ///             Err(error) => println!("{error}"), // the kind is ErrorKind::Cancelled
    ///         }
    ///     });
    ///     token.cancel();
    /// });
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn cancel(&self) {
        let wake = self.lock();
        self.state.is_cancelled.store(true, Ordering::SeqCst);
        if let Some(wake) = &*wake {
            wake.trigger();
        }
        drop(wake);
        self.state.cancelled.notify_all();
    }

    /// Returns whether the token was cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use sellercloud_output::CancelToken;
    ///
    /// let token = CancelToken::new();
    /// let clone = token.clone();
    /// clone.cancel();
    /// assert!(token.is_cancelled()); // A clone is the same token.
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.state.is_cancelled.load(Ordering::SeqCst)
    }

    /// Returns the wake that becomes readable when the token is cancelled. `None` if the system
    /// lacks one, or has no descriptor left.
    pub(super) fn wake(&self) -> Option<Arc<Wake>> {
        let mut wake = self.lock();
        if wake.is_none() {
            let new = Wake::new()?;
            if self.is_cancelled() {
                new.trigger();
            }
            *wake = Some(Arc::new(new));
        }
        wake.clone()
    }

    /// Waits until the token is cancelled, at most for `time`.
    pub(super) fn wait(&self, time: Duration) {
        let state = &self.state;
        let is_waiting = |_: &mut _| !state.is_cancelled.load(Ordering::SeqCst);
        let waited = state
            .cancelled
            .wait_timeout_while(self.lock(), time, is_waiting);
        drop(waited);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Wake>>> {
        // A panic cannot leave it in an invalid state.
        let lock = self.state.wake.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }
}
