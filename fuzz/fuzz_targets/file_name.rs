//! Content-Disposition headers, and file names by themselves.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sellercloud_output::fuzzing::check;

fuzz_target!(|input: &[u8]| check("file_name", input));
