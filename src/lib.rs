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
//! A client may log in by itself ([`ClientBuilder::credentials`]), and try again
//! what passes ([`Retry`]); a [`Call`] may wait for its job ([`Wait`]), has a time
//! limit, tells its progress, and can be cancelled ([`CancelToken`]).
//!
//! Calls block. One [`Client`] serves any number of threads.
//!
//! C, C++, .NET and Python use the same library through [`ffi`], by way of the
//! header `include/sellercloud_output.h`.

mod base64_text;
mod body;
mod builder;
mod call;
mod cancel;
mod client;
mod content_disposition;
mod credentials;
mod encoded_word;
mod error;
mod fetch;
pub mod ffi;
mod file_name;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
mod job;
mod json;
#[cfg(any(test, feature = "internals"))]
mod laws;
mod memory;
mod os;
mod output_file;
mod queued_job;
mod request_log;
mod save;
mod server;
mod server_message;
mod session;
mod single_flight;
mod sink;
mod team;
mod text;
mod transport;
mod wait;

pub use body::BodyEncoding;
pub use builder::ClientBuilder;
pub use call::{Call, Progress};
pub use cancel::CancelToken;
pub use client::Client;
pub use error::{About, Error, ErrorKind, JobEnd, Refusal, Source};
pub use job::JobId;
pub use output_file::{OutputFile, SavedFile, WrittenFile};
pub use queued_job::{JobStatus, QueuedJob};
pub use request_log::RequestRecord;
pub use save::{IfExists, SaveOptions};
pub use session::Retry;
pub use wait::Wait;

// The README's examples are compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
