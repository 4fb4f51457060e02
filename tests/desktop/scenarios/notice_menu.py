"""Renew on the bubble opens the order page; Got it in the menu ends the notice, and the icon is fine again."""

import real


def run(desk):
    # Renewal has just become possible: a notice is open, but nothing expires soon.
    real.servers(desk, real.server("PROD-01", 60))
    tray = real.start(desk)
    desk.click_bubble_action("Renew", "PROD-01: Maintenance expires in 60 days")
    assert desk.wait_for_opened() == "https://admin.visualcron.com/mylicenses.aspx"
    desk.wait_for_no_bubble()
    icon = desk.wait_for_icon()
    notice = desk.look_when_still().crop(icon)

    menu = desk.right_click_icon()
    desk.open_submenu("Maintenance notice: PROD-01", menu, "Got it", "Renew", "Remind me tomorrow")
    desk.shot_of_changes("notice-menu")
    desk.choose("Got it")
    wanted = "the icon to be fine again"
    desk.wait_for(wanted, lambda: desk.look_when_still().crop(icon) != notice)
    menu = desk.right_click_icon()
    desk.expect("PROD-01: Maintenance expires in 60 days", "Settings", within=menu)
    assert not desk.has_text("Maintenance notice", menu)
    desk.shot_of_changes("notice-got-it")
    desk.choose("Exit")
    assert tray.wait_for_exit() == 0
