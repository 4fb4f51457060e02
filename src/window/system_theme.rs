//! Light or dark, where the window system does not say: on X11 and Wayland.

use winit::window::Theme;

/// What is known at once; `later` is called, from another thread, if the desktop says otherwise. `GTK_THEME` beats
/// the desktop, as it does for other programs.
#[cfg(target_os = "linux")]
pub fn ask(later: impl FnOnce(Theme) + Send + 'static) -> Option<Theme> {
    if let Some(theme) = std::env::var_os("GTK_THEME") {
        return Some(named(&theme.to_string_lossy()));
    }
    // Not waited for: a desktop may take its time, and most are light.
    let _ = std::thread::Builder::new().name("theme".into()).spawn(move || {
        if portal().is_ok_and(|dark| dark) {
            later(Theme::Dark);
        }
    });
    Some(Theme::Light)
}

#[cfg(not(target_os = "linux"))]
pub fn ask(_later: impl FnOnce(Theme) + Send + 'static) -> Option<Theme> {
    None
}

#[cfg(target_os = "linux")]
fn named(theme: &str) -> Theme {
    let theme = theme.to_ascii_lowercase();
    if theme.ends_with(":dark") || theme.ends_with("-dark") { Theme::Dark } else { Theme::Light }
}

/// Does the user prefer dark, as the desktop's portal tells? It is asked only where it runs already.
#[cfg(target_os = "linux")]
fn portal() -> zbus::Result<bool> {
    const DARK: u32 = 1;
    let bus = zbus::blocking::Connection::session()?;
    let call = zbus::message::Message::method_call("/org/freedesktop/portal/desktop", "ReadOne")?
        .destination("org.freedesktop.portal.Desktop")?
        .interface("org.freedesktop.portal.Settings")?
        .with_flags(zbus::message::Flags::NoAutoStart)?
        .build(&("org.freedesktop.appearance", "color-scheme"))?;
    let serial = call.primary_header().serial_num();
    let answers = zbus::blocking::MessageIterator::from(bus.clone());
    bus.send(&call)?;
    for answer in answers {
        let answer = answer?;
        if answer.header().reply_serial() == Some(serial) {
            let value: zbus::zvariant::OwnedValue = answer.body().deserialize()?;
            return Ok(u32::try_from(value).is_ok_and(|scheme| scheme == DARK));
        }
    }
    Ok(false)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn names_of_dark_themes() {
        assert_eq!(named("Adwaita:dark"), Theme::Dark);
        assert_eq!(named("Yaru-dark"), Theme::Dark);
        assert_eq!(named("Adwaita"), Theme::Light);
    }
}
