"""What the tests of manual validation share: a small world of licenses, what the page of a license host answers, and an
answer that was tampered with on its way."""

import base64
import hashlib
import json
import re
import ssl
import urllib.request

CODE = "AAAA-1111-SECRET"
LICENSES = f"""[[license]]
activation_code = "{CODE}"
server_id = "id-0001"
name = "PROD-01"
kind = "subscription"
edition = "Pro"
maintenance_until = 2027-01-31
"""
SETTINGS = f"""[[server]]
name = "DEV-01"
maintenance_until = 2027-06-30

[[server]]
name = "PROD-01"
server_id = "id-0001"
activation_code = "{CODE}"
"""
# Crockford's base 32, as the protocol writes it, and the usual one.
DIGITS, USUAL = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
PATIENCE = 60


def answer_of(address, root, request):
    """What the page of the license host shows, without scripts."""
    part = 'Content-Disposition: form-data; name="request"'
    form = f"--x\r\n{part}\r\n\r\n{request}\r\n--x--\r\n".encode()
    asked = urllib.request.Request(
        f"https://{address}/offline", form, {"Content-Type": "multipart/form-data; boundary=x"}
    )
    context = ssl.create_default_context(cafile=root)
    page = urllib.request.urlopen(asked, context=context, timeout=PATIENCE).read().decode()
    return re.search(r"-----BEGIN VISUALCRON-TRAY VALIDATION ANSWER.*?ANSWER-----", page, re.DOTALL)[0]


def base32(data):
    return base64.b32encode(data).decode().rstrip("=").translate(str.maketrans(USUAL, DIGITS))


def forged(answer):
    """The same answer with a later date, signed by nobody: its check sum fits."""
    digits = re.sub(r"\s", "", re.search(r"VCTA1:([\s0-9A-Z]+):", answer)[1]).translate(str.maketrans(DIGITS, USUAL))
    header, claims, signature = base64.b32decode(digits + "=" * (-len(digits) % 8)).decode().split(".")
    claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    claims["maintenance_until"] = "2037-01-31"
    claims = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    token = f"{header}.{claims}.{signature}".encode()
    return f"VCTA1:{base32(token)}:{base32(hashlib.sha256(token).digest()[:5])}"


def mistyped(answer):
    """One character of it is another."""
    at = answer.index("VCTA1:") + 40
    while answer[at] not in DIGITS:
        at += 1
    return answer[:at] + ("B" if answer[at] == "A" else "A") + answer[at + 1 :]
