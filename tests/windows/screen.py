"""A screen of its own with a Wine prefix on it, for the tests that look at windows and press keys as a user would.
Pictures go to target/windows/*.png."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "target/windows"
WINE = ROOT / "scripts/windows/wine.sh"
PATIENCE = 60
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
# What programs are started with; filled in by `screen`.
ENV = {}
# What is told before a test gives up: functions that give texts.
TOLD = []


def run(*command, check=True):
    return subprocess.run(command, check=check, capture_output=True, text=True, env=ENV).stdout


def wait_for(what, probe, patience=PATIENCE):
    end = time.monotonic() + patience
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > end:
            picture("failed")
            for tell in TOLD:
                print(tell(), file=sys.stderr)
            raise SystemExit(f"waited {patience} s in vain for {what}; see {OUT}/failed.png")
        time.sleep(0.05)


def picture(name):
    run("import", "-window", "root", str(OUT / f"{name}.png"), check=False)


def windows():
    """The visible windows: id -> (title, class, x, y, width, height)."""
    found = {}
    for line in run("xwininfo", "-root", "-tree").splitlines():
        match = re.match(r'\s+(0x\w+) (?:"(.*)"|\(has no name\)): \("?([^")]*).*\s+(\d+)x(\d+)\S+\s+([+-]-?\d+)([+-]-?\d+)', line)
        if match and int(match[4]) > 1:
            found[match[1]] = (match[2] or "", match[3], int(match[6]), int(match[7]), int(match[4]), int(match[5]))
    shown = run("xdotool", "search", "--onlyvisible", "--name", "", check=False).split()
    shown = {hex(int(number)) for number in shown}
    return {number: window for number, window in found.items() if number in shown}


def keys(*names):
    for name in names:
        run("xdotool", "key", name)
        time.sleep(0.15)


def compiled(name, *libraries):
    """A small program of tests/windows, in C."""
    program = OUT / f"{name}.exe"
    source = ROOT / f"tests/windows/{name}.c"
    subprocess.run(["x86_64-w64-mingw32-gcc", "-O1", "-s", "-Wall", "-o", program, source, *libraries], check=True)
    return program


def work_of(pid):
    """Seconds of processor time, and how often a thread of it was woken."""
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    woken = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            woken += int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text())[1])
        except OSError:
            pass
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK"), woken


def processes(prefix, name):
    """The Linux process ids of the programs of this name in this prefix."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            ours = f"WINEPREFIX={prefix}".encode() in (folder / "environ").read_bytes().split(b"\0")
        except (OSError, ValueError):
            continue
        if ours and re.split(rb"[/\\]", words[0])[-1].decode(errors="replace") == name:
            found.append(int(folder.name))
    return found


@contextlib.contextmanager
def screen(prefix, path=None, size="1024x768"):
    """The screen and a fresh prefix; both are gone in the end. Programs in the folder `path` come first."""
    OUT.mkdir(parents=True, exist_ok=True)
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    shutil.rmtree(prefix, ignore_errors=True)
    ENV.update(os.environ, DISPLAY=":" + os.read(read, 16).decode().strip(), WINEPREFIX=str(prefix))
    if path:
        ENV["PATH"] = f"{path}:{ENV['PATH']}"
    for name in ("WAYLAND_DISPLAY", "BROWSER"):
        ENV.pop(name, None)
    try:
        subprocess.run([WINE, "cmd", "/c", "exit"], env=ENV, check=True, stdin=subprocess.DEVNULL)
        # Wine makes links of Documents and the like, to the home of whoever runs this.
        for folder in Path(prefix).glob("drive_c/users/*/*"):
            if folder.is_symlink():
                folder.unlink()
                folder.mkdir()
        yield
    finally:
        subprocess.run(["wineserver", "-k"], env=ENV)
        server.send_signal(signal.SIGTERM)
        server.wait()
        shutil.rmtree(prefix, ignore_errors=True)
