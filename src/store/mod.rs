//! Settings and state on disk.

pub mod atomic;
