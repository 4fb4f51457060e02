//! The pure core: licenses, Maintenance, releases, coverage, notices. No clock, no files, no network.

pub mod license;
pub mod problem;
pub mod server;
pub mod version;

pub use license::{Kind, Secret};
pub use problem::{Fault, Problem};
pub use server::{Entry, Source};
pub use version::Version;
