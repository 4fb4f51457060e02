//! Attacks on a token, one by one and bit by bit.

use super::{text::Carries, *};
use crate::domain::{Kind, Version};
use jiff::{Timestamp, ToSpan, civil::date};
use proptest::prelude::*;
use ring::signature::KeyPair;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// PKCS #8 of a key from a seed: the same each time.
pub(crate) fn pkcs8(seed: u8) -> Vec<u8> {
    let head = data_encoding::HEXLOWER.decode(b"302e020100300506032b657004220420").unwrap();
    [head, vec![seed; 32]].concat()
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_pkcs8(&pkcs8(seed)).unwrap()
}

pub(crate) fn now() -> Timestamp {
    "2026-11-24T09:00:00Z".parse().unwrap()
}

pub(crate) fn claims() -> Claims {
    Claims {
        protocol: PROTOCOL,
        nonce: Nonce::new([7; 16]),
        server_id: "id-0001".into(),
        verdict: Verdict::Valid,
        kind: Some(Kind::Subscription),
        edition: Some("Pro".into()),
        maintenance_until: Some(date(2027, 1, 31)),
        newest_covered: Some(Version::new(13, 2, 2)),
        validate_next: now() + 720.hours(),
        validate_by: now() + 1056.hours(),
        iat: now(),
        exp: now() + 168.hours(),
    }
}

fn pinned() -> PinnedKeys {
    PinnedKeys::new([key(1).public(), key(2).public()])
}

fn expected() -> Expectation<'static> {
    Expectation::new(claims().nonce, "id-0001", now())
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    data_encoding::BASE64URL_NOPAD.encode(bytes.as_ref())
}

/// A token of any header and claims, signed in earnest with the key 1.
fn signed(header: &str, claims: &str) -> String {
    let message = format!("{}.{}", b64(header), b64(claims));
    let pair = ring::signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8(1)).unwrap();
    assert_eq!(pair.public_key().as_ref(), key(1).public().bytes());
    let signature = pair.sign(message.as_bytes());
    format!("{message}.{}", b64(signature.as_ref()))
}

fn header() -> Value {
    json!({ "typ": "vct-answer+jwt", "alg": "EdDSA", "kid": key(1).public().id().to_string() })
}

fn with(mut value: Value, name: &str, to: Value) -> String {
    value[name] = to;
    value.to_string()
}

fn without(mut value: Value, name: &str) -> String {
    value.as_object_mut().unwrap().remove(name);
    value.to_string()
}

fn claimed() -> Value {
    serde_json::to_value(claims()).unwrap()
}

#[test]
fn a_good_token_is_accepted() {
    let token = key(1).sign(&claims()).unwrap();
    assert_eq!(verify(&token, &pinned(), &expected()), Ok(claims()));
    assert_eq!(
        verify(&signed(&header().to_string(), &claimed().to_string()), &pinned(), &expected()),
        Ok(claims())
    );
    // At the ends of what is allowed.
    for (iat, exp) in [(5.minutes(), 6.minutes()), ((-2).hours(), (-5).minutes())] {
        let edge = Claims { iat: now() + iat, exp: now() + exp, ..claims() };
        assert_eq!(verify(&key(2).sign(&edge).unwrap(), &pinned(), &expected()), Ok(edge));
    }
}

#[test]
fn each_attack_is_refused_by_name() {
    let good = key(1).sign(&claims()).unwrap();
    let (head, body) = (header().to_string(), claimed().to_string());
    let parts: Vec<&str> = good.split('.').collect();
    let hs256 = {
        let message = format!("{}.{}", b64(with(header(), "alg", "HS256".into())), b64(&body));
        let public = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key(1).public().bytes());
        format!("{message}.{}", b64(ring::hmac::sign(&public, message.as_bytes())))
    };
    let forged_kid = {
        let other = key(3).sign(&claims()).unwrap();
        format!("{}.{}.{}", parts[0], parts[1], other.split('.').nth(2).unwrap())
    };
    let malleable = {
        // S + L: another number for the same signature, which lax verifiers accept.
        let mut signature = data_encoding::BASE64URL_NOPAD.decode(parts[2].as_bytes()).unwrap();
        let order = data_encoding::HEXLOWER
            .decode(b"edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
            .unwrap();
        let mut carry = 0u16;
        for (s, l) in signature[32..].iter_mut().zip(order) {
            let sum = u16::from(*s) + u16::from(l) + carry;
            *s = sum as u8;
            carry = sum >> 8;
        }
        format!("{}.{}.{}", parts[0], parts[1], b64(signature))
    };
    let attacks: Vec<(&str, String)> = vec![
        ("other key, not pinned", key(3).sign(&claims()).unwrap()),
        ("other key under a pinned key's id", forged_kid),
        ("the same signature in another form", malleable),
        ("alg none, empty signature", format!("{}.{}.", b64(with(header(), "alg", "none".into())), parts[1])),
        (
            "alg None with the signature",
            format!("{}.{}.{}", b64(with(header(), "alg", "None".into())), parts[1], parts[2]),
        ),
        ("HS256 with the public key", hs256),
        ("RS256", signed(&with(header(), "alg", "RS256".into()), &body)),
        ("alg in small letters", signed(&with(header(), "alg", "eddsa".into()), &body)),
        ("no alg", signed(&without(header(), "alg"), &body)),
        ("its own key in jwk", signed(&with(header(), "jwk", json!({ "kty": "OKP" })), &body)),
        ("its own key at jku", signed(&with(header(), "jku", "https://evil.example/keys".into()), &body)),
        ("its own certificate", signed(&with(header(), "x5c", json!(["MII"])), &body)),
        ("crit", signed(&with(header(), "crit", json!(["exp"])), &body)),
        ("another header parameter", signed(&with(header(), "b64", false.into()), &body)),
        ("a header parameter that acts on a terminal", signed(&with(header(), "\u{1b}[2J", 1.into()), &body)),
        ("no key id", signed(&without(header(), "kid"), &body)),
        ("a key id that is a path", signed(&with(header(), "kid", "../../etc/passwd".into()), &body)),
        ("an endorsement for an answer", key(1).endorse(key(3).public(), now()).unwrap()),
        ("another type", signed(&with(header(), "typ", "JWT".into()), &body)),
        ("no type", signed(&without(header(), "typ"), &body)),
        ("extra claim", signed(&head, &with(claimed(), "admin", true.into()))),
        ("missing claim", signed(&head, &without(claimed(), "exp"))),
        ("a claim twice", signed(&head, &body.replacen('{', "{\"verdict\":\"valid\",", 1))),
        ("exp as a text", signed(&head, &with(claimed(), "exp", "9999999999".into()))),
        ("exp beyond all time", signed(&head, &with(claimed(), "exp", 1e300.into()))),
        ("another protocol", signed(&head, &with(claimed(), "protocol", 2.into()))),
        ("valid without a date", signed(&head, &with(claimed(), "maintenance_until", Value::Null))),
        ("revoked with a date", signed(&head, &with(claimed(), "verdict", "revoked".into()))),
        ("by before next", signed(&head, &with(claimed(), "validate_by", "2026-11-25T00:00:00Z".into()))),
        (
            "lives for a year",
            signed(&head, &with(claimed(), "exp", (now() + 8784.hours()).as_second().into())),
        ),
        (
            "ends before it begins",
            signed(&head, &with(claimed(), "exp", (now() - 1.hour()).as_second().into())),
        ),
        ("expired", {
            let old = Claims { iat: now() - 2.hours(), exp: now() - 301.seconds(), ..claims() };
            key(1).sign(&old).unwrap()
        }),
        ("from the future", key(1).sign(&Claims { iat: now() + 301.seconds(), ..claims() }).unwrap()),
        ("replayed", key(1).sign(&Claims { nonce: Nonce::new([9; 16]), ..claims() }).unwrap()),
        ("other nonce", key(1).sign(&Claims { nonce: Nonce::new([8; 16]), ..claims() }).unwrap()),
        ("other server", key(1).sign(&Claims { server_id: "id-0002".into(), ..claims() }).unwrap()),
        ("cut off in the signature", good[..good.len() - 3].into()),
        ("cut off in the claims", good[..parts[0].len() + 20].into()),
        ("empty", String::new()),
        ("two dots", "..".into()),
        ("four parts", format!("{good}.{}", parts[2])),
        ("longer signature", format!("{good}AAAA")),
        ("padding", format!("{good}==")),
        ("trailing bits in the signature", {
            let last = good.chars().next_back().unwrap();
            let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let next = alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap();
            format!("{}{next}", &good[..good.len() - 1])
        }),
        ("a blank", good.replacen('.', ". ", 1)),
        ("huge", format!("{}.{}.{}", parts[0], "A".repeat(10 * 1024 * 1024), parts[2])),
        ("deep", signed(&format!("{}1{}", "[".repeat(3000), "]".repeat(3000)), &body)),
        ("header no object", signed("[]", &body)),
        ("not base64", format!("e!.{}.{}", parts[1], parts[2])),
        ("an encrypted token", "e30.a.b.c.d".into()),
    ];
    let spent = [Nonce::new([9; 16])];
    let expected = Expectation { spent: &spent, ..expected() };
    let mut lines = Vec::new();
    for (attack, token) in &attacks {
        let refusal = verify(token, &pinned(), &expected).expect_err(attack);
        let problem = refusal.problem("the answer");
        assert!(
            !problem.next.is_empty() && problem.to_string().chars().all(|c| !c.is_control()),
            "{problem}"
        );
        lines.push(format!("{attack}: {}: {}", refusal.name(), refusal.why()));
    }
    let unpinned = verify(&good, &PinnedKeys::default(), &expected).unwrap_err();
    lines.push(format!("no key pinned: {}: {}", unpinned.name(), unpinned.why()));
    // Its nonce is spent once it was accepted.
    let spent = [claims().nonce];
    let again = verify(&good, &pinned(), &Expectation { spent: &spent, ..expected });
    assert_eq!(again, Err(Refusal::Replayed));
    insta::assert_snapshot!(lines.join("\n"), @"
    other key, not pinned: unknown_key: it is signed with the key b62e867fa2f33afe, which is not trusted
    other key under a pinned key's id: bad_signature: its signature is not by the key 34750f98bd59fcfc that it names: it was altered, or forged
    the same signature in another form: bad_signature: its signature is not by the key 34750f98bd59fcfc that it names: it was altered, or forged
    alg none, empty signature: unsigned: it bears no signature (alg: none), so anybody can have made it
    alg None with the signature: unsigned: it bears no signature (alg: none), so anybody can have made it
    HS256 with the public key: other_algorithm: it is signed by HS256; only EdDSA, with the host's private key, is accepted
    RS256: other_algorithm: it is signed by RS256; only EdDSA, with the host's private key, is accepted
    alg in small letters: other_algorithm: it is signed by eddsa; only EdDSA, with the host's private key, is accepted
    no alg: malformed: its header names no algorithm
    its own key in jwk: brings_its_own_key: it wants to be checked with a key that it brings along (jwk); only pinned keys count
    its own key at jku: brings_its_own_key: it wants to be checked with a key that it brings along (jku); only pinned keys count
    its own certificate: brings_its_own_key: it wants to be checked with a key that it brings along (x5c); only pinned keys count
    crit: unknown_critical: it demands that something be understood that the protocol does not know (crit)
    another header parameter: extra_parameter: its header says something that the protocol does not know (b64)
    a header parameter that acts on a terminal: extra_parameter: its header says something that the protocol does not know ( [2J)
    no key id: malformed: its header names no key
    a key id that is a path: malformed: its header names a key by something that is no key id
    an endorsement for an answer: other_type: it is a token of another kind (vct-key+jwt)
    another type: other_type: it is a token of another kind (JWT)
    no type: malformed: its header names no type
    extra claim: extra_claim: it states something that the protocol does not know (admin)
    missing claim: malformed: what it states is not what the protocol describes
    a claim twice: malformed: what it states is not what the protocol describes
    exp as a text: malformed: what it states is not what the protocol describes
    exp beyond all time: malformed: what it states is not what the protocol describes
    another protocol: other_protocol: it speaks version 2 of the protocol, this program version 1
    valid without a date: contradictory: it says that the license is valid, and gives no date
    revoked with a date: contradictory: it says that the license is not valid, and gives its data
    by before next: contradictory: it wants the next validation after the last day for it
    lives for a year: too_long_lived: its lifetime is longer than 31 days
    ends before it begins: contradictory: it ends before it was issued
    expired: expired: its lifetime ended 5 minutes ago
    from the future: from_the_future: it was issued 5 minutes from now: the clock here or at the license host is wrong
    replayed: replayed: it is the answer to a request that was answered before
    other nonce: other_nonce: it answers another request than the one that is open
    other server: other_server: it is about another server, id-0002
    cut off in the signature: truncated: its end is missing
    cut off in the claims: truncated: its end is missing
    empty: truncated: its end is missing
    two dots: malformed: its header is not a JSON object
    four parts: malformed: it has more than three parts
    longer signature: bad_signature: its signature is not by the key 34750f98bd59fcfc that it names: it was altered, or forged
    padding: malformed: a part of it is not base64url without padding
    trailing bits in the signature: malformed: a part of it is not base64url without padding
    a blank: bad_signature: its signature is not by the key 34750f98bd59fcfc that it names: it was altered, or forged
    huge: oversized: it is larger than 8 KiB, which no answer is
    deep: oversized: it is larger than 8 KiB, which no answer is
    header no object: malformed: its header is not a JSON object
    not base64: malformed: a part of it is not base64url without padding
    an encrypted token: malformed: it has more than three parts
    no key pinned: no_key_is_pinned: no key of a license host is trusted yet; it is signed with the key 34750f98bd59fcfc
    ");
}

#[test]
fn keys_vouch_for_later_ones_and_nobody_else_does() {
    let endorsed = |key: &SigningKey, by: &[&SigningKey]| PublishedKey {
        key: key.public(),
        endorsed_by: by.iter().map(|by| by.endorse(key.public(), now()).unwrap()).collect(),
    };
    let (one, two, three, stranger) = (key(1), key(2), key(3), key(9));
    let set = KeySet {
        keys: vec![
            endorsed(&three, &[&two]),
            endorsed(&two, &[&one]),
            endorsed(&one, &[]),
            endorsed(&stranger, &[&stranger]),
        ],
    };
    let set = KeySet::from_json(&set.to_json()).unwrap();
    assert_eq!(PinnedKeys::new([one.public()]).vouched_for(&set), [two.public(), three.public()]);
    assert_eq!(PinnedKeys::new([two.public()]).vouched_for(&set), [three.public()]);
    assert_eq!(PinnedKeys::default().vouched_for(&set), []);
    // An answer is no endorsement, and an endorsement of another key vouches for that one only.
    let wrong = PublishedKey {
        key: stranger.public(),
        endorsed_by: vec![one.sign(&claims()).unwrap(), one.endorse(three.public(), now()).unwrap()],
    };
    assert_eq!(PinnedKeys::new([one.public()]).vouched_for(&KeySet { keys: vec![wrong] }), []);
    let json = String::from_utf8(set.to_json()).unwrap();
    let stranger_id = stranger.public().id().to_string();
    for (from, to) in [
        (stranger_id.as_str(), one.public().id().to_string().as_str()),
        ("Ed25519", "X25519"),
        ("\"protocol\": 1", "\"protocol\": 2"),
    ] {
        assert!(json.contains(from) && KeySet::from_json(json.replace(from, to).as_bytes()).is_err());
    }
}

#[test]
fn a_fingerprint_is_compared_as_a_whole() {
    let key = key(1).public();
    let shown = key.fingerprint();
    assert!(key.has_fingerprint(&shown) && key.has_fingerprint(&shown.replace(' ', ":").to_uppercase()));
    for wrong in ["", &shown[..19], &format!("{shown} 0"), &key.id().to_string()] {
        assert!(!key.has_fingerprint(wrong), "{wrong}");
    }
    assert!(shown.replace(' ', "").starts_with(&key.id().to_string()));
    assert_eq!(key.id().to_string().parse(), Ok(key.id()));
    assert_eq!(key.to_string().parse(), Ok(key));
}

static GOOD: LazyLock<String> = LazyLock::new(|| key(1).sign(&claims()).unwrap());

/// All of them, not a sample: some 5,000 flips.
#[test]
fn no_single_bit_change_is_accepted() {
    let good = GOOD.as_bytes();
    for bit in 0..good.len() * 8 {
        let mut bytes = good.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        // What is no text never gets that far.
        if let Ok(token) = std::str::from_utf8(&bytes) {
            assert!(verify(token, &pinned(), &expected()).is_err(), "bit {bit}");
        }
    }
}

proptest! {
    #[test]
    fn no_other_token_is_accepted(at in 0usize..600, change in prop::collection::vec(any::<char>(), 0..4), cut in 0usize..4) {
        let mut chars: Vec<char> = GOOD.chars().collect();
        let at = at.min(chars.len());
        let end = (at + cut).min(chars.len());
        chars.splice(at..end, change);
        let token: String = chars.into_iter().collect();
        prop_assume!(token != *GOOD);
        prop_assert!(verify(&token, &pinned(), &expected()).is_err());
    }

    /// Whatever one character of the text becomes: the same token comes out, or none.
    #[test]
    fn a_mistyped_text_is_told_or_means_the_same(at in 0usize..2000, to in any::<char>()) {
        let text = text::of_answer(&GOOD, "PROD-01", now(), now());
        let mut chars: Vec<char> = text.chars().collect();
        let at = at % chars.len();
        chars[at] = to;
        match text::read_token(&chars.into_iter().collect::<String>()) {
            Ok(token) => prop_assert_eq!(token, GOOD.clone()),
            Err(unreadable) => prop_assert!(unreadable != text::Unreadable::TooLarge),
        }
    }

    #[test]
    fn anything_can_be_read(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = text::read_token(&text);
        let _ = verify(&text, &pinned(), &expected());
        let packed = text::payload(Carries::Request, &bytes);
        prop_assert_eq!(text::read(&packed, Carries::Request), Ok(bytes));
    }
}
