//! Secrets in text: three bytes that say in which form, the secret, and the text around it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sellercloud_output::internals::try_laws;

fuzz_target!(|input: &[u8]| try_laws("redact", input));
