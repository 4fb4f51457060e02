//! Connecting to one of several addresses: both families beside each other, as browsers do (RFC 8305), and how each
//! try ended.

use super::{Limits, Reroute, millis};
use crate::domain::diagnosis::{Attempt, Reached, Tcp};
use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    time::Instant,
};
use tokio::{net::TcpStream, task::JoinSet, time::timeout};

/// The most addresses that are tried.
const MAX_TRIES: usize = 8;

/// How connections are made.
#[derive(Clone)]
pub(super) struct Dial {
    pub(super) reroute: Option<Reroute>,
}

impl Dial {
    pub(super) async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let to = self.reroute.as_ref().map_or(address, |reroute| reroute(address));
        TcpStream::connect(to).await
    }
}

/// Tries the addresses, each a moment after the one before, and takes the first that connects. The others are then
/// given the grace to show how they end.
pub(super) async fn race(
    dial: &Dial,
    addresses: Vec<SocketAddr>,
    limits: &Limits,
) -> (Tcp, Option<TcpStream>) {
    let order = interleaved(addresses);
    let mut tries = JoinSet::new();
    let mut begun: Vec<Option<Instant>> = vec![None; order.len()];
    let mut ended: Vec<Option<(Reached, u64)>> = vec![None; order.len()];
    let mut winner: Option<TcpStream> = None;
    let mut note =
        |at: usize, since: Instant, result: io::Result<TcpStream>, winner: &mut Option<TcpStream>| {
            let reached = match result {
                Ok(stream) => {
                    winner.get_or_insert(stream);
                    Reached::Yes
                }
                Err(error) => why(&error),
            };
            ended[at] = Some((reached, millis(since)));
        };
    let most = order.len().min(MAX_TRIES);
    let mut next = 0;
    while winner.is_none() && (next < most || !tries.is_empty()) {
        if next < most {
            let (dial, address, limit, at) = (dial.clone(), order[next], limits.connect, next);
            let since = Instant::now();
            begun[at] = Some(since);
            tries.spawn(async move {
                let result = timeout(limit, dial.connect(address)).await;
                (at, since, result.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())))
            });
            next += 1;
        }
        let wait = if next < most { limits.stagger } else { limits.connect };
        if let Ok(Some(Ok((at, since, result)))) = timeout(wait, tries.join_next()).await {
            note(at, since, result, &mut winner);
        }
    }
    let end = Instant::now() + limits.grace.min(limits.connect);
    while let Ok(Some(Ok((at, since, result)))) =
        timeout(end.saturating_duration_since(Instant::now()), tries.join_next()).await
    {
        note(at, since, result, &mut winner);
    }
    let attempts = order.into_iter().zip(begun).zip(ended).map(|((address, begun), ended)| {
        let (outcome, millis) = match (ended, begun) {
            (Some(ended), _) => ended,
            (None, Some(begun)) => (Reached::Silent, millis(begun)),
            (None, None) => (Reached::NotTried, 0),
        };
        Attempt { address, outcome, millis }
    });
    (Tcp { attempts: attempts.collect() }, winner)
}

/// The two families in turns, the one that the system prefers first; each in the system's order.
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (one, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut mixed = Vec::with_capacity(one.len() + other.len());
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    loop {
        match (one.next(), other.next()) {
            (None, None) => return mixed,
            (a, b) => mixed.extend(a.into_iter().chain(b)),
        }
    }
}

/// How a try ended that did not connect.
fn why(error: &io::Error) -> Reached {
    match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Reached::Refused,
        ErrorKind::TimedOut => Reached::Silent,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            Reached::Unreachable
        }
        // An address of a family that this machine has none of.
        ErrorKind::AddrNotAvailable | ErrorKind::Unsupported => Reached::Unreachable,
        ErrorKind::PermissionDenied => Reached::Forbidden,
        _ => Reached::Other(crate::domain::diagnosis::short(&error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_take_turns() {
        let all =
            |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let given = all(&["[2001:db8::1]:443", "[2001:db8::2]:443", "192.0.2.1:443", "[2001:db8::3]:443"]);
        let wanted = all(&["[2001:db8::1]:443", "192.0.2.1:443", "[2001:db8::2]:443", "[2001:db8::3]:443"]);
        assert_eq!(interleaved(given), wanted);
        assert_eq!(interleaved(all(&["192.0.2.1:1", "192.0.2.2:1"])), all(&["192.0.2.1:1", "192.0.2.2:1"]));
        assert_eq!(interleaved(Vec::new()), []);
    }
}
