//! The destinations of files: memory, a writer, or a directory.

mod atomic_file;
mod buffer;
mod caller_memory;
mod leftovers;
mod options;
mod writer;

pub(crate) use atomic_file::Directory;
pub(crate) use buffer::Buffer;
pub use caller_memory::FileMemory;
pub(crate) use caller_memory::MemorySink;
pub use options::{IfExists, SaveOptions};
pub(crate) use writer::WriterSink;
