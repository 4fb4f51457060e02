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
/// How much longer than the connect itself the look-up of a name may take.
const NAME_LOOKUP: Duration = Duration::from_secs(2);

/// Tries all targets, at most 16 at once, each bounded in time; answers in their order. A name look-up that
/// hangs is left behind and counts as no answer.
pub fn check(targets: Vec<(ServerKey, String, u16)>, timeout: Duration) -> Vec<(ServerKey, Link)> {
    if targets.is_empty() {
        return Vec::new();
    }
    let rounds = targets.len().div_ceil(PARALLEL) as u32;
    let deadline = Instant::now() + (timeout + NAME_LOOKUP) * rounds;
    let workers = targets.len().min(PARALLEL);
    let late = Link::Off(format!("no answer within {} s", timeout.as_secs()));
    let mut links: Vec<(ServerKey, Link)> =
        targets.iter().map(|(key, ..)| (key.clone(), late.clone())).collect();
    let work = Arc::new(Mutex::new(targets.into_iter().enumerate()));
    let (answer, answers) = mpsc::channel();
    for _ in 0..workers {
        let (work, answer) = (work.clone(), answer.clone());
        std::thread::spawn(move || {
            while let Some((index, (_, host, port))) = work.lock().ok().and_then(|mut work| work.next()) {
                if answer.send((index, connect(&host, port, timeout))).is_err() {
                    return;
                }
            }
        });
    }
    drop(answer);
    while let Ok((index, link)) = answers.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        links[index].1 = link;
    }
    links
}

fn connect(host: &str, port: u16, timeout: Duration) -> Link {
    let host = host.trim_matches(['[', ']']);
    let addresses = match (host, port).to_socket_addrs() {
        Ok(addresses) => addresses,
        Err(_) => return Link::Off("the name is not known to DNS".into()),
    };
    let mut last = Link::Off("the name has no address".into());
    for address in addresses.take(4) {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(_) => return Link::On,
            Err(error) => last = Link::Off(words(&error, timeout)),
        }
    }
    last
}

fn words(error: &std::io::Error, timeout: Duration) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".into(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => format!("no answer within {} s", timeout.as_secs()),
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
