//! `service`: the Windows service of the server on this machine. It reads no settings and no file of a user's, and
//! acts on the installed service alone: the tray runs it with an administrator's rights.

use super::{Out, args::ServiceAction};
use crate::{
    domain::{Problem, installation::Installation},
    platform::windows::{discovery, service},
};
use serde::Serialize;

#[derive(Serialize)]
struct Report {
    schema: u32,
    /// `Started`, `Stopped`, or why there is none to start or stop.
    service_status: String,
    installation: Installation,
    notes: Vec<String>,
}

pub fn run(action: ServiceAction, out: &Out) -> Result<u8, Problem> {
    match action {
        ServiceAction::Start => service::change(true)?,
        ServiceAction::Stop => service::change(false)?,
        ServiceAction::Status => {
            let installation = discovery::look();
            let report = Report {
                schema: 1,
                service_status: service::for_menu(&installation).unwrap_or_else(|why| why),
                notes: installation.notes(),
                installation,
            };
            out.show(&report, || text(&report))?;
        }
    }
    Ok(0)
}

fn text(report: &Report) -> String {
    let found = &report.installation;
    let mut lines = vec![format!("Service status: {}", report.service_status)];
    let mut line = |name: &str, value: Option<(String, &str)>| {
        lines.push(match value {
            Some((value, by)) => format!("{name}: {value} ({by})"),
            None => format!("{name}: not found"),
        });
    };
    line("Service", found.service.as_ref().map(|s| (s.value.name.clone(), s.by.as_str())));
    line("Folder", found.folder.as_ref().map(|folder| (folder.value.clone(), folder.by.as_str())));
    for (name, program) in
        [("Client", &found.client), ("Server", &found.server), ("Vendor's tray", &found.vendor_tray)]
    {
        let value = program.as_ref().map(|program| {
            let version = program.value.version.map_or("version unknown".into(), |v| v.to_string());
            (format!("{}, {version}", program.value.path), program.by.as_str())
        });
        line(name, value);
    }
    for (name, folder) in [("Server settings", &found.server_settings), ("Server log", &found.server_log)] {
        line(name, folder.as_ref().map(|folder| (folder.value.clone(), folder.by.as_str())));
    }
    lines.extend(report.notes.iter().cloned());
    lines.join("\n")
}
