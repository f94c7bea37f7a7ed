//! Content-Disposition headers, and file names by themselves.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sellercloud_output::internals::try_laws;

fuzz_target!(|input: &[u8]| try_laws("file_name", input));
