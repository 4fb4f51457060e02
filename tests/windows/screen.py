"""A screen of its own for a Wine prefix, for the tests that look at windows and use mouse and keys as a user would.
Pictures go to target/windows/*.png."""

import contextlib
import os
import re
import signal
import subprocess
import time

from prefix import ENV, LAST_WORDS, NAME, OUT, QUIET


def run(*command, check=True):
    return subprocess.run(command, check=check, capture_output=True, text=True, env=ENV).stdout


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


def click(button, x, y):
    # From elsewhere, so that a window that is new under the pointer notices it.
    run("xdotool", "mousemove", "900", "700", "sleep", "0.2", "mousemove", str(x), str(y), "sleep", "0.2", "click", str(button))


@contextlib.contextmanager
def screen(size="1024x768"):
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[write], **QUIET)
    os.close(write)
    ENV["DISPLAY"] = ":" + os.read(read, 16).decode().strip()
    LAST_WORDS.append(lambda: picture(f"{NAME}-failed"))
    LAST_WORDS.append(lambda: print(f"See {OUT}/{NAME}-failed.png"))
    try:
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
