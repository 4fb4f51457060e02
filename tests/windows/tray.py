#!/usr/bin/env python3
r"""Drives the real tray under Wine on a screen of its own, with mouse and keys, as a user would.

    tests/windows/tray.py [PROGRAM [STEP…]]      default: dist/visualcron-tray.exe, made by scripts/windows/build.sh

Pictures of each step go to target/windows/*.png. IDLE_SECONDS (20) is how long the idle tray is looked at. Wine's quirks
that show here:
- the icon lives in the window "Wine System Tray", for there is no taskbar;
- Shell_NotifyIconGetRect is not implemented, as if the icon were in a hidden overflow;
- there are no toasts, so notices come as balloons, and a click on one is not told to the program: the test says it;
- what a user has registered in HKCU\Software\Classes is not seen by the shell: the test copies it to HKLM;
- a fresh prefix needs some seconds before its first window.
"""

import json
import os
import re
import time

from prefix import (
    ENV, FOLDERS, LAST_WORDS, OUT, PROGRAM, TRAY, ask, begin, check, compiled, gives, log, on_disk, processes, put_programs,
    same, wait_for, wine, work_of,
)
from prefix import run as run_steps
from screen import click, keys, picture, run, screen, windows

IDLE_SECONDS = float(os.environ.get("IDLE_SECONDS", "20"))
TRAY_MESSAGE = 6002
BALLOON_CLICKED = 0x405
WM_CLOSE, WM_TIMECHANGE, WM_DISPLAYCHANGE, WM_POWERBROADCAST, WM_DPICHANGED = 0x10, 0x1E, 0x7E, 0x218, 0x2E0
PBT_APMRESUMESUSPEND, PBT_APMRESUMEAUTOMATIC = 7, 18
OPENED = OUT / "stand-ins/opened.txt"
NONE = "<ArrayOfConnection />"


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


def post(*words, window="tray_icon_app"):
    """A message to the tray's window, or one of another class, as the shell sends it."""
    wine(OUT / "post.exe", window, *map(str, words))


def open_menu(name):
    def clicked():
        tray = wait_for("the icon", tray_window)
        click(3, tray[2] + 10, tray[3] + 10)
        end = time.monotonic() + 5
        while not menus() and time.monotonic() < end:
            time.sleep(0.1)
        return menus()

    # Wine misses a click now and then on an icon that was made anew.
    wait_for("the menu", clicked)
    time.sleep(0.3)
    picture(name)


class Demo:
    """The tray in a demo world."""

    def __init__(self):
        self.said = OUT / "demo.txt"
        with open(self.said, "w") as said:
            self.process = begin(TRAY, "-v", "demo", said=said)
        told = wait_for("the demo's words", lambda: re.search(r"servers, in (C:\S+)\.", self.said.read_text()))
        self.folder = on_disk(told[1])

    def log(self):
        path = self.folder / "data/log/visualcron-tray.log"
        return path.read_text() if path.exists() else ""

    def wait_for_end(self):
        wait_for("the end of the program", lambda: self.process.poll() is not None)
        wait_for("the icon to go", lambda: not tray_window())
        check(not self.folder.exists(), f"left behind: {[str(path) for path in self.folder.rglob('*')]}")
        gives(self.process.returncode, 0, f"the demo:\n{self.said.read_text()}")


def whole_visit():
    demo = Demo()
    wait_for("the icon", tray_window)
    # One license of the demo world expires soon, and some have: the notice comes at once.
    wait_for("the balloon", balloon)
    time.sleep(0.3)
    picture("balloon")
    expired = icon()
    check("toast" not in demo.log(), "a demo registers nothing, so it cannot have toasts")
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
    wait_for("the opened log folder", lambda: 'command=client-log' in demo.log() or "open client-log" in demo.log())
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

    # The taskbar was started anew: the icon comes back, as it is by now.
    renewed = icon()
    post("forget")
    wait_for("the icon to be forgotten", lambda: not tray_window())
    servers.write_text(re.sub(r"(<MaintenanceExpires>)[^<]*", r"\g<1>2020-12-31T00:00:00", text))
    looks = demo.log().count("sources.read")
    wait_for("a look because a file has changed", lambda: demo.log().count("sources.read") > looks)
    post("TaskbarCreated")
    wait_for("the icon again", tray_window)
    wait_for("the icon of today", lambda: tray_window() and icon() != renewed)

    wait_for("no balloon in the way", lambda: not balloon())
    open_menu("menu-renewed")
    keys("Up", "Return")
    demo.wait_for_end()
    picture("ended")


def from_the_console():
    """The console's twin starts the tray, and is done; later it talks to it."""
    check(PROGRAM != TRAY, f"no twin for the console beside {TRAY}")

    def typed(*words, expect=0):
        return wine("cmd", "/c", str(PROGRAM).replace("/", "\\"), *FOLDERS, *words, expect=expect)

    typed()
    wait_for("the icon", tray_window)
    wait_for("the start", lambda: "tray.started" in log())
    _, said, _ = typed()
    check("already running" in said, said)
    text, _, _ = typed("status", expect=3)
    check("No servers are known yet" in text, text)
    _, said, _ = typed("exit")
    check("The tray has ended" in said, said)
    wait_for("the icon to go", lambda: not tray_window())
    # A start that is no demo registers the name for toasts, which a demo does not.
    wine("reg", "query", r"HKCU\Software\Classes\AppUserModelId\visualcron-tray")


def tray_with(servers):
    """A tray with this list of servers, which tells what it does."""
    settings = on_disk(r"C:\user\settings")
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "servers.xml").write_text(servers)
    tray = begin(TRAY, "-v", *FOLDERS, "tray")
    wait_for("the icon", tray_window)
    return tray


def close(tray):
    post(WM_CLOSE)
    wait_for("the end of the program", lambda: tray.poll() is not None)
    wait_for("the icon to go", lambda: not tray_window())


def service_from_the_menu():
    """Server, Service, Start and Stop: with a stand-in for the server's service, and Windows' own word for its state."""
    put_programs(r"C:\Program Files (x86)\VisualCron")
    binary = '"C:\\Program Files (x86)\\VisualCron\\VisualCronService.exe"'
    wine("sc", "create", "VisualCron", "binPath=", binary, "start=", "demand")

    def state():
        return next(line.split()[-1] for line in wine("sc", "query", "VisualCron")[0].splitlines() if "STATE" in line)

    same(state(), "STOPPED", "the service, to begin with")
    tray = tray_with(NONE)
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
        wait_for("the word of it", lambda: log().count("service.changed") == 1 + bool(moves))
    close(tray)


def idle():
    """An idle tray costs nothing: what it and a bare program with a window use in the same time. No demo, whose license
    host looks at its files each second."""
    put_programs(r"C:\idle")
    bare = begin(r"C:\idle\VisualCronClient.exe")
    tray = tray_with(NONE)
    pids = {name: next(iter(wait_for(name, lambda: processes(name)))) for name in ("visualcron-tray.exe", "VisualCronClient.exe")}
    time.sleep(5)
    before = {name: work_of(pid) for name, pid in pids.items()}
    time.sleep(IDLE_SECONDS)
    used = {name: [now - then for now, then in zip(work_of(pid), before[name])] for name, pid in pids.items()}
    told = [f"{name} {seconds:.2f} s, woken {woken} times" for name, (seconds, woken) in used.items()]
    print(f"idle: in {IDLE_SECONDS:.0f} s {', '.join(told)}", flush=True)
    seconds, woken = used["visualcron-tray.exe"]
    # It wakes up when something happens, which costs Wine some turns each time; not again and again.
    check(seconds < IDLE_SECONDS / 100 + 0.05, told)
    check(woken < 100, told)
    # And it was not deaf: what changes now is read.
    looks = log().count("sources.read")
    on_disk(r"C:\user\settings\servers.xml").write_text(NONE + "<!-- again -->")
    wait_for("a look because a file has changed", lambda: log().count("sources.read") > looks)
    post(WM_CLOSE, window="StandIn")
    wait_for("the end of the bare program", lambda: bare.poll() is not None)
    close(tray)


def told_by_windows():
    """What Windows tells a tray: that it has slept, that its clock was set, that the screens or their scaling are others,
    and that Group Policy was applied."""
    tray = tray_with(NONE)
    slept = log().count("machine.resumed")
    post(WM_POWERBROADCAST, PBT_APMRESUMESUSPEND)
    for message in (WM_DISPLAYCHANGE, WM_DPICHANGED, WM_TIMECHANGE):
        post(message)
        check(tray_window(), f"no icon after message {message}")
    same(log().count("machine.resumed"), slept, "how often it slept, when it did not, or was told so before")
    post(WM_POWERBROADCAST, PBT_APMRESUMEAUTOMATIC)
    wait_for("a look at the time after a sleep", lambda: log().count("machine.resumed") > slept)
    looks = log().count("sources.read")
    post("policy")
    wait_for("a look because of a policy", lambda: log().count("sources.read") > looks)
    close(tray)


def addresses():
    """What is behind a toast: an address that the shell opens, with the tray running and without."""
    state = on_disk(r"C:\data\state.json")

    def announced():
        try:
            return json.loads(state.read_text())["notices"]
        except (OSError, ValueError, KeyError):
            return {}

    def opens(address):
        """As the shell opens it."""
        wine("start", "/wait", address, expect=None)

    tray = tray_with(
        "<ArrayOfConnection><Connection><Name>PROD-01</Name><Address>prod-01</Address>"
        "<MaintenanceExpires>2020-01-31</MaintenanceExpires></Connection></ArrayOfConnection>"
    )
    wait_for("a notice", announced)
    classes = r"Software\Classes\visualcron-tray"
    wine("reg", "copy", rf"HKCU\{classes}", rf"HKLM\{classes}", "/s", "/f")
    key, notice = next(iter(announced().items()))
    same(notice["state"], "open", "the notice")
    name = key.replace("%", "%25").replace(" ", "+").replace("&", "%26").replace(":", "%3A")
    OPENED.write_text("")
    opens("visualcron-tray:details")
    wait_for("the page with the details", lambda: "details" in OPENED.read_text())
    # Anything else shows the tray, as a second start does, and does nothing.
    for harmful in ("visualcron-tray:exit", "visualcron-tray:service stop", 'visualcron-tray:" --data-dir C:\\other exit "'):
        opens(harmful)
        time.sleep(1)
        check(tray.poll() is None and tray_window(), harmful)
        check(not on_disk(r"C:\other").exists(), harmful)
    opens("visualcron-tray:remind-tomorrow?notice=nobody")
    same(announced()[key]["state"], "open", "the notice after an answer to another")
    opens(f"visualcron-tray:remind-tomorrow?notice={name}")
    wait_for("the answer", lambda: announced()[key]["state"] != "open")
    close(tray)
    # Without a tray.
    opens(f"visualcron-tray:got-it?notice={name}")
    wait_for("the answer without a tray", lambda: announced()[key]["state"] == "done")
    # This one becomes the tray, and stays.
    begin("start", "visualcron-tray:nonsense")
    wait_for("the tray that shows itself", tray_window)
    ask("exit")
    wait_for("the icon to go", lambda: not tray_window())
    # Taken back, as before a portable copy is deleted.
    ask("unregister")
    for key in (r"AppUserModelId\visualcron-tray", "visualcron-tray"):
        wine("reg", "query", rf"HKCU\Software\Classes\{key}", expect=1)


def end_of_session():
    """Windows asks all programs to end, as when the user logs off."""
    demo = Demo()
    wait_for("the icon", tray_window)
    wait_for("a saved state", lambda: (demo.folder / "data/state.json").exists())
    wine("wineboot", "--end-session", expect=None)
    demo.wait_for_end()


def asked_to_close():
    """As by an installer, and by taskkill, which asks all windows: also those of which nobody knows."""
    demo = Demo()
    wait_for("the icon", tray_window)
    post(WM_CLOSE)
    demo.wait_for_end()
    demo = Demo()
    wait_for("the icon", tray_window)
    wine("taskkill", "/im", "visualcron-tray.exe", expect=None)
    demo.wait_for_end()


def with_tray(*steps, size="1024x768"):
    """Runs the steps on a screen, with what a tray needs."""
    # What the system's browser would show is written down instead.
    browser = OPENED.with_name("xdg-open")
    browser.parent.mkdir(parents=True, exist_ok=True)
    OPENED.write_text("")
    browser.write_text(f'#!/bin/sh\necho "$*" >>"{OPENED}"\n')
    browser.chmod(0o755)
    ENV["PATH"] = f"{browser.parent}:{ENV['PATH']}"
    LAST_WORDS.append(lambda: print(log(), "\nopened:", OPENED.read_text()))
    compiled("post")
    run_steps(*steps, around=screen(size))


if __name__ == "__main__":
    with_tray(
        whole_visit,
        from_the_console,
        addresses,
        idle,
        told_by_windows,
        asked_to_close,
        end_of_session,
        service_from_the_menu,
    )
