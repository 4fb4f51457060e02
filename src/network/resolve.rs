//! Names to addresses, by the system.

use crate::domain::diagnosis::DnsFault;
use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType};
use std::net::IpAddr;

/// The most addresses of one name that are kept.
pub const MAX_ADDRESSES: usize = 32;

/// Asks the system's resolver: hosts file, DNS and whatever else it is set to. Both families, each address once, in the
/// order that the system prefers. Blocks for as long as the system takes.
///
/// # Errors
///
/// What it says instead. It does not tell a server that failed from one that did not answer.
pub fn system(name: &str) -> Result<Vec<IpAddr>, DnsFault> {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let answers =
        dns_lookup::getaddrinfo(Some(name), None, Some(hints)).map_err(|error| match error.kind() {
            LookupErrorKind::NoName | LookupErrorKind::NoData => DnsFault::NoSuchName,
            LookupErrorKind::Again | LookupErrorKind::Fail => DnsFault::ServerFailed,
            _ => DnsFault::Other(crate::domain::diagnosis::short(&std::io::Error::from(error).to_string())),
        })?;
    let mut addresses = Vec::new();
    for answer in answers.flatten().take(4 * MAX_ADDRESSES) {
        let address = answer.sockaddr.ip();
        if !addresses.contains(&address) && addresses.len() < MAX_ADDRESSES {
            addresses.push(address);
        }
    }
    if addresses.is_empty() { Err(DnsFault::NoSuchName) } else { Ok(addresses) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_knows_itself() {
        assert!(system("localhost").unwrap().iter().all(IpAddr::is_loopback));
        assert_eq!(system("127.0.0.1").unwrap(), [IpAddr::from([127, 0, 0, 1])]);
    }
}
