#!/usr/bin/env python3
r"""Drives the real tray under Wine on a screen of its own, with mouse and keys, as a user would.

    tests/windows/tray.py [PROGRAM [STEP…]]      default: dist/visualcron-tray.exe, made by scripts/windows/build.sh

Pictures of each step go to target/windows/*.png. IDLE_SECONDS (20) is how long the idle tray is looked at. Wine's quirks that show here:
- the icon lives in the window "Wine System Tray", for there is no taskbar;
- Shell_NotifyIconGetRect is not implemented, as if the icon were in a hidden overflow;
- there are no toasts, so notices come as balloons, and a click on one is not told to the program: the test says it;
- what a user has registered in HKCU\Software\Classes is not seen by the shell: the test copies it to HKLM;
- a fresh prefix needs some seconds before its first window.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import prefix as in_prefix
from screen import (
    ENV, OUT, PATIENCE, QUIET, ROOT, TOLD, WINE, compiled, keys, picture, processes, run, screen, wait_for, windows, work_of,
)

IDLE_SECONDS = float(os.environ.get("IDLE_SECONDS", "20"))
FOLDERS = ["--data-dir", "C:\\tray", "--config", "C:\\tray\\settings.toml", "--visualcron-dir", "C:\\vc"]
TRAY_MESSAGE = 6002
BALLOON_CLICKED = 0x405
WM_CLOSE = 0x10


def tray_window():
    return next((w for w in windows().values() if w[0] == "Wine System Tray"), None)


def menus():
    """The menu and its open submenus."""
    return {n: w for n, w in windows().items() if w[1].startswith("visualcron-tray") and w[4] > 60}


def balloon():
    return next((w for w in windows().values() if w[1] == "explorer.exe" and not w[0] and w[4] > 200), None)


def folder_window():
    return next((w for w in windows().values() if w[1] == "explorer.exe" and w[5] > 300), None)


def icon():
    """The icon's pixels."""
    _, _, x, y, _, _ = tray_window()
    return run("convert", "x:root[20x20+%d+%d]" % (x, y), "-depth", "8", "txt:-")


def click(button, x, y):
    # From elsewhere, so that a window that is new under the pointer notices it.
    run("xdotool", "mousemove", "900", "700", "sleep", "0.2", "mousemove", str(x), str(y), "sleep", "0.2", "click", str(button))


def post(*words, window="tray_icon_app"):
    """A message to the tray's window, or one of another class, as the shell sends it."""
    command = [WINE, OUT / "post.exe", window, *map(str, words)]
    subprocess.run(command, env=ENV, check=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)


def open_menu(name):
    def ask():
        tray = wait_for("the icon", tray_window)
        click(3, tray[2] + 10, tray[3] + 10)
        end = time.monotonic() + 5
        while not menus() and time.monotonic() < end:
            time.sleep(0.1)
        return menus()

    # Wine misses a click now and then on an icon that was made anew.
    wait_for("the menu", ask)
    time.sleep(0.3)
    picture(name)


class Demo:
    """The tray in a demo world."""

    def __init__(self, program):
        self.log = OUT / "demo.txt"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [WINE, program, "demo"], stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=ENV, start_new_session=True
            )
        told = wait_for("the demo's words", lambda: re.search(r"servers, in C:(\S+)\.", self.log.read_text()))
        self.folder = PREFIX / "drive_c" / told[1].strip("\\").replace("\\", "/")

    def path_log(self):
        log = self.folder / "data/log/visualcron-tray.log"
        return log.read_text() if log.exists() else ""

    def wait_for_end(self):
        wait_for("the end of the program", lambda: self.process.poll() is not None)
        wait_for("the icon to go", lambda: not tray_window())
        assert not self.folder.exists(), f"left behind: {[str(path) for path in self.folder.rglob('*')]}"
        return self.process.returncode


def whole_visit(program):
    demo = Demo(program)
    wait_for("the icon", tray_window)
    # One license of the demo world expires soon, and some have: the notice comes at once.
    wait_for("the balloon", balloon)
    time.sleep(0.3)
    picture("balloon")
    expired = icon()
    assert "toast" not in demo.path_log(), "a demo registers nothing, so it cannot have toasts"
    # NIN_BALLOONUSERCLICK, which Wine does not send.
    post(TRAY_MESSAGE, 0, BALLOON_CLICKED)
    wait_for("the page with the details", lambda: "details" in OPENED.read_text())

    # Settings, Client, Server, a separator, start on logon, About, Exit: from below, as Up goes round the end.
    open_menu("menu")
    menu = set(menus())
    keys(*["Up"] * 5, "Right")
    wait_for("the submenu", lambda: set(menus()) - menu)
    time.sleep(0.3)
    picture("submenu")
    keys("Down", "Return")
    wait_for("the opened log folder", lambda: 'command=client-log' in demo.path_log() or "open client-log" in demo.path_log())
    wait_for("the menu to close", lambda: not menus())
    wait_for("the folder on the screen", folder_window)
    time.sleep(0.5)
    picture("folder")
    # On Windows a folder that a window shows cannot be removed.
    post(WM_CLOSE, window="ExplorerWClass")
    wait_for("the folder to close", lambda: not folder_window())

    # A double click starts the Client: in the demo a stand-in, which leaves a line in the Client's log.
    tray = tray_window()
    run("xdotool", "mousemove", str(tray[2] + 10), str(tray[3] + 10), "click", "--repeat", "2", "--delay", "80", "1")
    logs = demo.folder / "VisualCron/log"
    wait_for("the Client", lambda: any(f.read_text().count("Client started") > 1 for f in logs.iterdir()))

    # All licenses renewed: the picture changes.
    servers = demo.folder / "VisualCron/settings/servers.xml"
    text = servers.read_text()
    text = re.sub(r"(<MaintenanceExpires>)[^<]*", r"\g<1>2099-12-31T00:00:00", text)
    new = servers.with_name("servers.new")
    new.write_text(text)
    new.rename(servers)
    wait_for("another icon", lambda: icon() != expired)
    time.sleep(0.5)
    picture("renewed")

    # The taskbar was started anew: the icon comes back.
    post("TaskbarCreated")
    wait_for("the icon again", tray_window)

    wait_for("no balloon in the way", lambda: not balloon())
    open_menu("menu-renewed")
    keys("Up", "Return")
    code = demo.wait_for_end()
    assert code == 0, f"exit code {code}"
    picture("ended")


def from_the_console(program):
    """The console's twin starts the tray, and is done; later it talks to it."""
    twin = Path(program).resolve().with_suffix(".com")
    if not twin.exists():
        print("(no twin for the console beside the program)")
        return
    command = [WINE, "cmd", "/c", str(twin).replace("/", "\\"), *FOLDERS]

    def ask(*words):
        # Files, not pipes: the services that Wine starts beside the first program keep its streams.
        out, err = OUT / "twin.stdout", OUT / "twin.stderr"
        with open(out, "w") as stdout, open(err, "w") as stderr:
            streams = {"stdin": subprocess.DEVNULL, "stdout": stdout, "stderr": stderr}
            code = subprocess.run([*command, *words], env=ENV, timeout=PATIENCE, **streams).returncode
        return subprocess.CompletedProcess(words, code, out.read_text(), err.read_text())

    first = ask()
    assert first.returncode == 0, first
    wait_for("the icon", tray_window)
    log = PREFIX / "drive_c/tray/log/visualcron-tray.log"
    wait_for("the start", lambda: log.exists() and "tray.started" in log.read_text())
    second = ask()
    assert second.returncode == 0 and "already running" in second.stderr, second
    status = ask("status")
    assert status.returncode == 3 and "No servers are known yet" in status.stdout, status
    end = ask("exit")
    assert end.returncode == 0 and "The tray has ended" in end.stderr, end
    wait_for("the icon to go", lambda: not tray_window())
    # A start that is no demo registers the name for toasts, which a demo does not.
    key = "HKCU\\Software\\Classes\\AppUserModelId\\visualcron-tray"
    subprocess.run([WINE, "reg", "query", key], env=ENV, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


def service_from_the_menu(program):
    """Server, Service, Start and Stop: with a stand-in for the server's service, and Windows' own word for its state."""
    folder = PREFIX / "drive_c/Program Files (x86)/VisualCron"
    subprocess.run([ROOT / "tests/windows/stand-ins/make.sh", folder], check=True)
    binary = '"C:\\Program Files (x86)\\VisualCron\\VisualCronService.exe"'
    quiet = {"env": ENV, "check": True, "stdin": subprocess.DEVNULL, "timeout": PATIENCE}
    subprocess.run([WINE, "sc", "create", "VisualCron", "binPath=", binary, "start=", "demand"], stdout=subprocess.DEVNULL, **quiet)

    def state():
        out = OUT / "sc.txt"
        with open(out, "w") as stdout:
            subprocess.run([WINE, "sc", "query", "VisualCron"], stdout=stdout, **quiet)
        return next(line.split()[-1] for line in out.read_text().splitlines() if "STATE" in line)

    assert state() == "STOPPED"
    tray = subprocess.Popen(
        [WINE, program, *FOLDERS, "tray"], env=ENV, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for("the icon", tray_window)
    log = PREFIX / "drive_c/tray/log/visualcron-tray.log"
    for word, moves, wanted in [("start", [], "RUNNING"), ("stop", ["Down"], "STOPPED")]:
        wait_for("no balloon in the way", lambda: not balloon())
        open_menu(f"service-{word}")
        before = set(menus())
        # Exit, About, start on logon, a line, Server; in it the state of the connection, a line, Service.
        keys(*["Up"] * 4, "Right")
        wait_for("the submenu", lambda: set(menus()) - before)
        before = set(menus())
        keys("Down", "Right")
        wait_for("the submenu of the service", lambda: set(menus()) - before)
        time.sleep(0.3)
        picture(f"service-{word}-menu")
        keys(*moves, "Return")
        wait_for(f"the service to {word}", lambda: state() == wanted)
        wait_for("the word of it", lambda: log.read_text().count("service.changed") == 1 + bool(moves))
    post(WM_CLOSE)
    wait_for("the end of the program", lambda: tray.poll() is not None)


def idle(program):
    """An idle tray costs nothing: what it and a bare program with a window use in the same time. No demo, whose license
    host looks at its files each second."""
    subprocess.run([ROOT / "tests/windows/stand-ins/make.sh", OUT / "idle"], check=True)
    bare = subprocess.Popen([WINE, OUT / "idle/VisualCronClient.exe", "idle"], env=ENV, stdin=subprocess.DEVNULL)
    settings = PREFIX / "drive_c/vc/settings"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "servers.xml").write_text("<ArrayOfConnection />")
    tray = subprocess.Popen([WINE, program, "-v", *FOLDERS, "tray"], env=ENV, **QUIET)
    wait_for("the icon", tray_window)
    wait_for("the bare program", lambda: processes(PREFIX, "VisualCronClient.exe"))
    pids = {name: processes(PREFIX, name)[0] for name in ("visualcron-tray.exe", "VisualCronClient.exe")}
    time.sleep(5)
    before = {name: work_of(pid) for name, pid in pids.items()}
    time.sleep(IDLE_SECONDS)
    used = {name: [now - then for now, then in zip(work_of(pid), before[name])] for name, pid in pids.items()}
    told = [f"{name} {seconds:.2f} s, woken {woken} times" for name, (seconds, woken) in used.items()]
    print(f"idle: in {IDLE_SECONDS:.0f} s {', '.join(told)}", flush=True)
    seconds, woken = used["visualcron-tray.exe"]
    # It wakes up when something happens, which costs Wine some turns each time; not again and again.
    assert seconds < IDLE_SECONDS / 100 + 0.05, told
    assert woken < 100, told
    # And it was not deaf: what changes now is read.
    log = PREFIX / "drive_c/tray/log/visualcron-tray.log"
    looks = log.read_text().count("sources.read")
    (settings / "servers.xml").write_text("<ArrayOfConnection></ArrayOfConnection>")
    wait_for("a look because a file has changed", lambda: log.read_text().count("sources.read") > looks)
    post(WM_CLOSE, window="StandIn")
    post(WM_CLOSE)
    wait_for("the end of the program", lambda: tray.poll() is not None)
    assert bare.wait(PATIENCE) == 0


def addresses(program):
    """What is behind a toast: an address that the shell opens, with the tray running and without."""
    folder = PREFIX / "drive_c/vc/settings"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "servers.xml").write_text(
        "<ArrayOfConnection><Connection><Name>PROD-01</Name><Address>prod-01</Address>"
        "<MaintenanceExpires>2020-01-31</MaintenanceExpires></Connection></ArrayOfConnection>"
    )
    state = PREFIX / "drive_c/tray/state.json"

    def run_tray():
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        tray = subprocess.Popen([WINE, program, "-v", *FOLDERS, "tray"], env=ENV, **quiet)
        wait_for("the icon", tray_window)
        return tray

    def announced():
        try:
            return json.loads(state.read_text())["notices"]
        except (OSError, ValueError, KeyError):
            return {}

    def opens(address):
        """As the shell opens it."""
        subprocess.run([WINE, "start", "/wait", address], env=ENV, timeout=PATIENCE, stdin=subprocess.DEVNULL)

    tray = run_tray()
    wait_for("a notice", announced)
    quiet = {"env": ENV, "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "timeout": PATIENCE}
    classes = "Software\\Classes\\visualcron-tray"
    subprocess.run([WINE, "reg", "copy", f"HKCU\\{classes}", f"HKLM\\{classes}", "/s", "/f"], check=True, **quiet)
    key, notice = next(iter(announced().items()))
    assert notice["state"] == "open", notice
    name = key.replace("%", "%25").replace(" ", "+").replace("&", "%26").replace(":", "%3A")
    OPENED.write_text("")
    opens("visualcron-tray:details")
    wait_for("the page with the details", lambda: "details" in OPENED.read_text())
    # Group Policy was applied: the settings are read again.
    log = PREFIX / "drive_c/tray/log/visualcron-tray.log"
    looks = log.read_text().count("sources.read")
    post("policy")
    wait_for("a look because of a policy", lambda: log.read_text().count("sources.read") > looks)
    # Anything else shows the tray, as a second start does, and does nothing.
    for harmful in ("visualcron-tray:exit", "visualcron-tray:service stop", 'visualcron-tray:" --data-dir C:\\other exit "'):
        opens(harmful)
        time.sleep(1)
        assert tray.poll() is None and tray_window(), harmful
        assert not (PREFIX / "drive_c/other").exists(), harmful
    opens("visualcron-tray:remind-tomorrow?notice=nobody")
    assert announced()[key]["state"] == "open"
    opens(f"visualcron-tray:remind-tomorrow?notice={name}")
    wait_for("the answer", lambda: announced()[key]["state"] != "open")
    post(WM_CLOSE)
    wait_for("the end of the program", lambda: tray.poll() is not None)
    # Without a tray.
    opens(f"visualcron-tray:got-it?notice={name}")
    wait_for("the answer without a tray", lambda: announced()[key]["state"] == "done")
    # This one becomes the tray, and stays.
    subprocess.Popen([WINE, "start", "visualcron-tray:nonsense"], env=ENV, stdin=subprocess.DEVNULL)
    wait_for("the tray that shows itself", tray_window)
    end = subprocess.run([WINE, program, *FOLDERS, "exit"], env=ENV, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    assert end.returncode == 0
    wait_for("the icon to go", lambda: not tray_window())
    # Taken back, as before a portable copy is deleted.
    subprocess.run([WINE, program, "unregister"], env=ENV, check=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    for key in ("AppUserModelId\\visualcron-tray", "visualcron-tray"):
        query = [WINE, "reg", "query", f"HKCU\\Software\\Classes\\{key}"]
        assert subprocess.run(query, env=ENV, stdin=subprocess.DEVNULL, capture_output=True).returncode == 1, key


def end_of_session(program):
    """Windows asks all programs to end, as when the user logs off."""
    demo = Demo(program)
    wait_for("the icon", tray_window)
    wait_for("a saved state", lambda: (demo.folder / "data/state.json").exists())
    subprocess.run([WINE, "wineboot", "--end-session"], env=ENV, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    wait_for("the end of the program", lambda: demo.process.poll() is not None)
    assert not demo.folder.exists(), f"left behind: {[str(path) for path in demo.folder.rglob('*')]}"
    assert demo.process.returncode == 0, f"exit code {demo.process.returncode}"


def asked_to_close(program):
    """As by an installer, and by taskkill, which asks all windows: also those of which nobody knows."""
    demo = Demo(program)
    wait_for("the icon", tray_window)
    post(WM_CLOSE)
    assert demo.wait_for_end() == 0
    demo = Demo(program)
    wait_for("the icon", tray_window)
    subprocess.run([WINE, "taskkill", "/im", "visualcron-tray.exe"], env=ENV, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    assert demo.wait_for_end() == 0


STEPS = (whole_visit, from_the_console, addresses, idle, asked_to_close, end_of_session, service_from_the_menu)


def logs():
    found = [*PREFIX.glob("drive_c/users/*/Temp/*/data/log/*.log"), *PREFIX.glob("drive_c/tray/log/*.log")]
    return "\n".join(log.read_text() for log in found) + f"\nopened: {OPENED.read_text()}"


def main(name, steps, size="1024x768"):
    global PREFIX, OPENED
    program = sys.argv[1] if len(sys.argv) > 1 else ROOT / "dist/visualcron-tray.exe"
    PREFIX = OUT / f"prefix-{name}"
    # What the system's browser would show is written down instead.
    stand_ins = OUT / "stand-ins"
    OPENED = stand_ins / "opened.txt"
    stand_ins.mkdir(parents=True, exist_ok=True)
    OPENED.write_text("")
    browser = stand_ins / "xdg-open"
    browser.write_text(f'#!/bin/sh\necho "$*" >>"{OPENED}"\n')
    browser.chmod(0o755)
    compiled("post")
    TOLD.append(logs)
    with screen(PREFIX, stand_ins, size):
        in_prefix.ENV, in_prefix.PREFIX, in_prefix.PROGRAM = ENV, PREFIX, str(program)
        for step in steps if len(sys.argv) < 3 else [step for step in steps if step.__name__ in sys.argv[2:]]:
            subprocess.run([WINE, "cmd", "/c", "exit"], env=ENV, check=True, stdin=subprocess.DEVNULL)
            start = time.monotonic()
            step(program)
            print(f"{step.__name__}: ok ({time.monotonic() - start:.1f} s)", flush=True)


if __name__ == "__main__":
    main("tray", STEPS)
