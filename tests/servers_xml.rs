//! The reader of `servers.xml` against a corpus of plausible files. The real format is not published: each file
//! of tests/data/servers_xml is one guess, and the table says what must be read from it.

#![allow(clippy::unwrap_used, clippy::panic)]

use jiff::{Timestamp, civil::Date};
use proptest::prelude::*;
use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};
use visualcron_tray::{
    domain::{Entry, Fault, Kind, Secret, Source, Version},
    sources::servers_xml::{Cause, Limits, Reading, parse, read_file},
};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/servers_xml")
}

/// The files of a folder by name.
fn files(folder: PathBuf) -> BTreeMap<String, PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let xml = files.filter(|path| path.extension().is_some_and(|extension| extension == "xml"));
    xml.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_string(), path)).collect()
}

/// One line of what an entry says: name, address, port, version, date, kind, edition, server id; `+code` where
/// there is an activation code; then the notes.
fn line(entry: &Entry) -> String {
    fn or_dash<T: ToString>(value: &Option<T>) -> String {
        value.as_ref().map_or("-".into(), T::to_string)
    }
    let mut line = [
        or_dash(&entry.name),
        or_dash(&entry.address),
        or_dash(&entry.port),
        or_dash(&entry.installed_version),
        or_dash(&entry.maintenance_until),
        or_dash(&entry.kind.map(|kind| kind.word())),
        or_dash(&entry.edition),
        or_dash(&entry.server_id),
    ]
    .join(" | ");
    if entry.activation_code.is_some() {
        line.push_str(" +code");
    }
    for note in &entry.notes {
        line.push_str("\n  ! ");
        line.push_str(note);
    }
    line
}

/// Compares with a file of the corpus. With `UPDATE_EXPECTED=1` it writes the file instead.
fn same_as(expected: &str, actual: &str) {
    let path = folder().join(expected);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&path, actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    for (number, pair) in expected.lines().zip(actual.lines()).enumerate() {
        assert_eq!(pair.0, pair.1, "line {} of {}", number + 1, path.display());
    }
    assert_eq!(expected.lines().count(), actual.lines().count(), "{actual}");
}

#[test]
fn every_file_of_the_corpus_is_read_as_the_table_says() {
    let mut actual = String::new();
    for (name, path) in files(folder()) {
        let Reading::Servers { entries, notes, .. } = read_file(&path, &Limits::default()).unwrap() else {
            panic!("{name} is absent");
        };
        actual.push_str(&format!("{name}\n"));
        for entry in &entries {
            actual.push_str(&format!("  {}\n", line(entry).replace('\n', "\n  ")));
        }
        for note in notes {
            actual.push_str(&format!("  * {note}\n"));
        }
    }
    same_as("expected.txt", &actual);
}

#[test]
fn every_bad_file_is_refused_with_its_cause() {
    let mut actual = String::new();
    for (name, path) in files(folder().join("bad")) {
        let problem = read_file(&path, &Limits::default()).unwrap_err();
        assert_eq!(problem.fault, Fault::Data, "{name}");
        assert!(problem.next.ends_with('.') && !problem.why.ends_with('.'), "{problem}");
        let place = problem.place.replace(path.to_str().unwrap(), "FILE");
        actual.push_str(&format!("{name}: {place}: {}\n", problem.why));
    }
    same_as("bad/expected.txt", &actual);
}

fn servers(text: &str, limits: &Limits) -> Result<usize, Cause> {
    parse(text.as_bytes(), Timestamp::UNIX_EPOCH, limits)
        .map(|parsed| parsed.entries.len())
        .map_err(|error| error.cause)
}

#[test]
fn each_limit_has_its_own_message() {
    let list = |count: usize| format!("<Servers>{}</Servers>", "<Server Address='a'/>".repeat(count));
    let small = Limits { max_records: 3, max_depth: 4, max_bytes: 1000, ..Limits::default() };
    assert_eq!(servers(&list(3), &small), Ok(3));
    assert_eq!(servers(&list(4), &small), Err(Cause::TooMany(3)));
    assert_eq!(servers("<a><a><a><a/></a></a></a>", &small), Ok(0));
    assert_eq!(servers("<a><a><a><a><a/></a></a></a></a>", &small), Err(Cause::TooDeep(4)));
    assert_eq!(servers(&list(100), &small), Err(Cause::TooBig(1000)));
    let hasty = Limits { time: Duration::ZERO, ..Limits::default() };
    assert_eq!(servers(&list(1000), &hasty), Err(Cause::TooSlow(Duration::ZERO)));
    let attributes = format!("<a {}/>", "b='c' ".repeat(2000));
    assert_eq!(servers(&attributes, &hasty), Err(Cause::TooSlow(Duration::ZERO)));
}

#[test]
fn errors_point_to_line_and_column() {
    let error =
        parse("<Servers>\r\n  <Ä/> & </Servers>".as_bytes(), Timestamp::UNIX_EPOCH, &Limits::default());
    let error = error.unwrap_err();
    assert_eq!((error.line, error.column), (2, 8), "{error}");
}

#[test]
fn what_is_no_file_has_its_own_message() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits::default();
    assert_eq!(read_file(&folder.path().join("servers.xml"), &limits), Ok(Reading::Absent));
    assert_eq!(read_file(&folder.path().join("none/servers.xml"), &limits), Ok(Reading::Absent));
    let problem = read_file(folder.path(), &limits).unwrap_err();
    assert_eq!((problem.fault, problem.why.as_str()), (Fault::NoInput, "it is a folder, not a file"));

    let path = folder.path().join("servers.xml");
    fs::write(&path, "<Servers><Server>a</Server></Servers>").unwrap();
    let small = Limits { max_bytes: 10, ..Limits::default() };
    let problem = read_file(&path, &small).unwrap_err();
    assert!(problem.why.starts_with("the file is larger than"), "{problem}");

    let Ok(Reading::Servers { entries, read_at, .. }) = read_file(&path, &limits) else { panic!() };
    let written = Timestamp::try_from(fs::metadata(&path).unwrap().modified().unwrap()).unwrap();
    assert_eq!((entries[0].read_at, read_at), (written, written));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("servers.xml");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let problem = read_file(&path, &Limits::default()).unwrap_err();
    assert_eq!(problem.why, "it is not a regular file");
}

/// How a list of entries is written.
#[derive(Clone, Debug)]
struct Shape {
    list: &'static str,
    item: &'static str,
    data: Data,
    prefix: &'static str,
    spelling: Spelling,
    encoding: Encoding,
    date: DateForm,
    indented: bool,
    declared: bool,
}

/// Names and values.
type Fields = Vec<(&'static str, String)>;

#[derive(Clone, Copy, Debug)]
enum Data {
    Elements,
    Attributes,
    /// The license in an element of its own.
    License,
    /// Connection and license in elements of their own.
    Halves,
    Properties,
}

#[derive(Clone, Copy, Debug)]
enum Spelling {
    Pascal,
    Lower,
    Upper,
    Snake,
}

#[derive(Clone, Copy, Debug)]
enum Encoding {
    Utf8,
    Utf8Mark,
    Utf16 { big: bool, mark: bool },
    Windows1252,
}

#[derive(Clone, Copy, Debug)]
enum DateForm {
    Date,
    DateTime,
    Zoned,
    Words,
}

impl Shape {
    fn name(&self, name: &str) -> String {
        match self.spelling {
            Spelling::Pascal => name.to_string(),
            Spelling::Lower => name.to_lowercase(),
            Spelling::Upper => name.to_uppercase(),
            Spelling::Snake => {
                let mut snake = String::new();
                for c in name.chars() {
                    if c.is_uppercase() && !snake.is_empty() {
                        snake.push('_');
                    }
                    snake.extend(c.to_lowercase());
                }
                snake
            }
        }
    }

    fn element(&self, name: &str, attributes: &str, content: &str) -> String {
        let name = format!("{}{}", self.prefix, self.name(name));
        let blank = if self.indented { "\n  " } else { "" };
        match content.is_empty() {
            true => format!("{blank}<{name}{attributes}/>"),
            false => format!("{blank}<{name}{attributes}>{content}</{name}>{blank}"),
        }
    }

    fn fields(&self, entry: &Entry) -> (Fields, Fields) {
        let mut connection = vec![];
        connection.extend(entry.name.clone().map(|v| ("Name", v)));
        connection.push(("Address", entry.address.clone().unwrap()));
        connection.extend(entry.port.map(|v| ("Port", v.to_string())));
        connection.push(("UserName", "admin".into()));
        connection.push(("PassWord", "S3CR3T".into()));
        connection.extend(entry.installed_version.map(|v| ("Version", v.to_string())));
        let mut license = vec![];
        license.extend(entry.kind.map(|v| ("LicenseType", v.word().to_string())));
        license.extend(entry.edition.clone().map(|v| ("Edition", v)));
        license.extend(entry.server_id.clone().map(|v| ("ServerId", v)));
        license.extend(entry.activation_code.clone().map(|v| ("ActivationCode", v.reveal().to_string())));
        license.extend(entry.maintenance_until.map(|date| {
            let words = match entry.kind {
                Some(Kind::Subscription) => "Subscription",
                Some(Kind::Trial) => "Trial",
                _ => "Maintenance",
            };
            let text = match (self.date, entry.kind) {
                (DateForm::Date, _) | (DateForm::Words, None) => date.to_string(),
                (DateForm::DateTime, _) => format!("{date}T00:00:00"),
                (DateForm::Zoned, _) => format!("{date}T23:30:00.0000000-08:00"),
                (DateForm::Words, Some(_)) => format!("{words} expires {date}"),
            };
            ("Expires", text)
        }));
        (connection, license)
    }

    fn item(&self, entry: &Entry) -> String {
        let (connection, license) = self.fields(entry);
        let elements = |fields: &[(&str, String)]| {
            fields.iter().map(|(name, value)| self.element(name, "", &escape(value))).collect::<String>()
        };
        let attributes = |fields: &[(&str, String)]| {
            let pairs =
                fields.iter().map(|(name, value)| format!(" {}=\"{}\"", self.name(name), escape(value)));
            pairs.collect::<String>()
        };
        let all = [&connection[..], &license[..]].concat();
        match self.data {
            Data::Elements => self.element(self.item, "", &elements(&all)),
            Data::Attributes => self.element(self.item, &attributes(&all), ""),
            Data::License => {
                let inner = self.element("License", "", &elements(&license));
                self.element(self.item, "", &(inner + &elements(&connection)))
            }
            Data::Halves => {
                let license = self.element("LicenseInfo", &attributes(&license), "");
                let connection = self.element("Endpoint", "", &elements(&connection));
                self.element(self.item, "", &(license + &connection))
            }
            Data::Properties => {
                let property = |(name, value): &(&str, String)| {
                    self.element("Property", &format!(" Name='{}' Value=\"{}\"", name, escape(value)), "")
                };
                self.element(self.item, "", &all.iter().map(property).collect::<String>())
            }
        }
    }

    fn file(&self, entries: &[Entry]) -> Vec<u8> {
        let label = match self.encoding {
            Encoding::Windows1252 => Some("windows-1252"),
            _ if !self.declared => None,
            Encoding::Utf16 { .. } => Some("utf-16"),
            _ => Some("utf-8"),
        };
        let mut text = label.map_or(String::new(), |l| format!("<?xml version=\"1.0\" encoding=\"{l}\"?>\n"));
        let space = if self.prefix.is_empty() { "" } else { " xmlns:vc='urn:x'" };
        text +=
            self.element(self.list, space, &entries.iter().map(|e| self.item(e)).collect::<String>()).trim();
        text += "<!-- end -->\r\n";
        match self.encoding {
            Encoding::Utf8 => text.into_bytes(),
            Encoding::Utf8Mark => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            // What does not fit becomes a numeric reference.
            Encoding::Windows1252 => encoding_rs::WINDOWS_1252.encode(&text).0.into_owned(),
            Encoding::Utf16 { big, mark } => {
                let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
                units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
            }
        }
    }
}

fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

fn words() -> impl Strategy<Value = String> {
    "\\PC{1,24}"
        .prop_map(|text| visualcron_tray::domain::text::plain(text.trim()).trim().to_string())
        .prop_filter("blank", |text| !text.is_empty())
}

prop_compose! {
    fn entry()(
        name in proptest::option::of(words()),
        address in "[a-z0-9][a-z0-9.-]{0,20}",
        port in proptest::option::of(1..=u16::MAX),
        server_id in proptest::option::of("[0-9a-f-]{8,36}"),
        kind in proptest::option::of(
            prop_oneof![Just(Kind::Perpetual), Just(Kind::Subscription), Just(Kind::Trial)]
        ),
        edition in proptest::option::of(prop_oneof![Just("Basic".to_string()), Just("Pro".to_string())]),
        date in proptest::option::of((2000i16..2200, 1i8..=12, 1i8..=28)),
        version in proptest::option::of((1u32..20, 0u32..20, 0u32..99)),
        code in proptest::option::of("[A-Z0-9]{4}(-[A-Z0-9]{4}){3}"),
    ) -> Entry {
        let mut entry = Entry::new(Source::ServersXml, Timestamp::UNIX_EPOCH);
        entry.name = name;
        entry.address = Some(address);
        entry.port = port;
        entry.server_id = server_id;
        entry.kind = kind;
        entry.edition = edition;
        entry.maintenance_until = date.map(|(year, month, day)| Date::new(year, month, day).unwrap());
        entry.installed_version = version.map(|(major, minor, patch)| Version::new(major, minor, patch));
        entry.activation_code = code.map(Secret::new);
        entry
    }
}

prop_compose! {
    fn shape()(
        (list, item) in prop_oneof![
            Just(("ArrayOfConnection", "Connection")),
            Just(("Servers", "Server")),
            Just(("ServerList", "Entry")),
            Just(("Configuration", "Item")),
        ],
        data in prop_oneof![
            Just(Data::Elements), Just(Data::Attributes), Just(Data::License), Just(Data::Halves),
            Just(Data::Properties),
        ],
        prefix in prop_oneof![Just(""), Just("vc:")],
        spelling in prop_oneof![
            Just(Spelling::Pascal), Just(Spelling::Lower), Just(Spelling::Upper), Just(Spelling::Snake),
        ],
        encoding in prop_oneof![
            Just(Encoding::Utf8),
            Just(Encoding::Utf8Mark),
            Just(Encoding::Windows1252),
            (any::<bool>(), any::<bool>()).prop_map(|(big, mark)| Encoding::Utf16 { big, mark }),
        ],
        date in prop_oneof![
            Just(DateForm::Date), Just(DateForm::DateTime), Just(DateForm::Zoned), Just(DateForm::Words),
        ],
        indented in any::<bool>(),
        declared in any::<bool>(),
    ) -> Shape {
        Shape { list, item, data, prefix, spelling, encoding, date, indented, declared }
    }
}

/// Pieces of XML whose secret must never show up.
fn soup() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "<Servers>",
        "</Servers>",
        "<Server>",
        "</Server>",
        "<Server ",
        "<Name>",
        "</Name>",
        "<License>",
        "</License>",
        "<Address>a</Address>",
        "<Name>n</Name>",
        "<Version>x</Version>",
        "<Expires>1/2/2030</Expires>",
        "<Property Name='Port'>",
        "</Property>",
        "<Value>1</Value>",
        " name='n'",
        " address='a'",
        " version=\"1\"",
        "/>",
        ">",
        "<PassWord>S3CR3T</PassWord>",
        "<UserName>S3CR3T<",
        "<PassWord>S3CR3T&",
        "<Server password='S3CR3T' ",
        "<ActivationCode>S3CR3T</ActivationCode>",
        "<Proxy><Name>S3CR3T</Name></Proxy>",
        "<add key='Password' value='S3CR3T'/>",
        "&amp;",
        "&",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "<?xml?>",
        "<!DOCTYPE s>",
        "x",
        "\n",
        " ",
        "<",
        "=",
        "'",
    ]);
    prop::collection::vec(pieces, 0..60).prop_map(|pieces| pieces.concat())
}

/// What holds for any bytes: no panic, no secret, notes that stay short.
fn check_any(bytes: &[u8]) -> Result<(), TestCaseError> {
    let limits = Limits { max_records: 50, ..Limits::default() };
    let result = parse(bytes, Timestamp::UNIX_EPOCH, &limits);
    prop_assert!(!format!("{result:?}").contains("S3CR3T"), "{result:?}");
    match result {
        Ok(parsed) => {
            prop_assert!(parsed.entries.len() <= 50);
            for entry in &parsed.entries {
                prop_assert!(entry.notes.len() <= 8);
                prop_assert!(entry.notes.iter().all(|note| note.chars().count() <= 160), "{entry:?}");
                prop_assert!(entry.address.is_some() || entry.name.is_some(), "{entry:?}");
            }
        }
        Err(error) => {
            prop_assert!(error.line >= 1 && error.column >= 1);
            prop_assert!(!error.to_string().contains("S3CR3T") && error.to_string().len() < 200, "{error}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        check_any(&bytes)?;
    }

    #[test]
    fn any_soup_of_xml_is_survived(text in soup()) {
        check_any(text.as_bytes())?;
        check_any(format!("<Servers>{text}</Servers>").as_bytes())?;
    }

    #[test]
    fn what_is_written_in_any_shape_is_read_back(
        entries in prop::collection::vec(entry(), 1..5),
        shape in shape(),
    ) {
        let file = shape.file(&entries);
        let parsed = parse(&file, Timestamp::UNIX_EPOCH, &Limits::default());
        prop_assert_eq!(parsed.map(|parsed| parsed.entries), Ok(entries), "{}", String::from_utf8_lossy(&file));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn no_beginning_of_a_file_passes_for_the_whole(
        entries in prop::collection::vec(entry(), 1..4),
        shape in shape(),
    ) {
        let file = shape.file(&entries);
        for length in 0..file.len() {
            if let Ok(parsed) = parse(&file[..length], Timestamp::UNIX_EPOCH, &Limits::default()) {
                prop_assert_eq!(&parsed.entries, &entries, "{} of {} bytes", length, file.len());
            }
        }
    }
}
