//! A cached value that many threads need and one of them obtains.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::reentry::ActiveCall;
use crate::cancel::Cancellation;
use crate::error::Error;
use crate::transport::DeferredRecords;

/// Caches a value. If it is missing or no longer valid, one call (the leader) obtains it while
/// the others wait for the same outcome.
///
/// No lock is held while callbacks run. The request records of the leader are delivered when it has
/// the value.
pub(crate) struct SingleFlight<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    value: Option<T>,
    /// The call that is obtaining the value.
    leader: Option<Arc<ActiveCall>>,
    /// How many times a leader has finished.
    generation: u64,
    /// The error of the last leader, if it failed.
    failure: Option<Error>,
}

/// How often a waiting call checks whether the leader is in a callback. A call that can be
/// cancelled checks more often.
const TICK: Duration = Duration::from_millis(500);

/// A leader that is in a callback for longer than this is not waited for: the callback may
/// be waiting for the very call that waits here.
const MAX_TIME_IN_CALLBACK: Duration = Duration::from_secs(1);

impl<T: Clone> SingleFlight<T> {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                value: None,
                leader: None,
                generation: 0,
                failure: None,
            }),
            changed: Condvar::new(),
        }
    }

    /// Returns the value if it is valid, else the one that `obtain` returns, in this call or in the
    /// leader. An error is returned to every call that waited for it, unless the leader was
    /// cancelled or timed out: then another call leads.
    ///
    /// A call that returns early instead of waiting fails, and [`ActiveCall::is_waiting`] says so.
    pub(crate) fn get(
        &self,
        call: &Arc<ActiveCall>,
        cancellation: &Cancellation,
        is_valid: impl Fn(&T) -> bool,
        obtain: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let address = std::ptr::from_ref(self).addr();
        loop {
            let mut state = self.lock();
            let awaited = call.awaited(address);
            if awaited.is_some() {
                call.set_awaited(None);
            }
            if let Some(value) = state.value.as_ref().filter(|value| is_valid(value)) {
                return Ok(value.clone());
            }
            if let Some(failure) = &state.failure
                && awaited.is_some_and(|generation| state.generation > generation)
            {
                return Err(failure.clone());
            }
            match &state.leader {
                // A call that returns early does not keep the leader from going on.
                Some(leader) if call.is_within(leader) && !call.returns_early() => {
                    return Err(Error::invalid_argument(
                        "a callback made a call that needs the login or the address of the \
                         server while its own call is obtaining that: make the call later, or \
                         with another client",
                    ));
                }
                Some(leader) if leader.time_in_callback() < MAX_TIME_IN_CALLBACK => {
                    let generation = awaited.unwrap_or(state.generation);
                    call.set_awaited(Some((address, generation)));
                    if call.returns_early() {
                        let message = "another call is obtaining the login or the address";
                        return Err(Error::internal(message));
                    }
                    let time = cancellation.slice(Some(TICK)).unwrap_or(TICK);
                    drop(self.changed.wait_timeout(state, time));
                }
                _ => {
                    // No other call uses the value that this one cannot use: a step that comes
                    // back to see whether the leader is done would try it again each time.
                    state.value = None;
                    state.leader = Some(call.clone());
                    break;
                }
            }
            cancellation.check()?;
        }
        let _records = DeferredRecords::begin();
        let mut guard = LeaderGuard {
            flight: self,
            call,
            outcome: None,
        };
        let outcome = obtain();
        // The leader's own cancellation and timeout are not shared with the other calls.
        if outcome.is_ok() || cancellation.check().is_ok() {
            guard.outcome = Some(outcome.clone());
        }
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No code that can panic runs while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the leader's turn when it is dropped, even if `obtain` panics: the other calls must not
/// wait forever.
struct LeaderGuard<'a, T: Clone> {
    flight: &'a SingleFlight<T>,
    call: &'a Arc<ActiveCall>,
    outcome: Option<Result<T, Error>>,
}

impl<T: Clone> Drop for LeaderGuard<'_, T> {
    fn drop(&mut self) {
        let mut state = self.flight.lock();
        let is_leader = |leader: &Arc<ActiveCall>| Arc::ptr_eq(leader, self.call);
        // Another call may have become the leader meanwhile.
        if state.leader.as_ref().is_some_and(is_leader) {
            state.leader = None;
            state.failure = None;
            match self.outcome.take() {
                Some(Ok(value)) => {
                    state.value = Some(value);
                    state.generation += 1;
                }
                Some(Err(error)) => {
                    state.failure = Some(error);
                    state.generation += 1;
                }
                // Each waiting call makes its own attempt.
                None => {}
            }
        }
        drop(state);
        self.flight.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;
    use crate::cancel::CancelToken;
    use crate::error::ErrorKind;

    fn failure() -> Error {
        Error::internal("no value")
    }

    /// Runs `obtain` on one thread, and `others` on eight more meanwhile. Returns the outcomes of
    /// the others.
    fn while_one_leads(
        flight: &SingleFlight<i32>,
        cancel: Option<CancelToken>,
        obtain: impl FnOnce() -> Result<i32, Error> + Send,
        others: impl Fn() -> Result<i32, Error> + Sync,
    ) -> Vec<Result<i32, Error>> {
        let (started, is_started) = mpsc::channel();
        let waiting = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let (waiting, others) = (&waiting, &others);
            scope.spawn(move || {
                let cancellation = Cancellation {
                    token: cancel,
                    ..Cancellation::default()
                };
                flight.get(
                    &ActiveCall::new(0),
                    &cancellation,
                    |_| true,
                    || {
                        started.send(()).unwrap();
                        while waiting.load(Ordering::SeqCst) < 8 {
                            std::thread::yield_now();
                        }
                        obtain()
                    },
                )
            });
            is_started.recv().unwrap();
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(move || {
                        waiting.fetch_add(1, Ordering::SeqCst);
                        others()
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        })
    }

    #[test]
    fn get_concurrent_calls_share_one_value() {
        let flight = SingleFlight::new();
        let get = || {
            flight.get(
                &ActiveCall::new(0),
                &Cancellation::default(),
                |_| true,
                || panic!("obtained twice"),
            )
        };
        let others = while_one_leads(&flight, None, || Ok(5), get);
        assert!(others.iter().all(|value| matches!(value, Ok(5))));
        assert_eq!(
            flight
                .get(
                    &ActiveCall::new(0),
                    &Cancellation::default(),
                    |v| *v > 5,
                    || Ok(6)
                )
                .unwrap(),
            6
        );
    }

    #[test]
    fn get_leader_fails_waiting_calls_share_error_and_next_call_retries() {
        let flight = SingleFlight::new();
        let attempts = AtomicUsize::new(0);
        let get = || {
            flight.get(
                &ActiveCall::new(0),
                &Cancellation::default(),
                |_| true,
                || {
                    attempts.fetch_add(1, Ordering::SeqCst);
                    Err(failure())
                },
            )
        };
        let others = while_one_leads(&flight, None, || Err(failure()), get);
        assert!(others.iter().all(Result::is_err));
        // A thread that called after the failure made its own attempt.
        assert!(attempts.load(Ordering::SeqCst) < 8);
        assert_eq!(
            flight
                .get(
                    &ActiveCall::new(0),
                    &Cancellation::default(),
                    |_| true,
                    || Ok(7)
                )
                .unwrap(),
            7
        );
    }

    #[test]
    fn get_leader_cancelled_other_call_leads() {
        let flight = SingleFlight::new();
        let cancel = CancelToken::new();
        let stopped = || {
            cancel.cancel();
            Err(Error::cancelled())
        };
        let get = || {
            flight.get(
                &ActiveCall::new(0),
                &Cancellation::default(),
                |_| true,
                || Ok(8),
            )
        };
        let others = while_one_leads(&flight, Some(cancel.clone()), stopped, get);
        assert!(others.iter().all(|value| matches!(value, Ok(8))));
    }

    #[test]
    fn get_within_own_callback_is_rejected() {
        let flight = SingleFlight::new();
        let get = |obtain: &dyn Fn() -> Result<i32, Error>| {
            let call = ActiveCall::new(0);
            let _entered = call.enter();
            flight.get(&call, &Cancellation::default(), |_| true, obtain)
        };
        let within = get(&|| get(&|| Ok(1)));
        assert!(within.unwrap_err().kind() == ErrorKind::InvalidArgument);
        assert_eq!(get(&|| Ok(2)).unwrap(), 2);
    }

    #[test]
    fn get_waiting_call_cancelled_returns_cancelled() {
        let flight = SingleFlight::<i32>::new();
        let cancel = CancelToken::new();
        cancel.cancel();
        let cancellation = Cancellation {
            token: Some(cancel),
            ..Cancellation::default()
        };
        let get = || {
            flight.get(
                &ActiveCall::new(0),
                &cancellation,
                |_| true,
                || panic!("obtained"),
            )
        };
        let (ended, may_end) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let (started, is_started) = mpsc::channel();
            let flight = &flight;
            scope.spawn(move || {
                flight.get(
                    &ActiveCall::new(0),
                    &Cancellation::default(),
                    |_| true,
                    move || {
                        started.send(()).unwrap();
                        may_end.recv().unwrap();
                        Ok(9)
                    },
                )
            });
            is_started.recv().unwrap();
            assert_eq!(get().unwrap_err().kind(), ErrorKind::Cancelled);
            ended.send(()).unwrap();
        });
    }
}
