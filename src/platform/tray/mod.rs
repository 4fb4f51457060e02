//! The icon and its menu on the desktop. The view says what is to be seen; only what differs is applied.

pub mod icons;
mod live_menu;
#[cfg(target_os = "linux")]
mod loop_linux;
#[cfg(not(target_os = "linux"))]
mod loop_native;

#[cfg(target_os = "linux")]
pub use loop_linux::run;
#[cfg(not(target_os = "linux"))]
pub use loop_native::run;

use super::{Post, clock::Clock, instance, watch::Watch, world, world::World};
use crate::{
    app::{Command, Event, State, TrayView, event::Area, update, update::first_look, view},
    domain::{Fault, Problem},
    store::recoveries::Recoveries,
};
use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use live_menu::LiveMenu;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};
use tray_icon::{TrayIcon, TrayIconBuilder, TrayIconEvent, menu::MenuEvent};

/// How long several changes of files are taken together.
const SETTLE: Duration = Duration::from_millis(150);
/// How long files may go on changing before they are read all the same.
const UNSETTLED: Duration = Duration::from_secs(2);
/// The longest sleep: a clock that was set, or a machine that slept, is noticed after that at the latest.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

/// From how much time on that passed on the clock, and not here, the machine has slept, or its clock was set.
const JUMP: SignedDuration = SignedDuration::from_secs(30);

/// Has more time passed on the clock than here?
fn has_jumped(clock: SignedDuration, here: Duration) -> bool {
    let here = SignedDuration::try_from(here).unwrap_or(SignedDuration::MAX);
    clock.checked_sub(here).is_some_and(|missed| missed > JUMP)
}

/// The icon on the desktop, and what it shows.
struct Tray {
    /// Dropped before the icon, whose window it watches over.
    #[cfg(windows)]
    window: Option<super::windows::tray_window::TrayWindow>,
    icon: TrayIcon,
    menu: LiveMenu,
    shown: TrayView,
    /// How large the shown picture may be, in pixels.
    size: u32,
}

impl Tray {
    fn new(view: TrayView) -> Result<Tray, Problem> {
        let menu = LiveMenu::new(&view.menu).map_err(|error| no_tray(&error.to_string()))?;
        let mut builder = TrayIconBuilder::new()
            .with_id("visualcron-tray")
            .with_title(crate::app::words::TITLE)
            .with_tooltip(tooltip(&view))
            .with_menu(Box::new(menu.root().clone()))
            .with_menu_on_left_click(false);
        if let Some(icon) = icons::icon(view.icon) {
            builder = builder.with_icon(icon);
        }
        let icon = builder.build().map_err(|error| no_tray(&error.to_string()))?;
        Ok(Tray {
            #[cfg(windows)]
            window: None,
            icon,
            menu,
            shown: view,
            size: icons::size(),
        })
    }

    /// Shows `view`; makes no call for what is shown already. What the taskbar does not take, as while it is started
    /// anew, counts as not shown.
    fn show(&mut self, mut view: TrayView) {
        let size = icons::size();
        if view.icon != self.shown.icon || size != self.size {
            match self.icon.set_icon(icons::icon(view.icon)) {
                Ok(()) => self.size = size,
                Err(_) => view.icon = self.shown.icon,
            }
        }
        if view.tooltip != self.shown.tooltip && self.icon.set_tooltip(Some(tooltip(&view))).is_err() {
            view.tooltip = std::mem::take(&mut self.shown.tooltip);
        }
        self.menu.show(&view.menu);
        self.shown = view;
    }
}

/// The tooltip as this system wants it: Linux panels put the icon's title above it themselves.
fn tooltip(view: &TrayView) -> &str {
    let text = view.tooltip.as_str();
    if !cfg!(target_os = "linux") {
        return text;
    }
    text.strip_prefix(crate::app::words::TITLE).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(text)
}

fn no_tray(error: &str) -> Problem {
    let no_session = error.contains("D-Bus connection error") || error.contains("DBUS_SESSION_BUS_ADDRESS");
    Problem::new(
        Fault::Unavailable,
        "The tray icon cannot be shown",
        "this session",
        if no_session { "there is no D-Bus session" } else { error },
        "Start it from a desktop session. Everything works on the command line too: `visualcron-tray --help`.",
    )
}

/// The application on a desktop: state, effects, icon.
pub struct App {
    state: State,
    clock: Clock,
    world: World,
    tray: Option<Tray>,
    watch: Option<Watch>,
    /// Since when files have been changing; they are read when no more changes came for a moment.
    settling: Option<Instant>,
    /// When something happened last, by the system's clock and by the one that stands still while the machine sleeps.
    last: (Timestamp, Instant),
    /// Those who ask over the socket.
    host: Option<instance::Host>,
    /// What is to be cleaned up when the application ends.
    keepsake: Option<Box<dyn std::any::Any + Send>>,
}

impl App {
    /// The application, before anything is shown.
    pub fn new(state: State, clock: Clock, world: World) -> App {
        let last = (Timestamp::now(), Instant::now());
        App { state, clock, world, tray: None, watch: None, settling: None, last, host: None, keepsake: None }
    }

    /// Keeps `thing` until the application ends, and drops it then.
    pub fn keep(&mut self, thing: impl std::any::Any + Send) {
        self.keepsake = Some(Box::new(thing));
    }

    /// Takes the icon away, and cleans up.
    fn end(&mut self) {
        self.tray = None;
        // A watched folder cannot be removed on Windows either.
        self.watch = None;
        if let Some(host) = self.host.take() {
            host.farewell();
        }
        tracing::info!(event = "tray.ended");
        super::log::end();
        self.keepsake = None;
    }

    /// Shows the icon, starts to watch files and to listen to commands, and looks at the world once.
    fn start(&mut self) {
        let post = self.post();
        match Tray::new(view(&self.state, &self.clock.now())) {
            Ok(tray) => {
                #[cfg(windows)]
                let tray = loop_native::watched(tray, post.clone());
                self.tray = Some(tray);
            }
            Err(problem) => post(Event::Failed(Area::Tray, problem)),
        }
        match Watch::new(post.clone()) {
            Ok(watch) => self.watch = Some(watch),
            Err(problem) => post(Event::Failed(Area::Watch, problem)),
        }
        self.watch_files(Watch::set);
        #[cfg(windows)]
        super::windows::service::watch(post.clone());
        match instance::serve(&self.world.dirs, post, self.world.tickets.clone()) {
            Ok(host) => self.host = Some(host),
            Err(problem) => world::say(&problem),
        }
        self.world.carry_out(first_look(&mut self.state));
        tracing::info!(event = "tray.started", version = env!("CARGO_PKG_VERSION"));
    }

    /// Takes in an event. Returns false when the program is to end.
    fn take(&mut self, event: Event) -> bool {
        let (clock, here) = std::mem::replace(&mut self.last, (Timestamp::now(), Instant::now()));
        if has_jumped(self.last.0.duration_since(clock), self.last.1.duration_since(here)) {
            self.reduce(Event::Resumed);
        }
        if matches!(event, Event::Woke) {
            return self.wake();
        }
        if matches!(event, Event::FilesChanged) {
            let since = *self.settling.get_or_insert_with(Instant::now);
            if since.elapsed() < UNSETTLED {
                return true;
            }
            self.settling = None;
        }
        self.reduce(event)
    }

    /// Nothing has happened for as long as [`App::sleep`] said.
    fn wake(&mut self) -> bool {
        let event = if self.settling.take().is_some() { Event::FilesChanged } else { Event::Woke };
        self.reduce(event)
    }

    fn show(&mut self, now: &ZonedDateTime) {
        if let Some(tray) = &mut self.tray {
            tray.show(view(&self.state, now));
        }
    }

    fn reduce(&mut self, event: Event) -> bool {
        let looked = matches!(event, Event::Looked(_));
        if matches!(event, Event::Resumed) {
            tracing::info!(event = "machine.resumed");
        }
        if matches!(event, Event::FilesChanged) {
            // Before the look, so that no change can come unseen between the two.
            self.watch_files(Watch::set_again);
        }
        let now = self.clock.now();
        let effects = update(&mut self.state, event, &now);
        // What was read shows at once; what the user answered only when it is kept, as a crash would undo it.
        if looked {
            self.show(&now);
        }
        let goes_on = self.world.carry_out(effects);
        if looked {
            // Files in other places may have changed since they were read.
            if self.watch_files(Watch::set) {
                self.post()(Event::FilesChanged);
            }
        } else {
            self.show(&now);
        }
        goes_on
    }

    /// How long to sleep if nothing happens.
    fn sleep(&self) -> Duration {
        if self.settling.is_some() {
            return SETTLE;
        }
        let now = self.clock.now();
        let due = self.state.next_wake(&now).duration_since(now.timestamp());
        // A little late rather than a little early, which would mean to look twice.
        Duration::try_from(due)
            .unwrap_or_default()
            .saturating_add(Duration::from_millis(5))
            .min(LONGEST_SLEEP)
    }

    /// True if a folder is watched that was not before.
    fn watch_files(&mut self, set: fn(&mut Watch, &[PathBuf]) -> Result<bool, Problem>) -> bool {
        let dirs = &self.world.dirs;
        let journals = Recoveries::below(&dirs.data).folder().to_path_buf();
        let files = [dirs.config.clone(), self.state.places.servers_xml.clone(), journals];
        match self.watch.as_mut().map(|watch| set(watch, &files)) {
            Some(Ok(is_new)) => is_new,
            Some(Err(problem)) => {
                self.post()(Event::Failed(Area::Watch, problem));
                false
            }
            None => false,
        }
    }

    fn post(&self) -> Post {
        self.world.post.clone()
    }
}

/// Posts what the user chooses in the menu, and the click on the icon that starts the Client.
fn listen(post: Post, starts_client: impl Fn(&TrayIconEvent) -> bool + Send + Sync + 'static) {
    let chosen = post.clone();
    MenuEvent::set_event_handler(Some(move |event: MenuEvent| {
        if let Ok(command) = event.id().0.parse() {
            chosen(Event::Chosen(command));
        }
    }));
    TrayIconEvent::set_event_handler(Some(move |event| {
        if starts_client(&event) {
            post(click());
        }
    }));
}

/// What a click on the icon does: the vendor's tray starts the Client on a double click (documented).
fn click() -> Event {
    Event::Chosen(Command::StartClient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_told_from_waiting_and_from_a_clock_that_is_corrected() {
        let (clock, here) = (SignedDuration::from_secs, Duration::from_secs);
        for (passed, waited, jumped) in
            [(3600, 3600, false), (3600, 5, true), (31, 0, true), (30, 0, false), (-7200, 5, false)]
        {
            assert_eq!(has_jumped(clock(passed), here(waited)), jumped, "{passed} s, {waited} s here");
        }
    }
}
