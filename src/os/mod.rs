//! What the operating system is asked for, behind safe functions.

mod wake;

pub(crate) use wake::Wake;
