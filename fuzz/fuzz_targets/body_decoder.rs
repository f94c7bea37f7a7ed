//! Bodies: five bytes that say how to read, and the body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sellercloud_output::fuzzing::check;

fuzz_target!(|input: &[u8]| check("body_decoder", input));
