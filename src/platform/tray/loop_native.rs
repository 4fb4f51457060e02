//! The loop on Windows and macOS: tao's.

use super::{App, listen};
use crate::{app::Event, platform::Post};
use std::{
    sync::{Arc, Mutex, mpsc},
    time::Instant,
};
use tao::{
    event::{Event as TaoEvent, StartCause},
    event_loop::{ControlFlow, EventLoopBuilder},
};
use tray_icon::{MouseButton, TrayIconEvent};

/// Runs the application that `make` makes, and ends the process when it ends.
pub fn run(make: impl FnOnce(Post) -> App) {
    let event_loop = EventLoopBuilder::<Event>::with_user_event().build();
    let proxy = Mutex::new(event_loop.create_proxy());
    let mut app = make(Arc::new(move |event| {
        if let Ok(proxy) = proxy.lock() {
            let _ = proxy.send_event(event);
        }
    }));
    listen(app.post(), |event| matches!(event, TrayIconEvent::DoubleClick { button: MouseButton::Left, .. }));
    let alarm = Alarm::new(app.post());
    event_loop.run(move |event, _, flow| {
        let goes_on = match event {
            TaoEvent::NewEvents(StartCause::Init) => {
                app.start();
                true
            }
            TaoEvent::UserEvent(event) => app.take(event),
            // The session ends too: on Windows the process is gone after this.
            TaoEvent::LoopDestroyed => {
                app.end();
                false
            }
            _ => return,
        };
        if goes_on {
            alarm.set(Instant::now() + app.sleep());
        }
        *flow = if goes_on { ControlFlow::Wait } else { ControlFlow::Exit };
    })
}

/// Wakes the loop when its time has come. Not tao's own `WaitUntil`: on Windows a moment that is put off just as it
/// arrives makes tao wait for the new one in a busy loop.
struct Alarm(mpsc::Sender<Instant>);

impl Alarm {
    fn new(post: Post) -> Alarm {
        let (sender, changes) = mpsc::channel::<Instant>();
        std::thread::spawn(move || {
            let mut due: Option<Instant> = None;
            loop {
                let change = match due {
                    Some(due) => changes.recv_timeout(due.saturating_duration_since(Instant::now())),
                    None => changes.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
                };
                due = match change {
                    Ok(next) => Some(next),
                    Err(mpsc::RecvTimeoutError::Timeout) => {
                        post(Event::Woke);
                        None
                    }
                    Err(mpsc::RecvTimeoutError::Disconnected) => return,
                };
            }
        });
        Alarm(sender)
    }

    /// Rings at `due`, and at no other time set before.
    fn set(&self, due: Instant) {
        let _ = self.0.send(due);
    }
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
            News::DoubleClicked => post(super::click()),
            News::BalloonClicked => notify::balloon_clicked(&post),
            News::Close => post(Event::Chosen(crate::app::Command::Exit)),
            News::Policies => post(Event::FilesChanged),
            News::Changed => post(Event::Woke),
            News::Resumed => post(Event::Resumed),
        };
    };
    tray.window = Some(TrayWindow::new(&tray.icon, tray.menu.root().clone(), tell));
    tray
}
