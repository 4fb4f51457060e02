//! The test vectors of docs/license-host.md, read by both sides: what the host makes, and what the client takes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::Timestamp;
use serde_json::Value;
use visualcron_tray::domain::{
    Secret,
    validation::{
        Claims, Expectation, KeySet, Nonce, PinnedKeys, PublicKey, Request, SigningKey, code_digest,
        text::{self, Carries},
        verify,
    },
};

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/license_host_v1.json")).unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text_of(value).as_bytes()).unwrap()
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn each<'v>(value: &'v Value, name: &str) -> &'v Vec<Value> {
    value[name].as_array().unwrap()
}

/// A host's private key of the vectors.
fn signing(vectors: &Value, key: usize) -> SigningKey {
    SigningKey::from_pkcs8(&hex(&vectors["keys"][key]["pkcs8_hex"])).unwrap()
}

fn request_of(fields: &Value) -> Request {
    Request {
        activation_code: Secret::new(text_of(&fields["activation_code"])),
        server_id: text_of(&fields["server_id"]).into(),
        server_name: text_of(&fields["server_name"]).into(),
        product_version: fields["product_version"].as_str().map(|version| version.parse().unwrap()),
        nonce: text_of(&fields["nonce"]).parse().unwrap(),
        client_time: text_of(&fields["client_time"]).parse().unwrap(),
    }
}

#[test]
fn keys() {
    let vectors = vectors();
    for (index, key) in each(&vectors, "keys").iter().enumerate() {
        let public = signing(&vectors, index).public();
        assert_eq!(public.to_string(), text_of(&key["x"]));
        assert_eq!(public.id().to_string(), text_of(&key["kid"]));
        assert_eq!(public.fingerprint(), text_of(&key["fingerprint"]));
    }
}

#[test]
fn the_client_makes_requests_and_the_host_reads_them() {
    let vectors = vectors();
    for vector in each(&vectors, "requests") {
        let request = request_of(&vector["fields"]);
        let json = text_of(&vector["json"]);
        assert_eq!(String::from_utf8(request.to_json()).unwrap(), json);
        assert_eq!(Request::from_json(json.as_bytes()).unwrap(), request);
        assert_eq!(text::of_request(&request), text_of(&vector["text"]));
        assert_eq!(text::payload(Carries::Request, json.as_bytes()), text_of(&vector["payload"]));
        assert_eq!(text::read(text_of(&vector["text"]), Carries::Request).unwrap(), json.as_bytes());
        let digest = data_encoding::HEXLOWER.encode(&code_digest(&request.activation_code));
        assert_eq!(digest, text_of(&vector["code_sha256"]));
    }
    for vector in each(&vectors, "declined_requests") {
        assert!(Request::from_json(text_of(&vector["json"]).as_bytes()).is_err(), "{vector}");
    }
}

#[test]
fn the_host_makes_answers_and_the_client_takes_them() {
    let vectors = vectors();
    let pinned = PinnedKeys::new([signing(&vectors, 0).public()]);
    for vector in each(&vectors, "answers") {
        let claims: Claims = serde_json::from_value(vector["claims"].clone()).unwrap();
        let token = text_of(&vector["token"]);
        assert_eq!(signing(&vectors, 0).sign(&claims).unwrap(), token);
        let expected = Expectation::new(claims.nonce, &claims.server_id, claims.iat);
        assert_eq!(verify(token, &pinned, &expected).unwrap(), claims);
        assert_eq!(text::payload(Carries::Answer, token.as_bytes()), text_of(&vector["payload"]));
        assert_eq!(text::read_token(text_of(&vector["payload"])).unwrap(), token);
    }
}

#[test]
fn the_client_refuses_by_name() {
    let vectors = vectors();
    let pinned = PinnedKeys::new([signing(&vectors, 0).public()]);
    assert!(each(&vectors, "refused_answers").len() >= 20);
    for vector in each(&vectors, "refused_answers") {
        let spent: Vec<Nonce> =
            each(vector, "spent").iter().map(|nonce| text_of(nonce).parse().unwrap()).collect();
        let now: Timestamp = text_of(&vector["now"]).parse().unwrap();
        let nonce = text_of(&vector["nonce"]).parse().unwrap();
        let expected =
            Expectation { spent: &spent, ..Expectation::new(nonce, text_of(&vector["server_id"]), now) };
        let refusal = verify(text_of(&vector["token"]), &pinned, &expected).unwrap_err();
        assert_eq!(refusal.name(), text_of(&vector["refusal"]), "{vector}");
    }
}

#[test]
fn texts_on_their_way() {
    let vectors = vectors();
    for vector in each(&vectors, "texts") {
        let read = text::read_token(text_of(&vector["text"]));
        match vector["token"].as_str() {
            Some(token) => assert_eq!(read.unwrap(), token, "{vector}"),
            None => assert_eq!(read.unwrap_err().name(), text_of(&vector["refusal"]), "{vector}"),
        }
    }
}

#[test]
fn a_new_key_is_vouched_for() {
    let vectors = vectors();
    let published = KeySet::from_json(vectors["published_keys"].to_string().as_bytes()).unwrap();
    let old = signing(&vectors, 0).public();
    let new: Vec<PublicKey> = PinnedKeys::new([old]).vouched_for(&published);
    assert_eq!(new, [signing(&vectors, 1).public()]);
    assert_eq!(PinnedKeys::new([signing(&vectors, 2).public()]).vouched_for(&published), []);
}
