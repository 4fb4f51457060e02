#!/usr/bin/env python3
"""Makes license_host_v1.json from docs/license-host.md alone: with Ed25519, SHA-256, JSON and base 32 of its own, so that
it is a second implementation to compare with. Needs the package `cryptography`.

    python3 tests/vectors/make.py > tests/vectors/license_host_v1.json
"""

import base64
import hashlib
import hmac
import json
from datetime import datetime, timezone

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NOW = 1795510800  # 2026-11-24T09:00:00Z


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def base32(data):
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return "".join(CROCKFORD[int(bits[at : at + 5], 2)] for at in range(0, len(bits), 5))


def payload(kind, content):
    return f"VCT{kind}1:{base32(content)}:{base32(hashlib.sha256(content).digest()[:5])}"


def framed(title, lines, whole):
    head, body, check = whole.split(":")
    groups = [head + ":"] + [body[at : at + 5] for at in range(0, len(body), 5)] + [":" + check]
    rows = [" ".join(groups[at : at + 12]) for at in range(0, len(groups), 12)]
    frame = f"VISUALCRON-TRAY VALIDATION {title}-----"
    return "\n".join([f"-----BEGIN {frame}", *lines, "", *rows, f"-----END {frame}", ""])


def time(at):
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Key:
    def __init__(self, seed):
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.pkcs8 = bytes.fromhex("302e020100300506032b657004220420") + bytes([seed]) * 32
        self.digest = hashlib.sha256(self.public).hexdigest()
        self.id = self.digest[:16]

    def shown(self):
        groups = " ".join(self.digest[at : at + 4] for at in range(0, 64, 4))
        return {"pkcs8_hex": self.pkcs8.hex(), "x": b64(self.public), "kid": self.id, "fingerprint": groups}

    def token(self, claims, header=None, typ="vct-answer+jwt"):
        header = header or {"typ": typ, "alg": "EdDSA", "kid": self.id}
        message = f"{b64(compact(header))}.{b64(compact(claims))}"
        return f"{message}.{b64(self.private.sign(message.encode()))}"


def main():
    one, two, three = Key(1), Key(2), Key(3)
    fields = {
        "activation_code": "ABCD-EFGH-1234",
        "server_id": "id-0001",
        "server_name": "PROD-01",
        "product_version": "13.2.2",
        "nonce": "000102030405060708090a0b0c0d0e0f",
        "client_time": time(NOW),
    }
    requests = []
    for fields_of in (fields, {**fields, "server_name": "Büro: München", "product_version": None}):
        content = compact({"protocol": 1, **fields_of})
        whole = payload("R", content)
        lines = [
            "Server: " + fields_of["server_name"].replace(":", " "),
            "Server id: id-0001",
            "Version: " + (fields_of["product_version"] or "unknown"),
            "Made at: 2026-11-24 09:00 UTC",
            "Holds: the activation code: give it to your license host only",
        ]
        code = hashlib.sha256(b"ABCDEFGH1234").hexdigest()
        text = framed("REQUEST", lines, whole)
        requests.append(
            {"fields": fields_of, "json": content.decode(), "payload": whole, "text": text, "code_sha256": code}
        )
    good = compact({"protocol": 1, **fields}).decode()
    declined = [
        ("another protocol", good.replace('"protocol":1', '"protocol":2')),
        ("a field too many", good.replace('"protocol":1', '"protocol":1,"more":1')),
        ("a field twice", good.replace('"protocol":1', '"protocol":1,"protocol":1')),
        ("a field missing", good.replace('"server_id":"id-0001",', "")),
        ("an empty code", good.replace("ABCD-EFGH-1234", "")),
        ("capitals in the nonce", good.replace("0a0b", "0A0B")),
        ("a control character", good.replace("PROD-01", "PROD\\u001b01")),
        ("too long", good.replace("PROD-01", "x" * 201)),
    ]
    valid = {
        "protocol": 1,
        "nonce": fields["nonce"],
        "server_id": "id-0001",
        "verdict": "valid",
        "kind": "subscription",
        "edition": "Pro",
        "maintenance_until": "2027-01-31",
        "newest_covered": "13.2.2",
        "validate_next": time(NOW + 30 * 86400),
        "validate_by": time(NOW + 44 * 86400),
        "iat": NOW,
        "exp": NOW + 900,
    }
    bare = {**valid, "kind": None, "edition": None, "maintenance_until": None, "newest_covered": None}
    answers = []
    for claims in (valid, *({**bare, "verdict": verdict} for verdict in ("unknown_code", "revoked", "wrong_server"))):
        token = one.token(claims)
        answers.append({"claims": claims, "token": token, "payload": payload("A", token.encode())})
    token = answers[0]["token"]
    header, body, signature = token.split(".")
    head = {"typ": "vct-answer+jwt", "alg": "EdDSA", "kid": one.id}
    hs = f"{b64(compact({**head, 'alg': 'HS256'}))}.{body}"
    hs256 = f"{hs}.{b64(hmac.new(one.public, hs.encode(), hashlib.sha256).digest())}"
    endorsement = {"protocol": 1, "x": b64(two.public), "iat": NOW}

    def refused(name, token, **changed):
        expected = {"nonce": fields["nonce"], "server_id": "id-0001", "now": time(NOW), "spent": []}
        return {"refusal": name, "token": token, **expected, **changed}

    refused_answers = [
        refused("unsigned", f"{b64(compact({**head, 'alg': 'none'}))}.{body}."),
        refused("other_algorithm", hs256),
        refused("other_algorithm", one.token(valid, {**head, "alg": "ES256"})),
        refused("brings_its_own_key", one.token(valid, {**head, "jwk": {"kty": "OKP"}})),
        refused("brings_its_own_key", one.token(valid, {**head, "jku": "https://evil.example"})),
        refused("unknown_critical", one.token(valid, {**head, "crit": ["exp"]})),
        refused("extra_parameter", one.token(valid, {**head, "cty": "x"})),
        refused("other_type", one.token(endorsement, typ="vct-key+jwt")),
        refused("other_type", one.token(valid, typ="JWT")),
        refused("unknown_key", three.token(valid)),
        refused("bad_signature", three.token(valid, head)),
        refused("bad_signature", f"{header}.{b64(compact({**valid, 'maintenance_until': '2099-01-31'}))}.{signature}"),
        refused("extra_claim", one.token({**valid, "more": 1})),
        refused("malformed", one.token({key: value for key, value in valid.items() if key != "exp"})),
        refused("malformed", one.token({**valid, "exp": "never"})),
        refused("malformed", token + "="),
        refused("malformed", token + "." + signature),
        refused("other_protocol", one.token({**valid, "protocol": 2})),
        refused("contradictory", one.token({**valid, "maintenance_until": None})),
        refused("contradictory", one.token({**valid, "verdict": "revoked"})),
        refused("contradictory", one.token({**valid, "exp": NOW})),
        refused("too_long_lived", one.token({**valid, "exp": NOW + 32 * 86400})),
        refused("oversized", token + "A" * 8192),
        refused("truncated", token[:-1]),
        refused("truncated", header),
        refused("expired", token, now=time(NOW + 900 + 301)),
        refused("from_the_future", token, now=time(NOW - 301)),
        refused("replayed", token, spent=[fields["nonce"]]),
        refused("other_nonce", token, nonce="ff" * 16),
        refused("other_server", token, server_id="id-0002"),
    ]
    whole = answers[0]["payload"]
    request = requests[0]["payload"]
    wrapped = "\r\n".join("> " + whole[at : at + 30] for at in range(0, len(whole), 30))
    wrong = whole[:50] + ("Z" if whole[50] != "Z" else "Y") + whole[51:]
    texts = [
        {"what": "wrapped and quoted", "text": wrapped, "token": token},
        {"what": "in small letters", "text": whole.lower(), "token": token},
        {"what": "O for 0, l for 1", "text": whole[:6] + whole[6:].replace("0", "O").replace("1", "l"), "token": token},
        {"what": "no-break spaces", "text": "\ufeff" + whole.replace("A", "A\u00a0"), "token": token},
        {"what": "the bare token", "text": token, "token": token},
        {"what": "one character wrong", "text": wrong, "refusal": "mistyped"},
        {"what": "cut off", "text": whole[:-3], "refusal": "cut_off"},
        {"what": "the request", "text": request, "refusal": "other_kind"},
        {"what": "a later version", "text": whole.replace("VCTA1", "VCTA2"), "refusal": "later_version"},
        {"what": "something else", "text": "Hello", "refusal": "nothing_found"},
    ]
    jwk = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig"}
    endorsed = [one.token(endorsement, typ="vct-key+jwt")]
    published = {
        "protocol": 1,
        "keys": [
            {**jwk, "kid": two.id, "x": b64(two.public), "endorsed_by": endorsed},
            {**jwk, "kid": one.id, "x": b64(one.public)},
        ],
    }
    vectors = {
        "about": "Test vectors of docs/license-host.md, made by tests/vectors/make.py. The keys are not secret.",
        "keys": [key.shown() for key in (one, two, three)],
        "requests": requests,
        "declined_requests": [{"what": what, "json": text} for what, text in declined],
        "answers": answers,
        "refused_answers": refused_answers,
        "texts": texts,
        "published_keys": published,
    }
    print(json.dumps(vectors, indent=1, ensure_ascii=False))


main()
