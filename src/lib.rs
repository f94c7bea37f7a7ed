//! Fetches the output file of a Sellercloud queued job, as bytes and a file name.
//!
//! ```no_run
//! use sellercloud_output::Client;
//!
//! let client = Client::builder("tt").token("the bearer token").build()?;
//! let file = client.output_file(28142)?;
//! println!("{}: {} bytes", file.name, file.bytes.len());
//! file.save("exports")?;
//! # Ok::<(), sellercloud_output::Error>(())
//! ```
//!
//! The server is given by its id or its base URL; the job by its number or by
//! the `QueuedJobLink` that the server answered when the job was created.
//!
//! What comes back is the file, complete and decoded, under a name that is
//! safe to use; or an [`Error`] whose [kind](Error::kind) says what went wrong
//! and whose text says what to do. There is nothing in between: a body that is
//! cut short, not base64, or of the wrong length is an error.
//!
//! Calls block. One [`Client`] serves any number of threads.
//!
//! C, C++, .NET and Python use the same library through [`ffi`], by way of the
//! header `include/sellercloud_output.h`.

mod base64_text;
mod body;
mod client;
mod content_disposition;
mod encoded_word;
mod error;
pub mod ffi;
mod file_name;
mod job;
mod save;
mod server;
mod server_message;
mod session;
mod sink;
mod transport;

pub use body::BodyEncoding;
pub use client::{Client, ClientBuilder, OutputFile};
pub use error::{Error, ErrorKind, Refusal, Source};
pub use job::JobId;

// The README's examples are compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
