//! Whole responses through a proxy: a byte that says what is expected, what the proxy sends
//! up to a zero byte, and what the server sends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sellercloud_output::fuzzing::check;

fuzz_target!(|input: &[u8]| check("tunnel_response", input));
