//! Where license data come from. Each source reads, bounded in size and time, and never writes.

pub mod license_host;
pub mod servers_xml;
pub mod validation_host;
