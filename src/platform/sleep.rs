//! Tells when the machine wakes up from sleep: logind says so on the system bus, without being asked again and again.
//! Where there is no logind, `platform::tray` still notices that time has passed without it.

use super::Post;
use crate::app::Event;
use zbus::blocking::{Connection, Proxy};

const LOGIND: &str = "org.freedesktop.login1";

/// Watches in a thread of its own, which ends where there is no system bus.
pub fn watch(post: Post) {
    let watching = std::thread::Builder::new().name("sleep".into());
    let _ = watching.spawn(move || {
        if let Err(error) = wait(&post) {
            tracing::debug!(event = "sleep.unwatched", why = %error);
        }
    });
}

fn wait(post: &Post) -> zbus::Result<()> {
    let connection = Connection::system()?;
    let manager = format!("{LOGIND}.Manager");
    let logind = Proxy::new(&connection, LOGIND, "/org/freedesktop/login1", manager)?;
    for signal in logind.receive_signal("PrepareForSleep")? {
        // True before it sleeps, false after.
        if signal.body().deserialize() == Ok(false) {
            post(Event::Resumed);
        }
    }
    Ok(())
}
