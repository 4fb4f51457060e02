"""The six states of the icon, on a light and on a dark panel, reached by changing files under a running tray."""

import os
import socket

import real
from desk import Box, HEIGHT, PANEL, run_tool

ORDER = ("fine", "notice", "expired", "disconnected", "unknown", "busy")


def run(desk):
    # A port that answers, one that refuses, and one that keeps the caller waiting: its queue is full.
    open_port = socket.create_server(("127.0.0.1", 0), backlog=64)
    shut_port = socket.create_server(("127.0.0.1", 0))
    refusing = shut_port.getsockname()[1]
    shut_port.close()
    # It stands for the license host, which is asked on port 443: only the superuser can be that.
    slow_port = socket.create_server(("127.0.0.1", 443), backlog=0)
    slow = slow_port.getsockname()[1]
    queue = []
    for _ in range(3):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", slow))
        queue.append(client)

    pictures = {}
    for shade, theme in (("light", "Adwaita"), ("dark", "Adwaita:dark")):
        if shade == "dark":
            desk.stop_panel()
            desk.start_panel(theme)
            desk.look_anew()
        seen = all_states(desk, open_port.getsockname()[1], refusing)
        for state, picture in seen.items():
            pictures[shade, state] = save(desk, f"state-{shade}-{state}", picture)
    contact_picture(desk, pictures)


def all_states(desk, answering, refusing):
    """Each state as it is seen in the panel."""
    check = 'check = "all"\nevery_seconds = 3600\ntimeout_seconds = {}'
    real.settings(desk, check.format(2))
    real.servers(desk, real.server("PROD-01", None, answering))
    tray = real.start(desk)
    centre = desk.wait_for_icon().centre
    cell = Box(centre[0] - PANEL // 2, HEIGHT - PANEL + 1, centre[0] + PANEL // 2, HEIGHT)
    seen = {}

    def take(state, tooltip):
        desk.wait_for_tooltip(tooltip)

        def other():
            picture = desk.look_when_still().crop(cell)
            return picture if picture not in seen.values() else None

        seen[state] = desk.wait_for(f"the icon to be {state}", other)

    take("unknown", "PROD-01: Maintenance date unknown")
    real.servers(desk, real.server("PROD-01", 200, answering))
    take("fine", "PROD-01: Maintenance expires in 200 days")
    real.servers(desk, real.server("PROD-01", 25, answering))
    take("notice", "PROD-01: Maintenance expires in 25 days")
    desk.rest_on_icon("PROD-01: Maintenance expires in 25 days")
    desk.move(320, 200)
    menu = desk.right_click_icon()
    desk.expect("PROD-01: Maintenance expires in 25 days", within=menu)
    desk.close_menu()
    real.servers(desk, real.server("PROD-01", -3, answering))
    take("expired", "PROD-01: Maintenance expired 3 days ago")
    real.servers(desk, real.server("PROD-01", 200, refusing))
    # An address that has changed is another server: the port is asked when the settings change.
    real.settings(desk, check.format(3))
    take("disconnected", "Not connected to PROD-01: connection refused")
    real.servers(desk, real.server("PROD-01", 200, answering))
    real.settings(desk, check.format(4), 'host = "127.0.0.1"')
    desk.wait_for_tooltip("PROD-01: Maintenance expires in 200 days")
    desk.choose_from_icon("Refresh license data")
    take("busy", "PROD-01")
    tray.process.terminate()
    assert tray.wait_for_exit() == 0
    desk.wait_for_no_icon()
    # The next one starts as a new user.
    desk.remove("data")
    desk.close_bubbles()
    return seen


def save(desk, name, rgb):
    path = os.path.join(desk.out, f"{name}.png")
    run_tool("convert", "-size", f"{PANEL}x{PANEL - 1}", "-depth", "8", "rgb:-", "-strip", path, input=rgb)
    return path


def contact_picture(desk, pictures):
    """All states side by side: four times as large, as they are in the panel, and their names."""
    rows = []
    for shade, back, front in (("light", "#f6f5f4", "#2e3436"), ("dark", "#353535", "#eeeeec")):
        cells = []
        for state in ORDER:
            cells += ["(", "(", pictures[shade, state], "-filter", "point", "-resize", "400%", ")",
                      "(", pictures[shade, state], ")", "(", "-background", back, "-fill", front, "-font",
                      "DejaVu-Sans", "-pointsize", "13", f"label:{state}", ")", "-background", back,
                      "-gravity", "center", "-append", ")"]
        row = os.path.join(desk.out, f"states-{shade}.png")
        run_tool("convert", *cells, "-background", back, "-gravity", "north", "+append", "-bordercolor",
                 back, "-border", "10x8", "-strip", row)
        rows.append(row)
    run_tool("convert", *rows, "-append", "-strip", os.path.join(desk.out, "states.png"))
