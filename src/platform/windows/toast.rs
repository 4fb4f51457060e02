//! Toasts. All that can be clicked on one is an address of ours, which Windows opens also when the tray has ended or
//! was started anew since, from the Action Center.

use super::identity;
use crate::{
    app::{Bubble, Command, address},
    domain::{Fault, Problem},
};
use quick_xml::escape::escape;
use std::fmt::Write;
use windows::{
    Data::Xml::Dom::XmlDocument,
    UI::Notifications::{NotificationSetting, ToastNotification, ToastNotificationManager, ToastNotifier},
    core::{HSTRING, Result},
};

/// How Windows knows the toasts that can be taken back.
const PASSES: &str = "passes";

/// Takes back what [passes](Bubble::passes), from the screen and from the Action Center, whichever tray has shown it.
///
/// # Errors
///
/// There are no toasts here.
pub fn withdraw() -> Result<()> {
    let (tag, id) = (HSTRING::from(PASSES), HSTRING::from(identity::ID));
    ToastNotificationManager::History()?.RemoveGroupedTagWithId(&tag, &tag, &id)
}

/// Shows a toast under our name, which must be registered with our addresses (or nothing can be clicked).
///
/// # Errors
///
/// There are none here: Server Core and Wine lack them.
pub fn show(bubble: &Bubble) -> Result<()> {
    let document = XmlDocument::new()?;
    document.LoadXml(&HSTRING::from(xml(bubble)))?;
    let toast = ToastNotification::CreateToastNotification(&document)?;
    if bubble.passes {
        toast.SetTag(&HSTRING::from(PASSES))?;
        toast.SetGroup(&HSTRING::from(PASSES))?;
    }
    notifier()?.Show(&toast)
}

fn notifier() -> Result<ToastNotifier> {
    ToastNotificationManager::CreateToastNotifierWithId(&HSTRING::from(identity::ID))
}

/// Why nothing of ours is seen, where notifications are switched off: [`show`] may succeed all the same. To be asked
/// after it, for Windows knows the setting of a program without a package only once that has sent a toast ("element
/// not found" before: CommunityToolkit/WindowsCommunityToolkit, issue 3626).
pub fn switched_off() -> Option<Problem> {
    let (why, next) = off(notifier().and_then(|notifier| notifier.Setting()).ok()?)?;
    tracing::info!(event = "toast.switched_off", why);
    Some(Problem::new(Fault::Unavailable, "Notifications cannot be shown", "Windows", why, next))
}

/// The reason, and what to do about it. `Focus assist` and "Do not disturb" are none: they let a toast into the Action
/// Center.
fn off(setting: NotificationSetting) -> Option<(&'static str, &'static str)> {
    const SETTINGS: &str = "To see them, switch them on in Windows' Settings, System, Notifications.";
    match setting {
        NotificationSetting::Enabled => None,
        NotificationSetting::DisabledForApplication => {
            Some(("the notifications of visualcron-tray are switched off", SETTINGS))
        }
        NotificationSetting::DisabledForUser => Some(("all notifications are switched off", SETTINGS)),
        NotificationSetting::DisabledByGroupPolicy => Some((
            "a policy has switched notifications off",
            "To see them, ask an administrator of this machine.",
        )),
        _ => Some(("Windows does not let visualcron-tray show any", SETTINGS)),
    }
}

/// The toast as of the toast schema. An answer about more notices than an address can name has no button: they are
/// in the menu.
fn xml(bubble: &Bubble) -> String {
    let duration = if bubble.stays { "long" } else { "short" };
    let launch = address::of(&Command::Details, &[]).unwrap_or_default();
    let mut actions = String::new();
    for (label, choice) in &bubble.actions {
        if let Some(address) = address::of(choice, &bubble.keys) {
            let _ = write!(
                actions,
                r#"<action content="{}" activationType="protocol" arguments="{}"/>"#,
                escape(*label),
                escape(&address)
            );
        }
    }
    if !actions.is_empty() {
        actions = format!("<actions>{actions}</actions>");
    }
    format!(
        r#"<toast duration="{duration}" activationType="protocol" launch="{launch}"><visual><binding template="ToastGeneric"><text>{}</text><text>{}</text></binding></visual><audio silent="true"/>{actions}</toast>"#,
        escape(&bubble.summary),
        escape(&bubble.body),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Icon;

    fn bubble(keys: Vec<String>, actions: Vec<(&'static str, Command)>) -> Bubble {
        Bubble {
            keys,
            summary: "R&D <1>".into(),
            body: "\"a\" & b".into(),
            actions,
            stays: true,
            passes: false,
            icon: Icon::Notice,
        }
    }

    #[test]
    fn whatever_is_not_switched_on_is_off_with_a_reason_and_a_way_out() {
        assert_eq!(off(NotificationSetting::Enabled), None);
        let told = [
            NotificationSetting::DisabledForApplication,
            NotificationSetting::DisabledForUser,
            NotificationSetting::DisabledByGroupPolicy,
            NotificationSetting::DisabledByManifest,
            NotificationSetting(99),
        ]
        .map(|setting| off(setting).map(|(why, next)| format!("{why}. {next}")).unwrap_or_default());
        insta::assert_snapshot!(told.join("\n"), @r"
        the notifications of visualcron-tray are switched off. To see them, switch them on in Windows' Settings, System, Notifications.
        all notifications are switched off. To see them, switch them on in Windows' Settings, System, Notifications.
        a policy has switched notifications off. To see them, ask an administrator of this machine.
        Windows does not let visualcron-tray show any. To see them, switch them on in Windows' Settings, System, Notifications.
        Windows does not let visualcron-tray show any. To see them, switch them on in Windows' Settings, System, Notifications.
        ");
    }

    #[test]
    fn all_that_can_be_clicked_is_an_address() {
        let actions = vec![
            ("Renew…", Command::Renew),
            ("Remind me tomorrow", Command::RemindTomorrow),
            ("Details", Command::Details),
        ];
        let few = xml(&bubble(vec!["r&d:1 2026-12-06 date".into()], actions.clone()));
        let expected = [
            r#"<toast duration="long" activationType="protocol" launch="visualcron-tray:details">"#,
            r#"<visual><binding template="ToastGeneric">"#,
            "<text>R&amp;D &lt;1&gt;</text><text>&quot;a&quot; &amp; b</text></binding></visual>",
            r#"<audio silent="true"/><actions>"#,
            r#"<action content="Renew…" activationType="protocol" arguments="visualcron-tray:renew"/>"#,
            r#"<action content="Remind me tomorrow" activationType="protocol" "#,
            r#"arguments="visualcron-tray:remind-tomorrow?notice=r%26d%3A1+2026-12-06+date"/>"#,
            r#"<action content="Details" activationType="protocol" arguments="visualcron-tray:details"/>"#,
            "</actions></toast>",
        ];
        assert_eq!(few, expected.concat());
        let many = xml(&bubble((0..500).map(|n| format!("server-{n} 2026-12-06 date")).collect(), actions));
        assert!(!many.contains("Remind") && many.contains("visualcron-tray:renew"), "{many}");
        assert!(!xml(&bubble(vec![], vec![])).contains("actions"));
    }
}
