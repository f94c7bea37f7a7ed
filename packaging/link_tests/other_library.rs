//! Another static library in Rust, which a program links beside this project's. It brings its own
//! copy of Rust's runtime: panics, threads, thread-local values and allocations.

use std::cell::Cell;
use std::collections::HashMap;
use std::panic::catch_unwind;
use std::thread;

struct CountDrop<'a>(&'a Cell<i32>);

impl Drop for CountDrop<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

thread_local!(static DROPPED: Cell<i32> = const { Cell::new(0) });

/// Returns 1 if a panic on another thread unwinds, drops what it passes, and is caught.
#[unsafe(no_mangle)]
pub extern "C" fn other_library_catches_panic() -> i32 {
    let thread = thread::spawn(|| {
        let outcome = catch_unwind(|| {
            DROPPED.with(|dropped| {
                let _count = CountDrop(dropped);
                let numbers = HashMap::from([("one", 1), ("two", 2)]);
                assert_eq!(numbers["one"], numbers["two"]);
            });
        });
        (outcome.is_err(), DROPPED.get())
    });
    i32::from(thread.join().ok() == Some((true, 1)))
}
