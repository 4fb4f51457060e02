//! What Clear server cache would do, in the vendor's seven steps, with real paths. Shown, not done.

use super::Places;

/// The plan, or why it would be refused.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Plan {
    /// Why nothing would be done; `None` when the plan could be followed.
    pub refused: Option<String>,
    /// The steps.
    pub steps: Vec<String>,
    /// What to know first.
    pub remarks: Vec<String>,
}

/// The plan for this machine. Pure: it looks only at what was found.
pub fn plan(places: &Places) -> Plan {
    let servers_xml = places.servers_xml.display();
    let refused = match (&places.client_settings, places.server_files_in_client_settings.as_slice()) {
        (_, [file, ..]) => Some(format!(
            "{} holds {file}: it is a server's settings folder, not the Client's. Nothing may be deleted there.",
            places.servers_xml.parent().unwrap_or(&places.servers_xml).display()
        )),
        (Err(why), _) => Some(format!("The Client's settings folder was not found: {why}.")),
        (Ok(_), []) => None,
    };
    let client = match &places.client_program {
        Ok(program) => program.display().to_string(),
        Err(why) => format!("the Client ({why})"),
    };
    let log = match &places.client_log {
        Ok(folder) => folder.display().to_string(),
        Err(why) => why.clone(),
    };
    Plan {
        refused,
        steps: vec![
            "Close the VisualCron Client.".into(),
            format!("Find the Client's log folder: {log}"),
            format!("Move up one folder, and enter the settings folder: {}", {
                places.servers_xml.parent().unwrap_or(&places.servers_xml).display()
            }),
            "Exit the Tray Client (this one, and the vendor's VCTray.exe if it runs).".into(),
            format!(
                "Rename {servers_xml} to a backup beside it, and read the backup back. It is not deleted."
            ),
            "Start the Tray Client(s) again.".into(),
            format!("Start {client} again."),
        ],
        remarks: vec![
            "servers.xml very likely holds the saved connections: with it gone the Client may ask for them \
             again. The backup brings them back."
                .into(),
            "Ending VCTray.exe interrupts foreground tasks that run through it.".into(),
            "First check the cheap steps: Refresh license data, that the license host is reachable on port \
             443, and that a separate Maintenance code has been associated with the license online."
                .into(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn places() -> Places {
        Places {
            visualcron: "/home/me/VisualCron".into(),
            servers_xml: "/home/me/VisualCron/settings/servers.xml".into(),
            client_log: Ok("/home/me/VisualCron/log".into()),
            client_settings: Ok("/home/me/VisualCron/settings".into()),
            client_program: Ok(PathBuf::from("/opt/VisualCronClient.exe")),
            server_log: Err("no server on this machine".into()),
            server_settings: Err("no server on this machine".into()),
            server_files_in_client_settings: vec![],
            service: None,
            server: None,
            client_version: None,
        }
    }

    #[test]
    fn seven_steps_with_real_paths() {
        let plan = plan(&places());
        assert_eq!((plan.refused, plan.steps.len()), (None, 7));
        assert!(plan.steps[4].contains("/home/me/VisualCron/settings/servers.xml"));
        assert!(plan.steps[6].contains("/opt/VisualCronClient.exe"));
    }

    #[test]
    fn a_server_s_folder_is_refused() {
        let plan = plan(&Places { server_files_in_client_settings: vec!["jobs.xml".into()], ..places() });
        assert!(plan.refused.unwrap().starts_with("/home/me/VisualCron/settings holds jobs.xml"));
    }
}
