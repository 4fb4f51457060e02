#!/usr/bin/env python3
"""A stand-in for VisualCron in a Wine prefix of its own, with registry keys, programs that bear versions and a real
Windows service; and the real program, which has to find it, tell of it, and start and stop the service.

    tests/windows/discovery.py [PROGRAM]      default: dist/visualcron-tray.com, made by scripts/windows/build.sh

What the program says is held against what Windows' own tools say: nothing passes because it was not looked at. Wine's
quirk here: everybody is an administrator, so that nothing is refused.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "target/windows"
WINE = ROOT / "scripts/windows/wine.sh"
PREFIX = OUT / "prefix-discovery"
PATIENCE = 60
UNINSTALL = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
UNINSTALL_32 = r"SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall"
# Of this folder no document speaks: it has to be found.
FOLDER = r"C:\Apps\VC here"
checks = 0


def on_disk(path):
    return PREFIX / "drive_c" / path.removeprefix("C:\\").replace("\\", "/")


def wine(*words, expect=0, timeout=PATIENCE):
    """Runs a program of Windows; its output by files, for the services that it starts keep pipes open."""
    out, err = OUT / "discovery.stdout", OUT / "discovery.stderr"
    with open(out, "w") as stdout, open(err, "w") as stderr:
        streams = {"stdin": subprocess.DEVNULL, "stdout": stdout, "stderr": stderr}
        code = subprocess.run([WINE, *words], env=ENV, timeout=timeout, **streams).returncode
    text = [path.read_text(errors="replace").replace("\r", "") for path in (out, err)]
    if expect is not None:
        check(code == expect, f"{words} gave {code}, not {expect}:\n{text[0]}{text[1]}")
    return text[0], text[1], code


def ask(*words, **options):
    folders = ["--data-dir", r"C:\data", "--config", r"C:\data\settings.toml", "--visualcron-dir", r"C:\user"]
    return wine(PROGRAM, *folders, *words, **options)


def check(holds, otherwise):
    global checks
    checks += 1
    if not holds:
        raise SystemExit(f"FAILED: {otherwise}")


def same(found, wanted, what):
    check(found == wanted, f"{what}: {found!r}, not {wanted!r}")


def found():
    """What the program says of the installation."""
    return json.loads(ask("service", "status", "--json")[0])


def state(name="VisualCron"):
    """What Windows says of the service."""
    text = wine("sc", "query", name)[0]
    return next(line.split()[-1] for line in text.splitlines() if "STATE" in line)


def wait_for(what, probe, patience=PATIENCE):
    end = time.monotonic() + patience
    while not probe():
        check(time.monotonic() < end, f"waited {patience} s in vain for {what}")
        time.sleep(0.1)


def value(key, name, data, kind="REG_SZ"):
    wine("reg", "add", key, "/v", name, "/t", kind, "/d", data, "/f")


def service(name, program, start="demand"):
    # One of this name that was deleted may stay for a moment.
    create = lambda: wine("sc", "create", name, "binPath=", program, "start=", start, expect=None)[2] == 0
    wait_for(f"the making of the service {name}", create)


def no_service(name):
    wine("sc", "delete", name)


def put_programs(folder, client="13.2.1.7", server="13.2.2.9"):
    subprocess.run([ROOT / "tests/windows/stand-ins/make.sh", on_disk(folder), client, server], check=True)


def path_of(thing):
    return thing and (thing["value"]["path"] if isinstance(thing["value"], dict) else thing["value"])


def nothing_installed():
    report = found()
    same({name for name, thing in report["installation"].items() if thing}, set(), "found of nothing")
    same(report["service_status"], "not installed", "service status")
    _, said, _ = ask("service", "start", expect=69)
    check("not installed here" in said, said)
    _, said, _ = ask("open", "server-log", expect=66)
    check("no server on this machine" in said, said)
    _, said, _ = ask("open", "client", expect=66)
    check("VisualCronClient.exe was not found" in said, said)


def everything_by_its_service():
    put_programs(FOLDER)
    for folder in ("settings", "log"):
        on_disk(rf"{FOLDER}\{folder}").mkdir()
    service("VisualCron", rf'"{FOLDER}\VisualCronService.exe"', "auto")
    report = found()
    installed = report["installation"]
    same(path_of(installed["folder"]), FOLDER, "folder")
    same(installed["folder"]["by"], "the program of the service VisualCron", "its source")
    same(installed["service"]["value"], {"name": "VisualCron", "start": "automatic"}, "service")
    for name, program, version in [
        ("client", "VisualCronClient.exe", "13.2.1"),
        ("server", "VisualCronService.exe", "13.2.2"),
        ("vendor_tray", "VCTray.exe", "13.2.1"),
    ]:
        same(installed[name]["value"], {"path": rf"{FOLDER}\{program}", "version": version}, name)
    same(path_of(installed["server_settings"]), rf"{FOLDER}\settings", "server's settings")
    same(path_of(installed["server_log"]), rf"{FOLDER}\log", "server's log")
    check("is 13.2.1, the server 13.2.2" in " ".join(report["notes"]), report["notes"])
    # The registry moves the server's settings; a 32-bit program would have written it below WOW6432Node.
    on_disk(r"C:\Moved\settings").mkdir(parents=True)
    value(r"HKLM\SOFTWARE\WOW6432Node\V-C", "ServerSettingsFolder", "C:\\Moved\\settings")
    moved = found()["installation"]["server_settings"]
    same((moved["value"], moved["certainty"]), (r"C:\Moved\settings", "inferred"), "moved settings")
    on_disk(r"C:\Elsewhere").mkdir()
    value(r"HKLM\SOFTWARE\V-C", "ServerSettingsFolder", r"C:\Elsewhere")
    moved = found()["installation"]["server_settings"]
    same((moved["value"], moved["certainty"]), (r"C:\Elsewhere", "documented"), "documented settings")
    # What other verbs make of it.
    on_disk(r"C:\data").mkdir(exist_ok=True)
    typed = '[[server]]\nname = "HERE"\naddress = "localhost"\nport = 17000\nmaintenance_until = 2020-01-01\n'
    on_disk(r"C:\data\settings.toml").write_text(typed)
    servers = json.loads(ask("status", "--json", expect=None)[0])["servers"]
    told = [(server["name"], server["installed_version"], server["coverage"]) for server in servers]
    same(told, [("HERE", "13.2.2", "not_covered")], "the server on this machine")
    check("is 13.2.1, the server 13.2.2" in " ".join(servers[0]["notes"]), servers)
    on_disk(r"C:\data\settings.toml").unlink()
    for place, folder in [("server-settings", r"C:\Elsewhere"), ("server-log", rf"{FOLDER}\log")]:
        _, said, _ = ask("-v", "open", place)
        check(said.strip().endswith(f"Opened: {folder}"), said)
    _, said, _ = ask("-v", "open", "client")
    check(said.strip().endswith(rf"Opened: {FOLDER}\VisualCronClient.exe"), said)
    # Wine's tasklist lists nothing; its taskkill says whether there is one, and closes it.
    close = lambda: wine("taskkill", "/im", "VisualCronClient.exe", expect=None)[2]
    wait_for("the Client", lambda: close() == 0)
    wait_for("the end of the Client", lambda: close() != 0)


def started_and_stopped():
    same(state(), "STOPPED", "the service, to begin with")
    for word, system, vendor in [("start", "RUNNING", "Started"), ("start", "RUNNING", "Started"), ("stop", "STOPPED", "Stopped"), ("stop", "STOPPED", "Stopped")]:
        ask("service", word)
        same(state(), system, f"after {word}")
        same(found()["service_status"], vendor, f"after {word}")
    _, said, _ = ask("service", "restart", expect=64)
    check("invalid value" in said, said)


def processes(name):
    """The command lines of this prefix' processes of a program, by process id, as Linux sees them."""
    found = {}
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            environment = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if words[0].lower().endswith(f"\\{name}".lower()) and f"WINEPREFIX={PREFIX}" in environment:
            found[int(folder.name)] = [word for word in words[1:] if word]
    return found


def start(*words):
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.Popen([WINE, *words], env=ENV, start_new_session=True, **streams)
    name = words[0].split("\\")[-1]
    wait_for(name, lambda: processes(name))


def server_cache_cleared():
    """The vendor's seven steps with programs that run: closed by their windows, started again as they ran."""
    folder = r"C:\Program Files (x86)\VisualCron"
    settings = on_disk(r"C:\user\settings")
    settings.mkdir(parents=True)
    old = "<ArrayOfConnection><Connection><Name>A</Name><Address>a</Address></Connection></ArrayOfConnection>"
    (settings / "servers.xml").write_text(old)
    start(rf"{folder}\VisualCronClient.exe", "idle", "two words")
    start(rf"{folder}\VCTray.exe", "hidden")
    before = [processes(name) for name in ("VisualCronClient.exe", "VCTray.exe")]
    same([len(running) for running in before], [1, 1], "programs, to begin with")
    # The windows come a moment after the programs.
    time.sleep(2)
    said = "".join(ask("recover", "--yes", "--wait", "0", "--timeout", "20")[:2])
    check(not (settings / "servers.xml").exists(), f"servers.xml is still there: {said}")
    backups = [path for path in settings.iterdir() if path.name.startswith("servers.xml")]
    check(len(backups) == 1 and backups[0].read_text() == old, f"backups: {backups}, {said}")
    for name, old_ones in zip(("VisualCronClient.exe", "VCTray.exe"), before):
        wait_for(f"{name} again", lambda: processes(name))
        new_ones = processes(name)
        check(not set(new_ones) & set(old_ones), f"{name} was not started anew: {new_ones}")
        same(list(new_ones.values()), list(old_ones.values()), f"arguments of {name}")
    # A Client that does not close is not ended, and everything is as it was.
    time.sleep(2)
    wine("taskkill", "/im", "VisualCronClient.exe")
    wait_for("the end of the Client", lambda: not processes("VisualCronClient.exe"))
    start(rf"{folder}\VisualCronClient.exe", "stubborn")
    stubborn = processes("VisualCronClient.exe")
    (settings / "servers.xml").write_text(old)
    time.sleep(2)
    said = "".join(ask("recover", "--yes", "--wait", "0", "--timeout", "2", expect=75)[:2])
    same(processes("VisualCronClient.exe"), stubborn, f"a Client that does not close ({said})")
    same((settings / "servers.xml").read_text(), old, "servers.xml")
    ask("recover", "--yes", "--wait", "0", "--timeout", "2", "--force-close")
    check(not set(processes("VisualCronClient.exe")) & set(stubborn), "a Client that does not close was not ended")
    check(not (settings / "servers.xml").exists(), "servers.xml is still there")
    wine("taskkill", "/f", "/im", "VisualCronClient.exe")
    wine("taskkill", "/f", "/im", "VCTray.exe")


def noticed_by_the_tray():
    """The tray sees what others do to the service, without asking again and again. The last step: in Wine a service that
    was watched cannot be deleted any more."""
    service("VisualCron", rf'"{FOLDER}\VisualCronService.exe"')
    log = on_disk(r"C:\data\log\visualcron-tray.log")
    tray = subprocess.Popen(
        [WINE, Path(PROGRAM).with_suffix(".exe"), "-v", "--data-dir", r"C:\data", "--config", r"C:\data\settings.toml", "--visualcron-dir", r"C:\user", "tray"],
        env=ENV, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    looks = lambda: log.read_text(errors="replace").count("sources.read") if log.exists() else 0
    try:
        wait_for("the tray's first look", lambda: looks() > 0)
        # It looks once or twice at its start: until that is over.
        quiet = looks()
        time.sleep(3)
        while looks() != quiet:
            quiet = looks()
            time.sleep(3)
        wine("net", "start", "VisualCron")
        wait_for("a look because the service was started", lambda: looks() > quiet)
        time.sleep(2)
        quiet = looks()
        wine("net", "stop", "VisualCron")
        wait_for("a look because the service was stopped", lambda: looks() > quiet)
    finally:
        ask("exit", expect=None)
        try:
            tray.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            tray.kill()
            check(False, "the tray does not end")


def one_that_fails():
    no_service("VisualCron")
    service("VisualCron", rf'"{FOLDER}\VisualCronService.exe" fails')
    _, said, _ = ask("service", "start", expect=74)
    check("stopped again at once, with code 5" in said and "server_startup.txt" in said, said)
    same(state(), "STOPPED", "a service that fails")


def client_alone():
    """The vendor's installer leaves the service disabled: no fault, and no server."""
    no_service("VisualCron")
    service("VisualCron", rf'"{FOLDER}\VisualCronService.exe"', "disabled")
    report = found()
    same(report["service_status"], "disabled: no server runs here", "service status")
    same(report["notes"], [], "notes")
    same(path_of(report["installation"]["client"]), rf"{FOLDER}\VisualCronClient.exe", "client")
    _, said, _ = ask("service", "start", expect=69)
    check("disabled, as after installing the Client alone" in said, said)
    same(state(), "STOPPED", "a disabled service")
    no_service("VisualCron")


def by_other_hints():
    """Each alone: an odd name of the service, uninstall keys in all views."""
    wine("reg", "delete", r"HKLM\SOFTWARE\V-C", "/f")
    wine("reg", "delete", r"HKLM\SOFTWARE\WOW6432Node\V-C", "/f")
    same(found()["installation"]["folder"], None, "folder, without a hint")
    service("Odd", rf"{FOLDER}\VisualCronService.exe -x")
    same(found()["installation"]["service"]["value"]["name"], "Odd", "service of another name")
    ask("service", "start")
    same(state("Odd"), "RUNNING", "service of another name")
    ask("service", "stop")
    same(state("Odd"), "STOPPED", "service of another name")
    no_service("Odd")
    for key, shown in [
        (rf"HKLM\{UNINSTALL}", rf"HKLM\{UNINSTALL}"),
        (rf"HKLM\{UNINSTALL_32}", rf"HKLM\{UNINSTALL_32}"),
        (rf"HKCU\{UNINSTALL}", rf"HKCU\{UNINSTALL}"),
    ]:
        for name, data in [("InstallLocation", FOLDER + "\\."), ("DisplayIcon", rf"{FOLDER}\VisualCronClient.exe,0")]:
            entry = rf"{key}\{{11111111-2222-3333-4444-555555555555}}"
            value(entry, "DisplayName", "VisualCron 13.2.2")
            value(entry, "DisplayVersion", "13.2.2")
            value(entry, name, data.removesuffix("\\."))
            report = found()["installation"]
            same(path_of(report["folder"]), FOLDER, f"folder by {key}, {name}")
            same(report["folder"]["by"], rf"{shown}\{{11111111-2222-3333-4444-555555555555}}, {name}", "its source")
            same(report["shown_version"]["value"], "13.2.2", "version shown")
            wine("reg", "delete", entry, "/f")
    # The usual folder needs no hint. Ours is not the vendor's.
    value(rf"HKLM\{UNINSTALL}\ours", "DisplayName", "visualcron-tray")
    value(rf"HKLM\{UNINSTALL}\ours", "InstallLocation", FOLDER)
    same(found()["installation"]["folder"], None, "folder, by our own entry")
    usual = r"C:\Program Files (x86)\VisualCron"
    put_programs(usual)
    same(path_of(found()["installation"]["folder"]), usual, "the usual folder")


def machine_settings():
    """A file that any user could have put there is passed over, and that is said."""
    folder = on_disk(r"C:\ProgramData\visualcron-tray")
    folder.mkdir(parents=True)
    (folder / "settings.toml").write_text('[visualcron]\nclient_program = "C:\\\\evil.exe"\n')
    shown = json.loads(ask("settings", "show", "--json", expect=None)[0])
    check("client_program" in json.dumps(shown) and "evil" not in json.dumps(shown), shown)
    _, said, _ = ask("status", expect=None)
    check("The machine's settings are passed over" in said and "not to the administrators" in said, said)


def main():
    global ENV, PROGRAM
    PROGRAM = str(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "dist/visualcron-tray.com").resolve())
    OUT.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(PREFIX, ignore_errors=True)
    ENV = dict(os.environ, WINEPREFIX=str(PREFIX))
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "VISUALCRON_TRAY_MACHINE_SETTINGS"):
        ENV.pop(name, None)
    try:
        for step in (
            nothing_installed,
            everything_by_its_service,
            started_and_stopped,
            one_that_fails,
            client_alone,
            by_other_hints,
            server_cache_cleared,
            machine_settings,
            noticed_by_the_tray,
        ):
            before, start = checks, time.monotonic()
            step()
            print(f"{step.__name__}: ok ({checks - before} checks, {time.monotonic() - start:.1f} s)", flush=True)
            check(checks > before, f"{step.__name__} has checked nothing")
        print(f"{checks} checks in all")
    finally:
        subprocess.run(["wineserver", "-k"], env=ENV)
        subprocess.run(["wineserver", "-w"], env=ENV)
        shutil.rmtree(PREFIX, ignore_errors=True)


main()
