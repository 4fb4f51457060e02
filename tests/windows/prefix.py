"""What the test scripts share: a Wine prefix of their own, named after the script; the real program in it; and checks
that are counted.

    tests/windows/SCRIPT.py [PROGRAM [STEP…]]     default: dist/visualcron-tray.exe, made by scripts/windows/build.sh
"""

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
NAME = Path(sys.argv[0]).stem
PREFIX = OUT / f"prefix-{NAME}"
# The program without a console, and where there is one its twin with one.
TRAY = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "dist/visualcron-tray.exe").resolve().with_suffix(".exe")
PROGRAM = TRAY.with_suffix(".com") if TRAY.with_suffix(".com").exists() else TRAY
PATIENCE = 60
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
FOLDERS = ["--data-dir", r"C:\data", "--config", r"C:\data\settings.toml", "--visualcron-dir", r"C:\user"]
# Names of files and arguments are UTF-8, wherever this runs.
ENV = dict(os.environ, LC_ALL="C.UTF-8", WINEPREFIX=str(PREFIX))
for unwanted in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "VISUALCRON_TRAY_MACHINE_SETTINGS"):
    ENV.pop(unwanted, None)
# What else is done before a test gives up: pictures, logs.
LAST_WORDS = []
checks = 0


def on_disk(path):
    return PREFIX / "drive_c" / path.removeprefix("C:\\").replace("\\", "/")


def in_wine(path):
    return "Z:" + str(path).replace("/", "\\")


def log():
    """What the program has logged, with the folders of the test."""
    path = on_disk(r"C:\data\log\visualcron-tray.log")
    return path.read_text(errors="replace") if path.exists() else ""


def wine(*words, expect=0, typed="", timeout=PATIENCE):
    """Runs a program of Windows; its output by files, for the services that it starts keep pipes open."""
    given, out, err = (OUT / f"{PREFIX.name}.{name}" for name in ("stdin", "stdout", "stderr"))
    given.write_text(typed)
    with open(given) as stdin, open(out, "w") as stdout, open(err, "w") as stderr:
        streams = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
        code = subprocess.run([WINE, *words], env=ENV, timeout=timeout, **streams).returncode
    text = [path.read_text(errors="replace").replace("\r", "") for path in (out, err)]
    if expect is not None:
        gives(code, expect, f"{words}:\n{text[0]}{text[1]}")
    return text[0], text[1], code


def ask(*words, **options):
    """Asks the program, with the folders of the test."""
    return wine(PROGRAM, *FOLDERS, *words, **options)


def begin(*words, said=subprocess.DEVNULL):
    """Starts a program of Windows, and does not wait for it."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": said}
    return subprocess.Popen([WINE, *words], env=ENV, start_new_session=True, **streams)


def check(holds, otherwise):
    global checks
    checks += 1
    if not holds:
        raise SystemExit(f"FAILED: {otherwise}")


def same(found, wanted, what):
    check(found == wanted, f"{what}: {found!r}, not {wanted!r}")


def gives(code, wanted, what):
    """An exit code. A program that is not gone half a second after its end, Wine kills, as on a busy machine, and its
    exit code is lost (process_sigkill in Wine's server)."""
    if code == -signal.SIGKILL:
        print(f"Wine did not wait for the end of {what.splitlines()[0]}: its exit code is lost", flush=True)
    else:
        same(code, wanted, f"exit code of {what}")


def wait_for(what, probe, patience=PATIENCE):
    end = time.monotonic() + patience
    while not (found := probe()) and time.monotonic() < end:
        time.sleep(0.05)
    check(found, f"waited {patience} s in vain for {what}")
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


def work_of(pid):
    """Seconds of processor time, and how often a thread of it was woken."""
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    woken = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            woken += int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text())[1])
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK"), woken


def put_programs(folder, *versions):
    """The stand-ins for the vendor's programs, with the versions of Client and server."""
    subprocess.run([ROOT / "tests/windows/stand-ins/make.sh", on_disk(folder), *versions], check=True)


def compiled(name, *libraries):
    """A small program of tests/windows, in C."""
    program = OUT / f"{name}.exe"
    source = ROOT / f"tests/windows/{name}.c"
    subprocess.run(["x86_64-w64-mingw32-gcc", "-O1", "-s", "-Wall", "-o", program, source, *libraries], check=True)
    return program


def start_wine():
    """One server for all: a program that has to start one while the one before ends may end itself, silently."""
    subprocess.run(["wineserver", "-p"], env=ENV, check=True)


def end_wine():
    """All programs, and the server."""
    subprocess.run(["wineserver", "-k"], env=ENV)
    subprocess.run(["wineserver", "-w"], env=ENV)


def run(*steps, around=contextlib.nullcontext()):
    """Runs the steps that are named on the command line, or all, in a fresh prefix."""
    OUT.mkdir(parents=True, exist_ok=True)
    if PREFIX.exists():
        end_wine()
    shutil.rmtree(PREFIX, ignore_errors=True)
    known = {step.__name__: step for step in steps}
    with around:
        try:
            subprocess.run([WINE], env=ENV, check=True, **QUIET)
            # Wine makes links of Documents and the like, to the home of whoever runs this.
            for folder in PREFIX.glob("drive_c/users/*/*"):
                if folder.is_symlink():
                    folder.unlink()
                    folder.mkdir()
            start_wine()
            for step in [known[name] for name in sys.argv[2:]] or steps:
                before, start = checks, time.monotonic()
                step()
                print(f"{step.__name__}: ok ({checks - before} checks, {time.monotonic() - start:.1f} s)", flush=True)
                check(checks > before, f"{step.__name__} has checked nothing")
            print(f"{checks} checks in all")
        except BaseException:
            for word in LAST_WORDS:
                word()
            raise
        finally:
            end_wine()
            shutil.rmtree(PREFIX, ignore_errors=True)
