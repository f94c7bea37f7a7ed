//! The Rust interface, against mock servers.
//!
//! Every test here can share its process with the others. A few restart themselves in a process
//! of their own (see `mock_server::process`), because they change what belongs to a process.

mod client;
mod jobs;
mod open;
mod panics;
mod proxy;
mod save;
mod session;
mod steps;
mod time;
mod tls;
mod wire;
