//! Serves the stand-in for a Sellercloud server on loopback, for programs in
//! any language to try: prints its base URL and its token, one a line, and
//! stops when standard input ends.

use std::io::{self, Read};

#[path = "../tests/support/mod.rs"]
mod support;

fn main() -> io::Result<()> {
    let stand_in = support::stand_in::StandIn::start();
    println!("{}\n{}", stand_in.url(), support::stand_in::TOKEN);
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
