#!/usr/bin/env python3
r"""License host, validation, diagnosis, proxy and their windows under Wine, as a user has them: real programs over real
TLS, and windows by keys alone.

    tests/windows/license.py [PROGRAM [STEP…]]     default: dist/visualcron-tray.exe, made by scripts/windows/build.sh

Pictures of the windows go to target/windows/window-*.png. What a window does is held against files, the clipboard and
the command line, not against its looks. Wine's quirks that show here are named where they are met.
"""

import base64
import json
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

import prefix
from prefix import FOLDERS, OUT, PATIENCE, PROGRAM, ROOT, begin, check, compiled, gives, in_wine, on_disk, processes, same, wait_for, wine
from screen import keys, picture, run, screen, windows

sys.path.append(str(ROOT / "tests/support"))
from license_answers import CODE, LICENSES, SETTINGS, answer_of, forged, mistyped

INTERNET = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Internet Settings"


def ask(*words, **options):
    """Asks the program, which never shows an activation code."""
    text, said, code = prefix.ask(*words, **options)
    check(CODE not in text + said, f"{words} shows the activation code")
    return text, said, code


def start(name, *words):
    """Starts our program and leaves it running; what it says goes to a file."""
    path = OUT / f"license-{name}.txt"
    with open(path, "w") as said:
        return begin(PROGRAM, *FOLDERS, *words, said=said), path


def fresh():
    """Settings as in the beginning, and nothing validated yet."""
    folder = on_disk(r"C:\data")
    folder.mkdir(exist_ok=True)
    (folder / "settings.toml").write_text(SETTINGS)
    for name in ("validations.json", "trusted-keys.json"):
        (folder / name).unlink(missing_ok=True)


def made(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=OUT / "authority")


def authority():
    """A company's authority, with a list of what it has revoked: Wine trusts no certificate without one. Its root is
    among the machine's, where an administrator puts it."""
    folder = OUT / "authority"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "index.txt").write_text("")
    (folder / "ca.cnf").write_text("[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=30\n")
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    made("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=A company",
         "-addext", "basicConstraints=critical,CA:true", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    made("ca", "-gencrl", "-config", "ca.cnf", "-keyfile", "ca.key", "-cert", "ca.pem", "-out", "crl.pem")
    made("crl", "-in", "crl.pem", "-outform", "DER", "-out", "root.crl")
    revoked = (folder / "root.crl").read_bytes()

    def serve(door, guest):
        door.seen.append(head_of(guest))
        guest.sendall(f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(revoked)}\r\n\r\n".encode() + revoked)
        guest.close()

    (folder / "host.ext").write_text(
        "subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:false\nkeyUsage=digitalSignature\n"
        f"extendedKeyUsage=serverAuth\ncrlDistributionPoints=URI:http://{Door(serve).address}/root.crl\n"
    )
    made("req", "-new", *new, "-keyout", "host.key", "-out", "host.csr", "-subj", "/CN=localhost")
    made("x509", "-req", "-in", "host.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
         "-extfile", "host.ext", "-out", "host.pem")
    (folder / "ca.der").write_bytes(ssl.PEM_cert_to_DER_cert((folder / "ca.pem").read_text()))
    wine(OUT / "root.exe", in_wine(folder / "ca.der"))


class Host:
    """The license host, as a program under Wine."""

    def __init__(self):
        fresh()
        on_disk(r"C:\licenses.toml").write_text(LICENSES)
        shutil.rmtree(on_disk(r"C:\keys"), ignore_errors=True)
        ask("license-host", "key", "new", "--keys", r"C:\keys")
        self.root = OUT / "authority/ca.pem"
        words = ["--listen", "127.0.0.1:0", "--licenses", r"C:\licenses.toml", "--keys", r"C:\keys"]
        words += ["--tls-cert", in_wine(OUT / "authority/host.pem"), "--tls-key", in_wine(OUT / "authority/host.key")]
        self.process, log = start("host", "license-host", *words, "--audit", r"C:\audit.jsonl")
        wait_for("the license host", lambda: "/offline" in log.read_text() or self.process.poll() is not None)
        told = log.read_text()
        check("/offline" in told, told)
        # By name: Wine holds no certificate for one of an address.
        self.address = "localhost:" + re.search(r"https://\S+:(\d+)", told)[1]
        self.fingerprint = re.search(r"Key: (.+)", told)[1].strip()

    def trust(self):
        ask("license-host", "trust", self.address, "--fingerprint", self.fingerprint)

    def answer(self, request):
        return answer_of(self.address, self.root, request)

    def end(self):
        for pid in processes(PROGRAM.name):
            subprocess.run(["kill", str(pid)], check=False)
        wait_for("the end of the license host", lambda: self.process.poll() is not None)


def standing():
    """What the command line says of PROD-01: its standing, and how many requests wait."""
    licenses = json.loads(ask("validate", "status", "--json")[0])["licenses"]
    return [(license["server_id"], license["validation"]["standing"], license["waiting"]) for license in licenses]


def copy(text):
    (OUT / "copied.txt").write_text(text)
    wine(OUT / "clipboard.exe", "set", in_wine(OUT / "copied.txt"))


def copied():
    return wine(OUT / "clipboard.exe", "get", expect=None)[0]


def online():
    """Trust, validate, and what is said where it goes wrong."""
    host = Host()
    _, said, _ = ask("validate", expect=64)
    check("no license host's key is trusted yet" in said, said)
    _, said, _ = ask("license-host", "trust", host.address, "--fingerprint", "0000", expect=77)
    check("Do not trust it" in said, said)
    host.trust()
    text, _, _ = ask("license-host", "trust", "--list")
    check(host.address in text and host.fingerprint in text, text)
    text, said, code = ask("validate", "PROD-01")
    check("valid. Subscription until 2027-01-31" in text, text + said)
    same(standing(), [("id-0001", "valid", 0)], "where it stands")
    text, _, _ = ask("validate", "DEV-01", expect=78)
    check("its server id is not known here" in text and "settings set server.DEV-01.server_id" in text, text)
    text, said, code = ask("validate", "PROD-01", "--host", "127.0.0.1:9", expect=69)
    check("The license host cannot be reached" in text and "127.0.0.1:9" in text, text)
    same(standing(), [("id-0001", "valid", 0)], "where it stands after that")
    audit = on_disk(r"C:\audit.jsonl").read_text()
    check('"verdict":"valid"' in audit and CODE not in audit, audit)
    host.end()


def by_hand():
    """A request goes out as a file, the host's page answers it, the answer comes back by file and by clipboard."""
    host = Host()
    host.trust()
    _, said, _ = ask("validate", "export", "PROD-01", "--output", r"C:\request.txt", "--qr", r"C:\request.svg")
    check("/offline answers it" in said, said)
    check(on_disk(r"C:\request.svg").read_text().startswith("<?xml") or "<svg" in on_disk(r"C:\request.svg").read_text(), "SVG")
    same(standing(), [("id-0001", "unknown", 1)], "where it stands with a request")
    answer = host.answer(on_disk(r"C:\request.txt").read_text())
    on_disk(r"C:\answer.txt").write_text(mistyped(answer))
    _, said, _ = ask("validate", "import", r"C:\answer.txt", expect=None)
    check("istyped" in said or "check sum" in said, said)
    on_disk(r"C:\answer.txt").write_text(forged(answer))
    _, said, _ = ask("validate", "import", r"C:\answer.txt", expect=65)
    check("genuine" in said or "signature" in said, said)
    same(standing(), [("id-0001", "unknown", 1)], "where it stands after both")
    # As Notepad saves it: UTF-16 with a byte order mark, lines as Windows ends them.
    on_disk(r"C:\answer.txt").write_bytes(answer.replace("\n", "\r\n").encode("utf-16"))
    text, _, _ = ask("validate", "import", r"C:\answer.txt")
    check("valid. Subscription until 2027-01-31" in text, text)
    same(standing(), [("id-0001", "valid", 0)], "where it stands")
    _, said, _ = ask("validate", "import", r"C:\answer.txt", expect=None)
    check("used before" in said.lower() or "answered" in said.lower(), said)
    # Another one, by the clipboard.
    ask("validate", "export", "PROD-01", "--output", r"C:\request.txt")
    copy(host.answer(on_disk(r"C:\request.txt").read_text()).replace("\n", "\r\n"))
    text, _, _ = ask("validate", "import", "--clipboard")
    check("valid. Subscription until 2027-01-31" in text, text)
    host.end()


class Door:
    """Something that listens, and takes each guest by `serve`."""

    def __init__(self, serve):
        self.door = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.door.getsockname()[1]
        self.seen = []

        def take():
            while True:
                guest, _ = self.door.accept()
                threading.Thread(target=serve, args=(self, guest), daemon=True).start()

        threading.Thread(target=take, daemon=True).start()


def head_of(guest):
    head = b""
    while b"\r\n\r\n" not in head:
        more = guest.recv(4096)
        if not more:
            break
        head += more
    return head.decode(errors="replace")


def proxy(door, guest):
    """A proxy that lets everybody through, and remembers whereto."""
    asked = head_of(guest).split()
    door.seen.append(asked[1])
    host, _, port = asked[1].rpartition(":")
    beyond = socket.create_connection((host, int(port)))
    guest.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    threading.Thread(target=pump, args=(beyond, guest), daemon=True).start()
    pump(guest, beyond)


def script(text):
    """A web server with one PAC script."""

    def serve(door, guest):
        door.seen.append(head_of(guest).split()[1])
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ns-proxy-autoconfig\r\nConnection: close\r\n"
        guest.sendall(f"{head}Content-Length: {len(text)}\r\n\r\n{text}".encode())
        guest.close()

    return Door(serve)


def internet_settings(detects=False, pac="", named="", exceptions=""):
    """The user's Internet settings, as the Control Panel keeps them."""
    flags = 1 | bool(named) << 1 | bool(pac) << 2 | bool(detects) << 3
    texts = [text.encode() for text in (named, exceptions, pac)]
    value = struct.pack("<III", 0x46, 1, flags) + b"".join(struct.pack("<I", len(text)) + text for text in texts)
    wine("reg", "add", rf"{INTERNET}\Connections", "/v", "DefaultConnectionSettings", "/t", "REG_BINARY", "/d", value.hex(), "/f")


def diagnosed(host):
    text, said, code = ask("diagnose", host, "--json", expect=None)
    check(code in (0, 1, 2), f"diagnose {host} gave {code}: {said}")
    return json.loads(text)


def proxies():
    """Scripts (PAC) and proxies that the user's Internet settings name, followed by Windows itself."""
    host = Host()
    host.trust()
    through = Door(proxy)
    pac = script(
        "function FindProxyForURL(url, host) {\n"
        f"  if (host == 'localhost') return 'PROXY {through.address}';\n  return 'DIRECT';\n}}\n"
    )
    place = f"http://{pac.address}/proxy.pac"
    internet_settings(pac=place)
    ask("validate", "PROD-01")
    same(through.seen, [host.address], "what went through the proxy of the script")
    check(pac.seen == ["/proxy.pac"], pac.seen)
    report = json.dumps(diagnosed(host.address))
    check(f"the PAC script {place}" in report and through.address in report, report)
    # One that is not there: said, the straight way is tried, and nobody waits for long.
    internet_settings(pac="http://127.0.0.1:9/proxy.pac")
    begun = time.monotonic()
    report = json.dumps(diagnosed(host.address))
    check("script-not-followed" in report and "cannot be fetched" in report, report)
    check(time.monotonic() - begun < 20, "a script that is not there was waited for")
    # One that is never answered.
    silent = Door(lambda door, guest: time.sleep(PATIENCE))
    internet_settings(pac=f"http://{silent.address}/proxy.pac")
    begun = time.monotonic()
    report = json.dumps(diagnosed(host.address))
    check("script-not-followed" in report, report)
    check(time.monotonic() - begun < 25, "a script that never comes was waited for")
    # Found by itself (WPAD): there is none here, which is no fault.
    internet_settings(detects=True)
    report = json.dumps(diagnosed(host.address))
    check("script-not-followed" not in report, report)
    # A proxy that is named, but not for this host.
    internet_settings(named=through.address, exceptions="local*;10.*")
    seen = len(through.seen)
    report = json.dumps(diagnosed(host.address))
    check("local* in the exceptions of the Internet settings" in report, report)
    same(len(through.seen), seen, "what went through a proxy that is not for this host")
    internet_settings()
    host.end()


def password():
    """The proxy's password, in the Credential Manager."""
    fresh()
    _, said, _ = ask("settings", "proxy-password", "set", expect=78, typed="x\n")
    check("proxy_user is not set" in said, said)
    ask("settings", "set", "license_host.proxy", "http://127.0.0.1:3128")
    ask("settings", "set", "license_host.proxy_user", "svc")
    same(json.loads(ask("settings", "proxy-password", "status", "--json")[0])["password"], "absent", "password")
    text, said, _ = ask("settings", "proxy-password", "set", typed="geheim & lang\n")
    check("geheim" not in text + said, "the password is shown")
    text, said, _ = ask("settings", "proxy-password", "status")
    check("There is a password of svc" in text, text)
    written = on_disk(r"C:\data\settings.toml").read_text()
    check("geheim" not in written, written)
    # It goes to a proxy that asks for it by Basic, and to nobody else.
    wanted = base64.b64encode(b"svc:geheim & lang").decode()

    def serve(door, guest):
        head = head_of(guest)
        door.seen.append(head)
        is_in = f"Basic {wanted}" in head
        guest.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n" if is_in else
                      b"HTTP/1.1 407 Sign in\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n")
        guest.close()

    asks = Door(serve)
    ask("settings", "proxy-password", "remove")
    ask("settings", "set", "license_host.proxy", f"http://{asks.address}")
    ask("settings", "proxy-password", "set", typed="geheim & lang\n")
    report = diagnosed("licenses.example")
    check("geheim" not in json.dumps(report) and wanted not in json.dumps(report), "a report shows the password")
    same(report["conclusion"]["id"], "proxy-denies", "what the proxy says to the right password")
    check(wanted not in asks.seen[0] and wanted in asks.seen[-1], asks.seen)
    ask("settings", "proxy-password", "remove")
    same(json.loads(ask("settings", "proxy-password", "status", "--json")[0])["password"], "absent", "password")
    same(diagnosed("licenses.example")["conclusion"]["id"], "proxy-sign-in", "without a password")


class Window:
    """A window of ours."""

    def __init__(self, name, title):
        self.process, self.log = start(f"window-{name}", "window", name)
        self.name, self.title = name, title
        self.place = wait_for(f"the window {title}", self.find)
        # No window manager runs here: nobody else gives it the keys.
        number = next(number for number, window in windows().items() if window == self.place)
        run("xdotool", "windowfocus", str(int(number, 16)))
        time.sleep(0.5)

    def find(self):
        check(self.process.poll() is None, f"the window has ended: {self.log.read_text()}")
        return next((w for w in windows().values() if self.title in w[0] and w[4] > 400), None)

    def picture(self, what):
        time.sleep(0.5)
        picture(f"window-{self.name}-{what}")

    def ends(self):
        wait_for("the end of the window", lambda: self.process.poll() is not None)
        gives(self.process.returncode, 0, f"the window {self.name}:\n{self.log.read_text()}")


def documents(start):
    return [path for path in on_disk("C:\\users").glob(f"*/Documents/{start}*.txt")]


def validation_window():
    """By keys alone: a request goes out, the answer comes back mistyped, forged, and as it is."""
    host = Host()
    host.trust()
    window = Window("validation", "Manual validation")
    window.picture("begin")
    keys("Down", "alt+m")
    wait_for("the request", lambda: standing() == [("id-0001", "unknown", 1)])
    keys("alt+s")
    saved = wait_for("the saved request", lambda: documents("Validation request PROD-01"))
    request = saved[0].read_text()
    keys("alt+c")
    wait_for("the copied request", lambda: copied() == request.replace("\r", ""))
    window.picture("request")
    keys("alt+q")
    window.picture("code")
    keys("alt+q")
    answer = host.answer(request)
    for name, text in (("mistyped", mistyped(answer)), ("forged", forged(answer))):
        copy(text)
        keys("alt+p")
        window.picture(name)
        same(standing(), [("id-0001", "unknown", 1)], f"where it stands after a {name} answer")
    copy(answer.replace("\n", "\r\n"))
    keys("alt+p")
    wait_for("the answer to be taken", lambda: standing() == [("id-0001", "valid", 0)])
    window.picture("accepted")
    # A second start ends at once.
    ask("window", "validation")
    keys("Escape")
    window.ends()
    host.end()


def connection_window():
    """A host that refuses, and the license host; the text for the network team saved."""
    host = Host()
    on_disk(r"C:\data\settings.toml").write_text('[license_host]\nhost = "127.0.0.1:9"\nproxy = "direct"\n')
    window = Window("connection", "Check connection")
    window.picture("begin")
    keys("alt+s")
    saved = wait_for("the saved text", lambda: keys("alt+s") or documents("Connection to 127.0.0.1"))
    text = saved[0].read_text()
    check("127.0.0.1" in text and "TCP 9" in text, text)
    window.picture("refused")
    keys("alt+h", "ctrl+a")
    run("xdotool", "type", "--delay", "30", host.address)
    keys("Return")
    # Copied again and again until it is the text about this one.
    wait_for("the copied text", lambda: keys("alt+p") or host.address in copied())
    window.picture("license-host")
    keys("Escape")
    window.ends()
    host.end()


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    compiled("clipboard")
    compiled("root", "-lcrypt32")
    prefix.run(authority, online, by_hand, proxies, password, validation_window, connection_window, around=screen())
