//! A value that many threads need and one of them gets.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use crate::Error;
use crate::cancel::{Stop, Watch};

/// Keeps a value. Where it is missing or no longer good, one thread makes it
/// anew while the others wait for the same outcome.
pub(crate) struct SingleFlight<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    value: Option<T>,
    /// The thread that makes it.
    maker: Option<ThreadId>,
    /// How many makings have ended, and how the last one failed, if it did.
    made: u64,
    failure: Option<Error>,
}

impl<T: Clone> SingleFlight<T> {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                value: None,
                maker: None,
                made: 0,
                failure: None,
            }),
            changed: Condvar::new(),
        }
    }

    /// The value, if it is good; else the one that `make` gives, here or on the
    /// thread that is at it. A failure is everyone's who waited for it, unless
    /// the thread that made it was stopped: then the next one takes over.
    pub(crate) fn get(
        &self,
        watch: &Watch,
        is_good: impl Fn(&T) -> bool,
        make: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut state = self.lock();
        loop {
            if let Some(value) = state.value.as_ref().filter(|value| is_good(value)) {
                return Ok(value.clone());
            }
            let Some(maker) = state.maker else { break };
            if maker == thread::current().id() {
                let message = "a callback made a call that needs the login or the server's \
                               name, while its own call is about that: make it later, or with \
                               another client";
                return Err(Error::InvalidArgument(message.into()));
            }
            let awaited = state.made;
            while state.maker.is_some() && state.made == awaited {
                watch.check().map_err(Stop::error)?;
                state = self.wait(state, watch);
            }
            if state.made == awaited + 1
                && let Some(failure) = &state.failure
            {
                return Err(failure.clone());
            }
        }
        state.maker = Some(thread::current().id());
        drop(state);
        let mut making = Making {
            flight: self,
            outcome: None,
        };
        let made = make();
        // A call's cancel token and deadline are its own.
        if made.is_ok() || watch.check().is_ok() {
            making.outcome = Some(made.clone());
        }
        made
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>, watch: &Watch) -> MutexGuard<'a, State<T>> {
        match watch.slice(None) {
            None => self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner),
            Some(slice) => {
                let waited = self.changed.wait_timeout(state, slice);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing that can panic runs while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a making, also where `make` panics: the others must not wait for ever.
struct Making<'a, T: Clone> {
    flight: &'a SingleFlight<T>,
    outcome: Option<Result<T, Error>>,
}

impl<T: Clone> Drop for Making<'_, T> {
    fn drop(&mut self) {
        let mut state = self.flight.lock();
        state.maker = None;
        state.failure = None;
        match self.outcome.take() {
            Some(Ok(value)) => {
                state.value = Some(value);
                state.made += 1;
            }
            Some(Err(error)) => {
                state.failure = Some(error);
                state.made += 1;
            }
            // Who waits tries for itself.
            None => {}
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
        let get = || flight.get(&Watch::default(), |_| true, || panic!("made twice"));
        let others = while_one_makes(&flight, None, || Ok(5), get);
        assert!(others.iter().all(|value| matches!(value, Ok(5))));
        assert_eq!(
            flight.get(&Watch::default(), |v| *v > 5, || Ok(6)).unwrap(),
            6
        );
    }

    #[test]
    fn whoever_waited_shares_the_failure_and_the_next_one_tries_again() {
        let flight = SingleFlight::new();
        let made = AtomicUsize::new(0);
        let get = || {
            flight.get(
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
            flight.get(&Watch::default(), |_| true, || Ok(7)).unwrap(),
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
        let get = || flight.get(&Watch::default(), |_| true, || Ok(8));
        let others = while_one_makes(&flight, Some(cancel.clone()), stopped, get);
        assert!(others.iter().all(|value| matches!(value, Ok(8))));
    }

    #[test]
    fn who_makes_cannot_wait_for_itself() {
        let flight = SingleFlight::new();
        let get =
            |make: &dyn Fn() -> Result<i32, Error>| flight.get(&Watch::default(), |_| true, make);
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
        let get = || flight.get(&watch, |_| true, || panic!("made"));
        let (ended, may_end) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let (started, is_started) = mpsc::channel();
            let flight = &flight;
            scope.spawn(move || {
                flight.get(
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
