"""What the test scripts share: a Wine prefix of their own, the real program in it, and checks that are counted.

`run` makes the prefix and removes it; before that ENV, PREFIX and PROGRAM are not known.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "target/windows"
WINE = ROOT / "scripts/windows/wine.sh"
PATIENCE = 60
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
FOLDERS = ["--data-dir", r"C:\data", "--config", r"C:\data\settings.toml", "--visualcron-dir", r"C:\user"]
ENV, PREFIX, PROGRAM = {}, Path(), ""
checks = 0


def on_disk(path):
    return PREFIX / "drive_c" / path.removeprefix("C:\\").replace("\\", "/")


def wine(*words, expect=0, timeout=PATIENCE):
    """Runs a program of Windows; its output by files, for the services that it starts keep pipes open."""
    out, err = OUT / f"{PREFIX.name}.stdout", OUT / f"{PREFIX.name}.stderr"
    with open(out, "w") as stdout, open(err, "w") as stderr:
        streams = {"stdin": subprocess.DEVNULL, "stdout": stdout, "stderr": stderr}
        code = subprocess.run([WINE, *words], env=ENV, timeout=timeout, **streams).returncode
    text = [path.read_text(errors="replace").replace("\r", "") for path in (out, err)]
    if expect is not None:
        check(code == expect, f"{words} gave {code}, not {expect}:\n{text[0]}{text[1]}")
    return text[0], text[1], code


def ask(*words, **options):
    """Asks the program, with the folders of the test."""
    return wine(PROGRAM, *FOLDERS, *words, **options)


def tray():
    """The program without a console."""
    return Path(PROGRAM).with_suffix(".exe")


def begin(*words):
    """Starts a program of Windows, and does not wait for it."""
    return subprocess.Popen([WINE, *words], env=ENV, start_new_session=True, **QUIET)


def check(holds, otherwise):
    global checks
    checks += 1
    if not holds:
        raise SystemExit(f"FAILED: {otherwise}")


def same(found, wanted, what):
    check(found == wanted, f"{what}: {found!r}, not {wanted!r}")


def wait_for(what, probe, patience=PATIENCE):
    end = time.monotonic() + patience
    while not (found := probe()):
        check(time.monotonic() < end, f"waited {patience} s in vain for {what}")
        time.sleep(0.05)
    return found


def processes(name):
    """The arguments of this prefix' processes of a program, by process id, as Linux sees them."""
    found = {}
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            environment = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if re.split(r"[/\\]", words[0])[-1].lower() == name.lower() and f"WINEPREFIX={PREFIX}" in environment:
            found[int(folder.name)] = [word for word in words[1:] if word]
    return found


def put_programs(folder, *versions):
    """The stand-ins for the vendor's programs, with the versions of Client and server."""
    subprocess.run([ROOT / "tests/windows/stand-ins/make.sh", on_disk(folder), *versions], check=True)


def run(name, program, steps, **environment):
    """Runs the steps that are named on the command line, or all, in a fresh prefix."""
    global ENV, PREFIX, PROGRAM
    PROGRAM = str(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "dist" / program).resolve())
    PREFIX = OUT / f"prefix-{name}"
    OUT.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(PREFIX, ignore_errors=True)
    # Names of files and arguments are UTF-8, wherever this runs.
    ENV = dict(os.environ, LC_ALL="C.UTF-8", WINEPREFIX=str(PREFIX), **environment)
    for unwanted in {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "VISUALCRON_TRAY_MACHINE_SETTINGS"} - set(environment):
        ENV.pop(unwanted, None)
    known = {step.__name__: step for step in steps}
    try:
        subprocess.run([WINE], env=ENV, check=True, **QUIET)
        # One server for all: a program that has to start one while the one before ends may end itself, silently.
        subprocess.run(["wineserver", "-p"], env=ENV, check=True)
        for step in [known[name] for name in sys.argv[2:]] or steps:
            before, start = checks, time.monotonic()
            step()
            print(f"{step.__name__}: ok ({checks - before} checks, {time.monotonic() - start:.1f} s)", flush=True)
            check(checks > before, f"{step.__name__} has checked nothing")
        print(f"{checks} checks in all")
    finally:
        subprocess.run(["wineserver", "-k"], env=ENV)
        subprocess.run(["wineserver", "-w"], env=ENV)
        shutil.rmtree(PREFIX, ignore_errors=True)
