//! Settings and state on disk.
