"""The validation window for real, against a license host of our own over TLS: its key is trusted after a look at the
fingerprint, a request goes out, the host's page answers it, the answer comes back by the clipboard, mistyped, forged, and
as it is; by keys alone. Then the same by commands, from clipboard to clipboard."""

import glob
import os
import re
import subprocess

from desk import Box
from license_answers import LICENSES, SETTINGS, answer_of, forged, mistyped


def run(desk):
    desk.write("licenses.toml", LICENSES)
    tray = os.path.join(desk.programs_dir, "visualcron-tray")
    keys = desk.path("keys")
    subprocess.run([tray, "license-host", "key", "new", "--keys", keys], check=True, capture_output=True)
    host = desk.start("visualcron-tray", "license-host", "--listen", "127.0.0.1:0", "--licenses",
                      desk.path("licenses.toml"), "--keys", keys, "--self-signed", "--audit", desk.path("audit"))
    host.wait_for_output("/offline")
    address = re.search(r"https://(\S+)", host.output()).group(1)
    root = glob.glob(desk.path("keys", "*.crt.pem"))[0]
    fingerprint = re.search(r"Key: (.+)", host.output()).group(1)
    own_host = f'[license_host]\nhost = "{address}"\nca_file = "{root}"\nproxy = "direct"\n\n'
    desk.write(".config/visualcron-tray/settings.toml", own_host + SETTINGS)

    window = desk.start("visualcron-tray", "window", "validation")
    box = desk.wait_for("the window", lambda: desk.windows("visualcron-tray"))[0]
    desk.expect("Manual validation", "PROD-01", "Never validated here", "Make the request", within=box)
    # The key of the host, by the settings' way to it; not trusted before it was compared.
    desk.key("alt+k")
    desk.expect(" ".join(fingerprint.split()[:3]), "I have compared it", within=box)
    desk.shot("validation-window-key", box)
    desk.key("alt+t", "alt+i", "alt+t")
    desk.find_text("is trusted", box)
    desk.shot("validation-window-key-trusted", box)
    listed = subprocess.run([tray, "license-host", "trust", "--list"], capture_output=True, text=True, check=True).stdout
    assert fingerprint in listed and address in listed, listed
    # From the first server, which has the focus again, to the second, and its request.
    desk.key("Down", "alt+m")
    desk.find_text("VALIDATION REQUEST", box)
    desk.key("alt+s")
    desk.find_text("Saved", box)
    saved = glob.glob(desk.path("**", "Validation request PROD-01.txt"), recursive=True)
    assert len(saved) == 1, saved
    with open(saved[0], encoding="utf-8") as file:
        request = file.read()
    desk.key("alt+c")
    desk.find_text("Copied", box)
    assert desk.copied() == request, "what is copied is what is saved"
    desk.key("alt+q")
    desk.shot("validation-window-code", box)
    desk.key("alt+q")

    answer = answer_of(address, root, request)
    desk.copy(mistyped(answer))
    desk.key("alt+p")
    desk.find_text("Mistyped", box)
    desk.shot("validation-window-mistyped", box)

    desk.copy(forged(answer))
    desk.key("alt+p")
    desk.find_text("Not genuine", box)
    desk.shot("validation-window-forged", box)

    # As it came, quoted by a mail program, and pasted into the field by keys.
    desk.copy("".join(f"> {line}\n" for line in answer.splitlines()))
    desk.key("alt+a", "ctrl+a", "ctrl+v", "alt+h")
    desk.find_text("PROD-01 is validated", box)
    desk.expect("Subscription until 2027-01-31", within=box)
    # For the README, without the frame of this desktop: xdotool counts it twice, so the box is off by it.
    desk.shot("validation-window-accepted", Box(box.left - 1, box.top - 20, box.right - 1, box.bottom + 2))

    # The same a second time.
    desk.copy(answer)
    desk.key("alt+p")
    desk.find_text("Used before", box)

    # A second start ends at once.
    second = desk.start("visualcron-tray", "window", "validation")
    assert second.wait_for_exit() == 0, second.output()
    desk.key("Escape")
    assert window.wait_for_exit() == 0, window.output()
    desk.wait_for("the window to go", lambda: not desk.windows("visualcron-tray"))
    status = subprocess.run([tray, "validate", "status"], capture_output=True, text=True, check=True).stdout
    assert "PROD-01 (id-0001): Validated" in status, status

    # The same by commands: what is copied goes to the host, what it answers comes back from the clipboard.
    def validate(*arguments):
        done = subprocess.run([tray, "validate", *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
    desk.copy(validate("export", "PROD-01"))
    assert "waits for its answer until" in validate("status")
    desk.copy(answer_of(address, root, desk.copied()))
    assert "PROD-01: valid" in validate("import", "--clipboard")
    again = subprocess.run([tray, "validate", "import", "--clipboard"], capture_output=True, text=True)
    assert again.returncode == 65 and "answered before" in again.stderr, again.stderr

    # By night, at 200 %: the vendor's own way.
    dark = desk.start("visualcron-tray", "window", "validation", GTK_THEME="Adwaita:dark", WINIT_X11_SCALE_FACTOR="2")
    box = desk.wait_for("the window", lambda: desk.windows("visualcron-tray"))[0]
    desk.find_text("Manual validation", box)
    desk.key("alt+v")
    desk.find_text("Three steps", box)
    desk.shot("validation-window-vendor-dark-200", box)
    desk.key("Tab", "Return")
    assert "OfflineValidation.aspx" in desk.wait_for_opened(), desk.opened()
    desk.key("alt+F4")
    assert dark.wait_for_exit() == 0, dark.output()
