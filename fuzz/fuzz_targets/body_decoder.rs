//! Bodies: five bytes that say how to read, and the body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sellercloud_output::internals::try_laws;

fuzz_target!(|input: &[u8]| try_laws("body_decoder", input));
