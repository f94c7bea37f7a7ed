//! Retry-After and Date, each on a line, and the body that follows them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sellercloud_output::fuzzing::check;

fuzz_target!(|input: &[u8]| check("rate_limit", input));
