#!/usr/bin/env python3
"""Clear server cache under Wine, with real processes and files: Clients that close at once, late or never, a servers.xml
that others hold open, what must be refused, ended at each write of its journal, and what users break in the middle.

    tests/windows/recovery.py [PROGRAM [STEP…]]       default: dist/visualcron-tray.exe, made by scripts/windows/build.sh

Wine's quirks here: its Restart Manager names nobody; and it has no junctions and links to refuse: those of Linux it
follows without a word.
"""

import json
import os
import shutil
import subprocess
import sys
import time

from prefix import (
    ENV, FOLDERS, OUT, PATIENCE, PROGRAM, QUIET, TRAY, WINE, ask, begin, check, gives, log, on_disk, processes, put_programs, run, same,
    wait_for, wine,
)

CLIENT, VENDOR = "VisualCronClient.exe", "VCTray.exe"
PROGRAMS = r"C:\Program Files (x86)\VisualCron"
FILE = r"C:\user\settings\servers.xml"
OLD = "<ArrayOfConnection><Connection><Name>Büro</Name><Address>a</Address></Connection></ArrayOfConnection>"
NEW = "<ArrayOfConnection><Connection><Name>New</Name><Address>a</Address></Connection></ArrayOfConnection>"
# In a mount namespace of its own, which goes with this script.
MOUNTS = "RECOVERY_MAY_MOUNT"


def folder():
    return on_disk(r"C:\user\settings")


def texts():
    """What servers.xml and its backups hold."""
    return {path.name: path.read_text() for path in folder().iterdir() if path.is_file()}


def fresh():
    """servers.xml as the Client left it, no backup, and no program that runs."""
    if not on_disk(PROGRAMS).exists():
        put_programs(PROGRAMS)
    for name in (CLIENT, VENDOR):
        for pid in processes(name):
            os.kill(pid, 9)
        wait_for(f"the end of {name}", lambda: not processes(name))
    folder().mkdir(parents=True, exist_ok=True)
    for path in folder().iterdir():
        path.unlink()
    (folder() / "servers.xml").write_text(OLD)


def start(name, *words):
    """Starts a stand-in. Its window comes a moment after its process."""
    begin(rf"{PROGRAMS}\{name}", *words)
    return wait_for(name, lambda: processes(name))


def recover(*words, expect=0):
    return "".join(ask("recover", "--yes", "--wait", "0", *words, expect=expect)[:2])


def is_whole(when):
    """The list of servers is there once, whole: in its place, or as the one backup."""
    same(list(texts().values()), [OLD], f"servers.xml and its backups, {when}")


def is_cleared(said):
    check("servers.xml" not in texts(), f"servers.xml is still there: {said}")
    is_whole(f"after it was cleared ({said})")


def is_untouched(said):
    same(texts(), {"servers.xml": OLD}, f"the folder ({said})")


def state():
    return json.loads(ask("recover", "--status", "--json", expect=None)[0])["state"]


def journals():
    return set(on_disk(r"C:\data").rglob("*.jsonl"))


def during(*words):
    """A recovery that has begun."""
    known = journals()
    process = begin(PROGRAM, *FOLDERS, "recover", "--yes", "--wait", "0", *words)
    wait_for("the journal", lambda: process.poll() is not None or journals() - known)
    return process


def closes_at_once():
    """The vendor's seven steps with programs that run: closed by their windows, started again as they ran."""

    fresh()
    before = {CLIENT: start(CLIENT, "two words"), VENDOR: start(VENDOR, "hidden")}
    said = recover()
    is_cleared(said)
    check("left to close" not in said, f"nobody was waited for: {said}")
    for name, old in before.items():
        new = wait_for(f"{name} again", lambda: processes(name))
        check(not set(new) & set(old), f"{name} was not started anew: {new}")
        same(list(new.values()), list(old.values()), f"arguments of {name}")
    # And back again: what the Client has written meanwhile becomes a backup.
    (folder() / "servers.xml").write_text(NEW)
    recover("--undo")
    same((texts()["servers.xml"], len(texts())), (OLD, 2), "after --undo")
    check(NEW in texts().values(), texts())
    same(ask("recover", "--list")[0].count(".bak"), 1, "backups that are listed")


def closes_late():
    """The countdown is seen, and the file is what the Client wrote while it closed."""
    fresh()
    start(CLIENT, "late", "6000", "writes", FILE, NEW)
    said = recover("--timeout", "10")
    check("the VisualCron Client has" in said and "s left to close" in said, said)
    same(list(texts().values()), [NEW], f"what the Client wrote while it closed ({said})")
    check("servers.xml" not in texts() and processes(CLIENT), said)


def does_not_close():
    """Not ended unasked: then everything is as it was. Ended when that is asked for."""
    fresh()
    stubborn = start(CLIENT, "stubborn")
    said = recover("--timeout", "2", expect=75)
    check("it did not close within 2 s" in said and "--force-close" in said, said)
    same(processes(CLIENT), stubborn, f"a Client that does not close ({said})")
    is_untouched(said)
    said = recover("--timeout", "2", "--force-close")
    check("Did not close, and is ended" in said, said)
    check(not set(processes(CLIENT)) & set(stubborn), "a Client that does not close was not ended")
    wait_for("the Client again", lambda: processes(CLIENT))
    is_cleared(said)


def held_by_the_client():
    """Whatever it lets others do with the file: when it has closed, the file is free."""
    for share in (0, 1, 3, 7):
        fresh()
        start(CLIENT, "hold", FILE, str(share))
        said = recover()
        is_cleared(f"the Client held it open, and shared {share}: {said}")


def held_by_another():
    """Refused with what can be known, and with nothing changed; one that lets the file be deleted does no harm."""
    holder = rf"{PROGRAMS}\holder.exe"
    shutil.copy(on_disk(rf"{PROGRAMS}\{CLIENT}"), on_disk(holder))
    for share in (0, 1, 3, 7):
        fresh()
        begin(holder, "windowless", "hold", FILE, str(share))
        pids = wait_for("the holder", lambda: processes("holder.exe"))
        time.sleep(1)
        if share == 7:
            is_cleared(recover())
        else:
            for words in (["--yes"], ["--dry-run"]):
                said = "".join(ask("recover", *words, expect=77)[:2])
                check("another program holds it open: Windows does not name it" in said, f"{share}: {said}")
                check("Close that program, and try again." in said and FILE in said, f"{share}: {said}")
            is_untouched(f"shared {share}")
            same(state(), "none", "what is open")
            # Beside a Client that closes it shows only after that; then all is taken back.
            start(CLIENT)
            said = recover(expect=75)
            check("another program holds it open" in said, f"{share}: {said}")
            is_untouched(f"shared {share}: {said}")
            wait_for("the Client again", lambda: processes(CLIENT))
        for pid in pids:
            os.kill(pid, 9)
        wait_for("the end of the holder", lambda: not processes("holder.exe"))


def long_and_foreign_names():
    """A user's name that is no ASCII, and a path of more than 260 units."""
    for deep in (0, 6):
        user = "\\".join([r"C:\Jürgen Müller 日本", *(f"{n} {'ö' * 50}" for n in range(deep))])
        settings = on_disk(rf"{user}\VisualCron\settings")
        settings.mkdir(parents=True)
        (settings / "servers.xml").write_text(OLD)
        programs = r"C:\Jürgen Müller 日本\Programs"
        put_programs(programs)
        begin(rf"{programs}\{CLIENT}", "größer 日本")
        wait_for("the Client", lambda: processes(CLIENT))
        places = ["--data-dir", rf"{user}\data", "--config", rf"{user}\settings.toml"]
        places += ["--visualcron-dir", rf"{user}\VisualCron"]
        on_disk(rf"{user}\data").mkdir()
        on_disk(rf"{user}\settings.toml").write_text(f"[visualcron]\nclient_program = '{programs}\\{CLIENT}'\n")
        said = "".join(wine(PROGRAM, *places, "recover", "--yes", "--wait", "0")[:2])
        names = [path.name for path in settings.iterdir()]
        check(len(names) == 1 and names[0].endswith(".bak"), f"{names}: {said}")
        same((settings / names[0]).read_text(), OLD, "the backup")
        check(rf"{user}\VisualCron\settings\{names[0]}" in said, said)
        again = wait_for("the Client again", lambda: processes(CLIENT))
        same(list(again.values()), [["größer 日本"]], "its arguments")
        said = "".join(wine(PROGRAM, *places, "recover", "--undo", "--yes", "--wait", "0")[:2])
        same([path.name for path in settings.iterdir()], ["servers.xml"], said)
        fresh()


def refused():
    """What must not be touched, with the reason; nothing is changed."""
    fresh()
    client = start(CLIENT)

    def is_refused(why):
        for words in (["--yes"], ["--dry-run"]):
            out, err, code = ask("recover", "--wait", "0", *words, expect=None)
            check(code == 77 and why in out + err, f"{why}: {code} {out}{err}")
        same(processes(CLIENT), client, f"the Client ({why})")
        check((folder() / "servers.xml").read_text() == OLD, why)

    (folder() / "Users.XML").write_text("")
    is_refused("it is a server's settings folder")
    (folder() / "Users.XML").unlink()
    os.link(folder() / "servers.xml", on_disk(r"C:\user\second"))
    is_refused("it has several names (hard links)")
    on_disk(r"C:\user\second").unlink()
    is_untouched("refused")


def beside_our_tray():
    """Our own tray is closed by its window, and comes back with its options."""
    fresh()
    ours = begin(TRAY, *FOLDERS, "tray")
    wait_for("the tray", lambda: "tray.started" in log())
    # It answers: what is asked now comes from it.
    ask("status", expect=None)
    before = processes("visualcron-tray.exe")
    said = recover("--no-client")
    wait_for("the end of the tray", lambda: ours.poll() is not None)
    gives(ours.returncode, 0, f"the tray:\n{said}")
    after = wait_for("the tray again", lambda: processes("visualcron-tray.exe"))
    check(not set(before) & set(after), f"the tray was not started anew: {said}")
    same(list(after.values()), list(before.values()), "its options")
    is_cleared(said)
    ask("exit")
    wait_for("the end of the tray", lambda: not processes("visualcron-tray.exe"))


def struck(nth, *words):
    """A recovery that is killed at the nth of its writes that are synced to the disk; its exit code."""
    strike = ["-e", "trace=fsync", "-e", f"inject=fsync:signal=SIGKILL:when={nth}"]
    command = ["strace", "-qq", "-o", "/dev/null", *strike, WINE, PROGRAM, *FOLDERS, "recover", *words]
    return subprocess.run(command, env=ENV, timeout=PATIENCE, **QUIET).returncode


def run_as_before(context):
    for name, words in ((CLIENT, ["two words"]), (VENDOR, ["hidden"])):
        wait_for(f"{name}, {context}", lambda: list(processes(name).values()) == [words])


def killed_at_every_write():
    """And again in what follows: nothing is lost, everything runs as it ran, and nothing is left open."""
    fresh()
    start(CLIENT, "two words")
    start(VENDOR, "hidden")
    kills, kills_after = 0, 0
    for nth in range(1, 100):
        code = struck(nth, "--yes", "--wait", "0")
        is_whole(f"killed at write {nth}")
        if code == 0:
            break
        same(code, -9, f"exit code at write {nth}")
        kills += 1
        if state() == "interrupted":
            said = ask("status", expect=None)[1]
            check("Clear server cache was interrupted" in said, said)
            same(ask("recover", "--yes", expect=69)[2], 69, "another one meanwhile")
        decision = ["--resume", "--rollback"][nth % 2]
        for second in (1, 2):
            kills_after += struck(second, decision, "--wait", "0") == -9
            is_whole(f"killed at write {nth}, and at {second} of {decision}")
        said, _, code = ask("recover", decision, "--wait", "0", expect=None)
        check(code in (0, 75), f"{decision} gave {code}: {said}")
        run_as_before(f"killed at write {nth}, {decision}")
        is_whole(f"after {decision}")
        same(state(), "none", f"what is open ({said})")
        for path in folder().glob("*.bak"):
            path.rename(folder() / "servers.xml")
    check(kills > 10 and kills_after > 10, f"{kills} {kills_after}")
    print(f"  killed {kills} times in a recovery and {kills_after} times in what followed; lost: 0")


def cut_off_after_the_rename(first=[5]):
    """A recovery that was killed when the Client was closed and servers.xml was a backup; that backup."""
    for nth in range(first[0], 100):
        fresh()
        start(CLIENT, "two words")
        struck(nth, "--yes", "--wait", "0")
        if "servers.xml" not in texts():
            same(state(), "interrupted", "what is open")
            # The next one is cut off there at once.
            first[0] = nth
            return next(folder().glob("*.bak"))
        ask("recover", "--rollback", "--wait", "0", expect=None)
    raise SystemExit("FAILED: it was never cut off after the rename")


def broken_by_hand():
    """What others do in the middle: nobody's file is overwritten, and what cannot be mended is said."""
    # The user deletes the backup.
    backup = cut_off_after_the_rename()
    backup.unlink()
    said = recover("--rollback", expect=76)
    check("the backup is gone: somebody removed it" in said and backup.name in said, said)
    check(rf"put it at {FILE}" in said, said)
    wait_for("the Client again", lambda: processes(CLIENT))
    same(state(), "none", "what is open")
    # A program writes servers.xml anew.
    for decision, present, code in (("--rollback", OLD, 75), ("--resume", NEW, 0)):
        cut_off_after_the_rename()
        (folder() / "servers.xml").write_text(NEW)
        said = recover(decision, expect=code)
        same(texts()["servers.xml"], present, f"after {decision} ({said})")
        same(sorted(texts().values()), sorted([OLD, NEW]), f"both, after {decision} ({said})")
    # Where all is as it was again, it can begin anew.
    recover()


def session_ends_meanwhile():
    """While a recovery waits for a Client that does not close, the session ends: nothing was moved, and it is known."""
    fresh()
    start(CLIENT, "stubborn")
    process = during("--timeout", "60")
    said = recover(expect=69)
    check("is under way already" in said, said)
    end = [WINE, "wineboot", "--end-session", "--force", "--kill"]
    subprocess.run(end, env=ENV, timeout=PATIENCE, **QUIET)
    wait_for("the end of the command", lambda: process.poll() is not None)
    same(list(texts()), ["servers.xml"], "after the session's end")
    fresh()
    ask("recover", "--rollback", expect=None)
    is_whole("after that was taken back")
    same(state(), "none", "what is open")


def full_disk():
    """The disk of the journal is full in the middle: all is taken back, and closed once there is room."""
    if not may_mount():
        check(True, "")
        return
    small = on_disk(r"C:\small")
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", small], check=True)
    places = ["--data-dir", r"C:\small\data", "--config", r"C:\data\settings.toml", "--visualcron-dir", r"C:\user"]
    codes = []
    for padding in range(0, 4096, 800):
        fresh()
        start(CLIENT, "late", "2500", "x" * padding)
        known = set(small.rglob("*.jsonl"))
        out = OUT / "full-disk.txt"
        with open(out, "w") as streams:
            command = [WINE, PROGRAM, *places, "recover", "--yes", "--wait", "0"]
            process = subprocess.Popen(command, env=ENV, stdin=subprocess.DEVNULL, stdout=streams, stderr=streams)
        begun = lambda: any('"begins"' in path.read_text() for path in set(small.rglob("*.jsonl")) - known)
        wait_for("the first step", lambda: process.poll() is not None or begun())
        with open(small / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        codes.append(process.wait(PATIENCE))
        said = out.read_text(errors="replace")
        check(codes[-1] in (0, 75, 76), f"{codes}: {said}")
        if codes[-1]:
            check("isk" in said and "Free some space" in said and r"C:\small\data\recovery" in said, said)
            is_untouched(said)
        wait_for("the Client again", lambda: processes(CLIENT))
        (small / "filler").unlink()
        wine(PROGRAM, *places, "recover", "--rollback", "--wait", "0", expect=None)
        is_whole(f"after a full disk: {said}")
        left = json.loads(wine(PROGRAM, *places, "recover", "--status", "--json", expect=None)[0])
        same(left["state"], "none", f"what is open: {said}")
    check(any(codes), codes)
    print(f"  exit codes with a full disk: {codes}; lost: 0")
    wine("cmd", "/c", "exit")
    subprocess.run(["umount", "-l", small], check=True)


def may_mount():
    if not os.environ.get(MOUNTS):
        print("  skipped in part: nothing can be mounted here")
    return bool(os.environ.get(MOUNTS))


def in_a_namespace():
    """Where it can be had, this script goes on in a mount namespace of its own."""
    words = ["unshare", "--map-root-user", "--mount"]
    if MOUNTS not in os.environ:
        can = subprocess.run([*words, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], **QUIET).returncode == 0
        os.environ[MOUNTS] = "1" if can else ""
        if can:
            os.execvp(words[0], [*words, sys.executable, *sys.argv])


in_a_namespace()
run(
    closes_at_once,
    closes_late,
    does_not_close,
    held_by_the_client,
    held_by_another,
    long_and_foreign_names,
    refused,
    beside_our_tray,
    broken_by_hand,
    killed_at_every_write,
    full_disk,
    session_ends_meanwhile,
)
