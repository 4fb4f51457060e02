//! The real program, and the license host check of the tray, by the same proxy and the same root certificates.

use super::{authorities::AUTHORITIES, network::Network, scenario::Server, support::Home};
use std::{collections::HashMap, net::IpAddr, path::PathBuf, time::Duration};
use visualcron_tray::{
    domain::{
        Secret,
        diagnosis::{Id, Stage},
        proxy::Choice,
    },
    network::{client, password},
    platform::{clock::Clock, connection_window, dirs::Dirs},
    sources::license_host::reachable,
    store::settings::LicenseHost,
    window::connection_backend::{Backend, Told},
};

/// A license host of an authority that the system does not know, and a proxy; as `localhost` and its ports.
struct World {
    home: Home,
    host: String,
    proxy: String,
    roots: PathBuf,
}

fn world() -> World {
    let server = |text: &str| toml_edit::de::from_str::<Server>(text).unwrap();
    let network = Network::default();
    let host = server(
        "at = '203.0.113.10'\ndoes = 'tls'\ncertificate = 'unknown'\nanswer = ['HTTP/1.1 200 OK', 'Content-Type: application/json', '', '{\"protocol\":[1]}']",
    );
    let proxy = server("at = '10.0.0.8'\ndoes = 'proxy'\npasses = true");
    let names = HashMap::from([("localhost".to_string(), host.at)]);
    network.start(&host, "localhost", &names);
    network.start(&proxy, "localhost", &names);
    let port = |at: IpAddr| network.real((at, 0).into()).port();
    let home = Home::new();
    home.write("roots.pem", AUTHORITIES.unknown_root());
    World {
        host: format!("localhost:{}", port(host.at)),
        proxy: format!("http://127.0.0.1:{}", port(proxy.at)),
        roots: home.join("roots.pem"),
        home,
    }
}

impl World {
    fn diagnose(&self, environment: &[(&str, &str)]) -> (serde_json::Value, i32) {
        let mut command = self.home.command();
        command.args(["diagnose", "--json", &self.host]);
        for name in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"] {
            command.env_remove(name);
        }
        let output = command.envs(environment.iter().copied()).output().unwrap();
        (serde_json::from_slice(&output.stdout).unwrap(), output.status.code().unwrap())
    }
}

#[test]
fn the_program_goes_by_settings_and_environment() {
    let world = world();
    let (unknown, code) = world.diagnose(&[]);
    assert_eq!((&unknown["conclusion"]["id"], code), (&"unknown-authority".into(), 2), "{unknown:#}");
    assert_eq!(unknown["schema"], 1);

    world.home.run(&["settings", "set", "license_host.ca_file", world.roots.to_str().unwrap()]);
    let (known, code) = world.diagnose(&[]);
    assert_eq!((&known["conclusion"]["id"], code), (&"own-authority".into(), 0), "{known:#}");

    let (through, _) = world.diagnose(&[("HTTPS_PROXY", &world.proxy)]);
    let step =
        |name: &str| through["steps"].as_array().unwrap().iter().find(|step| step["stage"] == name).unwrap();
    assert_eq!(step("connect")["verdict"], "passed", "{through:#}");
    assert_eq!(step("proxy")["found"]["proxy"]["rule"], serde_json::json!({ "environment": "HTTPS_PROXY" }));
    let (except, _) = world.diagnose(&[("HTTPS_PROXY", &world.proxy), ("NO_PROXY", "localhost")]);
    assert_eq!(except["steps"][3]["verdict"], "skipped", "{except:#}");

    let secret = "http://me:hunter2@127.0.0.1:1";
    let (refused, code) = world.diagnose(&[("HTTPS_PROXY", secret)]);
    assert_eq!(code, 2);
    assert!(!refused.to_string().contains("hunter2"), "{refused:#}");
    let output = world.home.run(&["settings", "set", "license_host.proxy", secret]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64));
    assert!(said.contains("proxy-password set") && !said.contains("hunter2"), "{said}");
}

#[test]
fn the_window_checks_the_same_way_and_tells_each_stage() {
    let world = world();
    let (data, config) = (world.home.join("data"), world.home.join("settings.toml"));
    let roots = world.roots.display();
    world.home.write(
        "settings.toml",
        format!("[license_host]\nhost = 'localhost'\nca_file = '{roots}'\nproxy = 'direct'\n"),
    );
    let dirs = Dirs::new(None, Some(config), Some(data)).unwrap();
    let mut here = connection_window::Here::new(dirs.clone(), Clock::system());
    assert_eq!(here.host(), ("localhost".into(), None));
    let mut check = |host: &str| {
        let (tell, told) = std::sync::mpsc::channel();
        here.check(host, Box::new(move |what| tell.send(what).unwrap()));
        // The end comes when the check has let go of its end of the channel.
        told.into_iter().collect::<Vec<Told>>()
    };
    let told = check(&world.host);
    let Some(Told::Concluded(diagnosis)) = told.last() else { panic!("{told:#?}") };
    assert_eq!(diagnosis.conclusion.id, Id::OwnAuthority);
    let ended: Vec<_> = told.iter().filter(|told| matches!(told, Told::Ended(_))).collect();
    assert_eq!(ended.len(), Stage::ALL.len());
    assert!(matches!(told[0], Told::Began(Stage::Proxy)), "{told:#?}");

    let told = check("127.0.0.1:1");
    let Some(Told::Concluded(diagnosis)) = told.last() else { panic!("{told:#?}") };
    assert_eq!(diagnosis.conclusion.id, Id::Refused);
    let told = check("no host");
    assert!(matches!(&told[..], [Told::Failed(problem)] if problem.place == "no host"), "{told:#?}");

    // Other settings than the user's are in force: that is said.
    world.home.write("settings.toml", "[license_host]\nhost = 'local host'\n");
    let (host, problem) = connection_window::Here::new(dirs, Clock::system()).host();
    assert_eq!(host, "www.visualcron.com");
    assert!(problem.is_some_and(|problem| problem.to_string().contains("with a port if it is not 443")));

    let output = world.home.run(&["window", "connection"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(69), "there is no display: {said}");
    assert!(said.contains("visualcron-tray diagnose"), "{said}");
}

#[test]
fn the_license_host_check_goes_the_same_way() {
    let world = world();
    let direct =
        LicenseHost { host: world.host.clone(), proxy: Some(Choice::Direct), ..LicenseHost::default() };
    let patience = Duration::from_secs(30);
    let why = reachable(&direct, patience).unwrap_err().why;
    assert!(why.contains("UnknownIssuer"), "{why}");
    let known = LicenseHost { ca_file: Some(world.roots.clone()), ..direct };
    reachable(&known, patience).unwrap();
    let through = LicenseHost { proxy: Choice::parse(&world.proxy), ..known.clone() };
    reachable(&through, patience).unwrap();
    let closed = LicenseHost { proxy: Choice::parse("http://127.0.0.1:1"), ..known.clone() };
    assert_eq!(reachable(&closed, patience).unwrap_err().why, "connection refused");
    let wrong = LicenseHost { ca_file: Some("/no/such.pem".into()), ..known };
    assert!(client::build(&wrong, &world.host, patience).unwrap_err().place.contains("/no/such.pem"));
}

#[test]
fn without_a_keyring_the_way_out_is_said() {
    let Some(Choice::Proxy(proxy)) = Choice::parse("http://proxy.corp.example:8080") else { panic!() };
    // No test may touch the keyring of whoever runs it: there is none to be found at this address.
    if std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some() {
        return;
    }
    let problem = password::set(&proxy, "svc-tray", &Secret::new("hunter2")).unwrap_err();
    let said = problem.to_string();
    assert!(said.contains("svc-tray at proxy.corp.example:8080") && !said.contains("hunter2"), "{said}");
}
