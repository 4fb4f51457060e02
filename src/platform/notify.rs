//! Notifications of the desktop, through notify-rust. A notification is a pointer: all it offers is in the
//! menu and on the command line as well, since desktops drop them.

use super::Post;
use crate::{
    app::{Answer, Bubble, Command, Event, event::Area, words},
    domain::{Fault, Problem},
};
use std::path::Path;

/// Shows a notification from a thread of its own, which stays until it is answered or gone.
pub fn show(bubble: Bubble, data: &Path, post: Post) {
    let icon = icon_file(&bubble, data);
    std::thread::spawn(move || match show_and_wait(&bubble, icon.as_deref(), &post) {
        Ok(()) => {}
        Err(error) => {
            // Nobody may miss it altogether: it goes to the log, and to standard error where there is one.
            let text = format!("{}: {}", bubble.summary, bubble.body.replace('\n', "; "));
            tracing::warn!(event = "notification.failed", text);
            post(Event::Failed(Area::Notifications, cannot_show(&error)));
        }
    });
}

fn cannot_show(error: &notify_rust::error::Error) -> Problem {
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
fn icon_file(bubble: &Bubble, data: &Path) -> Option<std::path::PathBuf> {
    let path = data.join("icons").join(format!("{}.png", bubble.icon.name()));
    let png = super::tray::icons::png(bubble.icon, 48);
    if std::fs::read(&path).ok().as_deref() != Some(png) {
        crate::store::atomic::write(&path, png).ok()?;
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
        .appname(words::TITLE)
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

#[cfg(any(windows, target_os = "macos"))]
fn show_and_wait(
    bubble: &Bubble,
    _icon: Option<&Path>,
    post: &Post,
) -> Result<(), notify_rust::error::Error> {
    use notify_rust::Notification;
    Notification::new().appname(words::TITLE).summary(&bubble.summary).body(&bubble.body).show()?;
    post(Event::Worked(Area::Notifications));
    let _ = (Answer { keys: Vec::new(), choice: Command::Details }, chosen);
    Ok(())
}
