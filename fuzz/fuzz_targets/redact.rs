//! Secrets in text: three bytes that say in which form, the secret, and the text around it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sellercloud_output::fuzzing::check;

fuzz_target!(|input: &[u8]| check("redact", input));
