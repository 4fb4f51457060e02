//! Addresses of this program, such as `visualcron-tray:details`. Windows opens the one that is behind a toast, or behind
//! a button on it, also when the toast is clicked later, in the Action Center. Whatever else a machine opens can open
//! one too: so it can only say what any notification offers, for notices that it names.

use super::{Answer, Command};
use reqwest::Url;

/// What our addresses begin with.
pub const SCHEME: &str = "visualcron-tray";
/// The most characters of an address.
const LONGEST: usize = 2000;
/// The name of a notice in an address.
const NOTICE: &str = "notice";

/// The address that says `choice` of these notices. `None` where there is none for it, or it would be too long.
pub fn of(choice: &Command, keys: &[String]) -> Option<String> {
    if !is_offered(choice) {
        return None;
    }
    let mut address = Url::parse(&format!("{SCHEME}:{choice}")).ok()?;
    if is_about_notices(choice) {
        address.query_pairs_mut().extend_pairs(keys.iter().map(|key| (NOTICE, key)));
    }
    let address = String::from(address);
    // What is not read back as it was meant is none.
    let answer = read(&address)?;
    let same = answer.choice == *choice && (!is_about_notices(choice) || answer.keys == keys);
    same.then_some(address)
}

/// What an address says. `None`: nothing that we offer.
pub fn read(address: &str) -> Option<Answer> {
    if address.len() > LONGEST {
        return None;
    }
    let address =
        Url::parse(address).ok().filter(|url| url.scheme() == SCHEME && url.fragment().is_none())?;
    // With a host in it, the path would be something else.
    let choice: Command = Some(address.path()).filter(|_| !address.has_host())?.parse().ok()?;
    if !is_offered(&choice) {
        return None;
    }
    let mut keys = Vec::new();
    for (name, value) in address.query_pairs() {
        if name != NOTICE || value.is_empty() {
            return None;
        }
        keys.push(value.into_owned());
    }
    // An answer to nothing, or one about notices to what is not about them.
    (is_about_notices(&choice) != keys.is_empty()).then_some(Answer { keys, choice })
}

/// What notifications offer, and nothing that could do harm.
fn is_offered(choice: &Command) -> bool {
    matches!(choice, Command::Details | Command::ManualValidation | Command::Renew)
        || is_about_notices(choice)
}

fn is_about_notices(choice: &Command) -> bool {
    matches!(choice, Command::GotIt | Command::RemindTomorrow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| key.to_string()).collect()
    }

    #[test]
    fn what_notifications_offer_has_an_address() {
        let of = |choice: Command, names: &[&str]| of(&choice, &keys(names));
        let address = |text: &str| Some(text.to_string());
        assert_eq!(of(Command::Details, &["a"]), address("visualcron-tray:details"));
        assert_eq!(of(Command::Renew, &[]), address("visualcron-tray:renew"));
        assert_eq!(
            of(Command::RemindTomorrow, &["prod-01:16444 2026-12-06 date", "a&b=\"c\""]),
            address(
                "visualcron-tray:remind-tomorrow?notice=prod-01%3A16444+2026-12-06+date&notice=a%26b%3D%22c%22"
            )
        );
        assert_eq!(of(Command::GotIt, &["ä"]), address("visualcron-tray:got-it?notice=%C3%A4"));
        assert_eq!(of(Command::GotIt, &[]), None, "of nothing");
        assert_eq!(of(Command::GotIt, &["x".repeat(2000).as_str()]), None, "too long");
        for harmful in [Command::Exit, Command::ClearCache, Command::Service(false), Command::StartClient] {
            assert_eq!(of(harmful, &[]), None);
        }
    }

    #[test]
    fn anything_else_says_nothing() {
        let long = format!("visualcron-tray:got-it?notice={}", "x".repeat(LONGEST));
        for text in [
            "",
            "visualcron-tray",
            "visualcron-tray:",
            "visualcron-tray://details",
            "visualcron-tray://details/",
            "visualcron-tray:/details",
            "visualcron-tray:details/",
            "visualcron-tray:details#x",
            "visualcron-tray:details?notice=x",
            "visualcron-tray:details --config x",
            "visualcron-tray:exit",
            "visualcron-tray:service stop",
            "visualcron-tray:service%20stop",
            "visualcron-tray:start-client",
            "visualcron-tray:clear-cache",
            "visualcron-tray:open client-log",
            "visualcron-tray:got-it",
            "visualcron-tray:got-it?",
            "visualcron-tray:got-it?notice=",
            "visualcron-tray:got-it?notice=x&other=y",
            "https://visualcron-tray/details",
            "details",
            &long,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        // As the scheme of any address.
        let answer = Answer { keys: vec![], choice: Command::Details };
        assert_eq!(read("VisualCron-Tray:details"), Some(answer));
    }

    proptest! {
        #[test]
        fn every_address_is_read_as_it_was_meant(names in prop::collection::vec("\\PC{1,40}", 1..5)) {
            if let Some(address) = of(&Command::GotIt, &names) {
                prop_assert!(address.len() <= LONGEST && address.is_ascii());
                // It stands between quotation marks on a command line.
                prop_assert!(!address.contains(['"', ' ', '\\']), "{}", address);
                prop_assert_eq!(read(&address), Some(Answer { keys: names, choice: Command::GotIt }));
            }
        }

        #[test]
        fn whatever_is_opened_asks_for_no_more_than_is_offered(text in ".{0,60}") {
            for text in [text.clone(), format!("visualcron-tray:{text}"), format!("visualcron-tray:got-it?{text}")] {
                if let Some(answer) = read(&text) {
                    prop_assert!(is_offered(&answer.choice));
                }
            }
        }
    }
}
