//! Jobs as users name them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sellercloud_output::fuzzing::check;

fuzz_target!(|input: &[u8]| check("job_link", input));
