//! Downloads the output file of a Sellercloud queued job, as bytes and a file name.
//!
//! ```no_run
//! use sellercloud_output::Client;
//!
//! let client = Client::builder("tt").token("the-bearer-token").build()?;
//! let file = client.get_output_file(28142)?;
//! println!("{}: {} bytes", file.name, file.bytes.len());
//! file.save("exports")?;
//! # Ok::<(), sellercloud_output::Error>(())
//! ```
//!
//! A server is given by its id or its base URL, and a job by its number or by the `QueuedJobLink`
//! that the server returned when the job was created.
//!
//! An operation returns the complete, decoded file with a safe name, or an [`Error`]. Programs
//! decide by the [kind](Error::kind) of the error; its text says what failed and what to do. A body
//! that is truncated, not base64, or of the wrong length is an error.
//!
//! A client can log in ([`ClientBuilder::credentials`]) and retries transient failures
//! ([`RetryPolicy`]). A [`Call`] has options for one operation: a timeout, progress, and a
//! token that cancels it ([`CancelToken`]). An operation can wait for its job first
//! ([`WaitOptions`]).
//!
//! Operations block. Any number of threads may use one [`Client`] at the same time.
//!
//! # Features
//!
//! `capi`, on by default, adds the C interface that C, C++, .NET and Python use, so that
//! `cargo build --release` makes the shared and the static library. Rust programs do not need
//! it: `default-features = false` leaves it out.
//!
//! # Logging
//!
//! Each request is logged with the `log` crate, at the level debug with the target
//! `sellercloud_output`. The HTTP library `ureq` logs everything that it sends, including secrets,
//! at the level trace. A call that would send a secret fails with
//! [`InvalidArgument`](ErrorKind::InvalidArgument) while a logger accepts that level for the
//! targets `ureq` or `ureq_proto`.

mod body;
mod cancel;
mod client;
mod download;
mod error;
#[cfg(feature = "capi")]
pub mod ffi;
mod file_name;
#[cfg(any(test, feature = "_fuzz"))]
#[doc(hidden)]
pub mod fuzzing;
mod jobs;
mod model;
mod os;
mod output;
mod session;
mod text;
mod transport;

pub use body::BodyEncoding;
pub use cancel::CancelToken;
pub use client::{Call, Client, ClientBuilder, JobWait};
pub use download::{OutputFile, OutputFileDownload, SavedFile, WrittenFile};
pub use error::{Error, ErrorKind};
pub use jobs::{JobWaitStep, WaitOptions};
pub use model::{JobId, JobIdError, JobStatus, QueuedJob};
pub use output::{FileMemory, IfExists, SaveOptions};
pub use session::{Progress, RetryPolicy};
pub use transport::RequestRecord;

// The README's examples are compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
