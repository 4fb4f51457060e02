//! The least tray host: owns `org.kde.StatusNotifierWatcher` on the session bus and prints a line for every
//! icon that registers: nanoseconds since 1970, process id of the sender, the name that it gave.
//!
//! `benches/footprint.py` measures with it how long a program takes from its start to its icon. It prints
//! `ready` once it owns the name, and ends with its standard input.
#![allow(clippy::print_stdout)]

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{Read, Write, stdin, stdout};
    use std::sync::Mutex;
    use std::time::{SystemTime, UNIX_EPOCH};

    use zbus::message::Header;
    use zbus::object_server::SignalEmitter;
    use zbus::{Connection, fdo, interface};

    struct Watcher {
        items: Mutex<Vec<String>>,
    }

    #[interface(name = "org.kde.StatusNotifierWatcher")]
    impl Watcher {
        async fn register_status_notifier_item(
            &self,
            service: String,
            #[zbus(header)] header: Header<'_>,
            #[zbus(connection)] connection: &Connection,
            #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
        ) -> fdo::Result<()> {
            // Taken first, so that nothing below counts as the program's time.
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            let sender = header.sender().ok_or_else(|| fdo::Error::Failed("no sender".into()))?.to_owned();
            let bus = fdo::DBusProxy::new(connection).await?;
            let pid = bus.get_connection_unix_process_id(sender.into()).await?;
            println!("{now} {pid} {service}");
            let _ = stdout().flush();
            if let Ok(mut items) = self.items.lock() {
                items.push(service.clone());
            }
            Self::status_notifier_item_registered(&emitter, &service).await?;
            Ok(())
        }

        fn register_status_notifier_host(&self, _service: String) {}

        #[zbus(property)]
        fn registered_status_notifier_items(&self) -> Vec<String> {
            self.items.lock().map(|items| items.clone()).unwrap_or_default()
        }

        #[zbus(property)]
        fn is_status_notifier_host_registered(&self) -> bool {
            true
        }

        #[zbus(property)]
        fn protocol_version(&self) -> i32 {
            0
        }

        #[zbus(signal)]
        async fn status_notifier_item_registered(emitter: &SignalEmitter<'_>, name: &str)
        -> zbus::Result<()>;

        #[zbus(signal)]
        async fn status_notifier_host_registered(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;
    }

    pub(super) fn run() -> Result<(), Box<dyn std::error::Error>> {
        let _connection = zbus::blocking::connection::Builder::session()?
            .serve_at("/StatusNotifierWatcher", Watcher { items: Mutex::default() })?
            .name("org.kde.StatusNotifierWatcher")?
            .build()?;
        println!("ready");
        stdout().flush()?;
        stdin().read_to_end(&mut Vec::new())?;
        Ok(())
    }
}

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    linux::run()
}

#[cfg(not(target_os = "linux"))]
fn main() {}
