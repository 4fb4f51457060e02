//! Worlds that this program serves itself: the license host (docs/license-host.md), and the demo world, which is a
//! simulation, and named as such. Nothing here runs in a usual tray.

pub mod audit;
pub mod demo;
pub mod desk;
pub mod keys;
pub mod licenses;
pub mod offline;
pub mod rates;
pub mod server;
pub mod tls;
