#!/usr/bin/env python3
"""Clear server cache on the screen, under Wine: from the tray's menu through the window to the result, by the keyboard;
the window where screens are set to 150 %; and the balloon of one that was interrupted.

    tests/windows/window.py [PROGRAM [STEP…]]         default: dist/visualcron-tray.exe, made by scripts/windows/build.sh

Pictures go to target/windows/window-*.png: look at them.
"""

import subprocess
import time

from prefix import (
    ENV, FOLDERS, PATIENCE, PROGRAM, QUIET, TRAY, WINE, ask, begin, check, end_wine, log, on_disk, processes, put_programs, same,
    start_wine, wait_for, wine,
)
from screen import click, keys, picture, run, windows
from tray import balloon, close, open_menu, tray_window, with_tray

CLIENT, VENDOR, OURS = "VisualCronClient.exe", "VCTray.exe", "visualcron-tray.exe"
PROGRAMS = r"C:\Program Files (x86)\VisualCron"
FILE = r"C:\user\settings\servers.xml"
LIST = (
    "<ArrayOfConnection><Connection><Name>PROD-01</Name><Address>prod-01</Address>"
    "<MaintenanceExpires>{}</MaintenanceExpires></Connection></ArrayOfConnection>"
)
OLD, NEW = LIST.format("2099-01-31"), LIST.format("2100-01-31")
# Nothing here depends on a network.
SETTINGS = '[connection]\ncheck = "off"\n[license_host]\nhost = "license-host.invalid"\ncheck_on_refresh = false\n'


def folder():
    return on_disk(r"C:\user\settings")


def fresh():
    """servers.xml as the Client left it, and no backup."""
    if not on_disk(PROGRAMS).exists():
        put_programs(PROGRAMS)
    for path in (folder(), on_disk(r"C:\data")):
        path.mkdir(parents=True, exist_ok=True)
    for path in folder().iterdir():
        path.unlink()
    (folder() / "servers.xml").write_text(OLD)
    on_disk(r"C:\data\settings.toml").write_text(SETTINGS)


def window():
    """Where the window of Clear server cache is."""
    return next((w for w in windows().values() if w[0] == "Clear server cache"), None)


def shown(name):
    """The window keeps still, and is more than a surface of one color: its picture is taken."""
    _, _, x, y, width, height = wait_for("the window", window)
    place = f"x:root[{width}x{height}+{x}+{y}]"
    seen = []

    def still():
        seen.append(run("convert", place, "-format", "%# %k", "info:"))
        time.sleep(0.5)
        return len(seen) > 1 and seen[-1] == seen[-2] and int(seen[-1].split()[1]) > 16

    wait_for("a window that keeps still", still)
    picture(name)
    return width, height


def close_window():
    """By the keyboard, which the programs that were started again may have taken away."""
    _, _, x, y, width, height = window()
    click(1, x + width // 2, y + height * 3 // 4)
    keys("Escape")
    wait_for("the window to close", lambda: not window())


def journal():
    """The newest one."""
    journals = sorted(on_disk(r"C:\data\recovery").glob("*.jsonl"))
    return journals[-1].read_text() if journals else ""


def from_the_menu_to_the_result():
    """The Client takes its time to close, and writes a new list when it starts."""
    fresh()
    begin(rf"{PROGRAMS}\{CLIENT}", "late", "3000", "makes", FILE, NEW)
    begin(rf"{PROGRAMS}\{VENDOR}", "hidden")
    begin(TRAY, *FOLDERS, "tray")
    wait_for("the icon", tray_window)
    before = {name: wait_for(name, lambda: processes(name)) for name in (CLIENT, VENDOR, OURS)}
    open_menu("window-menu")
    # Exit, About, start on logon, Server, Client, Settings, and then it: from below, as Up goes round the end.
    keys(*["Up"] * 7, "Return")
    shown("window-plan")
    check("begins" not in journal(), "something is done before it was asked for")
    keys("alt+c")
    wait_for("the first step", lambda: '"begins"' in journal())
    time.sleep(1.5)
    picture("window-closing")
    wait_for("its end", lambda: '"outcome":"done"' in journal())
    for name, old in before.items():
        # The window, and what does the work, run the same program as the tray.
        trays = lambda: {pid: words for pid, words in processes(name).items() if words in old.values()}
        check(not set(wait_for(f"{name} again", trays)) & set(old), f"{name} was not started anew")
    wait_for("the icon again", tray_window)
    wait_for("the new list", lambda: (folder() / "servers.xml").exists())
    wait_for("no balloon in the way", lambda: not balloon())
    shown("window-result")
    backups = list(folder().glob("servers.xml.*.bak"))
    same([path.read_text() for path in backups], [OLD], "the backups")
    same((folder() / "servers.xml").read_text(), NEW, "the new list")
    close_window()
    ask("exit")
    wait_for("the icon to go", lambda: not tray_window())


def at_150_percent():
    """The same, as large as it is read there."""
    fresh()
    sizes = {}
    for dots in (96, 144):
        value = ["/v", "LogPixels", "/t", "REG_DWORD", "/d", str(dots), "/f"]
        wine("reg", "add", r"HKCU\Control Panel\Desktop", *value)
        end_wine()
        start_wine()
        process = begin(TRAY, *FOLDERS, "window", "recovery")
        sizes[dots] = shown(f"window-{dots}-dpi")
        close_window()
        wait_for("the end of its process", lambda: process.poll() is not None)
    (width, _), (larger, _) = sizes[96], sizes[144]
    check(larger > width * 1.4, sizes)


def told_until_it_is_decided_on():
    """One that was interrupted: the tray tells of it, and takes that back when it was decided on elsewhere."""
    fresh()
    begin(rf"{PROGRAMS}\{CLIENT}")
    wait_for("the Client", lambda: processes(CLIENT))
    strike = ["strace", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:signal=SIGKILL:when=3"]
    command = [*strike, WINE, PROGRAM, *FOLDERS, "recover", "--yes", "--wait", "0"]
    same(subprocess.run(command, env=ENV, timeout=PATIENCE, **QUIET).returncode, -9, "exit code of what was killed")
    tray = begin(TRAY, *FOLDERS, "tray")
    wait_for("the icon", tray_window)
    wait_for("the balloon", balloon)
    time.sleep(0.3)
    picture("window-interrupted")
    check("notification.withdrawn" not in log(), log())
    ask("recover", "--keep")
    wait_for("the balloon to be taken back", lambda: "notification.withdrawn" in log())
    wait_for("the word of its end", lambda: "Clear server cache has ended" in log())
    picture("window-decided")
    close(tray)


if __name__ == "__main__":
    with_tray(from_the_menu_to_the_result, told_until_it_is_decided_on, at_150_percent, size="1600x1200")
