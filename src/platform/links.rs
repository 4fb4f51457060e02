//! Do the servers answer on their TCP port? Only a connect is possible for us (the protocol behind port 16444
//! is the vendor's own), and no byte is sent.

use crate::{app::Link, domain::ServerKey};
use std::{
    io::ErrorKind,
    net::{TcpStream, ToSocketAddrs},
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

/// How many servers are tried at once.
const PARALLEL: usize = 16;
/// The stack of each try: a name look-up needs the most of it.
const STACK: usize = 256 * 1024;
/// How many addresses of a name are tried.
const MAX_ADDRESSES: usize = 4;
/// How much longer than the connect itself the look-up of a name may take.
const NAME_LOOKUP: Duration = Duration::from_secs(2);

/// Tries all targets, at most 16 at once, each with `timeout` for all its addresses together; answers in their
/// order. A name look-up that hangs is left behind and counts as no answer; what was not tried in the end is
/// not among the answers.
pub fn check(targets: Vec<(ServerKey, String, u16)>, timeout: Duration) -> Vec<(ServerKey, Link)> {
    if targets.is_empty() {
        return Vec::new();
    }
    let rounds = targets.len().div_ceil(PARALLEL) as u32;
    let deadline = Instant::now() + (timeout + NAME_LOOKUP) * rounds;
    let workers = targets.len().min(PARALLEL);
    let keys: Vec<ServerKey> = targets.iter().map(|(key, ..)| key.clone()).collect();
    let work = Arc::new(Mutex::new(targets.into_iter().enumerate()));
    let (answer, answers) = mpsc::channel();
    for _ in 0..workers {
        let (work, answer) = (work.clone(), answer.clone());
        let worker = std::thread::Builder::new().stack_size(STACK).spawn(move || {
            while let Some((index, (_, host, port))) = work.lock().ok().and_then(|mut work| work.next()) {
                // Under way: if nothing more is heard of it, it did not answer.
                let under_way = answer.send((index, Link::Off(late(timeout))));
                if under_way.is_err() || answer.send((index, connect(&host, port, timeout))).is_err() {
                    return;
                }
            }
        });
        if worker.is_err() {
            break;
        }
    }
    drop(answer);
    let mut links: Vec<Option<Link>> = vec![None; keys.len()];
    while let Ok((index, link)) = answers.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        links[index] = Some(link);
    }
    keys.into_iter().zip(links).filter_map(|(key, link)| Some((key, link?))).collect()
}

fn connect(host: &str, port: u16, timeout: Duration) -> Link {
    let host = host.trim_matches(['[', ']']);
    let addresses: Vec<_> = match (host, port).to_socket_addrs() {
        Ok(addresses) => addresses.take(MAX_ADDRESSES).collect(),
        Err(_) => return Link::Off("the name is not known to DNS".into()),
    };
    let mut last = Link::Off("the name has no address".into());
    let share = timeout / addresses.len().max(1) as u32;
    for address in addresses {
        match TcpStream::connect_timeout(&address, share) {
            Ok(_) => return Link::On,
            Err(error) => last = Link::Off(words(&error, timeout)),
        }
    }
    last
}

fn late(timeout: Duration) -> String {
    format!("no answer within {} s", timeout.as_secs())
}

fn words(error: &std::io::Error, timeout: Duration) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".into(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => late(timeout),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "no way there".into(),
        ErrorKind::ConnectionReset => "connection reset".into(),
        kind => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_listening_port_answers_and_a_closed_one_refuses() {
        let open = TcpListener::bind("127.0.0.1:0").unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let key = |n: usize| ServerKey(n.to_string());
        let mut targets = vec![
            (key(0), "127.0.0.1".to_string(), open.local_addr().unwrap().port()),
            (key(1), "127.0.0.1".to_string(), closed),
        ];
        // More than are tried at once.
        targets.extend((2..40).map(|n| (key(n), "127.0.0.1".to_string(), closed)));
        let links = check(targets, Duration::from_secs(3));
        assert_eq!(links.len(), 40);
        assert_eq!(links[0], (key(0), Link::On));
        assert!(links[1..].iter().all(|(_, link)| *link == Link::Off("connection refused".into())));
    }
}
