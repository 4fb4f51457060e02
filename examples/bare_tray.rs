//! The least tray that the same crates allow: an icon, three menu items, no other work.
//!
//! It is the yardstick of `benches/footprint.py` (what the product costs on top of it), and the program
//! against which the test harness in `tests/support` and `tests/desktop` proves itself.
#![allow(clippy::print_stderr)]

use muda::{Menu, MenuEvent, MenuId, MenuItem};
use tray_icon::{Icon, TrayIcon, TrayIconBuilder, TrayIconEvent};

type Failure = Box<dyn std::error::Error>;

/// What the loop wakes up for.
enum Event {
    Menu(MenuId),
    LeftClick,
}

/// A plain green square: no other thing on a desktop has this colour, so that tests find it.
fn icon() -> Result<Icon, Failure> {
    const SIDE: u32 = 32;
    let rgba = [0x00, 0xb0, 0x50, 0xff].repeat((SIDE * SIDE) as usize);
    Ok(Icon::from_rgba(rgba, SIDE, SIDE)?)
}

fn tray() -> Result<TrayIcon, Failure> {
    let menu = Menu::with_items(&[
        &MenuItem::with_id("client", "&Client", true, None),
        &MenuItem::with_id("server", "&Server", false, None),
        &MenuItem::with_id("exit", "E&xit", true, None),
    ])?;
    Ok(TrayIconBuilder::new()
        .with_id("bare_tray")
        .with_title("Bare tray")
        .with_tooltip("Nothing but an icon and three menu items")
        .with_icon(icon()?)
        .with_menu(Box::new(menu))
        .build()?)
}

/// Whether the program is to end.
fn handle(event: &Event) -> bool {
    match event {
        Event::Menu(id) => {
            eprintln!("clicked {}", id.0);
            id == "exit"
        }
        Event::LeftClick => {
            eprintln!("left click");
            false
        }
    }
}

/// Lets muda and tray-icon hand their events to `send`.
fn forward_events(send: impl Fn(Event) + Clone + Send + Sync + 'static) {
    let send_click = send.clone();
    TrayIconEvent::set_event_handler(Some(move |event| {
        let left = tray_icon::MouseButton::Left;
        if matches!(event, TrayIconEvent::Click { button, .. } if button == left) {
            send_click(Event::LeftClick);
        }
    }));
    MenuEvent::set_event_handler(Some(move |event: MenuEvent| send(Event::Menu(event.id))));
}

#[cfg(target_os = "linux")]
fn main() -> Result<(), Failure> {
    let (sender, events) = std::sync::mpsc::channel();
    forward_events(move |event| {
        // The receiver is gone only while the program ends.
        let _ = sender.send(event);
    });
    let _tray = tray()?;
    for event in events {
        if handle(&event) {
            break;
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() -> Result<(), Failure> {
    use tao::event::{Event as TaoEvent, StartCause};
    use tao::event_loop::{ControlFlow, EventLoopBuilder};

    let event_loop = EventLoopBuilder::with_user_event().build();
    let proxy = event_loop.create_proxy();
    forward_events(move |event| {
        // The loop is gone only while the program ends.
        let _ = proxy.send_event(event);
    });
    let mut shown = None;
    event_loop.run(move |event, _, control_flow| {
        *control_flow = ControlFlow::Wait;
        match event {
            // macOS wants the icon made once the loop runs.
            TaoEvent::NewEvents(StartCause::Init) => match tray() {
                Ok(tray) => shown = Some(tray),
                Err(error) => {
                    eprintln!("no tray icon: {error}");
                    *control_flow = ControlFlow::ExitWithCode(1);
                }
            },
            TaoEvent::UserEvent(event) if handle(&event) => {
                drop(shown.take());
                *control_flow = ControlFlow::Exit;
            }
            _ => {}
        }
    });
}
