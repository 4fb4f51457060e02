//! The recovery window's backend: plans are made in the window's own process, and carried out by a helper, which
//! outlives the window and tells it how it goes.

use super::{dirs::Dirs, open, program, recovery, survey};
use crate::{
    app::{
        Target,
        report::{RecoveryReport, RefreshedServer},
    },
    domain::Problem,
    recovery::{
        Decision, Journal, Outcome, Plan, Role,
        words::{self, FIRST},
        world::Progress,
    },
    sources::license_host,
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
            Err(problem) => tell(Told::Ended(nothing_done(problem.to_string()))),
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
        let refusal = recovery::check(&self.dirs, &plan).err();
        self.restart_anyway = !plan.servers_xml.exists();
        let nothing_to_clear = self.restart_anyway.then(|| {
            format!(
                "There is no {}: nothing is to be cleared. The programs can be restarted all the same.",
                plan.servers_xml.display()
            )
        });
        plan.choices.restart_anyway = self.restart_anyway;
        PlanShown {
            refusal,
            interrupted: None,
            nothing_to_clear,
            cheap: cheap_steps(&settings),
            steps: in_words(&plan),
            remarks: words::consequences(),
            choices: shown,
            client_runs: plan.running.iter().any(|program| program.role == Role::Client),
        }
    }

    fn check(&mut self, tell: TellChecked) {
        let host = self.settings().license_host.host;
        std::thread::spawn(move || {
            let checked = match license_host::reachable(&host, license_host::PATIENCE) {
                Ok(()) => {
                    Checked { standing: CheapStanding::Fine, words: format!("{host} answers on port 443.") }
                }
                Err(problem) => Checked {
                    standing: CheapStanding::Look,
                    words: format!(
                        "{host}, port 443: {}. Clearing the cache will not help while that is so.",
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
            ended = Some(end(report));
        }
    }
    let mut complaint = String::new();
    if let Some(stderr) = child.stderr.take() {
        let _ = stderr.take(MAX_COMPLAINT).read_to_string(&mut complaint);
    }
    let code = child.wait().ok().and_then(|status| status.code());
    tell(Told::Ended(ended.unwrap_or_else(|| match code {
        Some(_) => nothing_done(complaint.trim().to_string()),
        None => Ended {
            outcome: Outcome::NeedsUser {
                why: "What did the work was ended in the middle. Nothing is lost: close this window and choose Clear \
                      server cache again, to finish it or take it back."
                    .into(),
            },
            servers: Vec::new(),
            backup: None,
        },
    })));
}

/// It was refused, or could not even begin.
fn nothing_done(why: String) -> Ended {
    Ended { outcome: Outcome::RolledBack { why }, servers: Vec::new(), backup: None }
}

fn told(progress: Progress) -> Told {
    match progress {
        Progress::Begins { index, title } => Told::Begins { index, title, may_cancel: true },
        Progress::Waiting { program, seconds_left } => Told::Waiting { title: program, seconds_left },
        Progress::Done { index, title } => Told::Done { index, title },
        Progress::Note { text } => Told::Note(text),
        Progress::Failed { why } => Told::Failed(why),
    }
}

fn end(report: RecoveryReport) -> Ended {
    let date = |date: Option<Date>| date.map_or_else(|| "unknown".to_string(), |date| date.to_string());
    let row = |row: RefreshedServer| ServerRow {
        moved: row.before != row.after,
        name: row.name,
        before: date(row.before),
        after: date(row.after),
    };
    Ended {
        outcome: report.outcome,
        servers: report.servers.into_iter().map(row).collect(),
        backup: report.backup,
    }
}
