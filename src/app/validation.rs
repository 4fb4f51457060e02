//! Where the validations of licenses stand, for the menu, the icon, the status and notices of their own. What a
//! license host states of a date is a source like any other; all else here stands beside the dates and hides none.

use super::{Bubble, Effect, Icon, State, words};
use crate::domain::{
    Entry, Server, Source,
    knowledge::{Moved, Outcome},
    validation::{Record, Standing, Verdict},
};
use jiff::{Timestamp, ZonedDateTime};
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
        }
    }

    /// Somebody has to see to it.
    pub fn is_urgent(&self) -> bool {
        matches!(self.standing.as_str(), "overdue" | "invalid")
    }
}

impl State {
    /// What is kept of the validation of this server's license.
    pub fn validation_of(&self, server: &Server) -> Option<&Record> {
        self.validations.get(&server.server_id.as_deref()?.trim().to_lowercase())
    }

    /// The servers that count whose validation somebody has to see to, the most urgent first.
    pub fn validations_at_risk(&self, now: Timestamp) -> Vec<(&Server, Standing)> {
        if self.validations.is_empty() {
            return Vec::new();
        }
        let mut at_risk: Vec<_> = self
            .counted()
            .filter_map(|server| Some((server, self.validation_of(server)?.standing(now))))
            .filter(|(_, standing)| matches!(standing, Standing::Overdue { .. } | Standing::Invalid { .. }))
            .collect();
        at_risk.sort_by(|(_, one), (_, other)| other.cmp(one));
        at_risk
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
        let by_id = |record: Record| (record.server_id.trim().to_lowercase(), record);
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
                // Without a failure the next try is under way.
                (Standing::Due { .. }, Some(_)) => "due",
                (Standing::Overdue { days_left: ..0 }, _) => "over",
                (Standing::Overdue { .. }, _) => "overdue",
                (Standing::Invalid { .. }, _) => "invalid",
                _ => continue,
            };
            let stated = record.accepted.as_ref().map(|accepted| accepted.claims.validate_next);
            let of_answer = format!("validation {} {}", record.server_id, stated.unwrap_or_default());
            let told = format!("{of_answer} {what}");
            if !self.kept.said.contains(&told) {
                let failed = record.failed.as_ref().map(|failed| failed.outcome.why().to_string());
                due.push((standing, server.name.clone(), failed, of_answer, told));
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

type Due = (Standing, String, Option<String>, String, String);

fn bubble(due: &[Due], now: Timestamp) -> Bubble {
    const LINES: usize = 5;
    let line = |(standing, name, _, _, _): &Due| format!("{name}: {}", standing.in_words(now));
    let (summary, mut body) = match due {
        [one @ (standing, _, failed, _, _)] => {
            let why = failed.as_ref().map(|why| format!("The last try failed: {why}. ")).unwrap_or_default();
            (line(one), format!("{why}{}", advice(standing)))
        }
        many => {
            let lines: Vec<String> = many.iter().take(LINES).map(line).collect();
            (format!("{} need validation", words::count(many.len(), "license")), lines.join("\n"))
        }
    };
    if due.len() > LINES {
        body.push_str(&format!("\nand {} more", due.len() - LINES));
    }
    let serious = due.iter().any(|(standing, ..)| is_serious(standing));
    let icon = if serious { Icon::Expired } else { Icon::Notice };
    Bubble { keys: Vec::new(), summary, body, actions: Vec::new(), stays: true, passes: false, icon }
}

/// The server may have stopped, or the host says that the license is not valid.
pub fn is_serious(standing: &Standing) -> bool {
    matches!(standing, Standing::Invalid { .. } | Standing::Overdue { days_left: ..0 })
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
