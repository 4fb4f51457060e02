"""A tray that starts before the panel, and outlives two panels: its icon comes back, with all that it offers."""

import real


def run(desk):
    real.servers(desk, real.server("PROD-01", 200))
    desk.stop_panel()
    tray = real.start(desk)
    desk.start_panel()
    desk.wait_for_icon()

    desk.stop_panel()
    assert tray.is_running()
    # What changes meanwhile is there when the panel is back.
    real.servers(desk, real.server("PROD-01", 300))
    desk.dismiss_bubble("A renewed date has arrived")
    desk.start_panel()
    desk.wait_for_icon()
    desk.wait_for_tooltip("PROD-01: Maintenance expires in 300 days")
    menu = desk.right_click_icon()
    desk.expect("PROD-01: Maintenance expires in 300 days", within=menu)
    desk.choose("Exit")
    assert tray.wait_for_exit() == 0
    desk.wait_for_no_icon()
