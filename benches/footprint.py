#!/usr/bin/env python3
"""What the tray costs: memory, start, and what it does while nothing happens. Linux, standard library only.

    cargo build --release --bins --example bare_tray --example watcher
    benches/footprint.py                     the least tray, and the product where it is built
    benches/footprint.py --peers             also other tray programs, where they are installed
    benches/footprint.py --json out.json     the figures as JSON, too

All run on a private session bus with the least tray host (`examples/watcher.rs`), in one run: figures of one
machine at one time can be compared, those of two cannot. Starts take turns, so that a busy moment hits all.

Start is from the moment before the process is made until the host has the icon's registration. Wake-ups are
voluntary context switches of all threads. CPU time is the kernel's own account of all threads.

Ends with 1 if the product misses a target.
"""

import argparse
import glob
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from queue import Empty, Queue

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BARE, PRODUCT = "bare_tray", "visualcron-tray"

# Tray programs that people run. All but the last speak StatusNotifierItem; the last only XEmbed, so that its
# icon cannot be timed here.
PEERS = {
    "pasystray": ["pasystray"],
    "indicator-sensors": ["indicator-sensors"],
    "nm-applet": ["nm-applet", "--indicator"],
    "copyq": ["copyq"],
    "kdeconnect-indicator": ["kdeconnect-indicator"],
    "parcellite": ["parcellite"],
}

# The product may cost this much more than the least tray that the same crates allow.
MAX_RESIDENT_RATIO = 2.0
MAX_START_MORE_MS = 20.0
MAX_START_OF_FASTEST_PEER = 0.5
MAX_CPU_PERCENT = 0.05  # What a process list shows as 0.0.
MAX_WAKEUPS_MORE_PER_MINUTE = 6.0

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:dir=@DIR@</listen>@SERVICES@
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/></policy></busconfig>
"""


class World:
    """A session bus, a tray host that says when an icon comes, and a display for the peers."""

    def __init__(self, programs_dir, with_peers):
        self.dir = tempfile.mkdtemp(prefix="footprint.")
        self.helpers, self.display = [], None
        services = "<standard_session_servicedirs/>" if with_peers else ""
        config = os.path.join(self.dir, "bus.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(BUS.replace("@DIR@", self.dir).replace("@SERVICES@", services))
        bus = self._helper(["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address=1"])
        self.address = bus.stdout.readline().strip()
        if with_peers:
            display = self._helper(["Xvfb", "-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten",
                                    "tcp", "-noreset"])
            self.display = f":{display.stdout.readline().strip()}"
        self.registrations = Queue()
        watcher = self._helper([os.path.join(programs_dir, "examples", "watcher")], self.environment())
        if watcher.stdout.readline().strip() != "ready":
            raise SystemExit("the tray host does not start")
        threading.Thread(target=self._listen, args=(watcher.stdout,), daemon=True).start()

    def _helper(self, arguments, environment=None):
        helper = subprocess.Popen(arguments, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True)
        self.helpers.append(helper)
        return helper

    def _listen(self, stream):
        for line in stream:
            nanoseconds, pid, _ = line.split(maxsplit=2)
            self.registrations.put((int(nanoseconds), int(pid)))

    def environment(self, display=False):
        home = os.path.join(self.dir, "home")
        os.makedirs(os.path.join(home, "run"), mode=0o700, exist_ok=True)
        environment = {"PATH": os.environ["PATH"], "HOME": home, "XDG_RUNTIME_DIR": os.path.join(home, "run"),
                       "LANG": "C.UTF-8", "TZ": "Europe/Berlin", "DBUS_SESSION_BUS_ADDRESS": self.address}
        if display:
            environment.update(DISPLAY=self.display, NO_AT_BRIDGE="1", XDG_CURRENT_DESKTOP="XFCE")
        return environment

    def close(self):
        for helper in reversed(self.helpers):
            helper.kill()
            helper.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Program:
    def __init__(self, name, arguments, environment):
        self.name, self.arguments, self.environment = name, arguments, environment
        self.process, self.starts = None, []

    def start(self, world, patience):
        """Starts it; milliseconds until its icon is registered, or None if it does not register."""
        while not world.registrations.empty():
            world.registrations.get()
        begin = time.time_ns()
        # A group of its own, so that what it starts ends with it.
        self.process = subprocess.Popen(self.arguments, env=self.environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        start_new_session=True)
        deadline = time.monotonic() + patience
        while True:
            try:
                when, pid = world.registrations.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                return None
            if pid == self.process.pid:
                return (when - begin) / 1e6

    def stop(self):
        if self.process:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()
            self.process = None

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def memory(self):
        """Resident and private MiB."""
        with open(f"/proc/{self.process.pid}/smaps_rollup", encoding="ascii") as file:
            fields = {line.split(":")[0]: int(line.split()[1]) for line in file if line.endswith("kB\n")}
        return fields["Rss"] / 1024, (fields["Private_Clean"] + fields["Private_Dirty"]) / 1024

    def activity(self):
        """CPU ticks of the process, and for each thread: nanoseconds on a CPU, voluntary switches."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii", errors="replace") as file:
            after_name = file.read().rpartition(")")[2].split()
        ticks = int(after_name[11]) + int(after_name[12])
        threads = {}
        for task in glob.glob(f"/proc/{self.process.pid}/task/*"):
            try:
                with open(f"{task}/status", encoding="ascii", errors="replace") as file:
                    switches = next(int(line.split()[1]) for line in file
                                    if line.startswith("voluntary_ctxt_switches"))
                with open(f"{task}/schedstat", encoding="ascii") as file:
                    nanoseconds = int(file.read().split()[0])
            except OSError:
                continue  # It ended in between.
            threads[os.path.basename(task)] = (nanoseconds, switches)
        return ticks, threads


def measure_starts(world, programs, rounds):
    for number in range(rounds + 1):
        for program in programs:
            if number > 0 and None in program.starts:
                continue  # It does not register; no use to wait for it again.
            took = program.start(world, patience=10)
            program.stop()
            # The first round brings the files into memory and does not count.
            if number > 0 or took is None:
                program.starts.append(took)
        print(f"\rstarts: {number} of {rounds}", end="", file=sys.stderr)
    print(file=sys.stderr)


def measure_idle(world, programs, settle, seconds):
    for program in programs:
        program.start(world, patience=10)
    time.sleep(settle)
    before = {program.name: program.activity() for program in programs if program.alive()}
    begin = time.monotonic()
    time.sleep(seconds)
    results = {}
    for program in programs:
        if program.name not in before or not program.alive():
            print(f"{program.name} ended by itself", file=sys.stderr)
            continue
        ticks, threads = program.activity()
        minutes = (time.monotonic() - begin) / 60
        old_ticks, old_threads = before[program.name]
        busy = sum(now[0] - old_threads.get(task, (0, 0))[0] for task, now in threads.items()) / 1e6
        switches = sum(now[1] - old_threads.get(task, (0, 0))[1] for task, now in threads.items())
        resident, private = program.memory()
        results[program.name] = {
            "resident_mib": round(resident, 2), "private_mib": round(private, 2), "threads": len(threads),
            "cpu_ticks": ticks - old_ticks, "cpu_ms": round(busy, 2),
            "cpu_percent": round(busy / (minutes * 60_000) * 100, 4), "switches": switches,
            "wakeups_per_minute": round(switches / minutes, 1),
        }
    for program in programs:
        program.stop()
    return results


def summary(starts):
    known = sorted(took for took in starts if took is not None)
    if not known:
        return {"start_ms": None}
    return {"start_ms": round(statistics.median(known), 2), "start_best_ms": round(known[0], 2),
            "start_worst_ms": round(known[-1], 2), "starts": len(known)}


def table(figures):
    bare = figures[BARE]
    columns = [("program", "<22"), ("resident MiB", ">13"), ("x bare", ">7"), ("private MiB", ">12"),
               ("start ms", ">9"), ("best..worst", ">15"), ("CPU ms", ">8"), ("wake-ups/min", ">13"),
               ("threads", ">8")]
    lines = ["".join(f"{title:{form}}" for title, form in columns)]
    for name, row in figures.items():
        start = row.get("start_ms")
        spread = f"{row['start_best_ms']:.1f}..{row['start_worst_ms']:.1f}" if start is not None else "-"
        cells = [name, f"{row['resident_mib']:.1f}", f"{row['resident_mib'] / bare['resident_mib']:.1f}",
                 f"{row['private_mib']:.1f}", "-" if start is None else f"{start:.1f}", spread,
                 f"{row['cpu_ms']:.1f}", f"{row['wakeups_per_minute']:.1f}", str(row["threads"])]
        lines.append("".join(f"{cell:{form}}" for cell, (_, form) in zip(cells, columns)))
    return "\n".join(lines)


def verdicts(figures):
    """(passed or None, sentence) for each target."""
    bare, product = figures[BARE], figures[PRODUCT]
    ratio = product["resident_mib"] / bare["resident_mib"]
    yield ratio <= MAX_RESIDENT_RATIO, f"resident {ratio:.2f} x bare, at most {MAX_RESIDENT_RATIO:.0f} x"
    if product["start_ms"] is None:
        yield False, "start: no icon was registered"
    else:
        more = product["start_ms"] - bare["start_ms"]
        yield more <= MAX_START_MORE_MS, f"start {more:+.1f} ms to bare, at most {MAX_START_MORE_MS:+.0f} ms"
        peers = [row["start_ms"] for name, row in figures.items()
                 if name not in (BARE, PRODUCT) and row["start_ms"] is not None]
        if peers:
            part = product["start_ms"] / min(peers)
            yield (part <= MAX_START_OF_FASTEST_PEER,
                   f"start {part:.2f} x the fastest peer, at most {MAX_START_OF_FASTEST_PEER} x")
        else:
            yield None, "start against the fastest peer: no peer was measured (--peers)"
    yield product["cpu_percent"] < MAX_CPU_PERCENT, f"idle CPU {product['cpu_percent']:.2f} %, to show as 0.0 %"
    more = product["wakeups_per_minute"] - bare["wakeups_per_minute"]
    yield (more <= MAX_WAKEUPS_MORE_PER_MINUTE,
           f"idle wake-ups {more:+.1f} a minute to bare, at most {MAX_WAKEUPS_MORE_PER_MINUTE:+.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    parser.add_argument("--programs", default=os.path.join(target, "release"), help="folder of the binaries")
    parser.add_argument("--bare", help="another program as the yardstick")
    parser.add_argument("--product", help="another binary as the product")
    parser.add_argument("--product-args", default="--visualcron-dir {visualcron} --data-dir {data}",
                        help="its arguments; {visualcron} and {data} are folders of this run (%(default)s)")
    parser.add_argument("--visualcron-dir", help="copied to {visualcron}; an empty folder by default")
    parser.add_argument("--starts", type=int, default=15, help="starts of each program (%(default)s)")
    parser.add_argument("--settle", type=float, default=15, help="seconds before idling (%(default)s)")
    parser.add_argument("--idle", type=float, default=60, help="seconds of idling (%(default)s)")
    parser.add_argument("--peers", action="store_true", help="measure other tray programs, too (needs Xvfb)")
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()

    world = World(options.programs, options.peers)
    programs = []
    try:
        folders = {name: os.path.join(world.dir, name) for name in ("visualcron", "data")}
        if options.visualcron_dir:
            shutil.copytree(options.visualcron_dir, folders["visualcron"])
        for folder in folders.values():
            os.makedirs(folder, exist_ok=True)
        bare = options.bare or os.path.join(options.programs, "examples", BARE)
        product = options.product or os.path.join(options.programs, PRODUCT)
        programs.append(Program(BARE, [bare], world.environment()))
        if os.path.exists(product):
            arguments = [word.format(**folders) for word in options.product_args.split()]
            programs.append(Program(PRODUCT, [product, *arguments], world.environment()))
        else:
            print(f"{product} is not built", file=sys.stderr)
        for name, arguments in PEERS.items() if options.peers else ():
            if shutil.which(arguments[0], path=os.environ["PATH"]):
                programs.append(Program(name, arguments, world.environment(display=True)))
            else:
                print(f"{name} is not installed", file=sys.stderr)

        load_before = os.getloadavg()[0]
        measure_starts(world, programs, options.starts)
        print(f"idle: {options.idle:.0f} s", file=sys.stderr)
        idle = measure_idle(world, programs, options.settle, options.idle)
    finally:
        for program in programs:
            program.stop()
        world.close()

    figures = {program.name: {**summary(program.starts), **idle[program.name]}
               for program in programs if program.name in idle}
    if BARE not in figures:
        raise SystemExit("the least tray did not run: nothing to compare with")
    load = (load_before, os.getloadavg()[0])
    print(f"{os.cpu_count()} CPUs, load {load[0]:.1f} before and {load[1]:.1f} after; {options.starts} starts, "
          f"{options.idle:.0f} s idle\n")
    print(table(figures))
    checks = list(verdicts(figures)) if PRODUCT in figures else []
    if checks:
        print()
    for passed, sentence in checks:
        print({True: "PASS", False: "FAIL", None: "----"}[passed], sentence)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"cpus": os.cpu_count(), "load": load, "idle_seconds": options.idle,
                       "programs": figures,
                       "targets": [{"passed": passed, "target": text} for passed, text in checks]},
                      file, indent=2)
            file.write("\n")
    return 1 if any(passed is False for passed, _ in checks) else 0


if __name__ == "__main__":
    sys.exit(main())
