//! The pure core: licenses, Maintenance, releases, coverage, notices. No clock, no files, no network.

pub mod compatibility;
pub mod coverage;
pub mod diagnosis;
pub mod installation;
pub mod knowledge;
pub mod license;
pub mod notice;
pub mod problem;
pub mod proxy;
pub mod release;
pub mod server;
pub mod standing;
pub mod text;
pub mod validation;
pub mod version;

pub use coverage::Coverage;
pub use knowledge::{Knowledge, Server, ServerKey};
pub use license::{Kind, Secret};
pub use problem::{Fault, Problem};
pub use server::{Entry, Source};
pub use standing::Standing;
pub use version::Version;

/// The day of a moment, in UTC, for notes that are told apart by day only.
pub(crate) fn day(at: jiff::Timestamp) -> jiff::civil::Date {
    at.to_zoned_datetime(jiff::tz::TimeZone::UTC).date()
}
