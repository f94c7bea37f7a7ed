//! A value that many threads need and one of them gets.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Error;
use crate::cancel::{Stop, Watch};
use crate::request_log::DeferredRecords;
use crate::session::reentry::ActiveCall;

/// Caches a value. Where it is missing or no longer valid, one call gets it anew (the
/// leader) while the others wait for the same outcome.
///
/// No lock is held while callbacks run: those of the leader's call run without, and its
/// request records are delivered when it has the value.
pub(crate) struct SingleFlight<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    value: Option<T>,
    /// The call that gets it.
    leader: Option<Arc<ActiveCall>>,
    /// How many times a leader has finished, and how the last one failed, if it did.
    generation: u64,
    failure: Option<Error>,
}

/// How often a waiting call looks whether the leader is in a callback. A call that can be
/// cancelled looks more often.
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

    /// Returns the value if it is valid; else the one that `make` returns, here or in the
    /// call that is the leader. A failure is returned to every call that waited for it,
    /// unless the leader was stopped: then the next call leads.
    pub(crate) fn get(
        &self,
        call: &Arc<ActiveCall>,
        watch: &Watch,
        is_valid: impl Fn(&T) -> bool,
        make: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut awaited = None;
        loop {
            let mut state = self.lock();
            if let Some(value) = state.value.as_ref().filter(|value| is_valid(value)) {
                return Ok(value.clone());
            }
            if let Some(failure) = &state.failure
                && awaited.is_some_and(|generation: u64| state.generation == generation + 1)
            {
                return Err(failure.clone());
            }
            match &state.leader {
                Some(leader) if call.is_within(leader) => {
                    return Err(Error::InvalidArgument(
                        "a callback made a call that needs the login or the server's name, \
                         while its own call is about that: make it later, or with another client"
                            .into(),
                    ));
                }
                Some(leader) if leader.time_in_callback() < MAX_TIME_IN_CALLBACK => {
                    awaited.get_or_insert(state.generation);
                    let time = watch.slice(Some(TICK)).unwrap_or(TICK);
                    drop(self.changed.wait_timeout(state, time));
                }
                _ => {
                    state.leader = Some(call.clone());
                    break;
                }
            }
            watch.check().map_err(Stop::error)?;
        }
        let _records = DeferredRecords::begin();
        let mut guard = LeaderGuard {
            flight: self,
            call,
            outcome: None,
        };
        let outcome = make();
        // A call's cancel token and deadline are its own.
        if outcome.is_ok() || watch.check().is_ok() {
            guard.outcome = Some(outcome.clone());
        }
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing that can panic runs while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a leader's turn, also if `make` panics: the others must not wait forever.
struct LeaderGuard<'a, T: Clone> {
    flight: &'a SingleFlight<T>,
    call: &'a Arc<ActiveCall>,
    outcome: Option<Result<T, Error>>,
}

impl<T: Clone> Drop for LeaderGuard<'_, T> {
    fn drop(&mut self) {
        let mut state = self.flight.lock();
        let is_leader = |leader: &Arc<ActiveCall>| Arc::ptr_eq(leader, self.call);
        // Another call may have taken over meanwhile.
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
                // Each waiting call tries for itself.
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

    fn failure() -> Error {
        Error::Internal("made no value".into())
    }

    /// Runs `make` on one thread, and `others` on more while that is at it.
    fn while_one_makes(
        flight: &SingleFlight<i32>,
        cancel: Option<CancelToken>,
        make: impl FnOnce() -> Result<i32, Error> + Send,
        others: impl Fn() -> Result<i32, Error> + Sync,
    ) -> Vec<Result<i32, Error>> {
        let (started, is_started) = mpsc::channel();
        let waiting = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let (waiting, others) = (&waiting, &others);
            scope.spawn(move || {
                let watch = Watch {
                    cancel,
                    ..Watch::default()
                };
                flight.get(
                    &ActiveCall::new(0),
                    &watch,
                    |_| true,
                    || {
                        started.send(()).unwrap();
                        while waiting.load(Ordering::SeqCst) < 8 {
                            std::thread::yield_now();
                        }
                        make()
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
    fn one_makes_the_value_for_all() {
        let flight = SingleFlight::new();
        let get = || {
            flight.get(
                &ActiveCall::new(0),
                &Watch::default(),
                |_| true,
                || panic!("made twice"),
            )
        };
        let others = while_one_makes(&flight, None, || Ok(5), get);
        assert!(others.iter().all(|value| matches!(value, Ok(5))));
        assert_eq!(
            flight
                .get(&ActiveCall::new(0), &Watch::default(), |v| *v > 5, || Ok(6))
                .unwrap(),
            6
        );
    }

    #[test]
    fn whoever_waited_shares_the_failure_and_the_next_one_tries_again() {
        let flight = SingleFlight::new();
        let made = AtomicUsize::new(0);
        let get = || {
            flight.get(
                &ActiveCall::new(0),
                &Watch::default(),
                |_| true,
                || {
                    made.fetch_add(1, Ordering::SeqCst);
                    Err(failure())
                },
            )
        };
        let others = while_one_makes(&flight, None, || Err(failure()), get);
        assert!(others.iter().all(Result::is_err));
        // A thread may have come only after the failure; it tried for itself.
        assert!(made.load(Ordering::SeqCst) < 8);
        assert_eq!(
            flight
                .get(&ActiveCall::new(0), &Watch::default(), |_| true, || Ok(7))
                .unwrap(),
            7
        );
    }

    #[test]
    fn where_the_maker_is_stopped_another_takes_over() {
        let flight = SingleFlight::new();
        let cancel = CancelToken::new();
        let stopped = || {
            cancel.cancel();
            Err(Stop::Cancelled.error())
        };
        let get = || flight.get(&ActiveCall::new(0), &Watch::default(), |_| true, || Ok(8));
        let others = while_one_makes(&flight, Some(cancel.clone()), stopped, get);
        assert!(others.iter().all(|value| matches!(value, Ok(8))));
    }

    #[test]
    fn who_makes_cannot_wait_for_itself() {
        let flight = SingleFlight::new();
        let get = |make: &dyn Fn() -> Result<i32, Error>| {
            let call = ActiveCall::new(0);
            let _entered = call.enter();
            flight.get(&call, &Watch::default(), |_| true, make)
        };
        let within = get(&|| get(&|| Ok(1)));
        assert!(matches!(within, Err(Error::InvalidArgument(_))));
        assert_eq!(get(&|| Ok(2)).unwrap(), 2);
    }

    #[test]
    fn who_waits_can_be_cancelled() {
        let flight = SingleFlight::<i32>::new();
        let cancel = CancelToken::new();
        cancel.cancel();
        let watch = Watch {
            cancel: Some(cancel),
            ..Watch::default()
        };
        let get = || flight.get(&ActiveCall::new(0), &watch, |_| true, || panic!("made"));
        let (ended, may_end) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let (started, is_started) = mpsc::channel();
            let flight = &flight;
            scope.spawn(move || {
                flight.get(
                    &ActiveCall::new(0),
                    &Watch::default(),
                    |_| true,
                    move || {
                        started.send(()).unwrap();
                        may_end.recv().unwrap();
                        Ok(9)
                    },
                )
            });
            is_started.recv().unwrap();
            assert!(matches!(get(), Err(Error::Cancelled { .. })));
            ended.send(()).unwrap();
        });
    }
}
