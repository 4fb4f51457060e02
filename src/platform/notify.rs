//! Notifications of the desktop: through notify-rust, on Windows as toasts and balloons. A notification is a pointer: all it offers is in the
//! menu and on the command line as well, since desktops drop them.

use super::Post;
use crate::{
    app::{Answer, Bubble, Command, Event, Icon, event::Area},
    domain::{
        Fault, Problem,
        text::{plain, plain_lines},
    },
    store::atomic,
};
use std::path::Path;

/// Shows a notification from a thread of its own, which stays until it is answered or gone.
pub fn show(bubble: Bubble, data: &Path, post: Post) {
    let icon = picture(bubble.icon, data);
    // Paths and the system's own words may be in it.
    let (summary, body) = (plain(&bubble.summary).into_owned(), plain_lines(&bubble.body).into_owned());
    let bubble = Bubble { summary, body, ..bubble };
    std::thread::spawn(move || match show_and_wait(&bubble, icon.as_deref(), &post) {
        Ok(()) => {}
        Err(error) => {
            // Nobody may miss it altogether: it goes to the log, and to standard error where there is one.
            let text = format!("{}: {}", bubble.summary, bubble.body.replace('\n', "; "));
            tracing::warn!(event = "notification.failed", text);
            post(Event::NotShown(bubble.keys, cannot_show(&error)));
        }
    });
}

fn cannot_show(error: &dyn std::error::Error) -> Problem {
    let text = error.to_string();
    let (why, next) = if text.contains("ServiceUnknown") {
        (
            "no notification server runs on this desktop".to_string(),
            "Install one (for example dunst, mako or xfce4-notifyd). Notices are in the tray's menu, in the log, and in `visualcron-tray notices` meanwhile.",
        )
    } else if text.contains("DBUS_SESSION_BUS_ADDRESS")
        || text.contains("No such file")
        || text.contains("autolaunch")
    {
        (
            "there is no D-Bus session".to_string(),
            "Start the tray from a desktop session. Notices are in the log, and in `visualcron-tray notices` meanwhile.",
        )
    } else {
        (text, "Notices are in the tray's menu, in the log, and in `visualcron-tray notices` meanwhile.")
    };
    Problem::new(
        Fault::Unavailable,
        "Notifications cannot be shown",
        "the desktop's notification server",
        why,
        next,
    )
}

/// The icon of a state as a file, which notification servers want.
pub fn picture(icon: Icon, data: &Path) -> Option<std::path::PathBuf> {
    let path = data.join("icons").join(format!("{}.png", icon.name()));
    let png = super::tray::icons::png(icon, 48);
    let there = atomic::read_bounded(&path, 1024 * 1024).ok().flatten();
    if there.as_deref() != Some(png) {
        atomic::replace(&path, png).ok()?;
    }
    Some(path)
}

/// What each button is called on the bus: the command's own text.
fn chosen(identifier: &str) -> Option<Command> {
    match identifier {
        "default" => Some(Command::Details),
        other => other.parse().ok(),
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn show_and_wait(bubble: &Bubble, icon: Option<&Path>, post: &Post) -> Result<(), notify_rust::error::Error> {
    use notify_rust::{Hint, Notification, Timeout, Urgency};
    let can = notify_rust::get_capabilities()?;
    let can = |what: &str| can.iter().any(|capability| capability == what);
    let mut body = bubble.body.clone();
    let offers_actions = can("actions") && !bubble.actions.is_empty();
    if !offers_actions && !bubble.keys.is_empty() {
        body.push_str("\nRight-click the tray icon to answer.");
    }
    if can("body-markup") {
        body = body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    }
    let mut notification = Notification::new();
    notification
        .appname(crate::app::words::TITLE)
        .summary(&bubble.summary)
        .body(&body)
        .hint(Hint::DesktopEntry("visualcron-tray".into()))
        .hint(Hint::Urgency(Urgency::Normal))
        .timeout(if bubble.stays { Timeout::Never } else { Timeout::Default });
    if let Some(icon) = icon.and_then(Path::to_str) {
        notification.icon(icon);
    }
    if offers_actions {
        // A click on the bubble itself. Without a label, or xfce4-notifyd makes one more button of it.
        notification.action("default", "");
        for (label, command) in &bubble.actions {
            notification.action(&command.to_string(), label);
        }
    }
    let handle = notification.show()?;
    post(Event::Worked(Area::Notifications));
    if offers_actions {
        handle.wait_for_action(|identifier| {
            if let Some(choice) = chosen(identifier) {
                post(Event::Answered(Answer { keys: bubble.keys.clone(), choice }));
            }
        });
    }
    Ok(())
}

#[cfg(target_os = "macos")]
fn show_and_wait(
    bubble: &Bubble,
    _icon: Option<&Path>,
    post: &Post,
) -> Result<(), notify_rust::error::Error> {
    use notify_rust::Notification;
    Notification::new()
        .appname(crate::app::words::TITLE)
        .summary(&bubble.summary)
        .body(&bubble.body)
        .show()?;
    post(Event::Worked(Area::Notifications));
    let _ = (Answer { keys: Vec::new(), choice: Command::Details }, chosen);
    Ok(())
}

/// A toast where this program's name and addresses are registered and the system has toasts (Server Core and Wine have none),
/// else the tray's own balloon.
#[cfg(windows)]
fn show_and_wait(bubble: &Bubble, _icon: Option<&Path>, post: &Post) -> Result<(), std::io::Error> {
    use super::windows::{identity, toast};
    if identity::is_registered() && identity::has_addresses() {
        match toast::show(bubble) {
            Ok(()) => {
                post(Event::Worked(Area::Notifications));
                return Ok(());
            }
            Err(error) => tracing::info!(event = "toast.failed", error = %error),
        }
    }
    let warning = matches!(bubble.icon, Icon::Expired | Icon::Notice);
    super::windows::tray_window::balloon(&bubble.summary, &bubble.body, warning)
        .map_err(std::io::Error::other)?;
    if let Ok(mut keys) = BALLOON.lock() {
        keys.clone_from(&bubble.keys);
    }
    post(Event::Worked(Area::Notifications));
    Ok(())
}

/// The notices in the balloon that was shown last: the shell shows one at a time.
#[cfg(windows)]
static BALLOON: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());

/// The user clicked the tray's balloon.
#[cfg(windows)]
pub fn balloon_clicked(post: &Post) {
    let keys = BALLOON.lock().map(|keys| keys.clone()).unwrap_or_default();
    if let Some(choice) = chosen("default") {
        post(Event::Answered(Answer { keys, choice }));
    }
}
