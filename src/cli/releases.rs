//! `releases`: what was released when, and what a Maintenance date covers.

use super::{Out, args, status::table};
use crate::domain::{
    Fault, Problem, Version, coverage,
    coverage::release_in_words,
    release::{self, Release},
};
use jiff::civil::Date;
use serde::Serialize;

#[derive(Serialize)]
struct Row {
    version: Version,
    released: Date,
    doubtful: bool,
}

impl From<&Release> for Row {
    fn from(release: &Release) -> Row {
        Row { version: release.version, released: release.released, doubtful: release.doubtful }
    }
}

#[derive(Serialize)]
struct VersionReport {
    version: Version,
    listed: bool,
    not_before: Option<Date>,
    not_after: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<coverage::Coverage>,
    in_words: String,
}

pub fn run(asked: &args::Releases, out: &Out) -> Result<u8, Problem> {
    let until = asked.covered_by.as_deref().map(parse_date).transpose()?;
    match (asked.version.as_deref().map(parse_version).transpose()?, until) {
        (Some(version), until) => one_version(version, until, out),
        (None, Some(until)) => covered_by(until, out),
        (None, None) => {
            let rows: Vec<Row> = release::all().iter().rev().map(Row::from).collect();
            out.show(&rows, || list(&rows)).map(|()| 0)
        }
    }
}

fn list(rows: &[Row]) -> String {
    let mark = |row: &Row| if row.doubtful { "as listed: a slip in the change log" } else { "" }.to_string();
    let rows: Vec<[String; 3]> =
        rows.iter().map(|row| [row.version.to_string(), row.released.to_string(), mark(row)]).collect();
    table(&rows)
}

fn covered_by(until: Date, out: &Out) -> Result<u8, Problem> {
    let covered =
        |release: &&Release| coverage::coverage(release.version, until) == coverage::Coverage::Covered;
    let rows: Vec<Row> = release::all().iter().rev().filter(covered).map(Row::from).collect();
    let text = || match coverage::newest_covered(until) {
        None => format!("Maintenance until {until} covers no listed version.\n"),
        Some(newest) => format!(
            "Maintenance until {until} covers {} ({}) and all versions before it, {} in the list.\n{}",
            newest.version,
            newest.released,
            rows.len(),
            beyond(until)
        ),
    };
    let text = text();
    let report = serde_json::json!({
        "schema": 1,
        "covered_by": until,
        "newest_covered": coverage::newest_covered(until).map(|release| release.version),
        "versions": rows,
    });
    out.show(&report, || text).map(|()| 0)
}

/// What the list cannot know, because it ends before the date.
fn beyond(until: Date) -> String {
    match release::newest() {
        Some(newest) if newest.released < until => {
            format!("The list ends on {}: later releases up to the date are covered too.\n", newest.released)
        }
        _ => String::new(),
    }
}

fn one_version(version: Version, until: Option<Date>, out: &Out) -> Result<u8, Problem> {
    let window = release::window(version);
    let coverage = until.map(|until| coverage::coverage(version, until));
    let mut in_words = format!("{}.", release_in_words(version));
    if let (Some(coverage), Some(until)) = (coverage, until) {
        in_words.push_str(&match coverage {
            coverage::Coverage::Unknown => {
                format!(" Whether Maintenance until {until} covers it cannot be told.")
            }
            known => format!(" Maintenance until {until}: {}.", known.word()),
        });
    }
    let report = VersionReport {
        version,
        listed: window.listed.is_some(),
        not_before: window.earliest.map(|release| release.released),
        not_after: window.latest.map(|release| release.released),
        coverage,
        in_words: in_words.clone(),
    };
    out.show(&report, || in_words).map(|()| 0)
}

fn parse_date(text: &str) -> Result<Date, Problem> {
    text.parse().map_err(|_| {
        Problem::new(
            Fault::Usage,
            "Cannot read the date",
            format!("--covered-by {text}"),
            "it is no date",
            "Write it like 2026-01-31.",
        )
    })
}

fn parse_version(text: &str) -> Result<Version, Problem> {
    text.parse().map_err(|_| {
        Problem::new(
            Fault::Usage,
            "Cannot read the version",
            format!("--version {text}"),
            "it is no version",
            "Write it like 12.1.4.",
        )
    })
}
