use super::*;
use std::collections::BTreeMap;

/// Files with their versions, and folders.
#[derive(Default)]
struct Table {
    files: BTreeMap<String, Option<Version>>,
    folders: Vec<String>,
}

impl Table {
    fn with(mut self, folder: &str, programs: &[(&str, &str)]) -> Table {
        for (name, version) in programs {
            self.files.insert(format!("{folder}\\{name}").to_lowercase(), version.parse().ok());
        }
        self
    }

    fn folder(mut self, path: &str) -> Table {
        self.folders.push(path.to_lowercase());
        self
    }
}

impl Disk for Table {
    fn is_file(&self, path: &str) -> bool {
        self.files.contains_key(&path.to_lowercase())
    }

    fn is_folder(&self, path: &str) -> bool {
        self.folders.contains(&path.to_lowercase())
    }

    fn version(&self, path: &str) -> Option<Version> {
        self.files.get(&path.to_lowercase()).copied().flatten()
    }
}

const X86: &str = r"C:\Program Files (x86)\VisualCron";

fn config(name: &str, image: &str, start: StartType) -> ServiceConfig {
    ServiceConfig { name: name.into(), image: image.into(), start }
}

fn facts() -> Facts {
    Facts {
        program_folders: vec![r"C:\Program Files (x86)".into(), r"C:\Program Files".into()],
        ..Facts::default()
    }
}

#[test]
fn a_usual_installation_of_client_and_server() {
    let disk = Table::default()
        .with(X86, &[(CLIENT, "13.2.2.1"), (SERVICE, "13.2.2.1"), (VENDOR_TRAY, "13.2.2.1")])
        .folder(&format!(r"{X86}\settings"))
        .folder(&format!(r"{X86}\log"));
    let facts = Facts {
        services: vec![config("VisualCron", &format!("\"{X86}\\{SERVICE}\""), StartType::Automatic)],
        ..facts()
    };
    let found = find(&facts, &disk);
    insta::assert_snapshot!(serde_json::to_string_pretty(&found).unwrap(), @r#"
    {
      "folder": {
        "value": "C:\\Program Files (x86)\\VisualCron",
        "by": "the program of the service VisualCron",
        "certainty": "documented"
      },
      "client": {
        "value": {
          "path": "C:\\Program Files (x86)\\VisualCron\\VisualCronClient.exe",
          "version": "13.2.2"
        },
        "by": "the program of the service VisualCron",
        "certainty": "documented"
      },
      "vendor_tray": {
        "value": {
          "path": "C:\\Program Files (x86)\\VisualCron\\VCTray.exe",
          "version": "13.2.2"
        },
        "by": "the program of the service VisualCron",
        "certainty": "documented"
      },
      "server": {
        "value": {
          "path": "C:\\Program Files (x86)\\VisualCron\\VisualCronService.exe",
          "version": "13.2.2"
        },
        "by": "the program of the service VisualCron",
        "certainty": "documented"
      },
      "server_settings": {
        "value": "C:\\Program Files (x86)\\VisualCron\\settings",
        "by": "beside VisualCronService.exe",
        "certainty": "documented"
      },
      "server_log": {
        "value": "C:\\Program Files (x86)\\VisualCron\\log",
        "by": "beside VisualCronService.exe",
        "certainty": "documented"
      },
      "service": {
        "value": {
          "name": "VisualCron",
          "start": "automatic"
        },
        "by": "its name",
        "certainty": "documented"
      },
      "shown_version": null
    }
    "#);
    assert!(found.has_server() && found.notes().is_empty());
}

#[test]
fn a_client_alone_has_a_disabled_service_and_no_server() {
    let disk =
        Table::default().with(X86, &[(CLIENT, "13.2.2"), (SERVICE, "12.0.0"), (VENDOR_TRAY, "13.2.2")]);
    let facts = Facts {
        services: vec![config("VisualCron", &format!(r"{X86}\{SERVICE}"), StartType::Disabled)],
        ..facts()
    };
    let found = find(&facts, &disk);
    assert!(!found.has_server());
    assert_eq!(found.notes(), Vec::<String>::new());
    assert_eq!(found.client.unwrap().value.path, format!(r"{X86}\{CLIENT}"));
}

#[test]
fn programs_moved_elsewhere_are_found_by_each_hint_alone() {
    let there = r"D:\Tools\VC";
    let disk = || Table::default().with(there, &[(CLIENT, "13.2.2"), (SERVICE, "13.2.2")]);
    let entry = |change: fn(&mut Uninstall)| {
        let mut entry = Uninstall { key: "K".into(), name: "VisualCron 13".into(), ..Uninstall::default() };
        change(&mut entry);
        Facts { uninstall: vec![entry], ..facts() }
    };
    for (facts, by) in [
        (
            Facts {
                services: vec![config("Odd", r"D:\Tools\VC\visualcronservice.EXE /x", StartType::Manual)],
                ..facts()
            },
            "the program of the service Odd",
        ),
        (entry(|e| e.location = Some("\"D:\\Tools\\VC\\\"".into())), "K, InstallLocation"),
        (entry(|e| e.icon = Some(r"D:\Tools\VC\VisualCronClient.exe,0".into())), "K, DisplayIcon"),
        (
            entry(|e| e.uninstall = Some("\"D:\\Tools\\VC\\unins000.exe\" /SILENT".into())),
            "K, UninstallString",
        ),
        (
            Facts { server_settings: vec![("V".into(), r"D:\Tools\VC\settings\".into())], ..facts() },
            "above V, ServerSettingsFolder",
        ),
    ] {
        let found = find(&facts, &disk());
        let folder = found.folder.unwrap_or_else(|| panic!("{by}"));
        assert_eq!((folder.value.as_str(), folder.by.as_str()), (there, by));
        assert_eq!(found.client.unwrap().value.version, Some(Version::new(13, 2, 2)), "{by}");
    }
}

#[test]
fn hints_without_a_program_behind_them_say_nothing() {
    let facts = Facts {
        uninstall: vec![Uninstall {
            key: "K".into(),
            name: "VisualCron".into(),
            uninstall: Some("MsiExec.exe /X{00000000-0000-0000-0000-000000000000}".into()),
            location: Some(String::new()),
            icon: Some("relative.exe".into()),
            ..Uninstall::default()
        }],
        server_settings: vec![("V".into(), "settings".into()), ("W".into(), String::new())],
        services: vec![config("Spooler", r"C:\Windows\System32\spoolsv.exe", StartType::Automatic)],
        ..facts()
    };
    let disk = Table::default().with(r"C:\Windows\System32", &[("spoolsv.exe", "1.0")]);
    assert_eq!(find(&facts, &disk), Installation::default());
}

#[test]
fn the_settings_folder_is_where_the_registry_says_if_it_is_there() {
    let disk = Table::default()
        .with(X86, &[(SERVICE, "13.2.2")])
        .folder(&format!(r"{X86}\settings"))
        .folder(r"E:\vc settings");
    let asked = |folder: &str, key: &str| {
        let facts = Facts { server_settings: vec![(key.into(), folder.into())], ..facts() };
        let found = find(&facts, &disk).server_settings.unwrap();
        (found.value, found.certainty)
    };
    let vendor = r"HKLM\SOFTWARE\V-C";
    assert_eq!(asked(r"E:\vc settings\", vendor), (r"E:\vc settings".into(), Certainty::Documented));
    let (_, certainty) = asked(r"E:\vc settings", r"HKLM\SOFTWARE\WOW6432Node\V-C");
    assert_eq!(certainty, Certainty::Inferred);
    assert_eq!(asked(r"E:\gone", vendor).0, format!(r"{X86}\settings"));
}

#[test]
fn the_service_that_runs_the_program_beats_one_that_only_has_the_name() {
    let named = config("VisualCron", r"C:\other.exe", StartType::Automatic);
    let old = config("VisualCron4", &format!(r"{X86}\{SERVICE} -x"), StartType::Automatic);
    let odd = config("Odd", &format!(r"\??\{X86}\{SERVICE}"), StartType::Automatic);
    let pick = |services: &[&ServiceConfig]| {
        let services: Vec<ServiceConfig> = services.iter().map(|&service| service.clone()).collect();
        service(&services).map(|service| service.name.clone())
    };
    assert_eq!(pick(&[&named, &odd, &old]).as_deref(), Some("VisualCron4"));
    assert_eq!(pick(&[&named, &odd]).as_deref(), Some("Odd"));
    assert_eq!(pick(&[&named]).as_deref(), Some("VisualCron"));
    assert_eq!(pick(&[]), None);
}

#[test]
fn a_client_that_does_not_fit_the_server_is_noted() {
    let disk = Table::default().with(X86, &[(CLIENT, "11.0.0"), (SERVICE, "13.2.2")]);
    let facts = Facts {
        services: vec![config("VisualCron", &format!(r"{X86}\{SERVICE}"), StartType::Automatic)],
        ..facts()
    };
    let notes = find(&facts, &disk).notes();
    assert!(notes.len() == 1 && notes[0].contains("12.0.0 is incompatible"), "{notes:?}");
}

#[test]
fn programs_of_command_lines() {
    for (line, program) in [
        (r#""C:\a b\x.exe" -k"#, r"C:\a b\x.exe"),
        (r"C:\Program Files (x86)\V\x.exe -k", r"C:\Program Files (x86)\V\x.exe"),
        (r"\??\C:\V\x.exe", r"C:\V\x.exe"),
        (r"C:\my.exe.d\x.EXE,0", r"C:\my.exe.d\x.EXE"),
        (r"C:\V\app.ico", r"C:\V\app.ico"),
        ("", ""),
        (r#"""#, ""),
    ] {
        assert_eq!(program_of(line), program, "{line}");
    }
}
