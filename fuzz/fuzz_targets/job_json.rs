//! Jobs as JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sellercloud_output::internals::try_laws;

fuzz_target!(|input: &[u8]| try_laws("job_json", input));
