//! Signals to the calling thread, and what the system counts for it.
#![allow(unsafe_code, reason = "the system has no other interface")]

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{mem, ptr, thread};

extern "C" fn ignore(_: libc::c_int) {}

/// Runs `work` while the calling thread receives a signal every millisecond.
///
/// The handler of `SIGUSR1` does nothing. It is installed without `SA_RESTART`, as that of a
/// timer or a profiler may be, so that system calls fail with `EINTR`. It stays installed: call
/// this in a process of its own.
///
/// # Panics
///
/// Panics if `work` does, or if the handler cannot be installed.
pub fn under_signals<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: an all-zero sigaction is valid; the handler touches nothing.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = ignore as extern "C" fn(libc::c_int) as usize;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &action, ptr::null_mut()), 0);
    }
    // SAFETY: it has no preconditions.
    let this = unsafe { libc::pthread_self() };
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::SeqCst) {
                // SAFETY: the thread lives until the scope ends.
                unsafe { libc::pthread_kill(this, libc::SIGUSR1) };
                thread::sleep(Duration::from_millis(1));
            }
        });
        // Caught, because the scope waits for the other thread.
        let outcome = panic::catch_unwind(AssertUnwindSafe(work));
        is_done.store(true, Ordering::SeqCst);
        outcome.unwrap_or_else(|panic| panic::resume_unwind(panic))
    })
}

/// Returns how many times the calling thread has given up the processor to wait.
///
/// # Panics
///
/// Panics if the system does not say.
#[cfg(target_os = "linux")]
pub fn voluntary_context_switches() -> i64 {
    // SAFETY: an all-zero rusage is valid, and getrusage fills it in.
    unsafe {
        let mut usage: libc::rusage = mem::zeroed();
        assert_eq!(libc::getrusage(libc::RUSAGE_THREAD, &mut usage), 0);
        usage.ru_nvcsw
    }
}
