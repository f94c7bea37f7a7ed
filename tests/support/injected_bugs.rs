//! Injected bugs. tests/sanitize checks that its sanitizers report them.

use std::{env, hint, ptr, thread};

static mut SHARED: u32 = 0;

fn leak() {
    // Many, because a stale pointer on the stack may still point to one.
    for _ in 0..100 {
        hint::black_box(Box::into_raw(Box::new([0_u64; 8])));
    }
}

fn use_after_free() {
    let number = hint::black_box(Box::into_raw(Box::new(5)));
    // SAFETY: none: this is the bug.
    unsafe {
        drop(Box::from_raw(number));
        println!("{}", ptr::read_volatile(number));
    }
}

fn race() {
    // Once each, because ThreadSanitizer forgets old accesses.
    // SAFETY: none: this is the bug.
    let write = || unsafe { ptr::write_volatile(&raw mut SHARED, 1) };
    let other = thread::spawn(write);
    write();
    other.join().unwrap();
}

fn main() {
    match env::args().nth(1).as_deref() {
        Some("leak") => leak(),
        Some("use after free") => use_after_free(),
        Some("race") => race(),
        _ => {}
    }
}
