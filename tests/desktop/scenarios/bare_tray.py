"""The least tray on the real desktop: proves the desktop and desk.py, not the product."""

GREEN = (0x00, 0xB0, 0x50)


def run(desk):
    tray = desk.start("examples/bare_tray")
    icon = desk.wait_for_icon()
    assert desk.look().count(GREEN, icon) > 200, "the icon is green"

    menu = desk.right_click_icon()
    desk.shot("bare_tray")
    desk.shot_of_changes("bare_tray-menu")
    for label in ("Client", "Server", "Exit"):
        desk.find_text(label, menu)

    desk.choose("Client")
    tray.wait_for_output("clicked client")
    desk.left_click_icon()
    tray.wait_for_output("left click")

    desk.choose_from_icon("Exit")
    assert tray.wait_for_exit() == 0
    desk.wait_for_no_icon()
