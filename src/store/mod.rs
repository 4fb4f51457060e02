//! Settings and state on disk.

pub mod atomic;
pub mod recoveries;
pub mod settings;
pub mod state;
pub mod validations;
