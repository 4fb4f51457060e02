"""Clear server cache as a user does it: from the tray's menu, through the window, until everything runs again."""

import glob
import os
import shutil
import socket

import real
from desk import PANEL_BOX

OLD = f"<ArrayOfConnection>{real.server('PROD-01', 12, kind='Subscription')}{real.server('PROD-02', 200, port=16445)}</ArrayOfConnection>"
NEW = f"<ArrayOfConnection>{real.server('PROD-01', 377, kind='Subscription')}{real.server('PROD-02', 200, port=16445)}</ArrayOfConnection>"


def run(desk):
    desk.write(".local/share/VisualCron/log/log_remote20261124.txt", "")
    servers_xml = desk.write(real.SERVERS_XML, OLD)
    folder = os.path.dirname(servers_xml)
    client_program, vendor_program = (stand_in(desk, name) for name in ("VisualCronClient", "VCTray"))
    # It stands for a license host that does not answer. It is asked on port 443: only the superuser can be that.
    license_host = socket.create_server(("127.0.0.1", 443))
    real.settings(desk, license_host='host = "localhost"\ncheck_on_refresh = false')
    with open(desk.path(real.SETTINGS), "a", encoding="utf-8") as settings:
        settings.write(f"[visualcron]\nclient_program = '{client_program}'\n[recovery]\nclose_seconds = 120\n")

    # It holds its file open, takes its time to close, and writes the file anew when it starts without one.
    work = desk.path("work")
    os.mkdir(work)
    arguments = ["--hold", servers_xml, "--on-start", servers_xml, NEW, "--until", desk.path("saved")]
    client = desk.start(client_program, *arguments, folder=work)
    vendor = desk.start(vendor_program, "--quiet")
    tray = real.start(desk)
    desk.wait_for_icon()
    desk.dismiss_bubble("PROD-01: Subscription expires in 12 days")

    # From the menu to the window.
    desk.right_click_icon()
    desk.shot_of_changes("clear-cache-menu")
    desk.choose("Clear server cache")
    box = desk.wait_for_window("visualcron-tray")
    desk.expect("First the cheap steps", "Close the VisualCron Client", "VCTray.exe", "Cancel", within=box)
    desk.shot("clear-cache-plan", box)
    desk.find_text("no answer in time", box)
    license_host.close()
    assert client.is_running() and vendor.is_running() and tray.is_running(), "nothing was done before it was asked for"

    # Confirmed by the keyboard: the Client is asked to close, and takes its time.
    desk.key("alt+c")
    # A slow disk: while the rename takes its time, one sees what does not run.
    slow = slow_rename(desk, helper(desk))
    desk.expect("Clearing the server cache", "s left", within=box)
    desk.shot("clear-cache-closing")
    desk.write("saved", "")
    assert client.wait_for_exit() == 0, client.output()
    assert vendor.wait_for_exit() == 0, vendor.output()
    assert tray.wait_for_exit() == 0, tray.output()
    desk.wait_for_no_icon()
    desk.find_text("Rename", box)
    desk.shot("clear-cache-no-icon")
    assert open(servers_xml, encoding="utf-8").read() == OLD, "it is not renamed yet"
    assert desk.look().difference(desk.base, PANEL_BOX) is None, "the icon is gone"
    slow.process.terminate()

    # Everything runs again, as it ran.
    desk.wait_for_icon(timeout=40)
    desk.wait_for_bubble("Clear server cache has ended", timeout=40)
    desk.find_text("The server cache was cleared", box, timeout=40)
    desk.expect("Before and after", "PROD-01", real.day(12), f"{real.day(377)} (new)", "The backup", within=box)
    desk.shot("clear-cache-done")
    again = desk.wait_for("the Client", lambda: desk.processes(client_program))
    assert [process["arguments"] for process in again] == [arguments], again
    assert again[0]["folder"] == work and again[0]["environment"]["DISPLAY"] == os.environ["DISPLAY"], again
    assert [process["arguments"] for process in desk.processes(vendor_program)] == [["--quiet"]]
    assert open(servers_xml, encoding="utf-8").read() == NEW
    backups = glob.glob(os.path.join(folder, "servers.xml.*.bak"))
    assert [open(backup, encoding="utf-8").read() for backup in backups] == [OLD], backups

    # The result stays in the menu until it is seen there.
    desk.close_bubbles()
    desk.shot("clear-cache-result", box)
    desk.key("Escape")
    desk.wait_for("the window to go", lambda: not desk.windows("visualcron-tray"))
    menu = desk.right_click_icon()
    desk.expect("The server cache was cleared", "PROD-01: Subscription expires in 377 days", within=menu)
    desk.shot_of_changes("clear-cache-menu-after")
    desk.choose("Clear server cache: The server cache was cleared")
    menu = desk.right_click_icon()
    assert not desk.has_text("The server cache was cleared", menu)
    desk.choose("Exit")
    desk.wait_for_no_icon()


def stand_in(desk, name):
    path = desk.path("program", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    shutil.copy(os.path.join(desk.programs_dir, "examples", "stand_in"), path)
    return path


def helper(desk):
    """The process that does the work, told by its verb."""
    tray = os.path.join(desk.programs_dir, "visualcron-tray")
    found = desk.wait_for("the helper", lambda: [process["pid"] for process in desk.processes(tray)
                                                 if process["arguments"][:1] == ["recover"]])
    assert len(found) == 1, found
    return found[0]


def slow_rename(desk, pid):
    """From now on a rename of this process waits until this is ended. Returns once that is so."""
    trace = desk.start(shutil.which("strace"), "-o", "/dev/null", "-e", "trace=renameat2", "-e",
                       "inject=renameat2:delay_enter=600000000", "-p", str(pid))
    trace.wait_for_output("attached")
    return trace
