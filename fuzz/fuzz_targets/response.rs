//! Whole answers: a byte that says what is expected, and all that the server sends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sellercloud_output::internals::try_laws;

fuzz_target!(|input: &[u8]| try_laws("response", input));
