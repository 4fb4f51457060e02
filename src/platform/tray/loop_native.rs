//! The loop on Windows and macOS: tao's.

use super::{App, click};
use crate::{app::Event, platform::Post};
use std::{
    sync::{Arc, Mutex},
    time::Instant,
};
use tao::{
    event::{Event as TaoEvent, StartCause},
    event_loop::{ControlFlow, EventLoopBuilder},
};
use tray_icon::{MouseButton, TrayIconEvent, menu::MenuEvent};

/// Runs the application that `make` makes, and ends the process when it ends.
pub fn run(make: impl FnOnce(Post) -> App) {
    let event_loop = EventLoopBuilder::<Event>::with_user_event().build();
    let proxy = Mutex::new(event_loop.create_proxy());
    let mut app = make(Arc::new(move |event| {
        if let Ok(proxy) = proxy.lock() {
            let _ = proxy.send_event(event);
        }
    }));
    let post = app.post();
    MenuEvent::set_event_handler(Some(move |event: MenuEvent| {
        if let Ok(command) = event.id().0.parse() {
            post(Event::Chosen(command));
        }
    }));
    let post = app.post();
    TrayIconEvent::set_event_handler(Some(move |event| {
        if let TrayIconEvent::DoubleClick { button: MouseButton::Left, .. } = event {
            post(click());
        }
    }));
    event_loop.run(move |event, _, flow| {
        let goes_on = match event {
            TaoEvent::NewEvents(StartCause::Init) => {
                app.start();
                true
            }
            TaoEvent::NewEvents(StartCause::ResumeTimeReached { .. }) => app.wake(),
            TaoEvent::UserEvent(event) => app.take(event),
            // The session ends too: on Windows the process is gone after this.
            TaoEvent::LoopDestroyed => {
                app.end();
                false
            }
            _ => true,
        };
        *flow =
            if goes_on { ControlFlow::WaitUntil(Instant::now() + app.sleep()) } else { ControlFlow::Exit };
    })
}

/// Adds to the tray what Windows needs beyond tray-icon.
#[cfg(windows)]
pub fn watched(mut tray: super::Tray, post: Post) -> super::Tray {
    use crate::platform::{
        notify,
        windows::tray_window::{News, TrayWindow},
    };
    let tell = move |news| {
        match news {
            News::DoubleClicked => post(click()),
            News::BalloonClicked => notify::balloon_clicked(&post),
            News::Close => post(Event::Chosen(crate::app::Command::Exit)),
            News::Changed => post(Event::Woke),
        };
    };
    tray.window = Some(TrayWindow::new(&tray.icon, tray.menu.root().clone(), tell));
    tray
}
