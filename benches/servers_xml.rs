//! How long a `servers.xml` of 1,000, 10,000 and 100,000 servers takes, and what the reading holds in memory.
//!
//! `cargo bench --bench servers_xml`: plain timing, the median of several runs, no framework.

#![allow(clippy::print_stdout, clippy::unwrap_used, unsafe_code)]

use counting::{HELD, PEAK};
use jiff::Timestamp;
use std::{
    fmt::Write as _,
    hint::black_box,
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};
use visualcron_tray::sources::servers_xml::{Limits, parse};

#[path = "support/counting.rs"]
mod counting;

/// A file as .NET's XmlSerializer would write it, 15 fields a server.
fn file(servers: usize) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<ArrayOfConnection>\r\n");
    for n in 0..servers {
        write!(
            text,
            "  <Connection>\r\n    <Name>Server {n}</Name>\r\n    <Address>srv-{n:06}.example.com</Address>\r\n    \
             <Port>16444</Port>\r\n    <ConnectionType>Remote</ConnectionType>\r\n    \
             <UseADLogon>false</UseADLogon>\r\n    <EndpointIdentityType>DnsIdentity</EndpointIdentityType>\r\n    \
             <PrincipalName />\r\n    <UserName>admin</UserName>\r\n    <PassWord>bm90IGEgcGFzc3dvcmQ=</PassWord>\r\n    \
             <AutoConnect>true</AutoConnect>\r\n    <Version>12.1.{}</Version>\r\n    <Edition>Pro</Edition>\r\n    \
             <MaintenanceExpirationDate>2027-{:02}-15T00:00:00</MaintenanceExpirationDate>\r\n    \
             <ServerId>00000000-0000-0000-0000-{n:012}</ServerId>\r\n    \
             <ActivationCode>AAAA-BBBB-CCCC-{n:04}</ActivationCode>\r\n  </Connection>\r\n",
            n % 9,
            n % 12 + 1,
        )
        .unwrap();
    }
    text.push_str("</ArrayOfConnection>\r\n");
    text
}

fn main() {
    let limits = Limits { time: Duration::from_secs(60), ..Limits::default() };
    let mut last: Option<(usize, f64)> = None;
    println!("servers      bytes   median ms   MB/s   ratio   held by entries   peak of reading");
    for (count, runs) in [(1_000, 50), (10_000, 20), (100_000, 5)] {
        let text = file(count);
        let mut times = Vec::new();
        let (mut held, mut peak) = (0, 0);
        for _ in 0..runs {
            let before = HELD.load(Relaxed);
            PEAK.store(before, Relaxed);
            let start = Instant::now();
            let parsed = parse(black_box(text.as_bytes()), Timestamp::UNIX_EPOCH, &limits).unwrap();
            times.push(start.elapsed().as_secs_f64() * 1e3);
            assert_eq!(parsed.entries.len(), count);
            (held, peak) = (HELD.load(Relaxed) - before, PEAK.load(Relaxed) - before);
        }
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        let ratio =
            last.map_or("-".to_string(), |(n, time)| format!("{:.2} for {}x", median / time, count / n));
        println!(
            "{count:>7} {:>10} {median:>11.2} {:>6.0}   {ratio}   {:.1} MB   {:.1} MB",
            text.len(),
            text.len() as f64 / 1e3 / median,
            held as f64 / 1e6,
            peak as f64 / 1e6,
        );
        last = Some((count, median));
    }
}
