//! Whole responses: a byte that says what is expected, and all that the server sends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sellercloud_output::fuzzing::check;

fuzz_target!(|input: &[u8]| check("response", input));
