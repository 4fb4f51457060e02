#!/usr/bin/env python3
"""A stand-in for VisualCron in a Wine prefix of its own, with registry keys, programs that bear versions and a real
Windows service; and the real program, which has to find it, tell of it, and start and stop the service.

    tests/windows/discovery.py [PROGRAM [STEP…]]      default: dist/visualcron-tray.exe, made by scripts/windows/build.sh

What the program says is held against what Windows' own tools say: nothing passes because it was not looked at. Wine's
quirk here: everybody is an administrator, so that nothing is refused.
"""

import json
import time

from prefix import FOLDERS, TRAY, ask, begin, check, log, on_disk, put_programs, run, same, wait_for, wine

UNINSTALL = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
UNINSTALL_32 = r"SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall"
# Of this folder no document speaks: it has to be found.
FOLDER = r"C:\Apps\VC here"


def found():
    """What the program says of the installation."""
    return json.loads(ask("service", "status", "--json")[0])


def state(name="VisualCron"):
    """What Windows says of the service."""
    text = wine("sc", "query", name)[0]
    return next(line.split()[-1] for line in text.splitlines() if "STATE" in line)


def value(key, name, data, kind="REG_SZ"):
    wine("reg", "add", key, "/v", name, "/t", kind, "/d", data, "/f")


def service(name, program, start="demand"):
    # One of this name that was deleted may stay for a moment.
    create = lambda: wine("sc", "create", name, "binPath=", program, "start=", start, expect=None)[2] == 0
    wait_for(f"the making of the service {name}", create)


def no_service(name):
    wine("sc", "delete", name)


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
    put_programs(FOLDER, "13.2.1.7", "13.2.2.9")
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
    on_disk(r"C:\data\settings.toml").unlink(missing_ok=True)
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


def while_it_is_on_its_way():
    """Others have asked for the opposite, or for the same, and the service takes its time."""
    no_service("VisualCron")
    service("VisualCron", rf'"{FOLDER}\VisualCronService.exe" slow')
    for others, on_its_way, word, then in [
        ("start", "START_PENDING", "stop", "STOPPED"),
        ("start", "START_PENDING", "start", "RUNNING"),
        ("stop", "STOP_PENDING", "start", "RUNNING"),
        ("stop", "STOP_PENDING", "stop", "STOPPED"),
    ]:
        wine("sc", others, "VisualCron")
        same(state(), on_its_way, f"after sc {others}")
        ask("service", word)
        same(state(), then, f"after {word} while it was {on_its_way}")


def noticed_by_the_tray():
    """The tray sees what others do to the service, without asking again and again. The last step: in Wine a service that
    was watched cannot be deleted any more."""
    service("VisualCron", rf'"{FOLDER}\VisualCronService.exe"')
    tray = begin(TRAY, "-v", *FOLDERS, "tray")
    looks = lambda: log().count("sources.read")
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
        wait_for("the end of the tray", lambda: tray.poll() is not None)


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
    put_programs(usual, "13.2.1.7", "13.2.2.9")
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


def policies():
    """Group Policy's keys: locked and recommended values, one with a mistake, and what a user can change then."""
    key = r"HKLM\SOFTWARE\Policies\visualcron-tray"
    on_disk(r"C:\ProgramData\visualcron-tray\settings.toml").unlink(missing_ok=True)
    value(rf"{key}\notices", "expiring_days", "45", "REG_DWORD")
    value(rf"{key}\notices", "quiet_hours", "20:00-07:00")
    value(rf"{key}\notices", "before_days", "%DAYS%", "REG_EXPAND_SZ")
    value(rf"{key}\Recommended\notices", "renewed", "0", "REG_DWORD")
    value(rf"{key}\Recommended\pages", "renew", "https://intra.example/renew")

    def shown():
        text, said, _ = ask("settings", "show", "--json", expect=78)
        report = json.loads(text)
        return {row["key"]: (row["value"], row["origin"]) for row in report["settings"]}, report, said

    rows, report, _ = shown()
    same(rows["notices.expiring_days"], ("45", "policy, locked"), "a number")
    same(rows["notices.quiet_hours"], ('"20:00-07:00"', "policy, locked"), "a text")
    same(rows["notices.renewed"], ("false", "policy"), "a recommended value")
    same(rows["pages.renew"], ('"https://intra.example/renew"', "policy"), "a recommended text")
    same(rows["notices.before_days"][1], "default", "a value of a wrong type")
    problem = json.dumps(report["problems"])
    check("REG_EXPAND_SZ" in problem and r"notices, before_days" in problem, problem)
    _, said, _ = ask("settings", "set", "notices.expiring_days", "10", expect=77)
    check("a policy of this machine locks it" in said, said)
    ask("settings", "set", "notices.renewed", "true")
    rows, _, _ = shown()
    same(rows["notices.renewed"][0], "true", "a recommended value that the user changed")
    check(rows["notices.renewed"][1].startswith("line "), rows["notices.renewed"])
    wine("reg", "delete", rf"{key}\notices", "/v", "before_days", "/f")
    report = json.loads(ask("settings", "show", "--json")[0])
    same(report["problems"], [], "problems without the mistake")
    wine("reg", "delete", key, "/f")
    ask("settings", "set", "notices.expiring_days", "10")


run(
    nothing_installed,
    everything_by_its_service,
    started_and_stopped,
    while_it_is_on_its_way,
    one_that_fails,
    client_alone,
    by_other_hints,
    machine_settings,
    policies,
    noticed_by_the_tray,
)
