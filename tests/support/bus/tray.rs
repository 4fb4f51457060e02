//! The panel that the test plays: `org.kde.StatusNotifierWatcher`, and an icon as a panel sees it.

use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use zbus::blocking::{Connection, Proxy, fdo::DBusProxy};
use zbus::export::futures_core::Stream;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Structure, Value};
use zbus::{MatchRule, MessageStream, fdo, interface};

use super::super::wait_for;
use super::{Bus, MenuTree};

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const WATCHER_PATH: &str = "/StatusNotifierWatcher";
const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

/// Width, height and bytes of each size.
type Pictures = Vec<(i32, i32, Vec<u8>)>;

/// The bus name and the object path of an icon.
#[derive(Clone, Debug, PartialEq)]
struct Address {
    name: String,
    path: String,
}

#[derive(Default)]
struct Registered {
    items: Mutex<Vec<Address>>,
    changed: Condvar,
}

struct WatcherService {
    registered: Arc<Registered>,
    host: bool,
}

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl WatcherService {
    async fn register_status_notifier_item(
        &self,
        service: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> fdo::Result<()> {
        let sender = header.sender().ok_or_else(|| fdo::Error::Failed("no sender".into()))?;
        // Some programs give a bus name, some (libappindicator) the object's path.
        let address = if service.starts_with('/') {
            Address { name: sender.to_string(), path: service.to_owned() }
        } else {
            Address { name: service.to_owned(), path: "/StatusNotifierItem".to_owned() }
        };
        let full = format!("{}{}", address.name, address.path);
        {
            let mut items = self.registered.items.lock().unwrap();
            items.retain(|known| *known != address);
            items.push(address);
            self.registered.changed.notify_all();
        }
        Self::status_notifier_item_registered(&emitter, &full).await?;
        Ok(())
    }

    async fn register_status_notifier_host(
        &mut self,
        _service: &str,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> fdo::Result<()> {
        self.host = true;
        Self::status_notifier_host_registered(&emitter).await?;
        Ok(())
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        let items = self.registered.items.lock().unwrap();
        items.iter().map(|item| format!("{}{}", item.name, item.path)).collect()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        self.host
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(signal)]
    async fn status_notifier_item_registered(emitter: &SignalEmitter<'_>, name: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn status_notifier_item_unregistered(emitter: &SignalEmitter<'_>, name: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn status_notifier_host_registered(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn status_notifier_host_unregistered(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;
}

/// A panel. Dropping it is the panel's end: its name leaves the bus.
pub struct Watcher {
    connection: Connection,
    /// Apart from the watcher's own, as a panel's host is, so that it outlives a restart of the panel.
    client: Connection,
    registered: Arc<Registered>,
}

impl Watcher {
    pub(super) fn start(bus: &Bus, host: bool) -> Self {
        let registered = Arc::<Registered>::default();
        let service = WatcherService { registered: Arc::clone(&registered), host };
        let connection =
            bus.builder().serve_at(WATCHER_PATH, service).unwrap().name(WATCHER).unwrap().build().unwrap();
        Self { connection, client: bus.connect(), registered }
    }

    /// A host appears on a watcher that had none.
    pub fn host_appears(&self) {
        let proxy = Proxy::new(&self.client, WATCHER, WATCHER_PATH, WATCHER).unwrap();
        let () = proxy.call("RegisterStatusNotifierHost", &("org.kde.StatusNotifierHost-test",)).unwrap();
    }

    /// The icon that registered last and still lives; waits for it.
    #[track_caller]
    pub fn wait_for_item(&self, timeout: Duration) -> Item {
        let deadline = Instant::now() + timeout;
        let mut items = self.registered.items.lock().unwrap();
        loop {
            items.retain(|item| has_owner(&self.client, &item.name));
            if let Some(address) = items.last() {
                return Item::new(self.client.clone(), address.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited {timeout:?} in vain for a tray icon");
            items = self.registered.changed.wait_timeout(items, left).unwrap().0;
        }
    }

    /// Forgets all icons, as if they had registered before this panel started.
    pub fn forget_items(&self) {
        self.registered.items.lock().unwrap().clear();
    }

    /// How many icons are there now.
    pub fn item_count(&self) -> usize {
        let mut items = self.registered.items.lock().unwrap();
        items.retain(|item| has_owner(&self.client, &item.name));
        items.len()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // The connection itself closes later, when its tasks notice.
        let _ = self.connection.release_name(WATCHER);
    }
}

fn has_owner(client: &Connection, name: &str) -> bool {
    DBusProxy::new(client).unwrap().name_has_owner(name.try_into().unwrap()).unwrap()
}

/// The picture of an icon.
#[derive(Clone, Debug, PartialEq)]
pub struct Icon {
    pub width: i32,
    pub height: i32,
    /// Four bytes a pixel, alpha first, row by row.
    pub argb: Vec<u8>,
}

impl Icon {
    /// The pixel in the middle as alpha, red, green, blue.
    pub fn centre(&self) -> [u8; 4] {
        let at = usize::try_from((self.height / 2 * self.width + self.width / 2) * 4).unwrap();
        self.argb[at..at + 4].try_into().unwrap()
    }
}

/// How often an icon has told the panel of a change, since its registration was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Calls {
    /// `LayoutUpdated`: the panel reads the whole menu anew.
    pub layout_updated: usize,
    /// `ItemsPropertiesUpdated`: labels or states of entries.
    pub items_properties_updated: usize,
    /// `NewIcon`, `NewToolTip`, `NewTitle`, `NewStatus` and whatever else it sent.
    pub other: usize,
}

/// An icon in the tray, as the panel sees it.
pub struct Item {
    client: Connection,
    address: Address,
    menu_path: OwnedObjectPath,
    signals: Mutex<(MessageStream, Calls)>,
}

impl Item {
    fn new(client: Connection, address: Address) -> Self {
        // The unique name: zbus lets signals of anybody pass a rule with a well-known one.
        let owner = DBusProxy::new(&client).unwrap();
        let owner = owner.get_name_owner(address.name.as_str().try_into().unwrap()).unwrap();
        let rule = MatchRule::builder().msg_type(zbus::message::Type::Signal).sender(owner).unwrap().build();
        let stream = zbus::block_on(MessageStream::for_match_rule(rule, client.inner(), Some(1024))).unwrap();
        let menu_path = Proxy::new(&client, address.name.as_str(), address.path.as_str(), ITEM)
            .unwrap()
            .get_property("Menu")
            .unwrap();
        Self { client, address, menu_path, signals: Mutex::new((stream, Calls::default())) }
    }

    /// What a panel shows when the pointer rests on the icon, below the title.
    pub fn tooltip(&self) -> String {
        let tooltip: (String, Pictures, String, String) = self.property("ToolTip");
        tooltip.3
    }

    pub fn title(&self) -> String {
        self.property("Title")
    }

    /// "Active" when shown, "Passive" when hidden.
    pub fn status(&self) -> String {
        self.property("Status")
    }

    /// The largest picture that the icon offers.
    pub fn icon(&self) -> Icon {
        let icons: Pictures = self.property("IconPixmap");
        let (width, height, argb) = icons.into_iter().max_by_key(|icon| icon.0).expect("an icon");
        Icon { width, height, argb }
    }

    /// A left click.
    pub fn activate(&self) {
        let () = self.item().call("Activate", &(0_i32, 0_i32)).unwrap();
    }

    /// The whole menu as it is now.
    pub fn menu(&self) -> MenuTree {
        let reply = self
            .menu_proxy()
            .call_method("GetLayout", &(0_i32, -1_i32, Vec::<&str>::new()))
            .expect("the menu's layout");
        let body = reply.body();
        let answer: Structure<'_> = body.deserialize().unwrap();
        let [_revision, Value::Structure(layout)] = answer.fields() else { panic!("not a menu: {answer:?}") };
        MenuTree::from_layout(layout)
    }

    /// Clicks the entry under these labels; waits until it is there and enabled.
    #[track_caller]
    pub fn click(&self, path: &[&str]) {
        let deadline = Instant::now() + super::super::TIMEOUT;
        let id = loop {
            let seen = self.menu();
            if let Some(entry) = seen.find(path).filter(|entry| entry.enabled && entry.visible) {
                break entry.id;
            }
            assert!(Instant::now() < deadline, "no enabled entry {path:?} in the menu:\n{seen}");
            std::thread::sleep(Duration::from_millis(5));
        };
        // No reply is asked for: an entry that ends the program would leave us waiting for one.
        let event = (id, "clicked", Value::from(0_i32), 0_u32);
        self.menu_proxy().call_noreply("Event", &event).unwrap();
    }

    /// Waits until the menu is as wanted, and returns it.
    #[track_caller]
    pub fn wait_for_menu(&self, timeout: Duration, wanted: impl Fn(&MenuTree) -> bool) -> MenuTree {
        let deadline = Instant::now() + timeout;
        loop {
            let menu = self.menu();
            if wanted(&menu) {
                return menu;
            }
            assert!(Instant::now() < deadline, "waited {timeout:?} in vain for another menu than:\n{menu}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the tooltip is as wanted, and returns it.
    #[track_caller]
    pub fn wait_for_tooltip(&self, timeout: Duration, wanted: impl Fn(&str) -> bool) -> String {
        wait_for("another tooltip", timeout, || Some(self.tooltip()).filter(|text| wanted(text)))
    }

    /// Waits until the icon has left the bus.
    #[track_caller]
    pub fn wait_until_gone(&self, timeout: Duration) {
        wait_for("the icon to go", timeout, || (!has_owner(&self.client, &self.address.name)).then_some(()));
    }

    /// How often the icon has told of a change until now.
    ///
    /// Asks the icon for something first: its answer comes after all that it sent before, so nothing that it
    /// has already said is missed, and no time is waited. ksni tells nothing of a property that was read in
    /// the moment between its change and the telling; so call this first, and read properties after.
    pub fn calls(&self) -> Calls {
        self.status();
        let mut signals = self.signals.lock().unwrap();
        let (stream, calls) = &mut *signals;
        let mut nobody = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(message)) = std::pin::Pin::new(&mut *stream).poll_next(&mut nobody) {
            let message = message.unwrap();
            match message.header().member().map(|member| member.as_str()) {
                Some("LayoutUpdated") => calls.layout_updated += 1,
                Some("ItemsPropertiesUpdated") => calls.items_properties_updated += 1,
                _ => calls.other += 1,
            }
        }
        *calls
    }

    fn property<T>(&self, name: &str) -> T
    where
        T: TryFrom<OwnedValue>,
        T::Error: Into<zbus::Error>,
    {
        self.item().get_property(name).unwrap_or_else(|error| panic!("the icon's {name}: {error}"))
    }

    fn item(&self) -> Proxy<'_> {
        self.proxy(&self.address.path, ITEM)
    }

    fn menu_proxy(&self) -> Proxy<'_> {
        self.proxy(&self.menu_path, MENU)
    }

    /// Without a cache: a panel may cache, but a test wants to see what is.
    fn proxy<'a>(&'a self, path: &'a str, interface: &'a str) -> Proxy<'a> {
        zbus::blocking::proxy::Builder::new(&self.client)
            .destination(self.address.name.as_str())
            .unwrap()
            .path(path)
            .unwrap()
            .interface(interface)
            .unwrap()
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .unwrap()
    }
}
