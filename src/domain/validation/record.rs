//! What is kept of one license's validation, where it stands, and when to try next.

use super::{Claims, Expectation, KeyId, Nonce, Opened, Refusal, Verdict, refusal::length};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// From how long before its day a validation is due.
pub const DUE_BEFORE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// From how long before the license's own date it is asked daily: a renewal may have come.
pub const DATE_IS_NEAR: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Until how long after the license's own date it is asked daily: so long it can be renewed (documented by the
/// vendor).
pub const DATE_IS_PAST: SignedDuration = SignedDuration::from_hours(180 * 24);
/// When to try again after no connection came about, or the host had trouble of its own.
pub const AFTER_NO_CONNECTION: SignedDuration = SignedDuration::from_mins(60);
/// The most by which that is put off by chance, so that 1,000 clients do not come all at once.
pub const JITTER: SignedDuration = SignedDuration::from_mins(10);
/// When to try again after a refusal, and how often as a date nears.
pub const DAILY: SignedDuration = SignedDuration::from_hours(24);
/// How long a request that is carried by hand waits for its answer. What is brought later is refused: as long as a
/// request waits, whoever finds its answer can bring it.
pub const WAITS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How many nonces of answered requests are kept: longer than any answer to them could still be accepted.
const SPENT: usize = 64;
/// How many open requests are kept.
const OPEN: usize = 16;

/// How a try ended that brought no answer to accept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// No connection came about, or the host had trouble of its own: why.
    NotReached {
        /// Why, in words.
        why: String,
    },
    /// The host speaks no version of the protocol that is spoken here, such as the vendor's: why.
    NotSpoken {
        /// Why, in words.
        why: String,
    },
    /// The host did not answer the request, or its answer was refused: why.
    Refused {
        /// Why, in words.
        why: String,
    },
}

impl Outcome {
    /// Why, in words.
    pub fn why(&self) -> &str {
        match self {
            Outcome::NotReached { why } | Outcome::NotSpoken { why } | Outcome::Refused { why } => why,
        }
    }
}

/// A try that brought no answer to accept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// A request that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Its nonce.
    pub nonce: Nonce,
    /// When it was made.
    pub made_at: Timestamp,
}

impl Pending {
    /// Until when its answer can be brought.
    pub fn until(&self) -> Timestamp {
        self.made_at.saturating_add(WAITS).unwrap_or(Timestamp::MAX)
    }

    /// Can its answer still be brought?
    pub fn waits(&self, now: Timestamp) -> bool {
        now <= self.until()
    }
}

/// The last answer that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// What it states.
    pub claims: Claims,
    /// The key that has signed it.
    pub key: String,
    /// When it was accepted, by the client's clock.
    pub at: Timestamp,
}

/// What is kept of one license's validation; it holds no activation code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The server id of the license.
    pub server_id: String,
    /// The last answer that was accepted.
    #[serde(default)]
    pub accepted: Option<Accepted>,
    /// The last answer that was accepted and said that the license is valid: its date stays known, whatever comes
    /// after it.
    #[serde(default)]
    pub last_valid: Option<Accepted>,
    /// The last try, if it brought no answer that was accepted.
    #[serde(default)]
    pub failed: Option<Attempt>,
    /// Requests that wait for their answer, the oldest first.
    #[serde(default)]
    pub pending: Vec<Pending>,
    /// The nonces of requests that were answered, the oldest first.
    #[serde(default)]
    pub spent: Vec<Nonce>,
}

/// Where the validation of a license stands. Ordered from the least to the most urgent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "standing")]
pub enum Standing {
    /// Valid until this moment, and not due before.
    Valid {
        /// Until when.
        until: Timestamp,
    },
    /// It was never validated, as far as is known here. (The server may do so by itself.)
    Unknown,
    /// The day of the next validation is near.
    Due {
        /// When it is to be done.
        next: Timestamp,
    },
    /// The next validation should have been done.
    Overdue {
        /// Whole days left before the server may stop; negative after that.
        days_left: i64,
    },
    /// The host says that the license is not valid.
    Invalid {
        /// What it says.
        verdict: Verdict,
    },
}

impl Ord for Standing {
    fn cmp(&self, other: &Standing) -> Ordering {
        let urgency = |standing: &Standing| match standing {
            Standing::Valid { until } => (0, -until.as_second()),
            Standing::Unknown => (1, 0),
            Standing::Due { next } => (2, -next.as_second()),
            Standing::Overdue { days_left } => (3, -days_left),
            Standing::Invalid { verdict } => (4, *verdict as i64),
        };
        urgency(self).cmp(&urgency(other))
    }
}

impl PartialOrd for Standing {
    fn partial_cmp(&self, other: &Standing) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Standing {
    /// Somebody has to see to it.
    pub fn is_at_risk(&self) -> bool {
        matches!(self, Standing::Overdue { .. } | Standing::Invalid { .. })
    }

    /// The server may have stopped, or the host says that the license is not valid.
    pub fn is_serious(&self) -> bool {
        matches!(self, Standing::Invalid { .. } | Standing::Overdue { days_left: ..0 })
    }

    /// The word for JSON and tables: `valid`, `unknown`, `due`, `overdue`, `invalid`.
    pub fn word(&self) -> &'static str {
        match self {
            Standing::Valid { .. } => "valid",
            Standing::Unknown => "unknown",
            Standing::Due { .. } => "due",
            Standing::Overdue { .. } => "overdue",
            Standing::Invalid { .. } => "invalid",
        }
    }

    /// It as a sentence without its end mark.
    pub fn in_words(&self, now: Timestamp) -> String {
        match self {
            Standing::Valid { until } => {
                format!("Validated; the next validation is due in {}", length(until.duration_since(now)))
            }
            Standing::Unknown => "Never validated here".into(),
            Standing::Due { next } => {
                format!("Validation is due within {}", length(next.duration_since(now)))
            }
            Standing::Overdue { days_left } if *days_left > 1 => {
                format!("Validation is overdue: {days_left} days are left before the server may stop")
            }
            Standing::Overdue { days_left: 1 } => {
                "Validation is overdue: 1 day is left before the server may stop".into()
            }
            Standing::Overdue { days_left: 0 } => "Validation is overdue: the server may stop today".into(),
            Standing::Overdue { .. } => "Validation is overdue: the server may have stopped".into(),
            Standing::Invalid { verdict } => format!("Not valid: {}", verdict.words()),
        }
    }
}

impl Record {
    /// A license of which nothing is known yet.
    pub fn new(server_id: impl Into<String>) -> Record {
        Record {
            server_id: server_id.into(),
            accepted: None,
            last_valid: None,
            failed: None,
            pending: Vec::new(),
            spent: Vec::new(),
        }
    }

    /// Where it stands.
    pub fn standing(&self, now: Timestamp) -> Standing {
        let Some(Accepted { claims, .. }) = &self.accepted else { return Standing::Unknown };
        if claims.verdict != Verdict::Valid {
            return Standing::Invalid { verdict: claims.verdict };
        }
        if now >= claims.validate_next {
            let left = claims.validate_by.duration_since(now);
            return Standing::Overdue { days_left: left.as_secs().div_euclid(24 * 60 * 60) };
        }
        if claims.validate_next.duration_since(now) <= DUE_BEFORE {
            return Standing::Due { next: claims.validate_next };
        }
        Standing::Valid { until: claims.validate_next }
    }

    /// When to try next without being asked. `chance` from 0 to 1 spreads many clients; each license draws its own.
    pub fn next_try(&self, now: Timestamp, chance: f64) -> Timestamp {
        let jitter = JITTER.mul_f64(chance.clamp(0.0, 1.0));
        let put_off = |to: Timestamp| to.saturating_add(jitter).unwrap_or(now);
        // A clock that was set back must not put it off for years.
        let after = |at: Timestamp, pause: SignedDuration| match at > now {
            true => now,
            false => put_off(at.saturating_add(pause).unwrap_or(now)),
        };
        if let Some(failed) = &self.failed {
            return match failed.outcome {
                Outcome::NotReached { .. } => after(failed.at, AFTER_NO_CONNECTION),
                Outcome::NotSpoken { .. } | Outcome::Refused { .. } => after(failed.at, DAILY),
            };
        }
        let Some(Accepted { claims, at, .. }) = &self.accepted else { return now };
        let daily = after(*at, DAILY);
        if claims.verdict != Verdict::Valid {
            return daily;
        }
        let due = claims.validate_next.saturating_sub(DUE_BEFORE).unwrap_or(now);
        let date_is_near = claims.maintenance_until.and_then(|date| {
            let date = date.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()?.timestamp();
            let near = date.saturating_sub(DATE_IS_NEAR).ok()?;
            let past = date.saturating_add(DATE_IS_PAST).ok()?;
            (now <= past).then_some(near)
        });
        daily.max(put_off(date_is_near.map_or(due, |near| near.min(due))))
    }

    /// The last try found no way to the host: it need not wait for its time where there is a new one.
    pub fn was_missed(&self) -> bool {
        matches!(self.failed, Some(Attempt { outcome: Outcome::NotReached { .. }, .. }))
    }

    /// A request was made, and waits for its answer.
    pub fn asked(&mut self, nonce: Nonce, now: Timestamp) {
        self.pending.push(Pending { nonce, made_at: now });
        let too_many = self.pending.len().saturating_sub(OPEN);
        self.pending.drain(..too_many);
    }

    /// An answer was accepted: its request is answered for good.
    pub fn answered(&mut self, claims: Claims, key: KeyId, now: Timestamp) {
        self.pending.retain(|pending| pending.nonce != claims.nonce);
        self.spent.push(claims.nonce);
        let too_many = self.spent.len().saturating_sub(SPENT);
        self.spent.drain(..too_many);
        let accepted = Accepted { claims, key: key.to_string(), at: now };
        if accepted.claims.verdict == Verdict::Valid {
            self.last_valid = Some(accepted.clone());
        }
        self.accepted = Some(accepted);
        self.failed = None;
    }

    /// Takes the answer to the request with this nonce, or notes down why it is refused. What was known stays.
    ///
    /// # Errors
    ///
    /// The [`Refusal`], that of opening the token included.
    pub fn take(
        &mut self,
        opened: Result<Opened, Refusal>,
        nonce: Nonce,
        now: Timestamp,
    ) -> Result<Claims, Refusal> {
        let accepted = opened.and_then(|opened| {
            let key = opened.key();
            let expected =
                Expectation { spent: &self.spent, ..Expectation::new(nonce, &self.server_id, now) };
            let claims = opened.accept(&expected)?;
            match self.pending.iter().find(|pending| pending.nonce == nonce) {
                Some(request) if !request.waits(now) => {
                    Err(Refusal::TooLate(now.duration_since(request.made_at)))
                }
                _ => Ok((claims, key)),
            }
        });
        match accepted {
            Ok((claims, key)) => {
                self.answered(claims.clone(), key, now);
                Ok(claims)
            }
            Err(refusal) => {
                self.tried(Outcome::Refused { why: refusal.why() }, now);
                Err(refusal)
            }
        }
    }

    /// What becomes of the newest request that is carried by hand, as a sentence without its end mark; `None` where
    /// there is none, or an answer was accepted after it.
    pub fn request_in_words(&self, now: Timestamp, zone: &TimeZone) -> Option<String> {
        let request = self.pending.last()?;
        if self.accepted.as_ref().is_some_and(|accepted| accepted.at >= request.made_at) {
            return None;
        }
        let made = request.made_at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M");
        let until = request.until().to_zoned_datetime(zone.clone()).date();
        Some(match request.waits(now) {
            true => format!("The request of {made} waits for its answer until {until}"),
            false => format!("The request of {made} was not answered by {until}: make a new one"),
        })
    }

    /// Until when the license was last found valid, as a sentence without its end mark, where that is not what the
    /// last try said; a failure takes nothing away from it.
    pub fn last_valid_in_words(&self) -> Option<String> {
        let valid = self.last_valid.as_ref()?;
        if self.failed.is_none() && self.accepted.as_ref() == Some(valid) {
            return None;
        }
        let Accepted { claims, at, .. } = valid;
        let subject = crate::domain::standing::subject(claims.kind);
        let date =
            claims.maintenance_until.map_or(String::new(), |until| format!(": {subject} until {until}"));
        let (at, next) = (crate::domain::day(*at), crate::domain::day(claims.validate_next));
        Some(format!("Last found valid on {at}{date}; to be validated again by {next}"))
    }

    /// A try brought no answer to accept. What was known stays.
    pub fn tried(&mut self, outcome: Outcome, now: Timestamp) {
        self.failed = Some(Attempt { at: now, outcome });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::validation::token_tests::claims;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn validated(now: Timestamp) -> Record {
        let mut record = Record::new("id-0001");
        record.asked(claims().nonce, now);
        record.answered(claims(), super::super::PublicKey::new([1; 32]).id(), now);
        record
    }

    #[test]
    fn where_it_stands_day_by_day() {
        let mut record = validated(at("2026-11-24T09:00:01Z"));
        let mut lines =
            vec![Record::new("x").standing(at("2026-11-24T09:00:00Z")).in_words(Timestamp::UNIX_EPOCH)];
        for now in [
            "2026-11-24T09:00:01Z",
            "2026-12-17T08:59:59Z",
            "2026-12-17T09:00:00Z",
            "2026-12-24T08:59:59Z",
            "2026-12-24T09:00:00Z",
            "2027-01-05T09:00:00Z",
            "2027-01-07T08:59:59Z",
            "2027-01-07T09:00:00Z",
            "2027-01-07T09:00:01Z",
        ] {
            let standing = record.standing(at(now));
            lines.push(format!("{now} {}: {}", standing.word(), standing.in_words(at(now))));
        }
        for verdict in [Verdict::UnknownCode, Verdict::Revoked, Verdict::WrongServer] {
            record.accepted.as_mut().unwrap().claims.verdict = verdict;
            lines.push(record.standing(at("2026-11-24T09:00:01Z")).in_words(Timestamp::UNIX_EPOCH));
        }
        insta::assert_snapshot!(lines.join("\n"), @"
        Never validated here
        2026-11-24T09:00:01Z valid: Validated; the next validation is due in 29 days
        2026-12-17T08:59:59Z valid: Validated; the next validation is due in 7 days
        2026-12-17T09:00:00Z due: Validation is due within 7 days
        2026-12-24T08:59:59Z due: Validation is due within 1 minute
        2026-12-24T09:00:00Z overdue: Validation is overdue: 14 days are left before the server may stop
        2027-01-05T09:00:00Z overdue: Validation is overdue: 2 days are left before the server may stop
        2027-01-07T08:59:59Z overdue: Validation is overdue: the server may stop today
        2027-01-07T09:00:00Z overdue: Validation is overdue: the server may stop today
        2027-01-07T09:00:01Z overdue: Validation is overdue: the server may have stopped
        Not valid: the license host does not know the activation code
        Not valid: the license was revoked
        Not valid: the activation code belongs to another server
        ");
    }

    #[test]
    fn the_fewer_days_are_left_the_more_urgent_it_is() {
        let overdue = |days_left| Standing::Overdue { days_left };
        let due = |text| Standing::Due { next: at(text) };
        let ordered = [
            Standing::Valid { until: at("2027-01-01T00:00:00Z") },
            Standing::Unknown,
            due("2026-12-02T00:00:00Z"),
            due("2026-12-01T00:00:00Z"),
            overdue(9),
            overdue(1),
            overdue(-3),
            Standing::Invalid { verdict: Verdict::Revoked },
        ];
        assert!(ordered.is_sorted() && !ordered[3].is_at_risk() && ordered[4].is_at_risk());
        assert!(!ordered[5].is_serious() && ordered[6].is_serious());
    }

    #[test]
    fn when_to_try_next() {
        let now = at("2026-11-24T09:00:00Z");
        let mut lines = Vec::new();
        let mut line = |what: &str, record: &Record, now: Timestamp| {
            lines.push(format!("{what}: {} to {}", record.next_try(now, 0.0), record.next_try(now, 1.0)));
        };
        let mut record = Record::new("x");
        line("never", &record, now);
        record.tried(Outcome::NotReached { why: "refused".into() }, now);
        line("not reached", &record, now);
        line("not reached, and the clock set back by a year", &record, at("2025-11-24T09:00:00Z"));
        record.tried(Outcome::Refused { why: "forged".into() }, now);
        line("refused", &record, now);
        record.tried(Outcome::NotSpoken { why: "the vendor's".into() }, now);
        line("not spoken", &record, now);
        let mut record = validated(now);
        line("valid, and the date a month off", &record, now);
        record.accepted.as_mut().unwrap().claims.maintenance_until = Some(jiff::civil::date(2029, 1, 1));
        line("valid for years", &record, now);
        line("valid for years, due since last week", &record, at("2026-12-18T09:00:00Z"));
        record.accepted.as_mut().unwrap().claims.maintenance_until = Some(jiff::civil::date(2026, 11, 1));
        line("date just past", &record, now);
        record.accepted.as_mut().unwrap().claims.maintenance_until = Some(jiff::civil::date(2020, 11, 1));
        line("date long past", &record, now);
        record.accepted.as_mut().unwrap().claims.verdict = Verdict::Revoked;
        line("revoked", &record, now);
        insta::assert_snapshot!(lines.join("\n"), @"
        never: 2026-11-24T09:00:00Z to 2026-11-24T09:00:00Z
        not reached: 2026-11-24T10:00:00Z to 2026-11-24T10:10:00Z
        not reached, and the clock set back by a year: 2025-11-24T09:00:00Z to 2025-11-24T09:00:00Z
        refused: 2026-11-25T09:00:00Z to 2026-11-25T09:10:00Z
        not spoken: 2026-11-25T09:00:00Z to 2026-11-25T09:10:00Z
        valid, and the date a month off: 2026-12-17T09:00:00Z to 2026-12-17T09:10:00Z
        valid for years: 2026-12-17T09:00:00Z to 2026-12-17T09:10:00Z
        valid for years, due since last week: 2026-12-17T09:00:00Z to 2026-12-17T09:10:00Z
        date just past: 2026-11-25T09:00:00Z to 2026-11-25T09:10:00Z
        date long past: 2026-12-17T09:00:00Z to 2026-12-17T09:10:00Z
        revoked: 2026-11-25T09:00:00Z to 2026-11-25T09:10:00Z
        ");
    }

    #[test]
    fn a_request_waits_for_its_answer_so_long_and_that_is_said() {
        let made = at("2026-11-24T09:00:00Z");
        let mut record = Record::new("id-0001");
        let said = |record: &Record, now: &str| record.request_in_words(at(now), &TimeZone::UTC);
        assert_eq!(said(&record, "2026-11-24T09:00:00Z"), None);
        record.asked(claims().nonce, made);
        assert_eq!(
            said(&record, "2026-12-24T09:00:00Z").unwrap(),
            "The request of 2026-11-24 09:00 waits for its answer until 2026-12-24"
        );
        assert_eq!(
            said(&record, "2026-12-24T09:00:01Z").unwrap(),
            "The request of 2026-11-24 09:00 was not answered by 2026-12-24: make a new one"
        );
        record.answered(claims(), super::super::PublicKey::new([1; 32]).id(), made);
        assert_eq!(said(&record, "2026-12-24T09:00:01Z"), None);
    }

    #[test]
    fn an_answer_to_a_request_that_is_too_old_is_refused_however_fresh_it_is() {
        let key = crate::domain::validation::token_tests::key(1);
        let pinned = super::super::PinnedKeys::new([key.public()]);
        let now = claims().iat;
        for (age, accepted) in [(WAITS, true), (WAITS + SignedDuration::from_secs(1), false)] {
            let mut record = Record::new(claims().server_id);
            record.asked(claims().nonce, now - age);
            let opened = super::super::open(&key.sign(&claims()).unwrap(), &pinned);
            let went = record.take(opened, claims().nonce, now);
            assert_eq!(went.is_ok(), accepted, "{went:?}");
            if let Err(refusal) = went {
                assert_eq!(refusal, Refusal::TooLate(age));
                assert_eq!((record.accepted, record.pending.len()), (None, 1));
                let why = "it answers a request that was made 30 days ago, and a request waits 30 days for its answer";
                assert_eq!(refusal.why(), why);
            }
        }
    }

    #[test]
    fn until_when_it_was_valid_is_told_after_a_failure() {
        let now = at("2026-11-24T09:00:00Z");
        let mut record = validated(now);
        assert_eq!(record.last_valid_in_words(), None, "the standing tells it");
        record.tried(Outcome::NotReached { why: "refused".into() }, now);
        let said = "Last found valid on 2026-11-24: Subscription until 2027-01-31; to be validated again by 2026-12-24";
        assert_eq!(record.last_valid_in_words().unwrap(), said);
        let revoked = Claims { verdict: Verdict::Revoked, maintenance_until: None, kind: None, ..claims() };
        record.answered(revoked, super::super::PublicKey::new([1; 32]).id(), now);
        assert_eq!(record.last_valid_in_words().unwrap(), said);
        assert_eq!(Record::new("x").last_valid_in_words(), None);
    }

    #[test]
    fn a_failure_touches_nothing_that_was_known_and_lists_are_bounded() {
        let now = at("2026-11-24T09:00:00Z");
        let mut record = validated(now);
        let before = record.accepted.clone();
        record.tried(Outcome::Refused { why: "forged".into() }, now);
        assert_eq!(record.accepted, before);
        let revoked = Claims { verdict: Verdict::Revoked, maintenance_until: None, ..claims() };
        record.answered(revoked, super::super::PublicKey::new([1; 32]).id(), now);
        assert_eq!(record.last_valid, before);
        for n in 0..200u8 {
            record.asked(Nonce::new([n; 16]), now);
            record.answered(
                Claims { nonce: Nonce::new([n; 16]), ..claims() },
                super::super::PublicKey::new([1; 32]).id(),
                now,
            );
            record.asked(Nonce::new([n; 16]), now);
        }
        assert_eq!((record.pending.len(), record.spent.len()), (OPEN, SPENT));
        let kept = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&kept).unwrap(), record);
    }
}
