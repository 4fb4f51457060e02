//! After a sleep, and after the start, the network may not be there yet: what could not be asked for then is asked for
//! again soon, a few times and each time later, before the usual pause of an hour holds.

use jiff::{SignedDuration, Timestamp};

/// How long after a sleep, and after each try that found no way, the next one comes: four minutes in all.
const PAUSES: [SignedDuration; 5] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_secs(15),
    SignedDuration::from_secs(30),
    SignedDuration::from_secs(60),
    SignedDuration::from_secs(120),
];

/// Since the machine woke up, or the program started, nobody has been reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wakeful {
    /// How many pauses have begun.
    pauses: usize,
    /// When to try next.
    next: Option<Timestamp>,
}

impl Wakeful {
    /// The machine has just woken up. (At the start everything is asked for at once: that is the default.)
    pub fn resumed(now: Timestamp) -> Wakeful {
        let mut wakeful = Wakeful::default();
        wakeful.no_way(now);
        wakeful
    }

    /// A try found no way.
    pub fn no_way(&mut self, now: Timestamp) {
        let pause = PAUSES.get(self.pauses);
        self.next = pause.map(|pause| now.saturating_add(*pause).unwrap_or(Timestamp::MAX));
        self.pauses += 1;
    }

    /// When to try next; `None` where no try is left, or none is needed so far.
    pub fn next(&self) -> Option<Timestamp> {
        self.next
    }

    /// Is it time for the next try? Says so once. A clock that was set back puts nothing off.
    pub fn take(&mut self, now: Timestamp) -> bool {
        let soonest = |next: &Timestamp| {
            let longest = PAUSES[PAUSES.len() - 1];
            *next <= now || next.duration_since(now) > longest
        };
        self.next.take_if(|next| soonest(next)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_tries_each_later_and_then_none() {
        let start: Timestamp = "2026-11-24T07:00:00Z".parse().unwrap();
        let mut now = start;
        let mut wakeful = Wakeful::resumed(now);
        let mut at = Vec::new();
        while let Some(next) = wakeful.next() {
            assert!(!wakeful.take(next - SignedDuration::from_secs(1)));
            assert!(wakeful.take(next) && !wakeful.take(next), "once");
            at.push(next.duration_since(start).as_secs());
            now = next;
            wakeful.no_way(now);
        }
        assert_eq!(at, [5, 20, 50, 110, 230]);
        let mut back = Wakeful::resumed(start);
        assert!(back.take("2025-11-24T07:00:00Z".parse().unwrap()), "the clock was set back");
        assert_eq!(Wakeful::default().next(), None);
    }
}
