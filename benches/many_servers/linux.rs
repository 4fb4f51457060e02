//! How long the tray takes to read and show 1,000, 10,000 and 100,000 servers, and what it holds then: the real
//! program on a private session bus. `cargo bench --bench many_servers` (Linux).

#[path = "../../tests/support/mod.rs"]
mod support;

use std::{
    fmt::Write,
    fs,
    time::{Duration, Instant},
};
use support::{Bus, Home, TIMEOUT};

const SERVERS: [usize; 3] = [1_000, 10_000, 100_000];
const RUNS: usize = 5;
/// What 10,000 servers may take.
const TARGET: Duration = Duration::from_millis(150);

/// A list with 15 fields a server, its dates from `year` on.
fn servers_xml(count: usize, year: usize) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<ArrayOfConnection>\n");
    for n in 0..count {
        let (month, day) = (n % 12 + 1, n % 28 + 1);
        writeln!(
            xml,
            "  <Connection><Name>SRV-{n:06}</Name><Address>srv-{n:06}.corp.example</Address><Port>16444</Port>\
             <ConnectionType>Remote</ConnectionType><UserName>admin</UserName><PassWord>c2VjcmV0</PassWord>\
             <Version>12.1.4</Version><Edition>Pro</Edition><LicenseType>Subscription</LicenseType>\
             <MaintenanceExpires>{year}-{month:02}-{day:02}T00:00:00</MaintenanceExpires><ServerId>id-{n:08}</ServerId>\
             <UseADLogon>false</UseADLogon><EndpointIdentityType>DnsIdentity</EndpointIdentityType><PrincipalName />\
             <AutoConnect>true</AutoConnect></Connection>"
        )
        .unwrap();
    }
    xml + "</ArrayOfConnection>\n"
}

/// Resident memory of a process in MiB.
fn resident(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

pub fn main() {
    let bus = Bus::start();
    let watcher = bus.watcher();
    let _notifications = bus.notifications(&["actions"]);
    println!(
        "{:>8}  {:>14}  {:>20}  {:>12}",
        "servers", "start to shown", "file changed to shown", "resident"
    );
    let mut shown_at_10k = Duration::ZERO;
    for count in SERVERS {
        let home = Home::new();
        let path = ".local/share/VisualCron/settings/servers.xml";
        home.write(".config/visualcron-tray/settings.toml", "[connection]\ncheck = \"off\"\n");
        let (mut starts, mut changes, mut memory) = (Vec::new(), Vec::new(), 0.0f64);
        for _ in 0..RUNS {
            home.write(path, servers_xml(count, 2040));
            let begun = Instant::now();
            let mut tray = home.spawn(&bus, &["--now", "2026-11-24", "--data-dir", "data"]);
            let item = watcher.wait_for_item(TIMEOUT);
            item.wait_for_tooltip(TIMEOUT, |text| text.contains("2040-01-01"));
            starts.push(begun.elapsed());
            let new = home.write("new", servers_xml(count, 2041));
            let begun = Instant::now();
            fs::rename(new, home.join(path)).unwrap();
            item.wait_for_tooltip(TIMEOUT, |text| text.contains("2041-01-01"));
            changes.push(begun.elapsed());
            memory = memory.max(resident(tray.id()));
            tray.kill();
            fs::remove_dir_all(home.join("data")).unwrap();
        }
        let (start, change) = (median(starts), median(changes));
        println!(
            "{count:>8}  {:>11} ms  {:>18} ms  {memory:>8.1} MiB",
            start.as_millis(),
            change.as_millis()
        );
        if count == 10_000 {
            shown_at_10k = start;
        }
    }
    println!("(a change is read when nothing more has changed for 150 ms)");
    let verdict = if shown_at_10k <= TARGET { "PASS" } else { "FAIL" };
    println!(
        "{verdict} 10,000 servers shown {} ms after the start, at most {}",
        shown_at_10k.as_millis(),
        TARGET.as_millis()
    );
    if shown_at_10k > TARGET {
        std::process::exit(1);
    }
}
