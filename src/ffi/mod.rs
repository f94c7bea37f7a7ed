//! The C interface. C programmers read `include/sellercloud_output.h`, which is generated
//! from `header.txt` and from the doc comments here. This module only converts handles,
//! strings, callbacks and panics; it has no logic of its own.
//!
//! # Safety
//!
//! Every function here relies on the following contract, and each `SAFETY: the header's
//! contract` comment refers to it:
//!
//! - A pointer is NULL, or what the header says it is: a live handle of this library, a
//!   NUL-terminated string, or writable memory for a result.
//! - It stays valid for the whole call, and no other thread writes to it meanwhile.
//! - Callbacks return normally.
//!
//! NULL, encodings and ranges are always checked.

#![allow(unsafe_code, reason = "this is the boundary to C")]
#![allow(non_camel_case_types, reason = "these are the names in C")]
#![allow(
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    reason = "the comments are also the C header's, which is Doxygen and not Markdown"
)]
#![allow(
    clippy::missing_safety_doc,
    reason = "the contract is stated once, above; the comments of the functions are the header's"
)]

// One module after the other, because the header has their functions in this order.
mod boundary;

mod version;

mod status;

mod error;

mod callbacks;

mod client_options;

mod client;

mod output_file_download;

mod caller_memory;

mod job_wait;

mod job;

mod output_file;

mod cancel_token;

mod call_options;

#[cfg(test)]
mod tests;

pub use call_options::*;
pub use callbacks::*;
pub use caller_memory::*;
pub use cancel_token::*;
pub use client::*;
pub use client_options::*;
pub use error::*;
pub use job::*;
pub use job_wait::*;
pub use output_file::*;
pub use output_file_download::*;
pub use status::*;
pub use version::*;
