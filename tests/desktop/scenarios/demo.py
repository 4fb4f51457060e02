"""The demo: icon, the whole menu and its submenus, a folder that opens, the Client, and an end without a trace."""

import os

from desk import ABOVE_PANEL


def run(desk):
    # A file manager: a window that lists the folder.
    desk.stand_in("xdg-open", f'printf "%s\\n" "$1" >> "{desk.path("opened.log")}"\n'
                  '[ ! -d "$1" ] || ls -l "$1" | tail -n +2 | cut -c 1-10,24- | '
                  'exec xmessage -title "Folder $(basename "$1")" -geometry +420+120 -buttons Close -file -')
    tray = desk.start("visualcron-tray", "demo")
    bubble = desk.wait_for_bubble("3 licenses need renewal, 2 of them expired")
    desk.expect("Renew", "Remind me tomorrow", "Details", within=bubble)
    assert desk.read(bubble).count("Details") == 1, "one button for the details"
    desk.shot("demo-bubble", bubble, padding=16)
    desk.dismiss_bubble()
    desk.wait_for_tooltip("2 expired, 1 expiring, 1 active, 1 unknown. TEST-01: Maintenance expired")
    desk.rest_on_icon("2 expired, 1 expiring, 1 active, 1 unknown. TEST-01: Maintenance expired")
    desk.shot_of_changes("demo-tooltip")

    menu = desk.right_click_icon()
    desk.expect("Maintenance notices: 3 servers", "OLD-01: Maintenance expired", "TEST-01: Maintenance expired 4",
                "PROD-02: Maintenance expires in", "BRANCH-07: Maintenance date unknown", "Refresh license data",
                "Clear server cache", "Settings", "Client", "Server", "Start Tray Client on startup", "About",
                "Exit", within=menu)
    desk.open_submenu("PROD-01: Subscription expires in 25 days", menu, "Copy server id", "Renew",
                      "Version 13.2.2: covered by Maintenance", "Newest covered version",
                      "Kind of license: subscription, Pro")
    desk.shot_of_changes("demo-menu", padding=12)
    desk.open_submenu("Server", menu, "Connected: PROD-01", "Open log folder", "Open settings folder")
    desk.shot_of_changes("demo-menu-server")
    client = desk.open_submenu("Client", menu, "Start", "Open log folder", "Open settings folder")
    desk.shot_of_changes("demo-menu-client")
    desk.click_text("Open log folder", client)
    desk.move(320, 200)
    opened = desk.wait_for_opened()
    assert opened.endswith("/VisualCron/log"), opened
    assert os.listdir(opened), "there is a log"
    desk.find_text("Folder log")
    desk.shot("demo-folder")
    window = desk.changed(ABOVE_PANEL)
    desk.click(window.left + 30, window.bottom - 20)
    desk.wait_for("the file manager to go", lambda: not desk.windows("Xmessage"))

    desk.left_click_icon()
    desk.wait_for_bubble("The stand-in Client has started")
    desk.shot_of_changes("demo-client")
    desk.choose_from_icon("Exit")
    assert tray.wait_for_exit() == 0
    desk.wait_for_no_icon()
    assert not os.listdir(desk.path("tmp")), "nothing is left behind"
