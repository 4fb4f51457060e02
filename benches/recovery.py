#!/usr/bin/env python3
"""How long Clear server cache takes from the confirmation until all programs run again, beyond what the programs
themselves take to close and start. The stand-ins close at once, so what is left is ours.

    cargo build --release && cargo build --release --example stand_in && benches/recovery.py [RUNS]
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = ROOT / "target" / "release"
RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 10


def wait_until(what, holds):
    until = time.monotonic() + 20
    while not holds():
        if time.monotonic() > until:
            sys.exit(f"waited in vain for {what}")
        time.sleep(0.002)


def alive(path):
    for link in pathlib.Path("/proc").glob("[0-9]*/exe"):
        try:
            if os.readlink(link) == str(path):
                return True
        except OSError:
            pass
    return False


def answers(path):
    with socket.socket(socket.AF_UNIX) as caller:
        try:
            caller.connect(str(path))
            return True
        except OSError:
            return False


def moment(text):
    head, _, fraction = text.rstrip("Z").partition(".")
    whole = time.mktime(time.strptime(head, "%Y-%m-%dT%H:%M:%S"))
    return whole + float(f"0.{fraction or 0}")


with tempfile.TemporaryDirectory(prefix="vct-bench-") as home:
    home = pathlib.Path(home)
    for folder in ["program", "VisualCron/settings", "VisualCron/log", "data"]:
        (home / folder).mkdir(parents=True, mode=0o700)
    servers_xml = home / "VisualCron/settings/servers.xml"
    (home / "settings.toml").write_text(
        f"visualcron.client_program = '{home}/program/VisualCronClient'\n"
        "license_host.check_on_refresh = false\nconnection.check = 'off'\n"
    )
    options = ["--visualcron-dir", "VisualCron", "--config", "settings.toml", "--data-dir", "data"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    tray = str(RELEASE / "visualcron-tray")
    started = []
    for name in ["VisualCronClient", "VCTray"]:
        shutil.copy(RELEASE / "examples" / "stand_in", home / "program" / name)
        started.append(subprocess.Popen([home / "program" / name], env=environment))
    started.append(subprocess.Popen([tray, *options], cwd=home, env=environment, stderr=subprocess.DEVNULL))
    wait_until("the tray", lambda: answers(home / "data/tray.sock"))
    totals, waits, seen = [], [], []
    for _ in range(RUNS):
        servers_xml.write_text("<Servers/>")
        asked = time.monotonic()
        done = subprocess.run(
            [tray, "recover", "--yes", "--wait", "0", *options], cwd=home, env=environment, capture_output=True
        )
        if done.returncode != 0:
            sys.exit(done.stderr.decode())
        wait_until("the Client", lambda: alive(home / "program/VisualCronClient"))
        wait_until("the tray", lambda: answers(home / "data/tray.sock"))
        for process in started:
            process.poll()
        journal = sorted((home / "data/recovery").glob("*.jsonl"))[-1]
        records = [json.loads(line) for line in journal.read_text().splitlines()]
        began, ended = moment(records[0]["plan"]["made_at"]), moment(records[-1]["at"])
        closing = {r["index"]: moment(r["at"]) for r in records if r.get("record") == "begins"}
        closed = {r["index"]: moment(r["at"]) for r in records if r.get("record") == "done"}
        totals.append(1000 * (ended - began))
        seen.append(1000 * (time.monotonic() - asked))
        waits.append(1000 * sum(closed[n] - closing[n] for n in range(3)))
    subprocess.run([tray, "exit", *options], cwd=home, env=environment, stderr=subprocess.DEVNULL)
    for link in pathlib.Path("/proc").glob("[0-9]*/exe"):
        try:
            if os.readlink(link).startswith(f"{home}/program/"):
                os.kill(int(link.parent.name), signal.SIGTERM)
        except OSError:
            pass
    median, worst = statistics.median(totals), max(totals)
    print(f"{RUNS} runs: {median:.0f} ms from the plan to the end (worst {worst:.0f} ms, at most 300),")
    print(f"of these {statistics.median(waits):.0f} ms until three programs had closed;")
    print(f"{statistics.median(seen):.0f} ms from the start of the command until the new tray answers (worst {max(seen):.0f}).")
    sys.exit(median > 300)
