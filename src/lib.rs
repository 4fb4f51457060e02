//! `visualcron-tray`: an unofficial, open tray client for the people who run VisualCron servers.
//!
//! The map of the house:
//!
//! - [`domain`] is pure: no clock, no files, no network. Where does a license stand today, is a version
//!   covered by its Maintenance, which notice is due.
//! - [`app`] is one reducer and one view, both pure. Whatever happens is an [`app::Event`]; whatever touches
//!   the world is an [`app::Effect`]; what the tray shows is plain data.
//! - [`network`] is the way out: proxies, root certificates, the one client for HTTPS, the diagnosis.
//! - [`sources`] read license data, [`store`] keeps settings and state on disk, [`platform`] talks to the
//!   desktop and the system, [`cli`] holds one file a verb, [`host`] holds the demo world.

pub mod app;
pub mod cli;
pub mod domain;
pub mod host;
pub mod network;
pub mod platform;
pub mod recovery;
pub mod sources;
pub mod store;
pub mod window;
