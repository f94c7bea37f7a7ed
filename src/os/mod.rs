//! Safe functions for features of the operating system that the standard library lacks.
//!
//! Only this module and `ffi` contain unsafe code.
#![allow(unsafe_code, reason = "system calls and allocation")]

pub(crate) mod memory;
mod poll;
#[cfg(unix)]
mod unix;
mod wake;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as files;
#[cfg(windows)]
use windows as files;

pub(crate) use files::{
    DirectoryHandle, Entry, EntryKind, already_exists, close, is_a_directory, is_process_gone,
    sync_file,
};
pub(crate) use poll::{PollEntry, Pollable, Readiness, is_connecting, poll};
pub(crate) use wake::Wake;
