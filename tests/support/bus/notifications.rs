//! The notification server that the test plays: `org.freedesktop.Notifications`.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use zbus::blocking::Connection;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;
use zbus::{fdo, interface};

use super::{Bus, Listens, wait_until_listens};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// notify-rust asks for the signals only after `Notify` has returned, and an action before that is lost.
/// Nobody on a real desktop clicks within this time.
const UNTIL_CLIENT_LISTENS: Duration = Duration::from_millis(100);

/// For a program that never listens nothing is gained by waiting longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// A notification as the server got it.
#[derive(Debug)]
pub struct Bubble {
    pub id: u32,
    /// The id of the bubble that this one takes the place of; 0 for none.
    pub replaces: u32,
    pub app_name: String,
    pub icon: String,
    pub summary: String,
    pub body: String,
    /// Key and label of each, in order.
    pub actions: Vec<(String, String)>,
    pub hints: HashMap<String, OwnedValue>,
    /// Milliseconds; -1 leaves it to the server, 0 is for ever.
    pub expire_timeout: i32,
}

impl Bubble {
    /// The labels of the buttons. "default" is a click on the bubble itself, not a button.
    pub fn buttons(&self) -> Vec<&str> {
        self.actions.iter().filter(|(key, _)| key != "default").map(|(_, label)| label.as_str()).collect()
    }
}

/// When `Notify` returned, and to whom.
#[derive(Clone)]
struct Sent {
    at: Instant,
    sender: String,
}

#[derive(Default)]
struct Shown {
    waiting: Vec<Bubble>,
    sent: HashMap<u32, Sent>,
    closed_by_program: Vec<u32>,
    last_id: u32,
}

#[derive(Default)]
struct Shared {
    shown: Mutex<Shown>,
    changed: Condvar,
}

struct Service {
    shared: Arc<Shared>,
    capabilities: Vec<String>,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Service {
    #[allow(clippy::too_many_arguments)] // The protocol's own.
    fn notify(
        &self,
        app_name: String,
        replaces: u32,
        icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        expire_timeout: i32,
        #[zbus(header)] header: Header<'_>,
    ) -> u32 {
        let mut shown = self.shared.shown.lock().unwrap();
        let id = if replaces > 0 { replaces } else { shown.last_id + 1 };
        shown.last_id = shown.last_id.max(id);
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        shown.sent.insert(id, Sent { at: Instant::now(), sender });
        let actions = actions.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        shown.waiting.push(Bubble {
            id,
            replaces,
            app_name,
            icon,
            summary,
            body,
            actions,
            hints,
            expire_timeout,
        });
        self.shared.changed.notify_all();
        id
    }

    async fn close_notification(
        &self,
        id: u32,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> fdo::Result<()> {
        self.shared.shown.lock().unwrap().closed_by_program.push(id);
        self.shared.changed.notify_all();
        Self::notification_closed(&emitter, id, 3).await?;
        Ok(())
    }

    fn get_capabilities(&self) -> Vec<String> {
        self.capabilities.clone()
    }

    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        ("test", "visualcron-tray", "1", "1.2")
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
}

/// A notification server. Dropping it takes its name off the bus.
pub struct Notifications {
    connection: Connection,
    shared: Arc<Shared>,
}

impl Notifications {
    pub(super) fn start(bus: &Bus, capabilities: &[&str]) -> Self {
        let shared = Arc::<Shared>::default();
        let capabilities = capabilities.iter().map(|&word| word.to_owned()).collect();
        let service = Service { shared: Arc::clone(&shared), capabilities };
        let connection = bus.builder().serve_at(PATH, service).unwrap().name(NAME).unwrap().build().unwrap();
        Self { connection, shared }
    }

    /// The next bubble that was not yet handed out; waits for it.
    #[track_caller]
    pub fn wait_for_next(&self, timeout: Duration) -> Bubble {
        let shown = self.shared.shown.lock().unwrap();
        let (mut shown, _) =
            self.shared.changed.wait_timeout_while(shown, timeout, |shown| shown.waiting.is_empty()).unwrap();
        assert!(!shown.waiting.is_empty(), "waited {timeout:?} in vain for a notification");
        shown.waiting.remove(0)
    }

    /// The bubbles that came and were not yet handed out, without waiting.
    pub fn take_all(&self) -> Vec<Bubble> {
        std::mem::take(&mut self.shared.shown.lock().unwrap().waiting)
    }

    /// Presses a button of the bubble by its key. As servers do, the bubble closes after that.
    pub fn invoke(&self, id: u32, action: &str) {
        self.wait_until_client_listens(id);
        let emitter = self.emitter();
        zbus::block_on(Service::action_invoked(&emitter, id, action)).unwrap();
        zbus::block_on(Service::notification_closed(&emitter, id, 2)).unwrap();
    }

    /// Closes the bubble: reason 1 for expired, 2 for dismissed by the user, 4 for unknown.
    pub fn close(&self, id: u32, reason: u32) {
        self.wait_until_client_listens(id);
        zbus::block_on(Service::notification_closed(&self.emitter(), id, reason)).unwrap();
    }

    /// Waits until the program itself has taken the bubble back.
    #[track_caller]
    pub fn wait_until_taken_back(&self, id: u32, timeout: Duration) {
        let shown = self.shared.shown.lock().unwrap();
        let open = |shown: &mut Shown| !shown.closed_by_program.contains(&id);
        let (shown, _) = self.shared.changed.wait_timeout_while(shown, timeout, open).unwrap();
        assert!(shown.closed_by_program.contains(&id), "notification {id} still there after {timeout:?}");
    }

    fn emitter(&self) -> SignalEmitter<'static> {
        SignalEmitter::new(self.connection.inner(), PATH).unwrap()
    }

    fn wait_until_client_listens(&self, id: u32) {
        let sent = self.shared.shown.lock().unwrap().sent.get(&id).cloned();
        let sent = sent.unwrap_or_else(|| panic!("no notification has the id {id}"));
        std::thread::sleep(UNTIL_CLIENT_LISTENS.saturating_sub(sent.at.elapsed()));
        if wait_until_listens(&self.connection, &sent.sender, 1, PATIENCE) == Listens::Late {
            // On a loaded machine; and its stream opens a moment after the bus has its rules.
            std::thread::sleep(UNTIL_CLIENT_LISTENS);
        }
    }
}

impl Drop for Notifications {
    fn drop(&mut self) {
        let _ = self.connection.release_name(NAME);
    }
}
