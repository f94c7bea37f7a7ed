//! Retry-After and Date, each on a line, and the body that follows them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sellercloud_output::internals::try_laws;

fuzz_target!(|input: &[u8]| try_laws("rate_limit", input));
