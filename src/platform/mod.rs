//! The desktop and the system: thin adapters, one a concern.

pub mod asking;
pub mod autostart;
pub mod by_hand;
pub mod clipboard;
pub mod clock;
pub mod connection;
pub mod connection_window;
pub mod desktop;
pub mod dirs;
pub mod documents;
#[cfg(target_os = "linux")]
pub mod footprint;
pub mod host_keys;
pub mod instance;
pub mod links;
pub mod lock;
pub mod log;
pub mod notify;
pub mod open;
pub mod private;
pub mod program;
#[cfg(any(target_os = "linux", windows))]
pub mod recovery;
#[cfg(any(target_os = "linux", windows))]
pub mod recovery_window;
#[cfg(any(target_os = "linux", windows))]
pub mod recovery_world;
#[cfg(target_os = "linux")]
pub mod sleep;
pub mod socket;
pub mod survey;
pub mod tray;
pub mod validate;
pub mod validation_window;
pub mod watch;
#[cfg(windows)]
pub mod windows;
pub mod world;

/// Posts an event to the loop, from any thread.
pub type Post = std::sync::Arc<dyn Fn(crate::app::Event) + Send + Sync>;
