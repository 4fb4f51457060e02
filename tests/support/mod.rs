//! What the integration tests share: a private session bus with a tray host and a notification server that
//! the test itself plays, and a home in which nothing of the developer's own machine is seen.
//!
//! ```ignore
//! mod support;
//! use support::{Bus, Home};
//!
//! let bus = Bus::start();
//! let watcher = bus.watcher();
//! let home = Home::new();
//! let mut tray = home.spawn(&bus, &["--data-dir", "data"]);
//! let item = watcher.wait_for_item(TIMEOUT);
//! item.click(&["Exit"]);
//! assert!(tray.wait_for_exit(TIMEOUT).success());
//! ```
#![allow(dead_code, unused_imports)] // Each test binary uses its own part.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[cfg(target_os = "linux")]
mod bus;
mod home;

use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
pub use bus::{Bubble, Bus, Calls, Icon, Item, MenuTree, Notifications, Watcher};
pub use home::{Home, Running, example};

/// Long enough for a loaded machine; nothing waits for it in a run that passes.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// Asks `probe` until it has an answer. Panics with `what` when none came in time.
#[track_caller]
pub fn wait_for<T>(what: &str, timeout: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(answer) = probe() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {timeout:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
