//! Whole responses through a proxy: a byte that says what is expected, what the proxy sends
//! up to a zero byte, and what the server sends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sellercloud_output::internals::try_laws;

fuzz_target!(|input: &[u8]| try_laws("tunnel_response", input));
