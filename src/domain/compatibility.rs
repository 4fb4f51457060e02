//! Can a Client of one version talk to a server of another? Documented by the vendor (see docs/vendor-facts.md):
//! at some versions both must match, and 12.0.0 is incompatible with all older ones.

use super::Version;

/// The versions from which on a Client and a server on either side of them cannot talk to each other.
const BREAKS: [Version; 8] = [
    Version::new(7, 5, 0),
    Version::new(7, 6, 0),
    Version::new(7, 6, 2),
    Version::new(7, 6, 5),
    Version::new(8, 3, 0),
    Version::new(8, 3, 1),
    Version::new(9, 9, 7),
    Version::new(12, 0, 0),
];

/// The newest version between the two at which they stopped to understand each other; `None` where none is known.
/// That two understand each other is not certain then: the vendor advises to keep both the same.
pub fn break_between(client: Version, server: Version) -> Option<Version> {
    let (older, newer) = (client.min(server), client.max(server));
    BREAKS.into_iter().rev().find(|at| older < *at && *at <= newer)
}

/// Why the Client and a server may not understand each other, as a sentence; `None` for equal versions.
pub fn in_words(client: Version, server: Version) -> Option<String> {
    let older = if client < server { "Client" } else { "server" };
    match break_between(client, server) {
        _ if client == server => None,
        Some(at) => Some(format!(
            "The Client on this machine is {client}, the server {server}: they cannot connect, for {at} is \
             incompatible with older versions. Update the {older}."
        )),
        None => Some(format!(
            "The Client on this machine is {client}, the server {server}: if they cannot connect, update the {older}."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn a_break_lies_between_or_it_does_not() {
        for (client, server, at) in [
            ("13.2.2", "13.2.2", None),
            ("13.2.2", "12.0.0", None),
            ("12.0.0", "11.9.9", Some("12.0.0")),
            ("9.9.6", "13.2.2", Some("12.0.0")),
            ("9.9.6", "9.9.7", Some("9.9.7")),
            ("9.9.7", "9.9.11", None),
            ("8.3.0", "8.3.1", Some("8.3.1")),
            ("7.4.0", "7.5.1", Some("7.5.0")),
        ] {
            assert_eq!(break_between(version(client), version(server)), at.map(version), "{client} {server}");
            assert_eq!(break_between(version(server), version(client)), at.map(version), "{server} {client}");
        }
    }

    #[test]
    fn the_older_one_is_to_be_updated() {
        assert_eq!(in_words(version("13.2.2"), version("13.2.2.9")), None);
        insta::assert_snapshot!(in_words(version("11.0.0"), version("13.2.2")).unwrap(),
            @"The Client on this machine is 11.0.0, the server 13.2.2: they cannot connect, for 12.0.0 is incompatible with older versions. Update the Client.");
        insta::assert_snapshot!(in_words(version("13.2.2"), version("13.2.1")).unwrap(),
            @"The Client on this machine is 13.2.2, the server 13.2.1: if they cannot connect, update the server.");
    }
}
