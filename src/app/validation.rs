//! Where the validations of licenses stand, for the menu, the icon, the status and notices of their own. What a
//! license host states of a date is a source like any other; all else here stands beside the dates and hides none.

use super::{Bubble, Command, Effect, Icon, State, words};
use crate::domain::{
    Entry, Server, Source,
    knowledge::{Moved, Outcome},
    validation::{Pending, Record, Standing, Verdict, folded},
};
use jiff::{Timestamp, ZonedDateTime, civil::Date};
use serde::{Deserialize, Serialize};

/// The place of the answers that were accepted, from whichever host and by whichever way they came.
const ACCEPTED: &str = "accepted answers";

/// Where the validation of one license stands: a part of `status --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidationReport {
    /// `valid`, `unknown`, `due`, `overdue` or `invalid`.
    pub standing: String,
    /// It as a sentence.
    pub in_words: String,
    /// When the last answer was accepted.
    pub validated_at: Option<Timestamp>,
    /// When the next one is to be asked for.
    pub validate_next: Option<Timestamp>,
    /// Until when: after that the server may stop.
    pub validate_by: Option<Timestamp>,
    /// When the last try failed, if it did.
    pub failed_at: Option<Timestamp>,
    /// Why it failed.
    pub failed_why: Option<String>,
    /// When an answer said last that the license is valid.
    #[serde(default)]
    pub last_valid_at: Option<Timestamp>,
    /// Until when it was valid by that: the last day of the Maintenance, or of what the kind of license calls it.
    #[serde(default)]
    pub last_valid_until: Option<Date>,
    /// Until when the newest request that is carried by hand waits for its answer, if one does.
    #[serde(default)]
    pub waits_until: Option<Timestamp>,
}

impl ValidationReport {
    /// As of `now`.
    pub fn new(record: &Record, now: Timestamp) -> ValidationReport {
        let standing = record.standing(now);
        let claims = record.accepted.as_ref().map(|accepted| &accepted.claims);
        ValidationReport {
            standing: standing.word().into(),
            in_words: standing.in_words(now),
            validated_at: record.accepted.as_ref().map(|accepted| accepted.at),
            validate_next: claims.map(|claims| claims.validate_next),
            validate_by: claims.map(|claims| claims.validate_by),
            failed_at: record.failed.as_ref().map(|failed| failed.at),
            failed_why: record.failed.as_ref().map(|failed| failed.outcome.why().into()),
            last_valid_at: record.last_valid.as_ref().map(|valid| valid.at),
            last_valid_until: record.last_valid.as_ref().and_then(|valid| valid.claims.maintenance_until),
            waits_until: record.pending.last().filter(|it| it.waits(now)).map(Pending::until),
        }
    }

    /// Somebody has to see to it.
    pub fn is_urgent(&self) -> bool {
        matches!(self.standing.as_str(), "overdue" | "invalid")
    }
}

/// Whose validation somebody has to see to.
#[derive(Debug, Default)]
pub struct AtRisk<'s> {
    /// How many there are.
    pub count: usize,
    /// The most urgent.
    pub worst: Option<(&'s Server, Standing)>,
}

impl AtRisk<'_> {
    /// `PROD-01: Validation is overdue: …, and 2 more`; `None` where there is nothing to see to.
    pub fn in_words(&self, now: Timestamp) -> Option<String> {
        let (server, standing) = self.worst.as_ref()?;
        let more = match self.count - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        Some(format!("{}: {}{more}", server.name, standing.in_words(now)))
    }

    /// One of them is serious.
    pub fn is_serious(&self) -> bool {
        self.worst.as_ref().is_some_and(|(_, standing)| standing.is_serious())
    }
}

impl State {
    /// What is kept of the validation of this server's license.
    pub fn validation_of(&self, server: &Server) -> Option<&Record> {
        self.validations.get(&folded(server.server_id.as_deref()?))
    }

    /// The license host of the settings, where it is one of your own and its key is still to be trusted: until then
    /// it is not asked.
    pub fn untrusted_host(&self) -> Option<String> {
        self.settings.license_host.own_host().filter(|_| self.host_is_trusted == Some(false))
    }

    /// Tells once that the license host's key is to be trusted, where that host is to be asked with each refresh. It is
    /// noted down first.
    pub(super) fn announce_untrusted_host(&mut self, effects: &mut Vec<Effect>) {
        const UNTRUSTED: &str = "untrusted ";
        let asked = self.settings.license_host.check_on_refresh;
        let Some(host) = self.untrusted_host().filter(|_| asked) else { return };
        let told = format!("{UNTRUSTED}{host}");
        if self.kept.said.contains(&told) {
            return;
        }
        self.kept.said.retain(|said| !said.starts_with(UNTRUSTED));
        self.kept.said.insert(told);
        self.unsaved = true;
        effects.push(Effect::Notify(Bubble {
            keys: Vec::new(),
            summary: format!("The key of {host} is not trusted yet"),
            body: "Until then this license host is not asked, and no answer of it counts. Compare the fingerprint of its \
                   key with whoever runs it, and confirm that."
                .into(),
            actions: vec![("Trust its key…", Command::ManualValidation)],
            stays: true,
            passes: false,
            icon: Icon::Notice,
        }));
    }

    /// Of the servers that count, those whose validation somebody has to see to.
    pub fn validations_at_risk(&self, now: Timestamp) -> AtRisk<'_> {
        let mut at_risk = AtRisk::default();
        if self.validations.is_empty() {
            return at_risk;
        }
        for server in self.counted() {
            let standing = self.validation_of(server).map(|record| record.standing(now));
            let Some(standing) = standing.filter(Standing::is_at_risk) else { continue };
            at_risk.count += 1;
            if at_risk.worst.as_ref().is_none_or(|(_, worst)| standing > *worst) {
                at_risk.worst = Some((server, standing));
            }
        }
        at_risk
    }

    /// Nobody was reached since a sleep, or the start, and it is tried again within minutes.
    fn tries_again_soon(&self) -> bool {
        self.wakeful.as_ref().is_some_and(|wakeful| wakeful.next().is_some())
    }

    /// Takes in what is kept of validations: an accepted answer is the license host's word on the date. Returns the
    /// dates that moved, and whether anything is known otherwise than before.
    pub(super) fn take_validations(&mut self, records: Vec<Record>, now: Timestamp) -> (Vec<Moved>, bool) {
        let known = self.kept.knowledge.server_ids();
        let stated = records.iter().filter_map(|record| {
            let accepted = record.accepted.as_ref().filter(|it| it.claims.verdict == Verdict::Valid)?;
            known.contains(&record.server_id.to_lowercase()).then(|| Entry {
                server_id: Some(record.server_id.clone()),
                kind: accepted.claims.kind,
                edition: accepted.claims.edition.clone(),
                maintenance_until: accepted.claims.maintenance_until,
                ..Entry::new(Source::LicenseHost, accepted.at)
            })
        });
        let stated: Vec<Entry> = stated.collect();
        let by_id = |record: Record| (folded(&record.server_id), record);
        self.validations = records.into_iter().map(by_id).collect();
        if stated.is_empty() && !self.kept.knowledge.has_seen(Source::LicenseHost) {
            return (Vec::new(), false);
        }
        let absorbed = self.kept.knowledge.absorb(Source::LicenseHost, ACCEPTED, Outcome::Read(stated), now);
        (absorbed.moved, absorbed.changed)
    }

    /// Tells once of each validation that somebody has to see to. It is noted down first.
    pub(super) fn announce_validations(&mut self, now: &ZonedDateTime, effects: &mut Vec<Effect>) {
        let quiet = self.settings.notices.quiet_hours.is_some_and(|quiet| quiet.contains(now.time()));
        if self.validations.is_empty() || !self.settings.notices.validation || quiet {
            return;
        }
        let mut due = Vec::new();
        for server in self.counted() {
            let Some(record) = self.validation_of(server) else { continue };
            let standing = record.standing(now.timestamp());
            let what = match (&standing, &record.failed) {
                // Without a failure the next try is under way; and after a sleep a few more will follow soon.
                (Standing::Due { .. }, Some(_)) if !self.tries_again_soon() => "due",
                (Standing::Overdue { days_left: ..0 }, _) => "over",
                (Standing::Overdue { .. }, _) => "overdue",
                (Standing::Invalid { .. }, _) => "invalid",
                _ => continue,
            };
            let stated = record.accepted.as_ref().map(|accepted| accepted.claims.validate_next);
            let of_answer = format!("validation {} {}", record.server_id, stated.unwrap_or_default());
            let told = format!("{of_answer} {what}");
            if !self.kept.said.contains(&told) {
                let more = [
                    record
                        .failed
                        .as_ref()
                        .map(|failed| format!("The last try failed: {}", failed.outcome.why())),
                    record.last_valid_in_words(),
                ];
                let more = more.into_iter().flatten().map(|sentence| format!("{sentence}. ")).collect();
                due.push((standing, server.name.clone(), more, of_answer, told));
            }
        }
        if due.is_empty() {
            return;
        }
        due.sort_by(|one, other| other.0.cmp(&one.0));
        for (_, _, _, of_answer, told) in &due {
            // Of earlier answers for this license, nothing need be known any more.
            let of_license = of_answer.rsplit_once(' ').map_or(of_answer.as_str(), |(of, _)| of);
            let earlier =
                |said: &String| said.starts_with(&format!("{of_license} ")) && !said.starts_with(of_answer);
            self.kept.said.retain(|said| !earlier(said));
            self.kept.said.insert(told.clone());
        }
        self.unsaved = true;
        effects.push(Effect::Notify(bubble(&due, now.timestamp())));
    }
}

type Due = (Standing, String, String, String, String);

fn bubble(due: &[Due], now: Timestamp) -> Bubble {
    const LINES: usize = 5;
    let line = |(standing, name, _, _, _): &Due| format!("{name}: {}", standing.in_words(now));
    let (summary, mut body) = match due {
        [one @ (standing, _, more, _, _)] => (line(one), format!("{more}{}", advice(standing))),
        many => {
            let lines: Vec<String> = many.iter().take(LINES).map(line).collect();
            (format!("{} need validation", words::count(many.len(), "license")), lines.join("\n"))
        }
    };
    if due.len() > LINES {
        body.push_str(&format!("\nand {} more", due.len() - LINES));
    }
    let serious = due.iter().any(|(standing, ..)| standing.is_serious());
    let icon = if serious { Icon::Expired } else { Icon::Notice };
    Bubble { keys: Vec::new(), summary, body, actions: Vec::new(), stays: true, passes: false, icon }
}

fn advice(standing: &Standing) -> String {
    match standing {
        Standing::Invalid { verdict } => verdict.next().into(),
        _ => "Refresh license data; if the license host cannot be reached, Check connection, or validate by hand.".into(),
    }
}

#[cfg(test)]
#[path = "validation_tests.rs"]
mod tests;
