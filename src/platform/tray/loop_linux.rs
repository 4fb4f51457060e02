//! The loop on Linux: a channel. tray-icon's `ksni` feature speaks StatusNotifierItem from a thread of its
//! own, so no display and no toolkit is needed here.

use super::{App, listen};
use crate::{
    app::{Event, event::Area},
    domain::{Fault, Problem},
    platform::{Post, footprint, sleep},
};
use std::{
    sync::{Arc, mpsc},
    time::Duration,
};
use tray_icon::{MouseButton, MouseButtonState, TrayIconEvent};
use zbus::{
    blocking::{Connection, Proxy, fdo::DBusProxy},
    names::BusName,
};

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
/// How long a panel may take to appear after the tray before its absence is said.
const PANEL_PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing must have happened until what only that needed is given back: threads of a look or a notification
/// have ended by then.
const STILL: Duration = Duration::from_secs(2);
/// How long a panel may take to register itself after it has started the watcher.
const REGISTRATION: Duration = Duration::from_secs(2);

/// Runs the application that `make` makes until it ends.
pub fn run(make: impl FnOnce(Post) -> App) {
    let (sender, events) = mpsc::channel();
    let mut app = make(Arc::new(move |event| {
        let _ = sender.send(event);
    }));
    // StatusNotifierItem knows no double click: the left click starts the Client.
    listen(app.post(), |event| {
        matches!(
            event,
            TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. }
        )
    });
    app.start();
    sleep::watch(app.post());
    if app.tray.is_some() {
        let post = app.post();
        std::thread::spawn(move || {
            std::thread::sleep(PANEL_PATIENCE);
            let _ = watch_for_a_panel(&post);
        });
    }
    // Something has happened since the code was given back last.
    let mut stirred = true;
    loop {
        let sleep = app.sleep();
        let goes_on = match events.recv_timeout(if stirred { sleep.min(STILL) } else { sleep }) {
            Ok(event) => {
                stirred = true;
                app.take(event)
            }
            Err(mpsc::RecvTimeoutError::Timeout) if stirred && sleep > STILL => {
                stirred = false;
                footprint::give_back();
                true
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                stirred = true;
                app.take(Event::Woke)
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => false,
        };
        if !goes_on {
            break;
        }
    }
    app.end();
}

/// Says once when there is no panel that shows tray icons, and takes it back when one comes.
fn watch_for_a_panel(post: &Post) -> zbus::Result<()> {
    let connection = Connection::session()?;
    let bus = DBusProxy::new(&connection)?;
    // Before the first look, so that no panel can come unseen between the two.
    let mut changes = bus.receive_name_owner_changed_with_args(&[(0, WATCHER)])?;
    if has_panel(&connection, &bus) {
        // Said although nobody asked, so that what it took to find out is given back.
        post(Event::Worked(Area::Tray));
        return show_again(&connection, &bus);
    }
    post(Event::Failed(Area::Tray, no_panel()));
    while changes.next().is_some() {
        std::thread::sleep(REGISTRATION);
        if has_panel(&connection, &bus) {
            post(Event::Worked(Area::Tray));
            return show_again(&connection, &bus);
        }
    }
    Ok(())
}

fn watcher(connection: &Connection) -> zbus::Result<Proxy<'_>> {
    Proxy::new(connection, WATCHER, "/StatusNotifierWatcher", WATCHER)
}

fn has_panel(connection: &Connection, bus: &DBusProxy<'_>) -> bool {
    let registered = || watcher(connection)?.get_property("IsStatusNotifierHostRegistered");
    let owned = BusName::try_from(WATCHER).is_ok_and(|name| bus.name_has_owner(name).unwrap_or(false));
    owned && registered().unwrap_or(false)
}

/// Registers our icon if the panel does not know it. ksni registers it once, and only then begins to look out
/// for a panel: one that starts in between is never told.
fn show_again(connection: &Connection, bus: &DBusProxy<'_>) -> zbus::Result<()> {
    let item = format!("org.kde.StatusNotifierItem-{}-1", std::process::id());
    let unique = bus.get_name_owner(BusName::try_from(item.as_str())?)?;
    let watcher = watcher(connection)?;
    let known: Vec<String> = watcher.get_property("RegisteredStatusNotifierItems")?;
    // Panels list an icon by either of its names, most of them with an object path after it.
    let is_ours = |listed: &String| {
        let name = listed.split('/').next().unwrap_or_default();
        name == item || name == unique.as_str()
    };
    if !known.iter().any(is_ours) {
        tracing::info!(event = "tray.registered_again");
        watcher.call::<_, _, ()>("RegisterStatusNotifierItem", &item)?;
    }
    Ok(())
}

fn no_panel() -> Problem {
    Problem::new(
        Fault::Unavailable,
        "The tray icon cannot be seen",
        "this desktop",
        "no panel here shows tray icons",
        "On GNOME install the extension AppIndicator and KStatusNotifierItem Support; elsewhere add the system \
         tray to the panel. Notifications and the command line work without it.",
    )
}
