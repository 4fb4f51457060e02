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
    #[cfg(target_os = "linux")]
    if bubble.passes {
        set_passing(Passing::OnItsWay);
    }
    let icon = picture(bubble.icon, data);
    // Paths and the system's own words may be in it.
    let (summary, body) = (plain(&bubble.summary).into_owned(), plain_lines(&bubble.body).into_owned());
    let bubble = Bubble { summary, body, ..bubble };
    std::thread::spawn(move || match show_and_wait(&bubble, icon.as_deref(), &post) {
        Ok(()) => {}
        Err(CannotShow(problem)) => {
            // Nobody may miss it altogether: it goes to the log, and to standard error where there is one.
            let text = format!("{}: {}", bubble.summary, bubble.body.replace('\n', "; "));
            tracing::warn!(event = "notification.failed", text);
            post(Event::NotShown(bubble.keys, problem));
        }
    });
}

/// What holds until notifications can be shown.
const MEANWHILE: &str =
    "Notices are in the tray's menu, in the log, and in `visualcron-tray notices` meanwhile.";

/// Why a notification was not shown.
struct CannotShow(Problem);

impl<E: std::error::Error> From<E> for CannotShow {
    fn from(error: E) -> CannotShow {
        CannotShow(cannot_show(&error))
    }
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
        (text, MEANWHILE)
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

/// Takes back the notification that [passes](Bubble::passes), if it is still there.
#[cfg(target_os = "linux")]
pub fn withdraw() {
    if let Passing::Shown(id) = set_passing(Passing::Gone) {
        std::thread::spawn(move || close(id));
    }
}

/// The notification that passes: there is one at a time.
#[cfg(target_os = "linux")]
enum Passing {
    /// It was never shown, or is answered, closed or taken back.
    Gone,
    /// It is being shown.
    OnItsWay,
    /// It is shown, under this number.
    Shown(u32),
}

#[cfg(target_os = "linux")]
static PASSING: std::sync::Mutex<Passing> = std::sync::Mutex::new(Passing::Gone);

/// Returns what it was before.
#[cfg(target_os = "linux")]
fn set_passing(now: Passing) -> Passing {
    std::mem::replace(&mut PASSING.lock().unwrap_or_else(std::sync::PoisonError::into_inner), now)
}

#[cfg(target_os = "linux")]
fn close(id: u32) {
    const SERVER: &str = "org.freedesktop.Notifications";
    let path = "/org/freedesktop/Notifications";
    let closed = zbus::blocking::Connection::session()
        .and_then(|bus| bus.call_method(Some(SERVER), path, Some(SERVER), "CloseNotification", &id));
    match closed {
        Ok(_) => tracing::info!(event = "notification.withdrawn"),
        // Most often: it was not there any more.
        Err(error) => tracing::info!(event = "notification.not_withdrawn", error = %error),
    }
}

#[cfg(target_os = "linux")]
fn show_and_wait(bubble: &Bubble, icon: Option<&Path>, post: &Post) -> Result<(), CannotShow> {
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
    if bubble.passes && matches!(set_passing(Passing::Shown(handle.id())), Passing::Gone) {
        // It has passed before it was shown.
        withdraw();
    }
    if offers_actions {
        handle.wait_for_action(|identifier| {
            if bubble.passes {
                set_passing(Passing::Gone);
            }
            if let Some(choice) = chosen(identifier) {
                post(Event::Answered(Answer { keys: bubble.keys.clone(), choice }));
            }
        });
    }
    Ok(())
}

#[cfg(target_os = "macos")]
pub fn withdraw() {}

#[cfg(target_os = "macos")]
fn show_and_wait(bubble: &Bubble, _icon: Option<&Path>, post: &Post) -> Result<(), CannotShow> {
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
/// else the tray's own balloon; not where notifications are switched off, for Windows would swallow that too.
#[cfg(windows)]
fn show_and_wait(bubble: &Bubble, _icon: Option<&Path>, post: &Post) -> Result<(), CannotShow> {
    use super::windows::{identity, toast};
    if identity::is_registered() && identity::has_addresses() {
        let shown = toast::show(bubble);
        if let Some(problem) = toast::switched_off() {
            return Err(CannotShow(problem.and_next(MEANWHILE)));
        }
        match shown {
            Ok(()) => {
                post(Event::Worked(Area::Notifications));
                return Ok(());
            }
            Err(error) => tracing::info!(event = "toast.failed", error = %error),
        }
    }
    let warning = matches!(bubble.icon, Icon::Expired | Icon::Notice);
    let mut last = BALLOON.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    super::windows::tray_window::balloon(&bubble.summary, &bubble.body, warning)
        .map_err(std::io::Error::other)?;
    *last = Some(bubble.clone());
    post(Event::Worked(Area::Notifications));
    Ok(())
}

/// The balloon that was shown last: the shell shows one at a time.
#[cfg(windows)]
static BALLOON: std::sync::Mutex<Option<Bubble>> = std::sync::Mutex::new(None);

/// Takes back the notification that [passes](Bubble::passes), as a toast from the Action Center too, and if it is the
/// balloon that is shown.
#[cfg(windows)]
pub fn withdraw() {
    use super::windows::{identity, toast, tray_window};
    std::thread::spawn(|| {
        if identity::is_registered()
            && let Err(error) = toast::withdraw()
        {
            tracing::info!(event = "toast.not_withdrawn", error = %error);
        }
        let mut last = BALLOON.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.take_if(|last| last.passes).is_some() && tray_window::no_balloon().is_ok() {
            tracing::info!(event = "notification.withdrawn");
        }
    });
}

/// The user clicked the tray's balloon.
#[cfg(windows)]
pub fn balloon_clicked(post: &Post) {
    let last = BALLOON.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let keys = last.as_ref().map(|bubble| bubble.keys.clone()).unwrap_or_default();
    if let Some(choice) = chosen("default") {
        post(Event::Answered(Answer { keys, choice }));
    }
}
