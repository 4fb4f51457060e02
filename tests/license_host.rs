//! The license host as a process, over real TLS; and what the client makes of hosts of every kind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::Timestamp;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use support::{Home, Running, TIMEOUT, wait_for};
use visualcron_tray::{
    domain::{
        Secret,
        proxy::Choice,
        validation::{Expectation, Nonce, PinnedKeys, Request, Verdict, text, verify},
    },
    host::{
        audit::{Audit, To},
        desk::Rates,
        keys::Keys,
        server::{Bounds, Host, Options},
        tls::Pem,
    },
    sources::validation_host::{Failure, Way},
    store::settings::LicenseHost,
};

const LICENSES: &str = "[[license]]\nactivation_code = \"AAAA-1111-SECRET\"\nserver_id = \"id-0001\"\nname = \"PROD-01\"\n\
                        kind = \"subscription\"\nedition = \"Pro\"\nmaintenance_until = 2027-01-31\n";
const SETTINGS: &str =
    "[[server]]\nname = \"PROD-01\"\nserver_id = \"id-0001\"\nactivation_code = \"AAAA-1111-SECRET\"\n";

fn request(code: &str) -> Request {
    Request {
        activation_code: Secret::new(code),
        server_id: "id-0001".into(),
        server_name: "PROD-01".into(),
        product_version: None,
        nonce: Nonce::new([5; 16]),
        client_time: Timestamp::now(),
    }
}

/// The way to a host as settings with these root certificates have it, past every proxy.
fn way_to(host: &str, timeout: Duration, ca_file: Option<&PathBuf>) -> Way {
    let settings =
        LicenseHost { ca_file: ca_file.cloned(), proxy: Some(Choice::Direct), ..LicenseHost::default() };
    Way::new(&settings, host, timeout).unwrap()
}

/// The host as a process, with a client's home beside it.
struct Served {
    home: Home,
    address: String,
    running: Running,
}

impl Served {
    fn start(more: &[&str]) -> Served {
        let home = Home::new();
        home.write("licenses.toml", LICENSES);
        home.write("settings.toml", SETTINGS);
        let made = home.run(&["license-host", "key", "new", "--keys", "keys"]);
        assert!(made.status.success(), "{made:?}");
        let mut command = home.command();
        command.args([
            "license-host",
            "--listen",
            "127.0.0.1:0",
            "--licenses",
            "licenses.toml",
            "--keys",
            "keys",
        ]);
        command.args(["--self-signed", "--audit", "audit.jsonl"]).args(more);
        let running = home.spawn_command(command);
        let address = wait_for("the host's address", TIMEOUT, || {
            let out = running.stdout();
            let at = out.find("https://")?;
            Some(out[at + 8..].split_whitespace().next().unwrap().to_string())
        });
        Served { home, address, running }
    }

    fn ca(&self) -> PathBuf {
        self.home.join("keys/self-signed.crt.pem")
    }

    fn way(&self) -> Way {
        way_to(&self.address, TIMEOUT, Some(&self.ca()))
    }

    fn pinned(&self) -> PinnedKeys {
        PinnedKeys::new(Keys::load(&self.home.join("keys")).unwrap().0.iter().map(|key| key.signing.public()))
    }

    fn audit(&self) -> String {
        std::fs::read_to_string(self.home.join("audit.jsonl")).unwrap_or_default()
    }

    /// The client, in its own folders: exit code, output and remarks.
    fn client(&self, args: &[&str]) -> (i32, String) {
        let mut command = self.home.command();
        command.args(["--visualcron-dir", "VisualCron", "--config", "settings.toml", "--data-dir", "data"]);
        let output = command.args(args).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        assert!(!text.contains("SECRET"), "{text}");
        (output.status.code().unwrap(), text)
    }

    fn terminate(&mut self) {
        #[cfg(unix)]
        {
            let id = rustix::process::Pid::from_raw(self.running.id().cast_signed()).unwrap();
            rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        }
        #[cfg(not(unix))]
        self.running.kill();
    }
}

#[test]
fn a_client_trusts_validates_and_is_told_what_is_wrong() {
    let mut served = Served::start(&[]);
    let ca = served.ca().display().to_string();
    let way = ["--ca-file", &ca];
    // Nothing is trusted on its own.
    let (code, said) = served.client(&["license-host", "trust", &served.address, "--yes"]);
    assert_eq!((code, said.contains("its issuer is not known here")), (69, true), "{said}");
    let (code, said) = served.client(&[&["validate", "--host", &served.address], &way[..]].concat());
    assert!(code == 65 && said.contains("no key of a license host is trusted yet"), "{said}");
    let (code, said) = served.client(&[&["license-host", "trust", &served.address], &way[..]].concat());
    assert!(code == 64 && said.contains("Nobody can be asked"), "{said}");
    let wrong = "00".repeat(32);
    let trust = ["license-host", "trust", &served.address, "--fingerprint", &wrong];
    let (code, said) = served.client(&[&trust[..], &way[..]].concat());
    assert!(code == 77 && said.contains("The fingerprint is not that of the host's key"), "{said}");
    assert!(
        served.client(&["license-host", "trust", "--list"]).1.contains("No license host's key is trusted")
    );

    let fingerprint =
        Keys::load(&served.home.join("keys")).unwrap().newest().unwrap().signing.public().fingerprint();
    let trust = ["license-host", "trust", &served.address, "--fingerprint", &fingerprint];
    assert_eq!(served.client(&[&trust[..], &way[..]].concat()).0, 0);
    let (code, said) = served.client(&[&["validate"], &way[..]].concat());
    assert!(code == 0 && said.starts_with("PROD-01: valid. Subscription until 2027-01-31"), "{said}");
    assert!(served.client(&["validate", "status"]).1.contains("the next validation is due in 29 days"));

    // A new key is followed since the trusted one vouches for it.
    assert!(served.home.run(&["license-host", "key", "new", "--keys", "keys"]).status.success());
    wait_for("the new key", TIMEOUT, || served.audit().contains("\"what\":\"keys\"").then_some(()));
    let (code, said) = served.client(&[&["validate", "PROD-01"], &way[..]].concat());
    assert!(code == 0, "{said}");
    assert!(served.client(&["license-host", "trust", "--list", "--json"]).1.contains("\"vouched\""));

    served.terminate();
    #[cfg(unix)]
    {
        assert!(served.running.wait_for_exit(TIMEOUT).success());
        assert!(
            served.audit().trim_end().ends_with("\"event\":\"ended\"}")
                || served.audit().contains("\"ended\"")
        );
    }
    let audit = served.audit();
    assert!(
        audit.contains("\"verdict\":\"valid\"") && !audit.contains("SECRET") && !audit.contains("1111"),
        "{audit}"
    );
    for line in audit.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    // The host is gone, and what is known stays.
    let (code, said) = served.client(&[&["validate", "PROD-01"], &way[..]].concat());
    assert!(code == 69 && said.contains("cannot be reached"), "{said}");
    let (_, said) = served.client(&["validate", "status"]);
    assert!(said.contains("due in 29 days") && said.contains("the last try"), "{said}");
}

/// The tray and `refresh` ask the host of the settings once its key is trusted, and never before.
#[test]
fn a_refresh_asks_the_trusted_host_and_its_word_counts() {
    let served = Served::start(&[]);
    std::fs::create_dir(served.home.join("VisualCron")).unwrap();
    let set =
        |key: &str, value: &str| assert_eq!(served.client(&["settings", "set", key, value]).0, 0, "{key}");
    set("license_host.host", &served.address);
    set("license_host.ca_file", &served.ca().display().to_string());
    set("license_host.proxy", "direct");
    let (code, said) = served.client(&["refresh"]);
    assert_eq!((code, said.as_str()), (0, "1 server read again, no date has changed\n"));
    assert!(!served.audit().contains("\"verdict\""), "no activation code goes to a host that is not trusted");
    let keys = Keys::load(&served.home.join("keys")).unwrap();
    let fingerprint = keys.newest().unwrap().signing.public().fingerprint();
    let trust = ["license-host", "trust", &served.address, "--fingerprint", &fingerprint];
    assert_eq!(served.client(&trust).0, 0);
    let (code, said) = served.client(&["refresh"]);
    assert_eq!(
        (code, said.as_str()),
        (0, "1 server read again, 1 date changed\nPROD-01: unknown to 2027-01-31\n")
    );
    let (_, said) = served.client(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&said).unwrap();
    let prod = &status["servers"][0];
    assert_eq!((&prod["source"], &prod["kind"]), (&"license_host".into(), &"subscription".into()));
    assert_eq!(prod["validation"]["standing"], "valid");
    // The license is taken out, and the date that was known stays.
    served.home.write("licenses.toml", "");
    wait_for("the license file", TIMEOUT, || served.audit().contains("\"what\":\"licenses\"").then_some(()));
    let (code, said) = served.client(&["refresh", "PROD-01"]);
    assert_eq!(code, 65, "{said}");
    assert!(
        said.contains(
            "The license is not valid: PROD-01: the license host does not know the activation code"
        ),
        "{said}"
    );
    let (_, said) = served.client(&["status"]);
    assert!(
        said.contains("2027-01-31") && said.contains("license host does not show this date any more"),
        "{said}"
    );
}

/// The manual route between two machines' folders: only files go from one to the other.
#[test]
fn by_hand_from_one_machine_to_the_other() {
    let served = Served::start(&[]);
    let ca = served.ca();
    let exported =
        served.client(&["validate", "export", "PROD-01", "-o", "request.txt", "--qr", "request.svg"]);
    assert_eq!(exported.0, 0, "{}", exported.1);
    let request = std::fs::read_to_string(served.home.join("request.txt")).unwrap();
    assert!(std::fs::read_to_string(served.home.join("request.svg")).unwrap().contains("<svg"));
    // Fails only if a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let form = |text: &str| {
        let pem = std::fs::read(&ca).unwrap();
        // Fails only if there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::blocking::Client::builder()
            .tls_certs_only(reqwest::Certificate::from_pem_bundle(&pem).unwrap())
            .build()
            .unwrap();
        let body =
            format!("--x\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n{text}\r\n--x--\r\n");
        let answer = client
            .post(format!("https://{}/offline", served.address))
            .header("content-type", "multipart/form-data; boundary=x")
            .body(body)
            .send()
            .unwrap();
        assert!(
            answer.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'")
        );
        (answer.status().as_u16(), answer.text().unwrap())
    };
    assert_eq!(form("Dear host").0, 400);
    assert_eq!(form(&request.replacen("VCTR1: ", "VCTR1: 0", 1)).0, 400);
    // As a mail program would give it.
    let (status, page) = form(&format!("> {}", request.replace('\n', "\r\n> ")));
    assert_eq!(status, 200);
    let field = page.split_once("readonly").unwrap().1.split_once("</textarea>").unwrap().0;
    let answer = field.split_once('>').unwrap().1;
    assert!(!answer.contains("SECRET"));

    // Not trusted yet; then mistyped, then forged, then good, then again.
    served.home.write("answer.txt", answer);
    let (code, said) = served.client(&["validate", "import", "answer.txt"]);
    assert!(code == 65 && said.contains("no key of a license host is trusted yet"), "{said}");
    let exported = served.home.run(&["license-host", "key", "export", "--keys", "keys"]);
    served.home.write("keys.json", exported.stdout);
    let trust = ["license-host", "trust", "licenses.example", "--file", "keys.json", "--yes"];
    assert_eq!(served.client(&trust).0, 0);
    let typo = {
        let at = answer.find("VCTA1:").unwrap() + 40;
        let other = if &answer[at..=at] == "Z" { "Y" } else { "Z" };
        format!("{}{other}{}", &answer[..at], &answer[at + 1..])
    };
    served.home.write("typo.txt", typo);
    let (code, said) = served.client(&["validate", "import", "typo.txt"]);
    assert!(code == 65 && said.contains("is wrong or missing (it is not forged)"), "{said}");
    let token = text::read_token(answer).unwrap();
    let forged = text::payload(text::Carries::Answer, token.replacen('.', ".A", 1).as_bytes());
    served.home.write("forged.txt", forged);
    let (code, said) = served.client(&["validate", "import", "forged.txt"]);
    assert!(code == 65 && said.contains("it was altered, or forged"), "{said}");
    served.home.write("request-again.txt", &request);
    let (_, said) = served.client(&["validate", "import", "request-again.txt"]);
    assert!(said.contains("this text holds the request, not the answer"), "{said}");
    let (code, said) = served.client(&["validate", "import", "answer.txt"]);
    assert!(code == 0 && said.contains("valid. Subscription until 2027-01-31"), "{said}");
    let (code, said) = served.client(&["validate", "import", "answer.txt"]);
    assert!(code == 65 && said.contains("was answered before"), "{said}");
}

#[test]
fn licenses_are_read_again_and_a_broken_file_leaves_the_last_good_ones() {
    let served = Served::start(&["--per-code", "100000"]);
    let verdict = || {
        let token = served.way().validate(&request("AAAA-1111-SECRET")).unwrap();
        let expected = Expectation::new(Nonce::new([5; 16]), "id-0001", Timestamp::now());
        verify(&token, &served.pinned(), &expected).unwrap().verdict
    };
    assert_eq!(verdict(), Verdict::Valid);
    served.home.write("licenses.toml", "[[license]]\nactivation_code = \"AAAA-1111-SECRET\"\n");
    wait_for("the broken file", TIMEOUT, || served.audit().contains("not_reloaded").then_some(()));
    assert!(served.audit().contains("licenses.toml, line 1: server_id is missing"), "{}", served.audit());
    assert_eq!(verdict(), Verdict::Valid);
    served.home.write("licenses.toml", format!("{LICENSES}revoked = true\n"));
    wait_for("the new file", TIMEOUT, || (verdict() == Verdict::Revoked).then_some(()));
}

#[test]
fn a_start_that_cannot_be_is_explained() {
    let home = Home::new();
    home.write("licenses.toml", "[[license]]\nactivation_code = \"SECRET\"\nserver_id = \"x\"\nkind = \"site\"\nmaintenance_until = 2027-01-31\n");
    let run = |args: &[&str]| {
        let output = home.run(&[&["license-host"], args].concat());
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let start = ["--listen", "127.0.0.1:0", "--licenses", "licenses.toml", "--keys", "keys", "--self-signed"];
    let (code, said) = run(&start);
    assert!(code == 65 && said.contains("licenses.toml, line 4: kind must be"), "{said}");
    home.write("licenses.toml", LICENSES);
    let (code, said) = run(&start);
    assert!(code == 66 && said.contains("key new"), "{said}");
    let (code, said) = run(&["--listen", "127.0.0.1:0", "--licenses", "licenses.toml", "--keys", "keys"]);
    assert!(code == 64 && said.contains("--tls-cert"), "{said}");
    run(&["key", "new", "--keys", "keys"]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let (code, said) = run(&[&["--listen", &at], &start[2..]].concat());
    assert!(code == 74 && said.contains("Cannot listen") && said.contains(&at), "{said}");
}

/// A host in this process, with bounds that a test can wait for.
struct Small {
    home: Home,
    host: Host,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Small {
    fn start(rates: Rates, bounds: Bounds) -> Small {
        let home = Home::new();
        let licenses = home.write("licenses.toml", LICENSES);
        let keys = home.join("keys");
        Keys::add(&keys, Timestamp::now()).unwrap();
        let pem = Pem::self_signed(&keys, &["127.0.0.1".into()]).unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let to = lines.clone();
        let audit = Audit::new(To::Function(Box::new(move |line| to.lock().unwrap().push(line.into()))));
        let listen = "127.0.0.1:0".parse().unwrap();
        let host = Host::start(Options { listen, licenses, keys, pem, rates, bounds, audit }).unwrap();
        Small { home, host, lines }
    }

    fn ca(&self) -> PathBuf {
        self.home.join("keys/self-signed.crt.pem")
    }

    fn way(&self) -> Way {
        way_to(&self.host.address().to_string(), TIMEOUT, Some(&self.ca()))
    }

    fn connect(&self) -> rustls::StreamOwned<rustls::ClientConnection, TcpStream> {
        use rustls::pki_types::{CertificateDer, pem::PemObject};
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.ca()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.host.address()).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let name = "127.0.0.1".try_into().unwrap();
        rustls::StreamOwned::new(rustls::ClientConnection::new(Arc::new(config), name).unwrap(), stream)
    }

    /// Sends this, and reads until the host closes.
    fn raw(&self, send: &[u8]) -> String {
        let mut stream = self.connect();
        let _ = stream.write_all(send);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

#[test]
fn each_wrong_request_is_answered_in_kind() {
    let small = Small::start(Rates::default(), Bounds::default());
    let post = |kind: &str, body: &str| {
        small.raw(
            format!(
                "POST /v1/validate HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .as_bytes(),
        )
    };
    let get = |path: &str| {
        small.raw(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
    };
    let json = String::from_utf8(request("AAAA-1111-SECRET").to_json()).unwrap();
    let mut lines = Vec::new();
    for (what, answer) in [
        (
            "good",
            post("application/json; charset=utf-8", &json)
                .split("\"token\":\"ey")
                .next()
                .unwrap()
                .to_string(),
        ),
        ("another type", post("text/plain", &json)),
        ("no JSON", post("application/json", "{")),
        ("a later protocol", post("application/json", &json.replace("\"protocol\":1", "\"protocol\":7"))),
        ("a bad nonce", post("application/json", &json.replace("0505", "05"))),
        ("too large", post("application/json", &" ".repeat(9000))),
        ("no POST", get("/v1/validate")),
        ("nothing there", get("/v2/validate")),
        ("up and about", get("/../../etc/passwd")),
        ("health", get("/healthz")),
        ("root", get("/")),
        ("no HTTP", small.raw(b"\x16\x03\x01 hello\r\n\r\n").to_string()),
    ] {
        let status = answer.lines().next().unwrap_or("").to_string();
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        lines.push(format!("{what}: {status} {body}"));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    good: HTTP/1.1 200 OK {"protocol":1,
    another type: HTTP/1.1 415 Unsupported Media Type {"error":{"message":"the request must be of the type application/json","name":"wrong_type"},"protocol":1}
    no JSON: HTTP/1.1 400 Bad Request {"error":{"message":"it is not the JSON object that the protocol describes (line 1, column 1)","name":"bad_request"},"protocol":1}
    a later protocol: HTTP/1.1 400 Bad Request {"error":{"message":"it speaks version 7 of the protocol, and only version 1 is spoken here","name":"unsupported_protocol","supported":[1]},"protocol":1}
    a bad nonce: HTTP/1.1 400 Bad Request {"error":{"message":"it is not the JSON object that the protocol describes (line 1, column 146)","name":"bad_request"},"protocol":1}
    too large: HTTP/1.1 413 Payload Too Large {"error":{"message":"what was sent is larger than 8192 bytes","name":"too_large"},"protocol":1}
    no POST: HTTP/1.1 405 Method Not Allowed {"error":{"message":"this path is not asked that way","name":"method_not_allowed"},"protocol":1}
    nothing there: HTTP/1.1 404 Not Found {"error":{"message":"there is nothing at this path","name":"not_found"},"protocol":1}
    up and about: HTTP/1.1 404 Not Found {"error":{"message":"there is nothing at this path","name":"not_found"},"protocol":1}
    health: HTTP/1.1 200 OK {"problems":[],"protocol":1,"status":"ok"}
    root: HTTP/1.1 303 See Other See /offline

    no HTTP: HTTP/1.1 400 Bad Request
    "#);
    let audit = small.lines.lock().unwrap().join("\n");
    assert!(!audit.contains("SECRET"), "{audit}");
}

#[test]
fn who_asks_too_often_is_told_when_to_come_again() {
    let small = Small::start(Rates { per_address: 12, per_code: 3, unknown: 2 }, Bounds::default());
    let way = small.way();
    for _ in 0..3 {
        way.validate(&request("AAAA-1111-SECRET")).unwrap();
    }
    let Failure::TooMany(Some(wait)) = way.validate(&request("AAAA-1111-SECRET")).unwrap_err() else {
        panic!()
    };
    assert!((1..=20).contains(&wait.as_secs()), "{wait:?}");
    // Codes cannot be guessed: two that are not known, and it is over.
    for code in ["B", "C"] {
        way.validate(&request(code)).unwrap();
    }
    assert!(matches!(way.validate(&request("D")), Err(Failure::TooMany(Some(_)))));
    for _ in 0..20 {
        let _ = way.keys();
    }
    assert!(matches!(way.keys(), Err(Failure::TooMany(Some(_)))));
}

#[test]
fn who_dawdles_is_not_waited_for() {
    let bounds =
        Bounds { step: Duration::from_secs(1), connection: Duration::from_secs(4), ..Bounds::default() };
    let small = Small::start(Rates::default(), bounds);
    // No handshake; no head; no body; a connection that is kept for ever. Each is closed by the host.
    let mut silent = TcpStream::connect(small.host.address()).unwrap();
    silent.set_read_timeout(Some(TIMEOUT)).unwrap();
    assert_eq!(silent.read(&mut [0; 16]).unwrap_or(0), 0);
    small.raw(b"GET /healthz HTTP/1.1\r\nHost:");
    let late = small.raw(b"POST /v1/validate HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
    assert!(late.starts_with("HTTP/1.1 408") && late.contains("\"timeout\""), "{late}");
    let kept = small.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(kept.starts_with("HTTP/1.1 200"), "{kept}");
    // Others are served after it. (On a machine with much to do, a handshake may take longer than it may here.)
    wait_for("an answer", TIMEOUT, || small.way().keys().ok());
}

#[test]
fn one_address_cannot_take_all_places() {
    let bounds = Bounds { per_address: 2, ..Bounds::default() };
    let small = Small::start(Rates::default(), bounds);
    let mut held = [small.connect(), small.connect()];
    for stream in &mut held {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        assert!(stream.read(&mut [0; 64]).unwrap() > 0);
    }
    assert!(matches!(small.way().keys(), Err(Failure::NotReached(_))));
    drop(held);
    wait_for("a free place", TIMEOUT, || small.way().keys().ok());
}

/// A connection that is being served when the host ends is served to its end.
#[test]
fn the_host_ends_gracefully() {
    let small = Small::start(Rates::default(), Bounds::default());
    let mut stream = small.connect();
    let json = request("AAAA-1111-SECRET").to_json();
    let head = format!(
        "POST /v1/validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        json.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&json[..10]).unwrap();
    // The head has come once the connection counts: another question is answered after it was read.
    small.way().keys().unwrap();
    let lines = small.lines.clone();
    let Small { host, home, .. } = small;
    let ending = std::thread::spawn(move || drop(host));
    stream.write_all(&json[10..]).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    ending.join().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("token"), "{answer}");
    assert!(lines.lock().unwrap().last().unwrap().contains("ended"));
    drop(home);
}

/// A host of another kind: it answers each connection with these bytes.
fn stranger(answer: Vec<u8>, dawdle: Option<Duration>) -> (SocketAddr, PathBuf, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let pem = Pem::self_signed(home.path(), &["127.0.0.1".into()]).unwrap();
    let config = pem.load().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (config, answer) = (config.clone(), answer.clone());
            std::thread::spawn(move || {
                let connection = rustls::ServerConnection::new(config).unwrap();
                let mut stream = rustls::StreamOwned::new(connection, stream);
                let mut asked = Vec::new();
                let mut chunk = [0; 1024];
                while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut chunk) {
                        Ok(read) if read > 0 => asked.extend_from_slice(&chunk[..read]),
                        _ => return,
                    }
                }
                for part in answer.chunks(if dawdle.is_some() { 1 } else { 65536 }) {
                    if stream.write_all(part).and_then(|()| stream.flush()).is_err() {
                        return;
                    }
                    dawdle.iter().for_each(|pause| std::thread::sleep(*pause));
                }
                stream.conn.send_close_notify();
                let _ = stream.flush();
            });
        }
    });
    (address, pem.certificate, home)
}

#[test]
fn hosts_of_every_kind_are_told_apart() {
    let json = |status: &str, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let html = |status: &str| {
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\nContent-Length: 20\r\n\r\n<h1>Please log in</h1"
        )
    };
    let endless = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{}",
        " ".repeat(4 * 1024 * 1024)
    );
    let bomb = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\nConnection: close\r\n\r\n\x1f\x08\x08\x00";
    let mut lines = Vec::new();
    for (what, answer) in [
        ("the vendor's page", html("200 OK")),
        ("not found", html("404 Not Found")),
        ("forbidden", html("403 Forbidden")),
        ("a portal", "HTTP/1.1 302 Found\r\nLocation: https://portal.example/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".into()),
        ("a proxy", html("407 Proxy Authentication Required")),
        ("broken", html("500 Internal Server Error")),
        ("no room", json("503 Service Unavailable", r#"{"protocol":1,"error":{"name":"busy","message":"come later"}}"#)),
        ("too many", "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".into()),
        ("too many, for ever", "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 99999999999\r\nContent-Length: 0\r\n\r\n".into()),
        ("no type", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}".into()),
        ("other JSON", json("200 OK", r#"{"license":"ok"}"#)),
        ("a token and an error", json("200 OK", r#"{"protocol":1,"token":"x","error":{"name":"a","message":"b"}}"#)),
        ("a later version", json("200 OK", r#"{"protocol":2,"answer":"x"}"#)),
        ("a later version declines", json("400 Bad Request", r#"{"protocol":2,"error":{"name":"a","message":"b"}}"#)),
        ("declined", json("400 Bad Request", "{\"protocol\":1,\"error\":{\"name\":\"bad_request\",\"message\":\"server_id: \\u001b[31m\"}}")),
        ("endless", endless),
        ("a compressed bomb", bomb.into()),
        ("nothing at all", String::new()),
        ("cut off", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{".into()),
        ("no HTTP", "SSH-2.0-OpenSSH_9.2\r\n".into()),
        ("a token", json("200 OK", r#"{"protocol":1,"token":"e30.e30.x"}"#)),
    ] {
        let (address, ca, _home) = stranger(answer.into_bytes(), None);
        let way = way_to(&address.to_string(), TIMEOUT, Some(&ca));
        lines.push(format!("{what}: {:?}", way.validate(&request("AAAA"))));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    the vendor's page: Err(NotSpoken("it answers 200 OK with text/html, not with application/json"))
    not found: Err(NotSpoken("it answers 404 Not Found with text/html, not with application/json"))
    forbidden: Err(NotSpoken("it answers 403 Forbidden with text/html, not with application/json"))
    a portal: Err(NotSpoken("it sends us elsewhere (302 Found), which is not followed"))
    a proxy: Err(NotReached("a proxy on the way wants to know who asks (407)"))
    broken: Err(InTrouble("it answers 500 Internal Server Error with text/html, not with application/json"))
    no room: Err(InTrouble("come later"))
    too many: Err(TooMany(Some(7s)))
    too many, for ever: Err(TooMany(Some(86400s)))
    no type: Err(NotSpoken("it answers 200 OK with no type, not with application/json"))
    other JSON: Err(NotSpoken("it answers 200 OK with JSON that is not of the protocol"))
    a token and an error: Err(NotSpoken("it answers 200 OK with JSON that is not of the protocol"))
    a later version: Err(OtherVersion(2))
    a later version declines: Err(OtherVersion(2))
    declined: Err(Declined { name: "bad_request", message: "server_id:  [31m" })
    endless: Err(NotSpoken("its answer is larger than 64 KiB"))
    a compressed bomb: Err(NotSpoken("it answers 200 OK with JSON that is not of the protocol"))
    nothing at all: Err(NotReached("connection closed before message completed"))
    cut off: Err(NotReached("its answer broke off"))
    no HTTP: Err(NotReached("invalid HTTP version parsed"))
    a token: Ok("e30.e30.x")
    "#);
}

/// One byte at a time never takes longer than it may.
#[test]
fn a_slow_host_is_given_up() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n";
    let (address, ca, _home) =
        stranger(format!("{head}{}", " ".repeat(60000)).into_bytes(), Some(Duration::from_millis(2)));
    let way = way_to(&address.to_string(), Duration::from_secs(1), Some(&ca));
    let began = Instant::now();
    let failure = way.validate(&request("AAAA")).unwrap_err();
    assert!(matches!(&failure, Failure::NotReached(why) if why.contains("in time")), "{failure:?}");
    assert!(began.elapsed() < TIMEOUT);
}

#[test]
fn a_certificate_of_others_is_named() {
    let (address, _, _home) = stranger(Vec::new(), None);
    let way = way_to(&address.to_string(), TIMEOUT, None);
    assert_eq!(way.validate(&request("A")), Err(Failure::NotTrusted("its issuer is not known here".into())));
    let (address, ca, _home) = stranger(Vec::new(), None);
    let way = way_to(&format!("localhost:{}", address.port()), TIMEOUT, Some(&ca));
    assert_eq!(way.keys(), Err(Failure::NotTrusted("it is for another name".into())));
    for host in ["user@host", "host/path", "host?x", "http://host", "", "ho st"] {
        assert!(Way::new(&LicenseHost::default(), host, TIMEOUT).is_err(), "{host}");
    }
}
