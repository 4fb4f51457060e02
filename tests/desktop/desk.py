"""What a scenario on the real desktop has to see and to do. Only the standard library; see run.sh.

A scenario is a file with `def run(desk):`. It starts a program, looks at the screen as a user does, and
asserts:

    def run(desk):
        tray = desk.start("visualcron-tray", "--data-dir", desk.path("data"))
        desk.right_click_icon()
        desk.shot("menu")
        desk.choose("Client", "Open log folder")
        assert desk.wait_for_opened().endswith("/logs")
        desk.choose_from_icon("Exit")
        assert tray.wait_for_exit() == 0

Every wait is for something to be seen, with an upper limit; nothing here hopes that a second is enough.
"""

import contextlib
import ctypes
import difflib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback

WIDTH, HEIGHT, PANEL = 1280, 800, 32
TIMEOUT = 20.0
REST = (320, 200)  # Where the pointer waits: over the bare desktop.
NOTIFYD = ("/usr/lib/x86_64-linux-gnu/xfce4/notifyd/xfce4-notifyd", "/usr/lib/xfce4/notifyd/xfce4-notifyd")


class Box:
    """A rectangle of the screen in pixels; right and bottom lie outside."""

    def __init__(self, left, top, right, bottom):
        self.left, self.top, self.right, self.bottom = left, top, right, bottom

    @property
    def size(self):
        return self.right - self.left, self.bottom - self.top

    @property
    def corner(self):
        return self.left, self.top

    @property
    def centre(self):
        return (self.left + self.right) // 2, (self.top + self.bottom) // 2

    def grown(self, by):
        return Box(max(0, self.left - by), max(0, self.top - by),
                   min(WIDTH, self.right + by), min(HEIGHT, self.bottom + by))

    def joined(self, other):
        return Box(min(self.left, other.left), min(self.top, other.top),
                   max(self.right, other.right), max(self.bottom, other.bottom))

    def __repr__(self):
        return f"{self.size[0]}x{self.size[1]}+{self.left}+{self.top}"


SCREEN = Box(0, 0, WIDTH, HEIGHT)
PANEL_BOX = Box(0, HEIGHT - PANEL, WIDTH, HEIGHT)
ABOVE_PANEL = Box(0, 0, WIDTH, HEIGHT - PANEL)


class Picture:
    """The pixels of the screen at one moment."""

    def __init__(self, rgb):
        assert len(rgb) == WIDTH * HEIGHT * 3, len(rgb)
        self.rgb = rgb

    def row(self, y, box):
        start = y * WIDTH * 3
        return self.rgb[start + box.left * 3:start + box.right * 3]

    def crop(self, box):
        return b"".join(self.row(y, box) for y in range(box.top, box.bottom))

    def difference(self, other, within=SCREEN):
        """The smallest box within which the two differ, or None."""
        left = right = top = bottom = None
        row_bytes = (within.right - within.left) * 3
        for y in range(within.top, within.bottom):
            mine, theirs = self.row(y, within), other.row(y, within)
            if mine == theirs:
                continue
            top, bottom = (y if top is None else top), y + 1
            # As one large number each: the first and the last bit that differ, without a loop in Python.
            bits = int.from_bytes(mine, "big") ^ int.from_bytes(theirs, "big")
            first = (row_bytes * 8 - bits.bit_length()) // 24
            last = (row_bytes * 8 - ((bits & -bits).bit_length())) // 24
            left = first if left is None else min(left, first)
            right = last if right is None else max(right, last)
        if top is None:
            return None
        return Box(within.left + left, top, within.left + right + 1, bottom)

    def count(self, colour, within=SCREEN):
        """How many pixels have exactly this colour (red, green, blue)."""
        wanted, data = bytes(colour), self.crop(within)
        return sum(data[at:at + 3] == wanted for at in range(0, len(data), 3)) if wanted in data else 0


class Program:
    """A program that a scenario started."""

    def __init__(self, arguments, log, environment, folder=None):
        self.name, self.log = os.path.basename(arguments[0]), log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=subprocess.STDOUT, env=environment, cwd=folder)

    @property
    def pid(self):
        return self.process.pid

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as said:
            return said.read()

    def wait_for_output(self, text, timeout=TIMEOUT):
        wait(f"{text!r} from {self.name}", timeout, lambda: text in self.output())

    def is_running(self):
        return self.process.poll() is None

    def wait_for_exit(self, timeout=TIMEOUT):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {timeout:.0f} s") from None

    def stop(self):
        if self.is_running():
            self.process.kill()
        self.process.wait()


def wait(what, timeout, probe, pause=0.03):
    """The first true answer of `probe`."""
    deadline = time.monotonic() + timeout
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:.0f} s in vain for {what}")
        time.sleep(pause)


def run_tool(*arguments, **options):
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def paint_root(colour):
    """A desktop of one colour; black ones look dead in the README. (xsetroot is often not installed.)"""
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XDefaultRootWindow.restype = ctypes.c_ulong
    display = ctypes.c_void_p(x11.XOpenDisplay(None))
    root = ctypes.c_ulong(x11.XDefaultRootWindow(display))
    x11.XSetWindowBackground(display, root, ctypes.c_ulong(colour))
    x11.XClearWindow(display, root)
    x11.XCloseDisplay(display)


def plain(text):
    """What of a text OCR can be trusted to tell: no spaces and marks, and O is 0, and l and I are 1."""
    return re.sub(r"[\W_]+", "", text).casefold().translate(str.maketrans("oil", "011"))


class Desk:
    def __init__(self):
        self.home = os.environ["HOME"]
        self.out = os.environ["DESK_OUT"]
        self.programs_dir = os.environ["DESK_PROGRAMS"]
        self.programs, self.world = [], []
        self.base = self.icon = None
        self._read = (None, None)  # The last picture that was read, and its words.

    # The desktop itself ------------------------------------------------------------------------------------

    def open(self):
        """Starts the desktop and waits until it can show an icon and a bubble."""
        paint_root(0x4A6A88)
        self._service("openbox", "openbox", "--sm-disable")
        notifyd = next((path for path in NOTIFYD if os.path.exists(path)), None)
        assert notifyd, "xfce4-notifyd is not installed"
        self._service("notifyd", notifyd)
        self.start_panel()
        wait("the notification server", TIMEOUT, lambda: self.has_owner("org.freedesktop.Notifications"))
        self.move(*REST)
        self.base = self.look_when_still()

    def start_panel(self, theme="Adwaita"):
        """Also after `stop_panel`: a panel that restarts. "Adwaita:dark" makes a dark one."""
        self.panel = self._service("panel", "xfce4-panel", "--disable-wm-check", GTK_THEME=theme)
        wait("the tray host", TIMEOUT, lambda: self.has_owner("org.kde.StatusNotifierWatcher"))
        wait("the panel on the screen", TIMEOUT,
             lambda: self.windows("Xfce4-panel", lambda box: box.size[0] == WIDTH and box.bottom == HEIGHT))

    def stop_panel(self):
        self.panel.stop()
        wait("the tray host's end", TIMEOUT, lambda: not self.has_owner("org.kde.StatusNotifierWatcher"))

    def look_anew(self):
        """Takes the desktop as it is now for what was there before the program."""
        self.icon, self.base = None, self.look_when_still()

    def _service(self, log, *arguments, **environment):
        program = Program(arguments, self.path(f"{log}.log"), {**os.environ, **environment})
        self.world.append(program)
        return program

    def close(self):
        for program in reversed(self.programs):
            program.stop()
        # What our programs started in their turn.
        for process in self.processes():
            if process["program"].startswith((self.home, self.programs_dir)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process["pid"], signal.SIGKILL)
        for program in reversed(self.world):
            program.stop()

    def processes(self, program=None):
        """The processes of this home, those of one program if given."""
        found = []
        for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
            try:
                path, folder = os.readlink(f"/proc/{pid}/exe"), os.readlink(f"/proc/{pid}/cwd")
                arguments, environment = (self._texts(pid, name) for name in ("cmdline", "environ"))
            except OSError:  # It has ended.
                continue
            environment = dict(text.partition("=")[::2] for text in environment)
            if environment.get("HOME") == self.home and program in (None, path):
                found.append({"pid": pid, "program": path, "arguments": arguments[1:], "folder": folder,
                              "environment": environment})
        return found

    @staticmethod
    def _texts(pid, name):
        with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="replace") as file:
            return file.read().rstrip("\0").split("\0")

    def has_owner(self, name):
        said = run_tool("gdbus", "call", "--session", "--dest", "org.freedesktop.DBus", "--object-path",
                        "/org/freedesktop/DBus", "--method", "org.freedesktop.DBus.NameHasOwner", name)
        return b"true" in said

    def registered_items(self):
        """What the tray host knows of, by bus name and path."""
        said = run_tool("gdbus", "call", "--session", "--dest", "org.kde.StatusNotifierWatcher",
                        "--object-path", "/StatusNotifierWatcher", "--method",
                        "org.freedesktop.DBus.Properties.Get", "org.kde.StatusNotifierWatcher",
                        "RegisteredStatusNotifierItems")
        return re.findall(r"'([^']+)'", said.decode())

    def tooltip(self):
        """What our icon tells the panel to show when the pointer rests on it; empty before there is an icon."""
        for item in self.registered_items():
            name, _, path = item.partition("/")
            said = subprocess.run(["gdbus", "call", "--session", "--dest", name, "--object-path", "/" + path,
                                   "--method", "org.freedesktop.DBus.Properties.Get",
                                   "org.kde.StatusNotifierItem", "ToolTip"], text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            if "'" in said:
                return said.rsplit("'", 2)[1]
        return ""

    def wait_for_tooltip(self, text, timeout=TIMEOUT):
        wait(f"the tooltip {text!r}", timeout, lambda: text in self.tooltip())

    def windows(self, class_name, wanted=lambda box: True):
        """The boxes of the visible windows of this class."""
        done = subprocess.run(["xdotool", "search", "--onlyvisible", "--class", f"^{class_name}$"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        boxes = []
        for window in done.stdout.split():
            # xdotool counts the frame of the window manager twice.
            said = subprocess.run(["xwininfo", "-id", window], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, check=False).stdout
            shape = dict(re.findall(r"(Absolute upper-left [XY]|Width|Height): +(-?\d+)", said))
            if len(shape) == 4:  # Otherwise it went away in between.
                left, top, width, height = (int(number) for number in shape.values())
                boxes.append(Box(left, top, left + width, top + height))
        return [box for box in boxes if wanted(box)]

    def wait_for_window(self, class_name, timeout=TIMEOUT):
        """The box of a window of this class, once the window manager has put it where it stays."""
        last = None

        def settled():
            nonlocal last
            self.look_when_still()
            before, last = last, next(iter(self.windows(class_name)), None)
            return last if last and before and (last.corner, last.size) == (before.corner, before.size) else None

        return wait(f"a window of {class_name}", timeout, settled)

    # Programs and files ------------------------------------------------------------------------------------

    def path(self, *parts):
        """A path in the scenario's own home."""
        return os.path.join(self.home, *parts)

    def write(self, path, contents):
        """Writes a file in the home and the folders on the way to it; returns its full path."""
        path = self.path(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(contents)
        return path

    def write_in_place(self, path, contents):
        """Replaces a file as careful programs do: a new one is moved to where the old one was."""
        os.replace(self.write(path + ".new", contents), self.path(path))

    def stand_in(self, program, script):
        """Puts a shell script in the place of a program of the desktop."""
        path = self.write(os.path.join("bin", program), f"#!/bin/sh\n{script}\n")
        os.chmod(path, 0o755)

    def start(self, program, *arguments, folder=None, **environment):
        """Starts one of our programs ("visualcron-tray") or examples ("examples/bare_tray"), in a folder if given."""
        found = program if os.path.isabs(program) else os.path.join(self.programs_dir, program)
        assert os.path.exists(found), f"{found} is not built"
        log = self.path(f"program-{len(self.programs)}.log")
        started = Program((found, *arguments), log, {**os.environ, **environment}, folder)
        self.programs.append(started)
        return started

    def opened(self):
        """The folders, files and addresses that programs wanted to open (nothing does open)."""
        try:
            with open(self.path("opened.log"), encoding="utf-8") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def wait_for_opened(self, timeout=TIMEOUT):
        """The last thing that was to be opened since the last call."""
        opened = wait("something to be opened", timeout, self.opened)
        os.remove(self.path("opened.log"))
        return opened[-1]

    def remove(self, path):
        """Removes a folder of the home with all that is in it."""
        shutil.rmtree(self.path(path))

    # Looking -----------------------------------------------------------------------------------------------

    @staticmethod
    def wait_for(what, probe, timeout=TIMEOUT):
        """The first true answer of `probe`."""
        return wait(what, timeout, probe)

    def look(self):
        return Picture(run_tool("import", "-silent", "-window", "root", "-depth", "8", "rgb:-"))

    def look_when_still(self, timeout=TIMEOUT):
        """A picture of the screen once nothing on it moves any more."""
        last = self.look()

        def still():
            nonlocal last
            time.sleep(0.05)
            now = self.look()
            same, last = now.rgb == last.rgb, now
            return same

        wait("a screen that stands still", timeout, still)
        return last

    def changed(self, within=SCREEN):
        """The box of all that is other than it was before the program started, or None."""
        return self.look_when_still().difference(self.base, within)

    def words(self, picture, within):
        """What OCR reads there: lists of (text, Box), one list a line."""
        key = (within.left, within.top, *within.size, picture.crop(within))
        if self._read[0] == key:
            return self._read[1]
        scale, (width, height) = 3, within.size
        enlarged = run_tool("convert", "-size", f"{width}x{height}", "-depth", "8", "rgb:-", "-colorspace",
                            "Gray", "-filter", "Triangle", "-resize", f"{scale * 100}%", "-bordercolor",
                            "white", "-border", "10", "pgm:-", input=key[-1])
        table = run_tool("tesseract", "stdin", "stdout", "--dpi", "200", "--psm", "11", "tsv", input=enlarged)
        lines = {}
        for row in table.decode(errors="replace").splitlines()[1:]:
            cells = row.split("\t")
            if len(cells) < 12 or not cells[11].strip():
                continue
            left, top, wide, high = ((int(cell) - 10) // scale for cell in cells[6:10])
            wide, high = wide + 10 // scale, high + 10 // scale
            box = Box(within.left + left, within.top + top, within.left + left + wide,
                      within.top + top + high)
            lines.setdefault(tuple(cells[2:5]), []).append((cells[11], box))
        self._read = (key, list(lines.values()))
        return self._read[1]

    def read(self, within=None):
        """The text on the screen, line by line: of a box, or of all that has changed."""
        box = within or self.changed(ABOVE_PANEL)
        if box is None:
            return ""
        lines = self.words(self.look_when_still(), box)
        return "\n".join(" ".join(text for text, _ in line) for line in lines)

    def find_text(self, text, within=None, timeout=TIMEOUT, region=ABOVE_PANEL):
        """The box of a text on the screen; waits for it. Looks at what has changed in the region, or within a
        box."""
        wanted = plain(text)
        seen = ""

        def best():
            nonlocal seen
            picture = self.look_when_still()
            box = within or picture.difference(self.base, region)
            if box is None or min(box.size) < 8:
                return None
            lines = self.words(picture, box.grown(2))
            seen = "\n".join(" ".join(word for word, _ in line) for line in lines)
            found = []
            for line in lines:
                for start in range(len(line)):
                    for end in range(start + 1, len(line) + 1):
                        part = plain("".join(word for word, _ in line[start:end]))
                        if len(part) > len(wanted) + 4:
                            break
                        likeness = difflib.SequenceMatcher(None, part, wanted).ratio()
                        # One letter misread is forgiven in a long text, not in "Exit".
                        if likeness == 1 or (likeness > 0.85 and len(wanted) > 5):
                            found.append((likeness, -abs(len(line) - (end - start)), start, end, line))
            if not found:
                return None
            *_, start, end, line = max(found, key=lambda entry: entry[:2])
            box = line[start][1]
            for _, other in line[start + 1:end]:
                box = box.joined(other)
            return box

        try:
            return wait(f"the text {text!r} on the screen", timeout, best, pause=0.1)
        except AssertionError as error:
            raise AssertionError(f"{error}; read:\n{seen}") from None

    def expect(self, *texts, within=None):
        """Each of the texts is seen, or comes to be seen."""
        for text in texts:
            self.find_text(text, within)

    def has_text(self, text, within=None):
        try:
            return bool(self.find_text(text, within, timeout=0))
        except AssertionError:
            return False

    def shot(self, name, box=None, padding=0):
        """Saves a picture of the screen, or of a box of it, as NAME.png. Returns its path."""
        picture, box = self.look_when_still(), (box or SCREEN).grown(padding)
        path = os.path.join(self.out, f"{name}.png")
        run_tool("convert", "-size", "{}x{}".format(*box.size), "-depth", "8", "rgb:-", "-strip", path,
                 input=picture.crop(box))
        return path

    def shot_of_changes(self, name, padding=16):
        """Saves only what has changed since the program started, with its surroundings; for the README."""
        box = self.changed()
        assert box, "nothing on the screen has changed"
        return self.shot(name, box, padding)

    def page_shot(self, name, page):
        """Saves a page as a browser shows it, on light and on dark, where there is a chromium to do so."""
        if not shutil.which("chromium"):
            return
        for shade, scheme in (("light", "1"), ("dark", "0")):
            picture = os.path.join(self.out, f"{name}-{shade}.png")
            run_tool("timeout", "60", "chromium", "--headless", "--no-sandbox", "--disable-gpu",
                     "--hide-scrollbars", "--window-size=1100,760", f"--user-data-dir={self.path('chromium')}",
                     f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={picture}",
                     f"file://{page}")

    # Doing -------------------------------------------------------------------------------------------------

    def move(self, x, y):
        run_tool("xdotool", "mousemove", str(x), str(y))

    def click(self, x, y, button=1):
        run_tool("xdotool", "mousemove", str(x), str(y), "click", str(button))

    def key(self, *keys):
        run_tool("xdotool", "key", *keys)

    def type(self, text):
        run_tool("xdotool", "type", "--delay", "5", text)

    def copy(self, text):
        """Puts a text into the clipboard, as another program would."""
        # It stays as the owner, in the background: with a pipe to us that would never end.
        subprocess.run(["xclip", "-selection", "clipboard"], input=text.encode(), check=True, timeout=TIMEOUT,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def copied(self):
        """The text in the clipboard."""
        return run_tool("xclip", "-selection", "clipboard", "-out").decode()

    def click_text(self, text, within=None, timeout=TIMEOUT):
        self.click(*self.find_text(text, within, timeout).centre)

    # The tray ----------------------------------------------------------------------------------------------

    def wait_for_icon(self, timeout=TIMEOUT):
        """The box of the icon: first it is registered, then it is seen in the panel."""
        wait("an icon to register", timeout, self.registered_items)

        def seen():
            box = self.look_when_still().difference(self.base, PANEL_BOX)
            return box if box and min(box.size) >= 10 else None

        self.icon = wait("the icon in the panel", timeout, seen)
        return self.icon

    def wait_for_no_icon(self, timeout=TIMEOUT):
        wait("the icon to go", timeout, lambda: not self.registered_items())
        wait("the panel to be as before", timeout,
             lambda: self.look_when_still().difference(self.base, PANEL_BOX) is None)
        self.icon = None

    def left_click_icon(self):
        self.click(*(self.icon or self.wait_for_icon()).centre)

    def right_click_icon(self, timeout=TIMEOUT):
        """Opens the menu and waits until it is seen; returns its box."""
        icon = self.icon or self.wait_for_icon()
        deadline = time.monotonic() + timeout
        self.move(*REST)  # A tooltip that is still there would be taken for a part of the menu.
        while True:
            before = self.look_when_still()
            self.click(*icon.centre, button=3)
            try:
                # Only the panel's side of the screen: a bubble may come or go meanwhile.
                wait("the menu", 3, lambda: self._popup(before))
                return self.look_when_still().difference(before, ABOVE_PANEL)
            except AssertionError:
                # The panel had not yet read the menu and showed none, or an empty one.
                self.key("Escape")
                if time.monotonic() > deadline:
                    raise

    def _popup(self, before):
        box = self.look().difference(before, ABOVE_PANEL)
        # A menu stands on the panel; a notification that comes at this moment keeps away from it.
        return box if box and min(box.size) >= 20 and box.bottom >= HEIGHT - PANEL - 3 else None

    def open_submenu(self, label, menu, *texts):
        """Opens a submenu of the menu in this box and sees these texts there; returns the submenu's box.

        The first text must tell it apart from a submenu that is still open.
        """
        beside = Box(0, 0, menu.left - 2, HEIGHT - PANEL)
        self.click_text(label, menu)
        for text in texts:
            self.find_text(text, region=beside)
        return self.look_when_still().difference(self.base, beside)

    def choose(self, *labels):
        """Clicks through the open menu: `choose("Client", "Open log folder")`."""
        for label in labels:
            self.click_text(label)
        self.move(*REST)

    def choose_from_icon(self, *labels):
        self.right_click_icon()
        self.choose(*labels)

    def rest_on_icon(self, text):
        """Rests the pointer on the icon until a tooltip with this text is seen."""
        self.move(*(self.icon or self.wait_for_icon()).centre)
        self.find_text(text)

    def close_menu(self):
        self.key("Escape", "Escape")
        self.move(*REST)

    # Notifications -----------------------------------------------------------------------------------------

    def bubbles(self):
        return self.windows("Xfce4-notifyd", lambda box: min(box.size) >= 30)

    def wait_for_bubble(self, text="", timeout=TIMEOUT):
        """The box of a notification, one with this text if given."""

        def seen():
            for box in self.bubbles():
                if not text or self.has_text(text, box):
                    return box
            return None

        return wait(f"a notification {text!r}", timeout, seen)

    def close_bubbles(self):
        """Dismisses all notifications."""
        while self.bubbles():
            box = self.bubbles()[0]
            self.click(box.right - 4, box.top + 4)
            self.wait_for("a notification to go", lambda: box.corner not in [b.corner for b in self.bubbles()])
        self.move(*REST)

    def wait_for_no_bubble(self, timeout=TIMEOUT):
        wait("the notification to go", timeout, lambda: not self.bubbles())

    def dismiss_bubble(self, text=""):
        """A click on a notification, beside its buttons."""
        box = self.wait_for_bubble(text)
        self.click(box.right - 4, box.top + 4)
        self.move(*REST)
        wait(f"the notification {text!r} to go", TIMEOUT,
             lambda: box.corner not in [other.corner for other in self.bubbles()])

    def click_bubble_action(self, label, text=""):
        """Presses a button of a notification."""
        self.click_text(label, self.wait_for_bubble(text))
        self.move(*REST)


def main(path):
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    scenario = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(scenario)
    desk = Desk()
    try:
        desk.open()
        scenario.run(desk)
        return 0
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc()
        for program in desk.programs:
            print(f"--- {program.name} said ---\n{program.output()}")
        try:
            print("picture:", desk.shot(f"failed-{name}"))
        except (AssertionError, OSError) as error:
            print("no picture:", error)
        return 1
    finally:
        desk.close()


if __name__ == "__main__":
    sys.modules["desk"] = sys.modules["__main__"]
    sys.exit(main(sys.argv[1]))
