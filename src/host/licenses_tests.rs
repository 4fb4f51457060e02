//! What a license file says, and what is wrong with one.

use super::*;
use crate::domain::validation::{Nonce, PROTOCOL};

const TOML: &str = r#"
validate_every_days = 10
grace_days = 5

[[license]]
activation_code = "AAAA-1111"
server_id = "id-0001"
name = "PROD-01"
kind = "subscription"
edition = "Pro"
maintenance_until = 2027-01-31

[[license]]
activation_code = "BBBB-2222"
server_id = "id-0002"
kind = "Perpetual"
maintenance_until = "2025-06-30"
revoked = true
"#;

const CSV: &str = "activation_code,server_id,name,kind,edition,maintenance_until,revoked\n\
    # a comment\nAAAA-1111,id-0001,PROD-01,subscription,Pro,2027-01-31,\n\n\"BBBB-2222\", id-0002 ,,perpetual,,2025-06-30,TRUE\n";

fn ask(licenses: &Licenses, code: &str, id: &str) -> Claims {
    let request = Request {
        activation_code: Secret::new(code),
        server_id: id.into(),
        server_name: String::new(),
        product_version: None,
        nonce: Nonce::new([1; 16]),
        client_time: Timestamp::UNIX_EPOCH,
    };
    let now = "2026-11-24T09:00:00.5Z".parse().unwrap();
    licenses.answer(&request, now, SignedDuration::from_mins(15)).0
}

#[test]
fn both_formats_say_the_same_and_each_verdict_is_given() {
    let toml = Licenses::parse(TOML.as_bytes(), Format::Toml).unwrap();
    let csv = Licenses::parse(CSV.as_bytes(), Format::Csv).unwrap();
    let semicolons = Licenses::parse(CSV.replace(',', ";").as_bytes(), Format::Csv).unwrap();
    assert_eq!((&toml.by_code, &toml.by_code), (&csv.by_code, &semicolons.by_code));
    let mut lines = Vec::new();
    for (code, id) in
        [("aaaa1111", "ID-0001"), ("AAAA-1111", "id-0002"), ("BBBB-2222", "id-0002"), ("CCCC", "id-0001")]
    {
        let claims = ask(&toml, code, id);
        assert_eq!(claims.protocol, PROTOCOL);
        lines.push(serde_json::to_string(&claims).unwrap());
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"protocol":1,"nonce":"01010101010101010101010101010101","server_id":"ID-0001","verdict":"valid","kind":"subscription","edition":"Pro","maintenance_until":"2027-01-31","newest_covered":"13.2.2","validate_next":"2026-12-04T09:00:00Z","validate_by":"2026-12-09T09:00:00Z","iat":1795510800,"exp":1795511700}
    {"protocol":1,"nonce":"01010101010101010101010101010101","server_id":"id-0002","verdict":"wrong_server","kind":null,"edition":null,"maintenance_until":null,"newest_covered":null,"validate_next":"2026-12-04T09:00:00Z","validate_by":"2026-12-09T09:00:00Z","iat":1795510800,"exp":1795511700}
    {"protocol":1,"nonce":"01010101010101010101010101010101","server_id":"id-0002","verdict":"revoked","kind":null,"edition":null,"maintenance_until":null,"newest_covered":null,"validate_next":"2026-12-04T09:00:00Z","validate_by":"2026-12-09T09:00:00Z","iat":1795510800,"exp":1795511700}
    {"protocol":1,"nonce":"01010101010101010101010101010101","server_id":"id-0001","verdict":"unknown_code","kind":null,"edition":null,"maintenance_until":null,"newest_covered":null,"validate_next":"2026-12-04T09:00:00Z","validate_by":"2026-12-09T09:00:00Z","iat":1795510800,"exp":1795511700}
    "#);
}

#[test]
fn mistakes_are_named_with_their_lines_and_show_no_code() {
    let mut lines = Vec::new();
    let mut tell = |what: &str, text: &str, format| {
        let mistakes = Licenses::parse(text.as_bytes(), format).expect_err(what);
        for mistake in &mistakes {
            assert!(!mistake.what.contains("AAAA") && !mistake.what.contains("BBBB"), "{mistake:?}");
            lines.push(format!("{what}: line {}: {}", mistake.line, mistake.what));
        }
    };
    for (what, from, to) in [
        ("unknown key", "grace_days", "grace_day"),
        ("too many days", "grace_days = 5", "grace_days = 366"),
        ("one bracket", "\n[[license]]\nactivation_code = \"BBBB-2222\"", "\n[more]\nx = \"BBBB-2222\""),
        ("unknown field", "edition", "editon"),
        ("no code", "activation_code = \"AAAA-1111\"\n", ""),
        ("empty code", "\"AAAA-1111\"", "\" \""),
        ("the same code", "BBBB-2222", "aaaa 1111"),
        ("no such kind", "Perpetual", "Site"),
        ("no such day", "2027-01-31", "\"31/01/2027\""),
        ("a time", "2027-01-31", "2027-01-31T10:00:00Z"),
        ("a number", "\"id-0002\"", "2"),
        ("revoked", "revoked = true", "revoked = \"yes\""),
        ("no quotes", "\"AAAA-1111\"", "AAAA-1111"),
    ] {
        assert!(TOML.contains(from), "{from}");
        tell(what, &TOML.replacen(from, to, 1), Format::Toml);
    }
    for (what, from, to) in [
        ("unknown column", "edition", "editon"),
        ("column twice", "edition", "name"),
        ("field too many", "PROD-01", "PROD,01"),
        ("open quote", "\"BBBB-2222\"", "\"BBBB-2222"),
        ("bad date", "2025-06-30", "30.06.2025"),
    ] {
        assert!(CSV.contains(from), "{from}");
        tell(what, &CSV.replacen(from, to, 1), Format::Csv);
    }
    tell("empty", "", Format::Csv);
    insta::assert_snapshot!(lines.join("\n"), @"
    unknown key: line 3: there is no grace_day; there are validate_every_days, grace_days and [[license]]
    too many days: line 3: grace_days must be a whole number from 0 to 365
    one bracket: line 13: there is no more; there are validate_every_days, grace_days and [[license]]
    unknown field: line 10: a license has no editon; it has activation_code, server_id, name, kind, edition, maintenance_until, revoked
    no code: line 5: activation_code is missing
    empty code: line 6: activation_code is empty
    the same code: line 13: the activation code is the one of the license on line 5
    no such kind: line 16: kind must be perpetual, subscription or trial
    no such day: line 11: maintenance_until must be a date like 2027-01-31
    a time: line 11: maintenance_until must be a date like 2027-01-31
    a number: line 15: server_id must be a text between quotes
    revoked: line 18: revoked must be true or false
    no quotes: line 6: it is no valid TOML: string values must be quoted, expected literal string
    unknown column: line 1: a license has no editon; it has activation_code, server_id, name, kind, edition, maintenance_until, revoked
    column twice: line 1: the column name is there twice
    field too many: line 3: it has 8 fields, and the first line 7
    open quote: line 5: it has 1 fields, and the first line 7
    bad date: line 5: maintenance_until must be a date like 2027-01-31
    empty: line 1: the first line must name the columns: activation_code,server_id,name,kind,edition,maintenance_until,revoked
    ");
}

#[test]
fn what_is_no_text_is_named_with_its_line() {
    let mistakes = Licenses::parse(b"a = 1\n\xff", Format::Toml).unwrap_err();
    assert_eq!(mistakes, [Mistake { line: 2, what: "it is not UTF-8 text".into() }]);
    assert!(Licenses::parse(b"", Format::Toml).unwrap().is_empty());
}
