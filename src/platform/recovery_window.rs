//! The recovery window's backend: plans are made in the window's own process, and carried out by a helper, which
//! outlives the window and tells it how it goes.

use super::{dirs::Dirs, open, program, recovery, survey};
use crate::{
    app::{
        Places, Target,
        report::{RecoveryReport, RefreshedServer},
    },
    domain::{Entry, Problem, Version, compatibility, text::without_backticks},
    recovery::{
        Decision, Deed, Journal, Outcome, Plan, Role,
        words::{self, FIRST},
        world::Progress,
    },
    sources::{
        license_host,
        servers_xml::{self, Reading},
    },
    store::{
        recoveries::{Kept, Recoveries},
        settings::{self, Settings},
    },
    window::recovery_backend::{
        Backend, CheapStanding, CheapStep, Checked, Choices, Ended, Interrupted, Link, PlanShown, ServerRow,
        Tell, TellChecked, Told,
    },
};
use jiff::civil::Date;
use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Stdio},
};

/// The most bytes of what a helper says of its failure.
const MAX_COMPLAINT: u64 = 64 * 1024;

/// What the window needs of this machine.
pub struct Here {
    dirs: Dirs,
    /// Where the helper that runs now is told to take all back.
    helper: Option<ChildStdin>,
    /// There is no servers.xml: the programs are restarted all the same, as the user was asked.
    restart_anyway: bool,
}

impl Here {
    /// For the window of this user.
    pub fn new(dirs: Dirs) -> Here {
        Here { dirs, helper: None, restart_anyway: false }
    }

    fn settings(&self) -> Settings {
        settings::load(&self.dirs.config, &self.dirs.last_good_settings()).settings
    }

    /// Starts the helper, and tells what it tells.
    fn help(&mut self, arguments: &[String], tell: Tell) {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let started = program::role(&self.dirs, &arguments).and_then(|mut command| {
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().map_err(|error| program::cannot_start(&error))
        });
        match started {
            Ok(mut child) => {
                self.helper = child.stdin.take();
                std::thread::spawn(move || listen(child, &tell));
            }
            Err(problem) => tell(Told::Refused(problem)),
        }
    }
}

impl Backend for Here {
    fn plan(&mut self) -> PlanShown {
        let settings = self.settings();
        let places = survey::survey(&self.dirs, &settings);
        let choices = crate::recovery::Choices {
            patience_seconds: settings.recovery.close_seconds.into(),
            ..Default::default()
        };
        let mut plan = recovery::plan(&self.dirs, &places, choices, Vec::new());
        let shown = Choices { patience_seconds: choices.patience_seconds, ..Choices::default() };
        let recoveries = Recoveries::below(&self.dirs.data);
        if let Ok(Some(Kept { journal, .. })) = recoveries.open()
            && !recoveries.is_locked()
        {
            return PlanShown {
                interrupted: Some(interrupted(&journal)),
                steps: in_words(&journal.plan),
                choices: shown,
                ..PlanShown::default()
            };
        }
        self.restart_anyway = !plan.servers_xml.exists();
        plan.choices.restart_anyway = self.restart_anyway;
        let refusal = recovery::check(&self.dirs, &plan).err().map(for_a_window);
        let nothing_to_clear = self.restart_anyway.then(|| {
            format!(
                "There is no {}: nothing is to be cleared. The programs can be restarted all the same.",
                plan.servers_xml.display()
            )
        });
        PlanShown {
            refusal,
            interrupted: None,
            nothing_to_clear,
            cheap: cheap_steps(&settings),
            steps: in_words(&plan),
            remarks: words::consequences(&plan).iter().map(|text| without_backticks(text)).collect(),
            choices: shown,
            client_runs: plan.running.iter().any(|program| program.role == Role::Client),
        }
    }

    fn check(&mut self, tell: TellChecked) {
        let settings = self.settings();
        let places = survey::survey(&self.dirs, &settings);
        let settings = settings.license_host;
        std::thread::spawn(move || {
            if let Some(checked) = versions_of(&places) {
                tell(VERSION_STEP, checked);
            }
            let host = settings.place();
            let checked = match license_host::reachable(&settings, license_host::PATIENCE) {
                Ok(()) => Checked { standing: CheapStanding::Fine, words: format!("{host}: it answers.") },
                Err(problem) => Checked {
                    standing: CheapStanding::Look,
                    words: format!(
                        "{host}: {}. Clearing the cache will not help while that is so.",
                        problem.why
                    ),
                },
            };
            tell(LICENSE_HOST_STEP, checked);
        });
    }

    fn start(&mut self, choices: Choices, tell: Tell) {
        let mut arguments = vec!["recover".into(), "--yes".into(), "--watched".into()];
        arguments.extend(["--timeout".into(), choices.patience_seconds.to_string()]);
        let options = [
            (choices.force, "--force-close"),
            (choices.start_client, "--start-client"),
            (self.restart_anyway, "--restart-anyway"),
        ];
        arguments
            .extend(options.into_iter().filter(|(wanted, _)| *wanted).map(|(_, option)| option.to_string()));
        self.help(&arguments, tell);
    }

    fn resume(&mut self, tell: Tell) {
        self.help(&decided(Decision::Resume), tell);
    }

    fn roll_back(&mut self, tell: Tell) {
        self.help(&decided(Decision::RollBack), tell);
    }

    fn keep(&mut self, tell: Tell) {
        self.help(&decided(Decision::Keep), tell);
    }

    fn cancel(&mut self) {
        if let Some(helper) = &mut self.helper {
            // That it has ended already is as well.
            let _ = helper.write_all(b"cancel\n").and_then(|()| helper.flush());
        }
    }

    fn open(&mut self, link: Link) -> Result<(), Problem> {
        let target = match link {
            Link::Page(url) => Target::Url(url),
            Link::Folder(folder) => Target::Folder(folder),
        };
        open::open(&target, &self.dirs)
    }
}

fn decided(decision: Decision) -> Vec<String> {
    vec!["recover".into(), format!("--{}", decision.word()), "--watched".into()]
}

fn in_words(plan: &Plan) -> Vec<String> {
    plan.steps().iter().map(|step| plan.describe(step)).collect()
}

fn interrupted(journal: &Journal) -> Interrupted {
    let plan = &journal.plan;
    let began = plan.made_at.strftime("%F %T UTC");
    let file = match journal.last_move_from(&plan.servers_xml) {
        Some(moved) if moved.to.exists() => format!("The file is kept as {}.", moved.to.display()),
        _ => format!("{} is where it was.", plan.servers_xml.display()),
    };
    let far = format!("It began at {began}; {} of {} steps are done.", journal.done, plan.steps().len());
    Interrupted {
        found: format!("{far} {file}"),
        done: journal.done,
        taking_back: journal.taking_back.is_some(),
    }
}

/// Which of the cheap steps is the license host.
const LICENSE_HOST_STEP: usize = 1;
/// Which of the cheap steps is the version of the Client.
const VERSION_STEP: usize = 3;

/// The installed Client, and the servers as servers.xml tells of them; `None` where a version is not known.
fn versions_of(places: &Places) -> Option<Checked> {
    let client = places.client_version?;
    let Ok(Reading::Servers { entries, .. }) =
        servers_xml::read_file(&places.servers_xml, &servers_xml::Limits::default())
    else {
        return None;
    };
    let name = |entry: &Entry| entry.name.clone().or_else(|| entry.address.clone()).unwrap_or_default();
    let servers: Vec<(String, Version)> =
        entries.iter().filter_map(|entry| Some((name(entry), entry.installed_version?))).collect();
    versions_in_words(client, &servers)
}

fn versions_in_words(client: Version, servers: &[(String, Version)]) -> Option<Checked> {
    let others: Vec<String> = servers
        .iter()
        .filter_map(|(name, server)| Some(format!("{name}: {}", compatibility::in_words(client, *server)?)))
        .collect();
    let (standing, words) = match (servers.is_empty(), others.as_slice()) {
        (true, _) => return None,
        (_, []) => {
            (CheapStanding::Fine, format!("The Client on this machine is {client}, and so are the servers."))
        }
        (_, [first]) => (CheapStanding::Look, first.clone()),
        (_, [first, rest @ ..]) => {
            (CheapStanding::Look, format!("{first} So it is with {} more.", rest.len()))
        }
    };
    Some(Checked { standing, words })
}

fn cheap_steps(settings: &Settings) -> Vec<CheapStep> {
    let unknown = |words: &str| Checked { standing: CheapStanding::Unknown, words: words.into() };
    let checking = Checked { standing: CheapStanding::Checking, words: "It is being asked.".into() };
    let page = || Some(("Open my licenses".to_string(), Link::Page(settings.pages.renew.clone())));
    FIRST
        .iter()
        .enumerate()
        .map(|(index, first)| CheapStep {
            title: first.title.into(),
            checked: if index == LICENSE_HOST_STEP { checking.clone() } else { unknown(first.how) },
            link: page().filter(|_| first.is_online),
        })
        .collect()
}

fn listen(mut child: Child, tell: &Tell) {
    let mut ended = None;
    for line in
        child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()).map_while(Result::ok)
    {
        if let Ok(progress) = serde_json::from_str::<Progress>(&line) {
            tell(told(progress));
        } else if let Ok(report) = serde_json::from_str::<RecoveryReport>(&line) {
            ended = Some(Told::Ended(end(report)));
        } else if let Ok(problem) = serde_json::from_str::<Problem>(&line) {
            ended = Some(Told::Refused(for_a_window(problem)));
        }
    }
    let mut complaint = String::new();
    if let Some(stderr) = child.stderr.take() {
        let _ = stderr.take(MAX_COMPLAINT).read_to_string(&mut complaint);
    }
    let _ = child.wait();
    tell(ended.unwrap_or_else(|| Told::Ended(cut_off(complaint.trim()))));
}

/// The helper went without a last word.
fn cut_off(complaint: &str) -> Ended {
    let why = "What did the work was ended in the middle. Nothing is lost: close this window and choose Clear server \
               cache again, to finish it or take it back.";
    Ended {
        deed: Deed::default(),
        outcome: Outcome::NeedsUser { why: format!("{why} {complaint}").trim().to_string() },
        afterwards: String::new(),
        servers: Vec::new(),
        backup: None,
    }
}

fn for_a_window(problem: Problem) -> Problem {
    Problem { why: without_backticks(&problem.why), next: without_backticks(&problem.next), ..problem }
}

fn told(progress: Progress) -> Told {
    match progress {
        Progress::Begins { index, title } => Told::Begins { index, title, may_cancel: true },
        Progress::Waiting { program, seconds_left } => Told::Waiting { title: program, seconds_left },
        Progress::Done { index, title } => Told::Done { index, title },
        Progress::Note { text } => Told::Note(without_backticks(&text)),
        Progress::Failed { why } => Told::Failed(without_backticks(&why)),
    }
}

fn end(report: RecoveryReport) -> Ended {
    let date = |date: Option<Date>| date.map_or_else(|| "unknown".to_string(), |date| date.to_string());
    let row = |row: RefreshedServer| ServerRow {
        moved: row.has_moved(),
        name: row.name,
        before: date(row.before),
        after: date(row.after),
    };
    Ended {
        deed: report.deed,
        outcome: match report.outcome {
            Outcome::RolledBack { why } => Outcome::RolledBack { why: without_backticks(&why) },
            Outcome::NeedsUser { why } => Outcome::NeedsUser { why: without_backticks(&why) },
            outcome => outcome,
        },
        afterwards: report.afterwards,
        servers: report.servers.into_iter().map(row).collect(),
        backup: report.backup,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_of_client_and_servers_are_compared_where_they_are_known() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        let servers = |versions: &[&str]| -> Vec<(String, Version)> {
            versions.iter().zip(1..).map(|(v, n)| (format!("PROD-0{n}"), version(v))).collect()
        };
        let of = |versions: &[&str]| versions_in_words(version("13.2.2"), &servers(versions));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["13.2.2", "13.2.2"]).unwrap().standing, CheapStanding::Fine);
        let one = of(&["13.2.2", "13.1.5"]).unwrap();
        assert_eq!(one.standing, CheapStanding::Look);
        assert!(
            one.words.starts_with("PROD-02: The Client on this machine is 13.2.2, the server 13.1.5"),
            "{one:?}"
        );
        assert!(of(&["13.1.5", "13.1.5"]).unwrap().words.ends_with("So it is with 1 more."));
    }
}
